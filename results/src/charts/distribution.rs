//! Every percentile of an operation's latency, a panel per setting, with the cache beside without.
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
use super::input::ChartInput;
use super::marks;
use super::output::{Area, Attempt, Drawing, Figure};
use super::palette::{self, Look};
use super::words::{LATENCY, Way, plural, rate_and_build, setting, to_ms};
use crate::lateness::is_withheld;
use crate::records::{Cell, Manifest, Op};
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
/// What the subtitle says where percentiles are left out.
const WITHHELD: &str = "\nleft out: percentiles below five times the generator's own lateness";
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

/// Points of a curve that are next to each other: position in the tail and latency in ms.
type Stretch = Vec<(f64, f64)>;

/// One curve.
struct Curve {
    way: Way,
    corrected: bool,
    count: u64,
    /// What of it is told; in more than one piece, or none, where percentiles are withheld.
    stretches: Vec<Stretch>,
    /// Where it ends, if that is told.
    end: Option<(f64, f64)>,
    is_withheld: bool,
}

impl Curve {
    /// `own` is how late the generator was itself, if that is part of these latencies.
    fn new(
        way: Way,
        corrected: bool,
        latencies: &Latencies,
        own: Option<&Latencies>,
    ) -> Option<Self> {
        let count = latencies.count();
        let points = (count > 0).then(|| points(latencies, own))?;
        let told = |point: &Point| !point.is_withheld;
        let stretches = points.chunk_by(|a, b| a.is_withheld == b.is_withheld);
        let stretches = stretches.filter(|stretch| stretch.iter().all(told));
        let place = |point: &Point| (point.x, point.ms);
        Some(Self {
            way,
            corrected,
            count,
            stretches: stretches.map(|stretch| stretch.iter().map(place).collect()).collect(),
            end: points.last().filter(|last| told(last)).map(place),
            is_withheld: !points.iter().all(told),
        })
    }

    fn look(&self) -> Look {
        let look = palette::cache_curve(self.way.cache);
        if self.corrected { look } else { palette::uncorrected(look) }
    }

    fn label(&self) -> String {
        format!("{}{}", self.way.name.as_deref().unwrap_or("latency"), self.counted_from())
    }

    /// The same, to go on after a figure: ` with cache on`.
    fn label_after(&self) -> String {
        let way = self.way.name.as_ref().map(|way| format!(" with {way}"));
        way.unwrap_or_default() + self.counted_from()
    }

    fn counted_from(&self) -> &'static str {
        if self.corrected { "" } else { ", uncorrected (from the actual send)" }
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
    pub(super) fn new(material: &ChartInput<'_>, op: Op) -> Attempt<Self> {
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
        let own = |cell: &Cell| material.lateness.get(cell.id.as_str())?.own_by_op.get(&op);
        let mut panels = panels(manifest, op, &measured, own);
        if panels.is_empty() {
            return Err(format!("distribution of {}: none answered", plural(op)));
        }
        let of = match panels.len() {
            all if all > MOST_PANELS => format!(" · the first {MOST_PANELS} of {all} settings"),
            _ => String::new(),
        };
        panels.truncate(MOST_PANELS);
        let curves = || panels.iter().flat_map(|(_, curves)| curves);
        let points = || curves().flat_map(|curve| curve.stretches.iter().flatten());
        let y = Axis::logarithmic(LATENCY, points().map(|point| point.1));
        let mut legend: Vec<(Look, String)> = Vec::new();
        for curve in curves().filter(|curve| !curve.stretches.is_empty()) {
            let label = curve.label();
            if !legend.iter().any(|(_, known)| *known == label) {
                legend.push((curve.look(), label));
            }
        }
        let withheld = if curves().any(|curve| curve.is_withheld) { WITHHELD } else { "" };
        let number: u64 = measured.values().map(|measured| measured.response.count()).sum();
        let frame = Frame {
            title: format!("Latency distribution of {}, by share of trades p", plural(op)),
            subtitle: format!(
                "{} · {number} {}{of}\na curve of fewer than 10,000 ends at its slowest operation: \
                 n of them say nothing beyond the percentile 1 - 1/n{withheld}",
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
            let ends = curves.iter().map(|curve| {
                let Some((end, ms)) = curve.end else {
                    return format!("the slowest are withheld{}", curve.label_after());
                };
                let what = if end < END { "slowest" } else { "99.99 %" };
                format!("{what} {} ms{}", three_digits(ms), curve.label_after())
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
                for stretch in &curve.stretches {
                    let points: Vec<_> = stretch.iter().map(|&point| panel.at(point)).collect();
                    marks::series(area, &points, curve.look())?;
                }
                let end = curve.end.map(|end| panel.at(end));
                marks::series(area, end.as_slice(), palette::cache_end(curve.way.cache))?;
            }
        }
        Ok(())
    }
}

/// One panel per p, rate and build that has data, in the order of p.
fn panels<'o>(
    manifest: &Manifest,
    op: Op,
    measured: &HashMap<&str, Measured>,
    own: impl Fn(&Cell) -> Option<&'o Latencies>,
) -> Vec<(String, Vec<Curve>)> {
    let mut sorted: Vec<&Cell> = manifest.cells.iter().collect();
    sorted.sort_by(|a, b| a.p.total_cmp(&b.p));
    let mut panels: Vec<(String, Vec<Curve>)> = Vec::new();
    for cell in sorted {
        let Some(of_cell) = measured.get(cell.id.as_str()) else { continue };
        let rest = rate_and_build(cell.rate_per_s, cell.build.as_deref());
        let parts = [format!("p = {}", cell.p), rest];
        let heading = parts.iter().filter(|part| !part.is_empty());
        let heading = heading.cloned().collect::<Vec<_>>().join(" · ");
        let way = || Way::of(manifest, cell.cache);
        let curves = [(true, &of_cell.response, own(cell)), (false, &of_cell.sent, None)];
        let curves =
            curves.map(|(corrected, latencies, own)| Curve::new(way(), corrected, latencies, own));
        let curves = curves.into_iter().flatten();
        match panels.iter_mut().find(|(known, _)| *known == heading) {
            Some((_, known)) => known.extend(curves),
            None => panels.push((heading, curves.collect())),
        }
    }
    let tells_cache = manifest.tells_cache();
    for (heading, curves) in &mut panels {
        let of_what = |curve: &Curve| match curve.way.cache {
            _ if !tells_cache => plural(op),
            true => "on",
            false => "off",
        };
        let corrected = curves.iter().filter(|curve| curve.corrected);
        let counts = corrected.map(|curve| format!("{} {}", curve.count, of_what(curve)));
        *heading = format!("{heading} · {}", counts.collect::<Vec<_>>().join(", "));
    }
    panels.retain(|(_, curves)| !curves.is_empty());
    panels
}

/// Where a quantile is on the horizontal axis.
fn tail(quantile: f64) -> f64 {
    -(1.0 - quantile).log10()
}

/// A percentile of a curve.
struct Point {
    x: f64,
    ms: f64,
    is_withheld: bool,
}

/// From the fastest operation to the end of the axis, or to the slowest if that comes before.
fn points(latencies: &Latencies, own: Option<&Latencies>) -> Vec<Point> {
    let point = |x: f64, us: u64, own_us: Option<u64>| {
        let is_withheld = is_withheld(us as f64, own_us.map(|us| us as f64));
        Point { x, ms: to_ms(us), is_withheld }
    };
    let own_at = |quantile: f64| own.and_then(|own| own.percentile_us(quantile));
    let last = (latencies.count() as f64).log10();
    let end = last.min(END);
    let steps = (end * f64::from(POINTS_PER_DECADE)).ceil().max(1.0) as u32;
    let slowest = latencies.max_us().filter(|_| last < END);
    (0..=steps)
        .filter_map(|step| {
            let x = end * f64::from(step) / f64::from(steps);
            let quantile = 1.0 - 10_f64.powf(-x);
            Some(point(x, latencies.percentile_us(quantile)?, own_at(quantile)))
        })
        .chain(slowest.map(|max_us| point(end, max_us, own.and_then(Latencies::max_us))))
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
        let way = || Way { cache: true, name: None };
        let end = |latencies: &Latencies| Curve::new(way(), true, latencies, None).unwrap().end;
        assert_eq!(end(&few), Some((3.0, 1.0)));
        let many: Latencies = (1..=40_000).collect();
        let (x, ms) = end(&many).unwrap();
        assert!((x - END).abs() < 1e-9 && (39.9..=40.0).contains(&ms), "{x} {ms}");
    }

    #[test]
    fn what_is_below_five_times_the_generators_lateness_is_no_part_of_a_curve() {
        let latencies: Latencies = (1..=1000).map(|us| us * 10).collect();
        let late = |from: u64| (1..=1000).map(|n| if n < from { 1 } else { 9_000 }).collect();
        let way = || Way { cache: true, name: None };
        let curve = |own: &Latencies| Curve::new(way(), true, &latencies, Some(own)).unwrap();
        let whole = curve(&late(1001));
        assert!(whole.stretches.len() == 1 && whole.end.is_some() && !whole.is_withheld);
        let cut = curve(&late(900));
        let last = cut.stretches.last().and_then(|stretch| stretch.last()).unwrap().0;
        assert!((tail(0.85)..=tail(0.9)).contains(&last), "{last}");
        assert!(cut.end.is_none() && cut.is_withheld);
        let none = curve(&late(0));
        assert!(none.stretches.is_empty() && none.is_withheld);
    }
}
