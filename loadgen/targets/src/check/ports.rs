//! `[ports]`: names, and numbers that no two share.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checker::Checker;
use crate::document::join;
use crate::file::{Port, PortNumber};
use crate::target::PortChoice;

/// Checks them, and makes their names known to everything else.
pub(super) fn check(
    checker: &mut Checker<'_>,
    ports: &BTreeMap<String, Port>,
) -> BTreeMap<String, PortChoice> {
    let mut chosen: BTreeMap<String, PortChoice> = BTreeMap::new();
    for (key, port) in ports {
        let field = join("ports", key);
        match port {
            Port::Fixed(number) => {
                let name = checker.name(&field, key, None);
                take(checker, &mut chosen, &field, name, Some(*number), None);
            }
            Port::Free(word) => {
                let name = checker.name(&field, key, None);
                take(checker, &mut chosen, &field, name, None, Some(word));
            }
            Port::Row(row) => {
                let repeats = checker.repeats(&join(&field, "n"), Some(&row.n));
                for (index, n) in (0_u16..).zip(repeats) {
                    let name = checker.name(&field, key, n);
                    let (number, word) = match &row.port {
                        PortNumber::Fixed(first) => (Some(first.saturating_add(index)), None),
                        PortNumber::Free(word) => (None, Some(word)),
                    };
                    take(checker, &mut chosen, &field, name, number, word);
                }
            }
        }
    }
    checker.ports = Arc::new(chosen.keys().cloned().collect());
    chosen
}

fn take(
    checker: &mut Checker<'_>,
    chosen: &mut BTreeMap<String, PortChoice>,
    field: &str,
    name: String,
    number: Option<u16>,
    word: Option<&String>,
) {
    if let Some(word) = word.filter(|word| *word != "free") {
        checker.add(field, format!("is \"{word}\""), "it must be a number, or \"free\"");
    }
    let choice = number.map_or(PortChoice::Free, PortChoice::Fixed);
    if number == Some(0) {
        checker.add(field, "is 0", "write \"free\" for any port that is free");
    } else if let Some((other, _)) =
        chosen.iter().find(|(_, other)| number.is_some() && **other == choice)
    {
        let number = number.unwrap_or_default();
        checker.add(field, format!("is {number}, as `{other}` is"), "give each a port of its own");
    }
    if chosen.insert(name.clone(), choice).is_some() {
        checker.add(field, format!("there are two ports `{name}`"), "put {{ n }} into the name");
    }
}
