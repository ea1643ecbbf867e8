//! The one place that writes to stdout and stderr, and decides whether in colour.
//!
//! A reader that went away (`check RUN | head`) ends no command: what it does not want is dropped, and
//! the exit code stays what was found. Anything else that keeps a result from being written, such as a
//! full disk, is said once on stderr, and then a command does not end with a pass: [`verdict_of`].

use std::fmt;
use std::fs::File;
use std::io::{self, ErrorKind, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::exit::Exit;

/// Prints a line to stdout: what a command found.
macro_rules! say {
    () => { $crate::output::stdout(format_args!("\n")) };
    ($($words:tt)*) => { $crate::output::stdout(format_args!("{}\n", format_args!($($words)*))) };
}

/// Prints a line to stderr: how a command gets on.
macro_rules! note {
    ($($words:tt)*) => { $crate::output::stderr(format_args!("{}\n", format_args!($($words)*))) };
}

pub(crate) use {note, say};

/// How writing results goes.
static STATE: Mutex<State> = Mutex::new(State::Open);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Open,
    /// Nobody reads any more.
    Unread,
    /// Something could not be written.
    Lost,
}

/// Writes to stdout.
pub(crate) fn stdout(text: fmt::Arguments<'_>) {
    write_result(|| {
        let mut out = io::stdout().lock();
        out.write_fmt(text)?;
        out.flush()
    });
}

/// Writes to stderr. If that cannot be written, there is nowhere to say so.
pub(crate) fn stderr(text: fmt::Arguments<'_>) {
    let _ = io::stderr().lock().write_fmt(text);
}

/// Runs `write`, which writes a part of a result, unless one before it failed.
pub(crate) fn write_result(write: impl FnOnce() -> io::Result<()>) {
    let mut state = state();
    if *state != State::Open {
        return;
    }
    if let Err(error) = write() {
        *state = match error.kind() {
            ErrorKind::BrokenPipe => State::Unread,
            _ => {
                note!("stdout cannot be written, what was found is not told: {error}");
                State::Lost
            }
        };
    }
}

/// How a command ends that found `exit`: what nobody was told is no pass.
#[must_use]
pub(crate) fn verdict_of(exit: Exit) -> Exit {
    match (exit, *state()) {
        (Exit::Pass, State::Lost) => Exit::Usage,
        _ => exit,
    }
}

/// Keeps stdout for programs: whatever anybody prints to it from now on goes to stderr. That way no
/// line for people, wherever it is printed, can get among those for programs.
///
/// # Errors
/// The file descriptors cannot be copied.
pub(crate) fn keep_stdout_for_programs() -> io::Result<File> {
    io::stdout().flush()?;
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    nix::unistd::dup2_stdout(io::stderr())?;
    Ok(out)
}

/// Whether what is written to `stream` may have colours: to a terminal that knows them, unless the
/// user wants none (<https://no-color.org>).
pub(crate) fn in_colour(stream: &impl IsTerminal) -> bool {
    let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let is_dumb = std::env::var_os("TERM").is_some_and(|terminal| terminal == "dumb");
    stream.is_terminal() && !is_set("NO_COLOR") && !is_dumb
}

fn state() -> MutexGuard<'static, State> {
    STATE.lock().unwrap_or_else(PoisonError::into_inner)
}
