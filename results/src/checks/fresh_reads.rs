//! No read is older than an acknowledged trade.
//!
//! Exact, because the catalog says which volume each trade left behind and volumes only grow:
//! if a trade had been acknowledged before the read began, the read must show at least its
//! volume (rule K3). *A slow fill puts the old value back into the cache after the
//! acknowledgement* is what this finds.
//!
//! Where nobody says what each trade left behind, trades are added up: a read must show at least what all
//! those made of the stock that had been acknowledged before it began. A read that also shows trades which nobody
//! acknowledged may hide an old value that way, so this finds less; what it finds is as certain.

use std::collections::{BTreeSet, HashMap};

use super::anomalies::Anomaly;
use super::check::{Check, Finding};
use super::dumps::CatalogState;
use super::evidence::Violation;
use super::frontier::{Frontier, Step};
use super::history::{Acknowledged, History, Progress, Read};
use super::inconclusive::Need;
use super::part::Part;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "no-stale-read",
    claim: "no read is older than an acknowledged trade",
    parts: &[EXACT, SUMS],
    needs: &[Need::Acknowledged, Need::AppliedTrades],
    examine,
    count: None,
};

const EXACT: Part = Part::new(
    "each read is held against what the newest trade left behind",
    &[Fact::Queries, Fact::Trades, Fact::Volume, Fact::AppliedTrades],
);
const SUMS: Part = Part::standing_in(
    "each read is held against the sum of the trades before it",
    &[
        Fact::Trades,
        Fact::OrderedReads,
        Fact::InitialStocks,
        Fact::NoRestock,
        Fact::DurableAcknowledgement,
    ],
);

/// Per stock, how far it was certain to have come by when.
type Frontiers<'h, 'a> = HashMap<&'a str, Frontier<&'h Acknowledged<'a>>>;

fn examine(history: &History<'_>, finding: &mut Finding) {
    let acknowledged = if history.can(&EXACT) {
        let Some(catalog) = &history.catalog else { return };
        frontiers(history, catalog)
    } else {
        sums(history)
    };
    let progress = history.progress();
    let mut comparable = 0;
    for read in &history.reads {
        let start_us = read.operation.row.start_us;
        let Some(frontier) = acknowledged.get(read.stock_name()) else { continue };
        let Some(newest) = frontier.before(start_us) else { continue };
        comparable += 1;
        let shows = progress.of_read(read);
        if shows >= newest.value {
            continue;
        }
        // The read is as stale as the oldest acknowledgement that it contradicts.
        let Some(oldest) = frontier.first_above(shows) else { continue };
        let stale_us = start_us - oldest.at_us;
        finding.maximum("stale_ms", super::milliseconds(stale_us));
        let line = read.operation.line.to_string();
        finding.anomalies.add(history, Anomaly::Stale, line, Some(start_us));
        finding.violation(|| stale(history, read, oldest, newest, stale_us));
    }
    finding.examined("reads after an acknowledged trade on their stock", comparable);
    finding.examined("acknowledged trades", history.acknowledged.len());
}

/// By the volume that the catalog says to have gone with each trade.
fn frontiers<'h, 'a>(history: &'h History<'a>, catalog: &CatalogState<'a>) -> Frontiers<'h, 'a> {
    let mut points: HashMap<&str, Vec<_>> = HashMap::new();
    for trade in &history.acknowledged {
        // What the catalog lacks is for other checks to complain about.
        if let Some(applied) = catalog.of_request(trade.request).next() {
            let point = (trade.operation.row.end_us, applied.volume_after(), trade);
            points.entry(applied.content().stock_name).or_default().push(point);
        }
    }
    points.into_iter().map(|(stock, points)| (stock, Frontier::new(points))).collect()
}

/// By what the stock was at first, and the trades that were acknowledged since.
fn sums<'h, 'a>(history: &'h History<'a>) -> Frontiers<'h, 'a> {
    let progress = history.progress();
    let mut trades: Vec<&Acknowledged<'a>> = history.acknowledged.iter().collect();
    trades.sort_by_key(|trade| trade.operation.row.end_us);
    let mut reached: HashMap<&str, u64> = history
        .stocks
        .iter()
        .map(|stock| {
            let at_first = progress.of_stock(stock.quantity, stock.trade_volume);
            (stock.stock_name.as_str(), at_first)
        })
        .collect();
    let mut points: HashMap<&str, Vec<_>> = HashMap::new();
    let mut counted = BTreeSet::new();
    for trade in trades {
        let content = trade.content();
        // The same id again is the same trade.
        let is_first = counted.insert(history.requests.id(trade.request));
        let Some(reached) = reached.get_mut(content.stock_name).filter(|_| is_first) else {
            continue;
        };
        *reached += u64::from(content.quantity);
        let point = (trade.operation.row.end_us, *reached, trade);
        points.entry(content.stock_name).or_default().push(point);
    }
    points.into_iter().map(|(stock, points)| (stock, Frontier::new(points))).collect()
}

fn stale(
    history: &History<'_>,
    read: &Read<'_>,
    oldest: Step<&Acknowledged<'_>>,
    newest: Step<&Acknowledged<'_>>,
    stale_us: u64,
) -> Violation {
    let progress = history.progress();
    let bound = match progress {
        _ if history.can(&EXACT) => "",
        Progress::Taken => "at the most ",
        Progress::Volume | Progress::Added => "at least ",
    };
    let what = format!(
        "a read of {} shows {} {}, but {} had been acknowledged {:.3} ms before it began, \
         which made it {bound}{} ({} by then)",
        read.stock_name(),
        progress.word(),
        progress.shown(progress.of_read(read)),
        history.requests.id(oldest.by.request),
        super::milliseconds(stale_us),
        progress.shown(oldest.value),
        progress.shown(newest.value),
    );
    Violation::new(history, what)
        .at(history, read.operation.row.start_us)
        .operation(read.operation)
        .operation(oldest.by.operation)
        .operation(newest.by.operation)
        .story(history, oldest.by.request)
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use crate::records::Action;
    use crate::records::Outcome;
    use wire::bazaar::TradeType::Buy;

    /// Stock1 goes from 100/0 over 97/3 to 93/7.
    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (1_000, 2_000));
        trial.trade(1, "r2", Buy, 4, "Stock1", (3_000, 4_000));
        trial
    }

    #[test]
    fn reads_that_show_what_was_acknowledged_are_fresh() {
        let mut trial = trial();
        trial.show(2, "Stock1", 97, 3, (2_001, 2_100));
        trial.show(3, "Stock1", 93, 7, (4_001, 4_100));
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.examined[0].count, 2);
    }

    #[test]
    fn a_read_that_overlaps_the_trade_may_show_either_state() {
        let mut trial = trial();
        trial.show(2, "Stock1", 97, 3, (3_999, 9_000));
        trial.show(3, "Stock1", 97, 3, (4_000, 9_000));
        trial.show(4, "Stock1", 93, 7, (3_999, 9_000));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_stale_cache_after_the_acknowledgement_is_found_and_measured() {
        let mut trial = trial();
        trial.fault(5_500, Action::Kill, "order-3");
        trial.show(2, "Stock1", 97, 3, (4_001, 4_100));
        trial.show(3, "Stock1", 100, 0, (5_000, 5_100));
        let result = trial.check(&CHECK);
        assert_fails(&result, "r2 had been acknowledged 0.001 ms before it began");
        assert_eq!(result.violations, 2);
        assert_eq!(result.maxima["stale_ms"], 3.0, "since r1 ended at 2000");
        let worst = &result.evidence[1];
        assert!(worst.what.contains("shows volume 0, but r1 had been acknowledged 3.000 ms"));
        assert_eq!(worst.nearest_fault.as_ref().map(|fault| fault.distance_us), Some(-500));
        let lines: Vec<_> = worst.operations.iter().map(|row| row.line).collect();
        assert_eq!(lines, [5, 2, 3], "the read, the oldest and the newest trade");
    }

    #[test]
    fn another_stock_and_an_unacknowledged_trade_make_no_read_stale() {
        let mut trial = trial();
        trial.show(2, "Stock2", 100, 0, (5_000, 5_100));
        trial.show(2, "Stock1", 97, 3, (5_200, 5_300));
        trial.observations[1].outcome = Outcome::Unknown;
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_stale_read_in_an_unfinished_trial_is_still_a_failure() {
        let mut trial = trial();
        trial.unfinish();
        trial.show(2, "Stock1", 93, 7, (4_001, 4_100));
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
        trial.show(2, "Stock1", 97, 3, (4_201, 4_300));
        assert_fails(&trial.check(&CHECK), "shows volume 3");
    }

    #[test]
    fn no_read_after_a_trade_leaves_it_open() {
        let mut trial = trial();
        trial.show(2, "Stock1", 100, 0, (10, 20));
        assert_inconclusive(&trial.check(&CHECK), "no reads after an acknowledged trade");
    }
}
