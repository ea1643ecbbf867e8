//! What is compared with what, and what is to be reached: the table's rows before anything is measured.

use std::fmt;

use crate::arguments::{Config, Part};
use crate::sample::{Figure, Side};

/// The case of start and readiness.
pub(crate) const START: &str = "start of five services";
/// The case of a front-end that holds connections on which nothing is asked.
pub(crate) const IDLE_CONNECTIONS: &str = "front-end, 1000 idle connections";
/// The goals for a restart are for so many missed orders.
const MISSED: u64 = 100_000;
/// The goals for memory and dumps are for so many orders.
const ORDERS: u64 = 1_000_000;

/// The case of a cached query.
pub(crate) fn query(connections: usize) -> String {
    format!("cached query, {connections} connection{}", plural(connections))
}

/// The case of a durable trade.
pub(crate) fn trade(clients: usize) -> String {
    format!("durable trade, {clients} client{}", plural(clients))
}

/// The case of a killed leader.
pub(crate) fn kill(busy: bool) -> String {
    format!("leader killed, {}", if busy { "busy" } else { "quiet" })
}

/// The case of a replica that was away.
pub(crate) fn restart(missed: u64) -> String {
    format!("replica back after {missed} orders, busy")
}

/// The case of a load generator in a closed loop.
pub(crate) const CLOSED_LOOP: &str = "load generator, 64 connections";
/// What is counted in instructions.
pub(crate) const QUERY: &str = "one cached query";
/// The same.
pub(crate) const TRADE: &str = "one trade";

/// The case of an operation's instructions in one process.
pub(crate) fn instructions(operation: &str, process: &str) -> String {
    format!("{operation}: {process}")
}

/// How many requests a second are asked of load generators: what both can do, and what neither can.
pub(crate) const RATES_PER_S: [u32; 2] = [2_000, 100_000];

/// The case of a load generator at a rate.
pub(crate) fn offered(rate_per_s: u32) -> String {
    format!("load generator, offered {rate_per_s}/s")
}

/// The case of queries of many stocks, all of them cached.
pub(crate) fn stocks(stocks: u64) -> String {
    format!("cached query, {stocks} stocks")
}

/// The case of lookups among many orders.
pub(crate) fn lookup(orders: u64) -> String {
    format!("lookup, {orders} orders")
}

/// The case of a replica that holds many orders.
pub(crate) fn held(orders: u64) -> String {
    format!("a replica with {orders} orders")
}

/// The case of trades while everything is dumped.
pub(crate) fn dump(orders: u64) -> String {
    format!("trades while {orders} orders are dumped")
}

/// The case of a process that is asked nothing.
pub(crate) fn memory(process: &str) -> String {
    format!("{process}, idle")
}

fn plural(number: usize) -> &'static str {
    if number == 1 { "" } else { "s" }
}

/// What is made of several samples of a round, or of all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Take {
    /// The median.
    Median,
    /// The 95th percentile, by nearest rank.
    P95,
}

impl Take {
    /// As a share of the samples.
    pub(crate) fn quantile(self) -> f64 {
        match self {
            Self::Median => 0.5,
            Self::P95 => 0.95,
        }
    }
}

/// Where a number must lie.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Bound {
    /// Not below.
    AtLeast(f64),
    /// Not above.
    AtMost(f64),
    /// Below.
    Under(f64),
}

impl Bound {
    /// Whether a number lies there.
    pub(crate) fn holds(self, number: f64) -> bool {
        match self {
            Self::AtLeast(bound) => number >= bound,
            Self::AtMost(bound) => number <= bound,
            Self::Under(bound) => number < bound,
        }
    }

    /// How far a number is from it, as a factor: above 1 it does not hold.
    pub(crate) fn distance(self, number: f64) -> f64 {
        match self {
            Self::AtLeast(bound) => bound / number,
            Self::AtMost(bound) | Self::Under(bound) => number / bound,
        }
    }
}

/// What must lie there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Goal {
    /// Ours divided by the peer's.
    Ratio(Bound),
    /// Ours, in the figure's unit.
    Value(Bound),
}

impl Goal {
    /// Where.
    pub(crate) fn bound(self) -> Bound {
        let (Self::Ratio(bound) | Self::Value(bound)) = self;
        bound
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(bound) => write!(f, "at least {bound}"),
            Self::AtMost(bound) => write!(f, "at most {bound}"),
            Self::Under(bound) => write!(f, "under {bound}"),
        }
    }
}

/// A row to be.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Comparison {
    /// What is done.
    pub(crate) case: String,
    /// What is measured.
    pub(crate) figure: Figure,
    /// What is made of the samples.
    pub(crate) take: Take,
    /// Which of ours.
    pub(crate) ours: Side,
    /// With whom it is compared.
    pub(crate) peer: Option<Side>,
    /// What is to be reached.
    pub(crate) goal: Option<Goal>,
    /// The goal counts only where this peer does as well as the row's: what the library cannot do is nobody's goal.
    pub(crate) if_reached_by: Option<Side>,
}

impl Comparison {
    fn of(case: &str, figure: Figure) -> Self {
        Self {
            case: case.to_owned(),
            figure,
            take: Take::Median,
            ours: Side::Bazaar,
            peer: None,
            goal: None,
            if_reached_by: None,
        }
    }

    fn beside(self, peer: Side) -> Self {
        Self { peer: Some(peer), ..self }
    }

    fn goal(self, goal: Goal) -> Self {
        Self { goal: Some(goal), ..self }
    }
}

/// All rows of what is done.
pub(crate) fn comparisons(config: &Config) -> Vec<Comparison> {
    let of_part = |part: &Part| match part {
        Part::Query => config.connections.iter().flat_map(|&number| of_query(number)).collect(),
        Part::Trade => config.clients.iter().flat_map(|&number| of_trade(number)).collect(),
        Part::Kill => [false, true].into_iter().flat_map(of_kill).collect(),
        Part::Restart => of_restart(config.missed),
        Part::Start => of_start(),
        Part::Growth => of_growth(config),
        Part::Generator => of_generator(),
        // A picture.
        Part::Spans => Vec::new(),
        Part::Instructions => of_instructions(),
    };
    let rows: Vec<Vec<Comparison>> = config.parts.iter().map(of_part).collect();
    rows.concat()
}

fn of_query(connections: usize) -> Vec<Comparison> {
    use Bound::{AtLeast, AtMost};
    let of = |figure| Comparison::of(&query(connections), figure);
    vec![
        of(Figure::PerSecond).beside(Side::Hyper).goal(Goal::Ratio(AtLeast(0.95))),
        Comparison {
            if_reached_by: Some(Side::Hyper),
            ..of(Figure::PerSecond).beside(Side::Nginx).goal(Goal::Ratio(AtLeast(1.0)))
        },
        of(Figure::CpuUs).beside(Side::Hyper).goal(Goal::Ratio(AtMost(1.05))),
        of(Figure::CpuUs).beside(Side::Nginx),
        of(Figure::P99Ms).beside(Side::Hyper),
    ]
}

fn of_trade(clients: usize) -> Vec<Comparison> {
    use Bound::{AtLeast, AtMost};
    let of = |figure| Comparison::of(&trade(clients), figure);
    let alone = clients == 1;
    let of_put = if alone { 1.25 } else { 2.0 };
    let mut rows = vec![
        of(Figure::PerSecond).beside(Side::EtcdPut).goal(Goal::Ratio(AtLeast(of_put))),
        of(Figure::PerSecond).beside(Side::EtcdTransaction),
    ];
    if alone {
        rows.push(of(Figure::P50Ms).beside(Side::Disk).goal(Goal::Ratio(AtMost(5.0))));
        rows.push(of(Figure::P50Ms).beside(Side::Fio));
        rows.push(of(Figure::P99Ms).beside(Side::EtcdPut));
        rows.push(of(Figure::Switches).beside(Side::EtcdPut).goal(Goal::Value(AtMost(20.0))));
    } else {
        rows.push(of(Figure::P50Ms).beside(Side::EtcdPut));
        rows.push(of(Figure::P99Ms).beside(Side::EtcdPut).goal(Goal::Ratio(AtMost(1.0))));
        rows.push(of(Figure::Switches).beside(Side::EtcdPut));
    }
    let cpu = of(Figure::CpuUs).beside(Side::EtcdPut);
    rows.push(match clients {
        1 => cpu.goal(Goal::Value(AtMost(1_500.0))),
        64 => cpu.goal(Goal::Value(AtMost(250.0))),
        _ => cpu,
    });
    rows
}

/// The goals are for a quiet system.
fn of_kill(busy: bool) -> Vec<Comparison> {
    let of = |take| Comparison {
        take,
        ..Comparison::of(&kill(busy), Figure::FirstTradeMs).beside(Side::Etcd)
    };
    let (median, p95) = (of(Take::Median), of(Take::P95));
    if busy {
        return vec![median, p95];
    }
    vec![median.goal(Goal::Value(Bound::Under(8.0))), p95.goal(Goal::Value(Bound::Under(50.0)))]
}

fn of_restart(missed: u64) -> Vec<Comparison> {
    let of = |figure| Comparison::of(&restart(missed), figure);
    let (in_sync, p99) = (of(Figure::InSyncS), of(Figure::P99Ms).beside(Side::Before));
    if missed < MISSED {
        return vec![in_sync, p99];
    }
    vec![in_sync.goal(Goal::Value(Bound::Under(2.0))), p99.goal(Goal::Ratio(Bound::AtMost(2.0)))]
}

fn of_start() -> Vec<Comparison> {
    let ready = Comparison::of(START, Figure::ReadyMs).beside(Side::Etcd);
    let mut rows = vec![ready.goal(Goal::Value(Bound::Under(300.0)))];
    for (process, mb) in [("front-end", 10.0), ("catalog", 10.0), ("a replica", 14.0)] {
        let of = |figure| {
            let row = Comparison::of(&memory(process), figure);
            if process == "a replica" { row.beside(Side::Etcd) } else { row }
        };
        // What is shared falls with every bazaar that runs beside this one, so the goal is for all of it.
        rows.push(of(Figure::RssMb).goal(Goal::Value(Bound::Under(mb))));
        rows.push(of(Figure::PssMb));
    }
    let crowded = Comparison::of(IDLE_CONNECTIONS, Figure::RssMb);
    rows.push(crowded.goal(Goal::Value(Bound::Under(20.0))));
    rows
}

/// More stocks and orders cost what few cost. What a client of ours takes of an operation hides some of a difference in
/// throughput and none in CPU, so that both have a goal.
fn of_growth(config: &Config) -> Vec<Comparison> {
    use Bound::{AtLeast, AtMost, Under};
    let beyond = |numbers: &[u64]| numbers.get(1..).unwrap_or_default().to_vec();
    let stocks = beyond(&config.stocks).into_iter().map(stocks);
    let orders = beyond(&config.orders).into_iter().map(lookup);
    let mut rows = Vec::new();
    for case in stocks.chain(orders) {
        let of = |figure| Comparison::of(&case, figure).beside(Side::Least);
        rows.push(of(Figure::PerSecond).goal(Goal::Ratio(AtLeast(0.9))));
        rows.push(of(Figure::CpuUs).goal(Goal::Ratio(AtMost(1.1))));
        rows.push(of(Figure::P99Ms));
    }
    let Some(&most) = config.orders.last() else { return rows };
    let memory = Comparison::of(&held(most), Figure::RssMb);
    let gap = Comparison::of(&dump(most), Figure::LongestGapMs).beside(Side::Before);
    let is_in_full = most >= ORDERS;
    rows.push(if is_in_full { memory.goal(Goal::Value(Under(150.0))) } else { memory });
    rows.push(if is_in_full { gap.goal(Goal::Value(Under(100.0))) } else { gap });
    rows.push(Comparison::of(&dump(most), Figure::P99Ms).beside(Side::Before));
    rows
}

/// A change of the code shows in these without noise, so what is reached is kept, and nothing else is a goal.
fn of_instructions() -> Vec<Comparison> {
    let of = |operation, process| {
        Comparison::of(&instructions(operation, process), Figure::Instructions)
    };
    let trade = ["front-end", "leader", "catalog", "follower"].map(|process| of(TRADE, process));
    [of(QUERY, "front-end")].into_iter().chain(trade).collect()
}

/// What both generators say of one server, so that a difference in latency is the generators'. At a rate latencies count from
/// when a request was due: a generator that is late shows it there.
fn of_generator() -> Vec<Comparison> {
    let of = |case: &str, figure| Comparison {
        ours: Side::Generator,
        ..Comparison::of(case, figure).beside(Side::Oha)
    };
    let mut rows = vec![
        of(CLOSED_LOOP, Figure::PerCore),
        of(CLOSED_LOOP, Figure::PerCore).beside(Side::GeneratorAlone),
        of(CLOSED_LOOP, Figure::PerSecond),
        of(CLOSED_LOOP, Figure::P50Ms),
        of(CLOSED_LOOP, Figure::P99Ms),
    ];
    for rate in RATES_PER_S {
        let case = offered(rate);
        rows.push(of(&case, Figure::PerSecond));
        rows.push(of(&case, Figure::P50Ms));
        let late = of(&case, Figure::P99Ms);
        let is_within = rate == RATES_PER_S[0];
        rows.push(if is_within { late.goal(Goal::Ratio(Bound::AtMost(1.0))) } else { late });
        rows.push(Comparison { peer: None, ..of(&case, Figure::LateMs) });
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bound_knows_its_side_and_its_distance() {
        assert!(Bound::AtLeast(2.0).holds(2.0) && !Bound::AtLeast(2.0).holds(1.9));
        assert!(Bound::AtMost(2.0).holds(2.0) && !Bound::Under(2.0).holds(2.0));
        assert_eq!(Bound::AtLeast(2.0).distance(1.0), 2.0);
        assert_eq!(Bound::Under(8.0).distance(4.0), 0.5);
    }

    #[test]
    fn goals_for_a_hundred_thousand_missed_orders_are_not_asked_of_fewer() {
        assert!(of_restart(2_000).iter().all(|row| row.goal.is_none()));
        assert!(of_restart(100_000).iter().all(|row| row.goal.is_some()));
    }

    #[test]
    fn one_trade_at_a_time_has_goals_of_its_own() {
        let goal = |clients, figure| {
            let rows = of_trade(clients);
            rows.into_iter().find_map(|row| row.goal.filter(|_| row.figure == figure))
        };
        let (at_least, at_most) = (Bound::AtLeast, Bound::AtMost);
        assert_eq!(goal(1, Figure::PerSecond), Some(Goal::Ratio(at_least(1.25))));
        assert_eq!(goal(64, Figure::PerSecond), Some(Goal::Ratio(at_least(2.0))));
        assert_eq!(goal(1, Figure::CpuUs), Some(Goal::Value(at_most(1_500.0))));
        assert_eq!(goal(5, Figure::CpuUs), None);
        assert_eq!(goal(64, Figure::CpuUs), Some(Goal::Value(at_most(250.0))));
        assert_eq!(goal(1, Figure::Switches), Some(Goal::Value(at_most(20.0))));
    }
}
