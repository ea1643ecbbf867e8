//! One order and one catalog application per request id.
//!
//! What the client was told decides what there must be: ok means exactly one of each, a refusal
//! and a certain failure mean none, and an unknown outcome may have gone either way, but not half
//! way. *The catalog applies R1, the leader dies before it numbers it, and no successor does.*

use std::collections::BTreeSet;

use crate::records::{Fact, Outcome};

use super::anomalies::Anomaly;
use super::check::{Check, Finding};
use super::dumps::{Applied, ReplicaLog};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::index::Request;
use super::part::Part;
use super::rows::Operation;

pub(super) const CHECK: Check = Check {
    name: "exactly-once",
    claim: "one order and one catalog application per request",
    parts: &[ORDERS, APPLICATIONS],
    needs: &[Need::Acknowledged, Need::Replicas, Need::AppliedTrades],
    examine,
    count: None,
};

const ORDERS: Part =
    Part::new("one order per request", &[Fact::Trades, Fact::OrdersOfReplicas, Fact::RequestKeys]);
const APPLICATIONS: Part =
    Part::new("one catalog application per request", &[Fact::Trades, Fact::AppliedTrades]);

fn examine(history: &History<'_>, finding: &mut Finding) {
    let (mut requests, mut with_an_effect) = (0, 0);
    let mut wrong = Vec::new();
    for request in history.requests.iter() {
        let mut applied = history.catalog.iter().flat_map(|catalog| catalog.of_request(request));
        let is_held =
            history.logs.iter().any(|log| log.holds(request)) || applied.any(Applied::is_for_order);
        with_an_effect += usize::from(is_held);
        if is_held || history.sent(request).next().is_some() {
            requests += 1;
            let wrongs = wrongs(history, request);
            wrong.extend(wrongs.into_iter().map(|wrong| (request, wrong)));
        }
    }
    for (request, (kind, what)) in history.requests.by_id(wrong) {
        let told_us = history.sent(request).next().map(|trade| trade.row.end_us);
        finding.anomalies.add(history, kind, history.requests.id(request), told_us);
        finding.violation(|| Violation::new(history, what).story(history, request));
    }
    finding.examined("requests", requests);
    finding.examined("requests with an effect", with_an_effect);
}

fn wrongs(history: &History<'_>, request: Request) -> Vec<(Anomaly, String)> {
    let (request_id, sent) = (history.requests.id(request), || history.sent(request));
    let effects = Effects::of(history, request);
    let mut wrongs = effects.doubles(request_id, history.processes.stock_keeper());
    wrongs.extend(two_answers(request_id, sent()));
    if sent().next().is_none() {
        // Without the recorder's end, the row of the client may simply be missing.
        if history.timeline.finished {
            wrongs.push(format!("no client sent {request_id}, yet it was {}", effects.describe()));
        }
    } else if effects.any() && !sent().any(may_have_had_an_effect) {
        let refused = sent().any(|trade| trade.row.outcome == Outcome::Rejected);
        let told = if refused { "refused" } else { "certain to have failed" };
        wrongs.push(format!("trade {request_id} was {told}, yet it was {}", effects.describe()));
    }
    let mut wrongs: Vec<_> = wrongs.into_iter().map(|what| (Anomaly::Doubled, what)).collect();
    let half_way = effects.half_way(history, request);
    wrongs.extend(half_way.map(|what| (Anomaly::Lost, what)));
    wrongs
}

fn may_have_had_an_effect(trade: &Operation) -> bool {
    matches!(trade.row.outcome, Outcome::Ok | Outcome::Unknown)
}

/// The same key must give the same answer.
fn two_answers<'a>(request_id: &str, sent: impl Iterator<Item = &'a Operation>) -> Option<String> {
    let answers: BTreeSet<_> = sent
        .filter_map(|trade| match trade.row.outcome {
            Outcome::Ok => Some(trade.row.order_no),
            Outcome::Rejected => Some(None),
            Outcome::Failed | Outcome::Unknown => None,
        })
        .collect();
    (answers.len() > 1)
        .then(|| format!("trade {request_id} got {} different answers", answers.len()))
}

/// What a request left behind.
struct Effects<'a> {
    /// The replicas that were dumped, with how often each numbered it.
    logs: Vec<(&'a str, usize)>,
    /// How often the catalog applied it, if the catalog was dumped.
    applied: Option<usize>,
}

impl<'a> Effects<'a> {
    fn of(history: &History<'a>, request: Request) -> Self {
        let count = |log: &ReplicaLog<'a>| log.of_request(request).count();
        Self {
            logs: history.logs.iter().map(|log| (log.source, count(log))).collect(),
            applied: history
                .catalog
                .as_ref()
                .filter(|_| history.can(&APPLICATIONS))
                .map(|catalog| catalog.of_request(request).count()),
        }
    }

    fn numbered(&self) -> bool {
        self.logs.iter().any(|&(_, count)| count > 0)
    }

    fn any(&self) -> bool {
        self.numbered() || self.applied.is_some_and(|count| count > 0)
    }

    fn describe(&self) -> &'static str {
        match (self.applied.is_some_and(|count| count > 0), self.numbered()) {
            (true, true) => "applied and numbered",
            (true, false) => "applied",
            _ => "numbered",
        }
    }

    fn doubles(&self, request_id: &str, keeper: &str) -> Vec<String> {
        let in_logs = self.logs.iter().filter(|&&(_, count)| count > 1);
        let mut doubles: Vec<_> = in_logs
            .map(|(source, count)| format!("{source} numbered trade {request_id} {count} times"))
            .collect();
        if let Some(count) = self.applied.filter(|&count| count > 1) {
            doubles.push(format!("the {keeper} applied trade {request_id} {count} times"));
        }
        doubles
    }

    /// One without the other, which only complete dumps can show.
    fn half_way(&self, history: &History<'_>, request: Request) -> Option<String> {
        let request_id = history.requests.id(request);
        let keeper = history.processes.stock_keeper();
        let acknowledged = |trade: &Operation| trade.row.outcome == Outcome::Ok;
        let applied = self.applied? > 0;
        if !history.timeline.finished || self.logs.is_empty() || !history.can(&ORDERS) {
            return None;
        }
        match (applied, self.numbered()) {
            (true, false) => {
                Some(format!("the {keeper} applied trade {request_id}, but no replica numbered it"))
            }
            (false, true) => {
                Some(format!("trade {request_id} has a number, but the {keeper} never applied it"))
            }
            (false, false) if history.sent(request).any(acknowledged) => {
                Some(format!("trade {request_id} was acknowledged, but it left no trace"))
            }
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::{FinalKind, Outcome};
    use wire::bazaar::TradeType::{Buy, Sell};
    use wire::internal::Origin;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.trade(1, "r2", Sell, 1, "Stock1", (30, 40));
        trial
    }

    #[test]
    fn one_order_and_one_application_per_request_pass() {
        assert_passes(&trial().check(&CHECK));
    }

    #[test]
    fn an_unknown_outcome_may_go_either_way() {
        let mut both = trial();
        both.observations[1].outcome = Outcome::Unknown;
        both.observations[1].order_no = None;
        assert_passes(&both.check(&CHECK));

        let mut neither = trial();
        neither.attempt(1, "r3", Outcome::Unknown, (50, 60));
        assert_passes(&neither.check(&CHECK));
    }

    #[test]
    fn a_trade_that_was_applied_and_never_numbered_is_a_violation() {
        let mut trial = trial();
        trial.observations[1].outcome = Outcome::Unknown;
        trial
            .finals
            .retain(|row| row.kind != FinalKind::Order || row.request_id.as_deref() != Some("r2"));
        assert_fails(&trial.check(&CHECK), "applied trade r2, but no replica numbered it");
    }

    #[test]
    fn a_number_without_an_application_is_a_violation() {
        let mut trial = trial();
        trial.finals.retain(|row| {
            row.kind != FinalKind::Applied || row.request_id.as_deref() != Some("r2")
        });
        assert_fails(&trial.check(&CHECK), "r2 has a number, but the catalog never applied it");
    }

    #[test]
    fn an_acknowledged_trade_without_any_trace_is_a_violation() {
        let mut trial = trial();
        trial.finals.retain(|row| row.request_id.as_deref() != Some("r2"));
        assert_fails(&trial.check(&CHECK), "left no trace");
    }

    #[test]
    fn refused_and_failed_trades_must_have_had_no_effect() {
        let mut refused = trial();
        refused.observations[1].outcome = Outcome::Rejected;
        refused.observations[1].order_no = None;
        assert_fails(&refused.check(&CHECK), "r2 was refused, yet it was applied and numbered");

        let mut failed = trial();
        failed.observations[1].outcome = Outcome::Failed;
        assert_fails(&failed.check(&CHECK), "r2 was certain to have failed");

        let mut harmless = trial();
        harmless.attempt(1, "r3", Outcome::Failed, (50, 60));
        harmless.attempt(1, "r4", Outcome::Rejected, (50, 60));
        assert_passes(&harmless.check(&CHECK));
    }

    #[test]
    fn a_request_numbered_or_applied_twice_is_a_violation() {
        let mut numbered = trial();
        let mut twin = numbered.entry_mut("order-2", "r1").clone();
        twin.order_no = Some(3);
        numbered.finals.push(twin);
        assert_fails(&numbered.check(&CHECK), "order-2 numbered trade r1 2 times");

        let mut applied = trial();
        let twin = applied.entry_mut("catalog", "r1").clone();
        applied.finals.push(twin);
        applied.unfinish();
        assert_fails(&applied.check(&CHECK), "applied trade r1 2 times");
    }

    #[test]
    fn a_request_that_no_client_sent_counts_once_every_row_is_written() {
        let mut trial = trial();
        trial.observations.pop();
        assert_fails(&trial.check(&CHECK), "no client sent r2");
        trial.unfinish();
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
    }

    #[test]
    fn trades_by_hand_need_no_number_and_no_client() {
        let mut trial = trial();
        trial.apply("by-hand-1", Buy, 2, "Stock2", Origin::ByHand);
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn two_answers_to_one_key_are_a_violation() {
        let mut trial = trial();
        let mut again = trial.observations[1].clone();
        again.order_no = Some(1);
        trial.observations.push(again);
        assert_fails(&trial.check(&CHECK), "r2 got 2 different answers");
    }

    #[test]
    fn what_is_wrong_is_told_in_the_order_of_the_request_ids() {
        let mut trial = Trial::new();
        trial.trade(1, "r0", Buy, 1, "Stock1", (10, 20));
        for (id, start_us) in [("r3", 30), ("r1", 40), ("r2", 50)] {
            trial.apply(id, Buy, 1, "Stock1", Origin::Order);
            trial.attempt(1, id, Outcome::Unknown, (start_us, start_us + 5));
        }
        let result = trial.check(&CHECK);
        assert_eq!(result.violations, 3);
        let ids: Vec<_> = result.evidence.iter().map(|found| &found.request_ids).collect();
        assert_eq!(ids, [&["r1"], &["r2"], &["r3"]]);
    }
}
