//! `catalog_requests.csv`: how many queries the front-end answered during the measured load of
//! each trial, and how many the catalog was asked for, as their own request counters say. Of a target whose file names no such
//! counters the file has no row.
//!
//! With the cache on and no trades, the catalog's number stands still: that is what shows that the
//! cache answers by itself, and not merely fast.

use std::fs::File;
use std::time::Duration;

use results::catalog_queries::{FILE, TrialQueries};
use results::records::{Cell, RunFolder};
use targets::target::Counter;

use crate::target::asking::Asking;

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
    pub(super) async fn ask(
        asking: &Asking,
        counters: &targets::target::QueryCounts,
    ) -> Option<Self> {
        let front_end = Self::count(asking, &counters.answered).await?;
        let catalog = Self::count(asking, &counters.passed_on).await?;
        Some(Self { front_end, catalog })
    }

    async fn count(asking: &Asking, counter: &Counter) -> Option<u64> {
        match asking.page(&counter.request, ANSWER_WITHIN).await {
            Ok(page) => Some(sum_of(&counter.series, &page)),
            Err(reason) => {
                tracing::warn!("no counts of queries: {reason}");
                None
            }
        }
    }
}

/// A metrics page takes a millisecond.
const ANSWER_WITHIN: Duration = Duration::from_secs(5);

/// The values of the lines that begin with `series`, added up, on a page of Prometheus text.
fn sum_of(series: &str, page: &str) -> u64 {
    page.lines()
        .filter(|line| line.starts_with(series))
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
        let requests_to = |path| sum_of(&format!("http_requests_total{{path=\"{path}\""), PAGE);
        assert_eq!(["/query", "/trade", "/dump"].map(requests_to), [42, 7, 0]);
    }
}
