//! What a client is: it does one operation at a time, counts them from 1, and its rows stand in the
//! order in which it did them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Misfit;
use crate::records::{Event, EventKind, Numbered, Observation, Op, Outcome, Phase, Row as _};

/// No operation lasts longer: a client gives up after ten minutes at the most (`request_timeout_ms`).
const MAX_LATENCY_US: u64 = 3_600_000_000;

/// How well the times of a trial's clients are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Clocks {
    /// How far a time may be off: 0 if all clients were on the harness's own host, nothing if nobody says how far.
    bound_us: Option<u64>,
}

/// How far two clocks drift apart in a millisecond, in microseconds, generously: an operation is timed by one of them.
const DRIFT_US_PER_MS: u64 = 2;

impl Clocks {
    /// As the events say of hosts that clients were on.
    pub(super) fn of(events: &[Numbered<Event>]) -> Self {
        let of_kind = |kind| events.iter().filter(move |event| event.event == kind);
        let ready = of_kind(EventKind::SenderReady).count();
        let ends = [EventKind::SenderLost, EventKind::SenderEnded];
        let ends: Vec<_> = ends.into_iter().flat_map(of_kind).collect();
        let told = ends.iter().filter_map(|event| event.bound_us);
        let bound_us = if ready == 0 { Some(0) } else { told.max() };
        Self { bound_us: bound_us.filter(|_| ends.len() >= ready) }
    }

    /// Whether an operation that took so long may seem to have lasted for `seen_us`: its beginning and its end may be off, each
    /// by what its own reading of the clock leaves open and by what the other's does.
    fn allow(self, latency_us: u64, seen_us: u64) -> bool {
        match self.bound_us {
            Some(0) => latency_us == seen_us,
            Some(bound_us) => {
                let drift_us = (latency_us / 1_000 + 1).saturating_mul(DRIFT_US_PER_MS);
                let open_us = bound_us.saturating_mul(4).saturating_add(drift_us);
                latency_us <= seen_us && seen_us - latency_us <= open_us
            }
            None => latency_us <= seen_us,
        }
    }
}

/// How far a client has come.
#[derive(Debug, Default)]
pub(super) struct Client {
    seq: u64,
    end_us: u64,
    /// The orders that it was told of, and the lookups that it did at the end.
    pub(super) acknowledged: u64,
    pub(super) looked_up: u64,
}

/// Holds the rows of a trial that lasted from `began_us` to `ended_us`, as far as that is known.
/// Returns its clients by number.
pub(super) fn audit(
    rows: &[Numbered<Observation>],
    began_us: Option<u64>,
    ended_us: Option<u64>,
    clocks: Clocks,
) -> Result<BTreeMap<u32, Client>, Misfit> {
    let mut clients: BTreeMap<u32, Client> = BTreeMap::new();
    for row in rows {
        let client = clients.entry(row.client).or_default();
        let wrong = times(row, began_us, ended_us, clocks).or_else(|| client.wrong(row));
        if let Some(reason) = wrong {
            return Err(Misfit { file: Observation::FILE, line: row.line, reason });
        }
        client.go_on(row);
    }
    Ok(clients)
}

/// What is wrong with the times of a row.
fn times(
    row: &Observation,
    began_us: Option<u64>,
    ended_us: Option<u64>,
    clocks: Clocks,
) -> Option<String> {
    let Observation { start_us, end_us, latency_us, .. } = *row;
    let reason = if end_us < start_us {
        format!("it ends at {end_us} us, before it starts at {start_us} us")
    } else if !clocks.allow(latency_us, end_us - start_us) {
        format!("latency_us is {latency_us}, and from start to end it is {}", end_us - start_us)
    } else if latency_us > MAX_LATENCY_US {
        format!("no operation takes {latency_us} us: clients give up long before")
    } else if let Some(began_us) = began_us.filter(|&began_us| start_us < began_us) {
        format!("it starts at {start_us} us, before the trial began at {began_us} us")
    } else if let Some(ended_us) = ended_us.filter(|&ended_us| end_us > ended_us) {
        format!("it ends at {end_us} us, after the trial was finished at {ended_us} us")
    } else {
        return None;
    };
    Some(reason)
}

impl Client {
    /// Why a row cannot be what it did next.
    fn wrong(&self, row: &Observation) -> Option<String> {
        let (client, seq, last) = (row.client, row.seq, self.seq);
        let reason = match seq.cmp(&(last + 1)) {
            Ordering::Less if seq == last => {
                format!("the row of operation {seq} of client {client} is there twice")
            }
            Ordering::Less => {
                format!("operation {seq} of client {client} stands after its operation {last}")
            }
            Ordering::Greater => {
                format!("rows before it are missing: client {client} goes from {last} to {seq}")
            }
            Ordering::Equal if row.start_us < self.end_us => format!(
                "client {client} starts operation {seq} at {} us, before its last one ended at {} us",
                row.start_us, self.end_us
            ),
            Ordering::Equal => return None,
        };
        Some(reason)
    }

    fn go_on(&mut self, row: &Observation) {
        (self.seq, self.end_us) = (row.seq, row.end_us);
        match row.op {
            Op::Trade if row.outcome == Outcome::Ok => self.acknowledged += 1,
            Op::Lookup if row.phase == Phase::Lookup => self.looked_up += 1,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn clocks(events: &[(EventKind, u64)]) -> Clocks {
        let event = |(line, (kind, bound_us)): (u64, &(EventKind, u64))| {
            let mut row = Event::new("cell", 1, 5, *kind);
            row.bound_us = Some(*bound_us);
            Numbered { line, row }
        };
        Clocks::of(&(2..).zip(events).map(event).collect::<Vec<_>>())
    }

    #[test]
    fn an_operation_lasts_as_long_as_it_took_unless_the_clock_of_its_host_leaves_that_open() {
        use EventKind::{SenderEnded, SenderLost, SenderReady};
        let here = clocks(&[(EventKind::Confirmed, 900)]);
        assert!(here.allow(50, 50) && !here.allow(50, 51) && !here.allow(50, 49));
        let same = clocks(&[(SenderReady, 0), (SenderEnded, 0)]);
        assert!(same.allow(50, 50) && !same.allow(50, 51));
        let there =
            clocks(&[(SenderReady, 10), (SenderReady, 3), (SenderEnded, 40), (SenderLost, 9)]);
        assert!(there.allow(50, 50) && there.allow(50, 212) && !there.allow(50, 213));
        assert!(!there.allow(50, 49), "it cannot have lasted for less than it took");
    }

    #[test]
    fn of_a_harness_that_was_killed_nobody_says_how_far_times_may_be_off() {
        let cut = clocks(&[(EventKind::SenderReady, 10)]);
        assert!(cut.allow(50, 5_000) && !cut.allow(50, 49));
    }
}
