//! Figures against p, the share of queries that a trade follows: one line per setting of the cache, with
//! the interval in which each figure lies.
//!
//! Several rates of an open loop, or several builds, get a panel each.

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::frame::{Frame, Grid, Panel, WIDTH};
use super::input::ChartInput;
use super::marks;
use super::output::{Area, Attempt, Drawing, Figure};
use super::palette::{self, Look, Rank};
use super::words::{LATENCY, Way, plural, rate_and_build, setting};
use crate::records::{Manifest, Model, Op};
use crate::stats::{Basis, Estimate, MIN_TRIALS};
use crate::summary::{SummaryRow, op_name};
use crate::text::{counted, three_digits};

/// The height of a panel.
const PANEL_HEIGHT: i32 = 660;
/// More combinations of rate and build than this do not fit beside one another.
const MOST_PANELS: usize = 3;
/// The x axis goes a little beyond 0 and 1, so that points do not sit on the edge.
const P_RANGE: (f64, f64) = (-0.04, 1.04);
/// By how much of p the settings of the cache are moved apart, so that their intervals are.
const APART: f64 = 0.006;
/// More settings of p than this are not labelled one by one.
const MOST_P_LABELS: usize = 11;
/// Labels closer together than this would touch.
const CLOSEST_P_LABELS: f64 = 0.03;

const P_TITLE: &str = "p, the probability that a query is followed by a trade";

/// One line of a panel: how it looks, what it is called, its points.
struct Line {
    look: Look,
    label: String,
    cache: bool,
    points: Vec<(f64, Estimate)>,
}

impl Line {
    fn new<'a>(
        look: Look,
        figure: &str,
        way: &Way,
        rows: impl Iterator<Item = &'a SummaryRow>,
        value: impl Fn(&SummaryRow) -> Option<Estimate>,
    ) -> Self {
        let mut points: Vec<(f64, Estimate)> =
            rows.filter_map(|row| Some((row.p, value(row)?))).collect();
        points.sort_by(|a, b| a.0.total_cmp(&b.0));
        Self { look, label: way.with(figure), cache: way.cache, points }
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        let x = |p: f64| p + if self.cache { -APART } else { APART };
        for (p, estimate) in &self.points {
            let Some(interval) = &estimate.interval else { continue };
            let (low, high) = (panel.at((x(*p), interval.low)), panel.at((x(*p), interval.high)));
            marks::whisker(area, low, high, self.look.colour)?;
        }
        let places = self.points.iter().map(|(p, estimate)| panel.at((x(*p), estimate.value)));
        marks::series(area, &places.collect::<Vec<_>>(), self.look)
    }
}

/// The rows that share a panel: those of one rate and one build.
struct Group<'a> {
    heading: String,
    rows: Vec<&'a SummaryRow>,
}

/// In the order in which rates and builds first occur.
fn groups(summary: &[SummaryRow]) -> Vec<Group<'_>> {
    let mut groups: Vec<Group<'_>> = Vec::new();
    for row in summary {
        let heading = rate_and_build(row.rate_per_s, row.build.as_deref());
        match groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.rows.push(row),
            None => groups.push(Group { heading, rows: vec![row] }),
        }
    }
    groups
}

/// Latency of one operation against p: the median, with the 99th percentile.
pub(super) struct LatencyByP {
    op: Op,
    chart: Lines,
}

impl LatencyByP {
    pub(super) fn new(material: &ChartInput<'_>, op: Op) -> Attempt<Self> {
        let rows = || material.summary.iter().filter(|row| row.op == op);
        let way = |cache| Way::of(material.run.manifest(), cache);
        let lines = |group: &Group<'_>| {
            let of = |cache| {
                group.rows.iter().copied().filter(move |row| row.op == op && row.cache == cache)
            };
            let mut lines = Vec::new();
            for cache in [true, false] {
                let (look, way) = (|rank| palette::cache(cache, rank), way(cache));
                let p50 = |row: &SummaryRow| row.p50().map(ms);
                lines.push(Line::new(look(Rank::Median), "median", &way, of(cache), p50));
                let p99 = |row: &SummaryRow| row.p99().map(ms);
                lines.push(Line::new(look(Rank::P99), "p99", &way, of(cache), p99));
                let sent = |row: &SummaryRow| {
                    row.uncorrected_p99_us.map(|us| ms(Estimate::exact(us as f64)))
                };
                let look = palette::uncorrected(look(Rank::P99));
                lines.push(Line::new(look, "p99 uncorrected", &way, of(cache), sent));
            }
            lines
        };
        let model = material.run.target().model();
        let title = format!("Latency of {} by share of {}s", plural(op), model.change());
        let measured: u64 = rows().map(SummaryRow::answered).sum();
        let left_out: usize = ["p50", "p99"]
            .iter()
            .map(|name| rows().filter(|row| row.is_withheld(name)).count())
            .sum();
        let withheld = match left_out {
            0 => String::new(),
            _ => {
                let figures = counted(left_out as u64, "figure", "figures");
                format!("\nleft out: {figures} below five times the generator's own lateness")
            }
        };
        let of_run = setting(material.run.manifest());
        let subtitle = format!("{of_run} · {measured} {}{withheld}", plural(op));
        let chart = Lines::new(material, (title, subtitle), LATENCY, lines);
        let chart = chart.map_err(|why| format!("latency of {} by p: {why}", plural(op)))?;
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
        self.chart.size()
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.chart.draw(area)
    }
}

/// Whose throughput is shown: what reads, and what changes something.
const THROUGHPUT: [(Op, Rank); 5] = [
    (Op::Query, Rank::Median),
    (Op::Trade, Rank::P99),
    (Op::Read, Rank::Median),
    (Op::Write, Rank::P99),
    (Op::Append, Rank::P99),
];

/// Accepted operations per second against p: queries, and trades.
pub(super) struct ThroughputByP {
    chart: Lines,
}

impl ThroughputByP {
    pub(super) fn new(material: &ChartInput<'_>) -> Attempt<Self> {
        let lines = |group: &Group<'_>| {
            let mut lines = Vec::new();
            for cache in [true, false] {
                let way = Way::of(material.run.manifest(), cache);
                let of = |op| {
                    let rows = group.rows.iter().copied();
                    rows.filter(move |row| row.op == op && row.cache == cache)
                };
                for (op, rank) in THROUGHPUT {
                    let look = palette::cache(cache, rank);
                    let per_s = SummaryRow::throughput;
                    lines.push(Line::new(look, plural(op), &way, of(op), per_s));
                }
            }
            lines
        };
        let title = format!("Throughput by share of {}s", material.run.target().model().change());
        let subtitle = setting(material.run.manifest());
        let axis = "accepted per second (log scale)";
        let chart = Lines::new(material, (title, subtitle), axis, lines);
        Ok(Self { chart: chart.map_err(|why| format!("throughput by p: {why}"))? })
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
        self.chart.size()
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.chart.draw(area)
    }
}

/// Lines over p, in a panel for each group.
struct Lines {
    frame: Frame,
    panels: Vec<(String, Vec<Line>)>,
    x: Axis,
    y: Axis,
}

impl Lines {
    fn new(
        material: &ChartInput<'_>,
        (title, subtitle): (String, String),
        axis: &str,
        lines: impl Fn(&Group<'_>) -> Vec<Line>,
    ) -> Attempt<Self> {
        let panels = groups(material.summary).into_iter().map(|group| {
            let mut lines = lines(&group);
            lines.retain(|line| !line.points.is_empty());
            (group.heading, lines)
        });
        let panels: Vec<_> = panels.filter(|(_, lines)| !lines.is_empty()).collect();
        if panels.len() > MOST_PANELS {
            let many = panels.len();
            return Err(format!("{many} rates and builds are too many side by side"));
        }
        let all = || panels.iter().flat_map(|(_, lines)| lines);
        let values = || all().flat_map(|line| &line.points).flat_map(|(_, e)| bounds(e));
        if !values().any(|value| value > 0.0) {
            return Err("none answered".to_owned());
        }
        let with_interval = |(_, estimate): &(f64, Estimate)| estimate.interval.is_some();
        let mut legend: Vec<(Look, String)> = Vec::new();
        for line in all() {
            if !legend.iter().any(|(_, label)| *label == line.label) {
                legend.push((line.look, line.label.clone()));
            }
        }
        if all().flat_map(|line| &line.points).any(with_interval) {
            let slices =
                material.summary.iter().any(|row| row.interval_basis == Some(Basis::Slices));
            let name = if slices {
                format!("steadiness within a trial (an interval takes {MIN_TRIALS})")
            } else {
                "95 % interval".to_owned()
            };
            legend.push((palette::interval(), name));
        }
        let frame = Frame { title, subtitle, legend };
        let y = Axis::logarithmic(axis, values());
        Ok(Self { frame, x: p_axis(material.run.manifest()), y, panels })
    }

    /// Where each line begins and ends.
    fn in_words(&self, what: &str, shown: impl Fn(f64) -> String) -> String {
        let several = self.panels.len() > 1;
        let lines = self
            .panels
            .iter()
            .flat_map(|(heading, lines)| lines.iter().map(move |line| (heading, line)));
        let lines: Vec<String> = lines
            .filter_map(|(heading, line)| {
                let (first, last) = (line.points.first()?, line.points.last()?);
                let heading = if several { format!("{heading}, ") } else { String::new() };
                let (from, to) = (shown(first.1.value), shown(last.1.value));
                let label = &line.label;
                Some(format!("{heading}{label}: {from} at p = {}, {to} at p = {}", first.0, last.0))
            })
            .collect();
        format!("{what} against p. {}.", lines.join("; "))
    }

    fn grid(&self) -> Grid {
        Grid::new(self.panels.len(), self.frame.height(), PANEL_HEIGHT)
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH, self.grid().bottom().unsigned_abs() + 10)
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        let grid = self.grid();
        for (index, (heading, lines)) in self.panels.iter().enumerate() {
            let mut panel = Panel::new(grid.bounds(index), self.x.clone(), self.y.clone());
            if !grid.is_leftmost(index) {
                panel.y.title.clear();
            }
            if self.panels.len() > 1 {
                // Beside one another they would touch: one title stands below all of them.
                panel.x.title.clear();
            }
            panel.draw_axes(area, true)?;
            panel.heading(area, heading)?;
            // The lines of first rank come first in the legend and last in the drawing, on top.
            for line in lines.iter().rev() {
                line.draw(area, &panel)?;
            }
        }
        if self.panels.len() > 1 {
            grid.title_below(area, &self.x.title)?;
        }
        Ok(())
    }
}

/// Microseconds as the milliseconds that the axis shows.
fn ms(us: Estimate) -> Estimate {
    us.in_units_of(1e3)
}

/// What an axis must have room for.
fn bounds(estimate: &Estimate) -> impl Iterator<Item = f64> {
    let interval = estimate.interval.as_ref().map(|interval| [interval.low, interval.high]);
    [estimate.value].into_iter().chain(interval.into_iter().flatten())
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
    let title = match manifest.target().model() {
        Model::Stocks => P_TITLE,
        Model::Register => "p, the share of writes among operations",
        Model::Log => "p, the share of appends among operations",
    };
    Axis::fixed(title, P_RANGE, ticks)
}
