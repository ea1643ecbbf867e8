//! Points, counted in hundredths, so that parts of them add up.

use std::fmt;
use std::iter::Sum;
use std::ops::{Add, Sub};

/// How many hundredths a point has.
const HUNDREDTHS: u32 = 100;

/// So many points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Points {
    hundredths: u32,
}

impl Points {
    /// The most that one property may be worth: far more than any course gives, and a thousand of them still add up.
    pub const MOST: f64 = 1000.0;

    /// Whole and broken points, from 0.01 to [`MOST`](Self::MOST), two decimals; nothing of anything else.
    #[must_use]
    pub fn new(points: f64) -> Option<Self> {
        let hundredths = points * f64::from(HUNDREDTHS);
        let is_exact = (hundredths - hundredths.round()).abs() < 1e-6;
        let is_within = (1.0..=Self::MOST * f64::from(HUNDREDTHS)).contains(&hundredths.round());
        // Exact: a whole number within bounds.
        (is_exact && is_within).then(|| Self { hundredths: hundredths.round() as u32 })
    }

    /// `parts` of `of` equal parts, rounded down.
    #[must_use]
    pub fn share(self, parts: usize, of: usize) -> Self {
        let share = u64::from(self.hundredths) * parts as u64 / (of.max(1)) as u64;
        Self { hundredths: u32::try_from(share).unwrap_or(self.hundredths) }
    }

    /// How many per cent of `whole` they are, rounded down: all of it alone is 100. Nothing if the whole is nothing.
    #[must_use]
    pub fn percent_of(self, whole: Self) -> Option<u32> {
        let percent = u64::from(self.hundredths) * 100;
        percent.checked_div(whole.hundredths.into()).and_then(|percent| u32::try_from(percent).ok())
    }

    /// As a number.
    #[must_use]
    pub fn value(self) -> f64 {
        f64::from(self.hundredths) / f64::from(HUNDREDTHS)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_none(self) -> bool {
        self.hundredths == 0
    }
}

impl Add for Points {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self { hundredths: self.hundredths.saturating_add(other.hundredths) }
    }
}

impl Sub for Points {
    type Output = Self;

    fn sub(self, other: Self) -> Self {
        Self { hundredths: self.hundredths.saturating_sub(other.hundredths) }
    }
}

impl Sum for Points {
    fn sum<I: Iterator<Item = Self>>(points: I) -> Self {
        points.fold(Self::default(), Add::add)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (whole, rest) = (self.hundredths / HUNDREDTHS, self.hundredths % HUNDREDTHS);
        match rest {
            0 => write!(f, "{whole}"),
            _ if rest.is_multiple_of(10) => write!(f, "{whole}.{}", rest / 10),
            _ => write!(f, "{whole}.{rest:02}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_are_shown_without_zeros_that_say_nothing() {
        let shown = [10.0, 2.5, 0.25, 0.05].map(|points| Points::new(points).unwrap().to_string());
        assert_eq!(shown, ["10", "2.5", "0.25", "0.05"]);
    }

    #[test]
    fn what_is_no_number_of_points_is_refused() {
        for points in [0.0, -1.0, 0.001, 1000.01, f64::NAN, f64::INFINITY] {
            assert_eq!(Points::new(points), None, "{points}");
        }
    }

    #[test]
    fn shares_never_add_up_to_more_than_the_whole() {
        let ten = Points::new(10.0).unwrap();
        assert_eq!(ten.share(1, 3).to_string(), "3.33");
        assert_eq!(ten.share(3, 3), ten);
        assert_eq!(ten.share(1, 3).percent_of(ten), Some(33));
        assert_eq!(ten.percent_of(Points::default()), None);
        assert_eq!(Points::new(9.99).unwrap().percent_of(ten), Some(99));
    }
}
