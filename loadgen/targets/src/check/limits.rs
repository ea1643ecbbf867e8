//! `[limits]`: at least something.

use super::checker::{Checker, MAX_TIMEOUT_SECONDS};
use crate::file::Limits;

/// A tebibyte, which no machine that runs this has.
const MAX_MEMORY_MB: u64 = 1 << 20;
/// What the kernel allows at the most (`pid_max`).
const MAX_PROCESSES: u64 = 1 << 22;

/// Checks them.
pub(super) fn check(checker: &mut Checker<'_>, limits: Limits) -> Limits {
    let bounds = [
        ("memory_mb", limits.memory_mb, MAX_MEMORY_MB),
        ("processes", limits.processes, MAX_PROCESSES),
        ("seconds", limits.seconds, 24 * MAX_TIMEOUT_SECONDS),
    ];
    for (name, given, most) in bounds {
        if let Some(value) = given {
            checker.within(&format!("limits.{name}"), value, 1, most);
        }
    }
    limits
}
