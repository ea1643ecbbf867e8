//! One client program over its lives: started, listened to, ended, and started again at a bounded pace.
//!
//! The invariant: one process of it is there at a time, and none once [`Keeper::keep`] has returned or was dropped.

use std::future::pending;
use std::time::Duration;

use driver::program::{Output, Program, ProgramEvent, ProgramEventKind};
use supervisor::Signal;
use supervisor::clock::monotonic_us;
use supervisor::tree::{Talk, Tree, TreeCommand};
use targets::client::Broken;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::unix::pipe;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use crate::program::guard_program;

/// How long after a life of some length the next begins: at once for people, and no loop for the machine.
const PAUSE: Duration = Duration::from_millis(100);
/// Lives that are shorter make each pause twice the last, up to this.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);
/// How long a program may take to end by itself once its input has ended.
const ENDS_WITHIN: Duration = Duration::from_secs(5);
/// How long it may take after SIGTERM.
const TERMINATES_WITHIN: Duration = Duration::from_secs(2);
/// How long the end of a process may follow that of its output, if it is to be told how it ended.
const STATUS_WITHIN: Duration = Duration::from_secs(1);
/// How much is read of its output at a time: what a pipe holds.
const CHUNK_BYTES: usize = 64 * 1024;

/// Keeps one client program.
pub(super) struct Keeper {
    pub(super) number: u32,
    pub(super) program: Program,
    pub(super) command: TreeCommand,
    /// Hears what the program itself cannot tell: that it does not start.
    pub(super) told: UnboundedSender<ProgramEvent>,
}

impl Keeper {
    /// Starts it again and again, until it is to `stop`; then its input ends, and it is asked to end, and killed.
    pub(super) async fn keep(self, mut stop: watch::Receiver<bool>) {
        let mut pause = PAUSE;
        loop {
            let began = Instant::now();
            match Tree::start_talking(&guard_program(), self.command.clone()).await {
                Ok((tree, talk)) => {
                    if self.live(&tree, talk, &mut stop).await == Ended::Stopped {
                        return;
                    }
                }
                Err(error) => self.tell_that_it_did_not_start(&error.to_string()),
            }
            pause = if began.elapsed() > LONGEST_PAUSE { PAUSE } else { pause };
            tokio::select! {
                () = sleep(pause) => {}
                () = stopped(&mut stop) => return,
            }
            pause = (2 * pause).min(LONGEST_PAUSE);
        }
    }

    async fn live(&self, tree: &Tree, talk: Talk, stop: &mut watch::Receiver<bool>) -> Ended {
        let (lines, to_write) = unbounded_channel();
        let (says, output) = unbounded_channel();
        let pumps = async {
            let hangs_up = says.clone();
            tokio::join!(
                write(to_write, talk.input, tree, hangs_up),
                read(talk.output, tree, says)
            );
            // What came of it is the life's to tell.
            pending::<()>().await;
        };
        tokio::pin!(pumps);
        let ended = tokio::select! {
            _ = self.program.live(lines, output) => Ended::Broken,
            () = stopped(stop) => Ended::Stopped,
            () = &mut pumps => Ended::Broken,
        };
        // The life is dropped, so nobody writes lines any more and its input ends. Its output is still read: nobody is to wait
        // for a full pipe.
        let end = async {
            if ended == Ended::Stopped && tree.ended(ENDS_WITHIN).await.is_none() {
                // Who does not hear is killed, here or when the tree is dropped.
                let _ = tree.terminate(Signal::SIGTERM, TERMINATES_WITHIN).await;
            }
            // Nothing is left of it in most cases, and then there is nothing to kill.
            let _ = tree.kill().await;
        };
        tokio::select! {
            () = end => {}
            () = &mut pumps => {}
        }
        ended
    }

    fn tell_that_it_did_not_start(&self, why: &str) {
        let why = Broken::Died { how: format!("it did not start: {why}") };
        let kind = ProgramEventKind::Broken { why, owed: 0 };
        let (program, at_monotonic_us) = (self.number, monotonic_us());
        // Nobody may be listening.
        let _ = self.told.send(ProgramEvent { program, at_monotonic_us, kind });
    }
}

/// How a life ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ended {
    /// By itself, or for what the program did.
    Broken,
    /// Somebody wanted that.
    Stopped,
}

async fn stopped(stop: &mut watch::Receiver<bool>) {
    // If the sender is gone, nobody wants the program any more.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Writes lines until there are no more; then the input ends. A life whose program has closed its input is over.
async fn write(
    mut lines: UnboundedReceiver<String>,
    mut input: pipe::Sender,
    tree: &Tree,
    says: UnboundedSender<Output>,
) {
    while let Some(line) = lines.recv().await {
        if input.write_all(line.as_bytes()).await.is_err() {
            let _ = says.send(Output::Ended(how_it_ended(tree, "its stdin is closed").await));
            return;
        }
    }
}

/// Hands on what it writes until that ends, and then how it ended.
async fn read(mut output: pipe::Receiver, tree: &Tree, says: UnboundedSender<Output>) {
    let mut chunk = vec![0; CHUNK_BYTES];
    loop {
        match output.read(&mut chunk).await {
            Ok(0) | Err(_) => break,
            // Nobody listens any more once the life is over.
            Ok(bytes) => _ = says.send(Output::Bytes(chunk[..bytes].to_vec())),
        }
    }
    let _ = says.send(Output::Ended(how_it_ended(tree, "its stdout is closed").await));
}

/// How the process ended; `otherwise` if it lives on.
async fn how_it_ended(tree: &Tree, otherwise: &str) -> String {
    let end = tree.ended(STATUS_WITHIN).await;
    end.map_or_else(|| otherwise.to_owned(), |end| end.describe())
}
