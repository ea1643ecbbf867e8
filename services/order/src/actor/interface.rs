//! What a replica's thread is told, and what it says about itself.

use std::sync::{Arc, RwLock};

use tokio::sync::{mpsc, oneshot, watch};
use wire::configuration::{Configuration, Fence};
use wire::ids::{BazaarId, Epoch, Identity, Incarnation, OrderNo, ReplicaId};
use wire::internal::{
    Append, AppendReply, AppliedTrade, Entry, FillReply, LogPoint, Obstacle, UnnumberedReply,
};

use crate::dump::{Page, PageRequest};
use crate::log::Contradiction;
use crate::replica::{NoNumber, Replica, Unfenced};

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

/// What everybody may know about a replica at any time, without asking its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Status {
    /// Its database.
    pub(crate) identity: Identity,
    /// The bazaar that it belongs to, if it has heard of one.
    pub(crate) bazaar: Option<BazaarId>,
    /// The newest epoch on its disk: accepted, or heard of.
    pub(crate) epoch: Epoch,
    /// Whether this process leads that epoch.
    pub(crate) leading: bool,
    /// Whether it answers trades in it.
    pub(crate) serving: bool,
    /// The last number in its log.
    pub(crate) last_order_no: OrderNo,
    /// The last entry that is on its disk.
    pub(crate) last: LogPoint,
    /// Up to where it knows its log to be committed.
    pub(crate) committed: OrderNo,
    /// Why it leads and does not serve.
    pub(crate) obstacle: Option<Obstacle>,
    /// The process of the catalog that it has listed as a leader.
    pub(crate) catalog: Option<Incarnation>,
    /// The newest configuration it heard of.
    pub(crate) configuration: Option<Configuration>,
}

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

pub(super) fn status_of(replica: &Replica) -> Status {
    Status {
        identity: replica.identity().clone(),
        bazaar: replica.bazaar().cloned(),
        epoch: replica.accepted(),
        leading: replica.is_leading(),
        serving: replica.is_serving(),
        last_order_no: replica.log().last().order_no,
        last: replica.last_on_disk(),
        committed: replica.committed(),
        obstacle: replica.obstacle().cloned(),
        catalog: replica.listed_catalog().cloned(),
        configuration: replica.configuration().cloned(),
    }
}
