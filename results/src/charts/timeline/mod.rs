//! A trial from end to end: the latency of operations, one panel per kind, and what was accepted per
//! second below, with the faults across all of them.
//!
//! Faults are numbered as in the plan. Each is a bar above the panels, in as many rows as it takes
//! for none to cover another, and the list below says what it was.

mod buckets;
mod strip;

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::cloud::Cloud;
use super::frame::{Bounds, Frame, MARGIN, Panel, WIDTH};
use super::marks;
use super::output::{Area, Attempt, Drawing, Figure};
use super::palette::{self, Look, Rank};
use super::trial::TrialView;
use super::words::{LATENCY, plural, setting, singular};
use crate::records::{Manifest, Observation, Op, Outcome};
use crate::stats::Latencies;
use crate::summary::is_answered;
use crate::text::ms;
use buckets::{Buckets, slice_us};
pub(super) use strip::FaultMarks;

/// Space for the labels and title of the vertical axes.
const AXIS_SPACE: i32 = 96;
/// Heights of a panel of latencies and of the one of answers, the gap between panels, and the space
/// for the labels and title of the time axis.
const LATENCY_HEIGHT: i32 = 300;
const THROUGHPUT_HEIGHT: i32 = 190;
const GAP: i32 = 40;
const TIME_AXIS_SPACE: i32 = 64;

/// The operations of the load; what changes something, which faults hit hardest, on top. Lookups are among them where
/// clients look for orders that they were not told of.
const OPS: [Op; 7] =
    [Op::Trade, Op::Write, Op::CompareAndSet, Op::Append, Op::Query, Op::Read, Op::Lookup];

/// Whose throughput is shown.
const THROUGHPUT: [Op; 6] =
    [Op::Trade, Op::Write, Op::CompareAndSet, Op::Append, Op::Query, Op::Read];

/// One operation's panel.
struct Layer {
    op: Op,
    cloud: Cloud,
    buckets: Buckets,
    /// Over the whole trial.
    latencies: Latencies,
    axis: Axis,
}

/// The chart of one trial.
pub(super) struct Timeline {
    name: String,
    /// Which trial this is.
    setting: String,
    frame: Frame,
    layers: Vec<Layer>,
    marks: FaultMarks,
    /// When each stage of the load began after the first, in seconds.
    stages: Vec<f64>,
    time: Axis,
    throughput: Axis,
    lost: (usize, usize),
}

impl Timeline {
    pub(super) fn new(manifest: &Manifest, trial: &TrialView<'_>) -> Attempt<Self> {
        let name = format!("timeline-{}", trial.file_part());
        let Some(span_us) = trial.span_us() else {
            return Err(format!("{name}: no operation in the load"));
        };
        let layers: Vec<Layer> =
            OPS.into_iter().filter_map(|op| Layer::new(&trial.load, op, span_us)).collect();
        let rates = layers.iter().flat_map(|layer| &layer.buckets.accepted_per_s);
        let throughput = Axis::from_zero("accepted per second", rates.map(|point| point.1));
        let seconds = |us: u64| us as f64 / 1e6;
        let time = (seconds(span_us.0), seconds(span_us.1));
        let marks = FaultMarks::new(trial);
        let later = trial.timeline.stages.iter().skip(1);
        let stages: Vec<f64> = later.map(|stage| seconds(stage.at_us)).collect();
        let mut legend = legend(&trial.load, &layers, &marks);
        if !stages.is_empty() {
            legend.push((palette::stage(), "next stage of the load".to_owned()));
        }
        let frame = Frame {
            title: title(&layers),
            subtitle: subtitle(manifest, trial, &layers, slice_us(span_us.1 - span_us.0)),
            legend,
        };
        let time = Axis::linear("time since the run began (s)", time);
        let lost = (count(&trial.load, Outcome::Failed), count(&trial.load, Outcome::Unknown));
        let setting = trial.setting();
        Ok(Self { name, setting, frame, layers, marks, stages, time, throughput, lost })
    }

    /// A panel per layer, and the one of answers, one below the other.
    fn panels(&self) -> (Vec<Panel>, Panel) {
        let (left, right) = (MARGIN + AXIS_SPACE, WIDTH.cast_signed() - MARGIN);
        let mut top = self.frame.height() + self.marks.strip_height(&self.time, right - left);
        let mut panels = Vec::new();
        for layer in &self.layers {
            let bounds = Bounds { left, top, right, bottom: top + LATENCY_HEIGHT };
            panels.push(Panel::new(bounds, self.time.clone(), layer.axis.clone()));
            top = bounds.bottom + GAP;
        }
        let bounds = Bounds { left, top, right, bottom: top + THROUGHPUT_HEIGHT };
        (panels, Panel::new(bounds, self.time.clone(), self.throughput.clone()))
    }

    fn in_words(&self) -> String {
        let of_op = |layer: &Layer| {
            let us =
                |quantile| layer.latencies.percentile_us(quantile).map_or_else(String::new, ms);
            let slowest = layer.latencies.max_us().map_or_else(String::new, ms);
            format!(
                "{} {}: median {}, p99 {}, slowest {slowest}",
                layer.cloud.of,
                plural(layer.op),
                us(0.5),
                us(0.99)
            )
        };
        let ops: Vec<String> = self.layers.iter().map(of_op).collect();
        let (failed, unknown) = self.lost;
        format!(
            "Latency over time. {}; {failed} failed, {unknown} unknown. {}{}",
            ops.join("; "),
            self.marks.in_words(),
            stages_in_words(&self.stages)
        )
    }
}

impl Layer {
    fn new(load: &[&Observation], op: Op, span_us: (u64, u64)) -> Option<Self> {
        let cloud = Cloud::new(load, op, slice_us(span_us.1 - span_us.0));
        if cloud.of == 0 {
            return None;
        }
        let answered = load.iter().filter(|row| row.op == op && is_answered(row));
        let buckets = Buckets::new(load, op, span_us);
        let lows = buckets.uncorrected_p99_ms.iter().map(|point| point.1);
        let latencies = cloud.points.iter().map(|point| point.ms).chain(lows);
        Some(Self {
            op,
            axis: Axis::logarithmic(LATENCY, latencies),
            latencies: answered.map(|row| row.response_us()).collect(),
            cloud,
            buckets,
        })
    }

    fn lines(&self) -> [(&Vec<(f64, f64)>, Look); 4] {
        let Buckets { p50_ms, p99_ms, max_ms, uncorrected_p99_ms, .. } = &self.buckets;
        [
            (max_ms, palette::operation_line(self.op, Rank::Slowest)),
            (uncorrected_p99_ms, palette::uncorrected(palette::operation_line(self.op, Rank::P99))),
            (p99_ms, palette::operation_line(self.op, Rank::P99)),
            (p50_ms, palette::operation_line(self.op, Rank::Median)),
        ]
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        self.cloud.draw_answered(area, panel)?;
        for (line, look) in self.lines() {
            for stretch in self.buckets.stretches(line) {
                let points: Vec<_> = stretch.iter().map(|&point| panel.at(point)).collect();
                marks::series(area, &points, look)?;
            }
        }
        self.cloud.draw_lost(area, panel)
    }
}

impl Figure for Timeline {
    fn card(&self) -> Chart {
        Chart {
            stem: self.name.clone(),
            title: format!("{} ({})", self.frame.title, self.setting),
            alt: self.in_words(),
            kind: ChartKind::Timeline,
        }
    }

    fn size(&self) -> (u32, u32) {
        let (_, last) = self.panels();
        let height = last.bounds.bottom + TIME_AXIS_SPACE + self.marks.list_height();
        (WIDTH, height.unsigned_abs())
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        let (panels, last) = self.panels();
        for panel in panels.iter().chain([&last]) {
            panel.draw_axes(area, panel.bounds == last.bounds)?;
            self.marks.draw_bands(area, panel)?;
            for &at_s in &self.stages {
                panel.draw_vertical(area, at_s, palette::stage())?;
            }
            self.marks.draw_lines(area, panel)?;
        }
        for (layer, panel) in self.layers.iter().zip(&panels) {
            layer.draw(area, panel)?;
            panel.label_inside(area, plural(layer.op))?;
        }
        for layer in self.layers.iter().filter(|layer| THROUGHPUT.contains(&layer.op)) {
            let points = &layer.buckets.accepted_per_s;
            let points: Vec<_> = points.iter().map(|&point| last.at(point)).collect();
            marks::series(area, &points, palette::operation_line(layer.op, Rank::P99))?;
        }
        self.marks.draw_strip(area, panels.first().unwrap_or(&last))?;
        self.marks.draw_list(area, last.bounds.bottom + TIME_AXIS_SPACE)
    }
}

fn stages_in_words(later: &[f64]) -> String {
    match later {
        [] => String::new(),
        later => format!(" The load has {} stages.", later.len() + 1),
    }
}

fn count(load: &[&Observation], outcome: Outcome) -> usize {
    load.iter().filter(|row| row.outcome == outcome).count()
}

/// It promises every operation only if every operation has a point.
fn title(layers: &[Layer]) -> String {
    let all_drawn = layers.iter().all(|layer| layer.cloud.left_out() == 0);
    let of = if all_drawn { "every operation" } else { "operations" };
    format!("Latency of {of} over time, with the faults")
}

/// What was run, how long the slices of the lines are, and which points are drawn.
fn subtitle(manifest: &Manifest, trial: &TrialView<'_>, layers: &[Layer], slice_us: u64) -> String {
    let drawn: usize = layers.iter().map(|layer| layer.cloud.points.len()).sum();
    let left_out: usize = layers.iter().map(|layer| layer.cloud.left_out()).sum();
    let rule = if left_out == 0 {
        "all operations".to_owned()
    } else {
        let thinned = layers.iter().filter(|layer| layer.cloud.every > 1);
        let thinned =
            thinned.map(|layer| format!("1 in {} {}", layer.cloud.every, plural(layer.op)));
        format!(
            "{drawn} operations: {}, all that were lost, the slowest of each slice\nthe {left_out} left out \
             were answered, each no slower than one beside it that is drawn; the lines count them",
            thinned.collect::<Vec<_>>().join(", ")
        )
    };
    format!(
        "{} · {}\nlines: slices of {} ms · points: {rule}",
        setting(manifest),
        trial.setting(),
        slice_us / 1000,
    )
}

fn legend(load: &[&Observation], layers: &[Layer], marks: &FaultMarks) -> Vec<(Look, String)> {
    let mut legend = Vec::new();
    for layer in layers {
        let look = palette::point(layer.op, Outcome::Ok);
        legend.push((look, format!("{} ok", singular(layer.op))));
    }
    for (outcome, name) in
        [(Outcome::Rejected, "refused"), (Outcome::Failed, "failed"), (Outcome::Unknown, "unknown")]
    {
        let number = count(load, outcome);
        let op = load.iter().find(|row| row.outcome == outcome).map_or(Op::Trade, |row| row.op);
        // That nothing was lost is worth saying; that nothing was refused is not.
        if outcome != Outcome::Rejected || number > 0 {
            legend.push((palette::point(op, outcome), format!("{name} ({number})")));
        }
    }
    if let Some(layer) = layers.first() {
        for (rank, name) in
            [(Rank::Median, "median"), (Rank::P99, "p99"), (Rank::Slowest, "slowest")]
        {
            legend.push((palette::operation_line(layer.op, rank), name.to_owned()));
        }
        if layers.iter().any(|layer| !layer.buckets.uncorrected_p99_ms.is_empty()) {
            let look = palette::uncorrected(palette::operation_line(layer.op, Rank::P99));
            legend.push((look, "p99 uncorrected (from the actual send)".to_owned()));
        }
    }
    legend.extend(marks.legend());
    legend
}
