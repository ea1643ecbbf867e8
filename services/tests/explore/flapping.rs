//! The model of a member that comes and goes: a follower whose disk is slow, or that dies again and again.
//!
//! Real is whether it may come back ([`services::order::replica::probation`]). Modelled are its leader, which
//! sends it something at every tick, removes it when that fails, and adds it as soon as it may; and its disk,
//! which is slow only if there is something to write. It may be late instead, too: answer in time, and far later than
//! another.
//!
//! Without a fault: time passes, trades come, the disk is well again, and the follower is started again.
//! Faults, each of which counts: its disk becomes slow, it becomes late, or it dies.

use services::order::replica::probation::{Probation, Return};
use services::planted::{Bug, Bugs};

use crate::search::{Before, Model};

/// Ticks that a slow exchange takes: the leader's patience, at the usual period and timeout.
const TIMEOUT_TICKS: u8 = 3;
/// Steps in which something may go wrong.
const MAX_STEPS: u8 = 32;
/// Ticks without trouble after which it must be in sync, however often it went before.
const MAX_SETTLING: u8 = 100;
/// Removals within the steps of a search: with whiles of 0, 10 and 20 ticks there is no time for more.
const MAX_REMOVALS: u8 = 3;
/// Exchanges in a row before it comes back that went twice within the steps of a search: the ticks of the
/// first while, of which the one in which it was removed may be the first.
const MIN_ANSWERED: u8 = 9;
/// Trades that may wait for a member that is late.
const MAX_LATE_TRADES: u8 = 3;
/// Removals that there were before a search begins over what there was.
const REMOVALS_BEFORE: u8 = 8;
/// Ticks in sync after those: so many that nothing is left of them.
const TICKS_OF_HEALTH: u16 = 3_000;

/// The model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Flapping {
    /// What there was before the search.
    pub(crate) before: Before,
    /// What is planted.
    pub(crate) bugs: Bugs,
}

/// Everything at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Follower {
    probation: Probation,
    is_member: bool,
    is_up: bool,
    is_slow: bool,
    is_late: bool,
    /// Trades that have waited for it since it became late.
    late_trades: u8,
    /// Removals since the search began.
    removals: u8,
    /// Exchanges since the last one that failed, as far as they matter.
    answered: u8,
    /// Removals since its disk became slow.
    removals_while_slow: u8,
    /// It has died once, and nothing else has happened to it.
    only_died_once: bool,
    /// How often something has happened to it.
    troubles: u8,
    steps: u8,
    broken: Option<&'static str>,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    Tick,
    Trade,
    Slow(bool),
    Late(bool),
    Die,
    Restart,
}

impl Model for Flapping {
    type State = Follower;
    type Action = Action;

    fn start(&self) -> Follower {
        let mut probation = Probation::default();
        if self.before == Before::Trouble {
            (0..REMOVALS_BEFORE).for_each(|_| probation.removed());
            (0..TICKS_OF_HEALTH).for_each(|_| probation.tick(true, false, self.bugs));
        }
        Follower {
            probation,
            is_member: true,
            is_up: true,
            is_slow: false,
            is_late: false,
            late_trades: 0,
            removals: 0,
            answered: 0,
            removals_while_slow: 0,
            only_died_once: false,
            troubles: 0,
            steps: 0,
            broken: None,
        }
    }

    fn actions(&self, follower: &Follower) -> Vec<(Action, u8)> {
        if follower.steps >= MAX_STEPS {
            return Vec::new();
        }
        let possible = [
            (Action::Tick, 0, true),
            (Action::Trade, 0, true),
            (Action::Slow(false), 0, follower.is_slow),
            (Action::Late(false), 0, follower.is_late),
            (Action::Restart, 0, !follower.is_up),
            (Action::Slow(true), 1, !follower.is_slow),
            (Action::Late(true), 1, !follower.is_late),
            (Action::Die, 1, follower.is_up),
        ];
        let possible = possible.into_iter().filter(|(.., is)| *is);
        possible.map(|(action, faults, _)| (action, faults)).collect()
    }

    fn after(&self, follower: &Follower, action: Action) -> Follower {
        let mut follower = *follower;
        follower.steps += 1;
        follower.happen(action, self.bugs);
        follower
    }

    fn broken(&self, follower: &Follower, _fingerprint: u64, _by_fault: bool) -> Option<String> {
        if let Some(broken) = follower.broken {
            return Some(broken.to_owned());
        }
        let mut follower = *follower;
        (follower.is_up, follower.is_slow, follower.is_late) = (true, false, false);
        (0..MAX_SETTLING).for_each(|_| follower.happen(Action::Tick, self.bugs));
        (!follower.is_member).then(|| "it is well, and never comes back".to_owned())
    }

    fn describe(&self, follower: &Follower, action: Action) -> String {
        let member = if follower.is_member { "in sync" } else { "out of sync" };
        match action {
            Action::Tick => format!("a tick; the follower is {member}"),
            Action::Trade => format!("a trade; the follower is {member}"),
            Action::Slow(true) => "its disk becomes slow".to_owned(),
            Action::Slow(false) => "its disk is well again".to_owned(),
            Action::Late(true) => "it becomes late".to_owned(),
            Action::Late(false) => "it is late no longer".to_owned(),
            Action::Die => "it dies".to_owned(),
            Action::Restart => "it is started again".to_owned(),
        }
    }

    fn epilogue(&self, _follower: &Follower) -> Vec<String> {
        Vec::new()
    }
}

impl Follower {
    fn happen(&mut self, action: Action, bugs: Bugs) {
        match action {
            Action::Tick => self.exchange(false, bugs),
            Action::Trade => self.exchange(true, bugs),
            Action::Slow(is_slow) => {
                self.is_slow = is_slow;
                (self.removals_while_slow, self.only_died_once) = (0, false);
                self.troubles = self.troubles.saturating_add(1);
            }
            Action::Late(is_late) => {
                self.is_late = is_late;
                (self.late_trades, self.only_died_once) = (0, false);
                self.troubles = self.troubles.saturating_add(1);
            }
            Action::Die => {
                self.is_up = false;
                self.only_died_once = self.troubles == 0;
                self.troubles = self.troubles.saturating_add(1);
            }
            Action::Restart => self.is_up = true,
        }
    }

    /// One message of the leader's, with entries or without, and what follows of it.
    fn exchange(&mut self, has_entries: bool, bugs: Bugs) {
        let takes = if self.is_up && self.is_slow && has_entries { TIMEOUT_TICKS } else { 0 };
        self.probation.tick(self.is_member, false, bugs);
        (0..takes).for_each(|_| self.probation.tick(self.is_member, true, bugs));
        let is_answered = self.is_up && takes == 0;
        self.probation.exchanged(is_answered, bugs);
        self.answered =
            if is_answered { self.answered.saturating_add(1).min(MIN_ANSWERED) } else { 0 };
        if !is_answered {
            if self.is_member {
                self.removed();
            }
            return;
        }
        if self.is_late && has_entries && self.is_late_for(bugs) {
            return;
        }
        let mut may_return = self.probation.may_return(bugs);
        if may_return == Return::WithProof && !self.is_member {
            self.probation.asked();
            self.probation.proved(!self.is_slow);
            may_return = self.probation.may_return(bugs);
        }
        if may_return == Return::Now && !self.is_member {
            self.is_member = true;
            if self.removals > 1 && self.answered < MIN_ANSWERED {
                self.broken = Some("it went twice in short order, and has to keep up for no while");
            }
        }
        if self.only_died_once && !self.is_member {
            self.broken = Some("it died once, is back, and has to wait");
        }
    }

    /// It has answered late; that somebody looks how late (in [`Pace`](services::order::pace::Pace), over a second) is
    /// taken for granted. Whether it is no member.
    fn is_late_for(&mut self, bugs: Bugs) -> bool {
        if bugs.has(Bug::KeepWhoDrags) {
            self.late_trades += u8::from(self.is_member);
            if self.late_trades > MAX_LATE_TRADES {
                self.broken = Some("every trade waits for it, and it stays a member");
            }
            return !self.is_member;
        }
        self.probation.dragged(bugs);
        if self.is_member {
            self.removed();
        }
        true
    }

    fn removed(&mut self) {
        self.probation.removed();
        self.is_member = false;
        self.removals += 1;
        if self.removals > MAX_REMOVALS {
            self.broken = Some("it goes and comes back more often than it keeps up");
        }
        if self.is_slow && self.is_up {
            self.removals_while_slow += 1;
        }
        if self.removals_while_slow > 1 {
            self.broken = Some("its disk is slow all the time, and yet it was removed twice");
        }
    }
}
