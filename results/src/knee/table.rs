//! The rates of all sweeps as a table of figures.

use super::sweep::{Step, Sweep};
use crate::records::Manifest;
use crate::summary::fields_of;
use crate::table::{Cell, Column, Field, Missing, Table, Unit};

/// A rate, and which sweep it is of.
struct Swept {
    p: f64,
    cache: bool,
    variant: Option<String>,
    build: Option<String>,
    step: Step,
}

/// What there is of a rate. Latencies are those of queries and trades together.
const FIELDS: [Field<Swept>; 13] = [
    (Column::new("p", "p", Unit::Setting), |row| Cell::number(row.p)),
    (Column::new("cache", "cache", Unit::Text), |row| {
        Cell::text(if row.cache { "on" } else { "off" })
    }),
    (Column::new("variant", "variant", Unit::Text), |row| {
        Cell::some_text(row.variant.clone(), Missing::NotApplicable)
    }),
    (Column::new("build", "build", Unit::Text), |row| {
        Cell::some_text(row.build.clone(), Missing::NotApplicable)
    }),
    (Column::new("cell", "setting", Unit::Text), |row| Cell::text(row.step.cell.as_str())),
    (Column::new("rate_per_s", "rate per s", Unit::Setting), |row| {
        Cell::number(row.step.rate_per_s)
    }),
    (Column::new("offered_per_s", "offered per s", Unit::PerSecond), |row| {
        Cell::number(row.step.offered_per_s)
    }),
    (Column::new("answered_per_s", "answered per s", Unit::PerSecond), |row| {
        Cell::number(row.step.answered_per_s)
    }),
    (Column::new("accepted_per_s", "accepted per s", Unit::PerSecond), |row| {
        Cell::number(row.step.accepted_per_s)
    }),
    (Column::new("p50_us", "median", Unit::Us), |row| told(row, row.step.p50_us)),
    (Column::new("p99_us", "p99", Unit::Us), |row| told(row, row.step.p99_us)),
    (Column::new("uncorrected_p99_us", "uncorrected p99", Unit::Us), |row| {
        Cell::some_whole(row.step.uncorrected_p99_us, Missing::NoneAnswered)
    }),
    (Column::new("is_held", "held", Unit::Text), |row| {
        Cell::text(if row.step.is_held { "yes" } else { "no" })
    }),
];

/// A latency: what there is none of although operations were answered is withheld.
fn told(row: &Swept, us: Option<u64>) -> Cell {
    let was_answered = row.step.uncorrected_p99_us.is_some();
    Cell::some_whole(us, if was_answered { Missing::Withheld } else { Missing::NoneAnswered })
}

/// A row for each rate of each sweep.
#[must_use]
pub fn table(sweeps: &[Sweep], manifest: &Manifest) -> Table {
    let swept = |sweep: &Sweep| {
        let of = |step: &Step| Swept {
            p: sweep.p,
            cache: sweep.cache,
            variant: sweep.way.clone(),
            build: sweep.build.clone(),
            step: step.clone(),
        };
        sweep.steps.iter().map(of).collect::<Vec<_>>()
    };
    let rows: Vec<Swept> = sweeps.iter().flat_map(swept).collect();
    Table::new(
        "rate-sweeps",
        "Latency and throughput against the rate that was offered",
        &fields_of(&FIELDS, manifest),
        &rows,
    )
}
