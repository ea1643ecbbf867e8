//! Mutation tests of the checker: finished runs whose files are changed in listed ways, each with the
//! verdict that it must get, and in ways that are drawn at random.
//!
//! A checker is only as good as what it notices. Each mutation is tried twice: as it is, and once all counts
//! that the files keep of their rows were made good again, so that the checks behind the counts are reached. What
//! only damages the files must be an error or inconclusive, never a violation; what tells of harm must fail; and
//! what nothing hangs on must stay a pass.
//!
//! The runs are those of the [kept corpus](../corpus/README.md).

#![expect(clippy::unwrap_used, reason = "helpers of tests panic as tests do")]

mod change;
mod events;
mod files;
mod finals;
mod harmless;
mod mutation;
mod observations;
mod random;
mod run;
mod table;

/// The ways are many, and nobody takes one out unnoticed.
#[test]
fn harm_is_tried_in_150_listed_ways_and_what_is_none_in_30() {
    let count =
        |lists: &[&[mutation::Mutation]]| lists.iter().map(|list| list.len()).sum::<usize>();
    let harm = [observations::LISTS, finals::LISTS, events::LISTS, files::LISTS];
    assert!(harm.map(count).iter().sum::<usize>() >= 150);
    assert!(count(harmless::LISTS) >= 30);
}
