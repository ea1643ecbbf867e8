//! How each process of the built-in bazaar is called: binary, flags, environment, and when it is ready.
//!
//! Every setting goes onto the command line. Of the environment only what concerns any program is
//! passed on, so that a run is what its manifest says whatever shell it came from: a variable that is
//! called like a setting of a service may be another program's. What must not stand on a command line that
//! everybody can read is put in: the bazaar's token, and what the configuration names.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use records::built_in;
use supervisor::Signal;
use supervisor::probe::{Probe, ProbeKind};
use supervisor::system::{Condition, Program, Shutdown};
use supervisor::tree::{Inherit, Limits};

use crate::bazaar::ServicePlan;
use crate::config::{BazaarConfig, Durability};
use crate::folder;
use crate::http::HttpClient;
use crate::leadership::BuiltIn;
use crate::part::Part;
use crate::ports::Addresses;
use crate::process::ProcessName;
use crate::relay::Network;
use crate::start_error::StartError;
use crate::token::{SECRET_VARIABLE, Token};

/// Variables that are passed on to the services: how much they log, where programs and libraries
/// are, and what tools that look into a process go by. None is a setting of theirs.
const PASSED_ON: &[&str] = &["PATH", "HOME", "TMPDIR", "TZ", "LANG", "GLIBC_TUNABLES"];
/// The same, by how they begin.
const PASSED_ON_PREFIXES: &[&str] = &["RUST_", "LC_", "LD_", "LLVM_PROFILE_", "MALLOC_"];
/// And by how they end: of sanitizers.
const PASSED_ON_SUFFIX: &str = "SAN_OPTIONS";
/// How long a process may take to be ready. A catch-up after a long outage comes after that.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How often a process that is not ready is asked again.
const READY_POLL: Duration = Duration::from_millis(10);
/// How long a process may take to drain: a little more than the 3 s that the services allow it.
const STOP_WITHIN: Duration = Duration::from_secs(4);
/// How large the log of a process may become. The services log some lines of what is rare; more than this fills disks.
const LOG_BYTES: u64 = 1024 * 1024 * 1024;

/// Everything that is needed to start any process of one bazaar, again and again.
#[derive(Debug)]
pub(crate) struct Launch {
    config: BazaarConfig,
    addresses: Addresses,
    token: Token,
    /// What each process is told of where the others are, if that is not where they are.
    seen: BTreeMap<ProcessName, Addresses>,
}

impl Launch {
    /// Checks that the binaries are there, and makes the folders.
    pub(crate) fn prepare(
        config: BazaarConfig,
        addresses: Addresses,
        network: Option<&Network>,
    ) -> Result<Self, StartError> {
        let names = addresses.processes().map(|(name, _)| name);
        let seen = network.map_or_else(BTreeMap::new, |network| {
            names.map(|name| (name, network.seen_by(name, &addresses))).collect()
        });
        let launch = Self { config, addresses, token: Token::draw(), seen };
        for (part, _) in launch.addresses.parts() {
            let path = launch.program(part);
            let executable = fs::metadata(&path)
                .is_ok_and(|file| file.is_file() && file.permissions().mode() & 0o111 != 0);
            if !executable {
                return Err(StartError::MissingBinary { path });
            }
        }
        let BazaarConfig { data_dir, log_dir, .. } = &launch.config;
        let why = |path: &Path| {
            let path = path.to_owned();
            |source| StartError::Folder { path, source }
        };
        folder::make_private(data_dir).map_err(why(data_dir))?;
        fs::create_dir_all(log_dir).map_err(why(log_dir))?;
        launch
            .token
            .keep_in(&launch.config.data_dir)
            .map_err(|(path, source)| StartError::Token { path, source })?;
        Ok(launch)
    }

    pub(crate) fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// A client that its services know.
    pub(crate) fn http(&self) -> HttpClient {
        HttpClient::new().with_token(self.token.clone())
    }

    /// The bazaar as a service like any other.
    pub(crate) fn plan(&self) -> Result<ServicePlan, StartError> {
        let BazaarConfig { replicas, data_dir, log_dir, guard, .. } = &self.config;
        let database = |name: ProcessName| (name, vec![data_dir.join(format!("{name}.db"))]);
        let addresses: BTreeMap<_, _> = self.addresses.processes().collect();
        Ok(ServicePlan {
            processes: built_in::processes(*replicas),
            programs: self.programs()?,
            logs: log_dir.clone(),
            log_bytes: LOG_BYTES,
            guard: guard.clone(),
            data: addresses.keys().copied().map(database).collect(),
            leaders: Arc::new(BuiltIn::new(self.http(), self.addresses.clone())),
            addresses,
            flood_connections: self.config.flood_connections,
            disk_faults: self.config.disk_faults.clone(),
            own_faults: BTreeMap::new(),
            // They are made before what each process is told.
            relays: None,
        })
    }

    /// Every process: the front-end first, which knows best for what the others wait. All start together.
    fn programs(&self) -> Result<Vec<Program>, StartError> {
        let here = std::env::current_dir()
            .map_err(|source| StartError::Folder { path: PathBuf::from("."), source })?;
        let inherited = std::env::vars_os().filter(|(variable, _)| is_passed_on(variable));
        let inherited = inherited.filter_map(|(variable, _)| variable.into_string().ok());
        let inherit = Inherit::Only(inherited.collect());
        let secret = (SECRET_VARIABLE.to_owned(), self.token.as_str().to_owned());
        let environment = self.config.environment.iter().cloned().chain([secret]);
        let program = |(part, address): (Part, SocketAddr)| {
            let later = self.addresses.parts().map(|(other, _)| other);
            let later = later.filter(|other| part.stops_before(*other));
            Ok(Program {
                name: part.name().to_string(),
                role: part.program().to_owned(),
                command: self.command(part, self.config.cache)?,
                adopt: None,
                restart: None,
                working_dir: here.clone(),
                inherit: inherit.clone(),
                environment: environment.clone().collect(),
                user: None,
                depends_on: later
                    .map(|other| (other.name().to_string(), Condition::StopsLater))
                    .collect(),
                probe: Some(Probe {
                    kind: ProbeKind::Health(format!("http://{address}/healthz")),
                    period: READY_POLL,
                    timeout: READY_WITHIN,
                }),
                shutdown: Shutdown { signal: Signal::SIGTERM, timeout: STOP_WITHIN },
                limits: Limits::default(),
            })
        };
        self.addresses.parts().map(program).collect()
    }

    /// The command of the front-end with its cache on or off.
    pub(crate) fn front_end(&self, cache: bool) -> Result<Vec<OsString>, StartError> {
        self.command(Part::FrontEnd, cache)
    }

    fn program(&self, part: Part) -> PathBuf {
        self.config.bin_dir.join(part.program())
    }

    fn command(&self, part: Part, cache: bool) -> Result<Vec<OsString>, StartError> {
        let config = &self.config;
        let addresses = self.seen.get(&part.name()).unwrap_or(&self.addresses);
        let program = self.program(part);
        let program = std::path::absolute(&program)
            .map_err(|source| StartError::Folder { path: program, source })?;
        let mut command = Flags(vec![program.into()]);
        command.add_path("--data-dir", &config.data_dir);
        let durability = match config.durability {
            Durability::Flush => "flush",
            Durability::Os => "os",
        };
        command.add("--durability", durability);
        match part {
            Part::FrontEnd => {
                command.add("--listen", addresses.front_end);
                command.add("--catalog", addresses.catalog);
                command.add("--cache", if cache { "on" } else { "off" });
                self.add_replicas_and_pings(&mut command, addresses);
            }
            Part::Catalog => {
                command.add("--listen", addresses.catalog);
                command.add("--front-end", addresses.front_end);
                if let Some(stocks) = &config.stocks {
                    command.add_path("--stocks", stocks);
                }
                if let Some(cap) = config.cap {
                    command.add("--cap", cap);
                }
            }
            Part::Order(id) => {
                if let Some(address) = addresses.orders.get(&id) {
                    command.add("--listen", address);
                }
                command.add("--id", id);
                command.add("--front-end", addresses.front_end);
                command.add("--catalog", addresses.catalog);
                self.add_replicas_and_pings(&mut command, addresses);
            }
        }
        command.0.extend(config.flags.iter().map(OsString::from));
        Ok(command.0)
    }

    fn add_replicas_and_pings(&self, command: &mut Flags, addresses: &Addresses) {
        for (id, address) in &addresses.orders {
            command.add("--replica", format!("{id}={address}"));
        }
        command.add("--ping-period-ms", self.config.ping_period_ms);
        command.add("--ping-timeout-ms", self.config.ping_timeout_ms);
    }
}

/// A command that is being put together.
struct Flags(Vec<OsString>);

impl Flags {
    fn add(&mut self, flag: &str, value: impl ToString) {
        self.0.extend([flag.into(), value.to_string().into()]);
    }

    /// Paths need not be UTF-8.
    fn add_path(&mut self, flag: &str, path: &Path) {
        self.0.extend([flag.into(), path.into()]);
    }
}

fn is_passed_on(variable: &OsStr) -> bool {
    let Some(variable) = variable.to_str() else { return false };
    PASSED_ON.contains(&variable)
        || PASSED_ON_PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
        || variable.ends_with(PASSED_ON_SUFFIX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_the_environment_is_a_setting_of_a_service() {
        for setting in [
            "BAZAAR_CACHE",
            "BAZAAR_DATA_DIR",
            "FRONT_END_LISTEN",
            "CATALOG_STOCKS",
            "CATALOG_CAP",
            "ORDER_ID",
            "PORT",
            "HOST",
            "DATA_DIR",
            "HTTP_PROXY",
            "DOUBLE_TROUBLE_SECRET",
        ] {
            assert!(!is_passed_on(OsStr::new(setting)), "{setting}");
        }
        for passed_on in ["RUST_LOG", "PATH", "LD_LIBRARY_PATH", "ASAN_OPTIONS"] {
            assert!(is_passed_on(OsStr::new(passed_on)), "{passed_on}");
        }
    }
}
