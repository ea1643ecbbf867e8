//! Writes `manifest.json`, the first file of a run.

use std::fs;

use anyhow::{Context, ensure};
use faults::clock::Origin;
use results::records::{MANIFEST_FORMAT, Manifest, RunFolder};
use targets::target::Target;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{Builds, Kind, machine};
use crate::hosts;
use crate::plan::Plan;

/// Describes the run and writes that down.
pub(super) fn write(
    folder: &RunFolder,
    kind: Kind,
    plan: &Plan,
    builds: Builds<'_>,
    origin: Origin,
) -> anyhow::Result<()> {
    keep(folder, &describe(kind, plan, builds, origin)?)
}

/// Adds what the client program of the run's target says that it `can` do, which nobody knows before it is started. It must
/// be the same in all trials, or the manifest would be true of some.
pub(super) fn tell(
    folder: &RunFolder,
    target: &Target,
    can: &[String],
    is_first: bool,
) -> anyhow::Result<()> {
    let mut manifest = folder.manifest()?;
    let told = Some(targets::manifest(target, can));
    if manifest.target == told {
        return Ok(());
    }
    let can = can.join(", ");
    ensure!(is_first, "[client]: it can do {can}, and could do something else in the first trial");
    manifest.target = told;
    keep(folder, &manifest)
}

fn keep(folder: &RunFolder, manifest: &Manifest) -> anyhow::Result<()> {
    let path = folder.path("manifest.json");
    let mut text = serde_json::to_string_pretty(manifest)?;
    text.push('\n');
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

/// What is written where a plan sets nothing, and a target does not say.
const UNTOLD: &str = "as the target has it";

fn describe(
    kind: Kind,
    plan: &Plan,
    builds: Builds<'_>,
    origin: Origin,
) -> anyhow::Result<Manifest> {
    let (under_test, target) = (&plan.under_test, plan.under_test.target());
    Ok(Manifest {
        format: MANIFEST_FORMAT,
        kind: kind.as_str().to_owned(),
        plan_name: plan.name.clone(),
        plan: plan.to_toml()?,
        command: command_line(),
        run_by: hosts::run_by(),
        exercise: builds.exercise.map(|exercise| exercise.number),
        seed: plan.load.seed,
        started_at: OffsetDateTime::now_utc().format(&Rfc3339)?,
        origin_monotonic_us: origin.monotonic_us(),
        commit: option_env!("DOUBLE_TROUBLE_COMMIT").map(str::to_owned),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        machine: machine::facts(),
        // Whoever names no target has asked for the bazaar, as in older runs. A client program has said nothing yet.
        target: under_test.is_named().then(|| targets::manifest(target, &[])),
        replicas: u8::try_from(plan.processes().replicas().len()).unwrap_or(u8::MAX),
        processes: plan.processes().list().to_vec(),
        roles: plan.processes().roles(),
        durability: match under_test.takes("durability") {
            true => plan.system.durability.to_string(),
            false => UNTOLD.to_owned(),
        },
        // How soon a target that takes no such time should notice anything is not known.
        ping_timeout_ms: under_test.takes("ping_timeout_ms").then_some(plan.system.ping_timeout_ms),
        converge_within_ms: plan.checks.converge_within_ms,
        thresholds: plan.checks.thresholds.clone(),
        abort_on: plan.checks.abort_on.clone(),
        cells: builds.cells(plan),
        stocks: plan.initial_stocks(),
    })
}

/// What was typed. A manifest is UTF-8; of a name that is not, the rest is kept.
fn command_line() -> Vec<String> {
    std::env::args_os().map(|argument| argument.to_string_lossy().into_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::{BuiltIn, Overrides, PlanSource};

    #[test]
    fn the_manifest_repeats_the_run() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        let source = PlanSource::BuiltIn(BuiltIn::Failover);
        let seed_7 = Overrides { seed: Some(7), ..Overrides::default() };
        let plan = Plan::resolve(&source, &seed_7).unwrap();
        let builds = Builds::one(folder.path());
        write(&run, Kind::Failover, &plan, builds, Origin::now()).unwrap();
        let manifest = run.manifest().unwrap();
        assert_eq!((manifest.kind.as_str(), manifest.seed), ("failover", 7));
        assert_eq!(manifest.cells, plan.cells());
        assert_eq!(manifest.processes.len(), 5);
        assert_eq!(manifest.processes(), plan.processes());
        let kept = folder.path().join("kept.toml");
        fs::write(&kept, &manifest.plan).unwrap();
        let again = Plan::resolve(&PlanSource::File(kept), &Overrides::default()).unwrap();
        assert_eq!(again, plan);
    }
}
