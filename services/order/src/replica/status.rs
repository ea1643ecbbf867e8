//! What everybody may know about a replica.

use wire::configuration::Configuration;
use wire::ids::{BazaarId, Epoch, Identity, Incarnation, OrderNo, ReplicaId};
use wire::internal::{LogPoint, Obstacle, PingReply};

use super::Replica;

/// What everybody may know about a replica at any time, without asking its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// Its database.
    pub identity: Identity,
    /// The bazaar that it belongs to, if it has heard of one.
    pub bazaar: Option<BazaarId>,
    /// The newest epoch on its disk: accepted, or heard of.
    pub epoch: Epoch,
    /// Whether this process leads that epoch.
    pub leading: bool,
    /// Whether it answers trades in it.
    pub serving: bool,
    /// The last number in its log.
    pub last_order_no: OrderNo,
    /// The last entry that is on its disk.
    pub last: LogPoint,
    /// Up to where it knows its log to be committed.
    pub committed: OrderNo,
    /// Why it leads and does not serve.
    pub obstacle: Option<Obstacle>,
    /// The process of the catalog that it has listed as a leader.
    pub catalog: Option<Incarnation>,
    /// The newest configuration it heard of.
    pub configuration: Option<Configuration>,
}

impl Replica {
    /// What everybody may know about it now.
    #[must_use]
    pub fn status(&self) -> Status {
        Status {
            identity: self.identity().clone(),
            bazaar: self.bazaar().cloned(),
            epoch: self.accepted(),
            leading: self.is_leading(),
            serving: self.is_serving(),
            last_order_no: self.log().last().order_no,
            last: self.last_on_disk(),
            committed: self.committed(),
            obstacle: self.obstacle().cloned(),
            catalog: self.listed_catalog().cloned(),
            configuration: self.configuration().cloned(),
        }
    }
}

impl Status {
    /// What the process `incarnation` of replica `id` answers to a ping. Port, the writer's health and who is
    /// out of reach are the shell's to add.
    #[must_use]
    pub fn ping_reply(&self, id: ReplicaId, incarnation: Incarnation) -> PingReply {
        PingReply {
            bazaar: self.bazaar.clone(),
            epoch: self.epoch,
            heard: self.epoch,
            leading: self.leading,
            serving: self.serving,
            last_order_no: self.last_order_no,
            last: self.last,
            committed: self.committed,
            obstacle: self.obstacle.clone(),
            ..PingReply::of_new(id, incarnation, self.identity.clone())
        }
    }
}
