//! Reads never go backwards between clients either: once a read that showed a state has ended, no
//! read that begins afterwards, no matter who sends it, shows an older one.

use std::collections::HashMap;

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::frontier::Frontier;
use super::history::{History, Read};
use super::part::Part;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "reads-forward",
    claim: "no read shows less than one that had ended before",
    parts: &[Part::whole(&[Fact::OrderedReads, Fact::DurableAcknowledgement])],
    needs: &[],
    examine,
    count: None,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    let progress = history.progress();
    let mut by_stock: HashMap<&str, Vec<&Read<'_>>> = HashMap::new();
    for read in &history.reads {
        by_stock.entry(read.stock_name()).or_default().push(read);
    }
    let frontiers: HashMap<&str, Frontier<&Read<'_>>> = by_stock
        .into_iter()
        .map(|(stock, reads)| {
            let ended = reads
                .into_iter()
                .map(|read| (read.operation.row.end_us, progress.of_read(read), read));
            (stock, Frontier::new(ended))
        })
        .collect();

    let mut comparable = 0;
    for read in &history.reads {
        let start_us = read.operation.row.start_us;
        let Some(frontier) = frontiers.get(read.stock_name()) else { continue };
        let Some(newest) = frontier.before(start_us) else { continue };
        comparable += 1;
        let shows = progress.of_read(read);
        if shows < newest.value {
            let earlier = frontier.first_above(shows).unwrap_or(newest);
            finding.maximum("backwards_ms", super::milliseconds(start_us - earlier.at_us));
            finding.violation(|| backwards(history, earlier.by, read));
        }
    }
    finding.examined("reads after another read of their stock", comparable);
}

fn backwards(history: &History<'_>, earlier: &Read<'_>, read: &Read<'_>) -> Violation {
    let (before, now) = (&earlier.operation.row, &read.operation.row);
    let progress = history.progress();
    let shown = |read| progress.shown(progress.of_read(read));
    let what = format!(
        "client {} read {} {} of {}; {:.3} ms later client {} began a read that shows {}",
        before.client,
        progress.word(),
        shown(earlier),
        read.stock_name(),
        super::milliseconds(now.start_us - before.end_us),
        now.client,
        shown(read),
    );
    Violation::new(history, what)
        .at(history, now.start_us)
        .operation(earlier.operation)
        .operation(read.operation)
        .state_of(history, earlier)
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};

    #[test]
    fn reads_that_follow_each_other_forward_pass() {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 100, 0, (10, 20));
        trial.show(2, "Stock1", 97, 3, (30, 40));
        trial.show(1, "Stock2", 100, 0, (50, 60));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_read_behind_another_client_s_earlier_read_is_a_violation() {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 97, 3, (1_000, 2_000));
        trial.show(2, "Stock1", 100, 0, (2_500, 3_000));
        let result = trial.check(&CHECK);
        assert_fails(&result, "0.500 ms later client 2 began a read that shows 0");
        assert_eq!(result.maxima["backwards_ms"], 0.5);
    }

    #[test]
    fn reads_that_overlap_have_no_order() {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 97, 3, (10, 30));
        trial.show(2, "Stock1", 100, 0, (30, 40));
        trial.show(3, "Stock1", 97, 3, (41, 50));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_single_read_shows_nothing() {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 97, 3, (10, 20));
        assert_inconclusive(&trial.check(&CHECK), "no reads after another read");
    }
}
