//! Orders that were never traded, written where trades would have left them: into the logs of the replicas, and into
//! the catalog's record and stocks.
//!
//! Trading a million orders takes a quarter of an hour and shows nothing more. Who wants to know what a bazaar costs that
//! has so many starts one, ends it, has its files filled, and starts it again over them.
//!
//! The invariant: the files say what they would say if a bazaar that has just begun had traded exactly these orders, one
//! after the other, in its first epoch. The services read them and find nothing odd.

use std::path::Path;

use rusqlite::{Connection, params};
use wire::bazaar::TradeType;

/// How many there may be of a stock.
pub const CAP: u32 = 1_000_000;
/// How many stocks are traded; the file of the first stocks must have at least these.
pub const STOCKS: u64 = 10;
/// What each stock costs.
pub const PRICE: f64 = 9.99;
/// How many there are of each stock at first: far from none and from the cap, so that no trade is refused.
pub const QUANTITY: u32 = 500_000;
/// The epoch that a bazaar begins with.
const EPOCH: u64 = 1;
/// Orders of one stock repeat the same quantities after so many.
const QUANTITIES: u64 = 7;

/// The names of the first `stocks` stocks.
pub fn stock_names(stocks: u64) -> impl Iterator<Item = String> {
    (1..=stocks).map(|number| format!("Stock{number}"))
}

/// The catalog's file of so many first stocks.
#[must_use]
pub fn stocks_file(stocks: u64) -> String {
    stock_names(stocks).map(|name| format!("{name} {PRICE} 0 {QUANTITY}\n")).collect()
}

/// An order that might have been.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its number.
    pub number: u64,
    /// The name of its trade.
    pub request_id: String,
    /// Buy or sell: as often one as the other, so that no stock sells out.
    pub trade_type: TradeType,
    /// How many.
    pub quantity: u32,
    /// Which stock, from 0.
    stock: u64,
}

impl Order {
    fn new(number: u64) -> Self {
        let (stock, turn) = (number % STOCKS, number / STOCKS);
        Self {
            number,
            request_id: format!("before-{number:07}"),
            stock,
            trade_type: if turn.is_multiple_of(2) { TradeType::Buy } else { TradeType::Sell },
            quantity: u32::try_from(1 + turn / 2 % QUANTITIES).unwrap_or(1),
        }
    }

    /// What was traded.
    #[must_use]
    pub fn stock_name(&self) -> String {
        format!("Stock{}", self.stock + 1)
    }
}

/// Orders 1 to `orders`.
pub fn all(orders: u64) -> impl Iterator<Item = Order> {
    (1..=orders).map(Order::new)
}

/// Writes orders 1 to `orders` into the files in `data` of a bazaar of `replicas` replicas that has begun, traded nothing,
/// and does not run.
///
/// # Errors
/// If a file is not there, has orders already, or cannot be written.
pub fn fill(data: &Path, replicas: u8, orders: u64) -> rusqlite::Result<()> {
    for id in 1..=replicas {
        fill_log(&data.join(format!("order-{id}.db")), orders)?;
    }
    fill_catalog(&data.join("catalog.db"), orders)
}

fn fill_log(path: &Path, orders: u64) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction()?;
    let mut insert = transaction.prepare(
        "INSERT INTO orders (order_no, epoch, request_id, stock_name, trade_type, quantity)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for order in all(orders) {
        let (name, kind) = (order.stock_name(), order.trade_type.as_str());
        let row = params![order.number, EPOCH, order.request_id, name, kind, order.quantity];
        insert.execute(row)?;
    }
    drop(insert);
    transaction.execute("UPDATE accepted SET committed = ?1", [orders])?;
    transaction.commit()
}

/// What trades leave of a stock.
#[derive(Clone, Copy)]
struct Left {
    quantity: u32,
    volume: u64,
    version: u64,
}

fn fill_catalog(path: &Path, orders: u64) -> rusqlite::Result<()> {
    let mut connection = Connection::open(path)?;
    let transaction = connection.transaction()?;
    let mut insert = transaction.prepare(
        "INSERT INTO trades
             (decided, request_id, applied_seq, decision, epoch, stock_name, trade_type,
              quantity, version, quantity_after, volume_after, origin)
         VALUES (?1, ?2, ?1, 'applied', ?3, ?4, ?5, ?6, ?7, ?8, ?9, 'order')",
    )?;
    let mut states = [Left { quantity: QUANTITY, volume: 0, version: 0 }; STOCKS as usize];
    for order in all(orders) {
        let state = &mut states[(order.stock % STOCKS) as usize];
        state.quantity = match order.trade_type {
            TradeType::Buy => state.quantity - order.quantity,
            TradeType::Sell => state.quantity + order.quantity,
        };
        state.volume += u64::from(order.quantity);
        state.version += 1;
        let (name, kind) = (order.stock_name(), order.trade_type.as_str());
        insert.execute(params![
            order.number,
            order.request_id,
            EPOCH,
            name,
            kind,
            order.quantity,
            state.version,
            state.quantity,
            state.volume
        ])?;
    }
    drop(insert);
    for (name, left) in stock_names(STOCKS).zip(states) {
        let update = "UPDATE stocks SET quantity = ?2, trade_volume = ?3, version = ?4
                      WHERE stock_name = ?1";
        transaction.execute(update, params![name, left.quantity, left.volume, left.version])?;
    }
    transaction.commit()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_buy_as_often_as_they_sell_and_no_stock_is_ever_short() {
        let mut held = [i64::from(QUANTITY); STOCKS as usize];
        for order in all(10_000) {
            let change = i64::from(order.quantity);
            let stock = &mut held[order.stock as usize];
            *stock += if order.trade_type == TradeType::Buy { -change } else { change };
            assert!((0..=i64::from(CAP)).contains(stock), "{order:?}");
            assert!((1..=7).contains(&order.quantity), "{order:?}");
        }
        assert!(held.iter().all(|held| (held - i64::from(QUANTITY)).abs() <= 7), "{held:?}");
    }

    #[test]
    fn a_file_that_is_not_there_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        assert!(fill(folder.path(), 1, 1).is_err());
    }
}
