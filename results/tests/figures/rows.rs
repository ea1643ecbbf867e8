//! Short ways to write down rows by hand.

use results::records::{
    Action, Cell, Event, EventKind, FinalKind, FinalRow, MANIFEST_FORMAT, Manifest, Observation,
    Op, Outcome, Phase,
};
use wire::bazaar::TradeType;

pub(crate) fn cell(p: f64, cache: bool) -> Cell {
    let name = if cache { "on" } else { "off" };
    let id = format!("p{p}-cache-{name}");
    Cell { id, p, cache, clients: 5, rate_per_s: None, build: None, trials: 1, planned_faults: 0 }
}

pub(crate) fn manifest(kind: &str, cells: Vec<Cell>) -> Manifest {
    Manifest {
        format: MANIFEST_FORMAT,
        kind: kind.to_owned(),
        plan_name: "synthetic".to_owned(),
        plan: String::new(),
        command: vec![],
        seed: 1,
        started_at: "2026-01-01T00:00:00Z".to_owned(),
        origin_monotonic_us: 0,
        commit: None,
        version: "0.1.0".to_owned(),
        machine: vec![],
        replicas: 3,
        durability: "flush".to_owned(),
        ping_timeout_ms: Some(300),
        converge_within_ms: 10_000,
        thresholds: Vec::new(),
        cells,
        stocks: vec![],
    }
}

/// An operation of the load that went well at once.
pub(crate) fn operation(cell: &Cell, op: Op, start_us: u64, latency_us: u64) -> Observation {
    Observation {
        cell: cell.id.as_str().into(),
        trial: 1,
        phase: if op == Op::Lookup { Phase::Lookup } else { Phase::Load },
        client: 1,
        seq: 1,
        op,
        stock_name: Some("Stock1".into()),
        trade_type: None,
        quantity: None,
        planned_us: None,
        start_us,
        end_us: start_us + latency_us,
        latency_us,
        outcome: Outcome::Ok,
        status: Some(200),
        reason: None,
        order_no: None,
        seen_quantity: None,
        seen_volume: None,
        cache: None,
        request_id: None,
        attempts: 1,
    }
}

/// A trade with a name.
pub(crate) fn trade(cell: &Cell, request_id: &str, start_us: u64, end_us: u64) -> Observation {
    let request_id = Some(request_id.into());
    Observation { request_id, ..operation(cell, Op::Trade, start_us, end_us - start_us) }
}

/// The log's entry for it.
pub(crate) fn order(cell: &Cell, request_id: &str, epoch: u64) -> FinalRow {
    FinalRow {
        order_no: Some(1),
        epoch: Some(epoch),
        request_id: Some(request_id.into()),
        stock_name: Some("Stock1".into()),
        trade_type: Some(TradeType::Buy),
        quantity: Some(1),
        ..FinalRow::new(&cell.id, 1, "order-1", FinalKind::Order)
    }
}

/// A fault, or what undoes one, done to `process`.
pub(crate) fn injected(
    cell: &Cell,
    fault: u32,
    action: Action,
    process: &str,
    at_us: u64,
) -> Event {
    Event {
        fault: Some(fault),
        action: Some(action),
        target: Some("leader".to_owned()),
        process: Some(process.parse().unwrap()),
        pid: Some(4242),
        ..Event::new(cell.id.clone(), 1, at_us, EventKind::Injected)
    }
}

pub(crate) fn leader_changed(
    cell: &Cell,
    at_us: u64,
    epoch: u64,
    leader: u8,
    in_sync: &str,
) -> Event {
    Event {
        epoch: Some(epoch),
        leader: Some(leader),
        in_sync: Some(in_sync.parse().unwrap()),
        ..Event::new(cell.id.clone(), 1, at_us, EventKind::LeaderChanged)
    }
}

pub(crate) fn in_sync_changed(cell: &Cell, at_us: u64, leader: u8, in_sync: &str) -> Event {
    Event {
        leader: Some(leader),
        in_sync: Some(in_sync.parse().unwrap()),
        ..Event::new(cell.id.clone(), 1, at_us, EventKind::InSyncChanged)
    }
}
