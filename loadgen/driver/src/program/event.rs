//! What a client program did besides answering in time.

use targets::client::{Answer, Broken};

/// Something that a client program did besides answering in time.
#[derive(Clone, Debug, PartialEq)]
pub struct ProgramEvent {
    /// Which program, from 1.
    pub program: u32,
    /// When, in microseconds of `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    /// What.
    pub kind: ProgramEventKind,
}

/// What it was.
#[derive(Clone, Debug, PartialEq)]
pub enum ProgramEventKind {
    /// A life of it has said hello.
    Ready {
        /// Which, from 1.
        life: u64,
    },
    /// A life of it is over.
    Broken {
        /// Why nothing that it says counts any more.
        why: Broken,
        /// How many requests it owed an answer. Their outcome is unknown.
        owed: usize,
    },
    /// It answered a request that had run out of time. The outcome stays unknown.
    Late {
        /// What was asked, in words.
        asked: String,
        /// What it says.
        answer: Answer,
    },
    /// It believes that somebody else leads now: a hint, never a verdict.
    LeaderHint {
        /// Who.
        process: String,
    },
}
