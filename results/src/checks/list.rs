//! Which checks there are, in the order of the report.

use super::check::Check;
use super::{
    agreement, answers, availability_demand, client_reads, conservation, deadlock, deaths,
    exactly_once, fresh_reads, linearizability, numbering, progress, read_order, read_states,
    real_time, replica_sets, replicas, shown_orders, state_agreement, stock_agreement,
    stock_orders, survival,
};
use crate::records::Manifest;

/// Every check of every run, in the order of the report.
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

/// Every check, in the order of the report.
pub(super) fn all() -> impl Iterator<Item = &'static Check> {
    ALL.iter().chain(OF_NAMED_TARGETS).copied()
}

/// The checks that such a run is asked.
pub(super) fn asked(manifest: &Manifest) -> Vec<&'static Check> {
    let names_it = manifest.target.is_some();
    ALL.iter().chain(OF_NAMED_TARGETS.iter().filter(|_| names_it)).copied().collect()
}
