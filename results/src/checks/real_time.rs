//! Numbers follow real time between trades that do not overlap.
//!
//! Acknowledged trades only: a trade whose leader died may be numbered much later by the next one,
//! but then its client was told nothing in between, and its interval covers the delay or has no
//! known end.

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::frontier::Frontier;
use super::history::{Acknowledged, History};
use super::inconclusive::Need;
use super::part::Part;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "numbers-follow-time",
    claim: "order numbers follow real time",
    parts: &[Part::whole(&[Fact::Trades, Fact::OrderNumbers, Fact::NumbersInOrder])],
    needs: &[Need::Acknowledged],
    examine,
    count: None,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    let ended = Frontier::new(
        history
            .acknowledged
            .iter()
            .map(|trade| (trade.operation.row.end_us, trade.order_no(), trade)),
    );
    let mut comparable = 0;
    for trade in &history.acknowledged {
        let Some(earlier) = ended.before(trade.operation.row.start_us) else { continue };
        comparable += 1;
        // The same id again is the same trade, and keeps its number.
        let repeated = earlier.by.request == trade.request;
        let again = || history.sent(trade.request).nth(1).is_some();
        if earlier.value >= trade.order_no() && !repeated && !again() {
            finding.violation(|| backwards(history, earlier.by, trade));
        }
    }
    finding.examined("trades after an acknowledged trade", comparable);
}

fn backwards(
    history: &History<'_>,
    earlier: &Acknowledged<'_>,
    later: &Acknowledged<'_>,
) -> Violation {
    let gap_us = later.operation.row.start_us - earlier.operation.row.end_us;
    let what = format!(
        "{} was acknowledged as #{}; {:.3} ms later {} began, and became #{}",
        history.requests.id(earlier.request),
        earlier.order_no(),
        super::milliseconds(gap_us),
        history.requests.id(later.request),
        later.order_no(),
    );
    Violation::new(history, what)
        .at(history, later.operation.row.start_us)
        .operation(earlier.operation)
        .operation(later.operation)
        .story(history, earlier.request)
        .story(history, later.request)
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::Outcome;
    use wire::bazaar::TradeType::Buy;

    fn trial(second: (u64, u64), third: (u64, u64)) -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 1, "Stock1", (1_000, 2_000));
        trial.trade(2, "r2", Buy, 1, "Stock2", second);
        trial.trade(3, "r3", Buy, 1, "Stock1", third);
        trial
    }

    #[test]
    fn numbers_in_the_order_of_time_pass() {
        assert_passes(&trial((3_000, 4_000), (5_000, 6_000)).check(&CHECK));
    }

    #[test]
    fn trades_that_overlap_may_be_numbered_either_way() {
        let result = trial((1_500, 9_000), (2_000, 2_500)).check(&CHECK);
        assert_inconclusive(&result, "no trades after an acknowledged trade");
        assert_passes(&trial((1_500, 9_000), (2_001, 2_500)).check(&CHECK));
    }

    #[test]
    fn a_smaller_number_for_a_later_trade_is_a_violation() {
        // #3 ends at 2500, #2 begins at 3000.
        let mut trial = trial((3_000, 4_000), (1_500, 2_500));
        let result = trial.check(&CHECK);
        assert_fails(&result, "r3 was acknowledged as #3; 0.500 ms later r2 began, and became #2");
        assert_eq!(result.violations, 1);

        trial.observations[1].outcome = Outcome::Unknown;
        assert_inconclusive(&trial.check(&CHECK), "no trades after");
    }

    #[test]
    fn a_repeated_key_keeps_its_number() {
        let mut trial = trial((3_000, 4_000), (5_000, 6_000));
        let mut again = trial.observations[0].clone();
        (again.start_us, again.end_us) = (7_000, 8_000);
        trial.observations.push(again);
        assert_passes(&trial.check(&CHECK));
    }
}
