//! Everything equal again, and what it then holds.
//!
//! What makes dumps agree is decided by `comparison`, which is pure; `twice` is the loop around it, which asks,
//! and compares with the time before. A look reads all dumps side by side, a page of each at a
//! time, and keeps a digest: two looks with equal digests saw the same. What was seen is read once
//! more to be kept, and must then still be the same.
//!
//! Of a target that has no such dumps, `reading` compares what its places hold.

mod comparison;
mod reading;
mod twice;

use std::time::Duration;

use records::EventKind;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::dump::{CatalogPage, OrderPage};
use wire::internal::TradeRecord;

use crate::bazaar::Bazaar;
use crate::dump::{self, Digest, DumpError, DumpPage, Dumps, Pages};
use crate::events::EventSink;
use crate::leadership::{self, Leadership, NoLeader};
use crate::process::ProcessName;
use comparison::Matching;
pub use reading::{Reading, SourceReading, StateReading, converge_by_reading};
use twice::{Look, Since, Unequal, twice};

/// How long to wait before looking again.
const PERIOD: Duration = Duration::from_millis(50);

/// Everything is equal, and was the same twice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converged {
    /// How many orders every replica holds.
    pub orders: u64,
    seen: Vec<Digest>,
    since: Since,
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
    let ask = async || leadership::ask(bazaar).await;
    let result = converge_at(bazaar.dumps(), ask, within).await;
    let told = result.as_ref().map(|it| (it.since, format!("{} orders", it.orders)));
    tell(told, events);
    result
}

/// Emits since when everything is equal, and how much there is; or that it is not.
fn tell(result: Result<(Since, String), &NotConverged>, events: &EventSink) {
    match result {
        Ok((since, detail)) => {
            let at_us = events.origin().since_origin(since.monotonic_us);
            events.emit_at(at_us, EventKind::Converged, |event| event.detail = Some(detail));
        }
        Err(error) => events.emit(EventKind::NotConverged, |event| {
            event.detail = Some(error.to_string());
        }),
    }
}

/// Hands on everything that has converged, page by page, each with whether it is its source's first.
///
/// # Errors
/// It is no longer there, or no longer the same: then what was handed on means nothing.
pub async fn keep(
    bazaar: &Bazaar,
    converged: &Converged,
    keep: impl AsyncFnMut(ProcessName, DumpPage, bool),
) -> Result<(), NotKept> {
    let kept = dump::read_all(bazaar.dumps(), keep).await?;
    if kept == converged.seen { Ok(()) } else { Err(NotKept::Changed) }
}

/// Hands on whatever can be had of services that did not converge: of each all or nothing.
pub async fn keep_evidence(bazaar: &Bazaar, keep: impl AsyncFnMut(ProcessName, DumpPage, bool)) {
    dump::read_evidence(bazaar.dumps(), keep).await;
}

async fn converge_at(
    dumps: &Dumps,
    ask: impl AsyncFn() -> Result<Leadership, NoLeader>,
    within: Duration,
) -> Result<Converged, NotConverged> {
    let looks = async |begin_by| look(dumps, &ask, begin_by).await;
    let Look { seen, since, held: orders } = twice(within, PERIOD, looks).await?;
    Ok(Converged { orders, seen, since })
}

/// One look: what was seen if it agrees, or the first thing that is wrong. It begins to read before
/// a deadline or not at all, unless it is to confirm another.
async fn look(
    dumps: &Dumps,
    ask: &impl AsyncFn() -> Result<Leadership, NoLeader>,
    begin_by: Option<Instant>,
) -> Result<Look<u64>, Unequal> {
    // Dumps are large; they are asked for once it is worth it.
    match ask().await {
        Ok(leadership) => {
            if let Some(missing) = dumps.keepers().find(|name| !leadership.is_in_sync(*name)) {
                return Err(Unequal::Wrong(format!("{missing} is not in sync")));
            }
        }
        // Where nobody ever says who leads, nobody says who is in sync.
        Err(NoLeader::Untold) => {}
        Err(error) => return Err(Unequal::Wrong(error.to_string())),
    }
    let mut logs = dumps.logs();
    let since = Since::now();
    let heads = next_pages(&mut logs);
    let heads = match begin_by {
        Some(deadline) => {
            tokio::time::timeout_at(deadline, heads).await.map_err(|_| Unequal::NoTime)?
        }
        None => heads.await,
    };
    let read = match heads {
        Ok(heads) => compare(dumps, logs, heads).await,
        Err(error) => Err(error),
    };
    let (seen, orders) = read.map_err(Unequal::Wrong)?;
    Ok(Look { seen, since, held: orders })
}

/// Reads logs, of which these are the first pages, and the trades, to their end. What was seen, and how many orders each log
/// has; or the first thing in which they differ.
async fn compare(
    dumps: &Dumps,
    mut logs: Vec<Pages<OrderPage>>,
    heads: Vec<(ProcessName, OrderPage)>,
) -> Result<(Vec<Digest>, u64), String> {
    if let Some(difference) = comparison::first_difference_of_heads(&heads) {
        return Err(difference);
    }
    let mut matching = Matching::default();
    let mut stocks = dumps.stocks();
    let mut pages = heads;
    while !pages.is_empty() {
        if let Some(difference) = comparison::first_difference_of_pages(&pages) {
            return Err(difference);
        }
        matching.take_orders(&pages[0].1.entries);
        while matching.applied < matching.orders
            && let Some(trades) = next_trades(&mut stocks).await?
        {
            matching.take_trades(&trades);
        }
        pages = next_pages(&mut logs).await?;
    }
    while let Some(trades) = next_trades(&mut stocks).await? {
        matching.take_trades(&trades);
    }
    let mut seen: Vec<_> = logs.iter().map(Pages::digest).collect();
    // Without one of the two sides there is nothing that could match.
    if stocks.is_some()
        && !logs.is_empty()
        && let Some(difference) = matching.unmatched()
    {
        return Err(difference);
    }
    seen.extend(stocks.iter().map(Pages::digest));
    Ok((seen, matching.orders))
}

/// The next page of each log that has one, asked for at once, with whose it is.
async fn next_pages(
    logs: &mut Vec<Pages<OrderPage>>,
) -> Result<Vec<(ProcessName, OrderPage)>, String> {
    let mut asked = JoinSet::new();
    for (index, mut pages) in std::mem::take(logs).into_iter().enumerate() {
        asked.spawn(async move { (index, pages.next().await, pages) });
    }
    let mut answers = asked.join_all().await;
    answers.sort_by_key(|(index, ..)| *index);
    let mut next = Vec::new();
    for (_, page, pages) in answers {
        let page = page.map_err(|error| error.to_string())?;
        next.extend(page.map(|page| (pages.source(), page)));
        logs.push(pages);
    }
    Ok(next)
}

/// The trades on the next page of who keeps the stocks; none after the last one.
async fn next_trades(
    stocks: &mut Option<Pages<CatalogPage>>,
) -> Result<Option<Vec<TradeRecord>>, String> {
    let Some(pages) = stocks else { return Ok(None) };
    let page = pages.next().await.map_err(|error| error.to_string())?;
    Ok(page.map(|page| page.trades))
}

#[cfg(test)]
mod tests;
