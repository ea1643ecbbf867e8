//! Faults of a target's own: commands of its file that break something, and take it back whatever happens.

use std::fs;
use std::path::Path;

use nix::sys::signal::Signal;
use results::records::{Action, Event, EventKind, RunFolder};

use crate::common::{Running, ended, eventually, harness, latest, plan, run};
use crate::target::has_python;

/// The healthy shop of the zoo, with faults of its own: a file that is there while one lasts, one that is never seen to be there, and one whose
/// command fails half way.
fn shop(folder: &Path) {
    let zoo = Path::new(env!("CARGO_MANIFEST_DIR")).join("targets/tests/zoo");
    fs::copy(zoo.join("shop.py"), folder.join("shop.py")).unwrap();
    let faults = "
[faults.hindrance]
apply = 'touch broken'
undo = 'rm broken'
confirm = 'test -e broken'
[faults.rumour]
apply = 'touch rumour'
undo = 'rm rumour'
confirm = 'test -e nothing'
timeout_seconds = 1
[faults.half]
apply = ['sh', '-c', 'touch half; exit 3']
undo = 'rm half'
confirm = 'test -e half'
[variants.plain]
default = true
[variants.loud.shop]
environment = { LOUD = '1' }
";
    let text = fs::read_to_string(zoo.join("shop.toml")).unwrap() + faults;
    fs::write(folder.join("shop.toml"), text).unwrap();
}

const LOAD: &str = "\
[load]
clients = 3
p = [0.5]
duration_s = SECONDS
warm_up_s = 0.1
[checks]
converge_within_ms = 3000
";

fn broken(folder: &Path) -> Vec<&'static str> {
    ["broken", "rumour", "half"].into_iter().filter(|name| folder.join(name).exists()).collect()
}

fn of_faults(events: &[Event]) -> Vec<(u32, EventKind, Action, String)> {
    let told = events.iter().filter(|event| event.event != EventKind::Planned);
    let told = told.filter_map(|event| {
        let process = event.process.map(|subject| subject.to_string()).unwrap_or_default();
        Some((event.fault?, event.event, event.action?, process))
    });
    told.collect()
}

#[test]
fn a_fault_of_the_targets_own_is_made_seen_and_taken_back_and_has_an_outage_of_its_own() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let text = LOAD.replace("SECONDS", "2.5")
        + "[[faults]]\nat_ms = 500\naction = 'run'\ntarget = 'hindrance'\nfor_ms = 400\n\
           [[faults]]\nat_ms = 1500\naction = 'run'\ntarget = 'hindrance'\n";
    let plan = plan(folder.path(), &text);
    let arguments = ["failover", "--target", "shop.toml", "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let run = latest(folder.path());
    let own = |fault, kind, action| (fault, kind, action, "faults.hindrance".to_owned());
    use Action::{Run, Undo};
    use EventKind::{Confirmed, Injected};
    let expected = [(1, Run), (1, Undo), (2, Run), (2, Undo)];
    let expected =
        expected.map(|(fault, action)| [Injected, Confirmed].map(|kind| own(fault, kind, action)));
    assert_eq!(of_faults(&run.events().unwrap()), expected.concat(), "the last at the healing");
    assert!(broken(folder.path()).is_empty());
    let rows = fs::read_to_string(run.path("availability.csv")).unwrap();
    assert_eq!(rows.matches("faults.hindrance").count(), 2, "{rows}");
    let page = fs::read_to_string(run.path("report.html")).unwrap();
    assert!(page.contains("Run of faults.hindrance"));
}

#[test]
fn what_is_not_seen_to_be_there_or_fails_half_way_is_no_fault_that_was_done_and_is_taken_back() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let text = LOAD.replace("SECONDS", "3")
        + "[[faults]]\nat_ms = 300\naction = 'run'\ntarget = 'half'\nfor_ms = 200\n\
           [[faults]]\nat_ms = 700\naction = 'run'\ntarget = 'rumour'\nfor_ms = 200\n";
    let plan = plan(folder.path(), &text);
    let arguments = ["failover", "--target", "shop.toml", "--plan", &plan];
    let (code, stdout, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(2), "{stdout}{stderr}");
    assert!(stdout.contains("faults.half: `sh -c touch half; exit 3` failed"), "{stdout}");
    let events = latest(folder.path()).events().unwrap();
    let refuted = events.iter().filter(|event| event.event == EventKind::NotConfirmed);
    let why: Vec<_> = refuted.filter_map(|event| event.detail.as_deref()).collect();
    assert!(matches!(why[..], [_, rumour] if rumour.contains("`test -e nothing`")), "{why:?}");
    assert!(broken(folder.path()).is_empty());
}

#[test]
fn a_fault_is_taken_back_when_the_harness_is_killed_or_interrupted() {
    if !has_python() {
        return;
    }
    let text = LOAD.replace("SECONDS", "100")
        + "[[faults]]\nat_ms = 200\naction = 'run'\ntarget = 'hindrance'\n";
    for signal in [Signal::SIGKILL, Signal::SIGINT] {
        let folder = tempfile::tempdir().unwrap();
        shop(folder.path());
        let plan = plan(folder.path(), &text);
        let arguments = ["failover", "--target", "shop.toml", "--plan", &plan];
        let run = Running::start(folder.path(), &arguments);
        eventually("a fault", || {
            let latest = fs::canonicalize(folder.path().join("results/runs/latest")).ok()?;
            let events = RunFolder::new(latest).events().ok()?;
            events.iter().any(|event| event.event == EventKind::Confirmed).then_some(())
        });
        assert_eq!(broken(folder.path()), ["broken"]);
        run.signal(signal);
        run.wait();
        eventually("its end", || broken(folder.path()).is_empty().then_some(()));
    }
}

#[test]
fn a_plan_that_names_a_fault_which_the_target_does_not_have_is_refused_before_anything_is_started()
{
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let text = LOAD.replace("SECONDS", "2")
        + "[[faults]]\nat_ms = 200\naction = 'run'\ntarget = 'hindrances'\n\
           [[faults]]\nat_ms = 300\naction = 'undo'\ntarget = 'rumour'\n";
    let plan = plan(folder.path(), &text);
    let arguments = ["failover", "--target", "shop.toml", "--plan", &plan];
    let (code, _, stderr) = ended(&run(folder.path(), &arguments));
    assert_eq!(code, Some(3));
    let there =
        "faults[0].target: is hindrances, and the target's [faults] are half, hindrance, rumour";
    assert!(stderr.contains(there), "{stderr}");
    assert!(stderr.contains("faults[1].action: nothing to undo: no earlier run"), "{stderr}");
    let (code, _, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(3));
    let none = "faults[0].target: is hindrances, and the target has no [faults]";
    assert!(stderr.contains(none), "{stderr}");
}

#[test]
fn two_variants_are_compared_in_one_run() {
    if !has_python() {
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    shop(folder.path());
    let plan = plan(folder.path(), &LOAD.replace("SECONDS", "1"));
    let bench = ["bench", "--target", "shop.toml", "--plan", &plan];
    let both = ["--variant", "plain", "--variant", "loud"];
    let arguments = [&bench[..], &both[..]].concat();
    let output = harness(folder.path(), &arguments).output().unwrap();
    let (code, stdout, stderr) = ended(&output);
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let manifest = latest(folder.path()).manifest().unwrap();
    let cells: Vec<_> = manifest.cells.iter().map(|cell| cell.id.as_str()).collect();
    assert_eq!(cells, ["p0.5-plain", "p0.5-loud"]);
    assert!(stdout.contains(" plain ") && stdout.contains(" loud "), "{stdout}");
    assert!(!stdout.contains("the cache"), "{stdout}");
}
