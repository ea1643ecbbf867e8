//! Pings: how the front-end learns who is alive, and how everybody learns the configuration.
//!
//! Every ping carries the newest configuration, so anybody who missed an announcement gets it with the
//! next (rule R1). A broken connection elsewhere in the front-end causes an immediate ping and
//! nothing more: idle connections are closed for good reasons too (rule R9).

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use base::http::{Call, CallError, Peers};
use base::planted::{Bugs, Panics, Part, Planted};
use base::process::{StateOwner, monotonic_us};
use hyper::StatusCode;
use tokio::sync::{Notify, mpsc};
use tokio::time::MissedTickBehavior;
use wire::configuration::Fence;
use wire::headers;
use wire::ids::{Epoch, ReplicaId};
use wire::internal::{CatalogStatus, PingReply, ProofRequest};
use wire::json::ToJson;

use super::membership::Membership;
use super::suspicion::{Observation, Outcome, Reaction};

/// How often a ping is sent again at once because its connection broke. A process that is being
/// killed may still accept a connection and then drop it; the next one is refused.
const MAX_BROKEN: usize = 3;
/// How much later than asked for a timeout may fire before it says more about this process
/// (paused, or starved) than about the replica.
const MAX_LATENESS: Duration = Duration::from_millis(50);
/// Observations that wait to be considered. More are dropped: pings repeat.
const MAX_OBSERVATIONS: usize = 64;
/// Between two questions whether a new leader serves yet; also how exactly that moment is known.
const SERVING_POLL: Duration = Duration::from_millis(2);
/// What is told has to reach a disk before it is answered.
const TELL_TIMEOUT: Duration = Duration::from_secs(1);
/// After so many the periodic pings have to do.
const MAX_SERVING_POLLS: usize = 500;

/// What a task that pings is called if it panics.
pub(super) const PINGING: &str = "a task that pings";

/// Pings the replicas.
#[derive(Debug)]
pub struct Pinger {
    peers: Peers,
    membership: Arc<Membership>,
    targets: BTreeMap<ReplicaId, Target>,
    catalog: SocketAddr,
    period: Duration,
    timeout: Duration,
    observations: mpsc::Sender<Observation>,
    bugs: Bugs,
    panics: Panics,
}

#[derive(Debug)]
struct Target {
    address: SocketAddr,
    ping_now: Notify,
    /// When a call to it first failed since it last answered a ping; 0 if none has.
    doubted_us: AtomicU64,
}

impl Pinger {
    /// A pinger, and where its observations come out.
    #[must_use]
    pub fn new(
        peers: Peers,
        membership: Arc<Membership>,
        replicas: &BTreeMap<ReplicaId, SocketAddr>,
        catalog: SocketAddr,
        period: Duration,
        timeout: Duration,
        planted: Planted,
    ) -> (Arc<Self>, mpsc::Receiver<Observation>) {
        let (observations, receiver) = mpsc::channel(MAX_OBSERVATIONS);
        let target = |(id, address): (&ReplicaId, &SocketAddr)| {
            let target = Target {
                address: *address,
                ping_now: Notify::new(),
                doubted_us: AtomicU64::new(0),
            };
            (*id, target)
        };
        let targets = replicas.iter().map(target).collect();
        let Planted { bugs, panics, .. } = planted;
        let pinger = Self {
            peers,
            membership,
            targets,
            catalog,
            period,
            timeout,
            observations,
            bugs,
            panics,
        };
        (Arc::new(pinger), receiver)
    }

    /// After so many microseconds no answer has come.
    #[must_use]
    pub fn timeout_us(&self) -> u64 {
        u64::try_from(self.timeout.as_micros()).unwrap_or(u64::MAX)
    }

    /// All replicas.
    pub fn replicas(&self) -> impl Iterator<Item = ReplicaId> + '_ {
        self.targets.keys().copied()
    }

    /// Where a replica listens, if it is one of ours.
    #[must_use]
    pub fn address(&self, replica: ReplicaId) -> Option<SocketAddr> {
        self.targets.get(&replica).map(|target| target.address)
    }

    /// A call to `replica` has failed: look into it at once.
    pub fn doubt(&self, replica: ReplicaId) {
        if let Some(target) = self.targets.get(&replica) {
            let _ = target.doubted_us.compare_exchange(
                0,
                monotonic_us(),
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
            match Reaction::to_failed_call(self.bugs) {
                Reaction::Ping => target.ping_now.notify_one(),
                Reaction::Report(outcome) => self.report(replica, outcome),
            }
        }
    }

    fn report(&self, replica: ReplicaId, outcome: Outcome) {
        let (sent_us, doubted_us) = (monotonic_us(), None);
        let seen = Observation { replica, sent_us, ended_us: sent_us, doubted_us, outcome };
        // Full means that the detector has enough to think about.
        let _ = self.observations.try_send(seen);
    }

    /// Pings `replica` periodically, and at once when there is doubt.
    pub async fn keep_pinging(self: Arc<Self>, replica: ReplicaId) {
        let _owner = StateOwner::new(PINGING);
        self.panics.pass(Part::Pinger);
        let Some(target) = self.targets.get(&replica) else { return };
        let mut period = tokio::time::interval(self.period);
        period.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _ = period.tick() => {}
                () = target.ping_now.notified() => {}
            }
            self.ping_and_report(replica).await;
        }
    }

    /// Pings once, and lets the detector know.
    pub async fn ping_and_report(&self, replica: ReplicaId) {
        let observation = self.ping(replica).await;
        if self.observations.try_send(observation).is_err() {
            tracing::debug!(%replica, "too many observations at once");
        }
    }

    /// Asks the new leader again and again until it serves in `epoch`, within a bound, so that the
    /// end of an outage is known to the millisecond.
    pub async fn await_serving(&self, leader: ReplicaId, epoch: Epoch) {
        for _ in 0..MAX_SERVING_POLLS {
            let configuration = self.membership.configuration();
            if configuration.is_none_or(|current| current.epoch != epoch) {
                return;
            }
            let observation = self.ping(leader).await;
            let serves = matches!(
                &observation.outcome,
                Outcome::Answered(reply) if reply.serving && reply.epoch == epoch
            );
            let answered = matches!(&observation.outcome, Outcome::Answered(_));
            if serves || !answered {
                // Full means that the detector is busy with others; the periodic pings repeat it.
                let _ = self.observations.try_send(observation);
                return;
            }
            tokio::time::sleep(SERVING_POLL).await;
        }
    }

    /// Pings once.
    pub async fn ping(&self, replica: ReplicaId) -> Observation {
        let sent_us = monotonic_us();
        let Some(target) = self.targets.get(&replica) else {
            let outcome = Outcome::Broken("not one of the configured replicas".to_owned());
            return Observation { replica, sent_us, ended_us: sent_us, doubted_us: None, outcome };
        };
        let outcome = self.outcome(replica, target.address).await;
        let doubted_us = match &outcome {
            Outcome::Answered(_) => target.doubted_us.swap(0, Ordering::Relaxed),
            _ => target.doubted_us.load(Ordering::Relaxed),
        };
        let doubted_us = Some(doubted_us).filter(|doubted_us| *doubted_us > 0);
        Observation { replica, sent_us, ended_us: monotonic_us(), doubted_us, outcome }
    }

    /// Asks the catalog about itself. It answers whatever its writer does.
    pub async fn ask_catalog(&self) -> Option<CatalogStatus> {
        let reply = self.peers.call(self.catalog, &Call::get("/ping"), self.timeout).await.ok()?;
        if reply.status == StatusCode::OK { reply.json() } else { None }
    }

    /// Has `replica` shut out every epoch below that of `fence` (rule L4). `None` if it has not.
    pub async fn fence(&self, replica: ReplicaId, fence: &Fence) -> Option<PingReply> {
        let address = self.address(replica)?;
        let call = Call::post("/fence", fence);
        match self.peers.call(address, &call, TELL_TIMEOUT).await {
            Ok(reply) if reply.status == StatusCode::OK => {
                reply.json::<PingReply>().filter(|reply| reply.id == replica)
            }
            Ok(reply) => {
                let answer = String::from_utf8_lossy(&reply.body).into_owned();
                tracing::warn!(%replica, status = %reply.status, answer, "it refuses to be fenced");
                None
            }
            Err(error) => {
                tracing::debug!(%replica, %error, "it does not answer");
                None
            }
        }
    }

    /// Has `replica` prove, within the ping timeout, that it could lead (rule G1): that it writes, and if it
    /// has to `reach` catalog and front-end, that it does. `None` if it has not.
    pub async fn prove(&self, replica: ReplicaId, reach: bool) -> Option<PingReply> {
        let address = self.address(replica)?;
        let call = Call::post("/prove", &ProofRequest { reach });
        let proving = async {
            loop {
                match self.peers.call(address, &call, self.timeout).await {
                    Ok(reply) if reply.status == StatusCode::OK => {
                        return reply.json::<PingReply>().filter(|reply| reply.id == replica);
                    }
                    Ok(reply) => {
                        tracing::debug!(%replica, status = %reply.status, "it proves nothing");
                        return None;
                    }
                    // Idle connections close for good reasons.
                    Err(CallError::Broken(_)) => tokio::task::yield_now().await,
                    Err(CallError::Refused | CallError::Timeout(_)) => return None,
                }
            }
        };
        tokio::time::timeout(self.timeout, proving).await.ok().flatten()
    }

    async fn outcome(&self, replica: ReplicaId, address: SocketAddr) -> Outcome {
        let mut broken = 0;
        let mut late = false;
        loop {
            let begun = Instant::now();
            match self.peers.call(address, &self.ping_call(), self.timeout).await {
                Ok(reply) if reply.status == StatusCode::OK => {
                    return match reply.json::<PingReply>() {
                        Some(reply) if reply.id == replica => Outcome::Answered(reply),
                        Some(other) => {
                            let id = other.id;
                            Outcome::Broken(format!("replica {id} answers at its address"))
                        }
                        None => Outcome::Broken("its answer is no ping's".to_owned()),
                    };
                }
                Ok(reply) => return Outcome::Broken(format!("it answers {}", reply.status)),
                Err(CallError::Refused) => return Outcome::Refused,
                Err(CallError::Timeout(_)) if !late => {
                    // A process that was paused itself finds every timeout expired: ask once more.
                    late = begun.elapsed() > self.timeout + MAX_LATENESS;
                    if !late {
                        return Outcome::Silent;
                    }
                }
                Err(CallError::Timeout(_)) => return Outcome::Silent,
                Err(CallError::Broken(reason)) => {
                    broken += 1;
                    if broken == MAX_BROKEN {
                        return Outcome::Broken(reason);
                    }
                }
            }
        }
    }

    fn ping_call(&self) -> Call {
        let call = Call::get("/ping");
        match self.membership.configuration() {
            None => call,
            Some(configuration) => {
                // Numbers and arrays of numbers only: always JSON, always visible ASCII.
                call.header(headers::CONFIGURATION, configuration.to_json())
            }
        }
    }
}
