//! A leader that says why it does not serve: what the front-end can do about it.
//!
//! If the catalog's file is new or old, an election in which every replica answers (rule L7). If the
//! leader lacks what is known to be committed, or a follower refuses its log, the leadership of somebody
//! whose log is longer (rules L2 and L3). Nothing else helps but the operator.

use std::collections::BTreeSet;

use base::process::monotonic_us;
use wire::configuration::{Cause, Configuration};
use wire::ids::ReplicaId;
use wire::internal::{Obstacle, PingReply};

use super::{Detector, Observation, Outcome};
use crate::{election, fence};

/// Between two attempts, in ping timeouts.
const PAUSE_TIMEOUTS: u64 = 2;

/// What has been tried against the obstacles of a leadership.
#[derive(Clone, Debug)]
pub(super) struct Obstacles {
    pause_us: u64,
    not_before_us: u64,
    /// What was said last, so that it is said once.
    said: Option<Obstacle>,
}

impl Obstacles {
    /// Nothing has been tried.
    pub(super) fn new(timeout_us: u64) -> Self {
        let pause_us = timeout_us.saturating_mul(PAUSE_TIMEOUTS);
        Self { pause_us, not_before_us: 0, said: None }
    }

    /// Whether something may be tried now.
    fn may_try(&mut self, obstacle: &Obstacle, now_us: u64) -> bool {
        if self.said.as_ref() != Some(obstacle) {
            tracing::warn!("the leader does not serve: {obstacle}");
            self.said = Some(obstacle.clone());
        }
        let may = now_us >= self.not_before_us;
        if may {
            self.not_before_us = now_us.saturating_add(self.pause_us);
        }
        may
    }
}

impl Detector {
    /// The leader has answered.
    pub(super) async fn look_at_obstacle(
        &mut self,
        current: &Configuration,
        observation: &Observation,
    ) {
        let Outcome::Answered(reply) = &observation.outcome else { return };
        let Some(obstacle) = reply.obstacle.as_ref().filter(|_| self.judge.is_leading(reply))
        else {
            return self.membership.set_trouble(None);
        };
        self.membership.set_trouble(Some(format!("the leader does not serve: {obstacle}")));
        if !self.obstacles.may_try(obstacle, monotonic_us()) {
            return;
        }
        match obstacle {
            Obstacle::CatalogBehind { .. } => self.elect_by_everybody(current, reply).await,
            Obstacle::ShortOfCommitted { .. } | Obstacle::Refused { .. } => {
                self.elect_longer(current, reply).await;
            }
            Obstacle::Contradiction { .. } | Obstacle::OtherBazaar { .. } => {}
        }
    }

    /// Rule L7: the catalog is filled under a leader that was elected while every replica answered. All are
    /// fenced first, so that no log grows between its answer and the choice of the longest of all.
    async fn elect_by_everybody(&mut self, current: &Configuration, leader: &PingReply) {
        let round = self.round(self.pinger.replicas()).having_heard(leader.clone());
        let (answered, catalog) =
            tokio::join!(election::ask(&self.pinger, round), self.pinger.ask_catalog());
        let missing: BTreeSet<ReplicaId> =
            self.everybody.iter().copied().filter(|id| !answered.contains_key(id)).collect();
        let Some(catalog) = catalog.filter(|_| missing.is_empty()) else {
            return tracing::info!(?missing, "the catalog is filled once these replicas answer");
        };
        let fence = fence::above(current.epoch, &answered, &catalog, &current.bazaar, self.bugs);
        let fenced = self.fence(&fence, answered.keys().copied()).await;
        match fence::by_everybody(&self.everybody, answered, fenced, self.bugs) {
            Ok(counted) => {
                let cause = Cause::ByEverybody;
                self.conclude_with(current, counted, Some(catalog), cause, None).await;
            }
            Err(missing) => {
                tracing::warn!(
                    ?missing,
                    "not every replica could be fenced; the catalog is filled later"
                );
            }
        }
    }

    /// Rule L3: the longest log leads; somebody has come back whose log is longer.
    async fn elect_longer(&mut self, current: &Configuration, leader: &PingReply) {
        let round = self.round(self.candidates(current)).having_heard(leader.clone());
        let answered = election::ask(&self.pinger, round).await;
        let is_longer = |reply: &PingReply| {
            current.is_in_sync(reply.id, &reply.identity)
                && reply.last.length() > leader.last.length()
        };
        if answered.values().any(is_longer) {
            self.conclude(current, answered, Cause::Election, None).await;
        }
    }
}
