//! What processes cost, as the kernel counts it.
//!
//! CPU is `utime + stime` of a process, threads that have ended included. It comes in ticks of usually 10 ms, which is a
//! thousandth of what a measured second takes. Context switches are counted by thread, so those of ended threads are gone.

use std::fs;
use std::ops::Sub;

use anyhow::{Context, bail};

/// A process tree that is larger than this is not a server's.
const MOST_PROCESSES: usize = 256;
/// What /proc counts memory in.
const KIB: f64 = 1_024.0;
/// What is told.
const MB: f64 = 1_000_000.0;

/// What was used up to a moment, or between two.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Usage {
    /// CPU, in microseconds.
    pub(crate) cpu_us: f64,
    /// Context switches, voluntary or not.
    pub(crate) switches: f64,
}

impl Sub for Usage {
    type Output = Self;

    fn sub(self, earlier: Self) -> Self {
        Self { cpu_us: self.cpu_us - earlier.cpu_us, switches: self.switches - earlier.switches }
    }
}

/// Memory that a process holds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Memory {
    /// What is shared counted by its share, in MB.
    pub(crate) pss_mb: f64,
    /// All of it, in MB.
    pub(crate) rss_mb: f64,
}

/// What processes and their descendants used so far.
///
/// # Errors
/// If one is gone.
pub(crate) fn of(pids: &[u32]) -> anyhow::Result<Usage> {
    let mut usage = Usage::default();
    let mut open = pids.to_vec();
    let mut seen = 0;
    while let Some(pid) = open.pop() {
        seen += 1;
        if seen > MOST_PROCESSES {
            bail!("process {pid} and others have more than {MOST_PROCESSES} descendants");
        }
        let read = |file: &str| {
            fs::read_to_string(format!("/proc/{pid}/{file}"))
                .with_context(|| format!("process {pid} is gone"))
        };
        let ticks =
            ticks(&read("stat")?, 11).context("a line of /proc/PID/stat is not as it was")?;
        usage.cpu_us += ticks as f64 * 1e6 / rustix::param::clock_ticks_per_second() as f64;
        for task in fs::read_dir(format!("/proc/{pid}/task"))?.filter_map(Result::ok) {
            // A thread that ends meanwhile has no files any more.
            let status = fs::read_to_string(task.path().join("status")).unwrap_or_default();
            usage.switches += switches(&status);
            let children = fs::read_to_string(task.path().join("children")).unwrap_or_default();
            open.extend(children.split_whitespace().filter_map(|pid| pid.parse::<u32>().ok()));
        }
    }
    Ok(usage)
}

/// The CPU of this process's children that have ended, in microseconds.
///
/// # Errors
/// If it cannot be read.
pub(crate) fn of_ended_children() -> anyhow::Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat")?;
    let ticks = ticks(&stat, 13).context("a line of /proc/self/stat is not as it was")?;
    Ok(ticks as f64 * 1e6 / rustix::param::clock_ticks_per_second() as f64)
}

/// What a process holds.
///
/// # Errors
/// If it is gone, or its memory may not be looked at.
pub(crate) fn memory(pid: u32) -> anyhow::Result<Memory> {
    let read = |file: &str| {
        fs::read_to_string(format!("/proc/{pid}/{file}"))
            .with_context(|| format!("cannot see the memory of process {pid}"))
    };
    let pss = kib(&read("smaps_rollup")?, "Pss:").context("smaps_rollup has no Pss")?;
    let rss = kib(&read("status")?, "VmRSS:").context("status has no VmRSS")?;
    Ok(Memory { pss_mb: pss * KIB / MB, rss_mb: rss * KIB / MB })
}

/// Two fields of a line of `/proc/PID/stat`, added. The name before them may hold anything, parentheses and spaces too;
/// the state after it is field 0, so that `utime` and `stime` are 11 and 12, and those of ended children 13 and 14.
fn ticks(stat: &str, first: usize) -> Option<u64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    Some(fields.get(first)?.parse::<u64>().ok()? + fields.get(first + 1)?.parse::<u64>().ok()?)
}

fn switches(status: &str) -> f64 {
    let lines = status.lines().filter(|line| line.contains("ctxt_switches:"));
    lines.filter_map(|line| line.split_whitespace().nth(1)?.parse::<f64>().ok()).sum()
}

fn kib(text: &str, name: &str) -> Option<f64> {
    text.lines().find_map(|line| line.strip_prefix(name))?.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_spaces_and_parentheses_moves_no_field() {
        let stat = "7 (a) b (c)) S 1 7 7 0 -1 4194560 100 0 0 0 30 12 5 2 20 0 5 0 99 1 1";
        assert_eq!((ticks(stat, 11), ticks(stat, 13)), (Some(42), Some(7)));
        assert_eq!(ticks("7 (a) S 1", 11), None);
    }

    #[test]
    fn switches_of_both_kinds_count() {
        let status = "Name:\tx\nvoluntary_ctxt_switches:\t40\nnonvoluntary_ctxt_switches:\t2\n";
        assert_eq!(switches(status), 42.0);
        assert_eq!(switches(""), 0.0);
    }

    #[test]
    fn this_process_uses_something_and_holds_memory() {
        let pid = std::process::id();
        assert!(of(&[pid]).unwrap().switches > 0.0);
        let memory = memory(pid).unwrap();
        assert!(memory.pss_mb > 0.1 && memory.rss_mb >= memory.pss_mb * 0.9, "{memory:?}");
        assert!(of(&[u32::MAX]).is_err());
    }
}
