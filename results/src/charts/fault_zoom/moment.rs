//! What a cell shows: the operations around one fault, in milliseconds relative to it.

use std::collections::BTreeMap;

use super::super::axis::Axis;
use super::super::cloud::Point;
use super::super::faults::Fault;
use super::super::palette::{self, Look};
use super::super::trial::TrialView;
use super::super::words::to_ms;
use crate::records::{Observation, Op};
use crate::stats::median;
use crate::summary::{OPS, is_accepted};
use crate::text::three_digits;

/// The length of a slice of time.
pub(super) const SLICE_MS: i64 = 10;
const SLICE_US: i64 = SLICE_MS * 1000;

/// A cell's time is cut into so many slices for its medians, each of [`SLICE_MS`] in the shortest. In longer
/// cells shorter slices would hold an operation or two each, and the line would be a scribble over the points.
const MEDIANS: f64 = 50.0;

/// How long a cell may go on after the fault, in milliseconds; before it, a quarter of that.
const AFTER_MS: [f64; 6] = [400.0, 800.0, 2000.0, 4000.0, 8000.0, 20_000.0];

/// A fault is felt by the operations that are due until this long after it. Later ones may be slow
/// for other reasons.
const FELT_WITHIN_US: u64 = 200_000;

/// By how much more than the time that a fault was felt a cell shows.
const ROOM: f64 = 1.3;

/// A line over time.
type Line = Vec<(f64, f64)>;

/// One cell.
pub(super) struct Moment {
    /// `4: kill order-2 (leader)`.
    pub(super) name: String,
    /// The same without hosts.
    short_name: String,
    first_ack_ms: Option<f64>,
    pub(super) from_us: u64,
    /// Until the last of the operations that met the fault was answered.
    pub(super) felt_ms: f64,
    pub(super) time: Axis,
    /// The operations that were due in the cell's time.
    pub(super) points: Vec<Point>,
    /// Trades and queries accepted per slice, which is counted from the fault.
    pub(super) accepted: BTreeMap<i64, (u64, u64)>,
    /// The median latency of each fiftieth of the cell's time.
    pub(super) medians: Vec<(Op, Line)>,
    /// How long that is, in milliseconds.
    pub(super) median_ms: f64,
    /// Vertical lines.
    pub(super) marks: Vec<(f64, Look)>,
}

impl Moment {
    pub(super) fn new(fault: &Fault, trial: &TrialView<'_>) -> Self {
        let felt_ms = felt_ms(fault, &trial.load);
        let [.., longest] = AFTER_MS;
        let after_ms = AFTER_MS.into_iter().find(|&ms| ms >= felt_ms * ROOM).unwrap_or(longest);
        let range = (-after_ms / 4.0, after_ms);
        let since_ms = |us: u64| (us as f64 - fault.from_us as f64) / 1000.0;
        let shown = |us: u64| (range.0..=range.1).contains(&since_ms(us));

        let rows = || trial.load.iter().filter(|row| shown(row.due_us()) || shown(row.end_us));
        let points: Vec<Point> = rows()
            .filter(|row| shown(row.due_us()))
            .map(|row| Point { at: since_ms(row.due_us()), ..Point::new(row) })
            .collect();
        let mut accepted: BTreeMap<i64, (u64, u64)> = BTreeMap::new();
        for row in rows().filter(|row| is_accepted(row) && shown(row.end_us)) {
            let slice = (row.end_us as i64 - fault.from_us as i64).div_euclid(SLICE_US);
            let (trades, queries) = accepted.entry(slice).or_default();
            match row.op {
                op if op.changes() => *trades += 1,
                Op::Lookup => {}
                _ => *queries += 1,
            }
        }
        let median_ms = (range.1 - range.0) / MEDIANS;
        let of_load = OPS.into_iter().filter(|&op| op != Op::Lookup);
        let medians = of_load.map(|op| (op, medians(&points, op, median_ms))).collect();
        Self {
            name: fault.name(),
            short_name: fault.short_name(),
            first_ack_ms: fault.first_ack_ms,
            from_us: fault.from_us,
            felt_ms,
            time: Axis::linear("ms since the fault", range),
            points,
            accepted,
            medians,
            median_ms,
            marks: marks(fault, trial, since_ms),
        }
    }

    /// `4: kill order-2 (leader), first ack 12.4 ms`, or less of it, as much as fits.
    pub(super) fn heading(&self, fits: impl Fn(&str) -> bool) -> String {
        let with = |name: &String, word: &str| {
            self.first_ack_ms.map(|ms| format!("{name}, {word} {} ms", three_digits(ms)))
        };
        let headings = |name| [with(name, "first ack"), with(name, "ack"), Some(name.clone())];
        let all = headings(&self.name).into_iter().chain(headings(&self.short_name));
        all.flatten().find(|text| fits(text)).unwrap_or_default()
    }

    /// The most that was accepted in a slice.
    pub(super) fn most_accepted(&self) -> u64 {
        self.accepted.values().map(|(trades, queries)| trades + queries).max().unwrap_or(0)
    }

    /// How many of the operations were lost to their clients.
    pub(super) fn lost(&self) -> usize {
        self.points.iter().filter(|point| !point.outcome.is_answer()).count()
    }
}

/// How long after the fault the last answer came to an operation that was under way when it hit, or
/// due soon after; or the first acknowledgement, whatever is later.
fn felt_ms(fault: &Fault, load: &[&Observation]) -> f64 {
    let met = load.iter().filter(|row| {
        row.end_us >= fault.from_us && row.due_us() <= fault.from_us + FELT_WITHIN_US
    });
    let last_us = met.map(|row| row.end_us).max().unwrap_or(fault.from_us);
    to_ms(last_us - fault.from_us).max(fault.first_ack_ms.unwrap_or(0.0))
}

fn medians(points: &[Point], op: Op, slice: f64) -> Line {
    let mut slices: BTreeMap<i64, Vec<f64>> = BTreeMap::new();
    for point in points.iter().filter(|point| point.op == op && point.outcome.is_answer()) {
        slices.entry((point.at / slice).floor() as i64).or_default().push(point.ms);
    }
    let middle = |index: i64| (index as f64 + 0.5) * slice;
    let medians = slices.into_iter();
    medians.filter_map(|(index, ms)| Some((middle(index), median(&ms)?))).collect()
}

/// The fault itself, what followed from it, and whatever other fault falls into the cell.
fn marks(fault: &Fault, trial: &TrialView<'_>, since_ms: impl Fn(u64) -> f64) -> Vec<(f64, Look)> {
    let mut marks = Vec::new();
    for other in &trial.faults {
        let end = other.end.iter().map(|(_, at_us)| (since_ms(*at_us), palette::repaired()));
        marks.extend(end);
        marks.push((since_ms(other.from_us), palette::fault()));
    }
    marks.extend(fault.new_leader_ms.map(|ms| (ms, palette::new_leader())));
    marks.extend(fault.first_ack_ms.map(|ms| (ms, palette::first_ack())));
    marks
}

#[cfg(test)]
mod tests {
    use super::super::super::testing::{trade, trial};
    use super::*;
    use crate::records::Outcome;

    fn pause(from_us: u64) -> Fault {
        Fault {
            number: 1,
            kind: crate::timeline::FaultKind::Pause,
            whom: "order-3".to_owned(),
            placed: "order-3".to_owned(),
            from_us,
            end: None,
            role: None,
            new_leader_ms: None,
            first_ack_ms: None,
        }
    }

    #[test]
    fn a_cell_shows_as_much_time_as_its_fault_was_felt_for() {
        let rows = [
            trade(9_900_000, 900, Outcome::Ok),
            trade(9_999_000, 700_000, Outcome::Ok),
            trade(10_500_000, 9_000_000, Outcome::Ok),
        ];
        let trial = trial(rows.iter().collect(), vec![pause(10_000_000)]);
        let moment = Moment::new(&trial.faults[0], &trial);
        assert!((moment.felt_ms - 699.0).abs() < 1e-9, "{}", moment.felt_ms);
        assert!(moment.time.contains(2000.0) && !moment.time.contains(2001.0));
        assert_eq!(moment.points.len(), 3);
        assert_eq!(moment.accepted, BTreeMap::from([(-10, (1, 0)), (69, (1, 0))]));
    }

    #[test]
    fn what_the_fault_did_not_meet_does_not_widen_the_cell() {
        let rows = [trade(9_999_900, 200, Outcome::Ok), trade(10_300_000, 90_000, Outcome::Ok)];
        let trial = trial(rows.iter().collect(), vec![pause(10_000_000)]);
        let moment = Moment::new(&trial.faults[0], &trial);
        assert!(moment.time.contains(400.0) && !moment.time.contains(401.0));
        assert_eq!(moment.medians[1].1, [(-5.0, 0.2), (305.0, 90.0)]);
    }

    #[test]
    fn a_longer_cell_has_longer_medians_and_not_more_of_them() {
        let slow = trade(9_999_000, 5_000_000, Outcome::Ok);
        let rows: Vec<_> =
            (0..2_000).map(|n| trade(10_000_000 + n * 4_000, 900 + n % 7, Outcome::Ok)).collect();
        let trial = trial(rows.iter().chain([&slow]).collect(), vec![pause(10_000_000)]);
        let moment = Moment::new(&trial.faults[0], &trial);
        assert!((moment.median_ms - 200.0).abs() < 1e-9, "{}", moment.median_ms);
        let medians = &moment.medians[1].1;
        assert_eq!(medians.len(), 41, "one before the fault, forty after it");
        assert!(medians[1..].iter().all(|&(_, ms)| (0.9..0.91).contains(&ms)), "{medians:?}");
    }

    #[test]
    fn a_heading_says_as_much_as_fits() {
        let rows = [trade(10_000_000, 900, Outcome::Ok)];
        let fault = Fault { first_ack_ms: Some(12.4), ..pause(10_000_000) };
        let trial = trial(rows.iter().collect(), vec![fault]);
        let moment = Moment::new(&trial.faults[0], &trial);
        let heading = |most: usize| moment.heading(|text| text.len() <= most);
        assert_eq!(heading(99), "1: pause order-3, first ack 12.4 ms");
        assert_eq!(heading(30), "1: pause order-3, ack 12.4 ms");
        assert_eq!(heading(20), "1: pause order-3");
    }
}
