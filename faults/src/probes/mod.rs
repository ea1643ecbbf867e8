//! Watches the configuration and the children's lives.
//!
//! The front-end remembers its changes of configuration with their own times, so polling does
//! not blur them: a change is reported late, but with the time at which it was on disk. What a
//! front-end that is killed had not yet been asked for is lost with it; its successor begins
//! with a change of its own, under a higher version. A front-end without a history is asked who
//! leads instead, and the times are then those of the polls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use hyper::StatusCode;
use records::{Event, EventKind};
use wire::configuration::{Cause, Configuration, ConfigurationChange, History};
use wire::ids::{ConfigVersion, Epoch};

use crate::bazaar::Bazaar;
use crate::clock::Origin;
use crate::events::EventSink;
use crate::http::{HttpClient, HttpError};
use crate::leadership::{self, Leadership};
use crate::ports::Addresses;

/// How often is asked. Only the last period before a front-end's death can be lost.
const PERIOD: Duration = Duration::from_millis(50);
/// How long an answer may take: the history is in memory. A paused front-end is asked again.
const TIMEOUT: Duration = Duration::from_millis(500);

/// Emits who leads since when, who is in sync, and who died unasked, until `stop` completes.
/// Looks once more then, so that what came before the stop is not missed.
pub async fn watch(bazaar: Arc<Bazaar>, events: EventSink, stop: impl Future<Output = ()> + Send) {
    let mut watch = Watch { bazaar, events, timeline: Timeline::default() };
    tokio::pin!(stop);
    loop {
        watch.look().await;
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = &mut stop => break,
        }
    }
    watch.look().await;
}

struct Watch {
    bazaar: Arc<Bazaar>,
    events: EventSink,
    timeline: Timeline,
}

impl Watch {
    async fn look(&mut self) {
        self.tell_deaths();
        let (http, addresses) = (self.bazaar.http(), self.bazaar.addresses());
        let news = self.timeline.ask(http, addresses, self.events.origin()).await;
        for ConfigurationEvent { at_us, kind, configuration, version, suspected_us, detail } in news
        {
            let name = configuration.leader_name();
            let pid = self.bazaar.process(name).map(|process| process.pid);
            self.events.emit_at(at_us, kind, |event: &mut Event| {
                if kind != EventKind::InSyncChanged {
                    event.process = Some(name.into());
                    event.pid = pid;
                }
                event.epoch = Some(configuration.epoch.0);
                event.version = version.map(|version| version.0);
                event.leader = Some(configuration.leader.0);
                event.in_sync = Some(configuration.in_sync.iter().map(|id| id.0).collect());
                event.suspected_us = suspected_us;
                event.detail = Some(detail);
            });
        }
    }

    fn tell_deaths(&self) {
        for death in self.bazaar.take_deaths() {
            let at_us = self.events.origin().since_origin(death.at_monotonic_us);
            self.events.emit_at(at_us, EventKind::Died, |event| {
                event.process = Some(death.name.into());
                event.pid = Some(death.pid);
                event.detail = Some(death.status);
            });
        }
    }
}

/// Something about the configuration that was not known before.
#[derive(Debug, PartialEq, Eq)]
struct ConfigurationEvent {
    at_us: u64,
    kind: EventKind,
    configuration: Leadership,
    version: Option<ConfigVersion>,
    suspected_us: Option<u64>,
    detail: String,
}

/// By what configurations are told apart and ordered.
type Age = (Epoch, ConfigVersion);

/// What is known of the configurations so far, and what an answer adds to it.
#[derive(Debug, Default)]
struct Timeline {
    /// The newest configuration that was told of. A front-end that lost its file counts versions
    /// from 1 again, in a newer epoch.
    told: Option<Age>,
    /// Leaderships that were told of and were not yet seen to serve, by the configuration that
    /// began them.
    not_serving: BTreeSet<Age>,
    /// The last answer of a front-end without a history.
    leadership: Option<Leadership>,
}

impl Timeline {
    async fn ask(
        &mut self,
        http: &HttpClient,
        addresses: &Addresses,
        origin: Origin,
    ) -> Vec<ConfigurationEvent> {
        match http.get_json::<History>(addresses.front_end, "/history", TIMEOUT).await {
            Ok(history) => self.of_history(&history, origin),
            Err(HttpError::Status { status: StatusCode::NOT_FOUND, .. }) => {
                match leadership::ask_front_end(http, addresses).await {
                    Ok(leadership) => self.of_leadership(leadership, origin.elapsed_us()),
                    Err(_) => Vec::new(),
                }
            }
            // It is down, paused or busy; the next look will tell.
            Err(_) => Vec::new(),
        }
    }

    fn of_history(&mut self, history: &History, origin: Origin) -> Vec<ConfigurationEvent> {
        let mut news = Vec::new();
        for change in &history.changes {
            let age = change.configuration.age();
            if self.told.is_none_or(|told| age > told) {
                self.told = Some(age);
                let kind = kind_of(change.cause);
                if kind == EventKind::LeaderChanged {
                    self.not_serving.insert(age);
                }
                let suspected_us = change.suspected_us.map(|us| origin.since_origin(us));
                let at_us = origin.since_origin(change.stored_us);
                news.push(ConfigurationEvent { suspected_us, ..news_of(change, kind, at_us) });
            }
            if let Some(serving_us) = change.serving_us
                && self.not_serving.remove(&age)
            {
                let at_us = origin.since_origin(serving_us);
                news.push(news_of(change, EventKind::LeaderServes, at_us));
            }
        }
        news
    }

    fn of_leadership(&mut self, leadership: Leadership, at_us: u64) -> Vec<ConfigurationEvent> {
        let kind = match &self.leadership {
            Some(known) if *known == leadership => return Vec::new(),
            Some(known) if (known.leader, known.epoch) == (leadership.leader, leadership.epoch) => {
                EventKind::InSyncChanged
            }
            _ => EventKind::LeaderChanged,
        };
        self.leadership = Some(leadership.clone());
        let detail = "as polled, without a history".to_owned();
        let (version, suspected_us) = (None, None);
        vec![ConfigurationEvent {
            at_us,
            kind,
            configuration: leadership,
            version,
            suspected_us,
            detail,
        }]
    }
}

fn news_of(change: &ConfigurationChange, kind: EventKind, at_us: u64) -> ConfigurationEvent {
    let Configuration { version, epoch, leader, .. } = change.configuration;
    let in_sync = change.configuration.member_ids().collect();
    ConfigurationEvent {
        at_us,
        kind,
        configuration: Leadership { leader, epoch, in_sync },
        version: Some(version),
        suspected_us: None,
        detail: describe(change.cause).to_owned(),
    }
}

fn kind_of(cause: Cause) -> EventKind {
    match cause {
        Cause::First
        | Cause::Adopted
        | Cause::ByEverybody
        | Cause::FrontEndRestart
        | Cause::Election
        | Cause::LeaderRestart
        | Cause::GrayFailure => EventKind::LeaderChanged,
        Cause::Remove | Cause::Add => EventKind::InSyncChanged,
    }
}

fn describe(cause: Cause) -> &'static str {
    match cause {
        Cause::First => "first configuration",
        Cause::Adopted => "front-end began again from what the others know",
        Cause::ByEverybody => "every replica answered, to fill the catalog",
        Cause::FrontEndRestart => "front-end restarted",
        Cause::Election => "leader did not answer",
        Cause::LeaderRestart => "leader was restarted",
        Cause::GrayFailure => "leader could not work",
        Cause::Remove => "member removed",
        Cause::Add => "member added",
    }
}

#[cfg(test)]
mod tests;
