//! The simulated run in the files that a harness writes.

use std::path::Path;

use results::records::{
    Action, Cell, Event, EventKind, FinalKind, FinalRow, InitialStock, Manifest, ProcessName,
    ReplicaSet, built_in,
};
use serde::Serialize;
use wire::internal::Origin;

use super::Failure;
use super::simulation::{
    BEGAN_US, CAP, CELL, CLIENTS, INITIAL, KILLS, OUTAGE_US, Order, REPLICAS, STOCKS, Simulated,
    State,
};

/// A dead leader comes back after so long.
const DOWN_US: u64 = 1_000_000;
/// In a broken run a replica lacks one in so many orders.
const LOST_ONE_IN: usize = 1_000;

pub(crate) fn write(folder: &Path, run: &Simulated) -> Result<(), Failure> {
    let manifest = serde_json::to_string_pretty(&manifest())?;
    std::fs::write(folder.join("manifest.json"), manifest)?;
    write_rows(&folder.join("observations.csv"), run.observations.iter())?;
    let final_rows = write_rows(&folder.join("final.csv"), final_rows(run))?;
    let mut events = events(run);
    let count = events.len() as u64 + 1;
    let mut finished = event(run.ended_us + 40_000, EventKind::Finished);
    finished.observation_rows = Some(run.observations.len() as u64);
    finished.event_rows = Some(count);
    finished.final_rows = Some(final_rows);
    events.push(finished);
    write_rows(&folder.join("events.csv"), events)?;
    println!("  {} operations, {final_rows} rows in final.csv", run.observations.len());
    Ok(())
}

fn write_rows<T: Serialize>(
    path: &Path,
    rows: impl IntoIterator<Item = T>,
) -> Result<u64, Failure> {
    let mut csv = csv::Writer::from_path(path)?;
    let mut count = 0;
    for row in rows {
        csv.serialize(row)?;
        count += 1;
    }
    csv.flush()?;
    Ok(count)
}

fn manifest() -> Manifest {
    let stock = |number| InitialStock {
        stock_name: format!("Stock{number}"),
        price: 9.99,
        quantity: INITIAL,
        trade_volume: 0,
        cap: CAP,
    };
    let cell =
        Cell { clients: CLIENTS, planned_faults: KILLS as u32, ..Cell::new(CELL, 0.75, true) };
    Manifest {
        seed: 7,
        replicas: REPLICAS,
        stocks: (1..=STOCKS).map(stock).collect(),
        ..Manifest::new("failover", "large", vec![cell])
    }
}

fn event(at_us: u64, kind: EventKind) -> Event {
    Event::new(CELL, 1, at_us, kind)
}

fn events(run: &Simulated) -> Vec<Event> {
    let processes = built_in::processes(REPLICAS);
    let of_process = |at_us, kind, process: ProcessName| Event {
        process: Some(process.into()),
        ..event(at_us, kind)
    };
    let mut events: Vec<Event> = processes
        .names()
        .flat_map(|process| {
            [(1_000, EventKind::Started), (50_000, EventKind::Ready)]
                .map(|(at_us, kind)| of_process(at_us, kind, process))
        })
        .collect();
    let configured = |at_us, kind, epoch: u64, leader: u8, members: &[u8]| Event {
        epoch: Some(epoch),
        leader: Some(leader),
        in_sync: Some(members.iter().copied().collect::<ReplicaSet>()),
        ..event(at_us, kind)
    };
    let mut leader = REPLICAS;
    events.push(configured(60_000, EventKind::LeaderChanged, 1, leader, &[1, 2, 3]));
    events.push(configured(70_000, EventKind::LeaderServes, 1, leader, &[1, 2, 3]));
    events.push(event(BEGAN_US, EventKind::LoadBegan));
    for (fault, &at_us) in (1_u32..).zip(&run.kills_us) {
        let (victim, epoch) = (leader, u64::from(fault) + 1);
        leader = if victim == 1 { REPLICAS } else { victim - 1 };
        let rest: Vec<u8> = (1..=REPLICAS).filter(|&id| id != victim).collect();
        let act = |at_us, kind, action| Event {
            fault: Some(fault),
            action: Some(action),
            target: Some("leader".to_owned()),
            ..of_process(at_us, kind, built_in::order(victim))
        };
        let back_us = at_us + DOWN_US;
        let (changed_us, serves_us) = (at_us + OUTAGE_US / 4, at_us + OUTAGE_US * 3 / 4);
        let mut restart = act(back_us, EventKind::Injected, Action::Restart);
        restart.ends = [fault].into_iter().collect();
        events.extend([
            act(at_us, EventKind::Injected, Action::Kill),
            act(at_us + 900, EventKind::Confirmed, Action::Kill),
            configured(changed_us, EventKind::LeaderChanged, epoch, leader, &rest),
            configured(serves_us, EventKind::LeaderServes, epoch, leader, &rest),
            restart,
            act(back_us + 900, EventKind::Confirmed, Action::Restart),
            of_process(back_us + 50_000, EventKind::Ready, built_in::order(victim)),
            configured(back_us + 80_000, EventKind::InSyncChanged, epoch, leader, &[1, 2, 3]),
        ]);
    }
    events.push(event(run.traded_us - 1_000, EventKind::Healed));
    events.push(event(run.ended_us, EventKind::LoadEnded));
    events.push(event(run.ended_us + 30_000, EventKind::Converged));
    events
}

fn final_rows(run: &Simulated) -> impl Iterator<Item = FinalRow> {
    let logs = (1..=REPLICAS).flat_map(|id| log(run, id));
    logs.chain(catalog(run))
}

fn log(run: &Simulated, id: u8) -> impl Iterator<Item = FinalRow> {
    let source = format!("order-{id}");
    let head = FinalRow {
        order_no: Some(run.orders.len() as u64),
        epoch: Some(KILLS + 1),
        ..FinalRow::new(CELL, 1, &source, FinalKind::Source)
    };
    let is_held = move |index: usize| !(run.is_broken && id == 2 && index % LOST_ONE_IN == 7);
    let held = run.orders.iter().enumerate().filter(move |(index, _)| is_held(*index));
    let entries = held.map(move |(index, order)| FinalRow {
        order_no: Some(index as u64 + 1),
        epoch: Some(order.epoch),
        ..of_order(order, FinalRow::new(CELL, 1, &source, FinalKind::Order))
    });
    std::iter::once(head).chain(entries)
}

fn catalog(run: &Simulated) -> impl Iterator<Item = FinalRow> {
    let row = |kind| FinalRow::new(CELL, 1, "catalog", kind);
    let head = FinalRow { epoch: Some(KILLS + 1), ..row(FinalKind::Source) };
    let stocks = run.stocks.iter().enumerate().map(move |(index, stock)| FinalRow {
        stock_name: Some(format!("Stock{}", index + 1).into()),
        ..after(*stock, row(FinalKind::Stock))
    });
    let applied = run.orders.iter().map(move |order| FinalRow {
        epoch: Some(order.epoch),
        origin: Some(Origin::Order),
        ..after(order.after, of_order(order, row(FinalKind::Applied)))
    });
    std::iter::once(head).chain(stocks).chain(applied)
}

fn of_order(order: &Order, row: FinalRow) -> FinalRow {
    FinalRow {
        request_id: Some(order.request_id.clone()),
        stock_name: Some(format!("Stock{}", order.stock + 1).into()),
        trade_type: Some(order.trade_type),
        quantity: Some(order.quantity),
        ..row
    }
}

fn after(state: State, row: FinalRow) -> FinalRow {
    FinalRow {
        version: Some(state.version),
        quantity_after: Some(state.quantity),
        volume_after: Some(state.volume),
        ..row
    }
}
