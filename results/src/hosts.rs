//! The hosts of a run as a table of figures: where each was, how well its clock was known, and whether it was lost.
//!
//! Times of faults on a host, and of what clients ask from there, are of its clock, mapped to the harness's within the bound.

use crate::run::Run;
use crate::table::{Cell, Column, Field, Missing, Pick, Table, Unit};
use crate::timeline::Host;

/// A host in a trial.
struct HostRow {
    cell: String,
    trial: u32,
    name: String,
    host: Host,
}

const FIELDS: [Field<HostRow>; 9] = [
    (Column::new("cell", "setting", Unit::Text).short("cell"), |row| Cell::text(row.cell.as_str())),
    (Column::new("trial", "trial", Unit::Setting), |row| Cell::whole(row.trial.into())),
    (Column::new("host", "host", Unit::Text), |row| Cell::text(row.name.as_str())),
    (Column::new("reached", "address, who is there, clock", Unit::Text), |row| {
        Cell::text(row.host.describe())
    }),
    (Column::new("clients", "who asks from there", Unit::Text).short("clients"), |row| {
        let clients = row.host.clients.as_ref().map(|clients| clients.who.clone());
        Cell::some_text(clients, Missing::NotApplicable)
    }),
    (
        Column::new("bound_us", "clock known within, ms", Unit::Us)
            .short("clock +-")
            .note("how far times that were seen there may be off"),
        |row| Cell::whole(row.host.bound_us),
    ),
    (Column::new("lost_us", "lost at", Unit::At), |row| {
        Cell::some_whole(row.host.first_loss().map(|(at_us, _)| *at_us), Missing::NotApplicable)
    }),
    (Column::new("back_us", "reached again at", Unit::At), |row| {
        Cell::some_whole(row.host.back_us, Missing::NotApplicable)
    }),
    (Column::new("why", "why lost", Unit::Text), |row| {
        let why = row.host.first_loss().map(|(_, why)| why.clone());
        Cell::some_text(why, Missing::NotApplicable)
    }),
];

/// A row for each host of each trial; none if every process and every client was on the harness's own.
#[must_use]
pub(crate) fn table(run: &Run) -> Table {
    let rows = run.trials().iter().flat_map(|trial| {
        trial.timeline.hosts.iter().map(|(name, host)| HostRow {
            cell: trial.cell.id.clone(),
            trial: trial.number,
            name: name.clone(),
            host: host.clone(),
        })
    });
    let caption = "Hosts: where each was, how well its clock was known, and whether it was lost";
    Table::new("hosts", caption, &FIELDS, &rows.collect::<Vec<_>>())
}

/// The [`table`] as aligned text below a caption.
#[must_use]
pub(crate) fn text(table: &Table) -> String {
    // Who asks from there stands beside who runs there.
    let shown = table.columns().iter().map(|column| column.name).filter(|name| *name != "clients");
    let picks: Vec<Pick> = shown.map(Pick::Value).collect();
    format!("{} (clocks in µs, times in s).\n{}", table.caption, table.to_text(&picks))
}
