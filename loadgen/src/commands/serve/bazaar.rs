//! The built-in bazaar, on its usual ports.

use std::path::Path;
use std::sync::Arc;

use bazaar_console::{Beside, Offers};
use faults::bazaar::{Bazaar, BazaarConfig, Ports};
use faults::clock::Origin;
use faults::disk::DiskFaults;
use results::records::built_in;

use super::{DataFolder, Served};
use crate::cli::Serve;
use crate::commands::bin_dir;
use crate::output::say;

/// Starts it.
pub(super) async fn start(
    args: &Serve,
    environment: &[(String, String)],
    folder: &DataFolder,
    origin: Origin,
) -> anyhow::Result<Served> {
    let config = config(args, environment, folder.path())?;
    let logs = config.log_dir.clone();
    let bazaar = Arc::new(Bazaar::start(config).await?);
    let service = driver::bazaar::service(&bazaar.addresses().front_end.to_string())?;
    let service = service.with_deadline(driver::bazaar::DEADLINE);
    let asked = service.client(crate::target::http::client()?, 0, origin).stocks().await;
    let stocks = asked.map_err(anyhow::Error::msg)?;
    let offers = Offers { disks: true, files: true, floods: true, links: true };
    let beside = Beside { service, stocks, cache: Some(args.cache.is_on()), offers };
    let name = "The bazaar".to_owned();
    Ok(Served { name, bazaar, logs, clients: None, beside, ports: None })
}

/// Says who listens where, and how to trade.
pub(super) fn introduce(served: &Served) {
    for process in served.bazaar.processes() {
        let address = process.address.map(|address| format!("http://{address}"));
        say!("  {:<10} {}  pid {}", process.name, address.unwrap_or_default(), process.pid);
    }
    let front_end = served.bazaar.addresses().front_end;
    say!("Try: double-trouble client --address {front_end} check");
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
