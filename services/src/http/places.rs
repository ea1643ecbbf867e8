//! Which places a request takes one of while it is worked on.
//!
//! Rule E5: what keeps the bazaar together has places of its own. *Otherwise: every place of the
//! front-end is taken by a trade that waits for an invalidation, and the invalidation waits for a
//! place.* Pure; the [server](super::serve) has the places themselves.

use super::Access;
use crate::planted::{Bug, Bugs};

/// A bound on requests that are worked on at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Places {
    /// For clients, and for the work between services that they cause.
    Clients,
    /// For everything else.
    Internal,
}

impl Places {
    /// Those that a request to an endpoint with this access takes one of.
    #[must_use]
    pub fn of(access: Access, bugs: Bugs) -> Self {
        match access {
            Access::Internal if !bugs.has(Bug::OneBound) => Self::Internal,
            Access::Public | Access::Work | Access::Internal => Self::Clients,
        }
    }
}
