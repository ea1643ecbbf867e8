//! A host as the harness sees it: what runs there, what time it is there, and whether it can still be reached.
//!
//! A host that is lost stays lost for who uses this: everything on it has ended, folder included, so nothing there can go on as if nothing had
//! happened. It is still tried, so that it is known when it could be reached again, and so that nothing of ours stays there.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::Host;
use super::bootstrap::AgentProgram;
use super::clock::HostClock;
use super::orders::Orders;
use super::protocol::{Answer, Question};
use super::session::{Over, Session};
use crate::clock::monotonic_us;
use crate::locked::locked;
use crate::tree::Shared;

/// How long an answer may take: a part of a file on a slow line.
const ANSWER_WITHIN: Duration = Duration::from_secs(60);
/// How long an agent may take to end everything: the bounds of its guards, and some more.
const END_WITHIN: Duration = Duration::from_secs(80);
/// How long an agent may take to end and remove what another one has left: each tree's processes are killed, and then waited for.
const CLEAN_WITHIN: Duration = Duration::from_secs(60);
/// How long after a loss the host is tried again for the first time. Doubled each time.
const FIRST_TRY: Duration = Duration::from_millis(500);
/// The longest pause between two tries.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// Why something could not be done on a host.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("host {host}: {reason}")]
pub struct HostError {
    /// Which.
    pub host: String,
    /// Why.
    pub reason: String,
}

/// That a host cannot be reached any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Why, in words.
    pub reason: String,
    /// When that was seen, on our `CLOCK_MONOTONIC`.
    pub at_monotonic_us: u64,
}

/// Something about a host that nobody was told yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HostNews {
    /// It was lost.
    Lost(Loss),
    /// It could be reached again, and nothing of ours is left there.
    Back {
        /// When, on our `CLOCK_MONOTONIC`.
        at_monotonic_us: u64,
    },
}

/// A host with its agent. Dropping it ends the agent and all that it has started, and waits for that.
#[derive(Debug)]
pub struct HostLink {
    name: String,
    host: Host,
    folder: PathBuf,
    clock: Arc<HostClock>,
    session: Arc<Session>,
    after: Arc<After>,
    watcher: Mutex<Option<JoinHandle<()>>>,
}

/// What is known of a host after its loss.
#[derive(Debug, Default)]
struct After {
    /// Whether the end is meant.
    closing: Mutex<bool>,
    changed: Condvar,
    news: Mutex<Vec<HostNews>>,
    /// Why something may be left there.
    left: Mutex<Option<String>>,
}

impl HostLink {
    /// Connects to a host, brings `program` there if it is missing, and starts it as the agent.
    ///
    /// # Errors
    /// What went wrong, with what the way said.
    pub async fn connect(
        name: &str,
        host: Host,
        program: &Arc<AgentProgram>,
    ) -> Result<Arc<Self>, HostError> {
        let (name, program) = (name.to_owned(), Arc::clone(program));
        let failed = |host: &str, reason: String| HostError { host: host.to_owned(), reason };
        let of = name.clone();
        let begun = tokio::task::spawn_blocking(move || Self::begin(name, host, &program)).await;
        match begun {
            Ok(begun) => begun.map_err(|reason| failed(&of, reason)),
            Err(error) => Err(failed(&of, error.to_string())),
        }
    }

    fn begin(name: String, host: Host, program: &Arc<AgentProgram>) -> Result<Arc<Self>, String> {
        let clock = Arc::new(HostClock::default());
        let (session, folder) = Session::begin(&host, program, Arc::clone(&clock))?;
        let after = Arc::<After>::default();
        let watcher = Watcher {
            host: host.clone(),
            program: Arc::clone(program),
            folder: folder.clone(),
            session: Arc::clone(&session),
            after: Arc::clone(&after),
        };
        let thread = thread::Builder::new().name("host watch".to_owned());
        match thread.spawn(move || watcher.watch()) {
            Ok(watcher) => {
                let watcher = Mutex::new(Some(watcher));
                Ok(Arc::new(Self { name, host, folder, clock, session, after, watcher }))
            }
            Err(error) => {
                session.close(END_WITHIN);
                Err(format!("cannot start a thread: {error}"))
            }
        }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The way to it, and its address.
    #[must_use]
    pub fn host(&self) -> &Host {
        &self.host
    }

    /// Where its ports are reached from here.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.host.address
    }

    /// The folder there that is ours until the end.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    pub(super) fn session(&self) -> &Arc<Session> {
        &self.session
    }

    /// Its clock.
    #[must_use]
    pub fn clock(&self) -> &Arc<HostClock> {
        &self.clock
    }

    /// How it was lost, if it was.
    #[must_use]
    pub fn loss(&self) -> Option<Loss> {
        if *locked(&self.after.closing) {
            return None;
        }
        self.session.over().map(loss)
    }

    /// What nobody was told yet, in the order in which it happened.
    #[must_use]
    pub fn take_news(&self) -> Vec<HostNews> {
        std::mem::take(&mut *locked(&self.after.news))
    }

    /// Starts a guard there. Returns where its orders go, and the log that its process writes there.
    pub(crate) fn open(
        &self,
        mark: &str,
        kept_elsewhere: bool,
        log: &Path,
        shared: Arc<Shared>,
    ) -> io::Result<(Orders, PathBuf)> {
        let there =
            |channel| self.folder.join(format!("{channel}.log")).to_string_lossy().into_owned();
        let opened = self.session.open(mark, kept_elsewhere, (log, there), shared);
        opened.map(|(orders, there)| (orders, there.into()))
    }

    /// Ports that are free there.
    ///
    /// # Errors
    /// If there are too few.
    pub async fn free_ports(&self, count: usize) -> Result<Vec<u16>, HostError> {
        let address = self.host.address.clone();
        match self.ask(Question::FreePorts { count, address }).await? {
            Answer::Ports(ports) if ports.len() == count => Ok(ports),
            _ => Err(self.failed(NONSENSE.to_owned())),
        }
    }

    pub(super) async fn ask(&self, question: Question) -> Result<Answer, HostError> {
        let answer = self.session.ask(question);
        match tokio::time::timeout(ANSWER_WITHIN, answer).await {
            Ok(Ok(answer)) => answer.map_err(|reason| self.failed(reason)),
            Ok(Err(_)) => {
                let over = self.session.over().map(|over| over.reason);
                Err(self.failed(over.unwrap_or_else(|| "it was lost".to_owned())))
            }
            Err(_) => Err(self.failed(format!("no answer within {} s", ANSWER_WITHIN.as_secs()))),
        }
    }

    pub(super) fn failed(&self, reason: String) -> HostError {
        HostError { host: self.name.clone(), reason }
    }

    /// Ends the agent and all that it has started, and waits for that; of a host that is lost, tries it once more.
    ///
    /// # Errors
    /// Why something may be left there.
    pub async fn close(self: &Arc<Self>) -> Result<(), HostError> {
        let link = Arc::clone(self);
        let closed = tokio::task::spawn_blocking(move || link.close_blocking()).await;
        closed.unwrap_or_else(|error| Err(self.failed(error.to_string())))
    }

    fn close_blocking(&self) -> Result<(), HostError> {
        *locked(&self.after.closing) = true;
        self.after.changed.notify_all();
        self.session.close(END_WITHIN);
        if let Some(watcher) = locked(&self.watcher).take() {
            // A panic of it is in the log.
            let _ = watcher.join();
        }
        // Whatever the agent has not removed itself, the watcher has tried to.
        locked(&self.after.left).take().map_or(Ok(()), |reason| Err(self.failed(reason)))
    }
}

impl Drop for HostLink {
    fn drop(&mut self) {
        if let Err(error) = self.close_blocking() {
            tracing::warn!(%error, "something may be left there");
        }
    }
}

pub(super) const NONSENSE: &str = "its agent answered something else than was asked";

/// A path as messages have it.
pub(super) fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn loss(over: Over) -> Loss {
    Loss { reason: over.reason, at_monotonic_us: over.at_us }
}

/// Waits for a loss, and for the way back.
struct Watcher {
    host: Host,
    program: Arc<AgentProgram>,
    folder: PathBuf,
    session: Arc<Session>,
    after: Arc<After>,
}

impl Watcher {
    fn watch(&self) {
        let over = self.session.wait_over();
        if over.removed == Some(true) && *locked(&self.after.closing) {
            return;
        }
        let is_clean = over.removed == Some(true);
        if !*locked(&self.after.closing) {
            locked(&self.after.news).push(HostNews::Lost(loss(over)));
        }
        let mut pause = FIRST_TRY;
        loop {
            let closing = self.is_closing_within(pause);
            match self.go_back() {
                Ok(()) => {
                    let back = HostNews::Back { at_monotonic_us: monotonic_us() };
                    locked(&self.after.news).push(back);
                    return;
                }
                // There is no second last time.
                Err(_) if closing && is_clean => return,
                Err(reason) if closing => {
                    let folder = self.folder.display();
                    let reason = format!(
                        "what is left there is not known (its agent ends by itself, and all that it has started; its folder is \
                         {folder}): {reason}"
                    );
                    *locked(&self.after.left) = Some(reason);
                    return;
                }
                Err(_) => pause = (pause * 2).min(LONGEST_PAUSE),
            }
        }
    }

    fn is_closing_within(&self, pause: Duration) -> bool {
        let closing = locked(&self.after.closing);
        let waited = self.after.changed.wait_timeout_while(closing, pause, |closing| !*closing);
        waited.is_ok_and(|(closing, _)| *closing)
    }

    /// Connects once more, and ends and removes what was left.
    fn go_back(&self) -> Result<(), String> {
        let (session, _) = Session::begin(&self.host, &self.program, Arc::default())?;
        let (folder, marks) = (text(&self.folder), self.session.marks());
        let cleaned = session.ask_within(Question::Clean { folder, marks }, CLEAN_WITHIN);
        let over = session.close(END_WITHIN);
        match cleaned {
            Some(Ok(_)) if over.removed == Some(true) => Ok(()),
            Some(Err(reason)) => Err(reason),
            _ => Err(over.reason),
        }
    }
}
