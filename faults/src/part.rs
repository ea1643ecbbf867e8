//! What a process is to the start of the built-in bazaar: what it is called with, where its program is, whom it
//! connects to. Nothing that is done to processes later asks for it.

use records::built_in;
use wire::ids::ReplicaId;

use crate::process::ProcessName;

/// One of the bazaar's processes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    FrontEnd,
    Catalog,
    Order(ReplicaId),
}

impl Part {
    pub(crate) fn name(self) -> ProcessName {
        match self {
            Self::FrontEnd => built_in::front_end(),
            Self::Catalog => built_in::catalog(),
            Self::Order(id) => built_in::order(id.0),
        }
    }

    /// Its program, in the folder of all programs.
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::FrontEnd => "front-end",
            Self::Catalog => "catalog",
            Self::Order(_) => "order",
        }
    }

    /// Whether it opens connections to `other`: the catalog asks the front-end only.
    pub(crate) fn connects_to(self, other: Self) -> bool {
        self != other && (self != Self::Catalog || other == Self::FrontEnd)
    }

    /// To which of its paths anybody may send a body.
    pub(crate) fn body_path(self) -> &'static str {
        match self {
            Self::FrontEnd => "/orders",
            Self::Catalog => "/trade",
            Self::Order(_) => "/sync",
        }
    }

    /// Whether `other` is stopped after it. The front-end goes first, so that nobody answers for a bazaar that is half
    /// gone, then the replicas, then the catalog.
    pub(crate) fn stops_before(self, other: Self) -> bool {
        self.stop_stage() < other.stop_stage()
    }

    fn stop_stage(self) -> u8 {
        match self {
            Self::FrontEnd => 0,
            Self::Order(_) => 1,
            Self::Catalog => 2,
        }
    }
}
