//! The coherence model: a catalog, a front-end with its cache, one stock, trades and reads.
//!
//! Real are the catalog's decisions ([`services::catalog::ledger`]), when it shows what
//! ([`services::catalog::visibility`]), and the cache ([`services::front_end::cache`]). Modelled are
//! the shells around them (`catalog/writer.rs`, `pusher.rs`, `front_end/stocks.rs`): a commit, the
//! beginning of a push, its arrival, what the catalog makes of its outcome, a fill at the catalog
//! and its arrival at the front-end are steps, and anything may come between two of them.
//!
//! Without a fault: whatever takes as long as it likes, and a trade is sent again. Faults, each of
//! which counts: a crash of either; a front-end that is asked to stop; a push or a fill whose
//! answer is lost, or a push that never arrives; an `/rm`; once, the catalog's file is lost, and with it
//! trades by hand, which nobody else can have known. Then the front-end is the only one that knows their
//! versions, so it is one that has been there from the beginning, and stays. (Known and left out: one that
//! was restarted before has seen nothing; if an answer of the lost catalog reaches it after the start
//! push, reads of that stock wait until as many trades have come.)
//!
//! Left out: which replica brings a trade (they are in [`crate::replication`]), other stocks, reads
//! of the catalog by hand, and refused trades. With one stock the real states print the same way
//! whenever they are the same, so what they print stands for them.

mod steps;
mod words;

use std::hash::{Hash, Hasher};

use services::catalog::ledger::Ledger;
use services::catalog::visibility::{Pushed, Visibility};
use services::front_end::cache::Cache;
use services::planted::Bugs;
use wire::ids::{Epoch, StockVersion};
use wire::internal::{Invalidation, TradeRecord, VersionedStock};

use crate::ledger::{STOCK, hash_printed, new_ledger};
use crate::search::Model;

/// How many there are of it at first.
const STOCKED: u32 = 100;
/// Steps after which nothing may be waited for any more, if nothing goes wrong.
const MAX_SETTLING: usize = 100;

/// The model: how many trades and how many reads there are, and what is planted.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Coherence {
    /// Trades.
    pub(crate) trades: u8,
    /// How often each is sent at the most.
    pub(crate) attempts: u8,
    /// Reads.
    pub(crate) reads: u8,
    /// What is planted.
    pub(crate) bugs: Bugs,
}

/// Everything at one moment.
#[derive(Clone, Debug)]
pub(crate) struct Bazaar {
    ledger: Ledger,
    records: Vec<TradeRecord>,
    catalog: Option<Catalog>,
    front_end: Option<FrontEnd>,
    reads: Vec<Read>,
    reads_begun: u8,
    attempts: Vec<u8>,
    /// The catalog's file was lost: that happens once.
    is_damaged: bool,
    /// The front-end that was there first has ended.
    is_forgotten: bool,
    /// The newest version that a client has seen or had acknowledged.
    seen: StockVersion,
    broken: Option<String>,
}

/// The catalog's process.
#[derive(Clone, Debug)]
struct Catalog {
    visibility: Visibility<u8>,
    /// Whether the pusher has something to do.
    pending: bool,
    attempt: Option<Attempt>,
}

/// A push under way, and what became of it.
#[derive(Clone, Debug)]
struct Attempt {
    invalidation: Invalidation,
    outcome: Option<Pushed>,
    /// What the front-end has seen later versions of (rule L8).
    overtaken: Vec<VersionedStock>,
}

/// The front-end's process.
#[derive(Clone, Debug)]
struct FrontEnd {
    cache: Cache<StockVersion>,
    /// A front-end that is stopping takes no new connections.
    listens: bool,
}

/// A client's read that missed the cache.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Read {
    /// What had been seen when it began: it must not show less.
    floor: StockVersion,
    least: StockVersion,
    /// What the catalog has said, if it has.
    answer: Option<StockVersion>,
}

/// What can happen. Reads are named by their place.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Trade(u8),
    BeginPush,
    PushArrives { answer_is_lost: bool },
    PushRefused,
    PushLost,
    Conclude,
    Read,
    FillAtCatalog(usize),
    FillArrives(usize),
    FillLost(usize),
    Remove,
    StopFrontEnd,
    EndFrontEnd,
    CrashFrontEnd,
    StartFrontEnd,
    CrashCatalog,
    LoseCatalog,
    StartCatalog,
}

impl Catalog {
    fn is_busy(&self) -> bool {
        self.pending || self.attempt.is_some()
    }
}

impl Hash for Bazaar {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hash_printed(self, hasher);
    }
}

impl Model for Coherence {
    type State = Bazaar;
    type Action = Action;

    fn start(&self) -> Bazaar {
        let mut bazaar = Bazaar {
            ledger: new_ledger(Epoch(1), STOCKED, 100, self.bugs),
            records: Vec::new(),
            catalog: None,
            front_end: None,
            reads: Vec::new(),
            reads_begun: 0,
            attempts: vec![0; usize::from(self.trades)],
            is_damaged: false,
            is_forgotten: false,
            seen: StockVersion(0),
            broken: None,
        };
        bazaar.happen(Action::StartFrontEnd, self.bugs);
        bazaar.happen(Action::StartCatalog, self.bugs);
        let opening =
            [Action::BeginPush, Action::PushArrives { answer_is_lost: false }, Action::Conclude];
        opening.into_iter().for_each(|action| bazaar.happen(action, self.bugs));
        bazaar
    }

    fn actions(&self, bazaar: &Bazaar) -> Vec<(Action, u8)> {
        let mut actions = Vec::new();
        self.of_catalog(bazaar, &mut actions);
        self.of_front_end(bazaar, &mut actions);
        for (place, read) in bazaar.reads.iter().enumerate() {
            if place > 0 && bazaar.reads[place - 1] == *read {
                continue;
            }
            match read.answer {
                None if bazaar.catalog.is_some() => actions.push((Action::FillAtCatalog(place), 0)),
                None => {}
                Some(_) => {
                    actions.extend([(Action::FillArrives(place), 0), (Action::FillLost(place), 1)]);
                }
            }
        }
        actions
    }

    fn after(&self, bazaar: &Bazaar, action: Action) -> Bazaar {
        let mut bazaar = bazaar.clone();
        bazaar.happen(action, self.bugs);
        bazaar
    }

    fn broken(&self, bazaar: &Bazaar, _fingerprint: u64, _by_fault: bool) -> Option<String> {
        bazaar.broken.clone().or_else(|| self.unsettled(bazaar, &mut None))
    }

    fn describe(&self, bazaar: &Bazaar, action: Action) -> String {
        bazaar.describe(action)
    }

    fn epilogue(&self, bazaar: &Bazaar) -> Vec<String> {
        let mut told = Some(Vec::new());
        if bazaar.broken.is_none() {
            self.unsettled(bazaar, &mut told);
        }
        told.unwrap_or_default()
    }
}

impl Coherence {
    fn of_catalog(&self, bazaar: &Bazaar, actions: &mut Vec<(Action, u8)>) {
        let Some(catalog) = &bazaar.catalog else {
            return actions.push((Action::StartCatalog, 0));
        };
        actions.push((Action::CrashCatalog, 1));
        if !bazaar.is_damaged && !bazaar.is_forgotten {
            actions.push((Action::LoseCatalog, 1));
        }
        if catalog.visibility.is_open() {
            let sent = |trade: &u8| bazaar.attempts[usize::from(*trade)];
            let trades = (0..self.trades).filter(|trade| sent(trade) < self.attempts);
            actions.extend(trades.map(|trade| (Action::Trade(trade), 0)));
        }
        match &catalog.attempt {
            None if catalog.pending => actions.push((Action::BeginPush, 0)),
            None => {}
            Some(Attempt { outcome: Some(_), .. }) => actions.push((Action::Conclude, 0)),
            Some(Attempt { outcome: None, .. }) => {
                if bazaar.front_end.as_ref().is_some_and(|front_end| front_end.listens) {
                    actions.push((Action::PushArrives { answer_is_lost: false }, 0));
                    actions.push((Action::PushArrives { answer_is_lost: true }, 1));
                } else {
                    actions.push((Action::PushRefused, 0));
                }
                actions.push((Action::PushLost, 1));
            }
        }
    }

    fn of_front_end(&self, bazaar: &Bazaar, actions: &mut Vec<(Action, u8)>) {
        match &bazaar.front_end {
            None => actions.push((Action::StartFrontEnd, 0)),
            // Requests on connections that are open are answered while it stops.
            Some(FrontEnd { listens: false, .. }) => {
                actions.push((Action::EndFrontEnd, 0));
                actions.extend((bazaar.reads_begun < self.reads).then_some((Action::Read, 0)));
            }
            Some(FrontEnd { listens: true, .. }) => {
                actions.extend((bazaar.reads_begun < self.reads).then_some((Action::Read, 0)));
                actions.push((Action::Remove, 1));
                if !bazaar.is_damaged {
                    actions.extend([(Action::StopFrontEnd, 1), (Action::CrashFrontEnd, 1)]);
                }
            }
        }
    }

    /// What is still amiss once everybody is up again and nothing more goes wrong.
    fn unsettled(&self, bazaar: &Bazaar, told: &mut Option<Vec<String>>) -> Option<String> {
        let mut bazaar = bazaar.clone();
        let mut act = |bazaar: &mut Bazaar, action| {
            if let Some(told) = told {
                told.push(bazaar.describe(action));
            }
            bazaar.happen(action, self.bugs);
        };
        for _ in 0..MAX_SETTLING {
            let actions = self.actions(&bazaar);
            let next = actions.into_iter().find(|(action, faults)| {
                let asks = matches!(action, Action::Trade(_) | Action::Read);
                let must_wait = matches!(action, Action::FillAtCatalog(_))
                    && bazaar.catalog.as_ref().is_some_and(Catalog::is_busy);
                *faults == 0 && !asks && !must_wait
            });
            let Some((action, _)) = next else { break };
            act(&mut bazaar, action);
        }
        act(&mut bazaar, Action::Read);
        if !bazaar.reads.is_empty() {
            act(&mut bazaar, Action::FillAtCatalog(0));
            act(&mut bazaar, Action::FillArrives(0));
        }
        let newest = bazaar.ledger.stock(STOCK).map(|stock| stock.version)?;
        let fails = bazaar.seen < newest || !bazaar.reads.is_empty();
        let settled = || fails.then(|| format!("version {newest} is never shown"));
        let broken = bazaar.broken.clone().or_else(settled)?;
        Some(format!("once everything is healed: {broken}"))
    }
}
