//! What the pure parts cost that every row of a run passes through: `cargo bench -p results`.
//!
//! A run has a row for each operation, so that they are written while it is measured and read by the million afterwards.
//! Nobody runs these by themselves; clippy compiles them.

use std::fs::{self, File};
use std::hint::black_box;
use std::io;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use flate2::read::GzDecoder;
use results::checks;
use results::records::{Observation, Op, RunFolder};
use results::run::Run;
use results::stats::Latencies;
use tempfile::TempDir;
use wire::bazaar::TradeType;

/// A run of the tests' corpus: a few thousand operations and some kills.
const RUN: &str = "tests/corpus/failover";

/// A row as most are.
fn observation(number: u64) -> Observation {
    Observation {
        seq: number,
        client: 7,
        stock_name: Some(format!("Stock{}", number % 10 + 1).into()),
        trade_type: Some(TradeType::Buy),
        quantity: Some(3),
        order_no: Some(number),
        request_id: Some(format!("{number:08x}-0000-4000-8000-000000000000").into()),
        ..Observation::new("p0.50-cache-on", 1, Op::Trade, number * 1_000, number * 1_000 + 417)
    }
}

fn row_written(c: &mut Criterion) {
    let row = observation(123_456);
    let mut writer = csv::WriterBuilder::new().has_headers(false).from_writer(io::sink());
    c.bench_function("CSV: a row written", |b| {
        b.iter(|| writer.serialize(black_box(&row)).expect("a sink takes everything"));
    });
}

fn run() -> (TempDir, RunFolder) {
    let folder = tempfile::tempdir().expect("a folder");
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join(RUN);
    for entry in fs::read_dir(from).expect("the run") {
        let path = entry.expect("a file of it").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default().to_owned();
        if let Some(unpacked) = name.strip_suffix(".gz") {
            let mut text = GzDecoder::new(File::open(&path).expect("rows"));
            let mut to = File::create(folder.path().join(unpacked)).expect("a file");
            io::copy(&mut text, &mut to).expect("room for it");
        } else if path.is_file() {
            fs::copy(&path, folder.path().join(name)).expect("room for it");
        }
    }
    let run = RunFolder::new(folder.path());
    (folder, run)
}

fn rows_read(c: &mut Criterion) {
    let (_folder, run) = run();
    let rows = run.observations().expect("rows").len();
    c.bench_function(&format!("CSV: {rows} rows read"), |b| {
        b.iter(|| run.observations().expect("rows").len());
    });
}

fn histogram(c: &mut Criterion) {
    let mut latencies = Latencies::default();
    let mut us = 1_u64;
    c.bench_function("histogram: a latency", |b| {
        b.iter(|| {
            us = us.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            latencies.record(us >> 44);
        });
    });
    c.bench_function("histogram: a percentile", |b| {
        b.iter(|| latencies.percentile_us(black_box(0.99)));
    });
    let other = latencies.clone();
    c.bench_function("histogram: two merged", |b| b.iter(|| latencies.merge(&other)));
}

fn checkers(c: &mut Criterion) {
    let (_folder, folder) = run();
    let run = Run::open(&folder).expect("a whole run");
    c.bench_function("checkers: all of them on a kept run", |b| {
        b.iter(|| checks::check_run(&run).expect("a run that can be read"));
    });
}

criterion_group!(parts, row_written, rows_read, histogram, checkers);
criterion_main!(parts);
