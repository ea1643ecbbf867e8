//! One order replica: its disk, and the process on it, if there is one.
//!
//! It keeps the order of steps of the shell (`order/actor/`): whatever has queued is taken (a
//! batch), then messages go out, then the disk is flushed. A crash may come between any two of
//! these. Nobody else can tell how long they take, unless it comes, or the front-end looks for the longest
//! of all logs meanwhile; so a batch is one step otherwise, and a thread that has yet to flush its disk is
//! stalled until then.

use std::sync::Arc;

use services::order::change::Change;
use services::order::log::OrderLog;
use services::order::replica::{Effect, Found, NoNumber, Replica, Ticket};
use services::planted::{Bug, Bugs};
use wire::bazaar::TradeType;
use wire::configuration::MembershipRequest;
use wire::ids::{BazaarId, Epoch, Identity, Incarnation, OrderNo, ReplicaId, RequestId};
use wire::internal::{Append, AppendReply, Entry, FillRequest, PingReply, UnnumberedRequest};

use crate::ledger::STOCK;

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
    /// How often it was started.
    starts: u8,
}

/// What was committed to a replica's file.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Disk {
    /// The file.
    pub(crate) identity: Identity,
    /// The bazaar that it belongs to.
    pub(crate) bazaar: Option<BazaarId>,
    /// The newest epoch accepted or heard of.
    pub(crate) accepted: Epoch,
    /// The commit mark.
    pub(crate) committed: OrderNo,
    /// The rows, in the order of their numbers.
    pub(crate) entries: Vec<Arc<Entry>>,
}

/// A running replica.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Process {
    /// The real thing.
    pub(crate) replica: Replica,
    /// Which process it is.
    pub(crate) incarnation: Incarnation,
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
    /// The messages are out, and the flush is yet to be done, or never is.
    Stalled,
}

/// What a replica wants done.
#[derive(Debug, Default)]
pub(crate) struct Wishes {
    /// Messages to followers.
    pub(crate) appends: Vec<(ReplicaId, Append)>,
    /// Answers to trades.
    pub(crate) answers: Vec<(Ticket, Result<OrderNo, NoNumber>)>,
    /// Requests to the front-end.
    pub(crate) changes: Vec<MembershipRequest>,
    /// Requests to the catalog.
    pub(crate) lists: Vec<UnnumberedRequest>,
    /// What the catalog is to be given.
    pub(crate) fills: Vec<FillRequest>,
}

/// How the replicas of one world are made.
#[derive(Clone, Copy, Debug, Hash)]
pub(crate) struct Make {
    /// What is planted in them.
    pub(crate) bugs: Bugs,
    /// How many entries fit into a message.
    pub(crate) max_entries: usize,
    /// How many trades fit into a page of the catalog's list.
    pub(crate) max_listed: usize,
}

impl Disk {
    /// A new file, the `number`th of its replica.
    pub(crate) fn new(id: ReplicaId, number: u8) -> Self {
        let identity = Identity::new(&format!("file-{id}.{number}")).expect("short and visible");
        let (accepted, committed) = (Epoch(0), OrderNo(0));
        Self { identity, bazaar: None, accepted, committed, entries: Vec::new() }
    }

    /// A file of another bazaar, whose commit mark lags behind its two orders.
    pub(crate) fn of_another_bazaar(id: ReplicaId) -> Self {
        let entry = |order_no: u64| Entry {
            order_no: OrderNo(order_no),
            epoch: Epoch(1),
            request_id: RequestId::new(format!("X{order_no}")).expect("short and visible"),
            stock_name: STOCK.into(),
            trade_type: TradeType::Buy,
            quantity: 1,
        };
        let entries = [1, 2].map(|order_no| Arc::new(entry(order_no))).into();
        let bazaar = Some(BazaarId::new("another-bazaar").expect("short and visible"));
        Self { bazaar, accepted: Epoch(1), entries, ..Self::new(id, 2) }
    }

    /// The commit mark rides on whatever else is written, and is no reason to write.
    fn commit(&mut self, change: &Change<'_>, mark: OrderNo) {
        if change.is_nothing() {
            return;
        }
        self.accepted = change.accepted.unwrap_or(self.accepted);
        self.bazaar = change.bazaar.cloned().or_else(|| self.bazaar.take());
        self.committed = self.committed.max(mark);
        for entry in change.restamped {
            let held = self.entries.iter_mut().find(|held| held.order_no == entry.order_no);
            *held.expect("only what is there is stamped again") = Arc::clone(entry);
        }
        if let Some(keep) = change.keep {
            self.entries.retain(|entry| entry.order_no <= keep);
        }
        self.entries.extend(change.entries.iter().cloned());
    }
}

impl Node {
    /// A replica with an empty disk, running.
    pub(crate) fn new(id: ReplicaId, make: Make) -> Self {
        let mut node = Self { id, disk: Disk::new(id, 0), process: None, starts: 0 };
        node.start(make).expect("an empty disk can be read");
        node
    }

    /// Starts a process on what the disk holds.
    ///
    /// # Errors
    /// If the disk holds what no replica may have written.
    pub(crate) fn start(&mut self, make: Make) -> Result<(), String> {
        let Disk { identity, bazaar, accepted, committed, entries } = self.disk.clone();
        let entries = entries.iter().map(|entry| Entry::clone(entry));
        let log = OrderLog::from_entries(entries, committed).map_err(|problem| {
            format!("replica {} cannot read its own disk: {problem}", self.id)
        })?;
        if log.last().order_no < committed {
            return Err(format!("replica {}'s log ends before its commit mark", self.id));
        }
        self.starts += 1;
        let incarnation = format!("life-{}.{}", self.id, self.starts);
        let incarnation = Incarnation::new(&incarnation).expect("short and visible");
        let found = Found { identity, bazaar, accepted, committed, log };
        let replica = Replica::new(self.id, incarnation.clone(), REPLICAS.to_vec(), found)
            .with_max_entries(make.max_entries)
            .without_probation()
            .with_bugs(make.bugs);
        self.process = Some(Process { replica, incarnation, stage: Stage::Idle });
        Ok(())
    }

    /// The replica, if it runs.
    pub(crate) fn replica(&self) -> Option<&Replica> {
        self.process.as_ref().map(|process| &process.replica)
    }

    /// What it answers to a ping, if it runs.
    pub(crate) fn ping(&self) -> Option<PingReply> {
        let Process { replica, incarnation, .. } = self.process.as_ref()?;
        Some(replica.status().ping_reply(self.id, incarnation.clone()))
    }

    /// Whether its thread takes inputs.
    pub(crate) fn listens(&self, bugs: Bugs) -> bool {
        // Anybody who answers before its disk is flushed does not wait for the flush.
        let waits = !bugs.has(Bug::AnswerBeforeFlush);
        self.process.as_ref().is_some_and(|process| !waits || process.stage != Stage::Stalled)
    }

    /// Whether it runs and leads `epoch`.
    pub(crate) fn leads(&self, epoch: Epoch) -> bool {
        self.replica().is_some_and(|replica| replica.is_leading() && replica.accepted() == epoch)
    }

    /// Up to which number it shows orders.
    pub(crate) fn shown(&self) -> OrderNo {
        self.replica().map_or(OrderNo(0), Replica::visible)
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
        let plan = match replica.receive(message).ok()?.into_plan() {
            Ok(plan) => plan,
            Err(unchanged) => return Some(unchanged),
        };
        let (change, reply) = replica.prepare(message, &plan);
        self.disk.commit(&change, replica.mark_with(message, &plan));
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
        let effects = process.replica.tick();
        self.perform(effects, wishes);
        let Some(process) = &mut self.process else { return };
        wishes.appends.extend(process.replica.outgoing(true));
    }

    /// Flushes the disk.
    pub(crate) fn flush(&mut self, wishes: &mut Wishes) {
        let Some(process) = &mut self.process else { return };
        let fresh = process.replica.unflushed().to_vec();
        process.stage = Stage::Idle;
        if !fresh.is_empty() {
            let change = Change { entries: &fresh, ..Change::default() };
            self.disk.commit(&change, process.replica.committed());
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
            let Some(process) = &mut self.process else { return };
            match effect {
                Effect::Store { epoch, bazaar } => {
                    let (accepted, bazaar) = (Some(epoch), bazaar.as_ref());
                    let change = Change { accepted, bazaar, ..Change::default() };
                    self.disk.commit(&change, process.replica.committed());
                }
                Effect::Lead(epoch) => {
                    let effects = process.replica.lead(epoch);
                    self.perform(effects, wishes);
                }
                Effect::Answer(ticket, result) => wishes.answers.push((ticket, result)),
                Effect::ChangeMembership(request) => wishes.changes.push(request),
                // A matter of time, which has a model of its own.
                Effect::AskForProof(..) => {}
                Effect::List(request) => wishes.lists.push(request),
                Effect::Fill(request) => wishes.fills.push(request),
            }
        }
    }
}
