//! What the linearizability check costs: a long history of a bazaar that is simulated here, with
//! refusals, unknown outcomes and pauses, and its search.
//!
//! ```text
//! cargo run --release -p results --example long_history -- [OPERATIONS] [correct|stale|lost|hard]
//! ```
//!
//! By default 100,000 operations of 64 clients on 10 stocks. `stale` lets one late read of each
//! stock show what the stock was two trades before; `lost` lets one late acknowledged trade of each
//! stock have no effect; `hard` is a small history that no search can decide within the bounds, and
//! so shows what these cost. `/usr/bin/time -v` shows time and memory.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Instant;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use results::linear::{
    Action, Budget, Decision, Model as _, Operation, Stock, StockHistory, explain, search,
};
use wire::bazaar::TradeType;

const CLIENTS: u32 = 64;
const STOCKS: usize = 10;
const INITIAL: Stock = Stock { quantity: 100, volume: 0, cap: 100 };
/// One in so many trades gets no answer.
const UNKNOWN_ONE_IN: u32 = 1_000;
/// Every so often nothing is answered for a second, as when a leader hangs.
const PAUSE_EVERY_US: u64 = 5_000_000;
const PAUSE_US: u64 = 1_000_000;

/// What is wrong with a history.
#[derive(Clone, Copy, PartialEq)]
enum Wrong {
    Nothing,
    Stale,
    Lost,
}

fn main() -> Result<(), String> {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(Ok(100_000), |text| text.parse::<usize>());
    let count = count.map_err(|error| format!("OPERATIONS: {error}"))?;
    let wrong = match arguments.next().as_deref() {
        None | Some("correct") => Wrong::Nothing,
        Some("stale") => Wrong::Stale,
        Some("lost") => Wrong::Lost,
        Some("hard") => return judge(&[hard()]),
        Some(other) => return Err(format!("`{other}` is not one of correct, stale, lost, hard")),
    };
    judge(&Simulation::new(wrong).run(count))
}

fn judge(histories: &[StockHistory]) -> Result<(), String> {
    let began = Instant::now();
    for (number, history) in histories.iter().enumerate() {
        let stock = Instant::now();
        let found = describe(history);
        let took_ms = stock.elapsed().as_millis();
        let count = history.operations.len();
        println!("stock {}: {count} operations, {found}, {took_ms} ms", number + 1);
    }
    println!("all stocks: {} ms", began.elapsed().as_millis());
    Ok(())
}

/// Sixty trades without an answer, each of its own size, and a read that no sum of them explains.
fn hard() -> StockHistory {
    let initial = Stock { quantity: 1_000_000, volume: 0, cap: 1_000_000 };
    let trades = (1..=60).map(|quantity| Operation {
        client: quantity,
        call_us: 0,
        return_us: None,
        action: Action::Trade { trade_type: TradeType::Buy, quantity },
    });
    let action = Action::Read { quantity: 0, volume: 1_000_000 };
    let read = Operation { client: 61, call_us: 10, return_us: Some(20), action };
    StockHistory { initial, operations: trades.chain([read]).collect() }
}

fn describe(history: &StockHistory) -> String {
    match search(history, Budget::default()) {
        Decision::Linearizable(_) => "linearizable".to_owned(),
        Decision::Undecided(why) => format!("undecided: {why}"),
        Decision::NotLinearizable => match explain(history, Budget::default()) {
            Some(found) => format!(
                "not linearizable: {:?} cannot be placed, {} operations and {} optional ones show it",
                history.operations[found.culprit],
                found.part.required.len(),
                found.part.optional.len()
            ),
            None => "not linearizable".to_owned(),
        },
    }
}

/// A request on its way.
#[derive(Clone, Copy)]
struct Request {
    client: u32,
    stock: usize,
    call_us: u64,
    /// Nothing for a query.
    trade: Option<(TradeType, u32)>,
}

struct Simulation {
    rng: Xoshiro256PlusPlus,
    wrong: Wrong,
    stocks: [Stock; STOCKS],
    /// Per stock, what it was after each trade, with the time.
    past: [Vec<(u64, Stock)>; STOCKS],
    done: [bool; STOCKS],
    histories: Vec<StockHistory>,
    /// By the time at which they take effect.
    queue: BinaryHeap<Reverse<(u64, usize)>>,
    requests: Vec<Request>,
}

impl Simulation {
    fn new(wrong: Wrong) -> Self {
        let history = StockHistory { initial: INITIAL, operations: Vec::new() };
        let mut simulation = Self {
            rng: Xoshiro256PlusPlus::seed_from_u64(5),
            wrong,
            stocks: [INITIAL; STOCKS],
            past: std::array::from_fn(|_| vec![(0, INITIAL)]),
            done: [false; STOCKS],
            histories: vec![history; STOCKS],
            queue: BinaryHeap::new(),
            requests: Vec::new(),
        };
        for client in 1..=CLIENTS {
            simulation.query(client, u64::from(client));
        }
        simulation
    }

    fn run(mut self, count: usize) -> Vec<StockHistory> {
        while self.histories.iter().map(|history| history.operations.len()).sum::<usize>() < count {
            let Some(Reverse((at_us, index))) = self.queue.pop() else { break };
            self.take_effect(at_us, index, count / STOCKS * 9 / 10);
        }
        self.histories
    }

    fn query(&mut self, client: u32, at_us: u64) {
        let stock = self.rng.random_range(0..STOCKS);
        self.send(Request { client, stock, call_us: at_us, trade: None });
    }

    fn send(&mut self, request: Request) {
        let effect_us = request.call_us + self.rng.random_range(50..1_500);
        let into_pause = effect_us % PAUSE_EVERY_US;
        let pause_us = PAUSE_US.saturating_sub(into_pause);
        self.requests.push(request);
        self.queue.push(Reverse((effect_us + pause_us, self.requests.len() - 1)));
    }

    fn take_effect(&mut self, at_us: u64, index: usize, late: usize) {
        let Request { client, stock, call_us, trade } = self.requests[index];
        let return_us = at_us + self.rng.random_range(50..1_500);
        let is_late = self.histories[stock].operations.len() > late && !self.done[stock];
        let mut answered = Some(return_us);
        let action = match trade {
            None => {
                let mut shown = self.stocks[stock];
                if is_late && self.wrong == Wrong::Stale {
                    shown = self.stale(stock, call_us).unwrap_or(shown);
                }
                Action::Read { quantity: shown.quantity, volume: shown.volume }
            }
            Some((trade_type, quantity)) => {
                let unknown = self.rng.random_ratio(1, UNKNOWN_ONE_IN);
                if unknown {
                    answered = None;
                }
                let action = Action::Trade { trade_type, quantity };
                match self.stocks[stock].after(action) {
                    Some(_) if unknown && self.rng.random() => action,
                    Some(_) if is_late && self.wrong == Wrong::Lost && !unknown => {
                        self.done[stock] = true;
                        action
                    }
                    Some(after) => {
                        self.stocks[stock] = after;
                        self.past[stock].push((at_us, after));
                        action
                    }
                    None if unknown => action,
                    None => Action::Refused { trade_type, quantity },
                }
            }
        };
        let operation = Operation { client, call_us, return_us: answered, action };
        self.histories[stock].operations.push(operation);
        self.go_on(client, stock, trade.is_none(), return_us);
    }

    /// What the stock was two trades before the newest that has certainly been answered.
    fn stale(&mut self, stock: usize, call_us: u64) -> Option<Stock> {
        let answered_us = call_us.checked_sub(2_000)?;
        let past = &self.past[stock];
        let newest = past.partition_point(|&(at_us, _)| at_us < answered_us).checked_sub(3)?;
        self.done[stock] = true;
        past.get(newest).map(|&(_, stock)| stock)
    }

    fn go_on(&mut self, client: u32, stock: usize, queried: bool, return_us: u64) {
        let next_us = return_us + self.rng.random_range(1..200);
        if queried && self.rng.random() {
            let trade_type = if self.rng.random() { TradeType::Buy } else { TradeType::Sell };
            let trade = Some((trade_type, self.rng.random_range(1..=10)));
            self.send(Request { client, stock, call_us: next_us, trade });
        } else {
            self.query(client, next_us);
        }
    }
}
