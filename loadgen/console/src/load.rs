//! Clients that follow the page's settings: the clients of a run, without its goose, its rows and its
//! end.
//!
//! goose fixes its users and their pace before it starts, so it cannot be steered. What a client does
//! is the same code. Every change of the settings ends one *generation* of clients and begins another:
//! nothing about a client changes while it lives. A client looks its acknowledged orders up as it
//! goes, and once more when it leaves, so that what it must remember does not grow for ever.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::Context;
use driver::arrivals::{self, ArrivalKind};
use driver::client::{Client, TrialSettings};
use driver::control::Control;
use driver::http::measuring_client;
use driver::pacer::{ArrivalQueue, pace};
use driver::recorder::Record;
use driver::service::{Connection, Service};
use results::records::Observation;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval};

use super::Running;
use super::dashboard::Dashboard;
use super::settings::{Arrivals, Load, MAX_CLIENTS};
use driver::stop::Stop;

/// A client looks its orders up after so many iterations, some seconds later at the usual rates.
const LOOK_UP_AFTER: u32 = 20;
/// Clients of earlier generations that are still waiting for an answer: anybody who moves a slider to
/// and fro while the leader sleeps must not pile up more of them.
const MAX_LEAVING: usize = 4 * MAX_CLIENTS as usize;
/// A schedule that cannot be kept is begun anew when it is so far behind: what waits for its turn must
/// not grow for ever, and nobody learns more from half a minute than from ten.
const MAX_BEHIND: Duration = Duration::from_secs(30);
/// How often that is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Loads what the console is beside as `settings` say, until it is told to stop. Afterwards no client is left.
///
/// # Errors
/// A client or the schedule's thread cannot be made.
pub(super) async fn run(
    running: &Running,
    mut settings: watch::Receiver<Load>,
    stop: &Stop,
) -> anyhow::Result<()> {
    let dashboard = &*running.dashboard;
    let (records, mut rows) = unbounded_channel();
    let watching = watch_rows(dashboard, &mut rows);
    let mut generations = Generations::new(running, records)?;
    let loading = async {
        loop {
            let load = settings.borrow_and_update().clone();
            generations.next(&load)?;
            tokio::select! {
                changed = settings.changed() => {
                    changed.context("the console's settings are gone")?;
                    dashboard.loaded(&settings.borrow());
                }
                behind_us = behind_too_far(dashboard) => dashboard.began_anew(behind_us),
                () = stop.requested() => return anyhow::Ok(()),
            }
        }
    };
    // The rows end when the clients do.
    tokio::select! {
        loaded = loading => loaded,
        () = watching => Ok(()),
    }
}

/// Puts on the dashboard what clients did. The channel has no bound for the reason that the recorder's has
/// none; a dashboard takes a row in a microsecond.
async fn watch_rows(dashboard: &Dashboard, rows: &mut UnboundedReceiver<Record>) {
    while let Some(record) = rows.recv().await {
        if let Record::Observation(row) = record {
            let row: &Observation = &row;
            dashboard.observe(row);
        }
    }
}

/// Returns once the load is far behind its schedule: how far.
async fn behind_too_far(dashboard: &Dashboard) -> u64 {
    let mut looks = interval(LOOK);
    looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        looks.tick().await;
        let behind_us = dashboard.behind_us();
        if Duration::from_micros(behind_us) > MAX_BEHIND {
            return behind_us;
        }
    }
}

/// One generation of clients after the other.
struct Generations<'a> {
    dashboard: &'a Dashboard,
    service: Service,
    stocks: Vec<String>,
    /// Another one for every console: its trades must not repeat those of a console before it, in a
    /// data folder that was kept.
    seed: u64,
    number: u32,
    /// A connection each, kept from generation to generation.
    connections: Vec<Connection>,
    records: UnboundedSender<Record>,
    /// The control of the generation that trades.
    current: Option<Arc<Control>>,
    clients: JoinSet<()>,
}

impl<'a> Generations<'a> {
    fn new(running: &'a Running, records: UnboundedSender<Record>) -> anyhow::Result<Self> {
        let (dashboard, service) = (&*running.dashboard, running.service.clone());
        let connection = |number| -> anyhow::Result<Connection> {
            let http = measuring_client().build().context("cannot make an HTTP client")?;
            Ok(service.client(http, number, dashboard.origin()))
        };
        let connections = (1..=MAX_CLIENTS).map(connection).collect::<Result<_, _>>()?;
        Ok(Self {
            dashboard,
            service,
            stocks: running.stocks.clone(),
            seed: rand::random(),
            number: 0,
            connections,
            records,
            current: None,
            clients: JoinSet::new(),
        })
    }

    /// Ends the generation that trades, and begins one with these settings.
    fn next(&mut self, load: &Load) -> anyhow::Result<()> {
        let origin = self.dashboard.origin();
        if let Some(control) = self.current.take() {
            control.end_at(origin.elapsed_us());
        }
        while self.clients.try_join_next().is_some() {}
        if self.clients.len() > MAX_LEAVING {
            self.clients.abort_all();
        }
        self.dashboard.forget_behind();
        if !load.on {
            return Ok(());
        }
        self.number += 1;
        let control = Arc::new(Control::new(origin, None));
        let now_us = origin.elapsed_us();
        control.open_gate(now_us);
        let setting = Arc::new(TrialSettings {
            cell: "console".to_owned(),
            trial: self.number,
            p: load.p,
            peek: 0.0,
            seed: self.seed,
            stocks: self.stocks.clone(),
            // A console's clients may begin anew at any time; what they write is held against nothing.
            next_value: Arc::new(AtomicU64::new(1)),
            service: self.service.clone(),
            order_names: Arc::default(),
            control: Arc::clone(&control),
            turns: self.turns(load, &control, now_us)?,
            records: self.records.clone(),
        });
        for (number, connection) in (1..=load.clients).zip(&self.connections) {
            let client = Client::new(Arc::clone(&setting), connection.clone());
            let begun = number * LOOK_UP_AFTER / load.clients;
            self.clients.spawn(run_iteration(client, begun));
        }
        self.current = Some(control);
        Ok(())
    }

    /// The schedule of an open loop.
    fn turns(
        &self,
        load: &Load,
        control: &Arc<Control>,
        now_us: u64,
    ) -> anyhow::Result<Option<ArrivalQueue>> {
        let kind = match load.arrivals {
            Arrivals::Closed => return Ok(None),
            Arrivals::Constant => ArrivalKind::Constant,
            Arrivals::Poisson => ArrivalKind::Poisson,
        };
        let rate_per_s = f64::from(load.rate_per_s);
        let arrivals = arrivals::Arrivals::new(kind, rate_per_s, self.seed, load.p, self.number);
        // What is late when the settings change belongs to the old ones, and is not made up for.
        let (pacer, turns) = pace(arrivals, Duration::ZERO);
        pacer.start(Arc::clone(control), now_us).context("cannot start the schedule")?;
        Ok(Some(turns))
    }
}

/// A client's whole life. Clients begin at different counts, so that they do not all look their orders
/// up at once.
async fn run_iteration(mut client: Client, begun: u32) {
    let mut iterations = begun;
    while client.run_iteration().await {
        iterations += 1;
        if iterations.is_multiple_of(LOOK_UP_AFTER) {
            client.look_up_all().await;
        }
    }
    client.look_up_all().await;
}
