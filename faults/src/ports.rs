//! Addresses for a whole bazaar.

/// Which ports a bazaar listens on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ports {
    /// Free ones, so that several bazaars can run on one machine at once.
    #[default]
    Free,
    /// `base` for the front-end, `base + 1` for the catalog, `base + 1 + ID` for order replica ID.
    Base(u16),
    /// The documented ones: 30001 for the front-end, 10001 for the catalog, 20000 + ID for order
    /// replica ID.
    Default,
}
