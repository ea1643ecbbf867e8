//! The configuration of the order service: who leads, since when, and who is in sync.

use serde::{Deserialize, Serialize};

use crate::ids::{ConfigVersion, Epoch, ReplicaId};

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
    /// The replicas that hold every committed order, ascending. Never empty.
    pub in_sync: Vec<ReplicaId>,
}

impl Configuration {
    /// Whether `replica` holds every committed order.
    #[must_use]
    pub fn is_in_sync(&self, replica: ReplicaId) -> bool {
        self.in_sync.contains(&replica)
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
}

/// What made the front-end change the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Cause {
    /// The first configuration of an empty bazaar.
    First,
    /// The front-end was restarted and began a new epoch.
    FrontEndRestart,
    /// The leader did not answer.
    Election,
    /// The leader answered, but as a process that was restarted since it was elected.
    LeaderRestart,
    /// The leader removed a member.
    Remove,
    /// The leader added a member.
    Add,
}

/// One change, as the front-end remembers it for whoever measures an outage.
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
