//! Figures against p, the share of queries that a trade follows: one line per cache setting.

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::frame::{Bounds, Frame, MARGIN, Panel, WIDTH};
use super::marks;
use super::output::{Area, Drawing, Figure};
use super::palette::{self, Look};
use super::{Attempt, Material, plural, setting, to_ms};
use crate::records::{Manifest, Op};
use crate::summary::{SummaryRow, op_name};
use crate::text::three_digits;

/// The height of these charts.
const HEIGHT: u32 = 800;
/// Space for the labels and title of the vertical axis, and of the horizontal one.
const AXIS_SPACE: (i32, i32) = (96, 70);
/// The x axis goes a little beyond 0 and 1, so that points do not sit on the edge.
const P_RANGE: (f64, f64) = (-0.04, 1.04);
/// More settings of p than this are not labelled one by one.
const MOST_P_LABELS: usize = 11;
/// Labels closer together than this would touch.
const CLOSEST_P_LABELS: f64 = 0.03;

const P_TITLE: &str = "p, the probability that a query is followed by a trade";

/// One line of a chart: how it looks, what it is called, its points.
struct Line {
    look: Look,
    label: String,
    points: Vec<(f64, f64)>,
}

impl Line {
    fn new<'a>(
        look: Look,
        label: String,
        rows: impl Iterator<Item = &'a SummaryRow>,
        value: impl Fn(&SummaryRow) -> Option<f64>,
    ) -> Self {
        let mut points: Vec<(f64, f64)> =
            rows.filter_map(|row| Some((row.p, value(row)?))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { look, label, points }
    }
}

/// Latency of one operation against p: the median, with the 99th percentile.
pub(super) struct LatencyByP {
    op: Op,
    chart: Lines,
}

impl LatencyByP {
    pub(super) fn new(material: &Material<'_>, op: Op) -> Attempt<Self> {
        let rows = || material.summary.iter().filter(|row| row.op == op);
        let mut lines = Vec::new();
        for cache in [true, false] {
            let of_cache = || rows().filter(|row| row.cache == cache);
            let label = |figure: &str| format!("{figure}, {}", cache_name(cache));
            let p99 = |row: &SummaryRow| row.p99_us.map(to_ms);
            let p50 = |row: &SummaryRow| row.p50_us.map(to_ms);
            lines.push(Line::new(palette::cache(cache), label("median"), of_cache(), p50));
            lines.push(Line::new(palette::cache_dashed(cache), label("p99"), of_cache(), p99));
        }
        let title = format!("Latency of {} by share of trades", plural(op));
        let latencies = lines.iter().flat_map(|line| &line.points).map(|point| point.1);
        let y = Axis::logarithmic(super::LATENCY, latencies);
        let measured: u64 = rows().map(SummaryRow::answered).sum();
        let subtitle = format!("{} · {measured} {}", setting(material.manifest), plural(op));
        let chart = Lines::new(material.manifest, title, subtitle, lines, y);
        let chart =
            chart.ok_or_else(|| format!("latency of {} by p: none answered", plural(op)))?;
        Ok(Self { op, chart })
    }
}

impl Figure for LatencyByP {
    fn card(&self) -> Chart {
        Chart {
            stem: format!("latency-{}-by-p", op_name(self.op)),
            title: self.chart.frame.title.clone(),
            alt: self.chart.in_words("Latency", |ms| format!("{} ms", three_digits(ms))),
            kind: ChartKind::LatencyByP,
        }
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH, HEIGHT)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.chart.draw(area)
    }
}

/// Answered operations per second against p: all of the load, and the trades among them.
pub(super) struct ThroughputByP {
    chart: Lines,
}

impl ThroughputByP {
    pub(super) fn new(material: &Material<'_>) -> Attempt<Self> {
        let rows = material.summary;
        let mut lines = Vec::new();
        for cache in [true, false] {
            let of = |op: Op| rows.iter().filter(move |row| row.cache == cache && row.op == op);
            let both = |query: &SummaryRow| {
                let trade = of(Op::Trade).find(|row| row.cell == query.cell);
                let trades = trade.and_then(|row| row.throughput_per_s).unwrap_or(0.0);
                query.throughput_per_s.map(|queries| queries + trades)
            };
            let label = |what: &str| format!("{what}, {}", cache_name(cache));
            let all = label("queries and trades");
            lines.push(Line::new(palette::cache(cache), all, of(Op::Query), both));
            let trades = |row: &SummaryRow| row.throughput_per_s;
            let look = palette::cache_dashed(cache);
            lines.push(Line::new(look, label("trades alone"), of(Op::Trade), trades));
        }
        let values = lines.iter().flat_map(|line| &line.points).map(|point| point.1);
        let y = Axis::logarithmic("answered operations per second (log scale)", values);
        let title = "Throughput by share of trades".to_owned();
        let chart = Lines::new(material.manifest, title, setting(material.manifest), lines, y);
        Ok(Self { chart: chart.ok_or("throughput by p: no operation was answered")? })
    }
}

impl Figure for ThroughputByP {
    fn card(&self) -> Chart {
        Chart {
            stem: "throughput-by-p".to_owned(),
            title: self.chart.frame.title.clone(),
            alt: self.chart.in_words("Throughput", |rate| format!("{rate:.0}/s")),
            kind: ChartKind::ThroughputByP,
        }
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH, HEIGHT)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.chart.draw(area)
    }
}

/// Lines over p.
struct Lines {
    frame: Frame,
    lines: Vec<Line>,
    x: Axis,
    y: Axis,
}

impl Lines {
    /// Nothing if no line has a point above 0.
    fn new(
        manifest: &Manifest,
        title: String,
        subtitle: String,
        lines: Vec<Line>,
        y: Axis,
    ) -> Option<Self> {
        let lines: Vec<Line> = lines.into_iter().filter(|line| !line.points.is_empty()).collect();
        if !lines.iter().flat_map(|line| &line.points).any(|point| point.1 > 0.0) {
            return None;
        }
        let legend = lines.iter().map(|line| (line.look, line.label.clone())).collect();
        let frame = Frame { title, subtitle, legend };
        Some(Self { frame, lines, x: p_axis(manifest), y })
    }

    /// Where each line begins and ends.
    fn in_words(&self, what: &str, shown: impl Fn(f64) -> String) -> String {
        let lines: Vec<String> = self
            .lines
            .iter()
            .filter_map(|line| {
                let (first, last) = (line.points.first()?, line.points.last()?);
                let (from, to) = (shown(first.1), shown(last.1));
                Some(format!("{}: {from} at p = {}, {to} at p = {}", line.label, first.0, last.0))
            })
            .collect();
        format!("{what} against p. {}.", lines.join("; "))
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        let top = self.frame.height() + 10;
        let bounds = Bounds {
            left: MARGIN + AXIS_SPACE.0,
            top,
            right: WIDTH.cast_signed() - MARGIN,
            bottom: HEIGHT.cast_signed() - AXIS_SPACE.1,
        };
        let panel = Panel::new(bounds, self.x.clone(), self.y.clone());
        panel.draw_axes(area, true)?;
        // The lines of first rank come first in the legend and last in the drawing, on top.
        for line in self.lines.iter().rev() {
            let points: Vec<_> = line.points.iter().map(|&point| panel.at(point)).collect();
            marks::series(area, &points, line.look)?;
        }
        Ok(())
    }
}

fn p_axis(manifest: &Manifest) -> Axis {
    let mut settings: Vec<f64> = manifest.cells.iter().map(|cell| cell.p).collect();
    // The ends of the scale as well, so that a single setting does not float in an empty frame.
    settings.extend([0.0, 1.0]);
    settings.sort_by(f64::total_cmp);
    settings.dedup_by(|later, earlier| *later - *earlier < CLOSEST_P_LABELS);
    if settings.len() > MOST_P_LABELS {
        settings = (0..=5_i32).map(|fifth| f64::from(fifth) / 5.0).collect();
    }
    let ticks = settings.into_iter().map(|p| (p, p.to_string())).collect();
    Axis::fixed(P_TITLE, P_RANGE, ticks)
}

/// `cache on` or `cache off`.
pub(super) fn cache_name(cache: bool) -> &'static str {
    if cache { "cache on" } else { "cache off" }
}
