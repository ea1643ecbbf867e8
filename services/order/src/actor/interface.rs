//! What a replica's thread is told, and what it says about itself.

use std::sync::{Arc, RwLock};

use tokio::sync::{mpsc, oneshot, watch};
use wire::configuration::{Configuration, Fence};
use wire::ids::{Epoch, Incarnation, OrderNo, ReplicaId};
use wire::internal::{Append, AppendReply, AppliedTrade, Entry, FillReply, UnnumberedReply};

use crate::dump::{Page, PageRequest};
use crate::log::Contradiction;
use crate::replica::{NoNumber, Status, Unfenced};

/// What can happen to a replica.
#[derive(Debug)]
pub(crate) enum Input {
    /// Time has passed.
    Tick,
    /// The front-end announced a configuration.
    Heard(Configuration),
    /// A front-end without a configuration wants to know what there is (rule L4).
    Fence(Fence, oneshot::Sender<Result<(), Unfenced>>),
    /// A leader's message arrived.
    Append(Append, oneshot::Sender<Received>),
    /// A trade was applied in an epoch, by a process of the catalog, and needs its number.
    Number(Epoch, Incarnation, AppliedTrade, oneshot::Sender<Numbered>),
    /// A follower answered a message, or did not (`None`).
    PeerAnswered(Epoch, ReplicaId, Option<AppendReply>, u64),
    /// A follower proved that its disk is well, or did not.
    PeerProved(Epoch, ReplicaId, bool),
    /// Somebody was seen to have accepted this epoch.
    SawEpoch(Epoch),
    /// The front-end answered a request to change the in-sync set, or did not.
    MembershipAnswered(Epoch, Option<Configuration>),
    /// The catalog listed applied trades, or said why it cannot.
    Listed(Epoch, UnnumberedReply),
    /// The catalog was given what it lacked, or said why it does not take it.
    Filled(Epoch, FillReply),
    /// The task that carried a trade in an epoch has panicked.
    TradeLost(Epoch),
    /// A process of the catalog was met.
    SawCatalog(Epoch, Incarnation),
    /// Somebody wants to see a write of this replica's own (rule G1).
    Prove(oneshot::Sender<()>),
    /// Somebody wants to see a page of everything.
    Dump(PageRequest, oneshot::Sender<Page>),
    /// The process ends.
    Stop,
}

/// A trade's number, or why there is none here.
pub(crate) type Numbered = Result<OrderNo, NoNumber>;

/// Committed orders, in the order of their numbers, for anybody who looks one up.
pub(crate) type CommittedOrders = Arc<RwLock<Vec<Arc<Entry>>>>;

/// The way to a replica's thread.
#[derive(Clone, Debug)]
pub(crate) struct Handle {
    /// Its queue.
    pub(crate) inputs: mpsc::Sender<Input>,
    /// What it last said about itself.
    pub(crate) status: watch::Receiver<Status>,
    /// What may be shown.
    pub(crate) committed: CommittedOrders,
}

/// What came of a message.
pub(super) type Received = Result<AppendReply, Contradiction>;

/// An answer that may be given.
#[derive(Debug)]
pub(crate) enum MadeAnswer {
    /// To a leader's message.
    Append(oneshot::Sender<Received>, Received),
    /// To a trade that needed its number.
    Number(oneshot::Sender<Numbered>, Numbered),
    /// To a front-end that fences.
    Fence(oneshot::Sender<Result<(), Unfenced>>),
    /// To who asked for a page.
    Dump(oneshot::Sender<Page>, Page),
}

impl MadeAnswer {
    /// Gives it. The caller may have left; what was done stays.
    pub(crate) fn give(self) {
        match self {
            Self::Append(reply, result) => drop(reply.send(result)),
            Self::Number(reply, result) => drop(reply.send(result)),
            Self::Fence(reply) => drop(reply.send(Ok(()))),
            Self::Dump(reply, page) => drop(reply.send(page)),
        }
    }
}
