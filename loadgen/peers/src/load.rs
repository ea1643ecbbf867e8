//! A closed loop of our own: a fixed number of clients, each asks again once it was answered.
//!
//! It has a thread and a runtime of its own, so that nothing else waits in it and it costs one core at most. What counts
//! is what was answered within the measured time; what was under way when that began or ended is outside.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow};
use results::stats::Latencies;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::client::{Client, Script};
use crate::usage::{self, Usage};

/// How long a client waits after a failure, so that one whom nobody answers does not spin.
const AFTER_FAILURE: Duration = Duration::from_millis(2);

/// Who asks what of whom.
#[derive(Clone, Debug)]
pub(crate) struct Loop {
    /// What each client does.
    pub(crate) script: Script,
    /// Where.
    pub(crate) entries: Vec<SocketAddr>,
    /// How many.
    pub(crate) clients: usize,
}

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    /// Answers a second.
    pub(crate) per_second: f64,
    /// How many were acknowledged.
    pub(crate) acknowledged: u64,
    /// How many were not.
    pub(crate) failed: u64,
    /// Why the first was not.
    pub(crate) reason: Option<String>,
    /// The median, in ms; none without answers.
    pub(crate) p50_ms: Option<f64>,
    /// The 99th percentile, in ms.
    pub(crate) p99_ms: Option<f64>,
    /// The longest time in which nothing was acknowledged, in ms; none where another program asked, which does not say.
    pub(crate) longest_gap_ms: Option<f64>,
    /// What the servers used meanwhile.
    pub(crate) usage: Usage,
}

/// The longest time between two acknowledgements, whoever got them.
#[derive(Debug)]
struct Gap {
    last: Instant,
    longest: Duration,
}

impl Gap {
    fn end_at(&mut self, at: Instant) {
        self.longest = self.longest.max(at.saturating_duration_since(self.last));
        self.last = self.last.max(at);
    }
}

#[derive(Debug, Default)]
struct Tally {
    latencies: Latencies,
    failed: u64,
    reason: Option<String>,
}

impl Loop {
    /// Runs it for `warm_up`, and then for `span`, which is measured: latencies, and what processes use.
    ///
    /// # Errors
    /// If a process is gone.
    pub(crate) async fn measure(
        self,
        warm_up: Duration,
        span: Duration,
        pids: Vec<u32>,
    ) -> anyhow::Result<Measured> {
        let work = move || -> anyhow::Result<Measured> {
            runtime()?.block_on(self.measured(warm_up, span, &pids))
        };
        tokio::task::spawn_blocking(work).await?
    }

    async fn measured(
        self,
        warm_up: Duration,
        span: Duration,
        pids: &[u32],
    ) -> anyhow::Result<Measured> {
        let begin = Instant::now() + warm_up;
        let end = begin + span;
        let gap = Arc::new(Mutex::new(Gap { last: begin, longest: Duration::ZERO }));
        let mut clients = JoinSet::new();
        for number in 0..self.clients {
            let client = Client::new(self.script.clone(), &self.entries, number);
            clients.spawn(between(client, begin, end, Arc::clone(&gap)));
        }
        tokio::time::sleep_until(begin.into()).await;
        let before = usage::of(pids)?;
        tokio::time::sleep_until(end.into()).await;
        let usage = usage::of(pids)? - before;
        let mut all = Tally::default();
        // Each ends with the operation that it has begun, which has a deadline.
        while let Some(tally) = clients.join_next().await {
            let tally = tally.context("a client of the load died")?;
            all.latencies.merge(&tally.latencies);
            all.failed += tally.failed;
            all.reason = all.reason.or(tally.reason);
        }
        let longest = gap.lock().ok().map(|mut gap| {
            gap.end_at(end);
            gap.longest
        });
        let ms = |quantile| all.latencies.percentile_us(quantile).map(|us| us as f64 / 1e3);
        Ok(Measured {
            per_second: all.latencies.count() as f64 / span.as_secs_f64(),
            acknowledged: all.latencies.count(),
            p50_ms: ms(0.5),
            p99_ms: ms(0.99),
            failed: all.failed,
            reason: all.reason,
            longest_gap_ms: longest.map(|longest| longest.as_secs_f64() * 1e3),
            usage,
        })
    }

    /// Runs it until it is stopped or dropped.
    ///
    /// # Errors
    /// If no thread can be had.
    pub(crate) fn until_stopped(self) -> anyhow::Result<Background> {
        let (stop, acknowledged) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let (stopped, counted) = (Arc::clone(&stop), Arc::clone(&acknowledged));
        let runtime = runtime()?;
        let work = move || {
            runtime.block_on(async {
                let mut clients = JoinSet::new();
                for number in 0..self.clients {
                    let client = Client::new(self.script.clone(), &self.entries, number);
                    clients.spawn(until(client, Arc::clone(&stopped), Arc::clone(&counted)));
                }
                clients.join_all().await;
            });
        };
        let thread = std::thread::Builder::new().name("load".to_owned()).spawn(work)?;
        Ok(Background { stop, acknowledged, thread: Some(thread) })
    }
}

/// A load that goes on. It ends when dropped.
#[derive(Debug)]
pub(crate) struct Background {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Background {
    /// How much was acknowledged so far.
    pub(crate) fn acknowledged(&self) -> u64 {
        self.acknowledged.load(Ordering::Relaxed)
    }

    /// Ends it, and waits for what was begun, which has a deadline.
    ///
    /// # Errors
    /// If it had died.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.stop.store(true, Ordering::Relaxed);
        let Some(thread) = self.thread.take() else { return Ok(()) };
        let joined = tokio::task::spawn_blocking(move || thread.join()).await?;
        joined.map_err(|_| anyhow!("the load died"))
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn runtime() -> anyhow::Result<Runtime> {
    Builder::new_current_thread().enable_all().build().context("no runtime for the load")
}

async fn between(mut client: Client, begin: Instant, end: Instant, gap: Arc<Mutex<Gap>>) -> Tally {
    let mut tally = Tally::default();
    loop {
        let sent = Instant::now();
        if sent >= end {
            return tally;
        }
        let done = client.operate().await;
        let answered = Instant::now();
        if answered < begin || answered > end {
            continue;
        }
        match done {
            Ok(()) => {
                let us = answered.duration_since(sent).as_micros();
                tally.latencies.record(u64::try_from(us).unwrap_or(u64::MAX));
                if let Ok(mut gap) = gap.lock() {
                    gap.end_at(answered);
                }
            }
            Err(error) => {
                tally.failed += 1;
                tally.reason.get_or_insert_with(|| format!("{error:#}"));
                tokio::time::sleep(AFTER_FAILURE).await;
            }
        }
    }
}

async fn until(mut client: Client, stop: Arc<AtomicBool>, acknowledged: Arc<AtomicU64>) {
    while !stop.load(Ordering::Relaxed) {
        match client.operate().await {
            Ok(()) => _ = acknowledged.fetch_add(1, Ordering::Relaxed),
            Err(_) => tokio::time::sleep(AFTER_FAILURE).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_gap_counts_from_the_begin_to_the_end_whoever_was_answered() {
        let begin = Instant::now();
        let at = |ms| begin + Duration::from_millis(ms);
        let mut gap = Gap { last: begin, longest: Duration::ZERO };
        [20, 50, 45, 60].into_iter().for_each(|ms| gap.end_at(at(ms)));
        assert_eq!(gap.longest, Duration::from_millis(30));
        gap.end_at(at(100));
        assert_eq!(gap.longest, Duration::from_millis(40));
    }
}
