//! The rules, each with the bug that leaves it out and where to look for what that breaks.

use std::time::Duration;

use services::planted::{Bug, Bugs};

use crate::coherence::Coherence;
use crate::detection::Detection;
use crate::keys::Keys;
use crate::places::FullHouse;
use crate::replication::{Fault, Replication, Scope, Start};
use crate::search::{Bounds, Outcome, explore};
use crate::trade::OneTrade;

/// The threads of a search: the smallest machine that this is meant for has two cores.
const THREADS: usize = 2;
/// Entries in a message, as in the services: more than there are.
const MANY: usize = 256;

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
    /// The model of a front-end that is full.
    FullHouse,
    /// The coherence model, with so many trades, attempts at each, and reads.
    Coherence { trades: u8, attempts: u8, reads: u8 },
}

/// One trade, which may be sent twice, to three replicas that are in sync.
const SERVING: Scope = Scope {
    start: Start::Serving,
    trades: 1,
    attempts: 2,
    max_entries: MANY,
    settle_one_in: 64,
    faults: Fault::ALL,
};
const TWO_TRADES: Scope = Scope { trades: 2, attempts: 1, ..SERVING };
const COLD: Scope = Scope { start: Start::Cold, ..SERVING };
const REJOINING: Scope = Scope { start: Start::Lagging(0), ..SERVING };
const LAGGING: Scope = Scope { start: Start::Lagging(1), ..SERVING };
/// The lagging replica needs two messages to catch up, so that there is something in between.
const LAGGING_FAR: Scope = Scope { start: Start::Lagging(2), trades: 0, max_entries: 1, ..SERVING };
const BEREFT: Scope = Scope { start: Start::Bereft, ..SERVING };
const ONLY_CRASHES: &[Fault] = &[Fault::Crash];
const DOUBLES_AND_CRASHES: &[Fault] = &[Fault::Twice, Fault::Crash];
const COHERENCE: Place = Place::Coherence { trades: 1, attempts: 2, reads: 3 };

/// Every rule that can be left out, once.
pub(crate) const CASES: &[Case] = &[
    replication("R1", Bug::NoCompareAndSet, SERVING, 2),
    replication("R2", Bug::ShrinkWithoutFrontEnd, SERVING, 2),
    replication("R2", Bug::AddWithoutWaiting, REJOINING, 1),
    replication("R2", Bug::AddWhileReconciling, Scope { faults: ONLY_CRASHES, ..LAGGING_FAR }, 2),
    replication("R2", Bug::QuietRemoval, Scope { attempts: 1, ..REJOINING }, 2),
    replication("R2", Bug::NeverRemove, SERVING, 1),
    replication("R2", Bug::NeverRejoin, REJOINING, 0),
    replication("R3", Bug::ElectOutOfSync, LAGGING, 1),
    replication("R3", Bug::BeginOverOrders, BEREFT, 0),
    replication("I4", Bug::ForgetEpoch, Scope { faults: ONLY_CRASHES, ..TWO_TRADES }, 1),
    replication("R4", Bug::LeadOldEpoch, Scope { faults: ONLY_CRASHES, ..TWO_TRADES }, 1),
    replication("R5", Bug::NoEpochCheckAtFollower, SERVING, 2),
    replication("R5", Bug::AcknowledgeGaps, SERVING, 2),
    replication("R6, I3", Bug::KeepConflictingTail, TWO_TRADES, 2),
    replication(
        "R6, I3",
        Bug::DropOwnEpoch,
        Scope { attempts: 1, faults: DOUBLES_AND_CRASHES, ..COLD },
        2,
    ),
    replication("R7", Bug::AnswerUncommittedRepeat, SERVING, 2),
    replication("R7", Bug::ServeUncommitted, SERVING, 1),
    replication("R8", Bug::NoOrderLogCheck, SERVING, 1),
    replication("R8", Bug::NumberFromDisk, TWO_TRADES, 0),
    replication(
        "R8",
        Bug::CountFromTakeover,
        Scope { attempts: 1, faults: ONLY_CRASHES, ..LAGGING },
        1,
    ),
    small("R9", Bug::ElectOnBrokenConnection, Place::Detection, 0),
    replication("I2", Bug::AcknowledgeBeforeReplicating, SERVING, 1),
    replication("I2", Bug::AnswerBeforeFlush, SERVING, 1),
    replication("E1", Bug::SkipUnnumbered, SERVING, 1),
    replication("E1", Bug::NoEpochCheckAtCatalog, SERVING, 1),
    replication("E3", Bug::NoRequestIdCheck, SERVING, 1),
    replication("E3", Bug::FreshIdOnRetry, SERVING, 1),
    small("E2", Bug::DieWithConnection, Place::OneTrade, 1),
    small("E2", Bug::AskOnce, Place::OneTrade, 1),
    small("E3", Bug::NoBodyCheck, Place::Keys, 0),
    small("E3", Bug::CountRefused, Place::Keys, 0),
    small("E4", Bug::SilenceIsNo, Place::OneTrade, 1),
    small("E4", Bug::ForgetAttempts, Place::OneTrade, 2),
    small("E5", Bug::OneBound, Place::FullHouse, 0),
    coherence("C1", Bug::SkipInvalidation),
    coherence("C2", Bug::CacheLateFill),
    coherence("C2", Bug::ForgetFloor),
    coherence("C2", Bug::TwoCopies),
    coherence("C1", Bug::HalfShown),
    coherence("C3", Bug::SilenceIsDeath),
    coherence("C3", Bug::CacheOnWhileClosing),
    coherence("C3b", Bug::FillDuringPush),
];

/// Where to look with all rules on, and with how many faults: all of it can be seen in CI...
pub(crate) const BRIEFLY: &[(&str, Place, u8)] = &[
    ("serving", Place::Replication(SERVING), 1),
    ("serving, two trades", Place::Replication(Scope { settle_one_in: 1, ..TWO_TRADES }), 0),
    ("rejoining", Place::Replication(Scope { attempts: 1, settle_one_in: 1, ..REJOINING }), 0),
    ("lagging far", Place::Replication(Scope { settle_one_in: 1, ..LAGGING_FAR }), 0),
    ("coherence", COHERENCE, 2),
    ("new disks", Place::Replication(Scope { attempts: 1, settle_one_in: 1, ..BEREFT }), 0),
    ("one trade", Place::OneTrade, 2),
    ("keys", Place::Keys, 0),
    ("detection", Place::Detection, 2),
    ("full house", Place::FullHouse, 0),
];

/// ...and as much of it as time allows, at length.
pub(crate) const AT_LENGTH: &[(&str, Place, u8)] = &[
    ("serving", Place::Replication(SERVING), 1),
    ("serving, two trades", Place::Replication(TWO_TRADES), 1),
    ("cold start", Place::Replication(COLD), 1),
    ("rejoining", Place::Replication(REJOINING), 1),
    ("lagging", Place::Replication(LAGGING), 1),
    ("lagging far", Place::Replication(LAGGING_FAR), 1),
    ("serving, further", Place::Replication(SERVING), 2),
    ("only crashes", Place::Replication(Scope { faults: ONLY_CRASHES, ..SERVING }), 2),
    ("new disks", Place::Replication(BEREFT), 1),
    ("one trade", Place::OneTrade, 4),
    ("keys", Place::Keys, 0),
    ("detection", Place::Detection, 4),
    ("full house", Place::FullHouse, 0),
    ("coherence", COHERENCE, 4),
    ("coherence, two trades", Place::Coherence { trades: 2, attempts: 1, reads: 3 }, 3),
];

const fn replication(rule: &'static str, bug: Bug, scope: Scope, faults: u8) -> Case {
    Case { rule, bug, place: Place::Replication(scope), faults }
}

const fn small(rule: &'static str, bug: Bug, place: Place, faults: u8) -> Case {
    Case { rule, bug, place, faults }
}

const fn coherence(rule: &'static str, bug: Bug) -> Case {
    Case { rule, bug, place: COHERENCE, faults: 2 }
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
            Self::FullHouse => explore(&FullHouse { bugs }, bounds, THREADS),
            Self::Coherence { trades, attempts, reads } => {
                explore(&Coherence { trades, attempts, reads, bugs }, bounds, THREADS)
            }
        }
    }
}
