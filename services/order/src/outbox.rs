//! What a replica's thread has others do for it on the network: each a task that reports back to
//! the thread's queue.

use std::collections::BTreeMap;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use base::http::{Call, CallError, Peers, Reply};
use base::planted::{self, Planted, Point};
use base::process::{StateOwner, monotonic_us};
use base::tasks;
use hyper::StatusCode;
use tokio::runtime;
use tokio::sync::{mpsc, watch};
use wire::bazaar::ErrorBody;
use wire::configuration::{Configuration, MembershipRequest};
use wire::headers;
use wire::ids::{Epoch, ReplicaId};
use wire::internal::{Append, AppendReply, FillRequest, Part, ProofRequest, UnnumberedRequest};

use super::actor::{Input, MadeAnswer};
use super::backoff::Backoff;
use super::reach::Reach;
use super::replica::Status;

/// A list of unnumbered trades needs a flush of the catalog's disk and an invalidation.
const LIST_TIMEOUT: Duration = Duration::from_secs(2);
/// A change of the in-sync set needs a flush of the front-end's disk.
const MEMBERSHIP_TIMEOUT: Duration = Duration::from_secs(1);
/// Between two requests for the same change, so that a front-end that refuses is not hammered.
const MEMBERSHIP_PAUSE: Duration = Duration::from_millis(10);

/// Who the others are and how they are reached.
#[derive(Clone, Debug)]
pub(super) struct Outbox {
    /// Every other replica.
    pub(super) replicas: BTreeMap<ReplicaId, SocketAddr>,
    /// The front-end.
    pub(super) front_end: SocketAddr,
    /// The catalog.
    pub(super) catalog: SocketAddr,
    /// How long a follower may take to answer before it counts as failed.
    pub(super) append_timeout: Duration,
    /// Where it is noted who answers.
    pub(super) reach: Reach,
    /// Connections.
    pub(super) peers: Peers,
    /// What is planted.
    pub(super) planted: Planted,
    /// Where the tasks run.
    pub(super) runtime: runtime::Handle,
    /// Where they report.
    pub(super) inputs: mpsc::WeakSender<Input>,
    /// Whether their epoch still matters.
    pub(super) status: watch::Receiver<Status>,
}

impl Outbox {
    /// Sends each follower its message and reports the answers. The replica's thread wakes the runtime once for all
    /// of them: a task that another thread spawns costs a system call.
    pub(super) fn append_all(&self, messages: Vec<(ReplicaId, Append)>) {
        if messages.is_empty() {
            return;
        }
        let outbox = self.clone();
        self.have_done(async move {
            for (to, message) in messages {
                outbox.append(to, message);
            }
        });
    }

    fn append(&self, to: ReplicaId, message: Append) {
        let Some(address) = self.replicas.get(&to).copied() else { return };
        let outbox = self.clone();
        self.have_done(async move {
            let epoch = message.epoch;
            outbox.planted.stretches.pass(Point::Append).await;
            let began_us = monotonic_us();
            let answer = outbox.exchange(address, &message).await;
            match answer {
                Some(_) => outbox.reach.answered(Part::Replica(to)),
                None => outbox.reach.failed(Part::Replica(to), began_us),
            }
            let took_us = monotonic_us().saturating_sub(began_us);
            outbox.report(Input::PeerAnswered(epoch, to, answer, took_us)).await;
        });
    }

    async fn exchange(&self, address: SocketAddr, message: &Append) -> Option<AppendReply> {
        let call = Call::post("/sync", message).header(headers::EPOCH, message.epoch);
        let mut result = self.peers.call(address, &call, self.append_timeout).await;
        if matches!(result, Err(CallError::Broken(_))) {
            // Idle connections close for good reasons: look again at once. A message may be
            // doubled without harm.
            result = self.peers.call(address, &call, self.append_timeout).await;
        }
        match result {
            Ok(reply) if reply.status == StatusCode::OK => reply.json(),
            Ok(reply) => {
                let answer = String::from_utf8_lossy(&reply.body).into_owned();
                tracing::error!(%address, status = %reply.status, answer, "a follower refused");
                None
            }
            Err(error) => {
                tracing::debug!(%address, %error, "no answer from a follower");
                None
            }
        }
    }

    /// Gives answers to who waits for them. Many are given on the runtime's own thread, which is woken once instead of
    /// once for each.
    pub(super) fn give(&self, mut answers: Vec<MadeAnswer>) {
        match answers.len() {
            0 => {}
            1 => answers.drain(..).for_each(MadeAnswer::give),
            _ => self.have_done(async { answers.into_iter().for_each(MadeAnswer::give) }),
        }
    }

    /// Has a follower prove, within the time that it has for a message, that its disk is well.
    pub(super) fn ask_for_proof(&self, epoch: Epoch, of: ReplicaId) {
        let Some(address) = self.replicas.get(&of).copied() else { return };
        let outbox = self.clone();
        self.have_done(async move {
            let call = Call::post("/prove", &ProofRequest { reach: false });
            let reply = outbox.peers.call(address, &call, outbox.append_timeout).await;
            let is_proved = reply.is_ok_and(|reply| reply.status == StatusCode::OK);
            tracing::info!(replica = %of, is_proved, "asked whether its disk is well again");
            outbox.report(Input::PeerProved(epoch, of, is_proved)).await;
        });
    }

    /// Asks the front-end for a change of the in-sync set and reports the configuration that it
    /// answers with, whichever way it decided.
    pub(super) fn change_membership(&self, request: MembershipRequest) {
        let outbox = self.clone();
        self.have_done(async move {
            let call = Call::post("/configuration/members", &request);
            let reply = outbox.peers.call(outbox.front_end, &call, MEMBERSHIP_TIMEOUT).await;
            let answer: Option<Configuration> = reply.ok().and_then(|reply| reply.json());
            if answer.as_ref().is_none_or(|answer| answer.version <= request.version) {
                tokio::time::sleep(MEMBERSHIP_PAUSE).await;
            }
            outbox.report(Input::MembershipAnswered(request.epoch, answer)).await;
        });
    }

    /// Asks the catalog for applied trades until it answers, or the epoch is over.
    pub(super) fn list(&self, request: UnnumberedRequest) {
        let epoch = request.epoch;
        let call = Call::post("/unnumbered", &request);
        self.ask_catalog(epoch, call, move |reply| Some(Input::Listed(epoch, reply.json()?)));
    }

    /// Gives the catalog what it lacks until it answers, or the epoch is over. A piece that comes twice
    /// does no harm.
    pub(super) fn fill(&self, request: FillRequest) {
        let epoch = request.epoch;
        let call = Call::post("/fill", &request);
        self.ask_catalog(epoch, call, move |reply| Some(Input::Filled(epoch, reply.json()?)));
    }

    /// Repeats `call` until the catalog answers it, or the epoch is over.
    fn ask_catalog(
        &self,
        epoch: Epoch,
        call: Call,
        report: impl Fn(&Reply) -> Option<Input> + Send + Sync + 'static,
    ) {
        let outbox = self.clone();
        self.have_done(async move {
            let mut backoff = Backoff::default();
            let mut refusal = None;
            while outbox.leads(epoch) {
                match outbox.peers.call(outbox.catalog, &call, LIST_TIMEOUT).await {
                    Ok(reply) if reply.status == StatusCode::OK => {
                        if let Some(input) = report(&reply) {
                            return outbox.report(input).await;
                        }
                    }
                    Ok(reply) => {
                        // A newer epoch has begun; without one in it, the catalog is another bazaar's.
                        if let Some(newer) = reply.header::<Epoch>(headers::EPOCH) {
                            return outbox.report(Input::SawEpoch(newer)).await;
                        }
                        let reason = reply.json::<ErrorBody>().map(|body| body.error.message);
                        if reason != refusal {
                            let (status, reason) = (reply.status, reason.as_deref());
                            tracing::warn!(%status, reason, "the catalog does not answer yet");
                        }
                        refusal = reason;
                    }
                    Err(error) => tracing::debug!(%error, "the catalog does not answer"),
                }
                backoff.wait().await;
            }
        });
    }

    /// Has a task do `work`. The thread counts on the report at its end, so a panic ends the process
    /// (rule G4). *Otherwise: a message to a follower stays in flight for ever, and so does anybody who waits
    /// for the number in it.*
    fn have_done(&self, work: impl Future<Output = ()> + Send + 'static) {
        let panics = self.planted.panics;
        tasks::spawn_on(&self.runtime, async move {
            let _owner = StateOwner::new("a task that calls others");
            panics.pass(planted::Part::Outbox);
            work.await;
        });
    }

    /// Until its thread has said so, a new leader's status does not show the epoch yet; it is not
    /// over before a newer one is seen.
    fn leads(&self, epoch: Epoch) -> bool {
        let status = self.status.borrow();
        status.epoch < epoch || (status.epoch == epoch && status.leading)
    }

    async fn report(&self, input: Input) {
        let Some(inputs) = self.inputs.upgrade() else { return };
        // The thread has ended: so has the process, nearly.
        let _ = inputs.send(input).await;
    }
}
