//! A bazaar and its clients, simulated: every trade takes effect at one moment, and leaders die.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use results::records::{Observation, Op, Outcome, Text};
use wire::bazaar::TradeType;

pub(crate) const CELL: &str = "p0.75-cache-on";
pub(crate) const CLIENTS: u32 = 20;
pub(crate) const STOCKS: usize = 10;
pub(crate) const INITIAL: u32 = 10_000;
pub(crate) const CAP: u32 = 20_000;
pub(crate) const REPLICAS: u8 = 3;
/// When the load begins.
pub(crate) const BEGAN_US: u64 = 500_000;
/// How many leaders die.
pub(crate) const KILLS: u64 = 4;
/// For so long nothing takes effect after a leader's death.
pub(crate) const OUTAGE_US: u64 = 40_000;
/// How many trades a stale read does not show: more than can be under way.
const TRADES_BEHIND: usize = 40;
/// The share of queries that a trade follows: with it there are 1.2 rows in `final.csv` per operation.
const P: f64 = 0.75;

/// What a stock is after a trade.
#[derive(Clone, Copy)]
pub(crate) struct State {
    pub(crate) quantity: u32,
    pub(crate) volume: u64,
    pub(crate) version: u64,
}

/// A trade that was done.
pub(crate) struct Order {
    pub(crate) epoch: u64,
    pub(crate) request_id: Text,
    pub(crate) stock: usize,
    pub(crate) trade_type: TradeType,
    pub(crate) quantity: u32,
    pub(crate) after: State,
}

/// What came of it.
pub(crate) struct Simulated {
    pub(crate) observations: Vec<Observation>,
    pub(crate) orders: Vec<Order>,
    pub(crate) stocks: [State; STOCKS],
    /// When leaders died.
    pub(crate) kills_us: Vec<u64>,
    /// When the last client had stopped trading, and when it had looked up its orders.
    pub(crate) traded_us: u64,
    pub(crate) ended_us: u64,
    pub(crate) is_broken: bool,
}

/// A request that has not taken effect.
struct Request {
    client: u32,
    stock: usize,
    start_us: u64,
    trade: Option<(TradeType, u32)>,
    attempts: u32,
}

pub(crate) struct Simulation {
    rng: Xoshiro256PlusPlus,
    operations: usize,
    names: Vec<Text>,
    cell: Text,
    stocks: [State; STOCKS],
    /// What each stock was after each trade.
    past: [Vec<State>; STOCKS],
    stale: [bool; STOCKS],
    sequences: Vec<u64>,
    acknowledged: Vec<Vec<usize>>,
    /// By the time at which they take effect.
    queue: BinaryHeap<Reverse<(u64, u32)>>,
    requests: Vec<Option<Request>>,
    rows: Vec<Observation>,
    orders: Vec<Order>,
    kills_us: Vec<u64>,
    is_broken: bool,
}

impl Simulation {
    pub(crate) fn new(operations: usize, is_broken: bool) -> Self {
        let state = State { quantity: INITIAL, volume: 0, version: 0 };
        // Twenty clients do some twenty thousand operations a second; lookups come at the end.
        let load_us = operations as u64 * 50;
        let kills = 1..=KILLS;
        let mut simulation = Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(7),
            operations,
            names: (1..=STOCKS).map(|number| format!("Stock{number}").into()).collect(),
            cell: CELL.into(),
            stocks: [state; STOCKS],
            past: std::array::from_fn(|_| vec![state]),
            stale: [false; STOCKS],
            sequences: vec![0; CLIENTS as usize],
            acknowledged: (0..CLIENTS).map(|_| Vec::new()).collect(),
            queue: BinaryHeap::new(),
            requests: (0..CLIENTS).map(|_| None).collect(),
            rows: Vec::with_capacity(operations + 1_000),
            orders: Vec::new(),
            kills_us: kills.map(|kill| BEGAN_US + load_us * kill / (KILLS + 2)).collect(),
            is_broken,
        };
        for client in 0..CLIENTS {
            simulation.query(client, BEGAN_US + u64::from(client));
        }
        simulation
    }

    pub(crate) fn run(mut self) -> Simulated {
        while self.rows.len() + self.orders.len() < self.operations {
            let Some(Reverse((at_us, client))) = self.queue.pop() else { break };
            self.take_effect(at_us, client);
        }
        // A client's last request is never sent.
        let ends = self.rows.iter().map(|row| row.end_us);
        let traded_us = ends.max().unwrap_or(BEGAN_US);
        let ended_us = self.look_up_all(traded_us + 1_000);
        self.rows.sort_by_key(|row| (row.end_us, row.seq));
        Simulated {
            observations: self.rows,
            orders: self.orders,
            stocks: self.stocks,
            kills_us: self.kills_us,
            traded_us,
            ended_us,
            is_broken: self.is_broken,
        }
    }

    fn query(&mut self, client: u32, start_us: u64) {
        let stock = self.rng.random_range(0..STOCKS);
        self.send(Request { client, stock, start_us, trade: None, attempts: 1 });
    }

    fn send(&mut self, mut request: Request) {
        let mut effect_us = request.start_us + self.rng.random_range(50..900);
        let killed = self.kills_us.iter().find(|&&us| (us..us + OUTAGE_US).contains(&effect_us));
        if let (Some(killed_us), true) = (killed, request.trade.is_some()) {
            effect_us = killed_us + OUTAGE_US + self.rng.random_range(0..2_000);
            request.attempts = 2;
        }
        let client = request.client;
        self.requests[client as usize] = Some(request);
        self.queue.push(Reverse((effect_us, client)));
    }

    fn take_effect(&mut self, at_us: u64, client: u32) {
        let Some(request) = self.requests[client as usize].take() else { return };
        let end_us = at_us + self.rng.random_range(50..900);
        let stock = request.stock;
        let row = match request.trade {
            None => self.answer_query(&request, end_us),
            Some((trade_type, quantity)) => {
                self.answer_trade(&request, (trade_type, quantity), at_us, end_us)
            }
        };
        self.rows.push(row);
        let next_us = end_us + self.rng.random_range(1..200);
        if request.trade.is_none() && self.rng.random_bool(P) {
            let trade_type = if self.rng.random() { TradeType::Buy } else { TradeType::Sell };
            let trade = Some((trade_type, self.rng.random_range(1..=10)));
            self.send(Request { client, stock, start_us: next_us, trade, attempts: 1 });
        } else {
            self.query(client, next_us);
        }
    }

    fn answer_query(&mut self, request: &Request, end_us: u64) -> Observation {
        let stock = request.stock;
        let mut shown = self.stocks[stock];
        let is_late = self.rows.len() + self.orders.len() > self.operations * 9 / 10;
        if self.is_broken && is_late && !self.stale[stock] {
            self.stale[stock] = true;
            let past = &self.past[stock];
            shown = past[past.len().saturating_sub(TRADES_BEHIND)];
        }
        Observation {
            seen_quantity: Some(shown.quantity),
            seen_volume: Some(shown.volume),
            ..self.row(request, Op::Query, end_us)
        }
    }

    fn answer_trade(
        &mut self,
        request: &Request,
        (trade_type, quantity): (TradeType, u32),
        at_us: u64,
        end_us: u64,
    ) -> Observation {
        let state = self.stocks[request.stock];
        let after = match trade_type {
            TradeType::Buy => state.quantity.checked_sub(quantity),
            TradeType::Sell => Some(state.quantity + quantity).filter(|&sum| sum <= CAP),
        };
        let mut row = Observation {
            trade_type: Some(trade_type),
            quantity: Some(quantity),
            ..self.row(request, Op::Trade, end_us)
        };
        let request_id = Text::from(format!("s7/{CELL}/1/{}/{}", row.client, row.seq));
        row.request_id = Some(request_id.clone());
        let Some(left) = after else {
            row.outcome = Outcome::Rejected;
            return row;
        };
        let (volume, version) = (state.volume + u64::from(quantity), state.version + 1);
        let after = State { quantity: left, volume, version };
        self.past[request.stock].push(after);
        self.stocks[request.stock] = after;
        self.acknowledged[request.client as usize].push(self.orders.len());
        let epoch = 1 + self.kills_us.iter().filter(|&&us| us + OUTAGE_US <= at_us).count() as u64;
        let stock = request.stock;
        self.orders.push(Order { epoch, request_id, stock, trade_type, quantity, after });
        row.order_no = Some(self.orders.len() as u64);
        row
    }

    /// Every client looks up its orders, from this time on. Returns when the last one is done.
    fn look_up_all(&mut self, from_us: u64) -> u64 {
        let mut ended_us = from_us;
        for client in 0..CLIENTS {
            let mut start_us = from_us + u64::from(client);
            for index in std::mem::take(&mut self.acknowledged[client as usize]) {
                let end_us = start_us + self.rng.random_range(100..1_000);
                let Order { stock, trade_type, quantity, .. } = self.orders[index];
                let request = Request { client, stock, start_us, trade: None, attempts: 1 };
                let row = Observation {
                    trade_type: Some(trade_type),
                    quantity: Some(quantity),
                    order_no: Some(index as u64 + 1),
                    request_id: Some(self.orders[index].request_id.clone()),
                    ..self.row(&request, Op::Lookup, end_us)
                };
                self.rows.push(row);
                start_us = end_us + 30;
                ended_us = ended_us.max(end_us);
            }
        }
        ended_us
    }

    fn row(&mut self, request: &Request, op: Op, end_us: u64) -> Observation {
        let seq = &mut self.sequences[request.client as usize];
        *seq += 1;
        Observation {
            client: request.client + 1,
            seq: *seq,
            stock_name: Some(self.names[request.stock].clone()),
            attempts: request.attempts,
            ..Observation::new(self.cell.clone(), 1, op, request.start_us, end_us)
        }
    }
}
