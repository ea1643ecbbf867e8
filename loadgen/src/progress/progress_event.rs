//! What is told while a command goes on. As JSON, one object per line, this is an interface for
//! programs: names and meanings of fields stay, new ones may be added. `event` says what happened;
//! times called `at_us` are microseconds since the run's origin, as in the run's CSV files.

use driver::tally::OpFigures;
use serde::Serialize;

/// The version of the format, told by `run-began`.
pub(crate) const SCHEMA: u32 = 1;

/// Something that happened.
#[derive(Clone, Debug, Serialize)]
#[serde(tag = "event", rename_all = "kebab-case", rename_all_fields = "snake_case")]
pub(crate) enum ProgressEvent {
    /// The first: what was begun, and where its files go.
    RunBegan {
        /// [`SCHEMA`].
        schema: u32,
        /// `bench`, `failover`, `soak`, `prove` or `grade`.
        kind: &'static str,
        /// The plan's name, or the command.
        name: String,
        folder: String,
        /// The seed that every random choice comes from; a proof has one for each run.
        seed: Option<u64>,
        /// How many steps there will be: trials, rounds of a soak, rows of a proof, stories of all submissions.
        steps: u32,
    },
    /// A step begins.
    StepBegan {
        /// From 1.
        number: u32,
        of: u32,
        name: String,
        /// How long everything will still take, as far as can be told.
        left_ms: u64,
    },
    /// A step has ended, whichever: those of a proof overlap.
    StepEnded { ended: u32, of: u32, left_ms: u64 },
    /// A trial begins: its bazaar is started.
    TrialBegan {
        /// The plan's name; the name of the round, or of the run of a proof.
        run: String,
        /// The id of the cell in the run's files.
        cell: String,
        /// Which repetition of the cell, from 1.
        trial: u32,
        p: f64,
        cache: bool,
        clients: u32,
        /// In an open loop.
        rate_per_s: Option<f64>,
        /// How long the load is; empty if it is counted in iterations.
        load_ms: Option<u64>,
        /// What will be done to processes and links, in order of time.
        planned: Vec<PlannedAct>,
    },
    /// The measured load of a trial begins.
    LoadBegan { run: String, cell: String, trial: u32, at_us: u64 },
    /// A fault, or what ends it, was injected; or it was not.
    Fault {
        run: String,
        cell: String,
        trial: u32,
        at_us: u64,
        /// Which of the plan's, from 1.
        fault: Option<u32>,
        action: Option<String>,
        /// What the plan says, for example `leader`.
        target: Option<String>,
        /// Who or which link that was.
        process: Option<String>,
        pid: Option<u32>,
        /// `confirmed`, `not-confirmed` or `skipped`.
        outcome: &'static str,
        detail: Option<String>,
    },
    /// Somebody leads, or who is in sync has changed.
    Leader {
        run: String,
        cell: String,
        trial: u32,
        at_us: u64,
        leader: u8,
        epoch: u64,
        in_sync: Vec<u8>,
        /// Whether the leader is known to serve; it was merely chosen otherwise.
        serves: bool,
    },
    /// A process ended that nobody had killed.
    Died {
        run: String,
        cell: String,
        trial: u32,
        at_us: u64,
        process: Option<String>,
        pid: Option<u32>,
    },
    /// A host was lost, and a process with it; or it could be reached again.
    Host {
        run: String,
        cell: String,
        trial: u32,
        at_us: u64,
        host: Option<String>,
        /// One of those that ran there; an event for each.
        process: Option<String>,
        /// `lost` or `back`.
        outcome: &'static str,
        detail: Option<String>,
    },
    /// Whatever was broken has been put right.
    Healed { run: String, cell: String, trial: u32, at_us: u64 },
    /// The load and the lookups after it have ended.
    LoadEnded { run: String, cell: String, trial: u32, at_us: u64 },
    /// Whether all replicas became equal within the bound.
    Converged { run: String, cell: String, trial: u32, at_us: u64, converged: bool },
    /// A trial has ended, and its rows are written.
    TrialEnded {
        run: String,
        cell: String,
        trial: u32,
        /// Why it was cut short, if it was.
        cut_short: Option<String>,
        /// What the clients measured, operation by operation.
        figures: Vec<OpFigures>,
    },
    /// All is recorded; the checks and the charts follow.
    Recorded { run: String },
    /// What the checks of a run, a round or a run of a proof found.
    Checked { run: String, verdict: String, checks: Vec<CheckFigures> },
    /// A row of a proof is done.
    RowEnded {
        /// The bug that was planted; empty for the correct build.
        bug: Option<&'static str>,
        story: &'static str,
        /// Whether it proves what it is meant to: the bug was caught, the correct build was clean.
        proved: bool,
        runs: u32,
    },
    /// A submission has its points.
    Graded {
        submission: String,
        earned: f64,
        /// Of how many: those that it was asked for.
        asked: f64,
        /// Its page.
        page: String,
    },
    /// The last: what it came to.
    Verdict { verdict: &'static str, exit_code: u8, folder: String, cut_short: Option<String> },
}

/// Something that a plan wants to be done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct PlannedAct {
    /// When, after the load began.
    pub(crate) at_ms: u64,
    /// Which of the plan's faults, from 1.
    pub(crate) fault: u32,
    /// What.
    pub(crate) action: String,
    /// To whom, or to which link.
    pub(crate) target: String,
}

/// What one check found.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct CheckFigures {
    /// Its name.
    pub(crate) check: String,
    /// Empty if it had nothing to look at.
    pub(crate) verdict: Option<String>,
    pub(crate) violations: u64,
}

impl ProgressEvent {
    /// The event's name.
    #[cfg(test)]
    pub(crate) fn name(&self) -> String {
        let json = serde_json::to_value(self).unwrap();
        json["event"].as_str().unwrap().to_owned()
    }
}
