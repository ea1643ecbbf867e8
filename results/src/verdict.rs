//! Pass, fail or inconclusive, and the exit codes that stand for them.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What can be said about a run. Ordered from best to worst.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// A problem would have been found, and none was.
    Pass,
    /// Nothing was found, but the run could not have found it.
    Inconclusive,
    /// A problem was found.
    Fail,
}

impl Verdict {
    /// The process exit code: 0 pass, 1 fail, 2 inconclusive. (3 is bad usage or set-up, which
    /// is no verdict.)
    #[must_use]
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Pass => 0,
            Self::Fail => 1,
            Self::Inconclusive => 2,
        }
    }

    /// The worse of the two: a failure anywhere is a failure, a doubt anywhere is a doubt.
    #[must_use]
    pub fn combine(self, other: Self) -> Self {
        self.max(other)
    }

    /// In a word, which is also the class of what shows it on a page.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Inconclusive => "inconclusive",
            Self::Fail => "fail",
        }
    }

    /// A sign that tells verdicts apart without colour.
    #[must_use]
    pub fn sign(self) -> &'static str {
        match self {
            Self::Pass => "✓",
            Self::Inconclusive => "?",
            Self::Fail => "✗",
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::Verdict::{Fail, Inconclusive, Pass};

    #[test]
    fn the_worst_verdict_wins() {
        assert_eq!(Pass.combine(Pass), Pass);
        assert_eq!(Pass.combine(Inconclusive), Inconclusive);
        assert_eq!(Inconclusive.combine(Fail), Fail);
        assert_eq!(Fail.combine(Pass), Fail);
    }

    #[test]
    fn exit_codes_are_the_documented_ones() {
        assert_eq!([Pass, Fail, Inconclusive].map(super::Verdict::exit_code), [0, 1, 2]);
    }

    #[test]
    fn a_verdict_reads_the_same_in_text_and_in_json() {
        for verdict in [Pass, Fail, Inconclusive] {
            assert_eq!(serde_json::to_string(&verdict).unwrap(), format!("\"{verdict}\""));
        }
    }
}
