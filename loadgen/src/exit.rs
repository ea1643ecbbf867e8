//! What the program's exit code says.

use std::process::ExitCode;

use results::verdict::Verdict;

use crate::progress::ProgressEvent;

/// How a command ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// All is well.
    Pass,
    /// Something that was promised does not hold.
    Fail,
    /// A problem could have gone unseen, or the run was cut short.
    Inconclusive,
    /// Bad usage, or something in the way before it began.
    Usage,
}

impl Exit {
    /// The exit code.
    #[must_use]
    pub fn code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 2,
            Self::Usage => 3,
        }
    }
}

impl Exit {
    /// As the last of the progress events, of a command whose files are in `folder`.
    pub(crate) fn progress_event(self, folder: String, cut_short: Option<String>) -> ProgressEvent {
        let verdict = match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive | Self::Usage => "inconclusive",
        };
        ProgressEvent::Verdict { verdict, exit_code: self.code(), folder, cut_short }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

impl From<Verdict> for Exit {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Pass => Self::Pass,
            Verdict::Fail => Self::Fail,
            Verdict::Inconclusive => Self::Inconclusive,
        }
    }
}

/// An error and what caused it, each said once: many an error's text ends with its cause's.
#[must_use]
pub fn one_line(error: &anyhow::Error) -> String {
    error.chain().map(ToString::to_string).fold(String::new(), |said, cause| {
        if said.is_empty() {
            cause
        } else if said.contains(&cause) {
            said
        } else {
            format!("{said}: {cause}")
        }
    })
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let io = || std::io::Error::other("disk full");
        let repeats = Err::<(), _>(anyhow::anyhow!(io())).context("cannot write: disk full");
        assert_eq!(one_line(&repeats.unwrap_err()), "cannot write: disk full");
        let adds = Err::<(), _>(io()).context("cannot write");
        assert_eq!(one_line(&adds.unwrap_err()), "cannot write: disk full");
    }
}
