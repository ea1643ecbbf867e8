//! What only the leader of an epoch keeps: how far each peer is, who waits, what the catalog was asked,
//! and whom a commit must wait for.
//!
//! Pure, like the [replica](super) that it is a part of. It knows neither the log's content nor who
//! may lead; invariant I2 is kept here: a number counts as common only once everybody has it who is,
//! or by a request of this leader may have become, a member. A member is a replica together with its
//! database (rule L1): what another database of the same replica acknowledges counts for nothing.

use std::collections::BTreeMap;

use base::planted::{Bug, Bugs};
use wire::configuration::{Configuration, Membership, MembershipRequest};
use wire::ids::{ConfigVersion, Epoch, Identity, Incarnation, OrderNo, ReplicaId};
use wire::internal::{AppliedTrade, Obstacle};

use super::probation::{Probation, Return};
use super::{Effect, Ticket};

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Leadership {
    pub(super) epoch: Epoch,
    pub(super) takeover_end: OrderNo,
    pub(super) phase: Phase,
    pub(super) flushed: OrderNo,
    pub(super) peers: BTreeMap<ReplicaId, Peer>,
    pub(super) waiting: BTreeMap<OrderNo, Vec<Ticket>>,
    pub(super) membership_asked: bool,
    pub(super) catalog: Catalog,
    pub(super) obstacle: Option<Obstacle>,
}

/// Rule L7: the list comes first. *Otherwise: an old copy leads, the others drop their tail, and only
/// then the list would have shown what they held.*
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Phase {
    /// The catalog is asked for applied trades without a number, and filled if it holds less.
    Listing,
    /// Members are being made identical; what is committed is not yet known.
    Reconciling,
    /// Trades are answered.
    Serving,
}

/// What the leader knows of the catalog.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Catalog {
    /// The process that this leader has listed whole: only its answers are numbered (rule L6).
    pub(super) listed: Option<Incarnation>,
    /// The process that answered last, whatever it said.
    pub(super) answered: Option<Incarnation>,
    /// A question is under way.
    pub(super) asked: bool,
    /// Answers whose places leave a gap to the log's end, and who waits for them (rule N1).
    pub(super) early: BTreeMap<OrderNo, (AppliedTrade, Vec<Ticket>)>,
    /// Where the log ended at the last tick, if there was a gap then.
    pub(super) gap_since: Option<OrderNo>,
    /// There may be an applied trade that nobody asks for any more (rule E2).
    pub(super) has_lost: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Peer {
    /// The database that its last answer came from.
    pub(super) identity: Option<Identity>,
    /// Up to where that is known, in this epoch, to hold what the leader holds.
    pub(super) matched: Option<OrderNo>,
    /// After which number to send next.
    pub(super) next: OrderNo,
    /// One message at a time.
    pub(super) in_flight: bool,
    /// The last message got no answer.
    pub(super) failed: bool,
    /// It answers, and always far later than another (rule G2).
    pub(super) drags: bool,
    /// It would have to change what it knows to be committed (rule L2).
    pub(super) refused: bool,
    /// The version that the newest request to add it was based on, and the database that it named.
    pub(super) add_asked: Option<(ConfigVersion, Identity)>,
}

impl Peer {
    pub(super) fn new(next: OrderNo, failed: bool) -> Self {
        Self {
            identity: None,
            matched: None,
            next,
            in_flight: false,
            failed,
            drags: false,
            refused: false,
            add_asked: None,
        }
    }

    /// An answer came from this database. Another one than before is another replica's.
    pub(super) fn answered_from(&mut self, identity: Identity) {
        if self.identity.as_ref().is_some_and(|before| *before != identity) {
            self.matched = None;
        }
        (self.failed, self.refused) = (false, false);
        self.identity = Some(identity);
    }
}

impl Peer {
    /// Whether it answers, and has everything that is committed.
    fn has_caught_up(&self, committed: OrderNo) -> bool {
        !self.failed && self.matched.is_some_and(|matched| matched >= committed)
    }
}

impl Leadership {
    /// Who has caught up and was slow: a write tells whether it still is (rule G2).
    pub(super) fn who_must_prove(
        &self,
        configuration: &Configuration,
        committed: OrderNo,
        probation: &BTreeMap<ReplicaId, Probation>,
    ) -> Vec<ReplicaId> {
        let waits = |(id, peer): (&ReplicaId, &Peer)| {
            let known = probation.get(id)?.may_return(Bugs::default());
            let is_outside = !configuration.has_member(*id) && peer.has_caught_up(committed);
            (is_outside && known == Return::WithProof).then_some(*id)
        };
        self.peers.iter().filter_map(waits).collect()
    }

    /// R2: members, and anybody who may have become one by a request of ours: the database that has to
    /// acknowledge, if somebody has.
    fn awaited<'a>(
        id: ReplicaId,
        peer: &'a Peer,
        configuration: &'a Configuration,
        bugs: Bugs,
    ) -> Option<&'a Identity> {
        if peer.failed && bugs.has(Bug::ShrinkWithoutFrontEnd) {
            return None;
        }
        let asked = peer.add_asked.as_ref().filter(|(based_on, _)| {
            *based_on >= configuration.version && !bugs.has(Bug::AddWithoutWaiting)
        });
        configuration.identity_of(id).or(asked.map(|(_, identity)| identity))
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
        let awaited = self.peers.iter().filter_map(|(id, peer)| {
            let wanted = Self::awaited(*id, peer, configuration, bugs)?;
            let counts = peer.identity.as_ref() == Some(wanted) || bugs.has(Bug::CountAnyDatabase);
            Some(peer.matched.filter(|_| counts))
        });
        awaited.chain([Some(written)]).min().flatten()
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

    /// Whether there is a member besides the leader and `id` that keeps up: one copy that is late is better than none.
    fn is_kept_up_with_by_another(&self, id: ReplicaId, configuration: &Configuration) -> bool {
        self.peers.iter().any(|(other, peer)| {
            *other != id && configuration.has_member(*other) && !peer.failed && !peer.drags
        })
    }

    /// Everybody who waits for a number, be it in the log or not.
    pub(super) fn into_tickets(self) -> impl Iterator<Item = Ticket> {
        let early = self.catalog.early.into_values().flat_map(|(_, tickets)| tickets);
        self.waiting.into_values().flatten().chain(early)
    }

    /// Removing comes first: it is what a commit may be waiting for.
    pub(super) fn wanted_change(
        &mut self,
        configuration: &Configuration,
        committed: OrderNo,
        probation: &BTreeMap<ReplicaId, Probation>,
        bugs: Bugs,
    ) -> Option<MembershipRequest> {
        // A leader that turns out to lack something must not have removed who holds it.
        if self.phase == Phase::Listing {
            return None;
        }
        let (epoch, version) = (self.epoch, configuration.version);
        let request = |change, member, identity| MembershipRequest {
            epoch,
            version,
            change,
            member,
            identity,
        };
        let is_another = |peer: &Peer, wanted: &Identity| {
            peer.identity.as_ref().is_some_and(|identity| identity != wanted)
                && !bugs.has(Bug::CountAnyDatabase)
                && !bugs.has(Bug::KeepAnotherDatabase)
        };
        let gone = self.peers.iter().find(|(id, peer)| {
            let wanted = Self::awaited(**id, peer, configuration, bugs);
            wanted.is_some_and(|wanted| {
                peer.failed
                    || is_another(peer, wanted)
                    || (peer.drags && self.is_kept_up_with_by_another(**id, configuration))
            })
        });
        if let Some((id, _)) = gone.filter(|_| !bugs.has(Bug::NeverRemove)) {
            return Some(request(Membership::Remove, *id, configuration.identity_of(*id).cloned()));
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
            let may_return = probation.get(id).map_or(Return::Now, |known| known.may_return(bugs));
            peer.has_caught_up(committed)
                && !configuration.has_member(**id)
                && may_return == Return::Now
        })?;
        let identity = peer.identity.clone()?;
        peer.add_asked = Some((configuration.version, identity.clone()));
        Some(request(Membership::Add, *id, Some(identity)))
    }
}
