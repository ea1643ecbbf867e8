//! A bazaar with a million orders: a takeover, an empty replica, an emptied catalog, and a dump that
//! the checks pass; then all logs empty, which come back from the catalog, and all lost, which is refused.
//!
//! Trading a million orders takes a quarter of an hour and shows nothing more; so the four files of a
//! bazaar that has just begun are filled in one go, as trades would have left them, and clients are
//! taken to have seen each acknowledged. Then the real processes start over them, real clients trade,
//! and the harness's own injector, dump and checks do the rest. How long each step took, and the most
//! memory that each process has had, is printed.
//!
//! ```text
//! make million
//! ```
//!
//! `ORDERS=20000` in the environment makes it fewer.

#![expect(clippy::unwrap_used, reason = "a test ends at its first surprise")]

mod filled;
mod start;
mod steps;

use std::fs;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use driver::attack;
use driver::client::TrialSettings;
use driver::control::Control;
use driver::recorder::{Record, Recorder};
use faults::clock::Origin;
use faults::converge::{converge, keep};
use faults::dump::DumpPage;
use faults::events::EventSink;
use faults::heal::heal;
use faults::probes;
use faults::process::ProcessName;
use results::checks;
use results::records::{Cell, EventKind, FinalRow, Manifest, RunFolder, built_in};
use results::run::Run;
use results::verdict::Verdict;
use tokio::sync::oneshot;
use tokio::time::sleep;

use start::Place;
use steps::{Steps, wait_for};

const CELL: &str = "million";
const CLIENTS: u32 = 8;
const REPLICAS: u8 = 3;
const PING_TIMEOUT_MS: u64 = 300;
/// Far beyond what any step may take.
const CONVERGE_WITHIN: Duration = Duration::from_secs(600);
/// Load before the first fault and after the last.
const CALM: Duration = Duration::from_secs(3);

#[tokio::test(flavor = "multi_thread")]
#[ignore = "takes minutes; see above"]
async fn a_million_orders_survive_a_takeover_a_lost_replica_and_a_lost_catalog() {
    let orders = std::env::var("ORDERS").map_or(1_000_000, |text| text.parse().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let run = RunFolder::new(folder.path());
    let origin = Origin::now();
    write_manifest(&run, origin);
    let mut recorder = Recorder::start(folder.path()).unwrap();
    let events = EventSink::new(CELL, 1, origin, recorder.events());
    let mut steps = Steps::new();

    // The files, as a bazaar makes them itself.
    let place = Place::new(folder.path());
    let bazaar = place.start(folder.path()).await.unwrap();
    bazaar.report_start(&events);
    bazaar.stop().await;
    drop(bazaar);
    let from_us = origin.elapsed_us();
    let empty = folder.path().join("empty");
    logs().for_each(|log| filled::copy(&folder.path().join("data"), log, &empty));
    let last_us = filled::fill(&folder.path().join("data"), orders, from_us, &recorder.records());
    recorder.settle().await.unwrap();
    steps.done(None, &format!("{orders} orders written into four files")).await;

    let bazaar = Arc::new(place.start(folder.path()).await.unwrap());
    bazaar.report_start(&events);
    wait_for("every replica in sync", || steps::all_in_sync(&bazaar)).await;
    steps.done(Some(&bazaar), "everything started, and in sync").await;
    // Nothing may seem to have been traded after the clients have begun.
    wait_for("the clock", async || (origin.elapsed_us() > last_us).then_some(())).await;

    let (stop_probes, stopped) = oneshot::channel::<()>();
    let watched = (Arc::clone(&bazaar), events.clone());
    let watching = tokio::spawn(probes::watch(watched.0, watched.1, async {
        let _ = stopped.await;
    }));
    let control = Arc::new(Control::new(origin, None));
    let clients =
        tokio::spawn(attack::run(Arc::new(setting(&place, &control, &recorder)), CLIENTS));
    control.wait_until(|counts| counts.ready == CLIENTS).await;
    let began_us = origin.elapsed_us();
    control.open_gate(began_us);
    events.emit_at(began_us, EventKind::LoadBegan, |_| {});
    sleep(CALM).await;

    let leader = steps::leader(&bazaar).await.unwrap();
    steps::kill(&bazaar, &events, 1, leader).await;
    steps.restart_clock();
    wait_for("a new leader that serves", || steps::another_serves(&bazaar, leader)).await;
    steps.done(Some(&bazaar), "leader killed: another serves").await;
    steps::restart(&bazaar, &events, 1, leader).await;
    wait_for("every replica in sync", || steps::all_in_sync(&bazaar)).await;
    steps.done(Some(&bazaar), "the old leader started again, and in sync").await;
    sleep(CALM).await;

    steps::kill(&bazaar, &events, 2, leader).await;
    filled::lose(&folder.path().join("data"), leader);
    steps.restart_clock();
    steps::restart(&bazaar, &events, 2, leader).await;
    wait_for("every replica in sync", || steps::all_in_sync(&bazaar)).await;
    steps.done(Some(&bazaar), "its file lost: an empty replica started, and in sync").await;
    sleep(CALM).await;

    let catalog = built_in::catalog();
    steps::kill(&bazaar, &events, 3, catalog).await;
    filled::lose(&folder.path().join("data"), catalog);
    steps.restart_clock();
    steps::restart(&bazaar, &events, 3, catalog).await;
    steps.done(Some(&bazaar), "the catalog's file lost: filled again, and ready").await;

    heal(&bazaar, &[], &events).await.unwrap();
    sleep(CALM).await;
    control.end_at(origin.elapsed_us());
    control.wait_until(|counts| counts.done == CLIENTS).await;
    clients.abort();
    events.emit(EventKind::LoadEnded, |_| {});

    steps.restart_clock();
    let converged = converge(&bazaar, CONVERGE_WITHIN, &events).await.unwrap();
    steps.done(Some(&bazaar), &format!("{} orders equal in two dumps", converged.orders)).await;
    assert!(converged.orders > orders);
    let records = recorder.records();
    keep(&bazaar, &converged, async |source, page, is_first| {
        let (written, answer) = oneshot::channel();
        records.send(Record::Final(final_rows(source, &page, is_first))).unwrap();
        records.send(Record::Settle(written)).unwrap();
        answer.await.unwrap();
    })
    .await
    .unwrap();
    steps.done(Some(&bazaar), "final.csv written").await;
    stop_probes.send(()).unwrap();
    watching.await.unwrap();
    bazaar.stop().await;
    let written = recorder.settle().await.unwrap();
    events.emit(EventKind::Finished, |event| written.count_in(event));
    recorder.settle().await.unwrap();

    steps.restart_clock();
    let report = checks::check_run(&Run::open(&run).unwrap()).unwrap();
    steps.done(None, "all checks").await;
    println!("{}", report.to_text());
    assert_eq!(report.verdict, Verdict::Pass);

    let bazaar = place.start(folder.path()).await.unwrap();
    for log in logs() {
        bazaar.kill(log).await.unwrap().confirm().await.unwrap();
        filled::lose(&folder.path().join("data"), log);
        filled::copy(&empty, log, &folder.path().join("data"));
    }
    steps.restart_clock();
    for log in logs() {
        bazaar.restart(log).await.unwrap().confirm().await.unwrap();
    }
    wait_for("every replica in sync", || steps::all_in_sync(&bazaar)).await;
    let again = converge(&bazaar, CONVERGE_WITHIN, &events).await.unwrap();
    assert_eq!(again.orders, converged.orders);
    steps.done(Some(&bazaar), "all logs at 0 rows: come back from the catalog, page by page").await;
    bazaar.stop().await;
    drop(bazaar);

    logs().for_each(|log| filled::lose(&folder.path().join("data"), log));
    let refused = place.start(folder.path()).await.unwrap_err().to_string();
    let gone = format!("orders #1 to #{} are gone", converged.orders);
    assert!(refused.contains(&gone), "{refused}");
    steps.done(None, "all logs lost: refused, and said what is gone").await;
    println!("{steps}");
}

fn setting(place: &Place, control: &Arc<Control>, recorder: &Recorder) -> TrialSettings {
    let service = driver::bazaar::service(&place.front_end()).unwrap();
    TrialSettings {
        next_value: Arc::new(AtomicU64::new(1)),
        cell: CELL.to_owned(),
        trial: 1,
        p: 0.5,
        peek: 0.05,
        seed: 1,
        stocks: filled::stock_names().collect(),
        service: service.with_deadline(Duration::from_secs(10)),
        order_names: Arc::default(),
        control: Arc::clone(control),
        turns: None,
        records: recorder.records(),
    }
}

fn logs() -> impl Iterator<Item = ProcessName> {
    (1..=REPLICAS).map(built_in::order)
}

fn final_rows(source: ProcessName, page: &DumpPage, is_first: bool) -> Vec<FinalRow> {
    match page {
        DumpPage::Orders(page) => FinalRow::of_replica(CELL, 1, source, page, is_first),
        DumpPage::Catalog(page) => FinalRow::of_catalog(CELL, 1, source, page, is_first),
    }
}

fn write_manifest(run: &RunFolder, origin: Origin) {
    let cell = Cell { clients: CLIENTS, planned_faults: 3, ..Cell::new(CELL, 0.5, true) };
    let manifest = Manifest {
        command: std::env::args().collect(),
        origin_monotonic_us: origin.monotonic_us(),
        replicas: REPLICAS,
        ping_timeout_ms: Some(PING_TIMEOUT_MS),
        converge_within_ms: u64::try_from(CONVERGE_WITHIN.as_millis()).unwrap(),
        stocks: filled::initial_stocks(),
        ..Manifest::new("failover", CELL, vec![cell])
    };
    fs::write(run.path("manifest.json"), serde_json::to_string(&manifest).unwrap()).unwrap();
}
