//! What is on its way between two processes.

use std::fmt;

use services::order::replica::Replica;
use wire::configuration::{Configuration, Membership, MembershipRequest};
use wire::ids::{AppliedSeq, Epoch, ReplicaId, RequestId};
use wire::internal::{Append, AppendReply, AppliedTrade};

/// A message. Those that ask for something say who waits for the answer; nobody (`None`) waits
/// once the asker has given up or died, and the message may arrive all the same.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Message {
    /// Leader to follower.
    Append { asker: Option<ReplicaId>, to: ReplicaId, append: Append },
    /// And back. A refusal is `None`.
    Appended { to: ReplicaId, from: ReplicaId, epoch: Epoch, answer: Option<AppendReply> },
    /// Leader to front-end.
    Change { asker: Option<ReplicaId>, request: MembershipRequest },
    /// And back.
    Changed { to: ReplicaId, request: MembershipRequest, answer: Configuration },
    /// New leader to catalog.
    List { asker: Option<ReplicaId>, epoch: Epoch, after: AppliedSeq },
    /// And back: the list, or the newer epoch that the catalog has seen.
    Listed { to: ReplicaId, epoch: Epoch, answer: Result<Vec<AppliedTrade>, Epoch> },
    /// Leader to catalog.
    Trade { asker: Option<ReplicaId>, epoch: Epoch, request_id: RequestId },
    /// And back: the trade and its place, or the newer epoch.
    Traded {
        to: ReplicaId,
        epoch: Epoch,
        request_id: RequestId,
        answer: Result<AppliedTrade, Epoch>,
    },
}

impl Message {
    /// The replica that waits for what comes of it.
    pub(crate) fn asker(&self) -> Option<ReplicaId> {
        match self {
            Self::Append { asker, .. }
            | Self::Change { asker, .. }
            | Self::List { asker, .. }
            | Self::Trade { asker, .. } => *asker,
            Self::Appended { to, .. }
            | Self::Changed { to, .. }
            | Self::Listed { to, .. }
            | Self::Traded { to, .. } => Some(*to),
        }
    }

    /// The replica that it goes to, if it goes to one.
    pub(crate) fn receiver(&self) -> Option<ReplicaId> {
        match self {
            Self::Append { to, .. }
            | Self::Appended { to, .. }
            | Self::Changed { to, .. }
            | Self::Listed { to, .. }
            | Self::Traded { to, .. } => Some(*to),
            Self::Change { .. } | Self::List { .. } | Self::Trade { .. } => None,
        }
    }

    /// The same message once nobody waits for its answer any more; an answer is then gone.
    pub(crate) fn orphaned(self) -> Option<Self> {
        match self {
            Self::Append { to, append, .. } => Some(Self::Append { asker: None, to, append }),
            Self::Change { request, .. } => Some(Self::Change { asker: None, request }),
            Self::List { epoch, after, .. } => Some(Self::List { asker: None, epoch, after }),
            Self::Trade { epoch, request_id, .. } => {
                Some(Self::Trade { asker: None, epoch, request_id })
            }
            _answer => None,
        }
    }

    /// The follower and the leader's epoch, if it is a part of an exchange between the two.
    pub(crate) fn exchange(&self) -> Option<(ReplicaId, Epoch)> {
        match self {
            Self::Append { to, append, .. } => Some((*to, append.epoch)),
            Self::Appended { from, epoch, .. } => Some((*from, *epoch)),
            _ => None,
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.asker().is_none() {
            write!(f, "(nobody waits any more) ")?;
        }
        match self {
            Self::Append { to, append, .. } => {
                let Append { epoch, leader, takeover_end, previous, entries, committed } = append;
                write!(
                    f,
                    "{leader} -> {to}: append epoch {epoch}, takeover end #{takeover_end}, "
                )?;
                write!(f, "after #{} (epoch {}): [", previous.order_no, previous.epoch)?;
                for entry in entries {
                    write!(f, " #{}={} (epoch {})", entry.order_no, entry.request_id, entry.epoch)?;
                }
                write!(f, " ], committed #{committed}")
            }
            Self::Appended { to, from, epoch, answer } => {
                write!(f, "{from} -> {to}: in epoch {epoch}, ")?;
                match answer {
                    Some(AppendReply::Accepted { matched }) => write!(f, "has up to #{matched}"),
                    Some(AppendReply::Mismatch { try_after }) => {
                        write!(f, "lacks that; try after #{try_after}")
                    }
                    Some(AppendReply::Stale { accepted }) => {
                        write!(f, "epoch {accepted} has begun")
                    }
                    None => write!(f, "refused"),
                }
            }
            Self::Change { request, .. } => {
                let MembershipRequest { epoch, version, change, member } = request;
                let change = if *change == Membership::Add { "add" } else { "remove" };
                write!(f, "leader of epoch {epoch} -> front-end: {change} {member}, ")?;
                write!(f, "based on version {version}")
            }
            Self::Changed { to, answer, .. } => {
                write!(f, "front-end -> {to}: {}", Said(answer))
            }
            Self::List { epoch, after, .. } => {
                write!(f, "leader of epoch {epoch} -> catalog: what was applied after {after}?")
            }
            Self::Listed { to, epoch, answer } => match answer {
                Ok(trades) => {
                    write!(f, "catalog -> {to}: for epoch {epoch}, applied: [")?;
                    for trade in trades {
                        write!(f, " {} ({})", trade.request_id, trade.applied_seq)?;
                    }
                    write!(f, " ]")
                }
                Err(newer) => write!(f, "catalog -> {to}: epoch {newer} has begun"),
            },
            Self::Trade { epoch, request_id, .. } => {
                write!(f, "leader of epoch {epoch} -> catalog: trade {request_id}")
            }
            Self::Traded { to, request_id, answer, .. } => match answer {
                Ok(trade) => {
                    write!(f, "catalog -> {to}: {request_id} applied at {}", trade.applied_seq)
                }
                Err(newer) => write!(f, "catalog -> {to}: {request_id}: epoch {newer} has begun"),
            },
        }
    }
}

/// A configuration in words.
pub(crate) struct Said<'a>(pub &'a Configuration);

impl fmt::Display for Said<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Configuration { version, epoch, leader, in_sync } = self.0;
        write!(f, "version {version}: epoch {epoch}, {leader} leads, in sync:")?;
        in_sync.iter().try_for_each(|member| write!(f, " {member}"))
    }
}

/// A log in words.
pub(crate) fn log(replica: &Replica) -> String {
    let entries = replica.log().after(wire::ids::OrderNo(0), usize::MAX >> 1).iter();
    entries
        .map(|e| format!("#{}={} (epoch {})", e.order_no, e.request_id, e.epoch))
        .collect::<Vec<_>>()
        .join(" ")
}
