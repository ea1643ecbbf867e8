//! The rows of `summary.csv`, made of a run's operations.

use std::collections::{BTreeMap, HashMap};
use std::io;

use super::measured::{OPS, is_measured};
use super::row::SummaryRow;
use super::tally::{Drawn, Tally};
use super::withhold;
use crate::lateness::Lateness;
use crate::records::{Fact, Manifest, Observation, Op, Phase};
use crate::stats::LoadSpan;

/// One row per cell and operation that occurs, cells in the manifest's order. Rows of cells
/// that the manifest does not know are left out.
#[must_use]
pub fn summarise<'a>(
    manifest: &Manifest,
    observations: impl IntoIterator<Item = &'a Observation>,
) -> Vec<SummaryRow> {
    let mut tallies: HashMap<(&str, Op), Tally> = HashMap::new();
    let mut spans: HashMap<(&str, Phase), BTreeMap<u32, LoadSpan>> = HashMap::new();
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
    let tells_hits = manifest.target().has(Fact::CacheHeader);
    let (mut rows, mut drawn) = (Vec::new(), Drawn::default());
    for cell in &manifest.cells {
        for op in OPS {
            if let Some(tally) = tallies.remove(&(cell.id.as_str(), op)) {
                let spans = &spans[&(cell.id.as_str(), tally.phase)];
                let mut row = tally.row(cell, op, spans, &mut drawn);
                if !tells_hits {
                    (row.cache_hits, row.cache_misses) = (None, None);
                }
                rows.push(row);
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
/// for a client on the rows of its queries: each iteration begins with one. Figures of any row that
/// [`mark_withheld`] has marked are withheld. `cells` has it by the cell's id.
pub fn add_lateness(rows: &mut [SummaryRow], cells: &HashMap<&str, Lateness>) {
    rows.iter_mut().for_each(withhold::empty);
    for row in rows.iter_mut().filter(|row| matches!(row.op, Op::Query | Op::Read)) {
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

/// Reads the rows back.
///
/// # Errors
/// A row is not what it should be.
pub fn read_csv(reader: impl io::Read) -> Result<Vec<SummaryRow>, csv::Error> {
    csv::Reader::from_reader(reader).into_deserialize().collect()
}
