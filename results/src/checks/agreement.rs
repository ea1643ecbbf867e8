//! Catalog and log agree trade for trade.
//!
//! Both directions: what is in a log was applied as it is written there, and what was applied for
//! the order service is in every log. Trades posted to the catalog by hand have no order.

use super::check::{Check, Finding};
use super::dumps::{Applied, CatalogState, LogEntry};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::index::Request;
use super::part::Part;
use super::rows::Content;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "catalog-and-log-agree",
    claim: "catalog and order log agree trade for trade",
    parts: &[Part::whole(&[
        Fact::Trades,
        Fact::OrdersOfReplicas,
        Fact::ReplicatedOrders,
        Fact::RequestKeys,
        Fact::AppliedTrades,
    ])],
    needs: &[Need::Acknowledged, Need::Replicas, Need::AppliedTrades],
    examine,
    count: None,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    let Some(catalog) = &history.catalog else { return };
    let (mut applied, mut logged) = (0, 0);
    let mut disagreeing = Vec::new();
    for request in history.requests.iter() {
        let is_applied = catalog.of_request(request).any(Applied::is_for_order);
        let is_logged = history.logs.iter().any(|log| log.holds(request));
        applied += usize::from(is_applied);
        logged += usize::from(is_logged);
        if is_applied || is_logged {
            let whats = disagreements(history, catalog, request);
            disagreeing.extend(whats.into_iter().map(|what| (request, what)));
        }
    }
    for (request, what) in history.requests.by_id(disagreeing) {
        finding.violation(|| Violation::new(history, what).story(history, request));
    }
    finding.examined("applied trades", applied);
    finding.examined("logged trades", logged);
}

fn disagreements(
    history: &History<'_>,
    catalog: &CatalogState<'_>,
    request: Request,
) -> Vec<String> {
    let request_id = history.requests.id(request);
    let keeper = history.processes.stock_keeper();
    let Some(applied) = catalog.of_request(request).find(|applied| applied.is_for_order()) else {
        // A dump that was cut off may lack what the catalog has.
        let what = format!("trade {request_id} is in the order log, but not in the {keeper}");
        return if history.timeline.finished { vec![what] } else { Vec::new() };
    };
    let mut wrongs = Vec::new();
    let mut lacking = Vec::new();
    for log in &history.logs {
        let mut entries = log.of_request(request).peekable();
        if entries.peek().is_none() {
            lacking.push(log.source);
        }
        let others = entries.map(LogEntry::content).filter(|logged| *logged != applied.content());
        wrongs.extend(
            others.map(|logged| differs(keeper, request_id, applied.content(), log.source, logged)),
        );
    }
    if history.timeline.finished && !lacking.is_empty() {
        let lacking = lacking.join(", ");
        wrongs.push(format!(
            "the {keeper} applied trade {request_id}, which {lacking} does not hold"
        ));
    }
    wrongs
}

fn differs(
    keeper: &str,
    request_id: &str,
    applied: Content<'_>,
    source: &str,
    logged: Content<'_>,
) -> String {
    format!("the {keeper} applied trade {request_id} as {applied}, but {source} holds {logged}")
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::FinalKind;
    use wire::bazaar::TradeType::{Buy, Sell};
    use wire::internal::Origin;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.trade(2, "r2", Sell, 1, "Stock1", (25, 30));
        trial.apply("by-hand-1", Buy, 2, "Stock2", Origin::ByHand);
        trial
    }

    #[test]
    fn agreement_in_both_directions_passes_and_by_hand_trades_have_no_order() {
        let result = trial().check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.examined[0].count, 2);
    }

    #[test]
    fn an_applied_trade_that_the_log_lacks_is_a_violation() {
        let mut trial = trial();
        trial
            .finals
            .retain(|row| row.kind != FinalKind::Order || row.request_id.as_deref() != Some("r2"));
        assert_fails(&trial.check(&CHECK), "applied trade r2, which order-1, order-2, order-3");
        trial.unfinish();
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
    }

    #[test]
    fn a_logged_trade_that_the_catalog_lacks_is_a_violation() {
        let mut trial = trial();
        trial.finals.retain(|row| {
            row.kind != FinalKind::Applied || row.request_id.as_deref() != Some("r1")
        });
        assert_fails(&trial.check(&CHECK), "r1 is in the order log, but not in the catalog");
    }

    #[test]
    fn a_trade_that_is_written_differently_is_a_violation() {
        let mut trial = trial();
        trial.entry_mut("order-3", "r1").quantity = Some(30);
        trial.unfinish();
        assert_fails(
            &trial.check(&CHECK),
            "applied trade r1 as Buy 3 of Stock1, but order-3 holds Buy 30 of Stock1",
        );
    }

    #[test]
    fn without_the_catalog_it_stays_open() {
        let mut trial = trial();
        trial.finals.retain(|row| row.source != "catalog");
        assert_inconclusive(&trial.check(&CHECK), "what catalog held");
    }
}
