//! Writes a run's rows as they happen, so that a run which is killed keeps what it measured.
//!
//! One thread owns the three files and appends to them. Clients and injector hand it rows through
//! channels without a bound: a bound would have to make somebody wait, and anybody who waits measures
//! the recorder. What the channels hold is bounded by the load itself, some thousand rows of a
//! few hundred bytes per second, which the thread writes faster than any bazaar makes them.
//!
//! Invariant: after [`Recorder::settle`] returned, every row that was handed in before it was
//! called is in the operating system's hands. The `finished` event is handed in after that, so a
//! trial that has it has all its rows; it says how many, so that a reader can tell.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use results::records::{Event, FinalRow, Observation};
use serde::Serialize;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use crate::recent::Recent;
use crate::tally::Tally;

/// What the recorder is told; events have a channel of their own.
#[derive(Debug)]
pub enum Record {
    /// A row of `observations.csv`.
    Observation(Box<Observation>),
    /// Rows of `final.csv`.
    Final(Vec<FinalRow>),
    /// Write everything that is waiting, then say what was written since the run began.
    Settle(oneshot::Sender<Written>),
}

/// How many rows were written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// To `observations.csv`.
    pub observations: u64,
    /// To `events.csv`.
    pub events: u64,
    /// To `final.csv`.
    pub final_rows: u64,
}

impl Written {
    /// What was written after `earlier`.
    #[must_use]
    pub fn since(self, earlier: Self) -> Self {
        Self {
            observations: self.observations - earlier.observations,
            events: self.events - earlier.events,
            final_rows: self.final_rows - earlier.final_rows,
        }
    }

    /// Writes down in a trial's `finished` event how many rows the trial has, if this is how many were
    /// written before.
    pub fn count_in(self, finished: &mut Event) {
        finished.observation_rows = Some(self.observations);
        finished.event_rows = Some(self.events + 1);
        finished.final_rows = Some(self.final_rows);
    }
}

/// Why a row could not be written.
#[derive(Debug, thiserror::Error)]
pub enum RecorderError {
    /// The file cannot be made or written.
    #[error("cannot write {file}: {source}; is the disk full?")]
    Write {
        /// The file's name.
        file: &'static str,
        /// Why.
        source: csv::Error,
    },
    /// The thread cannot be started.
    #[error("cannot start the recorder: {0}")]
    Thread(#[from] io::Error),
    /// The thread is gone without saying why.
    #[error("the recorder has ended")]
    Gone,
}

/// Writes a run's rows.
#[derive(Debug)]
pub struct Recorder {
    records: UnboundedSender<Record>,
    events: UnboundedSender<Event>,
    tally: Arc<Mutex<Tally>>,
    recent: Arc<Mutex<Recent>>,
    thread: Option<JoinHandle<Result<(), RecorderError>>>,
}

/// A run that is killed loses at most this much.
const FLUSH_PERIOD: Duration = Duration::from_millis(100);
/// So many bytes are written at once between two flushes.
const BUFFER_BYTES: usize = 256 * 1024;

impl Recorder {
    /// Makes the files in `folder` and starts the thread.
    ///
    /// # Errors
    /// A file cannot be made.
    pub fn start(folder: &Path) -> Result<Self, RecorderError> {
        let tally = Arc::<Mutex<Tally>>::default();
        let recent = Arc::<Mutex<Recent>>::default();
        let files = Files {
            tally: Arc::clone(&tally),
            recent: Arc::clone(&recent),
            observations: Table::create(folder, "observations.csv")?,
            events: Table::create(folder, "events.csv")?,
            finals: Table::create(folder, "final.csv")?,
        };
        // A runtime of its own, so that a slow disk holds up no client's task.
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
        let (records, record_queue) = unbounded_channel();
        let (events, event_queue) = unbounded_channel();
        let thread = thread::Builder::new()
            .name("recorder".to_owned())
            .spawn(move || runtime.block_on(files.write(record_queue, event_queue)))?;
        Ok(Self { records, events, tally, recent, thread: Some(thread) })
    }

    /// Where observations go.
    #[must_use]
    pub fn records(&self) -> UnboundedSender<Record> {
        self.records.clone()
    }

    /// Where events go.
    #[must_use]
    pub fn events(&self) -> UnboundedSender<Event> {
        self.events.clone()
    }

    /// What clients measured within the last seconds, while somebody watches.
    #[must_use]
    pub fn recent(&self) -> Arc<Mutex<Recent>> {
        Arc::clone(&self.recent)
    }

    /// What clients measured since this was last asked for. Everything of a trial, if that has
    /// settled.
    pub fn take_tally(&self) -> Tally {
        std::mem::take(&mut *self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Returns once everything that was handed in before is written, with how much that was.
    ///
    /// # Errors
    /// It could not be.
    pub async fn settle(&mut self) -> Result<Written, RecorderError> {
        let (written, answer) = oneshot::channel();
        if self.records.send(Record::Settle(written)).is_ok()
            && let Ok(written) = answer.await
        {
            return Ok(written);
        }
        Err(self.why_it_ended())
    }

    fn why_it_ended(&mut self) -> RecorderError {
        match self.thread.take().map(JoinHandle::join) {
            Some(Ok(Err(error))) => error,
            _ => RecorderError::Gone,
        }
    }
}

/// The files of a run.
struct Files {
    observations: Table,
    events: Table,
    finals: Table,
    tally: Arc<Mutex<Tally>>,
    recent: Arc<Mutex<Recent>>,
}

impl Files {
    /// Writes until every sender of observations is gone, or a write fails.
    async fn write(
        mut self,
        mut records: UnboundedReceiver<Record>,
        mut events: UnboundedReceiver<Event>,
    ) -> Result<(), RecorderError> {
        let mut flush = interval(FLUSH_PERIOD);
        flush.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                record = records.recv() => match record {
                    Some(Record::Observation(row)) => {
                        self.tally.lock().unwrap_or_else(PoisonError::into_inner).add(&row);
                        self.recent.lock().unwrap_or_else(PoisonError::into_inner).add(&row);
                        self.observations.append(&*row)?;
                    }
                    Some(Record::Final(rows)) => {
                        for row in &rows {
                            self.finals.append(row)?;
                        }
                    }
                    Some(Record::Settle(written)) => {
                        self.write_waiting(&mut events)?;
                        // The caller may have stopped waiting.
                        let _ = written.send(self.written());
                    }
                    None => return self.write_waiting(&mut events),
                },
                Some(event) = events.recv() => self.events.append(&event)?,
                _ = flush.tick() => self.flush()?,
            }
        }
    }

    fn written(&self) -> Written {
        Written {
            observations: self.observations.rows,
            events: self.events.rows,
            final_rows: self.finals.rows,
        }
    }

    fn write_waiting(
        &mut self,
        events: &mut UnboundedReceiver<Event>,
    ) -> Result<(), RecorderError> {
        while let Ok(event) = events.try_recv() {
            self.events.append(&event)?;
        }
        self.flush()
    }

    fn flush(&mut self) -> Result<(), RecorderError> {
        self.observations.flush()?;
        self.events.flush()?;
        self.finals.flush()
    }
}

/// One CSV file.
struct Table {
    file: &'static str,
    writer: csv::Writer<File>,
    /// How many were written.
    rows: u64,
}

impl Table {
    fn create(folder: &Path, file: &'static str) -> Result<Self, RecorderError> {
        let opened = File::create_new(folder.join(file))
            .map_err(|source| RecorderError::Write { file, source: source.into() })?;
        let writer = csv::WriterBuilder::new().buffer_capacity(BUFFER_BYTES).from_writer(opened);
        Ok(Self { file, writer, rows: 0 })
    }

    fn append(&mut self, row: &impl Serialize) -> Result<(), RecorderError> {
        self.rows += 1;
        self.writer
            .serialize(row)
            .map_err(|source| RecorderError::Write { file: self.file, source })
    }

    fn flush(&mut self) -> Result<(), RecorderError> {
        self.writer
            .flush()
            .map_err(|source| RecorderError::Write { file: self.file, source: source.into() })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use results::records::{EventKind, Op, RunFolder};

    use super::*;

    fn observation(seq: u64) -> Record {
        Record::Observation(Box::new(Observation {
            seq,
            stock_name: Some("a \"quoted\", name".into()),
            seen_quantity: Some(5),
            seen_volume: Some(7),
            ..Observation::new("p0-cache-on", 1, Op::Query, seq, seq + 10)
        }))
    }

    #[tokio::test]
    async fn settled_rows_can_be_read_while_the_run_goes_on() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::start(folder.path()).unwrap();
        for seq in 1..=1000 {
            recorder.records().send(observation(seq)).unwrap();
        }
        let mut finished = Event::new("p0-cache-on", 1, 5, EventKind::Finished);
        let written = recorder.settle().await.unwrap();
        assert_eq!(written, Written { observations: 1000, ..Written::default() });
        written.count_in(&mut finished);
        recorder.events().send(finished.clone()).unwrap();
        let after = recorder.settle().await.unwrap();
        assert_eq!(after.since(written), Written { events: 1, ..Written::default() });
        let run = RunFolder::new(folder.path());
        let seqs: Vec<_> = run.observations().unwrap().iter().map(|row| row.seq).collect();
        assert_eq!(seqs, (1..=1000).collect::<Vec<_>>());
        assert_eq!((finished.observation_rows, finished.event_rows), (Some(1000), Some(1)));
        assert_eq!(run.events().unwrap(), [finished]);
        assert!(run.final_rows().unwrap().is_empty());
    }

    #[tokio::test]
    async fn what_is_not_applicable_stays_empty() {
        let folder = tempfile::tempdir().unwrap();
        let mut recorder = Recorder::start(folder.path()).unwrap();
        recorder.records().send(observation(1)).unwrap();
        recorder.settle().await.unwrap();
        let text = fs::read_to_string(folder.path().join("observations.csv")).unwrap();
        assert_eq!(
            text.lines().next().unwrap(),
            "cell,trial,phase,client,seq,op,stock_name,trade_type,quantity,planned_us,start_us,\
             end_us,latency_us,outcome,status,reason,order_no,seen_quantity,seen_volume,cache,\
             request_id,attempts"
        );
        assert!(text.contains(",query,\"a \"\"quoted\"\", name\",,,,1,11,10,ok,200,,,5,7,,,1"));
    }

    #[tokio::test]
    async fn rows_reach_the_file_without_being_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let recorder = Recorder::start(folder.path()).unwrap();
        recorder.records().send(observation(1)).unwrap();
        let run = RunFolder::new(folder.path());
        while run.observations().unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    #[test]
    fn nothing_is_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("observations.csv"), "kept").unwrap();
        let refused = Recorder::start(folder.path()).unwrap_err().to_string();
        assert!(refused.starts_with("cannot write observations.csv: "), "{refused}");
        assert_eq!(fs::read_to_string(folder.path().join("observations.csv")).unwrap(), "kept");
    }
}
