//! The system under test that a plan is for: the bazaar that the program carries, or what a file describes.
//!
//! Whatever a plan has to know of it is asked here, so that nothing else of a plan knows which it is.

use std::path::Path;
use std::sync::Arc;

use results::records::{InitialStock, Process, Processes, RoleName, Roles, built_in};
use targets::leader::LeaderReading;
use targets::target::{StocksFrom, Target, Variant};

use super::system::MAX_VARIANTS;
use super::{CacheSetting, PlanError, Problems, System, stocks};

/// The system under test.
#[derive(Clone, Debug, Default)]
pub enum UnderTest {
    /// The bazaar that the program carries, set as the plan's `[system]` says.
    #[default]
    Bazaar,
    /// What a target's file describes.
    Target(Arc<Target>),
}

/// Two are the same if they were read together.
impl PartialEq for UnderTest {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bazaar, Self::Bazaar) => true,
            (Self::Target(one), Self::Target(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
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
    /// Reads a target's file, for so many replicas; without one it is the bazaar.
    ///
    /// # Errors
    /// All that is wrong with the file.
    pub fn read(file: Option<&Path>, replicas: u8) -> Result<Self, PlanError> {
        let Some(file) = file else { return Ok(Self::Bazaar) };
        match targets::read(file, u32::from(replicas)) {
            Ok(target) => Ok(Self::Target(Arc::new(target))),
            Err(problems) => Err(PlanError::Target { file: file.to_owned(), problems }),
        }
    }

    /// The target, if a file describes it.
    #[must_use]
    pub fn target(&self) -> Option<&Arc<Target>> {
        match self {
            Self::Bazaar => None,
            Self::Target(target) => Some(target),
        }
    }

    /// Which processes there are, and what they are there for.
    #[must_use]
    pub fn processes(&self, replicas: u8) -> Processes {
        match self {
            Self::Bazaar => built_in::processes(replicas),
            Self::Target(target) => processes_of(target),
        }
    }

    /// The stocks whose beginning is known.
    pub(super) fn stocks(&self, system: &System) -> Vec<InitialStock> {
        let target = match self {
            Self::Bazaar => return stocks::ten(system.quantity, system.cap),
            Self::Target(target) => target,
        };
        let Some(stocks) = &target.stocks else { return Vec::new() };
        let small = |count: u64| u32::try_from(count).unwrap_or(u32::MAX);
        let known = stocks.initial.iter().map(|(name, quantity)| InitialStock {
            stock_name: name.clone(),
            price: 0.0,
            quantity: small(*quantity),
            trade_volume: 0,
            cap: stocks.cap.map_or(u32::MAX, small),
        });
        known.collect()
    }

    /// The names of the stocks that clients ask for, if no operation has to list them.
    #[must_use]
    pub fn stock_names(&self, system: &System) -> Option<Vec<String>> {
        match self {
            Self::Bazaar => {
                let ten = stocks::ten(system.quantity, system.cap);
                Some(ten.into_iter().map(|stock| stock.stock_name).collect())
            }
            Self::Target(target) => match target.stocks.as_ref().map(|stocks| &stocks.from) {
                Some(StocksFrom::Names(names)) => Some(names.clone()),
                Some(StocksFrom::Operation(_)) => None,
                None => Some(Vec::new()),
            },
        }
    }

    /// The ways in which trials start it.
    pub(super) fn ways(&self, system: &System) -> Vec<Way> {
        let cached = |setting: &CacheSetting| Way {
            id: Some(format!("cache-{setting}")),
            cache: setting.is_on(),
            variant: None,
        };
        let target = match self {
            Self::Bazaar => return system.cache.iter().map(cached).collect(),
            Self::Target(target) => target,
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
        let is_there = |name: &str| target.variant(name).is_some();
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
        let variant = target.default_variant().map(|variant| variant.name.clone());
        vec![Way { id: variant.clone(), cache: true, variant }]
    }

    /// The variant of this name, of a target that has it.
    #[must_use]
    pub fn variant(&self, name: Option<&str>) -> Option<&Variant> {
        self.target()?.variant(name?)
    }

    /// Whether the target has a fault of its own of this name; and if not, what there is.
    pub(super) fn has_own_fault(&self, name: &str) -> Result<(), String> {
        let Some(target) = self.target() else {
            return Err("is of a target's file, and the built-in bazaar has no faults of its own"
                .to_owned());
        };
        let names: Vec<&str> = target.faults.keys().map(String::as_str).collect();
        match names.as_slice() {
            [] => Err(format!("is {name}, and the target has no [faults]")),
            names if names.contains(&name) => Ok(()),
            names => Err(format!("is {name}, and the target's [faults] are {}", names.join(", "))),
        }
    }

    /// What a plan's `[system]` says that this system cannot do.
    pub(super) fn validate(&self, system: &System, problems: &mut Problems) {
        let Some(target) = self.target() else {
            problems.unless(system.variants.is_empty(), "system.variants", || {
                "is of a target's file: name one with --target, or leave it out".to_owned()
            });
            return;
        };
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
        for (field, values) in
            [("system.plant", &system.plant), ("system.stretch", &system.stretch)]
        {
            problems.unless(values.is_empty(), field, || {
                "is of the built-in bazaar: leave it out with --target".to_owned()
            });
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

/// The processes of a target. Of their roles it is known whose processes may lead, and whose keep the stocks if that is one
/// role alone.
fn processes_of(target: &Target) -> Processes {
    let role_of = |name: &str| target.process(name).and_then(|process| process.role.parse().ok());
    let process = |process: &targets::target::Process| {
        Some(Process { name: process.name.parse().ok()?, role: process.role.parse().ok()? })
    };
    let only = |mut roles: Vec<RoleName>| {
        roles.sort_unstable();
        roles.dedup();
        if let [role] = roles[..] { Some(role) } else { None }
    };
    let order_keepers = target.orders.iter().filter_map(|place| role_of(&place.process)).collect();
    let stock_keepers = target.stock_places.iter().filter_map(|place| role_of(&place.process));
    let leader =
        target.leader.as_ref().filter(|leader| !matches!(leader.reading, LeaderReading::Unknown));
    let roles = Roles {
        leader: leader.and_then(|leader| match &leader.role {
            Some(role) => role.parse().ok(),
            None => only(order_keepers),
        }),
        cache: None,
        stocks: only(stock_keepers.collect()),
    };
    Processes::new(target.processes.iter().filter_map(process).collect(), roles)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(text: &str) -> UnderTest {
        let text = format!(
            "name = 'x'\n[processes.front]\ncommand = 'a'\n[processes.\"kv-{{{{ n }}}}\"]\nn = [1, 2]\nrole = 'store'\ncommand = 'b'\n{text}"
        );
        let read = targets::read_text(&text, Path::new("x.toml"), 3);
        UnderTest::Target(Arc::new(read.unwrap_or_else(|problems| panic!("{problems}"))))
    }

    fn ids(under_test: &UnderTest, system: &System) -> Vec<Option<String>> {
        under_test.ways(system).into_iter().map(|way| way.id).collect()
    }

    #[test]
    fn whose_processes_may_lead_is_what_the_file_says() {
        let leads = "[leader]\nguess = 'highest'\nrole = 'store'\n";
        let processes = target(leads).processes(3);
        let replicas: Vec<_> = processes.replicas().iter().map(|name| name.as_str()).collect();
        assert_eq!(replicas, ["kv-1", "kv-2"]);
        assert!(target("").processes(3).replicas().is_empty());
        assert!(target("[leader]\nguess = 'none'\n").processes(3).replicas().is_empty());
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
        let names = under_test.stock_names(&System::default());
        assert_eq!(names.unwrap(), ["Tux", "Fox"]);
        let stocks = under_test.stocks(&System::default());
        assert_eq!(stocks.len(), 1);
        assert_eq!((stocks[0].quantity, stocks[0].cap), (7, 9));
    }
}
