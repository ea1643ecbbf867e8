//! `[leader]`, `[client]`, `[capabilities]`: who is asked besides clients, and what the answers are read by.

use std::sync::Arc;

use super::checker::{Checker, Declared};
use crate::document::join;
use crate::expression::Expression;
use crate::file::{self, Guess, ModelKind, Replication, TargetFile};
use crate::leader::LeaderReading;
use crate::target::{
    Capabilities, Client, Counter, Endpoint, Leader, LeaderSource, Otherwise, QueryCounts, Target,
};
use crate::template::{Place, Scope};

/// What expressions on an answer may use.
pub(super) const ANSWER: [&str; 4] = ["status", "headers", "text", "body"];

/// How often is asked who leads: ten times a second shows an election without being a load.
const POLL_MS: u64 = 100;
/// After how long an answer about who leads is none.
const LEADER_DEADLINE_MS: u64 = 1_000;
/// After how long a client program's answer is late, if the file does not say: as an operation's over HTTP.
const CLIENT_DEADLINE_MS: u64 = 6_000;
/// The most client programs: each is a process of this machine.
const MAX_CLIENT_PROCESSES: u64 = 64;

pub(super) fn leader(checker: &mut Checker<'_>, given: Option<&file::Leader>) -> Option<Leader> {
    let given = given?;
    let role = role(checker, given);
    let candidates = match &role {
        Some(role) => checker.of_role("leader.role", role),
        None => checker.processes.iter().map(|process| process.name.clone()).collect(),
    };
    let scope = if given.is.is_some() {
        Scope { processes: candidates, ..checker.scope(Place::EachProcess, None) }
    } else {
        checker.scope(Place::Trial, None)
    };
    if let (Some(_), Some(_)) = (&given.url, &given.exec) {
        checker.add("leader.exec", "there is `url` as well", "take one of them out");
    }
    let source = match (&given.url, &given.exec) {
        (Some(url), _) => {
            let request = checker.request("leader", None, url, &given.headers, None, &scope);
            Some(LeaderSource::Url(request))
        }
        (None, Some(exec)) => {
            Some(LeaderSource::Exec(checker.command("leader.exec", exec, &scope)))
        }
        (None, None) => None,
    };
    if given.is.is_some() && source.as_ref().is_some_and(|source| !source.is_asked_of_each()) {
        let field = if given.url.is_some() { "leader.url" } else { "leader.exec" };
        checker.add(
            field,
            "is the same for every process",
            "put {{ process }} into it, as {{ port[process] }}",
        );
    }
    let belongs = [
        ("headers", !given.headers.is_empty(), given.url.is_some(), "url"),
        ("regex", given.regex.is_some(), given.log.is_some(), "log"),
        ("term", given.term.is_some(), given.is.is_some(), "is"),
        (
            "takes_back",
            given.takes_back.is_some(),
            given.guess.is_some_and(|guess| guess != Guess::None),
            "guess",
        ),
    ];
    for (name, is_given, fits, whose) in belongs {
        if is_given && !fits {
            checker.add(
                &join("leader", name),
                format!("belongs to `{whose}`, which is not there"),
                "take it out",
            );
        }
    }
    if let Some(log) = &given.log {
        checker.knows_process("leader.log", log);
    }
    let poll = checker.milliseconds("leader.poll_ms", given.poll_ms, POLL_MS);
    let deadline =
        checker.milliseconds("leader.deadline_ms", given.deadline_ms, LEADER_DEADLINE_MS);
    let otherwise = given.otherwise.as_ref().and_then(|asked| {
        if given.url.is_none() || given.is.is_some() {
            let what = "nobody can be silent instead of whom others are asked";
            checker.add("leader.otherwise", what, "give url and process, or take it out");
        }
        otherwise(checker, role.as_deref(), asked)
    });
    match LeaderReading::compile(given) {
        Ok(reading) => Some(Leader { reading, source, poll, deadline, otherwise, role }),
        Err(problems) => {
            checker.add_all("leader", problems);
            None
        }
    }
}

/// Who is asked while nobody says who leads.
fn otherwise(
    checker: &mut Checker<'_>,
    role: Option<&str>,
    given: &file::Otherwise,
) -> Option<Otherwise> {
    let field = "leader.otherwise";
    let of_role = |other: &&Declared| role.is_none_or(|role| other.role == role);
    let processes =
        checker.processes.iter().filter(of_role).map(|process| process.name.clone()).collect();
    let scope = Scope { processes, ..checker.scope(Place::EachProcess, None) };
    let request = checker.request(field, None, &given.url, &given.headers, None, &scope);
    if !request.url.uses("process") {
        let fix = "put {{ process }} into it, as {{ port[process] }}";
        checker.add("leader.otherwise.url", "is the same for every process", fix);
    }
    let is = checker.expression("leader.otherwise.is", &given.is, &ANSWER);
    let term = given.term.as_ref();
    let term = term.and_then(|term| checker.expression("leader.otherwise.term", term, &ANSWER));
    let deadline =
        checker.milliseconds("leader.otherwise.deadline_ms", given.deadline_ms, LEADER_DEADLINE_MS);
    Some(Otherwise { request, is: is?, term, deadline })
}

/// The role whose processes may lead: if none is named, the only one with several processes.
fn role(checker: &mut Checker<'_>, given: &file::Leader) -> Option<String> {
    if let Some(role) = &given.role {
        return Some(role.clone());
    }
    let several = |role: &&String| {
        checker.processes.iter().filter(|process| process.role == **role).count() > 1
    };
    let mut roles: Vec<&String> =
        checker.processes.iter().map(|process| &process.role).filter(several).collect();
    roles.dedup();
    roles.sort();
    roles.dedup();
    let role = match roles.as_slice() {
        [role] => Some((*role).clone()),
        _ => None,
    };
    let needs_role = given.is.is_some() || given.guess.is_some_and(|guess| guess != Guess::None);
    if role.is_none() && needs_role {
        checker.add(
            "leader.role",
            "is missing: nothing says which processes may lead",
            "give the role of those that may",
        );
    }
    role
}

pub(super) fn client(checker: &mut Checker<'_>, file: &TargetFile) -> Option<Client> {
    let given = file.client.as_ref()?;
    let operations = &file.operations;
    let state = &file.state;
    let kind = file.model.as_ref().map(|model| model.kind);
    let (all_are_http, all) = match kind {
        Some(ModelKind::Register) => (
            operations.read.is_some()
                && operations.write.is_some()
                && operations.compare_and_set.is_some(),
            "read, write and compare-and-set",
        ),
        Some(ModelKind::Log) => {
            (operations.read.is_some() && operations.append.is_some(), "read and append")
        }
        _ => (
            operations.query.is_some() && operations.trade.is_some() && operations.lookup.is_some(),
            "query, trade and lookup",
        ),
    };
    let mut places =
        state.orders.iter().chain(&state.stocks).chain(&state.registers).chain(&state.log);
    if all_are_http && !places.any(|place| place.dump == Some(true)) {
        let what = format!(
            "would have nothing to do: operations describes {all}, which go over HTTP then"
        );
        checker.add("client", what, "take it out, or those that it shall do");
    }
    let scope = checker.scope(Place::Trial, None);
    let command = checker.command("client.command", &given.command, &scope);
    let processes = u64::from(given.processes.unwrap_or(1));
    let processes = checker.within("client.processes", processes, 1, MAX_CLIENT_PROCESSES);
    let names: Vec<String> = (1..=processes).map(|number| format!("client-{number}")).collect();
    let taken = checker.processes.iter().find(|process| names.contains(&process.name));
    if let Some(name) = taken.map(|process| process.name.clone()) {
        let what = format!("reports call a client program `{name}`, and a process has that name");
        checker.add("client", what, "give the process another one");
    }
    let deadline =
        checker.milliseconds("client.deadline_ms", given.deadline_ms, CLIENT_DEADLINE_MS);
    Some(Client { command, processes: u32::try_from(processes).unwrap_or(1), deadline })
}

pub(super) fn capabilities(checker: &mut Checker<'_>, file: &TargetFile) -> Capabilities {
    let given = &file.capabilities;
    let asks_leader =
        file.leader.as_ref().is_some_and(|leader| leader.url.is_some() || leader.exec.is_some());
    let mut on =
        |name: &str, text: Option<&String>, is_asked: bool, whom: &str| -> Option<Expression> {
            let field = join("capabilities", name);
            let text = text?;
            if !is_asked {
                checker.add(
                    &field,
                    format!("there is no answer that it could be read from: {whom} is not asked"),
                    format!("describe {whom}, or take it out"),
                );
            }
            checker.operation_expression(&field, text, &ANSWER)
        };
    let epoch = on("epoch", given.epoch.as_ref(), asks_leader, "leader.url");
    let in_sync = on("in_sync", given.in_sync.as_ref(), asks_leader, "leader.url");
    let attempts = on(
        "attempts",
        given.attempts.as_ref(),
        file.operations.trade.is_some(),
        "operations.trade",
    );
    let cache_hit = on(
        "cache_hit",
        given.cache_hit.as_ref(),
        file.operations.query.is_some(),
        "operations.query",
    );
    let history = given
        .history
        .as_ref()
        .map(|endpoint| self::endpoint(checker, "capabilities.history", endpoint));
    let dump =
        given.dump.as_ref().map(|endpoint| self::endpoint(checker, "capabilities.dump", endpoint));
    let mut counter = |name: &str, given: &file::Counter| {
        let field = format!("capabilities.query_counts.{name}");
        if given.series.is_empty() {
            let fix =
                "give the beginning of the lines that count, as 'requests_total{path=\"/stocks\"'";
            checker.add(&join(&field, "series"), "is empty", fix);
        }
        let scope = checker.scope(Place::Trial, None);
        let request = checker.request(&field, None, &given.url, &given.headers, None, &scope);
        Counter { request, series: given.series.clone() }
    };
    let query_counts = given.query_counts.as_ref().map(|counts| QueryCounts {
        answered: counter("answered", &counts.answered),
        passed_on: counter("passed_on", &counts.passed_on),
    });
    let (attempts, cache_hit) = (attempts.map(Arc::new), cache_hit.map(Arc::new));
    let uses_all_links = given.uses_all_links;
    Capabilities {
        history,
        dump,
        epoch,
        in_sync,
        attempts,
        cache_hit,
        query_counts,
        uses_all_links,
    }
}

/// Who dumps what is known by the places of `[[state]]`, and a dump stands for all of them.
pub(super) fn dump(checker: &mut Checker<'_>, file: &TargetFile, target: &Target) {
    let Some(dump) = &target.capabilities.dump else { return };
    const FIELD: &str = "capabilities.dump.roles";
    let orders = target.orders.iter().map(|place| &place.process);
    let stocks = target.stock_places.iter().map(|place| &place.process);
    for name in orders.clone().chain(stocks.clone()).filter(|name| !dump.processes.contains(name)) {
        let what = format!("`{name}` has a place in [[state]], and is asked for no dump");
        checker.add(FIELD, what, "add its role: a dump stands for all of [[state]]");
    }
    let of = |name: &String| {
        let both = (orders.clone().any(|one| one == name), stocks.clone().any(|one| one == name));
        match both {
            (true, true) => Some("keeps orders and stocks"),
            (false, false) => Some("keeps neither orders nor stocks"),
            _ => None,
        }
    };
    for name in &dump.processes {
        if let Some(what) = of(name) {
            let fix = "those that dump have a place in [[state.orders]] or in [[state.stocks]]";
            checker.add(FIELD, format!("`{name}` {what}"), fix);
        }
    }
    if target.stock_places.len() > 1 {
        let fix = "let one of them dump, or take it out";
        checker.add(FIELD, "several processes keep stocks", fix);
    }
    let alike = file.model.as_ref().map(|model| model.replicated.orders);
    if target.orders.len() > 1 && alike != Some(Replication::Identical) {
        let fix = "promise model.replicated.orders = \"identical\", or take it out";
        checker.add(FIELD, "dumps of orders are to be equal, which is not promised", fix);
    }
}

fn endpoint(checker: &mut Checker<'_>, field: &str, given: &file::Endpoint) -> Endpoint {
    let roles = join(field, "roles");
    let mut processes = Vec::new();
    for (index, role) in given.roles.iter().enumerate() {
        processes.extend(checker.of_role(&format!("{roles}[{index}]"), role));
    }
    let place = if processes.is_empty() { Place::Trial } else { Place::EachProcess };
    let scope = Scope { processes: processes.clone(), ..checker.scope(place, None) };
    let request = checker.request(field, None, &given.url, &given.headers, None, &scope);
    Endpoint { request, processes }
}
