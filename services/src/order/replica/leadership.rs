//! What only the leader of an epoch keeps: how far each peer is, who waits, and whom a commit must
//! wait for.
//!
//! Pure, like the [replica](super) that it is a part of. It knows neither the log's content nor who
//! may lead; invariant I2 is kept here: a number counts as common only once everybody has it who is,
//! or by a request of this leader may have become, a member.

use std::collections::BTreeMap;

use wire::configuration::{Configuration, Membership, MembershipRequest};
use wire::ids::{ConfigVersion, Epoch, OrderNo, ReplicaId};

use super::{Effect, Ticket};
use crate::planted::{Bug, Bugs};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leadership {
    pub(super) epoch: Epoch,
    pub(super) takeover_end: OrderNo,
    pub(super) phase: Phase,
    pub(super) flushed: OrderNo,
    pub(super) peers: BTreeMap<ReplicaId, Peer>,
    pub(super) waiting: BTreeMap<OrderNo, Vec<Ticket>>,
    pub(super) membership_asked: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// Members are being made identical; what is committed is not yet known.
    Reconciling,
    /// The catalog has been asked for applied trades without a number.
    Listing,
    /// Trades are answered.
    Serving,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    /// Up to where it is known, in this epoch, to hold what the leader holds.
    pub(super) matched: Option<OrderNo>,
    /// After which number to send next.
    pub(super) next: OrderNo,
    /// One message at a time.
    pub(super) in_flight: bool,
    /// The last message got no answer.
    pub(super) failed: bool,
    /// The version that the newest request to add it was based on.
    pub(super) add_asked: Option<ConfigVersion>,
}

impl Leadership {
    /// R2: members, and whoever may have become one by a request of ours.
    fn awaits(id: ReplicaId, peer: &Peer, configuration: &Configuration, bugs: Bugs) -> bool {
        if peer.failed && bugs.has(Bug::ShrinkWithoutFrontEnd) {
            return false;
        }
        let may_have_been_added =
            peer.add_asked.is_some_and(|based_on| based_on >= configuration.version);
        configuration.is_in_sync(id) || (may_have_been_added && !bugs.has(Bug::AddWithoutWaiting))
    }

    /// Up to where everybody awaited holds the leader's log; `None` while somebody has not even
    /// accepted its epoch, and could still take entries from an older leader.
    pub(super) fn held_by_all_awaited(
        &self,
        configuration: &Configuration,
        written: OrderNo,
        bugs: Bugs,
    ) -> Option<OrderNo> {
        if self.phase == Phase::Serving && bugs.has(Bug::AcknowledgeBeforeReplicating) {
            return Some(written);
        }
        let awaited =
            self.peers.iter().filter(|(id, peer)| Self::awaits(**id, peer, configuration, bugs));
        awaited.map(|(_, peer)| peer.matched).chain([Some(written)]).min().flatten()
    }

    pub(super) fn answer_through(&mut self, committed: OrderNo, bugs: Bugs) -> Vec<Effect> {
        let still_waiting = self.waiting.split_off(&committed.next());
        let answered = std::mem::replace(&mut self.waiting, still_waiting);
        let uncounted = match bugs.has(Bug::CountFromTakeover) {
            true => self.takeover_end.0,
            false => 0,
        };
        let answers = answered.into_iter().flat_map(|(order_no, tickets)| {
            let told = OrderNo(order_no.0.saturating_sub(uncounted));
            tickets.into_iter().map(move |ticket| Effect::Answer(ticket, Ok(told)))
        });
        answers.collect()
    }

    /// Removing comes first: it is what a commit may be waiting for.
    pub(super) fn wanted_change(
        &mut self,
        configuration: &Configuration,
        committed: OrderNo,
        bugs: Bugs,
    ) -> Option<MembershipRequest> {
        let request = |change, member| MembershipRequest {
            epoch: self.epoch,
            version: configuration.version,
            change,
            member,
        };
        let failed = self
            .peers
            .iter()
            .find(|(id, peer)| peer.failed && Self::awaits(**id, peer, configuration, bugs));
        if let Some((id, _)) = failed.filter(|_| !bugs.has(Bug::NeverRemove)) {
            return Some(request(Membership::Remove, *id));
        }
        // Before the takeover's end is common, `committed` may lag behind what predecessors
        // committed, and would let a replica in that lacks some of it.
        if self.phase == Phase::Reconciling && !bugs.has(Bug::AddWhileReconciling) {
            return None;
        }
        if bugs.has(Bug::NeverRejoin) {
            return None;
        }
        let (id, peer) = self.peers.iter_mut().find(|(id, peer)| {
            !peer.failed
                && !configuration.is_in_sync(**id)
                && peer.matched.is_some_and(|matched| matched >= committed)
        })?;
        peer.add_asked = Some(configuration.version);
        Some(request(Membership::Add, *id))
    }
}
