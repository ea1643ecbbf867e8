//! What becomes of a world if nothing more goes wrong.

use services::order::replica::Replica;
use wire::configuration::Configuration;
use wire::ids::{OrderNo, ReplicaId};
use wire::internal::Part;

use super::catalog::Catalog;
use super::message::Message;
use super::node::{Make, REPLICAS, Stage};
use super::world::{World, name};
use super::{Action, Damage, Start};
use crate::search::fingerprint;

/// Rounds of elections, announcements and messages after which nothing new may happen. A takeover
/// takes two, a replica that comes back two more.
const MAX_ROUNDS: usize = 16;
/// Messages in one round. Catching up takes two for each entry at the most.
const MAX_MESSAGES: usize = 200;

/// Where the steps are written down, if anybody wants to read them.
type Told = Option<Vec<String>>;

impl World {
    /// The world that a search begins with.
    pub(crate) fn start(start: Start, make: Make, trades: u8) -> Self {
        let lacking = match start {
            Start::Cold | Start::Serving => 0,
            Start::Lagging(orders) | Start::LaggingAnew(orders) => orders,
            Start::Bereft => 1,
            Start::Traded(damage) => damage.orders,
        };
        let mut world = Self::cold(make, usize::from(trades + lacking));
        if start == Start::Cold {
            return world;
        }
        world.settle(&mut None);
        world.copy_files();
        match start {
            Start::Cold | Start::Serving => {}
            Start::Lagging(_) | Start::LaggingAnew(_) => {
                world.crash(ReplicaId(2));
                for trade in trades..trades + lacking {
                    world.send_trade(trade, ReplicaId(3));
                }
                world.settle(&mut None);
                world.restart(ReplicaId(2));
                if matches!(start, Start::LaggingAnew(_)) {
                    [ReplicaId(1), ReplicaId(3)].into_iter().for_each(|id| world.crash(id));
                    world.restart(ReplicaId(1));
                    world.ask_around(None);
                    world.elect();
                    world.restart(ReplicaId(3));
                }
            }
            Start::Bereft => {
                world.crash(ReplicaId(3));
                world.settle(&mut None);
                world.send_trade(trades, ReplicaId(2));
                world.settle(&mut None);
                world.lose_file(Part::Replica(ReplicaId(3)));
                world.restart(ReplicaId(3));
                let kept = world.front_end.file.clone();
                world.lose_file(Part::FrontEnd);
                world.restart_front_end();
                world.ask_around(None);
                if world.front_end.file.is_none() {
                    world.front_end.change(|front_end| front_end.file = kept);
                    world.restart_front_end();
                }
            }
            Start::Traded(damage) => world.trade_and_damage(damage, trades),
        }
        world
    }

    /// Orders are committed by the members that there are, then files are lost, and some are down.
    fn trade_and_damage(&mut self, damage: Damage, trades: u8) {
        let Damage { alone, orders, left, floor, lost, old, astray, down, deaf } = damage;
        if let Some(alone) = alone {
            REPLICAS.into_iter().filter(|id| *id != alone).for_each(|id| self.crash(id));
            self.settle(&mut None);
        }
        let leader = self.leader().map(|leader| leader.id);
        for trade in trades..trades + orders {
            leader.into_iter().for_each(|leader| self.send_trade(trade, leader));
            self.settle(&mut None);
        }
        if let Some(left) = left {
            REPLICAS.into_iter().filter(|id| *id != left).for_each(|id| self.crash(id));
            self.settle(&mut None);
        }
        if floor {
            self.front_end.change(|front_end| {
                if let Some(file) = &mut front_end.file {
                    file.committed = OrderNo(u64::from(orders));
                }
            });
        }
        down.iter().for_each(|part| self.stop(*part));
        lost.iter().for_each(|part| self.lose_file(*part));
        old.iter().for_each(|part| self.restore_copy(*part));
        if astray {
            self.is_astray = true;
            let others: Vec<_> = (trades + 1..trades + orders).map(name).collect();
            self.catalog.change(|catalog| catalog.go_astray(&name(0), &others));
        }
        let parts = REPLICAS.into_iter().map(Part::Replica);
        for part in parts.chain([Part::Catalog, Part::FrontEnd]) {
            match part {
                _ if down.contains(&part) || self.is_up(part) => {}
                Part::FrontEnd => self.restart_front_end(),
                Part::Catalog => self.catalog.change(Catalog::start),
                Part::Replica(id) => self.restart(id),
            }
        }
        if !deaf.is_empty() {
            self.ask_around(None);
            self.front_end.change(|front_end| {
                if let Some(ballot) = &mut front_end.ballot {
                    ballot.answered.retain(|id, _| !deaf.contains(id));
                }
            });
            self.elect();
        }
        // The search may damage one more, if it is asked to.
        self.is_damaged = false;
    }

    /// Whether, from here, all would be well in the end: if everybody is started again, and if
    /// only those go on who are up, provided that some of them can.
    pub(crate) fn would_not_settle(&self) -> Option<String> {
        self.healed(&mut None).or_else(|| self.left(&mut None))
    }

    /// The steps that show that it would not.
    pub(crate) fn how_it_would_settle(&self) -> Vec<String> {
        if self.broken_promise().is_some() {
            return Vec::new();
        }
        let mut healed = Some(Vec::new());
        let mut left = Some(Vec::new());
        let told = match (self.healed(&mut healed), self.left(&mut left)) {
            (Some(_), _) => healed,
            (None, Some(_)) => left,
            (None, None) => None,
        };
        told.unwrap_or_default()
    }

    fn healed(&self, told: &mut Told) -> Option<String> {
        let mut world = self.clone();
        world.forget_orphans();
        for id in REPLICAS {
            if world.node(id).process.is_none() {
                world.act(Action::Restart(id), told);
            }
        }
        if !world.front_end.up {
            world.act(Action::RestartFrontEnd, told);
        }
        if !world.catalog.is_up() {
            world.act(Action::RestartCatalog, told);
        }
        world.settle(told);
        let promise = world.broken_promise().or_else(|| world.unsettled(true))?;
        Some(format!("once everything is healed: {promise}"))
    }

    fn left(&self, told: &mut Told) -> Option<String> {
        let current = self.front_end.current()?;
        let some_can = current.in_sync.iter().any(|member| {
            let node = self.node(member.id);
            node.process.is_some() && node.disk.identity == member.identity
        });
        if !(some_can && self.front_end.up && self.catalog.is_up()) {
            return None;
        }
        let mut world = self.clone();
        world.forget_orphans();
        world.settle(told);
        let promise = world.broken_promise().or_else(|| world.unsettled(false))?;
        Some(format!("with those that are up: {promise}"))
    }

    fn forget_orphans(&mut self) {
        self.network.retain(|message| message.asker().is_some());
    }

    fn act(&mut self, action: Action, told: &mut Told) {
        if self.broken.is_some() {
            return;
        }
        if let Some(told) = told {
            told.push(self.describe(action));
        }
        self.happen(action);
        self.broken = self.broken_promise();
    }

    /// Lets happen what must, in some fair order, until nothing more does.
    fn settle(&mut self, told: &mut Told) {
        let mut before = 0;
        for _ in 0..MAX_ROUNDS {
            for id in REPLICAS {
                self.finish_batch(id, told);
                let current = self.front_end.current().cloned();
                let is_news = |replica: &Replica| {
                    let announced = current.as_ref().map(Configuration::age);
                    let is_older = replica.configuration().map(Configuration::age) < announced;
                    let own = replica.bazaar();
                    is_older
                        && own.is_none_or(|own| Some(own) == current.as_ref().map(|c| &c.bazaar))
                };
                if self.front_end.up && self.node(id).replica().is_some_and(is_news) {
                    let Some(stored) = self.stored_now() else { continue };
                    self.act(Action::Announce { to: id, stored }, told);
                    self.finish_batch(id, told);
                }
            }
            self.settle_catalog(told);
            self.settle_network(told);
            // Late, so that an election that is under way is overtaken by what can overtake it.
            self.settle_front_end(told);
            if let Some(leader) = self.leader().map(|leader| leader.id) {
                self.act(Action::Tick(leader), told);
                self.settle_network(told);
            }
            let now = fingerprint(self);
            if now == before || self.broken.is_some() {
                return;
            }
            before = now;
        }
    }

    /// Where the current configuration is among all that were stored.
    fn stored_now(&self) -> Option<usize> {
        let current = self.front_end.current()?;
        self.front_end.stored.iter().rposition(|stored| *stored == *current)
    }

    fn settle_catalog(&mut self, told: &mut Told) {
        let epoch = self.front_end.current().map(|current| current.epoch);
        let is_told = self.catalog.told() >= epoch || epoch < Some(self.catalog.file.epoch());
        if self.front_end.up
            && self.catalog.is_up()
            && !is_told
            && let Some(stored) = self.stored_now()
        {
            self.act(Action::TellCatalog { stored }, told);
        }
        for id in REPLICAS {
            if self.is_news_to(id).is_some() {
                self.act(Action::MeetCatalog(id), told);
            }
        }
    }

    fn settle_front_end(&mut self, told: &mut Told) {
        self.settle_ballot(told);
        if self.front_end.up && (self.wants_election() || self.may_be_helped()) {
            self.act(Action::AskAround { slow: None }, told);
            self.settle_ballot(told);
        }
    }

    fn settle_ballot(&mut self, told: &mut Told) {
        for id in REPLICAS {
            if self.is_to_be_fenced(id) && self.node(id).process.is_some() {
                self.act(Action::Fence(id), told);
            }
        }
        if self.is_decided() {
            self.act(Action::Elect, told);
        }
    }

    fn settle_network(&mut self, told: &mut Told) {
        for _ in 0..MAX_MESSAGES {
            if self.broken.is_some() {
                return;
            }
            let arrives =
                |message: &Message| self.is_taken(message) || self.is_to_be_asked_again(message);
            let is_lost = |message: &Message| match message {
                Message::Append { to, .. } => self.node(*to).process.is_none(),
                Message::Change { .. } => !self.front_end.up,
                _ => false,
            };
            // A trade that has to be asked again waits for the list that is under way.
            let messages = self.network.iter().enumerate();
            let moving = messages.filter(|(_, message)| arrives(message) || is_lost(message));
            let next =
                moving.min_by_key(|(_, message)| matches!(***message, Message::Trade { .. }));
            let Some((place, message)) = next else { return };
            let action = match is_lost(message) {
                false => Action::Deliver { place, twice: false },
                true => Action::GiveUp { place, is_lost: true },
            };
            self.act(action, told);
            REPLICAS.into_iter().for_each(|id| self.finish_batch(id, told));
        }
    }

    fn finish_batch(&mut self, id: ReplicaId, told: &mut Told) {
        match self.stage(id) {
            Some(Stage::Taking) => self.act(Action::EndBatch(id), told),
            Some(Stage::Stalled) => self.act(Action::Flush(id), told),
            _ => {}
        }
    }
}
