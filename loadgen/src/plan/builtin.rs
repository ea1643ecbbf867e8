//! The plans that the program carries, so that it runs from any folder.

/// A plan that the program carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// `plans/bench.toml`.
    Bench,
    /// `plans/failover.toml`.
    Failover,
    /// `plans/pause.toml`.
    Pause,
    /// `plans/quick.toml`.
    Quick,
    /// `plans/rates.toml`.
    Rates,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 5] = [Self::Bench, Self::Failover, Self::Pause, Self::Quick, Self::Rates];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Bench => "bench",
            Self::Failover => "failover",
            Self::Pause => "pause",
            Self::Quick => "quick",
            Self::Rates => "rates",
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::Bench => include_str!("../../plans/bench.toml"),
            Self::Failover => include_str!("../../plans/failover.toml"),
            Self::Pause => include_str!("../../plans/pause.toml"),
            Self::Quick => include_str!("../../plans/quick.toml"),
            Self::Rates => include_str!("../../plans/rates.toml"),
        }
    }
}
