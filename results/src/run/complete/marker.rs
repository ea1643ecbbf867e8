//! The `finished` marker: the last event of a trial, written when all its rows were, with their number.
//!
//! Before format 3 it has no numbers.

use super::{Misfit, Part};
use crate::records::{AtLine as _, Event, EventKind, FinalRow, Numbered, Observation, Row};

/// From this format on it has the numbers.
const COUNTED_SINCE: u32 = 3;

/// How many rows of a trial the recorder had written, the marker included.
pub(super) struct Counts {
    observations: u64,
    events: u64,
    final_rows: u64,
}

/// The marker of a trial.
pub(super) struct Marker {
    pub(super) line: u64,
    pub(super) at_us: u64,
    pub(super) counts: Option<Counts>,
}

impl Marker {
    /// The marker among a trial's events, if it is there.
    pub(super) fn find(format: u32, events: &[Numbered<Event>]) -> Result<Option<Self>, Misfit> {
        let misfit = |line, reason| Misfit { file: Event::FILE, line, reason };
        let place = events.iter().position(|event| event.event == EventKind::Finished);
        let Some(place) = place else { return Ok(None) };
        let finished = &events[place];
        if let Some(after) = events.get(place + 1) {
            let reason =
                format!("it stands after the trial's `finished` in line {}", finished.line);
            return Err(misfit(after.line, reason));
        }
        if let Some(late) = events.iter().find(|event| event.at_us > finished.at_us) {
            let (at_us, ended_us) = (late.at_us, finished.at_us);
            let reason = format!("{at_us} us is after the trial was finished at {ended_us} us");
            return Err(misfit(late.line, reason));
        }
        let counts = Counts::of(finished);
        if format >= COUNTED_SINCE && counts.is_none() {
            let reason = "it does not say how many rows were written".to_owned();
            return Err(misfit(finished.line, reason));
        }
        Ok(Some(Self { line: finished.line, at_us: finished.at_us, counts }))
    }
}

/// What is missing of the observations of a trial that was finished, as far as can be told without
/// counts.
pub(super) fn uncounted(part: &Part<'_, Observation>) -> Option<String> {
    if part.is_torn {
        Some("observations.csv ends in half a row".to_owned())
    } else if part.rows.is_empty() {
        Some("observations.csv has no row of it".to_owned())
    } else {
        None
    }
}

impl Counts {
    fn of(finished: &Event) -> Option<Self> {
        Some(Self {
            observations: finished.observation_rows?,
            events: finished.event_rows?,
            final_rows: finished.final_rows?,
        })
    }

    /// All events must be there: the marker, in this line, is the last of them.
    pub(super) fn audit_events(&self, events: &[Numbered<Event>], line: u64) -> Result<(), Misfit> {
        let (written, there) = (self.events, events.len() as u64);
        if written == there {
            return Ok(());
        }
        let reason = format!(
            "the recorder had written {written} events of the trial, and there are {there}"
        );
        Err(Misfit { file: Event::FILE, line, reason })
    }

    /// What is missing at the end of the observations.
    pub(super) fn observations(
        &self,
        part: &Part<'_, Observation>,
    ) -> Result<Option<String>, Misfit> {
        short(part, self.observations)
    }

    /// What is missing at the end of the dumps.
    pub(super) fn final_rows(&self, part: &Part<'_, FinalRow>) -> Result<Option<String>, Misfit> {
        let lacking = short(part, self.final_rows)?;
        match (lacking, part.rows.last()) {
            (Some(reason), Some(last)) if !part.is_last => {
                let reason = format!("rows after it are missing: {reason}");
                Err(Misfit { file: FinalRow::FILE, line: last.line(), reason })
            }
            (lacking, _) => Ok(lacking),
        }
    }
}

/// By how much there are too few rows; one too many is a misfit.
fn short<T: Row>(part: &Part<'_, T>, written: u64) -> Result<Option<String>, Misfit> {
    let (file, there) = (T::FILE, part.rows.len() as u64);
    let surplus = usize::try_from(written).ok().and_then(|written| part.rows.get(written));
    if let Some(surplus) = surplus {
        let reason =
            format!("the recorder wrote {written} rows of the trial, and this is one more");
        return Err(Misfit { file, line: surplus.line(), reason });
    }
    let lacking = written - there;
    Ok((lacking > 0).then(|| format!("{file} lacks {lacking} of the {written} rows of it")))
}
