//! `serve`: the bazaar on its usual ports, or what a target's file describes, until Ctrl-C.
//!
//! The invariant: whatever way it ends, no process of what it served is left, and no folder but one that the user named.

mod folder;
mod ports;
mod target;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bazaar_console::{Beside, Console};
use driver::stop::Stop;
use faults::bazaar::Bazaar;
use faults::clock::Origin;
use faults::events::EventSink;
use faults::probes;
use results::records::{Event, EventKind};
use tokio::sync::mpsc::unbounded_channel;

use self::folder::DataFolder;
use self::target::TargetToServe;
use crate::cli::Serve;
use crate::exit::Exit;
use crate::output::say;
use crate::target::clients::ClientPrograms;
use crate::target::ports::ChosenPorts;

/// What is up.
struct Served {
    /// What a line about it begins with.
    name: String,
    bazaar: Arc<Bazaar>,
    logs: PathBuf,
    /// The programs that a target's clients speak through.
    clients: Option<ClientPrograms>,
    /// What a console beside it has to know.
    beside: Beside,
    /// Its ports, which nobody else is to take while it is up.
    ports: ChosenPorts,
}

/// Starts it, says who listens where and what changes, and stops it when asked to. Each of its processes has
/// `environment` in its own besides.
pub(super) async fn serve(
    args: &Serve,
    environment: &BTreeMap<String, String>,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let target = TargetToServe::read(args)?;
    let folder = DataFolder::new(args.data_dir.as_deref())?;
    // Before anything is started: a port that is taken is said at once.
    let console = match args.console {
        true => Some(Console::bind(args.console_port).await?),
        false => None,
    };
    let origin = Origin::now();
    let served = tokio::select! {
        started = target.start(args, environment, &folder, origin) => started?,
        () = stop.requested() => return Ok(Exit::Pass),
    };
    say!("{} is up.", served.name);
    target.introduce(&served);
    say!("Data: {} ({})", folder.path().display(), folder.fate());
    say!("Logs: {}", served.logs.display());
    if let Some(console) = &console {
        say!("Console: http://{}/", console.address());
    }
    say!("Ctrl-C stops it.");
    until_stopped(served, console, origin, stop).await
}

/// Tells what changes, and runs the console, until it is told to stop; then ends what is served.
async fn until_stopped(
    served: Served,
    console: Option<Console>,
    origin: Origin,
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let Served { name, bazaar, logs, mut clients, beside, ports: _ports } = served;
    let (rows, mut events) = unbounded_channel();
    let sink = EventSink::new("serve", 1, origin, rows);
    if let Some(clients) = &mut clients {
        clients.report_to(&sink);
    }
    let console = console.map(|console| console.beside(&bazaar, beside, sink.clone()));
    let watching = probes::watch(Arc::clone(&bazaar), sink, stop.requested());
    let telling = async {
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = stop.requested() => None,
            };
            let Some(event) = event else { break };
            tell(&event, &logs);
            if let Some(console) = &console {
                console.hear(&event);
            }
        }
    };
    let showing = async {
        match &console {
            Some(console) => console.run(stop).await,
            None => Ok(()),
        }
    };
    let ((), (), shown) = tokio::join!(watching, telling, showing);
    if let Some(clients) = clients {
        clients.stop(stop).await;
    }
    crate::signals::see_off(stop, &bazaar).await;
    say!("{name} is down.");
    shown?;
    Ok(Exit::Pass)
}

/// Says what changed, as far as somebody at a terminal wants to know.
fn tell(event: &Event, log_dir: &Path) {
    let named = event.process.map(|subject| subject.to_string());
    let process = named.as_deref().unwrap_or("a process");
    match event.event {
        EventKind::Died => {
            let pid = event.pid.map(|pid| format!(" (pid {pid})")).unwrap_or_default();
            say!("{process}{pid} has died; its log is {}/{process}.log", log_dir.display());
        }
        EventKind::HostLost => {
            let host = event.target.as_deref().unwrap_or("a host");
            let why = event.detail.as_deref().unwrap_or("no reason given");
            say!("{host} is lost, and {process} with it: {why}");
        }
        EventKind::HostBack => {
            let host = event.target.as_deref().unwrap_or("a host");
            say!("{host} can be reached again, and nothing of ours is left there");
        }
        // It names those with whom the leadership began; who is in sync by now was told already.
        EventKind::LeaderServes => {
            if let Some(epoch) = event.epoch {
                say!("{process} leads in epoch {epoch}");
            }
        }
        // Where no history tells when a leader begins to serve, who was chosen leads.
        EventKind::LeaderChanged if event.version.is_none() => say!("{process} leads"),
        EventKind::ClientBroke | EventKind::ClientReady => {
            if let Some(said) = &event.detail {
                say!("{said}");
            }
        }
        EventKind::InSyncChanged => {
            if let Some(in_sync) = &event.in_sync {
                say!("in sync: {in_sync}");
            }
        }
        _ => {}
    }
}
