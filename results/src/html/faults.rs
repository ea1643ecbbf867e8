//! One answer sheet per fault: how long it took, what it cost, and where the time went.

use super::format::{capitalised, grouped, or_none, some_ms};
use super::kinds::Kinds;
use crate::availability::AvailabilityRow;
use crate::text::three_digits;
use crate::timeline::Role;

/// How many sheets are shown; `availability.csv` has all.
const SHOWN: usize = 40;

/// The section.
pub(super) struct Faults {
    /// The titles of the table of all faults.
    pub(super) glance: [&'static str; GLANCE.len()],
    pub(super) sheets: Vec<Sheet>,
    /// The same faults by kind.
    pub(super) kinds: Kinds,
    /// How many more there are.
    pub(super) hidden: usize,
    /// Whether one of them hit a leader, so that phases need a legend.
    pub(super) phases: bool,
}

/// What one fault cost.
pub(super) struct Sheet {
    pub(super) id: String,
    /// Its place among the run's faults, from 1.
    pub(super) number: usize,
    /// `Kill of order-3, the leader`.
    pub(super) title: String,
    /// Where and when.
    pub(super) place: String,
    /// Where the time until the first acknowledged trade went, if that is known.
    pub(super) phases: Vec<Phase>,
    /// Its line in the table of all faults.
    pub(super) glance: Vec<String>,
    pub(super) groups: Vec<Group>,
}

/// Figures that belong together.
pub(super) struct Group {
    pub(super) name: &'static str,
    pub(super) facts: Vec<Fact>,
}

/// One figure with its unit.
pub(super) struct Fact {
    pub(super) label: &'static str,
    pub(super) value: String,
}

/// A part of an outage.
pub(super) struct Phase {
    /// Its class, and its colour.
    pub(super) class: &'static str,
    pub(super) label: &'static str,
    pub(super) ms: String,
    /// Where its bar begins, and how long that is, in thousandths of the outage.
    pub(super) from: u32,
    pub(super) length: u32,
}

impl Faults {
    /// Nothing without faults.
    pub(super) fn new(rows: &[AvailabilityRow]) -> Option<Self> {
        let sheets: Vec<Sheet> = (1..)
            .zip(rows.iter().take(SHOWN))
            .map(|(number, row)| Sheet::new(number, row))
            .collect();
        (!sheets.is_empty()).then(|| Self {
            phases: sheets.iter().any(|sheet| !sheet.phases.is_empty()),
            glance: GLANCE,
            kinds: Kinds::new(rows),
            hidden: rows.len() - sheets.len(),
            sheets,
        })
    }
}

impl Sheet {
    fn new(number: usize, row: &AvailabilityRow) -> Self {
        // What a leader's fault did not lead to is worth a dash; of others it was not expected.
        let expected = row.role == Role::Leader;
        let facts = |facts: Vec<(&'static str, Option<String>)>| {
            let told = facts.into_iter().filter(|(_, value)| expected || value.is_some());
            told.map(|(label, value)| Fact { label, value: or_none(value, |value| value) })
                .collect()
        };
        Self {
            id: format!("fault-{number}"),
            number,
            title: title(row),
            place: format!(
                "{} trial {}, {} s into the run",
                row.cell,
                row.trial,
                seconds(row.at_us)
            ),
            phases: phases(row),
            glance: glance(row),
            groups: vec![
                Group { name: "Until all was well", facts: facts(recovery(row)) },
                Group { name: "What it cost clients", facts: facts(cost(row)) },
            ],
        }
    }
}

fn title(row: &AvailabilityRow) -> String {
    let role = match row.role {
        Role::Leader => ", the leader",
        Role::Follower => ", a follower",
        // The name says it.
        Role::Catalog | Role::FrontEnd | Role::Link | Role::Other => "",
    };
    format!("{} of {}{role}", capitalised(&row.action.to_string()), row.process)
}

fn seconds(us: u64) -> String {
    format!("{:.1}", us as f64 / 1e6)
}

fn ms(value: Option<f64>) -> Option<String> {
    value.map(|ms| format!("{} ms", three_digits(ms)))
}

fn recovery(row: &AvailabilityRow) -> Vec<(&'static str, Option<String>)> {
    vec![
        ("seen to have worked", ms(row.confirmed_ms)),
        ("detected", ms(row.detected_ms)),
        ("new leader chosen", ms(row.new_leader_ms)),
        ("new leader serves", ms(row.serving_ms)),
        ("who leads then", row.new_leader.map(|leader| format!("order-{leader}"))),
        ("first acknowledged trade", ms(row.first_ack_ms)),
        ("backlog drained", ms(row.backlog_drained_ms)),
        ("99th percentile before", ms(row.p99_before_ms)),
        ("back within 10% of it", ms(row.p99_back_ms)),
        (
            "spells before that kept to it",
            row.p99_steady_percent.map(|share| format!("{share:.0}%")),
        ),
        ("undone", ms(row.ended_ms)),
        ("in sync again, from then on", ms(row.back_in_sync_ms)),
    ]
}

fn cost(row: &AvailabilityRow) -> Vec<(&'static str, Option<String>)> {
    let missing = |number: Option<f64>, noise| number.map(|_| with_noise(number, noise));
    vec![
        ("longest gap between answers to trades", ms(row.longest_gap_ms)),
        ("meanwhile the machine stalled the harness for", ms(row.harness_stalled_ms)),
        ("trades missing", missing(row.trades_missing, row.trades_missing_noise)),
        ("the same in service before", ms(row.trades_missing_ms)),
        ("reads missing", missing(row.reads_missing, row.reads_missing_noise)),
        ("the same in service before", ms(row.reads_missing_ms)),
        ("failed", Some(grouped(row.failed))),
        ("unknown", Some(grouped(row.unknown))),
        ("retried", Some(grouped(row.retried))),
        ("lost", row.lost.map(grouped)),
        ("doubled", row.doubled.map(grouped)),
        ("stale", row.stale.map(grouped)),
    ]
}

/// Never `-0`.
fn rounded(number: f64) -> String {
    format!("{:.0}", number.round() + 0.0)
}

/// `12 (noise 30)`; without the noise where they were counted.
fn with_noise(number: Option<f64>, noise: Option<f64>) -> String {
    let noise = noise.map_or_else(String::new, |noise| format!(" (noise {noise:.0})"));
    or_none(number, |number| format!("{}{noise}", rounded(number)))
}

/// The titles of [`glance`]'s columns.
const GLANCE: [&str; 12] = [
    "at\u{a0}s",
    "detected",
    "new leader",
    "first ack",
    "drained",
    "p99 back",
    "longest gap",
    "trades missing",
    "reads missing",
    "failed",
    "unknown",
    "lost, doubled, stale",
];

/// The figures by which faults are compared.
fn glance(row: &AvailabilityRow) -> Vec<String> {
    let count = |count: Option<u64>| or_none(count, grouped);
    vec![
        seconds(row.at_us),
        some_ms(row.detected_ms),
        some_ms(row.new_leader_ms),
        some_ms(row.first_ack_ms),
        some_ms(row.backlog_drained_ms),
        some_ms(row.p99_back_ms),
        some_ms(row.longest_gap_ms),
        with_noise(row.trades_missing, row.trades_missing_noise),
        with_noise(row.reads_missing, row.reads_missing_noise),
        grouped(row.failed),
        grouped(row.unknown),
        format!("{}, {}, {}", count(row.lost), count(row.doubled), count(row.stale)),
    ]
}

/// The whole of a bar.
const WHOLE: u32 = 1000;

/// The way from the fault to the first acknowledged trade, as far as its milestones are known. A
/// milestone that was seen late never makes a phase negative: the next one begins where it ends.
fn phases(row: &AvailabilityRow) -> Vec<Phase> {
    let Some(whole_ms) = row.first_ack_ms.filter(|&ms| ms > 0.0) else { return Vec::new() };
    if row.new_leader_ms.is_none() {
        return Vec::new();
    }
    let milestones = [
        ("noticing", "noticed", row.detected_ms),
        ("electing", "elected", row.new_leader_ms),
        ("taking-over", "taken over", row.serving_ms),
        ("answering", "first trade acknowledged", row.first_ack_ms),
    ];
    let mut phases = Vec::new();
    let mut before_ms = 0.0_f64;
    for (class, label, until_ms) in milestones {
        let Some(until_ms) = until_ms else { continue };
        let until_ms = until_ms.clamp(before_ms, whole_ms);
        let place = |ms: f64| (ms / whole_ms * f64::from(WHOLE)).round() as u32;
        let (from, to) = (place(before_ms), place(until_ms));
        let ms = some_ms(Some(until_ms - before_ms));
        phases.push(Phase { class, label, ms, from, length: to - from });
        before_ms = until_ms;
    }
    phases
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use crate::timeline::FaultKind;

    pub(in crate::html) fn leader_kill() -> AvailabilityRow {
        AvailabilityRow {
            cell: "c".to_owned(),
            trial: 1,
            fault: 1,
            action: FaultKind::Kill,
            target: "leader".to_owned(),
            process: "order-3".to_owned(),
            role: Role::Leader,
            pid: None,
            at_us: 5_000_000,
            confirmed_ms: Some(1.0),
            ended_ms: None,
            detected_ms: Some(2.0),
            new_leader_ms: Some(4.0),
            election_ms: Some(2.0),
            serving_ms: Some(9.0),
            takeover_ms: Some(5.0),
            new_leader: Some(2),
            first_ack_ms: Some(10.0),
            backlog_drained_ms: None,
            p99_before_ms: None,
            p99_steady_percent: None,
            p99_back_ms: None,
            trades_before_per_s: None,
            trades_missing: None,
            trades_missing_noise: None,
            trades_missing_ms: None,
            reads_before_per_s: None,
            reads_missing: None,
            reads_missing_noise: None,
            reads_missing_ms: None,
            longest_gap_ms: None,
            harness_stalled_ms: None,
            failed: 0,
            unknown: 0,
            retried: 0,
            lost: None,
            doubled: None,
            stale: None,
            back_in_sync_ms: None,
        }
    }

    fn bars(row: &AvailabilityRow) -> Vec<(&'static str, u32, u32)> {
        phases(row).iter().map(|phase| (phase.class, phase.from, phase.length)).collect()
    }

    #[test]
    fn the_bar_is_cut_at_the_milestones() {
        let expected = [
            ("noticing", 0, 200),
            ("electing", 200, 200),
            ("taking-over", 400, 500),
            ("answering", 900, 100),
        ];
        assert_eq!(bars(&leader_kill()), expected);
    }

    #[test]
    fn a_milestone_that_was_seen_late_or_not_at_all_leaves_no_gap_and_no_overlap() {
        let late = AvailabilityRow { serving_ms: Some(12.0), detected_ms: None, ..leader_kill() };
        let expected = [("electing", 0, 400), ("taking-over", 400, 600), ("answering", 1000, 0)];
        assert_eq!(bars(&late), expected);
    }

    #[test]
    fn an_outage_that_has_no_end_or_no_successor_has_no_bar() {
        let unended = AvailabilityRow { first_ack_ms: None, ..leader_kill() };
        let same_leader = AvailabilityRow { new_leader_ms: None, ..leader_kill() };
        assert!(bars(&unended).is_empty() && bars(&same_leader).is_empty());
    }
}
