//! Tables of figures, laid out for the page: the columns that it shows of each, in its order.

use crate::report::Tables;
use crate::table::{Align, Basis, Cell, Column, Form, Row, Table};
use crate::text::capitalised;

/// The section of figures.
pub(super) struct Figures {
    /// How to read the tables, a sentence each.
    pub(super) notes: Vec<&'static str>,
    pub(super) tables: Vec<Laid>,
}

/// A table as the page's template has it.
pub(super) struct Laid {
    /// The id of its caption.
    pub(super) id: String,
    pub(super) caption: String,
    /// The title of the first column, which says what each row is about.
    pub(super) head: &'static str,
    /// The other columns: each title with its class.
    pub(super) titles: Vec<(String, &'static str)>,
    pub(super) rows: Vec<Line>,
}

/// One row.
pub(super) struct Line {
    /// What it is about.
    pub(super) head: String,
    /// The id of the element that says more, if one does.
    pub(super) anchor: Option<String>,
    pub(super) shown: Vec<Shown>,
}

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Shown {
    pub(super) text: String,
    /// Between which bounds it lies, if that can be told, and what else belongs to it: a line each.
    pub(super) more: Vec<String>,
    /// Its class: whether it is a number.
    pub(super) class: &'static str,
}

/// The class of what lines up so.
pub(super) fn class(align: Align) -> &'static str {
    match align {
        Align::Left => "",
        Align::Right => "number",
    }
}

impl Shown {
    /// A value with its interval in brackets.
    pub(super) fn of((column, cell): (&Column, &Cell)) -> Self {
        Self {
            text: Form::Page.value(column.unit, cell),
            more: Form::Page.brackets(column.unit, cell).into_iter().collect(),
            class: class(column.align),
        }
    }
}

impl Laid {
    /// Some columns of a table by their names, and what each row is about.
    pub(super) fn new(
        table: &Table,
        head: &'static str,
        names: &[&str],
        about: impl Fn(Row<'_>) -> String,
    ) -> Self {
        let title = |name: &&str| {
            let column = table.column(name);
            (column.title.to_owned(), class(column.align))
        };
        let line = |row: Row<'_>| Line {
            head: about(row),
            anchor: None,
            shown: names.iter().map(|name| Shown::of(row.figure(name))).collect(),
        };
        Self {
            id: format!("figures-{}", table.id),
            caption: table.caption.to_owned(),
            head,
            titles: names.iter().map(title).collect(),
            rows: table.rows().map(line).collect(),
        }
    }
}

impl Figures {
    pub(super) fn new(tables: &Tables) -> Self {
        let mut laid = Vec::new();
        if !tables.cache.is_empty() {
            laid.push(cache(&tables.cache));
        }
        laid.extend(operations(&tables.operations));
        if !tables.rates.is_empty() {
            laid.push(Laid::new(&tables.rates, "setting", &RATES, setting));
        }
        if !tables.hosts.is_empty() {
            laid.push(hosts(&tables.hosts));
        }
        Self { notes: notes(&tables.operations), tables: laid }
    }
}

fn setting(row: Row<'_>) -> String {
    row.word("cell").to_owned()
}

/// The hosts; what became of those that were lost, if any was. Sentences have several lines.
fn hosts(table: &Table) -> Laid {
    let lost: &[&str] = if table.has("lost_us") { &["lost_us", "back_us", "why"] } else { &[] };
    let names = [&["reached", "bound_us"], lost].concat();
    let mut laid = Laid::new(table, "host", &names, host);
    for line in &mut laid.rows {
        let cells = names.iter().zip(&mut line.shown);
        let sentences = cells.filter(|(name, _)| ["reached", "why"].contains(name));
        sentences.for_each(|(_, shown)| shown.class = "wide");
    }
    laid
}

fn host(row: Row<'_>) -> String {
    format!("{}, {}", row.word("host"), row.word("cell"))
}

fn cache(table: &Table) -> Laid {
    let names = ["off_us", "on_us", "change_percent", "verdict"];
    Laid::new(table, "setting", &names, |row| format!("{}, {}", row.word("op"), row.word("where")))
}

const RATES: [&str; 11] = [
    "offered_per_s",
    "sent_per_s",
    "answered_per_s",
    "accepted_per_s",
    "unsent",
    "lateness_p50_us",
    "lateness_p99_us",
    "lateness_max_us",
    "waited_p50_us",
    "waited_p99_us",
    "waited_max_us",
];

/// How long operations took. A column in which no row has anything is left out.
const LATENCIES: [&str; 6] = ["p50_us", "p90_us", "p99_us", "p999_us", "max_us", "mean_us"];

/// The same, counted from the sending.
const UNCORRECTED: [&str; 4] =
    ["uncorrected_p50_us", "uncorrected_p99_us", "uncorrected_p999_us", "uncorrected_max_us"];

/// How many there were, and what became of them.
const COUNTS: [&str; 8] = [
    "throughput_per_s",
    "count",
    "ok",
    "rejected",
    "failed",
    "unknown",
    "cache_hits",
    "cache_misses",
];

/// Latencies and counts of every operation in every setting: tables of their own, since one would be wider
/// than a page. A setting's name says what was set.
fn operations(table: &Table) -> Vec<Laid> {
    let laid = |id: &str, caption: &str, names: &[&str]| {
        let names: Vec<&str> = names.iter().copied().filter(|name| table.has(name)).collect();
        let laid = Laid::new(table, "operation, setting", &names, |row| {
            format!("{}, {}", capitalised(row.word("op")), setting(row))
        });
        Laid { id: format!("figures-{id}"), caption: caption.to_owned(), ..laid }
    };
    let tables = [
        laid("latencies", "Latencies, in milliseconds", &LATENCIES),
        laid("uncorrected", "Latencies counted from the sending, in milliseconds", &UNCORRECTED),
        laid("counts", "How many operations, and what became of them", &COUNTS),
    ];
    tables.into_iter().filter(|laid| !laid.rows.is_empty() && !laid.titles.is_empty()).collect()
}

fn notes(operations: &Table) -> Vec<&'static str> {
    let mut notes = vec![
        "Latencies are in milliseconds, of answered operations (ok and rejected, which is a well-formed \
         no to what was asked; a 503 is none), without the warm-up. What is accepted per second are the \
         ok ones alone. Percentiles are those of HDR histograms with three significant digits.",
    ];
    if operations.has_basis(Basis::Trials) {
        notes.push("Brackets hold 95% bootstrap intervals, drawn from whole trials.");
    }
    if operations.has_basis(Basis::Slices) {
        notes.push(
            "Brackets of settings with fewer than three trials are drawn from slices of a trial: they say \
             how steady a figure was within it, and nothing about how trials differ. They are no \
             intervals of what another trial would show, and nothing is claimed from them.",
        );
    }
    if operations.has("rate_per_s") || operations.has("uncorrected_p50_us") {
        notes.push(
            "Latencies are those of users who come at set times, whatever became of the ones before: \
             they count from the moment at which an operation was due, and hold what it waited for a \
             client that was free (columns “waited” below), since clients are busy for as long as \
             the service is slow. A latency that is less than five times the generator’s own lateness at \
             the same percentile (columns “late”) says more about the generator, and is withheld. \
             The uncorrected ones count from its sending, as most tools do; they hide what an operation waited for \
             because the ones before it were slow, and stand here for comparison only.",
        );
    }
    notes
}
