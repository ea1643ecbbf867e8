//! What a target's file describes, the bazaar's or another, started as a trial of a run starts it.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bazaar_console::{Beside, MAX_CLIENTS, Offers};
use faults::clock::Origin;
use faults::disk::DiskFaults;
use faults::host_network::HostTries;
use faults::process::ProcessInfo;

use super::{DataFolder, Served, ports};
use crate::cli::Serve;
use crate::commands::{bin_dir, variant_named, warn_of_commands};
use crate::output::say;
use crate::plan::{Load, System, UnderTest};
use crate::shell::quoted;
use crate::target::clients::LoadFacts;
use crate::target::running::{RunningTarget, TargetStart};
use crate::target::{Places, needed};

/// A target that was read.
pub(super) struct TargetToServe {
    /// Its file, if somebody has named one; otherwise it is the bazaar, on the ports that its documents have.
    file: Option<PathBuf>,
    under_test: UnderTest,
    variant: Option<String>,
}

impl TargetToServe {
    /// Reads the target's file, if one is named, or that of the bazaar.
    pub(super) fn read(args: &Serve) -> anyhow::Result<Self> {
        let system = System {
            replicas: args.replicas,
            durability: args.durability,
            ping_period_ms: args.ping_period_ms,
            ping_timeout_ms: args.ping_timeout_ms,
            ..System::default()
        };
        let values = system.values(&Load::default());
        let under_test = UnderTest::read(args.target.as_deref(), values)?;
        let variant = match &args.target {
            Some(file) => {
                let variant = variant_named(under_test.target(), args.variant.as_deref())?;
                warn_of_commands(file);
                variant.map(|variant| variant.name.clone())
            }
            None => Some(format!("cache-{}", args.cache)),
        };
        Ok(Self { file: args.target.clone(), under_test, variant })
    }

    /// Starts it; each of its processes has `environment` in its own besides.
    pub(super) async fn start(
        &self,
        args: &Serve,
        environment: &BTreeMap<String, String>,
        folder: &DataFolder,
        origin: Origin,
    ) -> anyhow::Result<Served> {
        let (target, logs) = (self.under_test.target(), folder.path().join("logs"));
        let processes = self.under_test.processes();
        // Relays would cost time on every message, and a library would be preloaded into every process, of which nobody has
        // said that it can bear that.
        let breaks_more = args.console && self.file.is_none();
        let scratch = match &self.file {
            Some(_) => folder.path().join("scratch"),
            // What is kept is gone on with from here, also by hand.
            None => folder.path().to_owned(),
        };
        let ports = match &self.file {
            Some(_) => BTreeMap::new(),
            None => ports::of_bazaar(args.replicas, args.base_port)?,
        };
        let start = TargetStart {
            variant: self.under_test.variant(self.variant.as_deref()),
            places: Places {
                data: folder.path(),
                scratch: &scratch,
                logs: &logs,
                bin_dir: &bin_dir(&args.binaries)?,
            },
            ports: &ports,
            flags: &[],
            environment,
            // Room for a flood is made when one begins.
            flood_connections: 0,
            disk_faults: match breaks_more {
                true => DiskFaults::everywhere(&processes),
                false => DiskFaults::default(),
            },
            relays: breaks_more,
            link_faults: &[],
            host_tries: &HostTries::default(),
            processes,
            is_first: true,
            origin,
            // It runs for as long as somebody uses it.
            lifetime: None,
            // The page's load begins and changes as somebody likes, and so do its clients.
            load: LoadFacts { clients: MAX_CLIENTS, seed: 0 },
            // The page's clients are here.
            load_from: &[],
        };
        let RunningTarget { bazaar, service, clients, stocks, trial, .. } =
            RunningTarget::start(target, start).await?;
        let floods = bazaar.processes().iter().any(|process| process.address.is_some());
        let offers = Offers { disks: breaks_more, files: breaks_more, floods, links: breaks_more };
        let is_cached = self.variant.as_deref() != Some("cache-off");
        let cache = bazaar.can_switch_cache().then_some(is_cached);
        let (name, description) = (target.name.clone(), target.description.clone());
        let beside = Beside { name, description, service, stocks, cache, offers };
        let name = self.file.as_ref().map_or("The bazaar", |_| &target.name).to_owned();
        Ok(Served { name, bazaar, logs, clients, beside, ports: trial.ports })
    }

    /// Says who listens where, as far as that is known, and how to trade.
    pub(super) fn introduce(&self, served: &Served) {
        let processes = served.bazaar.processes();
        let scheme = if self.file.is_some() { "" } else { "http://" };
        let address = |process: &ProcessInfo| {
            process.address.map(|address| format!("{scheme}{address}")).unwrap_or_default()
        };
        let width = processes.iter().map(|process| process.name.as_str().len()).max();
        let width = width.unwrap_or_default();
        for process in processes {
            say!("  {:<width$}  {:<21}  pid {}", process.name, address(&process), process.pid);
        }
        let ports = &served.ports.ports;
        let Some(file) = &self.file else {
            let front_end = ports.get("front-end").copied().unwrap_or_default();
            say!("Try: double-trouble client --address 127.0.0.1:{front_end} check");
            return;
        };
        let all: Vec<_> = ports.iter().map(|(name, port)| format!("{name} {port}")).collect();
        if !all.is_empty() {
            say!("Ports: {}", all.join(", "));
        }
        let needed = needed::ports(self.under_test.target());
        let told = needed.iter().filter_map(|name| Some((name, ports.get(*name)?)));
        let told: String = told.map(|(name, port)| format!(" --port {name}={port}")).collect();
        say!("Try: double-trouble client --target {}{told} check", quoted(file));
    }
}
