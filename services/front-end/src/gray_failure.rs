//! A leader that answers and cannot work: rule G1.
//!
//! A disk that hangs, a file that another program has locked, a link that is cut: the process answers
//! pings, and no trade gets done. Two questions are answered here. Is there reason to [doubt] it? And does
//! [somebody else lead](Patience::better), once the in-sync replicas have been asked for proof that they could:
//! a write of their own, begun after the doubt, and an answer from catalog and front-end, all within the
//! ping timeout. Who has not proved it is no better than the leader. *Otherwise: the whole machine is slow,
//! candidates that have nothing to do look well, and each that is elected is doubted next: 133 elections,
//! and no trade.*
//!
//! The leader is asked, too: if it can work by now, it stays. If nobody proves anything, it stays as well.
//! And since a candidate may be able to write once and yet not to lead, elections for this reason
//! [back off](Patience), and who was deposed like this is chosen again only when all others have been.
//! *Otherwise: of three replicas two can write once and no more; they take turns, the higher ids that they
//! are, and the third, which is well, waits.* A member that the leader cannot reach is removed, which the leader asks for by
//! itself; that is no reason to depose anybody.
//!
//! Pure: times come in as values.

use std::collections::BTreeMap;
use std::fmt;

use base::planted::{Bug, Bugs};
use wire::ids::{OrderNo, ReplicaId};
use wire::internal::{Part, PingReply};

/// After the first election for this reason, so many ping timeouts pass before the next one.
const FIRST_PAUSE_TIMEOUTS: u64 = 2;
/// And never more than so many: ten seconds, with the usual timeout of 300 ms.
const MAX_PAUSE_TIMEOUTS: u64 = 32;
/// After so many timeouts without doubt the next pause is half as long.
const TIMEOUTS_TO_FORGIVE: u64 = 16;

/// Why a leader that answers is doubted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Doubt {
    /// Its writer has not finished what it began so long ago.
    Unfinished {
        /// How long ago.
        for_us: u64,
    },
    /// The last thing that it wrote took so long.
    Slow {
        /// How long.
        took_us: u64,
    },
    /// It has not reached a part that a leader needs for so long.
    CutOff {
        /// Which.
        from: Part,
        /// How long.
        for_us: u64,
    },
}

impl fmt::Display for Doubt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unfinished { for_us } => {
                write!(f, "it has not finished writing for {} ms", for_us / 1000)
            }
            Self::Slow { took_us } => write!(f, "its last write took {} ms", took_us / 1000),
            Self::CutOff { from, for_us } => {
                let part = match from {
                    Part::Catalog => "the catalog",
                    Part::FrontEnd | Part::Replica(_) => "the front-end",
                };
                write!(f, "it has not reached {part} for {} ms", for_us / 1000)
            }
        }
    }
}

/// What a leader, who has been one for `led_for_us`, says about itself, as reason to doubt it.
#[must_use]
pub fn doubt(reply: &PingReply, led_for_us: u64, timeout_us: u64, bugs: Bugs) -> Option<Doubt> {
    if bugs.has(Bug::TrustWhoeverAnswers) {
        return None;
    }
    let health = reply.health;
    if health.unfinished_us > timeout_us && !bugs.has(Bug::TrustWhoIsStuck) {
        return Some(Doubt::Unfinished { for_us: health.unfinished_us });
    }
    if health.last_took_us > timeout_us && !bugs.has(Bug::TrustWhoIsSlow) {
        return Some(Doubt::Slow { took_us: health.last_took_us });
    }
    if bugs.has(Bug::TrustWhoIsCutOff) {
        return None;
    }
    let is_needed = |part: Part| match part {
        Part::Catalog | Part::FrontEnd => true,
        Part::Replica(_) => bugs.has(Bug::DoubtForMember),
    };
    let cut_off = reply.unreachable.iter().filter(|part| is_needed(part.peer)).map(|part| {
        // Before it led it did not look, so what it says cannot be older than that.
        let for_us = part.since_ms.saturating_mul(1000).min(led_for_us);
        Doubt::CutOff { from: part.peer, for_us }
    });
    cut_off
        .into_iter()
        .find(|doubt| matches!(doubt, Doubt::CutOff { for_us, .. } if *for_us > timeout_us))
}

/// Whether a replica that answered a ping looks able to lead, where nobody was asked for proof: in an
/// election because the leader is gone, say.
#[must_use]
pub fn looks_able(reply: &PingReply, timeout_us: u64, bugs: Bugs) -> bool {
    reply.health.unfinished_us <= timeout_us || bugs.has(Bug::TrustWhoeverAnswers)
}

/// What is taken for a proof.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Evidence {
    /// A write that begins now.
    Write {
        /// And an answer from catalog and front-end.
        reach: bool,
    },
    /// An answer to a ping.
    Ping,
}

impl Evidence {
    /// What a candidate is asked for.
    #[must_use]
    pub fn wanted(bugs: Bugs) -> Self {
        match bugs.has(Bug::ElectWithoutProof) {
            true => Self::Ping,
            false => Self::Write { reach: !bugs.has(Bug::ProveWithoutReach) },
        }
    }
}

/// When candidates may be asked next, and who of them is better.
#[derive(Clone, Debug)]
pub struct Patience {
    timeout_us: u64,
    /// Between the last election for this reason and the next.
    pause_us: u64,
    not_before_us: u64,
    is_asking: bool,
    well_since_us: Option<u64>,
    /// How often each was deposed for this reason, as far as it has not been forgiven.
    deposed: BTreeMap<ReplicaId, u8>,
    bugs: Bugs,
}

impl Patience {
    /// Nobody has been asked yet.
    #[must_use]
    pub fn new(timeout_us: u64) -> Self {
        Self {
            timeout_us,
            pause_us: 0,
            not_before_us: 0,
            is_asking: false,
            well_since_us: None,
            deposed: BTreeMap::new(),
            bugs: Bugs::default(),
        }
    }

    /// The same with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { bugs, ..self }
    }

    /// The leader is doubted. Whether candidates are to be asked; then [`Patience::concluded`] must
    /// follow.
    pub fn doubted(&mut self, now_us: u64) -> bool {
        self.well_since_us = None;
        let asks = !self.is_asking && now_us >= self.not_before_us;
        self.is_asking |= asks;
        asks
    }

    /// There is no reason to doubt the leader. After a while of that the next pause is shorter.
    pub fn trusted(&mut self, now_us: u64) {
        if self.bugs.has(Bug::NeverForgive) {
            return;
        }
        let since_us = *self.well_since_us.get_or_insert(now_us);
        if now_us.saturating_sub(since_us) >= self.timeout_us.saturating_mul(TIMEOUTS_TO_FORGIVE) {
            self.well_since_us = Some(now_us);
            self.pause_us /= 2;
            if self.pause_us < self.timeout_us {
                self.pause_us = 0;
            }
            self.deposed.retain(|_, times| {
                *times /= 2;
                *times > 0
            });
        }
    }

    /// Who may be chosen from, now that everybody has been asked: `proofs` are those who proved in time
    /// that they can lead. `None` if the leader stays.
    ///
    /// A candidate whose log lacks something that the doubted leader knew to be committed would not
    /// serve, whatever its disk does (rule L3).
    #[must_use]
    pub fn better(
        &self,
        leader: ReplicaId,
        committed: OrderNo,
        mut proofs: BTreeMap<ReplicaId, PingReply>,
    ) -> Option<BTreeMap<ReplicaId, PingReply>> {
        if self.bugs.has(Bug::ElectWithoutProof) || self.bugs.has(Bug::DeposeWhoProves) {
            proofs.remove(&leader);
        }
        if proofs.contains_key(&leader) {
            return None;
        }
        proofs.retain(|_, proof| proof.last.order_no >= committed);
        let times = |id: &ReplicaId| self.deposed.get(id).copied().unwrap_or(0);
        let fewest = proofs.keys().map(times).min()?;
        proofs.retain(|id, _| times(id) == fewest || self.bugs.has(Bug::ForgetDeposed));
        Some(proofs)
    }

    /// Those who were asked have answered, or had their time. If nobody was better, they are asked again
    /// after one timeout, as long as there is doubt; if a leader was `deposed`, after a pause that
    /// doubles each time.
    pub fn concluded(&mut self, deposed: Option<ReplicaId>, now_us: u64) {
        self.is_asking = false;
        let mut wait_us = self.timeout_us;
        if let Some(leader) = deposed {
            let times = self.deposed.entry(leader).or_default();
            *times = times.saturating_add(1);
        }
        if deposed.is_some() && !self.bugs.has(Bug::NoBackOff) {
            let bounds = [FIRST_PAUSE_TIMEOUTS, MAX_PAUSE_TIMEOUTS];
            let [first, longest] = bounds.map(|count| self.timeout_us.saturating_mul(count));
            let growth = if self.bugs.has(Bug::ConstantPause) { 1 } else { 2 };
            self.pause_us = self.pause_us.saturating_mul(growth).clamp(first, longest);
            wait_us = self.pause_us;
        }
        self.not_before_us = now_us.saturating_add(wait_us);
    }
}

#[cfg(test)]
mod tests {
    use wire::ids::{Epoch, Identity, Incarnation};
    use wire::internal::{LogPoint, Unreachable, WriterHealth};

    use super::*;

    const TIMEOUT_US: u64 = 300_000;
    const LONG_US: u64 = 60_000_000;

    fn reply(id: u8) -> PingReply {
        let (incarnation, disk) = (Incarnation::new("x"), Identity::new("d"));
        let last = LogPoint { order_no: OrderNo(7), epoch: Epoch(1) };
        let reply = PingReply::of_new(ReplicaId(id), incarnation.unwrap(), disk.unwrap());
        PingReply { last, last_order_no: last.order_no, ..reply }
    }

    fn with_health(unfinished_us: u64, last_took_us: u64) -> PingReply {
        PingReply { health: WriterHealth { unfinished_us, last_took_us }, ..reply(3) }
    }

    fn without(peer: Part, since_ms: u64) -> PingReply {
        PingReply { unreachable: vec![Unreachable { peer, since_ms }], ..reply(3) }
    }

    fn of(reply: &PingReply) -> Option<Doubt> {
        doubt(reply, LONG_US, TIMEOUT_US, Bugs::default())
    }

    #[test]
    fn a_leader_whose_writer_hangs_or_crawls_is_doubted() {
        assert_eq!(of(&with_health(300_000, 300_000)), None);
        let for_us = 300_001;
        assert_eq!(of(&with_health(for_us, 0)), Some(Doubt::Unfinished { for_us }));
        assert_eq!(of(&with_health(0, for_us)), Some(Doubt::Slow { took_us: for_us }));
    }

    #[test]
    fn a_leader_that_is_cut_off_from_catalog_or_front_end_is_doubted() {
        for from in [Part::Catalog, Part::FrontEnd] {
            assert_eq!(of(&without(from, 300)), None);
            assert_eq!(of(&without(from, 301)), Some(Doubt::CutOff { from, for_us: 301_000 }));
        }
    }

    #[test]
    fn a_member_that_the_leader_cannot_reach_is_no_reason_to_doubt_it() {
        assert_eq!(of(&without(Part::Replica(ReplicaId(1)), 99_999)), None);
    }

    #[test]
    fn a_new_leader_is_not_doubted_for_what_it_missed_before_it_led() {
        let reply = without(Part::Catalog, 5_000);
        assert_eq!(doubt(&reply, TIMEOUT_US, TIMEOUT_US, Bugs::default()), None);
        assert!(doubt(&reply, TIMEOUT_US + 1, TIMEOUT_US, Bugs::default()).is_some());
    }

    /// Who may be chosen from.
    fn better(patience: &Patience, leader: u8, ids: &[u8], committed: u64) -> Option<Vec<u8>> {
        let proofs = ids.iter().map(|id| (ReplicaId(*id), reply(*id))).collect();
        let better = patience.better(ReplicaId(leader), OrderNo(committed), proofs)?;
        Some(better.into_keys().map(|id| id.0).collect())
    }

    #[test]
    fn only_those_who_proved_it_are_chosen_from_and_the_leader_stays_if_it_did() {
        let patience = Patience::new(TIMEOUT_US);
        assert_eq!(better(&patience, 3, &[1, 2], 7), Some(vec![1, 2]));
        assert_eq!(better(&patience, 3, &[1, 2, 3], 7), None);
        assert_eq!(better(&patience, 3, &[], 7), None);
        assert_eq!(better(&patience, 3, &[1], 8), None, "it lacks #8");
    }

    #[test]
    fn two_that_can_write_once_do_not_take_turns_while_a_third_waits() {
        let mut patience = Patience::new(TIMEOUT_US);
        assert_eq!(better(&patience, 3, &[1, 2], 7), Some(vec![1, 2]));
        patience.concluded(Some(ReplicaId(3)), 0);
        assert_eq!(better(&patience, 2, &[1, 3], 7), Some(vec![1]));
        patience.concluded(Some(ReplicaId(2)), 0);
        assert_eq!(better(&patience, 1, &[2, 3], 7), Some(vec![2, 3]), "all had their turn");
    }

    #[test]
    fn who_is_asked_in_vain_is_asked_again_after_one_timeout() {
        let mut patience = Patience::new(TIMEOUT_US);
        assert!(patience.doubted(1_000));
        assert!(!patience.doubted(1_001), "they are being asked");
        patience.concluded(None, 2_000);
        assert!(!patience.doubted(2_000 + TIMEOUT_US - 1));
        assert!(patience.doubted(2_000 + TIMEOUT_US));
    }

    /// How long after an election the next one may be begun at the earliest.
    fn pause_after_election(patience: &mut Patience, now_us: &mut u64) -> u64 {
        let began_us = *now_us;
        while !patience.doubted(*now_us) {
            *now_us += 1_000;
        }
        patience.concluded(Some(ReplicaId(3)), *now_us);
        *now_us - began_us
    }

    #[test]
    fn elections_back_off_and_health_makes_up_for_it() {
        let (mut patience, mut now_us) = (Patience::new(TIMEOUT_US), 0);
        let mut pauses = Vec::new();
        for _ in 0..8 {
            pauses.push(pause_after_election(&mut patience, &mut now_us) / TIMEOUT_US);
        }
        assert_eq!(pauses, [0, 2, 4, 8, 16, 32, 32, 32]);
        // Two minutes of health, seen by pings: nothing is left of it.
        for _ in 0..1_200 {
            now_us += 100_000;
            patience.trusted(now_us);
        }
        assert_eq!(pause_after_election(&mut patience, &mut now_us), 0);
        assert_eq!(pause_after_election(&mut patience, &mut now_us) / TIMEOUT_US, 2);
    }
}
