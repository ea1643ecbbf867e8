//! What a trial puts into templates.

use std::collections::BTreeMap;
use std::sync::Arc;

use minijinja::value::{Enumerator, Object, Value};
use minijinja::{Error, ErrorKind};

use crate::expression::Bound;
use crate::plan_values::PlanValues;
use crate::template::Scope;

/// The values of one trial. Cheap to copy: a request is rendered with a copy of it.
#[derive(Clone, Debug)]
pub struct Setting {
    ports: Arc<Ports>,
    addresses: Arc<Addresses>,
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
            addresses: Arc::default(),
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

    /// The same, of a target with hosts: where each host, and each process, is reached, by their names.
    #[must_use]
    pub fn with_addresses(&self, addresses: BTreeMap<String, String>) -> Self {
        Self { addresses: Arc::new(Addresses(addresses)), ..self.clone() }
    }

    /// The same on another host, whose folders are elsewhere: the empty one, and that of programs.
    #[must_use]
    pub fn with_folders(&self, scratch: &str, bin: &str) -> Self {
        Self { scratch: Value::from(scratch), bin: Value::from(bin), ..self.clone() }
    }

    /// Stands for any trial of a target with the ports, and the hosts and processes, of this scope.
    pub(crate) fn probe(scope: &Scope) -> Self {
        let Scope { ports, reached, plan, .. } = scope;
        let ports = ports.iter().cloned().zip(1024..).collect();
        let address = |name: &String| (name.clone(), "127.0.0.1".to_owned());
        Self::new(ports, Self::PROBE_SCRATCH, &**plan, Self::PROBE_BIN, "token")
            .with_addresses(reached.iter().map(address).collect())
    }

    /// The scratch folder of [`Setting::probe`].
    pub(crate) const PROBE_SCRATCH: &str = "/scratch";
    /// Its folder of programs.
    pub(crate) const PROBE_BIN: &str = "/bin";

    pub(super) fn get(&self, name: &str) -> Option<Value> {
        match name {
            "port" => Some(Value::from_dyn_object(Arc::clone(&self.ports))),
            "address" => Some(Value::from_dyn_object(Arc::clone(&self.addresses))),
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
        Some(missing("port", key, self.0.keys(), ("declare it in [ports]", "[ports] has")))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Value::from(name.as_str())).collect())
    }
}

#[derive(Debug, Default)]
struct Addresses(BTreeMap<String, String>);

impl Object for Addresses {
    /// As of a port: that there is none is an error.
    fn get_value(self: &Arc<Self>, key: &Value) -> Option<Value> {
        if let Some(address) = key.as_str().and_then(|name| self.0.get(name)) {
            return Some(Value::from(address.as_str()));
        }
        Some(missing("host or process", key, self.0.keys(), ("declare it in [hosts]", "there are")))
    }

    fn enumerate(self: &Arc<Self>) -> Enumerator {
        Enumerator::Values(self.0.keys().map(|name| Value::from(name.as_str())).collect())
    }
}

/// What stands for something that there is not, and says what might be meant.
fn missing<'a>(
    what: &str,
    key: &Value,
    known: impl Iterator<Item = &'a String>,
    (declare, others): (&str, &str),
) -> Value {
    let name = key.to_string();
    let known: Vec<_> = known.map(String::as_str).collect();
    let fix = match crate::suggest::closest(&name, known.iter().copied()) {
        Some(like) => format!("did you mean '{like}'?"),
        None if known.is_empty() => declare.to_owned(),
        None => format!("{others} {}", known.join(", ")),
    };
    let detail = format!("there is no {what} '{name}'; {fix}");
    Value::from(Error::new(ErrorKind::UndefinedError, detail))
}
