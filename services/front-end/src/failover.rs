//! Asking the leader, no matter who that is by the time it answers.
//!
//! A request is tried until it has an answer that can be believed or its deadline has passed; a
//! change of leader or epoch ends the attempt under way and begins the next. Trades may be tried
//! again because the request id makes them exactly-once, lookups because they change nothing.
//!
//! What it keeps track of is what was certain (rule E4): the 503 at the end may say that nothing
//! was changed only if no attempt can have changed anything. And how often it tried: every answer
//! says so in a header, since a client that waits a little longer sees nothing else of it.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use base::http::{Answer, Attempt, Attempts, Call, Peers, Reply, Together};
use base::planted::{Bug, Bugs};
use base::tasks::Tasks;
use hyper::StatusCode;
use hyper::header::{HeaderName, HeaderValue};
use prometheus::IntCounter;
use tokio::sync::watch;
use tokio::time::Instant;
use uuid::Uuid;
use wire::headers;
use wire::ids::{Epoch, ReplicaId};

use super::membership::{Current, Leader};
use super::pinger::Pinger;

/// The pause after a failed attempt, unless the configuration changes before: doubled with every
/// failure, since what helps is usually on its way.
const FIRST_PAUSE: Duration = Duration::from_millis(2);
/// The longest such pause.
const MAX_PAUSE: Duration = Duration::from_millis(50);

/// How long replicas may take when all are asked at once: they answer from memory, or not at all.
const ANYBODY_TIMEOUT: Duration = Duration::from_millis(500);

/// How often an answer was asked for.
const ATTEMPTS_HEADER: HeaderName = HeaderName::from_static(headers::ATTEMPTS);

/// What is to be done with a reply.
#[derive(Debug)]
pub enum ReplyAction {
    /// This is the answer.
    Answer(Answer),
    /// Try again.
    Again(Attempt),
}

/// Why there is no answer.
#[derive(Debug)]
pub struct NoAnswer {
    tried: Attempts,
    reason: &'static str,
    attempts: u64,
}

impl NoAnswer {
    /// The 503 that says so.
    #[must_use]
    pub fn into_answer(self) -> Answer {
        let status = StatusCode::SERVICE_UNAVAILABLE;
        let answer = if self.tried.are_without_effect() {
            Answer::error_without_effect(status, self.reason)
        } else {
            Answer::error(status, self.reason)
        };
        had_after(answer, self.attempts)
    }
}

/// Calls to the leader.
#[derive(Clone, Debug)]
pub struct Failover {
    peers: Peers,
    pinger: Arc<Pinger>,
    current: watch::Receiver<Current>,
    retried: IntCounter,
    /// How trades travel, if this is for trades.
    together: Option<Together>,
    bugs: Bugs,
}

impl Failover {
    /// Calls go to the leader that `current` shows; every attempt after a request's first is
    /// counted in `retried`.
    #[must_use]
    pub fn new(
        peers: Peers,
        pinger: Arc<Pinger>,
        current: watch::Receiver<Current>,
        retried: IntCounter,
    ) -> Self {
        Self { peers, pinger, current, retried, together: None, bugs: Bugs::default() }
    }

    /// The same for trades, which travel together.
    #[must_use]
    pub fn for_trades(self) -> Self {
        Self { together: Some(Together::new(self.peers.clone())), ..self }
    }

    /// The same with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// Whether so many members are fewer than there are replicas.
    #[must_use]
    pub fn lacks_some(&self, members: usize) -> bool {
        members < self.pinger.replicas().count()
    }

    /// What is planted in it.
    #[must_use]
    pub fn bugs(&self) -> Bugs {
        self.bugs
    }

    /// Sends `call`, with the leader's epoch, until `believe` takes a reply for the answer, to
    /// which is added how often it was sent.
    pub async fn ask(
        &self,
        call: &Call,
        timeout: Duration,
        believe: impl Fn(Reply) -> ReplyAction,
    ) -> Result<Answer, NoAnswer> {
        let deadline = Instant::now() + timeout;
        let mut current = self.current.clone();
        let mut call = Cow::Borrowed(call);
        let mut tried = Attempts::new(self.bugs);
        let mut pause = FIRST_PAUSE;
        let mut attempts = 0;
        loop {
            let Some((leader, epoch)) = leader(&mut current, deadline).await else {
                let reason = "no order replica can lead at the moment";
                return Err(NoAnswer { tried, reason, attempts });
            };
            attempts += 1;
            match self.attempt(&call, &mut current, leader, epoch, deadline).await.map(&believe) {
                Ok(ReplyAction::Answer(answer)) => return Ok(had_after(answer, attempts)),
                Ok(ReplyAction::Again(attempt)) | Err(attempt) => tried.note(attempt),
            }
            if Instant::now() >= deadline {
                let reason = "the order service did not answer in time";
                return Err(NoAnswer { tried, reason, attempts });
            }
            let until = deadline.min(Instant::now() + pause);
            // Either is a good moment to try again.
            let _ = tokio::time::timeout_at(until, replaced(&mut current, leader, epoch)).await;
            pause = MAX_PAUSE.min(pause * 2);
            self.retried.inc();
            if self.bugs.has(Bug::FreshIdOnRetry) {
                call = Cow::Owned(call.into_owned().header(headers::REQUEST_ID, Uuid::new_v4()));
            }
        }
    }

    /// Sends `call` to all replicas at once, without an epoch, and takes the first reply that
    /// `is_answer`: for what any of them may say, when nobody leads.
    pub async fn ask_anybody(
        &self,
        call: &Call,
        is_answer: impl Fn(&Reply) -> bool,
    ) -> Option<Answer> {
        let mut asked = Tasks::new();
        for address in self.pinger.replicas().filter_map(|id| self.pinger.address(id)) {
            let (peers, call) = (self.peers.clone(), call.clone());
            asked.spawn(async move { peers.call(address, &call, ANYBODY_TIMEOUT).await });
        }
        while let Some(asked) = asked.join_next().await {
            match asked {
                Ok(Ok(reply)) if is_answer(&reply) => {
                    let Reply { status, body, .. } = reply;
                    return Some(Answer::with_body(status, body, "application/json"));
                }
                Ok(_) | Err(_) => {}
            }
        }
        None
    }

    async fn attempt(
        &self,
        call: &Call,
        current: &mut watch::Receiver<Current>,
        leader: ReplicaId,
        epoch: Epoch,
        deadline: Instant,
    ) -> Result<Reply, Attempt> {
        let Some(address) = self.pinger.address(leader) else {
            return Err(Attempt::WithoutEffect);
        };
        let call = call.clone().header(headers::EPOCH, epoch);
        let remaining = deadline.saturating_duration_since(Instant::now());
        let answered = match &self.together {
            Some(together) => together.call(address, call, remaining),
            None => self.peers.call(address, &call, remaining),
        };
        let result = tokio::select! {
            result = answered => result,
            () = replaced(current, leader, epoch) => return Err(Attempt::Unclear),
        };
        result.map_err(|error| {
            tracing::debug!(%leader, %error, "a call to the leader failed");
            self.pinger.doubt(leader);
            error.as_attempt(self.bugs)
        })
    }
}

fn had_after(answer: Answer, attempts: u64) -> Answer {
    answer.header(ATTEMPTS_HEADER, HeaderValue::from(attempts))
}

/// The reply as it came.
#[must_use]
pub fn pass_on(reply: Reply) -> ReplyAction {
    ReplyAction::Answer(Answer::with_body(reply.status, reply.body, "application/json"))
}

/// Waits while the leader is being decided on. `None` if there is nobody, or no time left.
async fn leader(
    current: &mut watch::Receiver<Current>,
    deadline: Instant,
) -> Option<(ReplicaId, Epoch)> {
    let decided = current.wait_for(|current| current.leader() != Leader::Undecided);
    match tokio::time::timeout_at(deadline, decided).await {
        Ok(Ok(current)) => match current.leader() {
            Leader::Is(leader, epoch) => Some((leader, epoch)),
            Leader::Undecided | Leader::Nobody => None,
        },
        Ok(Err(_)) | Err(_) => None,
    }
}

/// Completes once somebody else leads, or the same replica in another epoch, or nobody.
async fn replaced(current: &mut watch::Receiver<Current>, leader: ReplicaId, epoch: Epoch) {
    let same = Leader::Is(leader, epoch);
    if current.wait_for(|current| current.leader() != same).await.is_err() {
        // Nobody decides any more: the process is ending, and nothing will replace the leader.
        std::future::pending::<()>().await;
    }
}
