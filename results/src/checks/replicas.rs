//! All replicas hold the same log once healed.
//!
//! The logs are compared entry by entry; the digests are for people, who can tell at a glance
//! that they agree and can compare them with what `order-N.db` holds.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::check::{Check, Finding};
use super::dumps::{LogEntry, ReplicaLog};
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::Need;
use super::part::Part;
use super::rows::Content;
use crate::records::Fact;

pub(super) const CHECK: Check = Check {
    name: "replicas-identical",
    claim: "all replicas hold the same log",
    parts: &[Part::whole(&[Fact::OrdersOfReplicas, Fact::IdenticalReplicas, Fact::CopiesOfOrders])],
    needs: &[Need::Acknowledged, Need::Replicas],
    examine,
    count: None,
};

/// A replica's log in a few characters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogDigest {
    /// The cell of the manifest.
    pub cell: String,
    /// Which repetition of the cell.
    pub trial: u32,
    /// The replica.
    pub source: String,
    /// How many orders its log holds.
    pub orders: u64,
    /// SHA-256 over one line per order, ascending by number: number, epoch, request id, stock,
    /// type and quantity, separated by tabs and ended by a line feed; what is not known is empty.
    pub sha256: String,
}

/// The digest of every log that was dumped.
pub(super) fn digests(history: &History<'_>) -> Vec<LogDigest> {
    let mut digests: Vec<LogDigest> = Vec::new();
    for (place, log) in history.logs.iter().enumerate() {
        // Equal logs have equal digests, and mostly all are equal.
        let equal = history.logs[..place].iter().position(|before| are_equal(before, log));
        let known = equal.map(|before| digests[before].sha256.clone());
        digests.push(LogDigest {
            cell: history.cell.id.clone(),
            trial: history.trial,
            source: log.source.to_owned(),
            orders: log.entries.len() as u64,
            sha256: known.unwrap_or_else(|| sha256(history, log)),
        });
    }
    digests
}

fn are_equal(one: &ReplicaLog<'_>, other: &ReplicaLog<'_>) -> bool {
    let mut pairs = one.entries.iter().zip(&other.entries);
    one.entries.len() == other.entries.len()
        && pairs.all(|(one, other)| one.order_no() == other.order_no() && is_same(one, other))
}

fn sha256(history: &History<'_>, log: &ReplicaLog<'_>) -> String {
    let mut hasher = Sha256::new();
    let mut line = String::new();
    for entry in &log.entries {
        let order_no = entry.order_no();
        let request_id =
            entry.request.map(|request| history.requests.id(request)).unwrap_or_default();
        let epoch = entry.row.epoch().map(|epoch| epoch.to_string()).unwrap_or_default();
        let Content { stock_name, trade_type, quantity } = entry.content();
        line.clear();
        _ = writeln!(
            line,
            "{order_no}\t{epoch}\t{request_id}\t{stock_name}\t{trade_type}\t{quantity}"
        );
        hasher.update(&line);
    }
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn examine(history: &History<'_>, finding: &mut Finding) {
    let mut compared = 0;
    for number in numbers(&history.logs) {
        compared += 1;
        if let Some(what) = disagreement(history, number) {
            finding.violation(|| {
                let entries: Vec<_> =
                    history.logs.iter().filter_map(|log| log.at(number)).collect();
                let violation = Violation::new(history, what);
                let violation =
                    entries.iter().fold(violation, |violation, entry| violation.held(entry.row));
                entries
                    .iter()
                    .fold(violation, |violation, entry| violation.story(history, entry.request))
            });
        }
    }
    finding.examined("orders compared", compared);
    finding.examined("logs", history.logs.len());
}

/// Every number that some log has, once, ascending.
fn numbers(logs: &[ReplicaLog<'_>]) -> impl Iterator<Item = u64> {
    // Logs ascend.
    let mut left: Vec<&[LogEntry<'_>]> = logs.iter().map(|log| log.entries.as_slice()).collect();
    std::iter::from_fn(move || {
        let firsts = left.iter().filter_map(|entries| entries.first());
        let number = firsts.map(LogEntry::order_no).min()?;
        for entries in &mut left {
            let of_it = entries.iter().take_while(|entry| entry.order_no() == number).count();
            *entries = &entries[of_it..];
        }
        Some(number)
    })
}

fn disagreement(history: &History<'_>, number: u64) -> Option<String> {
    let mut holders = history.logs.iter().filter_map(|log| Some((log.source, log.at(number)?)));
    let (first_source, first) = holders.next()?;
    for (source, entry) in holders {
        if !is_same(first, entry) {
            return Some(format!(
                "#{number} is {} at {first_source} and {} at {source}",
                describe(history, first),
                describe(history, entry)
            ));
        }
    }
    // A dump that was cut off may lack what the replica has.
    let lacking: Vec<_> = history
        .logs
        .iter()
        .filter(|log| history.timeline.finished && log.at(number).is_none())
        .map(|log| log.source)
        .collect();
    (!lacking.is_empty())
        .then(|| format!("{first_source} holds #{number}, but {} does not", lacking.join(" and ")))
}

fn is_same(one: &LogEntry<'_>, other: &LogEntry<'_>) -> bool {
    let of = |entry: &LogEntry<'_>| (entry.row.epoch(), entry.request);
    of(one) == of(other) && one.content() == other.content()
}

fn describe(history: &History<'_>, entry: &LogEntry<'_>) -> String {
    let epoch = entry.row.epoch().map(|epoch| format!(", epoch {epoch}")).unwrap_or_default();
    let content = entry.content();
    match entry.request {
        Some(request) => format!("{} ({content}{epoch})", history.requests.id(request)),
        None => format!("{content}{epoch}"),
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::testing::{Trial, assert_fails, assert_inconclusive, assert_passes};
    use wire::bazaar::TradeType::Buy;

    fn trial() -> Trial {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 3, "Stock1", (10, 20));
        trial.trade(2, "r2", Buy, 4, "Stock2", (15, 30));
        trial
    }

    #[test]
    fn equal_logs_pass_and_have_equal_digests() {
        assert_passes(&trial().check(&CHECK));
        let digests = trial().report().digests;
        assert_eq!(digests.len(), 3);
        assert!(digests.iter().all(|digest| digest.sha256 == digests[0].sha256));
        assert!(digests.iter().all(|digest| digest.orders == 2));
    }

    #[test]
    fn the_digest_is_the_documented_one() {
        // printf '1\t1\tr1\tStock1\tBuy\t3\n2\t1\tr2\tStock2\tBuy\t4\n' | sha256sum
        let digests = trial().report().digests;
        assert_eq!(
            digests[0].sha256,
            "56b9d0a73538d74df0e184e57f64a4939ff1bbfc921859bb9898cf94b50b032c"
        );
    }

    #[test]
    fn the_same_number_with_different_content_on_two_replicas_is_a_violation() {
        let mut trial = trial();
        trial.entry_mut("order-2", "r2").request_id = Some("r9".into());
        let result = trial.check(&CHECK);
        assert_fails(&result, "#2 is r2 (Buy 4 of Stock2, epoch 1) at order-1 and r9");
        assert!(result.evidence[0].held.len() >= 3);
        let digests = trial.report().digests;
        assert_ne!(digests[0].sha256, digests[1].sha256);
    }

    #[test]
    fn the_same_trade_numbered_in_different_epochs_is_a_violation() {
        let mut trial = trial();
        trial.entry_mut("order-2", "r2").epoch = Some(5);
        assert_fails(&trial.check(&CHECK), "epoch 5");
    }

    #[test]
    fn an_order_that_a_replica_lacks_is_a_violation_once_the_dump_is_complete() {
        let mut trial = trial();
        trial
            .finals
            .retain(|row| !(row.source == "order-3" && row.request_id.as_deref() == Some("r2")));
        assert_fails(&trial.check(&CHECK), "order-1 holds #2, but order-3 does not");
        trial.unfinish();
        assert_inconclusive(&trial.check(&CHECK), "did not finish");
    }

    #[test]
    fn replicas_that_were_not_dumped_leave_it_open() {
        let mut trial = trial();
        trial.finals.retain(|row| row.source == "order-1" || row.source == "catalog");
        let result = trial.check(&CHECK);
        assert_inconclusive(&result, "order-2");
        assert_inconclusive(&result, "order-3");
    }
}
