//! A holder, as the harness sees it: a child that leads to a host, and two lines of answers.
//!
//! The invariant: whatever becomes of this, the holder's input ends, and with it the fault.

use std::os::unix::process::CommandExt;
use std::process::Stdio;
use std::time::Duration;

use supervisor::host::{self, Host};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout, Command};
use tokio::time::timeout;

use super::layout::Way;
use super::spec::{MAX_LINE_BYTES, Order, Spec, Told};

/// How long it may take to get to a host and be ready there: a login, and a dozen calls of `nft` and `tc`.
const READY_WITHIN: Duration = Duration::from_secs(30);
/// How long it may take to say that a fault is there: one call.
const APPLIED_WITHIN: Duration = Duration::from_secs(15);
/// How long it may take to take one back: a few calls, perhaps behind others'.
const UNDONE_WITHIN: Duration = Duration::from_secs(30);
/// How much of what a connect command says is read, in bytes: a line or two.
const MAX_SAID_BYTES: u64 = 4096;
/// How long is waited for it, once there is no answer.
const SAID_WITHIN: Duration = Duration::from_secs(2);

/// A holder on a host, which holds a fault from [`apply`](Self::apply) on. Dropping it takes it back.
#[derive(Debug)]
pub(super) struct Held {
    host: String,
    process: Child,
    /// Nothing once it was closed, which is the order to take the fault back.
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
    errors: ChildStderr,
}

impl Held {
    /// Starts a holder and has it get ready.
    pub(super) async fn prepare(name: String, way: &Way, spec: Spec) -> Result<Self, String> {
        let Way { host: Host { connect, .. }, holder } = way;
        let mut command = host::command(connect, holder);
        // Ctrl-C at a terminal is the harness's, who takes faults back in its order.
        command.process_group(0);
        let mut command = Command::from(command);
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let program = connect.first().map_or("", String::as_str).to_owned();
        let failed = |error: std::io::Error| format!("host {name}: cannot run {program}: {error}");
        let mut process = command.kill_on_drop(true).spawn().map_err(failed)?;
        let ends = (process.stdin.take(), process.stdout.take(), process.stderr.take());
        let (Some(input), Some(output), Some(errors)) = ends else {
            return Err(format!("host {name}: {program} has no pipes"));
        };
        let output = BufReader::new(output);
        let mut held = Self { host: name, process, input: Some(input), output, errors };
        match held.ask(&Order::Prepare(spec), READY_WITHIN).await? {
            Told::Ready => Ok(held),
            other => Err(held.unexpected(&other)),
        }
    }

    /// The host's name.
    pub(super) fn host(&self) -> &str {
        &self.host
    }

    /// Has it make the fault, and waits until it says that it is there.
    pub(super) async fn apply(&mut self) -> Result<(), String> {
        match self.ask(&Order::Apply, APPLIED_WITHIN).await? {
            Told::Applied => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Has it take the fault back, and waits until it says that it has. Returns how many packets the fault has
    /// met, if that is known there.
    pub(super) async fn undo(mut self) -> Result<Option<u64>, String> {
        self.input = None;
        match self.told(UNDONE_WITHIN).await? {
            Told::Undone { packets } => {
                // It has nothing more to do; without this a process would be left that nobody waits for.
                let _ = timeout(SAID_WITHIN, self.process.wait()).await;
                Ok(packets)
            }
            other => Err(self.unexpected(&other)),
        }
    }

    async fn ask(&mut self, order: &Order, within: Duration) -> Result<Told, String> {
        let mut line = serde_json::to_vec(order).map_err(|error| self.named(&error))?;
        line.push(b'\n');
        // Who does not read says why, or nothing.
        if let Some(input) = &mut self.input {
            let _ = input.write_all(&line).await;
        }
        self.told(within).await
    }

    async fn told(&mut self, within: Duration) -> Result<Told, String> {
        let mut line = String::new();
        let mut output = (&mut self.output).take(MAX_LINE_BYTES);
        let read = timeout(within, output.read_line(&mut line)).await;
        match read {
            Err(_) => Err(self.named(&format!("no answer within {} s", within.as_secs()))),
            Ok(Ok(bytes)) if bytes > 0 => serde_json::from_str(&line)
                .map_err(|_| self.named(&format!("it said {:?}", line.trim_end()))),
            Ok(_) => {
                let said = self.said().await;
                Err(self.named(&format!("the connection has ended{said}")))
            }
        }
    }

    /// What the connect command, or the holder, has to say of its end.
    async fn said(&mut self) -> String {
        let mut said = Vec::new();
        let mut errors = (&mut self.errors).take(MAX_SAID_BYTES);
        let _ = timeout(SAID_WITHIN, errors.read_to_end(&mut said)).await;
        let said = String::from_utf8_lossy(&said);
        let last = said.lines().rev().map(str::trim).find(|line| !line.is_empty());
        last.map_or_else(String::new, |line| format!(": {line}"))
    }

    fn unexpected(&self, told: &Told) -> String {
        match told {
            Told::Failed { reason } => self.named(reason),
            other => self.named(&format!("it said {other:?}")),
        }
    }

    fn named(&self, what: &impl std::fmt::Display) -> String {
        format!("host {}: {what}", self.host)
    }
}
