//! The answer sheet's figures, each with what gives it, what leaves it empty, and its traps.
//!
//! The load is a thousand operations a second from 0 to 10 s, a trade at each millisecond. It takes
//! 2 ms, every fiftieth 10 ms, which is therefore the 99th percentile; 11 ms is within 10 % of it.

mod faults;
mod gaps;
mod overall;
mod recovery;
mod together;

use results::availability::{AvailabilityRow, kinds_table, overall, table, text};
use results::records::{Action, Event, EventKind, Observation, Op};

use crate::rows::{cell, injected, manifest, operation};
use crate::synthetic::measured;

const MS: u64 = 1000;

/// The sheets as text.
fn said(rows: &[AvailabilityRow]) -> String {
    text(&table(rows), &kinds_table(&overall(rows)))
}

/// The latency of the operation that is due in this millisecond, when nothing is wrong.
fn usual_us(at_ms: u64) -> u64 {
    if at_ms.is_multiple_of(50) { 10 * MS } else { 2 * MS }
}

/// The trade that is due in this millisecond, in a closed loop, with this latency.
fn trade_at(at_ms: u64, latency_us: u64) -> Observation {
    let trade = operation(&cell(0.5, true), Op::Trade, at_ms * MS, latency_us);
    Observation { request_id: Some(at_ms.to_string().into()), ..trade }
}

/// Ten seconds of load, with latencies of one's own.
fn load(latency_us: impl Fn(u64) -> u64) -> Vec<Observation> {
    (0..10_000).map(|at_ms| trade_at(at_ms, latency_us(at_ms))).collect()
}

/// The same load, planned for its times.
fn open(mut rows: Vec<Observation>) -> Vec<Observation> {
    for row in &mut rows {
        row.planned_us = Some(row.start_us);
    }
    rows
}

/// Nobody answers from here to there: what is due in between is answered at its end.
fn outage(from_ms: u64, to_ms: u64) -> impl Fn(u64) -> u64 {
    move |at_ms| match at_ms {
        _ if (from_ms..to_ms).contains(&at_ms) => (to_ms - at_ms) * MS,
        _ => usual_us(at_ms),
    }
}

fn killed(fault: u32, process: &str, at_ms: u64) -> Event {
    let kill = injected(&cell(0.5, true), fault, Action::Kill, process, at_ms * MS);
    Event { target: Some(process.to_owned()), ..kill }
}

fn undone(action: Action, of: &Event, at_ms: u64) -> Event {
    Event { action: Some(action), at_us: at_ms * MS, ..of.clone() }
}

/// The process that was hit is ready again.
fn ready(of: &Event, at_ms: u64) -> Event {
    Event { event: EventKind::Ready, ..undone(Action::Restart, of, at_ms) }
}

fn finished() -> Event {
    let cell = cell(0.5, true);
    Event::new(cell.id, 1, 11_000 * MS, EventKind::Finished)
}

fn sheets(observations: &[Observation], mut events: Vec<Event>) -> Vec<AvailabilityRow> {
    events.push(finished());
    measured(manifest("failover", vec![cell(0.5, true)]), observations, &events, &[])
}

fn sheet(observations: &[Observation], events: Vec<Event>) -> AvailabilityRow {
    let mut rows = sheets(observations, events);
    assert_eq!(rows.len(), 1, "{rows:?}");
    rows.remove(0)
}

fn about(value: Option<f64>, expected: f64) -> bool {
    value.is_some_and(|value| (value - expected).abs() <= expected * 0.05)
}
