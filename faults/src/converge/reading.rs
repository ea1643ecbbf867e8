//! Convergence of a target whose state is read from places, not dumped page by page.
//!
//! What the places are and how they are written is the reader's to know ([`StateReading`]). Here two readings that follow
//! each other must be the same, place by place. Whether copies are alike is not asked: what was promised of them is the
//! checks' to judge, of the rows.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use records::{FinalKind, FinalRow};

use super::NotConverged;
use super::tell;
use super::twice::{Look, Since, Unequal, twice};
use crate::dump::Digest;
use crate::events::EventSink;

/// How long after a reading the next is taken. Longer than between two dumps, whose heads say whether anything is
/// missing: here a copy that lags is known only by what has changed meanwhile.
const PERIOD: Duration = Duration::from_millis(250);

/// Reads what a target holds.
pub trait StateReading {
    /// Reads every source that can be read while the target runs.
    fn read(&self) -> impl Future<Output = Reading> + Send;
}

/// What was read at one time.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Reading {
    /// Each source, in an order that stays.
    pub sources: Vec<SourceReading>,
}

/// What was read of one source.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceReading {
    /// Whose it is.
    pub source: String,
    /// Its rows: of [`FinalKind::Source`] first, then those that make sense. None if it could not be read.
    pub rows: Vec<FinalRow>,
    /// Why it could not be read, or not all of it.
    pub problem: Option<String>,
}

impl SourceReading {
    /// Stands for the rows, in whatever order they are: a service that keeps a hash table lists it in another order each
    /// time, and has not changed for that.
    fn digest(&self) -> Digest {
        let hash = |row: &FinalRow| {
            let mut hasher = DefaultHasher::new();
            (row.kind, row.order_no, &row.stock_name, row.trade_type, row.quantity)
                .hash(&mut hasher);
            (row.quantity_after, row.volume_after, &row.keyed).hash(&mut hasher);
            hasher.finish()
        };
        Digest::of(self.rows.iter().map(hash).fold(0, u64::wrapping_add))
    }
}

/// Waits until two consecutive readings are the same. Emits `Converged` or `NotConverged`, and gives back what was read
/// last, which is what is kept: evidence if it did not converge.
pub async fn converge_by_reading(
    state: &impl StateReading,
    within: Duration,
    events: &EventSink,
) -> (Result<(), NotConverged>, Reading) {
    let mut last = Reading::default();
    let converged = twice(within, PERIOD, async |_| {
        let since = Since::now();
        last = state.read().await;
        let problem = last.sources.iter().find_map(|source| {
            let problem = source.problem.as_ref()?;
            Some(format!("{}: {problem}", source.source))
        });
        match problem {
            Some(problem) => Err(Unequal::Wrong(problem)),
            None => {
                let seen = last.sources.iter().map(SourceReading::digest).collect();
                Ok(Look { seen, since, held: rows(&last) })
            }
        }
    })
    .await;
    let told = converged.as_ref().map(|look| (look.since, format!("{} rows", look.held)));
    tell(told, events);
    (converged.map(drop), last)
}

/// How many rows there are besides those that say that a source was read.
fn rows(reading: &Reading) -> usize {
    let rows = reading.sources.iter().flat_map(|source| &source.rows);
    rows.filter(|row| row.kind != FinalKind::Source).count()
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Mutex;

    use records::EventKind;

    use super::*;
    use crate::testing::{drain, events, kinds};

    /// Gives the readings in turn, the last again and again.
    struct Scripted(Mutex<VecDeque<Reading>>);

    impl Scripted {
        fn new(readings: impl IntoIterator<Item = Reading>) -> Self {
            Self(Mutex::new(readings.into_iter().collect()))
        }

        fn left(&self) -> usize {
            self.0.lock().unwrap().len()
        }
    }

    impl StateReading for Scripted {
        async fn read(&self) -> Reading {
            let mut readings = self.0.lock().unwrap();
            if readings.len() > 1 { readings.pop_front() } else { readings.front().cloned() }
                .unwrap()
        }
    }

    fn source(name: &str, numbers: &[u64]) -> SourceReading {
        let head = FinalRow::new("cell", 1, name, FinalKind::Source);
        let orders = numbers.iter().map(|number| FinalRow {
            order_no: Some(*number),
            ..FinalRow::new("cell", 1, name, FinalKind::Order)
        });
        let rows = std::iter::once(head).chain(orders).collect();
        SourceReading { source: name.to_owned(), rows, problem: None }
    }

    fn reading(sources: &[(&str, &[u64])]) -> Reading {
        Reading { sources: sources.iter().map(|(name, rows)| source(name, rows)).collect() }
    }

    const LONG: Duration = Duration::from_secs(600);

    #[tokio::test(start_paused = true)]
    async fn readings_that_change_once_and_then_agree_have_converged_since_the_first_that_agreed() {
        let (sink, mut received) = events();
        let early = reading(&[("a", &[1, 2]), ("b", &[1])]);
        let whole = reading(&[("a", &[1, 2]), ("b", &[1, 2])]);
        let state = Scripted::new([early, whole.clone(), whole.clone()]);
        let (converged, last) = converge_by_reading(&state, LONG, &sink).await;
        assert_eq!((converged, last), (Ok(()), whole));
        assert_eq!(state.left(), 1, "each was read, and none after that");
        let told = drain(&mut received);
        assert_eq!(kinds(&told), [EventKind::Converged]);
        assert_eq!(told[0].detail.as_deref(), Some("4 rows"));
    }

    #[tokio::test(start_paused = true)]
    async fn another_order_of_the_same_rows_is_no_change_and_copies_need_not_be_alike() {
        let (sink, _received) = events();
        let last = reading(&[("a", &[2, 1]), ("b", &[])]);
        let state = Scripted::new([reading(&[("a", &[1, 2]), ("b", &[])]), last.clone()]);
        let (converged, kept) = converge_by_reading(&state, LONG, &sink).await;
        assert_eq!((converged, kept), (Ok(()), last));
    }

    #[tokio::test(start_paused = true)]
    async fn a_source_that_cannot_be_read_is_named_and_what_could_be_is_kept() {
        let (sink, mut received) = events();
        let mut broken = reading(&[("a", &[1]), ("b", &[])]);
        broken.sources[1].problem = Some("line 3: it is torn".to_owned());
        let state = Scripted::new([broken.clone()]);
        let (converged, kept) = converge_by_reading(&state, Duration::from_secs(2), &sink).await;
        let error = converged.unwrap_err().to_string();
        assert_eq!(error, "not converged within 2000 ms: b: line 3: it is torn");
        assert_eq!(kept, broken);
        assert_eq!(kinds(&drain(&mut received)), [EventKind::NotConverged]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_changes_with_every_reading_does_not_converge() {
        let (sink, _received) = events();
        let readings = (1..100).map(|number| reading(&[("a", &[number])]));
        let state = Scripted::new(readings);
        let (converged, kept) = converge_by_reading(&state, Duration::from_secs(2), &sink).await;
        let error = converged.unwrap_err();
        assert_eq!(error.reason, "what the services hold was still changing");
        assert_eq!(kept.sources.len(), 1);
    }
}
