//! What a trial is done to: started, reached by clients, and read at the end.
//!
//! What is read in the end depends on whether the target can be dumped; otherwise its places are read.

use std::sync::Arc;
use std::time::Duration;

use driver::order_names::OrderNames;
use driver::program::Program;
use driver::recorder::Record;
use driver::service::{Connection, Service};
use driver::stop::Stop;
use faults::bazaar::Bazaar;
use faults::converge::{converge, converge_by_reading, keep, keep_evidence};
use faults::dump::DumpPage;
use faults::events::EventSink;
use results::records::{EventKind, FinalRow, ProcessName};
use targets::file::WhenRead;
use targets::order_no::OrderNo;
use targets::target::Target;
use tokio::sync::mpsc::UnboundedSender;
use tokio::sync::oneshot;

use super::aborted::Aborted;
use crate::target::TargetTrial;
use crate::target::asking::Asking;
use crate::target::clients::ClientPrograms;
use crate::target::running::{Lifetime, RunningTarget, TargetStart};
use crate::target::senders::Senders;
use crate::target::state::{FinalState, StateReader};

/// How long after the load registers and logs are read in the end, where they are read as clients read them: a cache that shows
/// what was there a second ago is stale, and has lost nothing.
const SETTLED_AFTER: Duration = Duration::from_millis(1_500);
/// How many rows of a target's state are handed to the recorder at a time.
const ROWS_AT_ONCE: usize = 10_000;

/// What a trial is done to. Dropping it ends its processes.
#[derive(Debug)]
pub(super) struct Subject {
    /// Its processes.
    pub(super) bazaar: Arc<Bazaar>,
    /// How clients reach it.
    pub(super) service: Service,
    /// The programs that they speak through, if a target has any.
    clients: Option<ClientPrograms>,
    /// What their requests are sent by from other hosts, if they are.
    senders: Option<Senders>,
    /// The stocks that clients ask for.
    pub(super) stocks: Vec<String>,
    /// The numbers of its orders.
    pub(super) order_names: Arc<OrderNames>,
    /// How long its processes may still live.
    pub(super) lifetime: Lifetime,
    /// How what it holds is read.
    places: Places,
}

/// Reads what a target holds, in one trial.
#[derive(Debug)]
struct Places {
    target: Arc<Target>,
    /// Keeps the ports from other harnesses, and the hosts.
    trial: TargetTrial,
    asking: Asking,
    /// Those that dump.
    programs: Vec<Program>,
    /// Reads what clients read.
    front_door: Connection,
}

impl Subject {
    /// Starts what a target's file describes.
    pub(super) async fn start(
        target: &Arc<Target>,
        start: TargetStart<'_>,
    ) -> anyhow::Result<Self> {
        let RunningTarget {
            bazaar,
            service,
            clients,
            senders,
            stocks,
            front_door,
            trial,
            asking,
            lifetime,
        } = RunningTarget::start(target, start).await?;
        let asks_of_each =
            target.orders.iter().any(|place| place.source.is_asked_for_each("order_no"));
        let order_names =
            if asks_of_each { OrderNames::remembering() } else { OrderNames::default() };
        let programs = clients.iter().flat_map(|clients| clients.programs().to_vec()).collect();
        Ok(Self {
            bazaar,
            service,
            clients,
            senders,
            stocks,
            order_names: Arc::new(order_names),
            lifetime,
            places: Places { target: Arc::clone(target), trial, asking, programs, front_door },
        })
    }

    /// How it is asked besides what clients do.
    pub(super) fn asking(&self) -> &Asking {
        &self.places.asking
    }

    /// What its client programs say that they can do; none if it has none.
    pub(super) fn capabilities(&self) -> Option<Vec<String>> {
        self.clients.as_ref().map(ClientPrograms::capabilities)
    }

    /// Tells `events` what its client programs do, and from where which of so many clients ask.
    pub(super) fn tell_of_clients(&mut self, events: &EventSink, clients: u32) {
        if let Some(senders) = &mut self.senders {
            senders.report_to(&self.places.trial.hosts, events, clients);
        }
        if let Some(clients) = &mut self.clients {
            clients.report_to(events);
        }
    }

    /// Ends its client programs, at once if somebody is in a hurry, and what sends from other hosts.
    pub(super) async fn stop_clients(&mut self, stop: &Stop) {
        if let Some(senders) = self.senders.take() {
            senders.stop().await;
        }
        if let Some(clients) = self.clients.take() {
            clients.stop(stop).await;
        }
    }

    /// Ends the agents on other hosts, once nothing there is to be read any more. What processes have left there is evidence, and comes
    /// along unless somebody is in a hurry.
    pub(super) async fn leave_hosts(&self, stop: &Stop) {
        tokio::select! {
            () = self.places.trial.bring_back() => {}
            () = stop.requested() => {}
        }
        self.places.trial.hosts.close().await;
    }

    /// How long one operation of a client may take.
    pub(super) fn longest_operation(&self) -> Duration {
        self.service.longest_deadline()
    }

    /// Waits for everything to be equal and keeps what it then holds. If it does not become equal, what could be had is
    /// kept: the event says that, and the checks judge it.
    pub(super) async fn converge(
        &self,
        kept: &Kept<'_>,
        within: Duration,
        events: &EventSink,
    ) -> Result<(), Aborted> {
        if !self.bazaar.dumps().is_empty() {
            let write = async |source: ProcessName, page: DumpPage, is_first: bool| {
                let (cell, trial) = (kept.cell, kept.trial);
                let rows = match &page {
                    DumpPage::Orders(page) => {
                        FinalRow::of_replica(cell, trial, source, page, is_first)
                    }
                    DumpPage::Catalog(page) => {
                        FinalRow::of_catalog(cell, trial, source, page, is_first)
                    }
                };
                kept.write(rows).await;
            };
            match converge(&self.bazaar, within, events).await {
                Ok(converged) => keep(&self.bazaar, &converged, write).await?,
                Err(_) => keep_evidence(&self.bazaar, write).await,
            }
            return Ok(());
        }
        let state = self.places.state(kept, &self.stocks, &self.order_names);
        if state.goes_through_the_front_door() {
            tokio::time::sleep(SETTLED_AFTER).await;
        }
        // What did not converge is told by the event, and judged by the checks.
        let (_, last) = converge_by_reading(&state, within, events).await;
        for source in last.sources {
            kept.write_all(source.rows).await;
        }
        Ok(())
    }

    /// Reads what can be read only once everything has stopped.
    pub(super) async fn read_stopped(&self, kept: &Kept<'_>, events: &EventSink) {
        // What was dumped is not read again.
        if !self.bazaar.dumps().is_empty() {
            return;
        }
        let state = self.places.state(kept, &self.stocks, &self.order_names);
        let reading = state.read_when(WhenRead::Stopped).await;
        for source in reading.sources {
            if let Some(problem) = source.problem {
                events.emit(EventKind::NotConverged, |event| {
                    event.detail = Some(format!("{}: {problem}", source.source));
                });
            }
            kept.write_all(source.rows).await;
        }
    }
}

impl Places {
    fn state(
        &self,
        kept: &Kept<'_>,
        stocks: &[String],
        order_names: &Arc<OrderNames>,
    ) -> FinalState<impl Fn(&OrderNo) -> u64 + Send + Sync + use<>> {
        let reader = StateReader::new(
            Arc::clone(&self.target),
            self.asking.clone(),
            stocks.to_vec(),
            order_names.acknowledged(),
        )
        .dumping(&self.programs);
        let names = Arc::clone(order_names);
        let number = move |order_no: &OrderNo| names.number(order_no);
        FinalState::new(reader, kept.cell.to_owned(), kept.trial, number)
            .through(self.front_door.clone())
    }
}

/// Where what is held in the end is written.
pub(super) struct Kept<'a> {
    pub(super) cell: &'a str,
    pub(super) trial: u32,
    pub(super) records: &'a UnboundedSender<Record>,
}

impl Kept<'_> {
    async fn write_all(&self, rows: Vec<FinalRow>) {
        let mut rows = rows.into_iter().peekable();
        while rows.peek().is_some() {
            self.write(rows.by_ref().take(ROWS_AT_ONCE).collect()).await;
        }
    }

    async fn write(&self, rows: Vec<FinalRow>) {
        let (written, answer) = oneshot::channel();
        // The recorder is gone only when it failed, and settling says why.
        let _ = self.records.send(Record::Final(rows));
        let _ = self.records.send(Record::Settle(written));
        // More is read once this is written, or all of it would be in memory.
        let _ = answer.await;
    }
}
