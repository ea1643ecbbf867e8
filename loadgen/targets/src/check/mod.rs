//! From a file to a [`Target`]: every rule that the contract has, and all that is wrong at once.
//!
//! One file per section, each a function from what the file says to what it means. A rule that is broken is noted and
//! something harmless takes the place of what could not be made, so that the rules after it are applied, too; the invariant is that
//! a target leaves here only if nothing was noted.

mod answers;
mod checker;
mod dependencies;
mod limits;
mod model;
mod names;
mod operations;
mod paths;
mod ports;
mod processes;
mod readiness;
mod requests;
mod state;
#[cfg(test)]
mod tests;
mod trial;
mod variants;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use crate::document::Document;
use crate::file::TargetFile;
use crate::plan_values::PlanValues;
use crate::problems::{Problem, Problems};
use crate::target::Target;
use checker::Checker;

/// The longest file, in bytes: far more than anybody writes.
const MAX_FILE_BYTES: u64 = 1024 * 1024;

/// Reads the target that `path` describes, for a plan that sets this: its count of replicas, at least.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read(path: &Path, plan: impl Into<PlanValues>) -> Result<Target, Problems> {
    let unreadable = |what: String, fix: &str| {
        let problem = Problem { line: None, field: String::new(), what, fix: fix.to_owned() };
        Problems::new(path.display().to_string(), vec![problem])
    };
    let length = std::fs::metadata(path).map_or(0, |file| file.len());
    if length > MAX_FILE_BYTES {
        return Err(unreadable(format!("has {length} bytes"), "a target's file has at most 1 MiB"));
    }
    let text = std::fs::read_to_string(path).map_err(|error| {
        unreadable(format!("cannot be read: {error}"), "name a file that can be, with --target")
    })?;
    read_text(&text, path, plan)
}

/// Reads a target from a text that stands, or might stand, in `path`.
///
/// # Errors
/// Everything that is wrong with it.
pub fn read_text(text: &str, path: &Path, plan: impl Into<PlanValues>) -> Result<Target, Problems> {
    let Document { file, lines, problems } = Document::read(text);
    let label = path.display().to_string();
    let Some(file) = file else { return Err(Problems::new(label, problems)) };
    let mut checker = Checker::new(path, &lines, problems, plan.into());
    let mut target = check(&mut checker, &file, path);
    answers::dump(&mut checker, &file, &target);
    target.of_plan = std::mem::take(&mut checker.of_plan);
    let problems = checker.into_problems();
    if problems.is_empty() { Ok(target) } else { Err(Problems::new(label, problems)) }
}

fn check(checker: &mut Checker<'_>, file: &TargetFile, path: &Path) -> Target {
    if let Some(problem) = crate::name::problem(&file.name) {
        checker.add("name", problem, "give it a name for reports");
    }
    let ports = ports::check(checker, &file.ports);
    let declared = processes::declare(checker, &file.processes);
    let names = declared.iter().map(|process| process.name.clone());
    checker.reached = Arc::new(names.chain(file.hosts.keys().cloned()).collect());
    let model = model::check(checker, file);
    let processes = processes::check(checker, file, &declared);
    let state::Kept { orders, stocks: stock_places, registers, log } =
        state::check(checker, file, &model);
    let operations = operations::check(checker, file);
    let capabilities = answers::capabilities(checker, file);
    Target {
        name: file.name.clone(),
        description: file.description.trim().to_owned(),
        path: path.to_owned(),
        plan: PlanValues::clone(&checker.plan),
        of_plan: BTreeSet::new(),
        workspace: paths::workspace(checker, &file.workspace),
        ports,
        setup: trial::setup(checker, file.setup.as_ref()),
        files: trial::files(checker, "files", &file.files, None),
        reset: trial::reset(checker, file.reset.as_ref()),
        prepare: trial::prepare(checker, file.prepare.as_ref()),
        variants: variants::check(checker, file, &declared),
        processes,
        operations: operations.telling(&capabilities),
        client: answers::client(checker, file),
        stocks: model::stocks(checker, file),
        leader: answers::leader(checker, file.leader.as_ref()),
        orders,
        stock_places,
        register_places: registers,
        log_places: log,
        model,
        limits: limits::check(checker, file.limits),
        capabilities,
        hosts: trial::hosts(checker, &file.hosts),
        load_from: trial::load_from(checker, file),
        faults: trial::faults(checker, &file.faults),
    }
}
