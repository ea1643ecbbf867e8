//! A program that speaks lines with the harness, on its host: what it says is passed on, and what it is told.
//!
//! The invariant: it ends when its channel is closed, and with the agent, since its input ends then. It is this very program, so
//! it starts nobody, and needs no guard.

use std::io::{self, BufReader};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::agent::{Shared, TakesLines};
use super::protocol::{MAX_MESSAGE_BYTES, Reply};
use crate::lines::{Input, lines};
use crate::locked::locked;
use crate::tree::in_thread;

/// A program, and its input.
pub(super) struct Talker {
    input: Input,
    child: Mutex<Child>,
}

impl Talker {
    /// Starts this program with these arguments. Nobody listens to it yet.
    pub(super) fn begin(shared: &Shared, words: &[String]) -> io::Result<(Arc<Self>, ChildStdout)> {
        let mut command = Command::new(&shared.guard.path);
        let mut child = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = Input::new(child.stdin.take());
        let output = child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        Ok((Arc::new(Self { input, child: Mutex::new(child) }), output))
    }

    /// Passes on what it says, until it has ended. Says whether that is done.
    pub(super) fn serve(
        self: &Arc<Self>,
        channel: u64,
        output: ChildStdout,
        shared: &Arc<Shared>,
    ) -> bool {
        let (talker, told) = (Arc::clone(self), Arc::clone(shared));
        in_thread("talk", move || {
            for line in lines(BufReader::new(output), MAX_MESSAGE_BYTES) {
                told.tell(&Reply::Line { channel, line });
            }
            talker.close();
            told.closed(channel, true);
        })
    }
}

impl TakesLines for Talker {
    fn tell(&self, line: &str) {
        self.input.tell(line);
    }

    /// Nobody hears any more what it could still say.
    fn close(&self) {
        self.input.close();
        let mut child = locked(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}
