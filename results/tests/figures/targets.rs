//! What is shown of a target that tells less than the bazaar: its figures, and its page.

use results::measurements::Measurements;
use results::records::{
    Action, Event, EventKind, Fact, Op, Outcome, Process, Promises, RunFolder, Target,
};
use results::verdict::Verdict;
use results::{checks, html, report};
use scraper::Html;

use crate::page::{all, text};
use crate::rows::{cell, injected, manifest, operation};
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

/// A service of which one GET is described, asked a thousand times a second, and killed from 5 to 6 s.
fn one_get() -> synthetic::Run {
    const MS: u64 = 1_000;
    let mut cell = cell(0.0, true);
    cell.planned_faults = 1;
    let kill = injected(&cell, 1, Action::Kill, "web", 5_000 * MS);
    let of_process = |at_ms: u64, event| Event {
        at_us: at_ms * MS,
        event,
        fault: None,
        action: None,
        target: None,
        ..kill.clone()
    };
    let restart = Event { action: Some(Action::Restart), at_us: 5_900 * MS, ..kill.clone() };
    let mut events = vec![
        of_process(0, EventKind::Started),
        of_process(1, EventKind::Ready),
        Event { event: EventKind::Confirmed, ..kill.clone() },
        kill,
        Event { event: EventKind::Confirmed, ..restart.clone() },
        Event { event: EventKind::Ready, at_us: 6_000 * MS, ..restart.clone() },
        restart,
        Event::new(cell.id.as_str(), 1, 11_000 * MS, EventKind::Finished),
    ];
    let reads = (10..10_000).map(|at_ms| {
        let is_down = (5_000..6_000).contains(&at_ms);
        let mut read = operation(&cell, Op::Query, at_ms * MS, 2 * MS);
        read.client = (at_ms % 5) as u32 + 1;
        if is_down {
            (read.outcome, read.status) = (Outcome::Failed, None);
        }
        read
    });
    let observations: Vec<_> = reads.collect();
    let rows = (Some(observations.len() as u64), Some(events.len() as u64), Some(0));
    let finished = events.last_mut().unwrap();
    (finished.observation_rows, finished.event_rows, finished.final_rows) = rows;
    let facts = [Fact::Queries, Fact::StatusCodes];
    let mut manifest = manifest("failover", vec![cell]);
    manifest.target = Some(Target::new("web", facts, Promises::default()));
    let (name, role) = ("web".parse().unwrap(), "web".parse().unwrap());
    (manifest.processes, manifest.replicas) = (vec![Process { name, role }], 0);
    synthetic::Run { manifest, observations, events, final_rows: vec![] }
}

#[test]
fn a_service_of_which_one_get_is_described_is_not_judged_and_has_its_outage_figures() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    one_get().write(&folder);
    let run = results::run::Run::open(&folder).unwrap();
    let checked = checks::check_run(&run).unwrap();
    assert_eq!(checked.verdict, Verdict::Inconclusive, "{}", checked.to_text());
    let said = checked.headline();
    assert!(
        said.starts_with("Nothing was judged but that it lives and answers: 19 of 22"),
        "{said}"
    );

    let figures = report::write(&Measurements::new(&run)).unwrap();
    let [row] = figures.availability.as_slice() else { panic!("{:?}", figures.availability) };
    assert_eq!((row.failed, row.unknown, row.first_ack_ms), (1_000, 0, None));
    // The first read that was sent after the restart was answered 2 ms later; one was due meanwhile.
    assert_eq!(row.backlog_drained_ms, Some(1_003.0));
    assert_eq!(row.p99_back_ms, Some(1_003.0));
    assert!(row.reads_missing.is_some_and(|missing| (missing - 1_000.0).abs() < 10.0), "{row:?}");
    assert_eq!(row.longest_gap_ms, None, "nobody trades");

    let path = html::write(&run, &figures, &checked, &[]).unwrap();
    let page = text(Html::parse_document(&std::fs::read_to_string(path).unwrap()).root_element());
    let why =
        "So little applies to this target that nothing was judged but that it lives and answers.";
    assert!(page.contains(why), "{page}");
}

#[test]
fn two_variants_have_a_line_each_in_tables_and_charts_and_nothing_is_said_of_a_cache() {
    let root = tempfile::tempdir().unwrap();
    let folder = RunFolder::new(root.path());
    let mut run = synthetic::bench().with_contents();
    run.manifest.target = Some(Target::new("toy", Fact::ALL, Promises::default()));
    for cell in &mut run.manifest.cells {
        cell.variant = Some(if cell.cache { "fast" } else { "safe" }.to_owned());
    }
    run.write(&folder);
    let run = results::run::Run::open(&folder).unwrap();
    let checked = checks::check_run(&run).unwrap();
    let figures = report::write(&Measurements::new(&run)).unwrap();
    assert_eq!((figures.cache.as_ref(), figures.cache_effects.0.len()), (None, 0));
    let said = figures.to_text();
    let lines_of = |name: &str| said.lines().filter(|line| line.contains(name)).count();
    assert!(lines_of(" fast ") > 0 && lines_of(" fast ") == lines_of(" safe "), "{said}");
    let svg = std::fs::read_to_string(folder.path("charts/latency-query-by-p.svg")).unwrap();
    for label in ["median, fast", "median, safe"] {
        assert!(svg.contains(label), "{label}");
    }
    let path = html::write(&run, &figures, &checked, &[]).unwrap();
    let page = Html::parse_document(&std::fs::read_to_string(path).unwrap());
    let question = all(&page, "h1").into_iter().map(text).collect::<Vec<_>>().join(" ");
    assert!(question.contains("How do fast and safe of toy compare?"), "{question}");
    assert!(!page.html().contains("With the cache on"));
}
