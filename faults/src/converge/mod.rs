//! Everything equal again, and what it then holds.
//!
//! What makes dumps agree is decided by `comparison`, which is pure; the loop around it asks,
//! and compares with the time before. A look reads all dumps side by side, a page of each at a
//! time, and keeps a digest: two looks with equal digests saw the same. What was seen is read once
//! more to be kept, and must then still be the same.
//!
//! How long the reading takes depends on how long the history is. It is not the services' time to
//! become equal, so what counts against the bound is when the first of the two equal looks began
//! to read.

mod comparison;

use std::time::Duration;

use records::{EventKind, built_in};
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::dump::OrderPage;

use crate::bazaar::Bazaar;
use crate::clock::monotonic_us;
use crate::dump::{self, Digest, DumpError, DumpPage, Pages};
use crate::events::EventSink;
use crate::http::HttpClient;
use crate::leadership::{self, Leadership};
use crate::ports::Addresses;
use comparison::Matching;

/// How long to wait before looking again.
const PERIOD: Duration = Duration::from_millis(50);

/// Everything is equal, and was the same twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converged {
    /// How many orders every replica holds.
    pub orders: u64,
    seen: Vec<Digest>,
    /// When the first of the equal looks began to read.
    since: Instant,
    since_monotonic_us: u64,
}

/// Healed, but not equal within the bound: a failure of the services.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not converged within {within_ms} ms: {reason}")]
pub struct NotConverged {
    /// The bound.
    pub within_ms: u64,
    /// What was still wrong when last looked at.
    pub reason: String,
}

/// What had converged could not be written down.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotKept {
    /// A dump broke off.
    #[error("what was equal could not be read again: {0}")]
    Broken(#[from] DumpError),
    /// It was not the same any more.
    #[error("what was equal twice had changed when it was written down")]
    Changed,
}

/// Waits until all replicas are in sync with equal and committed logs, the catalog and the log
/// agree on every trade, and two consecutive dumps are equal. Emits `Converged` or
/// `NotConverged`.
pub async fn converge(
    bazaar: &Bazaar,
    within: Duration,
    events: &EventSink,
) -> Result<Converged, NotConverged> {
    let result = converge_at(bazaar.http(), bazaar.addresses(), within).await;
    match &result {
        Ok(converged) => {
            let at_us = events.origin().since_origin(converged.since_monotonic_us);
            events.emit_at(at_us, EventKind::Converged, |event| {
                event.detail = Some(format!("{} orders", converged.orders));
            });
        }
        Err(error) => events.emit(EventKind::NotConverged, |event| {
            event.detail = Some(error.to_string());
        }),
    }
    result
}

/// Hands on everything that has converged, page by page, each with whether it is its source's first.
///
/// # Errors
/// It is no longer there, or no longer the same: then what was handed on means nothing.
pub async fn keep(
    bazaar: &Bazaar,
    converged: &Converged,
    keep: impl AsyncFnMut(DumpPage, bool),
) -> Result<(), NotKept> {
    let kept = dump::read_all(bazaar.http(), bazaar.addresses(), keep).await?;
    if kept == converged.seen { Ok(()) } else { Err(NotKept::Changed) }
}

/// Hands on whatever can be had of services that did not converge: of each all or nothing.
pub async fn keep_evidence(bazaar: &Bazaar, keep: impl AsyncFnMut(DumpPage, bool)) {
    dump::read_evidence(bazaar.http(), bazaar.addresses(), keep).await;
}

async fn converge_at(
    http: &HttpClient,
    addresses: &Addresses,
    within: Duration,
) -> Result<Converged, NotConverged> {
    let deadline = Instant::now() + within;
    let mut before: Option<Converged> = None;
    loop {
        let begin_by = before.is_none().then_some(deadline);
        let reason = match look(http, addresses, begin_by).await {
            Ok(now) => match before.take() {
                Some(before) if before.seen == now.seen => return Ok(before),
                earlier => {
                    let reason = if earlier.is_some() {
                        "what the services hold was still changing"
                    } else {
                        "a second dump to compare with did not come in time"
                    };
                    before = Some(now);
                    reason.to_owned()
                }
            },
            Err(reason) => {
                before = None;
                reason
            }
        };
        // What was equal in time may still be confirmed.
        let in_time = before.as_ref().is_some_and(|before| before.since < deadline);
        if Instant::now() + PERIOD >= deadline && !in_time {
            let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
            return Err(NotConverged { within_ms, reason });
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// One look: what was seen if it agrees, or the first thing that is wrong. It begins to read before
/// a deadline or not at all, unless it is to confirm another.
async fn look(
    http: &HttpClient,
    addresses: &Addresses,
    begin_by: Option<Instant>,
) -> Result<Converged, String> {
    let leadership = leadership::ask_front_end(http, addresses).await;
    let leadership = leadership.map_err(|error| format!("front-end: GET /leader: {error}"))?;
    // Dumps are large; they are asked for once it is worth it.
    missing_member(addresses, &leadership)?;
    let mut replicas = dump::replicas(http, addresses);
    let since = Instant::now();
    let since_monotonic_us = monotonic_us();
    let heads = next_pages(&mut replicas);
    let heads = match begin_by {
        Some(deadline) => tokio::time::timeout_at(deadline, heads).await,
        None => Ok(heads.await),
    };
    let heads = heads.map_err(|_| "no answer in time".to_owned())??;
    if let Some(difference) = comparison::first_difference_of_heads(&heads) {
        return Err(difference);
    }
    let mut matching = Matching::default();
    let mut catalog = dump::catalog(http, addresses);
    let mut pages = heads;
    while !pages.is_empty() {
        if let Some(difference) = comparison::first_difference_of_pages(&pages) {
            return Err(difference);
        }
        matching.take_orders(&pages[0].entries);
        while matching.applied < matching.orders
            && let Some(page) = catalog.next().await.map_err(|error| error.to_string())?
        {
            matching.take_trades(&page.trades);
        }
        pages = next_pages(&mut replicas).await?;
    }
    while let Some(page) = catalog.next().await.map_err(|error| error.to_string())? {
        matching.take_trades(&page.trades);
    }
    if let Some(difference) = matching.unmatched() {
        return Err(difference);
    }
    let mut seen: Vec<_> = replicas.iter().map(Pages::digest).collect();
    seen.push(catalog.digest());
    Ok(Converged { orders: matching.orders, seen, since, since_monotonic_us })
}

/// The next page of each replica that has one, asked for at once.
async fn next_pages(replicas: &mut Vec<Pages<OrderPage>>) -> Result<Vec<OrderPage>, String> {
    let mut asked = JoinSet::new();
    for (index, mut pages) in std::mem::take(replicas).into_iter().enumerate() {
        asked.spawn(async move { (index, pages.next().await, pages) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(index, ..)| *index);
    let mut next = Vec::new();
    for (_, page, pages) in answers {
        next.extend(page.map_err(|error| error.to_string())?);
        replicas.push(pages);
    }
    Ok(next)
}

fn missing_member(addresses: &Addresses, leadership: &Leadership) -> Result<(), String> {
    match addresses.orders.keys().find(|id| !leadership.in_sync.contains(id)) {
        Some(id) => Err(format!("{} is not in sync", built_in::order(id.0))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests;
