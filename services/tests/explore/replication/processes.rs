//! Processes that die and start, and files that are lost or old.

use wire::ids::ReplicaId;
use wire::internal::Part;

use super::catalog::{Catalog, File};
use super::node::Disk;
use super::world::{World, index};

impl World {
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

    /// A process dies, if it runs, and another bazaar's file is in the place of its own.
    pub(crate) fn put_another_bazaars_file(&mut self, id: ReplicaId) {
        self.crash(id);
        (self.is_damaged, self.is_whole) = (true, false);
        self.nodes[index(id)].change(|node| node.disk = Disk::of_another_bazaar(id));
    }

    /// A batch ends: messages go out, then the disk is flushed.
    pub(crate) fn end_batch(&mut self, id: ReplicaId) {
        self.run(id, |node, wishes| {
            node.send(wishes);
            node.flush(wishes);
        });
    }
}
