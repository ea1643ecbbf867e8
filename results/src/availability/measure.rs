//! Every fault of a run, measured.

use std::io;

use super::row::AvailabilityRow;
use super::trial::Trial;
use crate::records::{DumpRow, FinalKind, Observation};
use crate::run::Run;

/// Measures every fault that was injected, cells in the manifest's order, faults by time. What was
/// lost, doubled or stale is left empty: [`attribute`](super::attribute) fills that in.
#[must_use]
pub fn measure(run: &Run) -> Vec<AvailabilityRow> {
    let hit = run.trials().iter().filter(|trial| !trial.timeline.faults().is_empty());
    let measured = hit.flat_map(|trial| {
        let observations: Vec<&Observation> = trial.observations().collect();
        let (cell, log) = (&trial.cell.id, longest_log(&trial.final_rows));
        let (number, target) = (trial.number, run.target());
        Trial::new(cell, number, target, &trial.timeline, &observations, log).rows()
    });
    measured.collect()
}

/// Of all replicas' logs: whatever is in another is in this one, too, once they are in sync.
fn longest_log(final_rows: &[DumpRow]) -> &[DumpRow] {
    let of_one = final_rows.chunk_by(|a, b| a.kind == b.kind && a.source == b.source);
    let logs = of_one.filter(|log| log[0].kind == FinalKind::Order);
    // The first of several that are as long.
    logs.rev().max_by_key(|log| log.len()).unwrap_or_default()
}

/// Writes the rows as CSV with a header.
///
/// # Errors
/// Whatever the writer reports.
pub fn write_csv(rows: &[AvailabilityRow], writer: impl io::Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(writer);
    for row in rows {
        csv.serialize(row)?;
    }
    csv.flush()?;
    Ok(())
}

/// Reads the rows back. The file does not say which faults share an outage, nor on which host one was: here each has its own, and none.
///
/// # Errors
/// A row is not what it should be.
pub fn read_csv(reader: impl io::Read) -> Result<Vec<AvailabilityRow>, csv::Error> {
    let rows = csv::Reader::from_reader(reader).into_deserialize::<AvailabilityRow>();
    let whole = |row: AvailabilityRow| {
        let (outage_us, place) = (row.at_us, row.process.clone());
        AvailabilityRow { outage_us, place, ..row }
    };
    rows.map(|row| row.map(whole)).collect()
}
