//! Figures of which a target gives nothing to measure: they are left out, and a line says why.

use crate::checks::why;
use crate::records::{Fact, Model, Target};

/// A family of figures, and what it needs.
struct Family {
    /// To go on after "no figures of".
    what: &'static str,
    facts: &'static [Fact],
    /// Whether it is one of faults.
    of_faults: bool,
}

/// In the order of the tables.
const FAMILIES: [Family; 5] = [
    Family {
        what: "cache hits and misses",
        facts: &[Fact::Queries, Fact::CacheHeader],
        of_faults: false,
    },
    Family { what: "faults of leaders apart from others", facts: &[Fact::Leader], of_faults: true },
    Family {
        what: "how long detection and election took",
        facts: &[Fact::Leader, Fact::LeaderHistory],
        of_faults: true,
    },
    Family {
        what: "trades that were sent on again",
        facts: &[Fact::Trades, Fact::AttemptsHeader],
        of_faults: true,
    },
    Family {
        what: "when a replica was in sync again",
        facts: &[Fact::InSyncSets],
        of_faults: true,
    },
];

/// A line for each family that a run of this target, with faults or without, leaves out.
pub(super) fn left_out(target: &Target, had_faults: bool) -> Vec<String> {
    let keeps_keys = target.model() != Model::Stocks;
    let is_of_stocks = |family: &&Family| {
        family.facts.iter().any(|fact| matches!(fact, Fact::Queries | Fact::Trades))
    };
    let asked = FAMILIES.iter().filter(|family| had_faults || !family.of_faults);
    // A register has no queries that could come from a cache.
    let asked = asked.filter(|family| !(keeps_keys && is_of_stocks(family)));
    let lacking = asked.filter_map(|family| {
        let lacks = target.lacks(family.facts);
        (!lacks.is_empty()).then(|| format!("no figures of {}: {}", family.what, why(&lacks)))
    });
    lacking.collect()
}

#[cfg(test)]
mod tests {
    use super::left_out;
    use crate::records::{Fact, Promises, Target};

    #[test]
    fn a_target_that_tells_everything_leaves_nothing_out() {
        assert!(left_out(&Target::bazaar(3), true).is_empty());
    }

    #[test]
    fn what_a_target_does_not_tell_is_named_with_its_reason() {
        let given = [Fact::Queries, Fact::Trades, Fact::CacheHeader, Fact::AttemptsHeader];
        let target = Target::new("toy", given, Promises::default());
        assert!(left_out(&target, false).is_empty(), "nothing about faults without faults");
        let lines = left_out(&target, true);
        assert_eq!(
            lines,
            [
                "no figures of faults of leaders apart from others: the target does not tell who leads",
                "no figures of how long detection and election took: the target does not tell who leads, and does \
                 not tell the history of its leaders",
                "no figures of when a replica was in sync again: the target does not tell which replicas are in \
                 sync",
            ]
        );
    }
}
