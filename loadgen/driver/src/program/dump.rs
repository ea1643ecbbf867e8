//! What a process of the target holds, as a client program tells it: rows as they come, within the bounds of any source.

use std::time::Duration;

use serde_json::Value as Json;
use targets::client::{Dumped, Request};
use targets::state::{MAX_SOURCE_BYTES, StateError};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::time::{Instant, timeout_at};

use super::Program;

/// A part of a dump.
#[derive(Debug)]
pub(super) enum Part {
    Rows(Vec<Json>),
    End,
    Failed(String),
}

/// Where the parts of a dump go. The channel needs no bound: what may still be put into it has one.
#[derive(Debug)]
pub(super) struct Taker {
    parts: UnboundedSender<Part>,
    bytes_left: u64,
}

impl Taker {
    /// Takes rows from a line of so many bytes. Says whether there may be more.
    pub(super) fn rows(&mut self, rows: Vec<Json>, bytes: u64) -> bool {
        let left = self.bytes_left.checked_sub(bytes);
        self.bytes_left = left.unwrap_or_default();
        let part = match left {
            Some(_) => Part::Rows(rows),
            None => Part::Failed(StateError::TooLong.to_string()),
        };
        // Whoever asked may have gone, and needs no more of it then.
        self.parts.send(part).is_ok() && left.is_some()
    }

    pub(super) fn end(self) {
        let _ = self.parts.send(Part::End);
    }

    pub(super) fn fail(self, why: String) {
        let _ = self.parts.send(Part::Failed(why));
    }
}

/// A dump that was asked for. Dropping it leaves the rest of its rows alone.
#[derive(Debug)]
pub struct Dump {
    program: Program,
    id: u64,
    parts: UnboundedReceiver<Part>,
    until: Instant,
    within: Duration,
}

impl Dump {
    /// The next rows, as they are; none after the last.
    ///
    /// # Errors
    /// If it ends without being complete, is too long, or takes too long.
    pub async fn next(&mut self) -> Result<Option<Vec<Json>>, String> {
        match timeout_at(self.until, self.parts.recv()).await {
            Ok(Some(Part::Rows(rows))) => Ok(Some(rows)),
            Ok(Some(Part::End)) => Ok(None),
            Ok(Some(Part::Failed(why))) => Err(why),
            Ok(None) => Err("the client program has ended".to_owned()),
            Err(_) => {
                let within = self.within.as_secs();
                Err(format!("the client program's dump took more than {within} s"))
            }
        }
    }
}

impl Drop for Dump {
    fn drop(&mut self) {
        self.program.forget(self.id);
    }
}

impl Program {
    /// Asks for everything that `process` holds of a kind.
    ///
    /// # Errors
    /// If the program cannot do that, or does not run.
    pub fn dump(&self, process: &str, what: Dumped, within: Duration) -> Result<Dump, String> {
        if !self.can("dump") {
            return Err("the client program does not say that it can dump".to_owned());
        }
        let request = Request::Dump { process, what };
        let (sender, parts) = unbounded_channel();
        let taker = Taker { parts: sender, bytes_left: MAX_SOURCE_BYTES };
        let keep = |state: &mut super::State, id| _ = state.dumps.insert(id, taker);
        let id = self.send(&request, keep).ok_or(super::NOT_RUNNING)?;
        Ok(Dump { program: self.clone(), id, parts, until: Instant::now() + within, within })
    }
}
