//! The harness's own load generator as a process of its own, so that what it takes of the machine can be told: its clients
//! (`driver`), its recorder, and goose, which runs the clients; or the same without goose, which shows what goose costs.
//!
//! The process only does what a run does. What its rows say is read by who started it, so that reading costs it nothing.

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use anyhow::{Context, bail};
use driver::arrivals::{ArrivalKind, Arrivals};
use driver::attack;
use driver::client::{Client, TrialSettings};
use driver::control::Control;
use driver::http::measuring_client;
use driver::pacer::pace;
use driver::recorder::Recorder;
use faults::clock::Origin;
use results::lateness::Clients;
use results::records::{Outcome, RunFolder};
use results::stats::Latencies;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::Told;

/// The first argument of the program where it is this generator.
pub(crate) const COMMAND: &str = "own-generator";
/// The stock that is asked for: all servers have an answer about it.
const STOCK: &str = "Stock1";
/// The clients of an open loop wait so long for the schedule to begin.
const LEAD_US: u64 = 5_000;
/// How long clients may take to be there.
const ARRIVE_WITHIN: Duration = Duration::from_secs(20);
/// How long the last of them may take to end.
const END_WITHIN: Duration = Duration::from_secs(20);

/// What is asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    /// Where.
    pub(crate) address: String,
    /// How many clients.
    pub(crate) clients: u32,
    /// For how long, in seconds.
    pub(crate) seconds: u64,
    /// In an open loop: how many a second.
    pub(crate) rate_per_s: Option<u32>,
    /// Whether goose runs the clients.
    pub(crate) with_goose: bool,
}

/// When it was, in microseconds since the generator's origin.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Span {
    began_us: u64,
    ended_us: u64,
}

/// The arguments after the program's name: the order, and the folder of the rows.
///
/// # Errors
/// Never in practice: an order is plain.
pub(crate) fn arguments(order: &Order, folder: &Path) -> anyhow::Result<Vec<String>> {
    Ok(vec![COMMAND.to_owned(), serde_json::to_string(order)?, folder.display().to_string()])
}

/// What the rows in `folder` say, and the line that the generator said at its end.
///
/// # Errors
/// If either cannot be read.
pub(crate) fn told(folder: &Path, said: &str) -> anyhow::Result<Told> {
    let line = said.lines().find(|line| line.starts_with('{')).context("it said no times")?;
    let Span { began_us, ended_us } = serde_json::from_str(line).context("its times")?;
    let rows = RunFolder::new(folder).observations()?;
    let (mut clients, mut latencies, mut own) =
        (Clients::default(), Latencies::default(), Latencies::default());
    let (mut sent, mut failed) = (0_u64, 0);
    for row in &rows {
        if let Some(late) = clients.lateness(row) {
            own.record(late.own_us);
        }
        if row.start_us >= ended_us {
            continue;
        }
        sent += 1;
        match row.outcome {
            Outcome::Ok => latencies.record(row.response_us()),
            _ => failed += 1,
        }
    }
    let ms = |of: &Latencies, quantile| of.percentile_us(quantile).map(|us| us as f64 / 1e3);
    Ok(Told {
        requests: rows.len() as u64,
        per_second: sent as f64 / (ended_us.saturating_sub(began_us) as f64 / 1e6),
        failed,
        p50_ms: ms(&latencies, 0.5).context("nothing was answered")?,
        p99_ms: ms(&latencies, 0.99).context("nothing was answered")?,
        late_p99_ms: ms(&own, 0.99),
    })
}

/// The generator itself: `own-generator ORDER FOLDER`.
pub(crate) fn main() -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
    let ended = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(generate()));
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::from(3)
        }
    }
}

async fn generate() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(2);
    let order = arguments.next().context("no order")?;
    let order: Order = serde_json::from_str(&order).context("the order")?;
    let folder = arguments.next().context("no folder")?;
    let mut recorder = Recorder::start(Path::new(&folder))?;
    let origin = Origin::now();
    let control = Arc::new(Control::new(origin, None));
    let arrivals = order.rate_per_s.map(|rate| {
        // What is left at the end is what the generator could not send, and is not sent later.
        pace(Arrivals::new(ArrivalKind::Constant, f64::from(rate), 1, 0.0, 1), Duration::ZERO)
    });
    let (pacer, turns) = arrivals.unzip();
    let setting = Arc::new(TrialSettings {
        cell: "peers".to_owned(),
        trial: 1,
        p: 0.0,
        peek: 0.0,
        seed: 1,
        stocks: vec![STOCK.to_owned()],
        next_value: Arc::new(AtomicU64::new(1)),
        service: driver::bazaar::service(&order.address)?,
        order_names: Arc::default(),
        control: Arc::clone(&control),
        turns,
        records: recorder.records(),
    });
    let clients = if order.with_goose {
        tokio::spawn(async move { Ok(attack::run(setting, order.clients).await?) })
    } else {
        tokio::spawn(plain(setting, order.clients))
    };
    let arrived = control.wait_until(|counts| counts.ready == order.clients);
    tokio::time::timeout(ARRIVE_WITHIN, arrived).await.context("not all clients arrived")?;
    let began_us = origin.elapsed_us() + if pacer.is_some() { LEAD_US } else { 0 };
    let ended_us = began_us + order.seconds * 1_000_000;
    control.end_at(ended_us);
    control.open_gate(began_us);
    if let Some(pacer) = pacer {
        pacer.start(Arc::clone(&control), began_us)?;
    }
    let all = control.wait_until(|counts| counts.done == order.clients);
    let within = Duration::from_secs(order.seconds) + END_WITHIN;
    let ended = tokio::time::timeout(within, all).await;
    // goose would look whether its users are through within half a second.
    clients.abort();
    if ended.is_err() {
        bail!("the clients did not end");
    }
    recorder.settle().await?;
    println!("{}", serde_json::to_string(&Span { began_us, ended_us })?);
    Ok(())
}

/// The clients on tasks of their own.
async fn plain(setting: Arc<TrialSettings>, clients: u32) -> anyhow::Result<()> {
    let mut all = JoinSet::new();
    for number in 1..=clients {
        let (setting, http) = (Arc::clone(&setting), measuring_client().build()?);
        all.spawn(async move {
            let control = Arc::clone(&setting.control);
            let connection = setting.service.client(http, number, control.origin());
            let mut client = Client::new(setting, connection);
            control.wait_at_gate().await;
            while client.run_iteration().await {}
            control.loaded();
            control.done();
        });
    }
    all.join_all().await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_arrives_as_it_was_sent() {
        let order = Order {
            address: "127.0.0.1:1".to_owned(),
            clients: 64,
            seconds: 5,
            rate_per_s: Some(100_000),
            with_goose: true,
        };
        let words = arguments(&order, Path::new("rows")).unwrap();
        assert_eq!(serde_json::from_str::<Order>(&words[1]).unwrap(), order);
        assert_eq!((words[0].as_str(), words[2].as_str()), (COMMAND, "rows"));
    }

    #[test]
    fn what_said_no_times_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let error = told(folder.path(), "error: nobody is there").unwrap_err();
        assert!(error.to_string().contains("no times"), "{error}");
    }
}
