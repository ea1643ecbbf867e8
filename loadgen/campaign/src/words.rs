//! How figures of several runs look, in tables and sentences.

use results::stats::Interval;
use results::text::three_digits;

/// Nothing was measured.
pub(crate) const NONE: &str = "–";

/// A figure, or [`NONE`].
pub(crate) fn figure(value: Option<f64>) -> String {
    value.map_or_else(|| NONE.to_owned(), three_digits)
}

/// A count, or [`NONE`].
pub(crate) fn count(value: Option<u64>) -> String {
    value.map_or_else(|| NONE.to_owned(), results::text::grouped)
}

/// `[3.1, 4.2]`, if there is an interval.
pub(crate) fn brackets(interval: Option<Interval>) -> Option<String> {
    let Interval { low, high } = interval?;
    Some(format!("[{}, {}]", three_digits(low), three_digits(high)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_there_is_a_dash_and_bounds_stand_in_brackets() {
        assert_eq!((figure(None), figure(Some(1204.4))), ("–".to_owned(), "1204".to_owned()));
        assert_eq!(count(Some(7961)), "7,961");
        let interval = Some(Interval { low: 1.0, high: 20.0 });
        assert_eq!(brackets(interval).as_deref(), Some("[1.00, 20.0]"));
    }
}
