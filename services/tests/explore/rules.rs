//! The rules, each with the bug that leaves it out and where to look for what that breaks.

use services::planted::Bug;
use wire::ids::ReplicaId;
use wire::internal::Part;

use crate::case::{Case, Place};
use crate::replication::{Damage, Fault, Scope, Start};
use crate::search::Before;

/// Entries in a message, as in the services: more than there are.
const MANY: usize = 256;

/// One trade, which may be sent twice, to three replicas that are in sync.
const SERVING: Scope = Scope {
    start: Start::Serving,
    trades: 1,
    attempts: 2,
    max_entries: MANY,
    max_listed: MANY,
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
/// The leader's messages are short, so that one that is catching up lacks the end.
const EMPTIED: Scope = Scope {
    start: Start::Emptied,
    trades: 0,
    max_entries: 2,
    settle_one_in: 1,
    faults: NO_FAULTS,
    ..SERVING
};
const ONLY_CRASHES: &[Fault] = &[Fault::Crash];
const DOUBLES_AND_CRASHES: &[Fault] = &[Fault::Twice, Fault::Crash];
/// The task that carries the only trade may panic.
const PANICS: Scope = Scope { faults: &[Fault::Panic], attempts: 1, ..SERVING };
const LOST: &[Fault] = &[Fault::LostFile];
const OLD: &[Fault] = &[Fault::OldFile];
const NO_FAULTS: &[Fault] = &[];

const ONE: Part = Part::Replica(ReplicaId(1));
const TWO: Part = Part::Replica(ReplicaId(2));
const THREE: Part = Part::Replica(ReplicaId(3));
const ONE_ORDER: Damage = Damage { orders: 1, ..Damage::NONE };
const TWO_ALONE: Damage = Damage { alone: Some(ReplicaId(2)), ..Damage::NONE };
const THREE_ALONE: Damage = Damage { alone: Some(ReplicaId(3)), ..Damage::NONE };
const ALL_DOWN: &[Part] = &[ONE, TWO, THREE, Part::Catalog, Part::FrontEnd];

/// One more trade after `damage`.
const fn damaged(damage: Damage, faults: &'static [Fault]) -> Scope {
    Scope { start: Start::Traded(damage), attempts: 1, faults, ..SERVING }
}

/// What comes of `damage` by itself, without a trade or a fault.
const fn quietly(damage: Damage) -> Place {
    Place::Replication(Scope { trades: 0, settle_one_in: 1, ..damaged(damage, NO_FAULTS) })
}

/// One order is committed, and everybody is down; then a file is lost, or an old copy put back.
const DOWN: Damage = Damage { down: ALL_DOWN, ..ONE_ORDER };
/// The catalog's and replica 3's files are old: noticed only by a process that knows more.
const OLD_PAIR: Damage = Damage { old: &[THREE, Part::Catalog], ..ONE_ORDER };

/// The front-end has elected replica 3 while 1 and 2 did not answer: what an old pair would lose, they
/// know.
const OLD_LEADER: Damage = Damage { deaf: &[ReplicaId(1), ReplicaId(2)], ..OLD_PAIR };

/// The same where the catalog's file is whole.
const OLD_AND_ALONE: Damage = Damage { old: &[THREE], ..OLD_LEADER };

const GRAY: Place = Place::GrayFailures(Before::Nothing);
const FLAPPING: Place = Place::Flapping(Before::Nothing);
const COHERENCE: Place = Place::Coherence { trades: 1, attempts: 2, reads: 3 };

/// Every rule that can be left out, once.
pub(crate) const CASES: &[Case] = &[
    replication("R1", Bug::NoCompareAndSet, SERVING, 2),
    replication("R2", Bug::ShrinkWithoutFrontEnd, SERVING, 2),
    replication("R2", Bug::AddWithoutWaiting, Scope { faults: ONLY_CRASHES, ..REJOINING }, 2),
    replication(
        "R2",
        Bug::AddWhileReconciling,
        Scope { start: Start::LaggingAnew(2), faults: ONLY_CRASHES, ..LAGGING_FAR },
        2,
    ),
    replication("R2", Bug::QuietRemoval, Scope { attempts: 1, ..REJOINING }, 2),
    replication("R2", Bug::NeverRemove, SERVING, 1),
    replication("R2", Bug::NeverRejoin, REJOINING, 0),
    replication("R3", Bug::ElectOutOfSync, LAGGING, 1),
    replication("R3", Bug::BeginOverOrders, BEREFT, 0),
    replication("R5, I4", Bug::ForgetEpoch, SERVING, 1),
    replication("R4", Bug::LeadOldEpoch, Scope { faults: ONLY_CRASHES, ..TWO_TRADES }, 1),
    replication("R5", Bug::NoEpochCheckAtFollower, SERVING, 2),
    replication("R5", Bug::AcknowledgeGaps, SERVING, 2),
    replication(
        "R6, I3",
        Bug::KeepConflictingTail,
        damaged(Damage::NONE, &[Fault::Crash, Fault::OldFile]),
        2,
    ),
    replication(
        "R6, I3",
        Bug::DropOwnEpoch,
        Scope { faults: DOUBLES_AND_CRASHES, ..TWO_TRADES },
        1,
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
    replication(
        "I2",
        Bug::AnswerBeforeFlush,
        damaged(Damage { down: &[ONE, TWO], ..THREE_ALONE }, ONLY_CRASHES),
        1,
    ),
    replication("E1", Bug::SkipUnnumbered, SERVING, 1),
    replication("E1", Bug::NoEpochCheckAtCatalog, SERVING, 1),
    replication("E3", Bug::NoRequestIdCheck, SERVING, 1),
    replication("E3", Bug::FreshIdOnRetry, SERVING, 1),
    small("E2", Bug::DieWithConnection, Place::OneTrade, 1),
    small("E2", Bug::AskOnce, Place::OneTrade, 1),
    replication("E2", Bug::DieWithTask, PANICS, 1),
    small("E3", Bug::NoBodyCheck, Place::Keys, 0),
    small("E3", Bug::CountRefused, Place::Keys, 0),
    small("E4", Bug::SilenceIsNo, Place::OneTrade, 1),
    small("E4", Bug::ForgetAttempts, Place::OneTrade, 2),
    small("E5", Bug::OneBound, Place::FullHouse, 0),
    small("G1", Bug::TrustWhoeverAnswers, GRAY, 1),
    small("G1", Bug::TrustWhoIsStuck, GRAY, 1),
    small("G1", Bug::TrustWhoIsSlow, GRAY, 1),
    small("G1", Bug::TrustWhoIsCutOff, GRAY, 1),
    small("G1", Bug::DoubtForMember, GRAY, 1),
    small("G1", Bug::ElectWithoutProof, GRAY, 1),
    small("G1", Bug::ProveWithoutReach, GRAY, 1),
    small("G1", Bug::DeposeWhoProves, GRAY, 1),
    small("G1", Bug::NoBackOff, GRAY, 1),
    small("G1", Bug::ConstantPause, GRAY, 1),
    small("G1", Bug::NeverForgive, Place::GrayFailures(Before::Trouble), 1),
    small("G1", Bug::ForgetDeposed, GRAY, 2),
    small("G2", Bug::ReadmitAtOnce, FLAPPING, 1),
    small("G2", Bug::ConstantWhile, FLAPPING, 4),
    small("G2", Bug::CountRemovalsForEver, Place::Flapping(Before::Trouble), 1),
    small("G2", Bug::KeepUpWhatever, FLAPPING, 2),
    small("G2", Bug::ReadmitWithoutProof, FLAPPING, 1),
    small("G2", Bug::KeepWhoDrags, FLAPPING, 1),
    small("G3", Bug::LookupWaitsForTakeover, Place::Lookups, 1),
    small("G3", Bug::ReadsShareWithTrades, Place::FullHouse, 0),
    small("G3", Bug::QuestionsShareWithReads, Place::FullHouse, 0),
    replication(
        "N1",
        Bug::NumberByArrival,
        Scope { trades: 2, ..damaged(Damage { down: &[ONE, TWO], ..THREE_ALONE }, OLD) },
        1,
    ),
    replication("N1", Bug::NeverAskForGap, Scope { trades: 2, ..PANICS }, 1),
    // Each end looks whose the other is, so it is left out at both.
    replication(
        "L1",
        Bug::TakeAnyBazaar,
        damaged(
            Damage {
                lost: &[Part::FrontEnd],
                old: &[Part::Catalog],
                foreign: &[ReplicaId(3)],
                ..ONE_ORDER
            },
            NO_FAULTS,
        ),
        0,
    ),
    replication("L1", Bug::CountAnyDatabase, damaged(Damage::NONE, LOST), 1),
    replication(
        "L1",
        Bug::MemberByIdAlone,
        damaged(
            Damage { lost: &[THREE], old: &[Part::Catalog], down: &[ONE, TWO], ..ONE_ORDER },
            NO_FAULTS,
        ),
        0,
    ),
    small("L1", Bug::KeepAnotherDatabase, quietly(Damage { lost: &[TWO], ..ONE_ORDER }), 0),
    replication(
        "L2",
        Bug::ForgetMark,
        damaged(
            Damage { orders: 2, restarted: &[ReplicaId(1), ReplicaId(2)], ..OLD_LEADER },
            NO_FAULTS,
        ),
        0,
    ),
    small("L2", Bug::RefuseNewEpoch, quietly(OLD_AND_ALONE), 0),
    replication("L2", Bug::RemoveWhoRefuses, damaged(OLD_LEADER, NO_FAULTS), 0),
    replication("L2", Bug::DropCommitted, damaged(OLD_LEADER, NO_FAULTS), 0),
    replication(
        "L2",
        Bug::ReplaceCommitted,
        damaged(Damage { astray: 1, ..OLD_LEADER }, NO_FAULTS),
        0,
    ),
    replication("L3", Bug::ElectHighestId, damaged(OLD_PAIR, NO_FAULTS), 0),
    replication(
        "L3",
        Bug::NoFloor,
        damaged(Damage { floor: true, down: &[ONE, TWO], ..OLD_PAIR }, NO_FAULTS),
        0,
    ),
    replication(
        "L3",
        Bug::KeepNoFloor,
        damaged(Damage { floor: true, down: &[ONE, TWO], ..OLD_PAIR }, NO_FAULTS),
        0,
    ),
    replication(
        "L4",
        Bug::FenceAtHeard,
        damaged(Damage { lost: &[Part::FrontEnd], ..TWO_ALONE }, OLD),
        1,
    ),
    replication(
        "L4",
        Bug::AdoptHighestId,
        damaged(Damage { lost: &[Part::FrontEnd], ..OLD_PAIR }, NO_FAULTS),
        0,
    ),
    replication(
        "L4",
        Bug::AdoptEverybody,
        damaged(
            Damage {
                orders: 1,
                lost: &[Part::FrontEnd],
                old: &[Part::Catalog],
                restarted: &[ReplicaId(3)],
                ..THREE_ALONE
            },
            ONLY_CRASHES,
        ),
        1,
    ),
    replication(
        "L4",
        Bug::CountBeforeFence,
        damaged(Damage { lost: &[Part::FrontEnd], ..TWO_ALONE }, OLD),
        1,
    ),
    replication(
        "L4",
        Bug::AdoptFromSome,
        damaged(
            Damage {
                orders: 1,
                lost: &[Part::FrontEnd],
                old: &[Part::Catalog],
                down: &[THREE],
                ..THREE_ALONE
            },
            NO_FAULTS,
        ),
        0,
    ),
    replication(
        "L4",
        Bug::NewFileVouches,
        damaged(
            Damage {
                orders: 1,
                lost: &[Part::FrontEnd, THREE],
                old: &[Part::Catalog],
                ..THREE_ALONE
            },
            NO_FAULTS,
        ),
        0,
    ),
    replication("L5", Bug::CompareVersions, damaged(TWO_ALONE, OLD), 1),
    replication("L5", Bug::NoEpochInquiry, damaged(TWO_ALONE, OLD), 1),
    replication("L5", Bug::ObeyBelowHeard, SERVING, 1),
    replication("L5", Bug::LeadAnyIncarnation, Scope { faults: ONLY_CRASHES, ..SERVING }, 2),
    replication("L6", Bug::OpenUntold, damaged(Damage::NONE, LOST), 1),
    replication("L6", Bug::NumberFromAnyLife, damaged(Damage::NONE, LOST), 1),
    replication("L6", Bug::ListOnce, Scope { faults: ONLY_CRASHES, ..SERVING }, 1),
    small("L7", Bug::EndBeforeList, quietly(OLD_AND_ALONE), 0),
    replication("L7", Bug::ServeUnreconciled, SERVING, 1),
    small("L7", Bug::NeverFill, quietly(Damage { lost: &[Part::Catalog], ..ONE_ORDER }), 0),
    replication(
        "L7",
        Bug::OpenOverContradiction,
        damaged(Damage { old: &[Part::Catalog], astray: 1, ..ONE_ORDER }, NO_FAULTS),
        0,
    ),
    replication(
        "L7",
        Bug::FillOverContradiction,
        damaged(Damage { orders: 2, old: &[Part::Catalog], astray: 1, ..Damage::NONE }, NO_FAULTS),
        0,
    ),
    replication(
        "L7",
        Bug::ReconcileFirst,
        damaged(
            Damage { old: &[THREE], down: &[ONE, TWO], deaf: &[ReplicaId(1)], ..ONE_ORDER },
            NO_FAULTS,
        ),
        0,
    ),
    replication(
        "L7",
        Bug::FillByAnybody,
        damaged(
            Damage { lost: &[Part::Catalog], old: &[THREE], down: &[ONE, TWO], ..ONE_ORDER },
            NO_FAULTS,
        ),
        0,
    ),
    replication(
        "L7",
        Bug::FillFromMember,
        damaged(
            Damage { left: Some(ReplicaId(3)), lost: &[Part::Catalog], old: &[THREE], ..ONE_ORDER },
            NO_FAULTS,
        ),
        0,
    ),
    replication("L7", Bug::FillBeforeFence, EMPTIED, 0),
    replication(
        "L7",
        Bug::NumberOverContradiction,
        damaged(Damage { orders: 2, old: &[Part::Catalog], astray: 2, ..Damage::NONE }, NO_FAULTS),
        0,
    ),
    coherence("L8", Bug::ReuseVersions),
    replication("L9", Bug::ListOnePage, Scope { max_listed: 1, ..TWO_TRADES }, 1),
    replication(
        "L6",
        Bug::OpenForAnyList,
        Scope { trades: 2, ..damaged(Damage { down: &[ONE, TWO], ..THREE_ALONE }, OLD) },
        1,
    ),
    coherence("C1", Bug::SkipInvalidation),
    coherence("C2", Bug::CacheLateFill),
    coherence("C2", Bug::ForgetFloor),
    coherence("C2", Bug::TwoCopies),
    coherence("C1", Bug::HalfShown),
    coherence("C3", Bug::SilenceIsDeath),
    coherence("C3", Bug::CacheOnWhileClosing),
    coherence("C3b", Bug::FillDuringPush),
];

/// Rules about single requests, no matter who sends them: no order of events makes a difference to those, so
/// `tests/strangers` and `tests/planted` have a story for each. And one that costs questions only, which
/// `tests/order/waiting_trades.rs` counts; and the flush, whose lack only a power cut shows (`power-fails`, in `prove`).
pub(crate) const ELSEWHERE: &[Bug] = &[
    Bug::LeaveOutFlush,
    Bug::EndWhenRemoved,
    Bug::SellNothingWhileReduced,
    Bug::WaitApart,
    Bug::OutlivePanics,
    Bug::ServeUnlisted,
    Bug::AnswerStrangers,
    Bug::BelieveAnybody,
    Bug::StoreUnconfirmedEpochs,
    Bug::AdmitAnybody,
    Bug::RecordUnknownStocks,
    Bug::TakeAnyNumber,
    Bug::TakeAnyLength,
    Bug::KeepAnyFloor,
    Bug::PlaceBeforeBody,
    Bug::KeepWhoIdles,
    Bug::KeepWhoNeverReads,
    Bug::NoReserve,
];

/// Where to look with all rules on, and with how many faults: all of it can be seen in CI...
pub(crate) const BRIEFLY: &[(&str, Place, u8)] = &[
    ("serving", Place::Replication(SERVING), 1),
    ("serving, two trades", Place::Replication(Scope { settle_one_in: 1, ..TWO_TRADES }), 0),
    ("rejoining", Place::Replication(Scope { attempts: 1, settle_one_in: 1, ..REJOINING }), 0),
    ("lagging far", Place::Replication(Scope { settle_one_in: 1, ..LAGGING_FAR }), 0),
    ("coherence", COHERENCE, 2),
    ("a carrier panics", Place::Replication(Scope { trades: 2, ..PANICS }), 1),
    ("new disks", Place::Replication(Scope { trades: 0, ..BEREFT }), 0),
    ("replica's file lost", quietly(Damage { lost: &[TWO], ..ONE_ORDER }), 0),
    ("replica's file old", quietly(Damage { old: &[TWO], ..ONE_ORDER }), 0),
    ("leader's file lost", quietly(Damage { lost: &[THREE], ..ONE_ORDER }), 0),
    ("leader's file old", quietly(Damage { old: &[THREE], ..ONE_ORDER }), 0),
    ("only member's file old", quietly(Damage { old: &[THREE], orders: 1, ..THREE_ALONE }), 0),
    ("catalog's file lost", quietly(Damage { lost: &[Part::Catalog], ..ONE_ORDER }), 0),
    ("catalog's file old", quietly(Damage { old: &[Part::Catalog], ..ONE_ORDER }), 0),
    ("front-end's file lost", quietly(Damage { lost: &[Part::FrontEnd], ..ONE_ORDER }), 0),
    ("front-end's file old", quietly(Damage { old: &[Part::FrontEnd], ..TWO_ALONE }), 0),
    ("one trade", Place::OneTrade, 2),
    ("keys", Place::Keys, 0),
    ("detection", Place::Detection, 2),
    ("gray failures", GRAY, 2),
    ("gray failures, after trouble", Place::GrayFailures(Before::Trouble), 1),
    ("flapping", FLAPPING, 2),
    ("flapping, after trouble", Place::Flapping(Before::Trouble), 1),
    ("lookups", Place::Lookups, 2),
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
    ("short lists", Place::Replication(Scope { max_listed: 1, ..TWO_TRADES }), 1),
    ("new disks", Place::Replication(BEREFT), 1),
    ("one file lost", Place::Replication(damaged(DOWN, LOST)), 1),
    ("one file old", Place::Replication(damaged(DOWN, OLD)), 1),
    ("one file lost while serving", Place::Replication(damaged(Damage::NONE, LOST)), 1),
    ("one file old while serving", Place::Replication(damaged(ONE_ORDER, OLD)), 1),
    ("catalog's file lost amid a flush", Place::Replication(EMPTIED), 0),
    ("one trade", Place::OneTrade, 4),
    ("keys", Place::Keys, 0),
    ("detection", Place::Detection, 4),
    ("gray failures", GRAY, 3),
    ("gray failures, after trouble", Place::GrayFailures(Before::Trouble), 2),
    ("flapping", FLAPPING, 4),
    ("flapping, after trouble", Place::Flapping(Before::Trouble), 3),
    ("lookups", Place::Lookups, 4),
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
