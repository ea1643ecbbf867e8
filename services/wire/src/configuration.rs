//! The configuration of the order service: who leads, since when, and who is in sync.

use serde::{Deserialize, Serialize};

use crate::ids::{BazaarId, ConfigVersion, Epoch, Identity, Incarnation, OrderNo, ReplicaId};

/// A member of the in-sync set: a replica, and the database that was complete when it was added.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    /// The replica.
    pub id: ReplicaId,
    /// Its database. Under another one it is no member (rule L1).
    pub identity: Identity,
}

/// A configuration in the sense of PacificA. The front-end owns it; it is on the front-end's
/// disk before anybody else learns of it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Configuration {
    /// Raised by every change.
    pub version: ConfigVersion,
    /// Raised by every leadership.
    pub epoch: Epoch,
    /// The leader of `epoch`.
    pub leader: ReplicaId,
    /// The process that was chosen: no other leads `epoch` (rules R4 and L5).
    pub leader_incarnation: Incarnation,
    /// The replicas that hold every committed order, ascending by id. Never empty.
    pub in_sync: Vec<Member>,
    /// Whose configuration this is (rule L1).
    pub bazaar: BazaarId,
    /// The highest number that was known to be committed when this was stored: a leader whose log,
    /// after its list, ends below it does not serve (rule L3).
    pub committed: OrderNo,
    /// Every replica answered at the election that began `epoch`, so that no log was overlooked: a
    /// catalog that lost something is filled only then (rule L7).
    pub by_everybody: bool,
    /// The new catalog file for which that was done: then the longest log of all leads, member or not
    /// (rule L7). No other new file is filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_catalog: Option<Identity>,
}

impl Configuration {
    /// Whether this very database holds every committed order.
    #[must_use]
    pub fn is_in_sync(&self, replica: ReplicaId, identity: &Identity) -> bool {
        self.identity_of(replica) == Some(identity)
    }

    /// Whether a database of `replica` is in the in-sync set.
    #[must_use]
    pub fn has_member(&self, replica: ReplicaId) -> bool {
        self.identity_of(replica).is_some()
    }

    /// The database of `replica` that is in the in-sync set.
    #[must_use]
    pub fn identity_of(&self, replica: ReplicaId) -> Option<&Identity> {
        self.in_sync.iter().find(|member| member.id == replica).map(|member| &member.identity)
    }

    /// The ids of the in-sync set, ascending.
    pub fn member_ids(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.in_sync.iter().map(|member| member.id)
    }

    /// By what configurations are compared (rule L5): an old copy of the front-end's file goes on
    /// from an old version, and yet in a new epoch.
    #[must_use]
    pub fn age(&self) -> (Epoch, ConfigVersion) {
        (self.epoch, self.version)
    }
}

/// What a leader wants done to the in-sync set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Membership {
    /// The member has everything that is committed, and the leader waits for it already.
    Add,
    /// The member failed. Raises the version even if it was not in the set, so that an
    /// [`Add`](Membership::Add) still on its way can no longer be applied.
    Remove,
}

/// `POST /configuration/members` at the front-end: a compare-and-set on `version`.
///
/// Answer: 200 with the new [`Configuration`], or 409 with the current one.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct MembershipRequest {
    /// The epoch that the sender leads.
    pub epoch: Epoch,
    /// The version that the sender's decision was based on.
    pub version: ConfigVersion,
    /// What to do.
    pub change: Membership,
    /// To whom. Never the leader itself.
    pub member: ReplicaId,
    /// Which database of it: the one that has caught up, or the one that is to go. A removal
    /// without one removes whatever database is in the set.
    pub identity: Option<Identity>,
}

/// What made the front-end change the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The first configuration of an empty bazaar.
    First,
    /// The front-end's file was lost; it has asked everybody, and begins again (rule L4).
    Adopted,
    /// The catalog's file is new or old, and every replica has answered (rule L7).
    ByEverybody,
    /// The front-end was restarted and began a new epoch.
    FrontEndRestart,
    /// The leader did not answer.
    Election,
    /// The leader answered, but as a process that was restarted since it was elected.
    LeaderRestart,
    /// The leader answered and could not work, and another replica proved that it can (rule G1).
    GrayFailure,
    /// The leader removed a member.
    Remove,
    /// The leader added a member.
    Add,
}

/// One change, as the front-end remembers it for anybody who measures an outage.
///
/// Times are microseconds of the machine's `CLOCK_MONOTONIC`, so a harness on the same machine
/// can put them beside its own. Empty where they do not apply.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationChange {
    /// The configuration after the change.
    pub configuration: Configuration,
    /// Why.
    pub cause: Cause,
    /// When the front-end first had reason to doubt the old leader.
    pub suspected_us: Option<u64>,
    /// When the change was on disk.
    pub stored_us: u64,
    /// When the new leader first said that it serves in this epoch.
    pub serving_us: Option<u64>,
}

/// `GET /history` at the front-end: the newest changes, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// At most the last 1024 changes.
    pub changes: Vec<ConfigurationChange>,
}

/// `POST /fence` at a replica: the front-end has no configuration, and wants to know what there is.
/// From its answer on, a [`PingReply`](crate::internal::PingReply), the replica takes no message of
/// an epoch below `epoch` (rule L4).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Fence {
    /// Above every epoch that anybody has accepted or heard of.
    pub epoch: Epoch,
    /// The bazaar that is asked. A database of another one refuses.
    pub bazaar: BazaarId,
}
