//! Commands that people copy into a shell: there, every word of them means itself.

use std::ffi::OsStr;

/// A word as a shell takes it, whatever is in it.
pub(crate) fn quoted(word: impl AsRef<OsStr>) -> String {
    let word = word.as_ref().to_string_lossy();
    // Only a zero byte cannot be quoted, and no argument has one.
    shlex::try_quote(&word).unwrap_or_default().into_owned()
}
