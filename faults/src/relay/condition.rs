//! How bad one direction is when several faults act on it at once. Pure.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use crate::schedule::{CutMode, LinkFault};

/// What happens to bytes that are to pass.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Condition {
    /// They do not.
    pub(super) cut: Option<CutMode>,
    /// They pass that much later.
    pub(super) delay: Duration,
    /// They pass no faster.
    pub(super) bytes_per_s: Option<NonZeroU64>,
}

/// The faults that act on a direction, by their numbers.
#[derive(Debug, Default)]
pub(super) struct ActiveLinkFaults(BTreeMap<u32, LinkFault>);

impl ActiveLinkFaults {
    pub(super) fn add(&mut self, fault: u32, kind: LinkFault) {
        self.0.insert(fault, kind);
    }

    pub(super) fn remove(&mut self, fault: u32) {
        self.0.remove(&fault);
    }

    /// The worst of everything. Of two cuts the silent one wins: what is lost on the way never
    /// reaches the place that would reset the connection.
    pub(super) fn together(&self) -> Condition {
        self.0.values().fold(Condition::default(), |mut all, kind| {
            match *kind {
                LinkFault::Cut(mode) => {
                    let silent = all.cut == Some(CutMode::Silent) || mode == CutMode::Silent;
                    all.cut = Some(if silent { CutMode::Silent } else { CutMode::Reset });
                }
                LinkFault::Delay(delay) => all.delay = all.delay.max(delay),
                LinkFault::Throttle(rate) => {
                    let slower = all.bytes_per_s.is_none_or(|known| rate < known);
                    all.bytes_per_s = if slower { Some(rate) } else { all.bytes_per_s };
                }
                // A relay has no packets, and is never told of these.
                LinkFault::Lose(_) | LinkFault::Duplicate(_) => {}
            }
            all
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_of_everything_counts_until_it_is_removed() {
        let rate = |bytes| NonZeroU64::new(bytes).unwrap();
        let ms = Duration::from_millis;
        let mut active = ActiveLinkFaults::default();
        assert_eq!(active.together(), Condition::default());
        let all = [
            LinkFault::Delay(ms(50)),
            LinkFault::Cut(CutMode::Reset),
            LinkFault::Throttle(rate(10)),
            LinkFault::Delay(ms(20)),
            LinkFault::Cut(CutMode::Silent),
            LinkFault::Throttle(rate(99)),
        ];
        for (fault, kind) in (1..).zip(all) {
            active.add(fault, kind);
        }
        let (cut, delay, bytes_per_s) = (Some(CutMode::Silent), ms(50), Some(rate(10)));
        assert_eq!(active.together(), Condition { cut, delay, bytes_per_s });
        for fault in [1, 3, 5] {
            active.remove(fault);
        }
        let (cut, delay, bytes_per_s) = (Some(CutMode::Reset), ms(20), Some(rate(99)));
        assert_eq!(active.together(), Condition { cut, delay, bytes_per_s });
    }
}
