//! What is done to links.

use records::{End, EventKind, Route};

use super::{Injection, OneFault};
use crate::bazaar::{ActError, LinkHealed};
use crate::schedule::{Action, Link, LinkEnd, LinkFault};

/// Something that was done to a link: when, on `CLOCK_MONOTONIC`, and what a reader needs besides.
struct Done {
    action: Action,
    at_ms: u64,
    route: Route,
    at_us: u64,
    detail: Option<String>,
}

impl OneFault {
    /// Relays do what is done at once; hosts say when they have done it.
    pub(super) async fn inject_link_fault(&mut self, link: Link, kind: LinkFault) {
        let Link { from, to, both_ways } = link;
        let Some(from) = self.find_end(from).await else { return };
        let Some(to) = self.find_end(to).await else { return };
        let route = Route { from, to, both_ways };
        let (number, action, at_ms) = (self.fault.number, kind.begin(), self.fault.at_ms);
        let broken = match self.bazaar.inject_link_fault(number, route, kind).await {
            Ok(broken) => broken,
            Err(error) => return self.not_done(action, at_ms, None, &error.to_string()),
        };
        let how = broken.how.map_or_else(String::new, |how| format!(", {how}"));
        let detail = Some(format!("{kind}{how}"));
        let done = Done { action, at_ms, route, at_us: broken.at_us, detail: detail.clone() };
        self.tell_link(&done, Ok((broken.seen_us, detail)));
        if let Some(ends_at_ms) = self.fault.ends_at_ms
            && self.wait_until(ends_at_ms).await
            && let Some(LinkHealed { at_us, seen }) = self.bazaar.heal_link(number).await
        {
            let (action, at_ms) = (Action::Heal, ends_at_ms);
            self.tell_link(&Done { action, at_ms, route, at_us, detail: None }, seen);
        }
    }

    async fn find_end(&mut self, end: LinkEnd) -> Option<End> {
        match end {
            LinkEnd::Target(target) => self.find(target).await.map(End::Process),
            LinkEnd::Any => Some(End::Any),
            LinkEnd::Replicas => Some(End::Replicas),
            LinkEnd::Clients => Some(End::Clients),
        }
    }

    /// Tells what was done, and then whether it was seen to have worked: when, and what a reader needs besides.
    fn tell_link(&mut self, done: &Done, seen: Result<(u64, Option<String>), ActError>) {
        let &Done { action, at_ms, route, at_us, ref detail } = done;
        let (fault, origin) = (self.fault.number, self.events.origin());
        let at_us = origin.since_origin(at_us);
        let (seen_as, seen_us, said) = match seen {
            Ok((seen_us, said)) => (EventKind::Confirmed, origin.since_origin(seen_us), said),
            Err(error) => (EventKind::NotConfirmed, origin.elapsed_us(), Some(error.to_string())),
        };
        let told = [(EventKind::Injected, at_us, detail.clone()), (seen_as, seen_us, said)];
        for (kind, at_us, detail) in told {
            self.events.emit_at(at_us, kind, |event| {
                self.describe(event, action, at_ms);
                event.process = Some(route.into());
                event.ends = action.is_end().then_some(fault).into_iter().collect();
                event.detail = detail;
            });
        }
        let confirmed = seen_as == EventKind::Confirmed;
        self.done.push(Injection { fault, action, process: None, at_us, done: true, confirmed });
    }
}
