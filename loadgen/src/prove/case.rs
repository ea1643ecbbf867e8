//! Which bug does harm in which story, and which check is meant to catch it.
//!
//! Rules stand behind each other: a number is a place at the catalog, so what a replication bug loses
//! comes back with the next leader's list, and what the catalog loses with the next fill; the longest
//! log leads; nobody drops what he knows to be committed. A bug that one of these would make good is
//! planted together with [the rules](Case::beside) that stand behind it, and a control shows that those
//! alone do not set off its check: what is caught is the bug.

use std::collections::BTreeSet;

use super::story::Story;

/// A bug, where it shows, and who must see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Case {
    /// Its name at the services' `--plant`.
    pub bug: &'static str,
    /// What is left out.
    pub what: &'static str,
    /// Bugs that are planted besides: rules that would make good what this one loses.
    pub beside: &'static [&'static str],
    /// The story in which that does harm.
    pub story: Story,
    /// The check that must find it.
    pub check: &'static str,
}

const SURVIVAL: &str = "acknowledged-orders-survive";
const SHOWN: &str = "shown-orders-stay";
const ONCE: &str = "exactly-once";
const IDENTICAL: &str = "replicas-identical";
const AGREE: &str = "catalog-and-log-agree";
const FRESH: &str = "no-stale-read";
const NUMBERS: &str = "order-numbers";
const TIME: &str = "numbers-follow-time";
const OWN_READS: &str = "client-reads-forward";
const READS: &str = "reads-forward";
const REAL: &str = "reads-show-real-states";
const LINEAR: &str = "linearizable";
const SUMS: &str = "conservation";
const POSSIBLE: &str = "progress-while-possible";
const HEALED: &str = "progress-after-healing";
const ANSWERED: &str = "answered-while-possible";
const LIVES: &str = "no-unordered-death";

/// Nothing stands behind it.
const ALONE: &[&str] = &[];
/// The list, and with it the places that it goes by: a new leader does not learn what was applied, and
/// no catalog is filled.
const LIST: &[&str] = &["skip-unnumbered"];
/// The places alone: the list is there at a takeover, but no gap is noticed later.
const PLACES: &[&str] = &["number-by-arrival"];
/// The list, that the longest log leads, and the mark below which nobody drops anything.
const LIST_LENGTH_AND_MARK: &[&str] = &["skip-unnumbered", "elect-highest-id", "drop-committed"];

/// Every case, in the order of the matrix.
pub const CASES: &[Case] = &[
    Case {
        bug: "acknowledge-before-replicating",
        what: "the leader answers once it has the order itself",
        beside: LIST,
        story: Story::LeaderDies,
        check: SURVIVAL,
    },
    Case {
        bug: "no-request-id-check",
        what: "the catalog applies a repeated request again",
        beside: ALONE,
        story: Story::LeaderDiesAnswering,
        check: ONCE,
    },
    Case {
        bug: "no-order-log-check",
        what: "a trade that has a number gets another",
        beside: ALONE,
        story: Story::LeaderDiesAnswering,
        check: ONCE,
    },
    Case {
        bug: "fresh-id-on-retry",
        what: "the front-end tries a trade again under another id",
        beside: ALONE,
        story: Story::LeaderDiesAnswering,
        check: ONCE,
    },
    Case {
        bug: "keep-conflicting-tail",
        what: "a returning replica keeps what the leader lacks",
        beside: ALONE,
        story: Story::LeaderDies,
        check: IDENTICAL,
    },
    Case {
        bug: "serve-uncommitted",
        what: "lookups show orders before they are committed",
        beside: LIST,
        story: Story::LeaderDies,
        check: SHOWN,
    },
    Case {
        bug: "skip-invalidation",
        what: "the catalog answers a trade without telling the front-end",
        beside: ALONE,
        story: Story::SlowFills,
        check: FRESH,
    },
    Case {
        bug: "cache-late-fill",
        what: "a fill is cached whatever was pushed since",
        beside: ALONE,
        story: Story::SlowFills,
        check: FRESH,
    },
    Case {
        bug: "elect-out-of-sync",
        what: "any replica that answers may lead",
        beside: LIST,
        story: Story::ReplicaLeftBehind,
        check: SURVIVAL,
    },
    Case {
        bug: "acknowledge-gaps",
        what: "a follower says yes to entries beyond a gap",
        beside: ALONE,
        story: Story::ReplicaLeftBehind,
        check: IDENTICAL,
    },
    Case {
        bug: "shrink-without-front-end",
        what: "a failed member is no longer waited for, unbeknown to the front-end",
        beside: LIST_LENGTH_AND_MARK,
        story: Story::FollowerSleeps,
        check: SURVIVAL,
    },
    Case {
        bug: "no-epoch-check-at-follower",
        what: "followers obey a leader that was replaced",
        beside: LIST,
        story: Story::LeaderSleeps,
        check: SURVIVAL,
    },
    Case {
        bug: "no-epoch-check-at-catalog",
        what: "the catalog applies trades of a leader that was replaced",
        beside: PLACES,
        story: Story::LeaderSleeps,
        check: AGREE,
    },
    Case {
        bug: "skip-unnumbered",
        what: "a new leader does not ask what was applied without a number",
        beside: ALONE,
        story: Story::LeaderAndFrontEndDie,
        check: AGREE,
    },
    Case {
        bug: "answer-before-flush",
        what: "replicas answer what is not on disk yet",
        beside: LIST,
        story: Story::AllReplicasDie,
        check: SURVIVAL,
    },
    Case {
        bug: "answer-before-flush",
        what: "the catalog answers what is not on disk yet",
        beside: LIST,
        story: Story::CatalogDies,
        check: AGREE,
    },
    Case {
        bug: "leave-out-flush",
        what: "nobody flushes a commit: the power of all processes is cut",
        beside: ALONE,
        story: Story::PowerFails,
        check: SURVIVAL,
    },
    Case {
        bug: "member-by-id-alone",
        what: "a replica whose files were lost leads, since its id is a member's",
        beside: LIST_LENGTH_AND_MARK,
        story: Story::LeaderLosesFiles,
        check: SURVIVAL,
    },
    Case {
        bug: "lead-old-epoch",
        what: "a restarted leader goes on in its epoch and uses numbers again",
        beside: ALONE,
        story: Story::LeaderBackUnnoticed,
        check: IDENTICAL,
    },
    Case {
        bug: "number-from-disk",
        what: "the next number follows what is on disk, whatever waits to be written",
        beside: ALONE,
        story: Story::LeaderBackUnnoticed,
        check: NUMBERS,
    },
    Case {
        bug: "count-from-takeover",
        what: "a leader counts the numbers that it answers from its takeover on",
        beside: ALONE,
        story: Story::LeaderDies,
        check: TIME,
    },
    Case {
        bug: "two-copies",
        what: "the cache has two copies that take turns, and a push reaches one of them",
        beside: ALONE,
        story: Story::SlowFills,
        check: OWN_READS,
    },
    Case {
        bug: "two-copies",
        what: "the same, seen between clients",
        beside: ALONE,
        story: Story::LeaderDies,
        check: READS,
    },
    Case {
        bug: "half-shown",
        what: "a stock is shown with its new volume and the quantity from before",
        beside: ALONE,
        story: Story::SlowFills,
        check: REAL,
    },
    Case {
        bug: "half-shown",
        what: "the same: no order of the operations explains it",
        beside: ALONE,
        story: Story::LeaderDies,
        check: LINEAR,
    },
    Case {
        bug: "count-refused",
        what: "a refused trade counts towards its stock's volume",
        beside: ALONE,
        story: Story::SlowFills,
        check: SUMS,
    },
    Case {
        bug: "never-remove",
        what: "a leader waits for a member that fails, and never asks for its removal",
        beside: ALONE,
        story: Story::FollowerStaysAway,
        check: POSSIBLE,
    },
    Case {
        bug: "trust-whoever-answers",
        what: "a leader that answers and cannot reach the catalog is not replaced",
        beside: ALONE,
        story: Story::LeaderCutOff,
        check: POSSIBLE,
    },
    Case {
        bug: "place-before-body",
        what: "a request takes its place before its body is there",
        beside: ALONE,
        story: Story::FrontEndFlooded,
        check: POSSIBLE,
    },
    Case {
        bug: "never-rejoin",
        what: "a replica that has caught up is not let in again",
        beside: ALONE,
        story: Story::LeaderDies,
        check: HEALED,
    },
    Case {
        bug: "sell-nothing-while-reduced",
        what: "nothing is sold while a replica is out of sync",
        beside: ALONE,
        story: Story::FollowerStaysAway,
        check: ANSWERED,
    },
    Case {
        bug: "end-when-removed",
        what: "a replica that was removed ends",
        beside: ALONE,
        story: Story::FollowerSleeps,
        check: LIVES,
    },
];

/// The cases of these bugs; all cases if there are none.
///
/// # Errors
/// A bug that is not known, or that is left to the explorer.
pub fn cases(bugs: &[String]) -> anyhow::Result<Vec<&'static Case>> {
    for bug in bugs {
        if CASES.iter().all(|case| case.bug != bug) {
            let known: BTreeSet<_> = CASES.iter().map(|case| case.bug).collect();
            let known: Vec<_> = known.into_iter().collect();
            anyhow::bail!("--bug {bug}: no such bug; there are {}", known.join(", "));
        }
    }
    let wanted = |case: &&Case| bugs.is_empty() || bugs.iter().any(|bug| bug == case.bug);
    Ok(CASES.iter().filter(wanted).collect())
}

#[cfg(test)]
mod tests {
    use super::super::explored::LEFT_TO_THE_EXPLORER;
    use super::*;

    #[test]
    fn an_unknown_bug_is_refused_with_those_that_there_are() {
        let error = cases(&["nothing".to_owned()]).unwrap_err().to_string();
        assert!(error.contains("--bug nothing") && error.contains("skip-invalidation"), "{error}");
    }

    #[test]
    fn a_bug_with_two_stories_is_proved_in_both() {
        let cases = cases(&["answer-before-flush".to_owned()]).unwrap();
        assert_eq!(cases.len(), 2);
    }

    /// The names of the services' bugs, from the text of the enumeration: the harness does not link
    /// the services.
    fn bugs_of_the_services() -> BTreeSet<String> {
        let text = include_str!("../../../services/base/src/planted/mod.rs");
        let body = text.split("pub enum Bug {").nth(1).unwrap().split('}').next().unwrap();
        let variants = body.lines().filter_map(|line| line.trim().strip_suffix(','));
        variants.filter(|name| name.chars().all(char::is_alphanumeric)).map(kebab).collect()
    }

    fn kebab(name: &str) -> String {
        name.chars().enumerate().fold(String::new(), |kebab, (index, letter)| {
            let dash = if index > 0 && letter.is_uppercase() { "-" } else { "" };
            format!("{kebab}{dash}{}", letter.to_lowercase())
        })
    }

    #[test]
    fn every_bug_of_the_services_is_proved_or_explored() {
        let proved = CASES.iter().map(|case| case.bug.to_owned());
        let explored = LEFT_TO_THE_EXPLORER.iter().map(|(bug, _)| (*bug).to_owned());
        assert_eq!(proved.chain(explored).collect::<BTreeSet<_>>(), bugs_of_the_services());
    }

    #[test]
    fn no_bug_is_left_to_the_explorer_twice_or_although_it_is_proved() {
        let left: Vec<_> = LEFT_TO_THE_EXPLORER.iter().map(|(bug, _)| *bug).collect();
        assert_eq!(left.iter().collect::<BTreeSet<_>>().len(), left.len());
        assert!(CASES.iter().all(|case| !left.contains(&case.bug)));
    }

    #[test]
    fn what_stands_behind_a_bug_is_a_bug_itself() {
        let known = bugs_of_the_services();
        for case in CASES {
            let beside = case.beside.iter();
            assert!(beside.clone().all(|bug| known.contains(*bug)), "{}", case.bug);
            assert!(!case.beside.contains(&case.bug));
        }
    }

    #[test]
    fn every_check_is_proved_by_a_bug() {
        let checks: BTreeSet<_> = results::checks::names().collect();
        let proved: BTreeSet<_> = CASES.iter().map(|case| case.check).collect();
        assert_eq!(proved, checks);
    }
}
