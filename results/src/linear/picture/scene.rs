//! What a page is about.

use crate::linear::explain::Explanation;
use crate::linear::model::StockHistory;

/// What a page is about.
#[derive(Clone, Debug)]
pub struct Scene<'a> {
    /// The trial, as people call it.
    pub trial: String,
    /// The stock's name.
    pub stock_name: String,
    /// What happened to the stock.
    pub history: &'a StockHistory,
    /// Why it has no order.
    pub explanation: &'a Explanation,
    /// Per operation of the history, where it is written down.
    pub sources: Vec<Source>,
    /// Faults, in the order of time.
    pub bands: Vec<Band>,
    /// The fault that is nearest to the culprit, in words; empty without faults.
    pub nearest_fault: String,
}

/// Where an operation is written down.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// File and line.
    pub row: String,
    /// The trade's name.
    pub request_id: Option<String>,
}

/// A time during which something was broken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Band {
    /// Since when.
    pub from_us: u64,
    /// Until when.
    pub to_us: u64,
    /// What was done to whom.
    pub label: String,
}

impl Band {
    /// Whether any of it lies between these moments.
    pub(super) fn overlaps(&self, first_us: u64, last_us: u64) -> bool {
        self.from_us <= last_us && self.to_us >= first_us
    }
}
