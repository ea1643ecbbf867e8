//! What client programs of the target's did wrong in a trial: when one was not there, why first, and what came too late.
//!
//! The target is reached through them, so while one is broken nobody knows whether the services would have answered: such a time
//! is one in which the harness itself could not run.

use super::Span;

/// What client programs did wrong.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ClientTrouble {
    /// How often one broke.
    pub breaks: u64,
    /// What the first did that broke.
    pub first: Option<String>,
    /// How many answers came when their time was over.
    pub late: u64,
    /// When one was broken, and which: the name that its events begin with.
    outages: Vec<(String, Span)>,
}

impl ClientTrouble {
    pub(super) fn broke(&mut self, at_us: u64, detail: Option<&str>) {
        self.breaks += 1;
        let detail = detail.unwrap_or_default();
        self.first.get_or_insert_with(|| detail.to_owned());
        // One that breaks again before it was back has been broken since the first time.
        if self.broken(detail).is_none() {
            let outage = Span { from_us: at_us, to_us: None };
            self.outages.push((name(detail).to_owned(), outage));
        }
    }

    pub(super) fn is_back(&mut self, at_us: u64, detail: Option<&str>) {
        if let Some(outage) = self.broken(detail.unwrap_or_default()) {
            outage.to_us = Some(at_us);
        }
    }

    /// When one was not there.
    pub fn outages(&self) -> impl Iterator<Item = &Span> {
        self.outages.iter().map(|(_, span)| span)
    }

    /// The outage of the program that `detail` is about, if it lasts.
    fn broken(&mut self, detail: &str) -> Option<&mut Span> {
        let mut lasting = self.outages.iter_mut().filter(|(_, span)| span.to_us.is_none());
        lasting.find(|(of, _)| of == name(detail)).map(|(_, span)| span)
    }
}

/// The program's name, with which each of its events begins.
fn name(detail: &str) -> &str {
    detail.split_once(": ").map_or(detail, |(name, _)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_program_is_broken_from_its_first_trouble_until_it_is_back() {
        let mut clients = ClientTrouble::default();
        clients.broke(10, Some("client-1: it ended: signal 9"));
        clients.broke(12, Some("client-2: it answered request 3 twice"));
        clients.broke(14, Some("client-1: it ended: it did not start"));
        clients.is_back(20, Some("client-1: it was started again"));
        clients.is_back(21, Some("client-1: it was started again"));
        let span = |from_us, to_us| Span { from_us, to_us };
        let outages: Vec<Span> = clients.outages().copied().collect();
        assert_eq!(outages, [span(10, Some(20)), span(12, None)]);
        assert_eq!(clients.breaks, 3);
        assert_eq!(clients.first.as_deref(), Some("client-1: it ended: signal 9"));
    }
}
