//! Operations as points: which of them are drawn, and how.
//!
//! A minute of load is a hundred thousand operations, more than a picture has room for. Drawn are
//! all that failed or whose outcome is unknown, the slowest answered one of each slice of time,
//! and of the rest every k-th in the order of time, with the k that keeps their number in bounds. So
//! nothing remarkable is left out, and what is left out looks like its neighbours.

use std::collections::{BTreeMap, HashSet};

use plotters_backend::DrawingBackend;

use super::frame::Panel;
use super::marks;
use super::output::{Area, Drawing};
use super::palette;
use super::words::to_ms;
use crate::records::{Observation, Op, Outcome};
use crate::summary::is_answered;

/// About so many unremarkable points of one operation fit a panel.
const MOST_SAMPLED: usize = 4000;

/// One operation.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Point {
    pub(super) op: Op,
    pub(super) outcome: Outcome,
    /// When it was due: in seconds since the run's origin, or what else the chart's axis counts.
    pub(super) at: f64,
    /// Its latency in milliseconds, from when it was due.
    pub(super) ms: f64,
}

impl Point {
    pub(super) fn new(row: &Observation) -> Self {
        Self {
            op: row.op,
            outcome: row.outcome,
            at: row.due_us() as f64 / 1e6,
            ms: to_ms(row.response_us()),
        }
    }
}

/// The points of one operation of a trial.
#[derive(Debug, Default)]
pub(super) struct Cloud {
    pub(super) points: Vec<Point>,
    /// How many operations there were.
    pub(super) of: usize,
    /// Every so many-th of the rest is drawn.
    pub(super) every: usize,
}

impl Cloud {
    pub(super) fn new(load: &[&Observation], op: Op, slice_us: u64) -> Self {
        let mut rows: Vec<&Observation> = load.iter().copied().filter(|row| row.op == op).collect();
        rows.sort_by_key(|row| (row.due_us(), row.client, row.seq));
        let mut slowest: BTreeMap<u64, (u64, usize)> = BTreeMap::new();
        for (index, row) in rows.iter().enumerate().filter(|(_, row)| is_answered(row)) {
            let response_us = row.response_us();
            let slice = row.due_us() / slice_us.max(1);
            let entry = slowest.entry(slice).or_insert((response_us, index));
            *entry = (*entry).max((response_us, index));
        }
        let slowest: HashSet<usize> = slowest.into_values().map(|(_, index)| index).collect();
        let every = rows.len().div_ceil(MOST_SAMPLED).max(1);
        let kept = rows.iter().enumerate().filter(|(index, row)| {
            !is_answered(row) || index % every == 0 || slowest.contains(index)
        });
        let points = kept.map(|(_, row)| Point::new(row)).collect();
        Self { points, of: rows.len(), every }
    }

    /// How many operations have no point. All of them were answered, and none was the slowest of its slice.
    pub(super) fn left_out(&self) -> usize {
        self.of - self.points.len()
    }

    /// Draws the answered operations, faint, as a ground for lines.
    pub(super) fn draw_answered<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
    ) -> Drawing<DB> {
        for outcome in [Outcome::Ok, Outcome::Rejected] {
            self.draw(area, panel, outcome)?;
        }
        Ok(())
    }

    /// Draws the operations that clients lost; they belong on top of everything.
    pub(super) fn draw_lost<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
    ) -> Drawing<DB> {
        for outcome in [Outcome::Unknown, Outcome::Failed] {
            self.draw(area, panel, outcome)?;
        }
        Ok(())
    }

    fn draw<DB: DrawingBackend>(
        &self,
        area: &Area<DB>,
        panel: &Panel,
        outcome: Outcome,
    ) -> Drawing<DB> {
        // Points of one kind on the same pixel look like one; drawing them once bounds the file.
        let mut drawn = HashSet::new();
        for point in self.points.iter().filter(|point| point.outcome == outcome) {
            let place = panel.at((point.at, point.ms));
            if drawn.insert(place) {
                marks::series(area, &[place], palette::faint_point(point.op, outcome))?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::trade;
    use super::*;

    #[test]
    fn what_was_lost_and_the_slowest_of_each_slice_are_drawn_whatever_is_left_out() {
        let mut rows: Vec<Observation> =
            (0..40_000).map(|n| trade(n * 100, 300, Outcome::Ok)).collect();
        rows[12_345].outcome = Outcome::Unknown;
        rows[777].outcome = Outcome::Failed;
        rows[30_001].latency_us = 9000;
        rows[30_001].end_us += 8700;
        let load: Vec<&Observation> = rows.iter().collect();
        let cloud = Cloud::new(&load, Op::Trade, 1_000_000);
        assert_eq!((cloud.of, cloud.every), (40_000, 10));
        let with = |outcome| cloud.points.iter().filter(|point| point.outcome == outcome).count();
        assert_eq!((with(Outcome::Unknown), with(Outcome::Failed)), (1, 1));
        assert!(cloud.points.iter().any(|point| (point.ms - 9.0).abs() < 1e-9));
        assert!((4000..4010).contains(&cloud.points.len()), "{}", cloud.points.len());
        assert_eq!(cloud.left_out(), 40_000 - cloud.points.len());
    }

    #[test]
    fn few_operations_are_all_drawn() {
        let rows = [trade(5, 10, Outcome::Ok), trade(1, 10, Outcome::Rejected)];
        let cloud = Cloud::new(&[&rows[0], &rows[1]], Op::Trade, 100_000);
        assert_eq!((cloud.points.len(), cloud.of, cloud.every), (2, 2, 1));
        assert_eq!(cloud.left_out(), 0);
    }
}
