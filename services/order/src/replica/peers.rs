//! What a leader sends to its peers, and what it makes of their answers.

use std::collections::BTreeSet;

use base::planted::Bug;
use wire::ids::{Epoch, Identity, OrderNo, ReplicaId};
use wire::internal::{Append, AppendReply, Obstacle};

use super::leadership::Peer;
use super::{Effect, Replica};

impl Replica {
    /// The messages to send now: to every peer that has none in flight and lacks something. On a
    /// `tick` also to those that failed, or lack nothing: that is how a leader finds out who is
    /// there, and how followers learn what is committed.
    pub fn outgoing(&mut self, tick: bool) -> Vec<(ReplicaId, Append)> {
        let (Some(leadership), Some(bazaar)) = (&mut self.leadership, &self.bazaar) else {
            return Vec::new();
        };
        let mut messages = Vec::new();
        for (id, peer) in &mut leadership.peers {
            if let Some(probation) = self.probation.get_mut(id).filter(|_| tick) {
                let is_member = self.configuration.as_ref().is_some_and(|now| now.has_member(*id));
                probation.tick(is_member, peer.in_flight, self.bugs);
            }
            let lacks = peer.matched.is_none_or(|matched| matched < self.log.last().order_no);
            let is_waiting = lacks && !peer.failed && !peer.refused;
            if peer.in_flight || !(tick || is_waiting) {
                continue;
            }
            peer.in_flight = true;
            let entries = self.log.after(peer.next, self.max_entries);
            messages.push((
                *id,
                Append {
                    epoch: leadership.epoch,
                    leader: self.id,
                    bazaar: bazaar.clone(),
                    takeover_end: leadership.takeover_end,
                    previous: self.log.point_at(peer.next).unwrap_or_default(),
                    entries: entries.to_vec(),
                    committed: self.committed,
                },
            ));
        }
        messages
    }

    /// A follower answered a message of `epoch`, or did not (`None`).
    pub fn peer_answered(
        &mut self,
        epoch: Epoch,
        id: ReplicaId,
        answer: Option<AppendReply>,
    ) -> Vec<Effect> {
        match answer {
            None => self.peer_failed(epoch, id),
            Some(AppendReply::Accepted { matched, identity }) => {
                self.peer_accepted(epoch, id, identity, matched)
            }
            Some(AppendReply::Mismatch { try_after, identity }) => {
                self.peer_mismatched(epoch, id, identity, try_after)
            }
            Some(AppendReply::Refused { reason, .. }) => self.peer_refused(epoch, id, reason),
            Some(AppendReply::Stale { accepted }) => self.saw_epoch(accepted),
        }
    }

    /// A database of a follower holds what the leader holds, up to `matched`.
    pub(super) fn peer_accepted(
        &mut self,
        epoch: Epoch,
        id: ReplicaId,
        identity: Identity,
        matched: OrderNo,
    ) -> Vec<Effect> {
        self.update_peer(epoch, id, |peer| {
            peer.answered_from(identity);
            peer.matched = peer.matched.max(Some(matched));
            peer.next = matched.max(peer.matched.unwrap_or_default());
        })
    }

    /// A follower lacks what the message built on.
    fn peer_mismatched(
        &mut self,
        epoch: Epoch,
        id: ReplicaId,
        identity: Identity,
        try_after: OrderNo,
    ) -> Vec<Effect> {
        self.update_peer(epoch, id, |peer| {
            peer.answered_from(identity);
            // What it acknowledged before is not there any more: an old copy of its file was put
            // back. *Otherwise: it counts as whole, and is caught up one message a tick.*
            peer.matched = None;
            peer.next = try_after.min(OrderNo(peer.next.0.saturating_sub(1)));
        })
    }

    /// A follower would have to change what it knows to be committed (rule L2). If it is a member, that
    /// is evidence against this leader's log: it stays one, and nothing is committed without it.
    fn peer_refused(&mut self, epoch: Epoch, id: ReplicaId, reason: String) -> Vec<Effect> {
        if self.bugs.has(Bug::RemoveWhoRefuses) {
            return self.peer_failed(epoch, id);
        }
        let is_member = self.configuration.as_ref().is_some_and(|known| known.has_member(id));
        let leadership = self.leadership.as_mut().filter(|leading| leading.epoch == epoch);
        if let Some(leadership) = leadership.filter(|_| is_member) {
            leadership.obstacle = Some(Obstacle::Refused { follower: id, reason });
        }
        self.update_peer(epoch, id, |peer| {
            (peer.failed, peer.refused) = (false, true);
        })
    }

    /// A follower did not answer.
    pub(super) fn peer_failed(&mut self, epoch: Epoch, id: ReplicaId) -> Vec<Effect> {
        self.update_peer(epoch, id, |peer| peer.failed = true)
    }

    /// Who drags, of all followers (rule G2): a member that does is removed while another keeps up, and one that
    /// does is not let in. *Otherwise: every trade waits for it, for ever.*
    pub fn drag(&mut self, dragging: &BTreeSet<ReplicaId>) -> Vec<Effect> {
        let Some(leadership) = &mut self.leadership else { return Vec::new() };
        if self.bugs.has(Bug::KeepWhoDrags) {
            return Vec::new();
        }
        let mut has_changed = false;
        for (id, peer) in &mut leadership.peers {
            let drags = dragging.contains(id);
            has_changed |= drags != peer.drags;
            peer.drags = drags;
            if let Some(probation) = self.probation.get_mut(id).filter(|_| drags) {
                probation.dragged(self.bugs);
            }
        }
        if has_changed { self.advance() } else { Vec::new() }
    }

    fn update_peer(
        &mut self,
        epoch: Epoch,
        id: ReplicaId,
        update: impl FnOnce(&mut Peer),
    ) -> Vec<Effect> {
        let leadership = self.leadership.as_mut().filter(|leading| leading.epoch == epoch);
        let Some(peer) = leadership.and_then(|leading| leading.peers.get_mut(&id)) else {
            return Vec::new();
        };
        peer.in_flight = false;
        update(peer);
        if let Some(probation) = self.probation.get_mut(&id) {
            probation.exchanged(!peer.failed, self.bugs);
        }
        self.advance()
    }

    /// A peer was asked to prove that its disk is well (rule G2).
    pub fn peer_proved(&mut self, epoch: Epoch, id: ReplicaId, is_proved: bool) -> Vec<Effect> {
        let leads = self.leadership.as_ref().is_some_and(|leading| leading.epoch == epoch);
        match self.probation.get_mut(&id) {
            Some(probation) if leads => probation.proved(is_proved),
            Some(probation) => probation.asked_in_vain(),
            None => return Vec::new(),
        }
        self.advance()
    }
}
