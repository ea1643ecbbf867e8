//! Processes on other hosts: where each is, how well its times are known, and what became of its host.
//!
//! The invariant: a host that is lost stays lost for its processes. Nothing is said to have happened to them that nobody has seen.

use std::collections::BTreeMap;
use std::sync::Arc;

use records::EventKind;
use supervisor::host::{HostLink, HostNews};

use super::{ActError, Bazaar};
use crate::clock::monotonic_us;
use crate::events::EventSink;
use crate::process::ProcessName;
use crate::schedule::Action;

impl Bazaar {
    /// Every host that a process is on, by its name, with those that are.
    fn hosts(&self) -> BTreeMap<&str, (&Arc<HostLink>, Vec<ProcessName>)> {
        let mut hosts = BTreeMap::<_, (_, Vec<_>)>::new();
        for (process, link) in &self.on_hosts {
            hosts.entry(link.name()).or_insert_with(|| (link, Vec::new())).1.push(*process);
        }
        hosts
    }

    /// Whether the host of a process is lost.
    #[must_use]
    pub fn is_lost(&self, name: ProcessName) -> bool {
        self.on_hosts.get(&name).is_some_and(|link| link.loss().is_some())
    }

    /// How far a time of a process that was seen where it runs may be off, in microseconds; `None` of one on this host.
    pub fn clock_bounds(&self) -> impl Fn(ProcessName) -> Option<u64> + Send + Sync + use<> {
        let hosts = self.on_hosts.clone();
        move |name| Some(hosts.get(&name)?.clock().bound_us(monotonic_us()))
    }

    /// Emits which hosts there are, once for each process there, and how well the time there is known. To be called when the bazaar has just been started.
    pub(super) fn report_hosts(&self, events: &EventSink) {
        for (name, (link, processes)) in self.hosts() {
            let clock = link.clock();
            let names: Vec<_> = processes.iter().map(|name| name.as_str()).collect();
            let detail = format!("{}: {}{}", link.address(), names.join(", "), clock.describe());
            for process in processes {
                events.emit(EventKind::HostReached, |event| {
                    event.target = Some(name.to_owned());
                    event.process = Some(process.into());
                    event.bound_us = Some(clock.bound_us(monotonic_us()));
                    event.detail = Some(detail.clone());
                });
            }
        }
    }

    /// Emits which hosts were lost since the last time, once for each process there, and which could be reached again.
    pub(crate) fn report_host_news(&self, events: &EventSink) {
        for (name, (link, processes)) in self.hosts() {
            for news in link.take_news() {
                match news {
                    HostNews::Lost(loss) => {
                        let at_us = events.origin().since_origin(loss.at_monotonic_us);
                        for process in &processes {
                            events.emit_at(at_us, EventKind::HostLost, |event| {
                                event.target = Some(name.to_owned());
                                event.process = Some((*process).into());
                                event.pid = self.process(*process).map(|process| process.pid);
                                event.detail = Some(loss.reason.clone());
                            });
                        }
                    }
                    HostNews::Back { at_monotonic_us } => {
                        let at_us = events.origin().since_origin(at_monotonic_us);
                        events.emit_at(at_us, EventKind::HostBack, |event| {
                            event.target = Some(name.to_owned());
                            event.detail = Some("nothing of the trial is left there".to_owned());
                        });
                    }
                }
            }
        }
    }

    /// The error of what can be done to processes on this host alone, of one that is on another.
    pub(super) fn must_be_here(&self, name: ProcessName, action: Action) -> Result<(), ActError> {
        match self.on_hosts.get(&name) {
            Some(link) => Err(ActError::OnHost { name, action, host: link.name().to_owned() }),
            None => Ok(()),
        }
    }
}
