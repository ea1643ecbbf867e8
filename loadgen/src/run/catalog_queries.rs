//! `catalog_requests.csv`: how many queries the front-end answered during the measured load of
//! each trial, and how many the catalog was asked for, as their own request counters say.
//!
//! With the cache on and no trades, the catalog's number stands still: that is what shows that the
//! cache answers by itself, and not merely fast.

use std::fs::File;
use std::net::SocketAddr;
use std::time::Duration;

use faults::bazaar::Bazaar;
use faults::http::Call;
use results::catalog_queries::{FILE, TrialQueries};
use results::records::{Cell, RunFolder};

/// The file cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {FILE}: {0}")]
pub(super) struct QueriesError(#[from] csv::Error);

/// Where both counters stood at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct QueryCounts {
    front_end: u64,
    catalog: u64,
}

impl QueryCounts {
    /// Asks both; none if one does not answer. A trial is not given up for that.
    pub(super) async fn ask(bazaar: &Bazaar) -> Option<Self> {
        let addresses = bazaar.addresses();
        let front_end = Self::page(bazaar, addresses.front_end).await?;
        let catalog = Self::page(bazaar, addresses.catalog).await?;
        Some(Self {
            front_end: requests_to("/stocks", &front_end),
            catalog: requests_to("/query", &catalog),
        })
    }

    async fn page(bazaar: &Bazaar, address: SocketAddr) -> Option<String> {
        match bazaar.http().call(address, &Call::get("/metrics"), ANSWER_WITHIN).await {
            Ok(reply) => Some(String::from_utf8_lossy(&reply.body).into_owned()),
            Err(error) => {
                tracing::warn!("no request counts from {address}: {error}");
                None
            }
        }
    }
}

/// A metrics page takes a millisecond.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The requests to `path`, whatever their status, in a page of Prometheus text.
fn requests_to(path: &str, page: &str) -> u64 {
    let label = format!("path=\"{path}\"");
    page.lines()
        .filter(|line| line.starts_with("http_requests_total{") && line.contains(&label))
        .filter_map(|line| line.rsplit(' ').next()?.parse::<u64>().ok())
        .sum()
}

/// The row of a trial; none unless both counters were read twice.
pub(super) fn row_of(
    cell: &Cell,
    trial: u32,
    before: Option<QueryCounts>,
    after: Option<QueryCounts>,
) -> Option<TrialQueries> {
    let (before, after) = (before?, after?);
    Some(TrialQueries {
        cell: cell.id.clone(),
        trial,
        p: cell.p,
        cache: cell.cache,
        // A process that was restarted in between counts from 0 again.
        front_end_queries: after.front_end.saturating_sub(before.front_end),
        catalog_queries: after.catalog.saturating_sub(before.catalog),
    })
}

/// The file, while a run goes on.
pub(super) struct CatalogQueries {
    writer: csv::Writer<File>,
}

impl CatalogQueries {
    pub(super) fn create(folder: &RunFolder) -> Result<Self, QueriesError> {
        let file = File::create_new(folder.path(FILE)).map_err(csv::Error::from)?;
        Ok(Self { writer: csv::Writer::from_writer(file) })
    }

    pub(super) fn append(&mut self, row: &TrialQueries) -> Result<(), QueriesError> {
        self.writer.serialize(row)?;
        self.writer.flush().map_err(csv::Error::from)?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "\
# HELP http_requests_total Requests answered, by path and status.
# TYPE http_requests_total counter
http_requests_total{path=\"/query\",status=\"200\"} 40
http_requests_total{path=\"/query\",status=\"404\"} 2
http_requests_total{path=\"/trade\",status=\"200\"} 7
http_request_seconds_count{path=\"/query\"} 42
";

    #[test]
    fn requests_are_counted_whatever_their_status() {
        assert_eq!(requests_to("/query", PAGE), 42);
        assert_eq!(requests_to("/trade", PAGE), 7);
        assert_eq!(requests_to("/dump", PAGE), 0);
    }
}
