//! News as JSON lines on stdout, for programs.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsFd;

use super::Teller;
use super::news::News;

/// Writes each event as a line.
pub(super) struct JsonLines<W> {
    out: W,
    /// Nobody reads any more.
    is_closed: bool,
}

impl JsonLines<File> {
    /// Keeps stdout for programs: whatever anybody prints to it from now on goes to stderr. That way
    /// no line for people, wherever it is printed, can get among those for programs.
    pub(super) fn on_stdout() -> io::Result<Self> {
        io::stdout().flush()?;
        let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
        nix::unistd::dup2_stdout(io::stderr())?;
        Ok(Self::new(out))
    }
}

impl<W: Write> JsonLines<W> {
    fn new(out: W) -> Self {
        Self { out, is_closed: false }
    }

    fn write(&mut self, news: &News) -> io::Result<()> {
        let mut line = serde_json::to_vec(news)?;
        line.push(b'\n');
        self.out.write_all(&line)?;
        self.out.flush()
    }
}

impl<W: Write + Send> Teller for JsonLines<W> {
    fn tell(&mut self, news: &News) {
        if self.is_closed {
            return;
        }
        if let Err(error) = self.write(news) {
            // The run is worth more than its audience.
            tracing::warn!("no more progress events: {error}");
            self.is_closed = true;
        }
    }

    fn line(&mut self, _line: &str) {}
    fn print(&mut self, _line: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_an_object_on_a_line_of_its_own() {
        let mut lines = JsonLines::new(Vec::new());
        let name = "two\nlines".to_owned();
        lines.tell(&News::StepBegan { number: 1, of: 2, name, left_ms: 1500 });
        lines.line("for people");
        lines.tell(&News::Recorded { run: "bench".to_owned() });
        let text = String::from_utf8(lines.out).unwrap();
        let events: Vec<serde_json::Value> =
            text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let expected = [
            serde_json::json!({
                "event": "step-began", "number": 1, "of": 2, "name": "two\nlines", "left_ms": 1500
            }),
            serde_json::json!({"event": "recorded", "run": "bench"}),
        ];
        assert_eq!(events, expected);
    }

    #[test]
    fn a_reader_that_went_away_is_told_nothing_more() {
        struct Gone(u32);
        impl Write for Gone {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                self.0 += 1;
                Err(io::ErrorKind::BrokenPipe.into())
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let mut lines = JsonLines::new(Gone(0));
        for _ in 0..3 {
            lines.tell(&News::Recorded { run: "bench".to_owned() });
        }
        assert_eq!(lines.out.0, 1);
    }
}
