//! Failure detection and elections: the only task that chooses leaders.
//!
//! Pings bring observations, the [`Judge`] says whether they are reason to doubt the leader, and
//! doubt leads to a [round](super::election) among the in-sync replicas whose outcome the
//! [`Membership`] stores, or refuses because the configuration has changed since. One task does
//! all of it, so elections never overlap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use base::planted::{Bugs, Panics, Part, Planted};
use base::process::{StateOwner, monotonic_us};
use base::tasks::Tasks;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use wire::configuration::{Cause, Configuration};
use wire::ids::{Epoch, OrderNo, ReplicaId};
use wire::internal::{CatalogStatus, PingReply};

mod obstacles;
mod start;
pub mod step;

use super::configuration::{Ballot, Refused};
use super::election::{self, Round};
use super::gray_failure::{Doubt, Evidence, Patience};
use super::membership::{Membership, Standing};
use super::pinger::{PINGING, Pinger};
use super::start_check::StartError;
use super::suspicion::{Judge, Leadership, Observation, Outcome};
use obstacles::Obstacles;
use step::{Election, Situation, Step};

/// How often it is written down what is known to be committed, if nothing else is written (rule L3).
const FLOOR_PERIOD: Duration = Duration::from_secs(5);

/// Watches the leader, and replaces it.
#[derive(Debug)]
pub struct Detector {
    membership: Arc<Membership>,
    pinger: Arc<Pinger>,
    observations: mpsc::Receiver<Observation>,
    timeout_us: u64,
    /// Every configured replica, but for those that the operator leaves out (rule L7).
    everybody: BTreeSet<ReplicaId>,
    /// What the catalog said last.
    catalog: watch::Receiver<Option<CatalogStatus>>,
    obstacles: Obstacles,
    /// Why there is no leader, as it was said last: every round finds it anew, and it is said once.
    leaderless: Option<String>,
    judge: Judge,
    patience: Patience,
    /// The question under way who could do better than a leader that is doubted: at most one.
    contests: Tasks<Proved>,
    retry_period: Duration,
    /// The epoch whose leader is known to serve, so that it is noted once.
    serving: Option<Epoch>,
    tasks: Tasks<()>,
    /// What is known to be committed, on its way to the disk: at most one.
    floors: Tasks<()>,
    bugs: Bugs,
    panics: Panics,
}

/// Who has proved to be able to lead.
#[derive(Debug)]
struct Proved {
    /// What was current before anybody was asked.
    current: Arc<Configuration>,
    /// What the doubted leader knew to be committed.
    committed: OrderNo,
    suspected_us: u64,
    proofs: BTreeMap<ReplicaId, PingReply>,
}

impl Detector {
    /// A detector; [`run`](Self::run) does everything.
    #[must_use]
    pub fn new(
        membership: Arc<Membership>,
        pinger: Arc<Pinger>,
        observations: mpsc::Receiver<Observation>,
        everybody: BTreeSet<ReplicaId>,
        catalog: watch::Receiver<Option<CatalogStatus>>,
        ping_period: Duration,
        ping_timeout: Duration,
    ) -> Self {
        let timeout_us = u64::try_from(ping_timeout.as_micros()).unwrap_or(u64::MAX);
        Self {
            membership,
            pinger,
            observations,
            timeout_us,
            everybody,
            catalog,
            obstacles: Obstacles::new(timeout_us),
            leaderless: None,
            judge: Judge::new(timeout_us),
            patience: Patience::new(timeout_us),
            contests: Tasks::new(),
            retry_period: ping_period,
            serving: None,
            tasks: Tasks::new(),
            floors: Tasks::new(),
            bugs: Bugs::default(),
            panics: Panics::default(),
        }
    }

    /// The same detector with something planted in it.
    #[must_use]
    pub fn with_planted(self, planted: Planted) -> Self {
        let Planted { bugs, panics, .. } = planted;
        let (judge, patience) = (self.judge.with_bugs(bugs), self.patience.with_bugs(bugs));
        Self { judge, patience, bugs, panics, ..self }
    }

    /// Brings about a leader, then watches it for as long as it is polled. Returns only if the
    /// front-end must not serve.
    pub async fn run(mut self) -> StartError {
        let _owner = StateOwner::new("the task that chooses leaders");
        self.panics.pass(Part::Detector);
        let begun = match self.membership.configuration() {
            None => self.begin().await,
            Some(_) => self.begin_again().await,
        };
        if let Err(error) = begun {
            return error;
        }
        for replica in self.pinger.replicas() {
            self.tasks.spawn(Arc::clone(&self.pinger).keep_pinging(replica));
        }
        let mut floor = tokio::time::interval(FLOOR_PERIOD);
        floor.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(observation) = self.observations.recv() => self.consider(observation).await,
                Some(ended) = self.contests.join_next() => match ended {
                    Ok(contest) => self.decide(contest).await,
                    Err(error) => panic!("candidates could not be asked: {error}"),
                },
                // Another program may hold the file's lock; that must not hold up elections by itself.
                _ = floor.tick(), if self.floors.is_empty() => {
                    let membership = Arc::clone(&self.membership);
                    self.floors.spawn(async move { membership.store_floor().await });
                }
                Some(_) = self.floors.join_next() => {}
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a pinging task ended abnormally");
                    }
                }
            }
        }
    }

    async fn consider(&mut self, observation: Observation) {
        let Some(configuration) = self.membership.configuration() else { return };
        if let Outcome::Answered(reply) = &observation.outcome {
            self.membership.note_committed(reply);
        }
        let verdict = self.judge.judge(&observation);
        self.note_serving(&observation).await;
        let is_leaderless = self.membership.standing() == Standing::Leaderless;
        let candidates = self.candidates(&configuration);
        let situation = Situation {
            configuration: &configuration,
            candidates: &candidates,
            is_leaderless,
            timeout_us: self.timeout_us,
            bugs: self.bugs,
        };
        let step = situation.step(&observation, verdict);
        if is_leaderless && matches!(step, Step::Trust | Step::Contest(..)) {
            self.membership.set_standing(Standing::Led);
        }
        match step {
            Step::Nothing => {}
            Step::Trust => {
                self.patience.trusted(observation.ended_us);
                self.look_at_obstacle(&configuration, &observation).await;
            }
            Step::Contest(doubt, reply) => {
                if self.patience.doubted(observation.ended_us) {
                    self.contest(configuration, doubt, &reply, observation.suspected_us());
                }
            }
            Step::Elect(election) => self.elect(&configuration, election).await,
        }
    }

    fn round(&self, members: impl IntoIterator<Item = ReplicaId>) -> Round {
        Round::among(members, self.timeout_us).with_bugs(self.bugs)
    }

    fn candidates(&self, configuration: &Configuration) -> Vec<ReplicaId> {
        step::candidates(configuration, self.pinger.replicas(), self.bugs)
    }

    /// Asks everybody, and gives the leadership to the best of them, unless the leader turns out to lead all the
    /// same and may stay.
    async fn elect(&mut self, current: &Configuration, election: Election) {
        let Election { round, cause, leader_may_stay, suspected_us } = election;
        let answered = election::ask(&self.pinger, round).await;
        if leader_may_stay && self.judge.keeps(&answered) {
            tracing::info!(leader = %current.leader, "the leader is slow, but alive");
            self.judge.ignore_before(monotonic_us());
            self.leaderless = None;
            self.membership.set_standing(Standing::Led);
            return;
        }
        self.conclude(current, answered, cause, suspected_us).await;
    }

    /// The leader answers and cannot work (rule G1): asks everybody who may lead, itself included, to
    /// prove that they can.
    fn contest(
        &mut self,
        current: Arc<Configuration>,
        doubt: Doubt,
        reply: &PingReply,
        suspected_us: u64,
    ) {
        tracing::warn!(leader = %current.leader, %doubt, "the leader is doubted; who can do better?");
        let committed = reply.committed;
        let (members, evidence) = (self.candidates(&current), Evidence::wanted(self.bugs));
        let pinger = Arc::clone(&self.pinger);
        self.contests.spawn(async move {
            let proofs = election::prove(&pinger, members, current.leader, evidence).await;
            Proved { current, committed, suspected_us, proofs }
        });
    }

    /// Everybody has had the time to prove it.
    async fn decide(&mut self, proved: Proved) {
        let Proved { current, committed, suspected_us, proofs } = proved;
        let leader = current.leader;
        let better = self.patience.better(leader, committed, proofs);
        let elected = match better {
            Some(better) => {
                self.conclude(&current, better, Cause::GrayFailure, Some(suspected_us)).await
            }
            None => {
                tracing::info!(%leader, "nobody has proved to be better than the leader; it stays");
                false
            }
        };
        self.patience.concluded(elected.then_some(leader), monotonic_us());
    }

    /// Stores the outcome of a round that was based on the configuration `current`. Whether somebody was
    /// elected.
    async fn conclude(
        &mut self,
        current: &Configuration,
        answered: BTreeMap<ReplicaId, PingReply>,
        cause: Cause,
        suspected_us: Option<u64>,
    ) -> bool {
        let catalog = self.catalog.borrow().clone();
        self.conclude_with(current, answered, catalog, cause, suspected_us).await
    }

    /// The same, by what the catalog has said just now.
    async fn conclude_with(
        &mut self,
        current: &Configuration,
        answered: BTreeMap<ReplicaId, PingReply>,
        catalog: Option<CatalogStatus>,
        cause: Cause,
        suspected_us: Option<u64>,
    ) -> bool {
        let everybody = self.everybody.iter().all(|id| answered.contains_key(id));
        let ballot = Ballot {
            based_on: current.version,
            answered,
            everybody,
            // Nobody else asks after a fence, and has a catalog's new file in mind (rule L7).
            fenced: cause == Cause::ByEverybody,
            catalog,
            cause,
            suspected_us,
        };
        match self.membership.elect(ballot).await {
            Ok(elected) => {
                self.led_by(&elected);
                return true;
            }
            Err(Refused::Stale(_)) => {
                // The leader has removed or added somebody meanwhile, so it may well be alive.
                self.judge.ignore_before(monotonic_us());
                self.pinger.doubt(current.leader);
            }
            Err(refused) if matches!(cause, Cause::GrayFailure | Cause::ByEverybody) => {
                tracing::info!(%refused, "the leader stays");
            }
            Err(refused) => {
                let why = refused.to_string();
                if self.leaderless.as_ref() != Some(&why) {
                    tracing::warn!(refused = why, "there is no leader for the time being");
                }
                let is_lost = matches!(refused, Refused::Lost(_));
                self.membership.set_trouble(is_lost.then(|| why.clone()));
                self.leaderless = Some(why);
                self.judge.ignore_before(monotonic_us());
                self.membership.set_standing(Standing::Leaderless);
            }
        }
        false
    }

    /// A leadership has begun: everybody is told at once, the new leader by this very ping.
    fn led_by(&mut self, configuration: &Configuration) {
        self.membership.set_trouble(None);
        self.leaderless = None;
        let (leader, epoch) = (configuration.leader, configuration.epoch);
        let incarnation = configuration.leader_incarnation.clone();
        self.obstacles = Obstacles::new(self.timeout_us);
        self.judge.begin(Leadership { leader, epoch, incarnation, began_us: monotonic_us() });
        for replica in self.pinger.replicas() {
            let pinger = Arc::clone(&self.pinger);
            self.tasks.spawn(async move {
                let _owner = StateOwner::new(PINGING);
                pinger.ping_and_report(replica).await;
            });
        }
        let pinger = Arc::clone(&self.pinger);
        self.tasks.spawn(async move {
            let _owner = StateOwner::new(PINGING);
            pinger.await_serving(leader, epoch).await;
        });
    }

    async fn note_serving(&mut self, observation: &Observation) {
        let Outcome::Answered(reply) = &observation.outcome else { return };
        if reply.serving && self.serving != Some(reply.epoch) && self.judge.is_leading(reply) {
            self.serving = Some(reply.epoch);
            self.membership.note_serving(reply.epoch, observation.ended_us).await;
        }
    }
}
