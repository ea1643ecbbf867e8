//! The stories that the services go through, as plans.

use std::fmt;

use anyhow::Context;

use crate::plan::Plan;

/// A plan in which a bug does harm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Story {
    /// `plans/prove/leader-dies.toml`.
    LeaderDies,
    /// `plans/prove/leader-dies-answering.toml`.
    LeaderDiesAnswering,
    /// `plans/prove/slow-fills.toml`.
    SlowFills,
    /// `plans/prove/replica-left-behind.toml`.
    ReplicaLeftBehind,
    /// `plans/prove/follower-sleeps.toml`.
    FollowerSleeps,
    /// `plans/prove/follower-stays-away.toml`.
    FollowerStaysAway,
    /// `plans/prove/leader-sleeps.toml`.
    LeaderSleeps,
    /// `plans/prove/leader-and-front-end-die.toml`.
    LeaderAndFrontEndDie,
    /// `plans/prove/all-replicas-die.toml`.
    AllReplicasDie,
    /// `plans/prove/power-fails.toml`.
    PowerFails,
    /// `plans/prove/catalog-dies.toml`.
    CatalogDies,
    /// `plans/prove/leader-back-unnoticed.toml`.
    LeaderBackUnnoticed,
    /// `plans/prove/leader-cut-off.toml`.
    LeaderCutOff,
    /// `plans/prove/front-end-flooded.toml`.
    FrontEndFlooded,
    /// `plans/prove/leader-loses-files.toml`.
    LeaderLosesFiles,
}

impl Story {
    /// Its name, which is its plan's.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::LeaderDies => "leader-dies",
            Self::LeaderDiesAnswering => "leader-dies-answering",
            Self::SlowFills => "slow-fills",
            Self::ReplicaLeftBehind => "replica-left-behind",
            Self::FollowerSleeps => "follower-sleeps",
            Self::FollowerStaysAway => "follower-stays-away",
            Self::LeaderSleeps => "leader-sleeps",
            Self::LeaderAndFrontEndDie => "leader-and-front-end-die",
            Self::AllReplicasDie => "all-replicas-die",
            Self::PowerFails => "power-fails",
            Self::CatalogDies => "catalog-dies",
            Self::LeaderBackUnnoticed => "leader-back-unnoticed",
            Self::LeaderCutOff => "leader-cut-off",
            Self::FrontEndFlooded => "front-end-flooded",
            Self::LeaderLosesFiles => "leader-loses-files",
        }
    }

    /// Its plan's text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::LeaderDies => include_str!("../../plans/prove/leader-dies.toml"),
            Self::LeaderDiesAnswering => {
                include_str!("../../plans/prove/leader-dies-answering.toml")
            }
            Self::SlowFills => include_str!("../../plans/prove/slow-fills.toml"),
            Self::ReplicaLeftBehind => include_str!("../../plans/prove/replica-left-behind.toml"),
            Self::FollowerSleeps => include_str!("../../plans/prove/follower-sleeps.toml"),
            Self::FollowerStaysAway => include_str!("../../plans/prove/follower-stays-away.toml"),
            Self::LeaderSleeps => include_str!("../../plans/prove/leader-sleeps.toml"),
            Self::LeaderAndFrontEndDie => {
                include_str!("../../plans/prove/leader-and-front-end-die.toml")
            }
            Self::AllReplicasDie => include_str!("../../plans/prove/all-replicas-die.toml"),
            Self::PowerFails => include_str!("../../plans/prove/power-fails.toml"),
            Self::CatalogDies => include_str!("../../plans/prove/catalog-dies.toml"),
            Self::LeaderBackUnnoticed => {
                include_str!("../../plans/prove/leader-back-unnoticed.toml")
            }
            Self::LeaderCutOff => include_str!("../../plans/prove/leader-cut-off.toml"),
            Self::FrontEndFlooded => include_str!("../../plans/prove/front-end-flooded.toml"),
            Self::LeaderLosesFiles => include_str!("../../plans/prove/leader-loses-files.toml"),
        }
    }

    /// The plan with `bugs` planted, and its random choices made from `seed`.
    ///
    /// # Errors
    /// None in practice: the plans are part of the program, and a test reads them all.
    pub fn plan(self, bugs: &[&str], seed: u64) -> anyhow::Result<Plan> {
        let label = format!("{self} (built in)");
        let mut plan: Plan = toml::from_str(self.text()).context(label.clone())?;
        plan.system.plant = bugs.iter().copied().map(str::to_owned).collect();
        plan.load.seed = seed;
        Ok(plan.checked(&label)?)
    }
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::super::case::CASES;

    #[test]
    fn every_story_is_a_sound_plan_of_its_name_that_takes_seconds() {
        for case in CASES {
            let plan = case.story.plan(&[case.bug], 7).unwrap();
            assert_eq!((plan.name.as_str(), plan.load.seed), (case.story.name(), 7));
            assert_eq!(plan.system.plant, [case.bug]);
            assert!(plan.load.duration_ms().is_some_and(|ms| ms <= 7000));
        }
    }
}
