//! Who may say what about an order: rules R7 and G3.
//!
//! That an order is there, any replica that knows it to be committed may say: it stays. That it is not, only a
//! leader that serves. *Otherwise (R7): a new leader does not know yet what its predecessor acknowledged, and
//! denies it. (G3): it does know, and lets everybody wait for a takeover that needs the catalog, which is
//! down.* Pure.

use base::planted::{Bug, Bugs};

/// What a replica does with a lookup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lookup {
    /// Shows the order.
    Show,
    /// Waits until it serves, within a bound, and looks again.
    AwaitServing,
    /// Says that there is no such order.
    Deny,
    /// Asks the leader.
    AskLeader,
}

/// What is done with a lookup of an order that is `known` to be committed here, or not, by a replica that
/// serves or not; `for_leader` if it leads, or is asked as the leader.
#[must_use]
pub fn decide(known: bool, for_leader: bool, serving: bool, bugs: Bugs) -> Lookup {
    let waits = for_leader && !serving;
    match (known, for_leader) {
        (true, _) if !(waits && bugs.has(Bug::LookupWaitsForTakeover)) => Lookup::Show,
        (_, true) if waits => Lookup::AwaitServing,
        (_, true) => Lookup::Deny,
        (_, false) => Lookup::AskLeader,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_to_be_committed_is_shown_by_anybody_at_any_time() {
        for (for_leader, serving) in [(false, false), (true, false), (true, true)] {
            assert_eq!(decide(true, for_leader, serving, Bugs::default()), Lookup::Show);
        }
    }

    #[test]
    fn only_a_leader_that_serves_denies() {
        let unknown = |for_leader, serving| decide(false, for_leader, serving, Bugs::default());
        assert_eq!(unknown(true, true), Lookup::Deny);
        assert_eq!(unknown(true, false), Lookup::AwaitServing);
        assert_eq!(unknown(false, false), Lookup::AskLeader);
    }
}
