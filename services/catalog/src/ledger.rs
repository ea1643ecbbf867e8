//! How a trade is decided: the pure heart of the catalog.
//!
//! The ledger holds the stocks and the highest epoch; what was decided before is handed in, one
//! record at a time, by the keeper of the records. It knows no disk, no clock and no connection.
//!
//! What it keeps, if its caller makes each decision, the look-up that precedes it and the record
//! that follows it one step of one transaction:
//!
//! * A request id is decided once. A repeat changes nothing and gets the recorded decision,
//!   refusals included (rule E3); the same id for another trade is a conflict.
//! * No trade of an epoch older than the highest one seen is decided (rule E1). *Otherwise a
//!   replaced leader's trade passes the check, waits in the writer's queue and is applied after
//!   the new leader has read the list of applied trades: applied, and never numbered.*
//! * Applied trades of the order service are counted from 1 without gaps. Trades posted by hand
//!   are not, since nobody will number them.

use std::collections::BTreeMap;

use base::planted::{Bug, Bugs};
use wire::bazaar::{CatalogTrade, Stock, StockAt, TradeType};
use wire::ids::{AppliedSeq, Epoch, OrderNo, RequestId, StockVersion};
use wire::internal::{Decision, Entry, Origin, StockRecord, TradeRecord};

/// A trade to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The name under which it is decided once.
    pub request_id: RequestId,
    /// The epoch of the leader that sent it; a trade posted by hand has none.
    pub epoch: Option<Epoch>,
    /// What is to be traded.
    pub body: CatalogTrade,
}

/// What became of a trade.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was decided just now; the record is to be kept.
    New(TradeRecord),
    /// It had been decided; this is the record.
    Repeat(TradeRecord),
    /// Its id belongs to another trade. This one changed nothing.
    Conflict,
    /// Its sender has been replaced. Nothing was changed.
    Stale(Stale),
}

/// A message from an epoch that is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stale {
    /// The highest epoch seen.
    pub seen: Epoch,
    /// Whether the trade had been decided before its sender was replaced, so that it must not
    /// be told that its trade had no effect.
    pub recorded: bool,
}

/// The stocks, the highest epoch, and the place of the last applied trade.
#[derive(Clone, Debug, PartialEq)]
pub struct Ledger {
    epoch: Epoch,
    last_applied: AppliedSeq,
    stocks: BTreeMap<String, StockRecord>,
    bugs: Bugs,
}

impl Ledger {
    /// A ledger as it was left.
    pub fn new(
        epoch: Epoch,
        last_applied: AppliedSeq,
        stocks: impl IntoIterator<Item = StockRecord>,
    ) -> Self {
        let stocks = stocks.into_iter().map(|stock| (stock.stock_name.clone(), stock)).collect();
        Self { epoch, last_applied, stocks, bugs: Bugs::default() }
    }

    /// Whether a decision is written down: nothing is kept of stocks that do not exist (rule S3). Asked
    /// again, the trade is decided again, and the same way: the stocks of a bazaar stay the same.
    /// *Otherwise: 2,000 trades of invented stocks make the file larger for good.*
    #[must_use]
    pub fn keeps(&self, record: &TradeRecord) -> bool {
        record.decision != Decision::NotFound || self.bugs.has(Bug::RecordUnknownStocks)
    }

    /// The same ledger with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// The place of the last applied trade of the order service.
    #[must_use]
    pub fn last_place(&self) -> OrderNo {
        self.last_applied.order_no()
    }

    /// The highest epoch seen.
    #[must_use]
    pub fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// Every stock, by name.
    pub fn stocks(&self) -> impl Iterator<Item = &StockRecord> {
        self.stocks.values()
    }

    /// One stock.
    #[must_use]
    pub fn stock(&self, name: &str) -> Option<&StockRecord> {
        self.stocks.get(name)
    }

    /// Shuts out every epoch before `epoch`, unless it is itself one of those.
    pub fn fence(&mut self, epoch: Epoch) -> Result<(), Stale> {
        if epoch < self.epoch && !self.bugs.has(Bug::NoEpochCheckAtCatalog) {
            return Err(Stale { seen: self.epoch, recorded: false });
        }
        self.epoch = self.epoch.max(epoch);
        Ok(())
    }

    /// Raises a stock's version, for what has been seen of it elsewhere (rule L8). Says whether that
    /// changed anything.
    pub fn raise_version(&mut self, name: &str, version: StockVersion) -> bool {
        let Some(stock) = self.stocks.get_mut(name).filter(|stock| stock.version < version) else {
            return false;
        };
        stock.version = version;
        true
    }

    /// Decides `trade`, of which `recorded` is what was decided under its request id before.
    pub fn decide(&mut self, trade: &Trade, recorded: Option<TradeRecord>) -> Verdict {
        if let Some(epoch) = trade.epoch
            && let Err(stale) = self.fence(epoch)
        {
            return Verdict::Stale(Stale { recorded: recorded.is_some(), ..stale });
        }
        match recorded.filter(|_| !self.bugs.has(Bug::NoRequestIdCheck)) {
            Some(record) if is_same(&record, &trade.body) => Verdict::Repeat(record),
            Some(record) if self.bugs.has(Bug::NoBodyCheck) => Verdict::Repeat(record),
            Some(_) => Verdict::Conflict,
            None => Verdict::New(self.apply(trade)),
        }
    }

    /// Applies an order that was applied before, to a file that is gone: it takes the next place,
    /// which must be its number, whatever the stock says (rule L7). What only that file knew, trades by
    /// hand above all, is missing here, so a stock may end up at its bounds instead of beyond them.
    pub fn refill(&mut self, entry: &Entry) -> TradeRecord {
        self.last_applied = self.last_applied.next();
        let stock = self.stocks.get_mut(&*entry.stock_name);
        let after = stock.map(|stock| {
            stock.quantity = match entry.trade_type {
                TradeType::Buy => stock.quantity.saturating_sub(entry.quantity),
                TradeType::Sell => stock.quantity.saturating_add(entry.quantity).min(stock.cap),
            };
            stock.trade_volume += u64::from(entry.quantity);
            stock.version = stock.version.next();
            &*stock
        });
        TradeRecord {
            request_id: entry.request_id.clone(),
            applied_seq: Some(self.last_applied),
            decision: Decision::Applied,
            epoch: Some(entry.epoch),
            stock_name: entry.stock_name.to_string(),
            trade_type: entry.trade_type,
            quantity: entry.quantity,
            version: after.map(|stock| stock.version),
            quantity_after: after.map(|stock| stock.quantity),
            volume_after: after.map(|stock| stock.trade_volume),
            origin: Origin::Order,
        }
    }

    fn apply(&mut self, trade: &Trade) -> TradeRecord {
        let CatalogTrade { stock_name, trade_type, quantity } = &trade.body;
        let origin = if trade.epoch.is_some() { Origin::Order } else { Origin::ByHand };
        let stock = self.stocks.get_mut(stock_name);
        let decision = match &stock {
            None => Decision::NotFound,
            Some(stock) => match quantity_after(stock, *trade_type, quantity.get()) {
                None => Decision::Failed,
                Some(_) => Decision::Applied,
            },
        };
        let after = stock.map(|stock| {
            if let Some(after) = quantity_after(stock, *trade_type, quantity.get()) {
                stock.quantity = after;
                stock.trade_volume += u64::from(quantity.get());
                stock.version = stock.version.next();
            } else if self.bugs.has(Bug::CountRefused) {
                stock.trade_volume += u64::from(quantity.get());
            }
            &*stock
        });
        let applied_seq = (decision == Decision::Applied && origin == Origin::Order).then(|| {
            self.last_applied = self.last_applied.next();
            self.last_applied
        });
        TradeRecord {
            request_id: trade.request_id.clone(),
            applied_seq,
            decision,
            epoch: trade.epoch,
            stock_name: stock_name.clone(),
            trade_type: *trade_type,
            quantity: quantity.get(),
            version: after.map(|stock| stock.version),
            quantity_after: after.map(|stock| stock.quantity),
            volume_after: after.map(|stock| stock.trade_volume),
            origin,
        }
    }
}

/// What clients see of a stock.
#[must_use]
pub fn public(stock: &StockRecord) -> StockAt {
    StockAt {
        stock: Stock {
            stock_name: stock.stock_name.clone(),
            price: stock.price,
            trade_volume: stock.trade_volume,
            quantity: stock.quantity,
        },
        version: stock.version,
    }
}

/// How many there would be; `None` if that is below 0 or over the cap.
fn quantity_after(stock: &StockRecord, trade_type: TradeType, quantity: u32) -> Option<u32> {
    match trade_type {
        TradeType::Buy => stock.quantity.checked_sub(quantity),
        TradeType::Sell => stock.quantity.checked_add(quantity).filter(|after| *after <= stock.cap),
    }
}

fn is_same(record: &TradeRecord, body: &CatalogTrade) -> bool {
    record.stock_name == body.stock_name
        && record.trade_type == body.trade_type
        && record.quantity == body.quantity.get()
}

#[cfg(test)]
mod tests {
    use wire::bazaar::Quantity;

    use super::*;

    fn ledger() -> Ledger {
        let stock = |name: &str, quantity| StockRecord {
            stock_name: name.to_owned(),
            price: 9.99,
            quantity,
            trade_volume: 0,
            version: StockVersion(0),
            cap: 100,
        };
        Ledger::new(Epoch(0), AppliedSeq(0), [stock("A", 100), stock("B", 5)])
    }

    fn trade(id: &str, epoch: u64, trade_type: TradeType, name: &str, quantity: u64) -> Trade {
        Trade {
            request_id: RequestId::new(id).unwrap(),
            epoch: Some(Epoch(epoch)),
            body: CatalogTrade {
                stock_name: name.to_owned(),
                trade_type,
                quantity: Quantity::new(quantity).unwrap(),
            },
        }
    }

    fn buy(id: &str, epoch: u64, name: &str, quantity: u64) -> Trade {
        trade(id, epoch, TradeType::Buy, name, quantity)
    }

    fn sell(id: &str, epoch: u64, name: &str, quantity: u64) -> Trade {
        trade(id, epoch, TradeType::Sell, name, quantity)
    }

    fn new(verdict: Verdict) -> TradeRecord {
        match verdict {
            Verdict::New(record) => record,
            other => panic!("not decided just now: {other:?}"),
        }
    }

    #[test]
    fn a_buy_takes_and_a_sell_gives_and_both_count() {
        let mut ledger = ledger();
        let bought = new(ledger.decide(&buy("1", 1, "A", 30), None));
        assert_eq!(bought.decision, Decision::Applied);
        assert_eq!((bought.quantity_after, bought.volume_after), (Some(70), Some(30)));
        let sold = new(ledger.decide(&sell("2", 1, "A", 10), None));
        assert_eq!((sold.quantity_after, sold.volume_after), (Some(80), Some(40)));
        assert_eq!(sold.version, Some(StockVersion(2)));
        assert_eq!(sold.applied_seq, Some(AppliedSeq(2)));
    }

    #[test]
    fn stock_never_goes_below_nothing_or_over_the_cap() {
        let mut ledger = ledger();
        let before = ledger.clone();
        for refused in [
            buy("1", 0, "B", 6),
            buy("2", 0, "B", u64::from(u32::MAX)),
            sell("3", 0, "B", 96),
            sell("4", 0, "A", 1),
            sell("5", 0, "A", u64::from(u32::MAX)),
        ] {
            let record = new(ledger.decide(&refused, None));
            assert_eq!(record.decision, Decision::Failed, "{refused:?}");
            assert_eq!(record.version, Some(StockVersion(0)));
        }
        assert_eq!(ledger, before);
        assert_eq!(new(ledger.decide(&buy("6", 0, "B", 5), None)).quantity_after, Some(0));
        assert_eq!(new(ledger.decide(&sell("7", 0, "B", 100), None)).quantity_after, Some(100));
    }

    #[test]
    fn an_unknown_stock_is_not_found_and_not_recorded() {
        let mut ledger = ledger();
        let record = new(ledger.decide(&buy("1", 1, "Z", 1), None));
        assert_eq!(record.decision, Decision::NotFound);
        assert!(!ledger.keeps(&record));
        let refused = new(ledger.decide(&buy("2", 1, "A", u64::from(u32::MAX)), None));
        assert!(ledger.keeps(&refused));
        assert_eq!(
            (record.version, record.quantity_after, record.volume_after),
            (None, None, None)
        );
    }

    #[test]
    fn a_repeat_gets_the_recorded_decision_and_changes_nothing() {
        let mut ledger = ledger();
        let first = new(ledger.decide(&buy("1", 1, "A", 30), None));
        let refused = new(ledger.decide(&buy("2", 1, "B", 6), None));
        new(ledger.decide(&sell("3", 1, "B", 50), None));
        let before = ledger.clone();
        let again = ledger.decide(&buy("1", 1, "A", 30), Some(first.clone()));
        assert_eq!(again, Verdict::Repeat(first));
        // It would go through by now; what was said stays said.
        let again = ledger.decide(&buy("2", 1, "B", 6), Some(refused.clone()));
        assert_eq!(again, Verdict::Repeat(refused));
        assert_eq!(ledger, before);
    }

    #[test]
    fn the_same_id_for_another_trade_is_a_conflict() {
        let mut ledger = ledger();
        let first = new(ledger.decide(&buy("1", 1, "A", 30), None));
        let before = ledger.clone();
        for other in [buy("1", 1, "A", 31), buy("1", 1, "B", 30), sell("1", 1, "A", 30)] {
            assert_eq!(ledger.decide(&other, Some(first.clone())), Verdict::Conflict);
        }
        assert_eq!(ledger, before);
    }

    #[test]
    fn a_replaced_leaders_trade_is_refused_from_the_fence_on() {
        let mut ledger = ledger();
        let first = new(ledger.decide(&buy("1", 4, "A", 1), None));
        ledger.fence(Epoch(5)).unwrap();
        let before = ledger.clone();
        let stale = ledger.decide(&buy("2", 4, "A", 1), None);
        assert_eq!(stale, Verdict::Stale(Stale { seen: Epoch(5), recorded: false }));
        // Its first try was applied and will be numbered: "no effect" would be a lie.
        let stale = ledger.decide(&buy("1", 4, "A", 1), Some(first));
        assert_eq!(stale, Verdict::Stale(Stale { seen: Epoch(5), recorded: true }));
        assert_eq!(ledger.fence(Epoch(4)), Err(Stale { seen: Epoch(5), recorded: false }));
        assert_eq!(ledger, before);
    }

    #[test]
    fn a_newer_epoch_shuts_out_older_ones_whatever_becomes_of_its_trade() {
        let mut ledger = ledger();
        new(ledger.decide(&buy("1", 7, "Z", 1), None));
        assert_eq!(ledger.epoch(), Epoch(7));
        assert!(matches!(ledger.decide(&buy("2", 6, "A", 1), None), Verdict::Stale(_)));
    }

    #[test]
    fn places_have_no_gaps_and_trades_by_hand_have_no_place() {
        let mut ledger = ledger();
        let by_hand = Trade { epoch: None, ..buy("h", 0, "A", 1) };
        ledger.fence(Epoch(9)).unwrap();
        let places: Vec<Option<u64>> = [
            buy("1", 9, "A", 1),
            by_hand,
            buy("2", 9, "B", 99),
            buy("3", 9, "Z", 1),
            buy("4", 9, "A", 1),
        ]
        .iter()
        .map(|trade| new(ledger.decide(trade, None)).applied_seq.map(|seq| seq.0))
        .collect();
        assert_eq!(places, [Some(1), None, None, None, Some(2)]);
    }
}
