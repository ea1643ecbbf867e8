//! The guard that takes something back: it waits until there is no harness at the other end of its input any more, or nobody who
//! wants to wait, and runs a command then.

use std::io::{self, Read};
use std::sync::mpsc;
use std::time::Duration;

use nix::sys::signal::SigSet;
use nix::unistd::{Pid, setpgid};

use super::commands::Commands;
use super::guard::{ENDING, in_thread, tell};
use super::protocol::{Report, Undoing};
use super::undo::UNDO;
use crate::clock::monotonic_us;

/// Waits, and runs the command.
pub(super) fn stand_by(undoing: &Undoing) -> Result<(), String> {
    // A Ctrl-C at a terminal is the harness's. Only one that leads a session already cannot be moved, and has no terminal.
    let _ = setpgid(Pid::from_raw(0), Pid::from_raw(0));
    let ending = SigSet::from_iter(ENDING);
    ending.thread_block().map_err(|error| format!("cannot block signals: {error}"))?;
    let commands = Commands::new(&undoing.surroundings)?;
    let (time, come) = mpsc::channel();
    let told = time.clone();
    let mut started = in_thread("orders", move || {
        // Nothing is ordered, so all that can be read is the end.
        let _ = io::stdin().lock().read(&mut [0]);
        let _ = told.send(());
    });
    started &= in_thread("signals", move || {
        // A signal that was not waited for is as good a reason as one that was.
        let _ = ending.wait();
        let _ = time.send(());
    });
    if !started {
        return Err("cannot start a thread".to_owned());
    }
    tell(&Report::Started { pid: std::process::id(), at_us: monotonic_us() });
    // Both threads gone is the end as well.
    let _ = come.recv();
    let at_us = monotonic_us();
    let done = commands.run(&undoing.command, Duration::from_millis(undoing.within_ms));
    let confirmed_us = monotonic_us();
    tell(&match done {
        Ok(()) => Report::Done { id: UNDO, at_us, confirmed_us, forced: false },
        Err(reason) => Report::NotDone { id: UNDO, reason },
    });
    tell(&Report::Empty { at_us: confirmed_us, asked: true });
    Ok(())
}
