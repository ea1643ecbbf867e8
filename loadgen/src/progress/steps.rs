//! How many steps there are, and how long they will take: as long as those that have ended did,
//! or, before there are any, as long as the plan says.

use std::time::{Duration, Instant};

/// The steps of a command.
#[derive(Debug)]
pub(super) struct Steps {
    total: u32,
    begun: u32,
    ended: u32,
    began: Instant,
    expected: Duration,
}

impl Default for Steps {
    fn default() -> Self {
        Self::new(0, Duration::ZERO)
    }
}

impl Steps {
    /// So many steps, each of which is expected to take so long; the first begins now.
    pub(super) fn new(total: u32, expected: Duration) -> Self {
        Self { total, begun: 0, ended: 0, began: Instant::now(), expected }
    }

    /// A step begins: its number, of how many, and how long it all will still take.
    pub(super) fn begin(&mut self) -> (u32, u32, Duration) {
        self.begun += 1;
        (self.begun, self.total, self.left())
    }

    /// A step has ended: how many have, of how many, and how long the others will take.
    pub(super) fn end(&mut self) -> (u32, u32, Duration) {
        self.ended += 1;
        (self.ended, self.total, self.left())
    }

    fn left(&self) -> Duration {
        left(self.total, self.ended, self.began.elapsed(), self.expected)
    }
}

fn left(total: u32, ended: u32, elapsed: Duration, expected: Duration) -> Duration {
    let each = if ended == 0 { expected } else { elapsed / ended };
    each * (total - ended.min(total))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_left_is_learned_from_what_has_ended() {
        let seconds = Duration::from_secs;
        assert_eq!(left(12, 0, seconds(0), seconds(10)), seconds(120));
        assert_eq!(left(12, 4, seconds(60), seconds(10)), seconds(120));
        assert_eq!(left(12, 12, seconds(60), seconds(10)), seconds(0));
    }

    #[test]
    fn steps_that_overlap_are_counted_apart() {
        let mut steps = Steps::new(3, Duration::from_secs(10));
        assert_eq!(steps.begin(), (1, 3, Duration::from_secs(30)));
        assert_eq!(steps.begin().0, 2);
        assert_eq!((steps.end().0, steps.begin().0), (1, 3));
    }
}
