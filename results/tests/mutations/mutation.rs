//! A mutation, and what must be said of the run then.

use std::fmt;
use std::fmt::Write as _;

use crate::change::Change;
use crate::run::{Got, Run};

/// What must be said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Must {
    Pass,
    Fail,
    Inconclusive,
    Error,
}

impl Must {
    fn is_met_by(self, got: Got) -> bool {
        matches!(
            (self, got),
            (Self::Pass, Got::Pass)
                | (Self::Fail, Got::Fail)
                | (Self::Inconclusive, Got::Inconclusive)
                | (Self::Error, Got::Error)
        )
    }
}

impl fmt::Display for Must {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Pass => "pass",
            Self::Fail => "fail",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
        })
    }
}

/// Something that is done to a run.
pub(crate) struct Mutation {
    pub(crate) what: &'static str,
    pub(crate) changes: &'static [Change],
    /// What must be said of the files as they are then.
    pub(crate) as_it_is: Must,
    /// And once every count agrees with the rows again.
    pub(crate) made_good: Must,
}

/// Tries all of them on a run, and says what was not as it must be.
#[track_caller]
pub(crate) fn hold(run: &Run, mutations: &[Mutation]) {
    let mut wrong = String::new();
    for Mutation { what, changes, as_it_is, made_good } in mutations {
        let mut mutant = run.clone();
        for change in *changes {
            change.apply(&mut mutant);
        }
        let got = mutant.judge();
        mutant.make_good();
        let got_then = mutant.judge();
        if !as_it_is.is_met_by(got) || !made_good.is_met_by(got_then) {
            writeln!(
                wrong,
                "{what}: {got:?}, must be {as_it_is}; with all counts made good {got_then:?}, must be \
                 {made_good}"
            )
            .unwrap();
        }
    }
    assert!(wrong.is_empty(), "{} mutations tried\n{wrong}", mutations.len());
}
