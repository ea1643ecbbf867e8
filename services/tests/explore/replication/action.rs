//! What can happen in the replication model: to have it happen, and to say it in words.

use std::fmt::Write;

use services::front_end::start_check::PartName;
use wire::ids::ReplicaId;
use wire::internal::Part;

use super::Fault;
use super::catalog::Catalog;
use super::message::{self, Message, Said};
use super::node::Node;
use super::world::{World, name};

/// What can happen. Messages are named by their place in the network.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Action {
    SendTrade { trade: u8, to: ReplicaId },
    Deliver { place: usize, twice: bool },
    GiveUp { place: usize, is_lost: bool },
    Panic { place: usize, is_said: bool },
    Announce { to: ReplicaId, stored: usize },
    EndBatch(ReplicaId),
    Stall(ReplicaId),
    Flush(ReplicaId),
    Tick(ReplicaId),
    Crash(ReplicaId),
    Restart(ReplicaId),
    AskAround { slow: Option<ReplicaId> },
    Elect,
    Fence(ReplicaId),
    CrashFrontEnd,
    RestartFrontEnd,
    TellCatalog { stored: usize },
    MeetCatalog(ReplicaId),
    CrashCatalog,
    RestartCatalog,
    LoseFile(Part),
    RestoreCopy(Part),
}

impl Action {
    /// Which fault it is, where it is one.
    pub(crate) fn fault(self) -> Option<Fault> {
        match self {
            Self::Crash(_) | Self::CrashFrontEnd | Self::CrashCatalog | Self::Stall(_) => {
                Some(Fault::Crash)
            }
            Self::LoseFile(_) => Some(Fault::LostFile),
            Self::RestoreCopy(_) => Some(Fault::OldFile),
            Self::AskAround { .. } => Some(Fault::Slow),
            Self::GiveUp { is_lost: false, .. } => Some(Fault::GivenUp),
            Self::GiveUp { is_lost: true, .. } => Some(Fault::Lost),
            Self::Panic { .. } => Some(Fault::Panic),
            Self::Deliver { .. } => Some(Fault::Twice),
            Self::Announce { .. } | Self::TellCatalog { .. } => Some(Fault::Late),
            Self::SendTrade { .. } => Some(Fault::Again),
            _ => None,
        }
    }
}

impl World {
    /// Has `action` happen.
    pub(crate) fn happen(&mut self, action: Action) {
        match action {
            Action::SendTrade { trade, to } => self.send_trade(trade, to),
            Action::Deliver { place, twice } => self.deliver(place, twice),
            Action::GiveUp { place, is_lost } => self.give_up(place, is_lost),
            Action::Panic { place, is_said } => self.panic(place, is_said),
            Action::Announce { to, stored } => self.announce(to, stored),
            Action::EndBatch(id) => self.end_batch(id),
            Action::Stall(id) => self.run(id, Node::send),
            Action::Flush(id) => self.run(id, Node::flush),
            Action::Tick(id) => self.run(id, Node::tick),
            Action::Crash(id) => self.crash(id),
            Action::Restart(id) => self.restart(id),
            Action::AskAround { slow } => self.ask_around(slow),
            Action::Elect => self.elect(),
            Action::CrashFrontEnd => self.crash_front_end(),
            Action::RestartFrontEnd => self.restart_front_end(),
            Action::Fence(id) => self.fence(id),
            Action::TellCatalog { stored } => self.tell_catalog(stored),
            Action::MeetCatalog(id) => self.meet_catalog(id),
            Action::CrashCatalog => self.catalog.change(Catalog::crash),
            Action::RestartCatalog => self.catalog.change(Catalog::start),
            Action::LoseFile(part) => self.lose_file(part),
            Action::RestoreCopy(part) => self.restore_copy(part),
        }
    }

    /// What `action` does here, in words.
    pub(crate) fn describe(&self, action: Action) -> String {
        let message = |place: usize| Message::clone(&self.network[place]);
        match action {
            Action::SendTrade { trade, to } => match self.attempts[usize::from(trade)] {
                0 => format!("{} is sent to replica {to}", name(trade)),
                _ => format!("{} is sent again, to replica {to}", name(trade)),
            },
            Action::Deliver { place, twice: false } => format!("arrives: {}", message(place)),
            Action::Deliver { place, twice: true } => {
                format!("arrives, and will again: {}", message(place))
            }
            Action::GiveUp { place, is_lost: true } => format!("is lost: {}", message(place)),
            Action::GiveUp { place, is_lost: false } => {
                format!("is waited for no more: {}", message(place))
            }
            Action::Panic { place, is_said: true } => {
                format!("whoever waits for it panics: {}", message(place))
            }
            Action::Panic { place, is_said: false } => {
                format!("whoever waits for it panics, and cannot say so: {}", message(place))
            }
            Action::Announce { to, stored } => {
                format!("replica {to} hears: {}", Said(&self.front_end.stored[stored]))
            }
            Action::EndBatch(id) => format!("replica {id} sends and flushes: {}", self.log(id)),
            Action::Stall(id) => {
                format!("replica {id} sends, and has yet to flush: {}", self.log(id))
            }
            Action::Flush(id) => format!("replica {id} flushes after all: {}", self.log(id)),
            Action::Tick(id) => format!("replica {id} looks who is there"),
            Action::Crash(id) => format!("replica {id} dies"),
            Action::Restart(id) => {
                let disk = &self.node(id).disk;
                let mut text = format!("replica {id} is back; its disk: epoch {},", disk.accepted);
                for entry in &disk.entries {
                    // Writing to a string cannot fail.
                    let _ = write!(text, " #{}={}", entry.order_no, entry.request_id);
                }
                text
            }
            Action::AskAround { slow: None } => "the front-end asks who is there".to_owned(),
            Action::AskAround { slow: Some(id) } => {
                format!("the front-end asks who is there; replica {id} is too slow")
            }
            Action::Elect => "the front-end stores its choice".to_owned(),
            Action::CrashFrontEnd => "the front-end dies".to_owned(),
            Action::RestartFrontEnd => "the front-end is back".to_owned(),
            Action::Fence(id) => format!("the front-end fences replica {id}"),
            Action::TellCatalog { stored } => {
                format!("the catalog is told: {}", Said(&self.front_end.stored[stored]))
            }
            Action::MeetCatalog(id) => {
                format!("replica {id} meets another incarnation of the catalog")
            }
            Action::CrashCatalog => "the catalog dies".to_owned(),
            Action::RestartCatalog => "the catalog is back".to_owned(),
            Action::LoseFile(part) => format!("the file of {} is lost", PartName(part)),
            Action::RestoreCopy(part) => {
                format!("an old copy of the file of {} is put back", PartName(part))
            }
        }
    }

    fn log(&self, id: ReplicaId) -> String {
        self.node(id).replica().map(message::log).unwrap_or_default()
    }
}
