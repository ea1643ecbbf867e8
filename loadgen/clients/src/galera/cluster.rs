//! Waiting for a cluster to be whole, and making what is traded.

use std::collections::BTreeMap;

use anyhow::{Context as _, anyhow, bail};
use mysql_async::Conn;
use mysql_async::prelude::Queryable as _;
use tokio::time::{Instant, timeout_at};

use super::WAIT_FOR_ALL;
use super::session::{self, ADMINISTRATOR};
use crate::member::Member;

const STATUS: &str = "SHOW STATUS WHERE Variable_name IN \
                      ('wsrep_cluster_status', 'wsrep_cluster_size', 'wsrep_local_state_comment')";
const MAKE_STOCK: &str = "INSERT IGNORE INTO bazaar.stocks (name, quantity) VALUES (?, ?)";
const COUNT_STOCKS: &str = "SELECT COUNT(*) FROM bazaar.stocks";

/// Makes the tables and the stocks that are not there, once all nodes are in the cluster, and sees that each has them.
pub(super) async fn make_tables(
    nodes: &[Member],
    stocks: &BTreeMap<String, u64>,
    until: Instant,
) -> anyhow::Result<()> {
    let made = async {
        let mut conns = Vec::new();
        for node in nodes {
            let conn = session::connect(&node.at, ADMINISTRATOR, &[WAIT_FOR_ALL], &[], until).await;
            let mut conn = conn.map_err(|why| anyhow!(why))?;
            if let Some(lack) = lack(&conn.query(STATUS).await?, nodes.len()) {
                bail!("{}: {lack}", node.name);
            }
            conns.push(conn);
        }
        let first = conns.first_mut().context("there is no node")?;
        make(first, stocks).await?;
        for (conn, node) in conns.iter_mut().zip(nodes) {
            let count: Option<usize> = conn.query_first(COUNT_STOCKS).await?;
            if count != Some(stocks.len()) {
                bail!("{} has {} stocks", node.name, count.unwrap_or_default());
            }
        }
        Ok(())
    };
    timeout_at(until, made).await.context("it takes too long")?
}

async fn make(conn: &mut Conn, stocks: &BTreeMap<String, u64>) -> anyhow::Result<()> {
    conn.query_drop(include_str!("tables.sql")).await?;
    for (stock, quantity) in stocks {
        conn.exec_drop(MAKE_STOCK, (stock, i64::try_from(*quantity)?)).await?;
    }
    Ok(())
}

/// What a node that has this status lacks, if it does, of a cluster of `size`.
fn lack(status: &[(String, String)], size: usize) -> Option<String> {
    let value = |name: &str| {
        let value = status.iter().find(|(known, _)| known == name);
        value.map_or("", |(_, value)| value.as_str())
    };
    let expected = [
        ("wsrep_cluster_status", "Primary"),
        ("wsrep_cluster_size", &size.to_string()),
        ("wsrep_local_state_comment", "Synced"),
    ];
    let lack = expected.iter().find(|(name, expected)| value(name) != *expected);
    lack.map(|(name, _)| format!("{name} is `{}`", value(name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_node_is_whole_once_all_are_there_and_it_has_what_they_have() {
        let status = |size: &str, state: &str| {
            [
                ("wsrep_cluster_status", "Primary"),
                ("wsrep_cluster_size", size),
                ("wsrep_local_state_comment", state),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
        };
        assert_eq!(lack(&status("3", "Synced"), 3), None);
        for (status, words) in [
            (status("2", "Synced"), "wsrep_cluster_size is `2`"),
            (status("3", "Joiner"), "wsrep_local_state_comment is `Joiner`"),
        ] {
            assert_eq!(lack(&status, 3).as_deref(), Some(words));
        }
        assert_eq!(lack(&[], 3).as_deref(), Some("wsrep_cluster_status is ``"));
    }
}
