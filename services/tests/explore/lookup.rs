//! The model of a lookup during and after an election.
//!
//! Real is what a replica does with a lookup ([`services::order::lookup`]). Modelled are one order, which was
//! acknowledged; a new leader, which knows that it is committed or does not know yet; and its takeover,
//! which needs the catalog.

use services::order::lookup::{Lookup, decide};
use services::planted::Bugs;

use crate::search::Model;

/// The model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lookups {
    /// What is planted.
    pub(crate) bugs: Bugs,
}

/// Everything at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct World {
    is_known: bool,
    leads: bool,
    serves: bool,
    catalog_is_up: bool,
}

/// What can happen.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    HearOfCommit,
    Elected,
    TakenOver,
    Catalog(bool),
}

impl Model for Lookups {
    type State = World;
    type Action = Action;

    fn start(&self) -> World {
        World { is_known: false, leads: false, serves: false, catalog_is_up: true }
    }

    fn actions(&self, world: &World) -> Vec<(Action, u8)> {
        let possible = [
            (Action::HearOfCommit, 0, !world.leads && !world.is_known),
            (Action::Elected, 1, !world.leads),
            (Action::TakenOver, 0, world.leads && !world.serves && world.catalog_is_up),
            (Action::Catalog(false), 1, world.catalog_is_up),
            (Action::Catalog(true), 0, !world.catalog_is_up),
        ];
        let possible = possible.into_iter().filter(|(.., is)| *is);
        possible.map(|(action, faults, _)| (action, faults)).collect()
    }

    fn after(&self, world: &World, action: Action) -> World {
        let mut world = *world;
        match action {
            Action::HearOfCommit => world.is_known = true,
            Action::Elected => world.leads = true,
            // By then it knows what its predecessors have committed.
            Action::TakenOver => (world.serves, world.is_known) = (true, true),
            Action::Catalog(is_up) => world.catalog_is_up = is_up,
        }
        world
    }

    fn broken(&self, world: &World, _fingerprint: u64, _by_fault: bool) -> Option<String> {
        match decide(world.is_known, world.leads, world.serves, self.bugs) {
            Lookup::Show => None,
            Lookup::Deny => Some("an order that was acknowledged is denied".to_owned()),
            Lookup::AwaitServing | Lookup::AskLeader if !world.is_known => None,
            Lookup::AwaitServing | Lookup::AskLeader => {
                Some("an order that is known to be committed is not shown".to_owned())
            }
        }
    }

    fn describe(&self, _world: &World, action: Action) -> String {
        match action {
            Action::HearOfCommit => "the follower hears that the order is committed".to_owned(),
            Action::Elected => "the leader dies, and the follower is elected".to_owned(),
            Action::TakenOver => "it has taken over".to_owned(),
            Action::Catalog(true) => "the catalog is back".to_owned(),
            Action::Catalog(false) => "the catalog goes down".to_owned(),
        }
    }

    fn epilogue(&self, _world: &World) -> Vec<String> {
        Vec::new()
    }
}
