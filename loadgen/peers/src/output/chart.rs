//! Every goal on one scale: how far what was measured is from it, as a factor. Left of the line it is reached.

use std::path::{Path, PathBuf};

use plotters::element::{Circle, PathElement, Rectangle};
use plotters::style::text_anchor::HPos;
use plotters::style::{Color, RGBColor};
use plotters_backend::DrawingBackend;
use results::charts::{
    Area, Chart, ChartKind, Drawing, Figure, GREY, GRID, INK, MET, NOT_MET, save,
};
use results::stats::Interval;
use results::text::three_digits;

use super::Report;
use super::words::write;
use crate::rows::{Row, Verdict};

const WIDTH: i32 = 1_280;
/// The scale begins here; what stands before it is words.
const LEFT: i32 = 700;
const RIGHT: i32 = WIDTH - 60;
const TOP: i32 = 130;
const LINE: i32 = 34;
const BOTTOM: i32 = 70;
/// The scale at least reaches so far to both sides of the goal.
const LEAST_REACH: f64 = 2.0;
/// And at most so far; what is farther off stands at its end.
const MOST_REACH: f64 = 64.0;
/// Letters of these heights, in pixels.
const TITLE: i32 = 28;
const WORDS: i32 = 19;

struct Goals<'a> {
    rows: Vec<&'a Row>,
    reach: f64,
}

/// Draws it; nothing if there is no goal that was measured.
///
/// # Errors
/// If it cannot be written.
pub(super) fn draw(report: &Report, folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let rows: Vec<&Row> = report.rows.iter().filter(|row| row.distance.is_some()).collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let distances = rows.iter().filter_map(|row| row.distance);
    let far = distances.map(|distance| distance.value.max(1.0 / distance.value));
    let reach = far.fold(LEAST_REACH, f64::max).mul_add(1.25, 0.0).min(MOST_REACH);
    let goals = Goals { rows, reach };
    Ok(save(&goals, &goals.card(), folder)?)
}

impl Goals<'_> {
    /// Where a factor lies, on a logarithmic scale.
    fn x(&self, factor: f64) -> i32 {
        let share = (factor.ln() / self.reach.ln()).clamp(-1.0, 1.0);
        let middle = f64::from(LEFT + RIGHT) / 2.0;
        (middle + share * f64::from(RIGHT - LEFT) / 2.0).round() as i32
    }

    fn bottom(&self) -> i32 {
        TOP + LINE * self.rows.len() as i32
    }

    fn scale<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        let names = [
            (0.03125, "1/32"),
            (0.125, "1/8"),
            (0.25, "1/4"),
            (0.5, "1/2"),
            (1.0, "goal"),
            (2.0, "2 times"),
            (4.0, "4 times"),
            (8.0, "8 times"),
            (32.0, "32 times"),
        ];
        // Close to the goal there is room for all of them, far from it for some.
        let is_wide = self.reach > 10.0;
        for (factor, name) in names {
            let skipped = is_wide && [0.25, 0.5, 2.0, 4.0].contains(&factor);
            if skipped || factor > self.reach || factor < 1.0 / self.reach {
                continue;
            }
            let (x, colour, width) =
                if factor == 1.0 { (self.x(factor), INK, 2) } else { (self.x(factor), GRID, 1) };
            let line = vec![(x, TOP - 8), (x, self.bottom())];
            area.draw(&PathElement::new(line, colour.stroke_width(width)))?;
            write(area, name, (x, self.bottom() + 18), WORDS, GREY, HPos::Center)?;
        }
        Ok(())
    }
}

impl Figure for Goals<'_> {
    fn card(&self) -> Chart {
        let of = |verdict| self.rows.iter().filter(|row| row.verdict == verdict).count();
        let told = self.rows.iter().filter_map(|row| {
            let factor = three_digits(row.distance?.value);
            Some(format!("{}, {}: {factor} ({})", row.case, row.figure, row.verdict.words()))
        });
        let told = told.collect::<Vec<_>>().join("; ");
        Chart {
            stem: "peers".to_owned(),
            title: "How far each goal is".to_owned(),
            alt: format!(
                "{} goals met, {} not met, {} too close to tell. Factors above 1 miss the goal. {told}.",
                of(Verdict::Met),
                of(Verdict::NotMet),
                of(Verdict::Open)
            ),
            kind: ChartKind::Peers,
        }
    }

    fn size(&self) -> (u32, u32) {
        (WIDTH.unsigned_abs(), (self.bottom() + BOTTOM).unsigned_abs())
    }

    fn draw<DB: DrawingBackend>(&self, area: &Area<DB>) -> Drawing<DB> {
        write(area, "How far each goal is", (24, 34), TITLE, INK, HPos::Left)?;
        let legend = "left of the line it is reached. A disc: met. A square: not met. A ring: too close to tell. Lines: 95 % intervals";
        write(area, legend, (24, 72), WORDS, GREY, HPos::Left)?;
        self.scale(area)?;
        for (at, row) in self.rows.iter().enumerate() {
            let y = TOP + LINE * at as i32 + LINE / 2;
            let goal = row.goal.as_deref().unwrap_or_default();
            let words = format!("{}: {}", row.case, row.figure);
            write(area, &words, (24, y - 8), WORDS - 3, INK, HPos::Left)?;
            write(area, goal, (LEFT - 24, y - 8), WORDS - 3, GREY, HPos::Right)?;
            let Some(distance) = row.distance else { continue };
            let colour = match row.verdict {
                Verdict::Met => MET,
                Verdict::NotMet => NOT_MET,
                Verdict::Open | Verdict::NotMeasured | Verdict::NoGoal => GREY,
            };
            if let Some(Interval { low, high }) = distance.interval {
                let line = vec![(self.x(low), y), (self.x(high), y)];
                area.draw(&PathElement::new(line, colour.stroke_width(3)))?;
            }
            mark(area, (self.x(distance.value), y), row.verdict, colour)?;
        }
        Ok(())
    }
}

/// What differs in colour differs in shape as well.
fn mark<DB: DrawingBackend>(
    area: &Area<DB>,
    (x, y): (i32, i32),
    verdict: Verdict,
    colour: RGBColor,
) -> Drawing<DB> {
    match verdict {
        Verdict::Met => area.draw(&Circle::new((x, y), 7, colour.filled())),
        Verdict::NotMet => {
            area.draw(&Rectangle::new([(x - 6, y - 6), (x + 6, y + 6)], colour.filled()))
        }
        Verdict::Open | Verdict::NotMeasured | Verdict::NoGoal => {
            area.draw(&Circle::new((x, y), 7, plotters::style::WHITE.filled()))?;
            area.draw(&Circle::new((x, y), 7, colour.stroke_width(2)))
        }
    }
}

#[cfg(test)]
mod tests {
    use results::stats::Estimate;

    use super::*;

    #[test]
    fn what_is_reached_lies_left_and_what_is_far_stays_on_the_picture() {
        let goals = Goals { rows: Vec::new(), reach: 4.0 };
        assert_eq!(goals.x(1.0), (LEFT + RIGHT) / 2);
        assert!(goals.x(0.5) < goals.x(1.0) && goals.x(1.0) < goals.x(2.0));
        assert_eq!((goals.x(1e9), goals.x(1e-9)), (RIGHT, LEFT));
    }

    #[test]
    fn the_words_beside_the_picture_tell_every_goal() {
        let row = Row {
            case: "durable trade, 5 clients".to_owned(),
            figure: "throughput".to_owned(),
            unit: "/s",
            ours: None,
            peer: None,
            theirs: None,
            ratio: None,
            goal: Some("at least 2".to_owned()),
            distance: Some(Estimate::exact(1.9)),
            verdict: Verdict::Open,
            rounds: 1,
        };
        let goals = Goals { rows: vec![&row], reach: 4.0 };
        let alt = goals.card().alt;
        assert!(
            alt.contains("durable trade, 5 clients, throughput: 1.90 (too close to tell)"),
            "{alt}"
        );
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(save(&goals, &goals.card(), folder.path()).unwrap().len(), 2);
    }
}
