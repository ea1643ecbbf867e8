//! What a file says is asked: requests and commands, filled in for one trial. Everything is bounded in time and length.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use minijinja::Value;
use reqwest::{Client, Method};
use serde_json::{Map, Value as Json};
use supervisor::command::{self, Task};
use supervisor::host::{HostClock, HostLink};
use targets::target::{Request, Target};
use targets::template::{CommandTemplate, Setting, Template};

use super::hosts::Hosts;
use super::http::{Ask, Reply, ask};
use crate::program::guard_program;

/// The longest page, in bytes: counters by path and status.
const MAX_PAGE_BYTES: usize = 1 << 20;

/// No port of a trial has this number.
const OTHER_PORT: u16 = 0;

/// What is put into a template besides the trial's own.
pub(super) type Values = Vec<(&'static str, Value)>;

/// Asks a target in one trial.
#[derive(Clone, Debug)]
pub struct Asking {
    setting: Setting,
    http: Client,
    work: PathBuf,
    logs: PathBuf,
    hosts: Hosts,
    /// Where commands run, if that is another host.
    host: Option<Arc<HostLink>>,
}

/// An answer; a command's output has its exit code as the status.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: i64,
    pub(super) headers: Json,
    pub(super) text: Vec<u8>,
}

/// A question that is filled in and not asked yet.
#[derive(Debug)]
pub(super) enum Question {
    Get { method: Method, url: String, headers: Vec<(String, String)>, body: Option<String> },
    Run(Vec<String>),
}

impl Asking {
    /// With what is filled in, the client that asks, the folder where the target's paths begin, and that of its logs,
    /// `NAME.log` each.
    #[must_use]
    pub fn new(setting: Setting, http: Client, work: &Path, logs: &Path) -> Self {
        let (hosts, host) = (Hosts::default(), None);
        Self { setting, http, work: work.to_owned(), logs: logs.to_owned(), hosts, host }
    }

    /// The same of a target whose processes are on these hosts.
    pub(crate) fn on(self, hosts: Hosts) -> Self {
        Self { hosts, ..self }
    }

    /// The same where a process is: its paths are those of its host, and commands run there.
    pub(super) fn at(&self, process: &str) -> Self {
        let Some(there) = self.hosts.of(process) else { return self.clone() };
        let (setting, host) = (there.setting.clone(), Some(Arc::clone(there.link)));
        Self { setting, work: there.work(), host, ..self.clone() }
    }

    /// The clock of the host that a request goes to, if that is another one: it is tried with another number for each port that a
    /// process there listens on.
    pub(super) fn clock_behind(
        &self,
        request: &Request,
        target: &Target,
    ) -> Option<Arc<HostClock>> {
        let filled =
            |asking: &Self| asking.request(request, Vec::new()).map(|it| format!("{it:?}"));
        let base = filled(self);
        let goes_to = |port: &String| {
            let setting = self.setting.with_ports(&[(port.clone(), OTHER_PORT)].into());
            filled(&Self { setting, ..self.clone() }) != base
        };
        let asked = target.processes.iter().find(|process| process.listens.iter().any(goes_to))?;
        self.clock_of(&asked.name)
    }

    /// The clock of the host that a process is on, if that is another one.
    pub(super) fn clock_of(&self, process: &str) -> Option<Arc<HostClock>> {
        Some(Arc::clone(self.hosts.of(process)?.link.clock()))
    }

    /// The host that it asks at, if that is another one.
    pub(super) fn host(&self) -> Option<&Arc<HostLink>> {
        self.host.as_ref()
    }

    /// Fills in a request.
    pub(super) fn request(&self, request: &Request, values: Values) -> Result<Question, String> {
        let rendered = |template: &Template| {
            let rendered = template.render_with(&self.setting, values.clone());
            rendered.map(Cow::into_owned).map_err(|error| error.to_string())
        };
        let mut headers = Vec::new();
        for (name, value) in &request.headers {
            headers.push((name.clone(), rendered(value)?));
        }
        let method = Method::from_bytes(request.method.as_bytes());
        Ok(Question::Get {
            method: method.map_err(|error| format!("{}: {error}", request.method))?,
            url: rendered(&request.url)?,
            headers,
            body: request.body.as_ref().map(rendered).transpose()?,
        })
    }

    /// Fills in a command.
    pub(super) fn command(
        &self,
        command: &CommandTemplate,
        values: Values,
    ) -> Result<Question, String> {
        let command = command.render_with(&self.setting, values);
        command.map(Question::Run).map_err(|error| error.to_string())
    }

    /// Asks.
    ///
    /// # Errors
    /// If there is no answer `within`, or none that is at most `max_bytes` long; or the command does not succeed.
    pub(super) async fn ask(
        &self,
        question: Question,
        within: Duration,
        max_bytes: usize,
    ) -> Result<Answer, String> {
        match question {
            Question::Get { method, url, headers, body } => {
                let headers = headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let headers = headers.collect();
                let sent = Ask { method, url: &url, headers, body, deadline: within, max_bytes };
                match ask(&self.http, sent).await {
                    Reply::Answered { body, .. } if body.len() > max_bytes => {
                        Err(format!("{url}: the answer is longer than {max_bytes} bytes"))
                    }
                    Reply::Answered { status, headers, body: text } => {
                        let headers = headers.iter().map(|(name, value)| {
                            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                            (name.as_str().to_owned(), Json::String(value))
                        });
                        let headers = Json::Object(headers.collect());
                        Ok(Answer { status: i64::from(status), headers, text })
                    }
                    Reply::NotSent(reason) | Reply::Lost(reason) => Err(format!("{url}: {reason}")),
                }
            }
            Question::Run(command) => {
                let text = self.output_of(command, within, max_bytes).await?;
                Ok(Answer { status: 0, headers: Json::Object(Map::new()), text })
            }
        }
    }

    /// The text that a request is answered with.
    ///
    /// # Errors
    /// If there is no answer `within`, or none that is a success and of a bearable length.
    pub(crate) async fn page(&self, request: &Request, within: Duration) -> Result<String, String> {
        let question = self.request(request, Vec::new())?;
        let Answer { status, text, .. } = self.ask(question, within, MAX_PAGE_BYTES).await?;
        if !(200..300).contains(&status) {
            return Err(format!("status {status}"));
        }
        Ok(String::from_utf8_lossy(&text).into_owned())
    }

    /// Where a path of the file leads.
    pub(super) fn path(&self, path: &Template) -> Result<PathBuf, String> {
        let path = path.render(&self.setting).map_err(|error| error.to_string())?;
        Ok(self.work.join(&*path))
    }

    /// The log of a process.
    pub(super) fn log_of(&self, process: &str) -> PathBuf {
        self.logs.join(format!("{process}.log"))
    }

    /// What a command writes, to stdout and stderr.
    async fn output_of(
        &self,
        command: Vec<String>,
        within: Duration,
        max_bytes: usize,
    ) -> Result<Vec<u8>, String> {
        let log = tempfile::NamedTempFile::new_in(&self.logs).map_err(|error| error.to_string())?;
        let (environment, working_dir) = ([].into(), self.work.clone());
        let task = Task { command, environment, working_dir, user: None };
        let ran = command::run(&guard_program().on(self.host()), &task, log.path(), within).await;
        ran.map_err(|error| error.to_string())?;
        let text = std::fs::read(log.path()).map_err(|error| error.to_string())?;
        if text.len() > max_bytes {
            let command = task.command.join(" ");
            return Err(format!("`{command}` writes more than {max_bytes} bytes"));
        }
        Ok(text)
    }
}
