//! What a trial puts into templates.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Error, ErrorKind};

use crate::expression::Bound;
use crate::plan_values::PlanValues;

/// The values of one trial. Cheap to copy: a request is rendered with a copy of it.
#[derive(Clone, Debug)]
pub struct Setting {
    ports: Arc<Ports>,
    scratch: Value,
    replicas: u32,
    bin: Value,
    token: Value,
    system: Value,
    load: Value,
}

impl Setting {
    /// The ports by name, the trial's empty folder, what the plan sets (its count of replicas, at least), the folder of programs (`--bin-dir`), and the
    /// trial's token.
    #[must_use]
    pub fn new(
        ports: BTreeMap<String, u16>,
        scratch: &str,
        plan: impl Into<PlanValues>,
        bin: &str,
        token: &str,
    ) -> Self {
        let plan: PlanValues = plan.into();
        Self {
            ports: Arc::new(Ports(ports)),
            scratch: Value::from(scratch),
            replicas: plan.replicas,
            system: plan.system(),
            load: plan.load(),
            bin: Value::from(bin),
            token: Value::from(token),
        }
    }

    /// The same, with other numbers for some ports: for somebody who is to go another way.
    #[must_use]
    pub fn with_ports(&self, others: &BTreeMap<String, u16>) -> Self {
        let mut ports = self.ports.0.clone();
        ports.extend(others.iter().map(|(name, port)| (name.clone(), *port)));
        Self { ports: Arc::new(Ports(ports)), ..self.clone() }
    }

    /// Stands for any trial of a target with these ports.
    pub(crate) fn probe(ports: &BTreeSet<String>, plan: &PlanValues) -> Self {
        let ports = ports.iter().cloned().zip(1024..).collect();
        Self::new(ports, Self::PROBE_SCRATCH, plan, Self::PROBE_BIN, "token")
    }

    /// The scratch folder of [`Setting::probe`].
    pub(crate) const PROBE_SCRATCH: &str = "/scratch";
    /// Its folder of programs.
    pub(crate) const PROBE_BIN: &str = "/bin";

    pub(super) fn get(&self, name: &str) -> Option<Value> {
        match name {
            "port" => Some(Value::from_dyn_object(Arc::clone(&self.ports))),
            "scratch" => Some(self.scratch.clone()),
            "replicas" => Some(Value::from(self.replicas)),
            "bin" => Some(self.bin.clone()),
            "token" => Some(self.token.clone()),
            "system" => Some(self.system.clone()),
            "load" => Some(self.load.clone()),
            _ => None,
        }
    }

    /// A port by its name.
    pub(super) fn port(&self, name: &str) -> Option<u16> {
        self.ports.0.get(name).copied()
    }

    /// What `name` stands for, but for ports.
    pub(super) fn bound(&self, name: &str) -> Option<Bound<'_>> {
        match name {
            "scratch" => self.scratch.as_str().map(Bound::Text),
            "replicas" => Some(Bound::Int(i64::from(self.replicas))),
            "bin" => self.bin.as_str().map(Bound::Text),
            "token" => self.token.as_str().map(Bound::Text),
            _ => None,
        }
    }
}

#[derive(Debug)]
struct Ports(BTreeMap<String, u16>);

impl Object for Ports {
    /// A port that there is not is an error that names those that there are, not an undefined value, which would not say
    /// what was looked for.
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(port) = key.as_str().and_then(|name| self.0.get(name)) {
            return Some(Value::from(*port));
        }
        let name = key.to_string();
        let known: Vec<_> = self.0.keys().map(String::as_str).collect();
        let fix = match crate::suggest::closest(&name, known.iter().copied()) {
            Some(like) => format!("did you mean '{like}'?"),
            None if known.is_empty() => "declare it in [ports]".to_owned(),
            None => format!("[ports] has {}", known.join(", ")),
        };
        let detail = format!("there is no port '{name}'; {fix}");
        Some(Value::from(Error::new(ErrorKind::UndefinedError, detail)))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Value::from(name.as_str())).collect())
    }
}
