//! A target's client program: operations in lines of JSON, to a process that somebody else has.
//!
//! The protocol is [`ClientSession`], which is pure; what is here connects it with clients that wait. Lines go out through a
//! channel and bytes come in through another, which whoever runs the process connects with its stdin and stdout, so that no
//! process is known here. A process has *lives*: [`Program::live`] is one of them, and after it the program may be started
//! again.
//!
//! The invariant is the protocol's: each operation ends once. What a life owes when it ends is unknown; what it is asked
//! while there is none has failed, since nothing was sent.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use faults::clock::{Origin, monotonic_us};
use results::records::Outcome;
use targets::client::{self, Broken, ClientEvent, ClientSession, Hello, Request};
use targets::operation::{self, Captures, Kind, Places};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender};
use tokio::sync::{oneshot, watch};
use tokio::time::timeout;

use crate::service::Exchange;

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
    hello: String,
    told: UnboundedSender<ClientEvent>,
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
    /// What it says that it can do.
    can: Vec<String>,
    lives: u64,
    /// In which life each client was connected last.
    connected: HashMap<u32, u64>,
}

impl Program {
    /// After how long an answer is late, if nobody says.
    pub const DEADLINE: Duration = Duration::from_secs(6);

    /// A program that is greeted with `hello` in each life. What it says besides answers in time (late answers, hints about
    /// the leader, what broke it) is `told`.
    #[must_use]
    pub fn new(hello: &Hello<'_>, told: UnboundedSender<ClientEvent>) -> Self {
        let session = ClientSession::new();
        let hello = session.hello(hello);
        let state = State {
            session,
            lines: None,
            waiting: HashMap::new(),
            can: Vec::new(),
            lives: 0,
            connected: HashMap::new(),
        };
        let (ready, state) = (watch::Sender::new(0), Mutex::new(state));
        Self { shared: Arc::new(Shared { hello, told, ready, state }) }
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
        loop {
            let said = output.recv().await;
            let now_us = monotonic_us();
            let events = match said {
                Some(Output::Bytes(bytes)) => self.state().session.receive(&bytes, now_us),
                Some(Output::Ended(how)) => self.state().session.died(&how),
                None => self.state().session.died("its output is gone"),
            };
            for event in events {
                if let Some(why) = self.take(event) {
                    return why;
                }
            }
        }
    }

    /// Returns once a life has said hello.
    pub async fn ready(&self) {
        // The sender lives as long as self, so this cannot fail.
        let _ = self.shared.ready.subscribe().wait_for(|life| *life > 0).await;
    }

    /// Whether it says that it can do an operation.
    #[must_use]
    pub fn does(&self, kind: Kind) -> bool {
        self.state().can.iter().any(|done| done == kind.name())
    }

    /// Asks for what the target needs before the load, if the program can do such a thing; once per trial.
    ///
    /// # Errors
    /// If it is not done within `deadline`.
    pub async fn prepare(&self, deadline: Duration) -> Result<(), String> {
        if !self.state().can.iter().any(|done| done == "prepare") {
            return Ok(());
        }
        self.succeed(&Request::Prepare, deadline).await
    }

    /// Opens what client `number` needs, unless that was done in this life.
    pub(crate) async fn connect(&self, number: u32, deadline: Duration) -> Result<(), String> {
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
        let asked = match request(kind, places) {
            Some(request) => match self.connect(places.client, deadline).await {
                Ok(()) => Ok(request),
                Err(reason) => Err(reason),
            },
            None => Err(format!("a client program has no operation {}", kind.name())),
        };
        let start_us = origin.elapsed_us();
        let answered = match &asked {
            Ok(request) => self.ask(request, deadline).await,
            Err(reason) => Err(NoAnswer { outcome: Outcome::Failed, reason: reason.clone() }),
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
                let answer = shown(kind, answer);
                Exchange { start_us, end_us, status: None, is_silent, answer }
            }
            Err(NoAnswer { outcome, reason }) => {
                let answer = operation::Answer::not_ok(outcome, reason);
                Exchange { start_us, end_us, status: None, is_silent: true, answer }
            }
        }
    }

    async fn ask(
        &self,
        request: &Request<'_>,
        deadline: Duration,
    ) -> Result<client::Answer, NoAnswer> {
        let (id, answer) = {
            let mut state = self.state();
            let Some(lines) = state.lines.clone().filter(|_| *self.shared.ready.borrow() > 0)
            else {
                return Err(NoAnswer::not_sent());
            };
            let (id, line) = state.session.request(request, monotonic_us());
            if lines.send(line).is_err() {
                state.session.expired(id);
                return Err(NoAnswer::not_sent());
            }
            let (sender, answer) = oneshot::channel();
            state.waiting.insert(id, sender);
            (id, answer)
        };
        let unknown = |reason: String| NoAnswer { outcome: Outcome::Unknown, reason };
        match timeout(deadline, answer).await {
            Ok(Ok(answer)) => answer.map_err(unknown),
            Ok(Err(_)) => Err(unknown("the client program has ended".to_owned())),
            Err(_) => {
                let mut state = self.state();
                state.waiting.remove(&id);
                state.session.expired(id);
                Err(unknown("timed out".to_owned()))
            }
        }
    }

    /// Hands an event to whom it concerns; returns what broke the life, if this did.
    fn take(&self, event: ClientEvent) -> Option<Broken> {
        match event {
            ClientEvent::Ready { can } => {
                let mut state = self.state();
                state.can = can;
                self.shared.ready.send_replace(state.lives);
                return None;
            }
            ClientEvent::Answered(answer) => {
                if let Some(waiting) = self.state().waiting.remove(&answer.id) {
                    // Whoever asked may have gone.
                    let _ = waiting.send(Ok(answer));
                }
                return None;
            }
            ClientEvent::Broken { ref why, ref unknown } => {
                let mut state = self.state();
                for id in unknown {
                    if let Some(waiting) = state.waiting.remove(id) {
                        let _ = waiting.send(Err(format!("the client program: {why}")));
                    }
                }
            }
            ClientEvent::Late(_)
            | ClientEvent::Rows { .. }
            | ClientEvent::DumpEnd { .. }
            | ClientEvent::LeaderHint { .. } => {}
        }
        let broken = match &event {
            ClientEvent::Broken { why, .. } => Some(why.clone()),
            _ => None,
        };
        // Nobody may be listening.
        let _ = self.shared.told.send(event);
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
        state.lines = None;
        // Their receivers learn that nothing comes any more.
        state.waiting.clear();
        self.0.shared.ready.send_replace(0);
    }
}

/// Why there is no answer.
struct NoAnswer {
    outcome: Outcome,
    reason: String,
}

impl NoAnswer {
    fn not_sent() -> Self {
        let reason = "the client program is not running".to_owned();
        Self { outcome: Outcome::Failed, reason }
    }
}

fn request<'a>(kind: Kind, places: &Places<'a>) -> Option<Request<'a>> {
    let &Places { client, key, .. } = places;
    Some(match kind {
        Kind::Query => Request::Query { stock: places.stock?, client },
        Kind::Trade => Request::Trade {
            stock: places.stock?,
            side: places.side?,
            quantity: u64::try_from(places.quantity?).ok()?,
            key,
            client,
        },
        Kind::Lookup => Request::Lookup { order_no: places.order_no?, client },
        _ => return None,
    })
}

/// A program's answer as that of an operation. What the model needs of an ok answer must be in it.
fn shown(kind: Kind, answer: client::Answer) -> operation::Answer {
    let client::Answer { outcome, order_no, seen, reason, .. } = answer;
    if outcome != Outcome::Ok {
        let reason = reason.unwrap_or_else(|| "the client program gives no reason".to_owned());
        return operation::Answer::not_ok(outcome, reason);
    }
    let client::Seen { stock, side, quantity, volume, price } = seen.unwrap_or_default();
    let missing = match kind {
        Kind::Query if quantity.is_none() => Some("seen.quantity"),
        Kind::Trade if order_no.is_none() => Some("order_no"),
        Kind::Lookup if stock.is_none() => Some("seen.stock"),
        Kind::Lookup if quantity.is_none() => Some("seen.quantity"),
        _ => None,
    };
    if let Some(missing) = missing {
        let reason = format!("the client program's answer is ok and has no {missing}");
        return operation::Answer::not_ok(Outcome::Unknown, reason);
    }
    let captures =
        Captures { order_no, stock, side, quantity, volume, price, ..Captures::default() };
    operation::Answer::ok(captures)
}

#[cfg(test)]
mod tests;
