//! One replica of the order service as a state machine: follower, or leader of an epoch.
//!
//! Pure. Inputs come in as method calls, what is to be done comes out as [`Effect`]s and
//! [`Append`](wire::internal::Append)s; disks, sockets and clocks belong to the shell (`actor/`). The shell's part of
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
//! * `peers`: what it sends to its peers, and what it makes of their answers.
//! * `hearing`: what a replica makes of what the front-end announces.
//! * `following`: what a replica takes from a leader.
//! * `status`: what everybody may know about a replica.

mod effect;
mod following;
mod hearing;
mod leadership;
mod numbering;
mod peers;
pub mod probation;
mod status;

use std::collections::BTreeMap;
use std::sync::Arc;

use base::planted::{Bug, Bugs};
use wire::configuration::Configuration;
use wire::ids::{BazaarId, Epoch, Identity, Incarnation, OrderNo, ReplicaId};
use wire::internal::{Entry, LogPoint, MAX_ENTRIES_PER_APPEND, Obstacle};

use super::log::OrderLog;
use leadership::{Catalog, Leadership, Peer, Phase};
use probation::Probation;

pub use effect::{Effect, NoNumber, Reception, Ticket, Unfenced};
pub use status::Status;

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
    /// Which peers may come back, no matter who leads (rule G2).
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

    /// The same replica, which as a leader adds every replica that has caught up, however often it was removed.
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

    /// Up to which number its orders may be seen (rule R7).
    #[must_use]
    pub fn visible(&self) -> OrderNo {
        if self.bugs.has(Bug::ServeUncommitted) { self.log.last().order_no } else { self.committed }
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

    /// Ends a leadership: anybody who waits is told to ask the successor.
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

#[cfg(test)]
mod tests;
