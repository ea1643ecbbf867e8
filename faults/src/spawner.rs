//! The thread that starts every child.
//!
//! The services ask the kernel to be killed when their parent ends, and for the kernel the
//! parent is the *thread* that started them. A worker of the runtime may end while the harness
//! lives on; this thread lives exactly as long as its [`Spawner`]. Should anything keep the
//! bazaar's own clean-up from running, the end of this thread still ends the children.

use std::io;
use std::process::Command;
use std::thread;

use tokio::sync::{mpsc, oneshot};

use crate::child::Child;
use crate::process::ProcessName;

/// Starts that wait for the thread: nobody starts more processes than these at once, and
/// anybody who does waits.
const MAX_WAITING: usize = 8;

#[derive(Debug)]
struct Start {
    name: ProcessName,
    command: Command,
    started: oneshot::Sender<io::Result<Child>>,
}

/// A handle to the thread, which ends when the handle is dropped.
#[derive(Debug)]
pub(crate) struct Spawner {
    starts: mpsc::Sender<Start>,
}

impl Spawner {
    /// Starts the thread.
    pub(crate) fn new() -> io::Result<Self> {
        let (starts, mut waiting) = mpsc::channel::<Start>(MAX_WAITING);
        thread::Builder::new().name("spawner".to_owned()).spawn(move || {
            while let Some(Start { name, command, started }) = waiting.blocking_recv() {
                // If nobody waits for it any more, the child comes back and is dropped: killed.
                drop(started.send(Child::start(name, command)));
            }
        })?;
        Ok(Self { starts })
    }

    /// Has the thread start `command`.
    pub(crate) async fn spawn(&self, name: ProcessName, command: Command) -> io::Result<Child> {
        let (started, answer) = oneshot::channel();
        let gone = || io::Error::other("the thread that starts processes has ended");
        self.starts.send(Start { name, command, started }).await.map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use records::built_in;
    use std::time::Duration;

    #[tokio::test]
    async fn children_are_started_one_after_another() {
        let spawner = Spawner::new().unwrap();
        let first = spawner.spawn(built_in::catalog(), Command::new("true")).await.unwrap();
        let mut sleep = Command::new("sleep");
        sleep.arg("1000");
        let second = spawner.spawn(built_in::front_end(), sleep).await.unwrap();
        assert!(first.ended(Duration::from_secs(10)).await.is_some());
        assert!(second.exit().is_none());
        let missing = spawner.spawn(built_in::catalog(), Command::new("/no/such")).await;
        assert_eq!(missing.unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
