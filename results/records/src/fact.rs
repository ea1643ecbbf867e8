//! What is known of a system under test, one fact at a time.
//!
//! A check or a figure names the facts that it needs, and a target that lacks one of them makes it *not
//! applicable*: what was never told cannot be judged. So a fact is something that a target gives (an answer that
//! tells a number, a file that holds the orders) or promises (numbers without gaps), never an opinion about it.
//! Nothing is here that no check, no figure and no reading of files asks for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that a target gives or promises.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fact {
    /// A stock can be asked for.
    Queries,
    /// A stock can be bought or sold.
    Trades,
    /// An order can be looked up by its number.
    Lookups,
    /// The answer to a lookup tells the order's stock, side and quantity.
    OrderContents,
    /// The answer to a query tells how many of the stock are there.
    Quantity,
    /// The answer to a query tells how many of the stock have been traded, which only grows.
    Volume,
    /// The answer to a trade tells its order's number.
    OrderNumbers,
    /// A status of 200 means that what was asked for was done; errors have statuses of their own.
    StatusCodes,
    /// The answer to a query tells whether it came from a cache.
    CacheHeader,
    /// The answer to a trade tells how often the front-end had to send it on.
    AttemptsHeader,
    /// It is known which stocks there are when a trial begins, and how many of each.
    InitialStocks,
    /// What each replica holds of the orders is read at a trial's end.
    OrdersOfReplicas,
    /// The orders of a replica are read in the order of their numbers, each number once.
    LogsInOrder,
    /// The orders that are read carry the key under which the client sent them.
    RequestKeys,
    /// The orders that are read carry the epoch of the leader that numbered them.
    OrderEpochs,
    /// How many there are of each stock is read at a trial's end.
    StateOfStocks,
    /// Every trade that the catalog applied is read at a trial's end: its key, and what it left of the stock.
    AppliedTrades,
    /// Who leads can be seen.
    Leader,
    /// The system tells of each change of the leader: in which epoch, and since when the old one was doubted.
    LeaderHistory,
    /// The system tells which replicas hold everything that is acknowledged, whenever that changes.
    InSyncSets,
    /// Promised: later trades have larger numbers.
    NumbersInOrder,
    /// Promised: no number is left out.
    GaplessNumbers,
    /// Promised: what was acknowledged is not lost.
    DurableAcknowledgement,
    /// Promised: every replica holds every order in the end.
    ReplicatedOrders,
    /// Promised: all replicas hold the orders in the same order, with the same contents.
    IdenticalReplicas,
    /// Promised: every place that keeps stocks holds the same of each in the end.
    ReplicatedStocks,
    /// The orders are read of more than one process.
    CopiesOfOrders,
    /// How many there are of each stock is read of more than one process.
    CopiesOfStocks,
    /// Promised: stocks change by trades alone.
    NoRestock,
    /// Of two answers to queries it can be told which is the later state: by the volume, or by a quantity that
    /// only falls or only rises. Follows from the others.
    OrderedReads,
    /// A register or a log can be read.
    Reads,
    /// The answer to a read tells what is there.
    Values,
    /// A register can be written.
    Writes,
    /// A register can be written if it holds what is expected.
    CompareAndSets,
    /// Something can be appended to a log.
    Appends,
    /// The answer to an append tells where it was put: later entries have larger places, and no two the same.
    Positions,
    /// What the registers or the log hold is read at a trial's end.
    StateOfKeys,
    /// Promised: every place that keeps registers, or a log, holds the same in the end.
    ReplicatedKeys,
    /// Promised: every place that keeps a log holds its entries in the same order.
    IdenticalLogs,
    /// What the registers or the log hold is read of more than one process.
    CopiesOfKeys,
}

impl Fact {
    /// Every fact, in the order in which they are listed.
    pub const ALL: [Self; 40] = [
        Self::Queries,
        Self::Trades,
        Self::Lookups,
        Self::OrderContents,
        Self::Quantity,
        Self::Volume,
        Self::OrderNumbers,
        Self::StatusCodes,
        Self::CacheHeader,
        Self::AttemptsHeader,
        Self::InitialStocks,
        Self::OrdersOfReplicas,
        Self::LogsInOrder,
        Self::RequestKeys,
        Self::OrderEpochs,
        Self::StateOfStocks,
        Self::AppliedTrades,
        Self::Leader,
        Self::LeaderHistory,
        Self::InSyncSets,
        Self::NumbersInOrder,
        Self::GaplessNumbers,
        Self::DurableAcknowledgement,
        Self::ReplicatedOrders,
        Self::IdenticalReplicas,
        Self::ReplicatedStocks,
        Self::CopiesOfOrders,
        Self::CopiesOfStocks,
        Self::NoRestock,
        Self::OrderedReads,
        Self::Reads,
        Self::Values,
        Self::Writes,
        Self::CompareAndSets,
        Self::Appends,
        Self::Positions,
        Self::StateOfKeys,
        Self::ReplicatedKeys,
        Self::IdenticalLogs,
        Self::CopiesOfKeys,
    ];

    /// Whether it is one of registers and logs, which a target of stocks never has.
    #[must_use]
    pub fn is_of_keys(self) -> bool {
        self >= Self::Reads
    }

    /// The fact without which it cannot be: who shows no orders does not show them of several processes.
    pub(crate) fn presupposes(self) -> Option<Self> {
        match self {
            Self::CopiesOfOrders => Some(Self::OrdersOfReplicas),
            Self::CopiesOfStocks => Some(Self::StateOfStocks),
            Self::CopiesOfKeys => Some(Self::StateOfKeys),
            _ => None,
        }
    }

    /// Its name in files: `orders-of-replicas`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queries => "queries",
            Self::Trades => "trades",
            Self::Lookups => "lookups",
            Self::OrderContents => "order-contents",
            Self::Quantity => "quantity",
            Self::Volume => "volume",
            Self::OrderNumbers => "order-numbers",
            Self::StatusCodes => "status-codes",
            Self::CacheHeader => "cache-header",
            Self::AttemptsHeader => "attempts-header",
            Self::InitialStocks => "initial-stocks",
            Self::OrdersOfReplicas => "orders-of-replicas",
            Self::LogsInOrder => "logs-in-order",
            Self::RequestKeys => "request-keys",
            Self::OrderEpochs => "order-epochs",
            Self::StateOfStocks => "state-of-stocks",
            Self::AppliedTrades => "applied-trades",
            Self::Leader => "leader",
            Self::LeaderHistory => "leader-history",
            Self::InSyncSets => "in-sync-sets",
            Self::NumbersInOrder => "numbers-in-order",
            Self::GaplessNumbers => "gapless-numbers",
            Self::DurableAcknowledgement => "durable-acknowledgement",
            Self::ReplicatedOrders => "replicated-orders",
            Self::IdenticalReplicas => "identical-replicas",
            Self::ReplicatedStocks => "replicated-stocks",
            Self::CopiesOfOrders => "copies-of-orders",
            Self::CopiesOfStocks => "copies-of-stocks",
            Self::NoRestock => "no-restock",
            Self::OrderedReads => "ordered-reads",
            Self::Reads => "reads",
            Self::Values => "values",
            Self::Writes => "writes",
            Self::CompareAndSets => "compare-and-sets",
            Self::Appends => "appends",
            Self::Positions => "positions",
            Self::StateOfKeys => "state-of-keys",
            Self::ReplicatedKeys => "replicated-keys",
            Self::IdenticalLogs => "identical-logs",
            Self::CopiesOfKeys => "copies-of-keys",
        }
    }

    /// Whether a target promises it; otherwise it gives it.
    #[must_use]
    pub fn is_promise(self) -> bool {
        matches!(
            self,
            Self::NumbersInOrder
                | Self::GaplessNumbers
                | Self::DurableAcknowledgement
                | Self::ReplicatedOrders
                | Self::IdenticalReplicas
                | Self::ReplicatedStocks
                | Self::NoRestock
                | Self::ReplicatedKeys
                | Self::IdenticalLogs
        )
    }

    /// What a target without it does not do, to go on after "the target": `does not tell who leads`.
    #[must_use]
    pub fn lacking(self) -> &'static str {
        match self {
            Self::Queries => "has no queries",
            Self::Trades => "has no trades",
            Self::Lookups => "has no lookups of orders",
            Self::OrderContents => "does not tell what an order is when it is looked up",
            Self::Quantity => "does not tell quantities",
            Self::Volume => "does not tell volumes",
            Self::OrderNumbers => "does not tell the numbers of orders",
            Self::StatusCodes => "does not tell errors by an answer's status",
            Self::CacheHeader => "does not tell what came from a cache",
            Self::AttemptsHeader => "does not tell how often a trade was sent on",
            Self::InitialStocks => "does not say which stocks it begins with",
            Self::OrdersOfReplicas => "does not show which orders its replicas hold",
            Self::LogsInOrder => "does not show orders in the order of their numbers",
            Self::RequestKeys => "does not show the keys of the orders that it holds",
            Self::OrderEpochs => "does not show the epochs of the orders that it holds",
            Self::StateOfStocks => "does not show which stocks it holds",
            Self::AppliedTrades => "does not show which trades it applied",
            Self::Leader => "does not tell who leads",
            Self::LeaderHistory => "does not tell the history of its leaders",
            Self::InSyncSets => "does not tell which replicas are in sync",
            Self::NumbersInOrder => "does not promise numbers in order",
            Self::GaplessNumbers => "does not promise numbers without gaps",
            Self::DurableAcknowledgement => "may lose what it acknowledged",
            Self::ReplicatedOrders => "does not promise every order at every replica",
            Self::IdenticalReplicas => "does not promise identical replicas",
            Self::ReplicatedStocks => "does not promise the same stocks everywhere",
            Self::CopiesOfOrders => "keeps its orders in one process",
            Self::CopiesOfStocks => "keeps its stocks in one process",
            Self::NoRestock => "changes stocks by itself",
            Self::OrderedReads => "does not tell which of two reads is the later state",
            Self::Reads => "has no reads",
            Self::Values => "does not tell what a read shows",
            Self::Writes => "has no writes",
            Self::CompareAndSets => "has no compare-and-set",
            Self::Appends => "has no appends",
            Self::Positions => "does not tell where it puts an entry",
            Self::StateOfKeys => "does not show what its registers or its log hold",
            Self::ReplicatedKeys => {
                "does not promise the same registers, or the same log, everywhere"
            }
            Self::IdenticalLogs => "does not promise a log in the same order everywhere",
            Self::CopiesOfKeys => "keeps its registers or its log in one process",
        }
    }
}

impl fmt::Display for Fact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::Fact;

    #[test]
    fn every_fact_is_listed_once_in_its_order() {
        let sorted: BTreeSet<Fact> = Fact::ALL.into_iter().collect();
        assert_eq!(sorted.into_iter().collect::<Vec<_>>(), Fact::ALL);
    }

    #[test]
    fn a_fact_reads_the_same_in_text_and_in_json() {
        for fact in Fact::ALL {
            assert_eq!(serde_json::to_string(&fact).unwrap(), format!("\"{fact}\""));
        }
    }

    #[test]
    fn no_two_facts_have_the_same_words() {
        let words: BTreeSet<_> = Fact::ALL.into_iter().map(Fact::lacking).collect();
        assert_eq!(words.len(), Fact::ALL.len());
    }
}
