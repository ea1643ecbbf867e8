//! One replica of the order service as a state machine: follower, or leader of an epoch.
//!
//! Pure. Inputs come in as method calls, what is to be done comes out as [`Effect`]s and
//! [`Append`]s; disks, sockets and clocks belong to the shell (`actor.rs`). The shell's part of
//! the bargain: a [`Effect::Store`] is on disk before anything else goes out, a plan before
//! [`Replica::accept`], numbered entries before [`Replica::flushed`]; and with each of these the
//! [mark](Replica::committed) up to which the log is known to be committed (rule L2).
//!
//! Invariants (ARCHITECTURE.md I1 to I5): in an epoch only the process that was chosen numbers; a
//! number is the trade's place at the catalog (rule N1), and is answered only once every replica that
//! the leader must wait for has it; the leader must wait for every member of the newest configuration,
//! and for whomever it has asked to add until a newer configuration shows that nothing came of it.
//!
//! * `numbering`: from applied trades to numbers, and what the catalog is asked for that.
//! * `leadership`: what a leader keeps.

mod leadership;
mod numbering;
pub mod probation;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use base::planted::{Bug, Bugs};
use wire::configuration::{Configuration, Fence, MembershipRequest};
use wire::ids::{BazaarId, Epoch, Identity, Incarnation, OrderNo, ReplicaId};
use wire::internal::{
    Append, Entry, FillRequest, LogPoint, MAX_ENTRIES_PER_APPEND, Obstacle, UnnumberedRequest,
};

use super::log::{Contradiction, OrderLog, Plan};
use leadership::{Catalog, Leadership, Peer, Phase};
use probation::Probation;

/// Names a waiting caller; the shell knows who it is.
pub type Ticket = u64;

/// Why a trade gets no number here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoNumber {
    /// The replica no longer leads the epoch that the trade belongs to; its successor numbers it.
    #[error("this replica was replaced as the leader")]
    Replaced,
    /// The answer came from a life of the catalog that this leader has not listed: the catalog must
    /// be asked again (rule L6).
    #[error("the catalog was restarted; it must be asked again")]
    AskAgain,
    /// Log and catalog contradict each other, so nothing is numbered any more (rule L7).
    #[error("the catalog and the order log contradict each other; nothing is numbered")]
    Stopped,
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Put this on disk before anything else goes out.
    Store {
        /// The newest epoch accepted or heard of.
        epoch: Epoch,
        /// The bazaar, if this replica has just heard of one for the first time.
        bazaar: Option<BazaarId>,
    },
    /// Call [`Replica::lead`].
    Lead(Epoch),
    /// Answer a caller of [`Replica::number`].
    Answer(Ticket, Result<OrderNo, NoNumber>),
    /// Ask the front-end, then call [`Replica::membership_answered`].
    ChangeMembership(MembershipRequest),
    /// Have this peer prove that its disk is well, then call [`Replica::peer_proved`].
    AskForProof(Epoch, ReplicaId),
    /// Ask the catalog what was applied, until it answers, then call [`Replica::listed`].
    List(UnnumberedRequest),
    /// Give the catalog what it lacks, until it answers, then call [`Replica::filled`].
    Fill(FillRequest),
}

/// What a follower says to a leader's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reception {
    /// A newer epoch was accepted or heard of here.
    Stale(Epoch),
    /// It would change what is known to be committed. Nothing was accepted (rule L2).
    Refused(Contradiction),
    /// Put the epoch (if it is new) and the plan on disk, then call [`Replica::accept`].
    Plan(Plan),
}

/// What a replica finds on its disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// The database.
    pub identity: Identity,
    /// The bazaar that it belongs to, if it has heard of one.
    pub bazaar: Option<BazaarId>,
    /// The newest epoch accepted or heard of.
    pub accepted: Epoch,
    /// Up to where the log is known to be committed.
    pub committed: OrderNo,
    /// The log.
    pub log: OrderLog,
}

impl Found {
    /// A database that was just made.
    #[must_use]
    pub fn nothing(identity: Identity) -> Self {
        let (accepted, committed) = (Epoch(0), OrderNo(0));
        Self { identity, bazaar: None, accepted, committed, log: OrderLog::default() }
    }
}

/// One replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    id: ReplicaId,
    identity: Identity,
    incarnation: Incarnation,
    bazaar: Option<BazaarId>,
    others: Vec<ReplicaId>,
    accepted: Epoch,
    log: OrderLog,
    committed: OrderNo,
    configuration: Option<Configuration>,
    /// Who led before the newest configuration, if that was somebody else.
    predecessor: Option<ReplicaId>,
    leadership: Option<Leadership>,
    /// Which peers may come back, whoever leads (rule G2).
    probation: BTreeMap<ReplicaId, Probation>,
    max_entries: usize,
    bugs: Bugs,
}

impl Replica {
    /// A process of replica `id`, among `others`, with what it has found on its disk.
    #[must_use]
    pub fn new(
        id: ReplicaId,
        incarnation: Incarnation,
        others: Vec<ReplicaId>,
        found: Found,
    ) -> Self {
        let others: Vec<_> = others.into_iter().filter(|other| *other != id).collect();
        let Found { identity, bazaar, accepted, committed, log } = found;
        Self {
            id,
            probation: others.iter().map(|other| (*other, Probation::default())).collect(),
            identity,
            incarnation,
            bazaar,
            others,
            accepted,
            log,
            committed,
            configuration: None,
            predecessor: None,
            leadership: None,
            max_entries: MAX_ENTRIES_PER_APPEND,
            bugs: Bugs::default(),
        }
    }

    /// The same replica with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        let is_forgotten = bugs.has(Bug::ForgetMark);
        let committed = if is_forgotten { OrderNo(0) } else { self.committed };
        Self { committed, bugs, ..self }
    }

    /// The same replica, with at most `max_entries` in a message: few make a long catch-up of a
    /// short log.
    #[must_use]
    pub fn with_max_entries(self, max_entries: usize) -> Self {
        Self { max_entries, ..self }
    }

    /// The same replica, which as a leader adds whoever has caught up, however often it was removed.
    #[must_use]
    pub fn without_probation(self) -> Self {
        Self { probation: BTreeMap::new(), ..self }
    }

    /// The database that it runs on.
    #[must_use]
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The bazaar that it belongs to, if it has heard of one.
    #[must_use]
    pub fn bazaar(&self) -> Option<&BazaarId> {
        self.bazaar.as_ref()
    }

    /// The newest epoch on disk: accepted, or heard of in a configuration (rule L5).
    #[must_use]
    pub fn accepted(&self) -> Epoch {
        self.accepted
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &OrderLog {
        &self.log
    }

    /// The last entry that is on this replica's disk.
    #[must_use]
    pub fn last_on_disk(&self) -> LogPoint {
        let flushed = self.leadership.as_ref().map(|leadership| leadership.flushed);
        flushed.and_then(|flushed| self.log.point_at(flushed)).unwrap_or_else(|| self.log.last())
    }

    /// Up to where the log is known to be committed.
    #[must_use]
    pub fn committed(&self) -> OrderNo {
        self.committed
    }

    /// The newest configuration heard of.
    #[must_use]
    pub fn configuration(&self) -> Option<&Configuration> {
        self.configuration.as_ref()
    }

    /// Whether this process leads the accepted epoch.
    #[must_use]
    pub fn is_leading(&self) -> bool {
        self.leadership.is_some()
    }

    /// Whether it has also finished taking over.
    #[must_use]
    pub fn is_serving(&self) -> bool {
        self.leadership.as_ref().is_some_and(|leadership| leadership.phase == Phase::Serving)
    }

    /// Why it leads and does not serve, or numbers nothing.
    #[must_use]
    pub fn obstacle(&self) -> Option<&Obstacle> {
        self.leadership.as_ref()?.obstacle.as_ref()
    }

    /// The process of the catalog that this leader has listed: trades are meant for it (rule L6).
    #[must_use]
    pub fn listed_catalog(&self) -> Option<&Incarnation> {
        self.leadership.as_ref()?.catalog.listed.as_ref()
    }

    /// A configuration was announced. Only a newer one than the newest known matters (rule L5:
    /// by epoch first, since a front-end with an old file goes on from an old version).
    pub fn hear(&mut self, heard: Configuration) -> Vec<Effect> {
        let is_known = |known: &Configuration| match self.bugs.has(Bug::CompareVersions) {
            true => known.version >= heard.version,
            false => known.age() >= heard.age(),
        };
        let is_foreign = self.is_of_another(&heard.bazaar);
        if self.configuration.as_ref().is_some_and(is_known) || is_foreign {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.leadership.as_ref().is_some_and(|leadership| leadership.epoch < heard.epoch) {
            effects = self.step_down();
        }
        let leads = self.is_chosen_by(&heard);
        let goes_on = heard.epoch <= self.accepted && self.bugs.has(Bug::LeadOldEpoch);
        let epoch = heard.epoch;
        effects.extend(self.store_heard(epoch, &heard.bazaar));
        self.note_removals(&heard);
        let before = self.configuration.replace(heard).map(|before| before.leader);
        self.predecessor = before.filter(|leader| *leader != self.id);
        if leads && goes_on {
            self.begin(epoch);
            self.begin_to_reconcile();
        } else if leads {
            effects.push(Effect::Lead(epoch));
        }
        effects.extend(self.advance());
        effects
    }

    /// Rule L1: whether this replica's file belongs to another bazaar. *Otherwise: front-end.db is lost and
    /// another bazaar's order-3.db is in the folder; it is the longest log, and leads.*
    fn is_of_another(&self, bazaar: &BazaarId) -> bool {
        let is_another = self.bazaar.as_ref().is_some_and(|own| own != bazaar);
        is_another && !self.bugs.has(Bug::TakeAnyBazaar)
    }

    /// Whether this replica is a member as far as it knows, and is none any more by what it hears.
    #[must_use]
    pub fn is_removed_by(&self, heard: &Configuration) -> bool {
        let was_member = self.configuration.as_ref().is_some_and(|known| known.has_member(self.id));
        was_member && !heard.has_member(self.id)
    }

    /// Whoever asked for a removal, it counts (rule G2).
    fn note_removals(&mut self, heard: &Configuration) {
        let Some(known) = &self.configuration else { return };
        for (id, probation) in &mut self.probation {
            if known.has_member(*id) && !heard.has_member(*id) {
                probation.removed();
            }
        }
    }

    /// Rules R4 and L5: a leadership was given to a process. One that was started since does not know
    /// what its predecessor had sent and not flushed, and may run on another copy of the file.
    fn is_chosen_by(&self, heard: &Configuration) -> bool {
        let is_over = heard.epoch < self.accepted;
        let is_own = heard.leader_incarnation == self.incarnation
            || (self.bugs.has(Bug::LeadAnyIncarnation) && heard.epoch > self.accepted)
            || self.bugs.has(Bug::LeadOldEpoch);
        heard.leader == self.id && is_own && !is_over && !self.is_leading()
    }

    /// Rule L5: whoever has heard of an epoch takes nothing from older ones.
    fn store_heard(&mut self, epoch: Epoch, bazaar: &BazaarId) -> Option<Effect> {
        let is_told = self.bazaar.is_none();
        let newer = epoch > self.accepted && !self.bugs.has(Bug::ObeyBelowHeard);
        if newer {
            self.accepted = epoch;
        }
        if is_told {
            self.bazaar = Some(bazaar.clone());
        }
        let is_stored = (newer && !self.bugs.has(Bug::ForgetEpoch)) || is_told;
        is_stored.then(|| Effect::Store {
            epoch: self.accepted,
            bazaar: is_told.then(|| bazaar.clone()),
        })
    }

    /// Rule L4: a front-end without a configuration wants to know what there is. From now on no
    /// message of an older epoch is taken, so what it is told stays true.
    ///
    /// # Errors
    /// If this replica belongs to another bazaar, or to none: then it cannot vouch for anything.
    pub fn fence(&mut self, fence: &Fence) -> Result<Vec<Effect>, Unfenced> {
        match &self.bazaar {
            None => return Err(Unfenced::NoBazaar),
            Some(own) if self.is_of_another(&fence.bazaar) => {
                return Err(Unfenced::OtherBazaar(own.clone()));
            }
            Some(_) => {}
        }
        let mut effects = self.saw_epoch(fence.epoch);
        effects.extend(self.store_heard(fence.epoch, &fence.bazaar));
        Ok(effects)
    }

    /// Begins to lead `epoch`, which is on disk.
    pub fn lead(&mut self, epoch: Epoch) -> Vec<Effect> {
        self.accepted = self.accepted.max(epoch);
        self.begin(epoch);
        if self.bugs.has(Bug::ReconcileFirst) {
            self.begin_to_reconcile();
            return self.advance();
        }
        self.list()
    }

    fn begin(&mut self, epoch: Epoch) {
        let end = self.log.last().order_no;
        self.leadership = Some(Leadership {
            epoch,
            takeover_end: end,
            phase: Phase::Listing,
            flushed: end,
            peers: BTreeMap::new(),
            waiting: BTreeMap::new(),
            membership_asked: false,
            catalog: Catalog::default(),
            obstacle: None,
        });
    }

    /// The log has everything that the catalog has: now the others are made equal.
    ///
    /// The predecessor lost its leadership because it did not answer, so it counts as failed until
    /// it does: a takeover from a leader that hangs does not wait for it a second time.
    fn begin_to_reconcile(&mut self) {
        let Some(leadership) = &mut self.leadership else { return };
        let takeover_end = match self.bugs.has(Bug::EndBeforeList) {
            true => leadership.takeover_end,
            false => self.log.last().order_no,
        };
        let peer = |id| Peer::new(takeover_end, self.predecessor == Some(id));
        leadership.takeover_end = takeover_end;
        leadership.phase = match self.bugs.has(Bug::ServeUnreconciled) {
            true => Phase::Serving,
            false => Phase::Reconciling,
        };
        leadership.peers = self.others.iter().map(|other| (*other, peer(*other))).collect();
    }

    /// Ends a leadership: whoever waits is told to ask the successor.
    ///
    /// What it has numbered and not written down goes, as in a crash. *Otherwise: R1 is numbered
    /// and, in the same batch, the front-end's restart makes this replica begin another epoch; it
    /// takes its whole log for flushed, commits #1, and does not have it after a crash.*
    pub fn step_down(&mut self) -> Vec<Effect> {
        let Some(leadership) = self.leadership.take() else { return Vec::new() };
        self.log.apply(leadership.flushed, Vec::new());
        let tickets = leadership.into_tickets();
        tickets.map(|ticket| Effect::Answer(ticket, Err(NoNumber::Replaced))).collect()
    }

    /// Somebody has accepted `epoch`; an older leadership is over.
    pub fn saw_epoch(&mut self, epoch: Epoch) -> Vec<Effect> {
        match &self.leadership {
            Some(leadership) if leadership.epoch < epoch => self.step_down(),
            _ => Vec::new(),
        }
    }

    /// A leader's message arrived at a follower.
    ///
    /// # Errors
    /// If no correct leader could have sent it.
    pub fn receive(&self, message: &Append) -> Result<Reception, Contradiction> {
        if let Some(own) = self.bazaar.as_ref().filter(|_| self.is_of_another(&message.bazaar)) {
            return Err(Contradiction::OtherBazaar(message.bazaar.clone(), own.clone()));
        }
        let led_here = self.leadership.as_ref().map(|leadership| leadership.epoch);
        let is_over = message.epoch < self.accepted && !self.bugs.has(Bug::NoEpochCheckAtFollower);
        if is_over || led_here == Some(message.epoch) {
            return Ok(Reception::Stale(self.accepted));
        }
        match self.log.plan(message, self.committed, self.bugs) {
            Ok(plan) => Ok(Reception::Plan(plan)),
            Err(refusal) if refusal.committed().is_some() => Ok(Reception::Refused(refusal)),
            Err(contradiction) => Err(contradiction),
        }
    }

    /// The mark that belongs on disk together with a plan for `message`.
    #[must_use]
    pub fn mark_with(&self, message: &Append, plan: &Plan) -> OrderNo {
        match plan {
            Plan::Change { matched, .. } => self.committed.max(message.committed.min(*matched)),
            Plan::Mismatch { .. } => self.committed,
        }
    }

    /// Carries out what [`Replica::receive`] planned and the disk now holds.
    pub fn accept(&mut self, message: &Append, plan: Plan) -> Vec<Effect> {
        let effects = self.saw_epoch(message.epoch);
        self.accepted = self.accepted.max(message.epoch);
        self.bazaar.get_or_insert_with(|| message.bazaar.clone());
        self.committed = self.mark_with(message, &plan);
        if let Plan::Change { restamped, keep, entries, .. } = plan {
            self.log.restamp(restamped);
            self.log.apply(keep, entries);
        }
        effects
    }

    /// What has to be on disk before a message of `epoch` is answered (I4): the epoch, if it is newer
    /// than the newest that is.
    #[must_use]
    pub fn epoch_to_store(&self, epoch: Epoch) -> Option<Epoch> {
        (epoch > self.accepted && !self.bugs.has(Bug::ForgetEpoch)).then_some(epoch)
    }

    /// What this replica has numbered and not yet written down.
    #[must_use]
    pub fn unflushed(&self) -> &[Arc<Entry>] {
        match &self.leadership {
            Some(leadership) => self.log.after(leadership.flushed, usize::MAX >> 1),
            None => &[],
        }
    }

    /// Everything in the log is on disk.
    pub fn flushed(&mut self) -> Vec<Effect> {
        if let Some(leadership) = &mut self.leadership {
            leadership.flushed = self.log.last().order_no;
        }
        self.advance()
    }

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

    /// A database of a follower holds what the leader holds, up to `matched`.
    pub fn peer_accepted(
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
    pub fn peer_mismatched(
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
    pub fn peer_refused(&mut self, epoch: Epoch, id: ReplicaId, reason: String) -> Vec<Effect> {
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
    pub fn peer_failed(&mut self, epoch: Epoch, id: ReplicaId) -> Vec<Effect> {
        self.update_peer(epoch, id, |peer| peer.failed = true)
    }

    /// Who drags, of all followers (rule G2): a member that does is removed while another keeps up, and whoever
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

    /// The front-end answered a request to change the in-sync set, or did not (`None`): then what
    /// became of it is unknown, and asking again on the same version will tell.
    pub fn membership_answered(
        &mut self,
        epoch: Epoch,
        answer: Option<Configuration>,
    ) -> Vec<Effect> {
        if let Some(leadership) = self.leadership.as_mut().filter(|leading| leading.epoch == epoch)
        {
            leadership.membership_asked = false;
        }
        match answer {
            Some(configuration) => {
                let mut effects = self.hear(configuration);
                effects.extend(self.advance());
                effects
            }
            None => self.advance(),
        }
    }

    /// Whatever has become possible: commit, go on with the takeover, change the in-sync set.
    fn advance(&mut self) -> Vec<Effect> {
        let (Some(leadership), Some(configuration)) = (&mut self.leadership, &self.configuration)
        else {
            return Vec::new();
        };
        if leadership.phase == Phase::Listing && !self.bugs.has(Bug::ReconcileFirst) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        let written = if self.bugs.has(Bug::AnswerBeforeFlush) {
            self.log.last().order_no
        } else {
            leadership.flushed
        };
        let common = leadership.held_by_all_awaited(configuration, written, self.bugs);
        if let Some(common) = common.filter(|common| *common > self.committed) {
            self.committed = common;
            effects.extend(leadership.answer_through(common, self.bugs));
        }
        // Whatever the predecessors committed lies at or below the takeover's end.
        let reconciled = common.is_some_and(|common| common >= leadership.takeover_end);
        let has_listed = leadership.catalog.listed.is_some() || self.bugs.has(Bug::LeadOldEpoch);
        if leadership.phase == Phase::Reconciling && reconciled {
            if has_listed {
                leadership.phase = Phase::Serving;
            } else {
                leadership.phase = Phase::Listing;
                effects.extend(self.list());
                return effects;
            }
        }
        if !leadership.membership_asked {
            let request =
                leadership.wanted_change(configuration, self.committed, &self.probation, self.bugs);
            leadership.membership_asked = request.is_some();
            effects.extend(request.map(Effect::ChangeMembership));
        }
        let epoch = leadership.epoch;
        let suspects = leadership.who_must_prove(configuration, self.committed, &self.probation);
        for id in suspects {
            self.probation.entry(id).and_modify(Probation::asked);
            effects.push(Effect::AskForProof(epoch, id));
        }
        effects
    }
}

/// Why a replica is not fenced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfenced {
    /// Its file is new.
    #[error("this replica belongs to no bazaar yet: its file is new")]
    NoBazaar,
    /// Its file is another bazaar's.
    #[error("this replica belongs to bazaar {0}")]
    OtherBazaar(BazaarId),
}

#[cfg(test)]
mod tests;
