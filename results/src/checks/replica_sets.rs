//! Replicas hold the same orders, and, where that is promised, in the same order.
//!
//! The two are told apart: a replica that lacks an order has lost something, and one that has all of them in another
//! order has applied them in another order. The order is that in which the rows were read.

use std::collections::BTreeMap;

use super::check::{Check, Finding};
use super::dumps::{LogEntry, ReplicaLog};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::part::Part;
use crate::records::{AtLine as _, Fact};

pub(super) const CHECK: Check = Check {
    name: "replicas-hold-the-same",
    claim: "all replicas hold the same orders",
    parts: &[SET, ORDER],
    needs: &[Need::Acknowledged, Need::Replicas],
    examine,
    count: None,
};

// A replica that is alone agrees with itself, which says nothing.
const SET: Part = Part::new(
    "the same set",
    &[Fact::OrdersOfReplicas, Fact::ReplicatedOrders, Fact::CopiesOfOrders],
);
const ORDER: Part = Part::new(
    "in the same order",
    &[Fact::OrdersOfReplicas, Fact::IdenticalReplicas, Fact::CopiesOfOrders],
);

fn examine(history: &History<'_>, finding: &mut Finding) {
    let Some((first, others)) = history.logs.split_first() else { return };
    finding.examined("orders", first.entries.len());
    finding.examined("replicas", history.logs.len());
    let reference = counts(history, first);
    for other in others {
        let differing = differences(&reference, &counts(history, other));
        for (what, entry) in &differing {
            let (one, two) = (first.source, other.source);
            let what = match what {
                Side::First => format!("{one} holds {}, and {two} does not", named(entry)),
                Side::Second => format!("{two} holds {}, and {one} does not", named(entry)),
            };
            finding.violation(|| {
                Violation::new(history, what).held(entry.row).story(history, entry.request)
            });
        }
        if differing.is_empty() && history.can(&ORDER) {
            order(history, first, other, finding);
        }
    }
}

#[derive(Clone, Copy)]
enum Side {
    First,
    Second,
}

/// How often a log holds each order.
type Counts<'l, 'a> = BTreeMap<(u64, String), (usize, &'l LogEntry<'a>)>;

fn counts<'l, 'a>(history: &History<'_>, log: &'l ReplicaLog<'a>) -> Counts<'l, 'a> {
    let mut counts: Counts<'l, 'a> = BTreeMap::new();
    for entry in &log.entries {
        let id = entry.request.map(|request| history.requests.id(request)).unwrap_or_default();
        let key = (entry.order_no(), format!("{} {id}", entry.content()));
        counts.entry(key).or_insert((0, entry)).0 += 1;
    }
    counts
}

/// What one holds more often than the other. A dump that was cut off makes the trial unfinished, and its
/// doubt is told elsewhere.
fn differences<'l, 'a>(
    first: &Counts<'l, 'a>,
    second: &Counts<'l, 'a>,
) -> Vec<(Side, &'l LogEntry<'a>)> {
    let more = |one: &Counts<'l, 'a>, other: &Counts<'l, 'a>, side| {
        let held = |key| other.get(key).map_or(0, |&(count, _)| count);
        let more = one.iter().filter(|(key, (count, _))| *count > held(key));
        more.map(|(_, &(_, entry))| (side, entry)).collect::<Vec<_>>()
    };
    let mut differences = more(first, second, Side::First);
    differences.extend(more(second, first, Side::Second));
    differences
}

fn named(entry: &LogEntry<'_>) -> String {
    format!("#{} ({})", entry.order_no(), entry.content())
}

fn order(history: &History<'_>, one: &ReplicaLog<'_>, two: &ReplicaLog<'_>, finding: &mut Finding) {
    let as_read = |log: &ReplicaLog<'_>| {
        let mut rows: Vec<_> =
            log.entries.iter().map(|entry| (entry.row.line(), entry.order_no())).collect();
        rows.sort_unstable();
        rows.into_iter().map(|(_, number)| number).collect::<Vec<u64>>()
    };
    let (first, second) = (as_read(one), as_read(two));
    let place = first.iter().zip(&second).position(|(one, two)| one != two);
    if let Some(place) = place {
        finding.violation(|| {
            let what = format!(
                "{} and {} hold the same orders, but not in the same order: in place {} the one has #{}, the \
                 other #{}",
                one.source,
                two.source,
                place + 1,
                first[place],
                second[place]
            );
            let held = [one.at(first[place]), two.at(second[place])];
            let held = held.into_iter().flatten();
            held.fold(Violation::new(history, what), |all, entry| all.held(entry.row))
        });
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::replicas;
    use crate::checks::testing::{
        Trial, assert_fails, assert_inconclusive, assert_not_applicable, assert_passes,
    };
    use crate::records::{Fact, Promises, Replication, Target};
    use wire::bazaar::TradeType::Buy;

    fn trial(replicated_orders: Replication) -> Trial {
        let promises = Promises { replicated_orders, ..Promises::default() };
        let mut trial = Trial::of(&[Fact::LogsInOrder], promises);
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.trade(1, "r2", Buy, 1, "Stock1", (30, 40));
        trial
    }

    /// The rows of order-2 are read in the other order.
    fn turn_round(trial: &mut Trial) {
        let of_it =
            |row: &&mut crate::records::FinalRow| row.source == "order-2" && row.order_no.is_some();
        let mut rows: Vec<_> = trial.finals.iter_mut().filter(of_it).collect();
        let [one, two] = rows.as_mut_slice() else { panic!("two orders") };
        std::mem::swap(*one, *two);
    }

    #[test]
    fn equal_replicas_pass_whatever_is_promised() {
        for replication in [Replication::Identical, Replication::SameSet] {
            assert_passes(&trial(replication).check(&CHECK));
        }
    }

    #[test]
    fn another_order_is_a_violation_only_where_the_order_is_promised() {
        let mut identical = trial(Replication::Identical);
        turn_round(&mut identical);
        let what = "order-1 and order-2 hold the same orders, but not in the same order: in place 1 the one \
                    has #1, the other #2";
        assert_fails(&identical.check(&CHECK), what);
        let mut same_set = trial(Replication::SameSet);
        turn_round(&mut same_set);
        assert_passes(&same_set.check(&CHECK));
        assert_not_applicable(&same_set.check(&replicas::CHECK), &[Fact::IdenticalReplicas]);
    }

    #[test]
    fn a_replica_that_lacks_an_order_is_a_violation_in_either_direction() {
        let mut lacking = trial(Replication::SameSet);
        lacking.finals.retain(|row| row.source != "order-3" || row.order_no != Some(2));
        assert_fails(
            &lacking.check(&CHECK),
            "order-1 holds #2 (Buy 1 of Stock1), and order-3 does not",
        );
        let mut alone = trial(Replication::SameSet);
        alone.finals.retain(|row| row.source != "order-1" || row.order_no != Some(2));
        assert_fails(
            &alone.check(&CHECK),
            "order-2 holds #2 (Buy 1 of Stock1), and order-1 does not",
        );
    }

    #[test]
    fn a_replica_that_is_alone_agrees_with_nobody() {
        let mut trial = trial(Replication::Identical);
        trial.finals.retain(|row| !matches!(&*row.source, "order-2" | "order-3"));
        let target = Target::new("toy", Fact::ALL, Promises::default());
        let names = |name: &str| vec![name.to_owned()];
        trial.manifest.target = Some(target.holding(names("order-1"), names("catalog")));
        for check in [&CHECK, &replicas::CHECK] {
            assert_not_applicable(&trial.check(check), &[Fact::CopiesOfOrders]);
        }
    }

    #[test]
    fn replicas_that_share_the_orders_need_not_hold_the_same() {
        let trial = trial(Replication::Partitioned);
        assert_not_applicable(&trial.check(&CHECK), &[Fact::ReplicatedOrders]);
    }

    #[test]
    fn a_replica_that_was_not_read_leaves_it_open() {
        let mut trial = trial(Replication::SameSet);
        trial.finals.retain(|row| row.source != "order-3");
        assert_inconclusive(&trial.check(&CHECK), "does not say what order-3 held");
    }
}
