//! How long a doubted leader is waited for, once others have proved that they could lead (rule G1). Pure.
//!
//! Everybody is asked at the same moment for a write that begins then. The others are waited for until they have
//! answered or had a whole ping timeout: the longest log leads (rule L3), and only its owner can tell how long it is. The leader
//! is waited for in proportion: a disk that is well again, on a machine that is slow for everybody, needs about as long as
//! the others needed; one that hangs would make trades wait for another whole timeout.
//!
//! Where the others needed so long that the leader's share would go beyond the timeout, something has most likely
//! ended meanwhile: a catalog that was stopped answers again, say, and who asked it last has its answer first. Then
//! everybody is asked once more. *Otherwise: a leader that a thousand trades wait for is deposed in the very moment in
//! which it could go on.*

use std::collections::{BTreeMap, BTreeSet};

use wire::ids::ReplicaId;
use wire::internal::PingReply;

/// The leader may take so many times as long as the slowest of the others took.
const LEADER_TIMES: u64 = 3;
/// And always so long: a flush that waits behind what clients have just asked for.
const LEADER_LEAST_US: u64 = 30_000;

/// Who has proved that it could lead, and who still may.
#[derive(Clone, Debug)]
pub struct Contest {
    leader: ReplicaId,
    pending: BTreeSet<ReplicaId>,
    proofs: BTreeMap<ReplicaId, PingReply>,
    /// When the last of the others had answered, or had had its time.
    others_us: u64,
    /// When the last of the others that proved it had.
    proved_us: u64,
}

impl Contest {
    /// `members` have just been asked, `leader` among them.
    pub fn among(members: impl IntoIterator<Item = ReplicaId>, leader: ReplicaId) -> Self {
        let pending = members.into_iter().collect();
        Self { leader, pending, proofs: BTreeMap::new(), others_us: 0, proved_us: 0 }
    }

    /// Takes what `replica` answered, `now_us` after it was asked; `None` if that is no proof, or it has had its time.
    pub fn take(&mut self, replica: ReplicaId, proof: Option<PingReply>, now_us: u64) {
        if !self.pending.remove(&replica) {
            return;
        }
        if replica != self.leader {
            self.others_us = self.others_us.max(now_us);
            if proof.is_some() {
                self.proved_us = now_us;
            }
        }
        self.proofs.extend(proof.map(|proof| (replica, proof)));
    }

    /// How long after everybody was asked those who have not answered are to be waited for; `u64::MAX` as long as they
    /// have time, 0 if there is nobody left.
    #[must_use]
    pub fn waits_until_us(&self) -> u64 {
        if self.pending.is_empty() {
            return 0;
        }
        let is_leader_alone = self.pending.iter().all(|id| *id == self.leader);
        if !is_leader_alone || self.proofs.is_empty() {
            return u64::MAX;
        }
        self.others_us.saturating_mul(LEADER_TIMES).max(LEADER_LEAST_US)
    }

    /// Whether that says who is better: somebody else has proved it, and the leader either has as well or has had its
    /// share of the `timeout_us` after which no answer is a proof; or nobody has, and there is nothing to choose.
    #[must_use]
    pub fn is_conclusive(&self, timeout_us: u64) -> bool {
        let is_better = !self.proofs.is_empty() && !self.proofs.contains_key(&self.leader);
        !is_better || self.proved_us.saturating_mul(LEADER_TIMES) <= timeout_us
    }

    /// Who has proved it.
    #[must_use]
    pub fn into_proofs(self) -> BTreeMap<ReplicaId, PingReply> {
        self.proofs
    }
}

#[cfg(test)]
mod tests {
    use wire::ids::{Identity, Incarnation};

    use super::*;

    fn proof(id: u8) -> PingReply {
        let (incarnation, disk) = (Incarnation::new("x"), Identity::new("d"));
        PingReply::of_new(ReplicaId(id), incarnation.unwrap(), disk.unwrap())
    }

    fn proves(contest: &mut Contest, id: u8, now_us: u64) {
        contest.take(ReplicaId(id), Some(proof(id)), now_us);
    }

    fn three() -> Contest {
        Contest::among([1, 2, 3].map(ReplicaId), ReplicaId(3))
    }

    #[test]
    fn the_others_are_waited_for_since_any_log_may_be_the_longest() {
        let mut contest = three();
        proves(&mut contest, 3, 1_000);
        proves(&mut contest, 2, 2_000);
        assert_eq!(contest.waits_until_us(), u64::MAX);
        contest.take(ReplicaId(1), None, 300_000);
        assert_eq!(contest.waits_until_us(), 0);
        assert_eq!(contest.into_proofs().into_keys().collect::<Vec<_>>(), [2, 3].map(ReplicaId));
    }

    #[test]
    fn the_leader_may_take_some_times_as_long_as_the_slowest_of_the_others() {
        let mut contest = three();
        proves(&mut contest, 1, 50_000);
        proves(&mut contest, 2, 40_000);
        assert_eq!(contest.waits_until_us(), 150_000);
        let mut quick = three();
        proves(&mut quick, 1, 2_000);
        proves(&mut quick, 2, 3_000);
        assert_eq!(quick.waits_until_us(), LEADER_LEAST_US);
    }

    #[test]
    fn the_leader_has_all_its_time_as_long_as_nobody_else_has_proved_anything() {
        let mut contest = three();
        contest.take(ReplicaId(1), None, 1_000);
        contest.take(ReplicaId(2), None, 2_000);
        assert_eq!(contest.waits_until_us(), u64::MAX);
        proves(&mut contest, 3, 250_000);
        assert_eq!(contest.waits_until_us(), 0);
    }

    #[test]
    fn what_the_others_proved_late_says_nothing_about_a_leader_that_had_no_time_left() {
        let mut late = three();
        late.take(ReplicaId(3), None, 290_000);
        late.take(ReplicaId(2), None, 290_000);
        proves(&mut late, 1, 291_000);
        assert!(!late.is_conclusive(300_000));
        assert!(late.is_conclusive(900_000), "it had three times as long");
        let mut early = three();
        proves(&mut early, 1, 2_000);
        proves(&mut early, 2, 3_000);
        assert!(early.is_conclusive(300_000));
        let mut beside_a_hanging_member = three();
        proves(&mut beside_a_hanging_member, 1, 2_000);
        for id in [2, 3] {
            beside_a_hanging_member.take(ReplicaId(id), None, 300_000);
        }
        assert!(beside_a_hanging_member.is_conclusive(300_000));
        let mut nobody = three();
        for id in [1, 2, 3] {
            nobody.take(ReplicaId(id), None, 300_000);
        }
        assert!(nobody.is_conclusive(300_000), "nobody is better");
        let mut leader = three();
        proves(&mut leader, 1, 290_000);
        proves(&mut leader, 2, 290_000);
        proves(&mut leader, 3, 295_000);
        assert!(leader.is_conclusive(300_000), "the leader stays");
    }

    #[test]
    fn who_was_not_asked_proves_nothing() {
        let mut contest = Contest::among([2, 3].map(ReplicaId), ReplicaId(3));
        proves(&mut contest, 1, 1_000);
        assert!(contest.into_proofs().is_empty());
    }
}
