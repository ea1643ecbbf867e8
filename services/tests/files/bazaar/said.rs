//! What the processes of a bazaar say, and how it is waited for.
//!
//! Nothing is timed: a process is up once it says so, and what is awaited is asked for again until
//! it is there. [`PATIENCE`] is reached only when a test fails.

use std::process::ExitStatus;
use std::time::Duration;

use hyper::StatusCode;
use serde_json::Value;
use services::http::{Call, Peers, Reply};
use tokio::time::{Instant, sleep};
use wire::configuration::{ConfigurationChange, History};

use super::{Bazaar, Ended, LOOK_AGAIN, Name, ORDERS, PATIENCE};

/// How long one question may take: a trade is tried for ten seconds by the front-end.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);

impl Bazaar {
    pub(crate) async fn get(&self, name: Name, path: &str) -> Option<Reply> {
        self.internal.call(self.address(name), &Call::get(path), ANSWER_WITHIN).await.ok()
    }

    /// From now on clients ask over new connections.
    pub(crate) fn connect_anew(&mut self) {
        self.public = Peers::new(None);
    }

    /// What a client asks the front-end.
    pub(crate) async fn ask(&self, call: &Call) -> Option<Reply> {
        self.public.call(self.address(Name::FrontEnd), call, ANSWER_WITHIN).await.ok()
    }

    /// Why a process is not ready; `None` if it is.
    pub(crate) async fn unready(&self, name: Name) -> Option<String> {
        match self.get(name, "/healthz").await {
            Some(reply) if reply.status == StatusCode::OK => None,
            Some(reply) => Some(String::from_utf8_lossy(&reply.body).into_owned()),
            None => Some("no answer".to_owned()),
        }
    }

    /// Waits until a process is ready.
    pub(crate) async fn ready(&mut self, name: Name) {
        self.until(&format!("{name} ready"), async |bazaar| {
            if let Ok(status) = bazaar.ended(name) {
                panic!("{name} ended: {status}: {}", bazaar.last_line(name));
            }
            bazaar.unready(name).await.map_or(Ok(()), Err)
        })
        .await;
    }

    /// Waits until everything that runs is ready, and every replica that runs is in sync.
    pub(crate) async fn whole(&mut self) {
        let names: Vec<_> = self.running.keys().copied().collect();
        for name in names {
            self.ready(name).await;
        }
        let replicas = self.running.keys().filter_map(|name| match name {
            Name::Order(id) => Some(Value::from(*id)),
            _ => None,
        });
        let replicas: Vec<_> = replicas.collect();
        self.until("every replica in sync", async |bazaar| {
            let leadership = bazaar.leadership().await.ok_or("no answer")?;
            if leadership["in_sync"].as_array() == Some(&replicas) {
                Ok(())
            } else {
                Err(leadership.to_string())
            }
        })
        .await;
        // An old copy of a member's file is a member; what it lacks comes with the leader's next message.
        self.until("every replica up to date", async |bazaar| {
            let mut heads = Vec::new();
            for name in ORDERS.into_iter().filter(|name| bazaar.running.contains_key(name)) {
                let reply = bazaar.get(name, "/dump?limit=1").await.ok_or("no answer")?;
                let head: Value = reply.json().ok_or("no dump")?;
                heads.push(
                    ["through", "through_epoch", "committed"].map(|field| head[field].clone()),
                );
            }
            let is_whole = |head: &[Value; 3]| *head == heads[0] && head[0] == head[2];
            if heads.iter().all(is_whole) { Ok(()) } else { Err(format!("{heads:?}")) }
        })
        .await;
    }

    /// Waits until a process is not ready for a reason that contains `words`, and returns it.
    pub(crate) async fn waits(&mut self, name: Name, words: &str) -> String {
        self.until(&format!("{name} not ready: {words}"), async |bazaar| {
            if let Ok(status) = bazaar.ended(name) {
                panic!("{name} ended: {status}: {}", bazaar.last_line(name));
            }
            let reason = bazaar.unready(name).await.unwrap_or_else(|| "it is ready".to_owned());
            if reason.contains(words) { Ok(reason) } else { Err(reason) }
        })
        .await
    }

    /// Waits until a process is ready, or has ended by itself.
    pub(crate) async fn ready_or_ended(&mut self, name: Name) -> Result<(), Ended> {
        let what = format!("{name} ready, or its end");
        let outcome = self.until(&what, async |bazaar| match bazaar.ended(name) {
            Ok(status) => Ok(Err(status)),
            Err(_) => bazaar.unready(name).await.map_or(Ok(Ok(())), Err),
        });
        outcome.await.map_err(|status| self.note_end(name, status))
    }

    /// Waits until a process has ended by itself, or is not ready for a reason with these words.
    pub(crate) async fn unready_or_ended(
        &mut self,
        name: Name,
        words: &str,
    ) -> Result<String, Ended> {
        let what = format!("{name} not ready: {words}, or its end");
        let outcome = self.until(&what, async |bazaar| match bazaar.ended(name) {
            Ok(status) => Ok(Err(status)),
            Err(_) => match bazaar.unready(name).await {
                Some(reason) if reason.contains(words) => Ok(Ok(reason)),
                reason => Err(reason.unwrap_or_else(|| "it is ready".to_owned())),
            },
        });
        outcome.await.map_err(|status| self.note_end(name, status))
    }

    pub(super) fn note_end(&mut self, name: Name, status: ExitStatus) -> Ended {
        self.running.remove(&name);
        (status.code(), self.last_line(name))
    }

    /// Every change of the configuration so far.
    pub(crate) async fn changes(&self) -> Vec<ConfigurationChange> {
        let history = self.get(Name::FrontEnd, "/history").await.expect("the front-end answers");
        serde_json::from_slice::<History>(&history.body).expect("a history").changes
    }

    pub(crate) async fn leadership(&self) -> Option<Value> {
        self.get(Name::FrontEnd, "/leader").await?.json()
    }

    pub(crate) async fn leader(&self) -> Name {
        let leadership = self.leadership().await.unwrap();
        Name::Order(u8::try_from(leadership["leader"].as_u64().unwrap()).unwrap())
    }

    /// Looks again and again until there is something; `look` says why there is not.
    pub(crate) async fn until<T>(
        &mut self,
        what: &str,
        mut look: impl AsyncFnMut(&mut Self) -> Result<T, String>,
    ) -> T {
        let begun = Instant::now();
        loop {
            match look(self).await {
                Ok(found) => return found,
                Err(why) if begun.elapsed() > PATIENCE => {
                    panic!("in vain: {what}: {why}\n{}", self.logs())
                }
                Err(_) => sleep(LOOK_AGAIN).await,
            }
        }
    }
}
