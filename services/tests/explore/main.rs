//! The real cores, explored: what can happen to them, in every order, and whether it keeps the
//! promises.
//!
//! * [`search`]: the explorer.
//! * [`replication`], [`coherence`]: the two large models, each of real cores in modelled shells.
//! * [`trade`], [`keys`], [`detection`], [`gray`], [`flapping`], [`lookup`], [`places`]: small ones, for one
//!   promise each.
//! * [`rules`]: every rule with the bug that leaves it out, and where each search looks; [`case`] is what
//!   such a search is.
//!
//! With all rules on nothing is found; with any one left out there is a story in which a promise is
//! broken.
//! The tests here look as far as a minute or two allows; `make explore` looks further, prints the
//! stories, and prints a table.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod bulkhead;
mod case;
mod coherence;
mod detection;
mod flapping;
mod gray;
mod keys;
mod ledger;
mod lookup;
mod replication;
mod rules;
mod search;
mod shared;
mod trade;

use std::time::Duration;

use clap::ValueEnum;
use services::planted::{Bug, Bugs};

use case::Case;
use rules::{AT_LENGTH, BRIEFLY, CASES, ELSEWHERE};
use search::{Outcome, Story};

/// What is looked at in CI for one rule that is left out: a story takes a tenth of that.
const STATES_FOR_A_STORY: usize = 300_000;
/// And in the same places with all rules on, over files that were lost or are old.
const STATES_TO_COMPARE: usize = 3_000;
/// And with all rules on: more than there are in the places that are looked at briefly.
const STATES_BRIEFLY: usize = 1_000_000;
/// On a machine that has other things to do, too. Reaching it is a failure: what a test has seen
/// must not depend on the machine.
const TIME_BRIEFLY: Duration = Duration::from_secs(600);
/// What fits into 5 gigabytes.
const STATES_AT_LENGTH: usize = 4_000_000;
/// For each place.
const TIME_AT_LENGTH: Duration = Duration::from_secs(60);

/// Longer than any that comes to an end.
const MAX_EPILOGUE: usize = 110;

#[test]
fn with_all_rules_on_no_promise_is_broken() {
    for (name, place, faults) in BRIEFLY.iter().filter(|(name, ..)| is_wanted(name)) {
        let outcome = place.explore(Bugs::default(), *faults, STATES_BRIEFLY, TIME_BRIEFLY);
        println!("{}", row("all on", name, &outcome));
        assert!(outcome.story.is_none(), "{name}:\n{}", tell(&outcome.story.unwrap()));
        assert_eq!(outcome.exhausted, Some(*faults), "{name}: not everything was seen");
    }
}

#[test]
fn without_any_one_rule_a_promise_is_broken() {
    let mut missed: Vec<Bug> = Vec::new();
    for case in CASES.iter().filter(|case| is_wanted(case.rule) || is_wanted(&name(case.bug))) {
        let outcome = find(case);
        println!("{}", row(case.rule, &name(case.bug), &outcome));
        missed.extend(outcome.story.is_none().then_some(case.bug));
    }
    assert_eq!(missed, [], "no story");
}

/// A story over lost and old files proves something only if there is none with all rules on.
#[test]
fn over_damaged_files_it_takes_a_rule_less_to_break_a_promise() {
    let mut broken = Vec::new();
    for case in
        CASES.iter().filter(|case| case.is_over_damaged_files() && is_wanted(&name(case.bug)))
    {
        let what = name(case.bug);
        let outcome =
            case.place.explore(Bugs::default(), case.faults, STATES_TO_COMPARE, TIME_BRIEFLY);
        println!("{}", row("all on", &what, &outcome));
        broken.extend(outcome.story.as_ref().map(|story| format!("{what}:\n{}", tell(story))));
    }
    assert!(broken.is_empty(), "with all rules on:\n{}", broken.join("\n"));
}

#[test]
fn every_rule_that_can_be_left_out_is_looked_into_once() {
    let explored = CASES.iter().map(|case| case.bug);
    let mut looked_into: Vec<Bug> = explored.chain(ELSEWHERE.iter().copied()).collect();
    looked_into.sort();
    assert_eq!(looked_into, Bug::value_variants());
}

/// The long run, for `make explore`.
#[test]
#[ignore = "takes minutes; `make explore` runs it"]
fn explored_at_length() {
    let mut table = vec![HEADER.to_owned()];
    for case in CASES.iter().filter(|case| is_wanted(&name(case.bug))) {
        let outcome = find(case);
        let story = outcome.story.as_ref().map_or_else(|| "no story\n".to_owned(), tell);
        println!("{} left out ({}):\n{story}", case.rule, name(case.bug));
        table.push(row(case.rule, &name(case.bug), &outcome));
    }
    let mut broken = Vec::new();
    for (name, place, faults) in AT_LENGTH.iter().filter(|(name, ..)| is_wanted(name)) {
        println!("all rules on: {name} ...");
        let outcome = place.explore(Bugs::default(), *faults, STATES_AT_LENGTH, TIME_AT_LENGTH);
        table.push(row("all on", name, &outcome));
        broken.extend(outcome.story.as_ref().map(tell));
    }
    println!("\n{}", table.join("\n"));
    assert!(broken.is_empty(), "with all rules on:\n{}", broken.join("\n"));
    let missed = table.iter().filter(|row| row.contains(NONE) && !row.starts_with("all on"));
    assert_eq!(missed.count(), 0, "a rule can be left out without a story");
}

/// With `EXPLORE=TEXT` in the environment only what contains that text is looked at.
fn is_wanted(name: &str) -> bool {
    std::env::var("EXPLORE").map_or(true, |wanted| name.contains(&wanted))
}

const HEADER: &str = concat!(
    "rule     left out, or where              story                         states  depth   seconds",
    "  seen whole"
);
const NONE: &str = "none";

fn find(case: &Case) -> Outcome {
    let bugs = Bugs::default().with(case.bug);
    case.place.explore(bugs, case.faults, STATES_FOR_A_STORY, TIME_BRIEFLY)
}

fn name(bug: Bug) -> String {
    bug.to_possible_value().unwrap().get_name().to_owned()
}

fn row(rule: &str, what: &str, outcome: &Outcome) -> String {
    let story = outcome.story.as_ref().map_or_else(
        || NONE.to_owned(),
        |story| {
            let (steps, faults) = (story.steps.len(), story.faults);
            match story.epilogue.len() {
                0 => format!("{steps} steps, {faults} faults"),
                more => format!("{steps} + {more} steps, {faults} faults"),
            }
        },
    );
    let seen = outcome.exhausted.map_or_else(String::new, |faults| format!("{faults} faults"));
    format!(
        "{rule:8} {what:30} {story:24} {:>11} {:>6} {:>9.1}  {seen}",
        outcome.states,
        outcome.depth,
        outcome.took.as_secs_f64()
    )
}

fn tell(story: &Story) -> String {
    let mut text = String::new();
    let steps = story.steps.iter().enumerate();
    steps.for_each(|(index, step)| text.push_str(&format!("{:4}. {step}\n", index + 1)));
    if !story.epilogue.is_empty() {
        text.push_str("      and then, with nothing more going wrong:\n");
    }
    for (index, step) in story.epilogue.iter().take(MAX_EPILOGUE).enumerate() {
        text.push_str(&format!("{:4}. {step}\n", story.steps.len() + index + 1));
    }
    if story.epilogue.len() > MAX_EPILOGUE {
        text.push_str("      and so on\n");
    }
    text.push_str(&format!("      => {}\n", story.promise));
    text
}
