//! What a leader does next with a trade that it carries: rule E2, without a socket.
//!
//! Once it has sent a trade to the catalog it asks again until the trade has an outcome and, if it
//! was applied, a number; only its own replacement ends that, because then the next leader asks the
//! catalog what was applied. *Otherwise: the catalog applies R1 and dies before it answers; the
//! leader gives up; no takeover follows, and nobody ever numbers R1.* The same would come of a trade
//! that ends with the connection that brought it.

use base::http::{Attempt, Attempts};
use base::planted::{Bug, Bugs};

/// What the catalog said. `T` is an applied trade, `A` a final answer to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CatalogReply<T, A> {
    /// It applied the trade.
    Applied(T),
    /// The trade has another outcome.
    Final(A),
    /// It has seen a newer epoch.
    Deposed(Attempt),
    /// There is no outcome yet.
    Nothing(Attempt),
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next<T, A> {
    /// Ask the catalog, if this replica still leads.
    Ask,
    /// Have the trade numbered.
    Number(T),
    /// Tell the client.
    Answer(A),
    /// Tell the caller to try elsewhere.
    GiveUp {
        /// Whether certainly nothing was changed.
        without_effect: bool,
    },
}

/// One trade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct TradeProgress {
    attempts: Attempts,
    bugs: Bugs,
}

impl TradeProgress {
    /// A trade that nothing has been done for yet.
    #[must_use]
    pub fn new(bugs: Bugs) -> Self {
        Self { attempts: Attempts::new(bugs), bugs }
    }

    /// Whether a trade goes on when the connection that brought it is gone.
    #[must_use]
    pub fn outlives_its_connection(bugs: Bugs) -> bool {
        !bugs.has(Bug::DieWithConnection)
    }

    /// The catalog was asked.
    pub fn heard<T, A>(&mut self, heard: CatalogReply<T, A>) -> Next<T, A> {
        match heard {
            CatalogReply::Applied(trade) => Next::Number(trade),
            CatalogReply::Final(answer) => Next::Answer(answer),
            CatalogReply::Deposed(attempt) => {
                self.attempts.note(attempt);
                self.replaced()
            }
            CatalogReply::Nothing(attempt) => {
                self.attempts.note(attempt);
                if self.bugs.has(Bug::AskOnce) { self.replaced() } else { Next::Ask }
            }
        }
    }

    /// This replica does not lead any more.
    #[must_use]
    pub fn replaced<T, A>(&self) -> Next<T, A> {
        Next::GiveUp { without_effect: self.attempts.are_without_effect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn progress() -> TradeProgress {
        TradeProgress::new(Bugs::default())
    }

    #[test]
    fn it_asks_until_there_is_an_outcome() {
        let mut progress = progress();
        for attempt in [Attempt::WithoutEffect, Attempt::Unclear, Attempt::WithoutEffect] {
            assert_eq!(progress.heard::<(), ()>(CatalogReply::Nothing(attempt)), Next::Ask);
        }
        assert_eq!(progress.heard::<u8, ()>(CatalogReply::Applied(7)), Next::Number(7));
        assert_eq!(progress.heard::<(), u8>(CatalogReply::Final(7)), Next::Answer(7));
    }

    #[test]
    fn who_is_replaced_says_no_effect_only_if_no_attempt_can_have_had_one() {
        let mut progress = progress();
        let give_up = |without_effect| Next::<(), ()>::GiveUp { without_effect };
        assert_eq!(progress.replaced(), give_up(true));
        assert_eq!(progress.heard(CatalogReply::Deposed(Attempt::WithoutEffect)), give_up(true));
        progress.heard::<(), ()>(CatalogReply::Nothing(Attempt::Unclear));
        assert_eq!(progress.heard(CatalogReply::Deposed(Attempt::WithoutEffect)), give_up(false));
    }
}
