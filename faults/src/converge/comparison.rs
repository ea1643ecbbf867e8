//! Whether several dumps agree, told from one page of each at a time. Pure.
//!
//! What is kept is what has no counterpart yet, and a hash of each request that has: a log and the
//! catalog's record that are in the same order are compared in little memory, and others all the same.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use wire::dump::OrderPage;
use wire::ids::RequestId;
use wire::internal::{Decision, Entry, Origin, TradeRecord};

use crate::process::ProcessName;

/// What first pages say before anything else is read, each with whose it is.
pub(super) fn first_difference_of_heads(heads: &[(ProcessName, OrderPage)]) -> Option<String> {
    uncommitted(heads).or_else(|| {
        let (one, reference) = heads.first()?;
        let (second, other) = heads.iter().find(|(_, other)| other.total != reference.total)?;
        Some(format!("{one} holds {} orders, {second} {}", reference.total, other.total))
    })
}

fn uncommitted(heads: &[(ProcessName, OrderPage)]) -> Option<String> {
    heads.iter().find_map(|(name, head)| {
        let OrderPage { committed, through, .. } = head;
        (committed != through).then(|| {
            format!("{name} holds orders up to #{through} and knows #{committed} to be committed")
        })
    })
}

/// The first thing in which pages of the same part of several logs differ.
pub(super) fn first_difference_of_pages(pages: &[(ProcessName, OrderPage)]) -> Option<String> {
    let (one, reference) = pages.first()?;
    let (second, other) = pages.iter().find(|(_, other)| other.entries != reference.entries)?;
    let mut pairs = reference.entries.iter().zip(&other.entries);
    let differing = pairs.find(|(entry, other)| entry != other).map(|(entry, _)| entry);
    Some(match differing {
        Some(entry) => format!("{one} and {second} differ at #{}", entry.order_no),
        None => {
            format!("{one} and {second} send different parts of logs that end at the same number")
        }
    })
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Log,
    Catalog,
}

/// Every order against every trade that the catalog applied for the order service.
#[derive(Debug, Default)]
pub(super) struct Matching {
    alone: HashMap<RequestId, Side>,
    matched: HashSet<u64>,
    hashes: RandomState,
    /// How many orders and how many applied trades were taken so far.
    pub(super) orders: u64,
    pub(super) applied: u64,
}

impl Matching {
    pub(super) fn take_orders(&mut self, entries: &[Entry]) {
        for entry in entries {
            self.orders += 1;
            self.take(&entry.request_id, Side::Log);
        }
    }

    pub(super) fn take_trades(&mut self, trades: &[TradeRecord]) {
        for trade in trades {
            if trade.decision == Decision::Applied && trade.origin == Origin::Order {
                self.applied += 1;
                self.take(&trade.request_id, Side::Catalog);
            }
        }
    }

    /// That one request is there twice on one side is for a check to find.
    fn take(&mut self, request_id: &RequestId, side: Side) {
        let hash = self.hashes.hash_one(request_id.as_str());
        if self.matched.contains(&hash) {
            return;
        }
        match self.alone.get(request_id) {
            Some(other) if *other != side => {
                self.alone.remove(request_id);
                self.matched.insert(hash);
            }
            Some(_) => {}
            None => _ = self.alone.insert(request_id.clone(), side),
        }
    }

    /// A trade that the catalog applied and the log lacks, or the reverse, once all were taken.
    pub(super) fn unmatched(&self) -> Option<String> {
        let first = |wanted: Side| {
            let of_side = self.alone.iter().filter(|(_, side)| **side == wanted);
            of_side.map(|(request_id, _)| request_id).min()
        };
        if let Some(unnumbered) = first(Side::Catalog) {
            return Some(format!("the trade {unnumbered} was applied and has no number"));
        }
        let unapplied = first(Side::Log)?;
        Some(format!("the order of {unapplied} was never applied at the catalog"))
    }
}
