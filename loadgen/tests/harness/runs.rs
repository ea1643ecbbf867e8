//! Whole runs: the bazaar as processes, goose's clients, faults, the report.

use std::collections::BTreeSet;
use std::fs;

use results::records::{Action, EventKind, FinalKind, Observation, Op, Outcome, Phase};

use crate::common::{ended, latest, plan, run};

const SMALL_BENCH: &str = "\
[load]
clients = 3
iterations = 40
p = [0.0, 1.0]
warm_up_s = 0.3
";

#[test]
fn a_bench_measures_checks_and_reports_every_cell() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), SMALL_BENCH);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["bench", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("What the cache does to the median query cannot be told"), "{stdout}");
    assert!(stdout.contains("Consistency: pass"), "{stdout}");
    assert!(stdout.contains("and the catalog was asked 0 times."), "{stdout}");
    assert!(stderr.contains("4/4: p1-cache-off"), "{stderr}");

    let run_folder = latest(folder.path());
    for file in ["manifest.json", "summary.csv", "consistency.json", "catalog_requests.csv"] {
        assert!(run_folder.path(file).is_file(), "{file}");
    }
    let page = fs::read(run_folder.path("report.html")).unwrap();
    let first = stdout.lines().next().unwrap();
    assert!(first.starts_with("Report: ") && first.ends_with("report.html"), "{first}");
    assert!(!run_folder.path("data").exists());
    let manifest = run_folder.manifest().unwrap();
    assert_eq!((manifest.kind.as_str(), manifest.plan_name.as_str()), ("bench", "plan"));
    assert_eq!(manifest.cells.len(), 4);
    let observations = run_folder.observations().unwrap();
    for cell in &manifest.cells {
        let rows: Vec<_> = observations.iter().filter(|row| row.cell == cell.id).collect();
        assert_cell(&rows, cell.p);
    }
    let finals = run_folder.final_rows().unwrap();
    let sources = finals.iter().filter(|row| row.kind == FinalKind::Source).count();
    assert_eq!(sources, 4 * 4, "three replicas and the catalog, cell by cell");

    let path = run_folder.root().to_str().unwrap();
    let (code, checked, _) = ended(&run(folder.path(), &["check", path]));
    assert_eq!(code, Some(0));
    assert!(stdout.contains(&checked), "{checked}");
    let summary = fs::read(run_folder.path("summary.csv")).unwrap();
    fs::remove_dir_all(run_folder.path("charts")).unwrap();
    fs::remove_file(run_folder.path("report.html")).unwrap();
    let (code, _, stderr) = ended(&run(folder.path(), &["report", path]));
    assert_eq!(code, Some(0), "{stderr}");
    assert_eq!(fs::read(run_folder.path("summary.csv")).unwrap(), summary);
    assert!(run_folder.path("charts").is_dir());
    assert_eq!(fs::read(run_folder.path("report.html")).unwrap(), page, "the same page again");
}

/// What three clients with forty measured iterations each must have left.
fn assert_cell(rows: &[&Observation], p: f64) {
    let in_load = |op| rows.iter().filter(move |row| row.op == op && row.phase == Phase::Load);
    assert_eq!(in_load(Op::Query).count(), 3 * 40);
    // The measuring may begin between a client's query and its trade.
    let trades = if p == 0.0 { 0..=0 } else { 3 * 40..=3 * 41 };
    assert!(trades.contains(&in_load(Op::Trade).count()));
    assert!(rows.iter().all(|row| matches!(row.outcome, Outcome::Ok | Outcome::Rejected)));
    assert!(rows.iter().all(|row| row.latency_us == row.end_us - row.start_us));
    let ids = |op: Op| -> BTreeSet<_> {
        let ok = rows.iter().filter(|row| row.op == op && row.outcome == Outcome::Ok);
        ok.filter_map(|row| row.request_id.clone()).collect()
    };
    assert_eq!(ids(Op::Trade), ids(Op::Lookup), "every acknowledged order is looked up");
    for client in 1..=3 {
        let seqs: Vec<_> =
            rows.iter().filter(|row| row.client == client).map(|row| row.seq).collect();
        assert_eq!(seqs, (1..=seqs.len() as u64).collect::<Vec<_>>());
    }
}

const TWICE: &str = "\
[load]
clients = 2
iterations = 20
p = [0.5]
warm_up_s = 0
trials = 2
[system]
cache = [\"on\"]
replicas = 2
";

#[test]
fn two_builds_are_measured_side_by_side_and_change_places() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), TWICE);
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_double-trouble"));
    let same = program.parent().unwrap().to_str().unwrap();
    let arguments = ["bench", "--plan", &plan, "--against", same];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{stdout}{stderr}");

    let run_folder = latest(folder.path());
    let manifest = run_folder.manifest().unwrap();
    let cells: Vec<_> =
        manifest.cells.iter().map(|cell| (cell.id.as_str(), cell.build.as_deref())).collect();
    assert_eq!(cells, [("p0.5-cache-on", Some("a")), ("p0.5-cache-on-b", Some("b"))]);
    let events = run_folder.events().unwrap();
    let finished = events.iter().filter(|event| event.event == EventKind::Finished);
    let order: Vec<_> = finished.map(|event| (event.trial, event.cell.ends_with("-b"))).collect();
    assert_eq!(order.iter().map(|(trial, _)| *trial).collect::<Vec<_>>(), [1, 1, 2, 2]);
    let [first, second, third, fourth] = order[..] else { panic!("{order:?}") };
    assert_eq!((first.1, second.1), (fourth.1, third.1), "a, b, b, a");
    assert!(first.1 != second.1 && stdout.contains(" --against "), "{stdout}");
}

const KILL_AND_PAUSE: &str = "\
[load]
clients = 5
p = [0.8]
duration_s = 6
warm_up_s = 0.5
[system]
cache = [\"on\"]
[[faults]]
at_ms = 1500
action = \"kill\"
target = \"leader\"
for_ms = 1000
[[faults]]
at_ms = 4000
action = \"pause\"
target = \"leader\"
for_ms = 800
";

#[test]
fn a_leaders_death_under_load_costs_no_operation() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), KILL_AND_PAUSE);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("1 leader kill"), "{stdout}");

    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let killed = events.iter().find(|event| event.event == EventKind::Confirmed).unwrap();
    assert_eq!((killed.fault, killed.action), (Some(1), Some(Action::Kill)));
    let leaders: Vec<_> = events
        .iter()
        .filter(|event| event.event == EventKind::LeaderChanged)
        .filter_map(|event| event.leader)
        .collect();
    assert!(leaders.len() >= 3, "the first, the killed one's and the paused one's: {leaders:?}");
    let order: Vec<_> = events.iter().rev().map(|event| event.event).take(4).collect();
    let expected =
        [EventKind::Healed, EventKind::LoadEnded, EventKind::Converged, EventKind::Finished];
    assert_eq!(order, expected.into_iter().rev().collect::<Vec<_>>());

    let observations = run_folder.observations().unwrap();
    let trouble =
        observations.iter().find(|row| matches!(row.outcome, Outcome::Failed | Outcome::Unknown));
    assert_eq!(trouble, None);
    let acknowledged_after = |at_us| {
        let trades = observations.iter().filter(|row| row.op == Op::Trade);
        trades.filter(|row| row.outcome == Outcome::Ok && row.start_us > at_us).count()
    };
    let healed = events.iter().find(|event| event.event == EventKind::Healed).unwrap();
    assert!(acknowledged_after(killed.at_us) > acknowledged_after(healed.at_us));
    assert!(acknowledged_after(healed.at_us) > 0);
    assert!(run_folder.path("availability.csv").is_file());
}

/// `plans/all-down.toml`, with less time between and around.
const ALL_DOWN: &str = "\
[load]
clients = 4
p = [0.8]
duration_s = 6.5
warm_up_s = 0.3
[system]
cache = [\"on\"]
[checks]
recovery_ms = 2500
[[faults]]
at_ms = 600
action = \"kill\"
targets = \"replicas\"
[[faults]]
at_ms = 1200
action = \"restart\"
targets = \"replicas\"
apart_ms = 200
[[faults]]
at_ms = 4200
action = \"kill\"
targets = \"replicas\"
[[faults]]
at_ms = 4800
action = \"restart\"
targets = \"replicas\"
apart_ms = 200
backwards = true
";

#[test]
fn a_bazaar_whose_replicas_all_die_at_once_comes_back_with_everything_in_either_order() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), ALL_DOWN);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stdout.contains("Consistency: pass"), "{stdout}");

    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let told = |event, action| -> Vec<String> {
        let told = events.iter().filter(|it| it.event == event && it.action == Some(action));
        told.filter_map(|it| it.process).map(|name| name.to_string()).collect()
    };
    let mut killed = told(EventKind::Confirmed, Action::Kill);
    killed.sort_unstable();
    assert_eq!(killed, ["order-1", "order-1", "order-2", "order-2", "order-3", "order-3"]);
    assert_eq!(
        told(EventKind::Injected, Action::Restart),
        ["order-1", "order-2", "order-3", "order-3", "order-2", "order-1"]
    );
    let (first, second) = {
        let kills = events
            .iter()
            .filter(|it| it.event == EventKind::Injected && it.action == Some(Action::Kill));
        let at_us: Vec<u64> = kills.map(|it| it.at_us).collect();
        (at_us[0], at_us[3])
    };
    let observations = run_folder.observations().unwrap();
    let acknowledged = |from_us, to_us| {
        let trades = observations.iter().filter(|row| row.op == Op::Trade);
        let rows = trades.filter(|row| row.outcome == Outcome::Ok && row.start_us > from_us);
        rows.filter(|row| row.end_us < to_us).count()
    };
    assert!(acknowledged(0, first) > 0);
    assert!(acknowledged(first, second) > 0, "it came back the first time");
    assert!(acknowledged(second, u64::MAX) > 0, "and the second");
}

#[test]
fn runs_can_share_a_machine() {
    let folders = [tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap()];
    let text = "[load]\nclients = 2\niterations = 100\np = [0.5]\nwarm_up_s = 0\n\
                [system]\ncache = [\"on\"]\nreplicas = 2\n";
    let children: Vec<_> = folders
        .iter()
        .map(|folder| {
            let plan = plan(folder.path(), text);
            let mut command = crate::common::harness(folder.path(), &["bench", "--plan", &plan]);
            command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped());
            command.spawn().unwrap()
        })
        .collect();
    for child in children {
        let (code, stdout, stderr) = ended(&child.wait_with_output().unwrap());
        assert_eq!(code, Some(0), "{stdout}{stderr}");
    }
}
