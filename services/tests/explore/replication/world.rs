//! Everything there is in the replication model at one moment.
//!
//! What happens in it is said beside it: `network` (what arrives), `processes` (who dies), `front_end`,
//! `catalog` and `node`; what must be true then, in `promises` and `steps`.

use std::collections::BTreeMap;

use services::order::replica::{NoNumber, Replica};
use wire::configuration::Configuration;
use wire::ids::{OrderNo, ReplicaId, RequestId};

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
    pub(super) nodes: [Disk; 3],
    pub(super) catalog: File,
    pub(super) front_end: Option<Configuration>,
}

/// The name of a client's trade.
pub(crate) fn name(trade: u8) -> RequestId {
    RequestId::new(format!("R{}", trade + 1)).expect("short and visible")
}

pub(super) fn index(id: ReplicaId) -> usize {
    usize::from(id.0 - 1)
}

impl World {
    /// Empty replicas; the first configuration is stored, and nobody has heard of it.
    pub(crate) fn cold(make: Make, trades: usize) -> Self {
        let nodes = REPLICAS.map(|id| Shared::new(Node::new(id, make)));
        let catalog = Catalog::new(make);
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

    /// Where a replica's thread is.
    pub(crate) fn stage(&self, id: ReplicaId) -> Option<Stage> {
        self.node(id).process.as_ref().map(|process| process.stage)
    }

    pub(super) fn input(
        &mut self,
        to: ReplicaId,
        input: impl FnOnce(&mut Replica) -> Vec<services::order::replica::Effect>,
    ) {
        self.run(to, |node, wishes| node.take(wishes, input));
    }
}
