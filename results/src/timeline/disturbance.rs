//! Faults that overlap or follow each other at once, taken together.

use super::Fault;

/// A time in which something was broken, from a whole bazaar to a whole bazaar.
#[derive(Clone, Debug)]
pub struct Disturbance<'a> {
    /// What was broken in it, in the order of time; never empty.
    pub faults: Vec<&'a Fault>,
    /// Since when.
    pub from_us: u64,
    /// Until when; `None` if it was never over.
    pub to_us: Option<u64>,
}

pub(super) fn disturbances(faults: &[Fault], apart_us: u64) -> Vec<Disturbance<'_>> {
    let mut disturbances: Vec<Disturbance<'_>> = Vec::new();
    for fault in faults {
        let from_us = fault.injected.at_us;
        match disturbances.last_mut() {
            Some(last) if last.to_us.is_none_or(|to_us| from_us < to_us + apart_us) => {
                last.to_us = last.to_us.zip(fault.over_us).map(|(one, other)| one.max(other));
                last.faults.push(fault);
            }
            _ => {
                let faults = vec![fault];
                disturbances.push(Disturbance { from_us, to_us: fault.over_us, faults });
            }
        }
    }
    disturbances
}

impl Disturbance<'_> {
    /// Its faults, and since when.
    #[must_use]
    pub fn describe(&self) -> String {
        /// How many faults are named; more make no sentence.
        const NAMED: usize = 3;
        let named = self.faults.iter().take(NAMED);
        let mut names: Vec<String> = named.map(|fault| fault.describe()).collect();
        if self.faults.len() > NAMED {
            names.push(format!("{} more faults", self.faults.len() - NAMED));
        }
        // Exact below 2^53 us, which is 285 years.
        format!("the {} at {:.3} ms", names.join(", "), self.from_us as f64 / 1_000.0)
    }
}
