//! What a soak came to: `soak.json`, written after every round, and the summary at its end.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use anyhow::Context;
use campaign::rounds::{Round, Soak};
use results::records::{Model, ProcessName, RunFolder, built_in, write_whole};
use results::text::counted;
use results::verdict::Verdict;
use serde::{Deserialize, Serialize};

use super::round_report::RoundReport;

/// The version of the format of `soak.json`.
const FORMAT: u32 = 1;
/// Its name in the soak's folder.
const FILE: &str = "soak.json";

/// What a soak came to.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SoakReport {
    /// The version of the format.
    pub format: u32,
    /// The worst verdict of the rounds; inconclusive without any, or if it was interrupted.
    pub verdict: Verdict,
    /// The seed.
    pub seed: u64,
    /// What repeats it.
    pub command: String,
    /// The words that it was run by, with a space behind them, if hosts were made for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub run_by: String,
    /// What names the target on a command line, if one was named, as a shell takes it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub of_target: String,
    /// The harness's version.
    pub version: String,
    /// The commit that the harness was built from, if it is known.
    pub commit: Option<String>,
    /// How many rounds there were to be.
    pub planned_rounds: u32,
    /// Whether it ended before all of them were over.
    pub is_cut_short: bool,
    /// Why, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut_short_by: Option<String>,
    /// Every round that was begun.
    pub rounds: Vec<RoundReport>,
}

impl SoakReport {
    /// Of a soak that has not begun.
    #[must_use]
    pub fn new(seed: u64, command: String, planned_rounds: u32) -> Self {
        Self {
            format: FORMAT,
            verdict: Verdict::Inconclusive,
            seed,
            command,
            run_by: String::new(),
            of_target: String::new(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            commit: option_env!("DOUBLE_TROUBLE_COMMIT").map(str::to_owned),
            planned_rounds,
            is_cut_short: false,
            cut_short_by: None,
            rounds: Vec::new(),
        }
    }

    /// Takes a round, and judges the soak anew.
    pub fn add(&mut self, round: RoundReport) {
        self.rounds.push(round);
        self.judge();
    }

    /// It ended before all rounds were over.
    pub fn cut_short(&mut self, why: &str) {
        self.is_cut_short = true;
        self.cut_short_by.get_or_insert_with(|| why.to_owned());
        self.judge();
    }

    /// How many bytes of its rounds were kept.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.rounds.iter().map(|round| round.bytes).sum()
    }

    /// In how many rounds at the end the system did not start.
    pub(super) fn starts_in_vain(&self) -> usize {
        self.rounds.iter().rev().take_while(|round| round.did_not_start).count()
    }

    fn judge(&mut self) {
        let rounds = self.rounds.iter().map(|round| round.verdict);
        let short = self.is_cut_short.then_some(Verdict::Inconclusive);
        self.verdict =
            rounds.chain(short).reduce(Verdict::combine).unwrap_or(Verdict::Inconclusive);
    }

    /// Writes `soak.json` into the soak's folder, so that it is whole at every moment.
    ///
    /// # Errors
    /// The file cannot be written.
    pub fn write(&self, folder: &RunFolder) -> anyhow::Result<()> {
        let path = folder.path(FILE);
        let text = serde_json::to_string_pretty(self)? + "\n";
        write_whole(&path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The summary for people.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        // Writing to a String cannot fail.
        let mut line = |line: String| _ = writeln!(text, "{line}");
        line(format!("Soak: {}", self.verdict));
        let faults = self.faults();
        for (name, told) in self.counts(&faults) {
            line(format!("  {name:<14}{told}"));
        }
        for (kind, count) in faults {
            line(format!("    {kind:<18} {count:>5}"));
        }
        line(format!("  kept          {:.1} MB", self.bytes() as f64 / 1e6));
        if let Some(why) = &self.cut_short_by {
            line(format!("  ended early   {why}"));
        }
        for round in self.rounds.iter().filter(|round| round.verdict != Verdict::Pass) {
            line(round.to_line());
            line(format!("           again: {}", self.repeat(round.round)));
        }
        line(format!("The same rounds again: {}", self.command));
        text
    }

    /// Rounds, operations, leaders and faults: what each is called, and what there is of it.
    fn counts(&self, faults: &BTreeMap<String, u64>) -> [(&'static str, String); 4] {
        let sum = |value: fn(&RoundReport) -> u64| self.rounds.iter().map(value).sum::<u64>();
        let of = |verdict| self.rounds.iter().filter(|round| round.verdict == verdict).count();
        let rounds = format!(
            "{} of {}: {} passed, {} failed, {} inconclusive",
            self.rounds.len(),
            self.planned_rounds,
            of(Verdict::Pass),
            of(Verdict::Fail),
            of(Verdict::Inconclusive)
        );
        let operations = format!(
            "{}, {} of them acknowledged {}s",
            sum(|round| round.operations),
            sum(|round| round.acknowledged_trades),
            self.model().change()
        );
        let leaders = format!(
            "{} killed, {} paused; {} leaderships",
            sum(|round| round.leader_kills),
            sum(|round| round.leader_pauses),
            sum(|round| round.leaderships)
        );
        let (total, skipped) = (faults.values().sum::<u64>(), sum(|round| round.skipped));
        let told = format!("{total}; acts that found nobody to be done to: {skipped}");
        [("rounds", rounds), ("operations", operations), ("leaders", leaders), ("faults", told)]
    }

    /// What its target keeps.
    fn model(&self) -> Model {
        self.rounds.first().map(|round| round.model).unwrap_or_default()
    }

    /// All rounds' faults. Named replicas are counted together.
    fn faults(&self) -> BTreeMap<String, u64> {
        let mut all = BTreeMap::new();
        for round in &self.rounds {
            let processes = built_in::processes(round.replicas);
            let is_replica = |name: ProcessName| processes.is_replica(name);
            for (kind, count) in &round.faults {
                let kind = match kind.split_once(' ') {
                    Some((action, whom)) if whom.parse().is_ok_and(is_replica) => {
                        format!("{action} a replica")
                    }
                    _ => kind.clone(),
                };
                *all.entry(kind).or_default() += count;
            }
        }
        all
    }

    fn repeat(&self, round: u32) -> String {
        let Self { run_by, of_target, seed, .. } = self;
        format!("{run_by}double-trouble soak{of_target} --seed {seed} --round {round}")
    }

    /// As its page shows it.
    #[must_use]
    pub fn page(&self) -> Soak {
        let round = |round: &RoundReport| {
            let faults = round.faults.iter().map(|(kind, count)| match count {
                1 => kind.clone(),
                count => format!("{count} × {kind}"),
            });
            Round {
                number: round.round,
                folder: round.folder.clone(),
                verdict: round.verdict,
                settings: round.settings(),
                faults: faults.collect::<Vec<_>>().join(", "),
                operations: round.operations,
                acknowledged: round.acknowledged_trades,
                figures: round.figures,
                reasons: round.reasons.clone(),
                again: self.repeat(round.round),
            }
        };
        let counts = self.counts(&self.faults());
        let told = counts.into_iter().map(|(name, told)| format!("{name} {told}"));
        let early = self.cut_short_by.iter().map(|why| format!("It ended early: {why}."));
        Soak {
            title: format!(
                "{} of seed {}{}",
                counted(self.rounds.len() as u64, "round", "rounds"),
                self.seed,
                self.of_target
            ),
            verdict: self.verdict,
            model: self.model(),
            summary: told.chain(early).collect(),
            command: self.command.clone(),
            rounds: self.rounds.iter().map(round).collect(),
        }
    }
}

#[cfg(test)]
pub(super) mod testing {
    use campaign::rounds::RoundFigures;

    use super::*;

    /// A round with three kinds of faults.
    pub(in crate::soak) fn round(number: u32, verdict: Verdict) -> RoundReport {
        RoundReport {
            round: number,
            folder: format!("round-{number:03}"),
            model: Model::Stocks,
            verdict,
            did_not_start: false,
            reasons: Vec::new(),
            p: 0.4,
            cache: Some(true),
            variant: None,
            clients: 5,
            rate_per_s: None,
            replicas: 3,
            operations: 1000,
            acknowledged_trades: 300,
            faults: [
                ("kill leader", 2),
                ("pause order-2", 1),
                ("pause order-1", 1),
                ("cut link", 3),
            ]
            .map(|(kind, count)| (kind.to_owned(), count))
            .into(),
            skipped: 1,
            leader_kills: 3,
            leader_pauses: 0,
            leaderships: 4,
            figures: RoundFigures::default(),
            bytes: 500_000,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use results::records::{Event, EventKind};
    use results::timeline::Timeline;

    use super::testing::round;
    use super::*;

    fn soak(rounds: impl IntoIterator<Item = RoundReport>) -> SoakReport {
        let command = "double-trouble soak --seed 7 --minutes 5".to_owned();
        let mut soak = SoakReport::new(7, command, 3);
        for round in rounds {
            soak.add(round);
        }
        soak
    }

    #[test]
    fn the_worst_round_decides_and_nothing_passes_without_rounds() {
        use Verdict::{Fail, Inconclusive, Pass};
        assert_eq!(soak([]).verdict, Inconclusive);
        assert_eq!(soak([round(1, Pass), round(2, Pass)]).verdict, Pass);
        assert_eq!(soak([round(1, Inconclusive), round(2, Pass)]).verdict, Inconclusive);
        assert_eq!(soak([round(1, Fail), round(2, Inconclusive)]).verdict, Fail);
        let mut short = soak([round(1, Pass)]);
        short.cut_short("the disk");
        assert_eq!(short.verdict, Inconclusive);
    }

    #[test]
    fn the_summary_adds_up_and_says_how_to_repeat_what_did_not_pass() {
        let mut second = round(2, Verdict::Fail);
        second.reasons = vec!["conservation: 1 violations: Stock1 lacks 3".to_owned()];
        let text = soak([round(1, Verdict::Pass), second]).to_text();
        for part in [
            "Soak: fail",
            "2 of 3: 1 passed, 1 failed, 0 inconclusive",
            "2000, 600 of them acknowledged trades",
            "6 killed, 0 paused; 8 leaderships",
            "14; acts that found nobody to be done to: 2",
            "pause a replica        4",
            "conservation: 1 violations: Stock1 lacks 3",
            "kept          1.0 MB",
            "again: double-trouble soak --seed 7 --round 2",
            "The same rounds again: double-trouble soak --seed 7 --minutes 5",
        ] {
            assert!(text.contains(part), "{part}\n{text}");
        }
        assert!(!text.contains("--round 1"), "{text}");
    }

    #[test]
    fn a_page_says_how_it_went_and_repeats_a_round_with_its_target() {
        let mut report = soak([round(1, Verdict::Pass), round(2, Verdict::Fail)]);
        report.of_target = " --target shop.toml".to_owned();
        report.run_by = "double-trouble hosts -- ".to_owned();
        report.cut_short("its rounds hold too much");
        let page = report.page();
        assert_eq!(page.summary[0], "rounds 2 of 3: 1 passed, 1 failed, 0 inconclusive");
        assert!(page.summary.iter().any(|line| line.contains("hold too much")), "{page:?}");
        assert_eq!(
            page.rounds[1].again,
            "double-trouble hosts -- double-trouble soak --target shop.toml --seed 7 --round 2"
        );
        assert_eq!(
            page.rounds[0].faults,
            "3 × cut link, 2 × kill leader, pause order-1, pause order-2"
        );
    }

    #[test]
    fn a_line_speaks_of_a_cache_only_where_there_is_one() {
        let line = |cache, variant: Option<&str>| {
            let variant = variant.map(str::to_owned);
            RoundReport { cache, variant, ..round(1, Verdict::Pass) }.to_line()
        };
        assert!(line(Some(true), None).contains("(p 0.4, cache on, 5 clients, 3 replicas)"));
        assert!(line(Some(false), Some("cache-off")).contains("(p 0.4, cache off, 5 clients"));
        assert!(line(None, Some("safe")).contains("(p 0.4, safe, 5 clients"));
        assert!(line(None, None).contains("(p 0.4, 5 clients, 3 replicas)"));
    }

    #[test]
    fn leaders_are_counted_whatever_the_plan_called_them() {
        let event = |at_us, kind, target: &str, process: &str| {
            let mut event = Event::new("cell", 1, at_us, kind);
            event.action = Some(results::records::Action::Kill);
            event.target = Some(target.to_owned());
            event.process = process.parse().ok();
            event
        };
        let mut changed = Event::new("cell", 1, 20, EventKind::LeaderChanged);
        changed.leader = Some(2);
        let events = [
            event(30, EventKind::Injected, "order-2", "order-2"),
            event(40, EventKind::Injected, "order-1", "order-1"),
            event(10, EventKind::Injected, "leader", "order-3"),
            event(50, EventKind::Skipped, "leader", ""),
            changed,
        ];
        let mut report = RoundReport { leader_kills: 0, skipped: 0, ..round(1, Verdict::Pass) };
        (report.faults, report.leaderships) = (BTreeMap::new(), 0);
        report.count_all(&Timeline::new(&events, &built_in::processes(report.replicas)));
        assert_eq!((report.leader_kills, report.skipped, report.leaderships), (2, 1, 1));
        assert_eq!(report.faults["kill order-2"], 1);
    }

    #[test]
    fn the_file_holds_everything_and_replaces_the_one_before() {
        let folder = tempfile::tempdir().unwrap();
        let run = RunFolder::new(folder.path());
        soak([]).write(&run).unwrap();
        let report = soak([round(1, Verdict::Pass)]);
        report.write(&run).unwrap();
        let text = fs::read_to_string(run.path(FILE)).unwrap();
        assert_eq!(serde_json::from_str::<SoakReport>(&text).unwrap(), report);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }
}
