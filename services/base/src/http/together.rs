//! Calls that travel together: those that are made to one address in the same turn of the runtime share a request.
//!
//! Whoever makes one sees no difference. Each has the answer that it would have had alone, as soon as it is
//! there; and what is certain of a shared request that failed is what is certain of each call in it that has
//! no answer yet (rule E4). One that has nobody to travel with is sent as it is.

use std::collections::BTreeMap;
use std::mem;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Limited};
use hyper::StatusCode;
use hyper::body::Incoming;
use tokio::sync::oneshot;
use wire::internal::{MAX_TOGETHER, MemberAnswer, TogetherRequest};
use wire::json::FromJson;

use super::client::{Call, CallError, MAX_ANSWER_BYTES, Peers, Reply, broken};
use super::members;
use crate::tasks::{self, Boxed};

/// Who waits for an answer.
type Asker = oneshot::Sender<Result<Reply, CallError>>;

/// A call that is about to be sent.
#[derive(Debug)]
struct Member {
    call: Call,
    timeout: Duration,
    asker: Asker,
}

/// Calls to others that travel together. Clones share what they gather.
#[derive(Clone, Debug)]
pub struct Together {
    peers: Peers,
    /// The calls of this turn, by where they go.
    gathered: Arc<Mutex<BTreeMap<SocketAddr, Vec<Member>>>>,
}

impl Together {
    /// They go over these connections.
    #[must_use]
    pub fn new(peers: Peers) -> Self {
        Self { peers, gathered: Arc::default() }
    }

    /// Like [`Peers::call`], for an endpoint that takes trades: in one request with all other such calls to
    /// `address` that are made in the same turn. If the caller leaves, a request that others share goes on.
    // Never inlined, as that one.
    #[inline(never)]
    pub fn call(
        &self,
        address: SocketAddr,
        call: Call,
        timeout: Duration,
    ) -> Boxed<'_, Result<Reply, CallError>> {
        Box::pin(async move {
            let (asker, told) = oneshot::channel();
            if self.add(address, Member { call, timeout, asker }) {
                tasks::spawn(self.clone().send_off(address));
            }
            match tokio::time::timeout(timeout, told).await {
                Ok(Ok(result)) => result,
                Ok(Err(_)) => Err(CallError::Broken("the task that asked has ended".to_owned())),
                Err(_) => Err(CallError::Timeout(timeout)),
            }
        })
    }

    /// Says whether it is the first one of its turn.
    fn add(&self, address: SocketAddr, member: Member) -> bool {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        let members = gathered.entry(address).or_default();
        members.push(member);
        members.len() == 1
    }

    fn take(&self, address: SocketAddr) -> Vec<Member> {
        let mut gathered = self.gathered.lock().unwrap_or_else(PoisonError::into_inner);
        gathered.get_mut(&address).map(mem::take).unwrap_or_default()
    }

    /// Runs once the tasks have that were ready when the first of these calls was made.
    async fn send_off(self, address: SocketAddr) {
        let mut members = self.take(address);
        while members.len() > MAX_TOGETHER {
            let rest = members.split_off(MAX_TOGETHER);
            tasks::spawn(self.clone().ask_for(address, members));
            members = rest;
        }
        self.ask_for(address, members).await;
    }

    async fn ask_for(self, address: SocketAddr, mut members: Vec<Member>) {
        if members.len() == 1
            && let Some(Member { call, timeout: _, mut asker }) = members.pop()
        {
            tokio::select! {
                result = self.peers.exchange(address, &call) => drop(asker.send(result)),
                () = asker.closed() => {}
            }
            return;
        }
        let longest = members.iter().map(|member| member.timeout).max().unwrap_or_default();
        let (requests, mut askers): (Vec<_>, Vec<_>) = members
            .into_iter()
            .map(|member| (member.call.into_member(), Some(member.asker)))
            .unzip();
        let asked = self.ask_all(address, TogetherRequest { requests }, &mut askers);
        let failure = match tokio::time::timeout(longest, asked).await {
            Ok(Ok(())) => CallError::Broken("the answer to others lacks this one's".to_owned()),
            Ok(Err(failure)) => failure,
            Err(_) => CallError::Timeout(longest),
        };
        // Here and below: an asker that has left needs no answer.
        for asker in askers.into_iter().flatten() {
            let _ = asker.send(Err(failure.clone()));
        }
    }

    /// Answers askers one by one, until the whole answer is read.
    async fn ask_all(
        &self,
        address: SocketAddr,
        together: TogetherRequest,
        askers: &mut [Option<Asker>],
    ) -> Result<(), CallError> {
        let call = Call::post("/together", &together);
        let response = self.peers.begin(address, &call).await?;
        if response.status() == StatusCode::OK {
            return each(response.into_body(), askers).await;
        }
        // It was refused as a whole, and so was each.
        let reply = Reply::read(response).await?;
        self.peers.look_at(&reply, address, &call);
        for asker in askers.iter_mut().filter_map(Option::take) {
            let _ = asker.send(Ok(reply.clone()));
        }
        Ok(())
    }
}

async fn each(body: Incoming, askers: &mut [Option<Asker>]) -> Result<(), CallError> {
    let mut body = Limited::new(body, MAX_ANSWER_BYTES);
    let mut unread = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(broken)?.into_data() else { continue };
        unread.extend_from_slice(&data);
        while let Some(end) = unread.iter().position(|byte| *byte == b'\n') {
            let answer = MemberAnswer::from_json(&unread.split_to(end + 1)).map_err(broken)?;
            let asker = askers.get_mut(answer.member).and_then(Option::take);
            let asker = asker.ok_or_else(|| broken("an answer that nobody waits for"))?;
            let _ = asker.send(reply(answer));
        }
    }
    Ok(())
}

fn reply(answer: MemberAnswer) -> Result<Reply, CallError> {
    let headers = members::headers(answer.headers).map_err(broken)?;
    let status = StatusCode::from_u16(answer.status).map_err(broken)?;
    Ok(Reply { status, headers, body: Bytes::from(answer.body) })
}
