//! What a client is: it does one operation at a time, counts them from 1, and its rows stand in the
//! order in which it did them.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::Misfit;
use crate::records::{Numbered, Observation, Op, Outcome, Phase, Row as _};

/// No operation lasts longer: a client gives up after ten minutes at the most (`request_timeout_ms`).
const MAX_LATENCY_US: u64 = 3_600_000_000;

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
) -> Result<BTreeMap<u32, Client>, Misfit> {
    let mut clients: BTreeMap<u32, Client> = BTreeMap::new();
    for row in rows {
        let client = clients.entry(row.client).or_default();
        let wrong = times(row, began_us, ended_us).or_else(|| client.wrong(row));
        if let Some(reason) = wrong {
            return Err(Misfit { file: Observation::FILE, line: row.line, reason });
        }
        client.go_on(row);
    }
    Ok(clients)
}

/// What is wrong with the times of a row.
fn times(row: &Observation, began_us: Option<u64>, ended_us: Option<u64>) -> Option<String> {
    let Observation { start_us, end_us, latency_us, .. } = *row;
    let reason = if end_us < start_us {
        format!("it ends at {end_us} us, before it starts at {start_us} us")
    } else if latency_us != end_us - start_us {
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
