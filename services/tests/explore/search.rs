//! The search: every state that can be reached with few faults, fewest faults first.
//!
//! States are expanded in the order of (faults, steps), and looked at as soon as they are reached.
//! So a story has few faults, and few steps for its faults; and a search that comes to its end has
//! seen everything that can happen with that many faults, in whatever order. The number of faults
//! need not be part of a state: it is expanded again if it is reached with fewer.
//!
//! That order is why this is not stateright, which is alive and would have been the first
//! choice: its searches know steps only, so a bound on faults would have to be carried, and
//! multiplied with, in every state. (It also brings a web server; this file is what was needed.)
//!
//! A state is remembered as a 64-bit fingerprint. Among 10 million states the chance that two share
//! one, so that the second is overlooked, is about 3 in a million.

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hash, Hasher};
use std::time::{Duration, Instant};

/// States that are expanded before their successors are sorted in: bounds what is in memory twice.
const CHUNK: usize = 8192;

/// What there was before the search, where that makes a difference to what may happen in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Before {
    /// Nothing.
    Nothing,
    /// As much trouble as counts, and so long ago that it counts no more.
    Trouble,
}

/// What can be explored.
pub(crate) trait Model: Sync {
    /// Everything there is, at one moment.
    type State: Clone + Hash + Send + Sync;
    /// Something that can happen next.
    type Action: Copy + Send;

    /// Where it begins.
    fn start(&self) -> Self::State;
    /// What can happen in `state`, always in the same order, and how many faults each takes.
    fn actions(&self, state: &Self::State) -> Vec<(Self::Action, u8)>;
    /// The state after `action`.
    fn after(&self, state: &Self::State, action: Self::Action) -> Self::State;
    /// Which promise is broken in `state`, to which the last step was a fault or not.
    fn broken(&self, state: &Self::State, fingerprint: u64, by_fault: bool) -> Option<String>;
    /// What `action` does in `state`, in words.
    fn describe(&self, state: &Self::State, action: Self::Action) -> String;
    /// What a story needs besides its steps to be understood.
    fn epilogue(&self, state: &Self::State) -> Vec<String>;
}

/// How far a search goes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// How many faults may happen.
    pub(crate) faults: u8,
    /// How many states are visited at the most.
    pub(crate) states: usize,
    /// How long it may take.
    pub(crate) time: Duration,
}

/// A way to break a promise.
#[derive(Clone, Debug)]
pub(crate) struct Story {
    /// The promise.
    pub(crate) promise: String,
    /// What happens, step by step.
    pub(crate) steps: Vec<String>,
    /// What follows of itself and brings the promise's end to light, if it is not broken yet.
    pub(crate) epilogue: Vec<String>,
    /// How many of the steps are faults.
    pub(crate) faults: u8,
}

/// What a search has found.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    /// The first story, if there is one.
    pub(crate) story: Option<Story>,
    /// Different states that were looked at.
    pub(crate) states: usize,
    /// The most steps from the start to a state, on the way it was first reached.
    pub(crate) depth: u16,
    /// Everything with so many faults was seen; `None` if not even all that happens without any.
    pub(crate) exhausted: Option<u8>,
    /// How long it took.
    pub(crate) took: Duration,
}

/// A fingerprint of anything, the same in every process.
pub(crate) fn fingerprint(value: &impl Hash) -> u64 {
    let mut hasher = Fingerprint(SEED);
    value.hash(&mut hasher);
    hasher.finish()
}

/// The digits of pi: any odd number without a pattern would do.
const SEED: u64 = 0x243f_6a88_85a3_08d3;
const FACTOR: u64 = 0x1319_8a2e_0370_7345;

/// Folded multiplication, as in wyhash. States are hashed far more often than anything else is
/// done, and the standard hasher, which withstands an adversary, takes twice as long.
struct Fingerprint(u64);

impl Fingerprint {
    fn mix(&mut self, value: u64) {
        let product = u128::from(self.0 ^ value) * u128::from(FACTOR);
        // Both halves, truncated on purpose.
        self.0 = (product as u64) ^ ((product >> 64) as u64) ^ self.0.rotate_left(23);
    }
}

impl Hasher for Fingerprint {
    fn finish(&self) -> u64 {
        let mut end = Self(self.0);
        end.mix(SEED);
        end.0
    }
    fn write(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
            self.mix(u64::from_le_bytes(word));
        }
        self.mix(bytes.len() as u64);
    }
    fn write_u8(&mut self, value: u8) {
        self.mix(u64::from(value));
    }
    fn write_u64(&mut self, value: u64) {
        self.mix(value);
    }
    fn write_usize(&mut self, value: usize) {
        self.mix(value as u64);
    }
}

/// For the table of what was visited: fingerprints are as good as random already.
#[derive(Default)]
struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }
    fn write(&mut self, _bytes: &[u8]) {
        unreachable!("only fingerprints are kept there");
    }
    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// How a state was reached first.
#[derive(Clone, Copy)]
struct Origin {
    parent: u32,
    action: u16,
}

struct Reached<S> {
    state: S,
    id: u32,
    fingerprint: u64,
}

struct Successor<S> {
    state: S,
    fingerprint: u64,
    origin: Origin,
    faults: u8,
    broken: Option<String>,
}

struct Search<'a, M: Model> {
    model: &'a M,
    bounds: Bounds,
    /// The fewest faults with which each state was reached.
    visited: HashMap<u64, u8, BuildHasherDefault<AsItIs>>,
    origins: Vec<Origin>,
    /// Those that wait to be expanded, by faults and steps.
    waiting: BTreeMap<(u8, u16), Vec<Reached<M::State>>>,
    depth: u16,
}

/// Explores `model` on `threads` threads.
pub(crate) fn explore<M: Model>(model: &M, bounds: Bounds, threads: usize) -> Outcome {
    let began = Instant::now();
    let mut search = Search {
        model,
        bounds,
        visited: HashMap::default(),
        origins: Vec::new(),
        waiting: BTreeMap::new(),
        depth: 0,
    };
    let state = model.start();
    let fingerprint = fingerprint(&state);
    let broken = model.broken(&state, fingerprint, true);
    let origin = Origin { parent: u32::MAX, action: 0 };
    let first = Successor { state, fingerprint, origin, faults: 0, broken };
    let mut story = search.insert(first, 0);
    let mut exhausted = None;
    while story.is_none() {
        let Some(((faults, depth), reached)) = search.waiting.pop_first() else {
            exhausted = Some(bounds.faults);
            break;
        };
        exhausted = faults.checked_sub(1);
        let out_of_time = began.elapsed() >= bounds.time;
        if search.visited.len() >= bounds.states || out_of_time {
            break;
        }
        story = search.expand(reached, (faults, depth), threads);
    }
    let (states, depth) = (search.visited.len(), search.depth);
    Outcome { story, states, depth, exhausted, took: began.elapsed() }
}

impl<M: Model> Search<'_, M> {
    /// Expands all that was reached at (faults, steps); the first story found, if any.
    fn expand(
        &mut self,
        reached: Vec<Reached<M::State>>,
        (faults, depth): (u8, u16),
        threads: usize,
    ) -> Option<Story> {
        for chunk in reached.chunks(CHUNK) {
            let share = chunk.len().div_ceil(threads).max(1);
            let this = &*self;
            let found: Vec<Vec<Successor<M::State>>> = std::thread::scope(|scope| {
                let workers: Vec<_> = chunk
                    .chunks(share)
                    .map(|part| scope.spawn(move || this.successors(part, faults)))
                    .collect();
                workers.into_iter().map(|worker| worker.join().expect("a step panicked")).collect()
            });
            for successor in found.into_iter().flatten() {
                let story = self.insert(successor, depth + 1);
                if story.is_some() {
                    return story;
                }
            }
        }
        None
    }

    fn successors(&self, part: &[Reached<M::State>], faults: u8) -> Vec<Successor<M::State>> {
        let mut successors = Vec::new();
        for reached in part {
            // Reached again since, with fewer faults: then it was expanded then.
            if self.visited.get(&reached.fingerprint).is_some_and(|fewest| *fewest < faults) {
                continue;
            }
            for (index, (action, cost)) in
                self.model.actions(&reached.state).into_iter().enumerate()
            {
                let total = faults + cost;
                if total > self.bounds.faults {
                    continue;
                }
                let state = self.model.after(&reached.state, action);
                let fingerprint = fingerprint(&state);
                let fewest = self.visited.get(&fingerprint);
                if fewest.is_some_and(|fewest| *fewest <= total) {
                    continue;
                }
                let broken = self.model.broken(&state, fingerprint, cost > 0);
                let action = u16::try_from(index).expect("fewer than 65536 things can happen");
                let origin = Origin { parent: reached.id, action };
                successors.push(Successor { state, fingerprint, origin, faults: total, broken });
            }
        }
        successors
    }

    fn insert(&mut self, successor: Successor<M::State>, depth: u16) -> Option<Story> {
        let Successor { state, fingerprint, origin, faults, broken } = successor;
        if self.visited.get(&fingerprint).is_some_and(|fewest| *fewest <= faults) {
            return None;
        }
        self.visited.insert(fingerprint, faults);
        self.depth = self.depth.max(depth);
        let id = u32::try_from(self.origins.len()).expect("memory ends before ids do");
        self.origins.push(origin);
        if let Some(promise) = broken {
            let epilogue = self.model.epilogue(&state);
            return Some(Story { promise, steps: self.steps(id), epilogue, faults });
        }
        let reached = Reached { state, id, fingerprint };
        self.waiting.entry((faults, depth)).or_default().push(reached);
        None
    }

    /// The way from the start to a state, by walking it again.
    fn steps(&self, id: u32) -> Vec<String> {
        let mut way = Vec::new();
        let mut origin = self.origins[id as usize];
        while origin.parent != u32::MAX {
            way.push(origin.action);
            origin = self.origins[origin.parent as usize];
        }
        let mut state = self.model.start();
        let mut steps = Vec::new();
        for index in way.into_iter().rev() {
            let (action, cost) = self.model.actions(&state)[usize::from(index)];
            let mark = if cost > 0 { " [fault]" } else { "" };
            steps.push(format!("{}{mark}", self.model.describe(&state, action)));
            state = self.model.after(&state, action);
        }
        steps
    }
}
