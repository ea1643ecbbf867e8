//! A trial from end to end: latency above, throughput below, faults across both.
//!
//! Faults are numbered as in the plan; the numbers stand in a strip above the panels, in as many
//! rows as it takes for none to cover another, and the list below says what each of them was.

mod buckets;
mod faults;

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::frame::{Bounds, Frame, MARGIN, Panel, WIDTH};
use super::marks;
use super::output::{Area, Drawing, Figure};
use super::palette::{self, Look, Marker};
use super::trial::TrialView;
use super::{Attempt, setting, to_ms};
use crate::records::{Manifest, Op};
use buckets::{BUCKET_MS, Buckets, stretches};
use faults::FaultMarks;

/// Space for the labels and title of the vertical axes.
const AXIS_SPACE: i32 = 96;
/// Heights from top to bottom: the latency panel, the gap to the throughput panel, that panel,
/// the space for the labels and title of the time axis.
const LATENCY_HEIGHT: i32 = 350;
const GAP: i32 = 24;
const THROUGHPUT_HEIGHT: i32 = 190;
const TIME_AXIS_SPACE: i32 = 64;
/// Where frame and legend end: two lines of legend.
const HEAD: i32 = 152;

/// The operations of the load.
const OPS: [Op; 2] = [Op::Query, Op::Trade];

/// The chart of one trial.
pub(super) struct Timeline {
    name: String,
    frame: Frame,
    buckets: Vec<(Op, Buckets)>,
    marks: FaultMarks,
    time: Axis,
    latency: Axis,
    throughput: Axis,
}

impl Timeline {
    pub(super) fn new(manifest: &Manifest, trial: &TrialView<'_>) -> Attempt<Self> {
        let name = format!("timeline-{}", trial.file_part());
        let Some(span_us) = trial.span_us() else {
            return Err(format!("{name}: no operation in the load"));
        };
        let of_op = |op: Op| (op, Buckets::new(&trial.load, op, span_us));
        let buckets: Vec<(Op, Buckets)> =
            OPS.map(of_op).into_iter().filter(|(_, buckets)| !buckets.is_empty()).collect();
        let each = || buckets.iter().map(|(_, buckets)| buckets);
        let answered = each().flat_map(|b| b.medians_ms.iter().chain(&b.maxima_ms));
        let lost = each().flat_map(|buckets| &buckets.lost).map(|point| to_ms(point.1));
        let latencies = answered.map(|point| point.1).chain(lost);
        let latency = Axis::logarithmic(super::LATENCY, latencies);
        let rates = each().flat_map(|buckets| &buckets.answers_per_s).map(|point| point.1);
        let throughput = Axis::from_zero("answers per second", rates);
        let seconds = |us: u64| us as f64 / 1e6;
        let range = (seconds(span_us.0), seconds(span_us.1));
        let marks = FaultMarks::new(trial);
        let frame = Frame {
            title: "Latency and throughput over time, with the faults".to_owned(),
            subtitle: format!(
                "{} · {} · {} operations, in buckets of {BUCKET_MS} ms",
                setting(manifest),
                trial.setting(),
                trial.load.len()
            ),
            legend: legend(&buckets, &marks),
        };
        let time = Axis::linear("time since the run began (s)", range);
        Ok(Self { name, frame, buckets, marks, time, latency, throughput })
    }

    /// The two panels, one below the other.
    fn panels(&self) -> (Panel, Panel) {
        let (left, right) = (MARGIN + AXIS_SPACE, WIDTH.cast_signed() - MARGIN);
        let top = HEAD + self.marks.strip_height(&self.time);
        let bottom = top + LATENCY_HEIGHT;
        let above = Bounds { left, top, right, bottom };
        let top = bottom + GAP;
        let below = Bounds { left, top, right, bottom: top + THROUGHPUT_HEIGHT };
        (
            Panel::new(above, self.time.clone(), self.latency.clone()),
            Panel::new(below, self.time.clone(), self.throughput.clone()),
        )
    }

    fn draw_latency<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        for (op, buckets) in &self.buckets {
            let maxima: Vec<_> = buckets.maxima_ms.iter().map(|&point| panel.at(point)).collect();
            marks::series(area, &maxima, maximum(*op))?;
        }
        for (op, buckets) in &self.buckets {
            for stretch in stretches(&buckets.medians_ms) {
                let points: Vec<_> = stretch.iter().map(|&point| panel.at(point)).collect();
                marks::series(area, &points, palette::operation_line(*op))?;
            }
        }
        let lost = self.buckets.iter().flat_map(|(_, buckets)| &buckets.lost);
        for &(seconds, latency_us) in lost {
            let place = panel.at((seconds, to_ms(latency_us)));
            marks::series(area, &[place], palette::lost())?;
        }
        Ok(())
    }

    fn draw_throughput<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        for (op, buckets) in &self.buckets {
            let points: Vec<_> =
                buckets.answers_per_s.iter().map(|&point| panel.at(point)).collect();
            marks::series(area, &points, palette::operation_line(*op))?;
        }
        Ok(())
    }
}

impl Figure for Timeline {
    fn card(&self) -> Chart {
        Chart {
            stem: self.name.clone(),
            title: self.frame.title.clone(),
            alt: format!("Latency of every operation over time. {}", self.marks.in_words()),
            kind: ChartKind::Timeline,
        }
    }

    fn size(&self) -> (u32, u32) {
        let (_, below) = self.panels();
        let height = below.bounds.bottom + TIME_AXIS_SPACE + self.marks.list_height();
        (WIDTH, height.unsigned_abs())
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        self.frame.draw(area)?;
        let (above, below) = self.panels();
        above.draw_axes(area, false)?;
        below.draw_axes(area, true)?;
        for panel in [&above, &below] {
            self.marks.draw_bands(area, panel)?;
            self.marks.draw_lines(area, panel)?;
        }
        self.draw_latency(area, &above)?;
        self.draw_throughput(area, &below)?;
        self.marks.draw_strip(area, &above)?;
        self.marks.draw_list(area, below.bounds.bottom + TIME_AXIS_SPACE)
    }
}

/// The slowest operation of a bucket.
fn maximum(op: Op) -> Look {
    let look = palette::operation(op);
    let (shape, radius) = if op == Op::Trade { (Marker::Triangle, 4) } else { (Marker::Disc, 2) };
    Look { marker: Some((shape, radius)), ..look }
}

fn legend(buckets: &[(Op, Buckets)], marks: &FaultMarks) -> Vec<(Look, String)> {
    let mut legend = Vec::new();
    for &(op, _) in buckets {
        let look = Look { marker: maximum(op).marker, ..palette::operation_line(op) };
        let name = super::by_p::plural(op);
        legend.push((look, format!("{name}: median (line), slowest (points)")));
    }
    let lost: usize = buckets.iter().map(|(_, buckets)| buckets.lost.len()).sum();
    legend.push((palette::lost(), format!("failed or unknown ({lost})")));
    legend.extend(marks.legend());
    legend
}
