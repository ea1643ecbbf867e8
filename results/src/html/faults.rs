//! One answer sheet per fault: how long it took, what it cost, and where the time went.

use super::format::some_ms;
use super::kinds;
use super::tables::{Laid, Line, Shown};
use crate::availability::AvailabilityRow;
use crate::table::{Form, Row, Table};
use crate::text::capitalised;
use crate::timeline::Role;

/// How many sheets are shown; `availability.csv` has all.
const SHOWN: usize = 40;

/// The section.
pub(super) struct Faults {
    /// The table of all faults.
    pub(super) glance: Laid,
    /// The same faults by kind.
    pub(super) kinds: Laid,
    pub(super) sheets: Vec<Sheet>,
    /// How many more there are.
    pub(super) hidden: usize,
}

/// What one fault cost.
pub(super) struct Sheet {
    pub(super) id: String,
    /// `1. Kill of order-3, the leader`.
    pub(super) title: String,
    /// Where and when.
    pub(super) place: String,
    /// Where the time until the first acknowledged trade went, if that is known.
    pub(super) phases: Vec<Phase>,
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
    /// Nothing without faults. `faults` is the table of `rows`, `kinds` that of their kinds.
    pub(super) fn new(rows: &[AvailabilityRow], faults: &Table, kinds: &Table) -> Option<Self> {
        let shown = || (1..).zip(rows.iter().zip(faults.rows())).take(SHOWN);
        let sheets: Vec<Sheet> =
            shown().map(|(number, (row, figures))| Sheet::new(number, row, figures)).collect();
        let lines = sheets.iter().zip(faults.rows()).map(|(sheet, figures)| Line {
            head: sheet.title.clone(),
            anchor: Some(sheet.id.clone()),
            shown: glance(figures),
        });
        let glance = Laid {
            id: "glance".to_owned(),
            caption: "All faults at a glance".to_owned(),
            head: "fault",
            titles: titles(faults),
            rows: lines.collect(),
        };
        (!sheets.is_empty()).then(|| Self {
            glance,
            kinds: kinds::laid(kinds),
            hidden: rows.len() - sheets.len(),
            sheets,
        })
    }
}

impl Sheet {
    fn new(number: usize, row: &AvailabilityRow, figures: Row<'_>) -> Self {
        // What a leader's fault did not lead to is worth a dash; of others it was not expected.
        let expected = row.role == Role::Leader;
        let facts = |names: &[&str]| {
            let told = names.iter().filter(|name| expected || figures.cell(name).is_there());
            told.map(|name| Fact::new(figures, name)).collect()
        };
        let at = figures.figure("at_us");
        Self {
            id: format!("fault-{number}"),
            title: format!("{number}. {}", title(row)),
            place: format!(
                "{} trial {}, {} into the run",
                row.cell,
                row.trial,
                Form::Page.with_unit(at.0.unit, at.1)
            ),
            phases: phases(row),
            groups: vec![
                Group { name: "Until all was well", facts: facts(&RECOVERY) },
                Group { name: "What it cost clients", facts: facts(&COST) },
            ],
        }
    }
}

impl Fact {
    fn new(figures: Row<'_>, name: &str) -> Self {
        let (column, cell) = figures.figure(name);
        let value = Form::Page.with_unit(column.unit, cell);
        Self {
            label: column.title,
            value: value + &noise(figures, name, |noise| format!(" (noise {noise})")),
        }
    }
}

fn title(row: &AvailabilityRow) -> String {
    let role = match row.role {
        Role::Leader => ", the leader",
        Role::Follower => ", a follower",
        // The name says it.
        Role::Of(_) | Role::Link | Role::Own | Role::Other => "",
    };
    format!("{} of {}{role}", capitalised(&row.action.to_string()), row.place)
}

const RECOVERY: [&str; 12] = [
    "confirmed_ms",
    "detected_ms",
    "new_leader_ms",
    "serving_ms",
    "new_leader",
    "first_ack_ms",
    "backlog_drained_ms",
    "p99_before_ms",
    "p99_back_ms",
    "p99_steady_percent",
    "ended_ms",
    "back_in_sync_ms",
];

const COST: [&str; 12] = [
    "longest_gap_ms",
    "harness_stalled_ms",
    "trades_missing",
    "trades_missing_ms",
    "reads_missing",
    "reads_missing_ms",
    "failed",
    "unknown",
    "retried",
    "lost",
    "doubled",
    "stale",
];

/// Estimates that stand beside what may be chance of them.
const WITH_NOISE: [(&str, &str); 2] =
    [("trades_missing", "trades_missing_noise"), ("reads_missing", "reads_missing_noise")];

/// What may be chance of an estimate, in words that `said` puts around it; nothing of figures that were counted.
fn noise(figures: Row<'_>, name: &str, said: fn(String) -> String) -> String {
    let noise =
        WITH_NOISE.iter().find(|(of, _)| *of == name).map(|(_, noise)| figures.figure(noise));
    let noise = noise.filter(|(_, cell)| cell.is_there());
    noise.map_or_else(String::new, |(column, cell)| said(Form::Page.value(column.unit, cell)))
}

/// The figures by which faults are compared, under their short titles.
const GLANCE: [&str; 7] = [
    "at_us",
    "detected_ms",
    "new_leader_ms",
    "first_ack_ms",
    "backlog_drained_ms",
    "p99_back_ms",
    "longest_gap_ms",
];
/// Those whose short titles say too little here.
const GLANCE_IN_FULL: [&str; 4] = ["trades_missing", "reads_missing", "failed", "unknown"];
/// Those that share a column.
const ANOMALIES: [&str; 3] = ["lost", "doubled", "stale"];

fn titles(faults: &Table) -> Vec<(String, &'static str)> {
    let short = GLANCE.iter().map(|name| faults.column(name).heading());
    let in_full = GLANCE_IN_FULL.iter().map(|name| {
        let with_noise = WITH_NOISE.iter().any(|(of, _)| of == name);
        faults.column(name).title.to_owned() + if with_noise { " (noise)" } else { "" }
    });
    let anomalies = ANOMALIES.map(|name| faults.column(name).title).join(", ");
    // “At s” is not torn apart.
    let titles = short.map(|title| title.replace("at s", "at\u{a0}s")).chain(in_full);
    titles.chain([anomalies]).map(|title| (title, "number")).collect()
}

fn glance(figures: Row<'_>) -> Vec<Shown> {
    let one = |name: &&str| {
        let shown = Shown::of(figures.figure(name));
        Shown { text: shown.text + &noise(figures, name, |noise| format!(" ({noise})")), ..shown }
    };
    let anomalies = ANOMALIES.map(|name| Shown::of(figures.figure(name)).text).join(", ");
    let anomalies = Shown { text: anomalies, more: Vec::new(), class: "number" };
    GLANCE.iter().chain(&GLANCE_IN_FULL).map(one).chain([anomalies]).collect()
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

    /// Of order-3, elected away from within 10 ms.
    pub(in super::super) fn leader_kill() -> AvailabilityRow {
        AvailabilityRow {
            cell: "c".to_owned(),
            trial: 1,
            fault: 1,
            action: FaultKind::Kill,
            target: "leader".to_owned(),
            process: "order-3".to_owned(),
            place: "order-3".to_owned(),
            role: Role::Leader,
            pid: None,
            at_us: 5_000_000,
            outage_us: 5_000_000,
            confirmed_ms: Some(1.0),
            ended_ms: None,
            detected_ms: Some(2.0),
            new_leader_ms: Some(4.0),
            election_ms: Some(2.0),
            serving_ms: Some(9.0),
            takeover_ms: Some(5.0),
            new_leader: Some(2),
            new_leader_name: "order-2".parse().ok(),
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
            retried: Some(0),
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
