//! Pipes between the harness and a process that it talks to: its standard input and output, past the guard.
//!
//! The harness makes the pipes, and the launcher opens the process's ends by way of the harness's `/proc/PID/fd`: a program that is
//! started without `unsafe` code inherits three descriptors and no more, and those of a guard are taken. An end that is
//! opened so is a description of its own, so the process's reads and writes block although the harness's do not.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, RawFd};
use std::path::PathBuf;

use serde::{Deserialize, Serialize};
use tokio::net::unix::pipe::{self, Receiver, Sender};

/// What the harness has of a process that it talks to.
#[derive(Debug)]
pub struct Talk {
    /// Its standard input, which ends when this is dropped.
    pub input: Sender,
    /// Its standard output, which ends when nothing of the tree is left that could write to it.
    pub output: Receiver,
}

/// The process's ends, as long as the harness holds them.
#[derive(Debug)]
pub(super) struct Theirs {
    input: Receiver,
    output: Sender,
}

/// Where the process's ends are: of which process they are which descriptors.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Ends {
    harness_pid: u32,
    input: RawFd,
    output: RawFd,
}

/// Two pipes.
pub(super) fn pipes() -> io::Result<(Talk, Theirs)> {
    let (input, their_input) = pipe::pipe()?;
    let (their_output, output) = pipe::pipe()?;
    Ok((Talk { input, output }, Theirs { input: their_input, output: their_output }))
}

impl Theirs {
    /// Where they are. They must be held until the process has started.
    pub(super) fn ends(&self) -> Ends {
        Ends {
            harness_pid: std::process::id(),
            input: self.input.as_raw_fd(),
            output: self.output.as_raw_fd(),
        }
    }
}

impl Ends {
    /// Opens the input and the output.
    pub(super) fn open(&self) -> io::Result<(File, File)> {
        let path = |end: RawFd| PathBuf::from(format!("/proc/{}/fd/{end}", self.harness_pid));
        Ok((File::open(path(self.input))?, OpenOptions::new().write(true).open(path(self.output))?))
    }
}
