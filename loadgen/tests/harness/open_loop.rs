//! Loads whose schedule does not wait for answers, as processes.

use results::records::{EventKind, Observation, Op, Outcome, Phase};
use results::stats::Latencies;

use crate::common::{ended, latest, plan, run};

const PAUSE: &str = "\
[load]
rate = [200]
clients = 2
p = [0.0]
duration_s = 3
warm_up_s = 0.3
[system]
cache = [\"on\"]
[checks]
recovery_ms = 200
[[faults]]
at_ms = 1000
action = \"pause\"
target = \"front-end\"
for_ms = 700
";

#[test]
fn those_who_come_during_a_pause_are_in_the_corrected_figures_alone() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), PAUSE);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    // A machine that is busy with other things may have kept the generator from its schedule.
    assert!(matches!(code, Some(0 | 2)), "{stdout}{stderr}");
    assert!(stdout.contains("p0-cache-on-r200"), "{stdout}");

    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let at_us = |kind, action: &str| {
        let is_it = |event: &&results::records::Event| {
            event.event == kind && event.action.is_some_and(|did| did.as_str() == action)
        };
        events.iter().find(is_it).unwrap().at_us
    };
    let pause_us = at_us(EventKind::Injected, "resume") - at_us(EventKind::Confirmed, "pause");
    let observations = run_folder.observations().unwrap();
    let rows = observations.iter().filter(|row| row.op == Op::Query && row.phase == Phase::Load);
    let rows: Vec<&Observation> = rows.collect();
    assert!(rows.iter().all(|row| row.outcome == Outcome::Ok));
    let corrected: Latencies = rows.iter().map(|row| row.response_us()).collect();
    let uncorrected: Latencies = rows.iter().map(|row| row.latency_us).collect();
    let p99_us = |latencies: &Latencies| latencies.percentile_us(0.99).unwrap();
    assert!(p99_us(&corrected) > pause_us / 2, "{} of {pause_us}", p99_us(&corrected));
    assert!(p99_us(&uncorrected) < p99_us(&corrected) / 2, "{}", p99_us(&uncorrected));

    let planned: Vec<u64> = rows.iter().filter_map(|row| row.planned_us).collect();
    assert_eq!(planned.len(), rows.len());
    assert!(rows.iter().all(|row| row.start_us >= row.planned_us.unwrap()));
    let is_in_pause = |due: &&u64| {
        (at_us(EventKind::Confirmed, "pause")..at_us(EventKind::Injected, "resume")).contains(*due)
    };
    let due_in_pause = planned.iter().filter(is_in_pause).count();
    assert!(due_in_pause > 100, "the schedule waits for nobody: {due_in_pause}");
}

const SWEEP: &str = "\
[load]
rate = [20, 100000]
clients = 1
p = [0.5]
duration_s = 0.4
warm_up_s = 0
[system]
cache = [\"on\"]
";

#[test]
fn a_rate_that_no_bazaar_holds_is_a_result_and_what_was_not_sent_is_said() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), SWEEP);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["bench", "--plan", &plan]));
    assert!(matches!(code, Some(0 | 2)), "{stdout}{stderr}");
    assert!(stdout.contains("/s were answered"), "{stdout}");

    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let unsent: Vec<_> = events
        .iter()
        .filter(|event| event.event == EventKind::ArrivalsEnded)
        .map(|event| event.unsent.unwrap())
        .collect();
    assert_eq!((unsent.len(), unsent[0]), (2, 0));
    let rows = run_folder.observations().unwrap();
    let sent = rows.iter().filter(|row| {
        row.cell.ends_with("-r100000") && row.op == Op::Query && row.phase == Phase::Load
    });
    // As many as were due, sent or not: 0.4 s of a Poisson process deviate by 200.
    let due = sent.count() as u64 + unsent[1];
    assert!((38_000..42_000).contains(&due), "{due}");
    for row in rows.iter().filter(|row| row.op == Op::Trade) {
        // Due when its query would have been answered, had the client been on time.
        let query = rows.iter().find(|query| {
            query.cell == row.cell && query.client == row.client && query.seq + 1 == row.seq
        });
        let query = query.unwrap();
        assert_eq!(row.planned_us, query.planned_us.map(|due_us| due_us + query.latency_us));
    }
}
