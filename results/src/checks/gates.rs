//! Whether a run was hard enough for its silence to mean something.
//!
//! A check that finds nothing has shown something only if there was enough to look at: faults that
//! hit a bazaar at work, clients that tried while it was broken and went on afterwards, trades that
//! could have been lost, reads that could have been stale. Each gate counts one of these and says
//! how much it needs; a gate that stays shut makes the run inconclusive. (That faults took place at
//! all, and that they worked, is among the [doubts](super::inconclusive).)

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use crate::lateness::Clients;
use crate::records::{Fact, Numbered, Op, Phase};
use crate::timeline::Disturbance;

use super::history::History;
use super::rows::Operation;
use super::trial_name::TrialName;

/// Operations that must have succeeded between two disturbances. With fewer it would be by chance
/// which of the few clients' steps a fault falls on, and one slow client could be all there is.
pub const MIN_AROUND_A_FAULT: u64 = 5;

/// Operations that must have been under way or tried while something was broken. One is enough to
/// be lost or doubled; a fault that lasts a few milliseconds cannot meet many.
pub const MIN_DURING_A_FAULT: u64 = 1;

/// Faults less than this far apart count as one disturbance: in less than a second nobody but the
/// processes themselves has time to notice that everything was whole.
pub const APART_US: u64 = 1_000_000;

/// Trades that must have been acknowledged in all, and reads that must have followed one on their
/// stock. If one in ten went wrong, thirty would miss it with a probability of 0.9^30 = 4 %: a
/// silent run excludes, at 95 %, all but rarer faults (the rule of three: 3 / n).
pub const MIN_CHANCES: u64 = 30;

/// How many percent of what was due in an open loop its generator may keep back through no fault of the
/// service: as much as a 99th percentile hides. How late it may be with the rest is asked of every figure:
/// [one that says too much about it](crate::lateness) is withheld.
pub const MAX_KEPT_BACK_PERCENT: u64 = 1;

/// One gate over the whole run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gate {
    /// The gate's name, the same in every version.
    pub name: String,
    /// What is counted, to go on after a number.
    pub what: String,
    /// How many there must be, or, if `at_most`, may be.
    pub needed: u64,
    /// Whether fewer are better.
    pub at_most: bool,
    /// At how many places it was looked at: the run, or each of its faults. None if the plan has no
    /// such place.
    pub places: u64,
    /// The worst number, if there was a place.
    pub worst: Option<u64>,
    /// The first places at which it was shut.
    pub shut: Vec<ShutGate>,
    /// At how many places it was shut.
    pub shut_places: u64,
}

/// Where a gate was shut.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShutGate {
    /// The trial, if it was in one.
    pub trial: Option<TrialName>,
    /// Where in it.
    pub place: String,
    /// The number there.
    pub number: u64,
}

/// How many places are named; a plan with hundreds of faults would make the report hard to read.
const MAX_NAMED: usize = 5;

impl Gate {
    fn new(name: &str, what: &str, needed: u64) -> Self {
        Self {
            name: name.to_owned(),
            what: what.to_owned(),
            needed,
            at_most: false,
            places: 0,
            worst: None,
            shut: Vec::new(),
            shut_places: 0,
        }
    }

    /// How many it needs, in words: `5 or more`.
    #[must_use]
    pub fn bound(&self) -> String {
        format!("{} or {}", self.needed, if self.at_most { "less" } else { "more" })
    }

    /// Whether it was open at every place.
    #[must_use]
    pub fn is_open(&self) -> bool {
        self.shut_places == 0
    }

    /// Why too little happened, in a sentence without its full stop; nothing if it was open.
    #[must_use]
    pub fn why_shut(&self) -> Option<String> {
        if self.is_open() {
            return None;
        }
        let only = if self.at_most { "" } else { "only " };
        let at = self.shut.first().map(|shut| format!(" ({})", shut.place)).unwrap_or_default();
        let worst = self.worst.unwrap_or_default();
        Some(format!("{only}{worst} {}, it takes {}{at}", self.what, self.bound()))
    }

    fn look(&mut self, number: u64, place: impl FnOnce() -> (Option<TrialName>, String)) {
        let worse = if self.at_most { u64::max } else { u64::min };
        self.worst = Some(self.worst.map_or(number, |worst| worse(worst, number)));
        self.places += 1;
        let open = if self.at_most { number <= self.needed } else { number >= self.needed };
        if open {
            return;
        }
        self.shut_places += 1;
        if self.shut.len() < MAX_NAMED {
            let (trial, place) = place();
            self.shut.push(ShutGate { trial, place, number });
        }
    }
}

/// Counts, trial by trial.
pub(super) struct Gates {
    before: Gate,
    during: Gate,
    after: Gate,
    kept_back: Gate,
    /// Trades were planned in some trial that ran to its end.
    trades_planned: bool,
    /// Reads were planned in one, too.
    reads_planned: bool,
    acknowledged: u64,
    reads_after_trades: u64,
}

impl Gates {
    pub(super) fn new() -> Self {
        let around = MIN_AROUND_A_FAULT;
        Self {
            before: Gate::new("load-before-faults", "operations succeeded before it", around),
            during: Gate::new(
                "load-during-faults",
                "operations were tried during it",
                MIN_DURING_A_FAULT,
            ),
            after: Gate::new("load-after-faults", "operations succeeded after it", around),
            kept_back: Gate {
                at_most: true,
                ..Gate::new(
                    "generator-keeps-up",
                    "percent of what was due was never sent although clients were free for longer than they \
                     were busy: the generator could not hold the rate",
                    MAX_KEPT_BACK_PERCENT,
                )
            },
            trades_planned: false,
            reads_planned: false,
            acknowledged: 0,
            reads_after_trades: 0,
        }
    }

    /// Counts a trial. What did not run to its end is inconclusive already.
    pub(super) fn count(&mut self, history: &History<'_>) {
        if !history.timeline.finished {
            return;
        }
        if history.trades_planned() {
            self.trades_planned = true;
            self.reads_planned |= history.has(Fact::Queries) || history.has(Fact::Reads);
            self.acknowledged += history.acknowledged_changes().count() as u64;
            self.reads_after_trades += reads_after_trades(history);
        }
        let disturbances = history.timeline.disturbances(APART_US);
        self.around(history, &disturbances);
        self.punctuality(history);
    }

    fn around(&mut self, history: &History<'_>, disturbances: &[Disturbance<'_>]) {
        // Every operation is looked at three times for each disturbance, so only what counts is.
        let counted = if disturbances.is_empty() { &[] } else { history.operations };
        let counted: Vec<Counted> = counted.iter().map(Counted::new).collect();
        let load_ended_us = history.timeline.load_ended_us.unwrap_or(u64::MAX);
        let succeeded = |from_us: u64, to_us: u64| {
            let to_us = to_us.min(load_ended_us);
            counted.iter().filter(|one| one.succeeded(from_us, to_us)).count() as u64
        };
        for (index, disturbance) in disturbances.iter().enumerate() {
            let place = || (Some(name(history)), disturbance.describe());
            let earlier = index.checked_sub(1).and_then(|index| disturbances[index].to_us);
            let before = succeeded(earlier.unwrap_or(0), disturbance.from_us);
            self.before.look(before, place);
            let tried = counted.iter().filter(|one| one.was_tried(disturbance)).count() as u64;
            self.during.look(tried, place);
            // What was never over has no after; that it was not healed is said elsewhere.
            let Some(to_us) = disturbance.to_us else { continue };
            let later = disturbances.get(index + 1).map_or(u64::MAX, |later| later.from_us);
            self.after.look(succeeded(to_us, later), place);
        }
    }

    /// A service that is slow makes its clients late; here the generator alone is asked about. What was due
    /// and never sent counts, unless the clients were kept busy.
    fn punctuality(&mut self, history: &History<'_>) {
        let mut clients = Clients::default();
        let (mut sent, mut busy_us, mut own_us) = (0_u64, 0_u64, 0_u64);
        for operation in history.operations {
            let row = &operation.row;
            let Some(late) = clients.lateness(row) else { continue };
            busy_us = busy_us.saturating_add(row.latency_us);
            own_us = own_us.saturating_add(late.added_us);
            sent += u64::from(row.phase == Phase::Load);
        }
        let unsent = history.timeline.arrivals_ended.map_or(0, |ended| ended.unsent);
        let due = sent + unsent;
        if due == 0 {
            return;
        }
        // Nothing that was measured shows nothing of the service; otherwise the clients' time says who
        // kept the rest from being sent.
        let is_its_own = sent == 0 || own_us > busy_us;
        let number = if is_its_own { unsent } else { 0 };
        let place = || (Some(name(history)), format!("{number} of {due} operations"));
        self.kept_back.look((number * 100).div_ceil(due), place);
    }

    pub(super) fn finish(self) -> Vec<Gate> {
        let mut trades = Gate::new("enough-trades", "trades were acknowledged", MIN_CHANCES);
        let mut reads =
            Gate::new("enough-reads", "reads followed an acknowledged trade", MIN_CHANCES);
        if self.trades_planned {
            let run = || (None, "the whole run".to_owned());
            trades.look(self.acknowledged, run);
            if self.reads_planned {
                reads.look(self.reads_after_trades, run);
            }
        }
        vec![self.before, self.during, self.after, trades, reads, self.kept_back]
    }
}

fn name(history: &History<'_>) -> TrialName {
    TrialName { cell: history.cell.id.clone(), trial: history.trial }
}

/// What counts of an operation.
struct Counted {
    start_us: u64,
    end_us: u64,
    /// Whether it was answered. Lookups at the end are no load.
    is_answered_load: bool,
}

impl Counted {
    fn new(Numbered { row, .. }: &Operation) -> Self {
        let is_answered_load = row.outcome.is_answer() && row.op != Op::Lookup;
        Self { start_us: row.start_us, end_us: row.end_us, is_answered_load }
    }

    /// Whether it succeeded within this time.
    fn succeeded(&self, from_us: u64, to_us: u64) -> bool {
        self.is_answered_load && from_us <= self.start_us && self.end_us < to_us
    }

    /// Whether it was under way at some moment of the disturbance.
    fn was_tried(&self, disturbance: &Disturbance<'_>) -> bool {
        self.end_us >= disturbance.from_us
            && disturbance.to_us.is_none_or(|to_us| self.start_us <= to_us)
    }
}

/// Reads that began after a trade on their stock had been acknowledged.
fn reads_after_trades(history: &History<'_>) -> u64 {
    let mut first: HashMap<&str, u64> = HashMap::new();
    for trade in &history.acknowledged {
        let end_us = trade.operation.row.end_us;
        let known = first.entry(trade.content().stock_name).or_insert(end_us);
        *known = (*known).min(end_us);
    }
    let after = history.reads.iter().filter(|read| {
        first.get(read.stock_name()).is_some_and(|&end_us| end_us < read.operation.row.start_us)
    });
    (after.count() + reads_after_changes(history)) as u64
}

/// The same of registers and logs.
fn reads_after_changes(history: &History<'_>) -> usize {
    let mut first: HashMap<&str, u64> = HashMap::new();
    for change in history.acknowledged_changes() {
        if let Some(key) = change.row.key() {
            let known = first.entry(key).or_insert(change.row.end_us);
            *known = (*known).min(change.row.end_us);
        }
    }
    let is_after = |read: &&&Operation| {
        let first = read.row.key().and_then(|key| first.get(key));
        first.is_some_and(|&end_us| end_us < read.row.start_us)
    };
    history.key_reads.iter().filter(is_after).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::records::{Action, EventKind};

    use crate::checks::testing::Trial;
    use crate::verdict::Verdict;
    use wire::bazaar::TradeType::{Buy, Sell};

    /// Thirty-two trades, each read, from 10 to 2_000 ms; a leader dies in the middle.
    fn trial() -> Trial {
        let mut trial = Trial::new();
        for step in 0..32_u64 {
            let at_us = 10_000 + step * 60_000;
            let trade_type = if step % 2 == 0 { Buy } else { Sell };
            trial.trade(1, &format!("r{step}"), trade_type, 1, "Stock1", (at_us, at_us + 9));
            trial.read(2, "Stock1", (at_us + 20, at_us + 29));
        }
        trial.fault(1_000_000, Action::Kill, "order-3");
        trial.fault(1_100_000, Action::Restart, "order-3");
        trial.settle(2_100_000, 2_101_000);
        trial
    }

    fn gate(trial: &Trial, name: &str) -> Gate {
        trial.report().gates.into_iter().find(|gate| gate.name == name).unwrap()
    }

    #[track_caller]
    fn assert_shut(trial: &Trial, name: &str, number: u64, place: &str) {
        let report = trial.report();
        assert_eq!(report.verdict, Verdict::Inconclusive);
        let gate = gate(trial, name);
        assert_eq!(gate.shut_places, 1, "{gate:?}");
        assert_eq!((gate.shut[0].number, gate.worst), (number, Some(number)));
        let why = gate.why_shut().unwrap();
        assert!(why.contains(&format!("{number} {}, it takes ", gate.what)), "{why}");
        assert!(gate.shut[0].place.contains(place), "{gate:?}");
        let text = report.to_text();
        assert!(text.contains(&format!("it needs {} or ", gate.needed)), "{text}");
        assert!(text.contains(place), "{text}");
    }

    #[test]
    fn a_run_with_load_around_its_faults_and_enough_trades_opens_every_gate() {
        let mut trial = trial();
        trial.lookup(1, "r0", (2_000_000, 2_000_010));
        let report = trial.report();
        assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
        assert!(report.gates.iter().all(Gate::is_open));
        assert_eq!(gate(&trial, "load-during-faults").worst, Some(4));
    }

    #[test]
    fn a_fault_before_any_load_during_none_or_after_all_shows_nothing() {
        let mut early = trial();
        early.observations.retain(|row| row.start_us > 600_000);
        early.observations.retain(|row| row.start_us > 970_000 || row.start_us < 800_000);
        assert!(gate(&early, "load-before-faults").is_open());
        early.observations.retain(|row| row.start_us > 730_000);
        assert_eq!(gate(&early, "load-before-faults").worst, Some(4));
        assert!(!gate(&early, "load-before-faults").is_open());

        let mut idle = trial();
        idle.observations.retain(|row| row.end_us < 1_000_000 || row.start_us > 1_100_000);
        let during = gate(&idle, "load-during-faults");
        assert_eq!((during.is_open(), during.worst), (false, Some(0)));

        let mut over = trial();
        over.observations.retain(|row| row.end_us < 1_100_000);
        assert_eq!(gate(&over, "load-after-faults").worst, Some(0));
    }

    #[test]
    fn faults_that_overlap_or_follow_at_once_are_one_disturbance() {
        let mut trial = trial();
        trial.fault(1_150_000, Action::Pause, "catalog");
        trial.fault(1_160_000, Action::Resume, "catalog");
        let after = gate(&trial, "load-after-faults");
        assert_eq!((after.places, after.is_open()), (1, true));
    }

    #[test]
    fn too_few_trades_are_told_with_their_number() {
        let mut trial = Trial::new();
        trial.trade(1, "r1", Buy, 1, "Stock1", (10, 20));
        trial.read(1, "Stock1", (30, 40));
        trial.read(1, "Stock1", (50, 60));
        assert_shut(&trial, "enough-trades", 1, "the whole run");
        assert_shut(&trial, "enough-reads", 2, "the whole run");
    }

    #[test]
    fn a_plan_without_trades_or_faults_needs_none() {
        let mut trial = Trial::new();
        trial.manifest.cells[0].p = 0.0;
        trial.read(1, "Stock1", (30, 40));
        trial.read(1, "Stock1", (50, 60));
        let report = trial.report();
        assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
        assert!(report.gates.iter().all(|gate| gate.places == 0));
    }

    /// An open loop whose schedule ended with so many arrivals that were never sent.
    fn overloaded(unsent: u64) -> Trial {
        let mut trial = trial();
        for row in &mut trial.observations {
            row.planned_us = Some(row.start_us);
        }
        trial.event(2_000_000, EventKind::ArrivalsEnded).unsent = Some(unsent);
        trial
    }

    #[test]
    fn a_rate_at_which_nothing_measured_was_sent_was_not_held() {
        let mut trial = overloaded(190_000);
        for row in &mut trial.observations {
            row.phase = Phase::WarmUp;
        }
        assert_shut(&trial, "generator-keeps-up", 100, "190000 of 190000 operations");
    }

    #[test]
    fn what_was_due_and_never_sent_counts_unless_its_clients_were_busy() {
        let mut trial = overloaded(36);
        assert_eq!(gate(&trial, "generator-keeps-up").worst, Some(0));
        for row in &mut trial.observations {
            row.planned_us = Some(row.start_us - 10);
        }
        assert_shut(&trial, "generator-keeps-up", 36, "36 of 100 operations");
    }

    #[test]
    fn a_service_that_keeps_its_clients_waiting_is_a_result() {
        let mut trial = trial();
        // All of it was due at the beginning, and each client was busy with what came before.
        let mut busy_until_us = std::collections::HashMap::new();
        for row in &mut trial.observations {
            row.planned_us = Some(1);
            row.start_us = busy_until_us.insert(row.client, row.end_us).unwrap_or(1);
        }
        assert!(gate(&trial, "generator-keeps-up").is_open());
    }
}
