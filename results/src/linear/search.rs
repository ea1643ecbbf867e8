//! The decision: Wing and Gong's search, with Lowe's memory of where it has been.
//!
//! Calls and returns stand in one doubly linked list, in the order of time. Whatever is called
//! before the first return that is left may come next. Placing an operation takes its two entries
//! out of the list; when nothing fits any more, the last placement is taken back and the entries
//! return to where they were (J. M. Wing, C. Gong 1993; G. Lowe 2017; the linked list is
//! Porcupine's). A set of operations that was placed before and led nowhere is not tried again.
//!
//! Four things keep the search short. Each is exact: it leaves out only orders that another order
//! which is tried can replace.
//!
//! * *What changes nothing is placed as soon as it fits.* In any order that places a fitting read
//!   or refusal later, it can be moved to the front: the others see the same stock as before.
//! * *Of equal trades the most urgent goes first.* If two trades that may both come next have the
//!   same effect, an order that takes the less urgent one first can swap the two; the one without
//!   a return is the least urgent of all.
//! * *What is passed never comes back.* Of a stock the volume only grows, so a trade may not pass a volume that a read which is
//!   not placed yet has shown; of a register no value is written twice, so none may be overwritten that such a read shows
//!   ([`Awaited`](super::Awaited)). This is what makes what was observed give the order almost away.
//! * *What is placed decides the state.* The sum of the placed trades is the stock, so the memory
//!   holds sets of operations only, and of a register its value besides; each set as the exclusive or of a 128-bit random number per
//!   operation. Two of ten million sets share one with a probability below 10^-24; that would have
//!   to happen to hide an order.

use std::collections::HashSet;
use std::hash::{BuildHasherDefault, Hasher};

use super::model::{Awaited as _, History, Model, Operation};

/// How much one search may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// How many entries of the list may be looked at, and candidates compared: a nanosecond or
    /// some each.
    pub work: u64,
    /// How many sets of operations may be remembered, 17 bytes each in a table that is at most
    /// twice as large as it must be, and beside which a smaller one stands while it grows.
    pub states: usize,
}

impl Default for Budget {
    /// Half a minute or less of a processor of 2020, and at most some 250 MB.
    fn default() -> Self {
        Self { work: 1_500_000_000, states: 7_000_000 }
    }
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Decision {
    /// There is an order: this one, as places in [`History::operations`]. It holds every
    /// operation that has a return, and such of the others as it needs.
    Linearizable(Vec<usize>),
    /// There is none.
    NotLinearizable,
    /// The budget ended first; says which part of it.
    Undecided(&'static str),
}

/// Looks for an order of `history`.
#[must_use]
pub fn search<M: Model>(history: &History<M>, mut budget: Budget) -> Decision {
    search_from(history, &mut budget)
}

/// The same, and takes what it has cost from `budget`, so that many searches together are bounded.
pub(super) fn search_from<M: Model>(history: &History<M>, budget: &mut Budget) -> Decision {
    search_far(history, budget).0
}

/// The same, with the number of first answers, in the order of time, that were all placed together at
/// some moment. The history that is cut after these has an order: the one in which they were placed.
pub(super) fn search_far<M: Model>(history: &History<M>, budget: &mut Budget) -> (Decision, usize) {
    let mut search = Search::new(history, *budget);
    let decision = search.run();
    budget.work = budget.work.saturating_sub(search.work);
    let answers_before = |deadline: &&usize| **deadline < search.furthest;
    (decision, search.list.deadlines.iter().filter(answers_before).count())
}

/// A trade that may come next.
#[derive(Clone, Copy)]
struct Candidate {
    operation: usize,
    /// Where its return stands; the earlier, the more urgent.
    deadline: usize,
}

/// Where a placed trade has led.
struct Frame<M> {
    /// The state before the change that led here.
    before: M,
    /// How many operations had been placed after that trade, and before anything else.
    placed: usize,
    /// Where its candidates begin in [`Search::candidates`]; those of later frames are behind.
    candidates: usize,
    /// How many of them have been tried.
    tried: usize,
}

struct Search<'a, M: Model> {
    operations: &'a [Operation<M::Action>],
    budget: Budget,
    list: EntryList,
    /// Per operation, what it adds to the fingerprint of a set.
    marks: Vec<u128>,
    awaited: M::Awaited,
    state: M,
    /// What is placed, in order.
    order: Vec<usize>,
    fingerprint: u128,
    /// Operations with a return that are not placed.
    required: usize,
    frames: Vec<Frame<M>>,
    candidates: Vec<Candidate>,
    seen: HashSet<u128, BuildHasherDefault<AlreadyRandom>>,
    work: u64,
    /// Of all first returns that were left, where the last one stood.
    furthest: usize,
}

impl<'a, M: Model> Search<'a, M> {
    fn new(history: &'a History<M>, budget: Budget) -> Self {
        let operations = history.operations.as_slice();
        Self {
            operations,
            budget,
            list: EntryList::new(operations),
            marks: marks(operations.len()),
            awaited: M::Awaited::new(history.initial, operations),
            state: history.initial,
            order: Vec::with_capacity(operations.len()),
            fingerprint: 0,
            required: operations.iter().filter(|operation| !operation.is_optional()).count(),
            frames: Vec::new(),
            candidates: Vec::new(),
            seen: HashSet::default(),
            work: 0,
            furthest: 0,
        }
    }

    fn run(&mut self) -> Decision {
        self.open_frame(self.state);
        loop {
            if self.required == 0 {
                return Decision::Linearizable(std::mem::take(&mut self.order));
            }
            if self.work >= self.budget.work {
                return Decision::Undecided("more work than it may cost");
            }
            let Some(next) = self.next_candidate() else {
                if self.give_up_frame() { continue } else { return Decision::NotLinearizable }
            };
            let before = self.state;
            let Some(after) = before.after(self.operations[next].action) else { continue };
            if !self.seen.insert(self.fingerprint ^ self.marks[next] ^ after.mark()) {
                continue;
            }
            if self.seen.len() > self.budget.states {
                return Decision::Undecided("more states than may be remembered");
            }
            self.place(next);
            self.state = after;
            self.open_frame(before);
        }
    }

    /// The next trade to try after what is placed.
    fn next_candidate(&mut self) -> Option<usize> {
        let frame = self.frames.last_mut()?;
        let candidate = self.candidates.get(frame.candidates + frame.tried)?;
        frame.tried += 1;
        Some(candidate.operation)
    }

    /// Places everything that fits and changes nothing, and collects the trades that fit.
    fn open_frame(&mut self, before: M) {
        let (placed, candidates) = (self.order.len(), self.candidates.len());
        let mut last = self.list.end();
        while let Some(operation) = self.list.call_after(last) {
            self.work += 1;
            let action = self.operations[operation].action;
            if !M::changes(action) && self.state.after(action).is_some() {
                // It leaves the list, and something else follows the last entry.
                self.place(operation);
                continue;
            }
            if M::changes(action) {
                self.consider(candidates, operation, action);
            }
            last = operation;
        }
        self.furthest = self.furthest.max(self.list.return_after(last).unwrap_or(0));
        // All that could be placed in this state is placed by now.
        let (state, operations, awaited) = (self.state, self.operations, &self.awaited);
        let mut kept = candidates;
        for index in candidates..self.candidates.len() {
            let candidate = self.candidates[index];
            let operation = &operations[candidate.operation];
            let after = state.after(operation.action);
            if after.is_some_and(|after| !awaited.forbids(state, operation, after)) {
                self.candidates[kept] = candidate;
                kept += 1;
            }
        }
        self.candidates.truncate(kept);
        self.candidates[candidates..].sort_unstable_by_key(|candidate| candidate.deadline);
        self.frames.push(Frame { before, placed, candidates, tried: 0 });
    }

    /// Keeps the most urgent of equal trades.
    fn consider(&mut self, first: usize, operation: usize, action: M::Action) {
        let deadline = self.list.deadline(operation);
        let operations = self.operations;
        let candidates = &mut self.candidates[first..];
        let equal =
            candidates.iter().position(|known| operations[known.operation].action == action);
        self.work += equal.unwrap_or(candidates.len()) as u64;
        match equal {
            Some(equal) if deadline < candidates[equal].deadline => {
                candidates[equal] = Candidate { operation, deadline };
            }
            Some(_) => {}
            None => self.candidates.push(Candidate { operation, deadline }),
        }
    }

    /// Takes back what the last trade led to, and the trade. False if there was none.
    fn give_up_frame(&mut self) -> bool {
        let Some(frame) = self.frames.pop() else { return false };
        self.candidates.truncate(frame.candidates);
        while self.order.len() > frame.placed {
            self.take_back();
        }
        self.state = frame.before;
        // Before the first frame there is no trade.
        if !self.frames.is_empty() {
            self.take_back();
        }
        !self.frames.is_empty()
    }

    fn place(&mut self, operation: usize) {
        self.list.take_out(operation);
        self.order.push(operation);
        self.count(operation, true);
    }

    fn take_back(&mut self) {
        if let Some(operation) = self.order.pop() {
            self.list.put_back(operation);
            self.count(operation, false);
        }
    }

    fn count(&mut self, operation: usize, placed: bool) {
        self.fingerprint ^= self.marks[operation];
        let operation = &self.operations[operation];
        let required = usize::from(!operation.is_optional());
        if placed {
            self.required -= required;
            self.awaited.place(operation);
        } else {
            self.required += required;
            self.awaited.take_back(operation);
        }
    }
}

/// Calls and returns in the order of time.
///
/// Entry `i` is the call of operation `i`, entry `n + i` its return, and `2 n` stands before the
/// first and behind the last. Links are kept by those that were taken out, so that they can be put
/// back in the reverse order.
struct EntryList {
    count: usize,
    next: Vec<usize>,
    previous: Vec<usize>,
    /// Per operation, where its return stood at first.
    deadlines: Vec<usize>,
}

impl EntryList {
    fn new<A>(operations: &[Operation<A>]) -> Self {
        let count = operations.len();
        // At the same time calls stand before returns: intervals are closed.
        let mut entries: Vec<(u64, bool, usize)> = Vec::with_capacity(2 * count);
        for (index, operation) in operations.iter().enumerate() {
            entries.push((operation.call_us, false, index));
            entries.extend(operation.return_us.map(|at_us| (at_us, true, index)));
        }
        entries.sort_unstable();

        let end = 2 * count;
        let mut list = Self {
            count,
            next: vec![end; end + 1],
            previous: vec![end; end + 1],
            deadlines: vec![usize::MAX; count],
        };
        let mut last = end;
        for (place, (_, is_return, index)) in entries.into_iter().enumerate() {
            let entry = if is_return {
                list.deadlines[index] = place;
                count + index
            } else {
                index
            };
            list.next[last] = entry;
            list.previous[entry] = last;
            last = entry;
        }
        list.next[last] = end;
        list.previous[end] = last;
        list
    }

    /// The entry before the first.
    fn end(&self) -> usize {
        2 * self.count
    }

    /// The operation whose call comes next; none if that is a return, or the end.
    fn call_after(&self, entry: usize) -> Option<usize> {
        let next = self.next[entry];
        (next < self.count).then_some(next)
    }

    /// Where the return that comes next stood at first; none if that is a call, or the end.
    fn return_after(&self, entry: usize) -> Option<usize> {
        let operation = self.next[entry].checked_sub(self.count)?;
        self.deadlines.get(operation).copied()
    }

    fn deadline(&self, operation: usize) -> usize {
        self.deadlines[operation]
    }

    fn has_return(&self, operation: usize) -> bool {
        self.deadlines[operation] != usize::MAX
    }

    fn take_out(&mut self, operation: usize) {
        self.unlink(operation);
        if self.has_return(operation) {
            self.unlink(self.count + operation);
        }
    }

    fn put_back(&mut self, operation: usize) {
        if self.has_return(operation) {
            self.link(self.count + operation);
        }
        self.link(operation);
    }

    fn unlink(&mut self, entry: usize) {
        let (previous, next) = (self.previous[entry], self.next[entry]);
        self.next[previous] = next;
        self.previous[next] = previous;
    }

    fn link(&mut self, entry: usize) {
        let (previous, next) = (self.previous[entry], self.next[entry]);
        self.next[previous] = entry;
        self.previous[next] = entry;
    }
}

/// One random number per operation: SplitMix64 (Steele, Lea and Flood 2014), always the same ones,
/// so that a history always costs the same.
fn marks(count: usize) -> Vec<u128> {
    let mut state = 0x0DDB_1A5E_5BAD_5EED_u64;
    let mut next = || {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    };
    (0..count).map(|_| (u128::from(next()) << 64) | u128::from(next())).collect()
}

/// A hash of what is random already: its lower half.
#[derive(Default)]
struct AlreadyRandom(u64);

impl Hasher for AlreadyRandom {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.0 ^= u64::from_le_bytes(word);
        }
    }

    fn write_u128(&mut self, value: u128) {
        // The lower half is what is left when the upper one is cut off.
        self.0 = value as u64;
    }
}
