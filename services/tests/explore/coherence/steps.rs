//! What each action does.

use services::catalog::ledger::{Ledger, Trade, Verdict, public};
use services::catalog::visibility::{Batch, Look, Pushed, Step, Visibility, overtaken};
use services::front_end::cache::{Cache, Fill, Lookup};
use services::planted::Bugs;
use wire::bazaar::{CatalogTrade, Quantity, Stock, StockAt, TradeType};
use wire::ids::{Epoch, RequestId, StockVersion};
use wire::internal::{SeenVersions, VersionedStock};

use super::{Action, Attempt, Bazaar, Catalog, FrontEnd, Read, STOCKED};
use crate::ledger::{STOCK, new_ledger};

impl Bazaar {
    pub(super) fn happen(&mut self, action: Action, bugs: Bugs) {
        match action {
            Action::StartCatalog => {
                let visibility = Visibility::new(self.stock()).with_bugs(bugs);
                self.catalog = Some(Catalog { visibility, pending: true, attempt: None });
            }
            Action::CrashCatalog => self.catalog = None,
            Action::LoseCatalog => {
                (self.catalog, self.is_damaged) = (None, true);
                self.ledger = new_ledger(Epoch(1), STOCKED, 100, bugs);
                self.records.clear();
            }
            Action::Trade(trade) => self.trade(trade),
            Action::BeginPush | Action::Conclude => self.push_on(action),
            Action::PushArrives { answer_is_lost } => self.push_arrives(answer_is_lost, bugs),
            Action::PushRefused => self.push_ends(Pushed::Refused),
            Action::PushLost => self.push_ends(Pushed::Unclear),
            Action::StartFrontEnd => {
                let cache = Cache::new(true).with_bugs(bugs);
                self.front_end = Some(FrontEnd { cache, listens: true });
            }
            Action::StopFrontEnd => {
                self.is_forgotten = true;
                if let Some(front_end) = &mut self.front_end {
                    front_end.cache.switch_off();
                    front_end.listens = false;
                }
            }
            Action::CrashFrontEnd | Action::EndFrontEnd => {
                (self.front_end, self.is_forgotten) = (None, true);
                self.reads.clear();
            }
            Action::Remove => {
                if let Some(front_end) = &mut self.front_end {
                    front_end.cache.remove(STOCK);
                }
            }
            Action::Read => self.read(),
            Action::FillAtCatalog(place) => self.fill_at_catalog(place),
            Action::FillArrives(place) => self.fill_arrives(place),
            Action::FillLost(place) => self.reads[place].answer = None,
        }
        self.reads.sort_unstable();
    }

    pub(super) fn stock(&self) -> Option<StockAt> {
        self.ledger.stock(STOCK).map(public)
    }

    /// A trade comes to the catalog, is decided and committed.
    fn trade(&mut self, trade: u8) {
        self.attempts[usize::from(trade)] += 1;
        let request_id = RequestId::new(format!("R{}", trade + 1)).expect("short and visible");
        let recorded = self.records.iter().find(|record| record.request_id == request_id).cloned();
        let body = CatalogTrade {
            stock_name: STOCK.to_owned(),
            trade_type: TradeType::Buy,
            quantity: Quantity::new(1).expect("1 is positive"),
        };
        let decided = Trade { request_id, epoch: Some(Epoch(1)), body };
        let changed = match self.ledger.decide(&decided, recorded) {
            Verdict::New(record) => {
                self.records.push(record);
                self.stock().into_iter().collect()
            }
            _repeat => Vec::new(),
        };
        let Some(catalog) = &mut self.catalog else { return };
        catalog.visibility.commit(Batch { changed, waiting: vec![trade] });
        catalog.pending = true;
    }

    /// The pusher begins an attempt, or makes something of one that has ended.
    fn push_on(&mut self, action: Action) {
        let stock = |ledger: &Ledger| ledger.stock(STOCK).map(public);
        let Some(catalog) = &mut self.catalog else { return };
        let later = catalog.attempt.as_ref().map(|attempt| attempt.overtaken.clone());
        if let Some(later) = later.filter(|later| !later.is_empty()) {
            // L8: what the attempt told of is older than what the front-end has.
            catalog.attempt = None;
            catalog.visibility.conclude(Pushed::Unclear);
            for VersionedStock { stock_name, version } in &later {
                self.ledger.raise_version(stock_name, *version);
            }
            let changed = stock(&self.ledger).into_iter().collect();
            catalog.visibility.commit(Batch { changed, waiting: Vec::new() });
            catalog.pending = true;
            return;
        }
        let released = match catalog.attempt.take().and_then(|attempt| attempt.outcome) {
            Some(outcome) if matches!(action, Action::Conclude) => {
                let released = catalog.visibility.conclude(outcome);
                catalog.pending |= released.is_none();
                released
            }
            _ => match catalog.visibility.begin() {
                Step::Release(released) => {
                    catalog.pending = false;
                    Some(released)
                }
                Step::Push(invalidation) => {
                    catalog.pending = false;
                    catalog.attempt =
                        Some(Attempt { invalidation, outcome: None, overtaken: Vec::new() });
                    None
                }
            },
        };
        for trade in released.into_iter().flatten() {
            let record =
                self.records.iter().find(|r| r.request_id.as_str() == format!("R{}", trade + 1));
            let version = record.and_then(|record| record.version);
            self.seen = self.seen.max(version.unwrap_or_default());
        }
    }

    fn push_arrives(&mut self, answer_is_lost: bool, bugs: Bugs) {
        if let (Some(front_end), Some(Catalog { attempt: Some(attempt), .. })) =
            (&mut self.front_end, &mut self.catalog)
        {
            for stock in &attempt.invalidation.stocks {
                front_end.cache.invalidate(&stock.stock_name, stock.version);
            }
            let version = front_end.cache.floor(STOCK);
            let seen = vec![VersionedStock { stock_name: STOCK.to_owned(), version }];
            if attempt.invalidation.start && !answer_is_lost {
                let seen = SeenVersions { seen };
                attempt.overtaken = overtaken(&attempt.invalidation, &seen, bugs);
            }
        }
        self.push_ends(if answer_is_lost { Pushed::Unclear } else { Pushed::Acknowledged });
    }

    fn push_ends(&mut self, outcome: Pushed) {
        if let Some(Catalog { attempt: Some(attempt), .. }) = &mut self.catalog {
            attempt.outcome = Some(outcome);
        }
    }

    fn read(&mut self) {
        let Some(front_end) = &mut self.front_end else { return };
        self.reads_begun += 1;
        let floor = self.seen;
        match front_end.cache.lookup(STOCK) {
            Lookup::Hit(version) => self.show(version, floor),
            Lookup::Miss { min_version } => {
                self.reads.push(Read { floor, least: min_version, answer: None });
            }
        }
    }

    fn fill_at_catalog(&mut self, place: usize) {
        let Some(catalog) = &mut self.catalog else { return };
        let read = &mut self.reads[place];
        // Anything else is asked again later.
        let Look::Found(at) = catalog.visibility.fill(STOCK, read.least) else { return };
        read.answer = Some(at.version);
        let Stock { quantity, trade_volume, .. } = at.stock;
        // Every trade buys one of what there is.
        if u64::from(STOCKED - quantity) != trade_volume {
            let text = format!("a read shows quantity {quantity} at volume {trade_volume}");
            self.broken.get_or_insert(text);
        }
    }

    fn fill_arrives(&mut self, place: usize) {
        let (Some(front_end), Some(version)) = (&mut self.front_end, self.reads[place].answer)
        else {
            return;
        };
        match front_end.cache.fill(STOCK, version, version) {
            Fill::Current => {
                let read = self.reads.remove(place);
                self.show(version, read.floor);
            }
            Fill::Outdated { min_version } => {
                self.reads[place].least = min_version;
                self.reads[place].answer = None;
            }
        }
    }

    fn show(&mut self, version: StockVersion, floor: StockVersion) {
        if version < floor {
            let text = format!("a read that began after version {floor} was seen shows {version}");
            self.broken.get_or_insert(text);
        }
        self.seen = self.seen.max(version);
    }
}
