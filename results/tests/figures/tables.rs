//! `figures.json`: every figure of a run, with its interval or the reason why there is none, for programs.

use std::fs;

use results::records::{Op, RunFolder};
use results::report::{FIGURES_FILE, FIGURES_FORMAT};
use serde_json::{Value, json};

use crate::page::{Laid, PAGES};

/// What was written of one of the pages' runs.
fn written(wanted: &str) -> (&'static Laid, Value) {
    let (_, laid) = PAGES.iter().find(|(name, _)| *name == wanted).unwrap();
    let text = fs::read_to_string(laid.root.join(FIGURES_FILE)).unwrap();
    (laid, serde_json::from_str(&text).unwrap())
}

/// A figure as it is read back: the last digit of a number may be another.
fn read_back(figure: &Value) -> Value {
    serde_json::from_str(&figure.to_string()).unwrap()
}

fn rows<'v>(figures: &'v Value, table: &str) -> &'v [Value] {
    let tables = figures["tables"].as_array().unwrap();
    let found = tables.iter().find(|one| one["id"] == table);
    found.map_or(&[], |table| table["rows"].as_array().unwrap())
}

#[test]
fn every_latency_is_there_with_its_interval_and_what_that_was_drawn_from() {
    for name in ["bench", "failover"] {
        let (laid, figures) = written(name);
        assert_eq!(figures["format"], FIGURES_FORMAT);
        assert_eq!(figures["run"], RunFolder::new(&laid.root).name());
        let operations = rows(&figures, "operations");
        assert_eq!(operations.len(), laid.figures.summary.len(), "{name}");
        for row in &laid.figures.summary {
            let op = format!("{:?}", row.op).to_lowercase();
            let is_it =
                |one: &&Value| one["cell"]["value"] == *row.cell && one["op"]["value"] == *op;
            let one = operations.iter().find(is_it).unwrap();
            assert_eq!(one["count"]["value"], row.count, "{name} {op}");
            let cell = |estimate: Option<results::stats::Estimate>| match estimate {
                None => json!({"missing": "none-answered"}),
                Some(results::stats::Estimate { value, interval: None }) => json!({"value": value}),
                Some(results::stats::Estimate { value, interval: Some(it) }) => {
                    json!({"value": value, "low": it.low, "high": it.high, "basis": row.interval_basis})
                }
            };
            for (column, estimate) in [
                ("p50_us", row.p50()),
                ("p90_us", row.p90()),
                ("p99_us", row.p99()),
                ("p999_us", row.p999()),
                ("throughput_per_s", row.throughput()),
            ] {
                assert_eq!(one[column], read_back(&cell(estimate)), "{name} {op} {column}");
            }
            assert_eq!(one["uncorrected_p50_us"], json!({"missing": "not-applicable"}));
        }
    }
}

#[test]
fn faults_their_kinds_and_gaps_are_there() {
    let (laid, figures) = written("failover");
    let faults = rows(&figures, "faults");
    assert_eq!(faults.len(), laid.figures.availability.len());
    for (fault, row) in faults.iter().zip(&laid.figures.availability) {
        assert_eq!(fault["process"]["value"], *row.process);
        assert_eq!(fault["at_us"]["value"], row.at_us);
        assert_eq!(fault["first_ack_ms"]["value"].as_f64(), row.first_ack_ms);
        assert_eq!(fault["lost"]["value"].as_u64(), row.lost);
    }
    let kinds = rows(&figures, "fault-kinds");
    let acks = kinds.iter().find(|row| row["figure"]["value"] == "first_ack_ms").unwrap();
    let overall = laid.figures.overall.iter().find(|row| row.figure == "first_ack_ms").unwrap();
    assert!(overall.interval_low.is_some(), "seven kills have an interval");
    let median = json!({"value": overall.median, "low": overall.interval_low,
                        "high": overall.interval_high, "basis": "faults"});
    assert_eq!(acks["median"], read_back(&median));
    let gaps = rows(&figures, "gaps");
    assert!(!gaps.is_empty() && gaps.len() == laid.figures.gaps.len());
    for (gap, row) in gaps.iter().zip(&laid.figures.gaps) {
        let [at_us, gap_us] = ["at_us", "gap_us"].map(|column| gap[column]["value"].as_u64());
        assert_eq!((at_us, gap_us), (Some(row.at_us), Some(row.gap_us)));
    }
}

#[test]
fn what_an_open_loop_offered_and_left_out_is_there_with_the_reason() {
    let (laid, figures) = written("open loop");
    let rates = rows(&figures, "rates");
    let (cell, lateness) = &laid.figures.open_loop.as_ref().unwrap().cells[0];
    assert_eq!((rates.len(), rates[0]["cell"]["value"].as_str()), (1, Some(cell.as_str())));
    assert_eq!(rates[0]["offered_per_s"]["value"].as_f64(), lateness.offered_per_s());
    assert_eq!(rates[0]["unsent"], json!({"value": 0}));
    let query = &rows(&figures, "operations")[0];
    assert_eq!(query["build"], json!({"missing": "not-applicable"}));
    let row = laid.figures.summary.iter().find(|row| row.op == Op::Query).unwrap();
    assert_eq!(query["uncorrected_p99_us"]["value"].as_u64(), row.uncorrected_p99_us);
    assert!(rows(&figures, "faults").is_empty() && rows(&figures, "cache-effects").is_empty());
}
