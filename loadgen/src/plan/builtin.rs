//! The plans that the program carries, so that it runs from any folder.

/// A plan that the program carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// `plans/bench.toml`.
    Bench,
    /// `plans/failover.toml`.
    Failover,
}

impl BuiltIn {
    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::Failover => "failover",
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Bench => include_str!("../../plans/bench.toml"),
            Self::Failover => include_str!("../../plans/failover.toml"),
        }
    }
}
