//! `gaps.csv`: times in which no trade was answered, although no fault can be blamed for it.
//!
//! A *gap* lies between two answers to trades (ok or rejected) that follow each other, or between the
//! last one and the end of the load. Those that overlap the time from a fault until its backlog was
//! drained are on that fault's sheet; what was drained was not seen, until the next fault or the end of
//! the load. All others are here: nobody should read them into a fault that happened to come before.
//! A gap that began before a fault is here up to the fault, and on its sheet from there on.
//!
//! The machine may have had a hand in it: where the harness's own heartbeat stalled during a gap, the
//! row says for how long.

use std::io;

use serde::{Deserialize, Serialize};

use super::row::AvailabilityRow;
use crate::records::{FaultSet, Observation, Phase};
use crate::run::{Run, Trial};
use crate::summary::is_answered;
use crate::text::three_digits;
use crate::timeline::{Span, Timeline};

/// Gaps from here on have a row each; of shorter ones only the longest of the trial has.
const NOTABLE_US: u64 = 100_000;

/// A time without an answer to a trade, outside of every fault's outage.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GapRow {
    /// The cell's id.
    pub cell: String,
    /// Which repetition of the cell, from 1.
    pub trial: u32,
    /// When it began, in microseconds since the run's origin.
    pub at_us: u64,
    /// How long it was.
    pub gap_us: u64,
    /// Which of the plan's faults were not over during it, although their backlog was drained: an
    /// order replica that has yet to be restarted, for example. Empty: nothing was broken.
    pub lasting: FaultSet,
    /// For how long the harness itself could not run during it, at the longest. Empty: no stall was
    /// seen.
    pub harness_stalled_us: Option<u64>,
}

/// When trades of a trial's load were answered.
#[derive(Debug)]
pub(super) struct TradeAnswers<'a> {
    /// Ascending.
    pub(super) answers_us: &'a [u64],
    /// When the first operation of the load was due.
    pub(super) began_us: u64,
    /// When the last one ended.
    pub(super) ended_us: u64,
}

impl TradeAnswers<'_> {
    /// Every gap of the load, in the order of time; none if nothing was traded.
    pub(super) fn gaps(&self) -> impl Iterator<Item = Span> {
        let load = self.began_us..self.ended_us;
        let within = self.answers_us.iter().copied().filter(move |us| load.contains(us));
        let traded = !self.answers_us.is_empty();
        let ends = within.chain(traded.then_some(self.ended_us));
        let mut from_us = self.began_us;
        ends.map(move |to_us| Span {
            from_us: std::mem::replace(&mut from_us, to_us),
            to_us: Some(to_us),
        })
    }

    /// The longest gap that overlaps `outage`, in microseconds since the outage's beginning if that was
    /// later than the gap's; it counts up to `until_us`. Nothing if the load was over before, or
    /// never traded.
    pub(super) fn longest_us(&self, outage: Span, until_us: Option<u64>) -> Option<u64> {
        let until_us = until_us.unwrap_or(u64::MAX);
        let met = self.gaps().filter(|gap| overlap(*gap, outage));
        met.map(|gap| end_us(gap).min(until_us).saturating_sub(gap.from_us.max(outage.from_us)))
            .max()
    }

    /// The gaps, or the parts of them, that lie before or after all outages.
    fn outside(&self, outages: &[Span]) -> Vec<Span> {
        let left = |gap: Span| {
            let met = outages.iter().filter(|outage| overlap(gap, **outage));
            match met.map(|outage| outage.from_us).min() {
                None => Some(gap),
                Some(from_us) if from_us > gap.from_us => {
                    Some(Span { to_us: Some(from_us), ..gap })
                }
                Some(_) => None,
            }
        };
        self.gaps().filter_map(left).collect()
    }
}

/// How long the longest stall of the harness was that overlaps `span`, in microseconds.
pub(super) fn stalled_us(timeline: &Timeline, span: Span) -> Option<u64> {
    let stalls = timeline.stalls.iter().filter(|stall| overlap(**stall, span));
    stalls.map(|stall| end_us(*stall) - stall.from_us).max()
}

/// Whether both have a moment in common that is not the end of one and the beginning of the other.
fn overlap(one: Span, other: Span) -> bool {
    one.from_us < end_us(other) && other.from_us < end_us(one)
}

fn end_us(span: Span) -> u64 {
    span.to_us.unwrap_or(u64::MAX)
}

/// The gaps of a run with faults that none of these can be blamed for, cells in the manifest's order:
/// of each trial those of a tenth of a second and more, or else the longest. `faults` is what
/// [`measure`](super::measure) says of the same run.
#[must_use]
pub fn gaps(run: &Run, faults: &[AvailabilityRow]) -> Vec<GapRow> {
    if faults.is_empty() {
        return Vec::new();
    }
    let rows = run.trials().iter().flat_map(|trial| {
        let of_trial =
            faults.iter().filter(|row| row.cell == trial.cell.id && row.trial == trial.number);
        rows(trial, &outages(&of_trial.collect::<Vec<_>>()))
    });
    rows.collect()
}

/// From each fault until its backlog was drained, or until the next one if that was not seen.
fn outages(faults: &[&AvailabilityRow]) -> Vec<Span> {
    let next = faults.iter().skip(1).map(|row| Some(row.at_us)).chain([None]);
    let outage = |(row, next_us): (&&AvailabilityRow, Option<u64>)| {
        let drained_us = row.backlog_drained_ms.map(|ms| row.at_us + (ms * 1000.0).round() as u64);
        Span { from_us: row.at_us, to_us: drained_us.or(next_us) }
    };
    faults.iter().zip(next).map(outage).collect()
}

fn rows(trial: &Trial, outages: &[Span]) -> Vec<GapRow> {
    let load = || trial.observations().filter(|row| row.phase == Phase::Load);
    let (Some(began_us), Some(ended_us)) =
        (load().map(Observation::due_us).min(), load().map(|row| row.end_us).max())
    else {
        return Vec::new();
    };
    let answered = load().filter(|row| row.op.changes() && is_answered(row));
    let mut answers_us: Vec<u64> = answered.map(|row| row.end_us).collect();
    answers_us.sort_unstable();
    let trades = TradeAnswers { answers_us: &answers_us, began_us, ended_us };
    let outside = trades.outside(outages);
    let us = |gap: Span| end_us(gap) - gap.from_us;
    let longest_us = outside.iter().map(|gap| us(*gap)).max().unwrap_or(0);
    let told = outside.into_iter().filter(|gap| us(*gap) >= NOTABLE_US.min(longest_us));
    told.map(|gap| {
        let lasting = trial.timeline.faults().iter().filter(|fault| overlap(fault.span(), gap));
        GapRow {
            cell: trial.cell.id.clone(),
            trial: trial.number,
            at_us: gap.from_us,
            gap_us: us(gap),
            lasting: lasting.filter_map(|fault| fault.number()).collect(),
            harness_stalled_us: stalled_us(&trial.timeline, gap),
        }
    })
    .collect()
}

/// The longest of them, and how many there are of a tenth of a second and more; nothing if there is none.
#[must_use]
pub fn about_gaps(gaps: &[GapRow]) -> Option<String> {
    let longest = gaps.iter().max_by_key(|gap| gap.gap_us)?;
    let ms = |us: u64| three_digits(us as f64 / 1000.0);
    let broken = if longest.lasting.is_empty() {
        "nothing was broken then".to_owned()
    } else {
        let faults = longest.lasting.to_string().replace(' ', ", ");
        format!("what was broken then (fault {faults}) kept no trade waiting")
    };
    let stalled = longest.harness_stalled_us.map_or_else(String::new, |us| {
        format!(", but the machine stalled the harness for {} ms of it", ms(us))
    });
    let notable = gaps.iter().filter(|gap| gap.gap_us >= NOTABLE_US).count();
    let more = match notable {
        0 => "none was 100 ms or longer".to_owned(),
        1 => "the only one of 100 ms or more".to_owned(),
        _ => format!("the longest of {notable} of 100 ms or more"),
    };
    Some(format!(
        "Longest time without an answer to a trade that no fault explains: {} ms ({more}), {:.1} s into \
         the run ({} trial {}); {broken}{stalled}.",
        ms(longest.gap_us),
        longest.at_us as f64 / 1e6,
        longest.cell,
        longest.trial,
    ))
}

/// Writes the rows as CSV with a header.
///
/// # Errors
/// Whatever the writer reports.
pub fn write_gaps_csv(rows: &[GapRow], writer: impl io::Write) -> Result<(), csv::Error> {
    let mut csv = csv::Writer::from_writer(writer);
    for row in rows {
        csv.serialize(row)?;
    }
    csv.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from_us: u64, to_us: u64) -> Span {
        Span { from_us, to_us: Some(to_us) }
    }

    /// Trades answered at 10, 20, 80, 90 and 200 of a load from 0 to 300.
    const TRADES: TradeAnswers<'static> =
        TradeAnswers { answers_us: &[10, 20, 80, 90, 200], began_us: 0, ended_us: 300 };

    #[test]
    fn gaps_lie_between_answers_and_reach_to_both_ends_of_the_load() {
        let gaps: Vec<Span> = TRADES.gaps().collect();
        assert_eq!(
            gaps,
            [span(0, 10), span(10, 20), span(20, 80), span(80, 90), span(90, 200), span(200, 300)]
        );
        let none = TradeAnswers { answers_us: &[], ..TRADES };
        assert_eq!(none.gaps().count(), 0);
    }

    #[test]
    fn an_outages_longest_gap_is_the_longest_that_overlaps_it_and_counts_from_its_beginning() {
        assert_eq!(TRADES.longest_us(span(25, 80), None), Some(55));
        assert_eq!(TRADES.longest_us(span(25, 90), None), Some(55), "the next begins at its end");
        assert_eq!(TRADES.longest_us(span(25, 91), None), Some(110));
        assert_eq!(TRADES.longest_us(span(25, 91), Some(150)), Some(60));
        assert_eq!(TRADES.longest_us(span(300, 400), None), None);
    }

    #[test]
    fn what_lies_outside_of_outages_is_whole_or_ends_where_the_outage_begins() {
        let outside = TRADES.outside(&[span(50, 85)]);
        assert_eq!(
            outside,
            [span(0, 10), span(10, 20), span(20, 50), span(90, 200), span(200, 300)]
        );
        assert_eq!(TRADES.outside(&[span(0, 300)]), []);
    }
}
