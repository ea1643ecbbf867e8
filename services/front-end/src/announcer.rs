//! Tells the catalog the current configuration, and keeps what the catalog says about itself.
//!
//! A catalog that was restarted applies nothing until it has been told the current epoch (rule L6), and
//! one takes no epoch from a leader that it has not been told of (S2). So it is told at each change, and
//! again as soon as another process of it answers; in between it is asked how it is, which costs it
//! no more than an answer to a ping.
//!
//! What it says tells the front-end which epoch to begin above (L5), and whether its file is new (L7).

use std::net::SocketAddr;
use std::time::Duration;

use base::http::{Call, Peers};
use base::planted::{Panics, Part};
use base::process::StateOwner;
use hyper::StatusCode;
use tokio::sync::watch;
use wire::bazaar::ErrorBody;
use wire::configuration::Configuration;
use wire::ids::{ConfigVersion, Epoch, Incarnation};
use wire::internal::CatalogStatus;

use super::membership::Current;

/// How long the catalog may take to put an epoch on its disk.
const TELL_TIMEOUT: Duration = Duration::from_secs(2);

/// Tells the catalog.
#[derive(Debug)]
pub struct Announcer {
    peers: Peers,
    catalog: SocketAddr,
    period: Duration,
    timeout: Duration,
    heard: watch::Sender<Option<CatalogStatus>>,
    told: Option<Told>,
    refusal: Option<String>,
    panics: Panics,
}

/// Whom was told what.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    incarnation: Incarnation,
    age: (Epoch, ConfigVersion),
}

impl Announcer {
    /// One that has told nothing yet, and where it says what the catalog said last: `None` while it
    /// does not answer.
    #[must_use]
    pub fn new(
        peers: Peers,
        catalog: SocketAddr,
        period: Duration,
        timeout: Duration,
        panics: Panics,
    ) -> (Self, watch::Receiver<Option<CatalogStatus>>) {
        let (heard, status) = watch::channel(None);
        let (told, refusal) = (None, None);
        (Self { peers, catalog, period, timeout, heard, told, refusal, panics }, status)
    }

    /// Goes on until the front-end ends.
    pub async fn run(mut self, mut current: watch::Receiver<Current>) {
        let _owner = StateOwner::new("the task that tells the catalog");
        self.panics.pass(Part::Announcer);
        loop {
            let configuration = current.borrow_and_update().configuration.clone();
            self.look(configuration.as_deref()).await;
            tokio::select! {
                changed = current.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(self.period) => {}
            }
        }
    }

    /// Asks the catalog how it is, and tells it what it does not know.
    async fn look(&mut self, configuration: Option<&Configuration>) {
        let mut status = self.call(&Call::get("/ping"), self.timeout).await;
        if let (Some(configuration), Some(seen)) = (configuration, &status) {
            let told = Told { incarnation: seen.incarnation.clone(), age: configuration.age() };
            if self.told.as_ref() != Some(&told) {
                let call = Call::post("/configuration", configuration);
                if let Some(heard) = self.call(&call, TELL_TIMEOUT).await {
                    // Another process may have answered than was asked; then it is told again.
                    self.told = (heard.incarnation == told.incarnation).then_some(told);
                    status = Some(heard);
                }
            }
        }
        self.heard.send_if_modified(|known| {
            let is_news = *known != status;
            *known = status;
            is_news
        });
    }

    async fn call(&mut self, call: &Call, timeout: Duration) -> Option<CatalogStatus> {
        let reply = self.peers.call(self.catalog, call, timeout).await.ok()?;
        if reply.status == StatusCode::OK {
            self.refusal = None;
            return reply.json();
        }
        let refusal = reply.json::<ErrorBody>().map(|body| body.error.message);
        if reply.status == StatusCode::CONFLICT && refusal != self.refusal {
            let reason = refusal.as_deref().unwrap_or_default();
            tracing::error!(reason, "the catalog refuses this front-end's configuration");
            self.refusal = refusal;
        }
        None
    }
}
