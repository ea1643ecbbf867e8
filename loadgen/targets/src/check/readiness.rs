//! How a process is known to be ready: in one way that can be tried.

use super::answers::ANSWER;
use super::checker::Checker;
use crate::file;
use crate::target::{Probe, Readiness};
use crate::template::Scope;

/// How often a probe is tried: often enough that a start is measured to a twentieth of a second.
const PROBE_PERIOD_MS: u64 = 50;
/// How long a process may take to be ready.
const READY_SECONDS: u64 = 10;

pub(super) fn check(
    checker: &mut Checker<'_>,
    field: &str,
    (name, process): (&str, &file::Process),
    listens: &[String],
    scope: &Scope,
) -> Readiness {
    let of = |name: &str| format!("{field}.{name}");
    let probe = process.readiness_probe.clone().unwrap_or_default();
    let ways = [
        ("http_get", probe.http_get.is_some()),
        ("tcp", probe.tcp.is_some()),
        ("exec", probe.exec.is_some()),
        ("log_line", probe.log_line.is_some()),
    ];
    let given: Vec<&str> = ways.iter().filter(|(_, given)| *given).map(|(name, _)| *name).collect();
    if process.readiness_probe.is_some() && given.len() != 1 {
        let what = match given.as_slice() {
            [] => "says in no way when the process is ready".to_owned(),
            several => format!("says in {} ways when the process is ready", several.len()),
        };
        checker.add(field, what, "give one of http_get, tcp, exec, log_line");
    }
    if probe.expect.is_some() && probe.http_get.is_none() {
        checker.add(
            &of("expect"),
            "there is no answer to expect something of",
            "give http_get, or take it out",
        );
    }
    if !probe.headers.is_empty() && probe.http_get.is_none() {
        checker.add(
            &of("headers"),
            "there is no http_get to send them",
            "give it, or take them out",
        );
    }
    let expect = probe.expect.as_ref();
    let expect = expect.and_then(|text| checker.expression(&of("expect"), text, &ANSWER));
    let checked = if let Some(url) = &probe.http_get {
        let url = checker.url(&of("http_get"), url, scope);
        Probe::HttpGet { url, headers: checker.headers(field, &probe.headers, scope), expect }
    } else if let Some(address) = &probe.tcp {
        Probe::Tcp(checker.template(&of("tcp"), address, scope))
    } else if let Some(command) = &probe.exec {
        Probe::Exec(checker.command(&of("exec"), command, scope))
    } else if let Some(line) = &probe.log_line {
        checker.regex(&of("log_line"), line).map_or(Probe::Started, Probe::LogLine)
    } else if let Some(port) = listens.first() {
        let host = match &process.host {
            Some(_) => format!("{{{{ address['{name}'] }}}}"),
            None => "127.0.0.1".to_owned(),
        };
        let address = format!("{host}:{{{{ port['{port}'] }}}}");
        Probe::Tcp(checker.template(&of("tcp"), &address, scope))
    } else {
        Probe::Started
    };
    Readiness {
        probe: checked,
        period: checker.milliseconds(&of("period_ms"), probe.period_ms, PROBE_PERIOD_MS),
        timeout: checker.seconds(&of("timeout_seconds"), probe.timeout_seconds, READY_SECONDS),
    }
}
