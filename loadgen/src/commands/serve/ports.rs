//! The ports that the bazaar is served on: those that its documents have, or a range.

use std::collections::BTreeMap;

use anyhow::{Context, ensure};

/// The documented ports.
const FRONT_END: u16 = 30_001;
const CATALOG: u16 = 10_001;
/// That of replica N is so much more than N.
const ORDER_BASE: u16 = 20_000;

/// By their names in its file: the documented ones, or from `base` on front-end, catalog, and replicas by id.
///
/// # Errors
/// If `base` leaves too few ports above it.
pub(super) fn of_bazaar(replicas: u8, base: Option<u16>) -> anyhow::Result<BTreeMap<String, u16>> {
    let needed = 2 + u16::from(replicas);
    if let Some(base) = base {
        let last = base.checked_add(needed - 1);
        last.with_context(|| {
            format!(
                "--base-port {base} leaves no room for {needed} ports up to 65535; choose a lower one"
            )
        })?;
        ensure!(base > 0, "--base-port 0: choose a port");
    }
    let order = |id: u8| base.map_or(ORDER_BASE, |base| base + 1) + u16::from(id);
    let orders = (1..=replicas).map(|id| (format!("order-{id}"), order(id)));
    let front_end = ("front-end".to_owned(), base.unwrap_or(FRONT_END));
    let catalog = ("catalog".to_owned(), base.map_or(CATALOG, |base| base + 1));
    Ok([front_end, catalog].into_iter().chain(orders).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ports(replicas: u8, base: Option<u16>) -> Vec<u16> {
        let ports = of_bazaar(replicas, base).unwrap();
        ["front-end", "catalog", "order-1", "order-2"].map(|name| ports[name]).into()
    }

    #[test]
    fn a_base_port_counts_up_and_without_one_the_documented_ports_are_taken() {
        assert_eq!(ports(2, Some(41_000)), [41_000, 41_001, 41_002, 41_003]);
        assert_eq!(ports(2, None), [30_001, 10_001, 20_001, 20_002]);
    }

    #[test]
    fn a_base_port_leaves_room_above_it() {
        for base in [65_532, 65_535] {
            let error = of_bazaar(3, Some(base)).unwrap_err().to_string();
            assert!(error.contains("5 ports"), "{error}");
        }
        assert!(of_bazaar(3, Some(65_531)).is_ok());
    }
}
