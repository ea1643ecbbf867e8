//! The shell around [`visibility`](super::visibility): it talks to the front-end and lets answers go.
//!
//! One push at a time. What is committed meanwhile queues, and goes out together with the next.
//! A push is tried until it is acknowledged, or until it is certain that there is no front-end: a
//! front-end that hangs delays trades rather than letting its cache contradict them.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base::http::{Call, CallError, Peers};
use base::metrics::Metrics;
use base::planted::Bugs;
use hyper::StatusCode;
use prometheus::IntCounter;
use tokio::sync::mpsc;
use wire::internal::{Invalidation, SeenVersions, VersionedStock};

use super::visibility::{Batch, Pushed, Step, overtaken};
use super::visible_stocks::VisibleStocks;
use super::writer::{Waiting, WriterHandle, WriterRequest};

/// How long one attempt may take. Long for loopback, and short enough that a connection lost to
/// a front-end that was killed and restarted delays a trade by no more than this.
const ATTEMPT: Duration = Duration::from_secs(1);
/// The pause after the first failed attempt; it doubles up to [`MAX_PAUSE`].
const MIN_PAUSE: Duration = Duration::from_millis(1);
/// The longest pause: a front-end that comes back is noticed this soon.
const MAX_PAUSE: Duration = Duration::from_millis(100);
/// How often, at most, failed attempts are logged.
const LOG_EVERY: Duration = Duration::from_secs(1);

/// Pushes invalidations to one front-end.
#[derive(Debug)]
pub struct Pusher {
    peers: Peers,
    front_end: SocketAddr,
    writer: WriterHandle,
    bugs: Bugs,
    pushes: IntCounter,
    retries: IntCounter,
    logged: Option<Instant>,
}

impl Pusher {
    /// A pusher that has pushed nothing yet.
    #[must_use]
    pub fn new(
        peers: Peers,
        front_end: SocketAddr,
        writer: WriterHandle,
        bugs: Bugs,
        metrics: &Metrics,
    ) -> Self {
        Self {
            peers,
            front_end,
            writer,
            bugs,
            pushes: metrics.counter("catalog_pushes_total", "Attempts to tell the front-end."),
            retries: metrics.counter(
                "catalog_push_retries_total",
                "Attempts that followed one that did not settle the matter.",
            ),
            logged: None,
        }
    }

    /// Reveals what is committed, in order, until nothing more comes.
    pub async fn run(
        mut self,
        shown: Arc<VisibleStocks<Waiting>>,
        mut batches: mpsc::Receiver<Batch<Waiting>>,
    ) {
        self.make_visible(&shown, &mut batches).await;
        tracing::info!("every version is pushed; serving");
        while let Some(batch) = batches.recv().await {
            shown.commit(batch);
            self.make_visible(&shown, &mut batches).await;
        }
    }

    /// Reveals everything that was committed by the time of the last attempt.
    async fn make_visible(
        &mut self,
        shown: &VisibleStocks<Waiting>,
        batches: &mut mpsc::Receiver<Batch<Waiting>>,
    ) {
        let mut pause = MIN_PAUSE;
        let released = loop {
            while let Ok(batch) = batches.try_recv() {
                shown.commit(batch);
            }
            let push = match shown.begin() {
                Step::Release(released) => break released,
                Step::Push(push) => push,
            };
            let pushed = match self.push(&push).await {
                (Pushed::Acknowledged, later) if !later.is_empty() => {
                    self.go_on_from(later, shown, batches).await;
                    continue;
                }
                (pushed, _) => pushed,
            };
            if let Some(released) = shown.conclude(pushed) {
                break released;
            }
            self.retries.inc();
            tokio::time::sleep(pause).await;
            pause = MAX_PAUSE.min(pause * 2);
        };
        for waiting in released {
            waiting.release();
        }
    }

    /// Tells the front-end; also says from which versions this catalog has to go on.
    async fn push(&mut self, push: &Invalidation) -> (Pushed, Vec<VersionedStock>) {
        self.pushes.inc();
        let call = Call::post("/invalidate", push);
        let reply = self.peers.call(self.front_end, &call, ATTEMPT).await;
        let pushed = outcome(reply.as_ref().map(|reply| reply.status));
        match (pushed, &reply) {
            (Pushed::Acknowledged, _) => {}
            (Pushed::Refused, _) => {
                tracing::debug!(front_end = %self.front_end, "no front-end, hence no cache");
            }
            (Pushed::Unclear, Ok(reply)) => self.log(format_args!("it answered {}", reply.status)),
            (Pushed::Unclear, Err(error)) => self.log(format_args!("{error}")),
        }
        let seen: SeenVersions = reply.ok().and_then(|reply| reply.json()).unwrap_or_default();
        (pushed, overtaken(push, &seen, self.bugs))
    }

    /// L8: commits the versions and takes what that changed into what is pushed next. The attempt has
    /// settled nothing: what it told of is older than what the front-end has.
    async fn go_on_from(
        &mut self,
        later: Vec<VersionedStock>,
        shown: &VisibleStocks<Waiting>,
        batches: &mut mpsc::Receiver<Batch<Waiting>>,
    ) {
        tracing::warn!(
            stocks = later.len(),
            "the front-end has seen later versions than this catalog's file holds; going on from those"
        );
        shown.conclude(Pushed::Unclear);
        if !self.writer.hand_in(WriterRequest::Raise(later)) {
            // There is too much to do at the moment; the next attempt will say the same.
            tokio::time::sleep(MIN_PAUSE).await;
        } else if let Some(batch) = batches.recv().await {
            shown.commit(batch);
        }
    }

    fn log(&mut self, problem: std::fmt::Arguments<'_>) {
        if self.logged.is_none_or(|logged| logged.elapsed() >= LOG_EVERY) {
            self.logged = Some(Instant::now());
            tracing::warn!(
                front_end = %self.front_end,
                "trades wait for the front-end to acknowledge an invalidation: {problem}"
            );
        }
    }
}

/// Rule C3: only a refused connection at the front-end's fixed address says that there is none.
/// One that breaks, or an answer that does not come, says nothing.
fn outcome(reply: Result<StatusCode, &CallError>) -> Pushed {
    match reply {
        Ok(StatusCode::OK) => Pushed::Acknowledged,
        Err(CallError::Refused) => Pushed::Refused,
        Ok(_) | Err(CallError::Timeout(_) | CallError::Broken(_)) => Pushed::Unclear,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_refused_connection_says_that_there_is_no_front_end() {
        assert_eq!(outcome(Ok(StatusCode::OK)), Pushed::Acknowledged);
        assert_eq!(outcome(Err(&CallError::Refused)), Pushed::Refused);
        let broken = CallError::Broken("reset".to_owned());
        for unclear in [Err(&broken), Ok(StatusCode::SERVICE_UNAVAILABLE)] {
            assert_eq!(outcome(unclear), Pushed::Unclear);
        }
    }
}
