//! The one thread that owns a replica's state machine and its disk.
//!
//! Everything that changes a replica passes through its queue, so numbers are assigned by one
//! writer (R8). It takes whatever has queued, numbers it, hands the messages to the network, and
//! only then flushes its own disk: leader and followers flush at the same time, and a batch
//! shares the flush.

mod interface;
mod meters;

use std::collections::HashMap;
use std::sync::Arc;
use std::thread;

use anyhow::Context;
use base::metrics::Metrics;
use base::planted::{Bug, Part, Planted, Point};
use base::process::{Held, StateOwner, end_early, exit_on_disk_error, monotonic_us};
use base::spans::{self, Stage};
use tokio::sync::{mpsc, oneshot, watch};
use wire::ids::{Epoch, Incarnation, OrderNo, ReplicaId};
use wire::internal::{Append, AppendReply, Entry, UnnumberedReply};

use super::change::Change;
use super::dump::{self, Page, PageRequest};
use super::health::Progress;
use super::outbox::Outbox;
use super::pace::Pace;
use super::replica::{Effect, Replica, Status, Ticket, Unfenced};
use super::store::Store;
use interface::Received;
use meters::Meters;

pub(super) use interface::{CommittedOrders, Handle, Input, MadeAnswer, Numbered};

/// Inputs that wait for the thread; more than there are places for requests at the server.
const MAX_QUEUED: usize = 8192;
/// Inputs that are taken before the disk is flushed.
const MAX_BATCH: usize = 512;

/// What the thread is called if it panics.
const THREAD: &str = "the thread that numbers orders";

struct Actor {
    replica: Replica,
    store: Store,
    inputs: mpsc::Receiver<Input>,
    outbox: Outbox,
    pace: Pace,
    waiting: HashMap<Ticket, oneshot::Sender<Numbered>>,
    next_ticket: Ticket,
    answers: Vec<PendingAnswer>,
    status: watch::Sender<Status>,
    committed: CommittedOrders,
    /// The commit mark that is on disk.
    mark: OrderNo,
    planted: Planted,
    progress: Progress,
    /// Whether the step under way has written something.
    has_written: bool,
    meters: Meters,
}

/// An answer that is given once what it depends on can be seen by everybody: anybody who is told a
/// number may look the order up at once, and anybody who is told that a message was taken may ask what
/// is here now.
enum PendingAnswer {
    Append(oneshot::Sender<Received>, Received),
    Number(oneshot::Sender<Numbered>, Numbered),
    Fence(oneshot::Sender<Result<(), Unfenced>>),
    Dump(PageRequest, oneshot::Sender<Page>),
}

impl PendingAnswer {
    /// Now that what it depends on can be seen.
    fn made(self, replica: &Replica) -> MadeAnswer {
        match self {
            Self::Append(reply, result) => MadeAnswer::Append(reply, result),
            Self::Number(reply, result) => MadeAnswer::Number(reply, result),
            Self::Fence(reply) => MadeAnswer::Fence(reply),
            Self::Dump(request, reply) => MadeAnswer::Dump(reply, dump::page(replica, &request)),
        }
    }
}

/// Which process of which replica this is, and who the others are.
#[derive(Debug)]
pub(super) struct Own {
    pub(super) id: ReplicaId,
    pub(super) incarnation: Incarnation,
    pub(super) others: Vec<ReplicaId>,
}

/// Starts the thread of a replica whose disk is open.
///
/// # Errors
/// If the disk's content breaks an invariant, or the thread cannot be started.
pub(super) fn start(
    own: Own,
    store: Store,
    planted: Planted,
    progress: &Progress,
    metrics: &Metrics,
    outbox: impl FnOnce(mpsc::WeakSender<Input>, watch::Receiver<Status>) -> Outbox,
) -> anyhow::Result<(Handle, thread::JoinHandle<()>)> {
    let Own { id, incarnation, others } = own;
    let found = store.load()?;
    let mark = found.committed;
    let replica = Replica::new(id, incarnation, others, found).with_bugs(planted.bugs);
    let (queue, inputs) = mpsc::channel(MAX_QUEUED);
    let (status, status_seen) = watch::channel(replica.status());
    let committed = CommittedOrders::default();
    let handle = Handle { inputs: queue, status: status_seen, committed: Arc::clone(&committed) };
    let actor = Actor {
        replica,
        store,
        inputs,
        // A strong sender in here would keep the queue open, and the thread alive, forever.
        pace: Pace::default(),
        outbox: outbox(handle.inputs.downgrade(), handle.status.clone()),
        waiting: HashMap::new(),
        next_ticket: 0,
        answers: Vec::new(),
        status,
        committed,
        mark,
        planted,
        progress: progress.clone(),
        has_written: false,
        meters: Meters::new(metrics),
    };
    let thread = thread::Builder::new()
        .name(format!("order-{id}"))
        .spawn(move || actor.run())
        .context("cannot start the replica's thread")?;
    Ok((handle, thread))
}

impl Actor {
    fn run(mut self) {
        let _owner = StateOwner::new(THREAD);
        self.planted.panics.pass(Part::OrderWriter);
        self.publish();
        while let Some(input) = self.inputs.blocking_recv() {
            self.progress.begin(monotonic_us());
            let mut tick = false;
            let mut next = Some(input);
            let mut taken = 0;
            while let Some(input) = next {
                match input {
                    Input::Stop => return,
                    Input::Tick => {
                        tick = true;
                        let effects = self.replica.tick();
                        self.perform(effects);
                        let effects = self.replica.drag(&self.pace.tick());
                        self.perform(effects);
                    }
                    input => self.take(input),
                }
                taken += 1;
                next = if taken < MAX_BATCH { self.inputs.try_recv().ok() } else { None };
            }
            self.outbox.append_all(self.replica.outgoing(tick));
            // What the inputs completed need not wait for the flush of what they began.
            self.release();
            self.flush();
            self.release();
            let has_written = std::mem::take(&mut self.has_written);
            self.progress.end(monotonic_us(), has_written);
        }
    }

    fn take(&mut self, input: Input) {
        let effects = match input {
            Input::Tick | Input::Stop => Vec::new(),
            Input::Heard(configuration) => {
                let is_removed = self.replica.is_removed_by(&configuration);
                if is_removed && self.planted.bugs.has(Bug::EndWhenRemoved) {
                    end_early("it was removed");
                }
                self.replica.hear(configuration)
            }
            Input::Fence(fence, reply) => match self.replica.fence(&fence) {
                Ok(effects) => {
                    tracing::warn!(epoch = %fence.epoch, "a front-end without a configuration asks");
                    self.answers.push(PendingAnswer::Fence(reply));
                    effects
                }
                Err(unfenced) => {
                    let _ = reply.send(Err(unfenced));
                    Vec::new()
                }
            },
            Input::Append(message, reply) => {
                let answer = self.receive(&message);
                if let Err(contradiction) = &answer {
                    tracing::error!(%contradiction, leader = %message.leader, "refused a message");
                }
                self.answers.push(PendingAnswer::Append(reply, answer));
                Vec::new()
            }
            Input::Number(epoch, incarnation, trade, reply) => {
                let ticket = self.next_ticket;
                self.next_ticket += 1;
                self.waiting.insert(ticket, reply);
                self.replica.number(epoch, &incarnation, &trade, Some(ticket))
            }
            Input::PeerAnswered(epoch, peer, answer, took_us) => {
                match &answer {
                    Some(AppendReply::Accepted { .. }) => self.pace.answered(peer, took_us),
                    Some(AppendReply::Refused { order_no, reason }) => {
                        tracing::error!(follower = %peer, %order_no, reason, "refused by a follower");
                    }
                    _ => {}
                }
                self.replica.peer_answered(epoch, peer, answer)
            }
            Input::PeerProved(epoch, peer, is_proved) => {
                self.replica.peer_proved(epoch, peer, is_proved)
            }
            Input::SawEpoch(epoch) => self.replica.saw_epoch(epoch),
            Input::MembershipAnswered(epoch, answer) => {
                self.replica.membership_answered(epoch, answer)
            }
            Input::Listed(epoch, reply) => {
                tell_of_list(epoch, &reply);
                self.replica.listed(epoch, reply)
            }
            Input::Filled(epoch, reply) => {
                tracing::info!(%epoch, ?reply, "the catalog was given what it lacked");
                self.replica.filled(epoch, reply)
            }
            Input::TradeLost(epoch) => {
                self.replica.lost_trade(epoch);
                Vec::new()
            }
            Input::SawCatalog(epoch, incarnation) => self.replica.saw_catalog(epoch, &incarnation),
            Input::Prove(reply) => {
                self.planted.stretches.pass_blocking(Point::Disk);
                if let Err(error) = self.store.prove() {
                    exit_on_disk_error("writing the order log", &self.store.explain(&error));
                }
                self.has_written = true;
                // The caller may have stopped waiting.
                let _ = reply.send(());
                Vec::new()
            }
            Input::Dump(request, reply) => {
                self.answers.push(PendingAnswer::Dump(request, reply));
                Vec::new()
            }
        };
        self.perform(effects);
    }

    fn receive(&mut self, message: &Append) -> Received {
        let plan = match self.replica.receive(message)?.into_plan() {
            Ok(plan) => plan,
            Err(unchanged) => {
                if let AppendReply::Refused { reason, .. } = &unchanged {
                    tracing::error!(reason, leader = %message.leader, "refused a leader's message");
                }
                return Ok(unchanged);
            }
        };
        let (change, reply) = self.replica.prepare(message, &plan);
        if let Some(keep) = change.keep {
            let last = self.replica.log().last().order_no;
            tracing::warn!(after = %keep, through = %last, "dropping what was never committed");
        }
        mark_all(Stage::Begins, &message.entries);
        self.commit(change, self.replica.mark_with(message, &plan));
        mark_all(Stage::Flushed, &message.entries);
        let effects = self.replica.accept(message, plan);
        self.perform(effects);
        Ok(reply)
    }

    fn flush(&mut self) {
        let fresh = self.replica.unflushed().to_vec();
        if fresh.is_empty() {
            return;
        }
        self.planted.stretches.pass_blocking(Point::Flush);
        mark_all(Stage::Begins, &fresh);
        self.commit(Change { entries: &fresh, ..Change::default() }, self.replica.committed());
        mark_all(Stage::Flushed, &fresh);
        let effects = self.replica.flushed();
        self.perform(effects);
    }

    /// Writes a change, and the commit mark with it (rule L2); the mark alone is no reason to write.
    fn commit(&mut self, mut change: Change<'_>, mark: OrderNo) {
        if change.is_nothing() {
            return;
        }
        change.committed = (mark > self.mark).then_some(mark);
        self.planted.stretches.pass_blocking(Point::Disk);
        if let Err(error) = self.store.commit(&change) {
            exit_on_disk_error("writing the order log", &self.store.explain(&error));
        }
        self.mark = self.mark.max(mark);
        self.has_written = true;
        self.meters.flushes.inc();
        if !change.entries.is_empty() {
            self.meters.batch_sizes.observe(change.entries.len() as f64);
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Store { epoch, bazaar } => {
                    let (accepted, bazaar) = (Some(epoch), bazaar.as_ref());
                    let change = Change { accepted, bazaar, ..Change::default() };
                    self.commit(change, self.replica.committed());
                }
                Effect::Lead(epoch) => {
                    tracing::info!(%epoch, "leading");
                    self.meters.takeovers.inc();
                    let effects = self.replica.lead(epoch);
                    self.perform(effects);
                }
                Effect::Answer(ticket, result) => {
                    let waiting = self.waiting.remove(&ticket);
                    let answer = waiting.map(|reply| PendingAnswer::Number(reply, result));
                    self.answers.extend(answer);
                }
                Effect::ChangeMembership(request) => {
                    tracing::info!(?request, "asking the front-end");
                    self.outbox.change_membership(request);
                }
                Effect::AskForProof(epoch, peer) => self.outbox.ask_for_proof(epoch, peer),
                Effect::List(request) => self.outbox.list(request),
                Effect::Fill(request) => self.outbox.fill(request),
            }
        }
    }

    /// Shows what has changed, then gives the answers that depend on it.
    fn release(&mut self) {
        self.publish();
        let answers: Vec<_> =
            self.answers.drain(..).map(|answer| answer.made(&self.replica)).collect();
        self.outbox.give(answers);
    }

    /// First the orders, then the status that says they are there.
    fn publish(&mut self) {
        let committed = self.replica.committed();
        let shown = self.committed.read().expect(NO_PANIC).len();
        let fresh =
            usize::try_from(self.replica.visible().0).unwrap_or(usize::MAX).saturating_sub(shown);
        if fresh > 0 {
            let entries = self.replica.log().after(OrderNo(shown as u64), fresh);
            let mut shown = Held::new(THREAD, self.committed.write());
            shown.extend_from_slice(entries);
        }
        let status = self.replica.status();
        self.meters.epoch.set(gauge(status.epoch.0));
        self.meters.committed.set(gauge(committed.0));
        let in_sync = status.configuration.as_ref().map_or(0, |known| known.in_sync.len());
        self.meters.in_sync.set(gauge(in_sync as u64));
        self.status.send_if_modified(|shown| {
            let changed = *shown != status;
            *shown = status;
            changed
        });
    }
}

/// Marks that all of these trades are at a stage.
fn mark_all(stage: Stage, entries: &[Arc<Entry>]) {
    if spans::are_kept() {
        entries.iter().for_each(|entry| spans::mark(stage, &entry.request_id));
    }
}

fn tell_of_list(epoch: Epoch, reply: &UnnumberedReply) {
    match reply {
        UnnumberedReply::Page { trades, last_place, .. } => {
            tracing::info!(%epoch, listed = trades.len(), %last_place, "the catalog listed trades");
        }
        other => tracing::warn!(%epoch, ?other, "the catalog lists nothing yet"),
    }
}

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The lock is only held to copy pointers.
pub(super) const NO_PANIC: &str = "nothing panics while it holds this lock";
