//! The model of a front-end that is full: trades wait for an invalidation, which needs a place too,
//! and so does anybody who reads a stock that is cached, or looks an order up, while reads of other stocks
//! wait for the catalog.
//!
//! Real is which places a request takes one of ([`services::http::Places`]). Modelled are the places
//! themselves, and the catalog: it commits a trade, pushes its invalidation, and answers only then;
//! reads it answers when it likes. There are no faults: all that happens is that clients send as many
//! trades, and reads of stocks that are not cached, as they like.

use services::http::{Access, Bulkhead, Load, Peer};
use services::planted::Bugs;

use crate::search::Model;

/// Places of each kind. There are 1024 in the services; what matters is that clients can fill them.
const PLACES: u8 = 2;
/// Trades, more than there are places.
const TRADES: u8 = 4;
/// Reads of stocks that are not cached, more than there are places, too.
const MISSES: u8 = 3;
/// What such a read has to wait for.
const MISS: Load = Load::Question(Peer::Catalog);
/// Steps after which every trade must have been answered.
const MAX_SETTLING: usize = 50;

/// The model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FullHouse {
    /// What is planted.
    pub(crate) bugs: Bugs,
}

/// Everything at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct House {
    /// Trades that clients have not sent yet.
    to_send: u8,
    /// Trades that have a place at the front-end and are on their way to the catalog.
    inside: u8,
    /// Trades that have a place, are committed, and wait for their invalidation.
    committed: u8,
    /// Whether the invalidation has its place.
    push_is_in: bool,
    answered: u8,
    /// Reads that clients have not sent yet, of stocks that are not cached.
    to_read: u8,
    /// Such reads that have a place, and wait for the catalog.
    asking: u8,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    TradeComesIn,
    Commit,
    PushComesIn,
    PushIsAcknowledged,
    MissComesIn,
    MissIsAnswered,
}

impl House {
    fn taken(&self, places: Bulkhead, bugs: Bugs) -> u8 {
        let trades = self.inside + self.committed;
        let of_trade = Bulkhead::of(Access::Public, Load::Trade, bugs);
        let of_trades = if of_trade == places { trades } else { 0 };
        let of_push = self.push_is_in && Bulkhead::of(Access::Internal, Load::Read, bugs) == places;
        let of_miss = Bulkhead::of(Access::Public, MISS, bugs) == places;
        let of_misses = if of_miss { self.asking } else { 0 };
        of_trades + of_misses + u8::from(of_push)
    }

    fn has_place(&self, access: Access, load: Load, bugs: Bugs) -> bool {
        self.taken(Bulkhead::of(access, load, bugs), bugs) < PLACES
    }
}

impl Model for FullHouse {
    type State = House;
    type Action = Action;

    fn start(&self) -> House {
        House { to_send: TRADES, to_read: MISSES, ..House::default() }
    }

    fn actions(&self, house: &House) -> Vec<(Action, u8)> {
        let waits = house.committed > 0 && !house.push_is_in;
        let possible = [
            (Action::PushIsAcknowledged, house.push_is_in),
            (
                Action::PushComesIn,
                waits && house.has_place(Access::Internal, Load::Read, self.bugs),
            ),
            (Action::Commit, house.inside > 0),
            (Action::MissIsAnswered, house.asking > 0),
            (
                Action::TradeComesIn,
                house.to_send > 0 && house.has_place(Access::Public, Load::Trade, self.bugs),
            ),
            (
                Action::MissComesIn,
                house.to_read > 0 && house.has_place(Access::Public, MISS, self.bugs),
            ),
        ];
        possible.into_iter().filter(|(_, is)| *is).map(|(action, _)| (action, 0)).collect()
    }

    fn after(&self, house: &House, action: Action) -> House {
        let mut house = house.clone();
        match action {
            Action::TradeComesIn => {
                (house.to_send, house.inside) = (house.to_send - 1, house.inside + 1);
            }
            Action::Commit => {
                (house.inside, house.committed) = (house.inside - 1, house.committed + 1);
            }
            Action::PushComesIn => house.push_is_in = true,
            Action::PushIsAcknowledged => {
                house.push_is_in = false;
                house.answered += house.committed;
                house.committed = 0;
            }
            Action::MissComesIn => {
                (house.to_read, house.asking) = (house.to_read - 1, house.asking + 1);
            }
            Action::MissIsAnswered => house.asking -= 1,
        }
        house
    }

    fn broken(&self, house: &House, _fingerprint: u64, _by_fault: bool) -> Option<String> {
        // A read of what is cached is over at once, so all that matters is whether it may begin.
        if !house.has_place(Access::Public, Load::Read, self.bugs) {
            return Some(
                "a read of a cached stock waits for a place that who waits for the catalog has"
                    .to_owned(),
            );
        }
        if !house.has_place(Access::Public, Load::Question(Peer::Replica), self.bugs) {
            return Some(
                "a lookup of an order waits for a place that a read of a stock has".to_owned(),
            );
        }
        let mut house = house.clone();
        for _ in 0..MAX_SETTLING {
            let Some((action, _)) = self.actions(&house).first().copied() else { break };
            house = self.after(&house, action);
        }
        let missing = TRADES - house.answered + house.to_read + house.asking;
        (missing > 0).then(|| format!("{missing} of {} requests wait for ever", TRADES + MISSES))
    }

    fn describe(&self, house: &House, action: Action) -> String {
        match action {
            Action::TradeComesIn => {
                format!("a trade gets a place; {} others have one", house.inside)
            }
            Action::Commit => "the catalog commits a trade".to_owned(),
            Action::PushComesIn => "the invalidation gets a place".to_owned(),
            Action::PushIsAcknowledged => "it is acknowledged, and the trades answered".to_owned(),
            Action::MissComesIn => {
                format!(
                    "a read that has to ask the catalog gets a place; {} others have one",
                    house.asking
                )
            }
            Action::MissIsAnswered => "the catalog answers a read".to_owned(),
        }
    }

    fn epilogue(&self, _house: &House) -> Vec<String> {
        Vec::new()
    }
}
