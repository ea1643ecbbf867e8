//! `serve`: the bazaar on its usual ports, until Ctrl-C.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::Context;
use faults::bazaar::{Bazaar, BazaarConfig, Ports};
use faults::clock::Origin;
use faults::disk::DiskFaults;
use faults::events::EventSink;
use faults::probes;
use results::records::{Event, EventKind, built_in};
use tokio::sync::mpsc::unbounded_channel;

use super::bin_dir;
use crate::cli::Serve;
use crate::exit::Exit;
use crate::output::say;
use bazaar_console::Console;
use driver::stop::Stop;

/// Starts the bazaar, says who listens where and what changes, and stops it when asked to. Each service has
/// `environment` in its own besides.
pub(super) async fn serve(
    args: &Serve,
    environment: &[(String, String)],
    stop: &Stop,
) -> anyhow::Result<Exit> {
    let folder = DataFolder::new(args.data_dir.as_deref())?;
    let config = config(args, environment, folder.path())?;
    // Before anything is started: a port that is taken is said at once.
    let console = match args.console {
        true => Some(Console::bind(args.console_port).await?),
        false => None,
    };
    let log_dir = config.log_dir.clone();
    let bazaar = tokio::select! {
        started = Bazaar::start(config) => Arc::new(started?),
        () = stop.requested() => return Ok(Exit::Pass),
    };
    introduce(&bazaar, &folder, &log_dir, console.as_ref());
    let (rows, mut events) = unbounded_channel();
    let sink = EventSink::new("serve", 1, Origin::now(), rows);
    let console = console.map(|console| console.beside(&bazaar, args.cache.is_on(), sink.clone()));
    let watching = probes::watch(Arc::clone(&bazaar), sink, stop.requested());
    let telling = async {
        loop {
            let event = tokio::select! {
                event = events.recv() => event,
                () = stop.requested() => None,
            };
            let Some(event) = event else { break };
            tell(&event, &log_dir);
            if let Some(console) = &console {
                console.hear(&event);
            }
        }
    };
    let showing = async {
        match &console {
            Some(console) => console.run(&bazaar, stop).await,
            None => Ok(()),
        }
    };
    let ((), (), shown) = tokio::join!(watching, telling, showing);
    crate::signals::see_off(stop, &bazaar).await;
    say!("The bazaar is down.");
    shown?;
    Ok(Exit::Pass)
}

fn config(
    args: &Serve,
    environment: &[(String, String)],
    folder: &Path,
) -> anyhow::Result<BazaarConfig> {
    Ok(BazaarConfig {
        bin_dir: bin_dir(&args.binaries)?,
        data_dir: folder.to_owned(),
        log_dir: folder.join("logs"),
        replicas: args.replicas,
        cache: args.cache.is_on(),
        durability: args.durability.into(),
        ping_period_ms: args.ping_period_ms,
        ping_timeout_ms: args.ping_timeout_ms,
        ports: args.base_port.map_or(Ports::Default, Ports::Base),
        stocks: None,
        cap: None,
        // What the page's buttons break must be there to be broken.
        relays: args.console,
        disk_faults: if args.console {
            DiskFaults::everywhere(&built_in::processes(args.replicas))
        } else {
            DiskFaults::default()
        },
        // Room for a flood is made when one begins.
        flood_connections: 0,
        guard: crate::program::guard_program(),
        flags: Vec::new(),
        environment: environment.to_vec(),
    })
}

fn introduce(bazaar: &Bazaar, folder: &DataFolder, log_dir: &Path, console: Option<&Console>) {
    say!("The bazaar is up.");
    for process in bazaar.processes() {
        let address = process.address.map(|address| format!("http://{address}"));
        say!("  {:<10} {}  pid {}", process.name, address.unwrap_or_default(), process.pid);
    }
    let fate = if folder.is_kept() { "kept" } else { "removed at the end; --data-dir keeps one" };
    say!("Data: {} ({fate})", folder.path().display());
    say!("Logs: {}", log_dir.display());
    say!("Try: double-trouble client --address {} check", bazaar.addresses().front_end);
    if let Some(console) = console {
        say!("Console: http://{}/", console.address());
    }
    say!("Ctrl-C stops it.");
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
        // It names those with whom the leadership began; who is in sync by now was told already.
        EventKind::LeaderServes => {
            if let Some(epoch) = event.epoch {
                say!("{process} leads in epoch {epoch}");
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

/// The folder of the databases.
enum DataFolder {
    /// Named by the user.
    Kept(PathBuf),
    /// Ours; removed with this value.
    Temporary(tempfile::TempDir),
}

impl DataFolder {
    fn new(named: Option<&Path>) -> anyhow::Result<Self> {
        match named {
            Some(path) => {
                let why =
                    || format!("--data-dir {}: name a folder that can be written", path.display());
                faults::folder::make_private(path).with_context(why)?;
                Ok(Self::Kept(std::fs::canonicalize(path).with_context(why)?))
            }
            None => {
                let made = tempfile::Builder::new().prefix("double-trouble-").tempdir();
                let made =
                    made.context("cannot make a temporary folder; name one with --data-dir")?;
                Ok(Self::Temporary(made))
            }
        }
    }

    fn path(&self) -> &Path {
        match self {
            Self::Kept(path) => path,
            Self::Temporary(folder) => folder.path(),
        }
    }

    fn is_kept(&self) -> bool {
        matches!(self, Self::Kept(_))
    }
}
