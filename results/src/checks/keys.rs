//! What happened to each register or log of a trial, by its key, and what was held in the end.
//!
//! Clients write every value once, so a value names the change that put it there: whoever reads it is known to have seen that
//! change. Of a value that several changes put there nothing is concluded.

use std::collections::{BTreeMap, HashMap};

use super::history::History;
use super::rows::Operation;
use crate::records::{DumpRow, FinalKind, NOTHING, Outcome};

/// What there is of one register, or of one log.
#[derive(Default)]
pub(super) struct KeyRows<'a> {
    /// Every change that was sent, whatever came of it, by its start.
    pub(super) changes: Vec<&'a Operation>,
    /// Every answered read, by its start.
    pub(super) reads: Vec<&'a Operation>,
    /// What was held in the end, in the order of the file.
    pub(super) held: Vec<&'a DumpRow>,
    /// The changes that put each value there.
    by_value: HashMap<&'a str, Vec<&'a Operation>>,
}

/// Where a value comes from.
#[derive(Clone, Copy)]
pub(super) enum Origin<'a> {
    /// It was there when the trial began, or nothing is there.
    Beginning,
    /// This change put it there.
    Put(&'a Operation),
    /// Nobody put it there.
    Nobody,
    /// Several did.
    Several,
}

impl<'a> Origin<'a> {
    /// The change, if one is known to have put it there.
    pub(super) fn change(self) -> Option<&'a Operation> {
        match self {
            Self::Put(change) => Some(change),
            _ => None,
        }
    }

    /// Until when it was put there at the latest; none where that may still come.
    pub(super) fn put_by_us(self) -> Option<u64> {
        match self {
            Self::Beginning => Some(0),
            Self::Put(change) => is_acknowledged(change).then_some(change.row.end_us),
            Self::Nobody | Self::Several => None,
        }
    }
}

/// Whether its client was told that it is done.
pub(super) fn is_acknowledged(change: &Operation) -> bool {
    change.row.outcome == Outcome::Ok
}

/// What a read shows: that nothing is there, if it was a well-formed no.
pub(super) fn seen(read: &Operation) -> Option<&str> {
    match read.row.outcome {
        Outcome::Rejected => Some(NOTHING),
        _ => read.row.value(),
    }
}

/// A value in words.
pub(super) fn in_words(value: &str) -> String {
    if value == NOTHING { "nothing".to_owned() } else { value.to_owned() }
}

/// Every key of a trial, by name.
pub(super) fn keys<'a>(history: &History<'a>) -> BTreeMap<&'a str, KeyRows<'a>> {
    let mut keys: BTreeMap<&str, KeyRows<'_>> = BTreeMap::new();
    for &change in &history.changes {
        let Some(key) = change.row.key() else { continue };
        let rows = keys.entry(key).or_default();
        rows.changes.push(change);
        if let Some(value) = change.row.value() {
            rows.by_value.entry(value).or_default().push(change);
        }
    }
    for &read in &history.key_reads {
        let Some(key) = read.row.key() else { continue };
        keys.entry(key).or_default().reads.push(read);
    }
    for row in history.final_rows {
        let is_held = matches!(row.kind, FinalKind::Register | FinalKind::Entry);
        let key = row.keyed.as_ref().and_then(|keyed| keyed.key.as_deref());
        if let Some(key) = key.filter(|_| is_held) {
            keys.entry(key).or_default().held.push(row);
        }
    }
    for rows in keys.values_mut() {
        rows.changes.sort_by_key(|change| change.row.start_us);
        rows.reads.sort_by_key(|read| read.row.start_us);
    }
    keys
}

/// What a register holds at first, as its reads show it.
pub(super) fn initial<'a>(history: &History<'a>) -> &'a str {
    history.target.initial().unwrap_or(NOTHING)
}

/// What a row of `final.csv` says that is held.
pub(super) fn held_value(row: &DumpRow) -> Option<&str> {
    row.keyed.as_ref()?.value.as_deref()
}

impl<'a> KeyRows<'a> {
    /// Where a value comes from, in a register that began with `initial`.
    pub(super) fn origin(&self, value: &str, initial: &str) -> Origin<'a> {
        let put = self.by_value.get(value).map(Vec::as_slice).unwrap_or_default();
        match put {
            _ if value == initial => match put {
                [] => Origin::Beginning,
                _ => Origin::Several,
            },
            [] => Origin::Nobody,
            [one] => Origin::Put(one),
            _ => Origin::Several,
        }
    }

    /// The changes that were acknowledged, by their start.
    pub(super) fn acknowledged(&self) -> impl Iterator<Item = &'a Operation> + Clone {
        self.changes.iter().copied().filter(|change| is_acknowledged(change))
    }

    /// By whom a value that was put there until some moment is known to have been overwritten first.
    pub(super) fn overwritten(&self) -> Overwritten<'a> {
        let mut first: Vec<&'a Operation> = self.acknowledged().collect();
        // From each on, the one that ends first.
        for place in (1..first.len()).rev() {
            if first[place].row.end_us < first[place - 1].row.end_us {
                first[place - 1] = first[place];
            }
        }
        Overwritten { starts_us: self.acknowledged().map(|one| one.row.start_us).collect(), first }
    }
}

/// For each moment the acknowledged change that ends first of those that begin after it.
pub(super) struct Overwritten<'a> {
    starts_us: Vec<u64>,
    first: Vec<&'a Operation>,
}

impl<'a> Overwritten<'a> {
    /// That change, for a value that was put there by `put_by_us`.
    pub(super) fn after(&self, put_by_us: u64) -> Option<&'a Operation> {
        let place = self.starts_us.partition_point(|&start_us| start_us <= put_by_us);
        self.first.get(place).copied()
    }
}
