//! What the harness knows of a tree: the sum of its guard's reports.

use std::collections::BTreeMap;
use std::io::BufRead;
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::sync::{Arc, Condvar, Mutex};
use std::time::Duration;

use tokio::sync::{oneshot, watch};

use super::protocol::{MAX_MESSAGE_BYTES, Report};
use super::{Done, End, Leftovers, Limit, SignalError};
use crate::clock::monotonic_us;
use crate::host::HostClock;
use crate::lines::lines;
use crate::locked::locked;

/// The pid and the time of a start, or why there was none.
type Started = Result<(u32, u64), String>;

/// What the guard has said of an order so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Answer {
    /// Just before its first signal was sent.
    pub(super) begun_us: Option<u64>,
    pub(super) over: Option<Result<Done, SignalError>>,
}

#[derive(Debug)]
struct Known {
    started: Option<oneshot::Sender<Started>>,
    answers: BTreeMap<u64, watch::Sender<Answer>>,
    left: Leftovers,
    status: Option<ExitStatus>,
    reason: Option<String>,
    over_limit: Option<Limit>,
    end: Option<End>,
    /// Whether the guard is gone as well.
    gone: bool,
}

/// What is told to those who wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Life {
    main_ended: bool,
    ended: bool,
    gone: bool,
}

#[derive(Debug)]
pub(crate) struct Shared {
    /// The clock of the host that it runs on, if that is not this one.
    clock: Option<Arc<HostClock>>,
    known: Mutex<Known>,
    changed: Condvar,
    life: watch::Sender<Life>,
}

impl Shared {
    /// Of a tree of which nothing is known yet; its times are those of `clock`, if it has another than ours.
    pub(super) fn new(
        left: Leftovers,
        clock: Option<Arc<HostClock>>,
    ) -> (Self, oneshot::Receiver<Started>) {
        let (started, answer) = oneshot::channel();
        let known = Mutex::new(Known {
            started: Some(started),
            answers: BTreeMap::new(),
            left,
            status: None,
            reason: None,
            over_limit: None,
            end: None,
            gone: false,
        });
        let life = watch::Sender::new(Life { main_ended: false, ended: false, gone: false });
        (Self { clock, known, changed: Condvar::new(), life }, answer)
    }

    /// A time of the guard's, on our clock.
    fn ours(&self, at_us: u64) -> u64 {
        self.clock.as_ref().map_or(at_us, |clock| clock.ours(at_us).at_us)
    }

    /// Takes reports until there are no more.
    pub(super) fn listen(&self, reports: impl BufRead) {
        for line in lines(reports, MAX_MESSAGE_BYTES) {
            let Ok(report) = serde_json::from_str(&line) else { break };
            self.take(report);
        }
    }

    /// Takes a report as it was sent.
    pub(crate) fn take_line(&self, line: &str) {
        if let Ok(report) = serde_json::from_str(line) {
            self.take(report);
        }
    }

    fn take(&self, report: Report) {
        let mut known = locked(&self.known);
        known.left.note(&report);
        match report {
            Report::Started { pid, at_us } | Report::Found { pid, at_us } => {
                if let Some(started) = known.started.take() {
                    // Nobody waits for a start that took too long; its tree is dropped.
                    let _ = started.send(Ok((pid, self.ours(at_us))));
                }
            }
            Report::NotStarted { reason } => {
                if let Some(started) = known.started.take() {
                    let _ = started.send(Err(reason));
                }
            }
            Report::Ended { status, at_us, asked } => {
                let status = ExitStatus::from_raw(status);
                known.status = Some(status);
                if !status.success() {
                    known.end_at(self.ours(at_us), asked);
                }
            }
            Report::Empty { at_us, asked } => known.end_at(self.ours(at_us), asked),
            Report::Done { id, at_us, confirmed_us, forced } => {
                let (at_monotonic_us, confirmed_monotonic_us) =
                    (self.ours(at_us), self.ours(confirmed_us));
                known.answer(id, Ok(Done { at_monotonic_us, confirmed_monotonic_us, forced }));
            }
            Report::Begun { id, at_us } => {
                if let Some(answer) = known.answers.get(&id) {
                    answer.send_modify(|answer| answer.begun_us = Some(self.ours(at_us)));
                }
            }
            Report::NotDone { id, reason } => known.answer(id, Err(SignalError::NotDone(reason))),
            Report::Held { id } => known.answer(id, Err(SignalError::Paused)),
            Report::Members { .. } => {}
            Report::OverLimit { limit, reason } => {
                (known.over_limit, known.reason) = (Some(limit), Some(reason));
            }
        }
        self.tell(&known);
    }

    /// The guard has ended. If it did not say that nothing is left, it was killed, and its work is done here.
    pub(super) fn guard_ended(&self) {
        let left = locked(&self.known).left.clone();
        self.guard_ended_there(left.end());
    }

    /// The same of a guard on another host, whose agent has seen to what it left.
    pub(crate) fn guard_ended_there(&self, nobody_left: bool) {
        let mut known = locked(&self.known);
        if !known.left.is_nothing() {
            let left = if nobody_left {
                ""
            } else {
                ", and not all that it kept could be found or killed"
            };
            known.reason = Some(format!("its guard was killed{left}"));
            known.end_at(monotonic_us(), false);
        }
        self.no_more(&mut known);
    }

    /// Nothing can be heard of the guard any more, for its host is lost. It ends its tree by itself.
    pub(crate) fn host_lost(&self, reason: &str, at_monotonic_us: u64) {
        let mut known = locked(&self.known);
        if known.end.is_none() {
            known.reason = Some(reason.to_owned());
            known.end_at(at_monotonic_us, false);
            if let Some(end) = known.end.as_mut() {
                end.host_lost = true;
            }
        }
        self.no_more(&mut known);
    }

    fn no_more(&self, known: &mut Known) {
        known.gone = true;
        // Their receivers learn that there is no answer.
        known.answers.clear();
        known.started = None;
        self.tell(known);
    }

    fn tell(&self, known: &Known) {
        let (main_ended, ended) = (known.status.is_some() || known.gone, known.end.is_some());
        self.life.send_replace(Life { main_ended, ended, gone: known.gone });
        self.changed.notify_all();
    }

    /// Where the answer to an order arrives; its sender is dropped when there is no more to come.
    pub(super) fn expect_answer(&self, id: u64) -> watch::Receiver<Answer> {
        let (sender, receiver) = watch::channel(Answer::default());
        let mut known = locked(&self.known);
        if !known.gone {
            known.answers.insert(id, sender);
        }
        receiver
    }

    /// Blocks until an order is over, or the guard is gone, for as long as `within`.
    pub(super) fn wait_over(&self, answer: &watch::Receiver<Answer>, within: Duration) {
        let known = locked(&self.known);
        let pending = |known: &mut Known| answer.borrow().over.is_none() && !known.gone;
        // What became of it is in the answer.
        let _ = self.changed.wait_timeout_while(known, within, pending);
    }

    pub(super) fn was_found(&self) -> bool {
        locked(&self.known).left.was_found()
    }

    pub(super) fn end(&self) -> Option<End> {
        locked(&self.known).end.clone()
    }

    pub(super) async fn ended(&self) -> End {
        let mut life = self.life.subscribe();
        loop {
            if let Some(end) = self.end() {
                return end;
            }
            // The sender lives as long as this does.
            let _ = life.wait_for(|life| life.ended).await;
        }
    }

    pub(super) async fn main_ended(&self) -> Option<ExitStatus> {
        let mut life = self.life.subscribe();
        // The sender lives as long as this does.
        let _ = life.wait_for(|life| life.main_ended).await;
        locked(&self.known).status
    }

    pub(super) async fn gone(&self) {
        let mut life = self.life.subscribe();
        // The sender lives as long as this does.
        let _ = life.wait_for(|life| life.gone).await;
    }

    pub(super) fn wait_gone(&self, within: Duration) -> bool {
        let known = locked(&self.known);
        let waited = self.changed.wait_timeout_while(known, within, |known| !known.gone);
        waited.is_ok_and(|(known, _)| known.gone)
    }
}

impl Known {
    /// The first of several signs of an end counts.
    fn end_at(&mut self, at_monotonic_us: u64, asked: bool) {
        if self.end.is_none() {
            let (status, reason, over_limit) = (self.status, self.reason.clone(), self.over_limit);
            let host_lost = false;
            self.end = Some(End { status, at_monotonic_us, asked, reason, over_limit, host_lost });
        }
    }

    fn answer(&mut self, id: u64, done: Result<Done, SignalError>) {
        if let Some(answer) = self.answers.remove(&id) {
            answer.send_modify(|answer| answer.over = Some(done));
        }
    }
}
