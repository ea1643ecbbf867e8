//! `summary.csv`: what each operation cost in each cell.
//!
//! Counted are the operations of the load and the lookups at the end; the warm-up is left out.
//! Latency figures are over the operations that were answered, ok or rejected, since the latency of
//! a failed or unknown one says when the client gave up, not what the service does; how many of
//! those there were stands beside. Percentiles are those of [`crate::stats`]. Throughput counts what was
//! accepted (ok) alone.
//!
//! In an open loop a latency counts from the moment at which the operation was due
//! ([`Observation::response_us`]); what it would have been from the moment of sending stands beside,
//! as `uncorrected_...`.
//!
//! The trials of a cell are pooled: a row describes all its operations as one sample. Each
//! figure has a 95 % interval, which is empty if there was too little to tell.

mod row;
mod table;
mod tally;
mod withhold;

use std::collections::{BTreeMap, HashMap};
use std::io;

use crate::lateness::Lateness;
use crate::records::{Manifest, Observation, Op, Phase};
use crate::stats::Span;

pub use row::SummaryRow;
pub use table::table;
pub(crate) use table::{hit_share, op_name};
use tally::{Drawn, Tally};

/// Every operation, in the order of tables and charts.
pub const OPS: [Op; 3] = [Op::Query, Op::Trade, Op::Lookup];

/// Whether the service answered: ok, or a well-formed no to what was asked (rejected: no such stock or
/// order, too little of it). A 503 is no answer but a failed or unknown operation. Latencies are those of
/// answered operations.
#[must_use]
pub fn is_answered(observation: &Observation) -> bool {
    observation.outcome.is_answer()
}

/// Whether the service did what it was asked for. Only that is throughput: what is refused, be it a
/// trade for which there is no stock, costs next to nothing, and a service that refuses everything
/// would seem to be the fastest.
#[must_use]
pub fn is_accepted(observation: &Observation) -> bool {
    observation.outcome.is_accepted()
}

/// Whether the figures count it: an operation of the load, or a lookup at the end.
#[must_use]
pub fn is_measured(observation: &Observation) -> bool {
    observation.phase != Phase::WarmUp
}

/// One row per cell and operation that occurs, cells in the manifest's order. Rows of cells
/// that the manifest does not know are left out.
#[must_use]
pub fn summarise<'a>(
    manifest: &Manifest,
    observations: impl IntoIterator<Item = &'a Observation>,
) -> Vec<SummaryRow> {
    let mut tallies: HashMap<(&str, Op), Tally> = HashMap::new();
    let mut spans: HashMap<(&str, Phase), BTreeMap<u32, Span>> = HashMap::new();
    for observation in observations.into_iter().filter(|observation| is_measured(observation)) {
        let cell = observation.cell.as_str();
        let tally =
            tallies.entry((cell, observation.op)).or_insert_with(|| Tally::new(observation.phase));
        tally.add(observation);
        let trials = spans.entry((cell, observation.phase)).or_default();
        trials
            .entry(observation.trial)
            .or_default()
            .cover(observation.start_us, observation.end_us);
    }
    let (mut rows, mut drawn) = (Vec::new(), Drawn::default());
    for cell in &manifest.cells {
        for op in OPS {
            if let Some(tally) = tallies.remove(&(cell.id.as_str(), op)) {
                let spans = &spans[&(cell.id.as_str(), tally.phase)];
                rows.push(tally.row(cell, op, spans, &mut drawn));
            }
        }
    }
    rows
}

/// Names on each row of an open loop the figures that say too much about the generator, and leaves them
/// there. `cells` has its lateness by the cell's id.
pub fn mark_withheld(rows: &mut [SummaryRow], cells: &HashMap<&str, Lateness>) {
    for row in rows {
        let lateness = cells.get(row.cell.as_str());
        if let Some(own) = lateness.and_then(|lateness| lateness.own_by_op.get(&row.op)) {
            withhold::mark(row, own);
        }
    }
}

/// Puts what the generator of an open loop offered, how late it was itself and how long operations waited
/// for a client on the rows of its queries: each iteration begins with one. Figures of any row that say too
/// much about the generator are withheld. `cells` has it by the cell's id.
pub fn add_lateness(rows: &mut [SummaryRow], cells: &HashMap<&str, Lateness>) {
    mark_withheld(rows, cells);
    rows.iter_mut().for_each(withhold::empty);
    for row in rows.iter_mut().filter(|row| row.op == Op::Query) {
        let Some(lateness) = cells.get(row.cell.as_str()) else { continue };
        row.offered_per_s = lateness.offered_per_s();
        row.sent_per_s = lateness.sent_per_s();
        row.answered_per_s = lateness.answered_per_s();
        row.lateness_p50_us = lateness.own.percentile_us(0.5);
        row.lateness_p99_us = lateness.own.percentile_us(0.99);
        row.lateness_max_us = lateness.own.max_us();
        row.waited_p50_us = lateness.waited.percentile_us(0.5);
        row.waited_p99_us = lateness.waited.percentile_us(0.99);
        row.waited_max_us = lateness.waited.max_us();
    }
}

/// Writes the rows as CSV with a header.
///
/// # Errors
/// Whatever the writer reports.
pub fn write_csv(rows: &[SummaryRow], writer: impl io::Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(writer);
    for row in rows {
        csv.serialize(row)?;
    }
    csv.flush()?;
    Ok(())
}
