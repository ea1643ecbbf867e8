//! `events.csv`: faults planned and actual, elections, restarts, and what the harness did itself.

use serde::{Deserialize, Serialize};

use super::{Action, FaultSet, ReplicaSet, Subject};

/// What happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// A process of the bazaar was started for the first time.
    Started,
    /// It answers that it is ready (after a start or a restart).
    Ready,
    /// The load began.
    LoadBegan,
    /// A stage of the load began: `detail` says which. Not in older runs.
    StageBegan,
    /// The load was ended before its time, since the last seconds broke the threshold in `target`: `detail` is the
    /// value. Not in older runs.
    LoadCutShort,
    /// The load ended; lookups are done.
    LoadEnded,
    /// The schedule of an open loop ended: nothing was due after that. `unsent` says what was due
    /// before and was never sent.
    ArrivalsEnded,
    /// A fault was planned for `planned_us`; written when the trial begins.
    Planned,
    /// The injector acted: the signal was sent, or the restart was begun.
    Injected,
    /// The act was seen to have worked: the process is gone, stopped, or runs again.
    Confirmed,
    /// The injector could not act, or could not confirm it.
    NotConfirmed,
    /// The injector found nobody to act on, and the plan allows the fault to be left out then; or
    /// what was to end a fault came too late, because another fault had hit the process meanwhile.
    Skipped,
    /// A process ended that nobody had killed; if it was ended for taking too much, `target` says which limit that was.
    Died,
    /// The front-end changed who leads; `suspected_us` says since when it doubted the old one.
    LeaderChanged,
    /// The new leader said that it serves.
    LeaderServes,
    /// The front-end changed the in-sync set under the same leader.
    InSyncChanged,
    /// The harness itself could not run: its heartbeat was due at `planned_us` and came at `at_us`, over
    /// a tenth of a second late. Not in older runs.
    HarnessStalled,
    /// A client program of the target's died, or did what it must not do: `detail` says which, and what. What it owed is
    /// unknown. Not in older runs, as the next three.
    ClientBroke,
    /// It was started again, and has said hello.
    ClientReady,
    /// It answered what had run out of time: `detail` says what. The outcome stays unknown.
    LateAnswer,
    /// It believes that somebody else leads: a hint, never a verdict.
    LeaderHint,
    /// An agent runs on the host in `target`, and the process is there; one such event for each process. `detail` says where
    /// that is, and who runs there; `bound_us`, how well the time there is known. Not in older runs, as the next two.
    HostReached,
    /// The host in `target`, its connection or its agent was lost, and with it the process; one such event for each process there.
    /// What became of them nobody has seen; they are not started again.
    HostLost,
    /// The host in `target` could be reached again, and nothing of the trial is left there.
    HostBack,
    /// What clients ask is sent from the host in `target`: `detail` says whose, `bound_us` how well the time there is known. Not in older
    /// runs, as the next two.
    SenderReady,
    /// Nothing is sent from there any more, since the host or the program there was lost: `detail` says why. It was heard of last at
    /// `suspected_us`. What it owed is unknown, and its clients ask no more.
    SenderLost,
    /// The load is over. `bound_us` says how far the times of one of its operations may be off at the most.
    SenderEnded,
    /// Everything that was broken has been resumed or restarted.
    Healed,
    /// All replicas are in sync, no trade lacks a number, and two dumps were equal.
    Converged,
    /// That did not happen within the bound.
    NotConverged,
    /// The trial was cut short (Ctrl-C, or an error); `detail` says by what. `at_us` is when that was
    /// decided: the clients and then the services were stopped after it.
    Interrupted,
    /// The trial ended and every row of it is written: the last event of a trial. From format 3 on it
    /// says how many there are.
    Finished,
}

/// One event. Empty means not applicable.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// The id of a [`Cell`](super::Cell) of the manifest.
    pub cell: String,
    /// Which repetition of the cell, from 1.
    pub trial: u32,
    /// When it happened, in microseconds since the run's origin.
    pub at_us: u64,
    /// What happened.
    pub event: EventKind,
    /// For a fault: which of the plan's, from 1. Its restart or resume carries the same number.
    pub fault: Option<u32>,
    /// For a fault: when it was planned to be injected. For a stall of the harness: when it began.
    pub planned_us: Option<u64>,
    /// For a fault: what was done.
    pub action: Option<Action>,
    /// For a fault: what the plan said, for example `leader`. For a load that was cut short: the threshold.
    /// For a process that took too much: the limit, for example `limits.memory_mb`.
    pub target: Option<String>,
    /// The process that it turned out to be: `order-3`, `catalog`, `front-end`; or the link:
    /// `order-3 -> order-1`, or `<->` for both directions.
    pub process: Option<Subject>,
    /// That process's id.
    pub pid: Option<u32>,
    /// Of what ends faults, a restart, a resume or a heal: which of the plan's it ended, separated by
    /// spaces. More than its own, if several had broken the process; without its own, if another had
    /// ended that before. Not in runs of format 1.
    #[serde(default)]
    pub ends: FaultSet,
    /// The configuration's epoch after a change.
    pub epoch: Option<u64>,
    /// The configuration's version after a change.
    pub version: Option<u64>,
    /// The leading replica after a change.
    pub leader: Option<u8>,
    /// The in-sync replicas after a change, separated by spaces.
    pub in_sync: Option<ReplicaSet>,
    /// Since when the front-end doubted the old leader. Of a lost host of clients: when it was heard of last.
    pub suspected_us: Option<u64>,
    /// In an open loop: how many arrivals were due and never sent, because no client was free until
    /// the end.
    pub unsent: Option<u64>,
    /// With the end of a trial: how many rows of it the recorder wrote to `observations.csv`. From
    /// format 3 on, as the next two.
    #[serde(default)]
    pub observation_rows: Option<u64>,
    /// The same for `events.csv`, this row included.
    #[serde(default)]
    pub event_rows: Option<u64>,
    /// The same for `final.csv`.
    #[serde(default)]
    pub final_rows: Option<u64>,
    /// How far `at_us` may be off, in microseconds: of what was seen on another host, by the clock there. Empty of what the
    /// harness saw itself. From format 4 on.
    #[serde(default)]
    pub bound_us: Option<u64>,
    /// Anything that a reader needs besides.
    pub detail: Option<String>,
}

impl Event {
    /// An event with nothing but its place, its time and its kind.
    pub fn new(cell: impl Into<String>, trial: u32, at_us: u64, event: EventKind) -> Self {
        Self {
            cell: cell.into(),
            trial,
            at_us,
            event,
            fault: None,
            planned_us: None,
            action: None,
            target: None,
            process: None,
            pid: None,
            ends: FaultSet::default(),
            epoch: None,
            version: None,
            leader: None,
            in_sync: None,
            suspected_us: None,
            unsent: None,
            observation_rows: None,
            event_rows: None,
            final_rows: None,
            bound_us: None,
            detail: None,
        }
    }
}
