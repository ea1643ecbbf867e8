//! What becomes of a world if nothing more goes wrong.

use services::order::replica::Replica;
use wire::configuration::Configuration;
use wire::ids::ReplicaId;

use super::Action;
use super::message::Message;
use super::node::{REPLICAS, Stage};
use super::world::World;
use crate::search::fingerprint;

/// Rounds of elections, announcements and messages after which nothing new may happen. A takeover
/// takes two, a replica that comes back two more.
const MAX_ROUNDS: usize = 16;
/// Messages in one round. Catching up takes two for each entry at the most.
const MAX_MESSAGES: usize = 200;

/// Where the steps are written down, if anybody wants to read them.
type Told = Option<Vec<String>>;

impl World {
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
    pub(super) fn settle(&mut self, told: &mut Told) {
        let mut before = 0;
        for _ in 0..MAX_ROUNDS {
            for id in REPLICAS {
                self.finish_batch(id, told);
                let current = self.front_end.current().cloned();
                let is_news = |replica: &Replica| {
                    let announced = current.as_ref().map(Configuration::age);
                    let is_older = replica.configuration().map(Configuration::age) < announced;
                    let is_heard = |current| self.is_heard(replica, current);
                    is_older && current.as_ref().is_some_and(is_heard)
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
