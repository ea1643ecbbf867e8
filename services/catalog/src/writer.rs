//! The one thread that decides: it owns the ledger and the store.
//!
//! What has queued is decided in order and committed as one transaction (group commit, see
//! [`step`](super::step)), so concurrent trades share the disk flush. The thread never waits for the
//! front-end: it hands each batch on and commits the next while the first is pushed.
//!
//! A job that was taken is decided and recorded, whether or not anybody waits for the answer. If
//! a commit fails the process ends: a ledger that is ahead of the disk must not answer.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;
use std::thread;

use base::metrics::Metrics;
use base::planted::{Panics, Part};
use base::process::{StateOwner, exit_on_disk_error};
use base::spans::{self, Stage};
use prometheus::{Histogram, IntCounter, IntGauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot, watch};
use wire::configuration::Configuration;
use wire::dump::CatalogPage;
use wire::ids::{Epoch, Incarnation};
use wire::internal::{
    CatalogStatus, Decision, FillReply, FillRequest, TradeRecord, UnnumberedReply,
    UnnumberedRequest, VersionedStock,
};

use super::admission::OtherBazaar;
use super::ledger::{Stale, Trade};
use super::step::{Decided, State, decide};
use super::visibility;

/// Jobs between being taken and being answered; bounds every queue on the way. Callers that
/// leave keep their places until their jobs are answered, so this is more than the server lets
/// in at once.
const MAX_JOBS: usize = 4096;
/// Jobs in one transaction: enough to make the flush's share of a trade small, few enough that
/// the first of them does not wait for long.
const MAX_BATCH: usize = 256;

/// What is asked of the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum WriterRequest {
    /// Decide a trade, if this is the process that its leader has listed.
    Trade(Trade, Option<Incarnation>),
    /// Hear of the current configuration.
    Configuration(Configuration),
    /// List what was applied, for the leader of an epoch.
    Unnumbered(UnnumberedRequest),
    /// Take what this catalog lacks from the leader's log.
    Fill(FillRequest),
    /// A page of everything there is.
    Dump(PageRequest),
    /// Go on from these versions.
    Raise(Vec<VersionedStock>),
}

/// Which page of a dump is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PageRequest {
    /// After which position.
    pub after: u64,
    /// At most so many decisions.
    pub limit: usize,
    /// Where the dump ends: what its first page said; nothing for the first page.
    pub through: Option<u64>,
}

/// What the writer says.
#[derive(Clone, Debug, PartialEq)]
pub enum WriterResponse {
    /// The trade's record, be it new or a repeat.
    Decided(TradeRecord),
    /// The request id belongs to another trade.
    Conflict,
    /// The sender has been replaced.
    Stale(Stale),
    /// This process may not be used yet, or not by this sender. Nothing was changed.
    Closed(&'static str),
    /// The file belongs to another bazaar.
    OtherBazaar(OtherBazaar),
    /// The configuration has been heard.
    Heard,
    /// The list.
    Unnumbered(UnnumberedReply),
    /// What came of a fill.
    Filled(FillReply),
    /// A page.
    Page(CatalogPage),
    /// The dump that the page belongs to can no longer be had.
    Changed,
    /// The versions are at least what was asked for.
    Raised,
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Rejected {
    /// The job was not taken: nothing was changed and nothing will be.
    #[error("too much to do at the moment")]
    NotTaken,
    /// The job was taken, and the process is ending.
    #[error("stopping; the outcome will be known after the restart")]
    Stopping,
}

/// An answer on its way to the caller.
#[derive(Debug)]
pub struct Waiting {
    told: WriterResponse,
    asker: oneshot::Sender<WriterResponse>,
    _place: OwnedSemaphorePermit,
}

impl Waiting {
    /// Lets it go out.
    pub fn release(self) {
        if let WriterResponse::Decided(record) = &self.told {
            spans::mark(Stage::FrontEndTold, &record.request_id);
        }
        // An asker that has left does not need its answer: it will ask again.
        let _ = self.asker.send(self.told);
    }
}

struct Job {
    ask: WriterRequest,
    asker: oneshot::Sender<WriterResponse>,
    place: OwnedSemaphorePermit,
}

enum Message {
    Job(Job),
    Stop,
}

/// Where jobs are handed in.
#[derive(Clone, Debug)]
pub struct WriterHandle {
    messages: mpsc::Sender<Message>,
    places: Arc<Semaphore>,
}

impl WriterHandle {
    /// Hands in a job and waits for what the writer says, once it may be said.
    pub async fn ask(&self, ask: WriterRequest) -> Result<WriterResponse, Rejected> {
        if let WriterRequest::Trade(trade, _) = &ask {
            spans::mark(Stage::Received, &trade.request_id);
        }
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| Rejected::NotTaken)?;
        let (asker, answer) = oneshot::channel();
        let message = Message::Job(Job { ask, asker, place });
        self.messages.try_send(message).map_err(|_| Rejected::NotTaken)?;
        answer.await.map_err(|_| Rejected::Stopping)
    }

    /// Hands in a job and waits for nothing: what comes of it is seen elsewhere. Says whether it was
    /// taken.
    #[must_use]
    pub fn hand_in(&self, ask: WriterRequest) -> bool {
        let Ok(place) = Arc::clone(&self.places).try_acquire_owned() else { return false };
        let (asker, _) = oneshot::channel();
        self.messages.try_send(Message::Job(Job { ask, asker, place })).is_ok()
    }

    /// Has the writer end after what it has been handed so far.
    pub async fn stop(&self) {
        // If it has ended already there is nobody to tell.
        let _ = self.messages.send(Message::Stop).await;
    }
}

/// What the writer counts.
#[derive(Clone, Debug)]
struct Counters {
    applied: IntCounter,
    refused: IntCounter,
    repeated: IntCounter,
    conflicting: IntCounter,
    stale: IntCounter,
    batch_size: Histogram,
    flushes: IntCounter,
    epoch: IntGauge,
}

impl Counters {
    fn new(metrics: &Metrics) -> Self {
        let counter = |name, help| metrics.counter(name, help);
        Self {
            applied: counter("catalog_trades_applied_total", "Trades applied."),
            refused: counter("catalog_trades_refused_total", "Trades refused and recorded."),
            repeated: counter("catalog_trades_repeated_total", "Trades decided before."),
            conflicting: counter(
                "catalog_trades_conflicting_total",
                "Trades under another trade's request id.",
            ),
            stale: counter("catalog_stale_messages_total", "Messages from an epoch that is over."),
            batch_size: metrics.batch_sizes("catalog_batch_size", "Requests per transaction."),
            flushes: counter("catalog_flushes_total", "Transactions that wrote something."),
            epoch: metrics.gauge("catalog_epoch", "The highest epoch seen."),
        }
    }

    fn count(&self, told: &WriterResponse, is_new: bool) {
        let counter = match told {
            WriterResponse::Decided(_) if !is_new => &self.repeated,
            WriterResponse::Decided(record) if record.decision == Decision::Applied => {
                &self.applied
            }
            WriterResponse::Decided(_) => &self.refused,
            WriterResponse::Conflict => &self.conflicting,
            WriterResponse::Stale(_) => &self.stale,
            _ => return,
        };
        counter.inc();
    }
}

/// What everybody may know about the catalog at any time, without asking its thread.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Status {
    /// What the front-end and leaders are told. Open, as far as the writer is concerned.
    pub catalog: CatalogStatus,
    /// The newest epoch that the front-end has told this process.
    pub told: Option<Epoch>,
    /// What is waited for while it is not open.
    pub waits_for: Cow<'static, str>,
}

/// A running writer.
#[derive(Debug)]
pub struct Writer {
    /// What it last committed about itself.
    pub status: watch::Receiver<Status>,
    /// Where jobs are handed in.
    pub writer: WriterHandle,
    /// What it committed, in order.
    pub batches: mpsc::Receiver<visibility::Batch<Waiting>>,
    /// Completes, with an error, when the thread has ended.
    pub ended: oneshot::Receiver<()>,
    /// The thread itself.
    pub thread: thread::JoinHandle<()>,
}

/// Starts the thread.
pub fn start(state: State, panics: Panics, metrics: &Metrics) -> io::Result<Writer> {
    // One for each job, and one for the message to stop: neither channel is ever full.
    let (messages, inbox) = mpsc::channel(MAX_JOBS + 1);
    let (outbox, batches) = mpsc::channel(MAX_JOBS + 1);
    let (alive, ended) = oneshot::channel::<()>();
    let (told, status) = watch::channel(state.status());
    let counters = Counters::new(metrics);
    let thread = thread::Builder::new().name("catalog-writer".to_owned()).spawn(move || {
        let _alive = alive;
        let _owner = StateOwner::new("the thread that decides trades");
        panics.pass(Part::CatalogWriter);
        work(state, inbox, &outbox, &told, &counters);
    })?;
    let writer = WriterHandle { messages, places: Arc::new(Semaphore::new(MAX_JOBS)) };
    Ok(Writer { status, writer, batches, ended, thread })
}

fn work(
    mut state: State,
    mut inbox: mpsc::Receiver<Message>,
    outbox: &mpsc::Sender<visibility::Batch<Waiting>>,
    status: &watch::Sender<Status>,
    counters: &Counters,
) {
    counters.epoch.set(i64::try_from(state.ledger.epoch().0).unwrap_or(i64::MAX));
    loop {
        let (jobs, stopping) = gather(&mut inbox);
        if !jobs.is_empty() {
            mark_all(Stage::Begins, &jobs);
            let decided = decide(&mut state, jobs.iter().map(|job| &job.ask));
            let decided = decided.unwrap_or_else(|error| {
                exit_on_disk_error("committing trades", &state.store.explain(&error))
            });
            mark_all(Stage::Flushed, &jobs);
            // Anybody who is answered finds the status as new as the answer.
            status.send_replace(state.status());
            let batch = hand_on(jobs, decided, state.ledger.epoch(), counters);
            // Nobody reveals any more if the service is stopping; the answers go unsaid.
            let _ = outbox.blocking_send(batch);
        }
        if stopping {
            return;
        }
    }
}

/// Marks that all trades among these jobs are at a stage.
fn mark_all(stage: Stage, jobs: &[Job]) {
    if !spans::are_kept() {
        return;
    }
    for job in jobs {
        if let WriterRequest::Trade(trade, _) = &job.ask {
            spans::mark(stage, &trade.request_id);
        }
    }
}

/// Waits for a job and takes what has queued behind it; also says whether to stop after these.
fn gather(inbox: &mut mpsc::Receiver<Message>) -> (Vec<Job>, bool) {
    let mut jobs = Vec::new();
    let mut next = inbox.blocking_recv();
    while let Some(Message::Job(job)) = next {
        jobs.push(job);
        if jobs.len() == MAX_BATCH {
            return (jobs, false);
        }
        match inbox.try_recv() {
            Ok(message) => next = Some(message),
            Err(_) => return (jobs, false),
        }
    }
    (jobs, true)
}

/// Counts what was decided, and sorts the answers: what reveals nothing goes out at once, so that the
/// front-end hears that the catalog has heard while the catalog still waits for the front-end.
fn hand_on(
    jobs: Vec<Job>,
    decided: Decided,
    epoch: Epoch,
    counters: &Counters,
) -> visibility::Batch<Waiting> {
    counters.batch_size.observe(jobs.len() as f64);
    if decided.wrote {
        counters.flushes.inc();
    }
    counters.epoch.set(i64::try_from(epoch.0).unwrap_or(i64::MAX));
    let mut waiting = Vec::new();
    for (job, (told, is_new)) in jobs.into_iter().zip(decided.answers) {
        counters.count(&told, is_new);
        let reveals_nothing = matches!(
            told,
            WriterResponse::Heard
                | WriterResponse::OtherBazaar(_)
                | WriterResponse::Closed(_)
                | WriterResponse::Raised
        );
        let answer = Waiting { told, asker: job.asker, _place: job.place };
        if reveals_nothing {
            answer.release();
        } else {
            waiting.push(answer);
        }
    }
    visibility::Batch { changed: decided.changed, waiting }
}
