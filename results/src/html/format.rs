//! How numbers look on the page.

use crate::text::{grouped, three_digits};
use crate::verdict::Verdict;

/// Not applicable, or nothing measured.
pub(super) const NONE: &str = "–";

/// Microseconds as milliseconds, every digit kept: `1.204`.
pub(super) fn exact_ms(us: u64) -> String {
    format!("{}.{:03}", us / 1000, us % 1000)
}

/// `what` of a value, or [`NONE`].
pub(super) fn or_none<T>(value: Option<T>, what: impl FnOnce(T) -> String) -> String {
    value.map_or_else(|| NONE.to_owned(), what)
}

/// Milliseconds with three digits: `12.3`.
pub(super) fn some_ms(ms: Option<f64>) -> String {
    or_none(ms, three_digits)
}

/// `1 trade`, `1,204 trades`.
pub(super) fn counted(number: u64, singular: &str, plural: &str) -> String {
    format!("{} {}", grouped(number), if number == 1 { singular } else { plural })
}

/// Bytes as people say them: `412 bytes`, `18 kB`, `5.2 MB`.
pub(super) fn size(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} kB", bytes.div_ceil(1000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}

/// The id of a check's evidence.
pub(super) fn anchor(check: &str) -> String {
    format!("evidence-{check}")
}

/// A sign that tells verdicts apart without colour.
pub(super) fn sign(verdict: Option<Verdict>) -> &'static str {
    verdict.map_or("–", Verdict::sign)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn microseconds_keep_every_digit() {
        assert_eq!(
            [0, 7, 1204, 3_600_000_000].map(exact_ms),
            ["0.000", "0.007", "1.204", "3600000.000"]
        );
    }

    #[test]
    fn one_is_no_plural() {
        assert_eq!(counted(1, "trade", "trades"), "1 trade");
        assert_eq!(counted(1204, "trade", "trades"), "1,204 trades");
    }

    #[test]
    fn sizes_are_rounded_up_so_that_nothing_looks_empty() {
        assert_eq!([0, 999, 1001, 5_200_000].map(size), ["0 bytes", "999 bytes", "2 kB", "5.2 MB"]);
    }
}
