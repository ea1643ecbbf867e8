//! Charts on a dark ground: every colour with its lightness turned round and its hue kept.
//!
//! What stands out from white stands out from the dark ground as much, and what is pale there is dim here.
//! So a chart is drawn once, and its SVG says in a style what each of its colours is in the dark.

use plotters::style::RGBColor;

/// What white becomes: the page's cards in the dark (`--card` in `results/templates/report.css`).
const GROUND: RGBColor = RGBColor(0x1b, 0x1f, 0x23);

/// The lightness of what is lightest on white, and how much of the scale there is above it.
const DARKEST: f64 = 0.12;
const RANGE: f64 = 0.83;

/// The colour that stands for this one on a dark ground.
pub(super) fn in_the_dark(colour: RGBColor) -> RGBColor {
    if colour == RGBColor(0xff, 0xff, 0xff) {
        return GROUND;
    }
    let (hue, saturation, lightness) = to_hsl(colour);
    from_hsl(hue, saturation, DARKEST + (1.0 - lightness) * RANGE)
}

/// Hue in sixths of the circle, saturation and lightness from 0 to 1
/// (<https://www.w3.org/TR/css-color-4/#rgb-to-hsl>).
fn to_hsl(RGBColor(red, green, blue): RGBColor) -> (f64, f64, f64) {
    let [red, green, blue] = [red, green, blue].map(|channel| f64::from(channel) / 255.0);
    let (most, least) = (red.max(green).max(blue), red.min(green).min(blue));
    let (lightness, span) = (f64::midpoint(most, least), most - least);
    if span == 0.0 {
        return (0.0, 0.0, lightness);
    }
    let saturation = span / (1.0 - (2.0 * lightness - 1.0).abs());
    let hue = if most == red {
        ((green - blue) / span).rem_euclid(6.0)
    } else if most == green {
        (blue - red) / span + 2.0
    } else {
        (red - green) / span + 4.0
    };
    (hue, saturation, lightness)
}

/// The way back.
fn from_hsl(hue: f64, saturation: f64, lightness: f64) -> RGBColor {
    let chroma = (1.0 - (2.0 * lightness - 1.0).abs()) * saturation;
    let second = chroma * (1.0 - (hue.rem_euclid(2.0) - 1.0).abs());
    let (red, green, blue) = match hue as u8 {
        0 => (chroma, second, 0.0),
        1 => (second, chroma, 0.0),
        2 => (0.0, chroma, second),
        3 => (0.0, second, chroma),
        4 => (second, 0.0, chroma),
        _ => (chroma, 0.0, second),
    };
    let least = lightness - chroma / 2.0;
    let channel = |value: f64| ((value + least) * 255.0).round() as u8;
    RGBColor(channel(red), channel(green), channel(blue))
}

#[cfg(test)]
mod tests {
    use super::super::palette::{self, GREY, GRID, INK, Rank};
    use super::*;
    use crate::records::{Op, Outcome};

    /// Relative luminance as WCAG 2 defines it.
    fn luminance(RGBColor(red, green, blue): RGBColor) -> f64 {
        let linear = |channel: u8| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        };
        0.2126 * linear(red) + 0.7152 * linear(green) + 0.0722 * linear(blue)
    }

    fn contrast(colour: RGBColor) -> f64 {
        (luminance(in_the_dark(colour)) + 0.05) / (luminance(GROUND) + 0.05)
    }

    #[test]
    fn text_and_lines_stand_out_from_the_dark_ground_and_the_grid_stays_behind() {
        for text in [INK, GREY] {
            assert!(contrast(text) >= 4.5, "{text:?} {}", contrast(text));
        }
        let lines = [Op::Query, Op::Trade].map(|op| palette::operation_line(op, Rank::P99).colour);
        let caches = [true, false].map(|on| palette::cache(on, Rank::Median).colour);
        let lost =
            [Outcome::Failed, Outcome::Unknown].map(|it| palette::point(Op::Trade, it).colour);
        for line in lines.into_iter().chain(caches).chain(lost).chain([palette::LEADER_CHANGE]) {
            assert!(contrast(line) >= 3.0, "{line:?} {}", contrast(line));
        }
        assert!(contrast(GRID) < 2.0, "{}", contrast(GRID));
    }

    #[test]
    fn a_colour_keeps_its_hue() {
        let blue = RGBColor(0x00, 0x72, 0xb2);
        let (before, after) = (to_hsl(blue), to_hsl(in_the_dark(blue)));
        assert!((before.0 - after.0).abs() < 0.05, "{before:?} {after:?}");
        assert!(before.2 < 0.5 && after.2 > 0.5, "{before:?} {after:?}");
        let same = from_hsl(before.0, before.1, before.2);
        assert_eq!(same, blue);
    }
}
