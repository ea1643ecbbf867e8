//! Sweeps of the rate, and which of their rates were held.

use std::collections::HashMap;

use crate::lateness::{Lateness, is_withheld};
use crate::records::{Cell, Manifest, Observation, Op};
use crate::stats::Latencies;
use crate::summary::{is_answered, is_measured};
use crate::text::{ms, three_digits};

/// The share of what was offered that must be answered while the schedule lasts.
pub const MIN_ANSWERED: f64 = 0.99;

/// How many times as long the 99th percentile may be as at the lowest rate. In a queue with one
/// server and random arrivals, times grow by 1 / (1 - load): tenfold when nine tenths are used.
pub const MAX_P99_FACTOR: u64 = 10;

/// Latency against offered rate: cells that differ in the rate alone.
#[derive(Clone, Debug, PartialEq)]
pub struct Sweep {
    /// The probability that a query is followed by a trade.
    pub p: f64,
    /// Whether the front-end cached. Says something only where [`Manifest::tells_cache`] holds.
    pub cache: bool,
    /// How it was started, as people are told: see [`Manifest::way`].
    pub way: Option<String>,
    /// Which of two builds of the services, if two were measured side by side.
    pub build: Option<String>,
    /// The rates, ascending; two or more.
    pub steps: Vec<Step>,
}

/// One rate of a sweep, over all trials.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// The cell's id.
    pub cell: String,
    /// The plan's rate, in iterations per second.
    pub rate_per_s: f64,
    /// How many came per second.
    pub offered_per_s: f64,
    /// How many were answered per second.
    pub answered_per_s: f64,
    /// How many were accepted per second.
    pub accepted_per_s: f64,
    /// The corrected median latency of all queries and trades that were answered; none if none was, or if
    /// it is [withheld](crate::lateness).
    pub p50_us: Option<u64>,
    /// The corrected 99th percentile of the same.
    pub p99_us: Option<u64>,
    /// Whether that is withheld.
    pub p99_is_withheld: bool,
    /// The same from when they were sent.
    pub uncorrected_p99_us: Option<u64>,
    /// Whether the service held it, as the module's header defines that.
    pub is_held: bool,
}

/// Every sweep of a run; `cells` is of [`crate::lateness::by_cell`]. A rate of which no trial ran to
/// its end is left out.
#[must_use]
pub fn sweeps<'a>(
    manifest: &Manifest,
    observations: impl IntoIterator<Item = &'a Observation>,
    cells: &HashMap<&str, Lateness>,
) -> Vec<Sweep> {
    let mut latencies: HashMap<&str, (Latencies, Latencies)> = HashMap::new();
    for row in observations.into_iter().filter(|row| is_measured(row) && is_answered(row)) {
        if row.op != Op::Lookup && row.planned_us.is_some() {
            let (due, sent) = latencies.entry(row.cell.as_str()).or_default();
            due.record(row.response_us());
            sent.record(row.latency_us);
        }
    }
    let mut sweeps: Vec<Sweep> = Vec::new();
    for cell in &manifest.cells {
        let latencies = latencies.remove(cell.id.as_str()).unwrap_or_default();
        let lateness = cells.get(cell.id.as_str());
        let Some(step) = lateness.and_then(|lateness| step(cell, lateness, &latencies)) else {
            continue;
        };
        let is_of = |sweep: &&mut Sweep| {
            (sweep.p, sweep.cache, &sweep.build) == (cell.p, cell.cache, &cell.build)
        };
        match sweeps.iter_mut().find(is_of) {
            Some(sweep) => sweep.steps.push(step),
            None => sweeps.push(Sweep {
                p: cell.p,
                cache: cell.cache,
                way: manifest.way(cell.cache).map(str::to_owned),
                build: cell.build.clone(),
                steps: vec![step],
            }),
        }
    }
    sweeps.retain(|sweep| sweep.steps.len() > 1);
    sweeps.iter_mut().for_each(Sweep::judge);
    sweeps
}

/// `due` and `sent` are the latencies from when operations were due, and from when they were sent.
fn step(cell: &Cell, lateness: &Lateness, (due, sent): &(Latencies, Latencies)) -> Option<Step> {
    let told = |quantile: f64| {
        let own_us = lateness.own.percentile_us(quantile).map(|us| us as f64);
        due.percentile_us(quantile).filter(|&us| !is_withheld(us as f64, own_us))
    };
    let p99_us = told(0.99);
    Some(Step {
        cell: cell.id.clone(),
        rate_per_s: cell.rate_per_s?,
        offered_per_s: lateness.offered_per_s()?,
        answered_per_s: lateness.answered_per_s()?,
        accepted_per_s: lateness.accepted_per_s()?,
        p50_us: told(0.5),
        p99_us,
        p99_is_withheld: p99_us.is_none() && due.count() > 0,
        uncorrected_p99_us: sent.percentile_us(0.99),
        is_held: lateness.answered as f64 >= MIN_ANSWERED * lateness.offered as f64,
    })
}

impl Sweep {
    /// Sorts the rates, and holds each one's latency against the lowest one's.
    fn judge(&mut self) {
        self.steps.sort_by(|one, other| one.rate_per_s.total_cmp(&other.rate_per_s));
        let Some(lowest) = self.steps.first().filter(|lowest| !lowest.p99_is_withheld) else {
            return;
        };
        let bound_us = lowest.p99_us.unwrap_or(0).saturating_mul(MAX_P99_FACTOR);
        for step in self.steps.iter_mut().filter(|step| !step.p99_is_withheld) {
            step.is_held &= step.p99_us.is_some_and(|p99_us| p99_us <= bound_us);
        }
    }

    /// The highest rate that was held with all rates below it.
    #[must_use]
    pub fn knee(&self) -> Option<&Step> {
        self.steps.iter().take_while(|step| step.is_held).last()
    }

    /// The first rate that was not held.
    #[must_use]
    pub fn beyond(&self) -> Option<&Step> {
        self.steps.iter().find(|step| !step.is_held)
    }

    /// What the sweep shows, for people.
    #[must_use]
    pub fn sentence(&self) -> String {
        let way = self.way.as_ref().map_or(String::new(), |way| format!(", {way}"));
        let build = self.build.as_ref().map_or(String::new(), |build| format!(", build {build}"));
        let of = format!("p = {}{way}{build}", self.p);
        let rate = |step: &Step| three_digits(step.rate_per_s);
        let p99 = |step: &Step| match step.p99_us {
            Some(p99_us) => ms(p99_us),
            None if step.p99_is_withheld => "withheld, the generator was late itself".to_owned(),
            None => "unknown".to_owned(),
        };
        let beyond = |step: &Step| {
            let answered = three_digits(step.answered_per_s);
            format!(
                "of {}/s {answered}/s were answered (99th percentile {})",
                rate(step),
                p99(step)
            )
        };
        let held = |step: &Step| {
            format!("up to {}/s are held (99th percentile {})", rate(step), p99(step))
        };
        let lowest_is_withheld = self.steps.first().is_some_and(|lowest| lowest.p99_is_withheld);
        let of = if lowest_is_withheld {
            format!("{of} (nothing was held against the lowest rate's latency, which is withheld)")
        } else {
            of
        };
        match (self.knee(), self.beyond()) {
            (Some(knee), Some(lost)) => format!("{of}: {}; {}.", held(knee), beyond(lost)),
            (Some(knee), None) => format!("{of}: {}, the highest rate that was tried.", held(knee)),
            (None, Some(lost)) => {
                format!("{of}: not even the lowest rate is held; {}.", beyond(lost))
            }
            (None, None) => of,
        }
    }
}
