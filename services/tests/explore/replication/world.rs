//! Everything there is in the replication model at one moment, and what happens in it.

use std::collections::BTreeMap;
use std::sync::Arc;

use services::order::replica::{NoNumber, Replica};
use services::planted::Bug;
use wire::configuration::Configuration;
use wire::ids::{Epoch, Incarnation, OrderNo, ReplicaId, RequestId};
use wire::internal::{AppendReply, Entry, Part};

use super::catalog::{Catalog, File};
use super::front_end::FrontEnd;
use super::message::Message;
use super::node::{Disk, Make, Node, REPLICAS, Stage, Wishes};
use crate::shared::Shared;

/// Three replicas, the front-end, the catalog, what is on its way, and what clients were promised.
#[derive(Clone, Debug, Hash)]
pub(crate) struct World {
    pub(crate) nodes: [Shared<Node>; 3],
    pub(crate) front_end: Shared<FrontEnd>,
    pub(crate) catalog: Shared<Catalog>,
    /// Sorted, so that worlds with the same messages are the same.
    pub(crate) network: Vec<Shared<Message>>,
    /// How often each trade was handed to a leader.
    pub(crate) attempts: Vec<u8>,
    pub(crate) promised: Shared<Promised>,
    /// The first promise that a step has broken.
    pub(crate) broken: Option<String>,
    /// What is planted; the same in every world of a search.
    pub(crate) make: Make,
    /// Copies of all files; the same in every world of a search.
    pub(crate) copies: Shared<Copies>,
    /// A file was lost, or a copy of it put back: that happens to one.
    pub(crate) is_damaged: bool,
    /// No file ever was, before the search neither.
    pub(crate) is_whole: bool,
    /// The catalog's file is a copy that went on by itself.
    pub(crate) is_astray: bool,
}

/// What clients have seen: the order under each number, and the answers to their trades.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Promised {
    pub(crate) orders: BTreeMap<OrderNo, RequestId>,
    pub(crate) answers: BTreeMap<RequestId, OrderNo>,
}

/// Every file as it was before the orders with which the search begins.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Copies {
    nodes: [Disk; 3],
    catalog: File,
    front_end: Option<Configuration>,
}

/// The name of a client's trade.
pub(crate) fn name(trade: u8) -> RequestId {
    RequestId::new(format!("R{}", trade + 1)).expect("short and visible")
}

fn index(id: ReplicaId) -> usize {
    usize::from(id.0 - 1)
}

impl World {
    /// Empty replicas; the first configuration is stored, and nobody has heard of it.
    pub(crate) fn cold(make: Make, trades: usize) -> Self {
        let nodes = REPLICAS.map(|id| Shared::new(Node::new(id, make)));
        let catalog = Catalog::new(make.bugs);
        let copies = Copies {
            nodes: REPLICAS.map(|id| Disk::new(id, 0)),
            catalog: catalog.file.clone(),
            front_end: None,
        };
        let mut world = Self {
            nodes,
            front_end: Shared::new(FrontEnd::default()),
            catalog: Shared::new(catalog),
            network: Vec::new(),
            attempts: vec![0; trades],
            promised: Shared::new(Promised::default()),
            broken: None,
            make,
            copies: Shared::new(copies),
            is_damaged: false,
            is_whole: true,
            is_astray: false,
        };
        world.begin();
        world
    }

    /// Makes copies of all files as they are now.
    pub(crate) fn copy_files(&mut self) {
        self.copies = Shared::new(Copies {
            nodes: REPLICAS.map(|id| self.node(id).disk.clone()),
            catalog: self.catalog.file.clone(),
            front_end: self.front_end.file.clone(),
        });
    }

    /// A replica.
    pub(crate) fn node(&self, id: ReplicaId) -> &Node {
        &self.nodes[index(id)]
    }

    /// The leader of the current epoch, if it leads.
    pub(crate) fn leader(&self) -> Option<&Node> {
        let current = self.front_end.current()?;
        Some(self.node(current.leader)).filter(|node| node.leads(current.epoch))
    }

    /// Puts a message on its way.
    pub(crate) fn post(&mut self, message: Message) {
        let message = Shared::new(message);
        let place = self.network.partition_point(|m| m.fingerprint() <= message.fingerprint());
        self.network.insert(place, message);
    }

    /// Lets a replica do something, and sees to what it wants done.
    pub(crate) fn run<R>(
        &mut self,
        id: ReplicaId,
        run: impl FnOnce(&mut Node, &mut Wishes) -> R,
    ) -> R {
        let mut wishes = Wishes::default();
        let result = self.nodes[index(id)].change(|node| run(node, &mut wishes));
        let asker = Some(id);
        for (to, append) in wishes.appends {
            self.post(Message::Append { asker, to, append });
        }
        for request in wishes.changes {
            self.post(Message::Change { asker, request });
        }
        for request in wishes.lists {
            self.post(Message::List { asker, request });
        }
        for request in wishes.fills {
            self.post(Message::Fill { asker, request });
        }
        for (ticket, answer) in wishes.answers {
            let trade = u8::try_from(ticket).expect("tickets are the numbers of trades");
            match answer {
                Ok(order_no) => self.acknowledge(name(trade), order_no),
                Err(NoNumber::AskAgain) => self.ask_again(id, name(trade)),
                Err(NoNumber::Replaced | NoNumber::Stopped) => {}
            }
        }
        self.show(id);
        result
    }

    fn acknowledge(&mut self, id: RequestId, order_no: OrderNo) {
        if let Some(place) = self.catalog.file.place_of(&id).filter(|place| *place != order_no) {
            self.breaks(format!(
                "{id} is acknowledged as #{order_no}, and stands in place {place}"
            ));
        }
        let before = self.promised.change(|promised| {
            let before = *promised.answers.entry(id.clone()).or_insert(order_no);
            (before, promised.orders.entry(order_no).or_insert(id.clone()).clone())
        });
        if before != (order_no, id.clone()) {
            let (number, order) = before;
            self.breaks(format!(
                "{id} is acknowledged as #{order_no}, but {id} was seen as #{number}, and \
                 #{order_no} as {order}"
            ));
        }
    }

    /// Whoever looks sees what a replica shows, so it must stay true.
    fn show(&mut self, id: ReplicaId) {
        let node = self.node(id);
        let Some(replica) = node.replica() else { return };
        let shown = usize::try_from(node.shown(self.make.bugs).0).unwrap_or(usize::MAX);
        let shown = replica.log().after(OrderNo(0), shown).to_vec();
        for entry in shown {
            match self.promised.orders.get(&entry.order_no) {
                Some(seen) if *seen == entry.request_id => {}
                Some(seen) => {
                    let (order_no, now) = (entry.order_no, &entry.request_id);
                    let text = format!("#{order_no} was seen as {seen}; replica {id} shows {now}");
                    self.breaks(text);
                }
                None => {
                    let entry = (entry.order_no, entry.request_id.clone());
                    self.promised.change(|promised| promised.orders.extend([entry]));
                }
            }
        }
    }

    fn breaks(&mut self, promise: String) {
        self.broken.get_or_insert(promise);
    }

    /// A batch ends: messages go out, then the disk is flushed.
    pub(crate) fn end_batch(&mut self, id: ReplicaId) {
        self.run(id, |node, wishes| {
            node.send(wishes);
            node.flush(wishes);
        });
    }

    /// A process dies, and what it had asked with it. (What arrives in spite of that arrives either
    /// before, or so late that it counts as a fault of its own: see [`World::give_up`].)
    pub(crate) fn crash(&mut self, id: ReplicaId) {
        self.nodes[index(id)].change(|node| node.process = None);
        self.network.retain(|message| message.asker() != Some(id));
    }

    /// A process starts on what is left on its disk.
    pub(crate) fn restart(&mut self, id: ReplicaId) {
        let make = self.make;
        if let Err(problem) = self.run(id, |node, _| node.start(make)) {
            self.breaks(problem);
        }
    }

    /// Whether a process runs.
    pub(crate) fn is_up(&self, part: Part) -> bool {
        match part {
            Part::FrontEnd => self.front_end.up,
            Part::Catalog => self.catalog.is_up(),
            Part::Replica(id) => self.node(id).process.is_some(),
        }
    }

    /// A process dies, if it runs.
    pub(crate) fn stop(&mut self, part: Part) {
        match part {
            Part::FrontEnd => self.crash_front_end(),
            Part::Catalog => self.catalog.change(Catalog::crash),
            Part::Replica(id) => self.crash(id),
        }
    }

    /// A process dies, if it runs, and its file is gone.
    pub(crate) fn lose_file(&mut self, part: Part) {
        let bugs = self.make.bugs;
        self.stop(part);
        (self.is_damaged, self.is_whole) = (true, false);
        match part {
            Part::FrontEnd => self.front_end.change(|front_end| front_end.file = None),
            Part::Catalog => self.catalog.change(|catalog| catalog.file = File::new(1, bugs)),
            Part::Replica(id) => {
                self.nodes[index(id)].change(|node| node.disk = Disk::new(id, 1));
            }
        }
    }

    /// A process dies, if it runs, and the copy of its file is put back.
    pub(crate) fn restore_copy(&mut self, part: Part) {
        self.stop(part);
        (self.is_damaged, self.is_whole) = (true, false);
        let copies = self.copies.clone();
        match part {
            Part::FrontEnd => {
                self.front_end.change(|front_end| front_end.file.clone_from(&copies.front_end));
            }
            Part::Catalog => self.catalog.change(|catalog| catalog.file = copies.catalog.clone()),
            Part::Replica(id) => {
                self.nodes[index(id)].change(|node| node.disk = copies.nodes[index(id)].clone());
            }
        }
    }

    /// A replica hears of a configuration.
    pub(crate) fn announce(&mut self, to: ReplicaId, version: usize) {
        let heard = self.front_end.stored[version].clone();
        self.run(to, |node, wishes| node.take(wishes, |replica| replica.hear(heard)));
    }

    /// A client's trade reaches a serving leader, which sends it to the catalog.
    pub(crate) fn send_trade(&mut self, trade: u8, to: ReplicaId) {
        let bugs = self.make.bugs;
        let attempts = &mut self.attempts[usize::from(trade)];
        let request_id = if *attempts > 0 && bugs.has(Bug::FreshIdOnRetry) {
            RequestId::new(format!("R{}-again", trade + 1)).expect("short and visible")
        } else {
            name(trade)
        };
        *attempts += 1;
        self.ask_again(to, request_id);
    }

    /// A leader sends a trade to the process of the catalog that it has listed.
    fn ask_again(&mut self, to: ReplicaId, request_id: RequestId) {
        let Some(replica) = self.node(to).replica().filter(|replica| replica.is_leading()) else {
            return;
        };
        let (epoch, meant) = (replica.accepted(), replica.listed_catalog().cloned());
        self.post(Message::Trade { asker: Some(to), epoch, meant, request_id });
    }

    /// Whether the process of the catalog that runs is another one than a leader knows, and tells it so.
    pub(crate) fn is_news_to(&self, id: ReplicaId) -> Option<Incarnation> {
        let replica = self.node(id).replica().filter(|replica| replica.is_leading())?;
        let runs = self.catalog.incarnation()?;
        if replica.listed_catalog() == Some(runs) {
            return None;
        }
        let effects = replica.clone().saw_catalog(replica.accepted(), runs);
        (!effects.is_empty()).then(|| runs.clone())
    }

    /// A leader meets a process of the catalog.
    pub(crate) fn meet_catalog(&mut self, id: ReplicaId) {
        let Some(met) = self.is_news_to(id) else { return };
        self.input(id, |replica| replica.saw_catalog(replica.accepted(), &met));
    }

    /// The front-end tells the catalog a configuration.
    pub(crate) fn tell_catalog(&mut self, stored: usize) {
        let told = self.front_end.stored[stored].clone();
        self.catalog.change(|catalog| catalog.hear(&told));
    }

    /// Whether the receiver acts on a message, or refuses it for good.
    pub(crate) fn is_taken(&self, message: &Message) -> bool {
        match message {
            Message::Append { to, .. } => self.node(*to).listens(self.make.bugs),
            Message::Change { .. } => self.front_end.up,
            Message::List { request, .. } => self.catalog.takes(request.epoch),
            Message::Fill { request, .. } => self.catalog.takes(request.epoch),
            Message::Trade { epoch, meant, .. } => self.catalog.admits(*epoch, meant.as_ref()),
            answer => answer.asker().is_none_or(|asker| self.node(asker).listens(self.make.bugs)),
        }
    }

    /// Whether a trade is meant for another process of the catalog than its leader has listed by now.
    pub(crate) fn is_to_be_asked_again(&self, message: &Message) -> bool {
        let Message::Trade { asker: Some(asker), epoch, meant, .. } = message else { return false };
        let node = self.node(*asker);
        let listed = node.replica().and_then(Replica::listed_catalog);
        node.leads(*epoch) && listed.is_some() && listed != meant.as_ref()
    }

    /// A message arrives. If `twice`, it will arrive again.
    pub(crate) fn deliver(&mut self, place: usize, twice: bool) {
        let bugs = self.make.bugs;
        let message = Message::clone(&self.network.remove(place));
        if twice {
            self.network.extend(message.clone().orphaned().map(Shared::new));
            self.network.sort_by_key(Shared::fingerprint);
        }
        match message {
            Message::Append { asker, to, append } => {
                let before = self.node(to).disk.entries.clone();
                let answer = self.run(to, |node, wishes| node.receive(&append, wishes));
                let epoch = append.epoch;
                self.check_seen(to, &before);
                if matches!(answer, Some(AppendReply::Accepted { .. })) {
                    self.check_epoch(to, epoch);
                }
                let reply =
                    asker.map(|asker| Message::Appended { to: asker, from: to, epoch, answer });
                self.reply(reply);
            }
            Message::Change { asker, request } => {
                let answer = self.front_end.change(|front_end| front_end.change(&request, bugs));
                self.reply(asker.map(|to| Message::Changed { to, request, answer }));
            }
            Message::List { asker, request } => {
                let epoch = request.epoch;
                let answer = self.catalog.change(|catalog| catalog.list(&request));
                if answer.is_ok() {
                    self.check_told(epoch);
                }
                self.reply(asker.map(|to| Message::Listed { to, epoch, answer }));
            }
            Message::Fill { asker, request } => {
                let epoch = request.epoch;
                let answer = self.catalog.change(|catalog| catalog.fill(&request));
                self.reply(asker.map(|to| Message::Filled { to, epoch, answer }));
            }
            message @ Message::Trade { .. } if self.is_to_be_asked_again(&message) => {
                let Message::Trade { asker: Some(to), request_id, .. } = message else { return };
                self.ask_again(to, request_id);
            }
            Message::Trade { asker, epoch, request_id, .. } => {
                let answer = self.catalog.change(|catalog| catalog.trade(&request_id, epoch));
                self.reply(asker.map(|to| Message::Traded { to, epoch, request_id, answer }));
            }
            Message::Appended { to, from, epoch, answer } => {
                self.input(to, |replica| match answer {
                    None => replica.peer_failed(epoch, from),
                    Some(AppendReply::Accepted { matched, identity }) => {
                        replica.peer_accepted(epoch, from, identity, matched)
                    }
                    Some(AppendReply::Mismatch { try_after, identity }) => {
                        replica.peer_mismatched(epoch, from, identity, try_after)
                    }
                    Some(AppendReply::Refused { reason, .. }) => {
                        replica.peer_refused(epoch, from, reason)
                    }
                    Some(AppendReply::Stale { accepted }) => replica.saw_epoch(accepted),
                });
            }
            Message::Changed { to, request, answer } => {
                self.input(to, |replica| replica.membership_answered(request.epoch, answer));
            }
            Message::Listed { to, epoch, answer } => self.input(to, |replica| match answer {
                Ok(reply) => replica.listed(epoch, reply),
                Err(newer) => replica.saw_epoch(newer),
            }),
            Message::Filled { to, epoch, answer } => self.input(to, |replica| match answer {
                Ok(reply) => replica.filled(epoch, reply),
                Err(newer) => replica.saw_epoch(newer),
            }),
            Message::Traded { to, epoch, answer, .. } => self.input(to, |replica| match answer {
                Ok((by, trade)) => {
                    replica.number(epoch, &by, &trade, Some(ticket(&trade.request_id)))
                }
                Err(newer) => replica.saw_epoch(newer),
            }),
        }
    }

    /// What was seen is dropped nowhere for a leader that lacks it: that log may be the last good one.
    fn check_seen(&mut self, of: ReplicaId, before: &[Arc<Entry>]) {
        let disk = &self.node(of).disk.entries;
        let seen =
            |entry: &Entry| self.promised.orders.get(&entry.order_no) == Some(&entry.request_id);
        let kept = |entry: &Entry| disk.iter().any(|held| held.request_id == entry.request_id);
        let dropped = before.iter().find(|entry| seen(entry) && !kept(entry)).cloned();
        if let Some(entry) = dropped {
            let (order_no, id) = (entry.order_no, &entry.request_id);
            self.breaks(format!("replica {of} drops #{order_no}, which was seen as {id}"));
        }
    }

    /// Rule L6, by itself for the same reason: the catalog acts for no epoch that it was not told of.
    fn check_told(&mut self, epoch: Epoch) {
        let told = self.catalog.told();
        if told < Some(epoch) {
            self.breaks(format!("the catalog acts for epoch {epoch}, of which it was not told"));
        }
    }

    /// Rules R5 and L5, about one replica: whoever takes a message has its epoch on disk, and has heard of
    /// none above it. (What a leader's list brings back hides most of the harm as long as the catalog's
    /// file is whole, so the rules are held to by themselves.)
    fn check_epoch(&mut self, of: ReplicaId, epoch: Epoch) {
        let node = self.node(of);
        let heard = node.replica().and_then(Replica::configuration).map(|known| known.epoch);
        let on_disk = node.disk.accepted;
        if on_disk < epoch {
            self.breaks(format!(
                "replica {of} answers in epoch {epoch} and has {on_disk} on its disk"
            ));
        } else if heard > Some(epoch) && !self.make.bugs.has(Bug::NoEpochCheckAtFollower) {
            self.breaks(format!("replica {of} takes a message of epoch {epoch}, which is over"));
        }
    }

    /// Whoever waits for what comes of a message gives up; the message itself may yet arrive.
    pub(crate) fn give_up(&mut self, place: usize, is_lost: bool) {
        let message = Message::clone(&self.network.remove(place));
        let Some(asker) = message.asker() else { return };
        match &message {
            Message::Append { .. } | Message::Appended { .. } => {
                let (peer, epoch) = message.exchange().expect("it is a part of one");
                self.input(asker, |replica| replica.peer_failed(epoch, peer));
            }
            Message::Change { request, .. } | Message::Changed { request, .. } => {
                self.input(asker, |replica| replica.membership_answered(request.epoch, None));
            }
            // These are asked again until there is an answer.
            Message::Traded { epoch, request_id, .. } if self.node(asker).leads(*epoch) => {
                self.ask_again(asker, request_id.clone());
            }
            Message::Traded { .. }
            | Message::Trade { .. }
            | Message::List { .. }
            | Message::Listed { .. }
            | Message::Fill { .. }
            | Message::Filled { .. } => {}
        }
        if !is_lost && let Some(orphan) = message.orphaned() {
            self.post(orphan);
        }
    }

    fn reply(&mut self, reply: Option<Message>) {
        if let Some(reply) = reply {
            self.post(reply);
        }
    }

    fn input(
        &mut self,
        to: ReplicaId,
        input: impl FnOnce(&mut Replica) -> Vec<services::order::replica::Effect>,
    ) {
        self.run(to, |node, wishes| node.take(wishes, input));
    }

    /// Where a replica's thread is.
    pub(crate) fn stage(&self, id: ReplicaId) -> Option<Stage> {
        self.node(id).process.as_ref().map(|process| process.stage)
    }
}

/// Who waits for a number is named after the trade.
fn ticket(id: &RequestId) -> u64 {
    let digits = id.as_str().trim_start_matches('R').trim_end_matches("-again");
    digits.parse::<u64>().expect("names are made of numbers") - 1
}
