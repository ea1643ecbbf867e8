//! Everything equal again, and what it then holds.
//!
//! What is looked at is decided by `first_difference`, a pure function; the loop around it
//! asks, compares with the time before, and keeps the last answers as evidence.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use results::records::EventKind;
use tokio::task::JoinSet;
use tokio::time::Instant;
use wire::ids::{OrderNo, ReplicaId, RequestId};
use wire::internal::{CatalogDump, Decision, OrderDump, Origin};

use crate::bazaar::Bazaar;
use crate::events::EventSink;
use crate::http::{HttpClient, HttpError};
use crate::leadership::{self, Leadership};
use crate::ports::Addresses;

/// How long to wait before looking again.
const PERIOD: Duration = Duration::from_millis(50);
/// How long one dump may take: hundreds of thousands of orders, from a machine that is busy.
const DUMP_TIMEOUT: Duration = Duration::from_secs(20);

/// What every replica and the catalog held.
#[derive(Clone, Debug, PartialEq)]
pub struct Dumps {
    /// Every replica's log, by id.
    pub orders: Vec<OrderDump>,
    /// The catalog.
    pub catalog: CatalogDump,
}

/// Healed, but not equal within the bound: a failure of the services.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("not converged within {within_ms} ms: {reason}")]
pub struct NotConverged {
    /// The bound.
    pub within_ms: u64,
    /// What was still wrong when last looked at.
    pub reason: String,
    /// The dumps that could be had, as evidence.
    pub orders: Vec<OrderDump>,
    /// The same, of the catalog.
    pub catalog: Option<CatalogDump>,
}

/// Waits until all replicas are in sync with equal and committed logs, the catalog and the log
/// agree on every trade, and two consecutive dumps are equal. Emits `Converged` or
/// `NotConverged`.
pub async fn converge(
    bazaar: &Bazaar,
    within: Duration,
    events: &EventSink,
) -> Result<Dumps, NotConverged> {
    let result = converge_at(bazaar.http(), bazaar.addresses(), within).await;
    match &result {
        Ok(dumps) => events.emit(EventKind::Converged, |event| {
            let orders = dumps.orders.first().map_or(0, |dump| dump.entries.len());
            event.detail = Some(format!("{orders} orders"));
        }),
        Err(error) => events.emit(EventKind::NotConverged, |event| {
            event.detail = Some(error.to_string());
        }),
    }
    result
}

async fn converge_at(
    http: &HttpClient,
    addresses: &Addresses,
    within: Duration,
) -> Result<Dumps, NotConverged> {
    let deadline = Instant::now() + within;
    let mut before: Option<Dumps> = None;
    loop {
        let looked = tokio::time::timeout_at(deadline, look(http, addresses)).await;
        let reason = match looked.unwrap_or_else(|_| Err("no answer in time".to_owned())) {
            Ok(dumps) if before.as_ref() == Some(&dumps) => return Ok(dumps),
            Ok(dumps) => {
                let reason = if before.is_some() {
                    "what the services hold was still changing"
                } else {
                    "a second dump to compare with did not come in time"
                };
                before = Some(dumps);
                reason.to_owned()
            }
            Err(reason) => {
                before = None;
                reason
            }
        };
        if Instant::now() + PERIOD >= deadline {
            let within_ms = u64::try_from(within.as_millis()).unwrap_or(u64::MAX);
            let (orders, catalog) = evidence(http, addresses).await;
            return Err(NotConverged { within_ms, reason, orders, catalog });
        }
        tokio::time::sleep(PERIOD).await;
    }
}

/// One look: the dumps if they agree, or the first thing that is wrong.
async fn look(http: &HttpClient, addresses: &Addresses) -> Result<Dumps, String> {
    let leadership = leadership::ask_front_end(http, addresses).await;
    let leadership = leadership.map_err(|error| format!("front-end: GET /leader: {error}"))?;
    // Dumps are large; they are asked for once it is worth it.
    missing_member(addresses, &leadership)?;
    let (orders, catalog) = dump_all(http, addresses).await;
    let dump_error = |source: String, error| format!("{source}: GET /dump: {error}");
    let orders = orders
        .into_iter()
        .map(|(id, dump)| dump.map_err(|error| dump_error(format!("order-{id}"), error)))
        .collect::<Result<Vec<_>, _>>()?;
    let catalog = catalog.map_err(|error| dump_error("catalog".to_owned(), error))?;
    let dumps = Dumps { orders, catalog };
    first_difference(&dumps).map_or(Ok(dumps), Err)
}

fn missing_member(addresses: &Addresses, leadership: &Leadership) -> Result<(), String> {
    match addresses.orders.keys().find(|id| !leadership.in_sync.contains(id)) {
        Some(id) => Err(format!("order-{id} is not in sync")),
        None => Ok(()),
    }
}

type OrderDumps = BTreeMap<ReplicaId, Result<OrderDump, HttpError>>;

/// Asks everybody at once.
async fn dump_all(
    http: &HttpClient,
    addresses: &Addresses,
) -> (OrderDumps, Result<CatalogDump, HttpError>) {
    let mut asked = JoinSet::new();
    for (id, address) in addresses.orders.clone() {
        let http = http.clone();
        asked.spawn(async move { (id, http.get_json(address, "/dump", DUMP_TIMEOUT).await) });
    }
    let (orders, catalog) =
        tokio::join!(asked.join_all(), http.get_json(addresses.catalog, "/dump", DUMP_TIMEOUT));
    (orders.into_iter().collect(), catalog)
}

/// Whatever dumps can be had of services that do not agree.
async fn evidence(
    http: &HttpClient,
    addresses: &Addresses,
) -> (Vec<OrderDump>, Option<CatalogDump>) {
    let (orders, catalog) = dump_all(http, addresses).await;
    (orders.into_values().filter_map(Result::ok).collect(), catalog.ok())
}

/// The first thing in which the dumps do not agree, for people.
fn first_difference(dumps: &Dumps) -> Option<String> {
    let reference = dumps.orders.first()?;
    uncommitted(&dumps.orders)
        .or_else(|| dumps.orders.iter().find_map(|other| unequal(reference, other)))
        .or_else(|| unmatched(reference, &dumps.catalog))
}

fn uncommitted(orders: &[OrderDump]) -> Option<String> {
    orders.iter().find_map(|dump| {
        let last = dump.entries.last().map_or(OrderNo(0), |entry| entry.order_no);
        let (id, committed) = (dump.id, dump.committed);
        (committed != last).then(|| {
            format!("order-{id} holds orders up to #{last} and knows #{committed} to be committed")
        })
    })
}

fn unequal(reference: &OrderDump, other: &OrderDump) -> Option<String> {
    if reference.entries == other.entries {
        return None;
    }
    let (id, other_id) = (reference.id, other.id);
    let mut pairs = reference.entries.iter().zip(&other.entries);
    Some(match pairs.find(|(entry, other)| entry != other) {
        Some((entry, _)) => {
            format!("order-{id} and order-{other_id} differ at #{}", entry.order_no)
        }
        None => {
            let (count, other_count) = (reference.entries.len(), other.entries.len());
            format!("order-{id} holds {count} orders, order-{other_id} {other_count}")
        }
    })
}

/// A trade that the catalog applied for the order service and the log lacks, or the reverse.
fn unmatched(log: &OrderDump, catalog: &CatalogDump) -> Option<String> {
    let applied: HashSet<&RequestId> = catalog
        .trades
        .iter()
        .filter(|trade| trade.decision == Decision::Applied && trade.origin == Origin::Order)
        .map(|trade| &trade.request_id)
        .collect();
    let numbered: HashSet<&RequestId> = log.entries.iter().map(|entry| &entry.request_id).collect();
    if let Some(unnumbered) = applied.difference(&numbered).min() {
        return Some(format!("the trade {unnumbered} was applied and has no number"));
    }
    let unapplied = numbered.difference(&applied).min()?;
    Some(format!("the order of {unapplied} was never applied at the catalog"))
}

#[cfg(test)]
mod tests;
