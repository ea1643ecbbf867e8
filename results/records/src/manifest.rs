//! `manifest.json`: what was run, where, and from what state.

use serde::{Deserialize, Serialize};

use super::{Process, ProcessName, Processes, Roles, Stage, Target, built_in};

/// The version of the files' format that this crate writes. Format 2 says in `events.csv` which faults
/// an act ended, format 3 how many rows a trial has, format 4 how far times of other hosts may be off; runs of the formats before are
/// read as well.
pub const MANIFEST_FORMAT: u32 = 4;

/// The oldest format that is read.
pub(super) const OLDEST_FORMAT: u32 = 1;

/// One combination of settings, repeated `trials` times.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// Its name in every CSV, for example `p0.4-cache-on`.
    pub id: String,
    /// The probability that a query is followed by a trade.
    pub p: f64,
    /// Whether the front-end cached. Where [`Manifest::tells_cache`] does not hold, it tells two variants of a target apart: it
    /// holds of the first.
    pub cache: bool,
    /// The target's variant that was started, if it has any.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub variant: Option<String>,
    /// How many clients there were.
    pub clients: u32,
    /// In an open loop: how many iterations were due per second, all clients together. None: a
    /// closed loop.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate_per_s: Option<f64>,
    /// How the load changed while it ran; empty if it did not.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stages: Vec<Stage>,
    /// Which of two builds of the services, `a` or `b`, if two were measured side by side.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<String>,
    /// How often it was run.
    pub trials: u32,
    /// How many of the plan's faults each trial was to see.
    pub planned_faults: u32,
}

impl Cell {
    /// A closed loop of one trial with one client, without faults.
    #[must_use]
    pub fn new(id: impl Into<String>, p: f64, cache: bool) -> Self {
        Self {
            id: id.into(),
            p,
            cache,
            variant: None,
            clients: 1,
            rate_per_s: None,
            stages: Vec::new(),
            build: None,
            trials: 1,
            planned_faults: 0,
        }
    }

    /// Whether what was due did not wait for answers.
    #[must_use]
    pub fn is_open_loop(&self) -> bool {
        self.rate_per_s.is_some() || self.stages.iter().any(|stage| stage.rate.is_some())
    }
}

/// The variants of a target that stand for what `cache` is of the bazaar.
const CACHE_VARIANTS: [&str; 2] = ["cache-on", "cache-off"];

/// A stock as every trial began with it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InitialStock {
    /// Its name.
    pub stock_name: String,
    /// Its price.
    pub price: f64,
    /// How many there were.
    pub quantity: u32,
    /// How many had been traded.
    pub trade_volume: u64,
    /// How many there may be at the most.
    pub cap: u32,
}

/// What a run was.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`MANIFEST_FORMAT`], or an older one.
    pub format: u32,
    /// `bench` or `failover`.
    pub kind: String,
    /// The plan's name.
    pub plan_name: String,
    /// The whole plan as TOML, every default spelled out.
    pub plan: String,
    /// The command line.
    pub command: Vec<String>,
    /// The words of a command that the whole command line was run by: `double-trouble hosts --`, which had made hosts for it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub run_by: Vec<String>,
    /// Which exercise of `lab` the services were, if they hide a bug that somebody is to find.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exercise: Option<u32>,
    /// The seed that every random choice came from.
    pub seed: u64,
    /// When the run began, RFC 3339 in UTC. The only wall time in the run's files.
    pub started_at: String,
    /// `CLOCK_MONOTONIC` of the machine at the run's origin, in microseconds.
    pub origin_monotonic_us: u64,
    /// The commit that the harness was built from, if it is known.
    pub commit: Option<String>,
    /// The harness's version.
    pub version: String,
    /// Operating system, kernel, processor, cores, memory: whatever was found.
    pub machine: Vec<(String, String)>,
    /// The system under test: which facts there are of it, and what it promises. None in older runs, which
    /// are of the built-in bazaar: [`target()`](Self::target()) tells of both.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<Target>,
    /// How many replicas every trial had, of those of which one leads.
    pub replicas: u8,
    /// Every process, and what it is there for, in the order in which pages list them. None in runs that were
    /// made before this was written down: see [`Manifest::processes`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub processes: Vec<Process>,
    /// Which of their roles does what.
    #[serde(default, skip_serializing_if = "Roles::is_empty")]
    pub roles: Roles,
    /// `flush` or `os`; of a target that is not ours, that nobody knows it: see [`Manifest::known_durability`].
    pub durability: String,
    /// After how many milliseconds without an answer a service is given up. None in runs that were
    /// made before this was written down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ping_timeout_ms: Option<u64>,
    /// Within how many milliseconds after healing everything must have converged.
    pub converge_within_ms: u64,
    /// What the figures must keep to, for example `trade.p99_us < 5000`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub thresholds: Vec<String>,
    /// What the last seconds had to keep to all the time, or a trial's load was ended.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub abort_on: Vec<String>,
    /// Every combination of settings, in the order of the charts.
    pub cells: Vec<Cell>,
    /// The stocks that every trial began with.
    pub stocks: Vec<InitialStock>,
}

impl Manifest {
    /// Of a run with three replicas that flush, seed 1, of which nothing else is known.
    #[must_use]
    pub fn new(kind: &str, plan_name: &str, cells: Vec<Cell>) -> Self {
        Self {
            format: MANIFEST_FORMAT,
            kind: kind.to_owned(),
            plan_name: plan_name.to_owned(),
            plan: String::new(),
            command: Vec::new(),
            run_by: Vec::new(),
            exercise: None,
            seed: 1,
            started_at: "2026-01-01T00:00:00Z".to_owned(),
            origin_monotonic_us: 0,
            commit: None,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            machine: Vec::new(),
            target: None,
            replicas: 3,
            processes: Vec::new(),
            roles: Roles::default(),
            durability: "flush".to_owned(),
            ping_timeout_ms: Some(300),
            converge_within_ms: 10_000,
            thresholds: Vec::new(),
            abort_on: Vec::new(),
            cells,
            stocks: Vec::new(),
        }
    }

    /// The processes of every trial. A run that lists none is of the bazaar: there was nothing else then.
    #[must_use]
    pub fn processes(&self) -> Processes {
        if self.processes.is_empty() {
            built_in::processes(self.replicas)
        } else {
            Processes::new(self.processes.clone(), self.roles)
        }
    }

    /// Whether [`Cell::cache`] says something: whether the bazaar's front-end cached, or a target was started in its
    /// variant `cache-on` or `cache-off`. Nothing else that is shown of a run speaks of a cache being on or off.
    #[must_use]
    pub fn tells_cache(&self) -> bool {
        let is_told = |cell: &Cell| {
            cell.variant.as_deref().is_some_and(|variant| CACHE_VARIANTS.contains(&variant))
        };
        self.target.is_none() || (!self.cells.is_empty() && self.cells.iter().all(is_told))
    }

    /// How the cells with this `cache` were started, as people are told: `cache on`, or the variant's name. Nothing
    /// of a target that is always started in the same way.
    #[must_use]
    pub fn way(&self, cache: bool) -> Option<&str> {
        if self.tells_cache() {
            return Some(if cache { "cache on" } else { "cache off" });
        }
        let alike = self.cells.iter().filter(|cell| cell.cache == cache);
        alike.filter_map(|cell| cell.variant.as_deref()).next()
    }

    /// What was asked, within a sentence: `the bazaar`, or the target's name.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.target.as_ref().map_or("the bazaar", |target| &target.name)
    }

    /// What an acknowledgement of the bazaar survives: `flush` or `os`. Of another target nobody knows.
    #[must_use]
    pub fn known_durability(&self) -> Option<&str> {
        self.target.is_none().then_some(&self.durability)
    }

    /// The system under test. A run that names none is of the bazaar, or of one whose processes it lists.
    #[must_use]
    pub fn target(&self) -> Target {
        let texts = |names: &mut dyn Iterator<Item = ProcessName>| {
            names.map(|name| name.to_string()).collect::<Vec<_>>()
        };
        self.target.clone().unwrap_or_else(|| {
            let processes = self.processes();
            let orders_of = texts(&mut processes.replicas().iter().copied());
            Target::bazaar(self.replicas).holding(orders_of, texts(&mut processes.stock_keepers()))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Promises;

    /// A run of a target that was started in these ways.
    fn started(ways: &[(bool, Option<&str>)]) -> Manifest {
        let cell = |&(cache, variant): &(bool, Option<&str>)| Cell {
            variant: variant.map(str::to_owned),
            ..Cell::new("c", 0.5, cache)
        };
        let target = Some(Target::new("toy", [], Promises::default()));
        Manifest { target, ..Manifest::new("bench", "quick", ways.iter().map(cell).collect()) }
    }

    #[test]
    fn a_cache_is_told_of_the_bazaar_and_of_variants_that_are_called_after_it() {
        let ways =
            |manifest: &Manifest| [true, false].map(|cache| manifest.way(cache).map(str::to_owned));
        let on_and_off = [Some("cache on".to_owned()), Some("cache off".to_owned())];
        let bazaar = Manifest::new("bench", "quick", Vec::new());
        assert_eq!((bazaar.tells_cache(), ways(&bazaar)), (true, on_and_off.clone()));
        let both = started(&[(true, Some("cache-on")), (false, Some("cache-off"))]);
        assert_eq!((both.tells_cache(), ways(&both)), (true, on_and_off));
        let two = started(&[(true, Some("fast")), (false, Some("safe"))]);
        let names = ["fast", "safe"].map(|name| Some(name.to_owned()));
        assert_eq!((two.tells_cache(), ways(&two)), (false, names));
        let fast = started(&[(true, Some("fast")), (true, Some("fast"))]);
        assert_eq!((fast.tells_cache(), ways(&fast)), (false, [Some("fast".to_owned()), None]));
        for plain in [started(&[(true, None)]), started(&[])] {
            assert_eq!((plain.tells_cache(), ways(&plain)), (false, [None, None]));
        }
    }

    #[test]
    fn nobody_knows_how_durable_a_target_is_that_is_not_ours() {
        let bazaar = Manifest::new("bench", "quick", Vec::new());
        assert_eq!((bazaar.subject(), bazaar.known_durability()), ("the bazaar", Some("flush")));
        let toy = started(&[(true, None)]);
        assert_eq!((toy.subject(), toy.known_durability()), ("toy", None));
    }

    #[test]
    fn a_run_that_lists_its_processes_has_those_and_an_older_one_has_the_bazaars() {
        let mut manifest = Manifest::new("bench", "quick", Vec::new());
        assert_eq!(manifest.processes(), built_in::processes(3));
        let older = serde_json::to_string(&manifest).unwrap();
        assert!(!older.contains("processes") && !older.contains("roles"), "{older}");
        let store = "store".parse().unwrap();
        manifest.processes = vec![Process { name: "kv".parse().unwrap(), role: store }];
        manifest.roles.leader = Some(store);
        let written = serde_json::to_string(&manifest).unwrap();
        let said = r#""processes":[{"name":"kv","role":"store"}],"roles":{"leader":"store"}"#;
        assert!(written.contains(said), "{written}");
        let read: Manifest = serde_json::from_str(&written).unwrap();
        assert_eq!(read.processes().replicas(), ["kv".parse().unwrap()]);
    }
}
