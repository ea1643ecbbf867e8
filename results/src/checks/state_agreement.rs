//! What processes hold at the end is what clients were told, order by order, by number.
//!
//! Both directions. An acknowledged order must be known, with its content, to every process that keeps orders (or,
//! where each keeps a part, to one of them): *order 17, acknowledged at 3.2 s, is unknown to order-1 after its
//! restart*. And an order that no client was told of must be one of which a client does not know the outcome:
//! otherwise a trade that was refused, that failed, or that nobody sent was done all the same. So it was if an order
//! is there with another content than its client was told of.
//!
//! Needs no ids of requests: an order that nobody was told of is put down to any trade with an unknown outcome and
//! the same content.

use std::collections::{BTreeMap, HashMap};

use super::anomalies::Anomaly;
use super::check::{Check, Finding};
use super::dumps::{LogEntry, ReplicaLog};
use super::evidence::Violation;
use super::history::{Acknowledged, History};
use super::inconclusive::Need;
use super::part::Part;
use super::rows::Content;
use crate::records::{Action, Fact, Numbering, Outcome};

pub(super) const CHECK: Check = Check {
    name: "state-is-what-was-told",
    claim: "processes hold the orders that clients were told of",
    parts: &[KNOWN, TOLD],
    needs: &[Need::Acknowledged, Need::Replicas],
    examine,
    count: None,
};

const KNOWN: Part = Part::new(
    "acknowledged orders are known",
    &[Fact::Trades, Fact::OrderNumbers, Fact::OrdersOfReplicas, Fact::DurableAcknowledgement],
);
const TOLD: Part = Part::new(
    "orders that nobody was told of are of trades with an unknown outcome",
    &[Fact::Trades, Fact::OrderNumbers, Fact::OrdersOfReplicas],
);

fn examine(history: &History<'_>, finding: &mut Finding) {
    finding.examined("acknowledged orders", history.acknowledged.len());
    if history.can(&KNOWN) {
        known(history, finding);
    }
    // Where rows are missing, a client may have been told.
    if history.timeline.finished {
        told(history, finding);
    }
}

fn known(history: &History<'_>, finding: &mut Finding) {
    for trade in &history.acknowledged {
        let wrongs = if history.has(Fact::ReplicatedOrders) {
            history.logs.iter().filter_map(|log| wrong(history, trade, log)).collect()
        } else {
            nowhere(history, trade).into_iter().collect::<Vec<_>>()
        };
        for what in wrongs {
            let end_us = trade.operation.row.end_us;
            let request_id = history.requests.id(trade.request);
            finding.anomalies.add(history, Anomaly::Lost, request_id, Some(end_us));
            finding.violation(|| {
                let violation = Violation::new(history, what).at(history, end_us);
                let held = history.logs.iter().filter_map(|log| log.at(trade.order_no()));
                held.fold(violation.operation(trade.operation), |all, entry| all.held(entry.row))
            });
        }
    }
}

/// `order 17, acknowledged at 3.200 s`.
fn named(trade: &Acknowledged<'_>) -> String {
    let at_s = super::milliseconds(trade.operation.row.end_us) / 1_000.0;
    format!("order {}, acknowledged at {at_s:.3} s", trade.order_no())
}

/// The entries with this number. More than one is a violation of another check.
fn entries<'l, 'a>(
    log: &'l ReplicaLog<'a>,
    order_no: u64,
) -> impl Iterator<Item = &'l LogEntry<'a>> {
    let first = log.entries.partition_point(|entry| entry.order_no() < order_no);
    log.entries[first..].iter().take_while(move |entry| entry.order_no() == order_no)
}

fn wrong(history: &History<'_>, trade: &Acknowledged<'_>, log: &ReplicaLog<'_>) -> Option<String> {
    let (content, source) = (trade.content(), log.source);
    let mut held = entries(log, trade.order_no()).map(LogEntry::content).peekable();
    let Some(&first) = held.peek() else {
        // A dump that was cut off may lack what the process has.
        let restarted = restarted(history, source);
        return history
            .timeline
            .finished
            .then(|| format!("{}, is unknown to {source}{restarted}", named(trade)));
    };
    let is_held = held.any(|held| held == content);
    (!is_held).then(|| format!("{} as {content}, is {first} at {source}", named(trade)))
}

fn nowhere(history: &History<'_>, trade: &Acknowledged<'_>) -> Option<String> {
    let (content, order_no) = (trade.content(), trade.order_no());
    let held = || history.logs.iter().flat_map(|log| entries(log, order_no));
    match held().next().map(LogEntry::content) {
        None => history
            .timeline
            .finished
            .then(|| format!("{}, is unknown to every process", named(trade))),
        Some(first) => {
            let is_held = held().any(|entry| entry.content() == content);
            (!is_held).then(|| format!("{} as {content}, is held as {first}", named(trade)))
        }
    }
}

/// ` after its restart at 5.000 s`; nothing if it was not restarted.
fn restarted(history: &History<'_>, source: &str) -> String {
    let mut acts = history.timeline.acts().iter();
    let last = acts.rfind(|act| {
        act.action == Action::Restart
            && act.subject.is_some_and(|subject| subject.to_string() == source)
    });
    last.map_or_else(String::new, |act| {
        let at_s = super::milliseconds(act.at_us) / 1_000.0;
        format!(" after its restart at {at_s:.3} s")
    })
}

fn told(history: &History<'_>, finding: &mut Finding) {
    let mut acknowledged: Vec<(u64, Content<'_>)> =
        history.acknowledged.iter().map(|trade| (trade.order_no(), trade.content())).collect();
    acknowledged.sort_by_key(|&(number, _)| number);
    // Another content is told of already where every process is asked for every order.
    let any_content = history.can(&KNOWN) && history.has(Fact::ReplicatedOrders);
    let is_told = |number: u64, content: Content<'_>| {
        let first = acknowledged.partition_point(|&(other, _)| other < number);
        let mut alike = acknowledged[first..].iter().take_while(|&&(other, _)| other == number);
        alike.any(|&(_, told)| any_content || told == content)
    };
    let promises = history.target.promises();
    // What was there before the trial is nobody's.
    let is_of_trial =
        |number: u64| promises.order_no != Numbering::Sequence || number >= promises.first_order_no;
    let mut untold: BTreeMap<u64, (&str, &LogEntry<'_>)> = BTreeMap::new();
    for log in &history.logs {
        for entry in &log.entries {
            let number = entry.order_no();
            if is_of_trial(number) && !is_told(number, entry.content()) {
                untold.entry(number).or_insert((log.source, entry));
            }
        }
    }
    let mut unknown: HashMap<String, usize> = HashMap::new();
    for trade in &history.trades {
        if let (Outcome::Unknown, Some(content)) = (trade.row.outcome, Content::of(trade)) {
            *unknown.entry(content.to_string()).or_default() += 1;
        }
    }
    finding.examined("orders that nobody was told of", untold.len());
    for (number, (source, entry)) in untold {
        let content = entry.content();
        match unknown.get_mut(&content.to_string()).filter(|left| **left > 0) {
            Some(left) => *left -= 1,
            None => finding.violation(|| {
                let what = format!(
                    "{source} holds order {number} ({content}), of which no client was told, and no trade \
                     with an unknown outcome is left that it could be"
                );
                Violation::new(history, what).held(entry.row).story(history, entry.request)
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{
        Trial, assert_fails, assert_inconclusive, assert_not_applicable, assert_passes,
    };
    use crate::records::{Acknowledged, Action, Fact, FinalKind, Outcome, Promises, Replication};
    use wire::bazaar::TradeType::{Buy, Sell};

    fn filled(mut trial: Trial) -> Trial {
        trial.trade(1, "r1", Buy, 3, "Stock1", (1_000_000, 3_200_000));
        trial.trade(1, "r2", Sell, 1, "Stock1", (4_000_000, 4_100_000));
        for row in &mut trial.finals {
            row.request_id = row.request_id.take().filter(|_| row.kind != FinalKind::Order);
        }
        trial
    }

    fn trial() -> Trial {
        filled(Trial::without(&[Fact::RequestKeys]))
    }

    fn forget(trial: &mut Trial, source: &str, number: u64) {
        trial.finals.retain(|row| row.source != source || row.order_no != Some(number));
    }

    #[test]
    fn orders_that_everybody_holds_pass_without_any_ids() {
        let result = trial().check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.examined[0].count, 2);
    }

    #[test]
    fn an_order_that_a_process_lost_with_its_memory_is_told_in_a_user_s_words() {
        let mut trial = trial();
        trial.fault(4_500_000, Action::Kill, "order-1");
        trial.fault(5_000_000, Action::Restart, "order-1");
        forget(&mut trial, "order-1", 1);
        let what =
            "order 1, acknowledged at 3.200 s, is unknown to order-1 after its restart at 5.000 s";
        assert_fails(&trial.check(&CHECK), what);
        trial.unfinish();
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
    }

    #[test]
    fn an_order_with_another_content_is_a_violation() {
        let mut trial = trial();
        let is_it = |row: &&mut crate::records::FinalRow| {
            row.source == "order-2" && row.order_no == Some(1)
        };
        trial.finals.iter_mut().find(is_it).unwrap().quantity = Some(9);
        assert_fails(&trial.check(&CHECK), "as Buy 3 of Stock1, is Buy 9 of Stock1 at order-2");
    }

    #[test]
    fn where_each_keeps_a_part_one_must_know_it() {
        let promises =
            Promises { replicated_orders: Replication::Partitioned, ..Promises::default() };
        let mut trial = filled(Trial::of(&[Fact::RequestKeys], promises));
        forget(&mut trial, "order-1", 1);
        forget(&mut trial, "order-2", 1);
        assert_passes(&trial.check(&CHECK));
        forget(&mut trial, "order-3", 1);
        assert_fails(&trial.check(&CHECK), "is unknown to every process");
    }

    #[test]
    fn an_order_of_an_unknown_trade_may_be_there_and_one_of_a_failed_trade_may_not() {
        let mut trial = trial();
        trial.observations[1].outcome = Outcome::Unknown;
        trial.observations[1].order_no = None;
        assert_passes(&trial.check(&CHECK));
        trial.observations[1].outcome = Outcome::Failed;
        assert_fails(
            &trial.check(&CHECK),
            "order-1 holds order 2 (Sell 1 of Stock1), of which no client",
        );
    }

    #[test]
    fn a_trade_that_was_done_twice_explains_one_order_only() {
        let mut trial = trial();
        trial.observations[1].outcome = Outcome::Unknown;
        trial.observations[1].order_no = None;
        let is_it = |row: &&crate::records::FinalRow| row.order_no == Some(2);
        let mut again = trial.finals.iter().find(is_it).unwrap().clone();
        again.order_no = Some(3);
        trial.finals.push(again);
        assert_fails(&trial.check(&CHECK), "holds order 3 (Sell 1 of Stock1)");
    }

    #[test]
    fn what_may_be_lost_may_be_unknown() {
        let promises = Promises { acknowledged: Acknowledged::MayBeLost, ..Promises::default() };
        let mut trial = filled(Trial::of(&[Fact::RequestKeys], promises));
        forget(&mut trial, "order-1", 1);
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.left_out[0].lacks, [Fact::DurableAcknowledgement]);
    }

    #[test]
    fn a_target_that_shows_no_orders_is_not_judged() {
        let trial = filled(Trial::without(&[Fact::OrdersOfReplicas, Fact::RequestKeys]));
        assert_not_applicable(&trial.check(&CHECK), &[Fact::OrdersOfReplicas]);
    }
}
