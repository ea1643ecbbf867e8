//! Comparisons of whole runs: what is refused, what is warned of, what is said.

use std::path::Path;

use results::availability::AvailabilityRow;
use results::compare::{
    Change, Comparison, Floor, Measured, NotComparable, compare, compare_several,
};
use results::measurements::Measurements;
use results::records::{
    Acknowledged, Cell, Event, EventKind, Fact, Observation, Op, Promises, RunFolder, Target,
};
use results::run::Run;
use results::verdict::Verdict;

use crate::rows::{cell, manifest, operation};
use crate::synthetic;

/// `seconds` of queries back to back in each of `trials` trials, every trial a little different.
fn queries(cell: &Cell, trials: u32, seconds: u64, latency_us: u64) -> Vec<Observation> {
    let query = |trial: u32, n: u64| {
        let own_us = latency_us + n % 50 + u64::from(trial) * 3;
        Observation { trial, ..operation(cell, Op::Query, n * latency_us * 2, own_us) }
    };
    let count = seconds * 1_000_000 / (latency_us * 2);
    (1..=trials).flat_map(|trial| (0..count).map(move |n| query(trial, n))).collect()
}

/// The same load on a register or a log: reads of 1 ms, and changes that take so long.
fn of_keys(name: &str, change: Op, change_us: u64) -> Run {
    let cell = cell(0.0, true);
    let reads = queries(&cell, 4, 3, 1_000).into_iter();
    let reads = reads.map(|query| Observation { op: Op::Read, ..query });
    let changes = queries(&cell, 4, 3, change_us).into_iter();
    let changes = changes.map(|query| Observation { op: change, client: 2, ..query });
    let observations = reads.chain(changes).collect();
    let manifest = manifest("bench", vec![Cell { trials: 4, ..cell }]);
    let run = synthetic::Run { manifest, observations, events: vec![], final_rows: vec![] };
    run.read_from(Path::new(name))
}

#[test]
fn registers_and_logs_are_compared_by_their_own_operations_and_in_their_words() {
    for (change, word) in [(Op::Write, "write"), (Op::Append, "append")] {
        let (a, b) = (of_keys("one", change, 2_000), of_keys("two", change, 2_600));
        let compared = compare(&measured(&a), Some(&measured(&b)), &Floor::default()).unwrap();
        assert_eq!(compared.verdict, Change::Worse);
        let names: Vec<_> = compared.headline.iter().map(|one| one.metric.as_str()).collect();
        let (median, p99) = (format!("{word}.p50_us"), format!("{word}.p99_us"));
        assert_eq!(names, ["read.p50_us", "read.p99_us", &median, &p99, "throughput_per_s"]);
        assert_eq!(compared.headline[0].change, Change::WithinNoise);
        let text = compared.to_text();
        assert!(text.contains(&format!("\n{word} median, µs ")), "{text}");
        assert!(!text.contains("trade") && !text.contains("query"), "{text}");
        let again = compare(&measured(&a), Some(&measured(&a)), &Floor::default()).unwrap();
        assert_eq!(again.verdict, Change::WithinNoise, "{}", again.reason);
    }
}

fn rows(cells: &[(Cell, u64)], trials: u32) -> synthetic::Run {
    let rows = cells.iter().flat_map(|(cell, latency_us)| queries(cell, trials, 3, *latency_us));
    let observations = rows.collect();
    let of_trials = |(cell, _): &(Cell, u64)| Cell { trials, ..cell.clone() };
    let manifest = manifest("bench", cells.iter().map(of_trials).collect());
    synthetic::Run { manifest, observations, events: vec![], final_rows: vec![] }
}

fn run(name: &str, cells: &[(Cell, u64)], trials: u32) -> Run {
    rows(cells, trials).read_from(Path::new(name))
}

fn measured(run: &Run) -> Measured<'_> {
    Measured { run, faults: &[] }
}

fn between(a_us: u64, b_us: u64) -> Comparison {
    let a = run("one", &[(cell(0.0, true), a_us)], 4);
    let b = run("two", &[(cell(0.0, true), b_us)], 4);
    compare(&measured(&a), Some(&measured(&b)), &Floor::default()).unwrap()
}

#[test]
fn a_slower_run_is_worse_and_a_faster_one_better() {
    let slower = between(2_000, 2_600);
    assert_eq!((slower.verdict, slower.as_verdict()), (Change::Worse, Verdict::Fail));
    let median = &slower.headline[0];
    assert_eq!((median.metric.as_str(), median.change), ("query.p50_us", Change::Worse));
    assert!((25.0..33.0).contains(&median.percent), "{median:?}");
    assert!(median.low_percent.unwrap() < median.percent && median.low_percent.unwrap() > 3.0);
    let faster = between(2_600, 2_000);
    assert_eq!((faster.verdict, faster.as_verdict()), (Change::Better, Verdict::Pass));
    assert_eq!(between(2_000, 2_000).verdict, Change::WithinNoise);
}

#[test]
fn runs_of_one_trial_each_are_trials_of_one_another_and_two_of_them_tell_nothing() {
    let runs = |names: &[&str], latency_us: u64| -> Vec<Run> {
        let one =
            |(name, later): (&&str, u64)| run(name, &[(cell(0.0, true), latency_us + later)], 1);
        names.iter().zip((0..).step_by(5)).map(one).collect()
    };
    let several = |a: &[Run], b: &[Run]| {
        let (a, b): (Vec<_>, Vec<_>) =
            (a.iter().map(measured).collect(), b.iter().map(measured).collect());
        compare_several(&a, &b, &Floor::default()).unwrap()
    };
    let (before, after) = (runs(&["1", "2", "3"], 2_000), runs(&["4", "5", "6", "7"], 2_600));
    let slower = several(&before, &after);
    assert_eq!((slower.verdict, slower.trials), (Change::Worse, 3));
    assert!((25.0..33.0).contains(&slower.headline[0].percent), "{:?}", slower.headline);
    let few = several(&before[..2], &after);
    assert_eq!((few.verdict, few.trials), (Change::Unknown, 2));
    assert!(compare_several(&[], &[measured(&before[0])], &Floor::default()).is_err());
}

/// The same as [`between`], in open loops whose generator sends each query `late_us` after it was due, and
/// trades of another client in time.
fn between_open_loops(late_us: u64) -> Comparison {
    let one = |name: &str| {
        let open = Cell { rate_per_s: Some(100.0), ..cell(0.0, true) };
        let mut made = rows(&[(open, 2_000)], 4);
        let in_time = |query: &Observation| Observation {
            op: Op::Trade,
            client: query.client + 1,
            planned_us: Some(query.start_us),
            ..query.clone()
        };
        let trades: Vec<Observation> = made.observations.iter().map(in_time).collect();
        for row in &mut made.observations {
            row.planned_us = Some(row.start_us);
            row.start_us += late_us;
            row.end_us += late_us;
        }
        made.observations.extend(trades);
        for trial in 1..=4 {
            let at = |at_us, kind| Event::new(&made.manifest.cells[0].id, trial, at_us, kind);
            let begins = at(0, EventKind::LoadBegan);
            let ends = Event { unsent: Some(0), ..at(4_000_000, EventKind::ArrivalsEnded) };
            made.events.extend([begins, ends]);
        }
        made.read_from(Path::new(name))
    };
    let (a, b) = (one("one"), one("two"));
    compare(&measured(&a), Some(&measured(&b)), &Floor::default()).unwrap()
}

#[test]
fn figures_that_are_withheld_elsewhere_are_named() {
    assert_eq!(between_open_loops(100).warnings, Vec::<String>::new());
    let warned = between_open_loops(1_000).warnings;
    let [warning] = warned.as_slice() else { panic!("{warned:?}") };
    assert!(
        warning.starts_with(
            "Less than five times the generator's own lateness are figures of p0-cache-on (query median, \
             query p99): "
        ),
        "{warning}"
    );
}

#[test]
fn the_text_names_the_runs_and_ends_with_the_verdict() {
    let text = between(2_000, 2_600).to_text();
    assert!(text.starts_with("a: one\nb: two\n1 cell in common, two runs, not paired"), "{text}");
    assert!(text.lines().last().unwrap().starts_with("Worse: query.p50_us +"), "{text}");
}

#[test]
fn the_markdown_has_a_table_that_a_pull_request_shows() {
    let markdown = between(2_000, 2_600).to_markdown();
    assert!(markdown.starts_with("### Worse\n\nWorse: query.p50_us"), "{markdown}");
    assert!(markdown.contains("\n| figure | a | b | change | 95% interval | verdict |\n| --- |"));
    assert!(markdown.contains("\n| query median, µs | 20"), "{markdown}");
}

#[test]
fn the_json_reads_back() {
    let comparison = between(2_000, 2_600);
    let json = serde_json::to_string(&comparison).unwrap();
    assert_eq!(serde_json::from_str::<Comparison>(&json).unwrap(), comparison);
    assert!(json.contains("\"verdict\":\"worse\""), "{json}");
}

#[test]
fn two_builds_of_one_run_are_compared_with_each_other() {
    let build = |name: &str| Cell {
        id: format!("p0-cache-on-{name}"),
        build: Some(name.to_owned()),
        ..cell(0.0, true)
    };
    let both = run("both", &[(build("a"), 2_000), (build("b"), 2_600)], 4);
    let both = measured(&both);
    let comparison = compare(&both, None, &Floor::default()).unwrap();
    assert_eq!((comparison.verdict, comparison.paired), (Change::Worse, true));
    assert_eq!(comparison.b.build.as_deref(), Some("b"));
    // An A/A run whose builds differ that much makes the same effect noise, and the comparison
    // worthless.
    let floor = Floor::measured(&both).unwrap();
    assert!(floor.share > 0.25, "{floor}");
    let comparison = compare(&both, None, &floor).unwrap();
    assert_eq!(comparison.headline[0].change, Change::WithinNoise);
    assert_eq!(comparison.verdict, Change::Unknown);
}

#[test]
fn the_report_of_a_run_with_two_builds_compares_them() {
    let build = |name: &str| Cell {
        id: format!("p0-cache-on-{name}"),
        build: Some(name.to_owned()),
        ..cell(0.0, true)
    };
    let both = rows(&[(build("a"), 2_000), (build("b"), 2_600)], 4);
    let root = tempfile::tempdir().unwrap();
    let run = both.read_from(root.path());
    let report = results::report::write(&Measurements::new(&run)).unwrap();
    assert_eq!(report.builds.as_ref().unwrap().verdict, Change::Worse);
    let named = format!("a: {}, build a\n", RunFolder::new(root.path()).name());
    assert!(report.to_text().contains(&named), "{}", report.to_text());
}

#[test]
fn what_is_not_comparable_is_refused_with_what_each_side_has() {
    let a = run("one", &[(cell(0.0, true), 2_000)], 1);
    let b = run("two", &[(cell(0.4, true), 2_000)], 1);
    let refused = compare(&measured(&a), Some(&measured(&b)), &Floor::default()).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "one and two have no cell in common: one has p0-cache-on; two has p0.4-cache-on"
    );
    let alone = compare(&measured(&a), None, &Floor::default()).unwrap_err();
    assert_eq!(alone, NotComparable::OneBuild("one".to_owned()));
    let nothing = synthetic::Run { observations: vec![], ..rows(&[(cell(0.0, true), 2_000)], 1) };
    let empty = nothing.read();
    let refused = compare(&measured(&a), Some(&measured(&empty)), &Floor::default()).unwrap_err();
    assert!(matches!(refused, NotComparable::NothingMeasured { .. }));
}

#[test]
fn single_short_trials_cannot_be_told_apart() {
    let short = synthetic::Run {
        observations: queries(&cell(0.0, true), 1, 1, 2_000),
        ..rows(&[(cell(0.0, true), 2_000)], 1)
    };
    let [one, two] = ["one", "two"].map(|name| short.read_from(Path::new(name)));
    let comparison = compare(&measured(&one), Some(&measured(&two)), &Floor::default()).unwrap();
    assert_eq!((comparison.verdict, comparison.trials), (Change::Unknown, 1));
    assert_eq!(comparison.as_verdict(), Verdict::Inconclusive);
}

#[test]
fn nothing_is_claimed_from_single_trials_however_long_and_different_they_are() {
    for (trials, there) in [(1, "there is 1"), (2, "there are 2")] {
        let of = |name: &str, latency_us: u64| run(name, &[(cell(0.0, true), latency_us)], trials);
        let (a, b) = (of("one", 2_000), of("two", 3_000));
        let comparison = compare(&measured(&a), Some(&measured(&b)), &Floor::default()).unwrap();
        assert_eq!(comparison.verdict, Change::Unknown);
        let all = comparison.headline.iter().chain(&comparison.cells);
        assert!(all.clone().all(|effect| effect.change == Change::Unknown), "{comparison:?}");
        assert!(all.clone().all(|effect| effect.low_percent.is_none()), "{comparison:?}");
        let reason = "Cannot be told: it takes 3 trials of each cell on both sides, and ";
        assert_eq!(comparison.reason, format!("{reason}{there}."));
        assert!(comparison.warnings[0].starts_with("Nothing is claimed without 3 trials of each"));
    }
}

#[test]
fn what_differs_besides_is_warned_of() {
    let mut a = rows(&[(cell(0.0, true), 2_000)], 3);
    let mut b = a.clone();
    a.manifest.machine = vec![("cores".to_owned(), "2".to_owned())];
    b.manifest.machine = vec![("cores".to_owned(), "8".to_owned())];
    b.manifest.durability = "os".to_owned();
    a.manifest.plan = "name = \"x\"\n[load]\nduration_s = 8.0\nseed = 1\n".to_owned();
    b.manifest.plan = "name = \"y\"\n[load]\nduration_s = 3.0\nseed = 2\n".to_owned();
    let (a, b) = (a.read(), b.read());
    let warnings = compare(&measured(&a), Some(&measured(&b)), &Floor::default()).unwrap().warnings;
    assert_eq!(
        warnings,
        [
            "The machines differ (cores: 2 and 8).",
            "Durability differs: flush and os.",
            "The plans differ (load.duration_s: 8.0 and 3.0).",
        ]
    );
}

/// A run like the bazaar's, of a target that was started in this variant, and promises this.
fn of_target(name: &str, variant: Option<&str>, promises: Promises) -> Run {
    let variant = variant.map(str::to_owned);
    let mut rows = rows(&[(Cell { variant, ..cell(0.0, true) }, 2_000)], 3);
    rows.manifest.target = Some(Target::new(name, [Fact::Queries], promises));
    rows.manifest.durability = "as the target has it".to_owned();
    rows.read_from(Path::new(name))
}

fn warnings(a: &Run, b: &Run) -> Vec<String> {
    compare(&measured(a), Some(&measured(b)), &Floor::default()).unwrap().warnings
}

#[test]
fn two_systems_in_one_comparison_are_told_with_what_is_known_of_each() {
    let toy = of_target("toy", None, Promises::default());
    let bazaar = run("ours", &[(cell(0.0, true), 2_000)], 3);
    let text = compare(&measured(&toy), Some(&measured(&bazaar)), &Floor::default()).unwrap();
    assert!(text.to_text().starts_with("a: toy, target toy\nb: ours\n"), "{}", text.to_text());
    assert_eq!(
        text.warnings,
        [
            "Two systems are compared, toy and the bazaar. What an acknowledgement of toy survives is not \
             known.",
            "They were started differently: toy as it always is and the bazaar cache on.",
        ]
    );
    let other = of_target("shop", Some("safe"), Promises::default());
    assert_eq!(
        warnings(&toy, &other),
        [
            "Two systems are compared, toy and shop. What an acknowledgement of toy and of shop survives \
             is not known.",
            "They were started differently: toy as it always is and shop safe.",
        ]
    );
}

#[test]
fn the_page_has_the_figures_and_each_chart_of_both_under_one_heading() {
    let toy = of_target("toy <b>", None, Promises::default());
    let bazaar = run("ours", &[(cell(0.0, true), 2_600)], 3);
    let compared = compare(&measured(&toy), Some(&measured(&bazaar)), &Floor::default()).unwrap();
    let scratch = tempfile::tempdir().unwrap();
    let (a, b) = (Measurements::new(&toy), Measurements::new(&bazaar));
    let page = results::html::comparison(&compared, &a, Some(&b), scratch.path()).unwrap();
    let page = scraper::Html::parse_document(&page);
    let texts = |selector: &str| -> Vec<String> {
        let selector = scraper::Selector::parse(selector).unwrap();
        page.select(&selector).map(|found| found.text().collect::<String>()).collect()
    };
    assert_eq!(texts("h1"), ["Compared: toy <b> and the bazaar"]);
    assert_eq!(texts(".verdict strong"), ["worse"]);
    assert!(texts(".limits li")[0].starts_with("Two systems are compared"));
    assert_eq!(texts("caption"), ["b against a, over all cells"]);
    let charts = texts("section details.chart summary h3");
    assert_eq!(charts.len(), 3, "{charts:?}");
    assert!(charts.contains(&"Throughput by share of trades".to_owned()), "{charts:?}");
    for chart in page.select(&scraper::Selector::parse("details.chart").unwrap()) {
        let images = scraper::Selector::parse("img[src^='data:image/']").unwrap();
        assert_eq!(chart.select(&images).count(), 2);
    }
    assert!(texts("b, script").is_empty());
}

#[test]
fn of_one_system_its_variants_and_what_its_files_promise_are_told() {
    let may_lose = Promises { acknowledged: Acknowledged::MayBeLost, ..Promises::default() };
    let [safe, fast] = ["safe", "fast"].map(|variant| of_target("kv", Some(variant), may_lose));
    let started = "They were started differently: kv safe and kv fast.";
    assert_eq!(warnings(&safe, &fast), [started]);
    let durable = of_target("kv", Some("safe"), Promises::default());
    let differ = "The files of kv differ in what they promise, or in what can be known of it.";
    assert_eq!(warnings(&safe, &durable), [differ]);
    assert!(warnings(&safe, &safe).is_empty());
}

#[test]
fn leaders_deaths_are_compared_fault_by_fault() {
    let once = synthetic::failover();
    let run = once.read();
    let faults = results::availability::measure(&run);
    let run = Measured { run: &run, faults: &faults };
    let comparison = compare(&run, Some(&run), &Floor::default()).unwrap();
    let metrics: Vec<&str> =
        comparison.headline.iter().map(|effect| effect.metric.as_str()).collect();
    assert!(metrics.contains(&"failover.kill.first_ack_ms.median"), "{metrics:?}");
    // Seven kills of one trial share its good or bad luck.
    assert!(comparison.headline.iter().all(|effect| effect.change == Change::Unknown));

    let in_trials = |row: &AvailabilityRow| {
        (1..=3).map(|trial| AvailabilityRow { trial, ..row.clone() }).collect::<Vec<_>>()
    };
    let faults: Vec<AvailabilityRow> = run.faults.iter().flat_map(in_trials).collect();
    let rows = once.observations.iter();
    let rows = rows.flat_map(|row| (1..=3).map(|trial| Observation { trial, ..row.clone() }));
    let mut thrice = synthetic::Run { observations: rows.collect(), ..once.clone() };
    thrice.manifest.cells[0].trials = 3;
    let thrice = thrice.read();
    let thrice = Measured { run: &thrice, faults: &faults };
    let comparison = compare(&thrice, Some(&thrice), &Floor::default()).unwrap();
    assert!(comparison.headline.iter().all(|effect| effect.change == Change::WithinNoise));
}

#[test]
fn each_kind_of_fault_that_breaks_something_for_a_moment_is_compared_for_itself() {
    let run = synthetic::failover().read();
    let faults = results::availability::measure(&run);
    let as_if = |role, action| -> Vec<AvailabilityRow> {
        let changed = faults.iter().map(|row| AvailabilityRow { role, action, ..row.clone() });
        changed.collect()
    };
    let metrics = |faults: &[AvailabilityRow]| -> Vec<String> {
        let side = Measured { run: &run, faults };
        let comparison = compare(&side, Some(&side), &Floor::default()).unwrap();
        let metrics = comparison.headline.iter().map(|effect| effect.metric.clone());
        metrics.filter(|metric| metric.contains("first_ack_ms")).collect()
    };
    use results::timeline::{FaultKind, Role};
    for (role, action, expected) in [
        (Role::Leader, FaultKind::Kill, Some("failover.kill.first_ack_ms.median")),
        (Role::Leader, FaultKind::Pause, Some("failover.pause.first_ack_ms.median")),
        (Role::Link, FaultKind::Cut, Some("failover.cut.first_ack_ms.median")),
        (Role::Link, FaultKind::Delay, None),
        (Role::Follower, FaultKind::Kill, None),
    ] {
        assert_eq!(metrics(&as_if(role, action)), Vec::from_iter(expected), "{role} {action}");
    }
}
