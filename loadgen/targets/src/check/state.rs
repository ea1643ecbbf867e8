//! `[[state.orders]]`, `[[state.stocks]]`, `[[state.registers]]`, `[[state.log]]`: each is read in one way, and its rows say what the model needs.

use super::checker::Checker;
use crate::document::join;
use crate::file::{self, ModelKind, TargetFile, WhenRead};
use crate::state::{EntryRow, OrderRow, RegisterRow, RowReader, StateRow, StockRow};
use crate::target::{Model, Place, Places, Source};
use crate::template::{self, Scope};

/// The places of each kind.
pub(super) struct Kept {
    pub(super) orders: Places<OrderRow>,
    pub(super) stocks: Places<StockRow>,
    pub(super) registers: Places<RegisterRow>,
    pub(super) log: Places<EntryRow>,
}

pub(super) fn check(checker: &mut Checker<'_>, file: &TargetFile, model: &Model) -> Kept {
    let state = &file.state;
    let of_keys = matches!(model.kind, ModelKind::Register | ModelKind::Log);
    let fits = [
        ("orders", &state.orders, !of_keys, "registers and logs have no orders"),
        ("stocks", &state.stocks, !of_keys, "registers and logs have no stocks"),
        (
            "registers",
            &state.registers,
            model.kind == ModelKind::Register,
            "the model has no registers",
        ),
        ("log", &state.log, model.kind == ModelKind::Log, "the model has no log"),
    ];
    for (name, sources, fits, what) in fits {
        if !sources.is_empty() && !fits {
            let fix = "take it out, or write another model.kind: \"register\" has [[state.registers]], \"log\" has [[state.log]]";
            checker.add(&join("state", name), what, fix);
        }
    }
    let names_log =
        |source: &file::Source| source.row.as_ref().is_some_and(|row| row.register.is_some());
    if model.keys.len() > 1 && !state.log.iter().all(names_log) {
        let fix = "give row.register, or write model.keys = 1";
        checker.add("state.log", "does not say which of several logs an entry is of", fix);
    }
    Kept {
        orders: check_all(checker, "state.orders", &state.orders, file),
        stocks: check_all(checker, "state.stocks", &state.stocks, file),
        registers: check_all(checker, "state.registers", &state.registers, file),
        log: check_all(checker, "state.log", &state.log, file),
    }
}

fn check_all<T: StateRow>(
    checker: &mut Checker<'_>,
    section: &str,
    sources: &[file::Source],
    file: &TargetFile,
) -> Places<T> {
    let mut places: Places<T> = Vec::new();
    for (index, source) in sources.iter().enumerate() {
        let field = format!("{section}[{index}]");
        for n in checker.repeats(&join(&field, "n"), source.n.as_ref()) {
            let process = checker.name(&join(&field, "process"), &source.process, n);
            checker.knows_process(&join(&field, "process"), &process);
            let declared = checker.processes.iter().find(|declared| declared.name == process);
            let of = declared.and_then(|declared| file.processes.get(&declared.key));
            let is_adopted = of.is_some_and(|process| process.adopt.is_some());
            if is_adopted && source.read == WhenRead::Stopped {
                checker.add(
                    &join(&field, "read"),
                    format!("`{process}` is adopted, and goes on when all others are stopped"),
                    "read it while it runs",
                );
            }
            if places.iter().any(|place| place.process == process) {
                let what = format!("`{process}` has a place already");
                checker.add(&join(&field, "process"), what, "a process has one place for each");
            }
            let scope = checker.scope(template::Place::State, n);
            let Some(read) = check_source(checker, &field, source, file, &scope) else { continue };
            let Some(reader) = reader(checker, &field, source) else { continue };
            places.push(Place { process, source: read, when: source.read, reader });
        }
    }
    places
}

/// How the rows are read.
fn reader<T: StateRow>(
    checker: &mut Checker<'_>,
    field: &str,
    source: &file::Source,
) -> Option<RowReader<T>> {
    match RowReader::compile(source) {
        Ok(reader) => Some(reader),
        Err(problems) => {
            checker.add_all(field, problems);
            None
        }
    }
}

fn check_source(
    checker: &mut Checker<'_>,
    field: &str,
    source: &file::Source,
    file: &TargetFile,
    scope: &Scope,
) -> Option<Source> {
    let of = |name: &str| format!("{field}.{name}");
    let dumps = source.dump == Some(true);
    let ways = [
        ("file", source.file.is_some()),
        ("url", source.url.is_some()),
        ("exec", source.exec.is_some()),
        ("sqlite", source.sqlite.is_some()),
        ("dump", dumps),
    ];
    let given: Vec<&str> = ways.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    let fix = "give exactly one of file, url, exec, sqlite, dump";
    let way = match given.as_slice() {
        [way] => *way,
        [] => {
            checker.add(field, "does not say where it is read from", fix);
            return None;
        }
        several => {
            checker.add(
                field,
                format!(
                    "says in {} ways where it is read from: {}",
                    several.len(),
                    several.join(", ")
                ),
                fix,
            );
            return None;
        }
    };
    let belongs = [
        ("method", source.method.is_some(), "url"),
        ("headers", !source.headers.is_empty(), "url"),
        ("body", source.body.is_some(), "url"),
        ("query", source.query.is_some(), "sqlite"),
    ];
    for (name, is_given, whose) in belongs {
        if is_given && way != whose {
            checker.add(
                &of(name),
                format!("belongs to {whose}, and it is read by {way}"),
                "take it out",
            );
        }
    }
    if dumps && file.client.is_none() {
        checker.add(
            &of("dump"),
            "there is no [client] that could be asked",
            "describe one, or read it in another way",
        );
    }
    if source.read == WhenRead::Stopped && dumps {
        checker.add(&of("read"), "who was stopped cannot be asked", "write \"running\"");
    }
    let trial = Scope { place: template::Place::Trial, ..scope.clone() };
    let read = match way {
        "file" => Source::File(checker.path(&of("file"), source.file.as_deref()?, &trial)),
        "url" => Source::Url(checker.request(
            field,
            source.method.as_deref(),
            source.url.as_deref()?,
            &source.headers,
            source.body.as_deref(),
            scope,
        )),
        "exec" => Source::Exec(checker.command(&of("exec"), source.exec.as_ref()?, scope)),
        "sqlite" => {
            let path = checker.path(&of("sqlite"), source.sqlite.as_deref()?, &trial);
            let query = source.query.clone().unwrap_or_default();
            if !query.trim_start().get(..6).is_some_and(|word| word.eq_ignore_ascii_case("select"))
            {
                checker.add(
                    &of("query"),
                    "is no SELECT",
                    "say what is read: query = \"SELECT ... FROM ...\"",
                );
            }
            Source::Sqlite { path, query }
        }
        _ => Source::Dump,
    };
    Some(read)
}
