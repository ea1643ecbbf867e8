//! Events written by hand, and what they come to.

use super::*;
use crate::records::{Action, built_in};
use EventKind::{Confirmed, Died, Healed, Injected, LeaderChanged, Ready, Started};

/// What is done to whom, and seen to have worked a moment later.
fn act(at_us: u64, fault: u32, action: Action, subject: &str, ends: &str) -> [Event; 2] {
    [(Injected, at_us), (Confirmed, at_us + 2)].map(|(kind, at_us)| Event {
        fault: Some(fault),
        action: Some(action),
        process: Some(subject.parse().unwrap()),
        ends: ends.parse().unwrap(),
        ..Event::new("cell", 1, at_us, kind)
    })
}

fn of_process(at_us: u64, kind: EventKind, process: &str) -> Event {
    Event { process: Some(process.parse().unwrap()), ..Event::new("cell", 1, at_us, kind) }
}

fn in_sync(at_us: u64, leader: u8, members: &str) -> Event {
    Event {
        leader: Some(leader),
        in_sync: Some(members.parse().unwrap()),
        ..Event::new("cell", 1, at_us, LeaderChanged)
    }
}

fn over(events: &[Event]) -> Vec<Option<u64>> {
    Timeline::new(events, &built_in::processes(3))
        .faults()
        .iter()
        .map(|fault| fault.over_us)
        .collect()
}

#[test]
fn faults_of_one_link_end_one_by_one() {
    for said in [["", ""], ["10", "11"]] {
        let link = "order-1 -> catalog";
        let events = [
            act(100, 10, Action::Cut, link, ""),
            act(120, 11, Action::Delay, link, ""),
            act(150, 10, Action::Heal, link, said[0]),
            act(400, 11, Action::Heal, link, said[1]),
        ];
        assert_eq!(over(&events.concat()), [Some(152), Some(402)]);
    }
}

#[test]
fn a_restart_ends_the_pause_of_the_process_that_was_killed() {
    for said in ["", "1 2"] {
        let mut events = [
            act(100, 1, Action::Pause, "order-3", ""),
            act(200, 2, Action::Kill, "order-3", ""),
            act(300, 2, Action::Restart, "order-3", said),
        ]
        .concat();
        events.push(of_process(340, Ready, "order-3"));
        assert_eq!(over(&events), [Some(340), Some(340)]);
        let timeline = Timeline::new(&events, &built_in::processes(3));
        let undone = timeline.faults()[0].undone.as_ref().unwrap();
        assert_eq!((undone.action, undone.at_us, undone.fault), (Action::Restart, 300, Some(2)));
        assert_eq!(timeline.fault_free().len(), 2);
        assert_eq!(timeline.fault_free_at_last(), Some(340));
    }
}

#[test]
fn a_resume_brings_no_dead_process_back() {
    let events = [
        act(100, 1, Action::Pause, "catalog", ""),
        act(200, 2, Action::Kill, "catalog", ""),
        act(300, 1, Action::Resume, "catalog", ""),
    ];
    assert_eq!(over(&events.concat()), [Some(302), None]);
    let timeline = Timeline::new(&events.concat(), &built_in::processes(3));
    assert!(!timeline.is_up(built_in::catalog(), 400));
}

#[test]
fn what_has_no_end_of_its_own_is_over_when_everything_is_healed() {
    let mut events = act(100, 1, Action::Kill, "order-2", "").to_vec();
    assert_eq!(over(&events), [None]);
    events.extend(act(200, 1, Action::Restart, "order-2", "1"));
    assert_eq!(over(&events), [None], "it was never seen ready");
    events.push(Event::new("cell", 1, 500, Healed));
    assert_eq!(over(&events), [Some(500)]);
}

#[test]
fn a_process_that_died_by_itself_is_broken_until_it_is_ready_again() {
    let mut events = vec![
        of_process(1, Started, "catalog"),
        of_process(5, Ready, "catalog"),
        in_sync(6, 3, "1 2 3"),
        of_process(100, Died, "catalog"),
    ];
    events.extend(act(200, 1, Action::Restart, "catalog", ""));
    events.push(of_process(250, Ready, "catalog"));
    let timeline = Timeline::new(&events, &built_in::processes(3));
    let death = timeline.deaths().next().unwrap();
    assert_eq!((death.at_us, death.restarted_us, death.over_us), (100, Some(200), Some(250)));
    let state = |at_us| timeline.state_at(built_in::catalog(), at_us);
    let words = [0, 3, 50, 150, 220, 260].map(|at_us| format!("{:?}", state(at_us)));
    assert_eq!(words, ["Down", "Starting", "Ready", "Down", "Starting", "Ready"]);
    assert_eq!([100, 200, 300].map(|us| timeline.whole_since(us)), [Some(0), None, Some(250)]);
}

#[test]
fn who_is_in_sync_is_known_from_the_first_configuration_on() {
    let events = [in_sync(100, 3, "1 2"), in_sync(200, 2, "1 2 3"), in_sync(300, 2, "1 2")];
    let timeline = Timeline::new(&events, &built_in::processes(3));
    let span = |from_us, to_us| Span { from_us, to_us: Some(to_us) };
    assert_eq!(timeline.in_sync(), [span(0, 100), span(200, 300)]);
    let from = [50, 150, 250, 300].map(|at_us| timeline.in_sync_from(at_us));
    assert_eq!(from, [Some(200), Some(200), Some(250), None]);
    assert_eq!(Timeline::new(&[], &built_in::processes(3)).in_sync_from(50), None);
    let terms = timeline.terms().iter().map(|term| (term.from_us, term.to_us));
    assert_eq!(terms.collect::<Vec<_>>(), [(100, Some(200)), (200, Some(300)), (300, None)]);
}

#[test]
fn a_disk_stays_bad_until_its_own_recovery_whatever_becomes_of_its_process() {
    let mut events = [
        act(100, 1, Action::StallDisk, "order-3", ""),
        act(120, 2, Action::SlowDisk, "order-3", ""),
        act(200, 3, Action::PowerCut, "order-3", ""),
        act(300, 3, Action::Restart, "order-3", "3"),
        act(400, 1, Action::Recover, "order-3", "1"),
        act(500, 2, Action::Recover, "order-3", "2"),
    ]
    .concat();
    events.extend(
        [(10, Started), (20, Ready), (340, Ready)]
            .map(|(at_us, kind)| of_process(at_us, kind, "order-3")),
    );
    assert_eq!(over(&events), [Some(402), Some(502), Some(340)]);
    let timeline = Timeline::new(&events, &built_in::processes(3));
    let order = built_in::order(3);
    assert_eq!(timeline.state_at(order, 250), ProcessState::Down);
    assert!(!timeline.is_up(order, 450) && timeline.is_up(order, 502));
}

#[test]
fn a_full_disk_explains_the_exit_codes_of_a_process_that_cannot_write_and_no_others() {
    let explained = |at_us: u64, process: &str, how: &str| {
        let mut events = [
            act(100, 1, Action::FullDisk, "order-3", ""),
            act(400, 1, Action::Recover, "order-3", "1"),
        ]
        .concat();
        events.push(Event { detail: Some(how.to_owned()), ..of_process(at_us, Died, process) });
        Timeline::new(&events, &built_in::processes(3)).unexplained_deaths().count() == 0
    };
    assert!(
        explained(150, "order-3", "exit status: 4") && explained(300, "order-3", "exit status: 3")
    );
    // The write failed before the disk recovered.
    assert!(explained(410, "order-3", "exit status: 4"));
    assert!(!explained(50, "order-3", "exit status: 4"));
    assert!(!explained(150, "order-2", "exit status: 4"));
    assert!(!explained(150, "order-3", "exit status: 5"));
    assert!(!explained(2_000_000, "order-3", "exit status: 4"));
}

#[test]
fn a_slow_process_is_whole_after_its_recovery_or_its_restart_and_a_flood_outlasts_both() {
    let mut events = [
        act(100, 1, Action::Flood, "order-3", ""),
        act(110, 2, Action::Slow, "order-3", ""),
        act(200, 2, Action::Recover, "order-3", "2"),
        act(210, 3, Action::Slow, "order-3", ""),
        act(300, 4, Action::Kill, "order-3", ""),
        act(400, 4, Action::Restart, "order-3", "3 4"),
        act(500, 1, Action::Recover, "order-3", "1"),
    ]
    .concat();
    events.extend(
        [(10, Started), (20, Ready), (440, Ready)]
            .map(|(at_us, kind)| of_process(at_us, kind, "order-3")),
    );
    assert_eq!(over(&events), [Some(502), Some(202), Some(440), Some(440)]);
    let timeline = Timeline::new(&events, &built_in::processes(3));
    let order = built_in::order(3);
    let state = [150, 205, 350].map(|at_us| timeline.state_at(order, at_us));
    assert_eq!(state, [ProcessState::Ready, ProcessState::Ready, ProcessState::Down]);
    // What is to be borne breaks nothing.
    let up = [105, 150, 205, 250, 450].map(|at_us| timeline.is_up(order, at_us));
    assert_eq!(up, [true, false, true, false, true]);
    assert_eq!(timeline.changes(), [110, 202, 210, 300, 440].into());
    assert_eq!(timeline.fault_free_at_last(), Some(502), "but nobody calls it calm");
}

#[test]
fn while_a_fault_of_the_targets_own_lasts_nothing_is_whole_and_an_end_is_explained() {
    let mut events = [
        act(100, 1, Action::Run, "faults.partition-n1", ""),
        act(300, 1, Action::Undo, "faults.partition-n1", "1"),
    ]
    .concat();
    events.push(of_process(150, Died, "catalog"));
    events.push(of_process(200, Ready, "catalog"));
    events.push(of_process(2_000_000, Died, "order-1"));
    events.sort_by_key(|event| event.at_us);
    let timeline = Timeline::new(&events, &built_in::processes(3));
    let [fault] = timeline.faults() else { panic!("{:?}", timeline.faults()) };
    assert_eq!((fault.kind, fault.role, fault.over_us), (FaultKind::Run, Role::Own, Some(302)));
    assert_eq!(fault.describe(), "run of faults.partition-n1");
    assert!(timeline.untold().is_empty());
    let whole = timeline.whole(&[built_in::front_end()], |_| false);
    assert_eq!(whole, [Span { from_us: 0, to_us: Some(100) }, Span { from_us: 302, to_us: None }]);
    let unexplained: Vec<_> = timeline.unexplained_deaths().map(|death| death.at_us).collect();
    assert_eq!(unexplained, [2_000_000]);
}

#[test]
fn what_was_lost_with_its_host_is_down_to_the_end_and_has_not_died() {
    let mut lost = of_process(100, EventKind::HostLost, "order-2");
    (lost.target, lost.detail) = (Some("n2".to_owned()), Some("no word".to_owned()));
    let mut back = Event::new("cell", 1, 300, EventKind::HostBack);
    back.target = Some("n2".to_owned());
    let events = [
        of_process(1, Started, "order-2"),
        of_process(5, Ready, "order-2"),
        lost,
        back,
        Event::new("cell", 1, 500, Healed),
    ];
    let timeline = Timeline::new(&events, &built_in::processes(3));
    assert_eq!(timeline.deaths().count() + timeline.unexplained_deaths().count(), 0);
    let state = |at_us| timeline.state_at(built_in::order(2), at_us);
    assert_eq!([50, 150, 900].map(state), {
        use ProcessState::{Down, Ready};
        [Ready, Down, Down]
    });
    assert_eq!(timeline.first_loss(), Some(("n2", 100, "no word")));
    assert_eq!(timeline.fault_free_at_last(), None);
    assert_eq!(timeline.hosts["n2"].back_us, Some(300));
}

#[test]
fn a_process_that_ends_while_its_host_goes_down_is_lost_with_it_and_not_one_that_ended_long_before()
{
    let lost_at = |at_us| {
        let mut lost = of_process(at_us, EventKind::HostLost, "order-2");
        lost.target = Some("n2".to_owned());
        let events = [
            of_process(5, Ready, "order-2"),
            of_process(1_000, Died, "order-2"),
            lost,
            Event::new("cell", 1, 60_000_000, Healed),
        ];
        Timeline::new(&events, &built_in::processes(3))
    };
    let goes_down = lost_at(5_000_000);
    assert_eq!(goes_down.deaths().count() + goes_down.unexplained_deaths().count(), 0);
    assert_eq!(goes_down.state_at(built_in::order(2), 2_000), ProcessState::Down);
    assert_eq!(lost_at(20_000_000).unexplained_deaths().count(), 1);
    assert_eq!(lost_at(500).unexplained_deaths().count(), 1, "it was lost before");
}

#[test]
fn a_fault_that_was_seen_by_another_clock_lasts_as_long_as_it_may_have() {
    let mut events = act(100, 1, Action::Kill, "order-2", "").to_vec();
    events.extend(act(200, 1, Action::Restart, "order-2", "1"));
    events.iter_mut().for_each(|event| event.bound_us = Some(30));
    events.push(of_process(250, Ready, "order-2"));
    let timeline = Timeline::new(&events, &built_in::processes(3));
    let span = timeline.faults()[0].span();
    assert_eq!((span.from_us, span.to_us), (70, Some(280)));
    assert_eq!(timeline.faults()[0].injected.at_us, 100, "what was seen is told as it was seen");
}
