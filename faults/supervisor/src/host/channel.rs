//! One guard on another host, as its agent has it: what it says is passed on, and so is what its process writes.
//!
//! The invariant: what the process has written before something is said of it is told before that, so whoever hears of an end has the
//! last words as well.

use std::fs::File;
use std::io::{self, BufReader, Read};
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use super::agent::{Shared, TakesLines};
use super::protocol::{CHUNK_BYTES, MAX_MESSAGE_BYTES, Reply};
use crate::lines::{Input, lines};
use crate::locked::locked;
use crate::tree::{Leftovers, in_thread};

/// How often is looked whether a process has written something: its lines are at the harness that much later.
const LOOK_AT_LOG: Duration = Duration::from_millis(20);

/// A guard, and its process's log.
pub(super) struct Channel {
    id: u64,
    orders: Input,
    left: Mutex<Leftovers>,
    log: Mutex<LogTail>,
    over: Mutex<bool>,
}

/// A guard that nobody listens to yet.
pub(super) struct Unheard {
    guard: Child,
    output: ChildStdout,
}

impl Channel {
    /// Starts a guard.
    pub(super) fn begin(
        shared: &Shared,
        id: u64,
        mark: &str,
        kept_elsewhere: bool,
        log: &str,
    ) -> io::Result<(Arc<Self>, Unheard)> {
        let mut guard = Command::new(&shared.guard.path)
            .args(&shared.guard.args)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let orders = Input::new(guard.stdin.take());
        let output = guard.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let channel = Self {
            id,
            orders,
            left: Mutex::new(Leftovers::new(mark.to_owned(), kept_elsewhere)),
            log: Mutex::new(LogTail { path: log.into(), file: None }),
            over: Mutex::new(false),
        };
        Ok((Arc::new(channel), Unheard { guard, output }))
    }

    /// Passes on what the guard says, until it has ended. Says whether that is done.
    pub(super) fn serve(self: &Arc<Self>, unheard: Unheard, shared: &Arc<Shared>) -> bool {
        let (channel, told) = (Arc::clone(self), Arc::clone(shared));
        let looked = in_thread("log", move || {
            while !*locked(&channel.over) {
                thread::sleep(LOOK_AT_LOG);
                channel.tell_log(&told);
            }
        });
        let (channel, told) = (Arc::clone(self), Arc::clone(shared));
        looked && in_thread("guard", move || channel.listen(unheard, &told))
    }

    fn listen(&self, unheard: Unheard, shared: &Shared) {
        let Unheard { mut guard, output } = unheard;
        for line in lines(BufReader::new(output), MAX_MESSAGE_BYTES) {
            locked(&self.left).note_line(&line);
            self.tell_log(shared);
            shared.tell(&Reply::Line { channel: self.id, line });
        }
        // Its output has ended, so it has ended or does nothing any more.
        let _ = guard.kill();
        let _ = guard.wait();
        *locked(&self.over) = true;
        let left = locked(&self.left).clone();
        let nobody_left = left.end();
        self.tell_log(shared);
        locked(&self.log).remove();
        shared.closed(self.id, nobody_left);
    }

    fn tell_log(&self, shared: &Shared) {
        // Held until it is told, so that nothing overtakes it.
        let mut log = locked(&self.log);
        while let Some(data) = log.more() {
            shared.tell(&Reply::Log { channel: self.id, data });
        }
    }
}

impl TakesLines for Channel {
    fn tell(&self, line: &str) {
        self.orders.tell(line);
    }

    /// Its tree ends with its input.
    fn close(&self) {
        self.orders.close();
    }
}

/// A log as far as it was read.
struct LogTail {
    path: PathBuf,
    file: Option<File>,
}

impl LogTail {
    /// What is new in it, up to a bound; `None` if nothing is.
    fn more(&mut self) -> Option<Vec<u8>> {
        if self.file.is_none() {
            self.file = File::open(&self.path).ok();
        }
        let mut data = Vec::new();
        let file = self.file.as_mut()?;
        // What was read before an error counts: it is not read again. The next look goes on behind it.
        let _ = file.take(CHUNK_BYTES as u64).read_to_end(&mut data);
        (!data.is_empty()).then_some(data)
    }

    fn remove(&mut self) {
        self.file = None;
        // The folder is removed at the end, with all that is in it.
        let _ = std::fs::remove_file(&self.path);
    }
}
