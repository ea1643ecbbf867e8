//! What a check is, and what one trial says about it.

use std::collections::BTreeMap;

use super::anomalies::Anomalies;
use super::evidence::Violation;
use super::history::History;
use super::inconclusive::{InconclusiveReason, Need};
use super::part::Part;
use super::run_file::RunFile;
use crate::records::{Fact, Target};

/// How many violations of a check are kept with their evidence; the rest are only counted. The
/// first few tell what went wrong, and a thousandth would only make the report hard to open.
pub const MAX_EVIDENCE: usize = 20;

/// One property.
pub(crate) struct Check {
    /// Its name in `consistency.json`; never changed once published.
    pub(crate) name: &'static str,
    /// What holds if it passes, in a few words.
    pub(crate) claim: &'static str,
    /// What it consists of; never empty. A target that lacks something for each part makes it not applicable.
    pub(crate) parts: &'static [Part],
    /// What a trial must have for a pass to mean something.
    pub(crate) needs: &'static [Need],
    /// Looks for violations, in those parts that the target allows. Pure; never called for a trial that has
    /// no rows, nor if the check is not applicable.
    pub(crate) examine: fn(&History<'_>, &mut Finding),
    /// What is still counted where the check is not applicable: figures, and no verdict.
    pub(crate) count: Option<fn(&History<'_>, &mut Finding)>,
}

impl Check {
    /// What the target lacks for the part that it comes closest to; nothing if some part can be done.
    pub(crate) fn lacks(&self, target: &Target) -> Vec<Fact> {
        let lacks = self.parts.iter().map(|part| part.lacks(target));
        lacks.min_by_key(Vec::len).unwrap_or_default()
    }

    /// The parts that cannot be done although others can, with what the target lacks for each. Not those of
    /// which another does the work, and finds more.
    pub(crate) fn left_out(&self, target: &Target) -> Vec<(&Part, Vec<Fact>)> {
        if !self.lacks(target).is_empty() {
            return Vec::new();
        }
        let is_needed = |place: usize| {
            let before = place.checked_sub(1).map(|before| &self.parts[before]);
            !self.parts[place].stands_in
                || before.is_some_and(|part| !part.lacks(target).is_empty())
        };
        let parts = self.parts.iter().enumerate().filter(|&(place, _)| is_needed(place));
        parts
            .map(|(_, part)| (part, part.lacks(target)))
            .filter(|(_, lacks)| !lacks.is_empty())
            .collect()
    }
}

/// What one check found in one trial.
#[derive(Default)]
pub(crate) struct Finding {
    /// What was looked at, and how many. If the first of them is 0, nothing could be found.
    pub(crate) examined: Vec<(&'static str, u64)>,
    /// How many violations there are.
    pub(crate) violations: u64,
    /// The first [`MAX_EVIDENCE`] of them.
    pub(crate) evidence: Vec<Violation>,
    /// Extremes worth knowing, violations or not: name with unit, value.
    pub(crate) maxima: BTreeMap<&'static str, f64>,
    /// Why a pass would mean nothing.
    pub(crate) doubts: Vec<InconclusiveReason>,
    /// The trades and reads that were lost, doubled or stale.
    pub(crate) anomalies: Anomalies,
    /// What belongs into the run's folder beside the report.
    pub(crate) files: Vec<RunFile>,
    /// When a host was lost, with all that it held: only what shows by itself before that is a violation.
    loss_us: Option<u64>,
    /// How many would be, but for that.
    pub(crate) excused: u64,
}

impl Finding {
    /// Nothing yet, of a check with these needs in a trial in which a host was lost at this time, if one was. What is held in the
    /// end shows nothing then: it may have been lost with the host.
    pub(crate) fn excusing(loss_us: Option<u64>, needs: &[Need]) -> Self {
        let of_the_end = needs.iter().any(|need| *need != Need::Acknowledged);
        Self { loss_us: loss_us.map(|us| if of_the_end { 0 } else { us }), ..Self::default() }
    }

    /// Records a violation; its evidence is only gathered while it is going to be kept.
    pub(crate) fn violation(&mut self, describe: impl FnOnce() -> Violation) {
        let Some(loss_us) = self.loss_us else { return self.keep(describe) };
        let violation = describe();
        if shows_before(&violation, loss_us) {
            self.keep(|| violation);
        } else {
            self.excused += 1;
        }
    }

    fn keep(&mut self, describe: impl FnOnce() -> Violation) {
        self.violations += 1;
        if self.evidence.len() < MAX_EVIDENCE {
            self.evidence.push(describe());
        }
    }

    /// Says that `count` of `what` were examined.
    pub(crate) fn examined(&mut self, what: &'static str, count: usize) {
        self.examined.push((what, count as u64));
    }

    /// Keeps the largest value under `name`.
    pub(crate) fn maximum(&mut self, name: &'static str, value: f64) {
        self.maxima.entry(name).and_modify(|max| *max = max.max(value)).or_insert(value);
    }

    /// Says why a pass would mean nothing.
    pub(crate) fn inconclusive(&mut self, doubt: InconclusiveReason) {
        if !self.doubts.contains(&doubt) {
            self.doubts.push(doubt);
        }
    }
}

/// Whether all that clients did and saw that shows a violation was over before `us`. Rows of the end beside it are there to be read.
fn shows_before(violation: &Violation, us: u64) -> bool {
    let ends = violation.operations.iter().map(|one| one.observation.end_us);
    violation.at_us.into_iter().chain(ends).max().is_some_and(|last| last < us)
}
