//! Runs of registers and logs, made by clients of one thing that does everything right, written to files as a run writes them, and
//! read back: they pass. Damaged in one listed way each, they fail by the check that is there for it.

use std::fs;
use std::path::Path;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{RngExt, SeedableRng};
use results::checks::{ConsistencyReport, check_run};
use results::records::{
    Cell, Event, EventKind, Fact, FinalKind, FinalRow, Keyed, Manifest, Model, Observation, Op,
    Outcome, Phase, Promises, Replication, RunFolder, Target,
};
use results::run::Run;
use results::verdict::Verdict;
use serde::Serialize;

const CELL: &str = "p0.5";
const CLIENTS: u32 = 5;
/// Enough for the gates.
const OPERATIONS: u64 = 600;

#[derive(Clone)]
struct Made {
    model: Model,
    observations: Vec<Observation>,
    finals: Vec<FinalRow>,
    /// Who keeps it, each all of it.
    kept_by: Vec<String>,
}

impl Made {
    /// Operations in turns: each begins while the one before is under way, and takes effect before the next does.
    fn new(model: Model, seed: u64) -> Self {
        let mut rng = Xoshiro256PlusPlus::seed_from_u64(seed);
        let kept_by = vec!["store".to_owned()];
        let mut made = Self { model, observations: Vec::new(), finals: Vec::new(), kept_by };
        let mut held = vec!["null".to_owned(); 3];
        let mut log: Vec<String> = Vec::new();
        for step in 0..OPERATIONS {
            let client = (step % u64::from(CLIENTS)) as u32 + 1;
            let key = rng.random_range(0..held.len());
            let value = (step + 1).to_string();
            let row = |op| Observation {
                client,
                seq: step / u64::from(CLIENTS) + 1,
                phase: Phase::Load,
                request_id: (op != Op::Read).then(|| format!("r{step}").into()),
                ..Observation::new(CELL, 1, op, 1_000 + step * 100, 1_150 + step * 100)
            };
            let (row, keyed) = match (model, rng.random_range(0..4)) {
                (Model::Log, 0..=1) => {
                    log.push(value.clone());
                    let position = i64::try_from(log.len()).ok();
                    let value = Some(value.into());
                    (row(Op::Append), Keyed { value, position, ..Keyed::of("log1") })
                }
                (Model::Log, _) => {
                    let value = Some(format!("[{}]", log.join(",")).into());
                    (row(Op::Read), Keyed { value, ..Keyed::of("log1") })
                }
                (_, 0) => {
                    held[key].clone_from(&value);
                    let value = Some(value.into());
                    (row(Op::Write), Keyed { value, ..Keyed::of(name(key)) })
                }
                (_, 1) => {
                    let is_ok = rng.random();
                    let expected = if is_ok { held[key].clone() } else { "\"other\"".to_owned() };
                    if is_ok {
                        held[key].clone_from(&value);
                    }
                    let outcome = if is_ok { Outcome::Ok } else { Outcome::Rejected };
                    let (value, expected) = (Some(value.into()), Some(expected.into()));
                    let row = Observation { outcome, ..row(Op::CompareAndSet) };
                    (row, Keyed { value, expected, ..Keyed::of(name(key)) })
                }
                _ => {
                    let value = Some(held[key].as_str().into());
                    (row(Op::Read), Keyed { value, ..Keyed::of(name(key)) })
                }
            };
            made.observations.push(Observation { keyed: Some(Box::new(keyed)), ..row });
        }
        made.hold("store", FinalKind::Source, Keyed::default());
        if model == Model::Log {
            for (place, entry) in (1..).zip(log) {
                let (value, position) = (Some(entry.into()), Some(place));
                let keyed = Keyed { value, position, ..Keyed::of("log1") };
                made.hold("store", FinalKind::Entry, keyed);
            }
        } else {
            for (key, value) in held.into_iter().enumerate() {
                let keyed = Keyed { value: Some(value.into()), ..Keyed::of(name(key)) };
                made.hold("store", FinalKind::Register, keyed);
            }
        }
        made
    }

    fn hold(&mut self, source: &str, kind: FinalKind, keyed: Keyed) {
        self.finals.push(FinalRow::new(CELL, 1, source, kind).with_keyed(keyed));
    }

    /// The same, of which somebody else keeps a copy.
    fn copied(mut self) -> Self {
        let copied =
            self.finals.iter().map(|row| FinalRow { source: "copy".into(), ..row.clone() });
        let copied: Vec<_> = copied.collect();
        self.finals.extend(copied);
        self.kept_by.push("copy".to_owned());
        self
    }

    fn target(&self) -> Target {
        let facts: &[Fact] = match self.model {
            Model::Log => &[Fact::Reads, Fact::Values, Fact::Appends, Fact::Positions],
            _ => &[Fact::Reads, Fact::Values, Fact::Writes, Fact::CompareAndSets],
        };
        let promises = Promises { replicated_keys: Replication::Identical, ..Promises::default() };
        let target = Target::new("made", facts.iter().copied(), promises);
        target.keeping(self.model, self.kept_by.clone(), None)
    }

    /// Writes the run's files, and reads them back.
    fn check(&self) -> ConsistencyReport {
        let folder = tempfile::tempdir().expect("a temporary folder can be made");
        let cell = Cell { clients: CLIENTS, ..Cell::new(CELL, 0.5, true) };
        let manifest = Manifest {
            target: Some(self.target()),
            started_at: "2024-05-01T12:00:00Z".to_owned(),
            ..Manifest::new("bench", "made", vec![cell])
        };
        let json = serde_json::to_string(&manifest).expect("a manifest is JSON");
        fs::write(folder.path().join("manifest.json"), json).expect("it can be written");
        write(folder.path(), "observations.csv", &self.observations);
        write(folder.path(), "final.csv", &self.finals);
        let event = |at_us, kind| Event::new(CELL, 1, at_us, kind);
        let mut finished = event(1_000_000, EventKind::Finished);
        finished.observation_rows = Some(self.observations.len() as u64);
        finished.event_rows = Some(4);
        finished.final_rows = Some(self.finals.len() as u64);
        let events = [
            event(500, EventKind::LoadBegan),
            event(900_000, EventKind::LoadEnded),
            event(950_000, EventKind::Converged),
            finished,
        ];
        write(folder.path(), "events.csv", &events);
        let run = Run::open(&RunFolder::new(folder.path())).expect("its files can be read");
        check_run(&run).expect("it can be checked")
    }

    /// The place of the last operation of this kind for which something holds.
    fn last(&self, op: Op, holds: impl Fn(&Observation) -> bool) -> usize {
        let is_it = |row: &Observation| row.op == op && holds(row);
        self.observations.iter().rposition(is_it).expect("there is one")
    }

    /// A row of the copy in the end, after the one that says that it was read.
    fn of_copy(&mut self, number: usize) -> &mut FinalRow {
        let place = self.place_of_copy(number);
        &mut self.finals[place]
    }

    fn place_of_copy(&self, number: usize) -> usize {
        let first = self.finals.iter().position(|row| row.source == "copy");
        first.expect("there is one") + number
    }

    fn keyed(&mut self, place: usize) -> &mut Keyed {
        self.observations[place].keyed.as_mut().expect("each has")
    }
}

fn name(key: usize) -> String {
    format!("k{}", key + 1)
}

fn write(folder: &Path, name: &str, rows: &[impl Serialize]) {
    let mut csv = csv::Writer::from_path(folder.join(name)).expect("it can be made");
    for row in rows {
        csv.serialize(row).expect("it can be written");
    }
    csv.flush().expect("it can be written");
}

/// What is done to a run, and the check that must find it.
type Damage = (&'static str, fn(&mut Made), &'static str);

fn is_long(row: &Observation) -> bool {
    row.value().is_some_and(|value| value.matches(',').count() > 20)
}

const OF_REGISTERS: [Damage; 7] = [
    (
        "a read shows what was there long before",
        |made| {
            let place = made.last(Op::Read, |_| true);
            let key = made.observations[place].key().map(str::to_owned);
            let of_key = |row: &&Observation| row.key() == key.as_deref() && row.op == Op::Write;
            let first = made.observations.iter().find(of_key).expect("it was written");
            let value = first.value().map(Into::into);
            made.keyed(place).value = value;
        },
        "no-stale-value",
    ),
    (
        "a client reads forward and then backward",
        |made| {
            let place = made.last(Op::Read, |row| row.client == 2);
            made.keyed(place).value = Some("null".into());
        },
        "values-read-forward",
    ),
    (
        "a read shows what nobody wrote",
        |made| {
            let place = made.last(Op::Read, |_| true);
            made.keyed(place).value = Some("\"17\"".into());
        },
        "values-were-written",
    ),
    (
        "a write that was read is said to have failed",
        |made| {
            let shown: Vec<_> = made.observations.iter().filter(|row| row.op == Op::Read).collect();
            let shown: Vec<_> = shown.iter().filter_map(|row| row.value()).collect();
            let is_read =
                |row: &Observation| row.value().is_some_and(|value| shown.contains(&value));
            let place = made.last(Op::Write, is_read);
            made.observations[place].outcome = Outcome::Failed;
        },
        "values-were-written",
    ),
    (
        "the end holds what was there first",
        |made| made.finals[1].keyed.as_mut().expect("it has").value = Some("null".into()),
        "acknowledged-writes-survive",
    ),
    (
        "a register is gone in the end",
        |made| _ = made.finals.remove(2),
        "acknowledged-writes-survive",
    ),
    (
        "a compare-and-set that was refused is said to be done",
        |made| {
            let place = made.last(Op::CompareAndSet, |row| row.outcome == Outcome::Rejected);
            made.observations[place].outcome = Outcome::Ok;
        },
        "registers-linearizable",
    ),
];

const OF_LOGS: [Damage; 8] = [
    ("an entry is gone", |made| _ = made.finals.remove(7), "acknowledged-appends-survive"),
    (
        "an entry is there twice",
        |made| {
            let again = made.finals[7].clone();
            made.finals.push(again);
        },
        "appended-once",
    ),
    ("two entries have changed places", |made| made.finals.swap(7, 17), "log-in-order"),
    (
        "two appends were told one place",
        |made| {
            let place = made.last(Op::Append, |_| true);
            made.keyed(place).position = Some(1);
        },
        "log-in-order",
    ),
    (
        "a read skips an entry",
        |made| {
            let place = made.last(Op::Read, is_long);
            let shown = made.observations[place].value().unwrap_or_default().to_owned();
            let without: Vec<&str> =
                shown.split(',').enumerate().filter(|(at, _)| *at != 9).map(|(_, it)| it).collect();
            made.keyed(place).value = Some(without.join(",").into());
        },
        "log-reads-agree",
    ),
    (
        "a read is far behind",
        |made| {
            let place = made.last(Op::Read, is_long);
            made.keyed(place).value = Some("[]".into());
        },
        "log-reads-agree",
    ),
    (
        "a read shows what nobody appended",
        |made| {
            let place = made.last(Op::Read, |_| true);
            made.keyed(place).value = Some("[99999]".into());
        },
        "values-were-written",
    ),
    (
        "a read shows an entry twice",
        |made| {
            let place = made.last(Op::Read, is_long);
            let shown = made.observations[place].value().unwrap_or_default();
            let twice =
                shown.replacen('[', &format!("{},", &shown[..shown.find(',').unwrap_or(1)]), 1);
            made.keyed(place).value = Some(twice.into());
        },
        "appended-once",
    ),
];

#[test]
fn what_went_well_passes_when_it_is_read_back_and_every_check_of_the_model_has_looked() {
    for seed in 0..5 {
        for model in [Model::Register, Model::Log] {
            let report = Made::new(model, seed).copied().check();
            assert_eq!(report.verdict, Verdict::Pass, "{}", report.to_text());
            let not_asked = report.checks.iter().filter(|check| check.verdict.is_none());
            let not_asked: Vec<_> = not_asked.map(|check| check.name.as_str()).collect();
            let is_of_faults = |name: &&str| {
                name.ends_with("-after-healing")
                    || name.ends_with("-while-possible")
                    || *name == "no-unordered-death"
            };
            let of_faults = not_asked.iter().all(is_of_faults);
            assert!(of_faults, "{not_asked:?}");
            assert!(!report.to_text().contains(" trade"), "{}", report.to_text());
        }
    }
}

#[test]
fn each_way_to_damage_a_run_is_found_by_the_check_that_is_there_for_it() {
    let all = [(Model::Register, &OF_REGISTERS[..]), (Model::Log, &OF_LOGS[..])];
    for (model, damages) in all {
        for (what, damage, check) in damages {
            let mut made = Made::new(model, 7);
            damage(&mut made);
            let report = made.check();
            let found = report.checks.iter().find(|result| result.name == *check);
            let verdict = found.and_then(|result| result.verdict);
            assert_eq!(verdict, Some(Verdict::Fail), "{what}: {}", report.to_text());
        }
    }
}

/// What is done to the copy, of which everything else says that it went well.
const OF_COPIES: [(Model, Damage); 4] = [
    (
        Model::Register,
        (
            "the copy of a register is older",
            |made| made.of_copy(1).keyed.as_mut().expect("it has").value = Some("null".into()),
            "registers-agree",
        ),
    ),
    (
        Model::Register,
        (
            "the copy lacks a register",
            |made| {
                let place = made.place_of_copy(1);
                made.finals.remove(place);
            },
            "registers-agree",
        ),
    ),
    (Model::Log, ("the copy lacks the last entry", |made| _ = made.finals.pop(), "logs-agree")),
    (
        Model::Log,
        (
            "the copy lacks an entry in the middle and holds another twice",
            |made| made.of_copy(5).keyed = made.of_copy(4).keyed.clone(),
            "logs-agree",
        ),
    ),
];

#[test]
fn a_copy_that_is_damaged_is_found_by_the_check_that_compares_copies() {
    for (model, (what, damage, check)) in OF_COPIES {
        let mut made = Made::new(model, 7).copied();
        damage(&mut made);
        let report = made.check();
        let found = report.checks.iter().find(|result| result.name == check);
        assert!(found.is_some_and(|one| one.violations > 0), "{what}: {}", report.to_text());
    }
}

#[test]
fn what_is_unknown_may_be_there_or_not() {
    for model in [Model::Register, Model::Log] {
        let mut made = Made::new(model, 3);
        // It was done, and nobody was told so.
        let op = if model == Model::Log { Op::Append } else { Op::Write };
        let place = made.last(op, |_| true);
        made.observations[place].outcome = Outcome::Unknown;
        // And this was not done.
        let mut other = made.observations[place].clone();
        other.outcome = Outcome::Unknown;
        other.seq =
            made.observations.iter().filter(|row| row.client == other.client).count() as u64 + 1;
        (other.start_us, other.end_us, other.latency_us) = (800_000, 800_100, 100);
        other.request_id = Some("never".into());
        if let Some(keyed) = &mut other.keyed {
            keyed.value = Some("77777".into());
        }
        made.observations.push(other);
        let report = made.check();
        // Two of so few are more than may go unanswered.
        let of_answers =
            report.checks.iter().filter(|check| check.name != "answered-while-possible");
        let failed: Vec<_> = of_answers.filter(|check| check.violations > 0).collect();
        assert!(failed.is_empty(), "{}", report.to_text());
    }
}

#[test]
fn a_file_of_a_shop_has_no_columns_of_registers() {
    let folder = tempfile::tempdir().expect("a temporary folder can be made");
    write(folder.path(), "observations.csv", &[Observation::new(CELL, 1, Op::Query, 1, 2)]);
    let text = fs::read_to_string(folder.path().join("observations.csv")).expect("it is there");
    assert!(text.lines().next().is_some_and(|header| header.ends_with(",request_id,attempts")));
    let rows = RunFolder::new(folder.path()).observations().expect("it can be read");
    assert_eq!(rows, [Observation::new(CELL, 1, Op::Query, 1, 2)]);
}
