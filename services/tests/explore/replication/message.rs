//! What is on its way between two processes.

use std::fmt;

use services::order::replica::Replica;
use wire::configuration::{Configuration, Membership, MembershipRequest};
use wire::ids::{Epoch, Incarnation, ReplicaId, RequestId};
use wire::internal::{
    Append, AppendReply, AppliedTrade, FillReply, FillRequest, UnnumberedReply, UnnumberedRequest,
};

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
    /// And back; a front-end without a configuration has no answer.
    Changed { to: ReplicaId, request: MembershipRequest, answer: Option<Configuration> },
    /// Leader to catalog.
    List { asker: Option<ReplicaId>, request: UnnumberedRequest },
    /// And back: the list, or why there is none, or the newer epoch that the catalog has seen.
    Listed { to: ReplicaId, epoch: Epoch, answer: Result<UnnumberedReply, Epoch> },
    /// Leader to catalog.
    Fill { asker: Option<ReplicaId>, request: FillRequest },
    /// And back.
    Filled { to: ReplicaId, epoch: Epoch, answer: Result<FillReply, Epoch> },
    /// Leader to catalog, to the process that it has listed.
    Trade {
        asker: Option<ReplicaId>,
        epoch: Epoch,
        meant: Option<Incarnation>,
        request_id: RequestId,
    },
    /// And back: which process has applied it, and in which place, or the newer epoch.
    Traded {
        to: ReplicaId,
        epoch: Epoch,
        request_id: RequestId,
        answer: Result<(Incarnation, AppliedTrade), Epoch>,
    },
}

impl Message {
    /// The replica that waits for what comes of it.
    pub(crate) fn asker(&self) -> Option<ReplicaId> {
        match self {
            Self::Append { asker, .. }
            | Self::Change { asker, .. }
            | Self::List { asker, .. }
            | Self::Fill { asker, .. }
            | Self::Trade { asker, .. } => *asker,
            Self::Appended { to, .. }
            | Self::Changed { to, .. }
            | Self::Listed { to, .. }
            | Self::Filled { to, .. }
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
            | Self::Filled { to, .. }
            | Self::Traded { to, .. } => Some(*to),
            Self::Change { .. } | Self::List { .. } | Self::Fill { .. } | Self::Trade { .. } => {
                None
            }
        }
    }

    /// The same message once nobody waits for its answer any more; an answer is then gone.
    pub(crate) fn orphaned(self) -> Option<Self> {
        match self {
            Self::Append { to, append, .. } => Some(Self::Append { asker: None, to, append }),
            Self::Change { request, .. } => Some(Self::Change { asker: None, request }),
            Self::List { request, .. } => Some(Self::List { asker: None, request }),
            Self::Fill { request, .. } => Some(Self::Fill { asker: None, request }),
            Self::Trade { epoch, meant, request_id, .. } => {
                Some(Self::Trade { asker: None, epoch, meant, request_id })
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
                let Append { epoch, leader, takeover_end, previous, entries, committed, .. } =
                    append;
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
                    Some(AppendReply::Accepted { matched, identity }) => {
                        write!(f, "{identity} has up to #{matched}")
                    }
                    Some(AppendReply::Refused { reason, .. }) => write!(f, "refused: {reason}"),
                    Some(AppendReply::Mismatch { try_after, .. }) => {
                        write!(f, "lacks that; try after #{try_after}")
                    }
                    Some(AppendReply::Stale { accepted }) => {
                        write!(f, "epoch {accepted} has begun")
                    }
                    None => write!(f, "refused"),
                }
            }
            Self::Change { request, .. } => {
                let MembershipRequest { epoch, version, change, member, .. } = request;
                let change = if *change == Membership::Add { "add" } else { "remove" };
                write!(f, "leader of epoch {epoch} -> front-end: {change} {member}, ")?;
                write!(f, "based on version {version}")
            }
            Self::Changed { to, answer: Some(answer), .. } => {
                write!(f, "front-end -> {to}: {}", Said(answer))
            }
            Self::Changed { to, answer: None, .. } => {
                write!(f, "front-end -> {to}: there is no configuration")
            }
            Self::List { request, .. } => {
                let UnnumberedRequest { epoch, log_end, floor, .. } = request;
                write!(f, "leader of epoch {epoch} -> catalog: what was applied after {log_end}?")?;
                write!(f, " (committed: #{floor})")
            }
            Self::Listed { to, epoch, answer } => match answer {
                Ok(UnnumberedReply::Page { incarnation, trades, .. }) => {
                    write!(f, "catalog ({incarnation}) -> {to}: for epoch {epoch}, applied: [")?;
                    for trade in trades {
                        write!(f, " {} ({})", trade.request_id, trade.applied_seq)?;
                    }
                    write!(f, " ]")
                }
                Ok(other) => write!(f, "catalog -> {to}: for epoch {epoch}: {other:?}"),
                Err(newer) => write!(f, "catalog -> {to}: epoch {newer} has begun"),
            },
            Self::Fill { request, .. } => {
                let FillRequest { epoch, incarnation, entries } = request;
                write!(f, "leader of epoch {epoch} -> catalog ({incarnation}): there was also [")?;
                for entry in entries {
                    write!(f, " #{}={}", entry.order_no, entry.request_id)?;
                }
                write!(f, " ]")
            }
            Self::Filled { to, epoch, answer } => match answer {
                Ok(reply) => write!(f, "catalog -> {to}: for epoch {epoch}: {reply:?}"),
                Err(newer) => write!(f, "catalog -> {to}: epoch {newer} has begun"),
            },
            Self::Trade { epoch, request_id, meant, .. } => {
                let meant = meant.as_ref().map_or("any", Incarnation::as_str);
                write!(f, "leader of epoch {epoch} -> catalog ({meant}): trade {request_id}")
            }
            Self::Traded { to, request_id, answer, .. } => match answer {
                Ok((by, trade)) => {
                    let place = trade.applied_seq;
                    write!(f, "catalog ({by}) -> {to}: {request_id} applied at {place}")
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
        let Configuration { version, epoch, leader, leader_incarnation, in_sync, .. } = self.0;
        write!(f, "version {version}: epoch {epoch}, {leader} ({leader_incarnation}) leads, ")?;
        write!(f, "in sync:")?;
        in_sync.iter().try_for_each(|member| write!(f, " {}", member.identity))
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
