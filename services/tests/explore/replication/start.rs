//! The worlds that searches begin with.

use wire::ids::ReplicaId;
use wire::internal::Part;

use super::catalog::Catalog;
use super::message::Message;
use super::node::{Make, Node, REPLICAS};
use super::world::{World, name};
use super::{Damage, Start};

impl World {
    /// The world that a search begins with.
    pub(crate) fn start(start: Start, make: Make, trades: u8) -> Self {
        let lacking = match start {
            Start::Cold | Start::Serving => 0,
            Start::Lagging(orders) | Start::LaggingAnew(orders) => orders,
            Start::Bereft => 1,
            Start::Traded(damage) => damage.orders,
            Start::Emptied => 5,
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
            Start::Emptied => world.trade_and_empty_the_catalog(trades),
        }
        world
    }

    /// Orders are committed by the members that there are, then files are lost, and some are down.
    fn trade_and_damage(&mut self, damage: Damage, trades: u8) {
        let Damage {
            alone,
            orders,
            left,
            floor,
            lost,
            old,
            foreign,
            astray,
            restarted,
            down,
            deaf,
        } = damage;
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
            self.note_committed();
        }
        down.iter().for_each(|part| self.stop(*part));
        lost.iter().for_each(|part| self.lose_file(*part));
        old.iter().for_each(|part| self.restore_copy(*part));
        foreign.iter().for_each(|id| self.put_another_bazaars_file(*id));
        restarted.iter().for_each(|id| self.crash(*id));
        if astray > 0 {
            self.is_astray = true;
            let others: Vec<_> = (trades + 1..trades + astray).map(name).collect();
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
                    ballot.asked.retain(|id, _| !deaf.contains(id));
                }
            });
            self.elect();
        }
        // The search may damage one more, if it is asked to.
        self.is_damaged = false;
    }

    /// Three orders are committed without replica 1, which is back then; two more trades are applied before the
    /// catalog's file is lost. The leader hears of the second first, so it asks for what is missing; it hears
    /// of the first after all, then that the catalog holds nothing, and has not flushed the two yet.
    fn trade_and_empty_the_catalog(&mut self, trades: u8) {
        let leader = ReplicaId(3);
        self.crash(ReplicaId(1));
        self.settle(&mut None);
        for trade in trades..trades + 3 {
            self.send_trade(trade, leader);
            self.settle(&mut None);
        }
        self.restart(ReplicaId(1));
        let (first, second) = (trades + 3, trades + 4);
        for trade in [first, second] {
            self.send_trade(trade, leader);
            self.deliver_all(|message| matches!(message, Message::Trade { .. }));
        }
        let answers = |trade| {
            let answered = name(trade);
            move |message: &Message| matches!(message, Message::Traded { request_id, .. } if *request_id == answered)
        };
        self.deliver_all(answers(second));
        // A gap is asked for once it has outlived a tick. Replica 1 is sent two of the three.
        (0..2).for_each(|_| self.run(leader, Node::tick));
        self.deliver_all(|message| matches!(message, Message::Append { .. }));
        self.lose_file(Part::Catalog);
        self.catalog.change(Catalog::start);
        self.tell_catalog(self.front_end.stored.len() - 1);
        self.deliver_all(answers(first));
        self.deliver_all(|message| matches!(message, Message::List { .. }));
        self.deliver_all(|message| matches!(message, Message::Listed { .. }));
        self.deliver_all(|message| matches!(message, Message::Appended { .. }));
        self.run(leader, Node::send);
        let to_one = Some(ReplicaId(1));
        self.deliver_all(
            |message| matches!(message, Message::Append { .. } if message.receiver() == to_one),
        );
    }

    /// These messages arrive, those too that they bring about.
    fn deliver_all(&mut self, is_meant: impl Fn(&Message) -> bool) {
        while let Some(place) = self.network.iter().position(|message| is_meant(message)) {
            self.deliver(place, false);
        }
    }
}
