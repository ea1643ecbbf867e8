//! What a bazaar with a million orders began with: its files, filled by the crate `prefill`, and what clients observed
//! of the orders in them.

use std::fs;
use std::path::Path;

use driver::recorder::Record;
use faults::process::ProcessName;
use prefill::{Order, all};
use results::records::{InitialStock, Observation, Op, Phase};
use tokio::sync::mpsc::UnboundedSender;

/// Nobody else has this number.
const CLIENT: u32 = 1_000;
/// What a database's files are called.
const ENDINGS: [&str; 3] = ["db", "db-wal", "db-shm"];
/// One trade after the other, each as long as a clock can tell.
const US_PER_TRADE: u64 = 2;

pub(crate) fn stock_names() -> impl Iterator<Item = String> {
    prefill::stock_names(prefill::STOCKS)
}

pub(crate) fn initial_stocks() -> Vec<InitialStock> {
    let stock = |stock_name| InitialStock {
        stock_name,
        price: prefill::PRICE,
        quantity: prefill::QUANTITY,
        trade_volume: 0,
        cap: prefill::CAP,
    };
    stock_names().map(stock).collect()
}

/// Writes orders 1 to `orders` into a bazaar that has begun and traded nothing, as if a client had sent
/// them from `from_us` on and then looked each of them up. Returns when it was done with that; both are
/// microseconds since the run's origin.
pub(crate) fn fill(
    data: &Path,
    orders: u64,
    from_us: u64,
    records: &UnboundedSender<Record>,
) -> u64 {
    prefill::fill(data, super::REPLICAS, orders).unwrap();
    let at_us = |seq: u64| from_us + seq * US_PER_TRADE;
    for order in all(orders) {
        let row = observation(&order, order.number, at_us(order.number));
        records.send(Record::Observation(Box::new(row))).unwrap();
    }
    for order in all(orders) {
        let seq = orders + order.number;
        let (op, phase) = (Op::Lookup, Phase::Lookup);
        let row = Observation { op, phase, ..observation(&order, seq, at_us(seq)) };
        records.send(Record::Observation(Box::new(row))).unwrap();
    }
    at_us(2 * orders) + 1
}

/// The trade of an order, as its client's operation `seq`.
fn observation(order: &Order, seq: u64, start_us: u64) -> Observation {
    Observation {
        phase: Phase::WarmUp,
        client: CLIENT,
        seq,
        stock_name: Some(order.stock_name().into()),
        trade_type: Some(order.trade_type),
        quantity: Some(order.quantity),
        order_no: Some(order.number),
        request_id: Some(order.request_id.as_str().into()),
        ..Observation::new(super::CELL, 1, Op::Trade, start_us, start_us + 1)
    }
}

/// Copies the file of a process that does not run.
pub(crate) fn copy(from: &Path, name: ProcessName, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for ending in ENDINGS {
        let file = format!("{name}.{ending}");
        if from.join(&file).exists() {
            fs::copy(from.join(&file), to.join(&file)).unwrap();
        }
    }
}

/// Removes the file of a process that does not run, with all that belongs to it.
pub(crate) fn lose(data: &Path, name: ProcessName) {
    for ending in ENDINGS {
        let path = data.join(format!("{name}.{ending}"));
        if path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
}
