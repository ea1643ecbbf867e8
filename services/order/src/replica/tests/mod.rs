//! The stories of the protocols' rules, told to the state machine, and a small cluster to tell
//! them with: messages are delivered by hand, in whatever order a story needs.

mod membership;
mod numbering;
mod probation;
mod takeover;

use wire::bazaar::TradeType;
use wire::configuration::{Member, Membership};
use wire::ids::{ConfigVersion, RequestId};
use wire::internal::{Append, AppliedTrade, UnnumberedReply};

use super::*;

fn trade(name: u64) -> AppliedTrade {
    trade_at(name, name)
}

/// The trade `R<name>`, applied in this place.
fn trade_at(place: u64, name: u64) -> AppliedTrade {
    AppliedTrade {
        applied_seq: OrderNo(place).place(),
        request_id: RequestId::new(format!("R{name}")).unwrap(),
        stock_name: "Stock1".to_owned(),
        trade_type: TradeType::Buy,
        quantity: 1,
    }
}

fn ids(ids: &[u8]) -> Vec<ReplicaId> {
    ids.iter().copied().map(ReplicaId).collect()
}

fn identity(id: u8) -> Identity {
    Identity::new(&format!("d{id}")).unwrap()
}

fn incarnation(name: &str) -> Incarnation {
    Incarnation::new(name).unwrap()
}

/// The incarnation of the catalog that answers in these stories.
fn catalog() -> Incarnation {
    incarnation("catalog")
}

fn configuration(version: u64, epoch: u64, leader: u8, in_sync: &[u8]) -> Configuration {
    Configuration {
        version: ConfigVersion(version),
        epoch: Epoch(epoch),
        leader: ReplicaId(leader),
        leader_incarnation: incarnation("first"),
        in_sync: in_sync
            .iter()
            .map(|id| Member { id: ReplicaId(*id), identity: identity(*id) })
            .collect(),
        bazaar: BazaarId::new("b").unwrap(),
        committed: OrderNo(0),
        by_everybody: false,
        new_catalog: None,
    }
}

/// Replica `id` of three, with a fresh disk.
fn replica(id: u8) -> Replica {
    let found = Found::nothing(identity(id));
    Replica::new(ReplicaId(id), incarnation("first"), ids(&[1, 2, 3]), found)
}

/// The same replica after a crash: what was on disk is there, nothing else. (The mark lags.)
fn restarted(before: &Replica) -> Replica {
    let flushed = before
        .leadership
        .as_ref()
        .map_or(before.log.last().order_no, |leadership| leadership.flushed);
    let mut log = before.log.clone();
    log.apply(flushed, Vec::new());
    let found = Found {
        identity: before.identity.clone(),
        bazaar: before.bazaar.clone(),
        accepted: before.accepted,
        committed: OrderNo(0),
        log,
    };
    Replica::new(before.id, incarnation("second"), ids(&[1, 2, 3]), found)
}

/// Announces `configuration` to its leader and lets it begin; without what it has to store.
fn elect(leader: &mut Replica, configuration: Configuration) -> Vec<Effect> {
    let mut effects = Vec::new();
    for effect in leader.hear(configuration) {
        match effect {
            Effect::Lead(epoch) => effects.extend(leader.lead(epoch)),
            Effect::Store { .. } => {}
            other => effects.push(other),
        }
    }
    effects
}

/// The whole list: what the catalog applied after the leader's log.
fn page(leader: &Replica, trades: &[AppliedTrade]) -> UnnumberedReply {
    let end = leader.log.last().order_no;
    UnnumberedReply::Page {
        incarnation: catalog(),
        trades: trades.to_vec(),
        last_place: trades.last().map_or(end, |last| last.applied_seq.order_no()),
        done: true,
    }
}

/// The leader of `configuration` begins, and the catalog lists these.
fn take_over(
    leader: &mut Replica,
    configuration: Configuration,
    listed: &[AppliedTrade],
) -> Vec<Effect> {
    let epoch = configuration.epoch;
    let effects = elect(leader, configuration);
    assert!(matches!(effects.last(), Some(Effect::List(asked)) if asked.epoch == epoch));
    assert!(leader.outgoing(true).is_empty(), "nobody is made equal before the list is in");
    let page = page(leader, listed);
    leader.listed(epoch, page)
}

/// Has a trade numbered that the listed catalog applied.
fn number(
    leader: &mut Replica,
    epoch: u64,
    trade: &AppliedTrade,
    ticket: Option<Ticket>,
) -> Vec<Effect> {
    leader.number(Epoch(epoch), &catalog(), trade, ticket)
}

/// Delivers a message to a follower and its answer to the leader.
fn deliver(leader: &mut Replica, follower: &mut Replica, message: &Append) -> Vec<Effect> {
    let answer = follower.receive(message).unwrap().into_plan().map_or_else(
        |unchanged| unchanged,
        |plan| {
            let (_, reply) = follower.prepare(message, &plan);
            follower.accept(message, plan);
            reply
        },
    );
    leader.peer_answered(message.epoch, follower.id, Some(answer))
}

/// Lets leader and followers talk until there is nothing to send; a replica that is not among
/// `followers` does not answer.
fn settle(leader: &mut Replica, followers: &mut [&mut Replica]) -> Vec<Effect> {
    let mut effects = leader.flushed();
    loop {
        let messages = leader.outgoing(false);
        if messages.is_empty() {
            return effects;
        }
        for (to, message) in messages {
            match followers.iter_mut().find(|follower| follower.id == to) {
                Some(follower) => effects.extend(deliver(leader, follower, &message)),
                None => effects.extend(leader.peer_failed(message.epoch, to)),
            }
        }
    }
}

/// A leader of {1,2,3} in epoch 1 that serves, and its two followers.
fn serving() -> (Replica, Replica, Replica) {
    let (mut one, mut two, mut three) = (replica(1), replica(2), replica(3));
    take_over(&mut three, configuration(1, 1, 3, &[1, 2, 3]), &[]);
    assert!(!three.is_serving());
    settle(&mut three, &mut [&mut one, &mut two]);
    assert!(three.is_serving());
    (one, two, three)
}

fn messages_to(messages: Vec<(ReplicaId, Append)>, id: u8) -> Append {
    messages.into_iter().find(|(to, _)| *to == ReplicaId(id)).unwrap().1
}

fn asks(effects: &[Effect]) -> Vec<(Membership, u8, u64)> {
    let requests = effects.iter().filter_map(|effect| match effect {
        Effect::ChangeMembership(request) => Some(request),
        _ => None,
    });
    requests.map(|request| (request.change, request.member.0, request.version.0)).collect()
}

impl Replica {
    fn peers_matched(&self, id: u8) -> Option<OrderNo> {
        self.leadership.as_ref().unwrap().peers[&ReplicaId(id)].matched
    }
}
