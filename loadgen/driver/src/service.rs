//! A target as clients reach it: its operations, and how they are sent.
//!
//! A client does not know what it talks to. What is sent and what the answer means are the target's compiled operations
//! ([`targets::operation`]), or, for what its file describes no operation for, a program of the target's
//! ([`crate::program`]); no line here asks which target it is. A
//! request is made before its time is taken and an answer is judged after that, so neither counts as latency.

use std::sync::Arc;
use std::time::Duration;

use faults::clock::Origin;
use reqwest::Request;
use results::records::Outcome;
use targets::file::ModelKind;
use targets::operation::{Answer, Kind, MAX_ANSWER_BYTES, Operation, Places};
use targets::target::{StocksFrom, Target};
use targets::template::Setting;

use crate::http::{self, Reply};
use crate::outcome::{Judged, judge};
use crate::program::Program;
use crate::sender::{Sender, Sent};
use crate::trading::Trading;

/// What clients reach, and how. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Service {
    target: Arc<Target>,
    trading: Arc<Trading>,
    /// What its operations are filled with in this trial.
    setting: Setting,
    /// The programs that do what the file describes no operation for; none if there is no such program.
    programs: Arc<[Program]>,
    /// What sends over HTTP from other hosts; none if clients do so from here.
    senders: Arc<[Sender]>,
    deadline: Option<Duration>,
}

impl Service {
    /// A target's HTTP operations, in a trial with `setting`.
    #[must_use]
    pub fn over_http(target: Arc<Target>, setting: Setting) -> Self {
        let trading = Arc::new(Trading::of(&target.model));
        let (programs, senders) = (Arc::new([]), Arc::new([]));
        Self { target, trading, setting, programs, senders, deadline: None }
    }

    /// The same, of which `programs` do what the file describes no operation for. The clients are shared out among them.
    #[must_use]
    pub fn with_programs(self, programs: Vec<Program>) -> Self {
        Self { programs: programs.into(), ..self }
    }

    /// The same, whose clients send over HTTP from the hosts of `senders`, among which they are shared out in turns: client 1 is on the
    /// first one's.
    #[must_use]
    pub fn with_senders(self, senders: Vec<Sender>) -> Self {
        Self { senders: senders.into(), ..self }
    }

    /// The same, with `deadline` in the place of those that the target's operations have.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Whether clients can do an operation. What a program can is known once it has said so.
    #[must_use]
    pub fn does(&self, kind: Kind) -> bool {
        self.target.operations.get(kind).is_some()
            || self.programs.iter().any(|program| program.does(kind))
    }

    /// The trades that it takes.
    #[must_use]
    pub fn trading(&self) -> &Trading {
        &self.trading
    }

    /// What it keeps: stocks, registers, or logs.
    #[must_use]
    pub fn kind(&self) -> ModelKind {
        self.target.model.kind
    }

    /// The registers, or the logs, that it keeps.
    #[must_use]
    pub fn keys(&self) -> &[String] {
        &self.target.model.keys
    }

    /// Whether clients read a log from a position on, and not all of it.
    pub(crate) fn reads_from_positions(&self) -> bool {
        match self.target.operations.get(Kind::Read) {
            Some(read) => read.uses("position"),
            None => self.does(Kind::Read),
        }
    }

    /// Client `number` (from 1) of it. `http` is the client's own, so that it has a connection of its own; times are taken
    /// from `origin` on.
    #[must_use]
    pub fn client(&self, http: reqwest::Client, number: u32, origin: Origin) -> Connection {
        Connection { service: self.clone(), http, number, origin }
    }

    /// The longest deadline of all operations.
    #[must_use]
    pub fn longest_deadline(&self) -> Duration {
        let own = || self.target.operations.longest_deadline().max(self.programs_deadline());
        self.deadline.or_else(own).unwrap_or_default()
    }

    /// The deadline of an operation.
    pub(crate) fn deadline(&self, kind: Kind) -> Duration {
        let over_http = || self.target.operations.get(kind).map(Operation::deadline);
        let own = || over_http().or_else(|| self.programs_deadline());
        self.deadline.or_else(own).unwrap_or_default()
    }

    /// The deadline of what a program does.
    fn programs_deadline(&self) -> Option<Duration> {
        self.target.client.as_ref().map(|client| client.deadline)
    }
}

/// One client's way to a service.
#[derive(Clone, Debug)]
pub struct Connection {
    service: Service,
    http: reqwest::Client,
    number: u32,
    origin: Origin,
}

/// When an operation was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Times {
    /// Just before it was sent, in microseconds since the origin; of another host's clock as early as that may have been.
    pub start_us: u64,
    /// After the last byte of the answer, or when the client gave up; of another host's clock as late as that may have been.
    pub end_us: u64,
    /// How long it took, by one clock.
    pub latency_us: u64,
    /// How long it took to get to the host that it was sent from.
    pub way_us: u64,
}

impl Times {
    /// Of what was sent from here.
    #[must_use]
    pub fn here(start_us: u64, end_us: u64) -> Self {
        Self { start_us, end_us, latency_us: end_us.saturating_sub(start_us), way_us: 0 }
    }
}

/// An operation that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// When.
    pub times: Times,
    /// The HTTP status, if there was an answer and it has one.
    pub status: Option<u16>,
    /// Whether nobody answered.
    pub is_silent: bool,
    /// What the answer means.
    pub judged: Judged,
}

impl Done {
    /// Whether it waited for an answer until `deadline`, and there was none. A refused connection is not waited for.
    pub(crate) fn hung(&self, deadline: Duration) -> bool {
        self.is_silent && Duration::from_micros(self.times.latency_us) >= deadline
    }
}

/// An answer, and when it came.
#[derive(Debug)]
pub struct Exchange {
    /// When.
    pub times: Times,
    /// The HTTP status, if there was an answer and it has one.
    pub status: Option<u16>,
    /// Whether nobody answered.
    pub is_silent: bool,
    /// What the target's file, or its client program, says that it means.
    pub answer: Answer,
}

impl Connection {
    /// Which client it is.
    #[must_use]
    pub fn number(&self) -> u32 {
        self.number
    }

    /// What it reaches.
    #[must_use]
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// Opens what the client needs before its first operation, where a program is to do that: no operation's latency is to
    /// be a connection's. Says whether a program did.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn open(&self) -> Result<bool, String> {
        let Some(program) = self.program() else { return Ok(false) };
        program.connect(self.number, self.programs_deadline()).await.map(|()| true)
    }

    /// The stocks to trade: those that the target's file names, else those that the service lists.
    ///
    /// # Errors
    /// If it does not list them.
    pub async fn stocks(&self) -> Result<Vec<String>, String> {
        match self.service.target.stocks.as_ref().map(|stocks| &stocks.from) {
            None => Ok(Vec::new()),
            Some(StocksFrom::Names(names)) => Ok(names.clone()),
            Some(StocksFrom::Operation(kind)) => {
                let done = self.perform(*kind, Places::default()).await;
                let reason = done.judged.reason;
                match done.judged.shown.map(|shown| shown.names) {
                    Some(names) if !names.is_empty() => Ok(names),
                    Some(_) => Err("the service lists no stock".to_owned()),
                    None => Err(reason.unwrap_or_else(|| "no reason is known".to_owned())),
                }
            }
        }
    }

    /// Does an operation with what `places` say; which client does it is added to them.
    pub async fn perform(&self, kind: Kind, places: Places<'_>) -> Done {
        let Exchange { times, status, is_silent, answer } = self.exchange(kind, places).await;
        let judged = judge(kind, answer, &self.service.trading);
        Done { times, status, is_silent, judged }
    }

    /// The same, as the target's file says what is answered, which nobody has judged yet. What the file describes goes over
    /// HTTP, the rest through a client program.
    pub async fn exchange(&self, kind: Kind, places: Places<'_>) -> Exchange {
        let places = Places { client: self.number, ..places };
        match (self.service.target.operations.get(kind), self.program()) {
            (Some(operation), _) => self.over_http(operation, &places).await,
            (None, Some(program)) => {
                program.perform(kind, &places, self.programs_deadline(), self.origin).await
            }
            (None, None) => self.not_sent(format!("the target has no operation {}", kind.name())),
        }
    }

    async fn over_http(&self, operation: &Operation, places: &Places<'_>) -> Exchange {
        let rendered = operation.request(&self.service.setting, places);
        let rendered = rendered.map_err(|error| error.to_string());
        let deadline = self.service.deadline.unwrap_or_else(|| operation.deadline());
        let request = match rendered.and_then(|rendered| http::request(rendered, deadline)) {
            Ok(request) => request,
            Err(reason) => return self.not_sent(reason),
        };
        let Sent { times, reply } = self.send(request).await;
        let (status, answer) = match reply {
            Reply::Answered { status, headers, body } => {
                (Some(status), operation.read_answer(status, &headers, &body, places))
            }
            Reply::NotSent(reason) => (None, Answer::not_ok(Outcome::Failed, reason)),
            Reply::Lost(reason) => (None, Answer::not_ok(Outcome::Unknown, reason)),
        };
        Exchange { times, status, is_silent: status.is_none(), answer }
    }

    /// Sends a request from the client's host; from here if that is this one, or was lost.
    async fn send(&self, request: Request) -> Sent {
        if let Some(sender) = self.sender()
            && let Some(sent) = sender.send(self.number, &request, self.origin).await
        {
            return sent;
        }
        let start_us = self.origin.elapsed_us();
        let reply = http::send(&self.http, request, MAX_ANSWER_BYTES).await;
        Sent { times: Times::here(start_us, self.origin.elapsed_us()), reply }
    }

    /// What sends for this client from another host. Who is none of the clients, and has no number, is here.
    fn sender(&self) -> Option<&Sender> {
        let senders = &self.service.senders;
        let index = usize::try_from(self.number.checked_sub(1)?).ok()?;
        senders.get(index.checked_rem(senders.len())?)
    }

    /// Whether the host that the client's requests are sent from was lost.
    pub(crate) fn is_lost(&self) -> bool {
        self.sender().is_some_and(Sender::is_lost)
    }

    /// The program that does what is asked of this client.
    fn program(&self) -> Option<&Program> {
        let programs = &self.service.programs;
        let index = usize::try_from(self.number.saturating_sub(1)).ok()?;
        programs.get(index.checked_rem(programs.len())?)
    }

    fn programs_deadline(&self) -> Duration {
        let own = || self.service.programs_deadline();
        self.service.deadline.or_else(own).unwrap_or_default()
    }

    fn not_sent(&self, reason: String) -> Exchange {
        let now_us = self.origin.elapsed_us();
        let answer = Answer::not_ok(Outcome::Failed, reason);
        let times = Times::here(now_us, now_us);
        Exchange { times, status: None, is_silent: true, answer }
    }
}
