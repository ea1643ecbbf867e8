//! Which operations the figures count, and as what.

use crate::records::{Observation, Op, Phase};

/// Every operation, in the order of tables and charts.
pub const OPS: [Op; 7] =
    [Op::Query, Op::Trade, Op::Lookup, Op::Read, Op::Write, Op::CompareAndSet, Op::Append];

/// Whether the service answered: ok, or a well-formed no to what was asked (rejected: no such stock or
/// order, too little of it). A 503 is no answer but a failed or unknown operation. Latencies are those of
/// answered operations.
#[must_use]
pub fn is_answered(observation: &Observation) -> bool {
    observation.outcome.is_answer()
}

/// Whether the service did what it was asked for. Only that is throughput: what is refused, be it a
/// trade for which there is no stock, costs next to nothing, and a service that refuses everything
/// would seem to be the fastest.
#[must_use]
pub fn is_accepted(observation: &Observation) -> bool {
    observation.outcome.is_accepted()
}

/// Whether the figures count it: an operation of the load, or a lookup at the end.
#[must_use]
pub fn is_measured(observation: &Observation) -> bool {
    observation.phase != Phase::WarmUp
}
