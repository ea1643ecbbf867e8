//! One lookup for each acknowledged order: the last thing that every client does.

use std::collections::BTreeMap;

use super::clients::Client;

/// What is missing at the end of a trial that was finished.
pub(super) fn audit(clients: &BTreeMap<u32, Client>) -> Option<String> {
    let acknowledged: u64 = clients.values().map(|client| client.acknowledged).sum();
    let lacking = |client: &Client| client.acknowledged.saturating_sub(client.looked_up);
    let missing: u64 = clients.values().map(lacking).sum();
    (missing > 0).then(|| {
        format!(
            "observations.csv lacks the lookups of {missing} of {acknowledged} acknowledged orders"
        )
    })
}
