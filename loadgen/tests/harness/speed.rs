//! A whole run in which processes are slow and flooded, and all links of one are cut.

use results::records::{Action, EventKind};

use crate::common::{ended, latest, plan, run};

const PLAN: &str = r#"
[load]
clients = 5
p = [0.8]
duration_s = 11
warm_up_s = 0.5
request_timeout_ms = 3000

[system]
cache = ["on"]

# Nothing is excused by a flood, and by a slow replica only what that alone could do: trades must go on.
[[faults]]
at_ms = 1000
action = "flood"
target = "front-end"
kind = "slow-bodies"
connections = 300
for_ms = 6500

[[faults]]
at_ms = 1200
action = "flood"
target = "leader"
kind = "idle"
connections = 300
for_ms = 3000

[[faults]]
at_ms = 1400
action = "slow"
target = "follower"
for_ms = 2000

[[faults]]
at_ms = 5000
action = "slow"
target = "leader"
percent = 20
for_ms = 2000

[[faults]]
at_ms = 5200
action = "flood"
target = "catalog"
kind = "stuck-readers"
connections = 30

[[faults]]
at_ms = 8000
action = "cut"
link = "front-end <-> any"
for_ms = 700
"#;

#[test]
fn slow_and_flooded_processes_go_on_and_nothing_is_lost_when_all_links_of_one_are_cut() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), PLAN);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["failover", "--plan", &plan]));
    assert_eq!(code, Some(0), "{stdout}{stderr}");
    let events = latest(folder.path()).events().unwrap();
    let of = |kind| events.iter().filter(move |event| event.event == kind);
    let mut confirmed: Vec<_> = of(EventKind::Confirmed)
        .map(|event| (event.fault.unwrap(), event.action.unwrap()))
        .collect();
    confirmed.sort_by_key(|(fault, action)| (*fault, action.is_end()));
    use Action::{Cut, Flood, Heal, Recover, Slow};
    let begun = [Flood, Flood, Slow, Slow, Flood, Cut];
    let expected: Vec<_> = (1..)
        .zip(begun)
        .flat_map(|(fault, begun)| {
            [(fault, begun), (fault, if begun == Cut { Heal } else { Recover })]
        })
        .collect();
    assert_eq!(confirmed, expected, "{events:?}");
    assert_eq!(of(EventKind::NotConfirmed).count() + of(EventKind::Died).count(), 0);
    // Who was flooded or slow was doubted by nobody.
    let cut_us = of(EventKind::Injected).find(|event| event.action == Some(Cut)).unwrap().at_us;
    let elected = of(EventKind::LeaderChanged).filter(|event| event.at_us < cut_us);
    assert_eq!(elected.count(), 1, "that of the beginning: {events:?}");
}
