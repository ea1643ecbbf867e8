//! The system under test that a plan is for, as a target's file describes it: the bazaar's, which the program carries, or one
//! that somebody names.
//!
//! Whatever a plan has to know of it is asked here. A file is read for what a plan sets, so a plan that sets something
//! else has it read again; nobody but this module knows which file that is.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use results::records::{InitialStock, Process, Processes, RoleName, Roles};
use supervisor::locked::locked;
use targets::PlanValues;
use targets::leader::LeaderReading;
use targets::operation::Kind;
use targets::target::{StocksFrom, Target, Variant};

use super::system::MAX_VARIANTS;
use super::{CacheSetting, Load, PlanError, Problems, System};
use crate::target::needed;

/// What the file that the program carries is called where it has problems.
const CARRIED: &str = "bazaar.toml";
/// How many readings of the carried file are kept: a soak draws from six.
const KEPT: usize = 16;

/// The system under test.
#[derive(Clone, Debug)]
pub struct UnderTest {
    source: Source,
    target: Arc<Target>,
}

/// Where it is described.
#[derive(Clone, Debug)]
enum Source {
    /// In the file that the program carries.
    Carried,
    /// In this one.
    File(PathBuf),
    /// In one that was read, and is not to be read again.
    Read,
}

impl Default for UnderTest {
    fn default() -> Self {
        let values = System::default().values(&Load::default());
        match Self::carried(values) {
            Ok(carried) => carried,
            Err(error) => unreachable!("tests read the file that the program carries: {error}"),
        }
    }
}

/// Two are the same if the same file describes them. What they were read for stands in the plan.
impl PartialEq for UnderTest {
    fn eq(&self, other: &Self) -> bool {
        self.target.path == other.target.path
    }
}

/// One way in which a trial starts the system: a cell of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Way {
    /// What it adds to a cell's id.
    pub(super) id: Option<String>,
    /// Whether queries are answered from a cache; of two variants that are called otherwise, whether it is the first of them.
    pub(super) cache: bool,
    /// The target's variant.
    pub(super) variant: Option<String>,
}

impl UnderTest {
    /// Reads a target's file, for what a plan sets: its count of replicas, at least. Without one it is the bazaar's.
    ///
    /// # Errors
    /// All that is wrong with the file.
    pub fn read(file: Option<&Path>, plan: impl Into<PlanValues>) -> Result<Self, PlanError> {
        let Some(file) = file else { return Self::carried(plan.into()) };
        match targets::read(file, plan) {
            Ok(target) => {
                Ok(Self { source: Source::File(file.to_owned()), target: Arc::new(target) })
            }
            Err(problems) => Err(PlanError::Target { file: file.to_owned(), problems }),
        }
    }

    /// A target that was read already, as it is.
    #[must_use]
    pub(crate) fn of(target: Target) -> Self {
        Self { source: Source::Read, target: Arc::new(target) }
    }

    fn carried(values: PlanValues) -> Result<Self, PlanError> {
        static KEPT_READINGS: Mutex<Vec<Arc<Target>>> = Mutex::new(Vec::new());
        let source = Source::Carried;
        let known = locked(&KEPT_READINGS).iter().find(|target| target.plan == values).cloned();
        if let Some(target) = known {
            return Ok(Self { source, target });
        }
        let path = Path::new(CARRIED);
        let read = targets::read_text(targets::BAZAAR, path, values);
        let target = read
            .map_err(|problems| PlanError::Target { file: path.to_owned(), problems })
            .map(Arc::new)?;
        let mut kept = locked(&KEPT_READINGS);
        if kept.len() == KEPT {
            kept.remove(0);
        }
        kept.push(Arc::clone(&target));
        Ok(Self { source, target })
    }

    /// The same for a plan that sets this.
    ///
    /// # Errors
    /// The file does not fit it.
    pub(crate) fn for_plan(&self, values: PlanValues) -> Result<Self, PlanError> {
        let takes_nothing = self.target.of_plan.is_empty();
        let same_names = self.target.plan.replicas == values.replicas;
        if self.target.plan == values || (takes_nothing && same_names) {
            return Ok(self.clone());
        }
        match &self.source {
            Source::Carried => Self::carried(values),
            Source::File(file) => Self::read(Some(file), values),
            Source::Read => Ok(self.clone()),
        }
    }

    /// Whether somebody has named the file, so that runs name the target.
    #[must_use]
    pub fn is_named(&self) -> bool {
        !matches!(self.source, Source::Carried)
    }

    /// What the file describes.
    #[must_use]
    pub fn target(&self) -> &Arc<Target> {
        &self.target
    }

    /// Whether the file takes this value of a plan's `[system]`.
    #[must_use]
    pub fn takes(&self, field: &str) -> bool {
        self.target.of_plan.contains(&format!("system.{field}"))
    }

    /// Which processes there are, and what they are there for. Of their roles it is known whose processes may lead; whose
    /// keep the stocks, if that is one role alone; and whose answer queries, if they say what comes from a cache.
    #[must_use]
    pub fn processes(&self) -> Processes {
        let target = &self.target;
        let role_of =
            |name: &str| target.process(name).and_then(|process| process.role.parse().ok());
        let process = |process: &targets::target::Process| {
            Some(Process { name: process.name.parse().ok()?, role: process.role.parse().ok()? })
        };
        let only = |mut roles: Vec<RoleName>| {
            roles.sort_unstable();
            roles.dedup();
            if let [role] = roles[..] { Some(role) } else { None }
        };
        let order_keepers =
            target.orders.iter().filter_map(|place| role_of(&place.process)).collect();
        let stock_keepers = target.stock_places.iter().filter_map(|place| role_of(&place.process));
        let leader = target
            .leader
            .as_ref()
            .filter(|leader| !matches!(leader.reading, LeaderReading::Unknown));
        let asked = || needed::listeners(target, Kind::Query);
        let cached = target.capabilities.cache_hit.as_ref().map(|_| asked()).unwrap_or_default();
        let roles = Roles {
            leader: leader.and_then(|leader| match &leader.role {
                Some(role) => role.parse().ok(),
                None => only(order_keepers),
            }),
            cache: only(cached.into_iter().filter_map(role_of).collect()),
            stocks: only(stock_keepers.collect()),
        };
        Processes::new(target.processes.iter().filter_map(process).collect(), roles)
    }

    /// The stocks whose beginning is known.
    pub(super) fn stocks(&self) -> Vec<InitialStock> {
        let Some(stocks) = &self.target.stocks else { return Vec::new() };
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let names: Vec<&String> = match &stocks.from {
            StocksFrom::Names(names) => names.iter().collect(),
            StocksFrom::Operation(_) => stocks.initial.keys().collect(),
        };
        let known = names.into_iter().filter_map(|name| {
            Some(InitialStock {
                stock_name: name.clone(),
                price: stocks.prices.get(name).copied().unwrap_or_default(),
                quantity: small(*stocks.initial.get(name)?),
                trade_volume: 0,
                cap: stocks.cap.map_or(u32::MAX, small),
            })
        });
        known.collect()
    }

    /// The ways in which trials start it.
    pub(super) fn ways(&self, system: &System) -> Vec<Way> {
        let cached = |setting: &CacheSetting| Way {
            id: Some(format!("cache-{setting}")),
            cache: setting.is_on(),
            variant: None,
        };
        if !system.variants.is_empty() {
            let of_cache = system
                .variants
                .iter()
                .all(|name| ["cache-on", "cache-off"].contains(&name.as_str()));
            let way = |(place, name): (usize, &String)| Way {
                id: Some(name.clone()),
                cache: if of_cache { name != "cache-off" } else { place == 0 },
                variant: Some(name.clone()),
            };
            return system.variants.iter().enumerate().map(way).collect();
        }
        let is_there = |name: &str| self.target.variant(name).is_some();
        let ways: Vec<Way> = system
            .cache
            .iter()
            .map(cached)
            .map(|way| Way { variant: way.id.clone(), ..way })
            .filter(|way| way.id.as_deref().is_some_and(is_there))
            .collect();
        if !ways.is_empty() {
            return ways;
        }
        let variant = self.target.default_variant().map(|variant| variant.name.clone());
        vec![Way { id: variant.clone(), cache: true, variant }]
    }

    /// The variant of this name.
    #[must_use]
    pub fn variant(&self, name: Option<&str>) -> Option<&Variant> {
        self.target.variant(name?)
    }

    /// Whether the target has a fault of its own of this name; and if not, what there is.
    pub(super) fn has_own_fault(&self, name: &str) -> Result<(), String> {
        let names: Vec<&str> = self.target.faults.keys().map(String::as_str).collect();
        match names.as_slice() {
            [] => Err(format!("is {name}, and the target has no [faults]")),
            names if names.contains(&name) => Ok(()),
            names => Err(format!("is {name}, and the target's [faults] are {}", names.join(", "))),
        }
    }

    /// What a plan's `[system]` says that this system cannot do.
    pub(super) fn validate(&self, system: &System, problems: &mut Problems) {
        let target = &self.target;
        let names: Vec<_> = target.variants.iter().map(|one| one.name.as_str()).collect();
        for (place, name) in system.variants.iter().enumerate() {
            problems.unless(names.contains(&name.as_str()), "system.variants", || {
                match names.as_slice() {
                    [] => format!("has {name}, and the target has no [variants]"),
                    names => format!("has {name}, and the target has {}", names.join(", ")),
                }
            });
            problems.unless(!system.variants[..place].contains(name), "system.variants", || {
                format!("names {name} twice")
            });
        }
        problems.unless(system.variants.len() <= MAX_VARIANTS, "system.variants", || {
            let count = system.variants.len();
            format!("names {count}; a run compares {MAX_VARIANTS} at the most, so run it again with the others")
        });
        for field in system.set().filter(|field| !self.takes(field)) {
            problems.add(
                &format!("system.{field}"),
                format!(
                    "is set, and the target's file takes no {{{{ system.{field} }}}}: leave it out"
                ),
            );
        }
        for name in target.faults.keys() {
            if let Err(error) = name.parse::<results::records::FaultName>() {
                problems.add("--target", format!("faults.{name}: its name {error}"));
            }
        }
        for process in &target.processes {
            let name = &process.name;
            if let Err(error) = name.parse::<results::records::ProcessName>() {
                problems.add("--target", format!("processes.{name}: its name {error}"));
            }
            if let Err(error) = process.role.parse::<RoleName>() {
                let role = &process.role;
                problems.add("--target", format!("processes.{name}.role: {role:?} {error}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use results::records::built_in;

    use super::*;

    fn target(text: &str) -> UnderTest {
        let text = format!(
            "name = 'x'\n[processes.front]\ncommand = 'a'\n[processes.\"kv-{{{{ n }}}}\"]\nn = [1, 2]\nrole = 'store'\ncommand = 'b'\n{text}"
        );
        let read = targets::read_text(&text, Path::new("x.toml"), 3);
        UnderTest::of(read.unwrap_or_else(|problems| panic!("{problems}")))
    }

    fn ids(under_test: &UnderTest, system: &System) -> Vec<Option<String>> {
        under_test.ways(system).into_iter().map(|way| way.id).collect()
    }

    #[test]
    fn the_bazaar_that_the_program_carries_has_the_processes_that_older_runs_are_of() {
        let bazaar = UnderTest::read(None, 3).unwrap();
        let (processes, older) = (bazaar.processes(), built_in::processes(3));
        assert_eq!(processes.roles(), older.roles());
        assert_eq!(processes.replicas(), older.replicas());
        let names = |of: &Processes| of.names().collect::<std::collections::BTreeSet<_>>();
        assert_eq!(names(&processes), names(&older));
        assert!(!bazaar.is_named());
    }

    #[test]
    fn what_a_plan_sets_is_what_the_bazaar_begins_with() {
        let system = System { quantity: 7, cap: 9, replicas: 2, ..System::default() };
        let bazaar = UnderTest::default().for_plan(system.values(&Load::default())).unwrap();
        let stocks = bazaar.stocks();
        let told: Vec<_> = stocks.iter().map(|one| (one.stock_name.as_str(), one.price)).collect();
        assert_eq!(told[..2], [("Stock1", 9.99), ("Stock2", 19.99)]);
        assert_eq!(told[9], ("Stock10", 99.99));
        assert!(stocks.iter().all(|one| (one.quantity, one.cap) == (7, 9)));
        assert_eq!(bazaar.processes().replicas().len(), 2);
    }

    #[test]
    fn what_a_file_does_not_take_must_not_be_set() {
        let system = System { quantity: 7, plant: vec!["a-bug".into()], ..System::default() };
        let said = |under_test: &UnderTest| {
            let mut problems = Problems::default();
            under_test.validate(&system, &mut problems);
            problems.into_result("x").map_err(|error| error.to_string())
        };
        assert_eq!(said(&UnderTest::default()), Ok(()));
        let refused = said(&target("")).unwrap_err();
        for field in ["system.quantity: is set", "system.plant: is set"] {
            assert!(refused.contains(field), "{refused}");
        }
        assert_eq!(refused.lines().count(), 2, "{refused}");
    }

    #[test]
    fn whose_processes_may_lead_is_what_the_file_says() {
        let leads = "[leader]\nguess = 'highest'\nrole = 'store'\n";
        let processes = target(leads).processes();
        let replicas: Vec<_> = processes.replicas().iter().map(|name| name.as_str()).collect();
        assert_eq!(replicas, ["kv-1", "kv-2"]);
        assert!(target("").processes().replicas().is_empty());
        assert!(target("[leader]\nguess = 'none'\n").processes().replicas().is_empty());
    }

    #[test]
    fn variants_called_after_the_cache_are_what_a_plans_cache_chooses_from() {
        let system = System::default();
        assert_eq!(ids(&target(""), &system), [None]);
        let cached =
            "[variants.cache-on]\ndefault = true\n[variants.cache-off.front]\nargs = ['x']\n";
        let both = target(cached);
        assert_eq!(ids(&both, &system), [Some("cache-on".into()), Some("cache-off".into())]);
        let off = System { cache: vec![CacheSetting::Off], ..System::default() };
        assert_eq!(ids(&both, &off), [Some("cache-off".into())]);
        let others =
            target("[variants.safe]\ndefault = true\n[variants.fast.front]\nargs = ['x']\n");
        assert_eq!(ids(&others, &system), [Some("safe".into())]);
        let started = |names: &[&str]| {
            let variants = names.iter().map(|&name| name.to_owned()).collect();
            let ways = others.ways(&System { variants, ..System::default() });
            ways.into_iter().map(|way| (way.id.unwrap_or_default(), way.cache)).collect::<Vec<_>>()
        };
        assert_eq!(started(&["fast"]), [("fast".to_owned(), true)]);
        let both = [("fast".to_owned(), true), ("safe".to_owned(), false)];
        assert_eq!(started(&["fast", "safe"]), both, "no two share a line");
        assert_eq!(started(&["cache-off"]), [("cache-off".to_owned(), false)]);
    }

    #[test]
    fn variants_that_are_not_there_or_twice_or_too_many_are_refused_all_at_once() {
        let under_test = target("[variants.safe]\n[variants.fast.front]\nargs = ['x']\n");
        let said = |names: &[&str]| {
            let variants = names.iter().map(|&name| name.to_owned()).collect();
            let mut problems = Problems::default();
            under_test.validate(&System { variants, ..System::default() }, &mut problems);
            problems.into_result("test").map_err(|error| error.to_string())
        };
        assert_eq!(said(&["safe", "fast"]), Ok(()));
        let error = said(&["safe", "safe", "quick"]).unwrap_err();
        for part in
            ["names safe twice", "has quick, and the target has", "names 3; a run compares 2"]
        {
            assert!(error.contains(part), "{part}: {error}");
        }
    }

    #[test]
    fn stocks_are_what_the_file_says_as_far_as_it_does() {
        let under_test =
            target("[stocks]\nnames = ['Tux', 'Fox']\ninitial = { Tux = 7 }\ncap = 9\n");
        let stocks = under_test.stocks();
        assert_eq!(stocks.len(), 1);
        assert_eq!((stocks[0].quantity, stocks[0].cap), (7, 9));
    }
}
