//! A run's folder, reported from its files alone.

use results::measurements::Measurements;
use results::records::{FolderError, RunFolder};
use results::report::{Report, write};
use results::run::Run;

use crate::synthetic;

/// Everything that is written of a run.
fn written(folder: &RunFolder) -> Report {
    write(&Measurements::new(&Run::open(folder).unwrap())).unwrap()
}

#[test]
fn a_failover_run_gets_its_figures_charts_and_headline() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    synthetic::failover().write(&folder);
    let report = written(&folder);
    assert_eq!(report.availability.len(), 8);
    for name in ["summary.csv", "availability.csv"] {
        assert!(folder.path(name).is_file(), "{name}");
    }
    assert!(report.charts.files.iter().all(|path| path.is_file()));
    let text = report.to_text();
    assert!(text.contains("7 leader kills: first acknowledged trade after "), "{text}");
    assert_eq!(report.cache, None);
}

#[test]
fn a_bench_gets_a_summary_and_what_the_cache_buys_but_no_availability() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    synthetic::bench().write(&folder);
    let report = written(&folder);
    assert_eq!(report.summary.len(), 12 + 10 + 10);
    assert!(!folder.path("availability.csv").exists());
    let said = report.cache.as_deref().unwrap();
    assert!(said.starts_with("What the cache does to the median query cannot be told"), "{said}");
    assert!(report.to_text().contains(said));
}

#[test]
fn a_run_cut_short_is_reported_as_far_as_it_got() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    synthetic::failover().write(&folder);
    std::fs::remove_file(folder.path("final.csv")).unwrap();
    let report = written(&folder);
    let follower = &report.availability[2];
    assert!(follower.first_ack_ms.is_some());
    let leader = &report.availability[0];
    assert!(leader.new_leader_ms.is_some() && leader.first_ack_ms.is_none());
}

#[test]
fn a_report_can_be_written_again() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    synthetic::failover().write(&folder);
    let first = written(&folder);
    let again = written(&folder);
    assert_eq!(first.to_text(), again.to_text());
    assert_eq!(first.charts, again.charts);
}

#[test]
fn a_folder_that_is_no_run_is_refused() {
    let root = tempfile::tempdir().unwrap();
    let refused = Run::open(&RunFolder::new(root.path()));
    assert!(matches!(refused, Err(FolderError::Read { .. })));
}
