//! Figures over time.

use std::fs;
use std::path::Path;

use campaign::history::{History, write};

use crate::made::{Change, run, text_of};

const OLD: &str = "1111111111111111111111111111111111111111";
const NEW: &str = "2222222222222222222222222222222222222222";

/// Two runs of a commit, at this hour; of two trials of each cell, so four trials.
fn two_runs(root: &Path, commit: &str, hour: u32, slower: u64) {
    for number in 1..=2 {
        let manifest = |manifest: &mut results::records::Manifest| {
            manifest.commit = Some(commit.to_owned());
            manifest.started_at = format!("2026-11-29T{hour:02}:0{number}:00Z");
        };
        let folder = root.join(format!("{hour}-{number}"));
        run("bench", &folder, &Change { slower, manifest: &manifest });
    }
}

#[test]
fn a_commit_that_made_everything_slower_is_marked_with_the_interval_of_the_change() {
    let root = tempfile::tempdir().unwrap();
    let runs = root.path().join("runs");
    two_runs(&runs, NEW, 12, 2);
    two_runs(&runs, OLD, 11, 1);
    let history = History::read(std::slice::from_ref(&runs)).unwrap();
    assert!(history.left_out().is_empty(), "{:?}", history.left_out());
    let out = root.path().join("out");
    let text = text_of(&write(&history, &out).unwrap());
    for part in
        ["4 runs in 1 group", "of 2 commits", "at 222222222: ", "trade median, µs +", "worse"]
    {
        assert!(text.contains(part), "{part} is not in {text}");
    }
    let changes = fs::read_to_string(out.join("changes.csv")).unwrap();
    let line = changes.lines().find(|line| line.contains("trade.p50_us")).unwrap();
    let fields: Vec<&str> = line.rsplit(',').take(6).collect();
    let number = |at: usize| -> f64 { fields[at].parse().unwrap() };
    let (verdict, high, low, percent) = (fields[0], number(1), number(2), number(3));
    assert_eq!(verdict, "worse");
    assert!((90.0..110.0).contains(&percent) && low <= percent && percent <= high, "{line}");
    let chart = fs::read_to_string(out.join("charts/history-1.svg")).unwrap();
    assert!(chart.contains("111111111") && chart.contains("222222222"));
    assert!(chart.find("111111111") < chart.find("222222222"), "in the order of time");
    let runs = fs::read_to_string(out.join("history.csv")).unwrap();
    assert_eq!(runs.lines().count(), 5);
}

#[test]
fn runs_whose_rows_are_gone_are_drawn_and_nothing_is_claimed_of_them() {
    let root = tempfile::tempdir().unwrap();
    two_runs(root.path(), OLD, 11, 1);
    two_runs(root.path(), NEW, 12, 2);
    for folder in ["11-1", "12-2"] {
        fs::remove_file(root.path().join(folder).join("observations.csv")).unwrap();
    }
    let history = History::read(&[root.path().to_owned()]).unwrap();
    let out = tempfile::tempdir().unwrap();
    let text = text_of(&write(&history, out.path()).unwrap());
    assert!(text.contains("4 runs in 1 group"), "{text}");
    assert!(text.contains("were removed, so nothing is claimed"), "{text}");
    assert!(text.contains("No change is shown to be more than noise"), "{text}");
}

#[test]
fn what_cannot_be_compared_is_named_with_the_reason() {
    let root = tempfile::tempdir().unwrap();
    let at = |name: &str| root.path().join(name);
    two_runs(root.path(), OLD, 11, 1);
    let more = |manifest: &mut results::records::Manifest| {
        manifest.machine.retain(|(name, _)| name != "cores");
        manifest.machine.push(("cores".to_owned(), "64".to_owned()));
    };
    run("bench", &at("elsewhere"), &Change { manifest: &more, ..Change::default() });
    fs::create_dir(at("broken")).unwrap();
    fs::write(at("broken/manifest.json"), "{}").unwrap();
    fs::create_dir(at("nothing")).unwrap();
    let named: Vec<_> = ["11-1", "11-2", "elsewhere", "broken", "nothing"].map(at).into();
    let history = History::read(&named).unwrap();
    let said: Vec<String> = history
        .left_out()
        .iter()
        .map(|one| format!("{}: {}", one.run.rsplit('/').next().unwrap(), one.reason))
        .collect();
    let has = |start: &str, part: &str| {
        assert!(
            said.iter().any(|it| it.starts_with(start) && it.contains(part)),
            "{part}: {said:?}"
        );
    };
    has("elsewhere", "machine: cores: 64, not 2");
    has("broken", "manifest.json");
    has("nothing", "it is no run's folder");
    assert_eq!(said.len(), 3, "{said:?}");
}

#[test]
fn nothing_that_can_be_compared_is_no_page() {
    let root = tempfile::tempdir().unwrap();
    run("bench", &root.path().join("alone"), &Change::default());
    let history = History::read(&[root.path().to_owned()]).unwrap();
    assert!(history.is_empty());
    assert!(history.left_out()[0].reason.contains("there is no other run"));
}
