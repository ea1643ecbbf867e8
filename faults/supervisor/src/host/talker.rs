//! A program that speaks lines with the harness, on its host: what it says is passed on, and what it is told.
//!
//! The invariant: it ends when its channel is closed, and with the agent, since its input ends then. It is this very program, so
//! it starts nobody, and needs no guard.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};

use super::agent::{Shared, TakesLines};
use super::protocol::{MAX_MESSAGE_BYTES, Reply};
use crate::locked::locked;
use crate::tree::in_thread;

/// A program, and its input.
pub(super) struct Talker {
    input: Mutex<Option<ChildStdin>>,
    child: Mutex<Child>,
}

impl Talker {
    /// Starts this program with these arguments. Nobody listens to it yet.
    pub(super) fn begin(shared: &Shared, words: &[String]) -> io::Result<(Arc<Self>, ChildStdout)> {
        let mut command = Command::new(&shared.guard.path);
        let mut child = command.args(words).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let input = Mutex::new(child.stdin.take());
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
            let mut output = BufReader::new(output);
            let mut line = String::new();
            loop {
                line.clear();
                let read = output.by_ref().take(MAX_MESSAGE_BYTES).read_line(&mut line);
                if !matches!(read, Ok(1..)) {
                    break;
                }
                told.tell(&Reply::Line { channel, line: line.clone() });
            }
            talker.close();
            told.closed(channel, true);
        })
    }
}

impl TakesLines for Talker {
    fn tell(&self, line: &str) {
        if let Some(input) = locked(&self.input).as_mut() {
            // That it has ended shows at its output.
            let _ = input.write_all(line.as_bytes()).and_then(|()| input.flush());
        }
    }

    /// Nobody hears any more what it could still say.
    fn close(&self) {
        drop(locked(&self.input).take());
        let mut child = locked(&self.child);
        let _ = child.kill();
        let _ = child.wait();
    }
}
