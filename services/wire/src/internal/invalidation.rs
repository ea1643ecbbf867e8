//! What the catalog tells the front-end's cache.

use serde::{Deserialize, Serialize};

use crate::ids::StockVersion;

/// `POST /invalidate` at the front-end: these stocks have reached these versions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Invalidation {
    /// Whether the catalog has just started and tells of every stock: then the front-end says which
    /// versions it has seen (rule L8), in a [`SeenVersions`].
    #[serde(default)]
    pub start: bool,
    /// One element per stock, with its newest version.
    pub stocks: Vec<VersionedStock>,
}

/// The front-end's answer to an [`Invalidation`] of a catalog that starts.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenVersions {
    /// Of each stock that it was told of, the highest version that it has ever seen, the one that it
    /// was told just now included.
    pub seen: Vec<VersionedStock>,
}

/// A stock and a version of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct VersionedStock {
    /// The stock's name.
    pub stock_name: String,
    /// Its version.
    pub version: StockVersion,
}
