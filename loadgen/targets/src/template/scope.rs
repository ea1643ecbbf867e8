//! What may be put into a template, by where it stands.

use std::collections::BTreeSet;
use std::sync::Arc;

use minijinja::value::Value;

use crate::plan_values::PlanValues;

/// What is known of a trial.
const TRIAL: [&str; 8] =
    ["port", "address", "scratch", "replicas", "bin", "token", "system", "load"];
/// What is known of a plan.
const PLAN: [&str; 3] = ["replicas", "system", "load"];

/// Where a template stands, which says what may be put into it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// Names of processes and ports: known when the file is read, so only `n` and what the plan sets.
    Name,
    /// Everything that is rendered per trial.
    Trial,
    /// What is asked of several processes, one after the other: `process` besides.
    EachProcess,
    /// A source of state: asked once per `stock`, `order_no` or `register` if it names one.
    State,
    /// A request of a client, which has these values of its own.
    Operation(&'static [&'static str]),
}

impl Place {
    /// What may be put in besides `n`.
    fn names(self) -> impl Iterator<Item = &'static str> {
        let (trial, own): (&[_], &'static [_]) = match self {
            Self::Name => (&PLAN, &[]),
            Self::Trial => (&TRIAL, &[]),
            Self::EachProcess => (&TRIAL, &["process"]),
            Self::State => (&TRIAL, &["stock", "order_no", "register"]),
            Self::Operation(own) => (&TRIAL, own),
        };
        trial.iter().chain(own).copied()
    }
}

/// What is known where a template stands.
#[derive(Clone, Debug)]
pub struct Scope {
    /// Where.
    pub place: Place,
    /// The ports that there are.
    pub ports: Arc<BTreeSet<String>>,
    /// The hosts and processes that have an address.
    pub reached: Arc<BTreeSet<String>>,
    /// What the plan sets.
    pub plan: Arc<PlanValues>,
    /// The value of `n`, in a table that is repeated.
    pub n: Option<i64>,
    /// The processes that [`Place::EachProcess`] goes through.
    pub processes: Vec<String>,
}

impl Scope {
    /// Without `n` and processes.
    #[must_use]
    pub fn new(place: Place, ports: Arc<BTreeSet<String>>, plan: impl Into<PlanValues>) -> Self {
        Self {
            place,
            ports,
            reached: Arc::default(),
            plan: Arc::new(plan.into()),
            n: None,
            processes: Vec::new(),
        }
    }

    /// The names that may be used.
    #[must_use]
    pub fn names(&self) -> Vec<&'static str> {
        let n = self.n.map(|_| "n");
        self.place.names().chain(n).collect()
    }

    /// Values that stand for those of a real rendering; several sets where the place is rendered for each process.
    pub(super) fn probes(&self) -> Vec<Vec<(&'static str, Value)>> {
        match self.place {
            Place::Name | Place::Trial => vec![Vec::new()],
            Place::EachProcess => {
                let process = |name: &String| vec![("process", Value::from(name.as_str()))];
                self.processes.iter().map(process).collect()
            }
            Place::State => {
                vec![vec![stand_in("stock"), stand_in("order_no"), stand_in("register")]]
            }
            Place::Operation(own) => vec![own.iter().copied().map(stand_in).collect()],
        }
    }
}

/// A value for a name, of the type that a real one has.
fn stand_in(name: &'static str) -> (&'static str, Value) {
    let is_text = matches!(name, "stock" | "side" | "key" | "register");
    (name, if is_text { Value::from(name) } else { Value::from(1) })
}
