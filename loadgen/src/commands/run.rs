//! `bench` and `failover`: run a plan.

use anyhow::{bail, ensure};

use super::{bin_dir, warn_of_commands};
use crate::cli::{Format, Run};
use crate::exit::Exit;
use crate::plan::{BuiltIn, Plan, PlanSource};
use crate::run::{Kind, RunPaths, execute};
use driver::stop::Stop;

/// The services' binaries.
const SERVICES: [&str; 3] = ["front-end", "catalog", "order"];

/// Runs a plan and reports.
pub(super) async fn run(
    kind: Kind,
    fallback: BuiltIn,
    args: Run,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let source = PlanSource::new(args.plan, fallback);
    let plan = Plan::resolve_for(args.target.as_deref(), &source, &args.overrides)?;
    if let Some(file) = &args.target {
        warn_of_commands(file);
    }
    if kind == Kind::Failover && plan.faults.is_empty() {
        bail!("plan {}: faults: there are none; add a [[faults]], or use bench", source.label());
    }
    let bin_dir = bin_dir(&args.binaries)?;
    if let Some(folder) = &args.against {
        // Found out now rather than after the first trial.
        let missing = SERVICES.iter().find(|name| !folder.join(name).is_file());
        ensure!(
            missing.is_none(),
            "--against {}: there is no {}; name a folder with the services' \
             binaries, for example target/release",
            folder.display(),
            missing.unwrap_or(&"")
        );
    }
    let Run { against, slow_trades, out, keep_data, json, format, .. } = args;
    let junit = format == Format::Junit;
    let (json, exercise) = (json.json, None);
    let places = RunPaths { bin_dir, against, slow_trades, exercise, out, keep_data, json, junit };
    execute(kind, &plan, &places, stop).await
}
