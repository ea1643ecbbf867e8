//! What a client does to registers and logs: one operation an iteration, on any of few keys, so that clients meet there.
//!
//! Every change puts a value there that no other change of the run puts there. A compare-and-set expects what the client knows
//! to have been there last, by its own reads and writes; others may have been there since, and then it is to be refused.

use std::collections::HashMap;
use std::sync::atomic::Ordering;

use results::records::{Keyed, Observation, Op, Outcome, Phase};
use serde_json::Value as Json;
use targets::file::ModelKind;
use targets::operation::{Kind, Places};

use super::{Client, TrialSettings, Turn};
use crate::choice;
use crate::service::Done;

/// What a client knows of the registers and logs.
#[derive(Clone, Debug, Default)]
pub(super) struct KnownKeys {
    /// What was in each register when the client saw it last.
    last: HashMap<String, Json>,
    /// Where each log ends, as far as the client knows.
    ends: HashMap<String, i64>,
}

impl Client {
    /// One operation on any of the keys, which changes it with probability `p`.
    pub(super) async fn iterate_key(&mut self, setting: &TrialSettings) -> Phase {
        let Some(key) = choice::stock(&mut self.rng, setting.service.keys()) else {
            return Phase::WarmUp;
        };
        let change = self.change(setting, key);
        let reads = setting.service.does(Kind::Read);
        match change {
            Some(kind) if !reads || choice::changes(&mut self.rng, setting.p) => {
                self.put(setting, key, kind).await
            }
            _ => self.read(setting, key).await,
        }
    }

    /// How this client would change a key now, if it can at all.
    fn change(&mut self, setting: &TrialSettings, key: &str) -> Option<Kind> {
        let does = |kind| setting.service.does(kind);
        if setting.service.kind() == ModelKind::Log {
            return does(Kind::Append).then_some(Kind::Append);
        }
        let compares = does(Kind::CompareAndSet) && self.keys.last.contains_key(key);
        match (does(Kind::Write), compares) {
            (true, true) if choice::compares(&mut self.rng) => Some(Kind::CompareAndSet),
            (true, _) => Some(Kind::Write),
            (false, true) => Some(Kind::CompareAndSet),
            (false, false) => None,
        }
    }

    async fn put(&mut self, setting: &TrialSettings, key: &str, kind: Kind) -> Phase {
        let value = Json::from(setting.next_value.fetch_add(1, Ordering::Relaxed));
        let request_id = self.key();
        let known = self.keys.last.get(key).cloned();
        let expected = known.filter(|_| kind == Kind::CompareAndSet);
        let places = Places {
            register: Some(key),
            value: Some(&value),
            expected: expected.as_ref(),
            key: &request_id,
            ..Places::default()
        };
        let done = self.connection.perform(kind, places).await;
        let is_ok = done.judged.outcome == Outcome::Ok;
        let position = done.judged.shown.as_ref().and_then(|shown| shown.position);
        if is_ok && kind == Kind::Append {
            self.ends_at(key, position.map(|position| position + 1));
        } else if is_ok {
            self.keys.last.insert(key.to_owned(), value.clone());
        }
        let keyed = Keyed {
            value: Some(value.to_string().into()),
            expected: expected.map(|expected| expected.to_string().into()),
            position,
            ..Keyed::of(key)
        };
        let op = match kind {
            Kind::Append => Op::Append,
            Kind::CompareAndSet => Op::CompareAndSet,
            _ => Op::Write,
        };
        let request_id = Some(request_id.as_str().into());
        let row = Observation { request_id, ..self.row(op, &done) };
        self.record_key(row, keyed, &done).await
    }

    async fn read(&mut self, setting: &TrialSettings, key: &str) -> Phase {
        let is_log = setting.service.kind() == ModelKind::Log;
        let position = (is_log && setting.service.reads_from_positions()).then(|| {
            let end = self.keys.ends.get(key).copied().unwrap_or(0);
            choice::position(&mut self.rng, end)
        });
        let id = self.key();
        let places = Places { register: Some(key), position, key: &id, ..Places::default() };
        let done = self.connection.perform(Kind::Read, places).await;
        let value = done.judged.shown.as_ref().and_then(|shown| shown.value.clone());
        match &value {
            Some(Json::Array(entries)) if is_log => {
                let shown = i64::try_from(entries.len()).unwrap_or(0);
                self.ends_at(key, position.map(|position| position + shown));
            }
            Some(value) if !is_log => _ = self.keys.last.insert(key.to_owned(), value.clone()),
            _ => {}
        }
        let value = value.map(|value| value.to_string().into());
        let keyed = Keyed { value, position, ..Keyed::of(key) };
        let row = self.row(Op::Read, &done);
        self.record_key(row, keyed, &done).await
    }

    /// The client has learnt that a log goes at least so far.
    fn ends_at(&mut self, key: &str, end: Option<i64>) {
        if let Some(end) = end {
            let known = self.keys.ends.entry(key.to_owned()).or_insert(end);
            *known = (*known).max(end);
        }
    }

    async fn record_key(&mut self, row: Observation, keyed: Keyed, done: &Done) -> Phase {
        let phase = row.phase;
        self.record(Observation { keyed: Some(Box::new(keyed)), ..row });
        self.rest(Turn::First, done).await;
        phase
    }
}
