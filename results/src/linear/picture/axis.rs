//! From times to places in the picture.
//!
//! Operations take milliseconds and their clients may be idle for seconds, so a true scale would
//! show slivers far apart. Here only the order of calls and returns is true: each stretch between
//! two of them is as long as it lasts, but neither shorter than can be seen nor longer than is
//! useful, and wide enough for what is written on the bars above it.

/// The shortest stretch between two moments, in pixels.
const MIN_STRETCH: f64 = 7.0;
/// The longest that its length in time alone makes it.
const MAX_STRETCH: f64 = 60.0;
/// How many pixels a millisecond is in between.
const PER_MS: f64 = 12.0;

/// The moments of a picture and where they stand.
#[derive(Debug)]
pub(super) struct Axis {
    /// Ascending, each once.
    times_us: Vec<u64>,
    /// As many, ascending.
    places: Vec<f64>,
}

impl Axis {
    /// An axis for bars from call to return, each at least as wide as given.
    pub(super) fn new(bars: &[(u64, u64, f64)]) -> Self {
        let mut times_us: Vec<u64> = bars.iter().flat_map(|bar| [bar.0, bar.1]).collect();
        times_us.sort_unstable();
        times_us.dedup();
        let mut stretches: Vec<f64> = times_us
            .windows(2)
            .map(|pair| {
                let ms = (pair[1] - pair[0]) as f64 / 1_000.0;
                (ms * PER_MS).clamp(MIN_STRETCH, MAX_STRETCH)
            })
            .collect();
        let index_of = |at_us: u64| times_us.partition_point(|&time_us| time_us < at_us);
        for &(from_us, to_us, width) in bars {
            let range = index_of(from_us)..index_of(to_us);
            let lacking = width - stretches[range.clone()].iter().sum::<f64>();
            if let (true, Some(last)) = (lacking > 0.0, range.last()) {
                stretches[last] += lacking;
            }
        }
        let mut place = 0.0;
        let mut places = vec![0.0];
        for stretch in stretches {
            place += stretch;
            places.push(place);
        }
        Self { times_us, places }
    }

    /// Where a time stands; before the first and behind the last it stands at the edge.
    pub(super) fn place(&self, at_us: u64) -> f64 {
        let next = self.times_us.partition_point(|&time_us| time_us < at_us);
        let (Some(&to_us), Some(&to)) = (self.times_us.get(next), self.places.get(next)) else {
            return self.width();
        };
        let Some(before) = next.checked_sub(1) else { return 0.0 };
        let (from_us, from) = (self.times_us[before], self.places[before]);
        from + (to - from) * (at_us - from_us) as f64 / (to_us - from_us) as f64
    }

    /// How wide it is.
    pub(super) fn width(&self) -> f64 {
        self.places.last().copied().unwrap_or(0.0)
    }

    /// The first and the last moment.
    pub(super) fn ends_us(&self) -> Option<(u64, u64)> {
        Some((*self.times_us.first()?, *self.times_us.last()?))
    }

    /// Moments to be labelled, at least so many pixels apart.
    pub(super) fn ticks(&self, apart: f64) -> Vec<(u64, f64)> {
        let mut ticks: Vec<(u64, f64)> = Vec::new();
        for (&at_us, &place) in self.times_us.iter().zip(&self.places) {
            if ticks.last().is_none_or(|last| place - last.1 >= apart) {
                ticks.push((at_us, place));
            }
        }
        ticks
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_keep_their_order_and_bars_their_width() {
        let axis = Axis::new(&[(0, 10, 50.0), (5, 2_000_000, 10.0), (5, 8, 30.0)]);
        let places = [0, 5, 8, 10, 2_000_000].map(|at_us| axis.place(at_us));
        assert!(places.is_sorted_by(|a, b| a < b), "{places:?}");
        assert!(places[3] - places[0] >= 50.0 && places[2] - places[1] >= 30.0, "{places:?}");
        assert!((places[4] - places[3] - MAX_STRETCH).abs() < 1e-9, "two idle seconds are cut");
        assert_eq!(axis.place(9_000_000), axis.width());
    }

    #[test]
    fn moments_in_between_stand_in_between() {
        let axis = Axis::new(&[(10, 20, 100.0)]);
        assert_eq!([0, 10, 15, 20].map(|at_us| axis.place(at_us)), [0.0, 0.0, 50.0, 100.0]);
    }

    #[test]
    fn an_instant_takes_no_room() {
        assert_eq!(Axis::new(&[(10, 10, 30.0)]).width(), 0.0);
        assert_eq!(Axis::new(&[]).width(), 0.0);
    }
}
