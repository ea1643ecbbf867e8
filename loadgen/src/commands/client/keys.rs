//! Registers and logs by hand: reading, writing, appending, and whether what was put there is read again.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use anyhow::Context;
use driver::choice;
use driver::stop::Stop;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use serde_json::Value as Json;
use targets::file::ModelKind;
use targets::operation::{Kind, Places};

use super::manual::ManualClient;
use super::{fresh_key, needs, rounds};

/// What is put somewhere by chance: numbers that fit in 32 bits, and so many of them that hardly any is put there twice.
const VALUES: RangeInclusive<i32> = 1_000_000..=i32::MAX;

/// What was typed: JSON, or else a text.
pub(super) fn value_of(typed: &str) -> Json {
    serde_json::from_str(typed).unwrap_or_else(|_| Json::from(typed))
}

impl ManualClient {
    /// Whether the service keeps registers or logs.
    pub(super) fn has_keys(&self) -> bool {
        matches!(self.service().kind(), ModelKind::Register | ModelKind::Log)
    }

    fn is_log(&self) -> bool {
        self.service().kind() == ModelKind::Log
    }

    /// Reads a register, or a log from a position on, its beginning if none is given. `None`: there was no answer that shows it.
    pub(super) async fn read(&mut self, key: &str, position: Option<i64>) -> Option<Json> {
        let position = self.is_log().then(|| position.unwrap_or(0));
        let id = fresh_key();
        let places = Places { register: Some(key), position, key: &id, ..Places::default() };
        let done = self.perform(Kind::Read, places).await;
        let shown = done.judged.shown.as_ref().and_then(|shown| shown.value.clone());
        self.note(format_args!("read {key}"), shown.as_ref().map(Json::to_string), &done);
        shown
    }

    /// Puts a value there, if need be only where `expected` is. Whether it was done.
    pub(super) async fn put(
        &mut self,
        kind: Kind,
        key: &str,
        value: &Json,
        expected: Option<&Json>,
    ) -> bool {
        let id = fresh_key();
        let (register, value) = (Some(key), Some(value));
        let places = Places { register, value, expected, key: &id, ..Places::default() };
        let done = self.perform(kind, places).await;
        let shown = done.judged.shown.as_ref();
        let said = shown.map(|shown| match shown.position {
            Some(position) => format!("put at {position}"),
            None => "done".to_owned(),
        });
        let (name, value) = (kind.name(), value.unwrap_or(&Json::Null));
        let over = expected.map(|expected| format!(" over {expected}")).unwrap_or_default();
        let is_done = shown.is_some();
        self.note(format_args!("{name} {value} in {key}{over}"), said, &done);
        is_done
    }
}

/// Reads random keys, and changes one instead with probability `p`.
pub(super) async fn random(
    hand: &mut ManualClient,
    stop: &Stop,
    repeat: u32,
    p: f64,
    seed: Option<u64>,
    keys: &[String],
) {
    let mut rng = seed.map_or_else(rand::make_rng, Xoshiro256PlusPlus::seed_from_u64);
    let mut last: HashMap<&str, Json> = HashMap::new();
    hand.accept_refusals();
    for _ in rounds(repeat, stop) {
        let Some(key) = choice::stock(&mut rng, keys) else { return };
        let expected = last.get(key);
        let compares = hand.does(Kind::CompareAndSet) && expected.is_some();
        let change = match (hand.is_log(), hand.does(Kind::Write), compares) {
            (true, ..) => hand.does(Kind::Append).then_some(Kind::Append),
            (false, true, true) if choice::compares(&mut rng) => Some(Kind::CompareAndSet),
            (false, true, _) => Some(Kind::Write),
            (false, false, compares) => compares.then_some(Kind::CompareAndSet),
        };
        let change = change.filter(|_| choice::changes(&mut rng, p) || !hand.does(Kind::Read));
        let Some(kind) = change else {
            if let Some(value) = hand.read(key, None).await {
                last.insert(key, value);
            }
            continue;
        };
        let value = Json::from(rng.random_range(VALUES));
        let expected = expected.cloned().filter(|_| kind == Kind::CompareAndSet);
        if hand.put(kind, key, &value, expected.as_ref()).await {
            last.insert(key, value);
        }
    }
}

/// Puts values somewhere, each of which must be read again. Others may write the same register meanwhile: then a difference says
/// nothing, and whoever uses this knows it.
pub(super) async fn check(hand: &mut ManualClient, key: Option<&str>) -> anyhow::Result<()> {
    let first = || hand.service().keys().first().cloned();
    let key = key.map(str::to_owned).or_else(first).context("KEY: is missing")?;
    let mut rng: Xoshiro256PlusPlus = rand::make_rng();
    let (one, other) = (Json::from(rng.random_range(VALUES)), Json::from(rng.random_range(VALUES)));
    if hand.is_log() {
        needs(hand.service(), Kind::Append)?;
        if hand.put(Kind::Append, &key, &one, None).await {
            is_read(hand, &key, &one).await;
        }
        return Ok(());
    }
    let mut there = None;
    if hand.does(Kind::Write) {
        if !hand.put(Kind::Write, &key, &one, None).await {
            return Ok(());
        }
        is_read(hand, &key, &one).await;
        there = Some(one);
    } else {
        needs(hand.service(), Kind::CompareAndSet)?;
    }
    if hand.does(Kind::CompareAndSet) {
        let there = match there {
            None if hand.does(Kind::Read) => hand.read(&key, None).await,
            there => there,
        };
        let there = there.unwrap_or_default();
        if hand.put(Kind::CompareAndSet, &key, &other, Some(&there)).await {
            is_read(hand, &key, &other).await;
        }
    }
    Ok(())
}

async fn is_read(hand: &mut ManualClient, key: &str, put: &Json) {
    if !hand.does(Kind::Read) {
        return;
    }
    let Some(shown) = hand.read(key, None).await else { return };
    let is_there = match &shown {
        Json::Array(entries) if hand.is_log() => entries.contains(put),
        shown => shown == put,
    };
    if !is_there {
        hand.differs(&format!("{key} must show {put}, which was put there"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_json_or_else_a_text() {
        assert_eq!(value_of("7"), Json::from(7));
        assert_eq!(value_of("\"7\""), Json::from("7"));
        assert_eq!(value_of("on leave"), Json::from("on leave"));
        assert_eq!(value_of("null"), Json::Null);
    }
}
