//! ProgressEvent as JSON lines on stdout, for programs.

use std::fs::File;
use std::io::{self, Write};

use super::Reporter;
use super::progress_event::ProgressEvent;
use crate::output;

/// Writes each event as a line.
pub(super) struct JsonLines<W> {
    out: W,
}

impl JsonLines<File> {
    /// Keeps stdout for programs, and writes to it.
    pub(super) fn on_stdout() -> io::Result<Self> {
        Ok(Self { out: output::keep_stdout_for_programs()? })
    }
}

impl<W: Write> JsonLines<W> {
    fn write(&mut self, event: &ProgressEvent) -> io::Result<()> {
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        self.out.write_all(&line)?;
        self.out.flush()
    }
}

impl<W: Write + Send> Reporter for JsonLines<W> {
    fn tell(&mut self, event: &ProgressEvent) {
        // The run is worth more than its audience, and goes on without it.
        output::write_result(|| self.write(event));
    }

    fn line(&mut self, _line: &str) {}
    fn print(&mut self, _line: &str) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_event_is_an_object_on_a_line_of_its_own() {
        let mut lines = JsonLines { out: Vec::new() };
        let name = "two\nlines".to_owned();
        lines.tell(&ProgressEvent::StepBegan { number: 1, of: 2, name, left_ms: 1500 });
        lines.line("for people");
        lines.tell(&ProgressEvent::Recorded { run: "bench".to_owned() });
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
}
