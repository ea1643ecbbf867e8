//! Calls to the catalog and to the front-end that ask for nothing: whether they can be reached.
//!
//! A leader makes them on its ticks, one at a time for each of the two, and its pings tell what came of
//! them (rule G1). A candidate makes them when it is asked to prove that it could lead.
//!
//! Trades that the catalog has given no outcome for wait for this prober's news of it (rule G3), and then
//! one of them goes first: only when it has an outcome do the others follow. *Otherwise: 1020 trades, whose
//! clients left long ago, ask a catalog that is down twenty times a second each.*

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use base::http::{Call, CallError, Peers, Reply};
use base::planted::{self, Bug, Bugs, Panics};
use base::process::{StateOwner, monotonic_us};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::{MissedTickBehavior, interval};
use wire::internal::{CatalogStatus, Part};

use super::actor::Input;
use super::backoff::{Backoff, LONGEST};
use super::reach::Reach;
use super::replica::Status;

/// Who is called, how, and where it is noted.
#[derive(Clone, Debug)]
pub(super) struct Prober {
    pub(super) peers: Peers,
    pub(super) catalog: SocketAddr,
    pub(super) front_end: SocketAddr,
    /// Between two calls to one of them, as long as nobody waits for news.
    pub(super) period: Duration,
    /// When a call has failed.
    pub(super) timeout: Duration,
    pub(super) reach: Reach,
    /// Whether this replica leads.
    pub(super) status: watch::Receiver<Status>,
    /// Where it is reported which process of the catalog answers (rule L6).
    pub(super) inputs: mpsc::WeakSender<Input>,
    pub(super) news: News,
    pub(super) panics: Panics,
}

/// Where trades wait until the catalog gives outcomes again. Copies share it.
#[derive(Clone, Debug, Default)]
pub(super) struct News(Arc<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    /// Somebody has begun to wait.
    wanted: Notify,
    /// One of those who wait is to try.
    one: Notify,
    /// All of them are.
    all: watch::Sender<()>,
}

impl News {
    /// Waits until it is this trade's turn to ask the catalog again.
    pub(super) async fn of_the_catalog(&self, bugs: Bugs) {
        if bugs.has(Bug::WaitApart) {
            return tokio::time::sleep(LONGEST).await;
        }
        let mut all = self.0.all.subscribe();
        self.0.wanted.notify_one();
        tokio::select! {
            _ = all.changed() => {}
            () = self.0.one.notified() => {}
        }
    }

    /// The catalog has given an outcome: anybody who waits may ask it.
    pub(super) fn catalog_decides(&self) {
        if self.is_awaited() {
            self.0.all.send_replace(());
        }
    }

    fn is_awaited(&self) -> bool {
        self.0.all.receiver_count() > 0
    }
}

impl Prober {
    /// Calls the catalog, for as long as it is polled.
    pub(super) async fn watch_catalog(self) {
        let _owner = StateOwner::new("the task that probes the catalog");
        self.panics.pass(planted::Part::CatalogProber);
        let mut period = interval(self.period);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut backoff = Backoff::default();
        loop {
            tokio::select! {
                _ = period.tick() => backoff = Backoff::default(),
                () = self.news.0.wanted.notified() => backoff.wait().await,
            }
            loop {
                if self.is_leading() {
                    if self.reaches(Part::Catalog).await && self.news.is_awaited() {
                        self.news.0.one.notify_one();
                    }
                } else {
                    self.reach.answered(Part::Catalog);
                }
                if !self.news.is_awaited() {
                    break;
                }
                backoff.wait().await;
            }
        }
    }

    /// Calls the front-end, for as long as it is polled.
    pub(super) async fn watch_front_end(self) {
        let _owner = StateOwner::new("the task that probes the front-end");
        self.panics.pass(planted::Part::FrontEndProber);
        let mut period = interval(self.period);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            period.tick().await;
            if self.is_leading() {
                self.reaches(Part::FrontEnd).await;
            } else {
                // What was true when it led last says nothing about the next time.
                self.reach.answered(Part::FrontEnd);
            }
        }
    }

    /// Whom of the two, whom a leader needs, this replica does not reach right now.
    pub(super) async fn missing(&self) -> Vec<Part> {
        let (catalog, front_end) =
            tokio::join!(self.answers(Part::Catalog), self.answers(Part::FrontEnd));
        let parts = [(Part::Catalog, catalog), (Part::FrontEnd, front_end)];
        parts.into_iter().filter(|(_, answers)| !answers).map(|(part, _)| part).collect()
    }

    fn is_leading(&self) -> bool {
        self.status.borrow().leading
    }

    async fn reaches(&self, part: Part) -> bool {
        let began_us = monotonic_us();
        let answers = self.answers(part).await;
        if answers {
            self.reach.answered(part);
        } else {
            self.reach.failed(part, began_us);
        }
        answers
    }

    /// Any answer will do: that it can be reached is all that is asked.
    async fn answers(&self, part: Part) -> bool {
        match self.call(part).await {
            Ok(reply) => {
                if part == Part::Catalog {
                    self.met(&reply);
                }
                true
            }
            Err(error) => {
                tracing::debug!(?part, %error, "no answer to a probe");
                false
            }
        }
    }

    /// L6: a process of the catalog that this leader has not listed applies nothing, so nobody would
    /// meet it in the answer to a trade.
    fn met(&self, reply: &Reply) {
        let Some(CatalogStatus { incarnation, .. }) = reply.json() else { return };
        let status = self.status.borrow();
        if status.leading && status.catalog.as_ref() != Some(&incarnation) {
            let met = Input::SawCatalog(status.epoch, incarnation);
            // If the queue is full, the next probe meets it again.
            let _ = self.inputs.upgrade().map(|inputs| inputs.try_send(met));
        }
    }

    async fn call(&self, part: Part) -> Result<Reply, CallError> {
        let (address, call) = match part {
            Part::Catalog => (self.catalog, Call::get("/ping")),
            Part::FrontEnd | Part::Replica(_) => (self.front_end, Call::get("/healthz")),
        };
        match self.peers.call(address, &call, self.timeout).await {
            // Idle connections close for good reasons (rule R9): look again.
            Err(CallError::Broken(_)) => self.peers.call(address, &call, self.timeout).await,
            result => result,
        }
    }
}
