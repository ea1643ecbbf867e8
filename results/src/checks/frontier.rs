//! The largest value that was certain by a given time.
//!
//! Stale reads, reads that go backwards and numbers against real time are one question: something
//! had ended before this began, so this must not show less. Sorting once and remembering the
//! running maximum answers it in O(log n) per operation.

/// Values with the times from which on they are certain.
pub(crate) struct Frontier<T> {
    steps: Vec<Step<T>>,
}

/// A time at which the largest certain value grew.
#[derive(Clone, Copy)]
pub(crate) struct Step<T> {
    pub(crate) at_us: u64,
    pub(crate) value: u64,
    pub(crate) by: T,
}

impl<T: Copy> Frontier<T> {
    /// From (certain since, value, what made it so), in any order.
    pub(crate) fn new(points: impl IntoIterator<Item = (u64, u64, T)>) -> Self {
        let points = points.into_iter().map(|(at_us, value, by)| Step { at_us, value, by });
        let mut steps: Vec<Step<T>> = points.collect();
        steps.sort_by_key(|step| (step.at_us, step.value));
        let mut largest = None;
        steps.retain(|step| {
            let grows = largest.is_none_or(|largest| largest < step.value);
            largest = if grows { Some(step.value) } else { largest };
            grows
        });
        Self { steps }
    }

    /// The largest value certain strictly before `at_us`.
    pub(crate) fn before(&self, at_us: u64) -> Option<Step<T>> {
        let next = self.steps.partition_point(|step| step.at_us < at_us);
        next.checked_sub(1).map(|index| self.steps[index])
    }

    /// The first step above `value`.
    pub(crate) fn first_above(&self, value: u64) -> Option<Step<T>> {
        self.steps.get(self.steps.partition_point(|step| step.value <= value)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::Frontier;

    #[test]
    fn the_frontier_only_grows_and_only_with_what_has_ended() {
        let frontier = Frontier::new([(30, 5, 'c'), (10, 7, 'a'), (20, 6, 'b'), (40, 9, 'd')]);
        assert!(frontier.before(10).is_none());
        assert_eq!(frontier.before(11).map(|step| (step.value, step.by)), Some((7, 'a')));
        assert_eq!(frontier.before(40).map(|step| step.by), Some('a'));
        assert_eq!(frontier.before(41).map(|step| step.by), Some('d'));
        assert_eq!(frontier.first_above(6).map(|step| step.at_us), Some(10));
        assert_eq!(frontier.first_above(7).map(|step| step.at_us), Some(40));
        assert!(frontier.first_above(9).is_none());
    }
}
