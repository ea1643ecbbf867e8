//! Whether a peer that was removed may come back: rule G2.
//!
//! A replica that died and is started again comes back at once. One that was removed because it was slow,
//! or that is removed again and again, has to keep up for a while first, without one exchange that fails
//! or is slow; the while doubles with each removal and shrinks with time in sync. And who was slow has to
//! show by a write that its disk is well. *Otherwise: a follower whose flush takes 400 ms longer is quick
//! as long as there is nothing to write. It is added whenever trading pauses, and the next trade waits a
//! timeout for it: at every trade, for ever.*
//!
//! Time is counted in the leader's ticks. What is kept here outlives leaderships, and counts the
//! removals that other leaders have made.

use base::planted::{Bug, Bugs};

/// An exchange during which so many ticks pass is slow: it takes more than one whole period, whenever it
/// begins.
const SLOW_TICKS: u8 = 2;
/// For how long it has to keep up after the second removal in short order, in ticks: a second. (The first
/// is free, if it was not for slowness.)
const FIRST_WHILE: u16 = 10;
/// And after many: six seconds, which is well within what a run waits for everybody to be in sync.
const LONGEST_WHILE: u16 = 60;
/// So long in sync makes up for a removal: three seconds...
const MIN_TICKS_TO_FORGIVE: u16 = 30;
/// ...or so many times the while that it had to keep up for, if that is more.
const WHILES_TO_FORGIVE: u16 = 5;
/// Removals that are counted; more make no difference.
const MAX_REMOVALS: u8 = 8;

/// What is known of a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Probation {
    /// Removals that time in sync has not made up for.
    removals: u8,
    /// Ticks since the last exchange that failed or was slow, as far as they matter.
    kept_up: u16,
    /// Ticks in sync since the last removal, or since that was made up for.
    in_sync: u16,
    /// Ticks during the exchange under way.
    in_flight: u8,
    /// The last exchange that failed or was slow was slow.
    is_slow: bool,
    proof: Proof,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
enum Proof {
    /// None is needed, or it has been given.
    #[default]
    NotNeeded,
    Needed,
    Asked,
}

/// Whether a peer may come back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Return {
    /// It may.
    Now,
    /// It has to prove by a write that it is not slow; then [`Probation::proved`].
    WithProof,
    /// It has not kept up for long enough.
    NotYet,
}

impl Probation {
    /// Time has passed, the peer being a member or not, with an exchange under way or not.
    pub fn tick(&mut self, is_member: bool, is_in_flight: bool, bugs: Bugs) {
        if is_in_flight {
            self.in_flight = self.in_flight.saturating_add(1);
        }
        if self.in_flight >= SLOW_TICKS {
            self.stumble(true, bugs);
        }
        if !is_member {
            self.kept_up = self.kept_up.saturating_add(1).min(self.while_to_keep_up());
        } else if self.removals > 0 && !bugs.has(Bug::CountRemovalsForEver) {
            self.in_sync += 1;
            if self.in_sync >= self.ticks_to_forgive() {
                (self.removals, self.in_sync) = (self.removals - 1, 0);
            }
        }
    }

    /// An exchange has ended, with an answer or without.
    pub fn exchanged(&mut self, is_answered: bool, bugs: Bugs) {
        let is_slow = std::mem::take(&mut self.in_flight) >= SLOW_TICKS;
        if is_slow || !is_answered {
            self.stumble(is_slow, bugs);
        }
    }

    /// It answers, and always far later than another.
    pub fn dragged(&mut self, bugs: Bugs) {
        self.stumble(true, bugs);
    }

    /// It was a member, and is one no longer.
    pub fn removed(&mut self) {
        // The first removal is free: most replicas that go have died, and are whole when they come back.
        let counts = if self.is_slow { 1 } else { 0 };
        self.removals = (self.removals.max(counts) + 1).min(MAX_REMOVALS);
        (self.kept_up, self.in_sync) = (0, 0);
        if self.is_slow {
            self.proof = Proof::Needed;
        }
    }

    /// Whether it may be added.
    #[must_use]
    pub fn may_return(&self, bugs: Bugs) -> Return {
        if bugs.has(Bug::ReadmitAtOnce) {
            return Return::Now;
        }
        let longest = if bugs.has(Bug::ConstantWhile) { FIRST_WHILE } else { LONGEST_WHILE };
        if self.kept_up < self.while_to_keep_up().min(longest) {
            return Return::NotYet;
        }
        match self.proof {
            Proof::NotNeeded => Return::Now,
            Proof::Needed | Proof::Asked if bugs.has(Bug::ReadmitWithoutProof) => Return::Now,
            Proof::Needed => Return::WithProof,
            Proof::Asked => Return::NotYet,
        }
    }

    /// It is being asked for proof.
    pub fn asked(&mut self) {
        self.proof = Proof::Asked;
    }

    /// It has written something in time, or has not.
    pub fn proved(&mut self, is_proved: bool) {
        if self.proof != Proof::Asked {
            return;
        }
        if is_proved {
            (self.proof, self.is_slow) = (Proof::NotNeeded, false);
        } else {
            self.proof = Proof::Needed;
            self.removals = (self.removals + 1).min(MAX_REMOVALS);
            self.kept_up = 0;
        }
    }

    /// Who asked it is not interested any more.
    pub fn asked_in_vain(&mut self) {
        if self.proof == Proof::Asked {
            self.proof = Proof::Needed;
        }
    }

    fn stumble(&mut self, is_slow: bool, bugs: Bugs) {
        self.is_slow = is_slow;
        if !bugs.has(Bug::KeepUpWhatever) {
            self.kept_up = 0;
        }
        self.asked_in_vain();
    }

    fn while_to_keep_up(&self) -> u16 {
        match self.removals {
            0 | 1 => 0,
            more => FIRST_WHILE.saturating_mul(1 << (more - 2)).min(LONGEST_WHILE),
        }
    }

    fn ticks_to_forgive(&self) -> u16 {
        MIN_TICKS_TO_FORGIVE.max(self.while_to_keep_up().saturating_mul(WHILES_TO_FORGIVE))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_return(probation: &Probation) -> Return {
        probation.may_return(Bugs::default())
    }

    /// Removed after an exchange that was slow, or refused at once.
    fn remove(probation: &mut Probation, is_slow: bool) {
        if is_slow {
            (0..3).for_each(|_| probation.tick(true, true, Bugs::default()));
        }
        probation.exchanged(false, Bugs::default());
        probation.removed();
    }

    /// Ticks outside the in-sync set until it may come back, with or without proof.
    fn ticks_outside(probation: &mut Probation) -> u16 {
        let mut ticks = 0;
        while may_return(probation) == Return::NotYet {
            probation.tick(false, false, Bugs::default());
            probation.exchanged(true, Bugs::default());
            ticks += 1;
        }
        ticks
    }

    #[test]
    fn the_first_return_after_a_crash_is_immediate() {
        let mut probation = Probation::default();
        assert_eq!(may_return(&probation), Return::Now);
        remove(&mut probation, false);
        assert_eq!(may_return(&probation), Return::Now);
    }

    #[test]
    fn who_goes_again_and_again_has_to_keep_up_for_longer_each_time() {
        let mut probation = Probation::default();
        let whiles: Vec<u16> = (0..6)
            .map(|_| {
                remove(&mut probation, false);
                ticks_outside(&mut probation)
            })
            .collect();
        assert_eq!(whiles, [0, 10, 20, 40, 60, 60]);
    }

    #[test]
    fn an_exchange_that_fails_or_is_slow_begins_the_while_anew() {
        let mut probation = Probation::default();
        remove(&mut probation, false);
        remove(&mut probation, false);
        (0..9).for_each(|_| probation.tick(false, false, Bugs::default()));
        probation.exchanged(false, Bugs::default());
        assert_eq!(ticks_outside(&mut probation), 10);
        (0..2).for_each(|_| probation.tick(false, true, Bugs::default()));
        assert_eq!(may_return(&probation), Return::NotYet, "it is slow before it has answered");
        probation.exchanged(true, Bugs::default());
        assert_eq!(ticks_outside(&mut probation), 10);
    }

    #[test]
    fn time_in_sync_makes_up_for_removals() {
        let mut probation = Probation::default();
        remove(&mut probation, false);
        remove(&mut probation, false);
        (0..50 + 30).for_each(|_| probation.tick(true, false, Bugs::default()));
        remove(&mut probation, false);
        assert_eq!(may_return(&probation), Return::Now);
    }

    #[test]
    fn who_was_slow_has_to_prove_that_it_no_longer_is() {
        let mut probation = Probation::default();
        remove(&mut probation, true);
        assert_eq!(
            ticks_outside(&mut probation),
            10,
            "quick, as long as there is nothing to write"
        );
        assert_eq!(may_return(&probation), Return::WithProof);
        probation.asked();
        assert_eq!(may_return(&probation), Return::NotYet);
        probation.proved(false);
        assert_eq!(ticks_outside(&mut probation), 20);
        probation.asked();
        probation.proved(true);
        assert_eq!(may_return(&probation), Return::Now);
    }

    #[test]
    fn a_proof_that_nobody_waits_for_any_more_counts_for_nothing() {
        let mut probation = Probation::default();
        remove(&mut probation, true);
        ticks_outside(&mut probation);
        probation.asked();
        probation.exchanged(false, Bugs::default());
        probation.proved(true);
        ticks_outside(&mut probation);
        assert_eq!(may_return(&probation), Return::WithProof);
    }
}
