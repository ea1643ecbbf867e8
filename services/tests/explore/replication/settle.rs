//! What becomes of a world if nothing more goes wrong.

use services::order::replica::Replica;
use wire::ids::ReplicaId;

use super::message::Message;
use super::node::{Make, REPLICAS, Stage};
use super::world::World;
use super::{Action, Start};
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
            Start::Lagging(orders) => orders,
            Start::Bereft => 1,
        };
        let mut world = Self::cold(make, usize::from(trades + lacking));
        if start == Start::Cold {
            return world;
        }
        world.settle(&mut None);
        if start == Start::Bereft {
            world.crash(ReplicaId(3));
            world.settle(&mut None);
            world.send_trade(trades, ReplicaId(2));
            world.settle(&mut None);
            world.lose_disks();
        } else if start != Start::Serving {
            world.crash(ReplicaId(2));
            for trade in trades..trades + lacking {
                world.send_trade(trade, ReplicaId(3));
            }
            world.settle(&mut None);
            world.restart(ReplicaId(2));
        }
        world
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
        world.settle(told);
        let promise = world.broken_promise().or_else(|| world.unsettled(true))?;
        Some(format!("once everything is healed: {promise}"))
    }

    fn left(&self, told: &mut Told) -> Option<String> {
        let members = &self.front_end.current().in_sync;
        let some_can = members.iter().any(|id| self.node(*id).process.is_some());
        if !(some_can && self.front_end.up) {
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
                let announced = self.front_end.current().version;
                let is_news = |replica: &Replica| {
                    replica.configuration().is_none_or(|known| known.version < announced)
                };
                if self.front_end.up && self.node(id).replica().is_some_and(is_news) {
                    let stored = self.front_end.stored.len() - 1;
                    self.act(Action::Announce { to: id, stored }, told);
                    self.finish_batch(id, told);
                }
            }
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

    fn settle_front_end(&mut self, told: &mut Told) {
        if self.front_end.ballot.is_some() {
            self.act(Action::Elect, told);
        }
        let front_end = &self.front_end;
        if front_end.up && (front_end.leader_died || !front_end.begun) {
            self.act(Action::AskAround { slow: None }, told);
            self.act(Action::Elect, told);
        }
    }

    fn settle_network(&mut self, told: &mut Told) {
        for _ in 0..MAX_MESSAGES {
            let Some(message) = self.network.first() else { return };
            if self.broken.is_some() {
                return;
            }
            let arrives = match &**message {
                Message::Append { to, .. } => self.node(*to).process.is_some(),
                Message::Change { .. } => self.front_end.up,
                _ => true,
            };
            self.act(
                match arrives {
                    true => Action::Deliver { place: 0, twice: false },
                    false => Action::GiveUp { place: 0, is_lost: true },
                },
                told,
            );
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
