//! A quantity that changes over time, linearly in pieces: the rate of an open loop. Pure.
//!
//! What counts is the area below it: with a rate of so many per second that is how many are due until then. So
//! arrivals are made by inverting the area, which is exact for ramps as well, where going by the rate of the
//! moment at which the last one came would be late on the way up and early on the way down (Lewis and Shedler,
//! "Simulation of nonhomogeneous Poisson processes by thinning", 1979, section 2; Cinlar's inversion method).

/// A stretch of time over which the quantity goes linearly from one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// How long it takes.
    pub seconds: f64,
    /// The value at its beginning.
    pub from: f64,
    /// The value at its end.
    pub to: f64,
}

/// A piece, and what was before it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Placed {
    piece: Piece,
    begins_s: f64,
    area_before: f64,
}

/// The quantity from 0 on. All values are above 0. After the last piece it stays as it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Profile {
    pieces: Vec<Placed>,
    /// After all of them.
    last: Placed,
}

impl Piece {
    fn area(&self, seconds: f64) -> f64 {
        self.from * seconds + self.slope() / 2.0 * seconds * seconds
    }

    fn slope(&self) -> f64 {
        if self.seconds > 0.0 { (self.to - self.from) / self.seconds } else { 0.0 }
    }

    /// After how many seconds the area below it is `area`: the root of the quadratic equation, in the form
    /// that loses no digits when the slope is small.
    fn seconds_of(&self, area: f64) -> f64 {
        let root = (self.from * self.from + 2.0 * self.slope() * area).max(0.0).sqrt();
        2.0 * area / (self.from + root)
    }
}

impl Profile {
    /// The same value at all times.
    #[must_use]
    pub fn constant(value: f64) -> Self {
        Self::new([], value)
    }

    /// These pieces, one after the other, and then `last` for ever.
    #[must_use]
    pub fn new(pieces: impl IntoIterator<Item = Piece>, last: f64) -> Self {
        let (mut placed, mut begins_s, mut area_before) = (Vec::new(), 0.0, 0.0);
        for piece in pieces {
            placed.push(Placed { piece, begins_s, area_before });
            begins_s += piece.seconds;
            area_before += piece.area(piece.seconds);
        }
        let piece = Piece { seconds: 0.0, from: last, to: last };
        Self { pieces: placed, last: Placed { piece, begins_s, area_before } }
    }

    /// The largest value.
    #[must_use]
    pub fn most(&self) -> f64 {
        let ends = self.pieces.iter().flat_map(|placed| [placed.piece.from, placed.piece.to]);
        ends.fold(self.last.piece.from, f64::max)
    }

    /// The area below it until `seconds`.
    #[must_use]
    pub fn area_until(&self, seconds: f64) -> f64 {
        let placed = self.at(|placed| placed.begins_s <= seconds);
        placed.area_before + placed.piece.area(seconds - placed.begins_s)
    }

    /// Until when the area below it is `area`, in seconds.
    #[must_use]
    pub fn seconds_of(&self, area: f64) -> f64 {
        let placed = self.at(|placed| placed.area_before <= area);
        placed.begins_s + placed.piece.seconds_of(area - placed.area_before)
    }

    /// The last piece of which this holds; it holds of the first.
    fn at(&self, holds: impl Fn(&Placed) -> bool) -> &Placed {
        if holds(&self.last) {
            return &self.last;
        }
        let after = self.pieces.partition_point(holds);
        self.pieces.get(after.saturating_sub(1)).unwrap_or(&self.last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn up_and_down() -> Profile {
        let piece = |seconds, from, to| Piece { seconds, from, to };
        Profile::new(
            [piece(2.0, 100.0, 100.0), piece(10.0, 100.0, 300.0), piece(4.0, 300.0, 50.0)],
            50.0,
        )
    }

    #[test]
    fn the_area_is_that_of_rectangles_and_trapezia() {
        let profile = up_and_down();
        // 2 s at 100; 10 s from 100 to 300, after 5 of which it is at 200; 4 s from 300 to 50; then 50.
        let known = [
            (0.0, 0.0),
            (2.0, 200.0),
            (7.0, 950.0),
            (12.0, 2200.0),
            (16.0, 2900.0),
            (17.0, 2950.0),
        ];
        for (seconds, area) in known {
            assert!((profile.area_until(seconds) - area).abs() < 1e-9, "{seconds}");
            assert!((profile.seconds_of(area) - seconds).abs() < 1e-9, "{area}");
        }
        assert_eq!(profile.most(), 300.0);
    }

    #[test]
    fn the_inverse_undoes_the_area_everywhere() {
        let profile = up_and_down();
        for step in 0..20_000 {
            let area = f64::from(step) / 5.0;
            let back = profile.area_until(profile.seconds_of(area));
            assert!((back - area).abs() < 1e-7, "{area}: {back}");
        }
    }

    #[test]
    fn a_slope_that_hardly_is_one_costs_no_digits() {
        let flat = Profile::new([Piece { seconds: 1000.0, from: 100.0, to: 100.0 + 1e-9 }], 100.0);
        assert!((flat.seconds_of(50_000.0) - 500.0).abs() < 1e-6);
    }
}
