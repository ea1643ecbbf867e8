//! Hand-written histories for the checkers' tests.
//!
//! A [`Trial`] begins as one that went well: whatever is added to it keeps catalog, logs and
//! observations in agreement. A test then breaks the one thing that it is about.

use std::collections::BTreeMap;

use wire::bazaar::TradeType;
use wire::internal::Origin;

use super::check::Check;
use super::{CheckResult, CheckStatus, ConsistencyReport};
use crate::records::{
    Action, Cell, Event, EventKind, Fact, FinalKind, FinalRow, InitialStock, Manifest, Observation,
    Op, Outcome, Phase, Promises, RunFolder, Target,
};
use crate::run::Run;
use crate::verdict::Verdict;

pub(crate) const CELL: &str = "p0.5-cache-on";
const REPLICAS: u8 = 3;
const CAP: u32 = 100;

/// What `checks` say of rows that were written by hand.
pub(super) fn judge(
    checks: &[&Check],
    manifest: &Manifest,
    observations: &[Observation],
    events: &[Event],
    finals: &[FinalRow],
) -> ConsistencyReport {
    let folder = RunFolder::new("by-hand");
    let rows = (observations.to_vec(), events.to_vec(), finals.to_vec());
    let run = Run::of_rows(folder, manifest, rows.0, rows.1, rows.2);
    super::judge(checks, &run.unwrap()).unwrap()
}

pub(crate) struct Trial {
    pub(crate) manifest: Manifest,
    pub(crate) observations: Vec<Observation>,
    pub(crate) events: Vec<Event>,
    pub(crate) finals: Vec<FinalRow>,
    orders: u64,
    sequence: BTreeMap<u32, u64>,
}

impl Trial {
    /// A finished trial of three replicas and two stocks of 100, in which nothing happened.
    pub(crate) fn new() -> Self {
        let mut trial = Self {
            manifest: manifest(),
            observations: Vec::new(),
            events: Vec::new(),
            finals: Vec::new(),
            orders: 0,
            sequence: BTreeMap::new(),
        };
        for source in ["catalog", "order-1", "order-2", "order-3"] {
            trial.finals.push(final_row(source, FinalKind::Source));
        }
        for stock in &trial.manifest.stocks {
            trial.finals.push(FinalRow {
                stock_name: Some(stock.stock_name.as_str().into()),
                version: Some(0),
                quantity_after: Some(stock.quantity),
                volume_after: Some(stock.trade_volume),
                ..final_row("catalog", FinalKind::Stock)
            });
        }
        trial.settle(1_000_000, 1_001_000);
        trial.event(2_000_000, EventKind::Finished);
        trial
    }

    /// The same of a target like the bazaar, but for these facts.
    pub(crate) fn without(lacking: &[Fact]) -> Self {
        Self::of(lacking, Promises::default())
    }

    /// The same with other promises.
    pub(crate) fn of(lacking: &[Fact], promises: Promises) -> Self {
        let mut trial = Self::new();
        let is_given = |fact: &Fact| !lacking.contains(fact);
        let bazaar = Target::bazaar(REPLICAS);
        let holders = |names: &[String], fact| {
            if is_given(&fact) { names.to_vec() } else { Vec::new() }
        };
        let orders_of = holders(bazaar.orders_of(), Fact::OrdersOfReplicas);
        let stocks_of = holders(bazaar.stocks_of(), Fact::StateOfStocks);
        let given = Fact::ALL.into_iter().filter(is_given);
        let target = Target::new("toy", given, promises).holding(orders_of, stocks_of);
        trial.manifest.target = Some(target);
        trial
    }

    /// An event at a time; what it needs besides can be set on it.
    pub(crate) fn event(&mut self, at_us: u64, kind: EventKind) -> &mut Event {
        self.events.push(Event::new(CELL, 1, at_us, kind));
        self.events.last_mut().unwrap()
    }

    /// A fault of the plan, or what ends the last one of that process, that worked at once; a process
    /// that is started is ready at once.
    pub(crate) fn fault(&mut self, at_us: u64, action: Action, subject: &str) {
        let of_subject = |event: &&Event| event.process == subject.parse().ok();
        let last = self.events.iter().rfind(of_subject).and_then(|event| event.fault);
        let number = if action.is_end() {
            last.unwrap()
        } else {
            self.manifest.cells[0].planned_faults += 1;
            self.manifest.cells[0].planned_faults
        };
        self.numbered_fault(number, at_us, action, subject);
    }

    /// The same under the number of one of the plan's faults.
    pub(crate) fn numbered_fault(&mut self, fault: u32, at_us: u64, action: Action, subject: &str) {
        let ready = (action == Action::Restart).then_some(EventKind::Ready);
        for kind in [EventKind::Injected, EventKind::Confirmed].into_iter().chain(ready) {
            let event = self.event(at_us, kind);
            event.fault = Some(fault);
            event.action = Some(action);
            event.process = Some(subject.parse().unwrap());
        }
    }

    /// Healed and converged at these times, and at no other.
    pub(crate) fn settle(&mut self, healed_us: u64, converged_us: u64) {
        let settled = [EventKind::Healed, EventKind::Converged];
        self.events.retain(|event| !settled.contains(&event.event));
        self.event(healed_us, EventKind::Healed);
        self.event(converged_us, EventKind::Converged);
    }

    /// The recorder was killed before it had written everything.
    pub(crate) fn unfinish(&mut self) {
        self.events.retain(|event| event.event != EventKind::Finished);
    }

    /// A trade that went well: applied, numbered everywhere, acknowledged.
    pub(crate) fn trade(
        &mut self,
        client: u32,
        request_id: &str,
        trade_type: TradeType,
        quantity: u32,
        stock_name: &str,
        interval: (u64, u64),
    ) {
        self.apply(request_id, trade_type, quantity, stock_name, Origin::Order);
        self.orders += 1;
        for id in 1..=REPLICAS {
            self.finals.push(FinalRow {
                order_no: Some(self.orders),
                epoch: Some(1),
                request_id: Some(request_id.into()),
                stock_name: Some(stock_name.into()),
                trade_type: Some(trade_type),
                quantity: Some(quantity),
                ..final_row(&format!("order-{id}"), FinalKind::Order)
            });
        }
        let operation = self.operation(client, Op::Trade, interval);
        self.observations.push(Observation {
            stock_name: Some(stock_name.into()),
            trade_type: Some(trade_type),
            quantity: Some(quantity),
            order_no: Some(self.orders),
            request_id: Some(request_id.into()),
            ..operation
        });
    }

    /// A trade that left no trace, and ended like this for its client.
    pub(crate) fn attempt(
        &mut self,
        client: u32,
        request_id: &str,
        outcome: Outcome,
        interval: (u64, u64),
    ) {
        let operation = self.operation(client, Op::Trade, interval);
        self.observations.push(Observation {
            stock_name: Some("Stock1".into()),
            trade_type: Some(TradeType::Buy),
            quantity: Some(1),
            outcome,
            status: (outcome == Outcome::Rejected).then_some(404),
            request_id: Some(request_id.into()),
            ..operation
        });
    }

    /// An operation of the load that was not answered, or with this status.
    pub(crate) fn unanswered(
        &mut self,
        client: u32,
        op: Op,
        stock_name: &str,
        status: Option<u16>,
        interval: (u64, u64),
    ) {
        let operation = self.operation(client, op, interval);
        let is_trade = op == Op::Trade;
        let request_id = format!("{client}/{}", operation.seq);
        self.observations.push(Observation {
            phase: Phase::Load,
            stock_name: Some(stock_name.into()),
            trade_type: is_trade.then_some(TradeType::Buy),
            quantity: is_trade.then_some(1),
            outcome: if is_trade { Outcome::Unknown } else { Outcome::Failed },
            status,
            order_no: (op == Op::Lookup).then_some(1),
            request_id: is_trade.then(|| request_id.into()),
            ..operation
        });
    }

    /// The catalog applies a trade, and nobody else hears of it.
    pub(crate) fn apply(
        &mut self,
        request_id: &str,
        trade_type: TradeType,
        quantity: u32,
        stock_name: &str,
        origin: Origin,
    ) {
        let stock = self.stock_mut(stock_name);
        let before = stock.quantity_after.unwrap();
        let (version, volume) = (
            stock.version.map(|version| version + 1),
            stock.volume_after.map(|volume| volume + u64::from(quantity)),
        );
        let after = match trade_type {
            TradeType::Buy => before - quantity,
            TradeType::Sell => before + quantity,
        };
        (stock.version, stock.volume_after, stock.quantity_after) = (version, volume, Some(after));
        self.finals.push(FinalRow {
            epoch: (origin == Origin::Order).then_some(1),
            request_id: Some(request_id.into()),
            stock_name: Some(stock_name.into()),
            trade_type: Some(trade_type),
            quantity: Some(quantity),
            version,
            quantity_after: Some(after),
            volume_after: volume,
            origin: Some(origin),
            ..final_row("catalog", FinalKind::Applied)
        });
    }

    /// A read that shows these values.
    pub(crate) fn show(
        &mut self,
        client: u32,
        stock_name: &str,
        quantity: u32,
        volume: u64,
        interval: (u64, u64),
    ) {
        let operation = self.operation(client, Op::Query, interval);
        self.observations.push(Observation {
            stock_name: Some(stock_name.into()),
            seen_quantity: Some(quantity),
            seen_volume: Some(volume),
            ..operation
        });
    }

    /// A read that shows what the catalog has now.
    pub(crate) fn read(&mut self, client: u32, stock_name: &str, interval: (u64, u64)) {
        let stock = self.stock_mut(stock_name);
        let (quantity, volume) = (stock.quantity_after.unwrap(), stock.volume_after.unwrap());
        self.show(client, stock_name, quantity, volume, interval);
    }

    /// A lookup that shows what the trade of this request sent.
    pub(crate) fn lookup(&mut self, client: u32, request_id: &str, interval: (u64, u64)) {
        let is_it = |row: &&Observation| row.request_id.as_deref() == Some(request_id);
        let trade = self.observations.iter().find(is_it).unwrap().clone();
        let operation = self.operation(client, Op::Lookup, interval);
        self.observations.push(Observation {
            stock_name: trade.stock_name,
            trade_type: trade.trade_type,
            quantity: trade.quantity,
            order_no: trade.order_no,
            request_id: trade.request_id,
            ..operation
        });
    }

    /// What `source` holds of a request.
    pub(crate) fn entry_mut(&mut self, source: &str, request_id: &str) -> &mut FinalRow {
        let is_it = |row: &&mut FinalRow| {
            row.source == source && row.request_id.as_deref() == Some(request_id)
        };
        self.finals.iter_mut().find(is_it).unwrap()
    }

    /// The catalog's final row of a stock.
    pub(crate) fn stock_mut(&mut self, stock_name: &str) -> &mut FinalRow {
        let is_it = |row: &&mut FinalRow| {
            row.kind == FinalKind::Stock && row.stock_name.as_deref() == Some(stock_name)
        };
        self.finals.iter_mut().find(is_it).unwrap()
    }

    /// What one check says.
    pub(crate) fn check(&self, check: &Check) -> CheckResult {
        self.judge(&[check]).checks.remove(0)
    }

    /// What all checks say.
    pub(crate) fn report(&self) -> ConsistencyReport {
        self.judge(&super::list::asked(&self.manifest))
    }

    fn judge(&self, checks: &[&Check]) -> ConsistencyReport {
        judge(checks, &self.manifest, &self.observations, &self.events, &self.finals)
    }

    fn operation(&mut self, client: u32, op: Op, (start_us, end_us): (u64, u64)) -> Observation {
        let seq = self.sequence.entry(client).or_default();
        *seq += 1;
        let seq = *seq;
        Observation { client, seq, ..Observation::new(CELL, 1, op, start_us, end_us) }
    }
}

fn manifest() -> Manifest {
    let stock = |stock_name: &str| InitialStock {
        stock_name: stock_name.to_owned(),
        price: 9.99,
        quantity: 100,
        trade_volume: 0,
        cap: CAP,
    };
    Manifest {
        seed: 7,
        started_at: "2024-05-01T12:00:00Z".to_owned(),
        replicas: REPLICAS,
        converge_within_ms: 5,
        stocks: vec![stock("Stock1"), stock("Stock2")],
        ..Manifest::new(
            "failover",
            "by-hand",
            vec![Cell { clients: 5, ..Cell::new(CELL, 0.5, true) }],
        )
    }
}

fn final_row(source: &str, kind: FinalKind) -> FinalRow {
    FinalRow::new(CELL, 1, source, kind)
}

#[track_caller]
pub(crate) fn assert_passes(result: &CheckResult) {
    assert_eq!(result.verdict, Some(Verdict::Pass), "{result:#?}");
}

/// It fails, and one of the violations says so.
#[track_caller]
pub(crate) fn assert_fails(result: &CheckResult, what: &str) {
    assert_eq!(result.verdict, Some(Verdict::Fail), "{result:#?}");
    let said = result.evidence.iter().any(|violation| violation.what.contains(what));
    assert!(said, "nothing says {what:?}: {:#?}", result.evidence);
}

/// It is inconclusive, and one of the reasons says so.
#[track_caller]
pub(crate) fn assert_inconclusive(result: &CheckResult, why: &str) {
    assert_eq!(result.verdict, Some(Verdict::Inconclusive), "{result:#?}");
    let said = result.doubts.iter().any(|doubt| doubt.reason.contains(why));
    assert!(said, "nothing says {why:?}: {:#?}", result.doubts);
}

/// It does not apply, for want of these facts.
#[track_caller]
pub(crate) fn assert_not_applicable(result: &CheckResult, lacks: &[Fact]) {
    assert_eq!(result.status(), CheckStatus::NotApplicable, "{result:#?}");
    assert_eq!(result.lacks, lacks);
    assert_eq!((result.verdict, result.violations), (None, 0), "{result:#?}");
}
