//! Whole runs in which files are lost, or old ones put back.

use std::fmt::Write;

use results::records::{Action, EventKind};

use crate::common::{ended, latest, plan, run};

const LOAD: &str = "[load]\nclients = 5\np = [0.8]\nduration_s = 8\nwarm_up_s = 0.5\n\
                    request_timeout_ms = 3000\n[system]\ncache = [\"on\"]\n[checks]\nrecovery_ms = 1500\n";

fn fault(text: &mut String, at_ms: u32, action: &str, target: &str, more: &str) {
    writeln!(
        text,
        "[[faults]]\nat_ms = {at_ms}\naction = \"{action}\"\ntarget = \"{target}\"\n{more}"
    )
    .unwrap();
}

/// Kills them one after the other, has this done to their files, and expects a pass with everything in sync.
fn is_survived(faults: &[(&str, &str, &str)]) {
    let mut text = LOAD.to_owned();
    for (at_ms, (target, action, more)) in (1000..).step_by(2500).zip(faults) {
        fault(&mut text, at_ms, "kill", target, "for_ms = 600");
        fault(&mut text, at_ms + 100, action, target, more);
    }
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), &text);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let events = latest(folder.path()).events().unwrap();
    let confirmed = |action| {
        let confirmed = events.iter().filter(|event| event.event == EventKind::Confirmed);
        confirmed.filter(|event| event.action == Some(action)).count()
    };
    let changed = confirmed(Action::LoseFiles) + confirmed(Action::OldFiles);
    assert_eq!((changed, confirmed(Action::Restart)), (faults.len(), faults.len()), "{events:?}");
    assert!(!events.iter().any(|event| event.event == EventKind::Died));
    let in_sync = events.iter().filter_map(|event| event.in_sync.as_ref()).next_back().unwrap();
    assert_eq!(in_sync.to_string(), "1 2 3");
}

#[test]
fn lost_files_of_replicas_and_then_of_the_catalog_come_back_from_the_others() {
    let lost = |target| (target, "lose-files", "");
    is_survived(&[lost("leader"), lost("follower"), lost("catalog")]);
}

#[test]
fn lost_files_of_the_front_end_and_old_ones_of_the_rest_are_made_good() {
    let old = |target| (target, "old-files", "copied_at_ms = 800");
    is_survived(&[("front-end", "lose-files", ""), old("order-1"), old("catalog")]);
}
