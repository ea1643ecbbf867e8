//! Order numbers are unique and without gaps, in every log and among the acknowledgements. Where gaps are
//! allowed, or each log holds a part of the orders, they are unique and no more.

use super::check::{Check, Finding};
use super::dumps::{LogEntry, ReplicaLog};
use super::evidence::Violation;
use super::history::{Acknowledged, History};
use super::inconclusive::Need;
use super::part::Part;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "order-numbers",
    claim: "order numbers are unique and without gaps",
    parts: &[ACKNOWLEDGED, LOGS, GAPS],
    needs: &[Need::Acknowledged, Need::Replicas],
    examine,
    count: None,
};

const ACKNOWLEDGED: Part =
    Part::new("no number is acknowledged twice", &[Fact::Trades, Fact::OrderNumbers]);
const LOGS: Part = Part::new("no log holds a number twice", &[Fact::OrdersOfReplicas]);
const GAPS: Part = Part::new(
    "no log leaves a number out",
    &[Fact::OrdersOfReplicas, Fact::ReplicatedOrders, Fact::GaplessNumbers],
);

fn examine(history: &History<'_>, finding: &mut Finding) {
    for log in &history.logs {
        gaps_and_doubles(history, log, finding);
        ends_below_its_mark(history, log, finding);
    }
    if history.can(&ACKNOWLEDGED) {
        shared_numbers(history, finding);
        finding.examined("acknowledged numbers", history.acknowledged.len());
    }
    if history.can(&LOGS) {
        finding.examined("log entries", history.logs.iter().map(|log| log.entries.len()).sum());
    }
}

fn gaps_and_doubles(history: &History<'_>, log: &ReplicaLog<'_>, finding: &mut Finding) {
    let source = log.source;
    let (may_skip, first_no) = (!history.can(&GAPS), history.target.promises().first_order_no);
    let begins_elsewhere = |entry: &&LogEntry<'_>| !may_skip && entry.order_no() != first_no;
    if let Some(first) = log.entries.first().filter(begins_elsewhere) {
        finding.violation(|| {
            let number = first.order_no();
            let what = format!("{source}'s log begins with #{number}, not with #{first_no}");
            Violation::new(history, what).held(first.row).story(history, first.request)
        });
    }
    for pair in log.entries.windows(2) {
        let [left, right] = pair else { continue };
        let (before, after) = (left.order_no(), right.order_no());
        let what = if before == after {
            format!("{source} holds two orders as #{before}")
        } else if !may_skip && before + 1 != after {
            format!("{source}'s log jumps from #{before} to #{after}")
        } else {
            continue;
        };
        finding.violation(|| {
            Violation::new(history, what)
                .held(left.row)
                .held(right.row)
                .story(history, right.request)
        });
    }
}

/// *A replica says that #11 is committed, and its log ends at #10.* A dump that was cut off may lack what
/// the replica has.
fn ends_below_its_mark(history: &History<'_>, log: &ReplicaLog<'_>, finding: &mut Finding) {
    let last = log.entries.last();
    let (source, end) = (log.source, last.map_or(0, LogEntry::order_no));
    let Some(committed) = log.committed.filter(|&committed| committed > end) else { return };
    if history.timeline.finished {
        finding.violation(|| {
            let what =
                format!("{source} says that #{committed} is committed, and its log ends at #{end}");
            let violation = Violation::new(history, what);
            last.into_iter().fold(violation, |violation, entry| violation.held(entry.row))
        });
    }
}

/// *The old leader answers 11 to one client, its successor gives 11 to another.*
fn shared_numbers(history: &History<'_>, finding: &mut Finding) {
    let mut by_number: Vec<&Acknowledged<'_>> = history.acknowledged.iter().collect();
    by_number.sort_by_key(|trade| trade.order_no());
    for trades in by_number.chunk_by(|one, next| one.order_no() == next.order_no()) {
        let number = trades[0].order_no();
        let mut holders: Vec<&Acknowledged<'_>> = Vec::new();
        for trade in trades {
            // The same id may be acknowledged twice: that is one trade, answered again.
            if holders.iter().all(|holder| holder.request != trade.request) {
                holders.push(trade);
            }
        }
        if holders.len() == 1 {
            continue;
        }
        finding.violation(|| {
            let what = format!("#{number} was acknowledged for {} different trades", holders.len());
            let last = holders.iter().map(|trade| trade.operation.row.end_us).max();
            let violation = Violation::new(history, what).at(history, last.unwrap_or_default());
            holders.iter().fold(violation, |violation, trade| {
                violation.operation(trade.operation).story(history, trade.request)
            })
        });
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::{FinalKind, FinalRow};
    use wire::bazaar::TradeType::Buy;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        for (index, id) in ["r1", "r2", "r3"].into_iter().enumerate() {
            let start = 10 * index as u64;
            trial.trade(1, id, Buy, 1, "Stock1", (start, start + 5));
        }
        trial
    }

    #[test]
    fn numbers_from_one_without_gaps_pass() {
        assert_passes(&trial().check(&CHECK));
    }

    #[test]
    fn a_number_given_to_two_trades_is_a_violation() {
        let mut trial = trial();
        trial.observations[2].order_no = Some(2);
        let result = trial.check(&CHECK);
        assert_fails(&result, "#2 was acknowledged for 2 different trades");
        assert_eq!(result.evidence[0].request_ids, ["r2", "r3"]);
        assert_eq!(result.evidence[0].operations.len(), 2);
    }

    #[test]
    fn a_repeated_answer_to_the_same_key_is_the_same_trade() {
        let mut trial = trial();
        let mut again = trial.observations[2].clone();
        again.seq += 1;
        trial.observations.push(again);
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_log_that_ends_below_what_its_replica_calls_committed_is_a_violation() {
        let mut trial = trial();
        let head = |row: &&mut FinalRow| &*row.source == "order-2" && row.kind == FinalKind::Source;
        trial.finals.iter_mut().find(head).unwrap().order_no = Some(3);
        assert_passes(&trial.check(&CHECK));
        trial.finals.iter_mut().find(head).unwrap().order_no = Some(4);
        let what = "order-2 says that #4 is committed, and its log ends at #3";
        assert_fails(&trial.check(&CHECK), what);
        trial.unfinish();
        assert_inconclusive(&trial.check(&CHECK), "the recorder did not finish");
    }

    #[test]
    fn a_double_and_a_gap_in_a_log_are_violations() {
        let mut doubled = trial();
        doubled.entry_mut("order-2", "r3").order_no = Some(2);
        assert_fails(&doubled.check(&CHECK), "order-2 holds two orders as #2");

        let mut gap = trial();
        gap.entry_mut("order-2", "r3").order_no = Some(4);
        assert_fails(&gap.check(&CHECK), "order-2's log jumps from #2 to #4");

        let mut late = trial();
        late.finals.retain(|row| row.order_no != Some(1));
        assert_fails(&late.check(&CHECK), "begins with #2");
    }

    #[test]
    fn a_doubled_number_is_found_in_an_unfinished_trial_too() {
        let mut trial = trial();
        trial.unfinish();
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
        trial.observations[2].order_no = Some(2);
        assert_fails(&trial.check(&CHECK), "#2 was acknowledged");
    }
}
