//! One client: its iterations, and the lookups at the end.
//!
//! A client does one operation at a time, sends each once, and records it as it happened. It
//! does not try again: the front-end promises to hide a leader's death, so an error that reaches
//! a client must be seen.

use std::sync::Arc;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use reqwest::Request;
use results::records::{Observation, Op, Outcome, Phase};
use tokio::sync::mpsc::UnboundedSender;
use wire::bazaar::{Order, Stock, TradeRequest};
use wire::ids::OrderNo;

use crate::choice;
use crate::control::Control;
use crate::http::{FrontEnd, Reply};
use crate::outcome::{self, Judged};
use crate::pacer::ArrivalQueue;
use crate::recorder::Record;

/// What all clients of a trial have in common.
#[derive(Debug)]
pub struct TrialSettings {
    /// The cell's id.
    pub cell: String,
    /// Which repetition of it.
    pub trial: u32,
    /// The probability that a query is followed by a trade.
    pub p: f64,
    /// The probability that an iteration begins with a lookup of an order that the client was not
    /// told of.
    pub peek: f64,
    /// Every random choice comes from it.
    pub seed: u64,
    /// The stocks that are asked for.
    pub stocks: Vec<String>,
    /// The front-end's address.
    pub front_end: String,
    /// After how long a request is given up.
    pub timeout: Duration,
    /// When to begin and to end.
    pub control: Arc<Control>,
    /// In an open loop: whose turn it is when. None: a client goes on when it is answered.
    pub turns: Option<ArrivalQueue>,
    /// Where the observations go.
    pub records: UnboundedSender<Record>,
}

/// An order that was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Acknowledged {
    order_no: OrderNo,
    request_id: String,
}

/// One client of a trial.
#[derive(Clone, Debug)]
pub struct Client {
    setting: Arc<TrialSettings>,
    front_end: FrontEnd,
    number: u32,
    seq: u64,
    iterations: u64,
    /// In an open loop: when the next operation of the iteration is due.
    due_us: Option<u64>,
    rng: Xoshiro256PlusPlus,
    acknowledged: Vec<Acknowledged>,
}

/// How long a client rests after a read that nobody answered. A dead front-end refuses thousands
/// of connections a second, and a row for each says nothing more; a hundred a second still show
/// to 10 ms when it is back.
const REST_AFTER_SILENCE: Duration = Duration::from_millis(10);

/// How long a client of a closed loop rests after a 503. Anybody who is told that the service is not there
/// for now does not ask again at once, and refusals by the thousand would be load that no user makes.
/// It is no longer than this although `Retry-After` counts in seconds: a client that kept to it would
/// sleep through a takeover and see nothing of it.
const REST_AFTER_REFUSAL: Duration = Duration::from_millis(50);

const SERVICE_UNAVAILABLE: u16 = 503;

/// How long a client of a closed loop rests after an operation with this status; `None`: no answer.
/// A trade without one has taken its time already, or follows a read that was answered.
fn rest_after(op: Op, status: Option<u16>) -> Option<Duration> {
    match status {
        Some(SERVICE_UNAVAILABLE) => Some(REST_AFTER_REFUSAL),
        None if op == Op::Query => Some(REST_AFTER_SILENCE),
        _ => None,
    }
}

/// A request that was sent, and what became of it.
struct Sent {
    start_us: u64,
    end_us: u64,
    reply: Reply,
}

impl Client {
    /// Client `number` (from 1) of a trial.
    #[must_use]
    pub fn new(setting: Arc<TrialSettings>, front_end: FrontEnd, number: u32) -> Self {
        let rng = choice::client_rng(setting.seed, setting.p, setting.trial, number);
        let acknowledged = Vec::new();
        Self { setting, front_end, number, seq: 0, iterations: 0, due_us: None, rng, acknowledged }
    }

    /// Does one iteration, in an open loop when it is due. Returns whether there was one left to do.
    pub async fn run_iteration(&mut self) -> bool {
        let setting = Arc::clone(&self.setting);
        match &setting.turns {
            None => {
                setting.control.wait_for_admission(self.number).await;
                if setting.control.is_over(self.iterations) {
                    return false;
                }
            }
            Some(turns) => match turns.next(&setting.control).await {
                Some(due_us) => self.due_us = Some(due_us),
                None => return false,
            },
        }
        self.iterate().await;
        self.due_us = None;
        true
    }

    /// Queries a random stock, and perhaps trades it.
    async fn iterate(&mut self) {
        if let Some(ahead) = choice::peek_ahead(&mut self.rng, self.setting.peek) {
            self.peek(ahead).await;
        }
        let name = choice::stock(&mut self.rng, &self.setting.stocks).to_owned();
        let (phase, shown) = self.query(&name).await;
        if phase == Phase::Load {
            self.iterations += 1;
        }
        let Some(stock) = shown else { return };
        let p = self.setting.p;
        if let Some(trade) = choice::follow_up(&mut self.rng, p, &name, stock.quantity)
            && !self.setting.control.is_given_up()
        {
            self.trade(&trade).await;
        }
    }

    /// Looks up every order that was acknowledged.
    pub async fn look_up_all(&mut self) {
        for acknowledged in std::mem::take(&mut self.acknowledged) {
            if self.setting.control.is_given_up() {
                return;
            }
            self.look_up(&acknowledged).await;
        }
    }

    async fn query(&mut self, name: &str) -> (Phase, Option<Stock>) {
        let sent = self.send(self.front_end.query_stock(name)).await;
        let judged = outcome::of_query(&sent.reply, name);
        let row = Observation {
            stock_name: Some(name.into()),
            seen_quantity: judged.shown.as_ref().map(|stock| stock.quantity),
            seen_volume: judged.shown.as_ref().map(|stock| stock.trade_volume),
            ..self.row(Op::Query, &sent, &judged)
        };
        let phase = row.phase;
        self.record(row);
        self.rest(Op::Query, judged.status).await;
        (phase, judged.shown)
    }

    async fn trade(&mut self, trade: &TradeRequest) {
        let TrialSettings { seed, cell, trial, .. } = &*self.setting;
        let request_id = format!("s{seed}/{cell}/{trial}/{}/{}", self.number, self.seq + 1);
        let sent = self.send(self.front_end.trade(trade, &request_id)).await;
        let judged = outcome::of_trade(&sent.reply);
        let row = Observation {
            stock_name: Some(trade.stock_name.as_str().into()),
            trade_type: Some(trade.trade_type),
            quantity: Some(trade.quantity.get()),
            order_no: judged.shown.map(|order_no| order_no.0),
            request_id: Some(request_id.as_str().into()),
            ..self.row(Op::Trade, &sent, &judged)
        };
        self.record(row);
        if let (Outcome::Ok, Some(order_no)) = (judged.outcome, judged.shown) {
            self.acknowledged.push(Acknowledged { order_no, request_id });
        }
        self.rest(Op::Trade, judged.status).await;
    }

    /// Looks up an order beyond the last one that this client was told of: it may be anybody's, and
    /// it may not be there.
    async fn peek(&mut self, ahead: u64) {
        let Some(Acknowledged { order_no, .. }) = self.acknowledged.last() else { return };
        let order_no = OrderNo(order_no.0 + ahead);
        let sent = self.send(self.front_end.query_order(order_no)).await;
        let judged = outcome::of_lookup(&sent.reply, order_no);
        let row = self.lookup_row(&sent, &judged, order_no);
        self.record(row);
        self.rest(Op::Lookup, judged.status).await;
    }

    async fn look_up(&mut self, acknowledged: &Acknowledged) {
        let sent = self.send(self.front_end.query_order(acknowledged.order_no)).await;
        let judged = outcome::of_lookup(&sent.reply, acknowledged.order_no);
        let row = Observation {
            phase: Phase::Lookup,
            request_id: Some(acknowledged.request_id.as_str().into()),
            ..self.lookup_row(&sent, &judged, acknowledged.order_no)
        };
        self.record(row);
        self.rest(Op::Lookup, judged.status).await;
    }

    /// An open loop is paced by its schedule, also while nobody answers.
    async fn rest(&self, op: Op, status: Option<u16>) {
        if self.setting.turns.is_none()
            && let Some(rest) = rest_after(op, status)
        {
            tokio::time::sleep(rest).await;
        }
    }

    fn lookup_row(
        &mut self,
        sent: &Sent,
        judged: &Judged<Order>,
        order_no: OrderNo,
    ) -> Observation {
        let shown: Option<&Order> = judged.shown.as_ref();
        Observation {
            stock_name: shown.map(|order| order.stock_name.as_str().into()),
            trade_type: shown.map(|order| order.trade_type),
            quantity: shown.map(|order| order.quantity),
            order_no: Some(order_no.0),
            ..self.row(Op::Lookup, sent, judged)
        }
    }

    async fn send(&self, request: reqwest::Result<Request>) -> Sent {
        let origin = self.setting.control.origin();
        let start_us = origin.elapsed_us();
        let reply = match request {
            Ok(request) => self.front_end.send(request).await,
            Err(error) => Reply::NotSent(error.to_string()),
        };
        Sent { start_us, end_us: origin.elapsed_us(), reply }
    }

    /// The fields that every operation has.
    fn row<T>(&mut self, op: Op, sent: &Sent, judged: &Judged<T>) -> Observation {
        self.seq += 1;
        let latency_us = sent.end_us - sent.start_us;
        // What follows in the iteration would have been due when this one is over, had the client been
        // on time.
        let planned_us = self.due_us;
        self.due_us = planned_us.map(|due_us| due_us + latency_us);
        Observation {
            cell: self.setting.cell.as_str().into(),
            trial: self.setting.trial,
            phase: self.setting.control.phase(planned_us.unwrap_or(sent.start_us)),
            client: self.number,
            seq: self.seq,
            op,
            stock_name: None,
            trade_type: None,
            quantity: None,
            planned_us,
            start_us: sent.start_us,
            end_us: sent.end_us,
            latency_us,
            outcome: judged.outcome,
            status: judged.status,
            reason: judged.reason.as_deref().map(Into::into),
            order_no: None,
            seen_quantity: None,
            seen_volume: None,
            cache: judged.cache,
            request_id: None,
            attempts: judged.attempts,
        }
    }

    fn record(&self, row: Observation) {
        // The recorder is gone only when the run is being given up; it has said why.
        let _ = self.setting.records.send(Record::Observation(Box::new(row)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_client_that_is_refused_rests_a_moment_and_one_that_is_answered_does_not() {
        for op in [Op::Query, Op::Trade, Op::Lookup] {
            let rest = rest_after(op, Some(503));
            assert!(rest.is_some_and(|rest| rest > REST_AFTER_SILENCE), "{rest:?}");
            assert!(rest.is_some_and(|rest| rest <= Duration::from_millis(50)), "{rest:?}");
            for status in [200, 404, 500] {
                assert_eq!(rest_after(op, Some(status)), None, "{op:?} {status}");
            }
        }
        assert_eq!(rest_after(Op::Query, None), Some(REST_AFTER_SILENCE));
        assert_eq!(rest_after(Op::Trade, None), None);
    }
}
