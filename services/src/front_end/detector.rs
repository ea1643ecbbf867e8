//! Failure detection and elections: the only task that chooses leaders.
//!
//! Pings bring observations, the [`Judge`] says whether they are reason to doubt the leader, and
//! doubt leads to a [round](super::election) among the in-sync replicas whose outcome the
//! [`Membership`] stores, or refuses because the configuration has changed since. One task does
//! all of it, so elections never overlap.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::task::JoinSet;
use wire::configuration::{Cause, Configuration};
use wire::ids::{Epoch, ReplicaId};
use wire::internal::PingReply;

use super::beginning::{self, StartError};
use super::configuration::Refused;
use super::election::{self, Round};
use super::membership::{Ballot, Membership, Standing};
use super::pinger::Pinger;
use super::suspicion::{Judge, Leadership, Observation, Outcome, Verdict};
use crate::planted::{Bug, Bugs};
use crate::process::monotonic_us;

/// Watches the leader, and replaces it.
#[derive(Debug)]
pub struct Detector {
    membership: Arc<Membership>,
    pinger: Arc<Pinger>,
    observations: mpsc::Receiver<Observation>,
    judge: Judge,
    retry_period: Duration,
    /// The epoch whose leader is known to serve, so that it is noted once.
    serving: Option<Epoch>,
    tasks: JoinSet<()>,
    bugs: Bugs,
}

impl Detector {
    /// A detector; [`run`](Self::run) does everything.
    #[must_use]
    pub fn new(
        membership: Arc<Membership>,
        pinger: Arc<Pinger>,
        observations: mpsc::Receiver<Observation>,
        ping_period: Duration,
        ping_timeout: Duration,
    ) -> Self {
        let timeout_us = u64::try_from(ping_timeout.as_micros()).unwrap_or(u64::MAX);
        Self {
            membership,
            pinger,
            observations,
            judge: Judge::new(timeout_us),
            retry_period: ping_period,
            serving: None,
            tasks: JoinSet::new(),
            bugs: Bugs::default(),
        }
    }

    /// The same detector with bugs planted in it.
    #[must_use]
    pub fn with_bugs(self, bugs: Bugs) -> Self {
        Self { judge: self.judge.with_bugs(bugs), bugs, ..self }
    }

    /// Brings about a leader, then watches it for as long as it is polled. Returns only if the
    /// front-end must not serve.
    pub async fn run(mut self) -> StartError {
        let begun = match self.membership.configuration() {
            None => self.begin().await,
            Some(stored) => self.begin_again(stored.epoch).await,
        };
        if let Err(error) = begun {
            return error;
        }
        for replica in self.pinger.replicas() {
            self.tasks.spawn(Arc::clone(&self.pinger).keep_pinging(replica));
        }
        loop {
            tokio::select! {
                Some(observation) = self.observations.recv() => self.consider(observation).await,
                Some(ended) = self.tasks.join_next() => {
                    if let Err(error) = ended {
                        tracing::error!(%error, "a pinging task ended abnormally");
                    }
                }
            }
        }
    }

    /// The first start: every replica must answer, and none may hold anything (rule R3). A replica
    /// that is down might hold orders, and an empty one might come to lead over them.
    async fn begin(&mut self) -> Result<(), StartError> {
        let everybody: BTreeSet<ReplicaId> = self.pinger.replicas().collect();
        let mut answered: BTreeMap<ReplicaId, PingReply> = BTreeMap::new();
        loop {
            let missing: BTreeSet<ReplicaId> =
                everybody.iter().copied().filter(|id| !answered.contains_key(id)).collect();
            if missing.is_empty() {
                break;
            }
            let round = Round::among(missing).awaiting_all();
            answered.extend(election::ask(&self.pinger, round).await);
            beginning::anew(&answered, self.bugs)?;
            let missing: Vec<String> = everybody
                .iter()
                .filter(|id| !answered.contains_key(id))
                .map(ToString::to_string)
                .collect();
            if !missing.is_empty() {
                let reason = format!("waiting for replica {}", missing.join(", "));
                self.membership.set_standing(Standing::Waiting(reason.into()));
                tokio::time::sleep(self.retry_period).await;
            }
        }
        let configuration = self.membership.first(everybody).await?;
        self.led_by(&configuration, &answered);
        Ok(())
    }

    /// A restart of the front-end: the recorded leader goes on, under a new epoch (rule R4).
    async fn begin_again(&mut self, stored: Epoch) -> Result<(), StartError> {
        loop {
            if let Some(configuration) = self.membership.configuration() {
                let leader = configuration.leader;
                let candidates = self.candidates(&configuration);
                let round = Round::among(candidates).preferring(leader);
                let answered = election::ask(&self.pinger, round).await;
                beginning::again(&answered, stored)?;
                self.conclude(&configuration, answered, Cause::FrontEndRestart, None).await;
            }
            if self.membership.standing() == Standing::Led {
                return Ok(());
            }
            tokio::time::sleep(self.retry_period).await;
        }
    }

    async fn consider(&mut self, observation: Observation) {
        let Some(configuration) = self.membership.configuration() else { return };
        let verdict = self.judge.judge(&observation);
        self.note_serving(&observation).await;
        let leaderless = self.membership.standing() == Standing::Leaderless;
        let suspected_us = Some(observation.suspected_us());
        match verdict {
            Verdict::Trusted if leaderless => self.membership.set_standing(Standing::Led),
            Verdict::Trusted => {}
            Verdict::Absent => {
                tracing::debug!(?observation, "the leader did not answer");
                self.replace_leader(&configuration, suspected_us).await;
            }
            Verdict::Deposed(reply) => {
                let round = Round::among(self.candidates(&configuration)).having_heard(reply);
                let answered = election::ask(&self.pinger, round).await;
                self.conclude(&configuration, answered, Cause::LeaderRestart, suspected_us).await;
            }
            Verdict::Unrelated => {
                let answered = matches!(observation.outcome, Outcome::Answered(_));
                let other = observation.replica != configuration.leader;
                let may_lead = self.candidates(&configuration).contains(&observation.replica);
                if leaderless && answered && other && may_lead {
                    self.replace_leader(&configuration, None).await;
                }
            }
        }
    }

    /// Who may lead (rule R3).
    fn candidates(&self, configuration: &Configuration) -> Vec<ReplicaId> {
        if self.bugs.has(Bug::ElectOutOfSync) {
            self.pinger.replicas().collect()
        } else {
            configuration.in_sync.clone()
        }
    }

    /// The leader did not answer: asks everybody, and gives the leadership to somebody else,
    /// unless the leader turns out to lead all the same.
    async fn replace_leader(&mut self, current: &Configuration, suspected_us: Option<u64>) {
        let round = Round::among(self.candidates(current)).suspecting(current.leader);
        let answered = election::ask(&self.pinger, round).await;
        if self.judge.keeps(&answered) {
            tracing::info!(leader = %current.leader, "the leader is slow, but alive");
            self.judge.ignore_before(monotonic_us());
            self.membership.set_standing(Standing::Led);
            return;
        }
        self.conclude(current, answered, Cause::Election, suspected_us).await;
    }

    /// Stores the outcome of a round that was based on the configuration `current`.
    async fn conclude(
        &mut self,
        current: &Configuration,
        answered: BTreeMap<ReplicaId, PingReply>,
        cause: Cause,
        suspected_us: Option<u64>,
    ) {
        let ballot = Ballot {
            based_on: current.version,
            answered: answered.keys().copied().collect(),
            cause,
            suspected_us,
        };
        match self.membership.elect(ballot).await {
            Ok(elected) => self.led_by(&elected, &answered),
            Err(Refused::Stale(_)) => {
                // The leader has removed or added somebody meanwhile, so it may well be alive.
                self.judge.ignore_before(monotonic_us());
                self.pinger.doubt(current.leader);
            }
            Err(refused) => {
                tracing::warn!(%refused, "there is no leader for the time being");
                self.judge.ignore_before(monotonic_us());
                self.membership.set_standing(Standing::Leaderless);
            }
        }
    }

    /// A leadership has begun: everybody is told at once, the new leader by this very ping.
    fn led_by(&mut self, configuration: &Configuration, answered: &BTreeMap<ReplicaId, PingReply>) {
        let (leader, epoch) = (configuration.leader, configuration.epoch);
        // Only those that answered are elected; without a name every reply is another process's.
        let incarnation =
            answered.get(&leader).map(|reply| reply.incarnation.clone()).unwrap_or_default();
        self.judge.begin(Leadership { leader, epoch, incarnation, began_us: monotonic_us() });
        for replica in self.pinger.replicas() {
            let pinger = Arc::clone(&self.pinger);
            self.tasks.spawn(async move { pinger.ping_and_report(replica).await });
        }
        let pinger = Arc::clone(&self.pinger);
        self.tasks.spawn(async move { pinger.await_serving(leader, epoch).await });
    }

    async fn note_serving(&mut self, observation: &Observation) {
        let Outcome::Answered(reply) = &observation.outcome else { return };
        if reply.serving && self.serving != Some(reply.epoch) && self.judge.is_leading(reply) {
            self.serving = Some(reply.epoch);
            self.membership.note_serving(reply.epoch, observation.ended_us).await;
        }
    }
}
