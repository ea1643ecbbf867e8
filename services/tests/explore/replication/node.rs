//! One order replica: its disk, and the process on it, if there is one.
//!
//! It keeps the order of steps of the shell (`order/actor.rs`): whatever has queued is taken (a
//! batch), then messages go out, then the disk is flushed. A crash may come between any two of
//! these. Nobody else can tell how long they take, unless it comes; so a batch is one step if it
//! does not, and a thread that will not live to flush its disk is stalled from then on.

use std::sync::Arc;

use services::order::log::{OrderLog, Plan};
use services::order::replica::{Effect, Reception, Replaced, Replica, Ticket};
use services::planted::{Bug, Bugs};
use wire::configuration::MembershipRequest;
use wire::ids::{AppliedSeq, Epoch, OrderNo, ReplicaId};
use wire::internal::{Append, AppendReply, Entry, PingReply};

/// The replicas there are.
pub(crate) const REPLICAS: [ReplicaId; 3] = [ReplicaId(1), ReplicaId(2), ReplicaId(3)];

/// A replica.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Node {
    /// Who it is.
    pub(crate) id: ReplicaId,
    /// What a crash leaves.
    pub(crate) disk: Disk,
    /// What it does not leave.
    pub(crate) process: Option<Process>,
}

/// What was committed to a replica's file.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Disk {
    /// The newest epoch accepted.
    pub(crate) accepted: Epoch,
    /// The rows, in the order of their numbers.
    pub(crate) entries: Vec<Arc<Entry>>,
}

/// A running replica.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Process {
    /// The real thing.
    pub(crate) replica: Replica,
    /// Where its thread is.
    pub(crate) stage: Stage,
}

/// Where a replica's thread is in its loop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    /// It waits for an input.
    Idle,
    /// It has taken inputs that number trades, and may take more.
    Taking,
    /// The messages are out, and the flush is never done.
    Stalled,
}

/// What a replica wants done.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Messages to followers.
    pub(crate) appends: Vec<(ReplicaId, Append)>,
    /// Answers to trades.
    pub(crate) answers: Vec<(Ticket, Result<OrderNo, Replaced>)>,
    /// Requests to the front-end.
    pub(crate) changes: Vec<MembershipRequest>,
    /// Requests to the catalog.
    pub(crate) lists: Vec<(Epoch, AppliedSeq)>,
}

/// How the replicas of one world are made.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Make {
    /// What is planted in them.
    pub(crate) bugs: Bugs,
    /// How many entries fit into a message.
    pub(crate) max_entries: usize,
}

impl Disk {
    /// `order/store.rs`, one transaction.
    fn commit(&mut self, accepted: Option<Epoch>, keep: Option<OrderNo>, entries: &[Arc<Entry>]) {
        self.accepted = accepted.unwrap_or(self.accepted);
        if let Some(keep) = keep {
            self.entries.retain(|entry| entry.order_no <= keep);
        }
        self.entries.extend(entries.iter().cloned());
    }
}

impl Node {
    /// A replica with an empty disk, running.
    pub(crate) fn new(id: ReplicaId, make: Make) -> Self {
        let mut node = Self { id, disk: Disk::default(), process: None };
        node.start(make).expect("an empty disk can be read");
        node
    }

    /// Starts a process on what the disk holds.
    ///
    /// # Errors
    /// If the disk holds what no replica may have written.
    pub(crate) fn start(&mut self, make: Make) -> Result<(), String> {
        let entries = self.disk.entries.iter().map(|entry| Entry::clone(entry));
        let log = OrderLog::from_entries(entries).map_err(|problem| {
            format!("replica {} cannot read its own disk: {problem}", self.id)
        })?;
        let replica = Replica::new(self.id, REPLICAS.to_vec(), self.disk.accepted, log)
            .with_max_entries(make.max_entries)
            .with_bugs(make.bugs);
        self.process = Some(Process { replica, stage: Stage::Idle });
        Ok(())
    }

    /// The replica, if it runs.
    pub(crate) fn replica(&self) -> Option<&Replica> {
        self.process.as_ref().map(|process| &process.replica)
    }

    /// What it answers to a ping, if it runs.
    pub(crate) fn ping(&self) -> Option<PingReply> {
        let replica = self.replica()?;
        Some(PingReply {
            id: self.id,
            port: 0,
            incarnation: String::new(),
            epoch: replica.accepted(),
            leading: replica.is_leading(),
            serving: replica.is_serving(),
            last_order_no: replica.log().last().order_no,
        })
    }

    /// Whether its thread takes inputs.
    pub(crate) fn listens(&self, bugs: Bugs) -> bool {
        // Whoever answers before its disk is flushed does not wait for the flush.
        let waits = !bugs.has(Bug::AnswerBeforeFlush);
        self.process.as_ref().is_some_and(|process| !waits || process.stage != Stage::Stalled)
    }

    /// Whether it runs and leads `epoch`.
    pub(crate) fn leads(&self, epoch: Epoch) -> bool {
        self.replica().is_some_and(|replica| replica.is_leading() && replica.accepted() == epoch)
    }

    /// Up to which number it shows orders.
    pub(crate) fn shown(&self, bugs: Bugs) -> OrderNo {
        match self.replica() {
            None => OrderNo(0),
            Some(replica) if bugs.has(Bug::ServeUncommitted) => replica.log().last().order_no,
            Some(replica) => replica.committed(),
        }
    }

    /// Has the thread take an input.
    pub(crate) fn take(
        &mut self,
        wishes: &mut Wishes,
        input: impl FnOnce(&mut Replica) -> Vec<Effect>,
    ) {
        let Some(process) = &mut self.process else { return };
        let effects = input(&mut process.replica);
        self.perform(effects, wishes);
        self.go_on(wishes);
    }

    /// Takes a leader's message; `None` stands for a refusal.
    pub(crate) fn receive(&mut self, message: &Append, wishes: &mut Wishes) -> Option<AppendReply> {
        let replica = &mut self.process.as_mut()?.replica;
        let plan = match replica.receive(message).ok()? {
            Reception::Stale(accepted) => return Some(AppendReply::Stale { accepted }),
            Reception::Plan(plan) => plan,
        };
        let accepted = replica.epoch_to_store(message.epoch);
        let last = replica.log().last().order_no;
        let reply = match &plan {
            Plan::Mismatch { try_after } => {
                self.disk.commit(accepted, None, &[]);
                AppendReply::Mismatch { try_after: *try_after }
            }
            Plan::Change { keep, entries, matched } => {
                self.disk.commit(accepted, (*keep < last).then_some(*keep), entries);
                AppendReply::Accepted { matched: *matched }
            }
        };
        let effects = replica.accept(message, plan);
        self.perform(effects, wishes);
        self.go_on(wishes);
        Some(reply)
    }

    /// Ends a batch: the messages go out. The flush is yet to come.
    pub(crate) fn send(&mut self, wishes: &mut Wishes) {
        let Some(process) = &mut self.process else { return };
        wishes.appends.extend(process.replica.outgoing(false));
        process.stage = Stage::Stalled;
    }

    /// Time has passed.
    pub(crate) fn tick(&mut self, wishes: &mut Wishes) {
        let Some(process) = &mut self.process else { return };
        wishes.appends.extend(process.replica.outgoing(true));
    }

    /// Flushes the disk.
    pub(crate) fn flush(&mut self, wishes: &mut Wishes) {
        let Some(process) = &mut self.process else { return };
        let fresh = process.replica.unflushed().to_vec();
        process.stage = Stage::Idle;
        if !fresh.is_empty() {
            self.disk.commit(None, None, &fresh);
            let effects = process.replica.flushed();
            self.perform(effects, wishes);
            self.go_on(wishes);
        }
    }

    /// After an input: with nothing to flush, the batch may as well end at once.
    fn go_on(&mut self, wishes: &mut Wishes) {
        let Some(process) = &mut self.process else { return };
        if process.stage == Stage::Idle && !process.replica.unflushed().is_empty() {
            process.stage = Stage::Taking;
        }
        if process.stage != Stage::Taking {
            wishes.appends.extend(process.replica.outgoing(false));
        }
    }

    fn perform(&mut self, effects: Vec<Effect>, wishes: &mut Wishes) {
        for effect in effects {
            match effect {
                Effect::Lead(epoch) => {
                    let Some(process) = &mut self.process else { return };
                    self.disk.commit(process.replica.epoch_to_store(epoch), None, &[]);
                    let effects = process.replica.lead(epoch);
                    self.perform(effects, wishes);
                }
                Effect::Answer(ticket, result) => wishes.answers.push((ticket, result)),
                Effect::ChangeMembership(request) => wishes.changes.push(request),
                Effect::ListUnnumbered(epoch, after) => wishes.lists.push((epoch, after)),
            }
        }
    }
}
