//! The commands that a guard runs for a target: what reaches a process that something else keeps, or takes a fault back. Each is
//! within a bound, its output in a log.
//!
//! What such a command leaves running is left alone, since that is what a start is for. The invariant: a command that takes too
//! long is killed with its process group, and one whose guard is killed ends with it.

use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, killpg};
use nix::unistd::Pid;
use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::adopter::wait_ended;
use super::launcher;
use super::members::handle_of;
use super::protocol::Start;
use super::{Limits, Surroundings};

/// The most that is read of what a command prints, in bytes: a process id has ten digits.
const MAX_PRINTED_BYTES: u64 = 4096;

/// Runs commands as a target's file says.
pub(super) struct Commands<'a> {
    surroundings: &'a Surroundings,
    guard_pid: i32,
    log: File,
}

impl<'a> Commands<'a> {
    pub(super) fn new(surroundings: &'a Surroundings) -> Result<Self, String> {
        let guard_pid = i32::try_from(std::process::id()).map_err(|error| error.to_string())?;
        let path = &surroundings.log;
        let log = OpenOptions::new().create(true).append(true).open(path);
        let log =
            log.map_err(|error| format!("cannot write the log {}: {error}", path.display()))?;
        Ok(Self { surroundings, guard_pid, log })
    }

    /// A command, for a message.
    pub(super) fn named(&self, command: &[OsString]) -> String {
        let words: Vec<_> = command.iter().map(|word| word.to_string_lossy()).collect();
        format!("`{}`", words.join(" "))
    }

    /// Writes a line into the log.
    pub(super) fn note(&self, line: &str) {
        // A log that cannot be written keeps nobody from going on.
        let _ = writeln!(&self.log, "{line}");
    }

    /// Runs a command that must succeed.
    pub(super) fn run(&self, command: &[OsString], within: Duration) -> Result<(), String> {
        let (output, errors) = (self.output()?, self.output()?);
        let status = self.end(command, self.start(command, output, errors)?, within)?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("{} failed ({status})", self.named(command))),
        }
    }

    /// Runs a command and returns what it printed, whether it succeeds or not: `pgrep` fails if there is nobody.
    pub(super) fn ask(&self, command: &[OsString], within: Duration) -> Result<String, String> {
        let failed = |error: io::Error| format!("cannot run {}: {error}", self.named(command));
        let (reader, writer) = io::pipe().map_err(failed)?;
        let process = self.start(command, writer.into(), self.output()?)?;
        self.end(command, process, within)?;
        // Who it has left running may hold the pipe, so its end is not waited for.
        let mut ready = [PollFd::from_borrowed_fd(reader.as_fd(), PollFlags::IN)];
        if poll(&mut ready, Some(&Timespec::default())).unwrap_or_default() == 0 {
            return Ok(String::new());
        }
        let mut printed = [0; MAX_PRINTED_BYTES as usize];
        let bytes = reader.take(MAX_PRINTED_BYTES).read(&mut printed).map_err(failed)?;
        Ok(String::from_utf8_lossy(&printed[..bytes]).into_owned())
    }

    /// Where output goes: nowhere, once the log is full.
    fn output(&self) -> Result<Stdio, String> {
        let length = self.log.metadata().map_or(0, |log| log.len());
        if length >= self.surroundings.log_bytes {
            return Ok(Stdio::null());
        }
        let copy = self.log.try_clone();
        copy.map(Stdio::from).map_err(|error| format!("no file descriptor is left: {error}"))
    }

    fn start(&self, command: &[OsString], output: Stdio, errors: Stdio) -> Result<Child, String> {
        let (surroundings, limits) = (self.surroundings.clone(), Limits::default());
        let start = Start { command: command.to_vec(), surroundings, limits, talk: None };
        launcher::start_into(&start, self.guard_pid, output, errors)
    }

    /// Waits for the end of a command.
    fn end(
        &self,
        command: &[OsString],
        mut process: Child,
        within: Duration,
    ) -> Result<std::process::ExitStatus, String> {
        let pid = process.id().cast_signed();
        let began = Instant::now();
        // Before it is reaped, its pid is nobody else's.
        let ended = handle_of(pid).is_some_and(|handle| wait_ended(&handle, Some(within)));
        if !ended {
            // It leads its group. What has left that has meant to.
            let _ = killpg(Pid::from_raw(pid), Signal::SIGKILL);
        }
        let status = process.wait();
        let status =
            status.map_err(|error| format!("cannot wait for {}: {error}", self.named(command)))?;
        match ended {
            true => Ok(status),
            false => Err(format!(
                "{} did not end within {} ms and was killed",
                self.named(command),
                began.elapsed().as_millis()
            )),
        }
    }
}
