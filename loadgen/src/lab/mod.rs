//! Exercises for people who learn to test: a bazaar with one planted bug, and nobody says which.
//!
//! An exercise is a case of the proof whose bug does harm by itself, so what a student can find is known to
//! be findable. Its number is the same on every machine and does not follow the catalogue. Invariant: until
//! somebody asks for it, the bug's name is on no command line, in no file of a run and on no page; the services
//! get it through their environment.

mod difficulty;

use std::collections::BTreeSet;

use anyhow::Context;
use results::checks;
use uuid::Uuid;

pub use self::difficulty::Difficulty;
use crate::plan::Plan;
use crate::prove::case::{CASES, Case};

/// What the services take the names of bugs from, separated by commas.
const PLANT_VARIABLE: &str = "BAZAAR_PLANT";
/// What they take the moments that they make longer from, each as `POINT=MS`.
const STRETCH_VARIABLE: &str = "BAZAAR_STRETCH";
/// Permutes the exercises of one difficulty: by the hash of their names under this key.
const KEY: Uuid = Uuid::from_u128(0x5ca1_ab1e_0b5e_55ed_c0ff_ee15_900d_f00d);

/// A bug to be found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exercise {
    /// From 1.
    pub number: u32,
    /// How hard it is to make the bug show.
    pub difficulty: Difficulty,
    /// The bug, where it shows, and the check that finds it.
    pub case: &'static Case,
    /// What every service of the bazaar must have in its environment: name and value. The moments that the
    /// bug's story makes longer are longer here too, so that a bug shows in any plan that provokes it.
    pub environment: Vec<(String, String)>,
}

/// Every exercise, the easy ones first.
///
/// # Errors
/// None in practice: the stories are part of the program, and a test reads them all.
pub fn exercises() -> anyhow::Result<Vec<Exercise>> {
    let mut seen = BTreeSet::new();
    let alone = CASES.iter().filter(|case| case.beside.is_empty());
    let mut exercises = Vec::new();
    // A bug that has two stories is one exercise: with the first of them.
    for case in alone.filter(|case| seen.insert(case.bug)) {
        let plan = case.story.plan(&[], 1)?;
        let (difficulty, environment) = (Difficulty::of(&plan), environment(case, &plan));
        exercises.push(Exercise { number: 0, difficulty, case, environment });
    }
    exercises.sort_by_key(|one| (one.difficulty, Uuid::new_v5(&KEY, one.case.bug.as_bytes())));
    for (number, exercise) in (1..).zip(&mut exercises) {
        exercise.number = number;
    }
    Ok(exercises)
}

/// The exercise with this number.
///
/// # Errors
/// There is none.
pub fn exercise(number: u32) -> anyhow::Result<Exercise> {
    let exercises = exercises()?;
    let count = exercises.len();
    let found = exercises.into_iter().find(|exercise| exercise.number == number);
    found.with_context(|| format!("N: there is no exercise {number}; there are 1 to {count}"))
}

fn environment(case: &Case, plan: &Plan) -> Vec<(String, String)> {
    let stretch = plan.system.stretch.join(",");
    let plant = (PLANT_VARIABLE.to_owned(), case.bug.to_owned());
    let stretch = (!stretch.is_empty()).then(|| (STRETCH_VARIABLE.to_owned(), stretch));
    std::iter::once(plant).chain(stretch).collect()
}

impl Exercise {
    /// What holds of every correct bazaar, and not of this one.
    #[must_use]
    pub fn broken_claim(&self) -> &'static str {
        let mut known = checks::requirements();
        known.find(|known| known.check == self.case.check).map_or("", |known| known.claim)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_bug_that_does_harm_by_itself_is_one_exercise() {
        let exercises = exercises().unwrap();
        let numbers: Vec<u32> = exercises.iter().map(|one| one.number).collect();
        assert!(numbers.len() > 15 && numbers.iter().copied().eq(1..=numbers.len() as u32));
        let bugs: BTreeSet<_> = exercises.iter().map(|one| one.case.bug).collect();
        assert_eq!(bugs.len(), exercises.len());
        assert!(exercises.iter().all(|one| one.case.beside.is_empty()));
    }

    #[test]
    fn exercises_become_harder_and_do_not_follow_the_catalogue() {
        let exercises = exercises().unwrap();
        assert!(exercises.is_sorted_by_key(|one| one.difficulty));
        for difficulty in Difficulty::ALL {
            let of_it = exercises.iter().filter(|one| one.difficulty == difficulty);
            let place = |one: &Exercise| CASES.iter().position(|case| case.bug == one.case.bug);
            let places: Vec<_> = of_it.map(place).collect();
            assert!(places.len() >= 3 && !places.is_sorted(), "{difficulty}: {places:?}");
        }
    }

    #[test]
    fn a_number_beyond_the_last_is_refused_with_how_many_there_are() {
        let count = exercises().unwrap().len() as u32;
        for number in [0, count + 1] {
            let error = exercise(number).unwrap_err().to_string();
            assert_eq!(error, format!("N: there is no exercise {number}; there are 1 to {count}"));
        }
    }

    #[test]
    fn the_services_are_told_the_bug_and_the_moments_of_its_story() {
        let exercises = exercises().unwrap();
        let of = |bug: &str| exercises.iter().find(|one| one.case.bug == bug).unwrap();
        let slow = &of("skip-invalidation").environment;
        let said = [("BAZAAR_PLANT", "skip-invalidation"), ("BAZAAR_STRETCH", "fill=20")];
        assert_eq!(slow[..], said.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(of("never-remove").environment.len(), 1);
    }

    #[test]
    fn a_hint_is_a_claim_and_no_bug() {
        for exercise in exercises().unwrap() {
            let claim = exercise.broken_claim();
            assert!(!claim.is_empty() && !claim.contains(exercise.case.bug), "{claim}");
        }
    }
}
