//! Orders that were never traded, written where trades would have left them: into the three logs, the
//! catalog's record and its stocks, and into what clients observed.

use std::fs;
use std::path::Path;

use driver::recorder::Record;
use faults::process::ProcessName;
use results::records::{InitialStock, Observation, Op, Phase};
use rusqlite::{Connection, params};
use tokio::sync::mpsc::UnboundedSender;
use wire::bazaar::TradeType;

pub(crate) const CAP: u32 = 1_000_000;
const STOCKS: u64 = 10;
const PRICE: f64 = 9.99;
/// Far from empty and from the cap, so that no trade is refused.
const QUANTITY: u32 = 500_000;
/// The epoch that a bazaar begins with.
const EPOCH: u64 = 1;
/// Nobody else has this number.
const CLIENT: u32 = 1_000;
/// What a database's files are called.
const ENDINGS: [&str; 3] = ["db", "db-wal", "db-shm"];
/// One trade after the other, each as long as a clock can tell.
const US_PER_TRADE: u64 = 2;

pub(crate) fn stock_names() -> impl Iterator<Item = String> {
    (1..=STOCKS).map(|number| format!("Stock{number}"))
}

pub(crate) fn stocks_file() -> String {
    stock_names().map(|name| format!("{name} {PRICE} 0 {QUANTITY}\n")).collect()
}

pub(crate) fn initial_stocks() -> Vec<InitialStock> {
    let stock = |stock_name| InitialStock {
        stock_name,
        price: PRICE,
        quantity: QUANTITY,
        trade_volume: 0,
        cap: CAP,
    };
    stock_names().map(stock).collect()
}

/// An order that might have been.
struct Order {
    number: u64,
    request_id: String,
    stock: u64,
    trade_type: TradeType,
    quantity: u32,
}

impl Order {
    fn new(number: u64) -> Self {
        let (stock, turn) = (number % STOCKS, number / STOCKS);
        Self {
            number,
            request_id: format!("before-{number:07}"),
            stock,
            trade_type: if turn % 2 == 0 { TradeType::Buy } else { TradeType::Sell },
            quantity: 1 + u32::try_from(turn / 2 % 7).unwrap(),
        }
    }

    fn stock_name(&self) -> String {
        format!("Stock{}", self.stock + 1)
    }
}

fn all(orders: u64) -> impl Iterator<Item = Order> {
    (1..=orders).map(Order::new)
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
    for id in 1..=3 {
        fill_log(&data.join(format!("order-{id}.db")), orders);
    }
    fill_catalog(&data.join("catalog.db"), orders);
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

fn fill_log(path: &Path, orders: u64) {
    let mut connection = Connection::open(path).unwrap();
    let transaction = connection.transaction().unwrap();
    let mut insert = transaction
        .prepare(
            "INSERT INTO orders (order_no, epoch, request_id, stock_name, trade_type, quantity)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )
        .unwrap();
    for order in all(orders) {
        let (name, kind) = (order.stock_name(), order.trade_type.as_str());
        let row = params![order.number, EPOCH, order.request_id, name, kind, order.quantity];
        insert.execute(row).unwrap();
    }
    drop(insert);
    transaction.execute("UPDATE accepted SET committed = ?1", [orders]).unwrap();
    transaction.commit().unwrap();
}

fn fill_catalog(path: &Path, orders: u64) {
    let mut connection = Connection::open(path).unwrap();
    let transaction = connection.transaction().unwrap();
    let mut insert = transaction
        .prepare(
            "INSERT INTO trades
                 (decided, request_id, applied_seq, decision, epoch, stock_name, trade_type,
                  quantity, version, quantity_after, volume_after, origin)
             VALUES (?1, ?2, ?1, 'applied', ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'order')",
        )
        .unwrap();
    let mut states = vec![(QUANTITY, 0_u64, 0_u64); usize::try_from(STOCKS).unwrap()];
    for order in all(orders) {
        let state = &mut states[usize::try_from(order.stock).unwrap()];
        state.0 = match order.trade_type {
            TradeType::Buy => state.0 - order.quantity,
            TradeType::Sell => state.0 + order.quantity,
        };
        state.1 += u64::from(order.quantity);
        state.2 += 1;
        let (name, kind) = (order.stock_name(), order.trade_type.as_str());
        insert
            .execute(params![
                order.number,
                order.request_id,
                EPOCH,
                name,
                kind,
                order.quantity,
                state.2,
                state.0,
                state.1
            ])
            .unwrap();
    }
    drop(insert);
    for (name, (quantity, volume, version)) in stock_names().zip(states) {
        let update = "UPDATE stocks SET quantity = ?2, trade_volume = ?3, version = ?4
                      WHERE stock_name = ?1";
        transaction.execute(update, params![name, quantity, volume, version]).unwrap();
    }
    transaction.commit().unwrap();
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
