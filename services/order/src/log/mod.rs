//! The order log of one replica: what it holds, and what a leader's message would change in it.
//!
//! Pure. Deciding and changing are two steps, so that the disk can come between them: a follower
//! [plans](OrderLog::plan), writes the plan down, and only then [applies](OrderLog::apply) it.
//!
//! Invariants (ARCHITECTURE.md I1, I3): numbers are 1 and up without gaps, and are the trades' places
//! at the catalog (rule N1); beyond what is known to be committed epochs never decrease along the log;
//! a request id stands in it once; an entry of the sender's own epoch is never dropped; nothing at or
//! below the commit mark is dropped or becomes another trade, no matter who asks (rule L2).
//!
//! What is committed may stand in one log under an older epoch than in another: in a log that was made
//! again from the catalog's list it has the epoch of the leader that asked. The same trade under another
//! epoch is no other content, so it is stamped with the sender's epoch, in its place.

mod index;

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use base::planted::{Bug, Bugs};
use wire::ids::{BazaarId, Epoch, OrderNo, RequestId};
use wire::internal::{Append, Entry, LogPoint};

use self::index::Index;

/// The entries of one replica, in memory.
#[derive(Clone, Debug, Default)]
pub struct OrderLog {
    entries: Vec<Arc<Entry>>,
    index: Index,
}

/// What a leader's message would do to a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Plan {
    /// The log lacks the entry that the message builds on.
    Mismatch {
        /// The highest number at which the leader should try again.
        try_after: OrderNo,
    },
    /// Put `restamped` in the places of the same trades, drop everything after `keep`, then append
    /// `entries`. Each part may be nothing.
    Change {
        /// Committed trades that stand under another epoch here; their numbers are at most `keep`.
        restamped: Vec<Arc<Entry>>,
        /// The last number that stays.
        keep: OrderNo,
        /// What follows it.
        entries: Vec<Arc<Entry>>,
        /// Up to where the log then equals the leader's.
        matched: OrderNo,
    },
}

/// A message that no correct leader sends. Nothing is changed by it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Contradiction {
    /// The log holds something else under the same number and epoch (rule R5).
    #[error("order {0} of epoch {1} has other content here")]
    OtherContent(OrderNo, Epoch),
    /// Carrying it out would drop an entry of the sender's own epoch (rule R6).
    #[error("order {0} is of epoch {1} itself and cannot be dropped")]
    WouldDrop(OrderNo, Epoch),
    /// The entries do not follow each other, or run ahead of the sender's epoch.
    #[error("order {0} does not belong where it stands in the message")]
    Malformed(OrderNo),
    /// The trade already has a number.
    #[error("request {0} would be numbered twice, as {1} and as {2}")]
    NumberedTwice(RequestId, OrderNo, OrderNo),
    /// An order that is known to be committed here would be dropped (rule L2).
    #[error("order {0} is committed here and would be dropped")]
    CommittedDropped(OrderNo),
    /// An order that is known to be committed here would become another (rule L2).
    #[error("order {0} is committed here as {1} and would become {2}")]
    CommittedChanged(OrderNo, RequestId, RequestId),
    /// The message comes from another bazaar (rule L1).
    #[error("it is of bazaar {0}; this replica belongs to {1}")]
    OtherBazaar(BazaarId, BazaarId),
}

impl Contradiction {
    /// The committed order that the message would have changed, if that is why it is refused.
    #[must_use]
    pub fn committed(&self) -> Option<OrderNo> {
        match self {
            Self::CommittedDropped(order_no) | Self::CommittedChanged(order_no, ..) => {
                Some(*order_no)
            }
            _ => None,
        }
    }
}

/// The index follows from the entries.
impl PartialEq for OrderLog {
    fn eq(&self, other: &Self) -> bool {
        self.entries == other.entries
    }
}

impl Eq for OrderLog {}

impl Hash for OrderLog {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.entries.hash(hasher);
    }
}

impl OrderLog {
    /// A log that holds `entries`, which must be numbered 1 and up, and is known to be committed up to
    /// `committed`.
    ///
    /// # Errors
    /// The first entry that breaks an invariant of the module.
    pub fn from_entries(
        entries: impl IntoIterator<Item = Entry>,
        committed: OrderNo,
    ) -> Result<Self, Contradiction> {
        let mut log = Self::default();
        for entry in entries {
            let last = log.last();
            let is_older = entry.epoch < last.epoch && last.order_no > committed;
            if entry.order_no != last.order_no.next() || is_older {
                return Err(Contradiction::Malformed(entry.order_no));
            }
            log.check_numbered_once(&entry, last.order_no)?;
            log.push(Arc::new(entry));
        }
        Ok(log)
    }

    /// The last entry's number and epoch.
    #[must_use]
    pub fn last(&self) -> LogPoint {
        point(self.entries.last())
    }

    /// The entry with this number.
    #[must_use]
    pub fn get(&self, order_no: OrderNo) -> Option<&Arc<Entry>> {
        self.entries.get(index(order_no)?)
    }

    /// The number of a trade, committed or not.
    #[must_use]
    pub fn number_of(&self, request_id: &RequestId) -> Option<OrderNo> {
        let place = self.index.find(&self.entries, request_id)?;
        self.entries.get(place).map(|entry| entry.order_no)
    }

    /// This number and the epoch it stands in; `None` beyond the end.
    #[must_use]
    pub fn point_at(&self, order_no: OrderNo) -> Option<LogPoint> {
        match index(order_no) {
            None => Some(LogPoint::default()),
            Some(index) => self.entries.get(index).map(|entry| point(Some(entry))),
        }
    }

    /// Up to `limit` entries after `order_no`.
    #[must_use]
    pub fn after(&self, order_no: OrderNo, limit: usize) -> &[Arc<Entry>] {
        let begin = usize_of(order_no).min(self.entries.len());
        let end = (begin + limit).min(self.entries.len());
        &self.entries[begin..end]
    }

    /// Appends an entry that this replica numbers itself.
    pub fn push(&mut self, entry: Arc<Entry>) {
        self.entries.push(entry);
        self.index.insert(&self.entries, self.entries.len() - 1);
    }

    /// What `message` would change here, in a log that is known to be committed up to `committed`.
    ///
    /// # Errors
    /// If no correct leader could have sent it.
    pub fn plan(
        &self,
        message: &Append,
        committed: OrderNo,
        bugs: Bugs,
    ) -> Result<Plan, Contradiction> {
        let mut keep = self.end_without_deposed_tail(message, bugs);
        let previous = message.previous;
        if previous.order_no > keep && bugs.has(Bug::AcknowledgeGaps) {
            let matched = OrderNo(previous.order_no.0 + message.entries.len() as u64);
            let (restamped, entries) = Default::default();
            return Ok(Plan::Change { restamped, keep, entries, matched });
        }
        if previous.order_no > keep {
            // The deposed tail goes with the message that follows; what is protected is said now.
            check_committed_stays(keep, self.last().order_no.min(committed), bugs)?;
            return Ok(Plan::Mismatch { try_after: keep });
        }
        if self.point_at(previous.order_no) != Some(previous) {
            return Ok(Plan::Mismatch { try_after: self.before_epoch_run(previous.order_no) });
        }
        let mut expected = previous;
        let (mut restamped, mut fresh) = (Vec::new(), Vec::new());
        for entry in &message.entries {
            if entry.order_no != expected.order_no.next()
                || entry.epoch < expected.epoch
                || entry.epoch > message.epoch
            {
                return Err(Contradiction::Malformed(entry.order_no));
            }
            expected = LogPoint { order_no: entry.order_no, epoch: entry.epoch };
            match self.get(entry.order_no).filter(|_| entry.order_no <= keep) {
                Some(held) if held.epoch == entry.epoch => {
                    if held != entry {
                        return Err(Contradiction::OtherContent(entry.order_no, entry.epoch));
                    }
                }
                Some(_) if bugs.has(Bug::KeepConflictingTail) => {}
                Some(held) if entry.order_no <= committed && !is_mark_ignored(bugs) => {
                    let is_other = !held.is_same_trade(entry) || bugs.has(Bug::RefuseNewEpoch);
                    if is_other && !bugs.has(Bug::ReplaceCommitted) {
                        let (held, entry) = (held.request_id.clone(), entry.request_id.clone());
                        return Err(Contradiction::CommittedChanged(
                            expected.order_no,
                            held,
                            entry,
                        ));
                    }
                    restamped.push(Arc::clone(entry));
                }
                Some(_) => {
                    keep = OrderNo(entry.order_no.0 - 1);
                    fresh.push(Arc::clone(entry));
                }
                None => fresh.push(Arc::clone(entry)),
            }
        }
        if bugs.has(Bug::DropOwnEpoch) {
            keep = keep.min(expected.order_no);
        } else {
            self.check_drop(keep, message.epoch, bugs)?;
        }
        check_committed_stays(keep, self.last().order_no.min(committed), bugs)?;
        if !bugs.has(Bug::NoOrderLogCheck) {
            self.check_each_numbered_once(&fresh, keep)?;
        }
        Ok(Plan::Change { restamped, keep, entries: fresh, matched: expected.order_no })
    }

    /// Carries a [`Plan::Change`] out.
    pub fn apply(&mut self, keep: OrderNo, entries: Vec<Arc<Entry>>) {
        let keep = usize_of(keep).min(self.entries.len());
        for dropped in &self.entries[keep..] {
            self.index.remove(&self.entries, &dropped.request_id);
        }
        self.entries.truncate(keep);
        for entry in entries {
            self.push(entry);
        }
    }

    /// Stamps trades that are there with the epochs of `entries`.
    pub fn restamp(&mut self, entries: Vec<Arc<Entry>>) {
        for entry in entries {
            let Some(place) = index(entry.order_no) else { continue };
            let Some(held) = self.entries.get(place) else { continue };
            self.index.remove(&self.entries, &held.request_id);
            self.entries[place] = entry;
            self.index.insert(&self.entries, place);
        }
    }

    /// Where the log ends once entries of older epochs beyond the leader's takeover end are gone.
    fn end_without_deposed_tail(&self, message: &Append, bugs: Bugs) -> OrderNo {
        let beyond = self.get(message.takeover_end.next());
        let is_deposed = beyond.is_some_and(|entry| entry.epoch < message.epoch);
        if is_deposed && !bugs.has(Bug::KeepConflictingTail) {
            message.takeover_end
        } else {
            self.last().order_no
        }
    }

    /// The number before the run of entries that share the epoch of `order_no`: the leader lacks
    /// that entry, so it most likely lacks the run.
    fn before_epoch_run(&self, order_no: OrderNo) -> OrderNo {
        let Some(found) = self.get(order_no) else { return OrderNo(0) };
        let run = self.entries[..usize_of(order_no)].iter().rev();
        let length = run.take_while(|entry| entry.epoch == found.epoch).count() as u64;
        OrderNo(order_no.0 - length)
    }

    fn check_drop(&self, keep: OrderNo, epoch: Epoch, bugs: Bugs) -> Result<(), Contradiction> {
        let is_over = |held| held > epoch && !bugs.has(Bug::NoEpochCheckAtFollower);
        // Epochs never decrease along the log, so the last entry speaks for all that go.
        match self.entries.last() {
            Some(last) if last.order_no > keep && (last.epoch == epoch || is_over(last.epoch)) => {
                Err(Contradiction::WouldDrop(last.order_no, last.epoch))
            }
            _ => Ok(()),
        }
    }

    /// That none of `fresh` stands in the log already, or twice among themselves: the file has no index that would
    /// refuse it.
    fn check_each_numbered_once(
        &self,
        fresh: &[Arc<Entry>],
        keep: OrderNo,
    ) -> Result<(), Contradiction> {
        let mut seen = HashMap::with_capacity(fresh.len());
        for entry in fresh {
            self.check_numbered_once(entry, keep)?;
            if let Some(held) = seen.insert(&entry.request_id, entry.order_no) {
                let request_id = entry.request_id.clone();
                return Err(Contradiction::NumberedTwice(request_id, held, entry.order_no));
            }
        }
        Ok(())
    }

    fn check_numbered_once(&self, entry: &Entry, keep: OrderNo) -> Result<(), Contradiction> {
        match self.number_of(&entry.request_id) {
            Some(held) if held <= keep && held != entry.order_no => {
                Err(Contradiction::NumberedTwice(entry.request_id.clone(), held, entry.order_no))
            }
            _ => Ok(()),
        }
    }
}

/// Rule L2: what is known to be committed stays. *Otherwise: a file is lost, its replica is elected all
/// the same, and the other two drop 600 committed orders.*
fn check_committed_stays(keep: OrderNo, held: OrderNo, bugs: Bugs) -> Result<(), Contradiction> {
    if keep < held && !is_mark_ignored(bugs) {
        return Err(Contradiction::CommittedDropped(keep.next()));
    }
    Ok(())
}

/// Bugs whose harm is that something committed is dropped: with the mark it could not come to that.
fn is_mark_ignored(bugs: Bugs) -> bool {
    bugs.has(Bug::DropCommitted)
        || bugs.has(Bug::NoEpochCheckAtFollower)
        || bugs.has(Bug::DropOwnEpoch)
}

fn point(entry: Option<&Arc<Entry>>) -> LogPoint {
    entry.map_or_else(LogPoint::default, |entry| LogPoint {
        order_no: entry.order_no,
        epoch: entry.epoch,
    })
}

fn index(order_no: OrderNo) -> Option<usize> {
    usize_of(order_no).checked_sub(1)
}

fn usize_of(order_no: OrderNo) -> usize {
    usize::try_from(order_no.0).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
