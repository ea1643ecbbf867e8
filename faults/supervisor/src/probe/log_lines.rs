//! The lines that a process writes, each looked at once.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// How much is read at one look. What is left is read at the next.
const MAX_READ_BYTES: u64 = 4 * 1024 * 1024;

#[derive(Debug)]
pub(super) struct LogLines {
    log: PathBuf,
    /// Where the first line begins that was not looked at whole.
    position: u64,
}

impl LogLines {
    pub(super) fn new(log: &Path, begin: u64) -> Self {
        Self { log: log.to_owned(), position: begin }
    }

    /// Whether a line that was finished since the last look is what is wanted. Lines after it are not looked at.
    pub(super) fn any(&mut self, mut wanted: impl FnMut(&str) -> bool) -> bool {
        let Some(text) = self.read() else { return false };
        for line in text.split_inclusive(|byte| *byte == b'\n') {
            let Some(whole) = line.strip_suffix(b"\n") else { break };
            self.position += line.len() as u64;
            if wanted(&String::from_utf8_lossy(whole)) {
                return true;
            }
        }
        false
    }

    fn read(&self) -> Option<Vec<u8>> {
        let mut file = File::open(&self.log).ok()?;
        file.seek(SeekFrom::Start(self.position)).ok()?;
        let mut text = Vec::new();
        file.take(MAX_READ_BYTES).read_to_end(&mut text).ok()?;
        Some(text)
    }
}

#[cfg(test)]
mod tests {
    use std::fs::OpenOptions;
    use std::io::Write;

    use super::*;

    #[test]
    fn a_line_counts_once_it_is_whole_and_belongs_to_this_incarnation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("log");
        let mut log = OpenOptions::new().create(true).append(true).open(&path).unwrap();
        log.write_all(b"ready\nlisten").unwrap();
        let mut lines = LogLines::new(&path, 6);
        assert!(!lines.any(|line| line.contains("ready") || line.contains("listen")));
        log.write_all(b"ing\n").unwrap();
        assert!(lines.any(|line| line == "listening"));
        assert!(!lines.any(|_| true));
    }
}
