//! The entries of a log: those that a read shows, and those that somebody held in the end.

use serde_json::Value;

use super::keys::{self, KeyRows};
use super::rows::Operation;
use crate::records::{DumpRow, FinalKind};

/// The entries that a read shows, in its order, as JSON in one line each. What is no list is one entry; nothing is none.
pub(super) fn of_read(read: &Operation) -> Vec<String> {
    let shown = keys::seen(read).and_then(|shown| serde_json::from_str(shown).ok());
    match shown {
        Some(Value::Array(entries)) => entries.iter().map(ToString::to_string).collect(),
        None | Some(Value::Null) => Vec::new(),
        Some(one) => vec![one.to_string()],
    }
}

/// What one place held of a log in the end.
pub(super) struct HeldLog<'a> {
    pub(super) source: &'a str,
    /// In its order.
    pub(super) entries: Vec<&'a DumpRow>,
}

/// What each of `sources` held of a log.
pub(super) fn held<'a>(rows: &KeyRows<'a>, sources: &'a [String]) -> Vec<HeldLog<'a>> {
    let of = |source: &'a String| {
        let is_its =
            |row: &&&DumpRow| row.source == source.as_str() && row.kind == FinalKind::Entry;
        HeldLog { source, entries: rows.held.iter().filter(is_its).copied().collect() }
    };
    sources.iter().map(of).collect()
}

/// The entry of a row.
pub(super) fn entry(row: &DumpRow) -> &str {
    keys::held_value(row).unwrap_or_default()
}
