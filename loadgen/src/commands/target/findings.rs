//! What a check of a target found, a line each: `ok`, `missing` or `fails`, the subject, and what was seen.
//!
//! Nothing is said to be ok that was not seen to be. What the file does not describe is `missing`: not tried, and no
//! fault of the service.

use std::fmt::Display;

use crate::exit::Exit;
use crate::output::say;

/// Keeps count of what was said.
#[derive(Debug, Default)]
pub(super) struct Findings {
    ok: usize,
    missing: usize,
    fails: usize,
}

impl Findings {
    /// It works as described.
    pub(super) fn ok(&mut self, subject: impl Display, seen: impl Display) {
        self.ok += 1;
        line("ok", subject, seen);
    }

    /// The file does not describe it, so it was not tried.
    pub(super) fn missing(&mut self, subject: impl Display, seen: impl Display) {
        self.missing += 1;
        line("missing", subject, seen);
    }

    /// It is described and does not work.
    pub(super) fn fails(&mut self, subject: impl Display, seen: impl Display) {
        self.fails += 1;
        line("fails", subject, seen);
    }

    /// How the command ends. Says the numbers.
    pub(super) fn sum_up(&self) -> Exit {
        let Self { ok, missing, fails } = self;
        say!("{ok} ok, {missing} missing, {fails} fail{}", if *fails == 1 { "s" } else { "" });
        if *fails == 0 { Exit::Pass } else { Exit::Fail }
    }
}

fn line(word: &str, subject: impl Display, seen: impl Display) {
    // A subject of a replica is some fifteen characters long; a longer one moves its own line alone.
    say!("{word:<8} {:<22} {seen}", subject.to_string());
}
