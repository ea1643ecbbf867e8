//! An order that was shown stays, as it was shown.
//!
//! Anybody who looks an order up need not have been told of it: it may be another client's, or one
//! that is still on its way. Whatever a lookup shows is a promise all the same, so it must be
//! committed: every replica must hold it in the end under that number and with that content, and
//! no later lookup may miss it. *The leader shows #11, which no follower has yet, and dies; its
//! successor numbers another trade #11* is what this finds.

use std::collections::HashMap;

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::part::Part;
use super::promised;
use super::rows::{Content, Operation};
use crate::records::{Fact, Outcome};

pub(crate) const CHECK: Check = Check {
    name: "shown-orders-stay",
    claim: "an order that was shown stays as it was shown",
    parts: &[LOGS, LOOKUPS],
    needs: &[Need::Acknowledged, Need::Replicas],
    examine,
    count: None,
};

const LOGS: Part = Part::new(
    "every replica holds it",
    &[
        Fact::Lookups,
        Fact::OrderContents,
        Fact::OrdersOfReplicas,
        Fact::ReplicatedOrders,
        Fact::DurableAcknowledgement,
    ],
);
const LOOKUPS: Part = Part::new(
    "later lookups show it",
    &[Fact::Lookups, Fact::OrderContents, Fact::DurableAcknowledgement],
);

/// A lookup that showed an order.
#[derive(Clone, Copy)]
struct Shown<'a> {
    operation: &'a Operation,
}

impl<'a> Shown<'a> {
    fn order_no(&self) -> u64 {
        promised::to_be_there(self.operation.row.order_no)
    }

    fn content(&self) -> Content<'a> {
        promised::to_be_there(Content::of(self.operation))
    }
}

fn examine(history: &History<'_>, finding: &mut Finding) {
    let showed = history.lookups.iter().filter(|lookup| lookup.row.outcome == Outcome::Ok);
    let shown: Vec<_> = showed.map(|operation| Shown { operation }).collect();
    // Every log is asked about every order that was shown, if there is a log to ask.
    for one in shown.iter().filter(|_| history.can(&LOGS)) {
        let (order_no, content) = (one.order_no(), one.content());
        for log in &history.logs {
            let held = log.at(order_no);
            let wrong = match held {
                Some(entry) if entry.content() == content => continue,
                Some(entry) => format!(
                    "a lookup showed #{order_no} ({content}), but {} holds it as {}",
                    log.source,
                    entry.content()
                ),
                // A dump that was cut off may lack what the replica has.
                None if !history.timeline.finished => continue,
                None => format!(
                    "a lookup showed #{order_no} ({content}), but {} does not hold it",
                    log.source
                ),
            };
            finding.violation(|| {
                let violation = Violation::new(history, wrong)
                    .at(history, one.operation.row.end_us)
                    .operation(one.operation);
                held.into_iter().fold(violation, |all, entry| all.held(entry.row))
            });
        }
    }
    let first_shown = first_shown(&shown);
    for &lookup in &history.lookups {
        if let Some((before, wrong)) = taken_back(&first_shown, lookup) {
            finding.violation(|| {
                Violation::new(history, wrong)
                    .at(history, lookup.row.end_us)
                    .operation(before.operation)
                    .operation(lookup)
            });
        }
    }
    finding.examined("lookups that showed an order", shown.len());
}

/// For each number the lookup that was the first to have shown it.
fn first_shown<'a>(shown: &[Shown<'a>]) -> HashMap<u64, Shown<'a>> {
    let mut first: HashMap<u64, Shown<'a>> = HashMap::with_capacity(shown.len());
    for one in shown {
        let known = first.entry(one.order_no()).or_insert(*one);
        if one.operation.row.end_us < known.operation.row.end_us {
            *known = *one;
        }
    }
    first
}

/// What is wrong with a lookup that came after one that had shown the order.
fn taken_back<'a>(
    first_shown: &HashMap<u64, Shown<'a>>,
    lookup: &Operation,
) -> Option<(Shown<'a>, String)> {
    let number = lookup.row.order_no?;
    let before = first_shown.get(&number)?;
    if before.operation.row.end_us > lookup.row.start_us {
        return None;
    }
    let content = before.content();
    let is = match lookup.row.outcome {
        Outcome::Rejected => "did not find it".to_owned(),
        Outcome::Ok => match Content::of(lookup) {
            Some(shown) if shown == content => return None,
            Some(shown) => format!("shows {shown}"),
            None => "shows only a part".to_owned(),
        },
        Outcome::Failed | Outcome::Unknown => return None,
    };
    Some((*before, format!("#{number} was shown ({content}), but a later lookup {is}")))
}

#[cfg(test)]
mod tests {
    use wire::bazaar::TradeType::{Buy, Sell};

    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_passes};
    use crate::records::{Outcome, Phase};

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.trade(2, "r2", Sell, 4, "Stock2", (15, 30));
        trial.lookup(1, "r2", (20, 25));
        let peek = trial.observations.last_mut().unwrap();
        (peek.phase, peek.request_id) = (Phase::Load, None);
        trial
    }

    #[test]
    fn an_order_may_be_shown_before_it_is_acknowledged() {
        assert_passes(&trial().check(&CHECK));
    }

    #[test]
    fn an_order_that_is_not_there_yet_may_be_there_later() {
        let mut trial = trial();
        trial.lookup(2, "r2", (12, 18));
        trial.observations.last_mut().unwrap().outcome = Outcome::Rejected;
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn an_order_that_was_shown_and_lost_is_a_violation_though_nobody_was_told_its_number() {
        let mut trial = trial();
        trial.observations.retain(|row| row.request_id.as_deref() != Some("r2"));
        trial.entry_mut("order-2", "r2").quantity = Some(5);
        let what =
            "a lookup showed #2 (Sell 4 of Stock2), but order-2 holds it as Sell 5 of Stock2";
        assert_fails(&trial.check(&CHECK), what);
        trial.finals.retain(|row| {
            row.request_id.as_deref() != Some("r2") || row.source.as_str() == "catalog"
        });
        assert_fails(&trial.check(&CHECK), "order-1 does not hold it");
    }

    #[test]
    fn a_later_lookup_finds_it_too() {
        let mut trial = trial();
        trial.lookup(2, "r2", (26, 28));
        trial.observations.last_mut().unwrap().outcome = Outcome::Rejected;
        assert_fails(&trial.check(&CHECK), "#2 was shown (Sell 4 of Stock2), but a later lookup");
    }
}
