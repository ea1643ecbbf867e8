//! What is done to each system: a load of so many clients, or a plan with faults. The same plans for all; what a system has
//! nothing for is not applicable, with the reason.

use std::time::Duration;

use anyhow::bail;
use campaign::engines::Step as StepRecord;

use super::systems::System;
use crate::cli::Engines;
use crate::hosts;
use crate::plan::{BuiltIn, Overrides, Plan, PlanError, PlanSource};
use crate::run::{Kind, expected_trial};
use crate::shell::quoted;
use crate::target::relays;

/// Plans that the program carries for this are called so, and what follows is the kind of fault.
const PREFIX: &str = "engines-";
/// What is broken unless plans are named.
const FAULTS: [BuiltIn; 3] = [BuiltIn::EnginesKill, BuiltIn::EnginesPause, BuiltIn::EnginesCut];

/// A step.
#[derive(Clone, Debug)]
pub(super) struct Step {
    source: PlanSource,
    /// What it is of a page.
    what: StepRecord,
    /// Its folder's name below a system's.
    pub(super) folder: String,
    overrides: Overrides,
    expected: Duration,
}

/// Why a step cannot be done to a system.
#[derive(Debug)]
pub(super) enum NoPlan {
    /// The system has nothing that it could be done to.
    NotApplicable(String),
    /// Something is wrong with a file.
    Unusable(PlanError),
}

/// What the command line asks for, tried on the bazaar so that mistakes in plans are told before anything is run.
///
/// # Errors
/// A plan cannot be read, or is none.
pub(super) fn read(args: &Engines) -> anyhow::Result<Vec<Step>> {
    let mut steps = Vec::new();
    for &clients in &args.clients {
        let overrides = Overrides {
            clients: Some(clients),
            duration: Some(args.seconds),
            ..Overrides::default()
        };
        let source = PlanSource::BuiltIn(BuiltIn::EnginesLoad);
        let plan = Plan::resolve(&source, &overrides)?;
        steps.push(Step {
            source,
            what: StepRecord::Load { clients },
            folder: format!("load-{clients}"),
            overrides,
            expected: expected_trial(&plan),
        });
    }
    let sources: Vec<PlanSource> = match args.plans.is_empty() {
        true => FAULTS.map(PlanSource::BuiltIn).into(),
        false => args
            .plans
            .iter()
            .map(|plan| PlanSource::new(Some(plan.clone()), BuiltIn::EnginesKill))
            .collect(),
    };
    for source in sources {
        let (name, expected) = match Plan::resolve(&source, &Overrides::default()) {
            Ok(plan) if plan.faults.is_empty() => {
                bail!("--plan {}: it has no [[faults]]", source.label())
            }
            Ok(plan) => (plan.name.clone(), expected_trial(&plan)),
            // It may be a plan for what the bazaar does not have.
            Err(PlanError::Invalid { .. }) => (plain(&source), Duration::from_secs(30)),
            Err(error) => return Err(error.into()),
        };
        let kind = name.strip_prefix(PREFIX).unwrap_or(&name).to_owned();
        if steps.iter().any(|step| step.folder == kind) {
            bail!("--plan {}: another plan is called {kind} as well", source.label());
        }
        steps.push(Step {
            source,
            what: StepRecord::Faults { kind: kind.clone() },
            folder: kind,
            overrides: Overrides::default(),
            expected,
        });
    }
    Ok(steps)
}

/// The name of a plan that cannot be read for the bazaar: its file's.
fn plain(source: &PlanSource) -> String {
    match source {
        PlanSource::BuiltIn(plan) => plan.name().to_owned(),
        PlanSource::File(path) => {
            path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
        }
    }
}

impl Step {
    /// As the record has it.
    pub(super) fn record(&self) -> StepRecord {
        self.what.clone()
    }

    /// As what kind of run it is done.
    pub(super) fn kind(&self) -> Kind {
        match self.what {
            StepRecord::Load { .. } => Kind::Bench,
            StepRecord::Faults { .. } => Kind::Failover,
        }
    }

    /// How long it is expected to take.
    pub(super) fn expected(&self) -> Duration {
        self.expected
    }

    /// The plan for a system, with this seed.
    pub(super) fn plan(&self, system: &System, seed: u64) -> Result<Plan, NoPlan> {
        let overrides = Overrides {
            seed: Some(seed),
            variants: system.variant.clone().into_iter().collect(),
            ..self.overrides.clone()
        };
        let plan = Plan::resolve_for(system.file.as_deref(), &self.source, &overrides);
        let plan = plan.map_err(|error| match error {
            PlanError::Invalid { .. } => {
                let first = error.to_string().lines().next().unwrap_or_default().to_owned();
                NoPlan::NotApplicable(first)
            }
            other => NoPlan::Unusable(other),
        })?;
        let breaks_links = plan.faults.iter().any(|fault| fault.action.is_of_links());
        let (target, variant) = (plan.under_test.target(), system.variant.as_deref());
        let variant = plan.under_test.variant(variant).or_else(|| target.default_variant());
        if breaks_links && relays::links(target, variant).is_empty() {
            let why = "its processes are not handed each other's ports one by one, so no relay can stand between them";
            return Err(NoPlan::NotApplicable(why.to_owned()));
        }
        Ok(plan)
    }

    /// What repeats it.
    pub(super) fn command(&self, system: &System, seed: u64) -> String {
        let run_by = hosts::run_by_text();
        let mut words = vec![format!("{run_by}double-trouble {}", self.kind().as_str())];
        words.extend(system.file.as_ref().map(|file| format!("--target {}", quoted(file))));
        words.extend(system.variant.as_ref().map(|name| format!("--variant {}", quoted(name))));
        words.push(match &self.source {
            PlanSource::BuiltIn(plan) => format!("--plan {}", plan.name()),
            PlanSource::File(file) => format!("--plan {}", quoted(file)),
        });
        words.extend(self.overrides.clients.map(|clients| format!("--clients {clients}")));
        words.extend(self.overrides.duration.map(|seconds| format!("--duration {seconds}")));
        words.push(format!("--seed {seed}"));
        words.join(" ")
    }
}
