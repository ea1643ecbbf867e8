//! Everything equal again, and what it then holds.

use std::time::Duration;

use wire::internal::{CatalogDump, OrderDump};

use crate::bazaar::Bazaar;
use crate::events::EventSink;

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
    let _ = (bazaar, within, events);
    todo!()
}
