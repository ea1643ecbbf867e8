//! A plan: what a run does, as a TOML file in which every field has a default.
//!
//! What a user wrote becomes a validated [`Plan`] here and nowhere else: parsing refuses unknown
//! fields, the command line's overrides are laid over the file, and then every rule is checked, so
//! that all mistakes are shown at once, each with its field and its fix. After that no other
//! module doubts the plan. It knows nothing of processes or of goose.

mod builtin;
mod checks;
mod jitter;
mod load;
mod on_hosts;
mod open_loop;
mod overrides;
mod problem;
mod source;
mod stages;
mod system;
mod under_test;

pub use builtin::BuiltIn;
pub use checks::Checks;
pub use load::Load;
pub use overrides::Overrides;
pub use problem::{PlanError, Problems};
pub use source::PlanSource;
pub use system::{CacheSetting, DurabilitySetting, System};
pub use under_test::UnderTest;

use std::path::Path;

use faults::schedule::{PlannedFault, Schedule};
use results::records::{Cell, InitialStock, Processes};
use serde::{Deserialize, Serialize};

use under_test::Way;

/// What a run does.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Plan {
    /// Names the run's folder. Default: the file's name without its extension.
    pub name: String,
    /// Each fault's time is moved by up to this much to either side, as the seed decides, so that
    /// runs with different seeds break the bazaar at different moments.
    pub jitter_ms: u64,
    /// What the clients do.
    pub load: Load,
    /// The bazaar that they do it to.
    pub system: System,
    /// What must hold afterwards.
    pub checks: Checks,
    /// What is broken while they do it, in order of time.
    pub faults: Vec<PlannedFault>,
    /// The system that it is done to, which stands beside a plan and not in it.
    #[serde(skip)]
    pub under_test: UnderTest,
}

impl Plan {
    /// Reads a plan, lays the command line over it, checks everything, and moves the faults as
    /// the seed decides. The result repeats the run: its jitter is used up and therefore 0. It is for the bazaar that the program carries.
    ///
    /// # Errors
    /// The file cannot be read or parsed, or fields break a rule: all of them are named.
    pub fn resolve(source: &PlanSource, overrides: &Overrides) -> Result<Self, PlanError> {
        Self::resolve_for(None, source, overrides)
    }

    /// The same for the system that a target's file describes, if there is one.
    ///
    /// # Errors
    /// The same of both files.
    pub fn resolve_for(
        target: Option<&Path>,
        source: &PlanSource,
        overrides: &Overrides,
    ) -> Result<Self, PlanError> {
        let text = source.read()?;
        let mut plan = Self::parse(&source.label(), &text)?;
        if plan.name.is_empty() {
            plan.name = source.default_name();
        }
        overrides.apply(&mut plan);
        plan.under_test = UnderTest::read(target, plan.system.sound_values(&plan.load))?;
        plan.place_clients();
        plan.validate(&source.label())?;
        jitter::apply(&mut plan);
        Ok(plan)
    }

    /// A plan that was made by a program, checked like one that was written by hand.
    ///
    /// # Errors
    /// Fields break a rule: all of them are named.
    pub fn checked(mut self, label: &str) -> Result<Self, PlanError> {
        Overrides::default().apply(&mut self);
        self.under_test = self.under_test.for_plan(self.system.sound_values(&self.load))?;
        self.place_clients();
        self.validate(label)?;
        jitter::apply(&mut self);
        Ok(self)
    }

    /// Clients are where the target's file says, unless the plan does.
    fn place_clients(&mut self) {
        let from = &self.under_test.target().load_from;
        if self.load.from.is_none() && !from.is_empty() {
            self.load.from = Some(from.clone());
        }
    }

    /// Parses the text of a plan. `label` says in errors whose text it is.
    fn parse(label: &str, text: &str) -> Result<Self, PlanError> {
        toml::from_str(text).map_err(|error| PlanError::syntax(label, text, &error))
    }

    fn validate(&self, label: &str) -> Result<(), PlanError> {
        let mut problems = Problems::default();
        let fits = !self.name.is_empty()
            && self.name.len() <= MAX_NAME_LEN
            && self.name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte));
        problems.unless(fits, "name", || {
            format!(
                "{:?} cannot name a folder: use 1 to {MAX_NAME_LEN} letters, digits, - and _",
                self.name
            )
        });
        self.load.validate(&mut problems);
        self.system.validate(&mut problems);
        self.under_test.validate(&self.system, &mut problems);
        self.checks.validate(&self.cells(), &self.load, &mut problems);
        self.validate_faults(&mut problems);
        on_hosts::validate(self, &mut problems);
        problems.into_result(label)
    }

    fn validate_faults(&self, problems: &mut Problems) {
        if self.faults.is_empty() {
            return;
        }
        let Some(load_ms) = self.load.duration_ms() else {
            problems.add(
                "load.iterations",
                "faults come at set times, so the load needs duration_s instead",
            );
            return;
        };
        if let Err(errors) = Schedule::expand(&self.faults, &self.processes()) {
            for error in errors {
                problems.add(&error.field, error.problem);
            }
        }
        for (index, fault) in self.faults.iter().enumerate() {
            let own = fault.own().map(|name| self.under_test.has_own_fault(name.as_str()));
            if let Some(Err(problem)) = own {
                problems.add(&format!("faults[{index}].target"), problem);
            }
        }
        jitter::validate(self, problems);
        let processes = self.processes();
        for (index, fault) in self.faults.iter().enumerate() {
            let latest = fault.last_at_ms(&processes).saturating_add(self.jitter_ms);
            let over = latest.saturating_add(fault.for_ms.unwrap_or(0));
            problems.unless(over < load_ms, &format!("faults[{index}].at_ms"), || {
                format!(
                    "the fault is over {over} ms after the load began, which must be before the load \
                     ends at {load_ms} ms: make it earlier, or load.duration_s longer"
                )
            });
        }
    }

    /// What each trial's injector does. A valid plan has a schedule; it is empty without faults.
    #[must_use]
    pub fn schedule(&self) -> Schedule {
        Schedule::expand(&self.faults, &self.processes()).unwrap_or_default()
    }

    /// The processes of the system under test.
    #[must_use]
    pub fn processes(&self) -> Processes {
        self.under_test.processes()
    }

    /// Every combination of p, rate and the ways to start the system, in the order of the charts.
    #[must_use]
    pub fn cells(&self) -> Vec<Cell> {
        let planned_faults = u32::try_from(self.schedule().certain()).unwrap_or(u32::MAX);
        let cell = |p: f64, rate_per_s: Option<f64>, way: &Way| {
            let way_id = way.id.as_ref().map(|id| format!("-{id}")).unwrap_or_default();
            let rate_id = rate_per_s.map(|rate| format!("-r{rate}")).unwrap_or_default();
            Cell {
                id: format!("p{p}{way_id}{rate_id}"),
                p,
                cache: way.cache,
                variant: way.variant.clone(),
                clients: self.load.clients(),
                rate_per_s,
                stages: self.load.stages.clone(),
                build: None,
                trials: self.load.trials,
                planned_faults,
            }
        };
        let ways = self.under_test.ways(&self.system);
        let of_p = |p: f64| {
            let rates = self.load.rates();
            let (cell, ways) = (&cell, &ways);
            rates.into_iter().flat_map(move |rate| ways.iter().map(move |way| cell(p, rate, way)))
        };
        self.load.p.iter().flat_map(|p| of_p(*p)).collect()
    }

    /// The stocks that every trial begins with.
    #[must_use]
    pub fn initial_stocks(&self) -> Vec<InitialStock> {
        self.under_test.stocks()
    }

    /// The plan as TOML, every default spelled out.
    ///
    /// # Errors
    /// None in practice: every field has a form in TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        toml::to_string_pretty(self)
    }
}

/// Long enough for a name that says something, short enough for every file system.
const MAX_NAME_LEN: usize = 64;

#[cfg(test)]
mod tests;
