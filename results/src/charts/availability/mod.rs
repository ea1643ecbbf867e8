//! Who was up, in sync and leading when, and what the service as a whole delivered meanwhile: a
//! lane for each process and each broken link, and the answers below.

mod lanes;
mod service;

use plotters::element::Rectangle;
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, WHITE};
use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::{Chart, ChartKind};
use super::frame::{Bounds, Frame, MARGIN, Panel, WIDTH};
use super::marks::{self, SMALL};
use super::output::{Area, Attempt, Drawing, Figure};
use super::palette::{self, Look};
use super::timeline::FaultMarks;
use super::trial::TrialView;
use super::words::{plural, setting};
use crate::records::{Manifest, Op};
use crate::text::counted;
use lanes::{Lane, State};
use service::{DEGRADED_BELOW, Level, Service};

/// The height of a lane, and of the bar in it.
const LANE: i32 = 42;
const BAR: i32 = 26;
/// The panel of answers, and the gap above it.
const ANSWERS_HEIGHT: i32 = 190;
const GAP: i32 = 18;
const TIME_AXIS_SPACE: i32 = 64;
/// Space for the names of the lanes, at least and at the most, and between a name and its lane.
const NAME_SPACE: i32 = 204;
const MOST_NAME_SPACE: i32 = 520;
const NAME_GAP: i32 = 10;
/// More broken links than this share a lane, which says how many there are.
const MOST_LINKS: usize = 8;
/// A bar narrower than this has no room for a word.
const ROOM_FOR_WORD: i32 = 12;

/// The chart of one trial.
pub(super) struct Availability {
    name: String,
    /// Which trial this is.
    setting: String,
    frame: Frame,
    processes: Vec<Lane<State>>,
    links: Vec<Lane<String>>,
    service: Service,
    marks: FaultMarks,
    time: Axis,
    answers: Axis,
}

impl Availability {
    pub(super) fn new(manifest: &Manifest, trial: &TrialView<'_>) -> Attempt<Self> {
        let name = format!("availability-{}", trial.file_part());
        let Some(span_us) = trial.span_us() else {
            return Err(format!("{name}: no operation in the load"));
        };
        let service = Service::new(&trial.load, span_us)
            .ok_or_else(|| format!("{name}: the load was too short"))?;
        let processes = lanes::processes(trial.timeline, span_us);
        let links = at_most(lanes::links(&trial.faults, span_us.1));
        let marks = FaultMarks::new(trial);
        let what = plural(service.op);
        let slice_ms = service.slice_ms;
        let seconds = |level| service.seconds_at(level);
        let frame = Frame {
            title: "Availability: every process, and what clients got".to_owned(),
            subtitle: format!(
                "{} · {}\naccepted {what} in slices of {slice_ms} ms: full for {:.1} s, degraded (less \
                 than {:.0} % of the median slice) for {:.1} s, none for {:.1} s",
                setting(manifest),
                trial.setting(),
                seconds(Level::Full),
                DEGRADED_BELOW * 100.0,
                seconds(Level::Degraded),
                seconds(Level::None)
            ),
            legend: legend(&processes, &links, &service, &marks),
        };
        let most = service.answers.iter().copied().max().unwrap_or(0);
        let answers = Axis::from_zero(format!("{what} per {slice_ms} ms"), [most as f64]);
        let range = (span_us.0 as f64 / 1e6, span_us.1 as f64 / 1e6);
        let time = Axis::linear("time since the run began (s)", range);
        Ok(Self {
            name,
            setting: trial.setting(),
            frame,
            processes,
            links,
            service,
            marks,
            time,
            answers,
        })
    }

    /// The panel of lanes and that of answers.
    fn panels(&self) -> (Panel, Panel) {
        let (left, right) = (MARGIN + self.name_space(), WIDTH.cast_signed() - MARGIN);
        let top = self.frame.height() + self.marks.strip_height(&self.time, right - left) + GAP;
        let lanes = (self.processes.len() + self.links.len()) as i32;
        let above = Bounds { left, top, right, bottom: top + lanes * LANE };
        let top = above.bottom + GAP;
        let below = Bounds { left, top, right, bottom: top + ANSWERS_HEIGHT };
        let no_axis = Axis::fixed("", (0.0, 1.0), vec![]);
        (
            Panel::new(above, self.time.clone(), no_axis),
            Panel::new(below, self.time.clone(), self.answers.clone()),
        )
    }

    /// How much space the names of the lanes need: those of links over several hosts are long.
    fn name_space(&self) -> i32 {
        let widest = self.names().map(|name| marks::width(name, &marks::text(SMALL))).max();
        (widest.unwrap_or(0) + NAME_GAP).clamp(NAME_SPACE, MOST_NAME_SPACE)
    }

    fn names(&self) -> impl Iterator<Item = &String> {
        let names = self.processes.iter().map(|lane| &lane.name);
        names.chain(self.links.iter().map(|lane| &lane.name))
    }

    fn in_words(&self) -> String {
        let seconds = |spans: &[(u64, u64, State)], state| {
            let of_state = spans.iter().filter(|span| span.2 == state);
            of_state.map(|span| span.1 - span.0).sum::<u64>() as f64 / 1e6
        };
        let lanes = self.processes.iter().filter_map(|Lane { name, spans }| {
            let states = [
                (State::Leading, "leading"),
                (State::Down, "down"),
                (State::Paused, "paused"),
                (State::CatchingUp, "catching up"),
            ];
            let shown: Vec<String> = states
                .into_iter()
                .map(|(state, word)| (seconds(spans, state), word))
                .filter(|(seconds, _)| *seconds > 0.0)
                .map(|(seconds, word)| format!("{word} {seconds:.2} s"))
                .collect();
            (!shown.is_empty()).then(|| format!("{name} {}", shown.join(", ")))
        });
        let lanes: Vec<String> = lanes.collect();
        let lanes =
            if lanes.is_empty() { String::new() } else { format!(" {}.", lanes.join("; ")) };
        format!(
            "{} accepted in full for {:.1} s, degraded for {:.1} s, none for {:.1} s.{lanes}",
            plural(self.service.op),
            self.service.seconds_at(Level::Full),
            self.service.seconds_at(Level::Degraded),
            self.service.seconds_at(Level::None)
        )
    }

    fn draw_lanes<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        for (index, name) in self.names().enumerate() {
            let place = (panel.bounds.left - NAME_GAP, middle(panel, index));
            area.draw_text(name, &marks::anchored(marks::text(SMALL), HPos::Right), place)?;
        }
        for (index, lane) in self.processes.iter().enumerate() {
            for &(from_us, until_us, state) in &lane.spans {
                let (left, right) = bar(panel, from_us, until_us);
                marks::bar(area, (left, right), (middle(panel, index), BAR), state_look(state))?;
            }
        }
        for (index, lane) in self.links.iter().enumerate() {
            let y = middle(panel, index + self.processes.len());
            for (from_us, until_us, action) in &lane.spans {
                let (left, right) = bar(panel, *from_us, *until_us);
                marks::bar(area, (left, right), (y, BAR), palette::broken_link())?;
                let style = marks::anchored(marks::bold(SMALL), HPos::Center).color(&WHITE);
                if marks::width(action, &style) + ROOM_FOR_WORD <= right - left {
                    area.draw_text(action, &style, (i32::midpoint(left, right), y))?;
                }
            }
        }
        Ok(())
    }

    fn draw_answers<DB: DrawingBackend>(&self, area: &Area<DB>, panel: &Panel) -> Drawing<DB> {
        let service = &self.service;
        let slice_us = service.slice_ms * 1000;
        for (index, &answers) in service.answers.iter().enumerate() {
            let from_us = service.from_us + index as u64 * slice_us;
            let (left, right) = bar(panel, from_us, from_us + slice_us);
            let level = service.level(answers);
            let top = match level {
                Level::None => panel.bounds.bottom - NOTHING,
                Level::Full | Level::Degraded => panel.y_at(answers as f64),
            };
            let corners = [(left, top), (right, panel.bounds.bottom)];
            area.draw(&Rectangle::new(corners, level_look(service.op, level).colour.filled()))?;
        }
        Ok(())
    }
}

/// How high a slice without answers stands out of the axis.
const NOTHING: i32 = 7;

fn middle(panel: &Panel, lane: usize) -> i32 {
    panel.bounds.top + lane as i32 * LANE + LANE / 2
}

/// From where to where a stretch of time goes; at least a pixel.
fn bar(panel: &Panel, from_us: u64, until_us: u64) -> (i32, i32) {
    let left = panel.x_at(from_us as f64 / 1e6);
    (left, panel.x_at(until_us as f64 / 1e6).max(left + 1))
}

fn state_look(state: State) -> Look {
    match state {
        State::Down => palette::down(),
        State::Paused => palette::paused(),
        State::CatchingUp => palette::catching_up(),
        State::Up => palette::up(),
        State::Leading => palette::leading(),
    }
}

fn level_look(op: Op, level: Level) -> Look {
    match level {
        Level::Full => palette::answers(op),
        Level::Degraded => palette::few_answers(op),
        Level::None => palette::no_answers(),
    }
}

/// The lanes of links; what goes beyond the bound is one lane, which says how many it stands for.
fn at_most(mut links: Vec<Lane<String>>) -> Vec<Lane<String>> {
    if links.len() > MOST_LINKS {
        let others = links.split_off(MOST_LINKS - 1);
        let name = counted(others.len() as u64, "other link", "other links");
        let spans = others.into_iter().flat_map(|lane| lane.spans);
        let unnamed = spans.map(|(from_us, until_us, _)| (from_us, until_us, String::new()));
        links.push(Lane { name, spans: unnamed.collect() });
    }
    links
}

fn legend(
    processes: &[Lane<State>],
    links: &[Lane<String>],
    service: &Service,
    marks: &FaultMarks,
) -> Vec<(Look, String)> {
    let occurs = |state| processes.iter().flat_map(|lane| &lane.spans).any(|span| span.2 == state);
    let states = [
        (State::Leading, "leading"),
        (State::Up, "up (replica: in sync)"),
        (State::CatchingUp, "starting or catching up"),
        (State::Paused, "paused"),
        (State::Down, "down"),
    ];
    let states = states.into_iter().filter(|&(state, _)| occurs(state));
    let mut legend: Vec<(Look, String)> =
        states.map(|(state, name)| (state_look(state), name.to_owned())).collect();
    if !links.is_empty() {
        legend.push((palette::broken_link(), "link broken".to_owned()));
    }
    let what = plural(service.op);
    for (level, name) in [
        (Level::Full, format!("{what} accepted")),
        (Level::Degraded, "degraded".to_owned()),
        (Level::None, "none".to_owned()),
    ] {
        if service.seconds_at(level) > 0.0 {
            legend.push((level_look(service.op, level), name));
        }
    }
    legend.extend(marks.legend());
    legend
}

impl Figure for Availability {
    fn card(&self) -> Chart {
        Chart {
            stem: self.name.clone(),
            title: format!("{} ({})", self.frame.title, self.setting),
            alt: self.in_words(),
            kind: ChartKind::Availability,
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
        self.draw_lanes(area, &above)?;
        self.draw_answers(area, &below)?;
        for panel in [&above, &below] {
            self.marks.draw_lines(area, panel)?;
        }
        self.marks.draw_strip(area, &above)?;
        self.marks.draw_list(area, below.bounds.bottom + TIME_AXIS_SPACE)
    }
}
