//! What is certain about the effect of a request that has no outcome yet: rule E4.
//!
//! A request is tried several times. That it failed, which is to say that nothing was changed and
//! nothing will be, may be said only if that is certain of every single attempt. *Otherwise: a
//! trade that was counted as failed turns up in the log.* Pure.

use crate::planted::{Bug, Bugs};

/// How an attempt ended that brought no outcome.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Attempt {
    /// It was certainly not carried out, and will not be.
    WithoutEffect,
    /// It may have been carried out, or may yet be.
    Unclear,
}

/// All attempts at a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Attempts {
    may_have_had_effect: bool,
    bugs: Bugs,
}

impl Attempts {
    /// None so far.
    #[must_use]
    pub fn new(bugs: Bugs) -> Self {
        Self { may_have_had_effect: false, bugs }
    }

    /// One more.
    pub fn note(&mut self, attempt: Attempt) {
        let before = self.may_have_had_effect && !self.bugs.has(Bug::ForgetAttempts);
        self.may_have_had_effect = before || attempt == Attempt::Unclear;
    }

    /// Whether certainly none of them has changed anything, or will.
    #[must_use]
    pub fn are_without_effect(&self) -> bool {
        !self.may_have_had_effect
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_unclear_attempt_is_never_made_good_by_another() {
        let mut attempts = Attempts::new(Bugs::default());
        assert!(attempts.are_without_effect());
        attempts.note(Attempt::WithoutEffect);
        assert!(attempts.are_without_effect());
        attempts.note(Attempt::Unclear);
        attempts.note(Attempt::WithoutEffect);
        assert!(!attempts.are_without_effect());
    }
}
