//! What is shown of a target that tells less than the bazaar: its figures, and its page.

use results::measurements::Measurements;
use results::records::{Fact, Promises, RunFolder, Target};
use results::{checks, html, report};
use scraper::Html;

use crate::page::{all, text};
use crate::synthetic;

/// The failover run, of a target without these facts and without anything that is held.
fn without(lacking: &[Fact]) -> synthetic::Run {
    let mut run = synthetic::failover().with_contents();
    let given = Fact::ALL.into_iter().filter(|fact| !lacking.contains(fact));
    run.manifest.target = Some(Target::new("toy", given, Promises::default()));
    run.final_rows.clear();
    for event in &mut run.events {
        event.final_rows = event.final_rows.map(|_| 0);
    }
    run
}

#[test]
fn a_family_of_figures_without_its_fact_is_left_out_with_the_line_that_says_why() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    let lacking = [
        Fact::CacheHeader,
        Fact::AttemptsHeader,
        Fact::OrderEpochs,
        Fact::InSyncSets,
        Fact::AppliedTrades,
    ];
    without(&lacking).write(&folder);
    let run = results::run::Run::open(&folder).unwrap();
    let checked = checks::check_run(&run).unwrap();
    checked.write(&folder).unwrap();
    let figures = report::write(&Measurements::new(&run)).unwrap();

    assert!(figures.availability.iter().all(|row| row.retried.is_none()));
    assert!(figures.summary.iter().all(|row| row.cache_hits.is_none()));
    assert!(
        figures.availability.iter().any(|row| row.first_ack_ms.is_some()),
        "a first ack needs no epochs"
    );
    assert!(!figures.outage.as_deref().unwrap().contains("retried"), "{:?}", figures.outage);
    let said = figures.to_text();
    for line in [
        "no figures of cache hits and misses: the target does not tell what came from a cache\n",
        "no figures of trades that were sent on again: the target does not tell how often a trade was sent on\n",
        "no chart: staleness: the target does not show which trades it applied\n",
    ] {
        assert!(said.contains(line), "{line}{said}");
    }
    let json = std::fs::read_to_string(folder.path("figures.json")).unwrap();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["left_out"].as_array().unwrap().len(), 3);

    let path = html::write(&run, &figures, &checked, &[]).unwrap();
    let page = Html::parse_document(&std::fs::read_to_string(path).unwrap());
    let row = text(all(&page, "#check-replicas-identical")[0]);
    assert!(row.contains("not applicable"), "{row}");
    let lines: Vec<String> = all(&page, "li").into_iter().map(text).collect();
    let why =
        "All replicas hold the same log: the target does not show which orders its replicas hold.";
    assert!(lines.iter().any(|line| line == why), "{lines:#?}");
    assert!(lines.iter().any(|line| line.starts_with("No figures of cache hits and misses:")));
}

#[test]
fn a_run_of_the_bazaar_leaves_nothing_out() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    synthetic::failover().write(&folder);
    let run = results::run::Run::open(&folder).unwrap();
    let figures = report::write(&Measurements::new(&run)).unwrap();
    assert!(figures.tables.left_out.is_empty());
    let json = std::fs::read_to_string(folder.path("figures.json")).unwrap();
    assert!(!json.contains("left_out"));
}
