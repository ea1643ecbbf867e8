//! What one transaction of a replica's file changes.

use std::sync::Arc;

use wire::ids::{BazaarId, Epoch, OrderNo};
use wire::internal::Entry;

/// What one transaction changes; each part may be nothing.
#[derive(Debug, Default)]
pub struct Change<'a> {
    /// The epoch accepted, or heard of, from now on.
    pub accepted: Option<Epoch>,
    /// Up to where orders are known to be committed.
    pub committed: Option<OrderNo>,
    /// The bazaar that the file belongs to from now on.
    pub bazaar: Option<&'a BazaarId>,
    /// Orders that stand under another epoch from now on.
    pub restamped: &'a [Arc<Entry>],
    /// Drop every entry after this number.
    pub keep: Option<OrderNo>,
    /// Then add these.
    pub entries: &'a [Arc<Entry>],
}

impl Change<'_> {
    /// Whether there is nothing that is worth a transaction: the mark alone is not.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        let Self { accepted, committed: _, bazaar, restamped, keep, entries } = self;
        accepted.is_none()
            && bazaar.is_none()
            && keep.is_none()
            && restamped.is_empty()
            && entries.is_empty()
    }
}
