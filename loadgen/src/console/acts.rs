//! What the buttons do.

use std::sync::Arc;

use faults::bazaar::{ActError, Bazaar};
use faults::leadership;
use faults::process::ProcessName;
use faults::schedule::Action;
use hyper::StatusCode;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::sync::watch;

use super::board::Board;
use super::guard::Refusal;
use super::settings::{Change, Load};

/// Does what the page asks for, and puts it on the board.
#[derive(Debug)]
pub(super) struct Acts {
    bazaar: Arc<Bazaar>,
    board: Arc<Board>,
    load: watch::Sender<Load>,
}

/// What `POST /fault` takes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Fault {
    action: Action,
    /// A process's name, or `leader`: whoever leads when it arrives.
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
    pub(super) fn new(bazaar: Arc<Bazaar>, board: Arc<Board>, load: watch::Sender<Load>) -> Self {
        Self { bazaar, board, load }
    }

    /// `POST /fault`: answers once it was seen to have worked.
    pub(super) async fn fault(&self, body: &[u8]) -> Result<Done, Refusal> {
        let Fault { action, target } = parse(body)?;
        let name = self.find(&target).await?;
        let act = match action {
            Action::Kill => self.bazaar.kill(name),
            Action::Pause => self.bazaar.pause(name),
            Action::Resume => self.bazaar.resume(name),
            Action::Restart => self.bazaar.restart(name).await,
            Action::PowerCut
            | Action::StallDisk
            | Action::SlowDisk
            | Action::FullDisk
            | Action::Slow
            | Action::Flood
            | Action::Recover
            | Action::Cut
            | Action::Delay
            | Action::Throttle
            | Action::Heal => {
                let message = "action: must be kill, pause, resume or restart";
                return Err(Refusal::new(StatusCode::BAD_REQUEST, message));
            }
        };
        let act = act.map_err(|error| refused(&error))?;
        let (pid, at_us) = (act.pid, act.at_monotonic_us);
        if action.is_end() {
            self.board.mended(name, pid, action, at_us);
        } else {
            self.board.harmed(name, pid, action, at_us);
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
        self.board.cached(on, how);
        let state = if on { "on" } else { "off" };
        Ok(Done { done: format!("cache {state}: {how}") })
    }

    async fn find(&self, target: &str) -> Result<ProcessName, Refusal> {
        if target == "leader" {
            let found = leadership::look_up(self.bazaar.http(), self.bazaar.addresses()).await;
            return found
                .map(|found| ProcessName::Order(found.leader))
                .map_err(|error| Refusal::new(StatusCode::CONFLICT, error.to_string()));
        }
        let name = target.parse().ok().filter(|name| self.bazaar.process(*name).is_some());
        name.ok_or_else(|| {
            let message = format!("target: there is no {target:?}; name a process, or \"leader\"");
            Refusal::new(StatusCode::BAD_REQUEST, message)
        })
    }
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Refusal> {
    serde_json::from_slice(body)
        .map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, format!("body: {error}")))
}

/// Two people may press at once, and a process may die by itself: what is asked for need not fit.
fn refused(error: &ActError) -> Refusal {
    Refusal::new(StatusCode::CONFLICT, error.to_string())
}
