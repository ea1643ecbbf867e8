//! Systems beside each other in sentences: what stands above the tables, below them, and what was left out.

use results::text::listed;
use results::verdict::Verdict;

use super::comparison::{Comparison, System};
use super::system::SystemFinding;

/// Below the table of faults.
pub(super) const ABOUT_FAULTS: &str = "An outage is the time from a fault to the first acknowledged trade that needed the \
    system after it: the median over all faults of the kind in all rounds, its 95 % interval from six of them on, and the \
    most. Failed and unknown are operations of all runs; lost, doubled and stale are what the checks of all runs found, each \
    once. – was not measured, or could not be told.";
/// Below the table of loads.
pub(super) const ABOUT_LOAD: &str = "A closed loop in which every query is followed by a trade, so there are as many queries \
    per second as trades. Each figure is the geometric mean over the rounds, with its 95 % interval from three rounds on. \
    Where a system keeps registers or a log, a trade is a write or an append.";

/// What was done, and with whom it went how.
pub(super) fn opening(comparison: &Comparison) -> Vec<String> {
    let ran = |system: &&System| system.totals.verdict.is_some();
    let of = |verdict: Verdict| -> Vec<&str> {
        let systems = comparison.systems.iter().filter(ran);
        let them = systems.filter(|system| system.totals.verdict == Some(verdict));
        them.map(|system| system.name.as_str()).collect()
    };
    let told = [
        (Verdict::Pass, "Nothing was found wrong with"),
        (Verdict::Fail, "A promise was broken at"),
        (Verdict::Inconclusive, "It cannot be told of"),
    ];
    let sentences = told.into_iter().filter_map(|(verdict, words)| {
        let names = of(verdict);
        (!names.is_empty()).then(|| format!("{words} {}.", listed(&names)))
    });
    let mut sentences: Vec<String> = sentences.collect();
    let absent = comparison.systems.iter().filter(|system| system.absent.is_some());
    let absent: Vec<&str> = absent.map(|system| system.name.as_str()).collect();
    if !absent.is_empty() {
        sentences.push(format!("Not run: {}.", listed(&absent)));
    }
    sentences
}

/// What was not measured although a row is there, and why; and why runs are inconclusive.
pub(super) fn doubts(comparison: &Comparison) -> Vec<String> {
    let of_system = |system: &System| {
        let faults = system.faults.iter().filter_map(|(kind, outages)| {
            let why = outages.why_none.as_ref()?;
            Some(format!("{}, {kind}: {why}", system.name))
        });
        let doubts = system.doubts.iter().map(|doubt| format!("{}: {doubt}", system.name));
        faults.chain(doubts).collect::<Vec<_>>()
    };
    comparison.systems.iter().flat_map(of_system).collect()
}

/// How it was measured.
pub(super) fn notes(comparison: &Comparison) -> Vec<String> {
    let record = &comparison.record;
    let rounds = match record.rounds {
        1 => "One round".to_owned(),
        rounds => format!("{rounds} rounds"),
    };
    let mut notes = vec![
        format!(
            "{rounds}. In each, every step is done to all systems in turns before the next step, in another order each time, \
             with {} s of load for each number of clients. Every run starts the system anew, with empty files.",
            record.seconds
        ),
        "The same plans for all: the same load, faults at the same moments. What a system is set to (elections, timeouts, \
         what an acknowledgement waits for) is in its target's file, and decides most of its outages."
            .to_owned(),
        "Generator and systems share this machine: compare rows with each other, and not with other machines.".to_owned(),
        format!("Machine: {}. Harness: {}.", record.machine, record.harness),
    ];
    notes.extend(record.caveats.iter().cloned());
    notes
}

/// `etcd: acknowledged-orders-survive, 12 violations in 2 runs`.
pub(super) fn title(system: &System, finding: &SystemFinding) -> String {
    let SystemFinding { check, violations, runs, .. } = finding;
    let violations = match violations {
        1 => "1 violation".to_owned(),
        many => format!("{} violations", results::text::grouped(*many)),
    };
    let runs = results::text::counted(*runs as u64, "run", "runs");
    format!("{}: {check}, {violations} in {runs}", system.name)
}
