//! Hand-written histories of registers and logs, for the checkers' tests: a trial of a target of one process, `store`, that
//! went well.

use super::check::Check;
use super::testing::judge;
use super::{CheckResult, ConsistencyReport};
use crate::records::{
    Action, Cell, Event, EventKind, Fact, FinalKind, FinalRow, Keyed, Manifest, Model, Observation,
    Op, Outcome, Promises, Target,
};

const CELL: &str = "c";

#[derive(Clone)]
pub(crate) struct KeyTrial {
    pub(crate) manifest: Manifest,
    pub(crate) observations: Vec<Observation>,
    pub(crate) events: Vec<Event>,
    pub(crate) finals: Vec<FinalRow>,
    sequence: std::collections::BTreeMap<u32, u64>,
}

impl KeyTrial {
    /// Of registers that hold nothing at first.
    pub(crate) fn register() -> Self {
        let facts = [Fact::Reads, Fact::Values, Fact::Writes, Fact::CompareAndSets];
        Self::new(Model::Register, &facts, Promises::default())
    }

    /// Of a log that tells places.
    pub(crate) fn log() -> Self {
        let facts = [Fact::Reads, Fact::Values, Fact::Appends, Fact::Positions];
        Self::new(Model::Log, &facts, Promises::default())
    }

    fn new(model: Model, facts: &[Fact], promises: Promises) -> Self {
        let target = Target::new("toy", facts.iter().copied(), promises);
        let target = target.keeping(model, vec!["store".to_owned()], None);
        let cell = Cell { clients: 5, ..Cell::new(CELL, 0.5, true) };
        let manifest = Manifest {
            target: Some(target),
            started_at: "2024-05-01T12:00:00Z".to_owned(),
            converge_within_ms: 5,
            ..Manifest::new("failover", "by-hand", vec![cell])
        };
        let mut trial = Self {
            manifest,
            observations: Vec::new(),
            events: Vec::new(),
            finals: Vec::new(),
            sequence: std::collections::BTreeMap::new(),
        };
        trial.source("store");
        for (at_us, kind) in [
            (10_000_000, EventKind::Healed),
            (10_001_000, EventKind::Converged),
            (20_000_000, EventKind::Finished),
        ] {
            trial.event(at_us, kind);
        }
        trial
    }

    /// The same of a target that promises something else.
    pub(crate) fn promising(mut self, promises: Promises) -> Self {
        let target = self.manifest.target();
        let again = Target::new("toy", target.facts(), promises);
        let keys_of = target.keys_of().to_vec();
        self.manifest.target = Some(again.keeping(target.model(), keys_of, None));
        self
    }

    /// The same of which these keep everything, instead of `store`.
    pub(crate) fn kept_by(mut self, sources: &[&str]) -> Self {
        let target = self.manifest.target();
        let keys_of = sources.iter().map(|&source| source.to_owned()).collect();
        self.manifest.target = Some(target.clone().keeping(target.model(), keys_of, None));
        self.finals.clear();
        for source in sources {
            self.source(source);
        }
        self
    }

    pub(crate) fn event(&mut self, at_us: u64, kind: EventKind) -> &mut Event {
        self.events.push(Event::new(CELL, 1, at_us, kind));
        self.events.last_mut().unwrap()
    }

    /// A fault that worked at once.
    pub(crate) fn fault(&mut self, at_us: u64, action: Action) {
        self.manifest.cells[0].planned_faults += 1;
        let number = self.manifest.cells[0].planned_faults;
        for kind in [EventKind::Injected, EventKind::Confirmed] {
            let event = self.event(at_us, kind);
            event.fault = Some(number);
            event.action = Some(action);
            event.process = Some("store".parse().unwrap());
        }
    }

    pub(crate) fn write(&mut self, client: u32, key: &str, value: &str, interval: (u64, u64)) {
        self.attempt(client, key, value, Outcome::Ok, interval);
    }

    /// A change that ended like this.
    pub(crate) fn attempt(
        &mut self,
        client: u32,
        key: &str,
        value: &str,
        outcome: Outcome,
        interval: (u64, u64),
    ) {
        let is_log = self.manifest.target().model() == Model::Log;
        let op = if is_log { Op::Append } else { Op::Write };
        let keyed = Keyed { value: Some(value.into()), ..Keyed::of(key) };
        self.push(client, op, outcome, keyed, interval);
    }

    pub(crate) fn set(
        &mut self,
        client: u32,
        key: &str,
        expected: &str,
        value: &str,
        outcome: Outcome,
        interval: (u64, u64),
    ) {
        let (value, expected) = (Some(value.into()), Some(expected.into()));
        let keyed = Keyed { value, expected, ..Keyed::of(key) };
        self.push(client, Op::CompareAndSet, outcome, keyed, interval);
    }

    pub(crate) fn append(
        &mut self,
        client: u32,
        key: &str,
        value: &str,
        position: Option<i64>,
        interval: (u64, u64),
    ) {
        let keyed = Keyed { value: Some(value.into()), position, ..Keyed::of(key) };
        self.push(client, Op::Append, Outcome::Ok, keyed, interval);
    }

    pub(crate) fn read(&mut self, client: u32, key: &str, value: &str, interval: (u64, u64)) {
        let keyed = Keyed { value: Some(value.into()), ..Keyed::of(key) };
        self.push(client, Op::Read, Outcome::Ok, keyed, interval);
    }

    /// A read of a log from a place on.
    pub(crate) fn read_from(
        &mut self,
        client: u32,
        key: &str,
        position: i64,
        value: &str,
        interval: (u64, u64),
    ) {
        let (value, position) = (Some(value.into()), Some(position));
        let keyed = Keyed { value, position, ..Keyed::of(key) };
        self.push(client, Op::Read, Outcome::Ok, keyed, interval);
    }

    /// What somebody held of a register in the end.
    pub(crate) fn holds(&mut self, source: &str, key: &str, value: &str) {
        self.source(source);
        let keyed = Keyed { value: Some(value.into()), ..Keyed::of(key) };
        let row = FinalRow::new(CELL, 1, source, FinalKind::Register);
        self.finals.push(row.with_keyed(keyed));
    }

    /// What somebody held of a log in the end.
    pub(crate) fn entries(&mut self, source: &str, key: &str, entries: &[&str]) {
        self.source(source);
        for (position, &entry) in (0..).zip(entries) {
            let (value, position) = (Some(entry.into()), Some(position));
            let keyed = Keyed { value, position, ..Keyed::of(key) };
            let row = FinalRow::new(CELL, 1, source, FinalKind::Entry);
            self.finals.push(row.with_keyed(keyed));
        }
    }

    fn source(&mut self, source: &str) {
        if !self.finals.iter().any(|row| row.source == source) {
            let row = FinalRow::new(CELL, 1, source, FinalKind::Source);
            self.finals.push(row.with_keyed(Keyed::default()));
        }
    }

    fn push(
        &mut self,
        client: u32,
        op: Op,
        outcome: Outcome,
        keyed: Keyed,
        (start_us, end_us): (u64, u64),
    ) {
        let seq = self.sequence.entry(client).or_default();
        *seq += 1;
        let request_id = (op != Op::Read).then(|| format!("{client}/{seq}").into());
        self.observations.push(Observation {
            client,
            seq: *seq,
            outcome,
            request_id,
            keyed: Some(Box::new(keyed)),
            ..Observation::new(CELL, 1, op, start_us, end_us)
        });
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
}
