//! Acknowledged orders survive, with their contents.
//!
//! Every replica must hold every acknowledged trade under the number and with the content that
//! its client knows, and a lookup must show just that. *The leader acknowledges #11 and dies; its
//! successor never had it* is what this finds.

use std::collections::BTreeSet;

use crate::records::{Fact, Outcome};

use super::anomalies::Anomaly;
use super::check::{Check, Finding};
use super::dumps::ReplicaLog;
use super::evidence::Violation;
use super::history::{Acknowledged, History};
use super::inconclusive::Need;
use super::part::Part;
use super::rows::{Content, Operation};

pub(super) const CHECK: Check = Check {
    name: "acknowledged-orders-survive",
    claim: "acknowledged orders survive, with their contents",
    parts: &[LOGS, LOOKUPS],
    needs: &[Need::Acknowledged, Need::Replicas],
    examine,
    count: Some(count_losses),
};

const LOGS: Part = Part::new(
    "every replica holds it under its request's id",
    &[
        Fact::Trades,
        Fact::OrderNumbers,
        Fact::OrdersOfReplicas,
        Fact::RequestKeys,
        Fact::ReplicatedOrders,
        Fact::DurableAcknowledgement,
    ],
);
const LOOKUPS: Part = Part::new(
    "lookups show it",
    &[Fact::Trades, Fact::OrderNumbers, Fact::Lookups, Fact::DurableAcknowledgement],
);

fn examine(history: &History<'_>, finding: &mut Finding) {
    finding.examined("acknowledged trades", history.acknowledged.len());
    if history.can(&LOGS) {
        in_logs(history, finding);
    }
    if history.can(&LOOKUPS) {
        in_lookups(history, finding);
    }
}

/// An acknowledged order that a later lookup contradicts is lost, be it that the target allows it.
fn count_losses(history: &History<'_>, finding: &mut Finding) {
    let is_told =
        history.target.lacks(&[Fact::Trades, Fact::OrderNumbers, Fact::Lookups]).is_empty();
    if !is_told {
        return;
    }
    let mut lost = BTreeSet::new();
    for (trade, _) in history.lookups.iter().filter_map(|lookup| contradicted(history, lookup)) {
        let request_id = trade.row.request_id.as_deref().unwrap_or_default();
        finding.anomalies.add(history, Anomaly::Lost, request_id, Some(trade.row.end_us));
        lost.insert(request_id);
    }
    finding.examined("acknowledged trades", history.acknowledged.len());
    finding.examined("of them lost, which the target may", lost.len());
}

fn in_logs(history: &History<'_>, finding: &mut Finding) {
    for trade in &history.acknowledged {
        for log in &history.logs {
            if let Some(wrong) = lost_or_changed(history, trade, log) {
                let end_us = trade.operation.row.end_us;
                let request_id = history.requests.id(trade.request);
                finding.anomalies.add(history, Anomaly::Lost, request_id, Some(end_us));
                finding.violation(|| {
                    let number = trade.order_no();
                    let violation = Violation::new(history, wrong)
                        .at(history, end_us)
                        .operation(trade.operation)
                        .story(history, trade.request);
                    log.at(number).into_iter().fold(violation, |all, entry| all.held(entry.row))
                });
            }
        }
    }
}

fn in_lookups(history: &History<'_>, finding: &mut Finding) {
    let mut answered = 0;
    for &lookup in &history.lookups {
        answered += usize::from(lookup.row.outcome.is_answer());
        if let Some((trade, wrong)) = contradicted(history, lookup) {
            let request_id = trade.row.request_id.as_deref().unwrap_or_default();
            finding.anomalies.add(history, Anomaly::Lost, request_id, Some(trade.row.end_us));
            finding.violation(|| {
                let violation = Violation::new(history, wrong)
                    .at(history, lookup.row.end_us)
                    .operation(trade)
                    .operation(lookup);
                violation.story_of(history, trade)
            });
        }
    }
    finding.examined("answered lookups", answered);
}

fn lost_or_changed(
    history: &History<'_>,
    trade: &Acknowledged<'_>,
    log: &ReplicaLog<'_>,
) -> Option<String> {
    let (order_no, content) = (trade.order_no(), trade.content());
    let mut held = log.of_request(trade.request).peekable();
    let request_id = || history.requests.id(trade.request);
    let Some(first) = held.peek().copied() else {
        // A dump that was cut off may lack what the replica has.
        return history.timeline.finished.then(|| {
            format!(
                "trade {} was acknowledged as #{order_no}, but {} does not hold it",
                request_id(),
                log.source
            )
        });
    };
    if held.any(|entry| entry.order_no() == order_no && entry.content() == content) {
        return None;
    }
    Some(format!(
        "trade {} ({content}) was acknowledged as #{order_no}, but {} holds it as #{} ({})",
        request_id(),
        log.source,
        first.order_no(),
        first.content()
    ))
}

/// What is wrong with the answer of a lookup, and the acknowledged trade that it contradicts.
fn contradicted<'a>(
    history: &History<'a>,
    lookup: &'a Operation,
) -> Option<(&'a Operation, String)> {
    let trade = history.sent_as(lookup).find(|trade| {
        trade.row.outcome == Outcome::Ok
            && trade.row.order_no == lookup.row.order_no
            && trade.row.end_us <= lookup.row.start_us
    })?;
    let number = trade.row.order_no?;
    let sent = Content::of(trade)?;
    match lookup.row.outcome {
        Outcome::Rejected => {
            Some((trade, format!("#{number} was acknowledged, but a later lookup did not find it")))
        }
        Outcome::Ok if !history.has(Fact::OrderContents) => None,
        Outcome::Ok => match Content::of(lookup) {
            Some(shown) if shown == sent => None,
            Some(shown) => Some((
                trade,
                format!("#{number} was acknowledged as {sent}, but a lookup shows {shown}"),
            )),
            None => Some((
                trade,
                format!("#{number} was acknowledged as {sent}, but a lookup shows only a part"),
            )),
        },
        Outcome::Failed | Outcome::Unknown => None,
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::Action;
    use crate::records::Outcome;
    use wire::bazaar::TradeType::{Buy, Sell};

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.trade(2, "r2", Buy, 4, "Stock2", (15, 30));
        trial.lookup(1, "r1", (100, 110));
        trial.lookup(2, "r2", (100, 120));
        trial
    }

    #[test]
    fn orders_that_every_replica_holds_and_lookups_show_survived() {
        assert_passes(&trial().check(&CHECK));
    }

    #[test]
    fn an_acknowledged_order_that_the_successor_lacks_is_lost() {
        let mut trial = trial();
        trial.fault(28, Action::Kill, "order-3");
        trial
            .finals
            .retain(|row| !(row.source == "order-2" && row.request_id.as_deref() == Some("r2")));
        let result = trial.check(&CHECK);
        assert_fails(&result, "r2 was acknowledged as #2, but order-2 does not hold it");
        let evidence = &result.evidence[0];
        assert_eq!(evidence.operations[0].line, 3);
        assert_eq!(evidence.nearest_fault.as_ref().map(|fault| fault.distance_us), Some(2));
        assert!(evidence.held.iter().any(|row| row.held.source == "order-1"));
    }

    #[test]
    fn another_number_or_other_content_is_no_survival() {
        let mut renumbered = trial();
        renumbered.entry_mut("order-1", "r1").order_no = Some(7);
        assert_fails(&renumbered.check(&CHECK), "order-1 holds it as #7");

        let mut changed = trial();
        changed.entry_mut("order-3", "r1").quantity = Some(4);
        assert_fails(&changed.check(&CHECK), "order-3 holds it as #1 (Buy 4 of Stock1)");
    }

    #[test]
    fn a_lookup_that_does_not_find_or_shows_something_else_is_a_violation() {
        let mut missing = trial();
        missing.observations[2].outcome = Outcome::Rejected;
        assert_fails(&missing.check(&CHECK), "#1 was acknowledged, but a later lookup");

        let mut other = trial();
        other.observations[3].trade_type = Some(Sell);
        assert_fails(&other.check(&CHECK), "a lookup shows Sell 4 of Stock2");
    }

    #[test]
    fn a_lookup_without_an_answer_says_nothing() {
        let mut trial = trial();
        trial.observations[3].outcome = Outcome::Unknown;
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_dump_that_was_cut_off_proves_no_loss_but_a_lookup_does() {
        let mut cut = trial();
        cut.unfinish();
        cut.finals.retain(|row| row.request_id.as_deref() != Some("r2"));
        assert_inconclusive(&cut.check(&CHECK), "did not finish");

        cut.observations[2].outcome = Outcome::Rejected;
        assert_fails(&cut.check(&CHECK), "a later lookup did not find it");
    }

    #[test]
    fn a_replica_that_was_not_dumped_leaves_it_open() {
        let mut trial = trial();
        trial.finals.retain(|row| row.source != "order-2");
        assert_inconclusive(&trial.check(&CHECK), "order-2");
    }

    #[test]
    fn nothing_acknowledged_is_inconclusive_unless_no_trades_were_meant() {
        let mut silent = Trial::new();
        silent.read(1, "Stock1", (1, 2));
        assert_inconclusive(&silent.check(&CHECK), "no trade was acknowledged");

        silent.manifest.cells[0].p = 0.0;
        assert_eq!(silent.check(&CHECK).verdict, None);
    }
}
