//! Watches the configuration and the processes' lives.
//!
//! A target that remembers its changes of configuration with their own times is not blurred by polling: a change is
//! reported late, but with the time at which it was on disk. What the bazaar's front-end had not yet been asked for when it is
//! killed is lost with it; its successor begins with a change of its own, under a higher version. A target without a
//! history is asked who leads instead, and the times are then those of the polls.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use records::{Event, EventKind, Processes};
use tokio::time::Instant;
use wire::configuration::{Cause, Configuration, ConfigurationChange, History};
use wire::ids::{ConfigVersion, Epoch};

use crate::bazaar::Bazaar;
use crate::clock::Origin;
use crate::events::EventSink;
use crate::leadership::{self, Alive, Leaders, Leadership, Remembered};

/// How often is looked who has died.
const PERIOD: Duration = Duration::from_millis(50);

/// Emits who leads since when, who is in sync, who died unasked, and which hosts were lost, until `stop` completes.
/// Looks once more then, so that what came before the stop is not missed.
pub async fn watch(bazaar: Arc<Bazaar>, events: EventSink, stop: impl Future<Output = ()> + Send) {
    let mut watch = Watch { bazaar, events, timeline: Timeline::default() };
    let mut ask_at = Instant::now();
    tokio::pin!(stop);
    loop {
        watch.bazaar.report_host_news(&watch.events);
        watch.tell_deaths();
        if Instant::now() >= ask_at {
            ask_at = Instant::now() + watch.bazaar.leaders().period();
            watch.tell_leadership().await;
        }
        tokio::select! {
            () = tokio::time::sleep(PERIOD) => {}
            () = &mut stop => break,
        }
    }
    watch.bazaar.report_host_news(&watch.events);
    watch.tell_deaths();
    watch.tell_leadership().await;
}

struct Watch {
    bazaar: Arc<Bazaar>,
    events: EventSink,
    timeline: Timeline,
}

impl Watch {
    async fn tell_leadership(&mut self) {
        let (leaders, processes) = (self.bazaar.leaders(), self.bazaar.system());
        let alive = leadership::alive(&self.bazaar);
        let news = self.timeline.ask(&**leaders, &alive, processes, self.events.origin()).await;
        for ConfigurationEvent { at_us, kind, configuration, version, suspected_us, detail } in news
        {
            let name = configuration.leader;
            let pid = self.bazaar.process(name).map(|process| process.pid);
            self.events.emit_at(at_us, kind, |event: &mut Event| {
                if kind != EventKind::InSyncChanged {
                    event.process = Some(name.into());
                    event.pid = pid;
                }
                event.epoch = configuration.epoch;
                event.version = version.map(|version| version.0);
                event.leader = processes.number_of(name);
                event.in_sync = configuration.in_sync_numbers(processes);
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
                event.target = death.over_limit.map(|limit| limit.field().to_owned());
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
    /// The last answer of a target without a history, and the pid of the leader.
    polled: Option<(Leadership, u32)>,
}

impl Timeline {
    async fn ask(
        &mut self,
        leaders: &dyn Leaders,
        alive: &Alive,
        processes: &Processes,
        origin: Origin,
    ) -> Vec<ConfigurationEvent> {
        match leaders.history().await {
            Remembered::Changes(history) => self.of_history(&history, processes, origin),
            Remembered::Nothing => {
                let answer = leaders.ask(alive).await.ok();
                self.of_answer(answer, alive, origin.elapsed_us())
            }
            Remembered::NoAnswer => Vec::new(),
        }
    }

    fn of_history(
        &mut self,
        history: &History,
        processes: &Processes,
        origin: Origin,
    ) -> Vec<ConfigurationEvent> {
        let mut news = Vec::new();
        for change in &history.changes {
            let Some(configuration) = configuration_of(change, processes) else {
                let number = change.configuration.leader;
                tracing::debug!(%number, "the history names a leader that is no replica");
                continue;
            };
            let new = |kind, at_us| ConfigurationEvent {
                at_us,
                kind,
                configuration: configuration.clone(),
                version: Some(change.configuration.version),
                suspected_us: None,
                detail: describe(change.cause).to_owned(),
            };
            let age = change.configuration.age();
            if self.told.is_none_or(|told| age > told) {
                self.told = Some(age);
                let kind = kind_of(change.cause);
                if kind == EventKind::LeaderChanged {
                    self.not_serving.insert(age);
                }
                let suspected_us = change.suspected_us.map(|us| origin.since_origin(us));
                let at_us = origin.since_origin(change.stored_us);
                news.push(ConfigurationEvent { suspected_us, ..new(kind, at_us) });
            }
            if let Some(serving_us) = change.serving_us
                && self.not_serving.remove(&age)
            {
                let at_us = origin.since_origin(serving_us);
                news.push(new(EventKind::LeaderServes, at_us));
            }
        }
        news
    }

    /// What an answer adds; no answer, or a leader that is dead, ends nothing by itself: who comes next is told.
    fn of_answer(
        &mut self,
        answer: Option<Leadership>,
        alive: &Alive,
        at_us: u64,
    ) -> Vec<ConfigurationEvent> {
        // A leader that died and leads again, as nobody else was there, has begun anew.
        if self.polled.as_ref().is_some_and(|(known, pid)| alive.get(&known.leader) != Some(pid)) {
            self.polled = None;
        }
        let Some(leadership) = answer else { return Vec::new() };
        let Some(pid) = alive.get(&leadership.leader).copied() else { return Vec::new() };
        let known = self.polled.as_ref().map(|(known, _)| known);
        let kind = match known.filter(|known| leads_as(known, &leadership)) {
            Some(known) if known.in_sync == leadership.in_sync => None,
            Some(_) => Some(EventKind::InSyncChanged),
            None => Some(EventKind::LeaderChanged),
        };
        let mut detail = "as polled, without a history".to_owned();
        if !leadership.rivals.is_empty() {
            let rivals: Vec<_> = leadership.rivals.iter().map(|name| name.as_str()).collect();
            detail.push_str(&format!("; at the same time lead {}", rivals.join(", ")));
        }
        self.polled = Some((leadership.clone(), pid));
        let event = kind.map(|kind| ConfigurationEvent {
            at_us,
            kind,
            configuration: leadership,
            version: None,
            suspected_us: None,
            detail,
        });
        event.into_iter().collect()
    }
}

/// Whether the same process leads in the same epoch, and nobody new says beside it that it leads.
fn leads_as(known: &Leadership, now: &Leadership) -> bool {
    let has_new_rivals = now.rivals.iter().any(|rival| !known.rivals.contains(rival));
    (known.leader, known.epoch) == (now.leader, now.epoch) && !has_new_rivals
}

/// The configuration after a change; `None` if its leader is no replica.
fn configuration_of(change: &ConfigurationChange, processes: &Processes) -> Option<Leadership> {
    let Configuration { epoch, leader, .. } = change.configuration;
    let members = change.configuration.member_ids();
    Some(Leadership {
        leader: processes.replica(leader.0)?,
        epoch: Some(epoch.0),
        in_sync: Some(members.filter_map(|id| processes.replica(id.0)).collect()),
        rivals: Vec::new(),
    })
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
