//! Whether a trial's rows are all there, held against everything that the run itself says about them.
//!
//! Completeness is a fact before it is an opinion: what is not there, or is there twice, must neither
//! accuse the services nor acquit them. Two cases are told apart by what a harness that was killed can
//! leave behind:
//!
//! * It can leave the *end* of something out: the last rows of a file or half of its last row, a dump,
//!   the `finished` marker. Such a trial is incomplete, and its checks are inconclusive.
//! * It cannot leave a hole, a row twice, a client's rows in another order than the client's, or times
//!   that contradict each other. Then a file was changed: an error that names it and the line.
//!
//! Rows are held against each client's own count and order (`clients`), against the counts in the
//! `finished` marker, which the recorder writes last (`marker`), against what `final.csv` says of itself
//! (`dumps`), and against the orders that were acknowledged, each of which is looked up (`lookups`).

mod clients;
mod dumps;
mod lookups;
mod marker;
mod part;
#[cfg(test)]
mod tests;

pub(super) use part::{Misfit, Part};

use crate::records::{Event, Fact, FinalRow, Numbered, Observation, Target};

use clients::Clocks;
use marker::Marker;

/// The rows of one trial.
pub(super) struct Parts<'a> {
    pub(super) observations: Part<'a, Observation>,
    pub(super) events: &'a [Numbered<Event>],
    pub(super) final_rows: Part<'a, FinalRow>,
}

/// What is missing of a trial that was finished.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Missing {
    /// In a sentence each, without its full stop.
    pub(super) reasons: Vec<String>,
    /// Whether the dumps are not whole, and so say nothing.
    pub(super) is_dump_cut: bool,
}

/// Holds a trial's rows against what the run says about them, of a target that may not give all of it.
pub(super) fn audit(format: u32, target: &Target, parts: &Parts<'_>) -> Result<Missing, Misfit> {
    let marker = Marker::find(format, parts.events)?;
    let began_us = parts.events.iter().map(|event| event.at_us).min();
    let ended_us = marker.as_ref().map(|marker| marker.at_us);
    let clients =
        clients::audit(parts.observations.rows, began_us, ended_us, Clocks::of(parts.events))?;
    // What is dumped page by page is written by number. What a target lists is its own affair, and the checks'.
    dumps::audit(parts.final_rows.rows, target.has(Fact::OrderEpochs))?;
    // What was never finished is incomplete already.
    let Some(marker) = marker else { return Ok(Missing::default()) };
    let (observations, final_rows) = match &marker.counts {
        Some(counts) => {
            counts.audit_events(parts.events, marker.line)?;
            (counts.observations(&parts.observations)?, counts.final_rows(&parts.final_rows)?)
        }
        None => (marker::uncounted(&parts.observations), dumps::cut(&parts.final_rows)),
    };
    let is_dump_cut = final_rows.is_some();
    let is_looked_up = target.has(Fact::Lookups) && target.has(Fact::OrderNumbers);
    let lookups = is_looked_up.then(|| lookups::audit(&clients)).flatten();
    let reasons = [observations, lookups, final_rows];
    Ok(Missing { reasons: reasons.into_iter().flatten().collect(), is_dump_cut })
}
