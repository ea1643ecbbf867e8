//! Whole runs in which disks break.

use std::fmt::Write;

use results::records::{Action, EventKind};

use crate::common::{ended, latest, plan, run};

const EVERYBODY: [&str; 5] = ["order-1", "order-2", "order-3", "catalog", "front-end"];

fn load(durability: &str, duration_s: u32) -> String {
    format!(
        "[load]\nclients = 5\np = [0.8]\nduration_s = {duration_s}\nwarm_up_s = 0.5\n\
         request_timeout_ms = 3000\n[system]\ncache = [\"on\"]\ndurability = \"{durability}\"\n"
    )
}

fn fault(text: &mut String, at_ms: u32, action: &str, target: &str, for_ms: u32) {
    writeln!(
        text,
        "[[faults]]\nat_ms = {at_ms}\naction = \"{action}\"\ntarget = \"{target}\"\nfor_ms = {for_ms}"
    )
    .unwrap();
}

fn power_failure(durability: &str) -> String {
    let mut text = load(durability, 4);
    for target in EVERYBODY {
        fault(&mut text, 2000, "power-cut", target, 500);
    }
    text
}

#[test]
fn orders_that_were_flushed_survive_a_power_failure() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), &power_failure("flush"));
    let (code, stdout, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let events = latest(folder.path()).events().unwrap();
    let confirmed = events.iter().filter(|event| {
        event.event == EventKind::Confirmed && event.action == Some(Action::PowerCut)
    });
    assert_eq!(confirmed.count(), EVERYBODY.len());
}

#[test]
fn orders_that_were_not_flushed_are_missed_by_name_after_a_power_failure() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), &power_failure("os"));
    let (code, stdout, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    assert!(stdout.contains("Violated: acknowledged orders survive"), "{stdout}");
}

#[test]
fn leaders_whose_disks_hang_or_are_full_are_replaced_and_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let mut text = load("flush", 9);
    fault(&mut text, 1500, "stall-disk", "leader", 1500);
    fault(&mut text, 5000, "full-disk", "leader", 1500);
    let plan = plan(folder.path(), &text);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let events = latest(folder.path()).events().unwrap();
    let confirmed: Vec<_> = events
        .iter()
        .filter(|event| event.event == EventKind::Confirmed)
        .filter_map(|event| event.action)
        .collect();
    use Action::{FullDisk, Recover, Restart, StallDisk};
    assert_eq!(confirmed, [StallDisk, Recover, FullDisk, Recover, Restart], "{events:?}");
    let died = events.iter().find(|event| event.event == EventKind::Died).unwrap();
    assert_eq!(died.detail.as_deref(), Some("exit status: 4"), "a commit failed, and that is told");
    let leaderships = events.iter().filter(|event| event.event == EventKind::LeaderChanged);
    assert!(leaderships.count() >= 3);
}
