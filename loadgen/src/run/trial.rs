//! One trial of one cell: a fresh system, load, faults, healing, convergence, what it all holds.
//!
//! Order matters. Whatever is broken is healed while the clients still trade, so that progress
//! after the healing is seen; lookups come after that, so that they ask a bazaar that is whole;
//! the dumps come last, when nobody changes anything any more. A trial that was cut short at any
//! point stops its clients and its bazaar, and says so in `events.csv`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use driver::arrivals::Arrivals;
use driver::attack;
use driver::client::TrialSettings;
use driver::control::Control;
use driver::heartbeat::{Heartbeat, Stall};
use driver::pacer::{ArrivalQueue, DRAIN_WITHIN, Pacer, pace};
use driver::profile::Profile;
use driver::recent::Recent;
use driver::recorder::{Record, Recorder};
use faults::clock::Origin;
use faults::events::{EventSink, Listener};
use faults::heal::heal;
use faults::host_network::HostTries;
use faults::{injector, probes};
use results::catalog_queries::TrialQueries;
use results::records::{Cell, EventKind, RunFolder};
use tokio::sync::mpsc::UnboundedSender;
use tokio::time::{sleep, sleep_until, timeout};

use super::aborted::{Aborted, Interruption};
use super::background::Background;
use super::catalog_queries::{self, QueryCounts};
use super::subject::{Kept, Subject};
use super::watch::{Broken, Watch};
use super::{manifest, stages};
use crate::plan::Plan;
use crate::target::Places;
use crate::target::clients::LoadFacts;
use crate::target::running::{OverTime, TargetStart};
use driver::stop::Stop;

/// One trial of one cell.
pub(super) struct Trial<'a> {
    pub(super) plan: &'a Plan,
    pub(super) cell: &'a Cell,
    /// Which repetition of the cell, from 1.
    pub(super) number: u32,
    pub(super) bin_dir: &'a Path,
    /// Whether it is the run's first.
    pub(super) is_first: bool,
    /// What the services are told besides what the plan says.
    pub(super) flags: Vec<String>,
    /// What they have in their environment besides.
    pub(super) environment: BTreeMap<String, String>,
    pub(super) folder: &'a RunFolder,
    pub(super) origin: Origin,
    /// The next value that a change of a register or a log puts there.
    pub(super) next_value: Arc<AtomicU64>,
    /// What the hosts have been seen to do to links in the run.
    pub(super) host_tries: Arc<HostTries>,
    /// What the clients did within the last seconds.
    pub(super) recent: Arc<Mutex<Recent>>,
    pub(super) stop: &'a Stop,
    /// Hears the trial's events.
    pub(super) listener: Arc<dyn Listener>,
}

/// What a trial left besides its rows.
#[derive(Debug)]
pub(super) struct Ran {
    pub(super) queries: Option<TrialQueries>,
    /// Why its load was ended before its time, if it was.
    pub(super) cut_short: Option<Broken>,
}

/// Goose starts its users within milliseconds; making their HTTP clients takes some more.
const ARRIVE_WITHIN: Duration = Duration::from_secs(20);
/// The first arrival of an open loop comes so much after the gate has opened: its thread must be there.
const PACER_LEAD_US: u64 = 10_000;
/// On top of the requests that a client may still be waiting for when its load is over.
const LEAVE_WITHIN: Duration = Duration::from_secs(5);
/// A lookup takes well under a millisecond; a million of them must not hold up a run for hours.
const LOOK_UP_WITHIN: Duration = Duration::from_secs(120);
/// How long the clients of a trial that is cut short have for their last operation. Goose looks at its
/// users twice a second.
const GOOSE_ENDS_WITHIN: Duration = Duration::from_secs(5);

impl Trial<'_> {
    /// Runs the trial. Afterwards nothing of it runs any more, whatever it came to.
    pub(super) async fn run(&self, recorder: &mut Recorder) -> Result<Ran, Aborted> {
        let events =
            EventSink::new(self.cell.id.as_str(), self.number, self.origin, recorder.events())
                .heard_by(Arc::clone(&self.listener));
        let before = recorder.settle().await?;
        let ran = self.with_bazaar(&events, &recorder.records()).await;
        let written = recorder.settle().await?.since(before);
        match &ran {
            Ok(_) => events.emit(EventKind::Finished, |event| written.count_in(event)),
            Err(Interruption { at_us, cut }) => {
                let why = Some(cut.to_string());
                events.emit_at(*at_us, EventKind::Interrupted, |event| event.detail = why);
            }
        }
        recorder.settle().await?;
        ran.map_err(|interruption| interruption.cut)
    }

    fn interrupted_by(&self, cut: Aborted) -> Interruption {
        Interruption { at_us: self.origin.elapsed_us(), cut }
    }

    async fn with_bazaar(
        &self,
        events: &EventSink,
        records: &UnboundedSender<Record>,
    ) -> Result<Ran, Interruption> {
        let started = tokio::select! {
            started = self.start() => started,
            () = self.stop.requested() => Err(Aborted::Signal),
        };
        let mut subject = started.map_err(|cut| self.interrupted_by(cut))?;
        let events = &events.clone().bounded_by(subject.bazaar.clock_bounds());
        subject.bazaar.report_start(events);
        subject.tell_of_clients(events, self.cell.clients);
        let watched = self.watch_the_machine(events);
        let _heartbeat = watched.map_err(|cut| self.interrupted_by(cut))?;
        let probes = Background::start(|stop| {
            probes::watch(Arc::clone(&subject.bazaar), events.clone(), stop.wait())
        });
        let ran = self.with_clients(&subject, events, records).await;
        probes.stop().await;
        // What they say once the services go is nobody's news.
        subject.stop_clients(self.stop).await;
        crate::signals::see_off(self.stop, &subject.bazaar).await;
        if ran.is_ok() {
            subject.read_stopped(&self.kept(records), events).await;
        }
        subject.leave_hosts(self.stop).await;
        ran
    }

    /// Starts what the plan is for.
    async fn start(&self) -> Result<Subject, Aborted> {
        let (name, schedule) = (self.name(), self.plan.schedule());
        let target = self.plan.under_test.target();
        let data = self.folder.path("data").join(&name);
        let start = TargetStart {
            processes: self.plan.processes(),
            variant: self.plan.under_test.variant(self.cell.variant.as_deref()),
            places: Places {
                scratch: &data.join("scratch"),
                data: &data,
                logs: &self.folder.path("logs").join(&name),
                bin_dir: self.bin_dir,
            },
            ports: &BTreeMap::new(),
            flags: &self.flags,
            environment: &self.environment,
            flood_connections: schedule.flood_connections(),
            disk_faults: schedule.disk_faults(&self.plan.processes()),
            relays: schedule.breaks_links(),
            link_faults: &schedule.link_faults(),
            host_tries: &self.host_tries,
            is_first: self.is_first,
            origin: self.origin,
            lifetime: target.limits.seconds.map(Duration::from_secs),
            load: LoadFacts { clients: self.cell.clients, seed: self.plan.load.seed },
            load_from: self.plan.load.from(),
        };
        let started = Subject::start(target, start).await;
        let subject = started.map_err(|error| match error.downcast::<OverTime>() {
            Ok(over) => Aborted::OverTime(over),
            Err(error) => Aborted::NotStarted(error),
        })?;
        if let Some(can) = subject.capabilities() {
            let told = manifest::tell(self.folder, target, &can, self.is_first);
            told.map_err(Aborted::NotStarted)?;
        }
        Ok(subject)
    }

    /// Notes when the harness itself could not run, until what is returned is dropped.
    fn watch_the_machine(&self, events: &EventSink) -> Result<Heartbeat, Aborted> {
        let events = events.clone();
        let note = move |stall: Stall| {
            let due_us = Some(stall.due_us);
            events.emit_at(stall.woke_us, EventKind::HarnessStalled, |event| {
                event.planned_us = due_us;
            });
        };
        Heartbeat::start(self.origin, note).map_err(|error| Aborted::Generator(error.to_string()))
    }

    /// Runs the clients beside [`Trial::conduct`], and sees both to their end.
    async fn with_clients(
        &self,
        subject: &Subject,
        events: &EventSink,
        records: &UnboundedSender<Record>,
    ) -> Result<Ran, Interruption> {
        let control = Arc::new(Control::new(self.origin, self.plan.load.iterations));
        let (pacer, turns) = self.pace().unzip();
        let setting = Arc::new(self.setting(subject, &control, turns, records));
        let mut goose = tokio::spawn(attack::run(setting, self.cell.clients));
        let failed = async {
            match (&mut goose).await {
                // Goose is done with its clients before the trial is.
                Ok(Ok(())) => std::future::pending().await,
                Ok(Err(error)) => format!("goose: {error}"),
                Err(error) => error.to_string(),
            }
        };
        let conducted = tokio::select! {
            conducted = self.conduct(subject, &control, pacer, events, records) => conducted,
            () = self.stop.requested() => Err(Aborted::Signal),
            over = subject.lifetime.over() => Err(over.into()),
            why = failed => Err(Aborted::Generator(why)),
        };
        // From here on the services may be stopped under the last operations.
        let conducted = conducted.map_err(|cut| self.interrupted_by(cut));
        if conducted.is_err() {
            control.give_up();
            if !goose.is_finished() {
                // It is aborted below if it does not end by itself.
                tokio::select! {
                    _ = timeout(GOOSE_ENDS_WITHIN, &mut goose) => {}
                    () = self.stop.hurried() => {}
                }
            }
        }
        // Its clients are through. Goose would notice within half a second, in every trial.
        goose.abort();
        conducted
    }

    /// What happens when, while the clients run.
    async fn conduct(
        &self,
        subject: &Subject,
        control: &Arc<Control>,
        pacer: Option<Pacer>,
        events: &EventSink,
        records: &UnboundedSender<Record>,
    ) -> Result<Ran, Aborted> {
        let clients = self.cell.clients;
        let arrived = timeout(ARRIVE_WITHIN, control.wait_until(|counts| counts.ready == clients));
        arrived.await.map_err(|_| Aborted::Generator("not all clients arrived".to_owned()))?;
        let lead_us = if pacer.is_some() { PACER_LEAD_US } else { 0 };
        let opens_us = self.origin.elapsed_us() + lead_us;
        let began_us = opens_us + self.plan.load.warm_up_ms() * 1000;
        if let Some(first) = self.plan.load.stages.first().and_then(|stage| stage.clients) {
            control.admit(first);
        }
        control.open_gate(began_us);
        if let Some(pacer) = pacer {
            let started = pacer.start(Arc::clone(control), opens_us);
            started.map_err(|error| Aborted::Generator(error.to_string()))?;
        }
        self.sleep_until_us(began_us).await;
        events.emit_at(began_us, EventKind::LoadBegan, |_| {});
        let before = self.query_counts(subject).await;
        let cut_short = self.load_and_faults(subject, control, began_us, events).await?;
        if self.cell.is_open_loop() {
            let unsent = Some(control.unsent());
            let ended_us = control.ends_at_us();
            events.emit_at(ended_us, EventKind::ArrivalsEnded, |event| event.unsent = unsent);
        }
        let after = self.query_counts(subject).await;
        let looked_up =
            timeout(LOOK_UP_WITHIN, control.wait_until(|counts| counts.done == clients));
        looked_up.await.map_err(|_| {
            Aborted::Generator(format!("lookups took over {} s", LOOK_UP_WITHIN.as_secs()))
        })?;
        events.emit(EventKind::LoadEnded, |_| {});
        let within = Duration::from_millis(self.plan.checks.converge_within_ms);
        subject.converge(&self.kept(records), within, events).await?;
        let queries = catalog_queries::row_of(self.cell, self.number, before, after);
        Ok(Ran { queries, cut_short })
    }

    /// The measured load, its faults, and the healing, until every client has stopped trading. Says why it was
    /// ended before its time, if it was.
    async fn load_and_faults(
        &self,
        subject: &Subject,
        control: &Arc<Control>,
        began_us: u64,
        events: &EventSink,
    ) -> Result<Option<Broken>, Aborted> {
        let clients = self.cell.clients;
        let all_loaded = || control.wait_until(|counts| counts.loaded == clients);
        let stages = self.follow_stages(control, began_us, events);
        let Some(duration_ms) = self.plan.load.duration_ms() else {
            // So many iterations take as long as they take; each has a timeout.
            let cut_short = self.unless_broken(all_loaded(), began_us, events).await;
            control.end_at(self.origin.elapsed_us());
            all_loaded().await;
            return Ok(cut_short);
        };
        let over = self.sleep_until_us(began_us + duration_ms * 1000);
        let cut_short = if self.plan.faults.is_empty() {
            control.end_at(began_us + duration_ms * 1000);
            self.unless_broken(over, began_us, events).await
        } else {
            let (schedule, on) = (self.plan.schedule(), Arc::clone(&subject.bazaar));
            let told = events.clone();
            let injector =
                Background::start(|stop| injector::run(on, schedule, began_us, told, stop.wait()));
            let cut_short = self.unless_broken(over, began_us, events).await;
            let injected = injector.stop().await.unwrap_or_default();
            heal(&subject.bazaar, &injected, events).await?;
            sleep(Duration::from_millis(self.plan.checks.recovery_ms)).await;
            cut_short
        };
        control.end_at(control.ends_at_us().min(self.origin.elapsed_us()));
        stages.stop().await;
        // Those who do not take part in the last stage are waiting still.
        control.admit(u32::MAX);
        // A query and a trade may be under way, in an open loop after what had to wait.
        let within = DRAIN_WITHIN + 2 * subject.longest_operation() + LEAVE_WITHIN;
        timeout(within, all_loaded())
            .await
            .map_err(|_| Aborted::Generator("not all clients stopped in time".to_owned()))?;
        Ok(cut_short)
    }

    /// Makes what the load's stages change, until what is returned is stopped or dropped.
    fn follow_stages(
        &self,
        control: &Arc<Control>,
        began_us: u64,
        events: &EventSink,
    ) -> Background<()> {
        let (stages, control, events) =
            (self.plan.load.stages.clone(), Arc::clone(control), events.clone());
        Background::start(|stop| async move {
            tokio::select! {
                () = stages::follow(stages, began_us, &control, &events) => {}
                () = stop.wait() => {}
            }
        })
    }

    /// Waits for the load's end, or until the last seconds break a threshold that ends it.
    async fn unless_broken(
        &self,
        over: impl Future<Output = ()>,
        began_us: u64,
        events: &EventSink,
    ) -> Option<Broken> {
        let plan = &self.plan.checks.abort_on;
        let watch = Watch::new(plan, self.cell, Arc::clone(&self.recent), self.origin);
        let broken = tokio::select! {
            () = over => return None,
            broken = watch.broken(began_us) => broken,
        };
        events.emit_at(broken.at_us, EventKind::LoadCutShort, |event| {
            event.target = Some(broken.threshold.clone());
            event.detail = Some(broken.value.to_string());
        });
        Some(broken)
    }

    fn kept<'k>(&'k self, records: &'k UnboundedSender<Record>) -> Kept<'k> {
        Kept { cell: &self.cell.id, trial: self.number, records }
    }

    /// What its folders are called.
    fn name(&self) -> String {
        format!("{}-{}", self.cell.id, self.number)
    }

    /// How many queries its counters have seen, if it has such.
    async fn query_counts(&self, subject: &Subject) -> Option<QueryCounts> {
        let counters = self.plan.under_test.target().capabilities.query_counts.as_ref()?;
        QueryCounts::ask(subject.asking(), counters).await
    }

    /// The schedule of an open loop.
    fn pace(&self) -> Option<(Pacer, ArrivalQueue)> {
        let load = &self.plan.load;
        let kind = load.arrivals.unwrap_or_default();
        let rate_per_s = self.cell.rate_per_s.map(Profile::constant).or_else(|| load.profile())?;
        let arrivals = Arrivals::following(kind, rate_per_s, load.seed, self.cell.p, self.number);
        Some(pace(arrivals, DRAIN_WITHIN))
    }

    fn setting(
        &self,
        subject: &Subject,
        control: &Arc<Control>,
        turns: Option<ArrivalQueue>,
        records: &UnboundedSender<Record>,
    ) -> TrialSettings {
        TrialSettings {
            cell: self.cell.id.clone(),
            trial: self.number,
            p: self.cell.p,
            peek: self.plan.load.peek,
            seed: self.plan.load.seed,
            stocks: subject.stocks.clone(),
            next_value: Arc::clone(&self.next_value),
            service: subject.service.clone(),
            order_names: Arc::clone(&subject.order_names),
            control: Arc::clone(control),
            turns,
            records: records.clone(),
        }
    }

    async fn sleep_until_us(&self, us: u64) {
        sleep_until(self.origin.instant_at(us).into()).await;
    }
}
