//! Stretches of time.

/// From when to when something was so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Since when.
    pub from_us: u64,
    /// Until when, that moment not included; `None` if it still was at the trial's end.
    pub to_us: Option<u64>,
}

impl Span {
    /// Whether it was so at `at_us`.
    #[must_use]
    pub fn contains(self, at_us: u64) -> bool {
        self.from_us <= at_us && self.to_us.is_none_or(|to_us| at_us < to_us)
    }

    /// Whether it had been so just before `at_us`.
    #[must_use]
    pub fn reaches(self, at_us: u64) -> bool {
        self.from_us < at_us && self.to_us.is_none_or(|to_us| at_us <= to_us)
    }
}

/// The time that none of the spans covers, from the run's origin on.
pub(super) fn gaps(mut spans: Vec<Span>) -> Vec<Span> {
    spans.sort_unstable();
    let mut gaps = Vec::new();
    // Until when what was seen so far covers everything; nothing if for good.
    let mut covered_us = Some(0);
    for span in spans {
        let Some(until_us) = covered_us else { return gaps };
        if span.from_us > until_us {
            gaps.push(Span { from_us: until_us, to_us: Some(span.from_us) });
        }
        covered_us = span.to_us.map(|to_us| to_us.max(until_us));
    }
    gaps.extend(covered_us.map(|from_us| Span { from_us, to_us: None }));
    gaps
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(from_us: u64, to_us: impl Into<Option<u64>>) -> Span {
        Span { from_us, to_us: to_us.into() }
    }

    #[test]
    fn gaps_lie_between_what_may_overlap() {
        let spans = vec![span(50, 60), span(10, 30), span(20, 40), span(25, 28)];
        assert_eq!(gaps(spans), [span(0, 10), span(40, 50), span(60, None)]);
        assert_eq!(gaps(vec![span(10, None), span(20, 30)]), [span(0, 10)]);
        assert_eq!(gaps(Vec::new()), [span(0, None)]);
    }

    #[test]
    fn a_span_reaches_its_end_and_does_not_contain_it() {
        let span = span(10, 20);
        assert!(span.contains(10) && !span.contains(20));
        assert!(!span.reaches(10) && span.reaches(20) && !span.reaches(21));
    }
}
