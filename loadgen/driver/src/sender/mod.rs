//! Clients whose requests leave from another host: what they ask is sent there, by this program, which the host's agent has started.
//!
//! Clients, their choices and their rows stay here, and so does what an answer means. On the host is only what a request is sent by,
//! each client's with a connection of its own. So a run has one recorder and one schedule, wherever its load comes from.
//!
//! When a request was sent and answered is read from the host's clock, and mapped to ours: as early as it may have been sent, and as late
//! as it may have been answered. The invariant: **an operation's times contain the true ones**, so two operations that cannot be ordered overlap,
//! and no check orders them. They lie within what was seen here as well, which contains the true ones, too. How long the answer took is
//! the host's to say, and needs no mapping.
//!
//! A sender is lost with its host, or when the program there ends. What it owes then is unknown, and it is not started again: its clients
//! ask no more, but for the orders that they look up at the end, from here.
//!
//! * `message`: what is told. `serve`: the program there.

mod message;
mod serve;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use faults::clock::Origin;
use reqwest::Request;
use supervisor::host::{HostClock, HostLink, Said, TalkEnd};
use supervisor::locked::locked;
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use self::message::{Done, Order, Told, VERSION, line};
pub use self::serve::serve;
use crate::http::Reply;
use crate::service::Times;

/// How long the program may take to say hello on a machine that is loaded to the brim.
const HELLO_WITHIN: Duration = Duration::from_secs(20);
/// How much longer than a request's own deadline its outcome may take to come here: a host that is silent for so long is lost.
const TOLD_WITHIN: Duration = Duration::from_secs(8);

/// What sends from a host. Cheap to clone: the clients of a host share it.
#[derive(Clone, Debug)]
pub struct Sender {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    clock: Arc<HostClock>,
    stage: watch::Sender<Stage>,
    state: Mutex<State>,
}

/// How far it has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Stage {
    Starts,
    Ready,
    Lost(Lost),
}

/// That nothing is sent from a host any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lost {
    /// Why, in words.
    pub reason: String,
    /// When that was seen, in microseconds of `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
    /// When its host was heard of last.
    pub heard_monotonic_us: u64,
    /// How many requests were owed an answer.
    pub owed: usize,
}

/// What was sent from a host.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// How many requests were answered, or given up there.
    pub requests: u64,
    /// How far the times of one of them may be off at the most, in microseconds.
    pub bound_us: u64,
}

#[derive(Default)]
struct State {
    /// What takes lines to the program; none before it runs, and once it is lost. It has no bound of its own: a client has one request under way.
    tell: Option<Box<dyn Fn(String) + Send + Sync>>,
    /// Who waits for an answer, by the request's number.
    waiting: HashMap<u64, oneshot::Sender<Done>>,
    /// The last request's number.
    last: u64,
    account: Account,
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("last", &self.last).finish_non_exhaustive()
    }
}

/// A request that was sent from a host.
#[derive(Debug)]
pub(crate) struct Sent {
    pub(crate) times: Times,
    pub(crate) reply: Reply,
}

impl Sender {
    /// Has a host send what clients ask: `words` are the arguments with which this program calls [`serve`]. It is ready when this returns.
    ///
    /// # Errors
    /// Why it is not.
    pub async fn start(link: &HostLink, words: &[&str]) -> Result<Self, String> {
        let sender = Self::new(Arc::clone(link.clock()));
        let hears = sender.clone();
        let talk = link.talk(words, move |said| hears.hear(said));
        let talk = talk.map_err(|error| error.to_string())?;
        sender.tells(move |line| talk.tell(line));
        sender.ready().await.map(|()| sender)
    }

    /// One that nobody speaks with yet, on a host whose clock this is.
    fn new(clock: Arc<HostClock>) -> Self {
        let (stage, state) = (watch::Sender::new(Stage::Starts), Mutex::default());
        Self { shared: Arc::new(Shared { clock, stage, state }) }
    }

    /// From now on lines go there.
    fn tells(&self, tell: impl Fn(String) + Send + Sync + 'static) {
        let mut state = locked(&self.shared.state);
        // Who is lost already is told nothing.
        if !self.is_lost() {
            state.tell = Some(Box::new(tell));
        }
    }

    async fn ready(&self) -> Result<(), String> {
        let mut stage = self.shared.stage.subscribe();
        let settled = timeout(HELLO_WITHIN, stage.wait_for(|stage| *stage != Stage::Starts)).await;
        let why = match settled.map(|stage| stage.map(|stage| stage.clone())) {
            Ok(Ok(Stage::Ready)) => return Ok(()),
            Ok(Ok(Stage::Lost(lost))) => lost.reason,
            _ => format!("it said no hello within {} s", HELLO_WITHIN.as_secs()),
        };
        self.end();
        Err(why)
    }

    /// Whether nothing is sent from there any more.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(*self.shared.stage.borrow(), Stage::Lost(_))
    }

    /// Returns once nothing is sent from there any more, with the reason. It may be waited for by several.
    pub async fn lost(&self) -> Lost {
        let mut stage = self.shared.stage.subscribe();
        loop {
            if let Stage::Lost(lost) = &*stage.borrow_and_update() {
                return lost.clone();
            }
            if stage.changed().await.is_err() {
                // The other end is in self, so this cannot be.
                std::future::pending::<()>().await;
            }
        }
    }

    /// What it has sent until now.
    #[must_use]
    pub fn account(&self) -> Account {
        locked(&self.shared.state).account
    }

    /// Ends the program there. Nothing is sent from there any more.
    pub fn end(&self) {
        let tell = locked(&self.shared.state).tell.take();
        drop(tell);
    }

    /// Sends a client's request; nothing came of it, and nothing was sent, if the sender is lost.
    pub(crate) async fn send(
        &self,
        client: u32,
        request: &Request,
        origin: Origin,
    ) -> Option<Sent> {
        let deadline = request.timeout().copied().unwrap_or_default();
        let from_us = origin.elapsed_us();
        let (id, answer) = self.put(client, request)?;
        let answer = timeout(deadline + TOLD_WITHIN, answer).await;
        let to_us = origin.elapsed_us();
        let lost = |why: &str| Sent {
            times: Times::here(from_us, to_us),
            reply: Reply::Lost(why.to_owned()),
        };
        Some(match answer {
            Ok(Ok(done)) => self.here(done, (from_us, to_us), origin),
            Ok(Err(_)) => lost("what sent it, or its host, was lost"),
            Err(_) => {
                locked(&self.shared.state).waiting.remove(&id);
                lost("timed out")
            }
        })
    }

    /// Hands a request over, and returns where its answer arrives; nothing if there is nobody to send it.
    fn put(&self, client: u32, request: &Request) -> Option<(u64, oneshot::Receiver<Done>)> {
        let mut state = locked(&self.shared.state);
        let id = state.last + 1;
        let tell = state.tell.as_ref()?;
        tell(line(&Order::new(id, client, request)));
        let (asker, answer) = oneshot::channel();
        state.waiting.insert(id, asker);
        state.last = id;
        Some((id, answer))
    }

    /// What happened there as it is told here, where it was seen from `from_us` to `to_us`.
    fn here(&self, done: Done, (from_us, to_us): (u64, u64), origin: Origin) -> Sent {
        let clock = &self.shared.clock;
        let (start, end) = (clock.ours(done.start_us), clock.ours(done.end_us));
        let earliest_us = origin.since_origin(start.at_us.saturating_sub(start.bound_us));
        let latest_us = origin.since_origin(end.at_us.saturating_add(end.bound_us));
        let start_us = earliest_us.clamp(from_us, to_us);
        let end_us = latest_us.clamp(start_us, to_us);
        // Two clocks drift apart within the bound; an operation lasts no longer than it was seen to.
        let latency_us = done.end_us.saturating_sub(done.start_us).min(end_us - start_us);
        let way_us = start_us - from_us;
        {
            let account = &mut locked(&self.shared.state).account;
            account.requests += 1;
            // What was seen here bounds it, too.
            let bound_us = start.bound_us.max(end.bound_us).min(to_us - from_us);
            account.bound_us = account.bound_us.max(bound_us);
        }
        Sent { times: Times { start_us, end_us, latency_us, way_us }, reply: done.reply() }
    }

    /// Takes in what the program says, in the thread that hears its host.
    fn hear(&self, said: Said) {
        let line = match said {
            Said::Line(line) => line,
            Said::Ended(end) => return self.lose(end),
        };
        let is_ready = *self.shared.stage.borrow() == Stage::Ready;
        match serde_json::from_str(&line) {
            Ok(Told::Hello { version: VERSION }) if !is_ready => {
                self.shared.stage.send_replace(Stage::Ready);
            }
            Ok(Told::Done(done)) if is_ready => {
                let asker = locked(&self.shared.state).waiting.remove(&done.id);
                // Who has given up does not listen.
                if let Some(asker) = asker {
                    let _ = asker.send(done);
                }
            }
            // It is this very program, so that is a mistake of ours; what it still says cannot be told from it.
            _ => {
                let now_us = faults::clock::monotonic_us();
                let said = targets::name::excerpt(&line);
                self.lose(TalkEnd {
                    reason: format!("the program there said what is no message: {said}"),
                    at_monotonic_us: now_us,
                    heard_monotonic_us: now_us,
                });
            }
        }
    }

    /// Nothing is sent any more, and who waits for an answer learns that none comes.
    fn lose(&self, end: TalkEnd) {
        let TalkEnd { reason, at_monotonic_us, heard_monotonic_us } = end;
        let (tell, waiting) = {
            let mut state = locked(&self.shared.state);
            (state.tell.take(), std::mem::take(&mut state.waiting))
        };
        let owed = waiting.len();
        let lost = Lost { reason, at_monotonic_us, heard_monotonic_us, owed };
        let is_first = self.shared.stage.send_if_modified(|stage| {
            let is_first = !matches!(stage, Stage::Lost(_));
            if is_first {
                *stage = Stage::Lost(lost);
            }
            is_first
        });
        debug_assert!(is_first || owed == 0, "nothing is sent once it is lost");
        drop((tell, waiting));
    }
}
