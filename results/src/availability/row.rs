//! A row of `availability.csv`.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::records::ProcessName;
use crate::timeline::{FaultKind, Role};

/// One injected fault. Empty means not seen, or not applicable.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AvailabilityRow {
    /// The cell's id.
    pub cell: String,
    /// Which repetition of the cell, from 1.
    pub trial: u32,
    /// Which of the plan's faults, from 1.
    pub fault: u32,
    /// What was done.
    pub action: FaultKind,
    /// What the plan said, for example `leader`.
    pub target: String,
    /// The process that it turned out to be.
    pub process: String,
    /// The same with the host, if that was another than the harness's. Not in the file, whose readers know a process by its name.
    #[serde(skip)]
    pub place: String,
    /// What that process was at the moment.
    pub role: Role,
    /// Its id.
    pub pid: Option<u32>,
    /// When the fault was injected, in microseconds since the run's origin.
    pub at_us: u64,
    /// When the first fault was injected that shares this one's outage: of several that were planned for one
    /// moment. The same as `at_us` for a fault alone. No column of the file.
    #[serde(skip)]
    pub outage_us: u64,
    /// Until the process was seen to be dead or stopped; at once for a link.
    pub confirmed_ms: Option<f64>,
    /// Until the fault was undone: its restart, resume or heal.
    pub ended_ms: Option<f64>,
    /// Until the front-end began to doubt the leader: how long detection took.
    pub detected_ms: Option<f64>,
    /// Until the next leadership was on the front-end's disk.
    pub new_leader_ms: Option<f64>,
    /// How long the election took: `new_leader_ms - detected_ms`.
    pub election_ms: Option<f64>,
    /// Until the new leader said that it serves, or a trade was acknowledged, if that came before its
    /// word was heard.
    pub serving_ms: Option<f64>,
    /// How long the new leader took to take over: `serving_ms - new_leader_ms`.
    pub takeover_ms: Option<f64>,
    /// Who leads then, by its number among the replicas.
    pub new_leader: Option<u8>,
    /// The same by its name, for people: the file has the number.
    #[serde(skip)]
    pub new_leader_name: Option<ProcessName>,
    /// Until the first acknowledged trade that is certain to have needed the service after the
    /// fault. For a fault that changed the leader: the earliest answer to a trade whose log entry
    /// is of the new epoch or a later one. Otherwise: the earliest answer to a trade that was sent
    /// after the fault.
    pub first_ack_ms: Option<f64>,
    /// Until the last operation had been answered or given up that was under way at the fault, or
    /// due after it and before `first_ack_ms`. If the load does not trade: before the first answer
    /// that needed what was broken, or, where no process is known to answer from a cache, before the
    /// first answer at all.
    pub backlog_drained_ms: Option<f64>,
    /// The 99th percentile of latencies in the last baseline before the fault: from when
    /// everything was whole and had recovered, with a thousand operations or more. An operation
    /// without an answer counts as slower than any.
    pub p99_before_ms: Option<f64>,
    /// How steady that was: of a hundred rolling windows of 500 operations in that time, so many had a 99th
    /// percentile of at most 1.1 times `p99_before_ms` themselves.
    pub p99_steady_percent: Option<f64>,
    /// Until the backlog was drained and the next 500 operations due had a 99th percentile of at
    /// most 1.1 times `p99_before_ms`. Empty if that was not seen before the next fault, or if less
    /// than half of the rolling windows before the fault were like that.
    pub p99_back_ms: Option<f64>,
    /// Trades accepted per second in the baseline; a refused one (rejected) is not.
    pub trades_before_per_s: Option<f64>,
    /// Trades that the fault kept from being accepted. In a closed loop an estimate: those that the
    /// baseline's rate would have given from the fault until the backlog was drained, less those that
    /// came; below 0 if more came. In an open loop counted: trades of the load that failed or are
    /// unknown, since what came late was not lost.
    pub trades_missing: Option<f64>,
    /// In a closed loop: no more trades than this were missing, by the same estimate, in 99 of 100
    /// stretches of the baseline that were as long. An estimate below it may be chance.
    pub trades_missing_noise: Option<f64>,
    /// `trades_missing` as milliseconds of the service before the fault.
    pub trades_missing_ms: Option<f64>,
    /// The same of reads: queries, and lookups during the load.
    pub reads_before_per_s: Option<f64>,
    /// Reads that the fault kept from being answered with what they asked for.
    pub reads_missing: Option<f64>,
    /// What of that may be chance.
    pub reads_missing_noise: Option<f64>,
    /// `reads_missing` as milliseconds of the service before the fault.
    pub reads_missing_ms: Option<f64>,
    /// The longest time without an answer to a trade (ok or rejected) that overlaps the time from the
    /// fault until the backlog was drained (until the next fault or the load's end, if that was not
    /// seen). It counts from the fault, and up to the next one. Other gaps are in `gaps.csv`.
    pub longest_gap_ms: Option<f64>,
    /// For how long the harness itself could not run in that time, at the longest: then the machine
    /// may have stalled the services, too. Empty: no stall was seen.
    pub harness_stalled_ms: Option<f64>,
    /// Operations that ended in the window as failed.
    pub failed: u64,
    /// Operations that ended in the window as unknown.
    pub unknown: u64,
    /// Operations that ended in the window and were sent more than once; empty if nobody tells.
    pub retried: Option<u64>,
    /// Acknowledged orders that were gone or changed at the end; empty if that was not checked.
    pub lost: Option<u64>,
    /// Trades that had more effects than they were told of; empty if that was not checked.
    pub doubled: Option<u64>,
    /// Reads older than an acknowledged trade; empty if that was not checked.
    pub stale: Option<u64>,
    /// From the restart or resume until a configuration had the replica in sync again.
    pub back_in_sync_ms: Option<f64>,
}

/// One row of each outage, the first: what several faults of one moment cost is on the sheet of each, and
/// whoever adds up must count it once.
pub fn outages<'a>(
    rows: impl IntoIterator<Item = &'a AvailabilityRow>,
) -> impl Iterator<Item = &'a AvailabilityRow> {
    let mut known = HashSet::new();
    rows.into_iter().filter(move |row| known.insert((row.cell.as_str(), row.trial, row.outage_us)))
}
