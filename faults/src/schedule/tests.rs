//! Plans by hand, and what becomes of them.

use records::built_in;

use super::*;

fn plan(json: &str) -> Vec<PlannedFault> {
    serde_json::from_str(json).unwrap()
}

fn errors(json: &str) -> Vec<String> {
    let errors = Schedule::expand(&plan(json), &built_in::processes(3)).unwrap_err();
    errors.iter().map(ToString::to_string).collect()
}

#[test]
fn a_kill_with_a_duration_is_a_kill_and_a_restart() {
    let plan = plan(r#"[{"at_ms":1000,"action":"kill","target":"leader","for_ms":500}]"#);
    let schedule = Schedule::expand(&plan, &built_in::processes(3)).unwrap();
    let fault = Fault {
        number: 1,
        action: FaultAction::Kill,
        target: FaultTarget::Process(Target::Leader),
        at_ms: 1000,
        ends_at_ms: Some(1500),
        if_possible: false,
        unguarded: false,
    };
    assert_eq!(schedule.faults(), [fault]);
    assert_eq!(schedule.ends_at_ms(), 1500);
    assert_eq!(
        (FaultAction::Kill.end(), FaultAction::Pause.end()),
        (Action::Restart, Action::Resume)
    );
}

#[test]
fn a_restart_ends_the_latest_open_kill_of_its_target() {
    let plan = plan(
        r#"[{"at_ms":10,"action":"kill","target":"leader"},
            {"at_ms":20,"action":"pause","target":"catalog"},
            {"at_ms":30,"action":"kill","target":"leader"},
            {"at_ms":40,"action":"restart","target":"leader"},
            {"at_ms":50,"action":"resume","target":"catalog"},
            {"at_ms":60,"action":"kill","target":"order-2"}]"#,
    );
    let schedule = Schedule::expand(&plan, &built_in::processes(3)).unwrap();
    let ends: Vec<_> =
        schedule.faults().iter().map(|fault| (fault.number, fault.ends_at_ms)).collect();
    assert_eq!(ends, [(1, None), (2, Some(50)), (3, Some(40)), (4, None)]);
    assert_eq!(schedule.ends_at_ms(), 60);
}

#[test]
fn no_faults_are_an_empty_schedule() {
    let schedule = Schedule::expand(&[], &built_in::processes(1)).unwrap();
    assert!(schedule.faults().is_empty());
    assert_eq!(schedule.ends_at_ms(), 0);
}

#[test]
fn a_resume_without_a_pause_is_refused() {
    assert_eq!(
        errors(
            r#"[{"at_ms":1,"action":"kill","target":"order-1"},
                {"at_ms":2,"action":"resume","target":"order-1"},
                {"at_ms":3,"action":"restart","target":"order-2"}]"#
        ),
        [
            "faults[1].action: nothing to resume: no earlier pause has target \"order-1\" and no \
             for_ms",
            "faults[2].action: nothing to restart: no earlier kill or power-cut has target \"order-2\" and no \
             for_ms"
        ]
    );
}

#[test]
fn a_kill_that_ends_by_itself_leaves_nothing_to_restart() {
    let errors = errors(
        r#"[{"at_ms":1,"action":"kill","target":"leader","for_ms":5},
            {"at_ms":9,"action":"restart","target":"leader"}]"#,
    );
    assert_eq!(errors.len(), 1);
    assert!(errors[0].starts_with("faults[1].action: nothing to restart"), "{}", errors[0]);
}

#[test]
fn faults_come_in_the_order_of_their_times() {
    assert_eq!(
        errors(
            r#"[{"at_ms":1000,"action":"kill","target":"leader"},
                {"at_ms":500,"action":"kill","target":"leader"}]"#
        ),
        [
            "faults[1].at_ms: 500 is before the fault above it, at 1000; write faults in the order of \
          their times"
        ]
    );
}

#[test]
fn a_process_that_is_down_cannot_be_broken_again() {
    assert_eq!(
        errors(
            r#"[{"at_ms":100,"action":"kill","target":"order-2","for_ms":1000},
                {"at_ms":1100,"action":"pause","target":"order-2"},
                {"at_ms":1200,"action":"kill","target":"order-2"}]"#
        ),
        ["faults[2].target: order-2 is still broken by faults[1], for the rest of the trial"]
    );
}

#[test]
fn targets_must_exist() {
    assert_eq!(
        errors(r#"[{"at_ms":1,"action":"kill","target":"order-4"}]"#),
        ["faults[0].target: there is no order-4: the replicas are order-1 to order-3"]
    );
    assert_eq!(
        errors(
            r#"[{"at_ms":1,"action":"kill","target":"oder-2"},
                {"at_ms":2,"action":"cut","link":"leader -> oder-1"}]"#
        ),
        [
            "faults[0].target: \"oder-2\" must be \"leader\", \"follower\", \"order-\" and an id, \
             \"catalog\" or \"front-end\"",
            "faults[1].link: \"oder-1\" must be \"leader\", \"follower\", \"order-\" and an id, \
             \"catalog\" or \"front-end\"",
        ]
    );
    let plan = plan(r#"[{"at_ms":1,"action":"kill","target":"follower"}]"#);
    assert_eq!(
        Schedule::expand(&plan, &built_in::processes(1)).unwrap_err()[0].field,
        "faults[0].target"
    );
}

#[test]
fn durations_are_positive_and_belong_to_kills_and_pauses() {
    assert_eq!(
        errors(
            r#"[{"at_ms":1,"action":"pause","target":"leader","for_ms":0},
                {"at_ms":2,"action":"pause","target":"catalog"},
                {"at_ms":3,"action":"resume","target":"catalog","for_ms":3},
                {"at_ms":86400001,"action":"kill","target":"leader"}]"#
        ),
        [
            "faults[0].for_ms: must be from 1 to 86399999, or left out",
            "faults[2].for_ms: a resume does not last; for_ms belongs to what it ends",
            "faults[3].at_ms: must be at most 86400000, which is a day"
        ]
    );
}

#[test]
fn times_at_the_end_of_the_number_range_are_refused_and_do_not_overflow() {
    let max = u64::MAX;
    let errors =
        errors(&format!(r#"[{{"at_ms":{max},"action":"kill","target":"leader","for_ms":{max}}}]"#));
    assert_eq!(errors.len(), 2);
}

#[test]
fn an_unknown_field_is_refused_by_its_name() {
    let json = r#"{"at_ms":1,"action":"kill","target":"leader","for":1}"#;
    let error = serde_json::from_str::<PlannedFault>(json).unwrap_err().to_string();
    assert!(error.contains("unknown field `for`"), "{error}");
}

const LINKS: &str = r#"[
    {"at_ms":1,"action":"cut","link":"order-3 -> order-1","mode":"reset","for_ms":10},
    {"at_ms":2,"action":"delay","link":"leader <-> catalog","delay_ms":50},
    {"at_ms":3,"action":"throttle","link":"front-end -> leader","bytes_per_s":1000},
    {"at_ms":4,"action":"cut","link":"order-3 -> order-1"},
    {"at_ms":9,"action":"heal","link":"leader <-> catalog"}]"#;

#[test]
fn links_can_be_cut_delayed_and_throttled_and_overlap() {
    let schedule = Schedule::expand(&plan(LINKS), &built_in::processes(3)).unwrap();
    assert!(schedule.breaks_links());
    let told: Vec<_> = schedule
        .faults()
        .iter()
        .map(|fault| (fault.target.to_string(), fault.action, fault.ends_at_ms))
        .collect();
    let link = |kind| FaultAction::Link(kind);
    let bytes_per_s = std::num::NonZeroU64::new(1000).unwrap();
    assert_eq!(
        told,
        [
            ("order-3 -> order-1".into(), link(LinkFault::Cut(CutMode::Reset)), Some(11)),
            (
                "leader <-> catalog".into(),
                link(LinkFault::Delay(std::time::Duration::from_millis(50))),
                Some(9)
            ),
            ("front-end -> leader".into(), link(LinkFault::Throttle(bytes_per_s)), None),
            ("order-3 -> order-1".into(), link(LinkFault::Cut(CutMode::Silent)), None),
        ]
    );
}

#[test]
fn what_a_plan_says_of_links_is_kept() {
    let planned = plan(LINKS);
    let text = serde_json::to_string(&planned).unwrap();
    assert_eq!(plan(&text), planned);
    let kind = LinkFault::Delay(std::time::Duration::from_millis(50));
    let link = "leader <-> catalog".parse().unwrap();
    assert_eq!(PlannedFault::of_link(2, kind, link), planned[1]);
}

#[test]
fn what_belongs_to_links_and_to_processes_is_not_mixed_up() {
    assert_eq!(
        errors(
            r#"[{"at_ms":1,"action":"cut","target":"leader"},
                {"at_ms":2,"action":"kill","link":"order-1 -> order-2"},
                {"at_ms":3,"action":"cut","link":"order-1 -> order-1","delay_ms":5},
                {"at_ms":4,"action":"delay","link":"order-1 -> order-4"},
                {"at_ms":5,"action":"throttle","link":"order-1 -> catalog","bytes_per_s":0},
                {"at_ms":6,"action":"heal","link":"catalog -> front-end"},
                {"at_ms":7,"action":"kill","target":"leader","mode":"reset"}]"#
        ),
        [
            "faults[0].target: a cut has a link, not a target",
            "faults[0].link: is missing: say what to cut",
            "faults[1].link: a kill has a target, not a link",
            "faults[1].target: is missing: say what to kill",
            "faults[2].delay_ms: belongs to delay, not to cut",
            "faults[2].link: order-1 -> order-1 has one end only; name two",
            "faults[3].delay_ms: is missing: say how much later everything passes",
            "faults[3].link: there is no order-4: the replicas are order-1 to order-3",
            "faults[4].bytes_per_s: must be 1 or more; use cut to let nothing pass",
            "faults[5].action: nothing to heal: no earlier cut, delay, throttle, lose-packets or duplicate-packets has link \
             \"catalog -> front-end\" and no for_ms",
            "faults[6].mode: belongs to cut, not to kill",
        ]
    );
}

#[test]
fn faults_that_may_be_left_out_are_not_counted_on() {
    let plan = plan(
        r#"[{"at_ms":1,"action":"kill","target":"leader"},
            {"at_ms":2,"action":"kill","target":"leader","if_possible":true}]"#,
    );
    let schedule = Schedule::expand(&plan, &built_in::processes(3)).unwrap();
    assert_eq!((schedule.faults().len(), schedule.certain()), (2, 1));
}

#[test]
fn disks_are_broken_beside_whatever_else_is() {
    let plan = plan(
        r#"[{"at_ms":10,"action":"slow-disk","target":"order-2","by_ms":40,"for_ms":90},
            {"at_ms":20,"action":"kill","target":"order-2","for_ms":50},
            {"at_ms":30,"action":"stall-disk","target":"order-2"},
            {"at_ms":60,"action":"recover","target":"order-2"},
            {"at_ms":80,"action":"power-cut","target":"order-2","for_ms":50},
            {"at_ms":90,"action":"full-disk","target":"catalog"}]"#,
    );
    let schedule = Schedule::expand(&plan, &built_in::processes(3)).unwrap();
    let faults: Vec<_> =
        schedule.faults().iter().map(|fault| (fault.action, fault.ends_at_ms)).collect();
    let slow = DiskFault::Slow(std::time::Duration::from_millis(40));
    assert_eq!(
        faults,
        [
            (FaultAction::Disk(slow), Some(100)),
            (FaultAction::Kill, Some(70)),
            (FaultAction::Disk(DiskFault::Stall), Some(60)),
            (FaultAction::PowerCut, Some(130)),
            (FaultAction::Disk(DiskFault::Full), None),
        ]
    );
    let of_disk = PlannedFault::of_disk(10, slow, built_in::order(2).into());
    assert_eq!(PlannedFault { for_ms: Some(90), ..of_disk }, plan[0]);
}

#[test]
fn the_disks_that_may_be_broken_are_known_before_a_run() {
    let of = |json: &str| {
        Schedule::expand(&plan(json), &built_in::processes(3))
            .unwrap()
            .disk_faults(&built_in::processes(3))
    };
    let kill = r#"[{"at_ms":10,"action":"kill","target":"leader"}]"#;
    assert_eq!(of(kill), DiskFaults::default());
    let leader = r#"[{"at_ms":10,"action":"stall-disk","target":"leader"}]"#;
    assert_eq!(of(leader).processes, [1, 2, 3].map(built_in::order).into());
    assert!(!of(leader).power_cuts);
    let catalog = r#"[{"at_ms":10,"action":"power-cut","target":"catalog"}]"#;
    assert_eq!(of(catalog).processes, [built_in::catalog()].into());
    assert!(of(catalog).power_cuts);
}

#[test]
fn what_does_not_belong_to_a_fault_of_a_disk_is_refused() {
    let errors = errors(
        r#"[{"at_ms":10,"action":"slow-disk","target":"leader"},
            {"at_ms":20,"action":"slow-disk","target":"leader","by_ms":0},
            {"at_ms":30,"action":"stall-disk","target":"leader","by_ms":5},
            {"at_ms":40,"action":"power-cut","link":"leader -> catalog"},
            {"at_ms":50,"action":"recover","target":"catalog"}]"#,
    );
    let expected = [
        "faults[0].by_ms: is missing: say how much longer each flush takes",
        "faults[1].by_ms: must be from 1 to 59999",
        "faults[2].by_ms: belongs to slow-disk, not to stall-disk",
        "faults[3].link: a power-cut has a target, not a link",
        "faults[3].target: is missing: say what to power-cut",
        "faults[4].action: nothing to recover: no earlier stall-disk, slow-disk, full-disk, slow or flood has target \
         \"catalog\" and no for_ms",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn slowness_and_floods_are_read_with_what_they_leave_to_their_defaults() {
    let text = r#"[{"at_ms":10,"action":"slow","target":"follower","for_ms":90},
            {"at_ms":20,"action":"slow","target":"catalog","percent":25},
            {"at_ms":30,"action":"flood","target":"front-end","kind":"idle","for_ms":50},
            {"at_ms":40,"action":"flood","target":"front-end","kind":"stuck-readers","connections":200},
            {"at_ms":60,"action":"recover","target":"catalog"},
            {"at_ms":70,"action":"recover","target":"front-end"},
            {"at_ms":81,"action":"flood","target":"leader","kind":"slow-bodies","connections":7,"for_ms":9}]"#;
    let planned = plan(text);
    let schedule = Schedule::expand(&planned, &built_in::processes(3)).unwrap();
    let told: Vec<_> =
        schedule.faults().iter().map(|fault| (fault.action, fault.ends_at_ms)).collect();
    let flood =
        |kind, connections: u32| Flood { kind, connections: connections.try_into().unwrap() };
    let quarter = Percent::new(25).unwrap();
    assert_eq!(
        told,
        [
            (FaultAction::Slow(Percent::DEFAULT), Some(100)),
            (FaultAction::Slow(quarter), Some(60)),
            (FaultAction::Flood(flood(FloodKind::Idle, 1000)), Some(80)),
            (FaultAction::Flood(flood(FloodKind::StuckReaders, 200)), Some(70)),
            (FaultAction::Flood(flood(FloodKind::SlowBodies, 7)), Some(90)),
        ]
    );
    assert_eq!(schedule.flood_connections(), 1200, "two at a time");
    assert_eq!(plan(&serde_json::to_string(&planned).unwrap()), planned);
    assert_eq!(PlannedFault::of_slowness(20, quarter, built_in::catalog().into()), planned[1]);
    let stuck = flood(FloodKind::StuckReaders, 200);
    assert_eq!(PlannedFault::of_flood(40, stuck, built_in::front_end().into()), planned[3]);
}

#[test]
fn what_does_not_belong_to_slowness_and_floods_is_refused() {
    let errors = errors(
        r#"[{"at_ms":10,"action":"slow","target":"leader","percent":100},
            {"at_ms":20,"action":"slow","target":"leader","kind":"idle"},
            {"at_ms":30,"action":"flood","target":"leader","connections":10000},
            {"at_ms":40,"action":"flood","link":"leader -> any","kind":"idle"},
            {"at_ms":50,"action":"slow","target":"catalog"},
            {"at_ms":60,"action":"resume","target":"catalog"},
            {"at_ms":70,"action":"kill","target":"leader","percent":5}]"#,
    );
    let expected = [
        "faults[0].percent: must be from 1 to 99: how much of the time it runs",
        "faults[1].kind: belongs to flood, not to slow",
        "faults[2].kind: is missing: say \"idle\", \"slow-bodies\" or \"stuck-readers\"",
        "faults[2].connections: must be from 1 to 9999",
        "faults[3].link: a flood has a target, not a link",
        "faults[3].target: is missing: say what to flood",
        "faults[5].action: nothing to resume: no earlier pause has target \"catalog\" and no for_ms",
        "faults[6].percent: belongs to slow, lose-packets and duplicate-packets, not to kill",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn who_is_slow_can_be_paused_and_killed_and_who_is_down_cannot_be_made_slow() {
    let over_slow = r#"[{"at_ms":10,"action":"slow","target":"order-2","for_ms":500},
            {"at_ms":20,"action":"pause","target":"order-2","for_ms":50},
            {"at_ms":80,"action":"kill","target":"order-2","for_ms":50},
            {"at_ms":90,"action":"flood","target":"order-2","kind":"idle"}]"#;
    assert!(Schedule::expand(&plan(over_slow), &built_in::processes(3)).is_ok());
    let errors = errors(
        r#"[{"at_ms":10,"action":"kill","target":"order-2","for_ms":50},
            {"at_ms":20,"action":"slow","target":"order-2"},
            {"at_ms":70,"action":"slow","target":"order-2"}]"#,
    );
    let expected = [
        "faults[1].target: order-2 is still broken by faults[0], until 60",
        "faults[2].target: order-2 is still broken by faults[1], for the rest of the trial",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn all_links_of_a_process_can_be_broken_and_not_those_of_nobody() {
    let planned = plan(
        r#"[{"at_ms":1,"action":"cut","link":"front-end <-> any","for_ms":10},
            {"at_ms":2,"action":"delay","link":"any -> leader","delay_ms":50},
            {"at_ms":9,"action":"heal","link":"any -> leader"}]"#,
    );
    let schedule = Schedule::expand(&planned, &built_in::processes(3)).unwrap();
    let targets: Vec<_> = schedule.faults().iter().map(|fault| fault.target.to_string()).collect();
    assert_eq!(targets, ["front-end <-> any", "any -> leader"]);
    assert!(schedule.breaks_links());
    let errors = errors(
        r#"[{"at_ms":1,"action":"cut","link":"any <-> any"},
            {"at_ms":2,"action":"throttle","link":"order-4 -> any","bytes_per_s":9}]"#,
    );
    let expected = [
        "faults[0].link: any <-> any names nobody; name one end",
        "faults[1].link: there is no order-4: the replicas are order-1 to order-3",
    ];
    assert_eq!(errors, expected);
}

#[test]
fn files_are_changed_of_whoever_an_earlier_fault_has_killed() {
    let json = r#"[{"at_ms":100,"action":"kill","target":"leader","for_ms":1000},
        {"at_ms":200,"action":"power-cut","target":"catalog"},
        {"at_ms":300,"action":"old-files","target":"catalog","copied_at_ms":50},
        {"at_ms":400,"action":"lose-files","target":"leader"},
        {"at_ms":500,"action":"restart","target":"catalog"}]"#;
    let planned = plan(json);
    let schedule = Schedule::expand(&planned, &built_in::processes(3)).unwrap();
    let faults: Vec<_> =
        schedule.faults().iter().map(|fault| (fault.action, fault.ends_at_ms)).collect();
    let old = FilesFault::Old { copied_at_ms: 50 };
    assert_eq!(
        faults,
        [
            (FaultAction::Kill, Some(1100)),
            (FaultAction::PowerCut, Some(500)),
            (FaultAction::Files { of: 2, kind: old }, None),
            (FaultAction::Files { of: 1, kind: FilesFault::Lose }, None),
        ]
    );
    assert_eq!(PlannedFault::of_files(300, old, built_in::catalog().into()), planned[2]);
    let renumbered = schedule.numbered_from(11);
    assert_eq!(renumbered.faults()[2].action, FaultAction::Files { of: 12, kind: old });
}

#[test]
fn files_of_processes_that_live_are_not_changed() {
    assert_eq!(
        errors(
            r#"[{"at_ms":100,"action":"lose-files","target":"leader"},
                {"at_ms":200,"action":"kill","target":"leader","for_ms":100},
                {"at_ms":300,"action":"lose-files","target":"leader"},
                {"at_ms":400,"action":"pause","target":"catalog"},
                {"at_ms":500,"action":"old-files","target":"catalog","copied_at_ms":500},
                {"at_ms":600,"action":"kill","target":"order-1","for_ms":100},
                {"at_ms":650,"action":"lose-files","target":"order-1","for_ms":9,"copied_at_ms":1},
                {"at_ms":660,"action":"old-files","target":"order-1"}]"#
        ),
        [
            "faults[0].target: nothing is dead: no earlier kill or power-cut of \"leader\" lasts at 100 ms",
            "faults[2].target: nothing is dead: no earlier kill or power-cut of \"leader\" lasts at 300 ms",
            "faults[4].copied_at_ms: must be before at_ms, which is 500",
            "faults[4].target: nothing is dead: no earlier kill or power-cut of \"catalog\" lasts at 500 ms",
            "faults[6].for_ms: lose-files lasts until the process that was killed is whole again",
            "faults[6].copied_at_ms: belongs to old-files, not to lose-files",
            "faults[7].copied_at_ms: is missing: say when the copy is made",
        ]
    );
}

#[test]
fn only_faults_of_files_can_be_unguarded() {
    let of_files = plan(
        r#"[{"at_ms":1,"action":"kill","target":"order-1"},
            {"at_ms":2,"action":"lose-files","target":"order-1","unguarded":true}]"#,
    );
    let schedule = Schedule::expand(&of_files, &built_in::processes(3)).unwrap();
    let said: Vec<_> = schedule.faults().iter().map(|fault| fault.unguarded).collect();
    assert_eq!(said, [false, true]);
    assert_eq!(
        errors(r#"[{"at_ms":1,"action":"kill","target":"order-1","unguarded":true}]"#),
        ["faults[0].unguarded: belongs to lose-files and old-files, not to kill"]
    );
}
