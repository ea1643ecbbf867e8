//! The program of a holder: it makes one fault in the network namespace that it runs in, and takes it back when it ends.
//!
//! Several may be on one host at a time. What they share, names and the queue, they change one after another, under a lock that
//! is a socket's name: it belongs to the network namespace, as all of this does, and goes with its holder.

use std::ffi::{OsStr, OsString};
use std::io::{ErrorKind, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::{SocketAddr, UnixListener};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use supervisor::tree::{GuardProgram, Surroundings, Undo};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Stdin};
use tokio::runtime;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::sleep;

use super::names::TableName;
use super::spec::{MAX_LINE_BYTES, Order, Spec, Told};
use super::{packet_filter, queue};

/// Makes the program remove a table instead, by its name.
const REMOVE: &str = "remove";
/// How long the guard's removal may take.
const REMOVE_WITHIN: Duration = Duration::from_secs(20);
/// How long a holder waits for another's change, and how often it looks. A change is a dozen calls of some milliseconds.
const LOCKED_WITHIN: Duration = Duration::from_secs(15);
const LOOK_AGAIN: Duration = Duration::from_millis(5);
/// The lock's name, in the abstract namespace of the network namespace.
const LOCK: &str = "double-trouble-network-faults";

/// The whole program of a holder, for the caller's `main` to call (and return from). `guard` is how guards are started, `holder` the
/// words that start this program so that it calls this again; `args` are what followed.
#[must_use]
pub fn hold(guard: &GuardProgram, holder: &[OsString], args: &[OsString]) -> ExitCode {
    let made = runtime::Builder::new_current_thread().enable_all().build();
    let Ok(runtime) = made.inspect_err(|error| eprintln!("error: cannot begin: {error}")) else {
        return ExitCode::FAILURE;
    };
    let done = match args {
        [remove, name] if remove == REMOVE => runtime.block_on(remove_by_name(name)),
        _ => runtime.block_on(serve(guard, holder)),
    };
    // A read of the standard input that is under way must not keep the program from ending.
    runtime.shutdown_background();
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(reason) => {
            eprintln!("error: {reason}");
            ExitCode::FAILURE
        }
    }
}

/// Does what the standard input says, to its end.
async fn serve(guard: &GuardProgram, holder: &[OsString]) -> Result<(), String> {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut ending = Ending::listen()?;
    let Some(Order::Prepare(spec)) = next(&mut input).await? else {
        return Err(
            "this is a part of the program that it starts for itself; it needs no starting by hand"
                .to_owned(),
        );
    };
    let made = match Made::prepare(guard, holder, &spec).await {
        Ok(made) => made,
        Err(reason) => return failed(reason),
    };
    tell(&Told::Ready);
    let mut wrong = None;
    loop {
        let order = tokio::select! {
            order = next(&mut input) => order,
            () = ending.came() => Ok(None),
        };
        // A line that cannot be read is as good a reason to end as none.
        let Ok(Some(Order::Apply)) = order else { break };
        match packet_filter::apply(&made.name, &spec).await {
            Ok(()) => tell(&Told::Applied),
            Err(reason) => {
                wrong = Some(reason);
                break;
            }
        }
    }
    let undone = made.undo().await;
    match (wrong, undone) {
        (Some(reason), _) | (None, Err(reason)) => failed(reason),
        (None, Ok(packets)) => {
            tell(&Told::Undone { packets });
            Ok(())
        }
    }
}

/// Tells that something could not be done, which is no failure of this program's.
fn failed(reason: String) -> Result<(), String> {
    tell(&Told::Failed { reason });
    Ok(())
}

/// Writes a line. If nobody reads it, the end of the input comes as well.
fn tell(told: &Told) {
    let mut line = serde_json::to_vec(told).unwrap_or_default();
    line.push(b'\n');
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(&line).and_then(|()| out.flush());
}

/// The next line; nothing at the end.
async fn next(input: &mut BufReader<Stdin>) -> Result<Option<Order>, String> {
    let mut line = String::new();
    let read = input.take(MAX_LINE_BYTES).read_line(&mut line).await;
    match read {
        Ok(0) => Ok(None),
        Ok(_) => {
            serde_json::from_str(&line).map(Some).map_err(|error| format!("no order: {error}"))
        }
        Err(error) => Err(format!("the standard input: {error}")),
    }
}

/// The signals by which a terminal, an operator or a session manager ends a program.
struct Ending([tokio::signal::unix::Signal; 3]);

impl Ending {
    fn listen() -> Result<Self, String> {
        let listen =
            |kind| signal(kind).map_err(|error| format!("cannot listen for signals: {error}"));
        Ok(Self([
            listen(SignalKind::terminate())?,
            listen(SignalKind::interrupt())?,
            listen(SignalKind::hangup())?,
        ]))
    }

    async fn came(&mut self) {
        let [one, other, third] = &mut self.0;
        tokio::select! {
            _ = one.recv() => {}
            _ = other.recv() => {}
            _ = third.recv() => {}
        }
    }
}

/// A fault that was prepared, and perhaps applied.
struct Made {
    name: TableName,
    guard: Undo,
}

impl Made {
    async fn prepare(
        guard: &GuardProgram,
        holder: &[OsString],
        spec: &Spec,
    ) -> Result<Self, String> {
        let lock = Lock::take().await?;
        let mut tables = packet_filter::tables().await?;
        for left in tables.extract_if(.., |name| name.is_left_over()) {
            remove(&left).await?;
        }
        let class = match spec.effect.is_of_a_queue() {
            true => (1..u16::MAX)
                .find(|class| tables.iter().all(|table| table.class != *class))
                .ok_or("too many faults are on this host")?,
            false => 0,
        };
        let name = TableName::of_this_process(&spec.token, spec.fault, class)?;
        let guard = arm(guard, holder, &name).await?;
        let made = Self { name, guard };
        let prepared = async {
            // The table holds the class's number against others.
            packet_filter::create(&made.name).await?;
            if class > 0 { queue::add(class, spec).await } else { Ok(()) }
        };
        if let Err(reason) = prepared.await {
            let _ = remove(&made.name).await;
            // What is left of it the guard removes, which waits for the lock.
            drop(lock);
            return Err(reason);
        }
        Ok(made)
    }

    /// Takes it back, and returns how many packets it has met; nothing if somebody else had removed it, who counts for nobody.
    async fn undo(self) -> Result<Option<u64>, String> {
        let removed = async {
            let _lock = Lock::take().await?;
            remove(&self.name).await
        };
        let removed = removed.await;
        // It finds nothing to remove, unless that has failed.
        let guarded = self.guard.undo().await;
        known(removed, guarded.is_ok())
    }
}

/// How many packets a fault has met, of its own removal and of whether the guard says that it is gone.
fn known(removed: Result<Option<u64>, String>, is_gone: bool) -> Result<Option<u64>, String> {
    match removed {
        Err(_) if is_gone => Ok(None),
        removed => removed,
    }
}

/// Has a guard stand by that removes a table and what belongs to it, whatever becomes of this process.
async fn arm(guard: &GuardProgram, holder: &[OsString], name: &TableName) -> Result<Undo, String> {
    let mut command = holder.to_vec();
    command.extend([REMOVE.into(), name.to_string().into()]);
    // Whoever is left to read a reason asks for it here.
    let surroundings = Surroundings::new("/", "/dev/null", u64::MAX);
    let armed = Undo::arm(guard, command, surroundings, REMOVE_WITHIN).await;
    armed.map_err(|error| format!("no guard stands by: {error}"))
}

async fn remove_by_name(name: &OsStr) -> Result<(), String> {
    let name: TableName = name.to_string_lossy().parse().map_err(|error| format!("{error}"))?;
    let _lock = Lock::take().await?;
    remove(&name).await.map(drop)
}

/// Removes a table, and the class of the queue that it has; whatever of it is there. Returns how many packets it has met, if it was there.
async fn remove(name: &TableName) -> Result<Option<u64>, String> {
    let packets = packet_filter::remove(name).await?;
    if name.class > 0 {
        queue::remove(name.class).await?;
    }
    Ok(packets)
}

/// What lets one holder at a time change things in a network namespace.
struct Lock {
    _name: UnixListener,
}

impl Lock {
    async fn take() -> Result<Self, String> {
        let failed = |error: std::io::Error| format!("cannot lock: {error}");
        let name = SocketAddr::from_abstract_name(LOCK).map_err(failed)?;
        let began = Instant::now();
        loop {
            match UnixListener::bind_addr(&name) {
                Ok(bound) => return Ok(Self { _name: bound }),
                Err(error) if error.kind() != ErrorKind::AddrInUse => return Err(failed(error)),
                Err(_) if began.elapsed() > LOCKED_WITHIN => {
                    return Err(
                        "another fault of this host is being changed all the time".to_owned()
                    );
                }
                Err(_) => sleep(LOOK_AGAIN).await,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_has_counted_is_unknown_and_not_nothing() {
        let failed = || Err("no rights".to_owned());
        assert_eq!(known(Ok(Some(3)), true), Ok(Some(3)));
        assert_eq!(known(Ok(None), true), Ok(None), "somebody else had removed it");
        assert_eq!(known(failed(), true), Ok(None), "its guard has removed it");
        assert_eq!(known(failed(), false), failed());
    }
}
