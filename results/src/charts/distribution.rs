//! Every percentile of an operation's latency, one panel per p, cache on beside cache off.
//!
//! The horizontal axis is log10(1 / (1 - q)): 90 %, 99 %, 99.9 % are equally far apart, so that the
//! tail gets the room that a plain scale would deny it. A curve of n operations ends at the
//! quantile 1 - 1/n, with the slowest of them.

use std::collections::HashMap;

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::by_p::cache_name;
use super::chart::{Chart, ChartKind};
use super::frame::{Frame, Grid, Panel, WIDTH};
use super::marks;
use super::output::{Area, Drawing, Figure};
use super::palette;
use super::{Attempt, Material, plural, setting, to_ms};
use crate::records::{Cell, Op};
use crate::stats::Latencies;
use crate::summary::{is_answered, is_measured, op_name};
use crate::text::three_digits;

/// The height of a panel, and that of the only one.
const PANEL_HEIGHT: i32 = 340;
const LONE_PANEL_HEIGHT: i32 = 660;
/// Points of a curve per factor of ten in the tail.
const POINTS_PER_DECADE: u32 = 40;
/// The percentiles that are labelled, as long as the data reaches them.
const LABELS: [(f64, &str); 7] = [
    (0.0, "0"),
    (0.5, "50"),
    (0.9, "90"),
    (0.99, "99"),
    (0.999, "99.9"),
    (0.9999, "99.99"),
    (0.99999, "99.999"),
];

/// From here on (99.99 %) there is no room for a label at 0.
const LONG_TAIL: f64 = 4.0;

/// One curve: position in the tail and latency in ms.
struct Curve {
    cache: bool,
    points: Vec<(f64, f64)>,
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
        let mut latencies: HashMap<&str, Latencies> = HashMap::new();
        for row in material.observations {
            if row.op == op && is_measured(row) && is_answered(row) {
                latencies.entry(row.cell.as_str()).or_default().record(row.latency_us);
            }
        }
        let manifest = material.manifest;
        let panels = panels(&manifest.cells, &latencies);
        if panels.is_empty() {
            return Err(format!("distribution of {}: none answered", plural(op)));
        }
        let points = || panels.iter().flat_map(|(_, curves)| curves).flat_map(|c| &c.points);
        let x = tail_axis(points().map(|point| point.0).fold(tail(0.9), f64::max));
        let y = Axis::logarithmic(super::LATENCY, points().map(|point| point.1));
        let shown = |cache: bool| {
            panels.iter().flat_map(|(_, curves)| curves).any(|curve| curve.cache == cache)
        };
        let legend = [true, false]
            .into_iter()
            .filter(|&cache| shown(cache))
            .map(|cache| (palette::cache_curve(cache), cache_name(cache).to_owned()))
            .collect();
        let measured: u64 = latencies.values().map(Latencies::count).sum();
        let frame = Frame {
            title: format!("Latency distribution of {}, by share of trades p", plural(op)),
            subtitle: format!("{} · {measured} {}", setting(manifest), plural(op)),
            legend,
        };
        Ok(Self { op, frame, panels, x, y })
    }

    /// The slowest operation of every panel.
    fn in_words(&self) -> String {
        let panels: Vec<String> = self
            .panels
            .iter()
            .map(|(heading, curves)| {
                let slowest = curves.iter().filter_map(|curve| {
                    let (_, ms) = curve.points.last()?;
                    Some(format!("{} ms with the {}", three_digits(*ms), cache_name(curve.cache)))
                });
                format!("{heading}: {}", slowest.collect::<Vec<_>>().join(", "))
            })
            .collect();
        format!("Percentiles of latency. The slowest, {}.", panels.join("; "))
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
                marks::series(area, &points, palette::cache_curve(curve.cache))?;
            }
        }
        Ok(())
    }
}

/// One panel per p that has data, in the order of p.
fn panels(cells: &[Cell], latencies: &HashMap<&str, Latencies>) -> Vec<(String, Vec<Curve>)> {
    let mut settings: Vec<f64> = cells.iter().map(|cell| cell.p).collect();
    settings.sort_by(f64::total_cmp);
    settings.dedup();
    let curves = |p: f64| -> Vec<Curve> {
        let of_p = cells.iter().filter(|cell| cell.p == p);
        of_p.filter_map(|cell| {
            let points = curve(latencies.get(cell.id.as_str())?);
            Some(Curve { cache: cell.cache, points })
        })
        .collect()
    };
    let all = settings.into_iter().map(|p| (format!("p = {p}"), curves(p)));
    all.filter(|(_, curves)| !curves.is_empty()).collect()
}

/// Where a quantile is on the horizontal axis.
fn tail(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// From the fastest operation to the slowest.
fn curve(latencies: &Latencies) -> Vec<(f64, f64)> {
    let end = (latencies.count() as f64).log10();
    let steps = (end * f64::from(POINTS_PER_DECADE)).ceil().max(1.0) as u32;
    (0..=steps)
        .filter_map(|step| {
            let x = end * f64::from(step) / f64::from(steps);
            let quantile = 1.0 - 10_f64.powf(-x);
            Some((x, to_ms(latencies.percentile_us(quantile)?)))
        })
        .chain(latencies.max_us().map(|max_us| (end, to_ms(max_us))))
        .collect()
}

fn tail_axis(end: f64) -> Axis {
    let ticks = LABELS.iter().map(|&(quantile, label)| (tail(quantile), label.to_owned()));
    // On a long axis the first label would run into the second.
    let first = if end > LONG_TAIL { tail(0.5) } else { 0.0 };
    let ticks = ticks.filter(|&(x, _)| x >= first && x <= end).collect();
    Axis::fixed("percentile (%)", (0.0, end), ticks)
}
