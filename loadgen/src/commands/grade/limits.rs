//! What a submission may use while a story is run. There are always limits: nobody knows what a stranger's program does. Its
//! own file may make them narrower, and never wider, for a stranger wrote that as well.

use std::time::Duration;

use targets::file::Limits;

/// Five processes of any language, with a runtime each, have room in it, and a course's machine keeps some for itself.
const MEMORY_MB: u64 = 4096;
/// Threads do not count. What forks without end reaches it within a second.
const PROCESSES: u64 = 1000;
/// Three times as long as the longest story takes.
const SECONDS: u64 = 180;

/// What a submission may use: each of its processes, with everything that it starts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct StoryLimits {
    /// Memory.
    pub(crate) memory_mb: u64,
    /// Processes.
    pub(crate) processes: u64,
    /// How long a story may take.
    pub(crate) time: Duration,
}

impl StoryLimits {
    /// What anybody may use, or what its file says if that is less.
    pub(crate) fn of(limits: Limits) -> Self {
        let least = |said: Option<u64>, most: u64| said.map_or(most, |said| said.min(most));
        Self {
            memory_mb: least(limits.memory_mb, MEMORY_MB),
            processes: least(limits.processes, PROCESSES),
            time: Duration::from_secs(least(limits.seconds, SECONDS)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_can_make_limits_narrower_and_never_wider() {
        let said = Limits { memory_mb: Some(1 << 20), processes: None, seconds: Some(7) };
        let limits = StoryLimits::of(said);
        assert_eq!((limits.memory_mb, limits.processes), (MEMORY_MB, PROCESSES));
        assert_eq!(limits.time, Duration::from_secs(7));
    }
}
