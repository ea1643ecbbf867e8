//! `[processes]`: every name that is used is there, and no start waits for itself.

use std::collections::BTreeMap;

use super::checker::{Checker, Declared};
use super::names::MAX_REPEATS;
use super::{dependencies, readiness};
use crate::document::join;
use crate::file::{self, TargetFile};
use crate::target::{self, Process, Restart, Shutdown, Start, Variables};
use crate::template::{CommandTemplate, Place, Scope, Template};

/// How long a process may take to end after its signal.
const SHUTDOWN_SECONDS: u64 = 5;

/// Makes the names and roles known to everything else.
pub(super) fn declare(
    checker: &mut Checker<'_>,
    processes: &BTreeMap<String, file::Process>,
) -> Vec<Declared> {
    let mut declared: Vec<Declared> = Vec::new();
    for (key, process) in processes {
        let field = join("processes", key);
        for n in checker.repeats(&join(&field, "n"), process.n.as_ref()) {
            let name = checker.name(&field, key, n);
            let role = process.role.as_ref();
            let role = role
                .map_or_else(|| name.clone(), |role| checker.name(&join(&field, "role"), role, n));
            if declared.iter().any(|other| other.name == name) {
                checker.add(
                    &field,
                    format!("there are two processes `{name}`"),
                    "put {{ n }} into the name",
                );
            }
            declared.push(Declared { key: key.clone(), n, name, role });
        }
    }
    if processes.is_empty() {
        checker.add(
            "processes",
            "there is no process",
            "describe each in a table [processes.NAME] with a command",
        );
    }
    if declared.len() > MAX_REPEATS as usize {
        let what = format!("there are {} processes", declared.len());
        checker.add("processes", what, format!("{MAX_REPEATS} are the most"));
    }
    declared.sort_by_key(|process| target::natural(&process.name));
    checker.processes.clone_from(&declared);
    declared
}

pub(super) fn check(
    checker: &mut Checker<'_>,
    file: &TargetFile,
    declared: &[Declared],
) -> Vec<Process> {
    let mut processes = Vec::with_capacity(declared.len());
    let mut listeners: BTreeMap<String, String> = BTreeMap::new();
    for declared in declared {
        let Some(process) = file.processes.get(&declared.key) else { continue };
        let checked = check_one(checker, file, declared, process);
        for port in &checked.listens {
            let Some(other) = listeners.insert(port.clone(), checked.name.clone()) else {
                continue;
            };
            let field = join(&join("processes", &declared.key), "listens");
            checker.add(
                &field,
                format!("`{other}` listens on `{port}`, too"),
                "a port is one process's",
            );
        }
        processes.push(checked);
    }
    dependencies::check(checker, declared, &processes);
    processes
}

fn check_one(
    checker: &mut Checker<'_>,
    file: &TargetFile,
    declared: &Declared,
    process: &file::Process,
) -> Process {
    let field = join("processes", &declared.key);
    let of = |name: &str| format!("{field}.{name}");
    let scope = checker.scope(Place::Trial, declared.n);
    let start = check_start(checker, &field, process, &scope);
    let working_dir = match &process.working_dir {
        Some(text) => checker.folder(&of("working_dir"), text, &scope),
        None => Template::nothing(),
    };
    let mut environment: BTreeMap<String, Template> =
        checker.environment(&of("environment"), &process.environment, &scope);
    environment.entry("PYTHONUNBUFFERED".to_owned()).or_insert_with(|| Template::literally("1"));
    let mut depends_on = BTreeMap::new();
    for (other, condition) in &process.depends_on {
        let field = join(&of("depends_on"), other);
        let other = checker.name(&field, other, declared.n);
        if checker.knows_process(&field, &other) {
            depends_on.insert(other, *condition);
        }
    }
    let mut listens = Vec::new();
    for (index, port) in process.listens.iter().enumerate() {
        let field = format!("{}[{index}]", of("listens"));
        let port = checker.name(&field, port, declared.n);
        if checker.ports.contains(&port) {
            listens.push(port);
        } else {
            let ports = std::sync::Arc::clone(&checker.ports);
            checker.add_unknown(&field, "port", &port, ports.iter().map(String::as_str));
        }
    }
    if process.adopt.is_some() {
        check_adopted(checker, file, &field, process, &listens);
    }
    let readiness = readiness::check(
        checker,
        &of("readiness_probe"),
        (&declared.name, process),
        &listens,
        &scope,
    );
    let shutdown = process.shutdown.clone().unwrap_or_default();
    let before = check_before(checker, &of("shutdown.before"), declared, &shutdown.before);
    let inherit = process.inherit.as_ref().map(|inherit| {
        let field = of("inherit");
        let variables = inherit.iter().enumerate();
        variables
            .map(|(index, text)| variables_of(checker, &format!("{field}[{index}]"), text))
            .collect()
    });
    if let Some(path) = process.body_path.as_ref().filter(|path| !is_path(path)) {
        let fix = "it begins with /, and has neither placeholders nor spaces";
        checker.add(&of("body_path"), format!("`{path}` is no path that can be asked"), fix);
    }
    let shutdown = Shutdown {
        before,
        signal: shutdown.signal,
        timeout: checker.seconds(
            &of("shutdown.timeout_seconds"),
            shutdown.timeout_seconds,
            SHUTDOWN_SECONDS,
        ),
    };
    let data = process.data.iter().enumerate();
    let data =
        data.map(|(index, path)| checker.path(&format!("{}[{index}]", of("data")), path, &scope));
    let data = data.collect();
    let mut inner = Vec::new();
    for (name, part) in &process.inner {
        let field = join(&of("inner"), name);
        let name = checker.name(&field, name, declared.n);
        let pid_file = checker.path(&join(&field, "pid_file"), &part.pid_file, &scope);
        inner.push(target::Inner { name, pid_file });
    }
    let user = process.user.as_ref().map(|user| checker.name(&of("user"), user, declared.n));
    let host = process.host.as_ref().map(|host| {
        let host = checker.name(&of("host"), host, declared.n);
        if !file.hosts.contains_key(&host) {
            checker.add_unknown(&of("host"), "host", &host, file.hosts.keys().map(String::as_str));
        }
        host
    });
    Process {
        name: declared.name.clone(),
        role: declared.role.clone(),
        start,
        working_dir,
        environment,
        inherit,
        depends_on,
        readiness,
        shutdown,
        data,
        inner,
        user,
        host,
        listens,
        body_path: process.body_path.clone(),
    }
}

/// Who is stopped after a process: whoever has one of these names or roles.
fn check_before(
    checker: &mut Checker<'_>,
    field: &str,
    process: &Declared,
    names: &[String],
) -> Vec<String> {
    let mut before = Vec::new();
    for (index, text) in names.iter().enumerate() {
        let field = format!("{field}[{index}]");
        let name = checker.name(&field, text, process.n);
        let named = |other: &&Declared| other.name == name || other.role == name;
        let others: Vec<_> =
            checker.processes.iter().filter(named).map(|other| other.name.clone()).collect();
        if others.is_empty() {
            let known: Vec<String> = checker
                .processes
                .iter()
                .flat_map(|other| [other.name.clone(), other.role.clone()])
                .collect();
            let known = known.iter().map(String::as_str);
            checker.add_unknown(&field, "process or role", &name, known);
        }
        if others.contains(&process.name) {
            checker.add(&field, "it would wait for its own end", "name others");
        }
        before.extend(others);
    }
    before
}

fn variables_of(checker: &mut Checker<'_>, field: &str, text: &str) -> Variables {
    let (variables, rest) = if let Some(beginning) = text.strip_suffix('*') {
        (Variables::Beginning(beginning.to_owned()), beginning)
    } else if let Some(ending) = text.strip_prefix('*') {
        (Variables::Ending(ending.to_owned()), ending)
    } else {
        (Variables::Named(text.to_owned()), text)
    };
    if rest.is_empty() || rest.contains(['*', '=', '\0']) {
        let fix = "write a name, or one * at its beginning or its end";
        checker.add(field, format!("`{text}` names no variables"), fix);
    }
    variables
}

fn is_path(text: &str) -> bool {
    text.starts_with('/') && text.chars().all(|c| c.is_ascii_graphic() && !matches!(c, '{' | '}'))
}

/// What makes no sense of a process that something else keeps.
fn check_adopted(
    checker: &mut Checker<'_>,
    file: &TargetFile,
    field: &str,
    process: &file::Process,
    listens: &[String],
) {
    let probe = process.readiness_probe.as_ref();
    if probe.is_some_and(|probe| probe.log_line.is_some()) {
        checker.add(
            &format!("{field}.readiness_probe.log_line"),
            "what an adopted process writes is not in its log here",
            "give one of http_get, tcp, exec",
        );
    }
    for port in listens {
        let free = matches!(
            file.ports.get(port),
            Some(file::Port::Free(_))
                | Some(file::Port::Row(file::PortRow { port: file::PortNumber::Free(_), .. }))
        );
        if free {
            checker.add(
                &format!("{field}.listens"),
                format!(
                    "`{port}` is any port that is free, and an adopted process listens already"
                ),
                "give the number of its port",
            );
        }
    }
}

fn check_start(
    checker: &mut Checker<'_>,
    field: &str,
    process: &file::Process,
    scope: &Scope,
) -> Start {
    let of = |name: &str| format!("{field}.{name}");
    let mut command = |name: &str, command| checker.command(&of(name), command, scope);
    if let Some(adopt) = &process.adopt {
        let adopted = target::Adopt {
            pid: command("adopt.pid", &adopt.pid),
            start: adopt.start.as_ref().map(|start| command("adopt.start", start)),
            kill: adopt.kill.as_ref().map(|kill| command("adopt.kill", kill)),
            pause: adopt.pause.as_ref().map(|pause| command("adopt.pause", pause)),
            resume: adopt.resume.as_ref().map(|resume| command("adopt.resume", resume)),
        };
        if process.command.is_some() || process.restart.is_some() {
            let name = if process.command.is_some() { "command" } else { "restart" };
            checker.add(
                &of(name),
                "there is `adopt` as well",
                "take one of them out: what is adopted is started by adopt.start",
            );
        }
        return Start::Adopt(adopted);
    }
    let started = match &process.command {
        Some(given) => command("command", given),
        None => {
            checker.add(
                field,
                "has no command",
                "give `command`, or `adopt` if something else keeps the process",
            );
            CommandTemplate::Arguments(Vec::new())
        }
    };
    let restart = process.restart.as_ref().map(|restart| Restart {
        command: restart
            .command
            .as_ref()
            .map(|given| checker.command(&of("restart.command"), given, scope)),
        args: checker.arguments(&of("restart.args"), &restart.args, scope),
        environment: checker.environment(&of("restart.environment"), &restart.environment, scope),
    });
    Start::Command { command: started, restart: restart.unwrap_or_default() }
}

impl Checker<'_> {
    /// Arguments, each a text with placeholders.
    pub(super) fn arguments(
        &mut self,
        field: &str,
        args: &[String],
        scope: &Scope,
    ) -> Vec<Template> {
        let compile = |(index, text): (usize, &String)| {
            self.template(&format!("{field}[{index}]"), text, scope)
        };
        args.iter().enumerate().map(compile).collect()
    }

    /// Variables of an environment.
    pub(super) fn environment(
        &mut self,
        field: &str,
        variables: &BTreeMap<String, String>,
        scope: &Scope,
    ) -> BTreeMap<String, Template> {
        for name in variables.keys() {
            if name.is_empty() || name.contains(['=', '\0']) {
                self.add(
                    &join(field, name),
                    format!("`{name}` is no variable's name"),
                    "it must not be empty, nor have an = in it",
                );
            }
        }
        self.templates(field, variables, scope)
    }
}
