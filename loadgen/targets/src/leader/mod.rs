//! Who leads now, from what is said and from who is alive. Pure: somebody else asks, reads logs, and sees processes start
//! and die.
//!
//! The invariant: a process that is dead is no leader, whatever anybody says. A front-end goes on naming a leader that was
//! killed until it notices, and a fault that is aimed at the leader must not hit nobody.

mod reading;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use reading::{Answered, LeaderReading};

/// How the leader is found where nobody says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GuessRule {
    /// Whether the last of the processes leads, or else the first.
    pub highest: bool,
    /// Whether a process that returns leads again if it is better than the present leader.
    pub takes_back: bool,
}

/// Something that happened to the leadership.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LeaderEvent {
    /// Somebody else leads, or nobody.
    Changed {
        /// Who.
        leader: Option<String>,
        /// In which term, where the target has such.
        term: Option<i64>,
    },
    /// Several processes say at once that they lead.
    TwoAtOnce {
        /// Who, in the order of the file.
        processes: Vec<String>,
    },
    /// An answer names a process that there is not.
    Stranger {
        /// What it says.
        name: String,
    },
    /// An answer cannot be evaluated. Said once, until one can be again.
    Unclear {
        /// Why.
        reason: String,
    },
}

/// Keeps who leads.
#[derive(Debug)]
pub struct LeaderWatch {
    /// Those that may lead, in the order of the file.
    processes: Vec<Candidate>,
    guess: Option<GuessRule>,
    leader: Option<String>,
    term: Option<i64>,
    /// Who says of itself that it leads, and its term.
    claims: BTreeMap<String, Option<i64>>,
    /// The last several that claimed at once, so that it is said once.
    rivals: Vec<String>,
    /// Whether the processes of the role are asked, each for itself.
    by_claims: bool,
    unclear: bool,
    stranger: Option<String>,
}

#[derive(Debug)]
struct Candidate {
    name: String,
    alive: bool,
    /// Whether it was ever started: the second start is a return.
    started: bool,
}

impl LeaderWatch {
    /// A watch over `processes`, none of which is alive yet. With a `guess` nothing that is said is needed.
    #[must_use]
    pub fn new(processes: impl IntoIterator<Item = String>, guess: Option<GuessRule>) -> Self {
        Self {
            processes: processes
                .into_iter()
                .map(|name| Candidate { name, alive: false, started: false })
                .collect(),
            guess,
            leader: None,
            term: None,
            claims: BTreeMap::new(),
            rivals: Vec::new(),
            by_claims: false,
            unclear: false,
            stranger: None,
        }
    }

    /// Who leads.
    #[must_use]
    pub fn leader(&self) -> Option<&str> {
        self.leader.as_deref()
    }

    /// In which term, where the target has such.
    #[must_use]
    pub fn term(&self) -> Option<i64> {
        self.term
    }

    /// The others that say at the same time that they lead, in the order of the file.
    #[must_use]
    pub fn rivals(&self) -> Vec<&str> {
        let others = self.rivals.iter().map(String::as_str);
        others.filter(|name| self.leader.as_deref() != Some(name)).collect()
    }

    /// Whether the last answer could not be evaluated.
    #[must_use]
    pub fn is_unclear(&self) -> bool {
        self.unclear
    }

    /// `process` is alive.
    pub fn started(&mut self, process: &str) -> Vec<LeaderEvent> {
        // Those that are started for the first time are the target's beginning: whoever is best of them leads.
        let returns = self.processes.iter().any(|known| known.name == process && known.started);
        self.set_alive(process, true);
        self.guessed(!returns)
    }

    /// `process` is dead.
    pub fn died(&mut self, process: &str) -> Vec<LeaderEvent> {
        self.set_alive(process, false);
        self.claims.remove(process);
        if self.guess.is_some() {
            // With the dead one gone the next is known at once: no moment without a leader is made up.
            self.guessed(false)
        } else if self.by_claims {
            self.settled()
        } else if self.leader.as_deref() == Some(process) {
            self.lead(None, None)
        } else {
            Vec::new()
        }
    }

    /// Somebody says that `leader` leads; `None` if they say that nobody does.
    pub fn told(&mut self, leader: Option<&str>) -> Vec<LeaderEvent> {
        self.unclear = false;
        match leader {
            Some(name) if !self.processes.iter().any(|known| known.name == name) => {
                if self.stranger.as_deref() == Some(name) {
                    return Vec::new();
                }
                self.stranger = Some(name.to_owned());
                vec![LeaderEvent::Stranger { name: crate::name::excerpt(name) }]
            }
            leader => {
                self.stranger = None;
                let alive = leader.filter(|name| self.is_alive(name)).map(str::to_owned);
                self.lead(alive, None)
            }
        }
    }

    /// Each process says of itself whether it leads, and in which term; they were asked at the same time, so a leadership
    /// that goes from one to another is not two at once. One that does not answer claims nothing.
    pub fn claimed<'a>(
        &mut self,
        claims: impl IntoIterator<Item = (&'a str, bool, Option<i64>)>,
    ) -> Vec<LeaderEvent> {
        self.unclear = false;
        self.by_claims = true;
        for (process, leads, term) in claims {
            // What was asked before the death may be answered after it.
            if leads && self.is_alive(process) {
                self.claims.insert(process.to_owned(), term);
            } else {
                self.claims.remove(process);
            }
        }
        self.settled()
    }

    /// An answer could not be evaluated: who leads stays as it was.
    pub fn unclear(&mut self, reason: String) -> Vec<LeaderEvent> {
        if std::mem::replace(&mut self.unclear, true) {
            return Vec::new();
        }
        vec![LeaderEvent::Unclear { reason }]
    }

    /// Who leads by the claims. The highest term wins; of equals whoever led before, else the first of the file.
    fn settled(&mut self) -> Vec<LeaderEvent> {
        let mut events = Vec::new();
        let order = |name: &String| self.processes.iter().position(|known| known.name == *name);
        let mut rivals: Vec<String> = self.claims.keys().cloned().collect();
        rivals.sort_by_key(order);
        if rivals.len() < 2 {
            self.rivals.clear();
        } else if rivals != self.rivals {
            self.rivals.clone_from(&rivals);
            events.push(LeaderEvent::TwoAtOnce { processes: rivals.clone() });
        }
        let best = rivals.iter().filter_map(|name| self.claims.get(name)).max().copied().flatten();
        let mut best_rivals = rivals.iter().filter(|name| self.claims.get(*name) == Some(&best));
        let first = best_rivals.clone().next().cloned();
        let same = best_rivals.find(|name| self.leader.as_ref() == Some(name)).cloned();
        events.extend(self.lead(same.or(first), best));
        events
    }

    fn guessed(&mut self, begins: bool) -> Vec<LeaderEvent> {
        let Some(rule) = self.guess else { return Vec::new() };
        let mut alive = self.processes.iter().filter(|known| known.alive).map(|known| &known.name);
        let best = if rule.highest { alive.next_back() } else { alive.next() }.cloned();
        let holds = self.leader.as_ref().is_some_and(|leader| self.is_alive(leader));
        if holds && !rule.takes_back && !begins { Vec::new() } else { self.lead(best, None) }
    }

    fn lead(&mut self, leader: Option<String>, term: Option<i64>) -> Vec<LeaderEvent> {
        if self.leader == leader && self.term == term {
            return Vec::new();
        }
        self.leader.clone_from(&leader);
        self.term = term;
        vec![LeaderEvent::Changed { leader, term }]
    }

    fn is_alive(&self, process: &str) -> bool {
        self.processes.iter().any(|known| known.name == process && known.alive)
    }

    fn set_alive(&mut self, process: &str, now: bool) {
        for known in self.processes.iter_mut().filter(|known| known.name == process) {
            known.alive = now;
            known.started |= now;
        }
    }
}
