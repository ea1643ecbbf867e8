//! How it was run: enough to run it again, and to know what not to compare it with.

use super::format::{NONE, or_none};
use super::input::PageInput;
use crate::records::Cell;

/// The section.
pub(super) struct Setup {
    /// Name and value.
    pub(super) facts: Vec<(String, String)>,
    pub(super) cells: Vec<CellLine>,
    /// The whole plan as TOML.
    pub(super) plan: String,
    /// The command that runs the same schedule again.
    pub(super) reproduce: String,
    /// The command that was run.
    pub(super) command: String,
}

/// One combination of settings.
pub(super) struct CellLine {
    pub(super) id: String,
    /// Title and value.
    pub(super) values: Vec<(&'static str, String)>,
}

/// The titles of the columns of settings.
pub(super) const TITLES: [&str; 7] =
    ["p", "cache", "clients", "load", "build", "trials", "faults per trial"];

/// At which rate, in which stages, or as fast as answers come.
fn load(cell: &Cell) -> String {
    let stages: Vec<String> = cell.stages.iter().map(ToString::to_string).collect();
    match cell.rate_per_s {
        _ if !stages.is_empty() => stages.join(", "),
        Some(rate) => format!("{rate}/s"),
        None => "closed loop".to_owned(),
    }
}

impl Setup {
    pub(super) fn new(material: &PageInput<'_>) -> Self {
        let manifest = material.manifest;
        let fact = |name: &str, value: String| (name.to_owned(), value);
        let mut facts = vec![
            fact("begun", manifest.started_at.clone()),
            fact("seed", manifest.seed.to_string()),
            fact("commit", manifest.commit.clone().unwrap_or_else(|| NONE.to_owned())),
            fact("version", manifest.version.clone()),
            fact("order replicas", manifest.replicas.to_string()),
            fact("durability", manifest.durability.clone()),
        ];
        facts.extend(manifest.machine.iter().cloned());
        let cells = manifest.cells.iter().map(|cell| {
            let values = [
                cell.p.to_string(),
                if cell.cache { "on" } else { "off" }.to_owned(),
                cell.clients.to_string(),
                load(cell),
                or_none(cell.build.clone(), |build| build),
                cell.trials.to_string(),
                cell.planned_faults.to_string(),
            ];
            CellLine { id: cell.id.clone(), values: TITLES.into_iter().zip(values).collect() }
        });
        Self {
            facts,
            cells: cells.collect(),
            plan: manifest.plan.clone(),
            reproduce: material.consistency.reproduce.clone(),
            command: manifest.command.join(" "),
        }
    }
}
