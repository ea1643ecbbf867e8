//! ProgressEvent as bars on a terminal: one for all steps, one for the load of the trial that runs, and one
//! for its faults, with what comes next and when.

use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::lines::{self, title};
use super::progress_event::{PlannedAct, ProgressEvent};
use super::{Reporter, clock};
use crate::output::{note, say};

/// The bars of a command.
pub(super) struct Bars {
    area: MultiProgress,
    all: Option<AllSteps>,
    trial: Option<OneTrial>,
    is_proof: bool,
}

const ALL: &str = "{prefix:7} [{elapsed_precise}] {bar:16} {pos}/{len} {wide_msg}";
const LOAD: &str = "load               {bar:16} {wide_msg}";
/// A load that is counted in iterations has no length in time.
const LOAD_WITHOUT_END: &str = "load               {spinner} {wide_msg}";
const FAULTS: &str = "faults             {bar:16} {pos}/{len} {wide_msg}";

struct AllSteps {
    bar: ProgressBar,
    name: String,
    /// When everything will be over, as far as can be told.
    ends_at: Instant,
}

struct OneTrial {
    load: ProgressBar,
    faults: Option<ProgressBar>,
    load_time: Option<Duration>,
    planned: Vec<PlannedAct>,
    load_began: Option<(Instant, u64)>,
    /// The fault that was injected last, in words.
    last_fault: String,
    /// What happens once the load is over.
    afterwards: &'static str,
}

impl Bars {
    /// Bars on stderr, if that is a terminal.
    pub(super) fn on_terminal() -> Option<Self> {
        let area = MultiProgress::with_draw_target(ProgressDrawTarget::stderr());
        if area.is_hidden() {
            return None;
        }
        Some(Self { area, all: None, trial: None, is_proof: false })
    }

    fn begin_trial(&mut self, load_ms: Option<u64>, planned: Vec<PlannedAct>) {
        self.end_trial();
        let load = match load_ms {
            Some(load_ms) => self.add(ProgressBar::new(load_ms), LOAD),
            None => self.add(ProgressBar::new_spinner(), LOAD_WITHOUT_END),
        };
        let acts = planned.len() as u64;
        let faults = (acts > 0).then(|| self.add(ProgressBar::new(acts), FAULTS));
        let trial = OneTrial {
            load,
            faults,
            load_time: load_ms.map(Duration::from_millis),
            planned,
            load_began: None,
            last_fault: String::new(),
            afterwards: "looking the orders up",
        };
        trial.show();
        self.trial = Some(trial);
    }

    fn end_trial(&mut self) {
        if let Some(trial) = self.trial.take() {
            for bar in std::iter::once(trial.load).chain(trial.faults) {
                bar.finish_and_clear();
                self.area.remove(&bar);
            }
        }
    }

    fn add(&self, bar: ProgressBar, template: &str) -> ProgressBar {
        let bar = self.area.add(bar);
        // A template that indicatif refused would leave its own style, which is good enough.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar
    }

    fn clear(&mut self) {
        self.end_trial();
        if let Some(all) = self.all.take() {
            all.bar.finish_and_clear();
            self.area.remove(&all.bar);
        }
    }
}

impl Reporter for Bars {
    fn tell(&mut self, event: &ProgressEvent) {
        match event {
            ProgressEvent::RunBegan { kind, name, folder, steps, .. } => {
                self.is_proof = *kind == "prove";
                self.line(&format!("{}: {folder}", title(kind, name)));
                let bar = self.add(ProgressBar::new(u64::from(*steps)), ALL);
                bar.set_prefix(match *kind {
                    "soak" => "rounds",
                    "prove" => "rows",
                    _ => "trials",
                });
                let ends_at = Instant::now();
                self.all = Some(AllSteps { bar, name: String::new(), ends_at });
            }
            ProgressEvent::StepBegan { name, left_ms, .. } => {
                if let Some(all) = &mut self.all {
                    all.name.clone_from(name);
                    all.expect_end(*left_ms);
                }
            }
            ProgressEvent::StepEnded { ended, left_ms, .. } => {
                if let Some(all) = &mut self.all {
                    all.bar.set_position(u64::from(*ended));
                    all.expect_end(*left_ms);
                }
            }
            // A proof has two runs at a time, for which one bar of a load would lie.
            ProgressEvent::TrialBegan { load_ms, planned, .. } if !self.is_proof => {
                self.begin_trial(*load_ms, planned.clone());
            }
            ProgressEvent::TrialEnded { .. } => self.end_trial(),
            ProgressEvent::Recorded { .. } | ProgressEvent::Verdict { .. } => self.clear(),
            _ => {
                if let Some(trial) = &mut self.trial {
                    trial.hear(event);
                }
            }
        }
    }

    fn line(&mut self, line: &str) {
        self.area.suspend(|| note!("{line}"));
    }

    fn print(&mut self, line: &str) {
        self.area.suspend(|| say!("{line}"));
    }

    fn tick(&mut self) {
        if let Some(all) = &self.all {
            all.show();
        }
        if let Some(trial) = &self.trial {
            trial.show();
        }
    }
}

impl AllSteps {
    fn expect_end(&mut self, left_ms: u64) {
        self.ends_at = Instant::now() + Duration::from_millis(left_ms);
        self.show();
    }

    fn show(&self) {
        let left = self.ends_at.saturating_duration_since(Instant::now());
        self.bar.set_message(format!("{}, about {} left", self.name, clock(left)));
    }
}

impl OneTrial {
    fn hear(&mut self, event: &ProgressEvent) {
        match event {
            ProgressEvent::LoadBegan { at_us, .. } => {
                self.load_began = Some((Instant::now(), *at_us));
            }
            ProgressEvent::Fault { .. } => {
                let (_, began_us) = self.load_began.unwrap_or((Instant::now(), 0));
                self.last_fault = lines::fault_line(event, began_us).unwrap_or_default();
                if let Some(faults) = &self.faults {
                    faults.inc(1);
                }
            }
            ProgressEvent::Healed { .. } => self.afterwards = "healed; looking the orders up",
            ProgressEvent::LoadEnded { .. } => self.afterwards = "comparing the replicas",
            ProgressEvent::Converged { .. } => self.afterwards = "stopping",
            _ => {}
        }
        self.show();
    }

    fn show(&self) {
        let Some((began, _)) = self.load_began else {
            self.load.set_message("starting and warming up");
            return;
        };
        let gone = began.elapsed();
        match self.load_time {
            Some(time) => {
                self.load.set_position(super::milliseconds(gone.min(time)));
                self.load.set_message(match time.checked_sub(gone) {
                    Some(left) => format!("{} left", clock(left)),
                    None => self.afterwards.to_owned(),
                });
            }
            None => {
                self.load.tick();
                self.load.set_message(format!("{} so far", clock(gone)));
            }
        }
        if let Some(faults) = &self.faults {
            faults.set_message(self.faults_line(gone));
        }
    }

    /// What was done last, and what comes next.
    fn faults_line(&self, gone: Duration) -> String {
        let done = self.last_fault.trim();
        let next = self.planned.iter().find(|act| Duration::from_millis(act.at_ms) > gone);
        let Some(PlannedAct { at_ms, action, target, .. }) = next else { return done.to_owned() };
        let left = clock(Duration::from_millis(*at_ms).saturating_sub(gone));
        // What comes next stands first: it must not be cut off by a narrow terminal.
        let separator = if done.is_empty() { "" } else { "; " };
        format!("next: {action} {target} in {left}{separator}{done}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_faults_line_says_what_was_done_and_what_comes_next() {
        let act = |at_ms, action: &str| PlannedAct {
            at_ms,
            fault: 1,
            action: action.to_owned(),
            target: "leader".to_owned(),
        };
        let mut trial = OneTrial {
            load: ProgressBar::hidden(),
            faults: None,
            load_time: None,
            planned: vec![act(5000, "kill"), act(7500, "restart")],
            load_began: None,
            last_fault: String::new(),
            afterwards: "",
        };
        let line = |trial: &OneTrial, seconds| trial.faults_line(Duration::from_secs(seconds));
        assert_eq!(line(&trial, 2), "next: kill leader in 3 s");
        trial.last_fault = "  5.0 s: kill leader, order-3".to_owned();
        assert_eq!(line(&trial, 6), "next: restart leader in 1 s; 5.0 s: kill leader, order-3");
        assert_eq!(line(&trial, 9), "5.0 s: kill leader, order-3");
    }

    #[test]
    fn every_template_is_one_that_indicatif_accepts() {
        for template in [ALL, LOAD, LOAD_WITHOUT_END, FAULTS] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
