//! The end of a log: what a process said last, for messages to people.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

/// How much of a log's end is read for its last lines.
const MAX_TAIL_BYTES: u64 = 64 * 1024;
/// How many lines a message quotes: enough for the end of a stack trace.
const MAX_LINES: usize = 5;
/// How much of a line a message quotes, in characters.
const MAX_LINE_CHARS: usize = 300;

/// The last lines of a log that are not blank, from `begin` (bytes) on; empty if there are none.
pub(crate) fn last_lines(log: &Path, begin: u64) -> Vec<String> {
    let Some(tail) = read_tail(log, begin) else { return Vec::new() };
    let tail = String::from_utf8_lossy(&tail);
    let lines = tail.lines().map(str::trim_end).filter(|line| !line.is_empty());
    let mut last: Vec<_> = lines
        .rev()
        .take(MAX_LINES)
        .map(|line| line.chars().take(MAX_LINE_CHARS).collect::<String>())
        .collect();
    last.reverse();
    last
}

/// The last lines as a message ends with them: each on a line of its own.
pub(crate) fn quoted(lines: &[String]) -> String {
    if lines.is_empty() {
        return "it wrote nothing".to_owned();
    }
    let lines: Vec<_> = lines.iter().map(|line| format!("\n  | {line}")).collect();
    format!("it wrote last:{}", lines.concat())
}

fn read_tail(log: &Path, begin: u64) -> Option<Vec<u8>> {
    let mut file = File::open(log).ok()?;
    let tail_begin = file.metadata().ok()?.len().saturating_sub(MAX_TAIL_BYTES);
    file.seek(SeekFrom::Start(begin.max(tail_begin))).ok()?;
    let mut tail = Vec::new();
    file.take(MAX_TAIL_BYTES).read_to_end(&mut tail).ok()?;
    Some(tail)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_last_lines_belong_to_the_last_incarnation() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("order-1.log");
        fs::write(&log, "old trouble\nfirst\n\nsecond\n").unwrap();
        assert_eq!(last_lines(&log, 12), ["first", "second"]);
        assert_eq!(quoted(&last_lines(&log, 26)), "it wrote nothing");
        assert!(last_lines(&folder.path().join("missing"), 0).is_empty());
    }

    #[test]
    fn a_message_quotes_a_few_lines_and_a_part_of_each() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("order-1.log");
        fs::write(&log, format!("{}\n", "x".repeat(1000)).repeat(100)).unwrap();
        let lines = last_lines(&log, 0);
        assert_eq!(lines.len(), MAX_LINES);
        assert!(lines.iter().all(|line| line.len() == MAX_LINE_CHARS));
    }
}
