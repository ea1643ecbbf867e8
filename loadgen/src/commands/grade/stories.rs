//! Which plan a story is, how long it takes, and the command that repeats it.

use std::path::Path;
use std::time::Duration;

use grade::story::Story;

use crate::hosts;
use crate::plan::{BuiltIn, Overrides, Plan, PlanError, PlanSource};
use crate::run::{Kind, expected_trial};
use crate::shell::quoted;

/// The kind of run that a story is.
pub(super) fn kind(story: Story) -> Kind {
    match story {
        Story::Bench => Kind::Bench,
        _ => Kind::Failover,
    }
}

/// The plan of a story: one that the program carries, so that anybody can repeat it.
pub(super) fn plan(story: Story) -> Result<Plan, PlanError> {
    Plan::resolve(&PlanSource::BuiltIn(built_in(story)), &Overrides::default())
}

fn built_in(story: Story) -> BuiltIn {
    match story {
        Story::Bench => BuiltIn::Grade,
        Story::Failover => BuiltIn::Failover,
        Story::RestartThenLead => BuiltIn::RestartThenLead,
        Story::AllDown => BuiltIn::AllDown,
        Story::Hang => BuiltIn::Hang,
        Story::Crowd => BuiltIn::Crowd,
    }
}

/// How long a plan is expected to take.
pub(super) fn expected(plan: &Plan) -> Duration {
    let cells = u32::try_from(plan.cells().len()).unwrap_or(u32::MAX);
    expected_trial(plan) * cells * plan.load.trials
}

/// The command that repeats a story with the target in `file`.
pub(super) fn command(story: Story, file: &Path) -> String {
    let file = quoted(file);
    let (command, plan) = (kind(story).as_str(), built_in(story).name());
    let run_by = hosts::run_by_text();
    format!("{run_by}double-trouble {command} --target {file} --plan {plan}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_story_is_a_plan_with_one_trial_and_faults_where_something_is_broken() {
        for story in Story::ALL {
            let plan = plan(story).unwrap();
            assert_eq!((plan.cells().len(), plan.load.trials), (1, 1), "{story}");
            assert_eq!(plan.faults.is_empty(), story == Story::Bench, "{story}");
        }
    }

    #[test]
    fn all_of_them_fit_into_the_minutes_that_a_submission_has_by_default() {
        let all: Duration = Story::ALL.map(|story| expected(&plan(story).unwrap())).iter().sum();
        assert!(all < Duration::from_secs(300), "{all:?}");
    }

    #[test]
    fn a_command_can_be_copied_into_a_shell() {
        let command = |file: &str| command(Story::Bench, Path::new(file));
        assert_eq!(command("shop.toml"), "double-trouble bench --target shop.toml --plan grade");
        assert_eq!(command("it's; x"), "double-trouble bench --target \"it's; x\" --plan grade");
    }
}
