//! Who leads: asked once as the file says, until somebody does.

use std::fs;
use std::time::{Duration, Instant};

use minijinja::Value;
use reqwest::Method;
use supervisor::system::System;
use targets::leader::{LeaderEvent, LeaderReading, LeaderWatch};
use targets::target::{Leader, LeaderSource, Target};

use super::findings::Findings;
use super::http::{Ask, Reply, ask};
use crate::target::TargetTrial;

/// How long a target that has just begun may take to have a leader: several elections.
const LEADER_WITHIN: Duration = Duration::from_secs(10);
/// How long one answer may take.
const ANSWER_WITHIN: Duration = Duration::from_secs(2);
/// The longest answer that is read, in bytes: a name and a term, and much room.
const MAX_ANSWER_BYTES: usize = 64 << 10;
/// The longest log that is searched, in bytes: what was written since a start.
const MAX_LOG_BYTES: u64 = 64 << 20;

/// Says who leads; asks until somebody does, for a while.
pub(super) async fn try_leader(
    target: &Target,
    trial: &TargetTrial,
    system: &System,
    http: &reqwest::Client,
    findings: &mut Findings,
) {
    let Some(leader) = &target.leader else {
        findings.missing("leader", "the file describes none: no fault can be aimed at it");
        return;
    };
    if matches!(leader.reading, LeaderReading::Unknown) {
        findings.missing("leader", "guess = \"none\": no fault can be aimed at it");
        return;
    }
    let may_lead = |role: &str| leader.role.as_deref().is_none_or(|leads| leads == role);
    let processes: Vec<String> = target
        .processes
        .iter()
        .filter(|process| may_lead(&process.role))
        .map(|process| process.name.clone())
        .collect();
    let mut watch = leader.reading.watch(processes.iter().cloned());
    let mut events = Vec::new();
    for process in &processes {
        events.extend(watch.started(process));
    }
    let began = Instant::now();
    let mut last = "nobody was asked".to_owned();
    while watch.leader().is_none() && began.elapsed() < LEADER_WITHIN {
        match look(leader, &processes, trial, system, http, &mut watch).await {
            Ok((seen, said)) => {
                events.extend(seen);
                last = said;
            }
            Err(reason) => last = reason,
        }
        tokio::time::sleep(leader.poll).await;
    }
    for event in &events {
        match event {
            LeaderEvent::TwoAtOnce { processes } => {
                findings.fails("leader", format_args!("at once lead {}", processes.join(", ")));
            }
            LeaderEvent::Stranger { name } => {
                findings
                    .fails("leader", format_args!("`{name}` is said to lead, and is no process"));
            }
            LeaderEvent::Unclear { reason } => findings.fails("leader", reason),
            LeaderEvent::Changed { .. } => {}
        }
    }
    let how = if leader.source.is_none() && matches!(leader.reading, LeaderReading::Guessed(_)) {
        " (a guess)"
    } else {
        ""
    };
    match watch.leader() {
        Some(name) => findings.ok("leader", format_args!("{name}{how}")),
        None => {
            let within = LEADER_WITHIN.as_secs();
            findings.fails("leader", format_args!("nobody within {within} s; {last}"));
        }
    }
}

/// Asks whoever is to be asked once. Returns what happened, and what was said last.
async fn look(
    leader: &Leader,
    processes: &[String],
    trial: &TargetTrial,
    system: &System,
    http: &reqwest::Client,
    watch: &mut LeaderWatch,
) -> Result<(Vec<LeaderEvent>, String), String> {
    if let LeaderReading::Logged { log, .. } = &leader.reading {
        let log = system.process(log).ok_or_else(|| format!("there is no process {log}"))?.log;
        let length = fs::metadata(&log).map_or(0, |log| log.len());
        if length > MAX_LOG_BYTES {
            return Err(format!("its log has {length} bytes"));
        }
        let text = fs::read(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        let lines = text.split(|byte| *byte == b'\n');
        let events = lines.flat_map(|line| leader.reading.log_line(watch, line)).collect();
        return Ok((events, format!("no line of {} names it", log.display())));
    }
    let Some(source) = &leader.source else {
        return Ok((Vec::new(), "nobody is asked".to_owned()));
    };
    let mut events = Vec::new();
    let mut last = String::new();
    let asked: Vec<Option<&str>> = match source.is_asked_of_each() {
        true => processes.iter().map(|name| Some(name.as_str())).collect(),
        false => vec![None],
    };
    for asked in asked {
        let process = asked.map(|name| vec![("process", Value::from(name))]).unwrap_or_default();
        match answer(source, process, trial, http).await {
            Ok((status, text)) => {
                last = targets::name::excerpt(&String::from_utf8_lossy(&text));
                last = format!("the last answer was status {status}: {last}");
                events.extend(leader.reading.answer(watch, asked, status, &text));
            }
            Err(reason) => {
                last = reason;
                events.extend(leader.reading.no_answer(watch, asked));
            }
        }
    }
    Ok((events, last))
}

async fn answer(
    source: &LeaderSource,
    process: Vec<(&'static str, Value)>,
    trial: &TargetTrial,
    http: &reqwest::Client,
) -> Result<(i64, Vec<u8>), String> {
    let request = match source {
        LeaderSource::Url(request) => request,
        LeaderSource::Exec(command) => {
            let command =
                command.render_with(&trial.setting, process).map_err(|error| error.to_string())?;
            return Ok((0, trial.output_of(command, ANSWER_WITHIN).await?));
        }
    };
    let rendered = |template: &targets::template::Template| {
        let rendered = template.render_with(&trial.setting, process.clone());
        rendered.map(std::borrow::Cow::into_owned).map_err(|error| error.to_string())
    };
    let url = rendered(&request.url)?;
    let mut headers = Vec::new();
    for (name, value) in &request.headers {
        headers.push((name.as_str(), rendered(value)?));
    }
    let sent = Ask {
        method: Method::GET,
        url: &url,
        headers: headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        body: None,
        deadline: ANSWER_WITHIN,
        max_bytes: MAX_ANSWER_BYTES,
    };
    match ask(http, sent).await {
        Reply::Answered { status, body, .. } => Ok((i64::from(status), body)),
        Reply::NotSent(reason) | Reply::Lost(reason) => Err(format!("{url}: {reason}")),
    }
}
