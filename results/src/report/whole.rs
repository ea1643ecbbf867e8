//! What a run came to.

use super::tables::Tables;
use crate::availability::{self, AvailabilityRow, GapRow, OverallRow};
use crate::charts::Drawn;
use crate::compare::{CacheEffects, Comparison};
use crate::hosts;
use crate::knee::Sweep;
use crate::lateness::{self, Lateness};
use crate::records::Model;
use crate::summary::{self, SummaryRow};

/// What a run came to.
#[derive(Clone, Debug)]
pub struct Report {
    /// What the target is.
    pub model: Model,
    /// The rows of `summary.csv`.
    pub summary: Vec<SummaryRow>,
    /// The rows of `availability.csv`; empty if no fault was injected.
    pub availability: Vec<AvailabilityRow>,
    /// The rows of `availability-overall.csv`.
    pub overall: Vec<OverallRow>,
    /// The rows of `gaps.csv`: gaps between answers to trades that no fault can be blamed for.
    pub gaps: Vec<GapRow>,
    /// The charts.
    pub charts: Drawn,
    /// What the cache buys, if cells with and without it were run.
    pub cache: Option<String>,
    /// The same as figures.
    pub cache_effects: CacheEffects,
    /// How build b compares with build a, if two were measured side by side.
    pub builds: Option<Comparison>,
    /// What was offered and answered in an open loop, and which rate was held; if there was one.
    pub open_loop: Option<OpenLoop>,
    /// What the leaders' faults cost, if there were any.
    pub outage: Option<String>,
    /// The figures of all rows above, as they are shown.
    pub tables: Tables,
}

/// How an open loop went.
#[derive(Clone, Debug)]
pub struct OpenLoop {
    /// What was offered, sent and answered in each cell, by its id, in the manifest's order.
    pub cells: Vec<(String, Lateness)>,
    /// The sweeps of the rate.
    pub sweeps: Vec<Sweep>,
}

impl Report {
    /// Tables and sentences for people, ending with a newline.
    #[must_use]
    pub fn to_text(&self) -> String {
        let tables = &self.tables;
        let mut parts = vec![summary::text(&tables.operations)];
        parts.push(self.cache_effects.text());
        parts.extend(self.cache.as_ref().map(|sentences| format!("{sentences}\n")));
        parts.extend(self.builds.as_ref().map(Comparison::to_text));
        if let Some(OpenLoop { sweeps, .. }) = &self.open_loop {
            let sentences = sweeps.iter().map(|sweep| format!("{}\n", sweep.sentence()));
            parts.push(lateness::text(&tables.rates) + &sentences.collect::<String>());
        }
        if !self.availability.is_empty() {
            parts.push(availability::text(&tables.faults, &tables.kinds));
        }
        parts.extend(self.outage.as_ref().map(|sentences| format!("{sentences}\n")));
        parts
            .extend(availability::about_gaps(&self.gaps).map(|sentences| format!("{sentences}\n")));
        if !tables.hosts.is_empty() {
            parts.push(hosts::text(&tables.hosts));
        }
        let figures: String = tables.left_out.iter().map(|line| format!("{line}\n")).collect();
        parts.push(figures);
        let left_out: String =
            self.charts.left_out.iter().map(|reason| format!("no chart: {reason}\n")).collect();
        parts.push(left_out);
        parts.retain(|part| !part.is_empty());
        self.model.worded(&parts.join("\n"))
    }
}
