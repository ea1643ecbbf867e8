//! How it was run: enough to run it again, and to know what not to compare it with.

use super::format::{NONE, or_none};
use super::input::PageInput;
use super::target::TargetLines;
use crate::records::{Cell, Manifest};

/// The section.
pub(super) struct Setup {
    /// Name and value.
    pub(super) facts: Vec<(String, String)>,
    /// What is known of a target that is not ours.
    pub(super) target: Option<TargetLines>,
    /// The titles of the columns of settings.
    pub(super) titles: Vec<&'static str>,
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
        ];
        facts.extend(manifest.target.as_ref().map(|target| fact("target", target.name.clone())));
        facts.extend(replicas(manifest));
        let durability = manifest.known_durability();
        facts.extend(durability.map(|known| fact("durability", known.to_owned())));
        facts.extend(manifest.machine.iter().cloned());
        let cells: Vec<CellLine> = manifest
            .cells
            .iter()
            .map(|cell| CellLine { id: cell.id.clone(), values: values(manifest, cell) })
            .collect();
        let titles = cells.first().map_or(&[][..], |cell| &cell.values);
        Self {
            facts,
            target: manifest.target.as_ref().map(TargetLines::new),
            titles: titles.iter().map(|(title, _)| *title).collect(),
            cells,
            plan: manifest.plan.clone(),
            reproduce: material.consistency.reproduce.clone(),
            command: manifest.command.join(" "),
        }
    }
}

/// How many replicas there were, of those whose role leads; nothing of a target that has none.
fn replicas(manifest: &Manifest) -> Option<(String, String)> {
    let role = manifest.processes().roles().leader;
    let name = role.map_or("replicas".to_owned(), |role| format!("{role} replicas"));
    (manifest.replicas > 0).then(|| (name, manifest.replicas.to_string()))
}

/// Title and value of each column of settings.
fn values(manifest: &Manifest, cell: &Cell) -> Vec<(&'static str, String)> {
    let columns = [
        Some(("p", cell.p.to_string())),
        way(manifest, cell),
        Some(("clients", cell.clients.to_string())),
        Some(("load", load(cell))),
        Some(("build", or_none(cell.build.clone(), |build| build))),
        Some(("trials", cell.trials.to_string())),
        Some(("faults per trial", cell.planned_faults.to_string())),
    ];
    columns.into_iter().flatten().collect()
}

/// How a cell was started, where the run tells that of any.
fn way(manifest: &Manifest, cell: &Cell) -> Option<(&'static str, String)> {
    if manifest.tells_cache() {
        return Some(("cache", if cell.cache { "on" } else { "off" }.to_owned()));
    }
    let has_variants = manifest.cells.iter().any(|cell| cell.variant.is_some());
    has_variants.then(|| ("variant", or_none(cell.variant.clone(), |variant| variant)))
}
