//! A search with one rule left out, and the places where there is something to look for.

use std::time::Duration;

use services::planted::{Bug, Bugs};

use crate::bulkhead::FullHouse;
use crate::coherence::Coherence;
use crate::detection::Detection;
use crate::flapping::Flapping;
use crate::gray::GrayFailures;
use crate::keys::Keys;
use crate::lookup::Lookups;
use crate::replication::{Replication, Scope, Start};
use crate::search::{Before, Bounds, Outcome, explore};
use crate::trade::OneTrade;

/// The threads of a search: the smallest machine that this is meant for has two cores.
const THREADS: usize = 2;

/// A search with one rule left out.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// The rule, as PROTOCOL and ARCHITECTURE call it.
    pub(crate) rule: &'static str,
    /// Its absence.
    pub(crate) bug: Bug,
    /// Where to look.
    pub(crate) place: Place,
    /// How many faults it takes.
    pub(crate) faults: u8,
}

/// A model, and how much happens in it.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Place {
    /// The replication model.
    Replication(Scope),
    /// The model of one trade between its client and its number.
    OneTrade,
    /// The model of clients' keys.
    Keys,
    /// The model of failure detection.
    Detection,
    /// The model of leaders that answer and cannot work.
    GrayFailures(Before),
    /// The model of a member that comes and goes.
    Flapping(Before),
    /// The model of a lookup during an election.
    Lookups,
    /// The model of a front-end that is full.
    FullHouse,
    /// The coherence model, with so many trades, attempts at each, and reads.
    Coherence { trades: u8, attempts: u8, reads: u8 },
}

impl Case {
    /// Whether files are lost or old before the search begins, or become so in it.
    pub(crate) fn is_over_damaged_files(&self) -> bool {
        let Place::Replication(Scope { start, .. }) = self.place else { return false };
        matches!(start, Start::Traded(_) | Start::Emptied)
    }
}

impl Place {
    /// Looks there.
    pub(crate) fn explore(self, bugs: Bugs, faults: u8, states: usize, time: Duration) -> Outcome {
        let bounds = Bounds { faults, states, time };
        match self {
            Self::Replication(scope) => explore(&Replication::new(scope, bugs), bounds, THREADS),
            Self::OneTrade => explore(&OneTrade { bugs }, bounds, THREADS),
            Self::Keys => explore(&Keys { bugs }, bounds, THREADS),
            Self::Detection => explore(&Detection { bugs }, bounds, THREADS),
            Self::GrayFailures(before) => explore(&GrayFailures { before, bugs }, bounds, THREADS),
            Self::Flapping(before) => explore(&Flapping { before, bugs }, bounds, THREADS),
            Self::Lookups => explore(&Lookups { bugs }, bounds, THREADS),
            Self::FullHouse => explore(&FullHouse { bugs }, bounds, THREADS),
            Self::Coherence { trades, attempts, reads } => {
                explore(&Coherence { trades, attempts, reads, bugs }, bounds, THREADS)
            }
        }
    }
}
