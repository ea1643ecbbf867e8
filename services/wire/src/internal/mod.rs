//! The bodies of the internal endpoints: pings, replication, takeover, invalidation, dumps.

mod invalidation;
mod ping;
mod records;
mod replication;
mod takeover;
mod together;

pub use invalidation::{Invalidation, SeenVersions, VersionedStock};
pub use ping::{Obstacle, Part, PingReply, ProofRequest, Unreachable, WriterHealth};
pub use records::{CatalogDump, Decision, OrderDump, Origin, StockRecord, TradeRecord};
pub use replication::{Append, AppendReply, Entry, LogPoint, MAX_ENTRIES_PER_APPEND};
pub use takeover::{
    AppliedTrade, CatalogStatus, FillReply, FillRequest, MAX_LISTED, Tail, UnnumberedReply,
    UnnumberedRequest,
};
pub use together::{MAX_TOGETHER, MemberAnswer, MemberRequest, TogetherRequest};
