//! Each process is killed and started again, one after the other: is it ready, is a query answered, is the order still there?

use std::time::{Duration, Instant};

use results::records::Outcome;
use supervisor::system::System;
use targets::file::Acknowledged as Promise;
use targets::order_no::OrderNo;
use targets::target::{Adopt, Start, Target};

use super::findings::Findings;
use super::keys::{self, Put};
use super::operations::{Acknowledged, Operations};
use super::state::State;

/// How long a target may take to answer a query after a process of it was killed and is ready again.
const ANSWERED_WITHIN: Duration = Duration::from_secs(30);
/// How long after a query that is not answered the next is tried.
const QUERY_PERIOD: Duration = Duration::from_millis(50);

/// What is looked at after each restart.
#[derive(Debug)]
pub(super) struct Restarts<'a> {
    /// What is broken.
    pub(super) target: &'a Target,
    /// Its processes.
    pub(super) system: &'a System,
    /// Asks it.
    pub(super) operations: &'a Operations<'a>,
    /// Reads it.
    pub(super) state: &'a State<'a>,
    /// The stock that is asked for.
    pub(super) stock: Option<&'a str>,
    /// The order that was acknowledged.
    pub(super) order: Option<&'a Acknowledged>,
    /// What was put into a register or a log.
    pub(super) put: Option<&'a Put>,
}

impl Restarts<'_> {
    /// Kills and restarts each process in turn. Says whether all came back; if one does not, those after it are left alone.
    pub(super) async fn try_each(&self, findings: &mut Findings) -> bool {
        for process in &self.target.processes {
            if !self.try_one(&process.name, findings).await {
                return false;
            }
        }
        true
    }

    async fn try_one(&self, name: &str, findings: &mut Findings) -> bool {
        let order_no = self.order.and_then(|order| order.order_no.as_ref());
        let before = match order_no {
            Some(order_no) => Some(self.seen(order_no).await),
            None => None,
        };
        let killed = Instant::now();
        let subject = format!("restart of {name}");
        if let Some(Start::Adopt(Adopt { start: None, .. })) =
            self.target.process(name).map(|process| &process.start)
        {
            findings.missing(&subject, "adopt has no start, so no fault may kill it");
            return true;
        }
        let back = async {
            self.system.kill(name).await?;
            self.system.restart(name).await?;
            self.system.wait_ready(name).await
        };
        if let Err(error) = back.await {
            findings.fails(&subject, error);
            return false;
        }
        let ready = killed.elapsed().as_millis();
        match self.answered().await {
            None => findings.ok(&subject, format_args!("ready {ready} ms after the kill")),
            Some(Ok(())) => {
                let answered = killed.elapsed().as_millis();
                findings.ok(
                    &subject,
                    format_args!(
                        "ready {ready} ms after the kill, a query is answered after {answered} ms"
                    ),
                );
            }
            Some(Err(reason)) => {
                let within = ANSWERED_WITHIN.as_secs();
                findings.fails(
                    &subject,
                    format_args!("ready, but no query is answered within {within} s; {reason}"),
                );
                return false;
            }
        }
        if let (Some(order_no), Some(before)) = (order_no, before) {
            self.compare(name, order_no, &before, findings).await;
        }
        if let Some(put) = self.put {
            keys::compare(self.target, self.operations, put, name, findings).await;
        }
        true
    }

    /// Whether a query is answered again, and else why not; `None` if the file describes none.
    async fn answered(&self) -> Option<Result<(), String>> {
        let began = Instant::now();
        loop {
            let done = self.operations.ask(self.stock).await?;
            // That nothing is there is an answer.
            let is_no = self.put.is_some() && done.answer.outcome == Outcome::Rejected;
            if done.is_ok() || is_no {
                return Some(Ok(()));
            }
            if began.elapsed() >= ANSWERED_WITHIN {
                return Some(Err(done.why()));
            }
            tokio::time::sleep(QUERY_PERIOD).await;
        }
    }

    async fn seen(&self, order_no: &OrderNo) -> Seen {
        Seen {
            looked_up: self.operations.lookup(order_no).await.is_some_and(|done| done.is_ok()),
            holders: self.state.holders(order_no).await,
        }
    }

    /// Whether the order is where it was before.
    async fn compare(
        &self,
        name: &str,
        order_no: &OrderNo,
        before: &Seen,
        findings: &mut Findings,
    ) {
        if !before.looked_up && before.holders.is_empty() {
            return;
        }
        let subject = format!("order {order_no} after it");
        let lost = self.state.lost_at(order_no, &before.holders).await;
        let mut gone: Vec<String> = lost.iter().map(|place| format!("at {place}")).collect();
        if before.looked_up
            && let Some(done) = self.operations.lookup(order_no).await
            && !done.is_ok()
        {
            gone.push(format!("by lookup, {}", done.why()));
        }
        if gone.is_empty() {
            let mut where_is = before.holders.clone();
            where_is.extend(before.looked_up.then(|| "lookup".to_owned()));
            findings.ok(&subject, format_args!("still there: {}", where_is.join(", ")));
            return;
        }
        let gone = gone.join("; ");
        let what = format!("acknowledged before {name} was killed, and not found any more: {gone}");
        match self.target.model.acknowledged {
            Promise::Durable => findings.fails(&subject, what),
            Promise::MayBeLost => {
                findings.ok(&subject, format_args!("{what}; model.acknowledged allows it"));
            }
        }
    }
}

/// Where an order was seen.
#[derive(Debug)]
struct Seen {
    looked_up: bool,
    holders: Vec<String>,
}
