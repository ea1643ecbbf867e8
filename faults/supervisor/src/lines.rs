//! Lines that processes tell each other: taken from one, and told to another.

use std::io::{BufRead, Read, Write};
use std::iter;
use std::process::ChildStdin;
use std::sync::Mutex;

use crate::locked::locked;

/// Lines with their ends, until there are no more. One that is longer than `most_bytes` comes in pieces, which nobody understands.
pub(crate) fn lines(mut from: impl BufRead, most_bytes: u64) -> impl Iterator<Item = String> {
    iter::from_fn(move || {
        let mut line = String::new();
        let read = from.by_ref().take(most_bytes).read_line(&mut line);
        matches!(read, Ok(1..)).then_some(line)
    })
}

/// The standard input of a process that takes lines, until it is closed.
pub(crate) struct Input(Mutex<Option<ChildStdin>>);

impl Input {
    pub(crate) fn new(input: Option<ChildStdin>) -> Self {
        Self(Mutex::new(input))
    }

    /// Hands a line on. That the process has ended shows at its output.
    pub(crate) fn tell(&self, line: &str) {
        if let Some(input) = locked(&self.0).as_mut() {
            let _ = input.write_all(line.as_bytes()).and_then(|()| input.flush());
        }
    }

    pub(crate) fn close(&self) {
        drop(locked(&self.0).take());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_keep_their_ends_come_in_pieces_if_they_are_too_long_and_stop_at_what_is_no_text() {
        let of = |bytes: &[u8]| lines(bytes, 4).collect::<Vec<_>>();
        assert_eq!(of(b"ab\n\ncd"), ["ab\n", "\n", "cd"]);
        assert_eq!(of(b"abcdef\ng\n"), ["abcd", "ef\n", "g\n"]);
        assert_eq!(of(b"ab\n\xff\ncd\n"), ["ab\n"]);
        assert!(of(b"").is_empty());
    }
}
