//! Loads that change while they run, and loads that a threshold ends.

use std::fs;

use results::records::{Event, EventKind, Observation, Op, Phase};

use crate::common::{ended, latest, plan, run};

const RATES: &str = "\
[load]
p = [0.5]
clients = 16
arrivals = \"constant\"
warm_up_s = 0.3
stages = [
    { duration_s = 1, rate = 50 },
    { duration_s = 2, rate = 150, ramp = true },
    { duration_s = 1, rate = 150 },
]
[system]
cache = [\"on\"]
";

/// When each stage began, and its words.
fn stages(events: &[Event]) -> Vec<(u64, String)> {
    let began = events.iter().filter(|event| event.event == EventKind::StageBegan);
    began.map(|event| (event.at_us, event.detail.clone().unwrap())).collect()
}

fn queries(observations: &[Observation]) -> impl Iterator<Item = &Observation> {
    observations.iter().filter(|row| row.op == Op::Query && row.phase == Phase::Load)
}

#[test]
fn the_rate_of_an_open_loop_follows_its_stages() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), RATES);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["bench", "--plan", &plan]));
    // A machine that is busy with other things may have kept the generator from its schedule.
    assert!(matches!(code, Some(0 | 2)), "{stdout}{stderr}");
    let run_folder = latest(folder.path());
    let began = stages(&run_folder.events().unwrap());
    let words: Vec<&str> = began.iter().map(|(_, words)| words.as_str()).collect();
    assert_eq!(words, ["1 s at 50/s", "2 s to 150/s", "1 s at 150/s"]);
    let begins_us: Vec<u64> = began.iter().map(|(at_us, _)| *at_us).collect();
    assert_eq!((begins_us[1] - begins_us[0], begins_us[2] - begins_us[1]), (1_000_000, 2_000_000));
    // 50 in the first second, twice 100 on average on the ramp, 150 in the last.
    let observations = run_folder.observations().unwrap();
    let due: Vec<u64> = queries(&observations).map(|row| row.planned_us.unwrap()).collect();
    let ends_us = [begins_us[1], begins_us[2], begins_us[2] + 1_000_000];
    let counts = [0, 1, 2].map(|stage| {
        due.iter().filter(|due_us| (begins_us[stage]..ends_us[stage]).contains(due_us)).count()
    });
    for (count, expected) in counts.into_iter().zip([50_usize, 200, 150]) {
        assert!(count.abs_diff(expected) <= 1, "{counts:?}");
    }
    let page = fs::read_to_string(run_folder.path("report.html")).unwrap();
    assert!(page.contains("1 s at 50/s, 2 s to 150/s, 1 s at 150/s"));
}

const CLIENTS: &str = "\
[load]
p = [0.0]
warm_up_s = 0.2
stages = [
    { duration_s = 1, clients = 2 },
    { duration_s = 1, clients = 6 },
    { duration_s = 1.5, clients = 1 },
]
[system]
cache = [\"on\"]
";

#[test]
fn clients_beyond_those_of_a_stage_wait_and_all_end_with_the_load() {
    let folder = tempfile::tempdir().unwrap();
    let plan = plan(folder.path(), CLIENTS);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["bench", "--plan", &plan]));
    assert!(matches!(code, Some(0 | 2)), "{stdout}{stderr}");
    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    assert!(events.iter().any(|event| event.event == EventKind::Finished));
    let began = stages(&events);
    let (second_us, third_us) = (began[1].0, began[2].0);
    let observations = run_folder.observations().unwrap();
    let clients = |from_us: u64, to_us: u64| {
        let within = queries(&observations).filter(|row| (from_us..to_us).contains(&row.start_us));
        within.map(|row| row.client).collect::<std::collections::BTreeSet<_>>()
    };
    assert_eq!(clients(0, second_us), [1, 2].into());
    assert_eq!(clients(second_us, third_us), [1, 2, 3, 4, 5, 6].into());
    // Who was to wait may hear of it late on a busy machine.
    assert_eq!(clients(third_us + 1_000_000, u64::MAX), [1].into());
}

#[test]
fn a_threshold_that_the_last_seconds_break_ends_the_load_and_fails_the_run() {
    let folder = tempfile::tempdir().unwrap();
    let threshold = "query.throughput_per_s > 1000000";
    let text = format!(
        "[load]\np = [0.5]\nduration_s = 60\nwarm_up_s = 0.2\n[system]\ncache = [\"on\"]\n\
         [checks]\nabort_on = [\"query.unknown < 1\", \"{threshold}\"]\n"
    );
    let plan = plan(folder.path(), &text);
    let (code, stdout, stderr) = ended(&run(folder.path(), &["bench", "--json", "--plan", &plan]));
    assert_eq!(code, Some(1), "{stdout}{stderr}");
    let trial_ended = stdout.lines().find(|line| line.contains("\"trial-ended\"")).unwrap();
    assert!(
        trial_ended.contains(&format!("\"cut_short\":\"{threshold} was broken: ")),
        "{trial_ended}"
    );

    let run_folder = latest(folder.path());
    let events = run_folder.events().unwrap();
    let at_us = |kind| events.iter().find(|event| event.event == kind).unwrap().at_us;
    let (began_us, cut_us) = (at_us(EventKind::LoadBegan), at_us(EventKind::LoadCutShort));
    assert!(began_us < cut_us && cut_us < at_us(EventKind::LoadEnded));
    assert!(at_us(EventKind::LoadEnded) < began_us + 60_000_000);
    assert_eq!(events.last().unwrap().event, EventKind::Finished);

    // The same again from its files: the verdict, in words and for pipelines.
    let path = run_folder.root().to_str().unwrap();
    let (code, junit, _) = ended(&run(folder.path(), &["check", path, "--format", "junit"]));
    assert_eq!(code, Some(1), "{junit}");
    let of =
        |text: &str| junit.split("<testcase").find(|case| case.contains(text)).unwrap().to_owned();
    assert!(of("query.throughput_per_s").contains("its load was cut short after"), "{junit}");
    assert!(!of("query.unknown").contains("failure"), "{junit}");
}
