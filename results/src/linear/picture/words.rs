//! Words and numbers of a page.

use std::fmt::{self, Write as _};

pub(super) fn milliseconds(at_us: u64) -> String {
    // Exact below 2^53 us, which is 285 years.
    format!("{:.3}", at_us as f64 / 1_000.0)
}

/// Text that may hold anything, as HTML.
pub(super) struct Escaped<'a>(pub(super) &'a str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}
