//! What the buttons do.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use faults::bazaar::{ActError, Bazaar};
use faults::events::EventSink;
use faults::process::ProcessName;
use faults::schedule::{Action, PlannedFault, Schedule, ScheduleError, Target};
use faults::{injector, leadership};
use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tokio::sync::{Mutex, watch};

use super::dashboard::Dashboard;
use super::files::{self, FilesPress};
use super::guard::Refusal;
use super::settings::{Change, Load};
use driver::stop::Stop;

/// A fault that lasts longer than this is a typing error: a page is there to be watched.
const MAX_FOR_MS: u64 = 10 * 60 * 1000;

/// Does what the page asks for, and puts it on the dashboard.
#[derive(Debug)]
pub(super) struct Acts {
    bazaar: Arc<Bazaar>,
    dashboard: Arc<Dashboard>,
    load: watch::Sender<Load>,
    events: EventSink,
    /// The number of the next fault that lasts for a time.
    next_fault: AtomicU32,
    /// Held while a press has files lost or old.
    changing_files: Arc<Mutex<()>>,
}

/// What `POST /fault` takes for an act that is done at once and stays.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    action: Action,
    /// A process's name, or `leader`: the process that leads when it arrives.
    target: String,
}

/// What `POST /cache` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Cache {
    on: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
pub(super) struct Done {
    /// In a sentence without its full stop.
    done: String,
}

impl Acts {
    pub(super) fn new(
        bazaar: Arc<Bazaar>,
        dashboard: Arc<Dashboard>,
        load: watch::Sender<Load>,
        events: EventSink,
    ) -> Self {
        let (next_fault, changing_files) = (AtomicU32::new(1), Arc::default());
        Self { bazaar, dashboard, load, events, next_fault, changing_files }
    }

    /// `POST /fault`: with `for_ms` a fault as a plan has it, without its time; else an act that stays.
    pub(super) async fn fault(&self, body: &[u8], stop: Stop) -> Result<Done, Refusal> {
        let fields: Map<String, Value> = parse(body)?;
        let action = fields.get("action").and_then(|action| Action::deserialize(action).ok());
        if !fields.contains_key("for_ms") {
            self.fault_that_stays(body).await
        } else if action.is_some_and(Action::is_of_files) {
            self.change_files(fields, stop).await
        } else {
            self.fault_for_a_time(fields, stop)
        }
    }

    /// Hands a fault to the injector, which begins it, looks whether it works, and ends it; the dashboard hears of all
    /// that. Answers at once: a disk fault is confirmed by the next call that it hits, whenever that comes.
    fn fault_for_a_time(
        &self,
        mut fields: Map<String, Value>,
        stop: Stop,
    ) -> Result<Done, Refusal> {
        // Now: what a page asks for has no other time.
        if fields.insert("at_ms".to_owned(), 0.into()).is_some() {
            return Err(bad("at_ms: belongs to plans; here everything begins at once"));
        }
        if fields.contains_key("apart_ms") {
            return Err(bad("apart_ms: belongs to plans; here everything begins at once"));
        }
        let fault: PlannedFault = of_fields(fields)?;
        let for_ms = fault.for_ms.unwrap_or_default();
        let schedule = self.schedule(std::slice::from_ref(&fault), for_ms)?;
        let done = schedule.faults().iter().map(|fault| {
            format!("{} {} for {:.1} s", fault.action.begin(), fault.target, for_ms as f64 / 1000.0)
        });
        let done = done.collect::<Vec<_>>().join(", ");
        tokio::spawn(self.inject(schedule, stop));
        Ok(Done { done })
    }

    /// Has the files of a process lost or old, if that is all that is wrong then.
    async fn change_files(&self, fields: Map<String, Value>, stop: Stop) -> Result<Done, Refusal> {
        let fault: FilesPress = of_fields(fields)?;
        let planned = fault.plan(MAX_FOR_MS).map_err(bad)?;
        let schedule = self.schedule(&planned, fault.for_ms)?;
        let refused = |reason: String| Refusal::new(StatusCode::CONFLICT, reason);
        let changing = Arc::clone(&self.changing_files).try_lock_owned().map_err(|_| {
            refused("files are being changed already; that must be over first".to_owned())
        })?;
        if let Some(reason) = self.why_files_stay(fault.target).await? {
            return Err(refused(reason));
        }
        let injected = self.inject(schedule, stop);
        tokio::spawn(async move {
            injected.await;
            drop(changing);
        });
        Ok(Done { done: fault.describe() })
    }

    /// Why nobody's files may be changed now, or not those of `target`.
    async fn why_files_stay(&self, target: Target) -> Result<Option<String>, Refusal> {
        let found = leadership::look_up(&self.bazaar).await;
        let found = found.map_err(|error| Refusal::new(StatusCode::CONFLICT, error.to_string()))?;
        // A follower is in sync besides the leader, so it is never the last.
        let name = target.process().unwrap_or(found.leader);
        let stay = injector::why_files_stay(&self.bazaar, &self.events, name, None).await;
        let mut replicas = self.bazaar.system().replicas().iter().copied();
        let out = replicas.find(|name| !found.is_in_sync(*name)).map(|name| {
            format!(
                "{name} is not in sync; files are changed only while everything is up and in sync"
            )
        });
        let not_whole = || files::not_whole(&self.bazaar.processes(), self.dashboard.lasting());
        Ok(stay.last_member.or_else(not_whole).or(out).or(stay.second))
    }

    /// What faults mean that last for a time.
    fn schedule(&self, faults: &[PlannedFault], for_ms: u64) -> Result<Schedule, Refusal> {
        if for_ms > MAX_FOR_MS {
            return Err(bad(format!("for_ms: must be from 1 to {MAX_FOR_MS}")));
        }
        let schedule = Schedule::expand(faults, self.bazaar.system());
        let schedule = schedule.map_err(|errors| {
            let problem = |error: &ScheduleError| error.to_string().replace("faults[0].", "");
            // Of two faults of one press the second is wrong only where the first is.
            let own = errors.iter().map(problem).filter(|text| !text.starts_with("faults["));
            bad(own.collect::<Vec<_>>().join("; "))
        })?;
        let count = u32::try_from(schedule.faults().len()).unwrap_or(u32::MAX);
        Ok(schedule.numbered_from(self.next_fault.fetch_add(count, Ordering::Relaxed)))
    }

    /// Begins now, once it is awaited.
    fn inject(&self, schedule: Schedule, stop: Stop) -> impl Future<Output = ()> + use<> {
        let (bazaar, events) = (Arc::clone(&self.bazaar), self.events.clone());
        async move {
            let now_us = events.origin().elapsed_us();
            injector::run(bazaar, schedule, now_us, events, stop.requested()).await;
        }
    }

    /// Answers once it was seen to have worked.
    async fn fault_that_stays(&self, body: &[u8]) -> Result<Done, Refusal> {
        let Fault { action, target } = parse(body)?;
        let name = self.find(&target).await?;
        let act = match action {
            Action::Kill => self.bazaar.kill(name).await,
            Action::Pause => self.bazaar.pause(name).await,
            Action::Resume => self.bazaar.resume(name).await,
            Action::Restart => self.bazaar.restart(name).await,
            _ => {
                let message = format!(
                    "for_ms: is missing: a {action} lasts for a time; without it only kill, pause, resume and restart go"
                );
                return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
            }
        };
        let act = act.map_err(|error| refused(&error))?;
        let (pid, at_us) = (act.pid, act.at_monotonic_us);
        if action.is_end() {
            self.dashboard.mended(name, pid, action, at_us);
        } else {
            self.dashboard.broken(name, pid, action, at_us);
        }
        act.confirm().await.map_err(|error| refused(&error))?;
        Ok(Done { done: format!("{action} {name} (pid {pid})") })
    }

    /// `POST /load`.
    pub(super) fn load(&self, body: &[u8]) -> Result<Done, Refusal> {
        let change: Change = parse(body)?;
        let mut refused = None;
        self.load.send_if_modified(|load| match load.changed(&change) {
            Ok(changed) if changed == *load => false,
            Ok(changed) => {
                *load = changed;
                true
            }
            Err(message) => {
                refused = Some(message);
                false
            }
        });
        match refused {
            Some(message) => Err(Refusal::new(StatusCode::BAD_REQUEST, message)),
            None => Ok(Done { done: self.load.borrow().describe() }),
        }
    }

    /// `POST /cache`: restarts the front-end with the cache on or off. Its flag is what `bench`
    /// compares, so the page shows the same thing; a switch in the running front-end would be another
    /// way for the cache to be wrong, there for the page alone. The price is a front-end that is away
    /// for a moment, which the page says.
    pub(super) async fn cache(&self, body: &[u8]) -> Result<Done, Refusal> {
        let Cache { on } = parse(body)?;
        let act = self.bazaar.switch_cache(on).await.map_err(|error| refused(&error))?;
        let how = match act {
            Some(act) => {
                act.confirm().await.map_err(|error| refused(&error))?;
                "the front-end was restarted for it"
            }
            None => "from the front-end's next restart on",
        };
        self.dashboard.cached(on, how);
        let state = if on { "on" } else { "off" };
        Ok(Done { done: format!("cache {state}: {how}") })
    }

    async fn find(&self, target: &str) -> Result<ProcessName, Refusal> {
        if target == "leader" {
            let found = leadership::look_up(&self.bazaar).await;
            return found
                .map(|found| found.leader)
                .map_err(|error| Refusal::new(StatusCode::CONFLICT, error.to_string()));
        }
        let name = self.bazaar.system().names().find(|name| name.as_str() == target);
        name.ok_or_else(|| {
            let message = format!("target: there is no {target:?}; name a process, or \"leader\"");
            Refusal::new(StatusCode::BAD_REQUEST, message)
        })
    }
}

fn bad(message: impl Into<String>) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, message)
}

/// # Errors
/// The field that is wrong.
fn of_fields<T: DeserializeOwned>(fields: Map<String, Value>) -> Result<T, Refusal> {
    serde_path_to_error::deserialize(Value::Object(fields))
        .map_err(|error| bad(format!("{}: {}", error.path(), error.inner())))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("body: {error}")))
}

/// Two people may press at once, and a process may die by itself: what is asked for need not fit.
fn refused(error: &ActError) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, error.to_string())
}
