//! Axes: a range that fits the data whatever it is, and ticks at round numbers.

/// About so many labels fit a linear axis.
const LINEAR_TICKS: f64 = 6.0;

/// Above this many decades a logarithmic axis shows powers of ten only.
const DECADES_WITH_STEPS: i32 = 4;

/// A range of values and the ticks in it.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Axis {
    /// What is measured, with its unit.
    pub(super) title: String,
    /// Where the values are and what is written there, ascending.
    pub(super) ticks: Vec<(f64, String)>,
    low: f64,
    high: f64,
    log: bool,
}

impl Axis {
    /// Exactly this range with these ticks.
    pub(super) fn fixed(
        title: impl Into<String>,
        (low, high): (f64, f64),
        ticks: Vec<(f64, String)>,
    ) -> Self {
        let high = if high > low { high } else { low + 1.0 };
        Self { title: title.into(), ticks, low, high, log: false }
    }

    /// From 0 to a round number not below the largest value.
    pub(super) fn from_zero(
        title: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let largest = finite(values).fold(0.0, f64::max);
        let largest = if largest > 0.0 { largest } else { 1.0 };
        let step = round_step(largest);
        let high = (largest / step).ceil() * step;
        Self { ticks: linear_ticks(0.0, high, step), ..Self::fixed(title, (0.0, high), vec![]) }
    }

    /// Exactly this range, with ticks at round numbers.
    pub(super) fn linear(title: impl Into<String>, (low, high): (f64, f64)) -> Self {
        let axis = Self::fixed(title, (low, high), vec![]);
        let step = round_step(axis.high - axis.low);
        Self { ticks: linear_ticks(axis.low, axis.high, step), ..axis }
    }

    /// Logarithmic, from a round number not above the smallest positive value to one not below the
    /// largest. Values of 0 and less have no place on it and are drawn at its lower end.
    pub(super) fn logarithmic(
        title: impl Into<String>,
        values: impl IntoIterator<Item = f64>,
    ) -> Self {
        let positive = finite(values).filter(|&value| value > 0.0);
        let (smallest, largest) =
            positive.fold((f64::MAX, 0.0_f64), |(low, high), v| (low.min(v), high.max(v)));
        let (smallest, largest) =
            if smallest <= largest { (smallest, largest) } else { (1.0, 10.0) };
        let first = step_not_above(smallest);
        let mut last = first;
        while step_value(last) < largest * (1.0 - 1e-9) {
            last += 1;
        }
        // Equal values get room on both sides.
        let (first, last) = if first == last { (first - 1, last + 1) } else { (first, last) };
        let (low, high) = (step_value(first), step_value(last));
        let powers_only = (last - first) / 3 >= DECADES_WITH_STEPS;
        let ticks = (first..=last)
            .filter(|step| !powers_only || step.rem_euclid(3) == 0)
            .map(|step| (step_value(step), plain(step_value(step), -step.div_euclid(3))))
            .collect();
        Self { title: title.into(), ticks, low, high, log: true }
    }

    /// How many lines the longest label has besides its first.
    pub(super) fn more_lines(&self) -> i32 {
        let lines = self.ticks.iter().map(|(_, label)| label.lines().count() as i32);
        lines.max().unwrap_or_default().max(1) - 1
    }

    /// The same with other ticks.
    pub(super) fn with_ticks(self, ticks: Vec<(f64, String)>) -> Self {
        Self { ticks, ..self }
    }

    /// The same with its first and last tick only, for a panel without room for more.
    pub(super) fn few_ticks(&self) -> Self {
        let ends = self.ticks.first().into_iter().chain(self.ticks.last());
        let mut ticks: Vec<_> = ends.cloned().collect();
        ticks.dedup();
        Self { ticks, ..self.clone() }
    }

    /// Where `value` is, from 0 at the lower end to 1 at the upper one; values outside at the ends.
    pub(super) fn share(&self, value: f64) -> f64 {
        let clamped = value.clamp(self.low, self.high);
        let share = if self.log {
            (clamped / self.low).ln() / (self.high / self.low).ln()
        } else {
            (clamped - self.low) / (self.high - self.low)
        };
        if share.is_finite() { share } else { 0.0 }
    }

    /// Whether `value` lies within the range.
    pub(super) fn contains(&self, value: f64) -> bool {
        (self.low..=self.high).contains(&value)
    }
}

fn finite(values: impl IntoIterator<Item = f64>) -> impl Iterator<Item = f64> {
    values.into_iter().filter(|value| value.is_finite())
}

/// 1, 2 or 5 times a power of ten, such that about [`LINEAR_TICKS`] of them make up `length`.
fn round_step(length: f64) -> f64 {
    let rough = length / LINEAR_TICKS;
    let power = 10_f64.powf(rough.log10().floor());
    let steps = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    steps.into_iter().find(|&step| step >= rough * 0.75).unwrap_or(power * 10.0)
}

fn linear_ticks(low: f64, high: f64, step: f64) -> Vec<(f64, String)> {
    let decimals = (-step.log10().floor()) as i32;
    let first = (low / step - 1e-9).ceil() as i64;
    let last = (high / step + 1e-9).floor() as i64;
    (first..=last)
        .map(|number| {
            let value = number as f64 * step;
            (value, plain(value, decimals))
        })
        .collect()
}

/// The `step`-th of ..., 0.5, 1, 2, 5, 10, 20, ...: 1 is the 0th.
fn step_value(step: i32) -> f64 {
    let mantissa = [1.0, 2.0, 5.0][step.rem_euclid(3) as usize];
    let power = 10_f64.powi(step.div_euclid(3).abs());
    if step < 0 { mantissa / power } else { mantissa * power }
}

fn step_not_above(value: f64) -> i32 {
    let mut step = value.log10().floor() as i32 * 3;
    while step_value(step) > value {
        step -= 1;
    }
    while step_value(step + 1) <= value {
        step += 1;
    }
    step
}

/// The value with so many decimals, none if negative.
fn plain(value: f64, decimals: i32) -> String {
    let decimals = usize::try_from(decimals).unwrap_or(0);
    format!("{value:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(axis: &Axis) -> Vec<&str> {
        axis.ticks.iter().map(|(_, label)| label.as_str()).collect()
    }

    #[test]
    fn logarithmic_axes_begin_and_end_at_round_numbers() {
        let axis = Axis::logarithmic("latency (ms)", [0.13, 38.0]);
        assert_eq!(labels(&axis), ["0.1", "0.2", "0.5", "1", "2", "5", "10", "20", "50"]);
        assert!(axis.share(0.1).abs() < 1e-9);
        assert!((axis.share(50.0) - 1.0).abs() < 1e-9);
    }

    #[test]
    fn many_decades_show_powers_of_ten() {
        let axis = Axis::logarithmic("latency (ms)", [0.02, 1800.0]);
        assert_eq!(labels(&axis), ["0.1", "1", "10", "100", "1000"]);
    }

    #[test]
    fn equal_values_get_room_on_both_sides() {
        let axis = Axis::logarithmic("latency (ms)", [2.0, 2.0]);
        assert_eq!(labels(&axis), ["1", "2", "5"]);
        assert!(axis.share(2.0) > 0.0 && axis.share(2.0) < 1.0);
    }

    #[test]
    fn no_values_and_zeros_still_make_an_axis() {
        for values in [vec![], vec![0.0], vec![f64::NAN], vec![-3.0]] {
            assert!(Axis::logarithmic("t", values.clone()).share(5.0).is_finite());
            let linear = Axis::from_zero("t", values);
            assert_eq!(linear.ticks.first(), Some(&(0.0, "0.0".to_owned())));
        }
    }

    #[test]
    fn linear_axes_end_at_a_round_number() {
        assert_eq!(
            labels(&Axis::from_zero("t", [1234.0])),
            ["0", "200", "400", "600", "800", "1000", "1200", "1400"]
        );
        assert_eq!(
            labels(&Axis::from_zero("t", [0.9])),
            ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]
        );
        assert_eq!(labels(&Axis::linear("t", (3.4, 10.9))), ["4", "5", "6", "7", "8", "9", "10"]);
    }
}
