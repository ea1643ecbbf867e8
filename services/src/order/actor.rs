//! The one thread that owns a replica's state machine and its disk.
//!
//! Everything that changes a replica passes through its queue, so numbers are assigned by one
//! writer (R8). It takes whatever has queued, numbers it, hands the messages to the network, and
//! only then flushes its own disk: leader and followers flush at the same time, and a batch
//! shares the flush.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};
use std::thread;

use anyhow::Context;
use prometheus::{Histogram, IntCounter, IntGauge};
use tokio::sync::{mpsc, oneshot, watch};
use wire::configuration::Configuration;
use wire::ids::{Epoch, OrderNo, ReplicaId};
use wire::internal::{Append, AppendReply, AppliedTrade, Entry, OrderDump};

use super::log::{Contradiction, Plan};
use super::outbox::Outbox;
use super::replica::{Effect, Reception, Replaced, Replica, Ticket};
use super::store::{Change, Store};
use crate::metrics::Metrics;
use crate::planted::{Bug, Planted, Point};
use crate::process::exit_on_disk_error;

/// Inputs that wait for the thread; more than there are places for requests at the server.
const MAX_QUEUED: usize = 8192;
/// Inputs that are taken before the disk is flushed.
const MAX_BATCH: usize = 512;

/// What can happen to a replica.
#[derive(Debug)]
pub(super) enum Input {
    /// Time has passed.
    Tick,
    /// The front-end announced a configuration.
    Heard(Configuration),
    /// A leader's message arrived.
    Append(Append, oneshot::Sender<Result<AppendReply, Contradiction>>),
    /// A trade was applied in an epoch and needs its number.
    Number(Epoch, AppliedTrade, oneshot::Sender<Result<OrderNo, Replaced>>),
    /// A follower answered a message, or did not (`None`).
    PeerAnswered(Epoch, ReplicaId, Option<AppendReply>),
    /// Somebody was seen to have accepted this epoch.
    SawEpoch(Epoch),
    /// The front-end answered a request to change the in-sync set, or did not.
    MembershipAnswered(Epoch, Option<Configuration>),
    /// The catalog listed applied trades.
    Listed(Epoch, Vec<AppliedTrade>),
    /// Somebody wants to see everything.
    Dump(oneshot::Sender<OrderDump>),
    /// The process ends.
    Stop,
}

/// What everybody may know about a replica at any time, without asking its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Status {
    /// The newest epoch on its disk.
    pub(super) epoch: Epoch,
    /// Whether this process leads that epoch.
    pub(super) leading: bool,
    /// Whether it answers trades in it.
    pub(super) serving: bool,
    /// The last number in its log.
    pub(super) last_order_no: OrderNo,
    /// The newest configuration it heard of.
    pub(super) configuration: Option<Configuration>,
}

/// Committed orders, in the order of their numbers, for whoever looks one up.
pub(super) type CommittedOrders = Arc<RwLock<Vec<Arc<Entry>>>>;

/// The way to a replica's thread.
#[derive(Clone, Debug)]
pub(super) struct Handle {
    /// Its queue.
    pub(super) inputs: mpsc::Sender<Input>,
    /// What it last said about itself.
    pub(super) status: watch::Receiver<Status>,
    /// What may be shown.
    pub(super) committed: CommittedOrders,
}

struct Actor {
    replica: Replica,
    store: Store,
    inputs: mpsc::Receiver<Input>,
    outbox: Outbox,
    waiting: HashMap<Ticket, oneshot::Sender<Result<OrderNo, Replaced>>>,
    next_ticket: Ticket,
    answers: Vec<PendingAnswer>,
    status: watch::Sender<Status>,
    committed: CommittedOrders,
    planted: Planted,
    meters: Meters,
}

/// An answer that is given once what it depends on can be seen by everybody: whoever is told a
/// number may look the order up at once.
enum PendingAnswer {
    Number(oneshot::Sender<Result<OrderNo, Replaced>>, Result<OrderNo, Replaced>),
    Dump(oneshot::Sender<OrderDump>),
}

struct Meters {
    batch_sizes: Histogram,
    flushes: IntCounter,
    epoch: IntGauge,
    in_sync: IntGauge,
    committed: IntGauge,
    takeovers: IntCounter,
}

impl Meters {
    fn new(metrics: &Metrics) -> Self {
        Self {
            batch_sizes: metrics
                .batch_sizes("order_batch_size", "Orders that shared one flush of the disk."),
            flushes: metrics.counter("order_flushes_total", "Transactions committed."),
            epoch: metrics.gauge("order_epoch", "The newest epoch on this replica's disk."),
            in_sync: metrics.gauge("order_in_sync", "In-sync replicas, as last heard."),
            committed: metrics.gauge("order_committed", "The last committed order number."),
            takeovers: metrics.counter("order_takeovers_total", "Epochs begun as their leader."),
        }
    }
}

/// Starts the thread of a replica whose disk is open.
///
/// # Errors
/// If the disk's content breaks an invariant, or the thread cannot be started.
pub(super) fn start(
    id: ReplicaId,
    others: Vec<ReplicaId>,
    store: Store,
    planted: Planted,
    metrics: &Metrics,
    outbox: impl FnOnce(mpsc::WeakSender<Input>, watch::Receiver<Status>) -> Outbox,
) -> anyhow::Result<(Handle, thread::JoinHandle<()>)> {
    let (epoch, log) = store.load().context("cannot read the order log")?;
    let replica = Replica::new(id, others, epoch, log).with_bugs(planted.bugs);
    let (queue, inputs) = mpsc::channel(MAX_QUEUED);
    let (status, status_seen) = watch::channel(status_of(&replica));
    let committed = CommittedOrders::default();
    let handle = Handle { inputs: queue, status: status_seen, committed: Arc::clone(&committed) };
    let actor = Actor {
        replica,
        store,
        inputs,
        // A strong sender in here would keep the queue open, and the thread alive, forever.
        outbox: outbox(handle.inputs.downgrade(), handle.status.clone()),
        waiting: HashMap::new(),
        next_ticket: 0,
        answers: Vec::new(),
        status,
        committed,
        planted,
        meters: Meters::new(metrics),
    };
    let thread = thread::Builder::new()
        .name(format!("order-{id}"))
        .spawn(move || actor.run())
        .context("cannot start the replica's thread")?;
    Ok((handle, thread))
}

fn status_of(replica: &Replica) -> Status {
    Status {
        epoch: replica.accepted(),
        leading: replica.is_leading(),
        serving: replica.is_serving(),
        last_order_no: replica.log().last().order_no,
        configuration: replica.configuration().cloned(),
    }
}

impl Actor {
    fn run(mut self) {
        self.publish();
        while let Some(input) = self.inputs.blocking_recv() {
            let mut tick = false;
            let mut next = Some(input);
            let mut taken = 0;
            while let Some(input) = next {
                match input {
                    Input::Stop => return,
                    Input::Tick => tick = true,
                    input => self.take(input),
                }
                taken += 1;
                next = if taken < MAX_BATCH { self.inputs.try_recv().ok() } else { None };
            }
            for (to, message) in self.replica.outgoing(tick) {
                self.outbox.append(to, message);
            }
            // What the inputs completed need not wait for the flush of what they began.
            self.release();
            self.flush();
            self.release();
        }
    }

    fn take(&mut self, input: Input) {
        let effects = match input {
            Input::Tick | Input::Stop => Vec::new(),
            Input::Heard(configuration) => self.replica.hear(configuration),
            Input::Append(message, reply) => {
                let answer = self.receive(&message);
                if let Err(contradiction) = &answer {
                    tracing::error!(%contradiction, leader = %message.leader, "refused a message");
                }
                // Whoever sent it may have left; the message has had its effect all the same.
                let _ = reply.send(answer);
                Vec::new()
            }
            Input::Number(epoch, trade, reply) => {
                let ticket = self.next_ticket;
                self.next_ticket += 1;
                self.waiting.insert(ticket, reply);
                self.replica.number(epoch, &trade, Some(ticket))
            }
            Input::PeerAnswered(epoch, peer, answer) => match answer {
                None => self.replica.peer_failed(epoch, peer),
                Some(AppendReply::Accepted { matched }) => {
                    self.replica.peer_accepted(epoch, peer, matched)
                }
                Some(AppendReply::Mismatch { try_after }) => {
                    self.replica.peer_mismatched(epoch, peer, try_after)
                }
                Some(AppendReply::Stale { accepted }) => self.replica.saw_epoch(accepted),
            },
            Input::SawEpoch(epoch) => self.replica.saw_epoch(epoch),
            Input::MembershipAnswered(epoch, answer) => {
                self.replica.membership_answered(epoch, answer)
            }
            Input::Listed(epoch, trades) => {
                tracing::info!(%epoch, listed = trades.len(), "the catalog listed applied trades");
                self.replica.listed(epoch, &trades)
            }
            Input::Dump(reply) => {
                self.answers.push(PendingAnswer::Dump(reply));
                Vec::new()
            }
        };
        self.perform(effects);
    }

    fn receive(&mut self, message: &Append) -> Result<AppendReply, Contradiction> {
        let plan = match self.replica.receive(message)? {
            Reception::Stale(accepted) => return Ok(AppendReply::Stale { accepted }),
            Reception::Plan(plan) => plan,
        };
        let accepted = self.replica.epoch_to_store(message.epoch);
        let last = self.replica.log().last().order_no;
        let (keep, entries, reply) = match &plan {
            Plan::Mismatch { try_after } => {
                (None, &[][..], AppendReply::Mismatch { try_after: *try_after })
            }
            Plan::Change { keep, entries, matched } => (
                (*keep < last).then_some(*keep),
                entries.as_slice(),
                AppendReply::Accepted { matched: *matched },
            ),
        };
        if let Some(keep) = keep {
            tracing::warn!(after = %keep, through = %last, "dropping what was never committed");
        }
        self.commit(accepted, keep, entries);
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
        self.commit(None, None, &fresh);
        let effects = self.replica.flushed();
        self.perform(effects);
    }

    fn commit(&mut self, accepted: Option<Epoch>, keep: Option<OrderNo>, entries: &[Arc<Entry>]) {
        if accepted.is_none() && keep.is_none() && entries.is_empty() {
            return;
        }
        if let Err(error) = self.store.commit(&Change { accepted, keep, entries }) {
            exit_on_disk_error("writing the order log", &error);
        }
        self.meters.flushes.inc();
        if !entries.is_empty() {
            self.meters.batch_sizes.observe(entries.len() as f64);
        }
    }

    fn perform(&mut self, effects: Vec<Effect>) {
        for effect in effects {
            match effect {
                Effect::Lead(epoch) => {
                    tracing::info!(%epoch, "leading");
                    self.meters.takeovers.inc();
                    self.commit(self.replica.epoch_to_store(epoch), None, &[]);
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
                Effect::ListUnnumbered(epoch, after) => self.outbox.list_unnumbered(epoch, after),
            }
        }
    }

    fn dump(&self) -> OrderDump {
        let log = self.replica.log();
        OrderDump {
            id: self.outbox.id(),
            accepted_epoch: self.replica.accepted(),
            committed: self.replica.committed(),
            entries: log
                .after(OrderNo(0), usize::MAX >> 1)
                .iter()
                .map(|e| Entry::clone(e))
                .collect(),
        }
    }

    /// Shows what has changed, then gives the answers that depend on it.
    fn release(&mut self) {
        self.publish();
        for answer in std::mem::take(&mut self.answers) {
            // Whoever waited may have left; the number stays.
            match answer {
                PendingAnswer::Number(reply, result) => drop(reply.send(result)),
                PendingAnswer::Dump(reply) => drop(reply.send(self.dump())),
            }
        }
    }

    /// First the orders, then the status that says they are there.
    fn publish(&mut self) {
        let committed = self.replica.committed();
        let visible = if self.planted.bugs.has(Bug::ServeUncommitted) {
            self.replica.log().last().order_no
        } else {
            committed
        };
        let shown = self.committed.read().expect(NO_PANIC).len();
        let fresh = usize::try_from(visible.0).unwrap_or(usize::MAX).saturating_sub(shown);
        if fresh > 0 {
            let entries = self.replica.log().after(OrderNo(shown as u64), fresh);
            self.committed.write().expect(NO_PANIC).extend_from_slice(entries);
        }
        let status = status_of(&self.replica);
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

fn gauge(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}

/// The lock is only held to copy pointers.
pub(super) const NO_PANIC: &str = "nothing panics while it holds this lock";
