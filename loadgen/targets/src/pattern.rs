//! Regular expressions that a file writes down.

use regex::{Regex, RegexBuilder};

/// What a compiled regular expression may take, in bytes. A pattern that needs more has been repeated by mistake.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// `text` as a pattern; else what is wrong with it.
pub(crate) fn build(text: &str) -> Result<Regex, String> {
    RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build().map_err(|error| match error {
        regex::Error::CompiledTooBig(_) => {
            format!("the regular expression needs more than {MAX_PATTERN_BYTES} bytes")
        }
        // The last line of a syntax error says what is wrong; those before it draw where.
        error => {
            let text = error.to_string();
            let last = text.lines().last().unwrap_or_default();
            format!("bad regular expression: {}", last.trim_start_matches("error: "))
        }
    })
}
