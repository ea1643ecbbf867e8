//! What a holder is told on its standard input and tells on its standard output: a line of JSON each.
//!
//! First comes [`Order::Prepare`], answered with [`Told::Ready`] once everything is there that the fault needs, and somebody who
//! takes it back; then [`Order::Apply`], one call of `nft`, so that the time of a fault is known to milliseconds however long it took to get
//! to the host. The end of the input is the order to take it back.

use std::collections::BTreeSet;
use std::net::IpAddr;

use serde::{Deserialize, Serialize};

use crate::schedule::{CutMode, LinkFault};

/// The longest line, in bytes: some hundred flows of a few hundred bytes.
pub(super) const MAX_LINE_BYTES: u64 = 1 << 20;

/// A fault, as one host has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Spec {
    /// The run's.
    pub(super) token: String,
    /// The fault's number.
    pub(super) fault: u32,
    /// What happens.
    pub(super) effect: Effect,
    /// To which packets.
    pub(super) flows: Vec<Flow>,
}

/// What happens to packets.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Effect {
    /// They are gone.
    Drop,
    /// They are gone, and the connection with them: its sender is told.
    Reset,
    /// They leave that much later.
    Delay {
        /// In milliseconds.
        ms: u64,
    },
    /// So many of a hundred are gone.
    Lose {
        /// How many.
        percent: u8,
    },
    /// So many of a hundred leave twice.
    Duplicate {
        /// How many.
        percent: u8,
    },
    /// No more than so many bytes leave.
    Rate {
        /// In a second.
        bytes_per_s: u64,
    },
}

impl Effect {
    /// What a fault of a link does to packets.
    pub(super) fn of(kind: LinkFault) -> Self {
        match kind {
            LinkFault::Cut(CutMode::Silent) => Self::Drop,
            LinkFault::Cut(CutMode::Reset) => Self::Reset,
            LinkFault::Delay(delay) => {
                Self::Delay { ms: u64::try_from(delay.as_millis()).unwrap_or(u64::MAX) }
            }
            LinkFault::Throttle(bytes_per_s) => Self::Rate { bytes_per_s: bytes_per_s.get() },
            LinkFault::Lose(percent) => Self::Lose { percent: percent.get() },
            LinkFault::Duplicate(percent) => Self::Duplicate { percent: percent.get() },
        }
    }

    /// Whether packets wait in a queue for it.
    pub(super) fn is_of_a_queue(self) -> bool {
        matches!(self, Self::Delay { .. } | Self::Rate { .. } | Self::Duplicate { .. })
    }
}

/// Packets between this host and somebody else.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Flow {
    /// Whether they come or go.
    pub(super) way: FlowWay,
    /// Who else.
    pub(super) peer: Peer,
    /// Which ports; all if nothing is said.
    pub(super) ports: Option<Ports>,
}

/// Whether packets come or go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum FlowWay {
    /// They come to this host.
    In,
    /// They go from it.
    Out,
}

/// Who is at the other end.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Peer {
    /// Who has this address.
    Address(IpAddr),
    /// Everybody but who has one of these, and this host itself.
    AnybodyBut(Vec<IpAddr>),
}

/// Packets of a connection to a port here, or to a port there.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Ports {
    /// Ports of this host.
    pub(super) here: BTreeSet<u16>,
    /// Ports of the other end.
    pub(super) there: BTreeSet<u16>,
}

/// What a holder is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Order {
    /// To get ready for this.
    Prepare(Spec),
    /// To do it.
    Apply,
}

/// What a holder tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Told {
    /// It can be done at once.
    Ready,
    /// It is done, and was seen to be.
    Applied,
    /// It was taken back, and was seen to be.
    Undone {
        /// How many packets it has met, if whoever took it back has counted.
        packets: Option<u64>,
    },
    /// It could not be done, or not be taken back.
    Failed {
        /// Why.
        reason: String,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_told_is_a_line_that_reads_as_it_was_written() {
        let ports = Ports { here: [80].into(), there: BTreeSet::new() };
        let peer = Peer::AnybodyBut(vec!["10.0.0.1".parse().unwrap()]);
        let flows = vec![
            Flow { way: FlowWay::In, peer, ports: Some(ports) },
            Flow { way: FlowWay::Out, peer: Peer::Address("::1".parse().unwrap()), ports: None },
        ];
        let spec =
            Spec { token: "a1".to_owned(), fault: 7, effect: Effect::Delay { ms: 5 }, flows };
        for order in [Order::Prepare(spec), Order::Apply] {
            let line = serde_json::to_string(&order).unwrap();
            assert!(!line.contains('\n'), "{line}");
            assert_eq!(serde_json::from_str::<Order>(&line).unwrap(), order);
        }
        for (packets, line) in
            [(Some(3), r#"{"undone":{"packets":3}}"#), (None, r#"{"undone":{"packets":null}}"#)]
        {
            assert_eq!(serde_json::to_string(&Told::Undone { packets }).unwrap(), line);
        }
    }
}
