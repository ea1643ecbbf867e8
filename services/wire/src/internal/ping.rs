//! How a replica is, and why it does not serve.

use serde::{Deserialize, Serialize};

use super::replication::LogPoint;
use crate::ids::{BazaarId, Epoch, Identity, Incarnation, OrderNo, ReplicaId};

/// Why a replica leads and does not serve, in words that its operator can act on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Obstacle {
    /// After the list, its log ends below what is known to be committed (rule L3).
    ShortOfCommitted {
        /// The last number that is known to be committed.
        committed: OrderNo,
        /// Where the log ends.
        log_end: OrderNo,
    },
    /// The catalog holds less than the log, and not every replica answered at the election (rule
    /// L7).
    CatalogBehind {
        /// The last place that it holds.
        last_place: OrderNo,
        /// Where the log ends.
        log_end: OrderNo,
        /// Whether its file is new.
        is_new: bool,
    },
    /// Catalog and log hold different trades in one place, or one trade in two (rule L7).
    Contradiction {
        /// The place.
        place: OrderNo,
        /// What the log says.
        log: String,
        /// What the catalog says.
        catalog: String,
    },
    /// A follower refuses what it would have to change below its commit mark (rule L2).
    Refused {
        /// The follower.
        follower: ReplicaId,
        /// What it says.
        reason: String,
    },
    /// The catalog belongs to another bazaar (rule L1).
    OtherBazaar {
        /// What it says.
        reason: String,
    },
}

impl std::fmt::Display for Obstacle {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::ShortOfCommitted { committed, log_end } => write!(
                f,
                "orders up to #{committed} are known to be committed, but the leader's log and the \
                 catalog end at #{log_end}: start the replica that holds the others"
            ),
            Self::CatalogBehind { last_place, log_end, is_new } => {
                let file =
                    if *is_new { "the catalog's file is new" } else { "the catalog's file is old" };
                write!(
                    f,
                    "{file} (it ends at #{last_place}, the log at #{log_end}): it is filled once \
                     every replica answers; start them all, or leave one out with --without"
                )
            }
            Self::Contradiction { place, log, catalog } => write!(
                f,
                "#{place} is {log} in the log and {catalog} at the catalog: one of the two files \
                 is another bazaar's, or a copy that went on by itself"
            ),
            Self::Refused { follower, reason } => {
                write!(f, "replica {follower} refuses the leader's log: {reason}")
            }
            Self::OtherBazaar { reason } => write!(f, "the catalog is another bazaar's: {reason}"),
        }
    }
}

/// How a replica's writer does (rule G1).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WriterHealth {
    /// How old its oldest unfinished step is; 0 if nothing is unfinished.
    pub unfinished_us: u64,
    /// How long the last finished step took.
    pub last_took_us: u64,
}

/// A part of the bazaar.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// The front-end.
    FrontEnd,
    /// The catalog.
    Catalog,
    /// A replica of the order service.
    Replica(ReplicaId),
}

/// A part that a replica cannot reach (rule G1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Unreachable {
    /// Which.
    pub peer: Part,
    /// For how long.
    pub since_ms: u64,
}

/// `POST /prove` at a replica: it is to write something, now, and to answer, with a [`PingReply`], once that
/// is on its disk (rules G1 and G2). The caller decides how long that may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProofRequest {
    /// Whether it also has to reach catalog and front-end, as a leader must.
    pub reach: bool,
}

/// The answer to `GET /ping`. The first two fields are the form that existing clients know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PingReply {
    /// Who answers.
    #[serde(rename = "alive order server")]
    pub id: ReplicaId,
    /// On which port.
    pub port: u16,
    /// Random per process: tells a restarted replica from one that was only slow.
    pub incarnation: Incarnation,
    /// The database that it runs on (rule L1).
    pub identity: Identity,
    /// The bazaar that the database belongs to; none before it has heard of one.
    pub bazaar: Option<BazaarId>,
    /// The newest epoch accepted: from a leader, or as one.
    pub epoch: Epoch,
    /// The newest epoch accepted or heard of; older messages are refused (rule L5).
    pub heard: Epoch,
    /// Whether this process leads `epoch`.
    pub leading: bool,
    /// Whether it also has finished taking over, and answers trades.
    pub serving: bool,
    /// The last number in its log, committed or not.
    pub last_order_no: OrderNo,
    /// The last entry of its log, as it is on its disk.
    pub last: LogPoint,
    /// Up to where it knows its log to be committed.
    pub committed: OrderNo,
    /// Why it leads and does not serve.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub obstacle: Option<Obstacle>,
    /// How its writer does.
    #[serde(default)]
    pub health: WriterHealth,
    /// Whom it cannot reach.
    #[serde(default)]
    pub unreachable: Vec<Unreachable>,
}

impl PingReply {
    /// What a replica says that has been told nothing and holds nothing.
    #[must_use]
    pub fn of_new(id: ReplicaId, incarnation: Incarnation, identity: Identity) -> Self {
        Self {
            id,
            port: 0,
            incarnation,
            identity,
            bazaar: None,
            epoch: Epoch(0),
            heard: Epoch(0),
            leading: false,
            serving: false,
            last_order_no: OrderNo(0),
            last: LogPoint::default(),
            committed: OrderNo(0),
            obstacle: None,
            health: WriterHealth::default(),
            unreachable: Vec::new(),
        }
    }

    /// Whether it holds something, or has heard of somebody's leadership.
    #[must_use]
    pub fn has_past(&self) -> bool {
        self.bazaar.is_some() || self.last_order_no.0 > 0 || self.epoch.0.max(self.heard.0) > 0
    }
}
