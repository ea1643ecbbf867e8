//! Every percentile of an operation's latency, a panel per setting, cache on beside cache off.
//!
//! The horizontal axis is log10(1 / (1 - q)): 90 %, 99 %, 99.9 % are equally far apart, so that the
//! tail gets the room that a plain scale would deny it. It ends at 99.99 %. A curve of fewer than
//! 10,000 operations ends before that, at the quantile 1 - 1/n, with the slowest of them: what is
//! beyond, nobody has measured.

use std::collections::HashMap;

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::frame::{Frame, Grid, Panel, WIDTH};
use super::marks;
use super::material::Material;
use super::output::{Area, Attempt, Drawing, Figure};
use super::palette::{self, Look};
use super::words::{LATENCY, cache_name, plural, rate_and_build, setting, to_ms};
use crate::records::{Cell, Op};
use crate::stats::Latencies;
use crate::summary::{is_answered, is_measured, op_name};
use crate::text::three_digits;

/// The height of a panel, and that of the only one.
const PANEL_HEIGHT: i32 = 340;
const LONE_PANEL_HEIGHT: i32 = 660;
/// More panels than this do not fit a picture.
const MOST_PANELS: usize = 12;
/// Points of a curve per factor of ten in the tail.
const POINTS_PER_DECADE: u32 = 40;
/// Where the axis ends, as log10(1 / (1 - q)): 99.99 %.
const END: f64 = 4.0;
/// The percentiles that are labelled.
const LABELS: [(f64, &str); 6] =
    [(0.0, "0"), (0.5, "50"), (0.9, "90"), (0.99, "99"), (0.999, "99.9"), (0.9999, "99.99")];

/// The latencies of one cell.
#[derive(Default)]
struct Measured {
    /// From when each operation was due.
    response: Latencies,
    /// In an open loop, from when it was sent.
    sent: Latencies,
}

/// One curve: position in the tail and latency in ms.
struct Curve {
    cache: bool,
    corrected: bool,
    count: u64,
    points: Vec<(f64, f64)>,
}

impl Curve {
    fn new(cache: bool, corrected: bool, latencies: &Latencies) -> Option<Self> {
        let count = latencies.count();
        let points = (count > 0).then(|| points(latencies))?;
        Some(Self { cache, corrected, count, points })
    }

    fn look(&self) -> Look {
        let look = palette::cache_curve(self.cache);
        if self.corrected { look } else { palette::uncorrected(look) }
    }

    fn label(&self) -> String {
        let rest = if self.corrected { "" } else { ", uncorrected (from the actual send)" };
        format!("{}{rest}", cache_name(self.cache))
    }
}

/// The chart of one operation.
pub(super) struct Distribution {
    op: Op,
    frame: Frame,
    panels: Vec<(String, Vec<Curve>)>,
    x: Axis,
    y: Axis,
}

impl Distribution {
    pub(super) fn new(material: &Material<'_>, op: Op) -> Attempt<Self> {
        let mut measured: HashMap<&str, Measured> = HashMap::new();
        for row in material.run.observations() {
            if row.op == op && is_measured(row) && is_answered(row) {
                let of_cell = measured.entry(row.cell.as_str()).or_default();
                of_cell.response.record(row.response_us());
                if row.planned_us.is_some() {
                    of_cell.sent.record(row.latency_us);
                }
            }
        }
        let manifest = material.run.manifest();
        let mut panels = panels(&manifest.cells, &measured);
        if panels.is_empty() {
            return Err(format!("distribution of {}: none answered", plural(op)));
        }
        let of = match panels.len() {
            all if all > MOST_PANELS => format!(" · the first {MOST_PANELS} of {all} settings"),
            _ => String::new(),
        };
        panels.truncate(MOST_PANELS);
        let curves = || panels.iter().flat_map(|(_, curves)| curves);
        let points = || curves().flat_map(|curve| &curve.points);
        let y = Axis::logarithmic(LATENCY, points().map(|point| point.1));
        let mut legend: Vec<(Look, String)> = Vec::new();
        for curve in curves() {
            let label = curve.label();
            if !legend.iter().any(|(_, known)| *known == label) {
                legend.push((curve.look(), label));
            }
        }
        let number: u64 = measured.values().map(|measured| measured.response.count()).sum();
        let frame = Frame {
            title: format!("Latency distribution of {}, by share of trades p", plural(op)),
            subtitle: format!(
                "{} · {number} {}{of}\na curve of fewer than 10,000 ends at its slowest operation: \
                 n of them say nothing beyond the percentile 1 - 1/n",
                setting(manifest),
                plural(op)
            ),
            legend,
        };
        Ok(Self { op, frame, panels, x: tail_axis(), y })
    }

    /// How far each curve of every panel goes.
    fn in_words(&self) -> String {
        let ends = |curves: &[Curve]| {
            let ends = curves.iter().filter_map(|curve| {
                let &(end, ms) = curve.points.last()?;
                let what = if end < END { "slowest" } else { "99.99 %" };
                Some(format!("{what} {} ms with {}", three_digits(ms), curve.label()))
            });
            ends.collect::<Vec<_>>().join(", ")
        };
        let panels =
            self.panels.iter().map(|(heading, curves)| format!("{heading}: {}", ends(curves)));
        format!("Percentiles of latency. {}.", panels.collect::<Vec<_>>().join("; "))
    }

    fn grid(&self) -> Grid {
        let height = if self.panels.len() == 1 { LONE_PANEL_HEIGHT } else { PANEL_HEIGHT };
        Grid::new(self.panels.len(), self.frame.height(), height)
    }
}

impl Figure for Distribution {
    fn card(&self) -> Chart {
        Chart {
            stem: format!("distribution-{}", op_name(self.op)),
            title: self.frame.title.clone(),
            alt: self.in_words(),
            kind: ChartKind::Distribution,
        }
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH, self.grid().bottom().unsigned_abs() + 10)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        let grid = self.grid();
        for (index, (heading, curves)) in self.panels.iter().enumerate() {
            let mut panel = Panel::small(grid.bounds(index), self.x.clone(), self.y.clone());
            if !grid.is_leftmost(index) {
                panel.y.title.clear();
            }
            panel.draw_axes(area, true)?;
            panel.heading(area, heading)?;
            for curve in curves.iter().rev() {
                let points: Vec<_> = curve.points.iter().map(|&point| panel.at(point)).collect();
                marks::series(area, &points, curve.look())?;
                let end = points.last().copied();
                marks::series(area, end.as_slice(), palette::cache_end(curve.cache))?;
            }
        }
        Ok(())
    }
}

/// One panel per p, rate and build that has data, in the order of p.
fn panels(cells: &[Cell], measured: &HashMap<&str, Measured>) -> Vec<(String, Vec<Curve>)> {
    let mut sorted: Vec<&Cell> = cells.iter().collect();
    sorted.sort_by(|a, b| a.p.total_cmp(&b.p));
    let mut panels: Vec<(String, Vec<Curve>)> = Vec::new();
    for cell in sorted {
        let Some(of_cell) = measured.get(cell.id.as_str()) else { continue };
        let rest = rate_and_build(cell.rate_per_s, cell.build.as_deref());
        let parts = [format!("p = {}", cell.p), rest];
        let heading = parts.iter().filter(|part| !part.is_empty());
        let heading = heading.cloned().collect::<Vec<_>>().join(" · ");
        let curves = [(true, &of_cell.response), (false, &of_cell.sent)]
            .map(|(corrected, latencies)| Curve::new(cell.cache, corrected, latencies));
        let curves = curves.into_iter().flatten();
        match panels.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, known)) => known.extend(curves),
            None => panels.push((heading, curves.collect())),
        }
    }
    for (heading, curves) in &mut panels {
        let counts = curves
            .iter()
            .filter(|curve| curve.corrected)
            .map(|curve| format!("{} {}", curve.count, if curve.cache { "on" } else { "off" }));
        *heading = format!("{heading} · {}", counts.collect::<Vec<_>>().join(", "));
    }
    panels.retain(|(_, curves)| !curves.is_empty());
    panels
}

/// Where a quantile is on the horizontal axis.
fn tail(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// From the fastest operation to the end of the axis, or to the slowest if that comes before.
fn points(latencies: &Latencies) -> Vec<(f64, f64)> {
    let last = (latencies.count() as f64).log10();
    let end = last.min(END);
    let steps = (end * f64::from(POINTS_PER_DECADE)).ceil().max(1.0) as u32;
    let slowest = latencies.max_us().filter(|_| last < END);
    (0..=steps)
        .filter_map(|step| {
            let x = end * f64::from(step) / f64::from(steps);
            let quantile = 1.0 - 10_f64.powf(-x);
            Some((x, to_ms(latencies.percentile_us(quantile)?)))
        })
        .chain(slowest.map(|max_us| (end, to_ms(max_us))))
        .collect()
}

fn tail_axis() -> Axis {
    let ticks = LABELS.iter().map(|&(quantile, label)| (tail(quantile), label.to_owned()));
    Axis::fixed("percentile (%)", (0.0, END), ticks.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_ends_at_its_slowest_operation_or_at_9999() {
        let few: Latencies = (1..=1000).collect();
        assert_eq!(points(&few).last(), Some(&(3.0, 1.0)));
        let many: Latencies = (1..=40_000).collect();
        let (x, ms) = points(&many).last().copied().unwrap();
        assert!((x - END).abs() < 1e-9 && (39.9..=40.0).contains(&ms), "{x} {ms}");
    }
}
