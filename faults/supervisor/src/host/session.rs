//! One connection to an agent: messages go out through one thread and come in through another, so that nobody who has something to say waits
//! for a pipe.
//!
//! The invariant: a connection that ends, or of which nothing is heard for five pulses, is over, once; from then on everybody who waited for
//! something of it knows that nothing comes.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::VecDeque;
use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, ChildStdin, ChildStdout, Stdio};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Condvar, Mutex, mpsc};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::bootstrap::{AgentProgram, Hello};
use super::clock::{Exchange, HostClock};
use super::orders::Orders;
use super::protocol::{Answer, MAX_MESSAGE_BYTES, Question, Reply, Request, line};
use super::talk::{TalkEnd, Talks};
use super::{Host, agent, command};
use crate::clock::{monotonic_us, wall_us};
use crate::lines::lines;
use crate::locked::locked;
use crate::tree::Shared;

/// How often the agent is told that we live, and asked what time it is.
const PULSE: Duration = Duration::from_secs(1);
/// After how many pulses without any word of it an agent counts as lost. Pulses are counted, not seconds: a machine that slept is
/// not taken for a network that broke.
const SILENT_PULSES: u32 = 5;
/// How many times the clock is asked for before anything is started: the shortest way of several is a good one.
const FIRST_EXCHANGES: usize = 8;
/// How long those may take.
const EXCHANGE_WITHIN: Duration = Duration::from_secs(10);
/// How long the command of the way may take to end once its output has.
const EXIT_WITHIN: Duration = Duration::from_secs(2);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// How many lines of what a way says to its standard error are kept.
const KEPT_LINES: usize = 3;
/// The longest of these, in bytes.
const MAX_LINE_BYTES: u64 = 1024;

/// How a connection came to its end.
#[derive(Clone, Debug)]
pub(super) struct Over {
    /// In words.
    pub(super) reason: String,
    /// When that was seen.
    pub(super) at_us: u64,
    /// Whether the agent said that nothing is left, folder included; `None` if it said nothing.
    pub(super) removed: Option<bool>,
}

/// A guard there, as its tree is known here.
#[derive(Debug)]
struct Open {
    mark: String,
    shared: Arc<Shared>,
    log: File,
}

#[derive(Debug)]
pub(crate) struct Session {
    /// `None` once nothing more is to be said, which ends the agent.
    outbox: Mutex<Option<mpsc::Sender<Vec<u8>>>>,
    way: Mutex<Child>,
    errors: Mutex<VecDeque<String>>,
    channels: Mutex<BTreeMap<u64, Open>>,
    asked: Mutex<BTreeMap<u64, oneshot::Sender<Result<Answer, String>>>>,
    talks: Talks,
    next: AtomicU64,
    clock: Arc<HostClock>,
    silent: AtomicU32,
    /// When the agent was heard last.
    heard_us: AtomicU64,
    removed: Mutex<Option<bool>>,
    over: Mutex<Option<Over>>,
    changed: Condvar,
}

impl Session {
    /// Connects, and waits until the agent is there and its clock is known. Blocks.
    ///
    /// # Errors
    /// A sentence about what went wrong. Nothing is left then where the way leads, as far as it led.
    pub(super) fn begin(
        host: &Host,
        program: &AgentProgram,
        clock: Arc<HostClock>,
    ) -> Result<(Arc<Self>, PathBuf), String> {
        let mut way = command(&host.connect, ["sh"]);
        way.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        // A Ctrl-C at a terminal is the harness's.
        way.process_group(0);
        let shown = host.connect.join(" ");
        let failed = |error: io::Error| format!("cannot run `{shown} sh`: {error}");
        let mut way = way.spawn().map_err(failed)?;
        let ends = (way.stdin.take(), way.stdout.take(), way.stderr.take());
        let (Some(input), Some(output), Some(errors)) = ends else {
            return Err(failed(io::ErrorKind::BrokenPipe.into()));
        };
        let (outbox, to_send) = mpsc::channel();
        let session = Arc::new(Self {
            outbox: Mutex::new(Some(outbox)),
            way: Mutex::new(way),
            errors: Mutex::default(),
            channels: Mutex::default(),
            asked: Mutex::default(),
            talks: Talks::default(),
            next: AtomicU64::new(1),
            clock,
            silent: AtomicU32::new(0),
            heard_us: AtomicU64::new(monotonic_us()),
            removed: Mutex::new(None),
            over: Mutex::new(None),
            changed: Condvar::new(),
        });
        let (boot, lines) = mpsc::channel();
        let begun = session.start_threads((input, output, errors), to_send, boot);
        let begun = begun.map_err(failed).and_then(|()| {
            let hello = program.bring(|bytes| session.send(bytes), &lines)?;
            session.begin_clock(&hello)?;
            Ok(hello.folder)
        });
        match begun {
            Ok(folder) => Ok((session, folder)),
            Err(reason) => {
                // Whoever was there ends with its input.
                session.close(EXIT_WITHIN);
                Err(format!("`{shown}`: {reason}{}", session.words()))
            }
        }
    }

    fn start_threads(
        self: &Arc<Self>,
        (input, output, errors): (ChildStdin, ChildStdout, ChildStderr),
        to_send: mpsc::Receiver<Vec<u8>>,
        boot: mpsc::Sender<String>,
    ) -> io::Result<()> {
        let thread = |name: &str| thread::Builder::new().name(format!("host {name}"));
        thread("out").spawn(move || write_all(input, &to_send))?;
        let session = Arc::clone(self);
        let said = thread("errors").spawn(move || session.keep_errors(errors))?;
        let session = Arc::clone(self);
        thread("in").spawn(move || {
            session.listen(output, boot);
            session.end(said);
        })?;
        Ok(())
    }

    /// Asks for the time until it is known well, and once a second from then on.
    fn begin_clock(self: &Arc<Self>, hello: &Hello) -> Result<(), String> {
        if hello.clock.is_some() && hello.clock == agent::own_clock() {
            self.clock.found_same();
        }
        self.ask_time();
        if !self.clock.wait_for(FIRST_EXCHANGES, EXCHANGE_WITHIN) {
            return Err("the agent does not say what time it is".to_owned());
        }
        let session = Arc::clone(self);
        let pulse = thread::Builder::new().name("host pulse".to_owned());
        let pulse = pulse.spawn(move || session.keep_pulse());
        pulse.map(drop).map_err(|error| format!("cannot start a thread: {error}"))
    }

    fn keep_pulse(&self) {
        loop {
            let over = locked(&self.over);
            let waited = self.changed.wait_timeout_while(over, PULSE, |over| over.is_none());
            if waited.is_ok_and(|(over, _)| over.is_some()) {
                return;
            }
            if self.silent.fetch_add(1, Ordering::SeqCst) >= SILENT_PULSES {
                self.kill_the_way();
                // Its end need not show: somebody else may hold its output.
                let seconds = u64::from(SILENT_PULSES) * PULSE.as_secs();
                self.finish(format!("nothing was heard of its agent for {seconds} s"));
                return;
            }
            self.ask_time();
        }
    }

    fn ask_time(&self) {
        self.tell(&Request::Clock { sent_us: monotonic_us() });
    }

    pub(super) fn tell(&self, request: &Request) {
        self.send(line(request));
    }

    fn send(&self, bytes: Vec<u8>) {
        if let Some(outbox) = &*locked(&self.outbox) {
            // Its thread ends with the connection, of which the other one tells.
            let _ = outbox.send(bytes);
        }
    }

    /// Takes what the agent says until it says no more.
    fn listen(&self, output: ChildStdout, boot: mpsc::Sender<String>) {
        let mut boot = Some(boot);
        for text in lines(BufReader::new(output), MAX_MESSAGE_BYTES) {
            let received_us = monotonic_us();
            self.silent.store(0, Ordering::SeqCst);
            self.heard_us.store(received_us, Ordering::SeqCst);
            let reply = serde_json::from_str::<Reply>(&text);
            if let Some(waiting) = &boot {
                let is_hello = matches!(reply, Ok(Reply::Hello { .. }));
                // Who has given up does not listen.
                let _ = waiting.send(text);
                if is_hello {
                    boot = None;
                }
                continue;
            }
            // Nonsense is the end: what follows it cannot be told from it.
            let Ok(reply) = reply else { return };
            self.take(reply, received_us);
        }
    }

    fn take(&self, reply: Reply, received_us: u64) {
        match reply {
            Reply::Hello { .. } => {}
            Reply::Clock { sent_us, monotonic_us: theirs_us, wall_us: their_wall_us } => {
                let back_us = received_us.saturating_sub(sent_us) / 2;
                let wall_us = wall_us().saturating_sub(back_us);
                let wall_ahead_us = their_wall_us.cast_signed() - wall_us.cast_signed();
                let exchange = Exchange { sent_us, theirs_us, received_us, wall_ahead_us };
                if self.clock.learn(exchange) < FIRST_EXCHANGES {
                    self.ask_time();
                }
            }
            Reply::Line { channel, line } => {
                // Nobody listens to it, so it is a guard's.
                if let Err(line) = self.talks.line(channel, line) {
                    let shared = self.shared_of(channel);
                    shared.into_iter().for_each(|shared| shared.take_line(&line));
                }
            }
            Reply::Log { channel, data } => {
                if let Some(open) = locked(&self.channels).get_mut(&channel) {
                    // A full disk costs the log, not the process that writes it.
                    let _ = open.log.write_all(&data);
                }
            }
            Reply::Closed { channel, nobody_left } => {
                let open = locked(&self.channels).remove(&channel);
                open.into_iter().for_each(|open| open.shared.guard_ended_there(nobody_left));
                let reason = "the program there has ended".to_owned();
                let (at_monotonic_us, heard_monotonic_us) = (received_us, received_us);
                self.talks.end(channel, TalkEnd { reason, at_monotonic_us, heard_monotonic_us });
            }
            Reply::Answer { id, answer } => {
                if let Some(asker) = locked(&self.asked).remove(&id) {
                    // Who has given up does not listen.
                    let _ = asker.send(answer);
                }
            }
            Reply::Gone { removed } => *locked(&self.removed) = Some(removed),
        }
    }

    fn shared_of(&self, channel: u64) -> Option<Arc<Shared>> {
        locked(&self.channels).get(&channel).map(|open| Arc::clone(&open.shared))
    }

    /// The connection has ended.
    fn end(&self, said: thread::JoinHandle<()>) {
        drop(locked(&self.outbox).take());
        let status = self.wait_for_the_way();
        // What the way said last is there once it has ended; who holds its end open is not waited for.
        let deadline = Instant::now() + EXIT_WITHIN;
        while !said.is_finished() && Instant::now() < deadline {
            thread::sleep(LOOK_AGAIN);
        }
        self.finish(format!("the connection to its agent ended ({status}){}", self.words()));
    }

    /// It is over, unless it was before.
    fn finish(&self, reason: String) {
        drop(locked(&self.outbox).take());
        let (at_us, removed) = (monotonic_us(), *locked(&self.removed));
        {
            let mut over = locked(&self.over);
            if over.is_some() {
                return;
            }
            *over = Some(Over { reason: reason.clone(), at_us, removed });
        }
        // Their askers learn that there is no answer.
        locked(&self.asked).clear();
        // Whoever opens one from here on finds it over.
        let lost = format!("its host was lost: {reason}");
        for open in locked(&self.channels).values() {
            open.shared.host_lost(&lost, at_us);
        }
        let heard_monotonic_us = self.heard_us.load(Ordering::SeqCst);
        let end = TalkEnd { reason: lost, at_monotonic_us: at_us, heard_monotonic_us };
        self.talks.end_all(&end);
        self.changed.notify_all();
    }

    /// Ends the way, and buries it.
    fn kill_the_way(&self) {
        let _ = locked(&self.way).kill();
        self.wait_for_the_way();
    }

    fn wait_for_the_way(&self) -> String {
        let deadline = Instant::now() + EXIT_WITHIN;
        loop {
            let mut way = locked(&self.way);
            match way.try_wait() {
                Ok(Some(status)) => return status.to_string(),
                Ok(None) if Instant::now() < deadline => {}
                _ => {
                    let _ = way.kill();
                    return way.wait().map_or_else(|error| error.to_string(), |it| it.to_string());
                }
            }
            drop(way);
            thread::sleep(LOOK_AGAIN);
        }
    }

    fn keep_errors(&self, errors: ChildStderr) {
        let mut errors = BufReader::new(errors);
        let mut text = Vec::new();
        loop {
            text.clear();
            let read = errors.by_ref().take(MAX_LINE_BYTES).read_until(b'\n', &mut text);
            if !matches!(read, Ok(1..)) {
                return;
            }
            let mut kept = locked(&self.errors);
            if kept.len() == KEPT_LINES {
                kept.pop_front();
            }
            kept.push_back(String::from_utf8_lossy(&text).trim().to_owned());
        }
    }

    /// What the way said last, for a message.
    fn words(&self) -> String {
        let kept = locked(&self.errors);
        let words: Vec<&str> = kept.iter().map(String::as_str).collect();
        if words.is_empty() { String::new() } else { format!(": {}", words.join("; ")) }
    }

    /// Opens a channel for a guard whose reports go to `shared`, and whose process's log to `log` here.
    pub(super) fn open(
        self: &Arc<Self>,
        mark: &str,
        kept_elsewhere: bool,
        (log, there): (&Path, impl FnOnce(u64) -> String),
        shared: Arc<Shared>,
    ) -> io::Result<(Orders, String)> {
        let log = OpenOptions::new().create(true).append(true).open(log)?;
        let channel = self.next_number();
        let there = there(channel);
        let open = Open { mark: mark.to_owned(), shared, log };
        // Under the same lock, so that none is opened that nobody tells of the end.
        let mut channels = locked(&self.channels);
        if let Some(over) = &*locked(&self.over) {
            return Err(io::Error::other(format!("its host was lost: {}", over.reason)));
        }
        channels.insert(channel, open);
        drop(channels);
        let mark = mark.to_owned();
        self.tell(&Request::Open { channel, mark, kept_elsewhere, log: there.clone() });
        Ok((Orders::There { session: Arc::clone(self), channel }, there))
    }

    /// The names of the trees that were not seen to have ended.
    pub(super) fn marks(&self) -> Vec<String> {
        locked(&self.channels).values().map(|open| open.mark.clone()).collect()
    }

    /// Where the answer to a question arrives. There is none once the connection is over.
    pub(super) fn ask(&self, question: Question) -> oneshot::Receiver<Result<Answer, String>> {
        let (asker, answer) = oneshot::channel();
        let id = self.next_number();
        // Under the same lock, so that nobody waits for what is over.
        let mut asked = locked(&self.asked);
        if locked(&self.over).is_none() {
            asked.insert(id, asker);
            drop(asked);
            self.tell(&Request::Ask { id, question });
        }
        answer
    }

    /// The answer to a question. There is none if the connection is over before it comes, or `within` is. Blocks.
    pub(super) fn ask_within(
        &self,
        question: Question,
        within: Duration,
    ) -> Option<Result<Answer, String>> {
        let mut answer = self.ask(question);
        let deadline = Instant::now() + within;
        loop {
            match answer.try_recv() {
                Ok(answer) => return Some(answer),
                Err(TryRecvError::Empty) if Instant::now() < deadline => thread::sleep(LOOK_AGAIN),
                Err(_) => return None,
            }
        }
    }

    /// A number that no channel and no question of this connection has.
    pub(super) fn next_number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// The programs there that somebody listens to.
    pub(super) fn talks(&self) -> &Talks {
        &self.talks
    }

    pub(super) fn over(&self) -> Option<Over> {
        locked(&self.over).clone()
    }

    /// Blocks until it is over.
    pub(super) fn wait_over(&self) -> Over {
        let mut over = locked(&self.over);
        loop {
            if let Some(over) = &*over {
                return over.clone();
            }
            match self.changed.wait(over) {
                Ok(more) => over = more,
                Err(poisoned) => over = poisoned.into_inner(),
            }
        }
    }

    /// Ends the agent and the connection, and blocks until that is done: the agent has as long as `within` to end by itself.
    pub(super) fn close(&self, within: Duration) -> Over {
        drop(locked(&self.outbox).take());
        let over = locked(&self.over);
        let waited = self.changed.wait_timeout_while(over, within, |over| over.is_none());
        drop(waited);
        if self.over().is_none() {
            self.kill_the_way();
            self.finish(format!("its agent did not end within {} s", within.as_secs()));
        }
        self.wait_over()
    }
}

fn write_all(mut input: ChildStdin, to_send: &mpsc::Receiver<Vec<u8>>) {
    while let Ok(bytes) = to_send.recv() {
        if input.write_all(&bytes).and_then(|()| input.flush()).is_err() {
            return;
        }
    }
}
