//! Short ways to write down rows by hand.

use results::records::{
    Action, Cell, Event, EventKind, FinalKind, FinalRow, Manifest, Observation, Op,
};
use wire::bazaar::TradeType;

pub(crate) fn cell(p: f64, cache: bool) -> Cell {
    let name = if cache { "on" } else { "off" };
    let id = format!("p{p}-cache-{name}");
    Cell { clients: 5, ..Cell::new(id, p, cache) }
}

pub(crate) fn manifest(kind: &str, cells: Vec<Cell>) -> Manifest {
    Manifest::new(kind, "synthetic", cells)
}

/// An operation of the load that went well at once.
pub(crate) fn operation(cell: &Cell, op: Op, start_us: u64, latency_us: u64) -> Observation {
    Observation {
        stock_name: Some("Stock1".into()),
        ..Observation::new(cell.id.as_str(), 1, op, start_us, start_us + latency_us)
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
