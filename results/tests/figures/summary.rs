//! `summary.csv`, its table and its sentences.

use results::records::{CacheState, Cell, Observation, Op, Outcome, Phase};
use results::stats::Basis;
use results::summary::{SummaryRow, summarise, table, text, write_csv};

use crate::rows::{cell, manifest, operation};

/// `count` queries of `latency_us` each, one after the other.
fn queries(cell: &Cell, count: u64, latency_us: u64) -> Vec<Observation> {
    operations(cell, Op::Query, count, latency_us)
}

fn operations(cell: &Cell, op: Op, count: u64, latency_us: u64) -> Vec<Observation> {
    (0..count).map(|n| operation(cell, op, n * latency_us, latency_us)).collect()
}

#[test]
fn percentiles_and_throughput_of_known_latencies() {
    let cell = cell(0.4, true);
    // 1000 queries of 1..=1000 µs within exactly two seconds.
    let mut rows: Vec<Observation> =
        (1..=1000).map(|n| operation(&cell, Op::Query, n, n)).collect();
    rows.push(operation(&cell, Op::Trade, 1_000_000, 1_000_001));
    let summary = summarise(&manifest("bench", vec![cell]), &rows);
    assert_eq!(summary.len(), 2);
    let query = &summary[0];
    assert_eq!((query.op, query.count, query.ok, query.trials), (Op::Query, 1000, 1000, 1));
    assert_eq!(query.mean_us, Some(500.5));
    assert_eq!((query.p50_us, query.p90_us), (Some(500), Some(900)));
    assert_eq!((query.p99_us, query.p999_us, query.max_us), (Some(990), Some(999), Some(1000)));
    assert_eq!(query.span_s, 2.0);
    assert_eq!(query.throughput_per_s, Some(500.0));
}

#[test]
fn the_warm_up_is_left_out_and_lookups_have_a_span_of_their_own() {
    let cell = cell(1.0, false);
    let warm_up = operation(&cell, Op::Query, 0, 9_000_000);
    let rows = vec![
        Observation { phase: Phase::WarmUp, ..warm_up },
        operation(&cell, Op::Query, 10_000_000, 1_000_000),
        operation(&cell, Op::Lookup, 20_000_000, 500_000),
    ];
    let summary = summarise(&manifest("bench", vec![cell]), &rows);
    let figures: Vec<_> = summary.iter().map(|row| (row.op, row.count, row.span_s)).collect();
    assert_eq!(figures, [(Op::Query, 1, 1.0), (Op::Lookup, 1, 0.5)]);
}

#[test]
fn outcomes_are_counted_apart_and_only_answers_have_latencies() {
    let cell = cell(1.0, true);
    let with =
        |outcome, latency_us| Observation { outcome, ..operation(&cell, Op::Trade, 0, latency_us) };
    let rows = vec![
        with(Outcome::Ok, 100),
        with(Outcome::Rejected, 300),
        with(Outcome::Failed, 7_000),
        with(Outcome::Unknown, 9_000_000),
    ];
    let summary = summarise(&manifest("bench", vec![cell.clone()]), &rows);
    let row = &summary[0];
    assert_eq!((row.count, row.ok, row.rejected, row.failed, row.unknown), (4, 1, 1, 1, 1));
    assert_eq!((row.mean_us, row.max_us), (Some(200.0), Some(300)));
}

#[test]
fn operations_of_which_none_was_answered_have_no_latencies() {
    let cell = cell(1.0, true);
    let row = Observation { outcome: Outcome::Unknown, ..operation(&cell, Op::Trade, 0, 100) };
    let summary = summarise(&manifest("bench", vec![cell]), &[row]);
    assert_eq!(summary[0].count, 1);
    assert_eq!((summary[0].mean_us, summary[0].p99_us, summary[0].max_us), (None, None, None));
    assert_eq!(summary[0].throughput_per_s, Some(0.0));
}

#[test]
fn trials_are_pooled_and_time_between_them_does_not_count() {
    let cell = cell(0.0, true);
    let first = operation(&cell, Op::Query, 0, 1_000_000);
    let second = operation(&cell, Op::Query, 60_000_000, 3_000_000);
    let rows = vec![first, Observation { trial: 2, ..second }];
    let summary = summarise(&manifest("bench", vec![cell]), &rows);
    assert_eq!((summary[0].trials, summary[0].count, summary[0].span_s), (2, 2, 4.0));
    assert_eq!(summary[0].throughput_per_s, Some(0.5));
}

#[test]
fn hits_and_misses_are_counted_for_queries_only() {
    let cell = cell(1.0, true);
    let with = |cache| Observation { cache: Some(cache), ..operation(&cell, Op::Query, 0, 100) };
    let rows = vec![
        with(CacheState::Hit),
        with(CacheState::Hit),
        with(CacheState::Miss),
        operation(&cell, Op::Trade, 0, 100),
    ];
    let summary = summarise(&manifest("bench", vec![cell]), &rows);
    assert_eq!((summary[0].cache_hits, summary[0].cache_misses), (Some(2), Some(1)));
    assert_eq!((summary[1].cache_hits, summary[1].cache_misses), (None, None));
}

#[test]
fn the_csv_reads_back_as_what_was_written_with_empty_for_missing() {
    let cell = cell(1.0, true);
    let row = Observation { outcome: Outcome::Failed, ..operation(&cell, Op::Trade, 0, 100) };
    let summary = summarise(&manifest("bench", vec![cell]), &[row]);
    let mut file = Vec::new();
    write_csv(&summary, &mut file).unwrap();
    let text = String::from_utf8(file.clone()).unwrap();
    assert!(text.starts_with("cell,p,cache,clients,trials,op,count,ok,rejected,failed,unknown,"));
    assert!(text.contains("p1-cache-on,1.0,on,5,1,trade,1,0,0,1,0,,,,,,,"), "{text}");
    let back: Result<Vec<SummaryRow>, _> =
        csv::Reader::from_reader(&file[..]).into_deserialize().collect();
    assert_eq!(back.unwrap(), summary);
}

#[test]
fn the_table_puts_what_one_compares_below_each_other() {
    let (on, off) = (cell(0.2, true), cell(0.2, false));
    let mut rows = queries(&off, 3, 400);
    rows.extend(queries(&on, 3, 100));
    rows.extend(operations(&on, Op::Trade, 2, 5_000));
    let manifest = manifest("bench", vec![off, on]);
    let text = text(&table(&summarise(&manifest, &rows), &manifest));
    let lines: Vec<&str> = text.lines().collect();
    assert!(lines[1].starts_with("op     p    cache  count  median   p99"), "{text}");
    assert!(lines[3].starts_with("query  0.2  on         3     100   100"), "{text}");
    assert!(lines[4].starts_with("query  0.2  off        3     400   400"), "{text}");
    assert!(lines[5].starts_with("trade  0.2  on         2    5000  5000"), "{text}");
    assert_eq!(lines.len(), 6);
}

/// Three trials of a hundred queries that take 1, 2 and 3 ms, give or take a little.
fn three_trials(cell: &Cell) -> Vec<Observation> {
    let query = |trial: u32, n: u64| {
        let latency_us = u64::from(trial) * 1_000 + n % 10;
        let row = operation(cell, Op::Query, n * 10_000, latency_us);
        Observation { trial, ..row }
    };
    (1..=3).flat_map(|trial| (0..100).map(move |n| query(trial, n))).collect()
}

#[test]
fn trials_that_differ_make_a_wide_interval() {
    let cell = cell(0.0, true);
    let summary = summarise(&manifest("bench", vec![cell.clone()]), &three_trials(&cell));
    let row = &summary[0];
    assert_eq!(row.interval_basis, Some(Basis::Trials));
    let median = row.p50().unwrap();
    let interval = median.interval.unwrap();
    assert!(interval.low < 1_500.0 && 3_000.0 < interval.high, "{median:?}");
    assert!(row.p50_low_us < row.p50_us && row.p50_us < row.p50_high_us);
    let shown = text(&table(&summary, &manifest("bench", vec![])));
    let bounds = format!("2004 [{:.0}, {:.0}]", interval.low, interval.high);
    assert!(shown.contains(&bounds) && shown.contains("95% intervals from trials"), "{shown}");
    let steady = row.throughput().unwrap().interval.unwrap();
    assert!(steady.high / steady.low < 1.01, "{steady:?}");
}

#[test]
fn a_percentile_with_next_to_nothing_beyond_it_has_no_interval() {
    let cell = cell(0.0, true);
    let summary = summarise(&manifest("bench", vec![cell.clone()]), &three_trials(&cell));
    let row = &summary[0];
    assert!(row.p90().unwrap().interval.is_some());
    assert!(row.p99_us.is_some() && row.p99().unwrap().interval.is_none());
}

#[test]
fn one_trial_has_intervals_from_its_slices_or_none_if_it_is_short() {
    let cell = cell(0.0, true);
    let basis = |seconds: u64| {
        let rows: Vec<Observation> =
            (0..seconds * 100).map(|n| operation(&cell, Op::Query, n * 10_000, 500)).collect();
        let summary = summarise(&manifest("bench", vec![cell.clone()]), &rows);
        (summary[0].interval_basis, summary[0].p50().unwrap().interval.is_some())
    };
    assert_eq!(basis(4), (Some(Basis::Slices), true));
    assert_eq!(basis(1), (None, false));
}

#[test]
fn in_an_open_loop_latency_counts_from_the_due_time_and_the_uncorrected_stands_beside() {
    let cell = Cell { rate_per_s: Some(100.0), build: Some("a".to_owned()), ..cell(0.0, true) };
    // Due every 10 ms; the service hangs for the first second and then answers all within 1 ms.
    let rows: Vec<Observation> = (0..200)
        .map(|n| {
            let planned_us = n * 10_000;
            let row = operation(&cell, Op::Query, planned_us.max(1_000_000), 1_000);
            Observation { planned_us: Some(planned_us), ..row }
        })
        .collect();
    let summary = summarise(&manifest("bench", vec![cell]), &rows);
    let row = &summary[0];
    assert!(row.p99_us.unwrap() > 980_000, "{row:?}");
    let shown = text(&table(&summary, &manifest("bench", vec![])));
    assert!(shown.contains("uncorr. p99") && shown.contains(" 100     a "), "{shown}");
    assert_eq!((row.uncorrected_p99_us, row.uncorrected_max_us), (Some(1_000), Some(1_000)));
    assert_eq!((row.rate_per_s, row.build.as_deref()), (Some(100.0), Some("a")));
}
