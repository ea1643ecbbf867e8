//! The one thread that decides: it owns the ledger and the store.
//!
//! What has queued is decided in order and committed as one transaction (group commit), so
//! concurrent trades share the disk flush. Everything that is checked, epoch and request id
//! included, is checked inside that transaction (rule E1). The thread never waits for the
//! front-end: it hands each batch on and commits the next while the first is pushed.
//!
//! A job that was taken is decided and recorded, whether or not anybody waits for the answer. If
//! a commit fails the process ends: a ledger that is ahead of the disk must not answer.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;
use std::thread;

use prometheus::{Histogram, IntCounter, IntGauge};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use wire::bazaar::StockAt;
use wire::internal::{CatalogDump, Decision, TradeRecord, UnnumberedReply, UnnumberedRequest};

use super::ledger::{Ledger, Stale, Trade, Verdict, public};
use super::reveal;
use super::store::{self, Store};
use crate::metrics::Metrics;
use crate::process::exit_on_disk_error;

/// Jobs between being taken and being answered; bounds every queue on the way. Callers that
/// leave keep their places until their jobs are answered, so this is more than the server lets
/// in at once.
const MAX_JOBS: usize = 4096;
/// Jobs in one transaction: enough to make the flush's share of a trade small, few enough that
/// the first of them does not wait for long.
const MAX_BATCH: usize = 256;

/// What is asked of the writer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// Decide a trade.
    Trade(Trade),
    /// Begin an epoch and list what was applied.
    Unnumbered(UnnumberedRequest),
    /// Everything there is.
    Dump,
}

/// What the writer says.
#[derive(Clone, Debug, PartialEq)]
pub enum Told {
    /// The trade's record, be it new or a repeat.
    Decided(TradeRecord),
    /// The request id belongs to another trade.
    Conflict,
    /// The sender has been replaced.
    Stale(Stale),
    /// The list.
    Unnumbered(UnnumberedReply),
    /// Everything.
    Dump(CatalogDump),
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotTold {
    /// The job was not taken: nothing was changed and nothing will be.
    #[error("too much to do at the moment")]
    NotTaken,
    /// The job was taken, and the process is ending.
    #[error("stopping; the outcome will be known after the restart")]
    Stopping,
}

/// An answer on its way to whoever waits for it.
#[derive(Debug)]
pub struct Waiting {
    told: Told,
    asker: oneshot::Sender<Told>,
    _place: OwnedSemaphorePermit,
}

impl Waiting {
    /// Lets it go out.
    pub fn release(self) {
        // An asker that has left does not need its answer: it will ask again.
        let _ = self.asker.send(self.told);
    }
}

struct Job {
    ask: Ask,
    asker: oneshot::Sender<Told>,
    place: OwnedSemaphorePermit,
}

enum Message {
    Job(Job),
    Stop,
}

/// Where jobs are handed in.
#[derive(Clone, Debug)]
pub struct Desk {
    messages: mpsc::Sender<Message>,
    places: Arc<Semaphore>,
}

impl Desk {
    /// Hands in a job and waits for what the writer says, once it may be said.
    pub async fn ask(&self, ask: Ask) -> Result<Told, NotTold> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        let place = place.map_err(|_| NotTold::NotTaken)?;
        let (asker, answer) = oneshot::channel();
        let message = Message::Job(Job { ask, asker, place });
        self.messages.try_send(message).map_err(|_| NotTold::NotTaken)?;
        answer.await.map_err(|_| NotTold::Stopping)
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

    fn count(&self, told: &Told, is_new: bool) {
        let counter = match told {
            Told::Decided(_) if !is_new => &self.repeated,
            Told::Decided(record) if record.decision == Decision::Applied => &self.applied,
            Told::Decided(_) => &self.refused,
            Told::Conflict => &self.conflicting,
            Told::Stale(_) => &self.stale,
            Told::Unnumbered(_) | Told::Dump(_) => return,
        };
        counter.inc();
    }
}

/// A running writer.
#[derive(Debug)]
pub struct Writer {
    /// Where jobs are handed in.
    pub desk: Desk,
    /// What it committed, in order.
    pub batches: mpsc::Receiver<reveal::Batch<Waiting>>,
    /// Completes, with an error, when the thread has ended.
    pub ended: oneshot::Receiver<()>,
    /// The thread itself.
    pub thread: thread::JoinHandle<()>,
}

/// Starts the thread.
pub fn start(ledger: Ledger, store: Store, metrics: &Metrics) -> io::Result<Writer> {
    // One for each job, and one for the message to stop: neither channel is ever full.
    let (messages, inbox) = mpsc::channel(MAX_JOBS + 1);
    let (outbox, batches) = mpsc::channel(MAX_JOBS + 1);
    let (alive, ended) = oneshot::channel::<()>();
    let counters = Counters::new(metrics);
    let thread = thread::Builder::new().name("catalog-writer".to_owned()).spawn(move || {
        let _alive = alive;
        work(ledger, store, inbox, &outbox, &counters);
    })?;
    let desk = Desk { messages, places: Arc::new(Semaphore::new(MAX_JOBS)) };
    Ok(Writer { desk, batches, ended, thread })
}

fn work(
    mut ledger: Ledger,
    mut store: Store,
    mut inbox: mpsc::Receiver<Message>,
    outbox: &mpsc::Sender<reveal::Batch<Waiting>>,
    counters: &Counters,
) {
    counters.epoch.set(i64::try_from(ledger.epoch().0).unwrap_or(i64::MAX));
    loop {
        let (jobs, stopping) = gather(&mut inbox);
        if !jobs.is_empty() {
            let batch = commit(&mut ledger, &mut store, jobs, counters)
                .unwrap_or_else(|error| exit_on_disk_error("committing trades", &error));
            // Nobody reveals any more if the service is stopping; the answers go unsaid.
            let _ = outbox.blocking_send(batch);
        }
        if stopping {
            return;
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

/// Decides `jobs` in order, in one transaction.
fn commit(
    ledger: &mut Ledger,
    store: &mut Store,
    jobs: Vec<Job>,
    counters: &Counters,
) -> rusqlite::Result<reveal::Batch<Waiting>> {
    counters.batch_size.observe(jobs.len() as f64);
    let asks = jobs.iter().map(|job| &job.ask);
    let decided = decide(ledger, store, asks)?;
    if decided.wrote {
        counters.flushes.inc();
    }
    counters.epoch.set(i64::try_from(ledger.epoch().0).unwrap_or(i64::MAX));
    let waiting = jobs.into_iter().zip(decided.answers).map(|(job, (told, is_new))| {
        counters.count(&told, is_new);
        Waiting { told, asker: job.asker, _place: job.place }
    });
    Ok(reveal::Batch { changed: decided.changed, waiting: waiting.collect() })
}

/// A committed transaction.
#[derive(Debug)]
struct Decided {
    /// An answer for each question, and whether it is the first time that it is given.
    answers: Vec<(Told, bool)>,
    /// The stocks as they are now, if they changed.
    changed: Vec<StockAt>,
    /// Whether there was anything to flush.
    wrote: bool,
}

fn decide<'a>(
    ledger: &mut Ledger,
    store: &mut Store,
    asks: impl Iterator<Item = &'a Ask>,
) -> rusqlite::Result<Decided> {
    let epoch_before = ledger.epoch();
    let batch = store.batch()?;
    let mut answers = Vec::new();
    let mut changed = BTreeSet::new();
    for ask in asks {
        let answer = match ask {
            Ask::Trade(trade) => decide_trade(ledger, &batch, trade)?,
            Ask::Unnumbered(request) => (list(ledger, &batch, request)?, false),
            Ask::Dump => (dump(ledger, &batch)?, false),
        };
        if let (Told::Decided(TradeRecord { decision: Decision::Applied, stock_name, .. }), true) =
            &answer
        {
            changed.insert(stock_name.clone());
        }
        answers.push(answer);
    }
    let changed: Vec<_> = changed.iter().filter_map(|name| ledger.stock(name)).collect();
    for stock in &changed {
        batch.update(stock)?;
    }
    let epoch_rose = ledger.epoch() > epoch_before;
    if epoch_rose {
        batch.raise_epoch(ledger.epoch())?;
    }
    batch.commit()?;
    let wrote = epoch_rose || answers.iter().any(|(_, is_new)| *is_new);
    Ok(Decided { answers, changed: changed.into_iter().map(public).collect(), wrote })
}

fn decide_trade(
    ledger: &mut Ledger,
    batch: &store::Batch<'_>,
    trade: &Trade,
) -> rusqlite::Result<(Told, bool)> {
    let recorded = batch.find(&trade.request_id)?;
    Ok(match ledger.decide(trade, recorded) {
        Verdict::New(record) => {
            batch.record(&record)?;
            (Told::Decided(record), true)
        }
        Verdict::Repeat(record) => (Told::Decided(record), false),
        Verdict::Conflict => (Told::Conflict, false),
        Verdict::Stale(stale) => (Told::Stale(stale), false),
    })
}

/// The list is read after the fence and in its transaction: what an older epoch applied is in
/// it, and an older epoch applies nothing more.
fn list(
    ledger: &mut Ledger,
    batch: &store::Batch<'_>,
    request: &UnnumberedRequest,
) -> rusqlite::Result<Told> {
    Ok(match ledger.fence(request.epoch) {
        Err(stale) => Told::Stale(stale),
        Ok(()) => Told::Unnumbered(UnnumberedReply { trades: batch.applied_after(request.after)? }),
    })
}

fn dump(ledger: &Ledger, batch: &store::Batch<'_>) -> rusqlite::Result<Told> {
    Ok(Told::Dump(CatalogDump {
        epoch: ledger.epoch(),
        stocks: ledger.stocks().cloned().collect(),
        trades: batch.trades()?,
    }))
}

#[cfg(test)]
mod tests {
    use wire::bazaar::{CatalogTrade, Quantity, TradeType};
    use wire::ids::{AppliedSeq, Epoch, RequestId};

    use super::*;
    use crate::catalog::stock_file;
    use crate::planted::Bugs;
    use crate::storage::Durability;

    fn buy(id: &str, epoch: u64, quantity: u64) -> Ask {
        Ask::Trade(Trade {
            request_id: RequestId::new(id).unwrap(),
            epoch: Some(Epoch(epoch)),
            body: CatalogTrade {
                stock_name: "Stock1".to_owned(),
                trade_type: TradeType::Buy,
                quantity: Quantity::new(quantity).unwrap(),
            },
        })
    }

    fn unnumbered(epoch: u64) -> Ask {
        Ask::Unnumbered(UnnumberedRequest { epoch: Epoch(epoch), after: AppliedSeq(0) })
    }

    struct Catalog {
        ledger: Ledger,
        store: Store,
        _dir: tempfile::TempDir,
    }

    impl Catalog {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let mut store = Store::open(dir.path(), Durability::Flush, Bugs::default()).unwrap();
            let ledger = store.seed(stock_file::read(None, 100).unwrap()).unwrap();
            Self { ledger, store, _dir: dir }
        }

        fn batch(&mut self, asks: &[Ask]) -> Decided {
            decide(&mut self.ledger, &mut self.store, asks.iter()).unwrap()
        }
    }

    fn ids(told: &Told) -> Vec<&str> {
        match told {
            Told::Unnumbered(reply) => {
                reply.trades.iter().map(|trade| trade.request_id.as_str()).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn an_old_leaders_trade_behind_the_new_ones_list_request_is_refused_in_the_same_batch() {
        let mut catalog = Catalog::new();
        let decided =
            catalog.batch(&[buy("before", 1, 1), unnumbered(2), buy("after", 1, 1), unnumbered(2)]);
        let told: Vec<&Told> = decided.answers.iter().map(|(told, _)| told).collect();
        assert_eq!(ids(told[1]), ["before"]);
        assert_eq!(told[2], &Told::Stale(Stale { seen: Epoch(2), recorded: false }));
        assert_eq!(ids(told[3]), ["before"]);
        assert_eq!(catalog.store.load().unwrap().as_ref(), Some(&catalog.ledger));
        assert_eq!(catalog.ledger.stock("Stock1").unwrap().quantity, 99);
    }

    #[test]
    fn a_fence_is_on_disk_even_if_nothing_else_is_written() {
        let mut catalog = Catalog::new();
        assert!(catalog.batch(&[unnumbered(7)]).wrote);
        assert_eq!(catalog.store.load().unwrap().unwrap().epoch(), Epoch(7));
        assert!(!catalog.batch(&[unnumbered(7)]).wrote);
        let decided = catalog.batch(&[unnumbered(6)]);
        assert!(matches!(decided.answers[0].0, Told::Stale(Stale { seen: Epoch(7), .. })));
    }

    #[test]
    fn an_id_that_comes_twice_in_a_batch_is_decided_once() {
        let mut catalog = Catalog::new();
        let decided = catalog.batch(&[buy("1", 1, 10), buy("1", 1, 10), buy("1", 1, 11)]);
        assert_eq!(decided.answers[0].0, decided.answers[1].0);
        assert_eq!(decided.answers[2].0, Told::Conflict);
        assert_eq!(decided.changed.len(), 1);
        assert_eq!(decided.changed[0].stock.quantity, 90);
    }

    #[test]
    fn a_batch_that_only_repeats_changes_and_flushes_nothing() {
        let mut catalog = Catalog::new();
        let first = catalog.batch(&[buy("1", 1, 10), buy("2", 1, 91)]);
        let again = catalog.batch(&[buy("1", 1, 10), buy("2", 1, 91)]);
        assert!(first.wrote && !again.wrote);
        assert!(again.changed.is_empty());
        for (first, again) in first.answers.iter().zip(&again.answers) {
            assert_eq!(first.0, again.0);
        }
    }

    #[test]
    fn a_dump_holds_every_decision_and_every_stock() {
        let mut catalog = Catalog::new();
        let decided = catalog.batch(&[buy("1", 1, 10), buy("2", 1, 91), Ask::Dump]);
        let Told::Dump(dump) = &decided.answers[2].0 else { panic!("{decided:?}") };
        assert_eq!((dump.epoch, dump.stocks.len(), dump.trades.len()), (Epoch(1), 10, 2));
        assert_eq!(dump.trades[1].decision, Decision::Failed);
        assert_eq!(dump.stocks[0].quantity, 90);
    }
}
