//! The model of clients' keys: what the catalog is asked for under names that clients choose, and
//! what they are told.
//!
//! Real is the catalog's decision ([`services::catalog::ledger`]); its look-up of what was decided
//! before and the record of what was decided now are one step with it, as in one transaction.
//! Clients use a key again for the same trade or for another one; some trades are refused. There
//! are no faults here: a crash keeps the disk, and only the disk decides.

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use services::catalog::ledger::{Ledger, Trade, Verdict};
use services::planted::Bugs;
use wire::bazaar::{CatalogTrade, Quantity, TradeType};
use wire::ids::{Epoch, RequestId};
use wire::internal::{Decision, TradeRecord};

use crate::ledger::{STOCK, hash_printed, new_ledger};
use crate::search::Model;

/// How many there are of it at first, and how many there may be.
const STOCKED: u32 = 2;
const CAP: u32 = 3;
/// What can be asked for. The last two are refused at first, and not for ever.
const BODIES: &[(TradeType, u64)] =
    &[(TradeType::Buy, 1), (TradeType::Sell, 1), (TradeType::Sell, 2), (TradeType::Buy, 3)];
const KEYS: usize = 3;
/// How often the catalog is asked: enough for each key to be used again.
const MAX_ASKED: u8 = 5;

/// The model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keys {
    /// What is planted.
    pub(crate) bugs: Bugs,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Books {
    ledger: Ledger,
    records: BTreeMap<RequestId, TradeRecord>,
    asked: u8,
    broken: Option<String>,
}

/// A client asks for a body under a key.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ask {
    key: usize,
    body: usize,
}

impl Ask {
    fn trade(self) -> Trade {
        let (trade_type, quantity) = BODIES[self.body];
        Trade {
            request_id: RequestId::new(format!("K{}", self.key + 1)).expect("short and visible"),
            epoch: Some(Epoch(1)),
            body: CatalogTrade {
                stock_name: STOCK.to_owned(),
                trade_type,
                quantity: Quantity::new(quantity).expect("all are positive"),
            },
        }
    }
}

impl Hash for Books {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        // One stock and ordered records: what they print stands for them.
        hash_printed(self, hasher);
    }
}

impl Model for Keys {
    type State = Books;
    type Action = Ask;

    fn start(&self) -> Books {
        let ledger = new_ledger(Epoch(1), STOCKED, CAP, self.bugs);
        Books { ledger, records: BTreeMap::new(), asked: 0, broken: None }
    }

    fn actions(&self, books: &Books) -> Vec<(Ask, u8)> {
        if books.asked == MAX_ASKED {
            return Vec::new();
        }
        let asks = (0..KEYS).flat_map(|key| (0..BODIES.len()).map(move |body| Ask { key, body }));
        asks.map(|ask| (ask, 0)).collect()
    }

    fn after(&self, books: &Books, ask: Ask) -> Books {
        let mut books = books.clone();
        books.asked += 1;
        let trade = ask.trade();
        let recorded = books.records.get(&trade.request_id).cloned();
        match books.ledger.decide(&trade, recorded) {
            Verdict::New(record) => {
                books.told(&trade, &record);
                books.records.insert(trade.request_id, record);
            }
            Verdict::Repeat(record) => books.told(&trade, &record),
            Verdict::Conflict | Verdict::Stale(_) => {}
        }
        books
    }

    fn broken(&self, books: &Books, _fingerprint: u64, _by_fault: bool) -> Option<String> {
        books.broken.clone().or_else(|| books.do_not_add_up())
    }

    fn describe(&self, books: &Books, ask: Ask) -> String {
        let Trade { request_id, body, .. } = ask.trade();
        let stock = books.ledger.stock(STOCK).expect("it never goes away");
        let CatalogTrade { trade_type, quantity, .. } = body;
        let (has, volume, asked) = (stock.quantity, stock.trade_volume, quantity.get());
        format!("{request_id}: {trade_type} {asked} of {has}, whose volume is {volume}")
    }

    fn epilogue(&self, _books: &Books) -> Vec<String> {
        Vec::new()
    }
}

impl Books {
    /// Anybody who asks is told what became of its own trade, and of no other.
    fn told(&mut self, asked: &Trade, record: &TradeRecord) {
        let CatalogTrade { trade_type, quantity, .. } = &asked.body;
        if (record.trade_type, record.quantity) != (*trade_type, quantity.get()) {
            let (id, asked) = (&asked.request_id, quantity.get());
            let (other, decided) = (record.trade_type, record.quantity);
            self.broken = Some(format!(
                "who asked under {id} for {trade_type} {asked} is told what became of {other} {decided}"
            ));
        }
    }

    fn do_not_add_up(&self) -> Option<String> {
        let stock = self.ledger.stock(STOCK).expect("it never goes away");
        let applied = || self.records.values().filter(|r| r.decision == Decision::Applied);
        let sum = |trade_type| {
            let alike = applied().filter(|record| record.trade_type == trade_type);
            alike.map(|record| u64::from(record.quantity)).sum::<u64>()
        };
        let (bought, sold) = (sum(TradeType::Buy), sum(TradeType::Sell));
        let is = (u64::from(stock.quantity), stock.trade_volume);
        let adds_up_to = (u64::from(STOCKED) + sold - bought, bought + sold);
        (is != adds_up_to).then(|| {
            let ((quantity, volume), (other, sum)) = (is, adds_up_to);
            format!("there are {quantity} at volume {volume}; trades add up to {other} at {sum}")
        })
    }
}
