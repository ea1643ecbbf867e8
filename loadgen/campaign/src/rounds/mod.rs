//! The rounds of a soak on one page: each with its verdict, its faults and its figures, in order.
//!
//! Who ran them says what they were; figures are those of the rounds' own files. Of thousands of rounds only the newest have a
//! row, beside all that did not pass: the whole list is in the soak's own file. The chart is of all of them.

mod charts;
mod page;

pub use page::{PAGE, write};

use results::records::Model;
use results::stats::median;
use results::verdict::Verdict;
use serde::{Deserialize, Serialize};

use crate::digest::{RunDigest, is_change};

/// So many rounds that passed are shown, the newest.
const MOST_PASSED: usize = 500;
/// So many that did not pass are shown, the first.
const MOST_OTHERS: usize = 500;

/// The figures of a round. Empty means not measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RoundFigures {
    /// Operations accepted per second.
    pub accepted_per_s: Option<f64>,
    /// The median latency of trades (writes, appends), in milliseconds.
    pub change_p50_ms: Option<f64>,
    /// Their 99th percentile.
    pub change_p99_ms: Option<f64>,
    /// From a fault to the first acknowledged trade: the median of the round's faults, of those of leaders if there were any.
    pub first_ack_ms: Option<f64>,
    /// The longest time without an answer to a trade around a fault.
    pub longest_gap_ms: Option<f64>,
    /// How many operations failed.
    pub failed: u64,
    /// Of how many it is unknown what became of them.
    pub unknown: u64,
}

impl RoundFigures {
    /// Of a round, which has one cell.
    #[must_use]
    pub fn of(digest: &RunDigest) -> Self {
        let ms = |us: Option<u64>| us.map(|us| us as f64 / 1e3);
        let (first_ack_ms, longest_gap_ms) = digest.outage_ms();
        let (failed, unknown) = digest.unanswered();
        Self {
            accepted_per_s: median(&digest.accepted_per_s()),
            change_p50_ms: median(&digest.of_rows(is_change, |row| ms(row.p50_us))),
            change_p99_ms: median(&digest.of_rows(is_change, |row| ms(row.p99_us))),
            first_ack_ms,
            longest_gap_ms,
            failed,
            unknown,
        }
    }
}

/// A round, as the page shows it.
#[derive(Clone, Debug)]
pub struct Round {
    /// Its number, from 1.
    pub number: u32,
    /// Its folder, seen from the page.
    pub folder: String,
    /// What its checks said.
    pub verdict: Verdict,
    /// Its load and its system, in words.
    pub settings: String,
    /// Its faults, in words.
    pub faults: String,
    /// How many operations were recorded.
    pub operations: u64,
    /// How many trades were acknowledged.
    pub acknowledged: u64,
    /// Its figures.
    pub figures: RoundFigures,
    /// Why it did not pass, a reason each.
    pub reasons: Vec<String>,
    /// What repeats it.
    pub again: String,
}

/// A soak.
#[derive(Clone, Debug)]
pub struct Soak {
    /// What was soaked, in words.
    pub title: String,
    /// The worst verdict.
    pub verdict: Verdict,
    /// What its target keeps, whose words texts use.
    pub model: Model,
    /// What it came to, a line each.
    pub summary: Vec<String>,
    /// What repeats it.
    pub command: String,
    /// Every round that was begun, in order.
    pub rounds: Vec<Round>,
}

impl Soak {
    /// Those that have room on the page: the newest that passed, and the first that did not.
    fn shown(&self) -> Vec<&Round> {
        let passed = self.rounds.iter().filter(|round| round.verdict == Verdict::Pass).count();
        let (mut skip, mut others) = (passed.saturating_sub(MOST_PASSED), 0);
        let has_room = |round: &&Round| match round.verdict {
            Verdict::Pass => {
                let has_room = skip == 0;
                skip = skip.saturating_sub(1);
                has_room
            }
            Verdict::Fail | Verdict::Inconclusive => {
                others += 1;
                others <= MOST_OTHERS
            }
        };
        self.rounds.iter().filter(has_room).collect()
    }
}

#[cfg(test)]
mod testing {
    use super::*;

    /// A soak of so many rounds, of which those of even numbers passed.
    pub(super) fn soak(rounds: usize) -> Soak {
        let round = |number: u32| Round {
            number,
            folder: format!("round-{number:03}"),
            verdict: if number.is_multiple_of(2) { Verdict::Pass } else { Verdict::Fail },
            settings: String::new(),
            faults: String::new(),
            operations: 1,
            acknowledged: 1,
            figures: RoundFigures {
                longest_gap_ms: Some(f64::from(number)),
                ..RoundFigures::default()
            },
            reasons: Vec::new(),
            again: String::new(),
        };
        Soak {
            title: String::new(),
            model: Model::Stocks,
            verdict: Verdict::Fail,
            summary: Vec::new(),
            command: String::new(),
            rounds: (1..).take(rounds).map(round).collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::testing::soak;
    use super::*;

    #[test]
    fn of_thousands_the_newest_that_passed_and_the_first_that_did_not_have_a_row() {
        let soak = soak(2_000);
        let shown = soak.shown();
        assert_eq!(shown.len(), MOST_PASSED + MOST_OTHERS);
        assert_eq!((shown[0].number, shown.last().unwrap().number), (1, 2_000));
        assert!(!shown.iter().any(|round| round.number == 2 || round.number == 1_999));
    }
}
