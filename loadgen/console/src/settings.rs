//! The load as the page sets it, and what may be set. Pure.

use serde::{Deserialize, Serialize};

/// More clients than this are a machine's trouble and not the bazaar's.
pub const MAX_CLIENTS: u32 = 64;
/// The same for the rate: generator, bazaar and browser share one machine.
pub(super) const MAX_RATE_PER_S: u32 = 2_000;

/// When iterations begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Arrivals {
    /// When the client was answered: a closed loop.
    Closed,
    /// On a schedule, equally far apart: an open loop.
    Constant,
    /// On a schedule, as if by chance: an open loop.
    Poisson,
}

/// The load.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(super) struct Load {
    /// Whether there is any.
    pub(super) on: bool,
    /// The probability that a query is followed by a trade.
    pub(super) p: f64,
    /// How many clients there are.
    pub(super) clients: u32,
    pub(super) arrivals: Arrivals,
    /// In an open loop: how many iterations are due per second.
    pub(super) rate_per_s: u32,
}

/// Slow enough for any laptop and a calm picture; off, so that a class sees it begin.
impl Default for Load {
    fn default() -> Self {
        Self { on: false, p: 0.5, clients: 10, arrivals: Arrivals::Constant, rate_per_s: 100 }
    }
}

/// What the page wants to be different.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Change {
    on: Option<bool>,
    p: Option<f64>,
    clients: Option<u32>,
    arrivals: Option<Arrivals>,
    rate_per_s: Option<u32>,
}

impl Load {
    /// The load after a change.
    ///
    /// # Errors
    /// The field that is out of its range, and the range.
    pub(super) fn changed(&self, change: &Change) -> Result<Self, String> {
        let load = Self {
            on: change.on.unwrap_or(self.on),
            p: change.p.unwrap_or(self.p),
            clients: change.clients.unwrap_or(self.clients),
            arrivals: change.arrivals.unwrap_or(self.arrivals),
            rate_per_s: change.rate_per_s.unwrap_or(self.rate_per_s),
        };
        if !(0.0..=1.0).contains(&load.p) {
            return Err("p: must be from 0 to 1".to_owned());
        }
        if !(1..=MAX_CLIENTS).contains(&load.clients) {
            return Err(format!("clients: must be 1 to {MAX_CLIENTS}"));
        }
        if !(1..=MAX_RATE_PER_S).contains(&load.rate_per_s) {
            return Err(format!("rate_per_s: must be 1 to {MAX_RATE_PER_S}"));
        }
        Ok(load)
    }

    /// In words.
    pub(super) fn describe(&self) -> String {
        let Self { on, p, clients, arrivals, rate_per_s } = self;
        match (on, arrivals) {
            (false, _) => "load off".to_owned(),
            (true, Arrivals::Closed) => format!("load: closed loop, {clients} clients, p {p}"),
            (true, Arrivals::Constant) => format!("load: {rate_per_s}/s, {clients} clients, p {p}"),
            (true, Arrivals::Poisson) => {
                format!("load: {rate_per_s}/s Poisson, {clients} clients, p {p}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(json: &str) -> Result<Load, String> {
        let change: Change = serde_json::from_str(json).map_err(|error| error.to_string())?;
        Load::default().changed(&change)
    }

    #[test]
    fn what_is_not_named_stays() {
        let load = change(r#"{"on":true,"arrivals":"closed"}"#).unwrap();
        let expected = Load { on: true, arrivals: Arrivals::Closed, ..Load::default() };
        assert_eq!(load, expected);
        assert_eq!(change("{}").unwrap(), Load::default());
    }

    #[test]
    fn what_is_out_of_range_is_named() {
        for (json, field) in [
            (r#"{"p":1.1}"#, "p: "),
            (r#"{"p":-0.1}"#, "p: "),
            (r#"{"clients":0}"#, "clients: "),
            (r#"{"clients":65}"#, "clients: "),
            (r#"{"rate_per_s":0}"#, "rate_per_s: "),
            (r#"{"rate_per_s":2001}"#, "rate_per_s: "),
            (r#"{"rate":5}"#, "unknown field `rate`"),
        ] {
            let error = change(json).unwrap_err();
            assert!(error.starts_with(field), "{json}: {error}");
        }
    }
}
