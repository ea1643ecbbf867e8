//! What a target's file describes, started as a trial of a run starts it.

use std::path::PathBuf;
use std::sync::Arc;

use bazaar_console::{Beside, MAX_CLIENTS, Offers};
use faults::clock::Origin;
use faults::disk::DiskFaults;
use targets::target::{Target, Variant};

use super::{DataFolder, Served};
use crate::cli::Serve;
use crate::commands::{bin_dir, variant_named, warn_of_commands};
use crate::output::say;
use crate::plan::UnderTest;
use crate::target::clients::LoadFacts;
use crate::target::needed;
use crate::target::running::{RunningTarget, TargetStart};

/// A target that was read.
pub(super) struct TargetToServe {
    file: PathBuf,
    target: Arc<Target>,
    under_test: UnderTest,
}

impl TargetToServe {
    /// Reads the target's file, if one is named.
    pub(super) fn read(args: &Serve) -> anyhow::Result<Option<Self>> {
        let under_test = UnderTest::read(args.target.as_deref(), args.replicas)?;
        let (Some(file), Some(target)) = (args.target.clone(), under_test.target().cloned()) else {
            return Ok(None);
        };
        let read = Self { file, target, under_test };
        read.variant(args)?;
        warn_of_commands(&read.file);
        Ok(Some(read))
    }

    fn variant(&self, args: &Serve) -> anyhow::Result<Option<&Variant>> {
        variant_named(&self.target, args.variant.as_deref())
    }

    /// Starts it.
    pub(super) async fn start(
        &self,
        args: &Serve,
        folder: &DataFolder,
        origin: Origin,
    ) -> anyhow::Result<Served> {
        let logs = folder.path().join("logs");
        let start = TargetStart {
            processes: self.under_test.processes(args.replicas),
            variant: self.variant(args)?,
            data: folder.path(),
            logs: &logs,
            bin_dir: &bin_dir(&args.binaries)?,
            // Room for a flood is made when one begins.
            flood_connections: 0,
            // A library would be preloaded into every process, of which nobody has said that it can bear that.
            disk_faults: DiskFaults::default(),
            // They would cost time on every message.
            relays: false,
            is_first: true,
            origin,
            // It runs for as long as somebody uses it.
            lifetime: None,
            // The page's load begins and changes as somebody likes, and so do its clients.
            load: LoadFacts { clients: MAX_CLIENTS, seed: 0 },
        };
        let RunningTarget { bazaar, service, clients, stocks, trial, .. } =
            RunningTarget::start(&self.target, start).await?;
        let floods = bazaar.processes().iter().any(|process| process.address.is_some());
        let offers = Offers { disks: false, files: false, floods, links: false };
        let beside = Beside { service, stocks, cache: None, offers };
        let (name, ports) = (self.target.name.clone(), Some(trial.ports));
        Ok(Served { name, bazaar, logs, clients, beside, ports })
    }

    /// Says who listens where, as far as that is known, and how to trade.
    pub(super) fn introduce(&self, served: &Served) {
        let processes = served.bazaar.processes();
        let width = processes.iter().map(|process| process.name.as_str().len()).max();
        let width = width.unwrap_or_default();
        for process in processes {
            let address = process.address.map(|address| address.to_string()).unwrap_or_default();
            say!("  {:<width$}  {address:<21}  pid {}", process.name, process.pid);
        }
        let Some(ports) = &served.ports else { return };
        let all = ports.ports.iter().map(|(name, port)| format!("{name} {port}"));
        let all: Vec<_> = all.collect();
        if !all.is_empty() {
            say!("Ports: {}", all.join(", "));
        }
        let needed = needed::ports(&self.target);
        let told = needed.iter().filter_map(|name| Some((name, ports.ports.get(*name)?)));
        let told: String = told.map(|(name, port)| format!(" --port {name}={port}")).collect();
        say!("Try: double-trouble client --target {}{told} check", self.file.display());
    }
}
