//! Which places a request takes one of while it is worked on.
//!
//! Rule E5: what keeps the bazaar together has places of its own. *Otherwise: every place of the
//! front-end is taken by a trade that waits for an invalidation, and the invalidation waits for a
//! place.* Rule G3: so have reads, which a trade that waits must not keep waiting. *Otherwise: the
//! catalog is down, 1100 trades wait for it, and a stock that lies in the cache is answered 503.*
//! Pure; the [server](super::serve) has the places themselves.

use super::Access;
use crate::planted::{Bug, Bugs};

/// What a request to an endpoint may have to wait for, once it is worked on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Load {
    /// It changes nothing that others must agree to.
    Read,
    /// It is a trade, or a part of one: it waits for whoever takes part in it.
    Trade,
}

/// A bound on requests that are worked on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Places {
    /// For reads, by clients or for their sake.
    Reads,
    /// For trades, by clients or for their sake.
    Trades,
    /// For everything else.
    Internal,
}

impl Places {
    /// Those that a request to an endpoint with this access and load takes one of.
    #[must_use]
    pub fn of(access: Access, load: Load, bugs: Bugs) -> Self {
        match (access, load) {
            (Access::Internal, _) if !bugs.has(Bug::OneBound) => Self::Internal,
            (Access::Public | Access::Work | Access::Local, Load::Read)
                if !bugs.has(Bug::ReadsShareWithTrades) =>
            {
                Self::Reads
            }
            (Access::Public | Access::Work | Access::Local | Access::Internal, _) => Self::Trades,
        }
    }
}
