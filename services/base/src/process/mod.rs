//! What the three programs share: arguments, logging, signals, exit codes.

pub mod token;

use std::ffi::OsString;
use std::fmt;
use std::future::Future;
use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::sync::{Arc, LockResult};
use std::thread;
use std::time::Duration;

use anyhow::Context;
use clap::{Args, Parser, ValueEnum};
use nix::sys::prctl;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use nix::sys::signal::Signal;
use nix::unistd::{Pid, getppid};
use tokio::net::{TcpListener, TcpSocket};
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use wire::ids::ReplicaId;

use crate::http::{HttpConfig, Limits, Names, parse_name};
use crate::planted::{PlantedArgs, panics};
use crate::spans;
use crate::storage::Durability;
use crate::tasks::{Boxed, boxed};

/// The exit code of a process that could not be set up, or was called wrongly.
pub const EXIT_SETUP: u8 = 3;
/// A commit failed: what is in memory may no longer be what is on disk, so nothing goes on.
const EXIT_DISK: i32 = 4;
/// A part that owns state panicked: what it would have done next, nobody does any more.
const EXIT_PANIC: i32 = 5;

/// How long a thread that owns a file may take to end once the service has stopped serving. Only
/// another program's lock on that file can make it wait, and nothing that it would still write has
/// been acknowledged.
pub const MAX_STOP: Duration = Duration::from_secs(5);

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// One JSON object a line.
    Json,
}

/// Arguments of all three services.
#[derive(Args, Clone, Debug)]
pub struct CommonArgs {
    /// Folder for this process's database; made if it is not there
    #[arg(long, env = "BAZAAR_DATA_DIR", default_value = "data", value_name = "DIR")]
    pub data_dir: PathBuf,
    /// When a commit counts: once it is on disk, or once the operating system has it
    #[arg(long, env = "BAZAAR_DURABILITY", value_enum, default_value = "flush")]
    pub durability: Durability,
    /// A host name that requests may be for, besides localhost and literal addresses; repeat it, or
    /// separate several by commas
    #[arg(
        long = "allowed-host",
        env = "BAZAAR_ALLOWED_HOSTS",
        value_delimiter = ',',
        value_name = "NAME",
        value_parser = parse_name
    )]
    pub allowed_hosts: Vec<String>,
    /// How log lines on stderr look; RUST_LOG sets how much is logged
    #[arg(long, env = "BAZAAR_LOG_FORMAT", value_enum, default_value = "text")]
    pub log_format: LogFormat,
    /// Write when each trade reached which stage here to this file, when the process ends; costs memory
    #[arg(long, value_name = "FILE")]
    pub log_spans: Option<PathBuf>,
    /// End at once, by SIGKILL, when this parent process does
    #[arg(long, value_name = "PID")]
    pub parent_pid: Option<i32>,
    #[command(flatten)]
    #[expect(missing_docs, reason = "a doc comment would become the help's first line")]
    pub planted: PlantedArgs,
}

impl CommonArgs {
    /// Who may ask, and how much is put up with.
    #[must_use]
    pub fn http(&self) -> HttpConfig {
        let limits = Limits::default().within(open_files_limit());
        HttpConfig { names: Names::new(self.allowed_hosts.clone()), limits }
    }
}

/// A replica and where it listens: `ID=ADDR`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicaAddress {
    /// Its id.
    pub id: ReplicaId,
    /// Where it listens.
    pub address: SocketAddr,
}

impl FromStr for ReplicaAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wanted = "write ID=ADDRESS, for example 1=127.0.0.1:20001";
        let (id, address) = text.split_once('=').ok_or(wanted)?;
        let id: ReplicaId = id.parse().map_err(|_| wanted)?;
        if id.0 == 0 {
            return Err("a replica's id is 1 or more".to_owned());
        }
        Ok(Self { id, address: address.parse().map_err(|_| wanted)? })
    }
}

/// The default replicas: 1, 2 and 3 on ports 20001 to 20003.
pub const DEFAULT_REPLICAS: &str = "1=127.0.0.1:20001,2=127.0.0.1:20002,3=127.0.0.1:20003";

/// Completes when the process is told to stop.
pub type Shutdown = Boxed<'static, ()>;

/// Runs a service on its listener, with the bazaar's token, until it is told to stop.
type Run =
    dyn FnOnce(TcpListener, Option<Arc<str>>, Shutdown) -> Boxed<'static, anyhow::Result<()>>;

/// Parses the arguments, sets everything up, runs the service, and says in one line what went
/// wrong if something did.
pub fn main<A, R>(
    arguments: Vec<OsString>,
    common: impl FnOnce(&A) -> (CommonArgs, SocketAddr),
    run: impl FnOnce(A, TcpListener, Option<Arc<str>>, Shutdown) -> R + 'static,
) -> ExitCode
where
    A: Parser + 'static,
    R: Future<Output = anyhow::Result<()>> + Send + 'static,
{
    let args = match A::try_parse_from(arguments) {
        Ok(args) => args,
        Err(error) => return refused(&error),
    };
    let (common, listen) = common(&args);
    run_to_the_end(
        &common,
        listen,
        Box::new(|listener, secret, shutdown| boxed(run(args, listener, secret, shutdown))),
    )
}

/// Says what is wrong with the arguments, or what they ask to be shown.
fn refused(error: &clap::Error) -> ExitCode {
    let code = if error.use_stderr() { EXIT_SETUP } else { 0 };
    // A closed stderr leaves nobody to tell.
    let _ = error.print();
    ExitCode::from(code)
}

fn run_to_the_end(common: &CommonArgs, listen: SocketAddr, run: Box<Run>) -> ExitCode {
    match start(common, listen, run) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            last_words(format_args!("{error:#}"));
            ExitCode::from(EXIT_SETUP)
        }
    }
}

fn start(common: &CommonArgs, listen: SocketAddr, run: Box<Run>) -> anyhow::Result<()> {
    tie_to_parent(common.parent_pid)?;
    init_logging(common.log_format);
    raise_open_files_limit();
    if let Some(path) = &common.log_spans {
        let failed = || format!("--log-spans: cannot write {}", path.display());
        spans::begin(path).with_context(failed)?;
    }
    let secret = Some(token::of(listen, &common.data_dir)?);
    // One thread for all tasks: with several, each step of a request woke another one, and a trade cost half as
    // many context switches again. What waits for a disk has a thread of its own.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")?;
    let result = runtime.block_on(async {
        let shutdown = shutdown_signal()?;
        let listener = listen_on(listen).with_context(|| format!("cannot listen on {listen}"))?;
        tracing::info!(address = %listen, "listening");
        run(listener, secret, shutdown).await
    });
    // Detached work (a trade that waits for a catalog which is gone) must not hold up the exit;
    // whatever it has not finished is safe to retry.
    runtime.shutdown_background();
    spans::end();
    result
}

/// How many connections may wait to be accepted (rule S4): as many as Linux allows unless it was told otherwise
/// (`net.core.somaxconn`). *Otherwise: 128 that come at once fill the queue, and a peer that connects just then is let in when it
/// asks again a second later, and a healthy leader has missed three pings by then.*
const QUEUE: u32 = 4096;

/// Listens, at the address of a process that has just ended too.
fn listen_on(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(QUEUE)
}

/// Has the kernel kill this process when its parent ends, even by SIGKILL.
fn tie_to_parent(parent: Option<i32>) -> anyhow::Result<()> {
    let Some(parent) = parent else { return Ok(()) };
    prctl::set_pdeathsig(Signal::SIGKILL).context("cannot follow the parent process")?;
    // The parent may have ended before the line above.
    anyhow::ensure!(getppid() == Pid::from_raw(parent), "--parent-pid: {parent} is not the parent");
    Ok(())
}

/// Allows this process as many open files as the machine does: the usual limit of 1024 is less
/// than the connections that a server takes.
pub fn raise_open_files_limit() {
    let files = Resource::RLIMIT_NOFILE;
    let raised = getrlimit(files).and_then(|(_, hard)| setrlimit(files, hard, hard));
    if let Err(error) = raised {
        tracing::warn!(%error, "cannot raise the limit on open files");
    }
}

/// How many files this process may have open once it has [raised](raise_open_files_limit) its limit.
fn open_files_limit() -> u64 {
    // Where the system does not say, its usual limit.
    getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(_, hard)| hard)
}

fn init_logging(format: LogFormat) {
    let filter = std::env::var("RUST_LOG").ok().and_then(|text| text.parse::<Targets>().ok());
    let filter = filter.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO));
    let lines =
        tracing_subscriber::fmt::layer().with_writer(std::io::stderr).with_ansi(in_colour());
    let log = tracing_subscriber::registry().with(filter);
    match format {
        LogFormat::Text => log.with(lines).init(),
        LogFormat::Json => log.with(lines.json()).init(),
    }
}

/// Whether logs may have colours: on a terminal, unless the user wants none (<https://no-color.org>).
fn in_colour() -> bool {
    let is_unwanted = std::env::var_os("NO_COLOR").is_some_and(|value| !value.is_empty());
    std::io::stderr().is_terminal() && !is_unwanted
}

fn shutdown_signal() -> anyhow::Result<Shutdown> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot handle SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot handle SIGINT")?;
    Ok(Box::pin(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
        tracing::info!("told to stop");
    }))
}

/// Says on stderr why the process ends. Where that cannot be written, as on the full disk for which it
/// ends, it ends all the same: nobody is left to tell.
pub fn last_words(words: fmt::Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "error: {words}");
}

/// Ends the process although nothing is wrong: what a planted bug does, and nothing else.
pub fn end_early(why: &str) -> ! {
    last_words(format_args!("ending early: {why}"));
    std::process::exit(1)
}

/// Ends the process because a commit failed. A retry could succeed on pages that the operating
/// system has silently dropped, so there is none.
pub fn exit_on_disk_error(what: &str, error: &dyn std::error::Error) -> ! {
    tracing::error!(%error, "{what} failed; ending, since memory and disk may differ");
    last_words(format_args!("{what} failed: {error}"));
    std::process::exit(EXIT_DISK)
}

/// Held by the owner of state, a thread or a task, for as long as it does: if it panics, the process
/// ends (rule G4).
///
/// *Otherwise: the thread that numbers orders is gone, pings are answered by another, and a leader
/// that will never number anything again leads for ever.*
#[derive(Debug)]
#[must_use = "it is of use only while it is held"]
pub struct StateOwner(&'static str);

impl StateOwner {
    /// `part` is what the last line will call it.
    pub fn new(part: &'static str) -> Self {
        Self(part)
    }
}

impl Drop for StateOwner {
    fn drop(&mut self) {
        if thread::panicking() && !panics::are_outlived() {
            let part = self.0;
            tracing::error!("{part} panicked; ending, since nobody goes on with its work");
            last_words(format_args!("{part} panicked; start this process again"));
            std::process::exit(EXIT_PANIC);
        }
    }
}

/// A lock that is held, no matter who holds it: a request's handler, too, owns what it changes. If it panics,
/// the process ends (rule G4) before anybody finds the lock poisoned.
///
/// Costs a question whether the thread panics, as the lock itself does: one relaxed load.
#[derive(Debug)]
pub struct Held<G> {
    // The first to be dropped.
    _owner: StateOwner,
    guard: G,
}

impl<G> Held<G> {
    /// Takes what came of locking; `part` is what the last line will call it.
    ///
    /// # Panics
    /// If somebody has panicked with the lock, and held it in another way.
    pub fn new(part: &'static str, locked: LockResult<G>) -> Self {
        let guard = locked.expect("a panic with this lock has ended the process");
        Self { _owner: StateOwner::new(part), guard }
    }
}

impl<G: Deref> Deref for Held<G> {
    type Target = G::Target;

    fn deref(&self) -> &G::Target {
        &self.guard
    }
}

impl<G: DerefMut> DerefMut for Held<G> {
    fn deref_mut(&mut self) -> &mut G::Target {
        &mut self.guard
    }
}

/// Waits, within a bound, for a thread that owns a file to end.
///
/// # Errors
/// If it panicked, or is still waiting for another program's lock.
// Never inlined: inlined into a service's crate, it would bring the runtime's code with it.
#[inline(never)]
pub fn joined(thread: thread::JoinHandle<()>) -> Boxed<'static, anyhow::Result<()>> {
    Box::pin(join_within_bound(thread))
}

async fn join_within_bound(thread: thread::JoinHandle<()>) -> anyhow::Result<()> {
    let joining = tokio::task::spawn_blocking(move || thread.join());
    match tokio::time::timeout(MAX_STOP, joining).await {
        Ok(Ok(Ok(()))) => Ok(()),
        Ok(_) => anyhow::bail!("the thread that owns the data file panicked"),
        Err(_) => anyhow::bail!(
            "stopped while another program held the lock of the data file; what was not \
             acknowledged is not in it"
        ),
    }
}

/// Microseconds of `CLOCK_MONOTONIC`, which all processes of a machine share.
#[must_use]
pub fn monotonic_us() -> u64 {
    let now = nix::time::clock_gettime(nix::time::ClockId::CLOCK_MONOTONIC)
        .expect("Linux has always had CLOCK_MONOTONIC");
    let now = Duration::from(now);
    u64::try_from(now.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_replica_is_an_id_and_an_address() {
        let parsed: ReplicaAddress = "2=127.0.0.1:20002".parse().unwrap();
        assert_eq!(parsed.id, ReplicaId(2));
        assert_eq!(parsed.address.port(), 20002);
        for refused in ["", "2", "0=127.0.0.1:1", "x=127.0.0.1:1", "2=localhost", "300=127.0.0.1:1"]
        {
            assert!(refused.parse::<ReplicaAddress>().is_err(), "{refused}");
        }
    }

    #[tokio::test]
    async fn a_thousand_connections_that_come_at_once_are_queued() {
        let listener = listen_on("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queued = Vec::new();
        for number in 0..1000 {
            // Nobody accepts: anybody who finds no room in the queue never gets in.
            let connecting = tokio::net::TcpStream::connect(address);
            let connected = tokio::time::timeout(Duration::from_secs(20), connecting).await;
            queued.push(connected.unwrap_or_else(|_| panic!("number {number} waits")).unwrap());
        }
        assert_eq!(queued.len(), 1000);
    }
}
