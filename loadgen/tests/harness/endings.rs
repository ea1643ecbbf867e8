//! However a run ends, nothing of it goes on, and what it measured is kept.

use nix::sys::signal::Signal;
use results::records::{EventKind, Op};

use crate::common::{Running, assert_gone, ended, latest, pids_under_load, plan, run};

const LONG: &str = "\
[load]
clients = 3
duration_s = 600
p = [0.5]
warm_up_s = 0.2
[system]
cache = [\"on\"]
";

const SHORT: &str = "\
[load]
clients = 2
iterations = 100
p = [0.5]
warm_up_s = 0
[system]
cache = [\"on\"]
";

#[test]
fn ctrl_c_keeps_and_reports_what_was_measured_and_leaves_no_child() {
    for signal in [Signal::SIGINT, Signal::SIGTERM] {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path(), LONG);
        let running = Running::start(folder.path(), &["bench", "--plan", &plan]);
        let pids = pids_under_load(folder.path());
        running.signal(signal);
        let (code, stdout) = running.wait();
        assert_eq!(code, Some(2), "{stdout}");
        assert!(stdout.contains("The run was cut short"), "{stdout}");
        assert!(stdout.contains("Consistency: inconclusive"), "{stdout}");
        assert_gone(&pids);
        let run_folder = latest(folder.path());
        let queries = run_folder.observations().unwrap();
        assert!(queries.iter().filter(|row| row.op == Op::Query).count() > 0);
        for file in ["summary.csv", "consistency.json", "charts", "report.html"] {
            assert!(run_folder.path(file).exists(), "{file}");
        }
        let last = run_folder.events().unwrap().pop().unwrap();
        assert_eq!(last.event, EventKind::Interrupted);
    }
}

#[test]
fn a_second_signal_hurries_the_end_and_still_cleans_up() {
    for (first, second) in [(Signal::SIGINT, Signal::SIGINT), (Signal::SIGINT, Signal::SIGTERM)] {
        let folder = tempfile::tempdir().unwrap();
        let plan = plan(folder.path(), LONG);
        let running = Running::start(folder.path(), &["bench", "--plan", &plan]);
        let pids = pids_under_load(folder.path());
        running.signal(first);
        running.signal(second);
        // A third one finds it at its files, or gone.
        running.signal(second);
        let (code, stdout) = running.wait();
        assert_eq!(code, Some(2), "{stdout}");
        assert!(stdout.contains("The run was cut short"), "{stdout}");
        assert_gone(&pids);
        let run_folder = latest(folder.path());
        for file in ["summary.csv", "consistency.json", "charts", "report.html"] {
            assert!(run_folder.path(file).exists(), "{file}");
        }
        // Every row is whole.
        assert!(!run_folder.observations().unwrap().is_empty());
        let last = run_folder.events().unwrap().pop().unwrap();
        assert_eq!(last.event, EventKind::Interrupted);
    }
}

#[test]
fn a_harness_that_is_killed_takes_its_children_along_and_the_next_run_works() {
    let folder = tempfile::tempdir().unwrap();
    let long = plan(folder.path(), LONG);
    let running = Running::start(folder.path(), &["bench", "--plan", &long]);
    let pids = pids_under_load(folder.path());
    running.signal(Signal::SIGKILL);
    assert_eq!(running.wait().0, None);
    assert_gone(&pids);

    let killed = latest(folder.path());
    let path = killed.root().to_str().unwrap();
    let (code, stdout, stderr) = ended(&run(folder.path(), &["check", path]));
    assert_eq!(code, Some(2), "{stdout}{stderr}");
    let (code, _, stderr) = ended(&run(folder.path(), &["report", path]));
    assert_eq!(code, Some(2), "{stderr}");

    let short = plan(folder.path(), SHORT);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["bench", "--plan", &short]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    assert_ne!(latest(folder.path()).root(), killed.root());
}
