//! Which checks there are, in the order of the report.

use std::collections::BTreeSet;

use super::check::Check;
use super::{
    agreement, answers, availability_demand, client_reads, conservation, deadlock, deaths,
    exactly_once, fresh_reads, key_agreement, linearizability, log_appends, log_order, log_reads,
    lost_writes, numbering, progress, read_order, read_states, real_time, register_orders,
    replica_sets, replicas, shown_orders, stale_values, state_agreement, stock_agreement,
    stock_orders, survival, written_values,
};
use crate::records::{Manifest, Model};

/// Every check of every run of stocks, in the order of the report.
pub(super) const ALL: &[&Check] = &[
    &survival::CHECK,
    &shown_orders::CHECK,
    &numbering::CHECK,
    &exactly_once::CHECK,
    &replicas::CHECK,
    &agreement::CHECK,
    &conservation::CHECK,
    &fresh_reads::CHECK,
    &client_reads::CHECK,
    &read_order::CHECK,
    &read_states::CHECK,
    &real_time::CHECK,
    &linearizability::CHECK,
    &progress::CHECK,
    &availability_demand::CHECK,
    &answers::CHECK,
    &deaths::CHECK,
];

/// What is asked besides of a run that names its target. Runs of before were made without these checks, and
/// what was said of them stays so.
const OF_NAMED_TARGETS: &[&Check] = &[
    &state_agreement::CHECK,
    &replica_sets::CHECK,
    &stock_agreement::CHECK,
    &stock_orders::CHECK,
    &deadlock::CHECK,
];

/// What is asked of a target that keeps registers.
const OF_REGISTERS: &[&Check] = &[
    &lost_writes::CHECK,
    &written_values::CHECK,
    &stale_values::STALE,
    &stale_values::BACKWARDS,
    &register_orders::CHECK,
    &key_agreement::REGISTERS,
    &progress::WRITES,
    &availability_demand::WRITES,
    &answers::OF_KEYS,
    &deaths::CHECK,
    &deadlock::CHECK,
];

/// What is asked of a target that keeps logs.
const OF_LOGS: &[&Check] = &[
    &log_appends::SURVIVE,
    &log_appends::ONCE,
    &log_order::CHECK,
    &log_reads::CHECK,
    &key_agreement::LOGS,
    &written_values::CHECK,
    &progress::APPENDS,
    &availability_demand::APPENDS,
    &answers::OF_KEYS,
    &deaths::CHECK,
    &deadlock::CHECK,
];

/// Every check, in the order of the report.
pub(super) fn all() -> impl Iterator<Item = &'static Check> {
    let of_stocks = ALL.iter().chain(OF_NAMED_TARGETS);
    let of_keys = OF_REGISTERS.iter().chain(OF_LOGS);
    let mut seen = BTreeSet::new();
    of_stocks.chain(of_keys).copied().filter(move |check| seen.insert(check.name))
}

/// The checks that a target of this model is asked. What its model knows nothing of is not told as lacking.
pub(super) fn of(model: Model) -> impl Iterator<Item = &'static Check> {
    let lists = match model {
        Model::Stocks => [ALL, OF_NAMED_TARGETS],
        Model::Register => [OF_REGISTERS, &[]],
        Model::Log => [OF_LOGS, &[]],
    };
    lists.into_iter().flatten().copied()
}

/// The checks that such a run is asked.
pub(super) fn asked(manifest: &Manifest) -> Vec<&'static Check> {
    let names_it = manifest.target.is_some();
    if names_it { of(manifest.target().model()).collect() } else { ALL.to_vec() }
}
