//! The rows of `summary.csv` as a table of figures.

use super::row::SummaryRow;
use crate::records::{Manifest, Op};
use crate::stats::Estimate;
use crate::table::{Basis, Cell, Column, Field, Missing, Pick, Table, Unit};

/// What there is of an operation in a cell.
const FIELDS: [Field<SummaryRow>; 28] = [
    (Column::new("op", "operation", Unit::Text).short("op"), |row| Cell::text(op_name(row.op))),
    (Column::new("cell", "setting", Unit::Text), |row| Cell::text(row.cell.as_str())),
    (Column::new("p", "p", Unit::Setting), |row| Cell::number(row.p)),
    (Column::new("cache", "cache", Unit::Text), |row| {
        Cell::text(if row.cache { "on" } else { "off" })
    }),
    (Column::new("variant", "variant", Unit::Text), |row| {
        Cell::some_text(row.variant.clone(), Missing::NotApplicable)
    }),
    (Column::new("clients", "clients", Unit::Setting), |row| Cell::whole(row.clients.into())),
    (Column::new("rate_per_s", "rate per s", Unit::Setting).short("rate/s"), |row| {
        Cell::some_number(row.rate_per_s, Missing::NotApplicable)
    }),
    (Column::new("build", "build", Unit::Text), |row| {
        Cell::some_text(row.build.clone(), Missing::NotApplicable)
    }),
    (Column::new("trials", "trials", Unit::Setting), |row| Cell::whole(row.trials.into())),
    (Column::new("count", "count", Unit::Count), |row| Cell::whole(row.count)),
    (Column::new("p50_us", "median", Unit::Us), |row| told(row, "p50", row.p50())),
    (Column::new("p90_us", "p90", Unit::Us), |row| told(row, "p90", row.p90())),
    (Column::new("p99_us", "p99", Unit::Us), |row| told(row, "p99", row.p99())),
    (Column::new("p999_us", "p99.9", Unit::Us), |row| told(row, "p999", row.p999())),
    (Column::new("max_us", "max", Unit::Us), |row| told(row, "max", exact(row.max_us))),
    (Column::new("mean_us", "mean", Unit::Us), |row| told(row, "mean", row.mean())),
    (UNCORRECTED_P50, |row| uncorrected(row, row.uncorrected_p50_us)),
    (UNCORRECTED_P99, |row| uncorrected(row, row.uncorrected_p99_us)),
    (UNCORRECTED_P999, |row| uncorrected(row, row.uncorrected_p999_us)),
    (UNCORRECTED_MAX, |row| uncorrected(row, row.uncorrected_max_us)),
    (ACCEPTED, |row| Cell::estimate(row.throughput(), row.interval_basis, Missing::NotMeasured)),
    (Column::new("ok", "ok", Unit::Count), |row| Cell::whole(row.ok)),
    (Column::new("rejected", "rejected", Unit::Count), |row| Cell::whole(row.rejected)),
    (Column::new("failed", "failed", Unit::Count), |row| Cell::whole(row.failed)),
    (Column::new("unknown", "unknown", Unit::Count), |row| Cell::whole(row.unknown)),
    (Column::new("cache_hits", "cache hits", Unit::Count), |row| {
        Cell::some_whole(row.cache_hits, Missing::NotApplicable)
    }),
    (Column::new("cache_misses", "misses", Unit::Count), |row| {
        Cell::some_whole(row.cache_misses, Missing::NotApplicable)
    }),
    (Column::new("hits_percent", "share of cache hits", Unit::Percent).short("hits"), |row| {
        Cell::some_number(hit_share(row).map(|share| share * 100.0), Missing::NotApplicable)
    }),
];

const UNCORRECTED_P50: Column =
    Column::new("uncorrected_p50_us", "uncorrected median", Unit::Us).short("uncorr. median");
const UNCORRECTED_P99: Column =
    Column::new("uncorrected_p99_us", "uncorrected p99", Unit::Us).short("uncorr. p99");
const UNCORRECTED_P999: Column =
    Column::new("uncorrected_p999_us", "uncorrected p99.9", Unit::Us).short("uncorr. p99.9");
const UNCORRECTED_MAX: Column =
    Column::new("uncorrected_max_us", "uncorrected max", Unit::Us).short("uncorr. max");
const ACCEPTED: Column =
    Column::new("throughput_per_s", "accepted per s", Unit::PerSecond).short("accepted/s");

/// The columns of a table whose rows are of cells: those of a run that does not tell whether something cached have the
/// variant instead, and the others have none.
pub(crate) fn fields_of<R>(all: &[Field<R>], manifest: &Manifest) -> Vec<Field<R>> {
    let unwanted = if manifest.tells_cache() { "variant" } else { "cache" };
    all.iter().copied().filter(|(column, _)| column.name != unwanted).collect()
}

/// A row for each operation in each cell: by operation first, so that the figures that one compares
/// stand below each other.
#[must_use]
pub fn table(rows: &[SummaryRow], manifest: &Manifest) -> Table {
    let mut ordered: Vec<&SummaryRow> = rows.iter().collect();
    ordered.sort_by(|a, b| {
        let rate = |row: &SummaryRow| row.rate_per_s.unwrap_or(0.0);
        a.op.cmp(&b.op)
            .then(a.p.total_cmp(&b.p))
            .then(rate(a).total_cmp(&rate(b)))
            .then(b.cache.cmp(&a.cache))
            .then(a.build.cmp(&b.build))
    });
    let caption = "Operations of the load, and lookups at its end, by setting";
    Table::new("operations", caption, &fields_of(&FIELDS, manifest), ordered)
}

/// A latency, unless it says too much about the generator.
fn told(row: &SummaryRow, figure: &str, estimate: Option<Estimate>) -> Cell {
    if row.is_withheld(figure) {
        return Cell::missing(Missing::Withheld);
    }
    Cell::estimate(estimate, row.interval_basis, Missing::NoneAnswered)
}

fn exact(us: Option<u64>) -> Option<Estimate> {
    us.map(|us| Estimate::exact(us as f64))
}

/// From the moment of sending: nothing of operations that were not due at a set time.
fn uncorrected(row: &SummaryRow, us: Option<u64>) -> Cell {
    let was_due = (row.rate_per_s.is_some() || us.is_some()) && row.op != Op::Lookup;
    Cell::some_whole(us, if was_due { Missing::NoneAnswered } else { Missing::NotApplicable })
}

/// The operations of a run's [`table`] as aligned text, latencies in microseconds, below a caption.
#[must_use]
pub fn text(table: &Table) -> String {
    // A load in stages has no one rate.
    let is_open = table.has("rate_per_s") || table.has("uncorrected_p50_us");
    let is_column = |name: &str| table.columns().iter().any(|column| column.name == name);
    let tells_cache = is_column("cache");
    let tells_hits = tells_cache || table.has("hits_percent");
    let mut picks = vec![Pick::Value("op"), Pick::Value("p")];
    picks.extend(tells_cache.then_some(Pick::Value("cache")));
    picks.extend((!tells_cache && table.has("variant")).then_some(Pick::Value("variant")));
    picks.extend(table.has("rate_per_s").then_some(Pick::Value("rate_per_s")));
    picks.extend(table.has("build").then_some(Pick::Value("build")));
    picks.extend([
        Pick::Value("count"),
        Pick::Both("p50_us"),
        Pick::Both("p99_us"),
        Pick::Value("p999_us"),
        Pick::Value("max_us"),
        Pick::Both("throughput_per_s"),
    ]);
    if is_open {
        let uncorrected = ["uncorrected_p50_us", "uncorrected_p99_us", "uncorrected_max_us"];
        picks.extend(uncorrected.map(Pick::Value));
    }
    picks.extend(tells_hits.then_some(Pick::Value("hits_percent")));
    picks.extend(["rejected", "failed", "unknown"].map(Pick::Value));
    format!("{}\n{}", caption(table, tells_hits, is_open), table.to_text(&picks))
}

/// The line above the text.
fn caption(table: &Table, tells_hits: bool, is_open: bool) -> String {
    let intervals = if table.has_basis(Basis::Slices) {
        "brackets: how steady a figure was within its trial; where other trials would lie takes three of them"
    } else if table.has_basis(Basis::Trials) {
        "95% intervals from trials"
    } else {
        "too little was measured for intervals"
    };
    let hits = if tells_hits { "; hits are the cache's share of queries" } else { "" };
    let open = if is_open {
        " Latencies count from the moment at which an operation was due; uncorrected ones, from the \
         moment of sending, hide what a slow service makes later ones wait. Withheld: less than five times \
         the generator's own lateness."
    } else {
        ""
    };
    format!(
        "Latencies in µs, of answered operations (ok and rejected); accepted/s: ok alone; \
         {intervals}{hits}.{open}"
    )
}

/// The operation's name as the CSV has it.
pub(crate) fn op_name(op: Op) -> &'static str {
    op.as_str()
}

/// The share of queries that the cache answered, if the front-end said so of any.
pub(crate) fn hit_share(row: &SummaryRow) -> Option<f64> {
    let (hits, misses) = (row.cache_hits?, row.cache_misses?);
    (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64)
}
