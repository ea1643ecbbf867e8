//! One replica of the order service as a state machine: follower, or leader of an epoch.
//!
//! Pure. Inputs come in as method calls, what is to be done comes out as [`Effect`]s and
//! [`Append`]s; disks, sockets and clocks belong to the shell (`actor.rs`). The shell's part of
//! the bargain: an epoch is on disk before [`Replica::lead`], a plan before [`Replica::accept`],
//! and numbered entries before [`Replica::flushed`].
//!
//! Invariants (ARCHITECTURE.md I1 to I5): in an epoch only its leader numbers, and a process that
//! finds an epoch on its disk never leads it; a number is answered only once every replica that the
//! leader must wait for has it; the leader must wait for every member of the newest configuration,
//! and for whomever it has asked to add until a newer configuration shows that nothing came of it.

mod leadership;

use std::collections::BTreeMap;
use std::sync::Arc;

use wire::configuration::{Configuration, MembershipRequest};
use wire::ids::{AppliedSeq, Epoch, OrderNo, ReplicaId};
use wire::internal::{Append, AppliedTrade, Entry};

use super::log::{Contradiction, OrderLog, Plan};
use crate::planted::{Bug, Bugs};
use leadership::{Leadership, Peer, Phase};

/// Entries in one message: a few tens of kilobytes, far below the bound on a body.
const MAX_ENTRIES_PER_APPEND: usize = 256;

/// Names a waiting caller; the shell knows who it is.
pub type Ticket = u64;

/// The replica no longer leads the epoch that a trade belongs to; its successor numbers it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("this replica was replaced as the leader")]
pub struct Replaced;

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Put this epoch on disk, then call [`Replica::lead`].
    Lead(Epoch),
    /// Answer a caller of [`Replica::number`].
    Answer(Ticket, Result<OrderNo, Replaced>),
    /// Ask the front-end, then call [`Replica::membership_answered`].
    ChangeMembership(MembershipRequest),
    /// Ask the catalog what was applied after this place, then call [`Replica::listed`].
    ListUnnumbered(Epoch, AppliedSeq),
}

/// What a follower says to a leader's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reception {
    /// A newer epoch was accepted here.
    Stale(Epoch),
    /// Put the epoch (if it is new) and the plan on disk, then call [`Replica::accept`].
    Plan(Plan),
}

/// One replica.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Replica {
    id: ReplicaId,
    others: Vec<ReplicaId>,
    accepted: Epoch,
    log: OrderLog,
    committed: OrderNo,
    configuration: Option<Configuration>,
    /// Who led before the newest configuration, if that was somebody else.
    predecessor: Option<ReplicaId>,
    leadership: Option<Leadership>,
    max_entries: usize,
    bugs: Bugs,
}

impl Replica {
    /// A replica as its disk has it, among `others`. Nothing is known to be committed yet.
    #[must_use]
    pub fn new(id: ReplicaId, others: Vec<ReplicaId>, accepted: Epoch, log: OrderLog) -> Self {
        let others = others.into_iter().filter(|other| *other != id).collect();
        Self {
            id,
            others,
            accepted,
            log,
            committed: OrderNo(0),
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
        Self { bugs, ..self }
    }

    /// The same replica, with at most `max_entries` in a message: few make a long catch-up of a
    /// short log.
    #[must_use]
    pub fn with_max_entries(self, max_entries: usize) -> Self {
        Self { max_entries, ..self }
    }

    /// The newest epoch on disk.
    #[must_use]
    pub fn accepted(&self) -> Epoch {
        self.accepted
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &OrderLog {
        &self.log
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

    /// A configuration was announced. Only a newer one than the newest known matters.
    pub fn hear(&mut self, heard: Configuration) -> Vec<Effect> {
        if self.configuration.as_ref().is_some_and(|known| known.version >= heard.version) {
            return Vec::new();
        }
        let mut effects = Vec::new();
        if self.leadership.as_ref().is_some_and(|leadership| leadership.epoch < heard.epoch) {
            effects = self.step_down();
        }
        // R4: an epoch that is on disk already was led, or accepted, by this replica before.
        let is_new = heard.epoch > self.accepted || self.bugs.has(Bug::LeadOldEpoch);
        if heard.leader == self.id && is_new && !self.is_leading() {
            effects.push(Effect::Lead(heard.epoch));
        }
        let before = self.configuration.replace(heard).map(|before| before.leader);
        self.predecessor = before.filter(|leader| *leader != self.id);
        effects.extend(self.advance());
        effects
    }

    /// Begins to lead `epoch`, which is on disk.
    ///
    /// The predecessor lost its leadership because it did not answer, so it counts as failed until
    /// it does: a takeover from a leader that hangs does not wait for it a second time.
    pub fn lead(&mut self, epoch: Epoch) -> Vec<Effect> {
        self.accepted = epoch;
        let takeover_end = self.log.last().order_no;
        let peer = |id| Peer {
            matched: None,
            next: takeover_end,
            in_flight: false,
            failed: self.predecessor == Some(id),
            add_asked: None,
        };
        self.leadership = Some(Leadership {
            epoch,
            takeover_end,
            phase: Phase::Reconciling,
            flushed: takeover_end,
            peers: self.others.iter().map(|other| (*other, peer(*other))).collect(),
            waiting: BTreeMap::new(),
            membership_asked: false,
        });
        self.advance()
    }

    /// Ends a leadership: whoever waits is told to ask the successor.
    ///
    /// What it has numbered and not written down goes, as in a crash. *Otherwise: R1 is numbered
    /// and, in the same batch, the front-end's restart makes this replica begin another epoch; it
    /// takes its whole log for flushed, commits #1, and does not have it after a crash.*
    pub fn step_down(&mut self) -> Vec<Effect> {
        let Some(leadership) = self.leadership.take() else { return Vec::new() };
        self.log.apply(leadership.flushed, Vec::new());
        let tickets = leadership.waiting.into_values().flatten();
        tickets.map(|ticket| Effect::Answer(ticket, Err(Replaced))).collect()
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
        let led_here = self.leadership.as_ref().map(|leadership| leadership.epoch);
        let is_over = message.epoch < self.accepted && !self.bugs.has(Bug::NoEpochCheckAtFollower);
        if is_over || led_here == Some(message.epoch) {
            return Ok(Reception::Stale(self.accepted));
        }
        self.log.plan(message, self.bugs).map(Reception::Plan)
    }

    /// Carries out what [`Replica::receive`] planned and the disk now holds.
    pub fn accept(&mut self, message: &Append, plan: Plan) -> Vec<Effect> {
        let effects = self.saw_epoch(message.epoch);
        self.accepted = self.accepted.max(message.epoch);
        if let Plan::Change { keep, entries, matched } = plan {
            self.log.apply(keep, entries);
            self.committed = self.committed.max(message.committed.min(matched));
        }
        effects
    }

    /// Numbers an applied trade, unless it has a number: then the caller joins those who wait for
    /// it (R7, R8). The caller's `epoch` is the one in which it sent the trade to the catalog.
    pub fn number(
        &mut self,
        epoch: Epoch,
        trade: &AppliedTrade,
        ticket: Option<Ticket>,
    ) -> Vec<Effect> {
        let last = self.log.last().order_no;
        let answer = |result| ticket.map(|ticket| Effect::Answer(ticket, result));
        let Some(leadership) = self.leadership.as_mut().filter(|leading| leading.epoch == epoch)
        else {
            return answer(Err(Replaced)).into_iter().collect();
        };
        let known = self.log.number_of(&trade.request_id);
        let known = known.filter(|_| !self.bugs.has(Bug::NoOrderLogCheck));
        let is_pending_seen = !self.bugs.has(Bug::NumberFromDisk);
        let newest = if is_pending_seen { last } else { leadership.flushed };
        let order_no = known.unwrap_or(newest.next());
        if order_no > last {
            self.log.push(Arc::new(numbered(trade, order_no, epoch)));
        }
        let answer_now = known.is_some() && self.bugs.has(Bug::AnswerUncommittedRepeat);
        if order_no <= self.committed || answer_now {
            return answer(Ok(order_no)).into_iter().collect();
        }
        if let Some(ticket) = ticket {
            leadership.waiting.entry(order_no).or_default().push(ticket);
        }
        Vec::new()
    }

    /// What has to be on disk before `epoch` is led here, or a message of it answered (I4): the epoch,
    /// if it is newer than the newest that is.
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
        let Some(leadership) = &mut self.leadership else { return Vec::new() };
        let mut messages = Vec::new();
        for (id, peer) in &mut leadership.peers {
            let lacks = peer.matched.is_none_or(|matched| matched < self.log.last().order_no);
            if peer.in_flight || !(tick || (lacks && !peer.failed)) {
                continue;
            }
            peer.in_flight = true;
            let entries = self.log.after(peer.next, self.max_entries);
            messages.push((
                *id,
                Append {
                    epoch: leadership.epoch,
                    leader: self.id,
                    takeover_end: leadership.takeover_end,
                    previous: self.log.point_at(peer.next).unwrap_or_default(),
                    entries: entries.to_vec(),
                    committed: self.committed,
                },
            ));
        }
        messages
    }

    /// A follower holds what the leader holds, up to `matched`.
    pub fn peer_accepted(&mut self, epoch: Epoch, id: ReplicaId, matched: OrderNo) -> Vec<Effect> {
        self.update_peer(epoch, id, |peer| {
            peer.failed = false;
            peer.matched = peer.matched.max(Some(matched));
            peer.next = matched.max(peer.matched.unwrap_or_default());
        })
    }

    /// A follower lacks what the message built on.
    pub fn peer_mismatched(
        &mut self,
        epoch: Epoch,
        id: ReplicaId,
        try_after: OrderNo,
    ) -> Vec<Effect> {
        self.update_peer(epoch, id, |peer| {
            peer.failed = false;
            peer.next = try_after.min(OrderNo(peer.next.0.saturating_sub(1)));
        })
    }

    /// A follower did not answer.
    pub fn peer_failed(&mut self, epoch: Epoch, id: ReplicaId) -> Vec<Effect> {
        self.update_peer(epoch, id, |peer| peer.failed = true)
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

    /// The catalog listed what was applied after the asked place: number what lacks a number.
    pub fn listed(&mut self, epoch: Epoch, trades: &[AppliedTrade]) -> Vec<Effect> {
        let listing = self
            .leadership
            .as_ref()
            .is_some_and(|leading| leading.epoch == epoch && leading.phase == Phase::Listing);
        if !listing {
            return Vec::new();
        }
        let mut effects = Vec::new();
        for trade in trades {
            effects.extend(self.number(epoch, trade, None));
        }
        if let Some(leadership) = &mut self.leadership {
            leadership.phase = Phase::Serving;
        }
        effects.extend(self.advance());
        effects
    }

    /// Whatever has become possible: commit, go on with the takeover, change the in-sync set.
    fn advance(&mut self) -> Vec<Effect> {
        let (Some(leadership), Some(configuration)) = (&mut self.leadership, &self.configuration)
        else {
            return Vec::new();
        };
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
        if leadership.phase == Phase::Reconciling && reconciled {
            leadership.phase = Phase::Listing;
            let after = self.log.numbered_through();
            effects.push(Effect::ListUnnumbered(leadership.epoch, after));
            if self.bugs.has(Bug::SkipUnnumbered) {
                effects.pop();
                leadership.phase = Phase::Serving;
            }
        }
        if !leadership.membership_asked {
            let request = leadership.wanted_change(configuration, self.committed, self.bugs);
            leadership.membership_asked = request.is_some();
            effects.extend(request.map(Effect::ChangeMembership));
        }
        effects
    }
}

fn numbered(trade: &AppliedTrade, order_no: OrderNo, epoch: Epoch) -> Entry {
    Entry {
        order_no,
        epoch,
        request_id: trade.request_id.clone(),
        stock_name: trade.stock_name.clone(),
        trade_type: trade.trade_type,
        quantity: trade.quantity,
        applied_seq: trade.applied_seq,
    }
}

#[cfg(test)]
mod tests;
