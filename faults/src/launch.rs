//! How each process is called: binary, flags, environment, log.
//!
//! Every setting goes onto the command line. Of the environment only what concerns any program is
//! passed on, so that a run is what its manifest says whatever shell it came from: a variable that is
//! called like a setting of a service may be another program's. What must not stand on a command line that
//! everybody can read is put in: the bazaar's token, and what the configuration names.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};

use records::{Processes, built_in};

use crate::bazaar::files;
use crate::config::{BazaarConfig, Durability};
use crate::folder;
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
/// How much of a log's end is looked at for its last line.
const MAX_LOG_TAIL_BYTES: u64 = 8 * 1024;

/// Everything that is needed to start any process of one bazaar, again and again.
#[derive(Debug)]
pub(crate) struct Launch {
    config: BazaarConfig,
    /// Whether the front-end is started with its cache on from now on.
    cache: AtomicBool,
    addresses: Addresses,
    processes: Processes,
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
            names.map(|name| (name, network.seen_by(name))).collect()
        });
        let cache = AtomicBool::new(config.cache);
        let processes = built_in::processes(config.replicas);
        let launch = Self { config, cache, addresses, processes, token: Token::draw(), seen };
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

    /// Which processes there are, and what they are there for.
    pub(crate) fn processes(&self) -> &Processes {
        &self.processes
    }

    /// What the bazaar's own know each other by.
    pub(crate) fn token(&self) -> &Token {
        &self.token
    }

    /// Whether the front-end is started with its cache on.
    pub(crate) fn cache(&self) -> bool {
        self.cache.load(Ordering::Relaxed)
    }

    /// Decides that for every start from now on.
    pub(crate) fn set_cache(&self, on: bool) {
        self.cache.store(on, Ordering::Relaxed);
    }

    /// Where the output of `name` goes, through all its incarnations.
    pub(crate) fn log(&self, name: ProcessName) -> PathBuf {
        self.config.log_dir.join(format!("{name}.log"))
    }

    /// The command that starts `name`, and how long its log was before.
    pub(crate) fn command(&self, name: ProcessName) -> io::Result<(Command, u64)> {
        let part = self.part(name)?;
        let log = File::options().create(true).append(true).open(self.log(name))?;
        let log_begin = log.metadata()?.len();
        let mut command = Command::new(std::path::absolute(self.program(part))?);
        command.env_clear();
        command.envs(std::env::vars_os().filter(|(variable, _)| is_passed_on(variable)));
        command.env(SECRET_VARIABLE, self.token.as_str());
        let further = self.config.environment.iter();
        command.envs(further.map(|(variable, value)| (variable, value)));
        command.stderr(log.try_clone()?).stdout(log);
        self.add_flags(&mut command, part);
        Ok((command, log_begin))
    }

    /// Where all data is.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.config.data_dir
    }

    /// The files of a process that are there now: its database, and what is called after it.
    pub(crate) fn files(&self, name: ProcessName) -> io::Result<Vec<PathBuf>> {
        let database = format!("{name}.db");
        files::in_folder(&self.config.data_dir, |file| file.starts_with(&database))
    }

    /// What a process is to the start.
    fn part(&self, name: ProcessName) -> io::Result<Part> {
        let unknown = || io::Error::new(io::ErrorKind::NotFound, "there is no such process");
        self.addresses.part(name).ok_or_else(unknown)
    }

    /// The program of a process.
    pub(crate) fn binary(&self, name: ProcessName) -> io::Result<PathBuf> {
        self.part(name).map(|part| self.program(part))
    }

    fn program(&self, part: Part) -> PathBuf {
        self.config.bin_dir.join(part.program())
    }

    fn add_flags(&self, command: &mut Command, part: Part) {
        let config = &self.config;
        let addresses = self.seen.get(&part.name()).unwrap_or(&self.addresses);
        let durability = match config.durability {
            Durability::Flush => "flush",
            Durability::Os => "os",
        };
        command.arg("--parent-pid").arg(std::process::id().to_string());
        command.arg("--data-dir").arg(&config.data_dir);
        command.args(["--durability", durability]);
        match part {
            Part::FrontEnd => {
                command.arg("--listen").arg(addresses.front_end.to_string());
                command.arg("--catalog").arg(addresses.catalog.to_string());
                command.args(["--cache", if self.cache() { "on" } else { "off" }]);
                self.add_replicas_and_pings(command, addresses);
            }
            Part::Catalog => {
                command.arg("--listen").arg(addresses.catalog.to_string());
                command.arg("--front-end").arg(addresses.front_end.to_string());
                if let Some(stocks) = &config.stocks {
                    command.arg("--stocks").arg(stocks);
                }
                if let Some(cap) = config.cap {
                    command.arg("--cap").arg(cap.to_string());
                }
            }
            Part::Order(id) => {
                if let Some(address) = addresses.orders.get(&id) {
                    command.arg("--listen").arg(address.to_string());
                }
                command.arg("--id").arg(id.to_string());
                command.arg("--front-end").arg(addresses.front_end.to_string());
                command.arg("--catalog").arg(addresses.catalog.to_string());
                self.add_replicas_and_pings(command, addresses);
            }
        }
        command.args(&config.flags);
    }

    fn add_replicas_and_pings(&self, command: &mut Command, addresses: &Addresses) {
        for (id, address) in &addresses.orders {
            command.arg("--replica").arg(format!("{id}={address}"));
        }
        command.arg("--ping-period-ms").arg(self.config.ping_period_ms.to_string());
        command.arg("--ping-timeout-ms").arg(self.config.ping_timeout_ms.to_string());
    }
}

fn is_passed_on(variable: &OsStr) -> bool {
    let Some(variable) = variable.to_str() else { return false };
    PASSED_ON.contains(&variable)
        || PASSED_ON_PREFIXES.iter().any(|prefix| variable.starts_with(prefix))
        || variable.ends_with(PASSED_ON_SUFFIX)
}

/// The last line that was written to a log after its first `begin` bytes: what a process that
/// could not start has to say.
pub(crate) fn last_line(log: &Path, begin: u64) -> Option<String> {
    let mut file = File::open(log).ok()?;
    let tail_begin = file.metadata().ok()?.len().saturating_sub(MAX_LOG_TAIL_BYTES);
    file.seek(SeekFrom::Start(begin.max(tail_begin))).ok()?;
    let mut tail = Vec::new();
    file.take(MAX_LOG_TAIL_BYTES).read_to_end(&mut tail).ok()?;
    let tail = String::from_utf8_lossy(&tail);
    tail.lines().map(str::trim).rfind(|line| !line.is_empty()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_line_belongs_to_the_last_incarnation() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order-1.log");
        let mut log = File::create(&path).unwrap();
        log.write_all(b"error: an old trouble\n").unwrap();
        let begin = log.metadata().unwrap().len();
        assert_eq!(last_line(&path, begin), None);
        log.write_all(b"first\n  error: the disk is full \n\n").unwrap();
        assert_eq!(last_line(&path, begin).unwrap(), "error: the disk is full");
        assert_eq!(last_line(&folder.path().join("missing"), 0), None);
    }

    #[test]
    fn only_the_end_of_a_long_log_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("order-1.log");
        let mut text = "x".repeat(100_000);
        text.push_str("\nlast");
        fs::write(&path, text).unwrap();
        assert_eq!(last_line(&path, 0).unwrap(), "last");
    }

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
