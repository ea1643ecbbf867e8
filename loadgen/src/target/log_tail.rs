//! The last line of a growing log that says something. Each part of the log is read once.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The most that is read at a time, in bytes: as much as a log may have, so a look reads all that is new.
const MAX_BYTES: u64 = 64 << 20;

/// How far a log was read, and what was found.
#[derive(Debug, Default)]
pub(super) struct LogTail {
    read_bytes: u64,
    last: Option<Vec<u8>>,
}

impl LogTail {
    /// Reads what is new. Returns the last line that counts, of this or an earlier time.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub(super) fn read(
        &mut self,
        log: &Path,
        counts: impl Fn(&[u8]) -> bool,
    ) -> io::Result<Option<&[u8]>> {
        let mut file = File::open(log)?;
        if file.metadata()?.len() < self.read_bytes {
            // It is another file, or was emptied.
            *self = Self::default();
        }
        file.seek(SeekFrom::Start(self.read_bytes))?;
        let mut lines = BufReader::new(file.take(MAX_BYTES));
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = lines.read_until(b'\n', &mut line)?;
            // What has no end yet is read again when it has one.
            if line.pop() != Some(b'\n') {
                return Ok(self.last.as_deref());
            }
            self.read_bytes += length as u64;
            if counts(&line) {
                self.last = Some(line.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    #[test]
    fn the_last_whole_line_that_counts_stays_until_there_is_another() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("front.log");
        let leads = |line: &[u8]| line.ends_with(b"leads");
        let mut tail = LogTail::default();
        assert!(tail.read(&log, leads).is_err(), "there is no log yet");
        let append = |text: &str| {
            let file = OpenOptions::new().create(true).append(true).open(&log);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        };
        append("begins\n");
        assert_eq!(tail.read(&log, leads).unwrap(), None);
        append("1 leads\n2 leads\nnoise\n3 le");
        assert_eq!(tail.read(&log, leads).unwrap(), Some(&b"2 leads"[..]));
        append("ads");
        assert_eq!(tail.read(&log, leads).unwrap(), Some(&b"2 leads"[..]));
        append("\n");
        assert_eq!(tail.read(&log, leads).unwrap(), Some(&b"3 leads"[..]));
        fs::write(&log, "4 leads\n").unwrap();
        assert_eq!(tail.read(&log, leads).unwrap(), Some(&b"4 leads"[..]));
    }
}
