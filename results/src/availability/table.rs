//! Faults, kinds of faults and gaps as tables of figures.

use super::gaps::GapRow;
use super::overall::OverallRow;
use super::row::AvailabilityRow;
use crate::stats::Interval;
use crate::table::{Basis, Cell, Column, Field, Missing, Table, Unit};

/// What there is of a fault. Durations are since the fault, unless a note says otherwise.
const OF_FAULTS: [Field<AvailabilityRow>; 38] = [
    (Column::new("cell", "setting", Unit::Text), |row| Cell::text(row.cell.as_str())),
    (Column::new("trial", "trial", Unit::Setting), |row| Cell::whole(row.trial.into())),
    (Column::new("fault", "fault", Unit::Setting), |row| Cell::whole(row.fault.into())),
    (Column::new("action", "action", Unit::Text), |row| Cell::text(row.action.to_string())),
    (Column::new("process", "process", Unit::Text), |row| Cell::text(row.process.as_str())),
    (Column::new("done", "done", Unit::Text), |row| {
        Cell::text(format!("{} {}", row.action, row.place))
    }),
    (Column::new("role", "role", Unit::Text), |row| Cell::text(row.role.to_string())),
    (Column::new("at_us", "at s", Unit::At), |row| Cell::whole(row.at_us)),
    (Column::new("confirmed_ms", "seen to have worked", Unit::Ms), |row| seen(row.confirmed_ms)),
    (Column::new("detected_ms", "detected", Unit::Ms), |row| seen(row.detected_ms)),
    (ELECTION, |row| seen(row.election_ms)),
    (NEW_LEADER, |row| seen(row.new_leader_ms)),
    (TAKEOVER, |row| seen(row.takeover_ms)),
    (Column::new("serving_ms", "new leader serves", Unit::Ms), |row| seen(row.serving_ms)),
    (Column::new("new_leader", "who leads then", Unit::Text).short("leads"), |row| {
        let name = row.new_leader_name.map(|name| name.to_string());
        Cell::some_text(name, Missing::NotSeen)
    }),
    (FIRST_ACK, |row| seen(row.first_ack_ms)),
    (DRAINED, |row| seen(row.backlog_drained_ms)),
    (P99_BEFORE, |row| Cell::some_number(row.p99_before_ms, Missing::NotMeasured)),
    (STEADY, |row| {
        let share = row.p99_steady_percent.map(|percent| percent.round() as u64);
        Cell::some_whole(share, Missing::NotMeasured)
    }),
    (P99_BACK, |row| seen(row.p99_back_ms)),
    (Column::new("ended_ms", "undone", Unit::Ms), |row| seen(row.ended_ms)),
    (IN_SYNC, |row| seen(row.back_in_sync_ms)),
    (LONGEST_GAP, |row| seen(row.longest_gap_ms)),
    (STALLED, |row| seen(row.harness_stalled_ms)),
    (TRADES[0], |row| Cell::some_number(row.trades_before_per_s, Missing::NotMeasured)),
    (TRADES[1], |row| Cell::some_number(row.trades_missing, Missing::NotMeasured)),
    (TRADES[2], |row| noise(row.trades_missing, row.trades_missing_noise)),
    (TRADES[3], |row| Cell::some_number(row.trades_missing_ms, Missing::NotMeasured)),
    (READS[0], |row| Cell::some_number(row.reads_before_per_s, Missing::NotMeasured)),
    (READS[1], |row| Cell::some_number(row.reads_missing, Missing::NotMeasured)),
    (READS[2], |row| noise(row.reads_missing, row.reads_missing_noise)),
    (READS[3], |row| Cell::some_number(row.reads_missing_ms, Missing::NotMeasured)),
    (Column::new("failed", "failed", Unit::Count), |row| Cell::whole(row.failed)),
    (Column::new("unknown", "unknown", Unit::Count), |row| Cell::whole(row.unknown)),
    (Column::new("retried", "retried", Unit::Count), |row| {
        Cell::some_whole(row.retried, Missing::NotApplicable)
    }),
    (Column::new("lost", "lost", Unit::Count), |row| {
        Cell::some_whole(row.lost, Missing::NotChecked)
    }),
    (Column::new("doubled", "doubled", Unit::Count), |row| {
        Cell::some_whole(row.doubled, Missing::NotChecked)
    }),
    (Column::new("stale", "stale", Unit::Count), |row| {
        Cell::some_whole(row.stale, Missing::NotChecked)
    }),
];

const ELECTION: Column =
    Column::new("election_ms", "election", Unit::Ms).note("since it was detected");
const NEW_LEADER: Column =
    Column::new("new_leader_ms", "new leader chosen", Unit::Ms).short("new leader");
const TAKEOVER: Column =
    Column::new("takeover_ms", "takeover", Unit::Ms).note("since the new leader was chosen");
const FIRST_ACK: Column =
    Column::new("first_ack_ms", "first acknowledged trade", Unit::Ms).short("first ack");
const DRAINED: Column =
    Column::new("backlog_drained_ms", "backlog drained", Unit::Ms).short("drained");
const P99_BEFORE: Column =
    Column::new("p99_before_ms", "99th percentile before", Unit::Ms).short("p99 ms");
const STEADY: Column =
    Column::new("p99_steady_percent", "rolling windows before it within that bound", Unit::Percent);
const P99_BACK: Column =
    Column::new("p99_back_ms", "back within 10% of it", Unit::Ms).short("p99 back");
const IN_SYNC: Column = Column::new("back_in_sync_ms", "in sync again, from then on", Unit::Ms)
    .short("in sync")
    .note("since the restart or resume");
const LONGEST_GAP: Column =
    Column::new("longest_gap_ms", "longest gap between answers to trades", Unit::Ms)
        .short("longest gap");
const STALLED: Column =
    Column::new("harness_stalled_ms", "meanwhile the machine stalled the harness for", Unit::Ms);
const NOISE: &str = "by chance no more were missing in 99 of 100 stretches of that length before";
const TRADES: [Column; 4] = [
    Column::new("trades_before_per_s", "trades accepted per s before", Unit::PerSecond)
        .short("trades/s"),
    Column::new("trades_missing", "trades missing", Unit::Count).short("missing"),
    Column::new("trades_missing_noise", "noise of trades missing", Unit::Count)
        .short("noise")
        .note(NOISE),
    Column::new("trades_missing_ms", "trades missing, as ms of service", Unit::Ms).short("in ms"),
];
const READS: [Column; 4] = [
    Column::new("reads_before_per_s", "reads accepted per s before", Unit::PerSecond)
        .short("reads/s"),
    Column::new("reads_missing", "reads missing", Unit::Count).short("missing"),
    Column::new("reads_missing_noise", "noise of reads missing", Unit::Count)
        .short("noise")
        .note(NOISE),
    Column::new("reads_missing_ms", "reads missing, as ms of service", Unit::Ms).short("in ms"),
];

/// A row for each fault that was injected.
#[must_use]
pub fn table(rows: &[AvailabilityRow]) -> Table {
    Table::new("faults", "What each fault cost", &OF_FAULTS, rows)
}

fn seen(ms: Option<f64>) -> Cell {
    Cell::some_number(ms, Missing::NotSeen)
}

/// What was counted has no noise.
fn noise(missing: Option<f64>, noise: Option<f64>) -> Cell {
    let why = if missing.is_some() { Missing::NotApplicable } else { Missing::NotMeasured };
    Cell::some_number(noise, why)
}

/// What there is of a figure over all faults of a kind.
const OF_KINDS: [Field<OverallRow>; 9] = [
    (Column::new("group", "kind", Unit::Text), |row| Cell::text(row.group.to_string())),
    (Column::new("figure", "column of availability.csv", Unit::Text), |row| {
        Cell::text(row.figure.as_str())
    }),
    (Column::new("title", "figure", Unit::Text), |row| Cell::text(row.title())),
    (Column::new("unit", "unit", Unit::Text), |row| {
        Cell::text(if row.figure.ends_with("_ms") { "ms" } else { "count" })
    }),
    (Column::new("faults", "number", Unit::Count), |row| Cell::whole(row.faults as u64)),
    (Column::new("seen", "seen", Unit::Count), |row| Cell::whole(row.seen as u64)),
    (Column::new("median", "median", Unit::OfTheRow), |row| {
        let bounds = row.interval_low.zip(row.interval_high);
        seen(row.median)
            .within(bounds.map(|(low, high)| Interval { low, high }), Some(Basis::Faults))
    }),
    (Column::new("max", "most", Unit::OfTheRow), |row| seen(row.max)),
    (Column::new("total", "sum", Unit::Count), |row| {
        let none = if row.seen == 0 { Missing::NotSeen } else { Missing::NotApplicable };
        Cell::some_number(row.total, none)
    }),
];

/// A row for each figure of each kind of fault.
#[must_use]
pub fn kinds_table(rows: &[OverallRow]) -> Table {
    Table::new("fault-kinds", "By kind of fault", &OF_KINDS, rows)
}

/// What there is of a gap.
const OF_GAPS: [Field<GapRow>; 6] = [
    (Column::new("cell", "setting", Unit::Text), |row| Cell::text(row.cell.as_str())),
    (Column::new("trial", "trial", Unit::Setting), |row| Cell::whole(row.trial.into())),
    (Column::new("at_us", "at s", Unit::At), |row| Cell::whole(row.at_us)),
    (Column::new("gap_us", "gap", Unit::Us), |row| Cell::whole(row.gap_us)),
    (Column::new("lasting", "faults that were not over", Unit::Text), |row| {
        Cell::text(row.lasting.to_string())
    }),
    (STALLED_US, |row| Cell::some_whole(row.harness_stalled_us, Missing::NotSeen)),
];

const STALLED_US: Column =
    Column::new("harness_stalled_us", "meanwhile the machine stalled the harness for", Unit::Us);

/// A row for each time without an answer to a trade that no fault can be blamed for.
#[must_use]
pub fn gaps_table(rows: &[GapRow]) -> Table {
    Table::new("gaps", "Gaps between answers to trades outside of every fault", &OF_GAPS, rows)
}
