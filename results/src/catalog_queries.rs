//! `catalog_requests.csv`: how many queries the front-end answered during the measured load of
//! each trial, and how many the catalog was asked for, as their own request counters say.
//!
//! With the cache on and no trades, the catalog's number stands still: that is what shows that the
//! cache answers by itself, and not merely fast. Only the bazaar's processes count so: a run of another target has no
//! such file.

use serde::{Deserialize, Serialize};

use crate::records::RunFolder;

/// The file's name in a run's folder.
pub const FILE: &str = "catalog_requests.csv";

/// One row: one trial. Both counts are of the measured load alone.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TrialQueries {
    /// The cell's id.
    pub cell: String,
    /// Which repetition of it.
    pub trial: u32,
    /// The probability that a query is followed by a trade.
    pub p: f64,
    /// Whether the front-end cached.
    pub cache: bool,
    /// How many stock queries the front-end answered.
    pub front_end_queries: u64,
    /// How many queries the catalog answered.
    pub catalog_queries: u64,
}

/// What a run's file says about reads without writes, in a sentence each for the cache on and
/// off. Nothing if the run had no such cell.
#[must_use]
pub fn sentences(folder: &RunFolder) -> Vec<String> {
    let Ok(mut reader) = csv::Reader::from_path(folder.path(FILE)) else { return Vec::new() };
    let rows: Vec<TrialQueries> = reader.deserialize().filter_map(Result::ok).collect();
    [true, false].into_iter().filter_map(|cache| sentence(&rows, cache)).collect()
}

fn sentence(rows: &[TrialQueries], cache: bool) -> Option<String> {
    let rows: Vec<_> = rows.iter().filter(|row| row.p == 0.0 && row.cache == cache).collect();
    if rows.is_empty() {
        return None;
    }
    let front_end: u64 = rows.iter().map(|row| row.front_end_queries).sum();
    let catalog: u64 = rows.iter().map(|row| row.catalog_queries).sum();
    let state = if cache { "on" } else { "off" };
    Some(format!(
        "At p = 0 with the cache {state} the front-end answered {front_end} queries, and the \
         catalog was asked {catalog} times."
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sentence_is_about_cells_without_trades() {
        let root = tempfile::tempdir().unwrap();
        let folder = RunFolder::new(root.path());
        let mut file = csv::Writer::from_path(folder.path(FILE)).unwrap();
        for (p, cache, catalog_queries) in [(0.0, true, 0), (0.5, true, 900), (0.0, false, 1000)] {
            let cell = format!("p{p}-cache-{cache}");
            let (trial, front_end_queries) = (1, 1000);
            file.serialize(TrialQueries {
                cell,
                trial,
                p,
                cache,
                front_end_queries,
                catalog_queries,
            })
            .unwrap();
        }
        file.flush().unwrap();
        let said = sentences(&folder);
        assert_eq!(said.len(), 2);
        assert!(said[0].ends_with(
            "cache on the front-end answered 1000 queries, and the catalog was asked 0 times."
        ));
        assert!(said[1].contains("asked 1000 times"));
    }

    #[test]
    fn a_run_without_the_file_says_nothing() {
        let root = tempfile::tempdir().unwrap();
        assert!(sentences(&RunFolder::new(root.path())).is_empty());
    }
}
