//! A target's client program: operations in lines of JSON, to a process that somebody else has.
//!
//! The protocol is [`ClientSession`], which is pure; what is here connects it with clients that wait. Lines go out through a
//! channel and bytes come in through another, which whoever runs the process connects with its stdin and stdout, so that no
//! process is known here. A process has *lives*: [`Program::live`] is one of them, and after it the program may be started
//! again. `words` puts operations into requests, `dump` is what a process of the target holds, `event` what is told besides.
//!
//! The invariant is the protocol's: each operation ends once. What a life owes when it ends is unknown; what is asked
//! between two lives waits for the next, outside of its time, and has failed if none comes: nothing was sent.

mod dump;
mod event;
mod words;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use faults::clock::{Origin, monotonic_us};
use results::records::Outcome;
use targets::client::{self, Broken, ClientEvent, ClientSession, Hello, MAX_LATE, Request};
use targets::operation::{self, Kind, Places};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{oneshot, watch};
use tokio::time::{Instant, timeout, timeout_at};

pub use self::dump::Dump;
use self::dump::Taker;
pub use self::event::{ProgramEvent, ProgramEventKind};
use crate::service::{Exchange, Times};

/// How long a life may take to say hello: an interpreter that starts on a machine that is loaded to the brim.
pub const HELLO_WITHIN: Duration = Duration::from_secs(10);

/// In how many lives an operation is tried, if each ends between the connection and the request.
const MAX_CONNECTED: u32 = 2;

const NOT_RUNNING: &str = "the client program is not running";

/// What a client program's process writes, and its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// Bytes of its stdout.
    Bytes(Vec<u8>),
    /// It has ended, or closed its stdout: how.
    Ended(String),
}

/// A client program, over all its lives. Cheap to clone: all clients of a trial share it.
#[derive(Clone, Debug)]
pub struct Program {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    number: u32,
    hello: String,
    /// It needs no bound: what is told of a life is its beginning, its end, answers that ran out of time first, and hints that
    /// say something new.
    told: UnboundedSender<ProgramEvent>,
    /// The number of the life that has said hello; 0 while there is none.
    ready: watch::Sender<u64>,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    session: ClientSession,
    /// Where lines go; none between lives. It has no bound of its own: a client has one operation under way, and one more for
    /// each deadline that passes, if the process reads nothing.
    lines: Option<UnboundedSender<String>>,
    /// Who waits for an answer, by the request's id.
    waiting: HashMap<u64, oneshot::Sender<Result<client::Answer, String>>>,
    /// Who waits for rows.
    dumps: HashMap<u64, Taker>,
    /// What was asked by requests that ran out of time, as many as the session remembers.
    late: BTreeMap<u64, String>,
    /// What it says that it can do.
    can: Vec<String>,
    lives: u64,
    /// In which life each client was connected last.
    connected: HashMap<u32, u64>,
    /// Who it said last that leads.
    leader: Option<String>,
}

impl Shared {
    /// No request is sent any more until the next life has said hello.
    fn takes_nothing(&self, state: &mut State) {
        state.lines = None;
        self.ready.send_replace(0);
    }
}

impl Program {
    /// The program of that number (from 1), which is greeted with `hello` in each life. What it does besides answering in time is `told`.
    #[must_use]
    pub fn new(number: u32, hello: &Hello<'_>, told: UnboundedSender<ProgramEvent>) -> Self {
        let session = ClientSession::new();
        let hello = session.hello(hello);
        let state = State {
            session,
            lines: None,
            waiting: HashMap::new(),
            dumps: HashMap::new(),
            late: BTreeMap::new(),
            can: Vec::new(),
            lives: 0,
            connected: HashMap::new(),
            leader: None,
        };
        let (ready, state) = (watch::Sender::new(0), Mutex::new(state));
        Self { shared: Arc::new(Shared { number, hello, told, ready, state }) }
    }

    /// One life: greets the process behind the two channels, and hands on what it says until it ends or does what a client
    /// must not do. Returns why nothing that it says counts any more; the process is to be ended then.
    pub async fn live(
        &self,
        lines: UnboundedSender<String>,
        mut output: UnboundedReceiver<Output>,
    ) -> Broken {
        {
            let mut state = self.state();
            // If nobody reads it, the life has ended already, and the output says so.
            let _ = lines.send(self.shared.hello.clone());
            state.session = ClientSession::new();
            state.lines = Some(lines);
            state.lives += 1;
        }
        // Whatever becomes of this life, and if it is dropped, nobody waits for it any more.
        let _ending = Ending(self);
        let hello_by = Instant::now() + HELLO_WITHIN;
        loop {
            let is_ready = *self.shared.ready.borrow() > 0;
            let said = match is_ready {
                true => Ok(output.recv().await),
                false => timeout_at(hello_by, output.recv()).await,
            };
            let (events, now_us) = self.hear(|session, now_us| match said {
                Ok(Some(Output::Bytes(bytes))) => session.receive(&bytes, now_us),
                Ok(Some(Output::Ended(how))) => session.died(&how),
                Ok(None) => session.died("its output is gone"),
                Err(_) => {
                    let within_ms = u64::try_from(HELLO_WITHIN.as_millis()).unwrap_or(u64::MAX);
                    session.silent(within_ms)
                }
            });
            for event in events {
                if let Some(why) = self.take(event, now_us) {
                    return why;
                }
            }
        }
    }

    /// What follows from what it said, and when that was heard. A life that breaks takes no request from that moment on: whatever
    /// was sent to it was begun before, and is owed.
    fn hear(
        &self,
        said: impl FnOnce(&mut ClientSession, u64) -> Vec<ClientEvent>,
    ) -> (Vec<ClientEvent>, u64) {
        let mut state = self.state();
        let now_us = monotonic_us();
        let events = said(&mut state.session, now_us);
        if events.iter().any(|event| matches!(event, ClientEvent::Broken { .. })) {
            self.shared.takes_nothing(&mut state);
        }
        (events, now_us)
    }

    /// Returns once a life has said hello.
    pub async fn ready(&self) {
        // The sender lives as long as self, so this cannot fail.
        let _ = self.shared.ready.subscribe().wait_for(|life| *life > 0).await;
    }

    /// What it said last that it can do.
    #[must_use]
    pub fn capabilities(&self) -> Vec<String> {
        self.state().can.clone()
    }

    /// Whether it says that it can do an operation.
    #[must_use]
    pub fn does(&self, kind: Kind) -> bool {
        self.can(kind.name())
    }

    fn can(&self, what: &str) -> bool {
        self.state().can.iter().any(|done| done == what)
    }

    /// Asks for what the target needs before the load, if the program can do such a thing; once per trial. Says whether it can.
    ///
    /// # Errors
    /// If it is not done within `deadline`.
    pub async fn prepare(&self, deadline: Duration) -> Result<bool, String> {
        if !self.can("prepare") {
            return Ok(false);
        }
        self.succeed(&Request::Prepare, deadline).await.map(|()| true)
    }

    /// Opens what client `number` needs, unless that was done in this life. Between two lives it waits for the next.
    ///
    /// # Errors
    /// If either is not there within `deadline`.
    pub async fn connect(&self, number: u32, deadline: Duration) -> Result<(), String> {
        timeout(deadline, self.ready()).await.map_err(|_| NOT_RUNNING.to_owned())?;
        let life = {
            let state = self.state();
            if state.connected.get(&number) == Some(&state.lives) {
                return Ok(());
            }
            state.lives
        };
        self.succeed(&Request::Connect { client: number }, deadline).await?;
        self.state().connected.insert(number, life);
        Ok(())
    }

    async fn succeed(&self, request: &Request<'_>, deadline: Duration) -> Result<(), String> {
        match self.ask(request, deadline).await {
            Ok(client::Answer { outcome: Outcome::Ok, .. }) => Ok(()),
            Ok(answer) => Err(answer.reason.unwrap_or_else(|| "it is not done".to_owned())),
            Err(NoAnswer { reason, .. }) => Err(reason),
        }
    }

    /// Does an operation. A client that is not connected in this life, since the program was started again, is connected
    /// first, outside of the operation's time.
    pub(crate) async fn perform(
        &self,
        kind: Kind,
        places: &Places<'_>,
        deadline: Duration,
        origin: Origin,
    ) -> Exchange {
        let (start_us, answered) = match words::request(kind, places) {
            Some(request) => self.connect_and_ask(&request, places.client, deadline, origin).await,
            None => {
                let reason = format!("a client program has no operation {}", kind.name());
                (origin.elapsed_us(), Err(NoAnswer::not_sent(reason)))
            }
        };
        let end_us = origin.elapsed_us();
        match answered {
            Ok(answer) => {
                let own = answer
                    .times_us
                    .map(|(start, end)| (origin.since_origin(start), origin.since_origin(end)));
                let (start_us, end_us) = own.unwrap_or((start_us, end_us));
                // One that failed reached nobody, as far as the program can tell.
                let is_silent = answer.outcome == Outcome::Failed;
                let answer = words::shown(kind, answer);
                let times = Times::here(start_us, end_us);
                Exchange { times, status: None, is_silent, answer }
            }
            Err(NoAnswer { outcome, reason }) => {
                let answer = operation::Answer::not_ok(outcome, reason);
                let times = Times::here(start_us, end_us);
                Exchange { times, status: None, is_silent: true, answer }
            }
        }
    }

    /// Asks as a client that is connected, and says since when that took. If nothing was sent, that is since the client has
    /// waited for being connected: it has seen how long that took.
    async fn connect_and_ask(
        &self,
        request: &Request<'_>,
        client: u32,
        deadline: Duration,
        origin: Origin,
    ) -> (u64, Result<client::Answer, NoAnswer>) {
        let waits_us = origin.elapsed_us();
        for _ in 0..MAX_CONNECTED {
            if let Err(reason) = self.connect(client, deadline).await {
                return (waits_us, Err(NoAnswer::not_sent(reason)));
            }
            let start_us = origin.elapsed_us();
            match self.ask(request, deadline).await {
                // The life has ended in between.
                Err(NoAnswer { outcome: Outcome::Failed, .. }) => {}
                answered => return (start_us, answered),
            }
        }
        (waits_us, Err(NoAnswer::not_sent(NOT_RUNNING.to_owned())))
    }

    async fn ask(
        &self,
        request: &Request<'_>,
        deadline: Duration,
    ) -> Result<client::Answer, NoAnswer> {
        let (sender, answer) = oneshot::channel();
        let keep = |state: &mut State, id| _ = state.waiting.insert(id, sender);
        let Some(id) = self.send(request, keep) else {
            return Err(NoAnswer::not_sent(NOT_RUNNING.to_owned()));
        };
        let unknown = |reason: String| NoAnswer { outcome: Outcome::Unknown, reason };
        match timeout(deadline, answer).await {
            Ok(Ok(answer)) => answer.map_err(unknown),
            Ok(Err(_)) => Err(unknown("the client program has ended".to_owned())),
            Err(_) => {
                let mut state = self.state();
                state.waiting.remove(&id);
                if state.session.expired(id) {
                    state.late.insert(id, words::in_words(request));
                    if state.late.len() > MAX_LATE {
                        state.late.pop_first();
                    }
                }
                Err(unknown("timed out".to_owned()))
            }
        }
    }

    /// Sends a request, of which who waits for it is kept, and returns its id; none if there is nobody to be asked.
    fn send(&self, request: &Request<'_>, keep: impl FnOnce(&mut State, u64)) -> Option<u64> {
        let mut state = self.state();
        let lines = state.lines.clone().filter(|_| *self.shared.ready.borrow() > 0)?;
        let (id, line) = state.session.request(request, monotonic_us());
        if lines.send(line).is_err() {
            state.session.expired(id);
            return None;
        }
        keep(&mut state, id);
        Some(id)
    }

    /// Nobody waits for a dump any more.
    fn forget(&self, id: u64) {
        let mut state = self.state();
        if state.dumps.remove(&id).is_some() {
            state.session.expired(id);
        }
    }

    /// Hands an event to whom it concerns; returns what broke the life, if this did.
    fn take(&self, event: ClientEvent, now_us: u64) -> Option<Broken> {
        let mut state = self.state();
        let kind = match event {
            ClientEvent::Ready { can } => {
                state.can = can;
                let life = state.lives;
                self.shared.ready.send_replace(life);
                ProgramEventKind::Ready { life }
            }
            ClientEvent::Answered(answer) => {
                if let Some(taker) = state.dumps.remove(&answer.id) {
                    let reason = answer.reason.unwrap_or_else(|| "it gives no reason".to_owned());
                    taker.fail(format!("the client program does not dump it: {reason}"));
                } else if let Some(waiting) = state.waiting.remove(&answer.id) {
                    // Whoever asked may have gone.
                    let _ = waiting.send(Ok(answer));
                }
                return None;
            }
            ClientEvent::Rows { id, rows, bytes } => {
                if !state.dumps.get_mut(&id).is_none_or(|taker| taker.rows(rows, bytes)) {
                    state.dumps.remove(&id);
                    state.session.expired(id);
                }
                return None;
            }
            ClientEvent::DumpEnd { id } => {
                state.dumps.remove(&id).into_iter().for_each(Taker::end);
                return None;
            }
            ClientEvent::Broken { why, unknown } => {
                for id in &unknown {
                    let reason = format!("the client program: {why}");
                    if let Some(taker) = state.dumps.remove(id) {
                        taker.fail(reason);
                    } else if let Some(waiting) = state.waiting.remove(id) {
                        let _ = waiting.send(Err(reason));
                    }
                }
                ProgramEventKind::Broken { why, owed: unknown.len() }
            }
            ClientEvent::Late(answer) => {
                let asked = state.late.remove(&answer.id).unwrap_or_default();
                ProgramEventKind::Late { asked, answer }
            }
            ClientEvent::LeaderHint { process } => {
                if state.leader.as_ref() == Some(&process) {
                    return None;
                }
                state.leader = Some(process.clone());
                ProgramEventKind::LeaderHint { process }
            }
        };
        drop(state);
        let broken = match &kind {
            ProgramEventKind::Broken { why, .. } => Some(why.clone()),
            _ => None,
        };
        let (program, at_monotonic_us) = (self.shared.number, now_us);
        // Nobody may be listening.
        let _ = self.shared.told.send(ProgramEvent { program, at_monotonic_us, kind });
        broken
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Ends a life when it is dropped.
struct Ending<'a>(&'a Program);

impl Drop for Ending<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        self.0.shared.takes_nothing(&mut state);
        // Their receivers learn that nothing comes any more.
        state.waiting.clear();
        state.dumps.clear();
        // The next life counts its requests anew.
        state.late.clear();
    }
}

/// Why there is no answer.
struct NoAnswer {
    outcome: Outcome,
    reason: String,
}

impl NoAnswer {
    fn not_sent(reason: String) -> Self {
        Self { outcome: Outcome::Failed, reason }
    }
}

#[cfg(test)]
mod tests;
