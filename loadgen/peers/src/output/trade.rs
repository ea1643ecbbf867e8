//! One trade on a time axis: a row for each stage, in the order in which they happen, so that what is waited for stands below
//! what waits.

use std::path::{Path, PathBuf};

use plotters::element::{PathElement, Rectangle};
use plotters::style::Color;
use plotters::style::text_anchor::HPos;
use plotters_backend::DrawingBackend;
use results::charts::{
    Area, Chart, ChartKind, Drawing, Figure, GREY, GRID, INK, MET, NOT_MET, save,
};

use super::words::write;
use crate::spans::{Bar, Picture, Work};

const WIDTH: i32 = 1_280;
/// The axis begins here; what stands before it is words.
const LEFT: i32 = 400;
const RIGHT: i32 = WIDTH - 110;
const TOP: i32 = 130;
const LINE: i32 = 34;
const BOTTOM: i32 = 60;
/// A bar's height.
const THICK: i32 = 18;
/// However short a stage is, it is seen.
const LEAST_WIDTH: i32 = 2;
/// About so many lines of the axis are drawn.
const LINES: f64 = 6.0;
/// Letters of these heights, in pixels.
const TITLE: i32 = 28;
const WORDS: i32 = 16;

/// Draws it.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn draw(picture: &Picture, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let drawn = Trade { picture };
    Ok(save(&drawn, &drawn.card(), folder)?)
}

struct Trade<'a> {
    picture: &'a Picture,
}

impl Trade<'_> {
    fn x(&self, us: f64) -> i32 {
        let share = (us / self.picture.total_us.max(1.0)).clamp(0.0, 1.0);
        LEFT + (share * f64::from(RIGHT - LEFT)).round() as i32
    }

    fn bottom(&self) -> i32 {
        TOP + LINE * self.picture.bars.len() as i32
    }

    /// How far apart the axis's lines are: 1, 2 or 5 times a power of ten.
    fn step_us(&self) -> f64 {
        let least = (self.picture.total_us / LINES).max(1.0);
        let power = 10_f64.powf(least.log10().floor());
        let times = [1.0, 2.0, 5.0, 10.0].into_iter().find(|times| times * power >= least);
        times.unwrap_or(10.0) * power
    }

    fn axis<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        let step = self.step_us();
        let mut at = 0.0;
        while at <= self.picture.total_us {
            let x = self.x(at);
            let line = vec![(x, TOP - 8), (x, self.bottom())];
            area.draw(&PathElement::new(line, GRID.stroke_width(1)))?;
            let name = format!("{} ms", at / 1e3);
            write(area, &name, (x, self.bottom() + 18), WORDS, GREY, HPos::Center)?;
            at += step;
        }
        Ok(())
    }
}

impl Figure for Trade<'_> {
    fn card(&self) -> Chart {
        let told = self.picture.bars.iter().map(|Bar { lane, what, from_us, to_us, .. }| {
            format!("{lane} {what}: {:.2} to {:.2} ms", from_us / 1e3, to_us / 1e3)
        });
        Chart {
            stem: "trade".to_owned(),
            title: "Where a trade's time goes".to_owned(),
            alt: format!(
                "One trade of one client, medians of {}: {:.2} ms. {}.",
                self.picture.trades,
                self.picture.total_us / 1e3,
                told.collect::<Vec<_>>().join("; ")
            ),
            kind: ChartKind::Peers,
        }
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH.unsigned_abs(), (self.bottom() + BOTTOM).unsigned_abs())
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        let total = self.picture.total_us / 1e3;
        let trades = self.picture.trades;
        write(area, "Where a trade's time goes", (24, 34), TITLE, INK, HPos::Left)?;
        let legend = format!(
            "one client, medians of {trades} trades: {total:.2} ms. Thick: a flush of the disk. Thin and full: work. Frame: waiting for another"
        );
        write(area, &legend, (24, 72), WORDS, GREY, HPos::Left)?;
        self.axis(area)?;
        for (at, bar) in self.picture.bars.iter().enumerate() {
            let middle = TOP + LINE * at as i32 + LINE / 2;
            let words = format!("{}: {}", bar.lane, bar.what);
            write(area, &words, (24, middle - 8), WORDS, INK, HPos::Left)?;
            let (from, to) = (self.x(bar.from_us), self.x(bar.to_us));
            let to = to.max(from + LEAST_WIDTH);
            // What differs in colour differs in shape as well.
            match bar.work {
                Work::Flushes => rectangle(area, (from, to), middle, THICK, NOT_MET.filled())?,
                Work::Works => rectangle(area, (from, to), middle, THICK / 2, MET.filled())?,
                Work::Waits => {
                    rectangle(area, (from, to), middle, THICK / 2, GREY.stroke_width(1))?;
                }
            }
            let took = format!("{:.2} ms", (bar.to_us - bar.from_us) / 1e3);
            write(area, &took, (to + 8, middle - 8), WORDS, GREY, HPos::Left)?;
        }
        Ok(())
    }
}

fn rectangle<DB: DrawingBackend>(
    area: &Area<DB>,
    (from, to): (i32, i32),
    middle: i32,
    height: i32,
    style: plotters::style::ShapeStyle,
) -> Drawing<DB> {
    area.draw(&Rectangle::new([(from, middle - height / 2), (to, middle + height / 2)], style))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn picture(total_us: f64) -> Picture {
        let bar = |what, work, from_us, to_us| {
            let lane = "leader".to_owned();
            Bar { lane, what, work, from_us, to_us }
        };
        let bars = vec![
            bar("waits", Work::Waits, 0.0, total_us),
            bar("works", Work::Works, 10.0, 10.0),
            bar("flushes", Work::Flushes, 10.0, total_us / 2.0),
        ];
        Picture { trades: 300, total_us, bars }
    }

    #[test]
    fn the_axis_has_some_lines_whatever_a_trade_takes() {
        for total_us in [80.0, 1_234.0, 5_000.0, 950_000.0] {
            let picture = picture(total_us);
            let lines = total_us / Trade { picture: &picture }.step_us();
            assert!((2.0..=7.0).contains(&lines), "{total_us}: {lines}");
        }
    }

    #[test]
    fn the_words_beside_the_picture_tell_every_stage_and_it_is_drawn() {
        let picture = picture(1_234.0);
        let alt = Trade { picture: &picture }.card().alt;
        assert!(alt.contains("leader flushes: 0.01 to 0.62 ms"), "{alt}");
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(draw(&picture, folder.path()).unwrap().len(), 2);
    }
}
