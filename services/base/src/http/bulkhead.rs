//! Which places a request takes one of while it is worked on.
//!
//! Rule E5: what keeps the bazaar together has places of its own. *Otherwise: every place of the
//! front-end is taken by a trade that waits for an invalidation, and the invalidation waits for a
//! place.* Rule G3: so have reads, which a trade that waits must not keep waiting. *Otherwise: the
//! catalog is down, 1100 trades wait for it, and a stock that lies in the cache is answered 503.*
//! Nor must a read that has to ask another process; and those that ask one process must not keep
//! those waiting that ask another. *Otherwise: the catalog is stopped, 1024 reads of a stock that is
//! not in the cache wait for it, and one that is there is answered 503, and so is an order that every
//! replica has.*
//! Pure; the [capacity](super::capacity) has the places themselves.

use super::Access;
use crate::planted::{Bug, Bugs};

/// Another process of the bazaar, as one that a request may have to wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Peer {
    /// The front-end.
    FrontEnd,
    /// The catalog.
    Catalog,
    /// A replica of the order service.
    Replica,
}

/// What a request may have to wait for, once it is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// It changes nothing that others must agree to, and needs nothing but what is here.
    Read,
    /// The same, but this process cannot answer it before another one has done something.
    Question(Peer),
    /// It is a trade, or a part of one: it waits for those who take part in it.
    Trade,
}

/// A bound on requests that are worked on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bulkhead {
    /// For reads, by clients or for their sake.
    Reads,
    /// For those reads that have to ask this process.
    Questions(Peer),
    /// For trades, by clients or for their sake.
    Trades,
    /// For everything else.
    Internal,
}

impl Bulkhead {
    /// Those that a request to an endpoint with this access and load takes one of.
    #[must_use]
    pub fn of(access: Access, load: Load, bugs: Bugs) -> Self {
        match (access, load) {
            // No matter who asks it: what keeps the bazaar together must not wait for it either.
            (_, Load::Question(peer)) if !bugs.has(Bug::QuestionsShareWithReads) => {
                Self::Questions(peer)
            }
            (Access::Internal, _) if !bugs.has(Bug::OneBound) => Self::Internal,
            (Access::Public | Access::Work | Access::Local, Load::Read | Load::Question(_))
                if !bugs.has(Bug::ReadsShareWithTrades) =>
            {
                Self::Reads
            }
            (Access::Public | Access::Work | Access::Local | Access::Internal, _) => Self::Trades,
        }
    }
}
