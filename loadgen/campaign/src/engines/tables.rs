//! Systems beside each other as tables: what was found under faults, what they do without, and every run.

use results::availability::OverallRow;
use results::html::FILE as REPORT;
use results::stats::{Estimate, Interval};
use results::text::three_digits;
use results::verdict::Verdict;

use super::comparison::{Comparison, System};
use super::record::{RunOutcome, Step};
use super::system::Outages;
use crate::grid::{Field, Grid, GridRow};
use crate::words::{NONE, brackets, count};

/// What was found, and what each kind of fault cost.
pub(super) fn faults(comparison: &Comparison) -> Grid {
    let kinds = comparison.record.steps.iter().filter_map(|step| match step {
        Step::Faults { kind } => Some(format!("after {kind}, ms")),
        Step::Load { .. } => None,
    });
    let found = ["<verdict", "lost", "doubled", "stale", "failed", "unknown"].map(str::to_owned);
    let caption = "What was found, and the outage after each kind of fault";
    let mut grid = Grid::new("found", caption, "system", found.into_iter().chain(kinds));
    let columns = grid.titles.len();
    grid.rows = comparison.systems.iter().map(|system| row_of_faults(system, columns)).collect();
    grid
}

fn row_of_faults(system: &System, columns: usize) -> GridRow {
    let totals = &system.totals;
    let mut fields = vec![verdict(system)];
    if let Some(why) = &system.absent {
        fields[0].class = "wide";
        fields[0].more.push(why.clone());
        fields.resize(columns, Field::number(NONE));
    } else {
        let found = [totals.found.lost, totals.found.doubled, totals.found.stale];
        fields.extend(found.map(|number| Field::number(count(number))));
        let unanswered = [totals.failed, totals.unknown];
        fields.extend(unanswered.map(|number| Field::number(count(Some(number)))));
        fields.extend(system.faults.iter().map(|(_, outages)| outage(outages)));
    }
    GridRow { name: system.name.clone(), link: None, fields }
}

/// The worst verdict, and of how many runs.
fn verdict(system: &System) -> Field {
    let Some(verdict) = system.totals.verdict else { return Field::badge("not run", "none") };
    let [passed, failed, doubted] = system.totals.runs;
    let of = passed + failed + doubted;
    let many = match verdict {
        Verdict::Pass => passed,
        Verdict::Fail => failed,
        Verdict::Inconclusive => doubted,
    };
    Field::verdict(verdict).with(Some(format!("{many} of {of} runs")))
}

/// Median, interval and maximum of the time to the first acknowledgement.
fn outage(outages: &Outages) -> Field {
    let Some(OverallRow { median, interval_low, interval_high, max, seen, faults, .. }) =
        &outages.first_ack
    else {
        return Field::number(NONE);
    };
    let interval = interval_low.zip(*interval_high).map(|(low, high)| Interval { low, high });
    let Some((median, max)) = median.zip(*max) else {
        return Field::number(NONE).with(Some(format!("none seen after {faults}")));
    };
    let most = format!("most {}", three_digits(max));
    let unseen = (seen < faults).then(|| format!("{} of {faults} not seen", faults - seen));
    Field::number(three_digits(median)).with(brackets(interval)).with(Some(most)).with(unseen)
}

/// Throughput and latency by the number of clients.
pub(super) fn load(comparison: &Comparison) -> Grid {
    let clients = comparison.record.steps.iter().filter_map(|step| match step {
        Step::Load { clients } => Some(*clients),
        Step::Faults { .. } => None,
    });
    let clients: Vec<u32> = clients.collect();
    let titles = ["trades/s", "trade median, ms", "trade p99, ms"];
    let titles =
        titles.iter().flat_map(|title| clients.iter().map(move |n| format!("{title} ({n})")));
    let caption = "Throughput and latency without faults, by the number of clients";
    let mut grid = Grid::new("load", caption, "system", titles);
    let figures = |system: &System| {
        let all = |value: fn(&super::system::LoadFigures) -> Option<Estimate>, unit: f64| {
            let fields = system.load.iter().map(move |(_, figures)| figure(value(figures), unit));
            fields.collect::<Vec<_>>()
        };
        [
            all(|figures| figures.changes_per_s, 1.0),
            all(|figures| figures.change_p50_us, 1e3),
            all(|figures| figures.change_p99_us, 1e3),
        ]
        .concat()
    };
    let there = comparison.systems.iter().filter(|system| system.absent.is_none());
    let row = |system: &System| GridRow {
        name: system.name.clone(),
        link: None,
        fields: figures(system),
    };
    grid.rows = there.map(row).collect();
    grid
}

fn figure(estimate: Option<Estimate>, unit: f64) -> Field {
    let Some(estimate) = estimate.map(|estimate| estimate.in_units_of(unit)) else {
        return Field::number(NONE);
    };
    Field::number(three_digits(estimate.value)).with(brackets(estimate.interval))
}

/// Every run, in the order in which they were done.
pub(super) fn runs(comparison: &Comparison) -> Grid {
    let record = &comparison.record;
    let titles = ["round", "<what", "<what came of it", "<again"].map(str::to_owned);
    let mut grid = Grid::new("runs", "Every run, in the order of time", "system", titles);
    grid.rows = record
        .runs
        .iter()
        .map(|run| {
            let (link, came) = match &run.outcome {
                RunOutcome::Recorded => {
                    (Some(format!("{}/{REPORT}", run.folder)), run.folder.clone())
                }
                RunOutcome::NotApplicable(why) => (None, format!("not applicable: {why}")),
                RunOutcome::NotRun(why) => (None, format!("not run: {why}")),
            };
            let fields = vec![
                Field::number(run.round.to_string()),
                Field::words(record.steps[run.step].to_string()),
                Field::words(came),
                Field::words(run.command.clone()),
            ];
            GridRow { name: record.systems[run.system].name.clone(), link, fields }
        })
        .collect();
    grid
}
