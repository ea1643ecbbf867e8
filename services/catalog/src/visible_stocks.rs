//! What queries see, shared between those who ask and the pusher.
//!
//! One lock over one [`Visibility`]: fills are answered, and pushes begin and end, under it, which is
//! what rule C3b needs. Nobody holds it across a call.

use std::sync::{Mutex, MutexGuard};
use std::time::Duration;

use base::planted::Bugs;
use base::process::Held;
use tokio::sync::watch;
use wire::bazaar::StockAt;
use wire::ids::StockVersion;

use super::visibility::{Batch, Look, Pushed, Step, Visibility};

/// How long a fill waits for the version it asks for. The version exists, and the push that it
/// waits for is under way; a front-end that lives acknowledges within milliseconds.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// What may be seen, and a bell that rings when that changes.
#[derive(Debug)]
pub struct VisibleStocks<W> {
    visibility: Mutex<Visibility<W>>,
    changes: watch::Sender<()>,
}

impl<W> VisibleStocks<W> {
    /// Shows nothing until the pusher has told of every version.
    pub fn new(stocks: impl IntoIterator<Item = StockAt>, bugs: Bugs) -> Self {
        let visibility = Visibility::new(stocks).with_bugs(bugs);
        Self { visibility: Mutex::new(visibility), changes: watch::Sender::new(()) }
    }

    /// Whether anything may be shown.
    pub fn is_open(&self) -> bool {
        self.lock().is_open()
    }

    /// A query by somebody who keeps nothing.
    pub fn query(&self, name: &str) -> Look {
        self.lock().query(name)
    }

    /// A query as it is answered at this moment: for a cache if it says which version it needs.
    pub fn look(&self, name: &str, least: Option<StockVersion>) -> Look {
        match least {
            None => self.query(name),
            Some(least) => self.lock().fill(name, least),
        }
    }

    /// A query for a cache, which waits, within a bound, for the version that it needs. If there never
    /// was one, `raise` is called once with the one to go on from (rule L8).
    pub async fn fill(
        &self,
        name: &str,
        least: StockVersion,
        raise: impl FnOnce(StockVersion),
    ) -> Look {
        let mut changes = self.changes.subscribe();
        let mut raise = Some(raise);
        let waiting = async {
            loop {
                let look = self.lock().fill(name, least);
                match look {
                    Look::Overtaken(next) => _ = raise.take().map(|raise| raise(next)),
                    Look::TooEarly => {}
                    look => return look,
                }
                // The sender is a part of `self`, so waiting for it cannot fail.
                if changes.changed().await.is_err() {
                    return Look::TooEarly;
                }
            }
        };
        tokio::time::timeout(MAX_WAIT, waiting).await.unwrap_or(Look::TooEarly)
    }

    /// See [`Visibility::commit`].
    pub fn commit(&self, batch: Batch<W>) {
        self.lock().commit(batch);
    }

    /// See [`Visibility::begin`].
    pub fn begin(&self) -> Step<W> {
        self.lock().begin()
    }

    /// See [`Visibility::conclude`].
    pub fn conclude(&self, pushed: Pushed) -> Option<Vec<W>> {
        let released = self.lock().conclude(pushed);
        // Fills wait for the end of an attempt, whatever came of it.
        self.changes.send_replace(());
        released
    }

    fn lock(&self) -> Held<MutexGuard<'_, Visibility<W>>> {
        Held::new("whoever had what the catalog shows", self.visibility.lock())
    }
}
