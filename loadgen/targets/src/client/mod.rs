//! A client that is not HTTP: a program of the target's, which talks to it for the harness in lines of JSON. Pure: bytes come
//! in, lines go out, and somebody else has the process.
//!
//! The invariant: each request has exactly one outcome. It is what the client answers in time; if it is late, dies, writes
//! nonsense or answers twice, the outcome is *unknown* and stays so, since what was asked may have been done. Nothing that
//! the client writes can make an outcome better after that, and its own times count only within those of the harness.

mod events;
mod messages;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use events::{Answer, Broken, ClientEvent};
pub use messages::{Dumped, Hello, Request, Seen};

use crate::name;
use crate::order_no::OrderNo;
use messages::Message;

/// The longest line, in bytes. A dump sends its rows in as many lines as it needs.
pub const MAX_LINE_BYTES: usize = 1 << 20;

/// How many requests that ran out of time are remembered, so that a late answer is not taken for a second one. More than
/// are under way in any load: a client that is further behind than that answers nothing in time.
pub const MAX_LATE: usize = 65_536;

/// The version of the protocol.
const VERSION: u32 = 1;

/// One life of a client: from its start to its death or the first thing that it does wrong.
#[derive(Debug, Default)]
pub struct ClientSession {
    /// The beginning of a line whose end is not there yet.
    partial: Vec<u8>,
    next_id: u64,
    owed: BTreeMap<u64, Owed>,
    /// Those that ran out of time, and whether each is a dump.
    late: BTreeMap<u64, bool>,
    ready: bool,
    broken: bool,
    ignored_times: u64,
}

#[derive(Clone, Copy, Debug)]
struct Owed {
    sent_us: u64,
    dump: bool,
}

impl ClientSession {
    /// A client that was started and has said nothing yet.
    #[must_use]
    pub fn new() -> Self {
        Self { next_id: 1, ..Self::default() }
    }

    /// The line that greets it, which is the first.
    #[must_use]
    pub fn hello(&self, hello: &Hello<'_>) -> String {
        messages::line(&messages::Greeting { op: "hello", version: VERSION, hello })
    }

    /// The line that asks for `request`, and its id. `now_us` is before it is sent.
    pub fn request(&mut self, request: &Request<'_>, now_us: u64) -> (u64, String) {
        let id = self.next_id;
        self.next_id += 1;
        let dump = matches!(request, Request::Dump { .. });
        self.owed.insert(id, Owed { sent_us: now_us, dump });
        (id, messages::line(&messages::Numbered { id, request }))
    }

    /// What `bytes` from its stdout, which were there at `now_us`, say.
    pub fn receive(&mut self, bytes: &[u8], now_us: u64) -> Vec<ClientEvent> {
        let mut events = Vec::new();
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.broken {
                return events;
            }
            if self.partial.len() + piece.len() > MAX_LINE_BYTES {
                events.push(self.breaks(Broken::LongLine));
                return events;
            }
            self.partial.extend_from_slice(piece);
            if piece.ends_with(b"\n") {
                let line = std::mem::take(&mut self.partial);
                self.line(&line, now_us, &mut events);
            }
        }
        events
    }

    /// The request `id` has run out of time: its outcome is unknown, whatever comes. False if there is nothing owed for it.
    pub fn expired(&mut self, id: u64) -> bool {
        let Some(owed) = self.owed.remove(&id) else { return false };
        self.late.insert(id, owed.dump);
        if self.late.len() > MAX_LATE {
            self.late.pop_first();
        }
        true
    }

    /// It is dead, or its stdout is closed: what it owes is unknown.
    pub fn died(&mut self, how: &str) -> Vec<ClientEvent> {
        if self.broken {
            return Vec::new();
        }
        vec![self.breaks(Broken::Died { how: how.to_owned() })]
    }

    /// It has not said hello within `within_ms`, and is not waited for any longer. What it owes is unknown.
    pub fn silent(&mut self, within_ms: u64) -> Vec<ClientEvent> {
        if self.broken {
            return Vec::new();
        }
        vec![self.breaks(Broken::Silent { within_ms })]
    }

    /// Whether it did something wrong, after which nothing that it says counts and it is to be started again.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// How many answers had times of the client's own that lie outside the harness's, and were ignored.
    #[must_use]
    pub fn ignored_times(&self) -> u64 {
        self.ignored_times
    }

    fn line(&mut self, line: &[u8], now_us: u64, events: &mut Vec<ClientEvent>) {
        if line.trim_ascii().is_empty() {
            return;
        }
        let event = match serde_json::from_slice::<Message>(line) {
            Ok(message) => self.message(message, line.len() as u64, now_us),
            Err(error) => Err(Broken::Nonsense {
                line: name::excerpt(&String::from_utf8_lossy(line)),
                reason: error.to_string(),
            }),
        };
        events.extend(event.unwrap_or_else(|broken| Some(self.breaks(broken))));
    }

    fn message(
        &mut self,
        message: Message,
        bytes: u64,
        now_us: u64,
    ) -> Result<Option<ClientEvent>, Broken> {
        let nonsense = |reason: &str, message: &Message| Broken::Nonsense {
            line: name::excerpt(&format!("{message:?}")),
            reason: reason.to_owned(),
        };
        if let Some(version) = message.hello {
            if self.ready || version != VERSION {
                return Err(nonsense(
                    "a hello that nobody waits for, or of another version",
                    &message,
                ));
            }
            self.ready = true;
            return Ok(Some(ClientEvent::Ready { can: message.can }));
        }
        if !self.ready {
            return Err(nonsense("it has not said hello yet", &message));
        }
        if message.event.as_deref() == Some("leader") {
            return Ok(message.process.map(|process| ClientEvent::LeaderHint { process }));
        }
        // Events of later versions of the protocol are hints as well, and nobody needs them.
        if message.event.is_some() {
            return Ok(None);
        }
        let Some(id) = message.id else { return Err(nonsense("it has no id", &message)) };
        match self.owed.get(&id).copied() {
            Some(owed) if owed.dump && message.outcome.is_none() => self.dumped(id, bytes, message),
            Some(owed) => self.answered(id, owed, message, now_us),
            None if self.late.contains_key(&id) => self.late(id, message),
            None if id == 0 || id >= self.next_id => Err(Broken::UnknownId { id }),
            None => Err(Broken::Twice { id }),
        }
    }

    fn late(&mut self, id: u64, message: Message) -> Result<Option<ClientEvent>, Broken> {
        // Of a dump that nobody waits for any more there may come many rows yet.
        let dump = self.late.get(&id) == Some(&true);
        if dump && message.outcome.is_none() && message.end != Some(true) {
            return Ok(None);
        }
        self.late.remove(&id);
        match dump {
            true => Ok(None),
            false => Ok(Some(ClientEvent::Late(answer(id, message)?))),
        }
    }

    fn dumped(
        &mut self,
        id: u64,
        bytes: u64,
        message: Message,
    ) -> Result<Option<ClientEvent>, Broken> {
        if message.end == Some(true) {
            self.owed.remove(&id);
            return Ok(Some(ClientEvent::DumpEnd { id }));
        }
        match message.rows {
            Some(rows) => Ok(Some(ClientEvent::Rows { id, rows, bytes })),
            None => Err(Broken::Nonsense {
                line: format!("an answer to request {id}"),
                reason: "a dump is answered by rows, then by end".to_owned(),
            }),
        }
    }

    fn answered(
        &mut self,
        id: u64,
        owed: Owed,
        message: Message,
        now_us: u64,
    ) -> Result<Option<ClientEvent>, Broken> {
        let mut answer = answer(id, message)?;
        if let Some((start_us, end_us)) = answer.times_us
            && !(owed.sent_us <= start_us && start_us <= end_us && end_us <= now_us)
        {
            self.ignored_times += 1;
            answer.times_us = None;
        }
        self.owed.remove(&id);
        Ok(Some(ClientEvent::Answered(answer)))
    }

    fn breaks(&mut self, why: Broken) -> ClientEvent {
        self.broken = true;
        self.partial = Vec::new();
        let unknown = std::mem::take(&mut self.owed).into_keys().collect();
        ClientEvent::Broken { why, unknown }
    }
}

/// The answer that `message` is. A text that cannot be an order number is nonsense: with another number the checks would
/// judge an order that there is not.
fn answer(id: u64, message: Message) -> Result<Answer, Broken> {
    let nonsense =
        |reason: String| Broken::Nonsense { line: format!("the answer to request {id}"), reason };
    let outcome = message.outcome.ok_or_else(|| nonsense("it has no outcome".to_owned()))?;
    let order_no =
        message.order_no.filter(|order_no| !order_no.is_null()).map(OrderNo::from_json).transpose();
    Ok(Answer {
        id,
        outcome,
        order_no: order_no.map_err(|problem| nonsense(format!("order_no: {problem}")))?,
        seen: message.seen,
        position: message.position,
        reason: message.reason.map(|reason| name::excerpt(&reason)),
        times_us: message.start_us.zip(message.end_us),
    })
}
