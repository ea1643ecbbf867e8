//! Each client's reads of a stock never go backwards.
//!
//! A client does one operation at a time, so its reads are ordered by its own count, and the
//! volume, which only grows, orders what they show; so does the quantity where trades go one way.
//! Needs no dump: this holds of any observation.

use std::collections::HashMap;

use super::check::{Check, Finding};
use super::evidence::Violation;
use super::history::{History, Read};
use super::part::Part;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "client-reads-forward",
    claim: "no client's reads go backwards",
    parts: &[Part::whole(&[Fact::OrderedReads, Fact::DurableAcknowledgement])],
    needs: &[],
    examine,
    count: None,
};

fn examine(history: &History<'_>, finding: &mut Finding) {
    let mut reads: Vec<&Read<'_>> = history.reads.iter().collect();
    reads.sort_by_key(|read| (read.operation.row.client, read.operation.row.seq));
    let mut newest: HashMap<(u32, &str), &Read<'_>> = HashMap::new();
    let (progress, mut pairs) = (history.progress(), 0);
    for read in reads {
        let key = (read.operation.row.client, read.stock_name());
        let Some(earlier) = newest.get(&key) else {
            newest.insert(key, read);
            continue;
        };
        pairs += 1;
        let (before, now) = (progress.of_read(earlier), progress.of_read(read));
        if now >= before {
            newest.insert(key, read);
        } else if earlier.operation.row.end_us <= read.operation.row.start_us {
            let (client, stock) = key;
            finding.violation(|| {
                let (word, shown) = (progress.word(), progress.shown(before));
                let now = progress.shown(now);
                let what = format!(
                    "client {client} read {word} {shown} of {stock}, and {now} in a later read"
                );
                Violation::new(history, what)
                    .at(history, read.operation.row.start_us)
                    .operation(earlier.operation)
                    .operation(read.operation)
                    .state_of(history, earlier)
            });
        }
    }
    finding.examined("repeated reads of a stock by a client", pairs);
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};

    #[test]
    fn reads_that_stay_or_go_forward_pass() {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 100, 0, (10, 20));
        trial.show(1, "Stock1", 97, 3, (20, 30));
        trial.show(1, "Stock1", 97, 3, (30, 40));
        trial.show(1, "Stock2", 100, 0, (40, 50));
        trial.show(2, "Stock1", 100, 0, (50, 60));
        let result = trial.check(&CHECK);
        assert_passes(&result);
        assert_eq!(result.examined[0].count, 2);
    }

    #[test]
    fn a_read_behind_any_earlier_one_of_the_client_is_a_violation() {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 97, 3, (10, 20));
        trial.show(1, "Stock1", 100, 0, (20, 30));
        trial.show(1, "Stock1", 98, 2, (30, 40));
        let result = trial.check(&CHECK);
        assert_fails(&result, "client 1 read volume 3 of Stock1, and 0 in a later read");
        assert_eq!(result.violations, 2, "2 is behind 3 too");
        assert_eq!(result.evidence[0].operations[1].line, 3);
    }

    #[test]
    fn reads_that_overlap_have_no_order() {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 97, 3, (10, 30));
        trial.show(1, "Stock1", 100, 0, (20, 40));
        assert_passes(&trial.check(&CHECK));
    }

    #[test]
    fn a_client_that_never_reads_twice_shows_nothing() {
        let mut trial = Trial::new();
        trial.show(1, "Stock1", 97, 3, (10, 20));
        assert_inconclusive(&trial.check(&CHECK), "no repeated reads");
    }
}
