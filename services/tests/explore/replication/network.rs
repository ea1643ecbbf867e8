//! What is sent, what arrives, and what comes of it; and who hears of whom.

use services::order::replica::Replica;
use services::planted::Bug;
use wire::configuration::Configuration;
use wire::ids::{Incarnation, ReplicaId, RequestId};
use wire::internal::{AppendReply, FillReply, UnnumberedReply};

use super::message::Message;
use super::world::{World, name};
use crate::shared::Shared;

impl World {
    /// Puts a message on its way.
    pub(crate) fn post(&mut self, message: Message) {
        let message = Shared::new(message);
        let place = self.network.partition_point(|m| m.fingerprint() <= message.fingerprint());
        self.network.insert(place, message);
    }

    /// Whether a replica does more about a configuration than to say that it is another bazaar's (rule L1).
    pub(crate) fn is_heard(&self, replica: &Replica, announced: &Configuration) -> bool {
        let is_ours = replica.bazaar().is_none_or(|own| *own == announced.bazaar);
        is_ours || self.make.bugs.has(Bug::TakeAnyBazaar)
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
    pub(super) fn ask_again(&mut self, to: ReplicaId, request_id: RequestId) {
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
                if matches!(answer, Ok(UnnumberedReply::Page { .. })) {
                    self.check_goes_on(request.after.entry.as_slice());
                }
                self.reply(asker.map(|to| Message::Listed { to, epoch, answer }));
            }
            Message::Fill { asker, request } => {
                let epoch = request.epoch;
                let answer = self.catalog.change(|catalog| catalog.fill(&request));
                if matches!(answer, Ok(FillReply::Filled { .. })) {
                    self.check_goes_on(&request.entries);
                }
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
                self.input(to, |replica| replica.peer_answered(epoch, from, answer));
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

    /// Anybody who waits for what comes of a message gives up; the message itself may yet arrive.
    pub(crate) fn give_up(&mut self, place: usize, is_lost: bool) {
        let message = Message::clone(&self.network.remove(place));
        let Some(asker) = message.asker() else { return };
        match &message {
            Message::Append { .. } | Message::Appended { .. } => {
                let (peer, epoch) = message.exchange().expect("it is a part of one");
                self.input(asker, |replica| replica.peer_answered(epoch, peer, None));
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

    /// The task that carries a trade panics instead of taking the catalog's answer.
    pub(crate) fn panic(&mut self, place: usize, is_said: bool) {
        let message = Message::clone(&self.network.remove(place));
        if let Message::Traded { to, epoch, .. } = message
            && is_said
        {
            self.input(to, |replica| {
                replica.lost_trade(epoch);
                Vec::new()
            });
        }
    }

    fn reply(&mut self, reply: Option<Message>) {
        if let Some(reply) = reply {
            self.post(reply);
        }
    }
}

/// Who waits for a number is named after the trade.
fn ticket(id: &RequestId) -> u64 {
    let digits = id.as_str().trim_start_matches('R').trim_end_matches("-again");
    digits.parse::<u64>().expect("names are made of numbers") - 1
}
