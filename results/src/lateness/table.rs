//! Offered, sent and answered rates as a table of figures.

use super::measured::Lateness;
use crate::table::{Cell, Column, Field, Missing, Pick, Table, Unit};

/// A cell of an open loop by its id, and what was measured in it.
pub type CellLateness = (String, Lateness);

/// What there is of a cell.
const FIELDS: [Field<CellLateness>; 12] = [
    (Column::new("cell", "setting", Unit::Text).short("cell"), |(cell, _)| {
        Cell::text(cell.as_str())
    }),
    (
        Column::new("offered_per_s", "offered per s", Unit::PerSecond).short("offered/s"),
        |(_, it)| rate(it.offered_per_s()),
    ),
    (Column::new("sent_per_s", "sent per s", Unit::PerSecond).short("sent/s"), |(_, it)| {
        rate(it.sent_per_s())
    }),
    (ANSWERED, |(_, it)| rate(it.answered_per_s())),
    (ACCEPTED, |(_, it)| rate(it.accepted_per_s())),
    (Column::new("unsent", "never sent", Unit::Count).short("unsent"), |(_, it)| {
        Cell::whole(it.unsent)
    }),
    (LATE[0], |(_, it)| us(it.own.percentile_us(0.5))),
    (LATE[1], |(_, it)| us(it.own.percentile_us(0.99))),
    (LATE[2], |(_, it)| us(it.own.max_us())),
    (WAITED[0], |(_, it)| us(it.waited.percentile_us(0.5))),
    (WAITED[1], |(_, it)| us(it.waited.percentile_us(0.99))),
    (WAITED[2], |(_, it)| us(it.waited.max_us())),
];

const ANSWERED: Column = Column::new("answered_per_s", "answered per s", Unit::PerSecond)
    .short("answered/s")
    .note("ok or rejected");
const ACCEPTED: Column =
    Column::new("accepted_per_s", "accepted per s", Unit::PerSecond).short("accepted/s").note("ok");
const LATE: [Column; 3] = [
    Column::new("lateness_p50_us", "late, median", Unit::Us).short("late p50"),
    Column::new("lateness_p99_us", "late, p99", Unit::Us).short("late p99"),
    Column::new("lateness_max_us", "late, max", Unit::Us).short("late max"),
];
const WAITED: [Column; 3] = [
    Column::new("waited_p50_us", "waited, median", Unit::Us).short("waited p50"),
    Column::new("waited_p99_us", "waited, p99", Unit::Us).short("waited p99"),
    Column::new("waited_max_us", "waited, max", Unit::Us).short("waited max"),
];

/// The lines above the text.
const CAPTION: &str = "\
Open loop: iterations per second due, sent, answered (ok or rejected) and accepted (ok) while the schedule
lasted; how many were due and never sent, which no latency contains. In µs: how late the generator itself was,
and how long operations waited for a client that was free, which is part of their latency.";

/// A row for each cell of an open loop.
#[must_use]
pub fn table(cells: &[CellLateness]) -> Table {
    let caption = "Iterations offered, answered (ok or rejected) and accepted (ok); how late the generator \
                   itself was; how long operations waited for a client that was free";
    Table::new("rates", caption, &FIELDS, cells)
}

/// The [`table`] as aligned text below a caption.
#[must_use]
pub fn text(table: &Table) -> String {
    let picks: Vec<Pick> = table.columns().iter().map(|column| Pick::Value(column.name)).collect();
    format!("{CAPTION}\n{}", table.to_text(&picks))
}

fn rate(per_s: Option<f64>) -> Cell {
    Cell::some_number(per_s, Missing::NotMeasured)
}

fn us(latency_us: Option<u64>) -> Cell {
    Cell::some_whole(latency_us, Missing::NotMeasured)
}
