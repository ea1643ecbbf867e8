//! What a page is about.

use crate::linear::explain::Explanation;
use crate::linear::model::{History, Model};

/// What a page is about.
#[derive(Clone, Debug)]
pub struct Scene<'a, M: Model> {
    /// The trial, as people call it.
    pub trial: String,
    /// The stock's name, or the register's.
    pub name: String,
    /// What happened to it.
    pub history: &'a History<M>,
    /// Why it has no order.
    pub explanation: &'a Explanation<M>,
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
    /// The request's name.
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
