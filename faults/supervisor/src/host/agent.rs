//! The program on another host: it starts guards, passes on what they and the harness say, and answers questions.
//!
//! The invariant: when its input ends, or nothing was heard for long, everything that it started is ended, and then it ends. Its keeper
//! removes the folder after that; if the keeper was killed, the agent does.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::thread;
use std::time::Duration;

use nix::sys::prctl;
use nix::sys::signal::{SigSet, Signal};
use nix::unistd::getppid;

use super::channel::Channel;
use super::protocol::{MAX_MESSAGE_BYTES, Reply, Request, VERSION, line};
use super::talker::Talker;
use super::{files, keeper, ports};
use crate::clock::{monotonic_us, wall_us};
use crate::lines::lines;
use crate::locked::locked;
use crate::tree::{GuardProgram, in_thread};

/// The last word of the agent's own arguments: it has a keeper.
pub(super) const KEPT: &str = "kept";
/// How often it is looked whether anything was heard.
const LOOK: Duration = Duration::from_secs(1);
/// After how many looks without any message there is no harness any more. It sends one a second, and counts as lost what does not
/// answer for five.
const SILENT_LOOKS: u32 = 15;
/// How long its guards may take to end their trees: their own bound, and some more.
const END_WITHIN: Duration = Duration::from_secs(70);

/// The whole program of an agent, for the caller's `main` to call (and return from) with the words that follow those of
/// [`AgentProgram`](super::AgentProgram). `guard` is how guards are started there.
#[must_use]
pub fn agent(guard: &GuardProgram, words: &[OsString]) -> ExitCode {
    match words {
        [folder] => keeper::keep(Path::new(folder)),
        [folder, kept] if kept == KEPT => serve(guard, Path::new(folder)),
        _ => {
            eprintln!(
                "error: this is a part of the program that it starts for itself on other hosts; it needs no starting by hand"
            );
            ExitCode::FAILURE
        }
    }
}

/// Who is handed lines of the harness's: a guard, or a program that speaks lines.
pub(super) trait TakesLines: Send + Sync {
    /// Hands a line on. That it has ended is told by itself.
    fn tell(&self, line: &str);

    /// Ends its input, and so itself.
    fn close(&self);
}

/// What the threads of an agent share.
pub(super) struct Shared {
    pub(super) guard: GuardProgram,
    pub(super) folder: PathBuf,
    output: Mutex<io::Stdout>,
    channels: Mutex<BTreeMap<u64, Arc<dyn TakesLines>>>,
    /// Whether everything is to end.
    ending: Mutex<bool>,
    fewer: Condvar,
    /// How many looks in a row have heard nothing.
    silent: AtomicU32,
}

impl Shared {
    /// Tells the harness. That it is gone shows at the input.
    pub(super) fn tell(&self, reply: &Reply) {
        let line = line(reply);
        let mut output = locked(&self.output);
        let _ = output.write_all(&line).and_then(|()| output.flush());
    }

    /// A guard has ended, or a program that speaks lines, and nothing more is said of it.
    pub(super) fn closed(&self, channel: u64, nobody_left: bool) {
        locked(&self.channels).remove(&channel);
        self.tell(&Reply::Closed { channel, nobody_left });
        self.fewer.notify_all();
    }

    /// Has a program begun and served on a channel, which is closed at once if that does not work: there is no process then.
    fn begin<T: TakesLines + 'static, U>(
        &self,
        channel: u64,
        begin: impl FnOnce() -> io::Result<(Arc<T>, U)>,
        serve: impl FnOnce(&Arc<T>, U) -> bool,
    ) {
        let ends = *locked(&self.ending);
        let Some((begun, unheard)) = (!ends).then(|| begin().ok()).flatten() else {
            return self.closed(channel, true);
        };
        let takes_lines = Arc::clone(&begun);
        locked(&self.channels).insert(channel, takes_lines);
        if !serve(&begun, unheard) {
            begun.close();
            self.closed(channel, true);
        }
    }

    /// Ends everything, and then the program.
    fn end(&self) -> ! {
        let is_first = !std::mem::replace(&mut *locked(&self.ending), true);
        if !is_first {
            // Somebody else sees to it, and ends the program.
            thread::sleep(END_WITHIN);
        }
        let channels: Vec<_> = locked(&self.channels).values().cloned().collect();
        channels.iter().for_each(|channel| channel.close());
        let left = locked(&self.channels);
        // What hangs in the kernel has its SIGKILL, and its guard stays for it.
        let _ = self.fewer.wait_timeout_while(left, END_WITHIN, |left| !left.is_empty());
        if keeper::is_gone() {
            keeper::remove(&self.folder);
        }
        std::process::exit(0)
    }
}

fn serve(guard: &GuardProgram, folder: &Path) -> ExitCode {
    let ending = SigSet::from_iter([Signal::SIGTERM]);
    let prepared = ending.thread_block().and_then(|()| prctl::set_pdeathsig(Signal::SIGTERM));
    if prepared.is_err() || keeper::is_gone() {
        return ExitCode::FAILURE;
    }
    let shared = Arc::new(Shared {
        guard: guard.clone(),
        folder: folder.to_owned(),
        output: Mutex::new(io::stdout()),
        channels: Mutex::default(),
        ending: Mutex::new(false),
        fewer: Condvar::new(),
        silent: AtomicU32::new(0),
    });
    let told = Arc::clone(&shared);
    let mut started = in_thread("signals", move || {
        // A signal that was not waited for is as good a reason as one that was.
        let _ = ending.wait();
        told.end()
    });
    let watched = Arc::clone(&shared);
    started &= in_thread("silence", move || {
        loop {
            thread::sleep(LOOK);
            if watched.silent.fetch_add(1, Ordering::SeqCst) >= SILENT_LOOKS {
                watched.end()
            }
        }
    });
    if !started {
        return ExitCode::FAILURE;
    }
    let folder = folder.to_string_lossy().into_owned();
    shared.tell(&Reply::Hello { version: VERSION, folder, clock: own_clock() });
    for text in lines(io::stdin().lock(), MAX_MESSAGE_BYTES) {
        let Ok(request) = serde_json::from_str(&text) else { break };
        shared.silent.store(0, Ordering::SeqCst);
        obey(&shared, request);
    }
    shared.end()
}

fn obey(shared: &Arc<Shared>, request: Request) {
    match request {
        Request::Clock { sent_us } => {
            let (monotonic_us, wall_us) = (monotonic_us(), wall_us());
            shared.tell(&Reply::Clock { sent_us, monotonic_us, wall_us });
        }
        Request::Open { channel, mark, kept_elsewhere, log } => {
            let begin = || Channel::begin(shared, channel, &mark, kept_elsewhere, &log);
            shared.begin(channel, begin, |begun, unheard| begun.serve(unheard, shared));
        }
        Request::Talk { channel, words } => {
            let begin = || Talker::begin(shared, &words);
            shared.begin(channel, begin, |begun, output| begun.serve(channel, output, shared));
        }
        Request::Line { channel, line } => {
            if let Some(channel) = locked(&shared.channels).get(&channel).cloned() {
                channel.tell(&line);
            }
        }
        Request::Close { channel } => {
            if let Some(channel) = locked(&shared.channels).get(&channel).cloned() {
                channel.close();
            }
        }
        Request::Ask { id, question } => {
            let answering = Arc::clone(shared);
            // What takes its time holds nobody up; a harness asks a host one thing at a time.
            let asked = in_thread("answer", move || {
                let answer = files::answer(question, ports::free);
                answering.tell(&Reply::Answer { id, answer });
            });
            if !asked {
                let answer = Err("cannot start a thread".to_owned());
                shared.tell(&Reply::Answer { id, answer });
            }
        }
    }
}

/// Which clock this host has: that of one start of one kernel, in one time namespace. `None` if the system does not tell.
pub(super) fn own_clock() -> Option<String> {
    let kernel = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    let namespace = std::fs::read_link("/proc/self/ns/time").ok()?;
    Some(format!("{} {}", kernel.trim(), namespace.display()))
}

/// The parent of this process.
pub(super) fn parent() -> i32 {
    getppid().as_raw()
}
