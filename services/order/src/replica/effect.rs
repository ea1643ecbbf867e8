//! What comes out of the state machine.

use wire::configuration::MembershipRequest;
use wire::ids::{BazaarId, Epoch, OrderNo, ReplicaId};
use wire::internal::{AppendReply, FillRequest, UnnumberedRequest};

use crate::log::{Contradiction, Plan};

/// Names a waiting caller; the shell knows who it is.
pub type Ticket = u64;

/// Why a trade gets no number here.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum NoNumber {
    /// The replica no longer leads the epoch that the trade belongs to; its successor numbers it.
    #[error("this replica was replaced as the leader")]
    Replaced,
    /// The answer came from an incarnation of the catalog that this leader has not listed: the catalog must
    /// be asked again (rule L6).
    #[error("the catalog was restarted; it must be asked again")]
    AskAgain,
    /// Log and catalog contradict each other, so nothing is numbered any more (rule L7).
    #[error("the catalog and the order log contradict each other; nothing is numbered")]
    Stopped,
}

/// What the shell has to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Put this on disk before anything else goes out.
    Store {
        /// The newest epoch accepted or heard of.
        epoch: Epoch,
        /// The bazaar, if this replica has just heard of one for the first time.
        bazaar: Option<BazaarId>,
    },
    /// Call [`Replica::lead`](super::Replica::lead).
    Lead(Epoch),
    /// Answer a caller of [`Replica::number`](super::Replica::number).
    Answer(Ticket, Result<OrderNo, NoNumber>),
    /// Ask the front-end, then call [`Replica::membership_answered`](super::Replica::membership_answered).
    ChangeMembership(MembershipRequest),
    /// Have this peer prove that its disk is well, then call [`Replica::peer_proved`](super::Replica::peer_proved).
    AskForProof(Epoch, ReplicaId),
    /// Ask the catalog what was applied, until it answers, then call [`Replica::listed`](super::Replica::listed).
    List(UnnumberedRequest),
    /// Give the catalog what it lacks, until it answers, then call [`Replica::filled`](super::Replica::filled).
    Fill(FillRequest),
}

/// What a follower says to a leader's message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reception {
    /// A newer epoch was accepted or heard of here.
    Stale(Epoch),
    /// It would change what is known to be committed. Nothing was accepted (rule L2).
    Refused(Contradiction),
    /// Put on disk what [`Replica::prepare`](super::Replica::prepare) says, then call [`Replica::accept`](super::Replica::accept).
    Plan(Plan),
}

impl Reception {
    /// The plan.
    ///
    /// # Errors
    /// The answer, where nothing changes.
    pub fn into_plan(self) -> Result<Plan, AppendReply> {
        match self {
            Self::Stale(accepted) => Err(AppendReply::Stale { accepted }),
            Self::Refused(refusal) => {
                let order_no = refusal.committed().unwrap_or_default();
                Err(AppendReply::Refused { order_no, reason: refusal.to_string() })
            }
            Self::Plan(plan) => Ok(plan),
        }
    }
}

/// Why a replica is not fenced.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unfenced {
    /// Its file is new.
    #[error("this replica belongs to no bazaar yet: its file is new")]
    NoBazaar,
    /// Its file is another bazaar's.
    #[error("this replica belongs to bazaar {0}")]
    OtherBazaar(BazaarId),
}
