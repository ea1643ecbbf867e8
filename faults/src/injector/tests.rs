//! Schedules against fake services that are real processes.

use super::*;
use crate::bazaar::ServicePlan;
use crate::disk::DiskFaults;
use crate::process::ProcessState;
use crate::schedule::PlannedFault;
use crate::testing::{FakeBazaar, drain, events, kinds};
use records::built_in;

fn schedule(json: &str) -> Schedule {
    let plan: Vec<PlannedFault> = serde_json::from_str(json).unwrap();
    Schedule::expand(&plan, &built_in::processes(3)).unwrap()
}

/// Runs one schedule after the other, so that no test depends on how quickly a machine acts.
async fn inject(plans: &[&str]) -> (Vec<Injection>, Vec<Event>, Arc<Bazaar>, FakeBazaar) {
    let fake = FakeBazaar::new();
    let everybody = plans.iter().map(|plan| schedule(plan).disk_faults(&built_in::processes(3)));
    let disk_faults = everybody.reduce(|one, other| DiskFaults {
        processes: &one.processes | &other.processes,
        power_cuts: one.power_cuts || other.power_cuts,
    });
    let plan = ServicePlan { disk_faults: disk_faults.unwrap_or_default(), ..fake.plan() };
    let bazaar = Arc::new(Bazaar::start(plan).await.unwrap());
    let (sink, mut received) = events();
    let mut done = Vec::new();
    for plan in plans {
        let (bazaar, sink) = (Arc::clone(&bazaar), sink.clone());
        let load_began_us = sink.origin().elapsed_us();
        let never = std::future::pending();
        done.extend(run(bazaar, schedule(plan), load_began_us, sink, never).await);
    }
    (done, drain(&mut received), bazaar, fake)
}

/// What was done, fault by fault, and whether it was seen: which of two faults is done with something first is the machine's.
fn by_fault(done: &[Injection]) -> Vec<(u32, Action, bool)> {
    let mut acts: Vec<_> =
        done.iter().map(|done| (done.fault, done.action, done.confirmed)).collect();
    acts.sort_by_key(|(fault, ..)| *fault);
    acts
}

fn details(events: &[Event]) -> Vec<&str> {
    events.iter().filter_map(|event| event.detail.as_deref()).collect()
}

#[tokio::test]
async fn a_leader_is_looked_up_killed_and_restarted() {
    use EventKind::{Confirmed, Injected, Planned, Ready};
    let json = r#"[{"at_ms":20,"action":"kill","target":"leader","for_ms":50}]"#;
    let (done, events, bazaar, _fake) = inject(&[json]).await;
    assert_eq!(kinds(&events), [Planned, Planned, Injected, Confirmed, Injected, Confirmed, Ready]);
    for event in &events {
        assert_eq!((event.fault, event.target.as_deref()), (Some(1), Some("leader")));
    }
    assert!(events[2..].iter().all(|event| event.process == "order-3".parse().ok()));
    assert!(events[2].at_us >= events[2].planned_us.unwrap());
    assert!(events[3].at_us >= events[2].at_us);
    assert_eq!(events[4].planned_us.unwrap() - events[2].planned_us.unwrap(), 50_000);
    assert_ne!(events[2].pid, events[4].pid);
    let acts: Vec<_> = done.iter().map(|done| (done.action, done.confirmed)).collect();
    assert_eq!(acts, [(Action::Kill, true), (Action::Restart, true)]);
    assert!(bazaar.processes().iter().all(|process| process.state == ProcessState::Running));
}

#[tokio::test]
async fn the_second_leader_in_a_row_is_another_process() {
    let kill = r#"[{"at_ms":0,"action":"kill","target":"leader"}]"#;
    let (done, _, bazaar, _fake) = inject(&[kill, kill]).await;
    let killed: Vec<_> = done.iter().map(|done| done.process.unwrap().to_string()).collect();
    assert_eq!(killed, ["order-3", "order-2"]);
    let down = bazaar.processes().iter().filter(|p| p.state == ProcessState::Down).count();
    assert_eq!(down, 2);
}

#[tokio::test]
async fn a_follower_is_the_highest_in_sync_replica_that_does_not_lead() {
    let json = r#"[{"at_ms":0,"action":"pause","target":"follower","for_ms":30}]"#;
    let (done, events, bazaar, _fake) = inject(&[json]).await;
    assert_eq!(done.len(), 2);
    assert!(done.iter().all(|done| done.confirmed));
    assert_eq!(events[2].process, "order-2".parse().ok());
    assert!(bazaar.processes().iter().all(|process| process.state == ProcessState::Running));
}

#[tokio::test]
async fn a_target_that_is_down_already_is_told_as_not_confirmed() {
    let kill = |target: &str| format!(r#"[{{"at_ms":0,"action":"kill","target":"{target}"}}]"#);
    let plans = ["order-3", "follower", "order-3", "follower", "leader", "leader"].map(kill);
    let (done, events, _bazaar, _fake) = inject(&plans.each_ref().map(String::as_str)).await;
    // order-3 is down, order-2 leads; order-1 is the last follower, and then there is none.
    let confirmed: Vec<_> = done.iter().map(|done| done.confirmed).collect();
    assert_eq!(confirmed, [true, true, false, false, true, false]);
    assert_eq!(
        details(&events),
        [
            "cannot kill order-3, which is down",
            "there is no follower that is in sync and runs",
            "there is no order-0"
        ]
    );
}

#[tokio::test]
async fn a_fault_that_was_due_when_the_trial_ended_is_told_of() {
    use EventKind::{NotConfirmed, Planned, Skipped};
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(fake.start().await);
    for (more, kind) in [("", NotConfirmed), (r#","if_possible":true"#, Skipped)] {
        let (sink, mut received) = events();
        // What is to be done at once, when the trial is over already.
        let plan = schedule(&format!(r#"[{{"at_ms":0,"action":"kill","target":"leader"{more}}}]"#));
        let done = run(Arc::clone(&bazaar), plan, 0, sink, std::future::ready(())).await;
        let events = drain(&mut received);
        assert_eq!(kinds(&events), [Planned, kind]);
        assert_eq!(details(&events), ["the trial was over before it could be done"]);
        assert!(!done[0].done);
    }
}

#[tokio::test]
async fn nothing_is_injected_after_the_stop() {
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(fake.start().await);
    let (sink, mut received) = events();
    let plan = schedule(
        r#"[{"at_ms":0,"action":"kill","target":"catalog","for_ms":3600000},
            {"at_ms":3600000,"action":"kill","target":"leader"}]"#,
    );
    let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
    let stopped = async { stopped.await.unwrap() };
    let injecting = tokio::spawn(run(Arc::clone(&bazaar), plan, 0, sink, stopped));
    let mut told = Vec::new();
    while told.last() != Some(&EventKind::Confirmed) {
        told.push(received.recv().await.unwrap().event);
    }
    stop.send(()).unwrap();
    let done = injecting.await.unwrap();
    assert_eq!((done.len(), done[0].action), (1, Action::Kill));
    assert_eq!(drain(&mut received), []);
    let catalog = bazaar.process(built_in::catalog()).unwrap();
    assert_eq!(catalog.state, ProcessState::Down);
}

#[tokio::test]
async fn a_fault_that_may_be_left_out_is_skipped_if_there_is_nobody_to_do_it_to() {
    let kill = r#"[{"at_ms":0,"action":"kill","target":"order-3","if_possible":true}]"#;
    let (done, events, _bazaar, _fake) = inject(&[kill, kill]).await;
    let confirmed: Vec<_> = done.iter().map(|done| done.confirmed).collect();
    assert_eq!(confirmed, [true, false]);
    assert_eq!(events.last().unwrap().event, EventKind::Skipped);
    assert_eq!(details(&events), ["cannot kill order-3, which is down"]);
}

#[tokio::test]
async fn a_link_is_cut_and_healed_between_the_processes_that_its_ends_are() {
    use EventKind::{Confirmed, Injected, Planned};
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(Bazaar::start(fake.plan_with_relays()).await.unwrap());
    let (sink, mut received) = events();
    let plan = schedule(
        r#"[{"at_ms":0,"action":"cut","link":"leader -> catalog","mode":"reset","for_ms":20},
            {"at_ms":1,"action":"delay","link":"order-1 <-> order-2","delay_ms":5}]"#,
    );
    let never = std::future::pending();
    let began_us = sink.origin().elapsed_us();
    let done = run(Arc::clone(&bazaar), plan, began_us, sink.clone(), never).await;
    let mut acts: Vec<_> = done.iter().map(|done| (done.fault, done.action)).collect();
    acts.sort_by_key(|(fault, _)| *fault);
    assert_eq!(acts, [(1, Action::Cut), (1, Action::Heal), (2, Action::Delay)]);
    let told = drain(&mut received);
    let of_first: Vec<_> = told.iter().filter(|event| event.fault == Some(1)).collect();
    let kinds: Vec<_> = of_first.iter().map(|event| event.event).collect();
    assert_eq!(kinds, [Planned, Planned, Injected, Confirmed, Injected, Confirmed]);
    assert_eq!(of_first[2].target.as_deref(), Some("leader -> catalog"));
    assert_eq!(of_first[2].process, "order-3 -> catalog".parse().ok());
    assert_eq!(of_first[2].detail.as_deref(), Some("reset"));

    crate::heal::heal(&bazaar, &done, &sink).await.unwrap();
    let healed = drain(&mut received);
    let (action, process) = (healed[0].action, healed[0].process);
    assert_eq!((action, process), (Some(Action::Heal), "order-1 <-> order-2".parse().ok()));
    assert_eq!(
        (of_first[4].ends.to_string(), healed[0].ends.to_string()),
        ("1".into(), "2".into())
    );
    assert_eq!(bazaar.faulty_links(), []);
}

#[tokio::test]
async fn links_of_a_bazaar_without_relays_cannot_be_broken() {
    let json = r#"[{"at_ms":0,"action":"cut","link":"order-1 -> order-2"}]"#;
    let (done, events, _bazaar, _fake) = inject(&[json]).await;
    assert!(!done[0].confirmed);
    assert!(details(&events)[0].contains("no relay stands between"), "{events:?}");
}

#[tokio::test]
async fn an_end_that_another_fault_has_overtaken_is_skipped() {
    let plan = r#"[{"at_ms":0,"action":"pause","target":"leader","for_ms":1500},
                   {"at_ms":700,"action":"kill","target":"order-3","for_ms":1}]"#;
    let (done, events, bazaar, _fake) = inject(&[plan]).await;
    let expected = [
        (1, Action::Pause, true),
        (1, Action::Resume, false),
        (2, Action::Kill, true),
        (2, Action::Restart, true),
    ];
    assert_eq!(by_fault(&done), expected);
    let restart = events.iter().filter(|e| e.action == Some(Action::Restart));
    let mut confirmed = restart.filter(|e| e.event == EventKind::Confirmed);
    assert_eq!(confirmed.next().unwrap().ends.to_string(), "1 2");
    let skipped: Vec<_> = events.iter().filter(|e| e.event == EventKind::Skipped).collect();
    assert_eq!(skipped.len(), 1, "{events:?}");
    // It runs again by then, or not yet.
    let said = skipped[0].detail.as_deref().unwrap();
    assert!(said.starts_with("cannot resume order-3, which is "), "{said}");
    assert!(!kinds(&events).contains(&EventKind::NotConfirmed));
    assert!(bazaar.processes().iter().all(|process| process.state == ProcessState::Running));
}

#[tokio::test]
async fn a_power_cut_is_a_kill_that_says_what_it_took_back() {
    use EventKind::{Confirmed, Injected, Planned, Ready};
    let json = r#"[{"at_ms":0,"action":"power-cut","target":"leader","for_ms":50}]"#;
    let (done, events, bazaar, _fake) = inject(&[json]).await;
    assert_eq!(kinds(&events), [Planned, Planned, Injected, Confirmed, Injected, Confirmed, Ready]);
    assert_eq!(details(&events), ["took back 0 files (0 bytes overwritten) and 0 names"]);
    assert_eq!(events[4].ends.to_string(), "1");
    let acts: Vec<_> = done.iter().map(|done| (done.action, done.confirmed)).collect();
    assert_eq!(acts, [(Action::PowerCut, true), (Action::Restart, true)]);
    assert!(bazaar.processes().iter().all(|process| process.state == ProcessState::Running));
}

#[tokio::test]
async fn a_disk_that_nobody_used_while_it_was_bad_was_not_broken() {
    use EventKind::{NotConfirmed, Planned, Skipped};
    let stall = |more: &str| {
        format!(r#"[{{"at_ms":0,"action":"stall-disk","target":"catalog","for_ms":30{more}}}]"#)
    };
    for (more, kind) in [("", NotConfirmed), (r#","if_possible":true"#, Skipped)] {
        let (done, events, bazaar, _fake) = inject(&[&stall(more)]).await;
        assert_eq!(kinds(&events), [Planned, Planned, kind]);
        assert_eq!(events[2].action, Some(Action::StallDisk));
        let said = "catalog called nothing that it would have hit while it lasted";
        assert_eq!(details(&events), [said]);
        assert!(!done[0].done && bazaar.faulty_disks().is_empty());
    }
}

/// What was told of an action, beside its plan: which kind, and what the fault's act ended.
fn of_action(events: &[Event], action: Action) -> Vec<(EventKind, String)> {
    let told = events.iter().filter(|event| event.action == Some(action));
    let told = told.filter(|event| event.event != EventKind::Planned);
    told.map(|event| (event.event, event.ends.to_string())).collect()
}

#[tokio::test]
async fn a_slow_process_is_told_of_once_it_was_seen_to_be_and_outlasts_a_pause_on_top() {
    use EventKind::{Confirmed, Injected};
    let plan = r#"[{"at_ms":0,"action":"slow","target":"order-2","percent":30,"for_ms":2500},
                   {"at_ms":1500,"action":"pause","target":"order-2","for_ms":50}]"#;
    let (done, events, bazaar, _fake) = inject(&[plan]).await;
    let expected =
        [(1, Action::Slow), (1, Action::Recover), (2, Action::Pause), (2, Action::Resume)];
    assert_eq!(by_fault(&done), expected.map(|(fault, action)| (fault, action, true)));
    let injected = events.iter().find(|event| event.event == EventKind::Injected).unwrap();
    assert_eq!(injected.detail.as_deref(), Some("runs 30 % of the time"));
    let told = |action, ends: &str| {
        let expected = [Injected, Confirmed].map(|kind| (kind, ends.to_owned()));
        assert_eq!(of_action(&events, action), expected);
    };
    told(Action::Slow, "");
    told(Action::Resume, "2");
    told(Action::Recover, "1");
    assert!(bazaar.slowed().is_empty());
    assert!(bazaar.processes().iter().all(|process| process.state == ProcessState::Running));
}

#[tokio::test]
async fn a_process_that_is_killed_is_slow_no_more_and_its_recovery_is_skipped() {
    let plan = r#"[{"at_ms":0,"action":"slow","target":"order-2","for_ms":2500},
                   {"at_ms":1500,"action":"kill","target":"order-2","for_ms":50}]"#;
    let (done, events, bazaar, _fake) = inject(&[plan]).await;
    let expected = [
        (1, Action::Slow, true),
        (1, Action::Recover, false),
        (2, Action::Kill, true),
        (2, Action::Restart, true),
    ];
    assert_eq!(by_fault(&done), expected);
    let restarted = of_action(&events, Action::Restart);
    assert_eq!(restarted[1], (EventKind::Confirmed, "1 2".to_owned()));
    assert_eq!(of_action(&events, Action::Recover), [(EventKind::Skipped, String::new())]);
    let said = "order-2 has ended since, and with it that it is slow";
    assert!(details(&events).contains(&said), "{events:?}");
    assert!(bazaar.slowed().is_empty());
}

#[tokio::test]
async fn what_ended_before_it_was_seen_or_has_nobody_to_be_done_to_was_not_done() {
    use EventKind::{NotConfirmed, Skipped};
    let slow = |more: &str| {
        format!(r#"[{{"at_ms":0,"action":"slow","target":"catalog","for_ms":1{more}}}]"#)
    };
    for (more, kind) in [("", NotConfirmed), (r#","if_possible":true"#, Skipped)] {
        let (done, events, bazaar, _fake) = inject(&[&slow(more)]).await;
        assert_eq!(of_action(&events, Action::Slow), [(kind, String::new())]);
        let said = "catalog was not seen stopped and running in turns while it lasted";
        assert_eq!(details(&events), [said]);
        assert!(!done[0].done && bazaar.slowed().is_empty());
    }
    let kill = r#"[{"at_ms":0,"action":"kill","target":"catalog"}]"#;
    let flood = r#"[{"at_ms":0,"action":"flood","target":"catalog","kind":"idle","for_ms":1}]"#;
    let slow = slow("");
    let twice = r#"[{"at_ms":0,"action":"slow","target":"leader"},
                    {"at_ms":500,"action":"slow","target":"order-3","if_possible":true}]"#;
    let (_, events, _bazaar, _fake) = inject(&[kill, flood, slow.as_str(), twice]).await;
    let said = details(&events);
    let of_the_dead = ["cannot flood catalog, which is down", "cannot slow catalog, which is down"];
    assert_eq!(said[..2], of_the_dead);
    assert!(said.contains(&"order-3 is slow already"), "{said:?}");
}

#[tokio::test]
async fn a_flood_is_told_of_with_its_connections_and_healing_ends_what_lasts() {
    use EventKind::{Confirmed, Healed, Injected};
    let plan = r#"[{"at_ms":0,"action":"flood","target":"order-1","kind":"idle","connections":20,"for_ms":3000},
                   {"at_ms":0,"action":"flood","target":"front-end","kind":"stuck-readers","connections":10},
                   {"at_ms":0,"action":"slow","target":"catalog"}]"#;
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(fake.start().await);
    let (sink, mut received) = events();
    let began_us = sink.origin().elapsed_us();
    let never = std::future::pending();
    let done = run(Arc::clone(&bazaar), schedule(plan), began_us, sink.clone(), never).await;
    let told = drain(&mut received);
    assert!(done.iter().all(|act| act.confirmed), "{told:?}");
    let said = details(&told);
    for said_of_it in ["20 connections, idle", "10 connections, stuck readers"] {
        assert!(said.contains(&said_of_it), "{said:?}");
    }
    let opened = said.iter().filter(|said| said.contains(" opened, 0 refused, "));
    assert_eq!(opened.count(), 3, "seen, seen and ended: {said:?}");
    let ended = |ends: &str| [Injected, Confirmed].map(|kind| (kind, ends.to_owned()));
    assert_eq!(of_action(&told, Action::Recover), ended("1"));
    assert_eq!(bazaar.floods().iter().map(|begun| begun.fault).collect::<Vec<_>>(), [2]);

    crate::heal::heal(&bazaar, &done, &sink).await.unwrap();
    let healed = drain(&mut received);
    assert_eq!(of_action(&healed, Action::Recover), [ended("3"), ended("2")].concat());
    assert_eq!(healed.last().unwrap().event, Healed);
    assert!(bazaar.floods().is_empty() && bazaar.slowed().is_empty());
}

#[tokio::test]
async fn every_link_of_a_process_is_one_fault() {
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(Bazaar::start(fake.plan_with_relays()).await.unwrap());
    let (sink, mut received) = events();
    let plan = schedule(r#"[{"at_ms":0,"action":"cut","link":"any -> leader","for_ms":20}]"#);
    let never = std::future::pending();
    let began_us = sink.origin().elapsed_us();
    let done = run(Arc::clone(&bazaar), plan, began_us, sink, never).await;
    let acts: Vec<_> = done.iter().map(|done| (done.action, done.confirmed)).collect();
    assert_eq!(acts, [(Action::Cut, true), (Action::Heal, true)]);
    let told = drain(&mut received);
    assert_eq!(told[2].target.as_deref(), Some("any -> leader"));
    assert_eq!(told[2].process, "any -> order-3".parse().ok());
    assert_eq!(bazaar.faulty_links(), []);
}

fn database(fake: &FakeBazaar, name: &str) -> std::path::PathBuf {
    fake.path().join("data").join(name)
}

#[tokio::test]
async fn the_files_of_whoever_a_kill_has_hit_are_gone_before_its_restart() {
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(fake.start().await);
    for file in ["order-3.db", "order-3.db-wal", "order-3.db-shm", "order-2.db"] {
        std::fs::write(database(&fake, file), "orders").unwrap();
    }
    let (sink, mut received) = events();
    let plan = schedule(
        r#"[{"at_ms":0,"action":"kill","target":"leader"},
            {"at_ms":0,"action":"lose-files","target":"leader"},
            {"at_ms":1500,"action":"restart","target":"leader"}]"#,
    );
    let began_us = sink.origin().elapsed_us();
    let done = run(bazaar, plan, began_us, sink, std::future::pending()).await;
    let acts: Vec<_> = done.iter().map(|done| (done.fault, done.action, done.confirmed)).collect();
    assert_eq!(
        acts,
        [(1, Action::Kill, true), (2, Action::LoseFiles, true), (1, Action::Restart, true)]
    );
    assert!(done.iter().all(|done| done.process == Some(built_in::order(3))));
    let told = drain(&mut received);
    assert_eq!(details(&told), ["removed 3 files"]);
    let restarted = of_action(&told, Action::Restart);
    assert_eq!(restarted[1], (EventKind::Confirmed, "1 2".to_owned()));
    for (file, is_there) in [("order-3.db", false), ("order-3.db-wal", false), ("order-2.db", true)]
    {
        assert_eq!(database(&fake, file).exists(), is_there, "{file}");
    }
}

#[tokio::test]
async fn an_old_copy_of_database_and_log_is_put_back() {
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(fake.start().await);
    for (file, content) in
        [("catalog.db", "old"), ("catalog.db-wal", "log"), ("catalog.db-shm", "x")]
    {
        std::fs::write(database(&fake, file), content).unwrap();
    }
    let (sink, mut received) = events();
    let plan = schedule(
        r#"[{"at_ms":2000,"action":"kill","target":"catalog"},
            {"at_ms":2000,"action":"old-files","target":"catalog","copied_at_ms":0}]"#,
    );
    let began_us = sink.origin().elapsed_us();
    let data = fake.path().join("data");
    let running = tokio::spawn(run(bazaar, plan, began_us, sink, std::future::pending()));
    // The copy is made; what is written then is gone once it is put back.
    while !data.join("copies-2/catalog/catalog.db-wal").exists() {
        tokio::task::yield_now().await;
    }
    std::fs::write(database(&fake, "catalog.db"), "newer").unwrap();
    std::fs::write(database(&fake, "catalog.db-journal"), "newer").unwrap();
    let done = running.await.unwrap();
    assert!(done.iter().all(|done| done.confirmed), "{done:?}");
    let read = |file| std::fs::read_to_string(database(&fake, file)).ok();
    let now = ["catalog.db", "catalog.db-wal", "catalog.db-shm", "catalog.db-journal"].map(read);
    assert_eq!(now, [Some("old".to_owned()), Some("log".to_owned()), None, None]);
    let told = drain(&mut received);
    let said = details(&told);
    assert!(said[0].starts_with("put back as they were at "), "{said:?}");
    assert!(said[0].contains("the process was stopped for "), "{said:?}");
}

#[tokio::test]
async fn without_a_death_files_stay_as_they_are() {
    use EventKind::{NotConfirmed, Skipped};
    let kill = r#"[{"at_ms":0,"action":"kill","target":"catalog"}]"#;
    for (more, kind) in [("", NotConfirmed), (r#","if_possible":true"#, Skipped)] {
        let lose = format!(
            r#"[{{"at_ms":0,"action":"kill","target":"catalog"{more}}},
                {{"at_ms":0,"action":"lose-files","target":"catalog"}}]"#
        );
        let (_, events, _bazaar, _fake) = inject(&[kill, &lose]).await;
        assert_eq!(of_action(&events, Action::LoseFiles), [(kind, String::new())]);
        let said = "nobody was killed: cannot kill catalog, which is down";
        assert!(details(&events).contains(&said), "{events:?}");
    }
}

#[tokio::test]
async fn the_last_replica_in_sync_keeps_its_files_and_that_is_told() {
    let fake = FakeBazaar::new();
    let bazaar = Arc::new(fake.start().await);
    std::fs::write(database(&fake, "order-1.db"), "orders").unwrap();
    let (sink, mut received) = events();
    // What a front-end has told that is dead by then.
    sink.emit(EventKind::InSyncChanged, |event| event.in_sync = "1".parse().ok());
    let plan = schedule(
        r#"[{"at_ms":0,"action":"kill","target":"front-end"},
            {"at_ms":500,"action":"kill","target":"order-1"},
            {"at_ms":500,"action":"lose-files","target":"order-1"}]"#,
    );
    let began_us = sink.origin().elapsed_us();
    run(bazaar, plan, began_us, sink, std::future::pending()).await;
    let told = drain(&mut received);
    assert_eq!(of_action(&told, Action::LoseFiles), [(EventKind::Skipped, String::new())]);
    let said = "order-1 is the only in-sync replica that holds its log; without it orders are lost";
    assert_eq!(details(&told), [said]);
    assert!(database(&fake, "order-1.db").exists());
}
