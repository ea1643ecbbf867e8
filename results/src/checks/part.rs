//! What a check consists of: each part looks at something else, and needs other facts of the target.

use crate::records::{Fact, Target};

/// A part of a check's work, and the facts without which it cannot be done.
pub(crate) struct Part {
    /// What is looked at, in a few words; empty if the check has no other part.
    pub(crate) what: &'static str,
    /// What the target must give or promise.
    pub(crate) facts: &'static [Fact],
    /// Whether it is done only where the part before it cannot be: it asks the same, and finds less.
    pub(crate) stands_in: bool,
}

impl Part {
    /// The whole of a check.
    pub(crate) const fn whole(facts: &'static [Fact]) -> Self {
        Self::new("", facts)
    }

    /// One of several parts.
    pub(crate) const fn new(what: &'static str, facts: &'static [Fact]) -> Self {
        Self { what, facts, stands_in: false }
    }

    /// What is done where the part before it cannot be.
    pub(crate) const fn standing_in(what: &'static str, facts: &'static [Fact]) -> Self {
        Self { what, facts, stands_in: true }
    }

    /// What the target lacks for it.
    pub(crate) fn lacks(&self, target: &Target) -> Vec<Fact> {
        target.lacks(self.facts)
    }
}
