//! What a plan sets of the system under test, as a target's file may use it: `{{ system.durability }}`.
//!
//! A file is read for one plan, so what it names is known then; only what a trial decides (ports, folders, token) is
//! filled in later. Which values a file uses is kept ([`Target::of_plan`](crate::Target)): a plan may set no other one, or a run
//! would not be what its plan says.

use std::collections::BTreeMap;

use minijinja::Value;

/// What a plan sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PlanValues {
    /// How many replicas there are: `{{ replicas }}`.
    pub replicas: u32,
    /// Whether a commit waits for the disk: `flush`, or `os`.
    pub durability: String,
    /// How often is looked whether the leader lives.
    pub ping_period_ms: u64,
    /// After how long without an answer the leader is given up.
    pub ping_timeout_ms: u64,
    /// How many of each stock there are at the beginning.
    pub quantity: u32,
    /// How many there may be at the most.
    pub cap: u32,
    /// Rules that are left out on purpose, by name.
    pub plant: Vec<String>,
    /// Moments that are made longer, each as `POINT=MS`.
    pub stretch: Vec<String>,
    /// When a client gives up: `{{ load.request_timeout_ms }}`.
    pub request_timeout_ms: u64,
}

/// The names that files know, each with the table that it is in.
const NAMES: [&str; 8] = [
    "system.durability",
    "system.ping_period_ms",
    "system.ping_timeout_ms",
    "system.quantity",
    "system.cap",
    "system.plant",
    "system.stretch",
    "load.request_timeout_ms",
];

impl PlanValues {
    /// What `{{ system }}` stands for.
    pub(crate) fn system(&self) -> Value {
        Value::from(BTreeMap::from([
            ("durability", Value::from(self.durability.as_str())),
            ("ping_period_ms", Value::from(self.ping_period_ms)),
            ("ping_timeout_ms", Value::from(self.ping_timeout_ms)),
            ("quantity", Value::from(self.quantity)),
            ("cap", Value::from(self.cap)),
            ("plant", Value::from(self.plant.clone())),
            ("stretch", Value::from(self.stretch.clone())),
        ]))
    }

    /// What `{{ load }}` stands for.
    pub(crate) fn load(&self) -> Value {
        let timeout = Value::from(self.request_timeout_ms);
        Value::from(BTreeMap::from([("request_timeout_ms", timeout)]))
    }
}

impl From<&Self> for PlanValues {
    fn from(plan: &Self) -> Self {
        plan.clone()
    }
}

/// As a plan has it that sets nothing but the count of replicas.
impl From<u32> for PlanValues {
    fn from(replicas: u32) -> Self {
        Self {
            replicas,
            durability: "flush".to_owned(),
            ping_period_ms: 100,
            ping_timeout_ms: 300,
            quantity: 100,
            cap: 100,
            plant: Vec::new(),
            stretch: Vec::new(),
            request_timeout_ms: 10_000,
        }
    }
}

/// Whether a name is one of a plan's tables, or of something in one.
pub(crate) fn is_of_plan(name: &str) -> bool {
    ["system", "load"].contains(&name.split('.').next().unwrap_or_default())
}

/// Why there is no such value of a plan; `None` if there is.
pub(crate) fn unknown(name: &str) -> Option<(String, String)> {
    if NAMES.contains(&name) {
        return None;
    }
    let fix = match crate::suggest::closest(name, NAMES) {
        Some(like) => format!("did you mean {like}? There are {}", NAMES.join(", ")),
        None => format!("there are {}", NAMES.join(", ")),
    };
    Some((format!("a plan sets no `{name}`"), fix))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::read_text;

    const SHOP: &str = "name = 'x'\n[stocks]\nnames = ['Tux']\ninitial = { Tux = '{{ system.quantity }}' }\ncap = '{{ system.cap }}'\n\
        prices = { Tux = 9.99 }\n\
        [operations.query]\nurl = 'http://127.0.0.1:1/'\ndeadline_ms = '{{ load.request_timeout_ms }}'\n\
        [processes.a]\ncommand = 'a {% for bug in system.plant %} --plant={{ bug }} {% endfor %} {{ system.durability }}'\n";

    #[test]
    fn a_file_takes_the_plans_values_and_it_is_known_which() {
        let plan = PlanValues { quantity: 7, cap: 9, request_timeout_ms: 70, ..3.into() };
        let target = read_text(SHOP, Path::new("x.toml"), plan.clone());
        let target = target.unwrap_or_else(|problems| panic!("{problems}"));
        let stocks = target.stocks.unwrap();
        assert_eq!((stocks.initial["Tux"], stocks.cap), (7, Some(9)));
        assert_eq!(stocks.prices["Tux"], 9.99);
        assert_eq!(target.operations.longest_deadline().unwrap().as_millis(), 70);
        let used: Vec<&str> = target.of_plan.iter().map(String::as_str).collect();
        let expected = [
            "load.request_timeout_ms",
            "system.cap",
            "system.durability",
            "system.plant",
            "system.quantity",
        ];
        assert_eq!(used, expected);
    }

    #[test]
    fn what_no_plan_sets_is_named_with_what_there_is() {
        let wrong = SHOP.replace("system.durability", "system.durabilty");
        let problems = read_text(&wrong, Path::new("x.toml"), 3).unwrap_err().to_string();
        assert!(problems.contains("a plan sets no `system.durabilty`"), "{problems}");
        assert!(problems.contains("did you mean system.durability?"), "{problems}");
        let no_number = SHOP.replace("'{{ system.cap }}'", "'{{ system.durability }}'");
        let problems = read_text(&no_number, Path::new("x.toml"), 3).unwrap_err().to_string();
        assert!(problems.contains("stocks.cap: \"flush\" is no number"), "{problems}");
    }
}
