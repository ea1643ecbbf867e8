//! Everything there is in the replication model at one moment, and what happens in it.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{Hash, Hasher};

use services::catalog::ledger::{Ledger, Stale, Trade, Verdict};
use services::front_end::beginning;
use services::front_end::configuration::Manager;
use services::order::replica::Replica;
use services::planted::{Bug, Bugs};
use wire::bazaar::{CatalogTrade, Quantity, TradeType};
use wire::configuration::{Cause, Configuration};
use wire::ids::{AppliedSeq, ConfigVersion, Epoch, OrderNo, ReplicaId, RequestId};
use wire::internal::{AppendReply, AppliedTrade, TradeRecord};

use super::message::Message;
use super::node::{Disk, Make, Node, REPLICAS, Stage, Wishes};
use crate::ledger::{STOCK, new_ledger};
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
}

/// What clients have seen: the order under each number, and the answers to their trades.
#[derive(Clone, Debug, Default, Hash)]
pub(crate) struct Promised {
    pub(crate) orders: BTreeMap<OrderNo, RequestId>,
    pub(crate) answers: BTreeMap<RequestId, OrderNo>,
}

/// The configuration's owner, as far as the order service can tell.
#[derive(Clone, Debug, Hash)]
pub(crate) struct FrontEnd {
    pub(crate) up: bool,
    /// Whether it has begun an epoch since it was started.
    pub(crate) begun: bool,
    /// The process that was made leader has died.
    pub(crate) leader_died: bool,
    pub(crate) ballot: Option<Ballot>,
    /// Every configuration that was ever on disk; the last one is there now.
    pub(crate) stored: Vec<Configuration>,
}

/// An election between the questions and the decision.
#[derive(Clone, Debug, Hash)]
pub(crate) struct Ballot {
    pub(crate) based_on: ConfigVersion,
    pub(crate) answered: BTreeSet<ReplicaId>,
    pub(crate) cause: Cause,
    /// Who has died since it answered.
    pub(crate) died: BTreeSet<ReplicaId>,
}

/// The catalog's writer. Each of its transactions is one step, so process and disk are the same.
#[derive(Clone, Debug)]
pub(crate) struct Catalog {
    pub(crate) ledger: Ledger,
    pub(crate) records: Vec<TradeRecord>,
}

impl Hash for Catalog {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        self.ledger.epoch().hash(hasher);
        for record in &self.records {
            (&record.request_id, record.applied_seq).hash(hasher);
        }
    }
}

impl FrontEnd {
    /// The configuration on disk.
    pub(crate) fn current(&self) -> &Configuration {
        self.stored.last().expect("the first one is stored before anything happens")
    }

    fn manager(&self, bugs: Bugs) -> Manager {
        Manager::restored(Some(self.current().clone())).with_bugs(bugs)
    }
}

impl Catalog {
    fn new(bugs: Bugs) -> Self {
        let ledger = new_ledger(Epoch(0), 100, 100, bugs);
        Self { ledger, records: Vec::new() }
    }

    fn trade(&mut self, id: &RequestId, epoch: Epoch) -> Result<AppliedTrade, Epoch> {
        let quantity = Quantity::new(1).expect("1 is positive");
        let (stock_name, trade_type) = (STOCK.to_owned(), TradeType::Buy);
        let body = CatalogTrade { stock_name, trade_type, quantity };
        let trade = Trade { request_id: id.clone(), epoch: Some(epoch), body };
        let recorded = self.records.iter().find(|record| record.request_id == *id).cloned();
        match self.ledger.decide(&trade, recorded) {
            Verdict::New(record) => {
                self.records.push(record.clone());
                Ok(applied(&record))
            }
            Verdict::Repeat(record) => Ok(applied(&record)),
            Verdict::Stale(Stale { seen, .. }) => Err(seen),
            Verdict::Conflict => unreachable!("a request id always brings the same trade"),
        }
    }

    fn list(&mut self, epoch: Epoch, after: AppliedSeq) -> Result<Vec<AppliedTrade>, Epoch> {
        self.ledger.fence(epoch).map_err(|stale| stale.seen)?;
        let trades = self.records.iter().map(applied);
        Ok(trades.filter(|trade| trade.applied_seq > after).collect())
    }
}

fn applied(record: &TradeRecord) -> AppliedTrade {
    AppliedTrade {
        applied_seq: record.applied_seq.expect("there is enough stock for every trade"),
        request_id: record.request_id.clone(),
        stock_name: record.stock_name.clone(),
        trade_type: record.trade_type,
        quantity: record.quantity,
    }
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
        let everybody = REPLICAS.into_iter().collect();
        let first = Manager::restored(None).first(&everybody).expect("there are replicas");
        let front_end = FrontEnd {
            up: true,
            begun: true,
            leader_died: false,
            ballot: None,
            stored: vec![first],
        };
        Self {
            nodes: REPLICAS.map(|id| Shared::new(Node::new(id, make))),
            front_end: Shared::new(front_end),
            catalog: Shared::new(Catalog::new(make.bugs)),
            network: Vec::new(),
            attempts: vec![0; trades],
            promised: Shared::new(Promised::default()),
            broken: None,
            make,
        }
    }

    /// A replica.
    pub(crate) fn node(&self, id: ReplicaId) -> &Node {
        &self.nodes[index(id)]
    }

    /// The leader of the current epoch, if it leads.
    pub(crate) fn leader(&self) -> Option<&Node> {
        let current = self.front_end.current();
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
        for (epoch, after) in wishes.lists {
            self.post(Message::List { asker, epoch, after });
        }
        for (ticket, result) in wishes.answers {
            if let Ok(order_no) = result {
                let trade = u8::try_from(ticket).expect("tickets are the numbers of trades");
                self.acknowledge(name(trade), order_no);
            }
        }
        self.show(id);
        result
    }

    fn acknowledge(&mut self, id: RequestId, order_no: OrderNo) {
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
        let is_leader = self.front_end.current().leader == id;
        if is_leader || self.front_end.ballot.is_some() {
            self.front_end.change(|front_end| {
                front_end.leader_died |= is_leader;
                if let Some(ballot) = &mut front_end.ballot {
                    ballot.died.insert(id);
                }
            });
        }
    }

    /// A process starts on what is left on its disk.
    pub(crate) fn restart(&mut self, id: ReplicaId) {
        let make = self.make;
        if let Err(problem) = self.run(id, |node, _| node.start(make)) {
            self.breaks(problem);
        }
    }

    /// Replica 3 starts on a new disk, and the front-end without its own.
    pub(crate) fn lose_disks(&mut self) {
        self.nodes[index(ReplicaId(3))].change(|node| node.disk = Disk::default());
        self.restart(ReplicaId(3));
        let answered = REPLICAS.into_iter().filter_map(|id| Some((id, self.node(id).ping()?)));
        if beginning::anew(&answered.collect(), self.make.bugs).is_ok() {
            let everybody = REPLICAS.into_iter().collect();
            let first = Manager::restored(None).first(&everybody).expect("there are replicas");
            self.front_end.change(|front_end| front_end.stored = vec![first]);
        }
    }

    /// The process of the front-end dies.
    pub(crate) fn crash_front_end(&mut self) {
        self.front_end.change(|front_end| {
            (front_end.up, front_end.begun, front_end.ballot) = (false, false, None);
        });
    }

    /// It is back; it begins a new epoch before it does anything else.
    pub(crate) fn restart_front_end(&mut self) {
        self.front_end.change(|front_end| front_end.up = true);
    }

    /// The front-end reads its version, then asks who is there; `slow` does not answer in time.
    pub(crate) fn ask_around(&mut self, slow: Option<ReplicaId>) {
        let bugs = self.make.bugs;
        let current = self.front_end.current();
        let may_lead = |id: ReplicaId| current.is_in_sync(id) || bugs.has(Bug::ElectOutOfSync);
        let answers = |id: &ReplicaId| self.node(*id).process.is_some() && Some(*id) != slow;
        let cause = match self.front_end.begun {
            false => Cause::FrontEndRestart,
            true if answers(&current.leader) => Cause::LeaderRestart,
            true => Cause::Election,
        };
        let ballot = Ballot {
            based_on: current.version,
            answered: REPLICAS.into_iter().filter(answers).filter(|id| may_lead(*id)).collect(),
            cause,
            died: BTreeSet::new(),
        };
        self.front_end.change(|front_end| front_end.ballot = Some(ballot));
    }

    /// It stores who leads, unless its configuration has changed since.
    pub(crate) fn elect(&mut self) {
        let bugs = self.make.bugs;
        self.front_end.change(|front_end| {
            let Some(ballot) = front_end.ballot.take() else { return };
            let manager = front_end.manager(bugs);
            let elected = manager.elect(ballot.based_on, &ballot.answered, ballot.cause);
            if let Ok(elected) = elected {
                front_end.leader_died = ballot.died.contains(&elected.leader);
                front_end.begun = true;
                front_end.stored.push(elected);
            }
        });
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
        let Some(replica) = self.node(to).replica() else { return };
        let epoch = replica.accepted();
        self.post(Message::Trade { asker: Some(to), epoch, request_id });
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
                let answer = self.run(to, |node, wishes| node.receive(&append, wishes));
                let epoch = append.epoch;
                let reply =
                    asker.map(|asker| Message::Appended { to: asker, from: to, epoch, answer });
                self.reply(reply);
            }
            Message::Change { asker, request } => {
                let answer = self.front_end.change(|front_end| {
                    if let Ok(changed) = front_end.manager(bugs).change_membership(&request) {
                        front_end.stored.push(changed);
                    }
                    front_end.current().clone()
                });
                self.reply(asker.map(|to| Message::Changed { to, request, answer }));
            }
            Message::List { asker, epoch, after } => {
                let answer = self.catalog.change(|catalog| catalog.list(epoch, after));
                self.reply(asker.map(|to| Message::Listed { to, epoch, answer }));
            }
            Message::Trade { asker, epoch, request_id } => {
                let answer = self.catalog.change(|catalog| catalog.trade(&request_id, epoch));
                self.reply(asker.map(|to| Message::Traded { to, epoch, request_id, answer }));
            }
            Message::Appended { to, from, epoch, answer } => {
                self.input(to, |replica| match answer {
                    None => replica.peer_failed(epoch, from),
                    Some(AppendReply::Accepted { matched }) => {
                        replica.peer_accepted(epoch, from, matched)
                    }
                    Some(AppendReply::Mismatch { try_after }) => {
                        replica.peer_mismatched(epoch, from, try_after)
                    }
                    Some(AppendReply::Stale { accepted }) => replica.saw_epoch(accepted),
                });
            }
            Message::Changed { to, request, answer } => {
                self.input(to, |replica| replica.membership_answered(request.epoch, Some(answer)));
            }
            Message::Listed { to, epoch, answer } => self.input(to, |replica| match answer {
                Ok(trades) => replica.listed(epoch, &trades),
                Err(newer) => replica.saw_epoch(newer),
            }),
            Message::Traded { to, epoch, answer, .. } => self.input(to, |replica| match answer {
                Ok(trade) => replica.number(epoch, &trade, Some(ticket(&trade.request_id))),
                Err(newer) => replica.saw_epoch(newer),
            }),
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
            Message::Traded { epoch, request_id, .. } => {
                let (epoch, request_id) = (*epoch, request_id.clone());
                self.post(Message::Trade { asker: Some(asker), epoch, request_id });
            }
            Message::Trade { .. } | Message::List { .. } | Message::Listed { .. } => {}
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
