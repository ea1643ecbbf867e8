//! The lines of a growing log, each handed out once, when it is whole. That a log cannot be read is told, and is no log without
//! lines.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::ops::ControlFlow;
use std::path::Path;

/// The most that is read at one look, in bytes: as much as a log may have, so a look sees all that is new.
const MAX_BYTES: u64 = 64 << 20;

/// How far a log was read.
#[derive(Debug, Default)]
pub struct LogLines {
    /// Where the first line begins that was not handed out.
    position: u64,
}

impl LogLines {
    /// From `begin` on, in bytes.
    #[must_use]
    pub fn from(begin: u64) -> Self {
        Self { position: begin }
    }

    /// Hands out the lines that were finished since the last look, without their ends, until `take` breaks: those behind are for the
    /// next look.
    ///
    /// # Errors
    /// If the log cannot be read.
    pub fn look(
        &mut self,
        log: &Path,
        mut take: impl FnMut(&[u8]) -> ControlFlow<()>,
    ) -> io::Result<()> {
        let mut file = File::open(log)?;
        if file.metadata()?.len() < self.position {
            // It is another file, or was emptied.
            self.position = 0;
        }
        file.seek(SeekFrom::Start(self.position))?;
        let mut lines = BufReader::new(file.take(MAX_BYTES));
        let mut line = Vec::new();
        loop {
            line.clear();
            let length = lines.read_until(b'\n', &mut line)?;
            // What has no end yet is read again when it has one.
            if line.pop() != Some(b'\n') {
                return Ok(());
            }
            self.position += length as u64;
            if take(&line).is_break() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{self, OpenOptions};
    use std::io::Write;

    use super::*;

    /// The lines that are new.
    fn new(lines: &mut LogLines, log: &Path) -> Vec<String> {
        let mut all = Vec::new();
        let look = lines.look(log, |line| {
            all.push(String::from_utf8(line.to_vec()).unwrap());
            ControlFlow::Continue(())
        });
        look.unwrap();
        all
    }

    #[test]
    fn each_line_is_handed_out_once_and_not_before_it_is_whole() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("front.log");
        let append = |text: &str| {
            let file = OpenOptions::new().create(true).append(true).open(&log);
            file.unwrap().write_all(text.as_bytes()).unwrap();
        };
        let mut lines = LogLines::from(4);
        let look = lines.look(&log, |_| ControlFlow::Continue(()));
        assert_eq!(look.unwrap_err().kind(), io::ErrorKind::NotFound);
        append("old\nready\nlist");
        assert_eq!(new(&mut lines, &log), ["ready"]);
        append("en");
        assert_eq!(new(&mut lines, &log), [""; 0]);
        append("ing\n\n");
        assert_eq!(new(&mut lines, &log), ["listening", ""]);
        fs::write(&log, "anew\n").unwrap();
        assert_eq!(new(&mut lines, &log), ["anew"], "what is shorter is another log");
    }

    #[test]
    fn what_stands_behind_the_line_that_was_wanted_is_for_the_next_look() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        fs::write(&log, "one\ntwo\nthree\n").unwrap();
        let mut lines = LogLines::default();
        let wanted = |line: &[u8]| match line {
            b"two" => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        };
        lines.look(&log, wanted).unwrap();
        assert_eq!(new(&mut lines, &log), ["three"]);
    }
}
