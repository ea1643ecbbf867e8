//! What sends clients' requests from other hosts, where `load.from` names such: this program once more on each, which the host's agent has
//! started, and which ends with the agent's connection.
//!
//! The invariant: whatever becomes of a sender is told, once, with its time; and none is there any more once [`Senders::stop`] has returned.

use std::sync::Arc;

use anyhow::anyhow;
use driver::sender::{Account, Lost, Sender};
use faults::clock::monotonic_us;
use faults::events::EventSink;
use results::records::EventKind;
use supervisor::host::{HostLink, HostNews};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::hosts::Hosts;
use crate::program::SENDER;

/// How many clients' numbers a line names.
const SHOWN: usize = 6;

/// Those of a trial, in the order in which the clients are shared out among them.
#[derive(Debug)]
pub(crate) struct Senders {
    senders: Vec<Sender>,
    links: Vec<Arc<HostLink>>,
    /// Who writes down what becomes of each.
    reporting: JoinSet<()>,
    stop: watch::Sender<bool>,
}

impl Senders {
    /// Starts one on each host that the load is to come from; nothing if it comes from here. All are ready then.
    ///
    /// # Errors
    /// All that are not.
    pub(crate) async fn start(hosts: &Hosts) -> anyhow::Result<Option<Self>> {
        let links: Vec<_> = hosts.load().cloned().collect();
        if links.is_empty() {
            return Ok(None);
        }
        let (mut senders, mut problems) = (Vec::new(), Vec::new());
        for link in &links {
            match Sender::start(link, &[SENDER]).await {
                Ok(sender) => senders.push(sender),
                Err(reason) => problems.push(format!("load.from: {}: {reason}", link.name())),
            }
        }
        if !problems.is_empty() {
            senders.iter().for_each(Sender::end);
            return Err(anyhow!(problems.join("\n")));
        }
        let (reporting, stop) = (JoinSet::new(), watch::Sender::new(false));
        Ok(Some(Self { senders, links, reporting, stop }))
    }

    /// The senders.
    pub(crate) fn senders(&self) -> &[Sender] {
        &self.senders
    }

    /// The hosts' names, in the same order.
    pub(crate) fn hosts(&self) -> impl Iterator<Item = &str> {
        self.links.iter().map(|link| link.name())
    }

    /// Writes down from where which of so many clients ask, and what becomes of the senders until they are stopped.
    pub(crate) fn report_to(&mut self, hosts: &Hosts, events: &EventSink, clients: u32) {
        let count = self.links.len();
        for (index, (sender, link)) in self.senders.iter().zip(&self.links).enumerate() {
            let own: Vec<u32> = (1..=clients).skip(index).step_by(count).collect();
            let (own, clock) = (in_words(&own), link.clock());
            // Where processes are there, too, the rest is told with them.
            let is_shared = hosts.has_processes(link.name());
            let detail = match is_shared {
                true => own,
                false => format!("{}: {own}{}", link.address(), clock.describe()),
            };
            events.emit(EventKind::SenderReady, |event| {
                event.target = Some(link.name().to_owned());
                event.bound_us = Some(clock.bound_us(monotonic_us()));
                event.detail = Some(detail);
            });
            let report =
                Report { sender: sender.clone(), link: Arc::clone(link), events: events.clone() };
            self.reporting.spawn(report.until(self.stop.subscribe(), is_shared));
        }
    }

    /// Ends them, and returns once what became of them is written down.
    pub(crate) async fn stop(mut self) {
        self.stop.send_replace(true);
        // A panic has been told where it was.
        while self.reporting.join_next().await.is_some() {}
        self.senders.iter().for_each(Sender::end);
    }
}

/// Who writes down what becomes of a sender.
struct Report {
    sender: Sender,
    link: Arc<HostLink>,
    events: EventSink,
}

impl Report {
    async fn until(self, mut stop: watch::Receiver<bool>, is_shared: bool) {
        let lost = tokio::select! {
            // What was lost before the end has not ended.
            biased;
            lost = self.sender.lost() => Some(lost),
            _ = stop.wait_for(|stop| *stop) => None,
        };
        let Account { requests, bound_us } = self.sender.account();
        let Some(lost) = lost else {
            return self.events.emit(EventKind::SenderEnded, |event| {
                event.target = Some(self.link.name().to_owned());
                event.bound_us = Some(bound_us);
                event.detail = Some(format!("{requests} requests"));
            });
        };
        self.tell_loss(lost, bound_us);
        // Who runs there says when it could be reached again; otherwise nobody does.
        if !is_shared {
            let _ = stop.wait_for(|stop| *stop).await;
            self.link.take_news().into_iter().for_each(|news| self.tell_back(&news));
        }
    }

    fn tell_loss(&self, lost: Lost, bound_us: u64) {
        let Lost { reason, at_monotonic_us, heard_monotonic_us, owed } = lost;
        let origin = self.events.origin();
        let owed = match owed {
            0 => String::new(),
            1 => "; what became of 1 request is unknown".to_owned(),
            _ => format!("; what became of {owed} requests is unknown"),
        };
        self.events.emit_at(origin.since_origin(at_monotonic_us), EventKind::SenderLost, |event| {
            event.target = Some(self.link.name().to_owned());
            event.suspected_us = Some(origin.since_origin(heard_monotonic_us));
            event.bound_us = Some(bound_us);
            event.detail = Some(format!("{reason}{owed}"));
        });
    }

    fn tell_back(&self, news: &HostNews) {
        // The loss is told.
        let HostNews::Back { at_monotonic_us } = news else { return };
        let at_us = self.events.origin().since_origin(*at_monotonic_us);
        self.events.emit_at(at_us, EventKind::HostBack, |event| {
            event.target = Some(self.link.name().to_owned());
            event.detail = Some("nothing of the trial is left there".to_owned());
        });
    }
}

/// `clients 1, 3`, of as many as a line takes.
fn in_words(clients: &[u32]) -> String {
    let shown: Vec<String> = clients.iter().take(SHOWN).map(u32::to_string).collect();
    let more = if clients.len() > SHOWN { ", ..." } else { "" };
    let s = if clients.len() == 1 { "" } else { "s" };
    format!("client{s} {}{more}", shown.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_are_named_as_far_as_a_line_goes() {
        assert_eq!(in_words(&[3]), "client 3");
        assert_eq!(in_words(&[1, 3]), "clients 1, 3");
        assert_eq!(in_words(&(1..=9).collect::<Vec<_>>()), "clients 1, 2, 3, 4, 5, 6, ...");
    }
}
