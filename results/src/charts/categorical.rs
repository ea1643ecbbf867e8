//! Figures over a few named things in order: systems beside each other, settings, runs one after the other.
//!
//! Who draws it hands over values alone; every look is the palette's. Whatever several runs are to be shown in is this
//! one chart, so it knows neither systems nor commits: places along the horizontal axis have labels, panels have an axis
//! of values each, and series have points at places.

use plotters_backend::DrawingBackend;

use super::axis::Axis;
use super::chart::Chart;
use super::frame::{Bounds, Frame, Grid, MARGIN, Panel, WIDTH, label_line};
use super::marks::{self, SMALL, TEXT};
use super::output::{Area, Drawing, Figure};
use super::palette::{self, Look};
use crate::stats::Estimate;

/// The height of a panel that has the whole width, and of one that stands beside others.
const STACKED_HEIGHT: i32 = 260;
const BESIDE_HEIGHT: i32 = 520;
/// Above and below a panel that has the whole width: its heading, and the labels and the title of the last one.
const STACKED_TOP: i32 = 34;
const LAST_BOTTOM: i32 = 70;
/// Left of it: the title and the labels of its values.
const STACKED_LEFT: i32 = 100;
/// More labels than this do not fit the whole width; of more places only some are labelled.
const MOST_LABELS: usize = 12;
/// Between the labels of two places.
const LABEL_GAP: i32 = 16;
/// Series share this much of a place's width, so that their points do not hide each other.
const SHARED: f64 = 0.6;
/// With more places than this a place is too narrow to move series apart.
const MOST_APART: usize = 40;

/// How a series looks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeriesLook {
    /// One of several systems, by its number in their order; joined by a line.
    System(usize),
    /// The same as points alone.
    SystemPoints(usize),
    /// Single measurements, behind what is made of them.
    Single,
    /// What is made of them: a median, joined by a line.
    Middle,
    /// The same where neighbours have nothing to do with each other.
    MiddleMark,
    /// A run that passed.
    Passed,
    /// A run that failed.
    Failed,
    /// A run that is inconclusive.
    Doubted,
}

impl SeriesLook {
    fn look(self) -> Look {
        match self {
            Self::System(number) => palette::system(number),
            Self::SystemPoints(number) => Look { line: None, ..palette::system(number) },
            Self::Single => palette::single(),
            Self::Middle => palette::middle(),
            Self::MiddleMark => palette::middle_mark(),
            Self::Passed => palette::passed(),
            Self::Failed => palette::failed(),
            Self::Doubted => palette::doubted(),
        }
    }
}

/// Points that belong together.
#[derive(Clone, Debug)]
pub struct CategoricalSeries {
    /// What the legend calls them.
    pub label: String,
    /// How they look.
    pub look: SeriesLook,
    /// The place of each, counted from 0, and its value.
    pub points: Vec<(usize, Estimate)>,
}

/// One axis of values.
#[derive(Clone, Debug)]
pub struct CategoricalPanel {
    /// What is shown.
    pub heading: String,
    /// What the axis counts, with its unit.
    pub axis: String,
    /// Whether the axis is logarithmic; if not, it begins at 0.
    pub is_log: bool,
    /// The points.
    pub series: Vec<CategoricalSeries>,
    /// Lines between a place and the one before it, with a word each: where something changed.
    pub changes: Vec<(usize, String)>,
}

/// How panels are put together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrangement {
    /// One above the other, each as wide as the chart.
    Stacked,
    /// Beside each other.
    Beside,
}

/// The chart.
#[derive(Clone, Debug)]
pub struct Categorical {
    /// Its name, title and what it shows, in words.
    pub card: Chart,
    /// What was run.
    pub subtitle: String,
    /// What the places are.
    pub places_title: String,
    /// Their labels, in order.
    pub places: Vec<String>,
    /// How the panels are put together.
    pub arrangement: Arrangement,
    /// The panels.
    pub panels: Vec<CategoricalPanel>,
}

impl Categorical {
    /// Whether there is anything to draw.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        !self.panels.iter().flat_map(|panel| &panel.series).any(|series| !series.points.is_empty())
    }

    fn frame(&self) -> Frame {
        let mut legend: Vec<(Look, String)> = Vec::new();
        let all = || self.panels.iter().flat_map(|panel| &panel.series);
        for series in all().filter(|series| !series.points.is_empty()) {
            if !legend.iter().any(|(_, label)| *label == series.label) {
                legend.push((series.look.look(), series.label.clone()));
            }
        }
        let has_interval = |(_, value): &(usize, Estimate)| value.interval.is_some();
        if all().flat_map(|series| &series.points).any(has_interval) {
            legend.push((palette::interval(), "95 % interval".to_owned()));
        }
        Frame { title: self.card.title.clone(), subtitle: self.subtitle.clone(), legend }
    }

    /// Where the `index`-th panel is.
    fn bounds(&self, index: usize, top: i32) -> Bounds {
        match self.arrangement {
            Arrangement::Beside => Grid::new(self.panels.len(), top, BESIDE_HEIGHT).bounds(index),
            Arrangement::Stacked => {
                let top = top + index as i32 * (STACKED_TOP + STACKED_HEIGHT) + STACKED_TOP;
                let (left, right) = (MARGIN + STACKED_LEFT, WIDTH.cast_signed() - MARGIN);
                Bounds { left, top, right, bottom: top + STACKED_HEIGHT }
            }
        }
    }

    fn places_axis(&self) -> Axis {
        let every = self.places.len().div_ceil(MOST_LABELS).max(1);
        let numbered = self.places.iter().enumerate().step_by(every);
        let Bounds { left, right, .. } = self.bounds(0, 0);
        let room = (right - left) * every as i32 / self.places.len().max(1) as i32 - LABEL_GAP;
        let wrapped = |label: &String| marks::wrapped(label, &marks::text(TEXT), room);
        let ticks = numbered.map(|(place, label)| (place as f64, wrapped(label))).collect();
        let last = self.places.len().max(1) as f64 - 0.5;
        Axis::fixed(self.places_title.clone(), (-0.5, last), ticks)
    }
}

impl CategoricalPanel {
    /// By how much the `number`-th series is moved from the middle of a place, if others have points there as well.
    fn apart(&self, number: usize, place: usize) -> f64 {
        let is_there =
            |series: &CategoricalSeries| series.points.iter().any(|(at, _)| *at == place);
        let there = self.series.iter().enumerate().filter(|(_, series)| is_there(series));
        let there: Vec<usize> = there.map(|(index, _)| index).collect();
        let index = there.iter().position(|index| *index == number).unwrap_or_default();
        (index as f64 - (there.len() as f64 - 1.0) / 2.0) * SHARED / there.len() as f64
    }

    fn values_axis(&self) -> Axis {
        let points = self.series.iter().flat_map(|series| &series.points);
        let values = points.flat_map(|(_, value)| {
            let bounds = value.interval.map(|interval| [interval.low, interval.high]);
            std::iter::once(value.value).chain(bounds.into_iter().flatten())
        });
        match self.is_log {
            true => Axis::logarithmic(self.axis.clone(), values),
            false => Axis::from_zero(self.axis.clone(), values),
        }
    }
}

impl Figure for Categorical {
    fn card(&self) -> Chart {
        self.card.clone()
    }

    fn size(&self) -> (u32, u32) {
        let top = self.frame().height();
        let more_lines = self.places_axis().more_lines() * label_line(TEXT);
        let bottom = match self.arrangement {
            Arrangement::Beside => Grid::new(self.panels.len(), top, BESIDE_HEIGHT).bottom() + 10,
            Arrangement::Stacked => {
                let last = self.panels.len().saturating_sub(1);
                self.bounds(last, top).bottom + LAST_BOTTOM
            }
        };
        (WIDTH, (bottom + more_lines).unsigned_abs())
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        let frame = self.frame();
        frame.draw(area)?;
        let (top, last) = (frame.height(), self.panels.len().saturating_sub(1));
        for (index, shown) in self.panels.iter().enumerate() {
            let bounds = self.bounds(index, top);
            let panel = Panel::new(bounds, self.places_axis(), shown.values_axis());
            panel.draw_axes(area, self.arrangement == Arrangement::Beside || index == last)?;
            panel.heading(area, &shown.heading)?;
            for (place, word) in &shown.changes {
                let at = *place as f64 - 0.5;
                panel.draw_vertical(area, at, palette::change())?;
                let colour = palette::change().colour;
                let style = marks::text(SMALL).color(&colour);
                area.draw_text(word, &style, (panel.x_at(at) + 6, bounds.top + 14))?;
            }
            for (number, series) in shown.series.iter().enumerate() {
                let look = series.look.look();
                let has_room = self.places.len() <= MOST_APART;
                let x = |place: usize| {
                    place as f64 + if has_room { shown.apart(number, place) } else { 0.0 }
                };
                for (place, value) in &series.points {
                    if let Some(interval) = value.interval {
                        let [low, high] =
                            [interval.low, interval.high].map(|bound| panel.at((x(*place), bound)));
                        marks::whisker(area, low, high, look.colour)?;
                    }
                }
                let points =
                    series.points.iter().map(|(place, value)| panel.at((x(*place), value.value)));
                marks::series(area, &points.collect::<Vec<_>>(), look)?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::ChartKind;
    use crate::charts::save;
    use crate::stats::Interval;

    fn chart(arrangement: Arrangement, places: usize) -> Categorical {
        let value = |number: usize| Estimate {
            value: 10.0 + number as f64,
            interval: Some(Interval { low: 5.0, high: 40.0 }),
        };
        let series = |look, label: &str| CategoricalSeries {
            label: label.to_owned(),
            look,
            points: (0..places).map(|place| (place, value(place))).collect(),
        };
        let panel = |heading: &str, is_log| CategoricalPanel {
            heading: heading.to_owned(),
            axis: "ms".to_owned(),
            is_log,
            series: vec![
                series(SeriesLook::System(0), "one & only"),
                series(SeriesLook::SystemPoints(1), "other"),
                series(SeriesLook::Middle, "median"),
            ],
            changes: vec![(1, "+20%".to_owned())],
        };
        Categorical {
            card: Chart {
                stem: "beside".to_owned(),
                title: "Beside each other".to_owned(),
                alt: "two panels".to_owned(),
                kind: ChartKind::SideBySide,
            },
            subtitle: "made up".to_owned(),
            places_title: "place".to_owned(),
            places: (0..places).map(|place| format!("place-{place}")).collect(),
            arrangement,
            panels: vec![panel("first", true), panel("second", false)],
        }
    }

    fn svg(chart: &Categorical) -> String {
        let folder = tempfile::tempdir().unwrap();
        let files = save(chart, &chart.card(), folder.path()).unwrap();
        std::fs::read_to_string(&files[0]).unwrap()
    }

    #[test]
    fn everything_that_is_named_is_written_and_escaped() {
        for arrangement in [Arrangement::Stacked, Arrangement::Beside] {
            let svg = svg(&chart(arrangement, 3));
            for text in ["one &amp; only", "place-2", "95 % interval", "+20%", "first", "second"] {
                assert!(svg.contains(text), "{arrangement:?}: {text}");
            }
        }
    }

    #[test]
    fn of_many_places_only_as_many_are_labelled_as_there_is_room_for() {
        let svg = svg(&chart(Arrangement::Stacked, 500));
        let labels = svg.matches(">place-").count();
        assert!((2..=MOST_LABELS).contains(&labels), "{labels}");
    }

    #[test]
    fn long_names_of_places_take_more_lines_instead_of_each_others_room() {
        let mut long = chart(Arrangement::Stacked, 6);
        let short = long.size();
        long.places[1] = "redis-sentinel-on-hosts async".to_owned();
        long.places[2] = "redis-sentinel-on-hosts wait".to_owned();
        let svg = svg(&long);
        for line in ["redis-sentinel-on-", "hosts async", "hosts wait"] {
            assert!(svg.contains(&format!(">{line}<")), "{line}");
        }
        assert_eq!(long.size(), (short.0, short.1 + label_line(TEXT).unsigned_abs()));
    }

    #[test]
    fn nothing_measured_is_nothing_to_draw() {
        assert!(chart(Arrangement::Beside, 0).is_empty());
        assert!(!chart(Arrangement::Beside, 1).is_empty());
    }
}
