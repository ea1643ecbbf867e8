//! A target as clients reach it: its operations, and how they are sent.
//!
//! A client does not know what it talks to. What is sent and what the answer means are the target's compiled operations
//! ([`targets::operation`]), or a program of the target's ([`crate::program`]); no line here asks which target it is. A
//! request is made before its time is taken and an answer is judged after that, so neither counts as latency.

use std::sync::Arc;
use std::time::Duration;

use faults::clock::Origin;
use results::records::Outcome;
use targets::operation::{Answer, Kind, MAX_ANSWER_BYTES, Places};
use targets::target::{StocksFrom, Target};
use targets::template::Setting;

use crate::http::{self, Reply};
use crate::outcome::{Judged, judge};
use crate::program::Program;
use crate::trading::Trading;

/// What clients reach, and how. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Service {
    target: Arc<Target>,
    trading: Arc<Trading>,
    way: Way,
    deadline: Option<Duration>,
}

#[derive(Clone, Debug)]
enum Way {
    /// By the operations of the target's file, in a trial with these values.
    Http(Setting),
    /// By programs of the target's; never empty.
    Programs(Arc<[Program]>),
}

/// Why there is no service to reach.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum ServiceError {
    /// A client program is needed, and there is none.
    #[error("no client program was given, and the target is reached by nothing else")]
    NoProgram,
}

impl Service {
    /// A target's HTTP operations, in a trial with `setting`.
    #[must_use]
    pub fn over_http(target: Arc<Target>, setting: Setting) -> Self {
        let trading = Arc::new(Trading::of(&target.model));
        Self { target, trading, way: Way::Http(setting), deadline: None }
    }

    /// A target that is reached by programs, among which the clients are shared out.
    ///
    /// # Errors
    /// If there is no program.
    pub fn by_programs(target: Arc<Target>, programs: Vec<Program>) -> Result<Self, ServiceError> {
        if programs.is_empty() {
            return Err(ServiceError::NoProgram);
        }
        let trading = Arc::new(Trading::of(&target.model));
        Ok(Self { target, trading, way: Way::Programs(programs.into()), deadline: None })
    }

    /// The same, with `deadline` in the place of those that the target's operations have.
    #[must_use]
    pub fn with_deadline(self, deadline: Duration) -> Self {
        Self { deadline: Some(deadline), ..self }
    }

    /// Whether clients can do an operation. What a program can is known once it has said so.
    #[must_use]
    pub fn does(&self, kind: Kind) -> bool {
        match &self.way {
            Way::Http(_) => self.target.operations.get(kind).is_some(),
            Way::Programs(programs) => programs.iter().any(|program| program.does(kind)),
        }
    }

    /// The trades that it takes.
    #[must_use]
    pub fn trading(&self) -> &Trading {
        &self.trading
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
        let own = || self.target.operations.longest_deadline();
        self.deadline.or_else(own).unwrap_or(Program::DEADLINE)
    }

    /// The deadline of an operation.
    pub(crate) fn deadline(&self, kind: Kind) -> Duration {
        let own = || self.target.operations.get(kind).map(targets::operation::Operation::deadline);
        self.deadline.or_else(own).unwrap_or(Program::DEADLINE)
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

/// An operation that was done.
#[derive(Clone, Debug, PartialEq)]
pub struct Done {
    /// Just before it was sent, in microseconds since the origin.
    pub start_us: u64,
    /// After the last byte of the answer, or when the client gave up.
    pub end_us: u64,
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
        self.is_silent && Duration::from_micros(self.end_us - self.start_us) >= deadline
    }
}

/// An answer, and when it came.
pub(crate) struct Exchange {
    pub(crate) start_us: u64,
    pub(crate) end_us: u64,
    pub(crate) status: Option<u16>,
    pub(crate) is_silent: bool,
    pub(crate) answer: Answer,
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
    /// be a connection's.
    ///
    /// # Errors
    /// Why it cannot be opened.
    pub async fn open(&self) -> Result<(), String> {
        match self.program() {
            Some(program) => program.connect(self.number, self.service.deadline(Kind::Query)).await,
            None => Ok(()),
        }
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
        let places = Places { client: self.number, ..places };
        let exchange = match &self.service.way {
            Way::Http(setting) => self.over_http(setting, kind, &places).await,
            Way::Programs(_) => self.by_program(kind, &places).await,
        };
        let Exchange { start_us, end_us, status, is_silent, answer } = exchange;
        let judged = judge(kind, answer, &self.service.trading);
        Done { start_us, end_us, status, is_silent, judged }
    }

    async fn over_http(&self, setting: &Setting, kind: Kind, places: &Places<'_>) -> Exchange {
        let Some(operation) = self.service.target.operations.get(kind) else {
            return self.not_sent(format!("the target has no operation {}", kind.name()));
        };
        let rendered = operation.request(setting, places).map_err(|error| error.to_string());
        let deadline = self.service.deadline.unwrap_or_else(|| operation.deadline());
        let request = match rendered.and_then(|rendered| http::request(rendered, deadline)) {
            Ok(request) => request,
            Err(reason) => return self.not_sent(reason),
        };
        let start_us = self.origin.elapsed_us();
        let reply = http::send(&self.http, request, MAX_ANSWER_BYTES).await;
        let end_us = self.origin.elapsed_us();
        let (status, answer) = match reply {
            Reply::Answered { status, headers, body } => {
                (Some(status), operation.read_answer(status, &headers, &body, places))
            }
            Reply::NotSent(reason) => (None, Answer::not_ok(Outcome::Failed, reason)),
            Reply::Lost(reason) => (None, Answer::not_ok(Outcome::Unknown, reason)),
        };
        Exchange { start_us, end_us, status, is_silent: status.is_none(), answer }
    }

    async fn by_program(&self, kind: Kind, places: &Places<'_>) -> Exchange {
        match self.program() {
            Some(program) => {
                let deadline = self.service.deadline(kind);
                program.perform(kind, places, deadline, self.origin).await
            }
            None => self.not_sent(ServiceError::NoProgram.to_string()),
        }
    }

    fn program(&self) -> Option<&Program> {
        let Way::Programs(programs) = &self.service.way else { return None };
        let index = usize::try_from(self.number.saturating_sub(1)).ok()?;
        programs.get(index % programs.len())
    }

    fn not_sent(&self, reason: String) -> Exchange {
        let now_us = self.origin.elapsed_us();
        let answer = Answer::not_ok(Outcome::Failed, reason);
        Exchange { start_us: now_us, end_us: now_us, status: None, is_silent: true, answer }
    }
}
