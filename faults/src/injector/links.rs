//! What is done to links.

use records::{End, EventKind, Route};

use super::{Injection, OneFault};
use crate::schedule::{Action, Link, LinkEnd, LinkFault};

impl OneFault {
    /// Links are broken by the harness itself, so what is done is done at once.
    pub(super) async fn inject_link_fault(&mut self, link: Link, kind: LinkFault) {
        let Link { from, to, both_ways } = link;
        let Some(from) = self.find_end(from).await else { return };
        let Some(to) = self.find_end(to).await else { return };
        let route = Route { from, to, both_ways };
        let (number, begin, at_ms) = (self.fault.number, kind.begin(), self.fault.at_ms);
        match self.bazaar.inject_link_fault(number, route, kind) {
            Ok(at_monotonic_us) => {
                self.tell_link(begin, at_ms, route, at_monotonic_us, &kind.to_string());
            }
            Err(error) => return self.not_done(begin, at_ms, None, &error.to_string()),
        }
        if let Some(ends_at_ms) = self.fault.ends_at_ms
            && self.wait_until(ends_at_ms).await
            && let Some(at_monotonic_us) = self.bazaar.heal_link(number)
        {
            self.tell_link(Action::Heal, ends_at_ms, route, at_monotonic_us, "");
        }
    }

    async fn find_end(&mut self, end: LinkEnd) -> Option<End> {
        match end {
            LinkEnd::Target(target) => self.find(target).await.map(End::Process),
            LinkEnd::Any => Some(End::Any),
        }
    }

    fn tell_link(
        &mut self,
        action: Action,
        at_ms: u64,
        route: Route,
        at_monotonic_us: u64,
        detail: &str,
    ) {
        let at_us = self.events.origin().since_origin(at_monotonic_us);
        for kind in [EventKind::Injected, EventKind::Confirmed] {
            self.events.emit_at(at_us, kind, |event| {
                self.describe(event, action, at_ms);
                event.process = Some(route.into());
                event.ends = action.is_end().then_some(self.fault.number).into_iter().collect();
                event.detail = (!detail.is_empty()).then(|| detail.to_owned());
            });
        }
        let fault = self.fault.number;
        self.done.push(Injection {
            fault,
            action,
            process: None,
            at_us,
            done: true,
            confirmed: true,
        });
    }
}
