//! Random faults, and faults of links, as processes.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use results::records::{Action, Event, EventKind, Op, Outcome, RunFolder};

use crate::common::{Running, assert_gone, ended, eventually, latest, names, plan, run};
use crate::target::has_python;

/// A leader that no follower hears and that hears no follower goes on without them; one that the
/// front-end cannot reach is replaced; and a catalog whose answers are late is waited for.
const LINKS: &str = "\
[load]
clients = 5
p = [0.8]
duration_s = 6
warm_up_s = 0.5
[system]
cache = [\"on\"]
[checks]
recovery_ms = 2000
[[faults]]
at_ms = 1000
action = \"cut\"
link = \"leader <-> follower\"
for_ms = 800
[[faults]]
at_ms = 2800
action = \"cut\"
link = \"front-end -> leader\"
mode = \"reset\"
for_ms = 900
[[faults]]
at_ms = 4500
action = \"delay\"
link = \"catalog -> leader\"
delay_ms = 100
for_ms = 600
";

/// The front-end hears a leader that cannot answer it, and one that the catalog does not hear (rule G1).
const CUT_OFF: &str = "\
[load]
clients = 5
p = [0.8]
duration_s = 9
warm_up_s = 0.5
[system]
cache = [\"on\"]
[checks]
recovery_ms = 2000
[[faults]]
at_ms = 1000
action = \"cut\"
link = \"leader -> front-end\"
for_ms = 2500
[[faults]]
at_ms = 5000
action = \"cut\"
link = \"leader -> catalog\"
for_ms = 2500
";

#[test]
fn a_leader_that_reaches_the_front_end_or_the_catalog_no_more_is_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let events = passes(folder.path(), CUT_OFF).events().unwrap();
    for fault in [1, 2] {
        let (from_us, to_us) = (at(&events, fault, "cut"), at(&events, fault, "heal"));
        let replaced = |event: &Event| {
            event.event == EventKind::LeaderChanged && (from_us..to_us).contains(&event.at_us)
        };
        assert!(events.iter().any(replaced), "fault {fault}");
    }
}

/// What is left of a failover run of this plan, which must pass.
fn passes(folder: &Path, text: &str) -> RunFolder {
    let plan = plan(folder, text);
    let (code, stdout, stderr) = ended(&run(folder, &["failover", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    latest(folder)
}

/// When a fault's action was confirmed.
fn at(events: &[Event], fault: u32, action: &str) -> u64 {
    let is_it = |event: &&Event| {
        event.fault == Some(fault)
            && event.action.is_some_and(|did| did.as_str() == action)
            && event.event == EventKind::Injected
    };
    events.iter().find(is_it).unwrap().at_us
}

#[test]
fn links_that_are_cut_and_slow_cost_time_and_lose_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let run_folder = passes(folder.path(), LINKS);
    let events = run_folder.events().unwrap();
    let injected: Vec<_> = events
        .iter()
        .filter(|event| event.event == EventKind::Injected)
        .map(|event| (event.fault, event.action.map_or("", Action::as_str)))
        .collect();
    let expected = [(1, "cut"), (1, "heal"), (2, "cut"), (2, "heal"), (3, "delay"), (3, "heal")];
    assert_eq!(injected, expected.map(|(fault, action)| (Some(fault), action)));
    let at = |fault, action: &str| at(&events, fault, action);
    let during = |kind, fault, action: &str| {
        let (from_us, to_us) = (at(fault, action), at(fault, "heal"));
        events.iter().any(|event| event.event == kind && (from_us..to_us).contains(&event.at_us))
    };
    assert!(during(EventKind::InSyncChanged, 1, "cut"), "the follower is left behind");
    assert!(during(EventKind::LeaderChanged, 2, "cut"), "the leader is replaced");
    let observations = run_folder.observations().unwrap();
    let late = observations.iter().filter(|row| {
        let within = (at(3, "delay")..at(3, "heal")).contains(&row.start_us);
        within && row.op == Op::Trade && row.outcome == Outcome::Ok && row.latency_us >= 100_000
    });
    assert!(late.count() > 0, "trades wait for the catalog's answer");
}

#[test]
fn an_interrupted_soak_keeps_and_reports_what_it_has() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = ["soak", "--seed", "7", "--minutes", "1", "--out", "runs"];
    let soak = Running::start(folder.path(), &arguments);
    let soak_folder = eventually("the soak's folder", || {
        let mut folders = fs::read_dir(folder.path().join("runs")).ok()?;
        Some(RunFolder::new(folders.next()?.ok()?.path()))
    });
    let round = RunFolder::new(soak_folder.path("round-001"));
    let pids: Vec<u32> = eventually("a round under load", || {
        let events = round.events().ok()?;
        let began = events.iter().any(|event| event.event == EventKind::LoadBegan);
        let started = events.iter().filter(|event| event.event == EventKind::Started);
        began.then(|| started.filter_map(|event| event.pid).collect())
    });
    soak.signal(Signal::SIGINT);
    let (code, stdout) = soak.wait();
    assert_eq!(code, Some(2), "{stdout}");
    assert!(stdout.contains("Soak: inconclusive"), "{stdout}");
    assert!(stdout.contains("the trial was cut short"), "{stdout}");
    assert!(stdout.contains("again: double-trouble soak --seed 7 --round 1"), "{stdout}");
    assert_gone(&pids);

    let text = fs::read_to_string(soak_folder.path("soak.json")).unwrap();
    let report: loadgen::soak::SoakReport = serde_json::from_str(&text).unwrap();
    assert!(report.is_cut_short);
    assert_eq!(report.rounds.len(), 1);
    let manifest = round.manifest().unwrap();
    let planned = loadgen::soak::round_plan(7, 1, &loadgen::plan::UnderTest::default()).unwrap();
    assert_eq!(manifest.plan, planned.to_toml().unwrap(), "the schedule is in the manifest");
    assert!(round.path("data").exists(), "evidence is kept");
}

#[test]
fn a_round_alone_needs_its_seed() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, stderr) = ended(&run(folder.path(), &["soak", "--round", "3"]));
    assert_eq!(code, Some(3));
    assert!(stderr.contains("--seed"), "{stderr}");
}

/// So much of a round that passed may be kept, as `soak --help` says.
const PASSED_ROUND_BYTES: u64 = 500_000;

fn zoo(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("targets/tests/zoo/{name}.toml"));
    path.to_str().unwrap().to_owned()
}

/// The soak's folder below `runs`, its report, and its round 1.
fn soaked(folder: &Path) -> (RunFolder, loadgen::soak::SoakReport, RunFolder) {
    let soak = RunFolder::new(folder.join("runs").join(&names(&folder.join("runs"))[0]));
    let text = fs::read_to_string(soak.path("soak.json")).unwrap();
    let round = RunFolder::new(soak.path("round-001"));
    (soak, serde_json::from_str(&text).unwrap(), round)
}

#[test]
fn a_round_that_passed_keeps_its_figures_in_little_room_and_drops_its_rows() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let target = zoo("shop");
    let arguments = ["soak", "--target", &target, "--seed", "3", "--round", "1", "--out", "runs"];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let (soak, report, round) = soaked(folder.path());
    for gone in ["observations.csv", "final.csv", "data", "logs", "charts"] {
        assert!(!round.path(gone).exists(), "{gone}");
    }
    for kept in ["manifest.json", "events.csv", "summary.csv", "figures.json", "consistency.json"] {
        assert!(round.path(kept).is_file(), "{kept}");
    }
    assert!(
        (1..PASSED_ROUND_BYTES).contains(&report.rounds[0].bytes),
        "{}",
        report.rounds[0].bytes
    );
    assert!(report.rounds[0].figures.accepted_per_s.is_some_and(|rate| rate > 0.0));
    let page = fs::read_to_string(soak.path("soak.html")).unwrap();
    assert!(page.contains("1 passed, 0 failed"), "{page}");
}

#[test]
fn a_round_that_failed_keeps_everything_and_none_begins_when_the_disk_is_used_up() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let target = zoo("memory_only");
    // Only what is killed has lost anything.
    let under_test = loadgen::plan::UnderTest::read(Some(Path::new(&target)), 3).unwrap();
    let begins_with_a_kill = |seed: &u64| {
        let plan = loadgen::soak::round_plan(*seed, 1, &under_test).unwrap();
        plan.faults[0].action.to_string() == "kill"
    };
    let seed = (1..1_000).find(begins_with_a_kill).unwrap().to_string();
    let options = "--max-disk-mb 1 --minutes 3 --out runs".split(' ');
    let mut arguments = vec!["soak", "--target", &target, "--seed", &seed];
    arguments.extend(options);
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    let (soak, report, round) = soaked(folder.path());
    for kept in ["observations.csv", "final.csv", "data", "logs", "report.html", "summary.csv"] {
        assert!(round.path(kept).exists(), "{kept}");
    }
    assert!(report.bytes() > 1_000_000 && report.is_cut_short, "{report:?}");
    assert_eq!(report.rounds.len(), 1, "no other one began");
    assert!(stdout.contains("--max-disk-mb"), "{stdout}");
    let page = fs::read_to_string(soak.path("soak.html")).unwrap();
    assert!(page.contains("Round 1: fail"), "{page}");
    assert!(page.contains(&format!("--seed {seed} --round 1")), "{page}");
}

#[test]
fn a_round_whose_system_does_not_start_does_not_end_a_soak_but_several_in_a_row_do() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let shop = fs::read_to_string(zoo("shop")).unwrap();
    let service = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/tests/zoo/shop.py");
    // Whether it starts is decided by the round's folder, in which its own lies.
    let starts_in_round_1 = shop.replace(
        "command = \"python3 -B shop.py",
        &format!(
            "command = \"sh -c 'case $0 in *round-001*) exec \\\"$@\\\";; esac; echo no luck today >&2; exit 1' {{{{ scratch }}}} python3 -B {}",
            service.display()
        ),
    );
    assert_ne!(shop, starts_in_round_1);
    fs::write(folder.path().join("fickle.toml"), starts_in_round_1).unwrap();
    let arguments = "soak --target fickle.toml --seed 3 --minutes 4 --out runs".split(' ');
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments.collect::<Vec<_>>()));
    assert_eq!(code, Some(2), "{stdout}{stderr}");
    let (soak, report, _) = soaked(folder.path());
    let begun: Vec<_> = report.rounds.iter().map(|round| round.did_not_start).collect();
    assert_eq!(begun, [false, true, true, true], "{report:?}");
    assert!(report.planned_rounds > 4 && report.is_cut_short, "{report:?}");
    assert!(report.rounds[0].acknowledged_trades > 0, "{report:?}");
    for told in
        ["did not start: ", "no luck today", "--seed 3 --round 2", "several rounds in a row"]
    {
        assert!(stdout.contains(told), "{told}: {stdout}");
    }
    let page = fs::read_to_string(soak.path("soak.html")).unwrap();
    assert!(page.contains("no luck today"), "{page}");
}
