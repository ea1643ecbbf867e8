//! The replication model: three replicas, the configuration's owner, the catalog's writer, clients.
//!
//! Real are the replicas ([`services::order::replica`] and `log`), the front-end's decisions
//! ([`services::front_end::configuration`]) and the catalog's ([`services::catalog::ledger`]).
//! Modelled are the shells around them, kept to the order of their steps: what a shell does under
//! one lock or on one thread without waiting is one step here, and wherever a crash may come
//! between, there are two. Disks hold what was committed to them, and a crash leaves only that.
//!
//! Without a fault: messages take as long as they like and overtake each other; trades are sent,
//! and replicas that are down are started again and hear of the configuration, or do not. Faults,
//! each of which counts ([`Fault`]): a crash, also between a leader's messages and its flush; a
//! call that is given up although its message may yet arrive, however late; a message that arrives
//! twice, the second time however late; an answer that is lost; a leader, or a replica that could
//! be elected, that is too slow for the front-end; an announcement that arrives late; a trade that
//! is sent again.
//!
//! Left out: the catalog's cache pushes (they are in [`crate::coherence`]; here it answers at
//! once), how the detector comes to doubt a leader, timers, and bounds on queues. A leader ticks
//! only while nothing of its own is under way, and only if somebody could learn from it. Every
//! trade is a Buy of 1 that succeeds. A trade reaches the leader in one step: its way through the
//! front-end can delay or repeat it, and both are covered by sending it later, or again.
//!
//! Some states are also asked what becomes of them if nothing more goes wrong (`settle`), with
//! everybody started again and with only those that are up: every applied trade must come to have a
//! number, every log must be the same, everybody who is up and well must be in sync.

mod action;
mod catalog;
mod front_end;
mod message;
mod network;
mod node;
mod processes;
mod promises;
mod settle;
mod start;
mod steps;
mod world;

use services::planted::Bugs;
use wire::ids::ReplicaId;
use wire::internal::Part;

use crate::search::Model;
pub(crate) use action::Action;
use message::Message;
use node::{Make, REPLICAS, Stage};
use world::World;

/// Where the replication model begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Start {
    /// The first configuration is stored, and nobody has heard of it.
    Cold,
    /// Replica 3 serves, everybody is in sync.
    Serving,
    /// Replica 3 serves; 2 has been down, is out of sync and lacks this many orders.
    Lagging(u8),
    /// The same, and then 3 and 1 were restarted, and 1 was elected while 3 was still down.
    LaggingAnew(u8),
    /// An order was committed without replica 3, whose disk was lost since. The front-end's was lost
    /// too: it begins anew, unless it refuses; then it is given a copy.
    Bereft,
    /// Orders were committed, then files were lost, and some processes are down.
    Traded(Damage),
    /// Replica 3 leads with 2; 1 is catching up. Two trades were applied before the catalog's file was lost,
    /// which the leader knows; it has sent both to 2 and the first to 1, and flushed neither.
    Emptied,
}

/// What has happened before a search: in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Damage {
    /// The only member from the beginning on, if the others were down while the orders came.
    pub(crate) alone: Option<ReplicaId>,
    /// How many orders were committed. (Copies of the files are from before them.)
    pub(crate) orders: u8,
    /// The only member from then on, if the others were down after they came.
    pub(crate) left: Option<ReplicaId>,
    /// The front-end was told that they are.
    pub(crate) floor: bool,
    /// Whose files were lost.
    pub(crate) lost: &'static [Part],
    /// Whose files are copies.
    pub(crate) old: &'static [Part],
    /// Whose files are another bazaar's, in which there were two orders.
    pub(crate) foreign: &'static [ReplicaId],
    /// The catalog's file is a copy that went on by itself, with so many trades: the first client's trade has
    /// the first place.
    pub(crate) astray: u8,
    /// Who was started again, on its own file.
    pub(crate) restarted: &'static [ReplicaId],
    /// Who is down, of all.
    pub(crate) down: &'static [Part],
    /// The front-end has begun an epoch among those that are up, but for these, which did not answer.
    pub(crate) deaf: &'static [ReplicaId],
}

impl Damage {
    /// None.
    pub(crate) const NONE: Self = Self {
        alone: None,
        orders: 0,
        left: None,
        floor: false,
        lost: &[],
        old: &[],
        foreign: &[],
        astray: 0,
        restarted: &[],
        down: &[],
        deaf: &[],
    };
}

/// One search: where it begins, and with how much.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    /// Where it begins.
    pub(crate) start: Start,
    /// How many trades clients send.
    pub(crate) trades: u8,
    /// How often each is sent at the most.
    pub(crate) attempts: u8,
    /// How many entries fit into a message.
    pub(crate) max_entries: usize,
    /// How many trades fit into a page of the catalog's list.
    pub(crate) max_listed: usize,
    /// States whose fingerprint is a multiple of this are also asked whether they would settle;
    /// besides all those that a fault led to, which is where trouble begins.
    pub(crate) settle_one_in: u64,
    /// Which faults there are; all, unless the search is to go further with a few.
    pub(crate) faults: &'static [Fault],
}

/// The kinds of faults.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A process dies.
    Crash,
    /// A leader, or a replica that could be elected, does not answer the front-end in time.
    Slow,
    /// A call is given up, and its message may yet arrive.
    GivenUp,
    /// An answer is lost.
    Lost,
    /// A message arrives twice.
    Twice,
    /// A configuration is heard of late.
    Late,
    /// A trade is sent again.
    Again,
    /// A file is lost.
    LostFile,
    /// An old copy of a file is put back.
    OldFile,
    /// The task that carries a trade panics.
    Panic,
}

impl Scope {
    fn damages_files(&self) -> bool {
        self.faults.contains(&Fault::LostFile) || self.faults.contains(&Fault::OldFile)
    }
}

impl Fault {
    /// Every kind that leaves the files alone.
    pub(crate) const ALL: &'static [Self] =
        &[Self::Crash, Self::Slow, Self::GivenUp, Self::Lost, Self::Twice, Self::Late, Self::Again];
}

/// The model.
#[derive(Clone, Debug)]
pub(crate) struct Replication {
    scope: Scope,
    start: World,
}

impl Replication {
    /// The model of `scope`, with bugs planted.
    pub(crate) fn new(scope: Scope, bugs: Bugs) -> Self {
        let Scope { max_entries, max_listed, .. } = scope;
        let make = Make { bugs, max_entries, max_listed };
        let start = World::start(scope.start, make, scope.trades);
        Self { scope, start }
    }
}

impl Model for Replication {
    type State = World;
    type Action = Action;

    fn start(&self) -> World {
        self.start.clone()
    }

    fn actions(&self, world: &World) -> Vec<(Action, u8)> {
        let mut actions = Vec::new();
        // A thread takes what has queued: nothing else needs to happen before it is done.
        let taking = REPLICAS.into_iter().find(|id| world.stage(*id) == Some(Stage::Taking));
        for id in REPLICAS.into_iter().filter(|id| taking.is_none_or(|taking| taking == *id)) {
            self.of_replica(world, id, &mut actions);
        }
        if taking.is_none() {
            of_front_end(world, &mut actions);
            of_catalog(world, &mut actions);
            if self.scope.damages_files() {
                of_files(world, &mut actions);
            }
        }
        for place in 0..world.network.len() {
            if taking.is_some() && world.network[place].receiver() != taking {
                continue;
            }
            let same_as_before = place > 0
                && world.network[place - 1].fingerprint() == world.network[place].fingerprint();
            if !same_as_before {
                of_message(world, place, &mut actions);
            }
        }
        actions.retain(|(action, faults)| *faults == 0 || self.is_among_faults(*action));
        actions
    }

    fn after(&self, world: &World, action: Action) -> World {
        let mut world = world.clone();
        world.happen(action);
        world
    }

    fn broken(&self, world: &World, fingerprint: u64, by_fault: bool) -> Option<String> {
        let broken = world.broken_promise();
        if broken.is_some() || !(by_fault || fingerprint.is_multiple_of(self.scope.settle_one_in)) {
            return broken;
        }
        world.would_not_settle()
    }

    fn describe(&self, world: &World, action: Action) -> String {
        world.describe(action)
    }

    fn epilogue(&self, world: &World) -> Vec<String> {
        world.how_it_would_settle()
    }
}

impl Replication {
    fn is_among_faults(&self, action: Action) -> bool {
        action.fault().is_none_or(|fault| self.scope.faults.contains(&fault))
    }

    fn of_replica(&self, world: &World, id: ReplicaId, actions: &mut Vec<(Action, u8)>) {
        let node = world.node(id);
        let Some(replica) = node.replica() else {
            return actions.push((Action::Restart(id), 0));
        };
        match world.stage(id) {
            Some(Stage::Taking) => {
                actions.extend([(Action::EndBatch(id), 0), (Action::Stall(id), 1)]);
            }
            // The fault was counted when it stalled. That it flushes after all matters to anybody who compares
            // logs meanwhile.
            Some(Stage::Stalled) => {
                actions.push((Action::Crash(id), 0));
                if world.is_fencing() {
                    actions.push((Action::Flush(id), 0));
                }
            }
            _ => actions.push((Action::Crash(id), 1)),
        }
        if !node.listens(world.make.bugs) {
            return;
        }
        let front_end = &world.front_end;
        let known = replica.configuration();
        for (stored, announced) in front_end.stored.iter().enumerate() {
            let is_news = known.is_none_or(|known| {
                announced.age() > known.age() || announced.version > known.version
            });
            if is_news && world.is_heard(replica, announced) {
                let is_late = !front_end.up || front_end.current() != Some(announced);
                actions.push((Action::Announce { to: id, stored }, u8::from(is_late)));
            }
        }
        if world.stage(id) == Some(Stage::Idle) && would_learn_from_tick(world, replica, id) {
            actions.push((Action::Tick(id), 0));
        }
        if world.is_news_to(id).is_some() {
            actions.push((Action::MeetCatalog(id), 0));
        }
        if replica.is_serving() {
            for trade in 0..self.scope.trades {
                let attempts = world.attempts[usize::from(trade)];
                if attempts < self.scope.attempts {
                    let is_again = attempts > 0;
                    actions.push((Action::SendTrade { trade, to: id }, u8::from(is_again)));
                }
            }
        }
    }
}

/// Whether a leader's tick would tell it, or somebody who is out of sync, anything.
fn would_learn_from_tick(
    world: &World,
    replica: &services::order::replica::Replica,
    id: ReplicaId,
) -> bool {
    let Some(known) = replica.configuration().filter(|_| replica.is_leading()) else {
        return false;
    };
    let is_busy = world.network.iter().any(|message| {
        message.asker() == Some(id)
            && message.exchange().is_some_and(|(_, epoch)| epoch == replica.accepted())
    });
    let has_gap = || replica.is_serving() && replica.clone().tick() != Vec::new();
    if is_busy && world.attempts.len() > 1 && has_gap() {
        return true;
    }
    !is_busy
        && REPLICAS.into_iter().filter(|other| *other != id).any(|other| {
            let last = world.node(other).replica().map(|other| other.log().last());
            let differs = last.is_some_and(|last| last != replica.log().last());
            differs || (last.is_some() && !known.has_member(other))
        })
}

fn of_front_end(world: &World, actions: &mut Vec<(Action, u8)>) {
    let front_end = &world.front_end;
    if !front_end.up {
        return actions.push((Action::RestartFrontEnd, 0));
    }
    actions.push((Action::CrashFrontEnd, 1));
    if front_end.ballot.is_some() {
        let fenced = REPLICAS
            .into_iter()
            .filter(|id| world.is_to_be_fenced(*id) && world.node(*id).listens(world.make.bugs));
        actions.extend(fenced.map(|id| (Action::Fence(id), 0)));
        if world.is_decided() {
            actions.push((Action::Elect, 0));
        }
        return;
    }
    let is_reason = world.wants_election();
    if is_reason || world.may_be_helped() {
        actions.push((Action::AskAround { slow: None }, 0));
    }
    let Some(leader) = front_end.current().map(|current| current.leader) else { return };
    for id in REPLICAS.into_iter().filter(|id| world.node(*id).process.is_some()) {
        if is_reason || id == leader {
            actions.push((Action::AskAround { slow: Some(id) }, 1));
        }
    }
}

fn of_catalog(world: &World, actions: &mut Vec<(Action, u8)>) {
    let (catalog, front_end) = (&world.catalog, &world.front_end);
    if !catalog.is_up() {
        return actions.push((Action::RestartCatalog, 0));
    }
    actions.push((Action::CrashCatalog, 1));
    for (stored, told) in front_end.stored.iter().enumerate() {
        // The catalog looks at the epoch only, so one configuration of each is enough.
        let is_last = front_end.stored.get(stored + 1).is_none_or(|next| next.epoch != told.epoch);
        if is_last && catalog.told() < Some(told.epoch) && told.epoch >= catalog.file.epoch() {
            let current = front_end.current().map(|current| current.epoch);
            let is_late = !front_end.up || current != Some(told.epoch);
            actions.push((Action::TellCatalog { stored }, u8::from(is_late)));
        }
    }
}

/// One file is lost, or an old copy of it put back, of a process that is down or dies of it.
///
/// What cannot be noticed does not happen: two files at once, among them the old catalog's together
/// with that of the only replica that answers, or with the front-end's while those that are up to date are down.
fn of_files(world: &World, actions: &mut Vec<(Action, u8)>) {
    if world.is_damaged {
        return;
    }
    let replicas = REPLICAS.into_iter().map(Part::Replica);
    for part in replicas.chain([Part::Catalog, Part::FrontEnd]) {
        actions.extend([(Action::LoseFile(part), 1), (Action::RestoreCopy(part), 1)]);
    }
}

fn of_message(world: &World, place: usize, actions: &mut Vec<(Action, u8)>) {
    let listens = |id: ReplicaId| world.node(id).listens(world.make.bugs);
    let message = &*world.network[place];
    let asker_listens = message.asker().is_none_or(listens);
    if world.is_taken(message) || (asker_listens && world.is_to_be_asked_again(message)) {
        actions.push((Action::Deliver { place, twice: false }, 0));
        let matters_twice = matches!(
            message,
            Message::Append { .. } | Message::Change { .. } | Message::Trade { .. }
        );
        if matters_twice && message.asker().is_some() {
            actions.push((Action::Deliver { place, twice: true }, 1));
        }
    }
    if message.asker().is_none() || !asker_listens {
        return;
    }
    if let Message::Traded { answer: Ok((_, trade)), .. } = message {
        actions.push((Action::Panic { place, is_said: true }, 1));
        // Only where the thread's queue is full is it not said, and then there are other trades.
        if trade.applied_seq.order_no() < world.catalog.file.last_place() {
            actions.push((Action::Panic { place, is_said: false }, 1));
        }
    }
    match message {
        Message::Append { to, .. } if world.node(*to).process.is_none() => {
            actions.push((Action::GiveUp { place, is_lost: true }, 0));
        }
        Message::Change { .. } if !world.front_end.up => {
            actions.push((Action::GiveUp { place, is_lost: true }, 0));
        }
        Message::Append { .. } | Message::Change { .. } => {
            actions.push((Action::GiveUp { place, is_lost: false }, 1));
        }
        Message::Appended { .. } | Message::Changed { .. } | Message::Traded { .. } => {
            actions.push((Action::GiveUp { place, is_lost: true }, 1));
        }
        Message::List { .. }
        | Message::Listed { .. }
        | Message::Fill { .. }
        | Message::Filled { .. }
        | Message::Trade { .. } => {}
    }
}
