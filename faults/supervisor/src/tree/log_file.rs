//! A process's log: what it writes is always taken, and never more than a bound is kept.
//!
//! The invariant: the pipe is drained to its end whatever happens to the file, so no process ever waits for its log.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

/// The longest line that is kept, as of everything that a service writes. The rest of it is dropped.
const MAX_LINE_BYTES: usize = 64 * 1024;
/// How much is taken from the pipe at a time: what a pipe holds.
const CHUNK_BYTES: usize = 64 * 1024;

const LINE_CUT: &[u8] = b" [cut: the line is longer than 65536 bytes]";
const LOG_FULL: &[u8] = b"[cut: the log has reached its bound; what follows is not kept]\n";

/// A log that is being written.
#[derive(Debug)]
pub(super) struct LogFile {
    file: File,
    /// How many bytes more may be kept.
    room: u64,
    line_bytes: usize,
    full: bool,
}

impl LogFile {
    /// Opens a log to write on behind what it has; it may have up to `max_bytes` in all, and a note.
    pub(super) fn open(path: &Path, max_bytes: u64) -> io::Result<Self> {
        let file = OpenOptions::new().create(true).append(true).open(path)?;
        let has = file.metadata()?.len();
        Ok(Self {
            file,
            room: max_bytes.saturating_sub(has),
            line_bytes: 0,
            full: has >= max_bytes,
        })
    }

    /// Takes everything from `pipe` until its last writer is gone.
    pub(super) fn drain(mut self, mut pipe: impl Read) {
        let mut chunk = vec![0; CHUNK_BYTES];
        loop {
            match pipe.read(&mut chunk) {
                Ok(0) => break,
                Ok(bytes) => self.keep(&chunk[..bytes]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(_) => break,
            }
        }
        // The next incarnation begins on a line of its own.
        if self.line_bytes > 0 {
            self.keep(b"\n");
        }
    }

    fn keep(&mut self, chunk: &[u8]) {
        if self.full {
            return;
        }
        let mut kept = Vec::with_capacity(chunk.len());
        for piece in chunk.split_inclusive(|byte| *byte == b'\n') {
            let ends = piece.ends_with(b"\n");
            let text = &piece[..piece.len() - usize::from(ends)];
            let room = MAX_LINE_BYTES.saturating_sub(self.line_bytes);
            kept.extend_from_slice(&text[..text.len().min(room)]);
            if self.line_bytes <= MAX_LINE_BYTES && self.line_bytes + text.len() > MAX_LINE_BYTES {
                kept.extend_from_slice(LINE_CUT);
            }
            self.line_bytes = self.line_bytes.saturating_add(text.len());
            if ends {
                kept.push(b'\n');
                self.line_bytes = 0;
            }
        }
        if kept.len() as u64 > self.room {
            kept.truncate(usize::try_from(self.room).unwrap_or(usize::MAX));
            if kept.last().is_some_and(|last| *last != b'\n') {
                kept.push(b'\n');
            }
            kept.extend_from_slice(LOG_FULL);
            self.full = true;
        }
        self.room = self.room.saturating_sub(kept.len() as u64);
        // A full disk costs the log, not the process that writes it.
        let _ = self.file.write_all(&kept);
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn written(max_bytes: u64, texts: &[&[u8]]) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        for text in texts {
            LogFile::open(&path, max_bytes).unwrap().drain(*text);
        }
        fs::read_to_string(&path).unwrap()
    }

    #[test]
    fn incarnations_write_behind_each_other() {
        assert_eq!(written(100, &[b"one\ntwo", b"three\n"]), "one\ntwo\nthree\n");
    }

    #[test]
    fn a_long_line_is_cut_and_the_next_is_kept() {
        let text = [vec![b'x'; 200_000], b"\nnext\n".to_vec()].concat();
        let log = written(1_000_000, &[&text]);
        let (long, next) = log.split_once('\n').unwrap();
        assert_eq!(long.len(), MAX_LINE_BYTES + LINE_CUT.len());
        assert_eq!(next, "next\n");
    }

    #[test]
    fn a_full_log_says_so_once() {
        let flood = b"a line of a flood\n".repeat(10_000);
        let log = written(1_000, &[&flood, &flood]);
        assert!(log.len() < 1_100);
        assert_eq!(log.matches("[cut:").count(), 1);
        assert!(log.ends_with("not kept]\n"));
    }
}
