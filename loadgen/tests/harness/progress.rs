//! `--json`: progress events for programs.

use nix::sys::signal::Signal;
use serde_json::Value;

use crate::common::{Running, assert_gone, ended, latest, pids_under_load, plan, run};

const TWO_TRIALS: &str = "\
[load]
clients = 3
p = [0.8]
duration_s = 4
warm_up_s = 0.3
trials = 2
[system]
cache = [\"on\"]
[[faults]]
at_ms = 1000
action = \"kill\"
target = \"leader\"
for_ms = 1500
";

/// Every line of `stdout`, each of which must be an object that says what happened.
fn events(stdout: &str) -> Vec<Value> {
    let parse = |line| serde_json::from_str::<Value>(line).unwrap_or_else(|_| panic!("{line}"));
    let events: Vec<_> = stdout.lines().map(parse).collect();
    assert!(events.iter().all(|event| event["event"].is_string()), "{stdout}");
    events
}

fn names(events: &[Value]) -> Vec<&str> {
    events.iter().filter_map(|event| event["event"].as_str()).collect()
}

#[test]
fn a_program_can_follow_a_run_from_its_beginning_to_its_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), TWO_TRIALS);
    let arguments = ["failover", "--plan", &plan, "--json"];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert!(stderr.contains("1.0 s: kill leader, order-3"), "{stderr}");
    assert!(stderr.contains("Consistency: pass"), "people read stderr: {stderr}");

    let events = events(&stdout);
    // Who is in sync changes at times of its own.
    let told: Vec<_> = names(&events).into_iter().filter(|name| *name != "leader").collect();
    let trial = [
        "step-began",
        "trial-began",
        "load-began",
        "fault",
        "fault",
        "healed",
        "load-ended",
        "converged",
        "trial-ended",
        "step-ended",
    ];
    let end = ["recorded", "checked", "verdict"];
    let expected: Vec<_> =
        std::iter::once("run-began").chain(trial).chain(trial).chain(end).collect();
    assert_eq!(told, expected);

    assert_eq!((&events[0]["schema"], &events[0]["steps"]), (&1.into(), &2.into()));
    let root = latest(folder.path()).root().display().to_string();
    assert_eq!(events[0]["folder"], Value::from(root));
    let acts: Vec<_> = events
        .iter()
        .filter(|event| event["event"] == "fault")
        .map(|event| (event["action"].as_str().unwrap(), event["outcome"].as_str().unwrap()))
        .collect();
    assert_eq!(acts, [("kill", "confirmed"), ("restart", "confirmed")].repeat(2));
    let last = events.last().unwrap();
    assert_eq!((&last["verdict"], &last["exit_code"]), (&"pass".into(), &0.into()));
    // Who it is depends on who answers the front-end in time.
    for fault in events.iter().filter(|event| event["action"] == "kill") {
        let after = events.iter().filter(|event| {
            event["event"] == "leader"
                && (&event["cell"], &event["trial"]) == (&fault["cell"], &fault["trial"])
        });
        let killed = fault["process"].as_str().unwrap();
        let mut others = after.filter(|event| format!("order-{}", event["leader"]) != killed);
        assert!(others.any(|event| event["serves"] == true), "{fault}: {stdout}");
    }
}

#[test]
fn the_figures_of_a_trial_are_those_of_its_rows() {
    let folder = tempfile::tempdir().unwrap();
    let text = "[load]\nclients = 2\niterations = 50\np = [0.5]\nwarm_up_s = 0.2\n\
                [system]\ncache = [\"on\"]\nreplicas = 2\n";
    let plan = plan(folder.path(), text);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["bench", "--plan", &plan, "--json"]));
    assert_eq!(code, Some(0), "{stderr}");
    let events = events(&stdout);
    let ended = events.iter().find(|event| event["event"] == "trial-ended").unwrap();
    let rows = latest(folder.path()).observations().unwrap();
    let figures = ended["figures"].as_array().unwrap();
    assert_eq!(figures.len(), 3, "queries, trades and lookups: {ended}");
    for figure in figures {
        let measured = rows.iter().filter(|row| {
            let op = serde_json::to_value(row.op).unwrap();
            op == figure["op"] && row.phase != results::records::Phase::WarmUp
        });
        let latencies: Vec<_> = measured.map(|row| row.latency_us).collect();
        let answered = figure["ok"].as_u64().unwrap() + figure["rejected"].as_u64().unwrap();
        assert_eq!(answered, latencies.len() as u64, "{figure}");
        assert_eq!(figure["max_us"].as_u64(), latencies.iter().max().copied());
    }
}

#[test]
fn a_run_that_is_interrupted_says_so_to_programs_too() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), "[load]\np = [0.5]\nduration_s = 60\n");
    let bench = Running::start(folder.path(), &["bench", "--plan", &plan, "--json"]);
    let pids = pids_under_load(folder.path());
    bench.signal(Signal::SIGINT);
    let (code, stdout) = bench.wait();
    assert_eq!(code, Some(2));
    let events = events(&stdout);
    let last = events.last().unwrap();
    assert_eq!((&last["event"], &last["verdict"]), (&"verdict".into(), &"inconclusive".into()));
    assert_eq!(last["cut_short"], "it was interrupted by a signal");
    let trial = events.iter().find(|event| event["event"] == "trial-ended").unwrap();
    assert_eq!(trial["cut_short"], "it was interrupted by a signal");
    assert!(trial["figures"][0]["ok"].as_u64().unwrap() > 0);
    assert_gone(&pids);
}
