//! Latency and what was accepted per second against the rate that was offered, up to where the service drowns.
//!
//! The knee is the highest rate that was held, as [`crate::knee`] defines that. Beyond it the gap
//! between the corrected and the uncorrected curve is what a load that waits for answers would hide.

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::frame::{Bounds, Frame, MARGIN, Panel, WIDTH};
use super::input::ChartInput;
use super::marks;
use super::output::{Area, Attempt, Drawing, Figure};
use super::palette::{self, Look, Rank};
use super::words::{LATENCY, figure_of, rate_and_build, setting, to_ms};
use crate::knee::{Step, Sweep};

/// Heights of the panels of latency and of answers, the gap between them, and the space for the labels
/// and title of the axes.
const LATENCY_HEIGHT: i32 = 400;
const ANSWERS_HEIGHT: i32 = 260;
const GAP: i32 = 24;
const AXIS_SPACE: (i32, i32) = (100, 70);
/// By which factor the axis of rates goes beyond them, so that points do not sit on the edge.
const ROOM: f64 = 1.1;
/// Labels of rates closer together than this share of the axis would touch.
const CLOSEST_LABELS: f64 = 0.05;

/// One line: how it looks, and its points (rate, value).
struct Line {
    look: Look,
    label: String,
    points: Vec<(f64, f64)>,
}

/// The chart of one p and one build, with the cache beside without.
pub(super) struct RateSweep {
    stem: String,
    frame: Frame,
    sentences: Vec<String>,
    latencies: Vec<Line>,
    answers: Vec<Line>,
    knees: Vec<(f64, Look)>,
    offered: Axis,
    latency: Axis,
    answered: Axis,
}

impl RateSweep {
    /// One chart for each p and build that has sweeps.
    pub(super) fn all(material: &ChartInput<'_>) -> Vec<Attempt<Self>> {
        let mut charts: Vec<Vec<&Sweep>> = Vec::new();
        for sweep in material.sweeps {
            let is_beside = |chart: &&mut Vec<&Sweep>| {
                chart.iter().all(|known| (known.p, &known.build) == (sweep.p, &sweep.build))
            };
            match charts.iter_mut().find(is_beside) {
                Some(chart) => chart.push(sweep),
                None => charts.push(vec![sweep]),
            }
        }
        charts.into_iter().map(|sweeps| Self::new(material, &sweeps)).collect()
    }

    fn new(material: &ChartInput<'_>, sweeps: &[&Sweep]) -> Attempt<Self> {
        let first = sweeps.first().ok_or("rate sweep: no rates")?;
        let build = first.build.as_ref().map_or_else(String::new, |b| format!("-build-{b}"));
        let stem = format!("rate-sweep-p{}{build}", first.p);
        let latencies: Vec<Line> = sweeps.iter().flat_map(|sweep| latency_lines(sweep)).collect();
        if latencies.iter().all(|line| line.points.is_empty()) {
            return Err(format!("{stem}: none answered"));
        }
        let answers: Vec<Line> = sweeps.iter().map(|sweep| accepted_line(sweep)).collect();
        let knees: Vec<(f64, Look)> = sweeps
            .iter()
            .filter_map(|sweep| Some((sweep.knee()?.rate_per_s, palette::knee(sweep.cache))))
            .collect();
        let rates = || sweeps.iter().flat_map(|sweep| &sweep.steps).map(|step| step.rate_per_s);
        let around = rates().flat_map(|rate| [rate / ROOM, rate * ROOM]);
        let offered = Axis::logarithmic("offered: iterations due per second (log scale)", around);
        let offered = with_rates(offered, rates());
        let values = |lines: &[Line]| {
            lines.iter().flat_map(|line| &line.points).map(|point| point.1).collect::<Vec<_>>()
        };
        let latency = Axis::logarithmic(LATENCY, values(&latencies));
        let answered = values(&answers).into_iter().chain(rates());
        let answered = Axis::logarithmic("accepted per second", answered);
        let rest = rate_and_build(None, first.build.as_deref());
        let rest = if rest.is_empty() { rest } else { format!(" · {rest}") };
        let frame = Frame {
            title: "Latency and throughput against the rate that was offered".to_owned(),
            subtitle: format!(
                "{} · p = {}{rest} · open loop, queries and trades together",
                setting(material.run.manifest()),
                first.p
            ),
            legend: legend(&latencies, sweeps),
        };
        let sentences = sweeps.iter().map(|sweep| sweep.sentence()).collect();
        Ok(Self { stem, frame, sentences, latencies, answers, knees, offered, latency, answered })
    }

    fn panels(&self) -> (Panel, Panel) {
        let (left, right) = (MARGIN + AXIS_SPACE.0, WIDTH.cast_signed() - MARGIN);
        let top = self.frame.height() + GAP;
        let above = Bounds { left, top, right, bottom: top + LATENCY_HEIGHT };
        let top = above.bottom + GAP;
        let below = Bounds { left, top, right, bottom: top + ANSWERS_HEIGHT };
        (
            Panel::new(above, self.offered.clone(), self.latency.clone()),
            Panel::new(below, self.offered.clone(), self.answered.clone()),
        )
    }
}

impl Figure for RateSweep {
    fn card(&self) -> Chart {
        Chart {
            stem: self.stem.clone(),
            title: self.frame.title.clone(),
            alt: self.sentences.join(" "),
            kind: ChartKind::RateSweep,
        }
    }

    fn size(&self) -> (u32, u32) {
        let (_, below) = self.panels();
        (WIDTH, (below.bounds.bottom + AXIS_SPACE.1).unsigned_abs())
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        let (above, below) = self.panels();
        above.draw_axes(area, false)?;
        below.draw_axes(area, true)?;
        for panel in [&above, &below] {
            for &(rate, look) in &self.knees {
                panel.draw_vertical(area, rate, look)?;
            }
        }
        let all = |rate: &(f64, String)| below.at((rate.0, rate.0));
        let diagonal: Vec<_> = self.offered.ticks.iter().map(all).collect();
        marks::line(area, &diagonal, palette::reference())?;
        for (panel, lines) in [(&above, &self.latencies), (&below, &self.answers)] {
            for line in lines.iter().rev() {
                let points: Vec<_> = line.points.iter().map(|&point| panel.at(point)).collect();
                marks::series(area, &points, line.look)?;
            }
        }
        Ok(())
    }
}

fn latency_lines(sweep: &Sweep) -> Vec<Line> {
    let line = |look: Look, figure: &str, value: fn(&Step) -> Option<u64>| Line {
        look,
        label: figure_of(figure, sweep.way.as_deref()),
        points: sweep
            .steps
            .iter()
            .filter_map(|step| Some((step.rate_per_s, to_ms(value(step)?))))
            .collect(),
    };
    let look = |rank| palette::cache(sweep.cache, rank);
    let (median, p99) = (look(Rank::Median), look(Rank::P99));
    vec![
        line(median, "median", |step| step.p50_us),
        line(p99, "p99", |step| step.p99_us),
        line(palette::uncorrected(p99), "p99 uncorrected", |step| step.uncorrected_p99_us),
    ]
}

fn accepted_line(sweep: &Sweep) -> Line {
    let points = sweep.steps.iter().map(|step| (step.rate_per_s, step.accepted_per_s));
    let look = palette::cache(sweep.cache, Rank::Median);
    Line { look, label: figure_of("accepted", sweep.way.as_deref()), points: points.collect() }
}

fn legend(latencies: &[Line], sweeps: &[&Sweep]) -> Vec<(Look, String)> {
    let lines = latencies.iter().filter(|line| !line.points.is_empty());
    let mut legend: Vec<(Look, String)> =
        lines.map(|line| (line.look, line.label.clone())).collect();
    for sweep in sweeps {
        let way = sweep.way.as_deref();
        let held = match (sweep.knee(), way) {
            (Some(knee), _) => format!("{}: {}/s", figure_of("knee", way), knee.rate_per_s),
            (None, Some(way)) => format!("{way}: no rate held"),
            (None, None) => "no rate held".to_owned(),
        };
        legend.push((palette::knee(sweep.cache), held));
    }
    legend.push((palette::reference(), "all that was offered".to_owned()));
    legend
}

/// The axis with the rates that were tried for its ticks, as far as there is room for them.
fn with_rates(axis: Axis, rates: impl Iterator<Item = f64>) -> Axis {
    let mut rates: Vec<f64> = rates.collect();
    rates.sort_by(f64::total_cmp);
    rates.dedup_by(|later, earlier| axis.share(*later) - axis.share(*earlier) < CLOSEST_LABELS);
    axis.with_ticks(rates.into_iter().map(|rate| (rate, rate.to_string())).collect())
}
