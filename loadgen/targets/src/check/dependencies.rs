//! What waits for what: nobody for itself, and for nobody whose health nobody can tell.

use super::checker::{Checker, Declared};
use crate::document::join;
use crate::file::Condition;
use crate::target::{Probe, Process};

pub(super) fn check(checker: &mut Checker<'_>, declared: &[Declared], processes: &[Process]) {
    let key_of = |name: &str| {
        declared.iter().find(|process| process.name == name).map(|process| &process.key)
    };
    let find = |name: &str| processes.iter().find(|process| process.name == name);
    for process in processes {
        let Some(key) = key_of(&process.name) else { continue };
        let field = join(&join("processes", key), "depends_on");
        for (other, condition) in &process.depends_on {
            let says_nothing =
                find(other).is_some_and(|other| matches!(other.readiness.probe, Probe::Started));
            if *condition == Condition::ProcessHealthy && says_nothing {
                let what = format!("nobody can say when `{other}` is healthy");
                checker.add(
                    &join(&field, other),
                    what,
                    "give that process a readiness_probe, or write \"process_started\"",
                );
            }
        }
    }
    let at_start = |process: &'_ Process| process.depends_on.keys().cloned().collect::<Vec<_>>();
    let at_end = |process: &'_ Process| {
        let before = process.shutdown.before.iter();
        process.depends_on.keys().chain(before).cloned().collect::<Vec<_>>()
    };
    let cycle = find_cycle(processes, at_start).map(|cycle| ("start", "depends_on", cycle));
    let cycle = cycle.or_else(|| Some(("end", "shutdown.before", find_cycle(processes, at_end)?)));
    if let Some((what, of, cycle)) = cycle {
        let first = cycle.first().and_then(|name| key_of(name));
        let field =
            first.map_or_else(String::new, |key| format!("{}.{of}", join("processes", key)));
        let path = cycle.join(" -> ");
        checker.add(
            &field,
            format!("the {what} waits for itself: {path}"),
            "take one of these dependencies out",
        );
    }
}

/// A row of processes each of which waits for the next, and the last for the first, which stands at both ends.
fn find_cycle(
    processes: &[Process],
    awaited: impl Fn(&Process) -> Vec<String>,
) -> Option<Vec<String>> {
    let mut left: Vec<&Process> = processes.iter().collect();
    let is_left = |left: &[&Process], name: &String| left.iter().any(|one| one.name == *name);
    // What waits for nothing that is left is started; what can never be started is in a cycle, or waits for one.
    loop {
        let waits = |process: &&Process| awaited(process).iter().any(|other| is_left(&left, other));
        let still: Vec<&Process> = left.iter().copied().filter(|process| waits(process)).collect();
        if still.len() == left.len() {
            break;
        }
        left = still;
    }
    let mut path: Vec<String> = Vec::new();
    let mut at = left.first()?.name.clone();
    while !path.contains(&at) {
        let process = left.iter().find(|process| process.name == at)?;
        let next = awaited(process).into_iter().find(|other| is_left(&left, other))?;
        path.push(std::mem::replace(&mut at, next));
    }
    let begin = path.iter().position(|name| *name == at)?;
    let mut cycle = path.split_off(begin);
    cycle.push(at);
    Some(cycle)
}
