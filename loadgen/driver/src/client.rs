//! One client: its iterations, and the lookups at the end.
//!
//! A client does one operation at a time, sends each once, and records it as it happened. It does not try again: a service
//! promises to hide the deaths of its processes, so an error that reaches a client must be seen. What a target does not do, its
//! clients leave out: without queries every iteration is a trade of any stock, without trades it is a query alone. What it does to
//! registers and logs is in `keyed`.

mod keyed;

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use results::records::{Observation, Op, Outcome, Phase};
use targets::file::ModelKind;
use targets::operation::{Kind, Places};
use targets::order_no::OrderNo;
use tokio::sync::mpsc::UnboundedSender;

use self::keyed::KnownKeys;
use crate::choice::{self, Trade};
use crate::control::Control;
use crate::order_names::OrderNames;
use crate::outcome::Shown;
use crate::pacer::ArrivalQueue;
use crate::recorder::Record;
use crate::service::{Connection, Done, Service, Times};

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
    /// The stocks that are asked for; none where a service has one thing alone.
    pub stocks: Vec<String>,
    /// The value that the next change of a register or a log puts there: no two do the same, so that a read names its change.
    pub next_value: Arc<AtomicU64>,
    /// What is reached.
    pub service: Service,
    /// The numbers of orders that are called by texts.
    pub order_names: Arc<OrderNames>,
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
    connection: Connection,
    seq: u64,
    iterations: u64,
    /// In an open loop: when the next operation of the iteration is due.
    due_us: Option<u64>,
    rng: Xoshiro256PlusPlus,
    acknowledged: Vec<Acknowledged>,
    keys: KnownKeys,
}

/// After so many lookups in a row without an answer within their deadline a client asks no more.
const MAX_HANGING_LOOKUPS: u32 = 3;
/// How long a client rests after an iteration whose first operation nobody answered. A dead front-end refuses thousands
/// of connections a second, and a row for each says nothing more; a hundred a second still show
/// to 10 ms when it is back.
const REST_AFTER_SILENCE: Duration = Duration::from_millis(10);

/// How long a client of a closed loop rests after a 503. Anybody who is told that the service is not there
/// for now does not ask again at once, and refusals by the thousand would be load that no user makes.
/// It is no longer than this although `Retry-After` counts in seconds: a client that kept to it would
/// sleep through a takeover and see nothing of it.
const REST_AFTER_REFUSAL: Duration = Duration::from_millis(50);

const SERVICE_UNAVAILABLE: u16 = 503;

/// What an iteration consists of; without any of these there is no load.
const KINDS_OF_LOAD: [Kind; 6] =
    [Kind::Query, Kind::Trade, Kind::Read, Kind::Write, Kind::CompareAndSet, Kind::Append];

/// Where an operation stands in its iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// It begins it, so without an answer it would be repeated at once.
    First,
    /// It follows another, or is a lookup.
    Later,
}

/// How long a client of a closed loop rests after an operation. A later one without an answer has taken its time already, or
/// follows one that was answered.
fn rest_after(turn: Turn, status: Option<u16>, is_silent: bool) -> Option<Duration> {
    match turn {
        _ if status == Some(SERVICE_UNAVAILABLE) => Some(REST_AFTER_REFUSAL),
        Turn::First if is_silent => Some(REST_AFTER_SILENCE),
        Turn::First | Turn::Later => None,
    }
}

impl Client {
    /// A client of a trial.
    #[must_use]
    pub fn new(setting: Arc<TrialSettings>, connection: Connection) -> Self {
        let number = connection.number();
        let rng = choice::client_rng(setting.seed, setting.p, setting.trial, number);
        let (acknowledged, keys) = (Vec::new(), KnownKeys::default());
        Self { setting, connection, seq: 0, iterations: 0, due_us: None, rng, acknowledged, keys }
    }

    /// Does one iteration, in an open loop when it is due. Returns whether there was one left to do: there is none once the host that its
    /// requests are sent from was lost.
    pub async fn run_iteration(&mut self) -> bool {
        let setting = Arc::clone(&self.setting);
        if !KINDS_OF_LOAD.into_iter().any(|kind| setting.service.does(kind)) {
            return false;
        }
        match &setting.turns {
            None => {
                setting.control.wait_for_admission(self.connection.number()).await;
                if self.connection.is_lost() || setting.control.is_over(self.iterations) {
                    return false;
                }
            }
            // Others take its turns.
            Some(_) if self.connection.is_lost() => return false,
            Some(turns) => match turns.next(&setting.control).await {
                Some(due_us) => self.due_us = Some(due_us),
                None => return false,
            },
        }
        self.iterate(&setting).await;
        self.due_us = None;
        true
    }

    /// Queries a random stock, and perhaps trades it; of a register or a log it does one operation.
    async fn iterate(&mut self, setting: &TrialSettings) {
        if matches!(setting.service.kind(), ModelKind::Register | ModelKind::Log) {
            let phase = self.iterate_key(setting).await;
            return self.count(phase);
        }
        if let Some(ahead) = choice::peek_ahead(&mut self.rng, setting.peek) {
            self.peek(ahead).await;
        }
        let stock = choice::stock(&mut self.rng, &setting.stocks);
        if !setting.service.does(Kind::Query) {
            let trade = choice::trade(&mut self.rng, setting.service.trading(), None);
            let phase = self.trade(stock, trade, Turn::First).await;
            self.count(phase);
            return;
        }
        let (phase, shown) = self.query(stock).await;
        self.count(phase);
        let Some(shown) = shown else { return };
        let trading = setting.service.trading();
        if setting.service.does(Kind::Trade)
            && let Some(trade) =
                choice::follow_up(&mut self.rng, setting.p, trading, shown.quantity)
            && !setting.control.is_given_up()
        {
            self.trade(stock, trade, Turn::Later).await;
        }
    }

    fn count(&mut self, phase: Phase) {
        if phase == Phase::Load {
            self.iterations += 1;
        }
    }

    /// Looks up every order that was acknowledged, if the service can be asked for orders. Of a service that hangs it is asked
    /// a few times, not for hours: the orders that are left are not looked up, which the reader of the rows can tell.
    pub async fn look_up_all(&mut self) {
        let deadline = self.setting.service.deadline(Kind::Lookup);
        let mut hanging = 0;
        for acknowledged in std::mem::take(&mut self.acknowledged) {
            if self.setting.control.is_given_up() || hanging == MAX_HANGING_LOOKUPS {
                return;
            }
            let done = self.look_up(&acknowledged).await;
            hanging = if done.hung(deadline) { hanging + 1 } else { 0 };
        }
    }

    async fn query(&mut self, stock: Option<&str>) -> (Phase, Option<Shown>) {
        let key = self.key();
        let places = Places { stock, key: &key, ..Places::default() };
        let done = self.connection.perform(Kind::Query, places).await;
        let shown = done.judged.shown.as_ref();
        let row = Observation {
            stock_name: stock.map(Into::into),
            seen_quantity: shown.and_then(|shown| shown.quantity),
            seen_volume: shown.and_then(|shown| shown.volume),
            ..self.row(Op::Query, &done)
        };
        let phase = row.phase;
        self.record(row);
        self.rest(Turn::First, &done).await;
        (phase, done.judged.shown)
    }

    async fn trade(&mut self, stock: Option<&str>, trade: Trade, turn: Turn) -> Phase {
        let request_id = self.key();
        let setting = Arc::clone(&self.setting);
        let places = Places {
            stock,
            side: Some(setting.service.trading().name(trade.side)),
            quantity: Some(i64::from(trade.quantity)),
            key: &request_id,
            ..Places::default()
        };
        let done = self.connection.perform(Kind::Trade, places).await;
        let order_no = done.judged.shown.as_ref().and_then(|shown| shown.order_no.clone());
        let row = Observation {
            stock_name: stock.map(Into::into),
            trade_type: Some(trade.side),
            quantity: Some(trade.quantity),
            order_no: order_no.as_ref().map(|order_no| setting.order_names.number(order_no)),
            request_id: Some(request_id.as_str().into()),
            ..self.row(Op::Trade, &done)
        };
        let phase = row.phase;
        self.record(row);
        if let (Outcome::Ok, Some(order_no)) = (done.judged.outcome, order_no) {
            setting.order_names.acknowledge(&order_no);
            if setting.service.does(Kind::Lookup) {
                self.acknowledged.push(Acknowledged { order_no, request_id });
            }
        }
        self.rest(turn, &done).await;
        phase
    }

    /// Looks up an order beyond the last one that this client was told of: it may be anybody's, and
    /// it may not be there. Nobody can say which order comes after one that is called by a text.
    async fn peek(&mut self, ahead: u64) {
        let Some(Acknowledged { order_no: OrderNo::Number(last), .. }) = self.acknowledged.last()
        else {
            return;
        };
        let order_no = OrderNo::Number(last.saturating_add_unsigned(ahead));
        let done = self.ask_for(&order_no).await;
        let row = self.lookup_row(&done, &order_no);
        self.record(row);
        self.rest(Turn::Later, &done).await;
    }

    async fn look_up(&mut self, acknowledged: &Acknowledged) -> Done {
        let done = self.ask_for(&acknowledged.order_no).await;
        let row = Observation {
            phase: Phase::Lookup,
            request_id: Some(acknowledged.request_id.as_str().into()),
            ..self.lookup_row(&done, &acknowledged.order_no)
        };
        self.record(row);
        self.rest(Turn::Later, &done).await;
        done
    }

    async fn ask_for(&self, order_no: &OrderNo) -> Done {
        let key = self.key();
        let places = Places { order_no: Some(order_no), key: &key, ..Places::default() };
        self.connection.perform(Kind::Lookup, places).await
    }

    /// The name of the next operation, which no other operation of a run has.
    fn key(&self) -> String {
        let TrialSettings { seed, cell, trial, .. } = &*self.setting;
        format!("s{seed}/{cell}/{trial}/{}/{}", self.connection.number(), self.seq + 1)
    }

    /// An open loop is paced by its schedule, also while nobody answers.
    async fn rest(&self, turn: Turn, done: &Done) {
        if self.setting.turns.is_none()
            && let Some(rest) = rest_after(turn, done.status, done.is_silent)
        {
            tokio::time::sleep(rest).await;
        }
    }

    fn lookup_row(&mut self, done: &Done, order_no: &OrderNo) -> Observation {
        let shown = done.judged.shown.as_ref();
        Observation {
            stock_name: shown.and_then(|shown| shown.stock.as_deref().map(Into::into)),
            trade_type: shown.and_then(|shown| shown.side),
            quantity: shown.and_then(|shown| shown.quantity),
            order_no: Some(self.setting.order_names.number(order_no)),
            ..self.row(Op::Lookup, done)
        }
    }

    /// The fields that every operation has.
    fn row(&mut self, op: Op, done: &Done) -> Observation {
        self.seq += 1;
        let Times { start_us, end_us, latency_us, way_us } = done.times;
        // What follows in the iteration would have been due when this one is over, had the client been
        // on time. Its way to the client's host is nobody's lateness: it was due there when it could be there.
        let planned_us = self.due_us.map(|due_us| due_us + way_us);
        self.due_us = planned_us.map(|due_us| due_us + latency_us);
        Observation {
            cell: self.setting.cell.as_str().into(),
            trial: self.setting.trial,
            phase: self.setting.control.phase(planned_us.unwrap_or(start_us)),
            client: self.connection.number(),
            seq: self.seq,
            op,
            stock_name: None,
            trade_type: None,
            quantity: None,
            planned_us,
            start_us,
            end_us,
            latency_us,
            outcome: done.judged.outcome,
            status: done.status,
            reason: done.judged.reason.as_deref().map(Into::into),
            order_no: None,
            seen_quantity: None,
            seen_volume: None,
            cache: done.judged.cache,
            request_id: None,
            attempts: done.judged.attempts,
            keyed: None,
        }
    }

    fn record(&self, row: Observation) {
        // The recorder is gone only when the run is being given up; it has said why.
        let _ = self.setting.records.send(Record::Observation(Box::new(row)));
    }
}

#[cfg(test)]
mod tests;
