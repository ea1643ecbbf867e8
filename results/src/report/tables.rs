//! Every table of figures of a run, and all of them as JSON.

use crate::table::Table;

/// The file in a run's folder that has all tables, for programs.
pub const FIGURES_FILE: &str = "figures.json";

/// The version of that file's format. A table or a column more does not change it.
pub const FIGURES_FORMAT: u32 = 1;

/// The tables of a run; those about nothing that was in it are empty.
#[derive(Clone, Debug, PartialEq)]
pub struct Tables {
    /// What the cache does to medians.
    pub cache: Table,
    /// The operations of each setting.
    pub operations: Table,
    /// What an open loop offered, and how far the service followed.
    pub rates: Table,
    /// Latency and throughput against the rate.
    pub sweeps: Table,
    /// What each fault cost.
    pub faults: Table,
    /// What each kind of fault cost.
    pub kinds: Table,
    /// Times without an answer to a trade that no fault can be blamed for.
    pub gaps: Table,
    /// The hosts that processes were on.
    pub hosts: Table,
    /// Build b against build a, if two were measured: over all cells, and cell by cell.
    pub builds: Option<[Table; 2]>,
    /// Figures of which the target gives nothing to measure, a line each that says why.
    pub left_out: Vec<String>,
}

impl Tables {
    /// Those that are about something, in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Table> {
        let Self { cache, operations, rates, sweeps, faults, kinds, gaps, hosts, builds, .. } =
            self;
        let all = [cache, operations, rates, sweeps, faults, kinds, gaps, hosts];
        all.into_iter().chain(builds.iter().flatten()).filter(|table| !table.is_empty())
    }

    /// All of them as JSON, a row of a table on a line of its own; `run` is the run's name.
    ///
    /// # Errors
    /// A figure is no number that JSON knows.
    pub fn to_json(&self, run: &str) -> Result<String, serde_json::Error> {
        let tables: Vec<String> = self.iter().map(Table::to_json).collect::<Result<_, _>>()?;
        let (run, tables) = (serde_json::to_string(run)?, tables.join(",\n"));
        let left_out = if self.left_out.is_empty() {
            String::new()
        } else {
            format!("\"left_out\": {}, ", serde_json::to_string(&self.left_out)?)
        };
        Ok(format!(
            "{{\"format\": {FIGURES_FORMAT}, \"run\": {run}, {left_out}\"tables\": [\n{tables}\n]}}\n"
        ))
    }
}
