//! The plans that the program carries, so that it runs from any folder.

/// A plan that the program carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BuiltIn {
    /// `plans/all-down.toml`.
    AllDown,
    /// `plans/bench.toml`.
    Bench,
    /// `plans/crowd.toml`.
    Crowd,
    /// `targets/engines/plans/cut.toml`.
    EnginesCut,
    /// `targets/engines/plans/kill.toml`.
    EnginesKill,
    /// `targets/engines/plans/load.toml`.
    EnginesLoad,
    /// `targets/engines/plans/pauses.toml`.
    EnginesPause,
    /// `plans/failover.toml`.
    Failover,
    /// `plans/grade.toml`.
    Grade,
    /// `plans/hang.toml`.
    Hang,
    /// `plans/pause.toml`.
    Pause,
    /// `plans/quick.toml`.
    Quick,
    /// `plans/rates.toml`.
    Rates,
    /// `plans/restart-then-lead.toml`.
    RestartThenLead,
}

impl BuiltIn {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::AllDown,
        Self::Bench,
        Self::Crowd,
        Self::EnginesCut,
        Self::EnginesKill,
        Self::EnginesLoad,
        Self::EnginesPause,
        Self::Failover,
        Self::Grade,
        Self::Hang,
        Self::Pause,
        Self::Quick,
        Self::Rates,
        Self::RestartThenLead,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::AllDown => "all-down",
            Self::Bench => "bench",
            Self::Crowd => "crowd",
            Self::EnginesCut => "engines-cut",
            Self::EnginesKill => "engines-kill",
            Self::EnginesLoad => "engines-load",
            Self::EnginesPause => "engines-pause",
            Self::Failover => "failover",
            Self::Grade => "grade",
            Self::Hang => "hang",
            Self::Pause => "pause",
            Self::Quick => "quick",
            Self::Rates => "rates",
            Self::RestartThenLead => "restart-then-lead",
        }
    }

    /// Its text.
    #[must_use]
    pub fn text(self) -> &'static str {
        match self {
            Self::AllDown => include_str!("../../plans/all-down.toml"),
            Self::Bench => include_str!("../../plans/bench.toml"),
            Self::Crowd => include_str!("../../plans/crowd.toml"),
            Self::EnginesCut => include_str!("../../targets/engines/plans/cut.toml"),
            Self::EnginesKill => include_str!("../../targets/engines/plans/kill.toml"),
            Self::EnginesLoad => include_str!("../../targets/engines/plans/load.toml"),
            Self::EnginesPause => include_str!("../../targets/engines/plans/pauses.toml"),
            Self::Failover => include_str!("../../plans/failover.toml"),
            Self::Grade => include_str!("../../plans/grade.toml"),
            Self::Hang => include_str!("../../plans/hang.toml"),
            Self::Pause => include_str!("../../plans/pause.toml"),
            Self::Quick => include_str!("../../plans/quick.toml"),
            Self::Rates => include_str!("../../plans/rates.toml"),
            Self::RestartThenLead => include_str!("../../plans/restart-then-lead.toml"),
        }
    }
}
