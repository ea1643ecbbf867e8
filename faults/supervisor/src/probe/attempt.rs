//! One question to a process, within a bound.

use std::ops::ControlFlow;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Empty, Limited};
use hyper::{Request, Uri};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use regex::Regex;
use serde::Deserialize;
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::{Answer, Expect, MAX_ANSWER_BYTES, ProbeKind, Probed};
use crate::command::{self, Task};
use crate::log_lines::LogLines;

/// How long one question may take, so that one that hangs is asked again. A command may need to start an interpreter.
const ASK_WITHIN: Duration = Duration::from_secs(2);
const EXEC_WITHIN: Duration = Duration::from_secs(10);
/// How much of an answer a message quotes, in characters.
const MAX_QUOTED_CHARS: usize = 200;

impl Probed<'_> {
    /// Asks once; the reason if the answer is no.
    pub(super) async fn ask(
        &self,
        kind: &ProbeKind,
        lines: &mut LogLines,
        deadline: Instant,
    ) -> Result<(), String> {
        let left = deadline.saturating_duration_since(Instant::now());
        match kind {
            ProbeKind::HttpGet { url, headers, expect } => {
                within(ASK_WITHIN.min(left), http_get(url, headers, expect)).await
            }
            ProbeKind::Health(url) => within(ASK_WITHIN.min(left), health(url)).await,
            ProbeKind::Tcp(address) => within(ASK_WITHIN.min(left), tcp(address)).await,
            ProbeKind::Exec(command) => self.exec(command, EXEC_WITHIN.min(left)).await,
            ProbeKind::LogLine(regex) => self.has_written(regex, lines),
        }
    }

    /// Whether a line that was finished since the last look is what is wanted.
    fn has_written(&self, wanted: &Regex, lines: &mut LogLines) -> Result<(), String> {
        let mut found = Err("no such line yet".to_owned());
        let looked =
            lines.look(self.log, |line| match wanted.is_match(&String::from_utf8_lossy(line)) {
                true => {
                    found = Ok(());
                    ControlFlow::Break(())
                }
                false => ControlFlow::Continue(()),
            });
        looked.map_err(|error| format!("its log cannot be read: {error}"))?;
        found
    }

    async fn exec(&self, command: &[String], bound: Duration) -> Result<(), String> {
        let task = Task {
            command: command.to_vec(),
            environment: self.environment.clone(),
            working_dir: self.working_dir.to_owned(),
            user: self.user.cloned(),
        };
        let log = self.log.with_extension("probe.log");
        // Only what the last one wrote is worth keeping; where there is none, nothing is to be removed.
        let _ = std::fs::remove_file(&log);
        command::run(self.guard, &task, &log, bound).await.map_err(|error| error.to_string())
    }
}

async fn within(
    bound: Duration,
    asked: impl Future<Output = Result<(), String>>,
) -> Result<(), String> {
    let late = |_| format!("no answer within {} ms", bound.as_millis());
    tokio::time::timeout(bound, asked).await.map_err(late)?
}

async fn tcp(address: &str) -> Result<(), String> {
    TcpStream::connect(address).await.map(drop).map_err(|error| error.to_string())
}

async fn http_get(url: &str, headers: &[(String, String)], expect: &Expect) -> Result<(), String> {
    let answer = get(url, headers).await?;
    match expect(&answer) {
        Ok(true) => Ok(()),
        Ok(false) => Err(said(&answer)),
        Err(reason) => {
            Err(format!("{}, of which cannot be said whether it is ready: {reason}", said(&answer)))
        }
    }
}

async fn health(url: &str) -> Result<(), String> {
    let answer = get(url, &[]).await?;
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    let unready = serde_json::from_slice(&answer.body);
    Err(unready.map_or_else(|_| said(&answer), |Unready { reason }| reason))
}

/// What a process says that is not ready.
#[derive(Deserialize)]
struct Unready {
    reason: String,
}

fn said(answer: &Answer) -> String {
    let text = String::from_utf8_lossy(&answer.body);
    let quoted: String = text.trim().chars().take(MAX_QUOTED_CHARS).collect();
    format!("status {}: {quoted:?}", answer.status)
}

async fn get(url: &str, headers: &[(String, String)]) -> Result<Answer, String> {
    let url: Uri = url.parse().map_err(|error| format!("{url:?} is no address: {error}"))?;
    let client: Client<HttpConnector, Empty<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build_http();
    let request = headers
        .iter()
        .fold(Request::get(url), |request, (name, value)| request.header(name, value));
    let request = request.body(Empty::new()).map_err(|error| error.to_string())?;
    let response = client.request(request).await.map_err(|error| innermost(&error))?;
    let (head, body) = response.into_parts();
    let body =
        Limited::new(body, MAX_ANSWER_BYTES).collect().await.map_err(|error| error.to_string())?;
    let text = |(name, value): (&hyper::header::HeaderName, &hyper::header::HeaderValue)| {
        Some((name.as_str().to_owned(), value.to_str().ok()?.to_owned()))
    };
    let headers = head.headers.iter().filter_map(text).collect();
    Ok(Answer { status: head.status.as_u16(), headers, body: body.to_bytes().into() })
}

/// The innermost cause says the most.
fn innermost(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source())
        .last()
        .map_or_else(String::new, ToString::to_string)
}
