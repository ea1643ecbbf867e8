//! The run's other files: inside the page where they are small, otherwise named.

use std::fs;

use super::embed::{Embedded, Embedder};
use super::format::size;
use crate::records::{Manifest, RunFolder};

/// A file of the run's folder.
pub(super) struct RunFile {
    pub(super) file: Embedded,
    pub(super) size: String,
    pub(super) about: &'static str,
}

/// What may lie in the folder, in the order in which a reader may want it.
const FILES: [(&str, &str); 13] = [
    ("figures.json", "every table of figures with its intervals, for programs"),
    ("summary.csv", "the tables above: a row per setting and operation"),
    ("availability.csv", "the answer sheets: a row per fault"),
    ("availability-overall.csv", "the answer sheets taken together: a row per kind of fault"),
    ("gaps.csv", "times without an answer to a trade that no fault can be blamed for"),
    ("catalog_requests.csv", "queries answered by the front-end and asked of the catalog"),
    ("observations.csv", "every operation: when, how long, what came of it, what was seen"),
    ("events.csv", "every fault, change of leader and of the in-sync set"),
    (FINAL, "what every replica and the catalog held at the end"),
    ("consistency.json", "the checks with all kept evidence, for programs"),
    ("thresholds.json", "the thresholds and what was measured, for programs"),
    ("manifest.json", "what was run, where, and from what state"),
    ("plan.toml", "the plan that the command above names"),
];

const FINAL: &str = "final.csv";
/// What that has of a target that is not the bazaar.
const FINAL_OF_TARGET: &str = "what the target’s processes held at the end";

/// Those that are there.
pub(super) fn of(
    folder: &RunFolder,
    manifest: &Manifest,
    embedder: &mut Embedder<'_>,
) -> Vec<RunFile> {
    let there = FILES.iter().filter_map(|&(name, about)| {
        let is_targets = name == FINAL && manifest.target.is_some();
        let about = if is_targets { FINAL_OF_TARGET } else { about };
        let bytes = fs::metadata(folder.path(name)).ok()?.len();
        Some(RunFile { file: embedder.embed(name), size: size(bytes), about })
    });
    there.collect()
}
