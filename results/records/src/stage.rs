//! A stage of a load that changes: for so long, at so many per second or with so many clients.

use std::fmt;

use serde::{Deserialize, Serialize};

/// A stage of a load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stage {
    /// How long it takes, in seconds.
    pub duration_s: f64,
    /// An open loop: iterations per second, of all clients together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rate: Option<f64>,
    /// A closed loop: how many clients take part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clients: Option<u32>,
    /// Whether the value is reached at the stage's end, linearly from that of the stage before, instead of
    /// holding from its beginning.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ramp: bool,
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let way = match (self.ramp, self.rate) {
            (true, _) => "to",
            (false, Some(_)) => "at",
            (false, None) => "with",
        };
        write!(f, "{} s {way} ", self.duration_s)?;
        match (self.rate, self.clients) {
            (Some(rate), _) => write!(f, "{rate}/s"),
            (None, Some(1)) => write!(f, "1 client"),
            (None, clients) => write!(f, "{} clients", clients.unwrap_or_default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_is_told_in_a_few_words() {
        let rate = |ramp| Stage { duration_s: 2.5, rate: Some(800.0), clients: None, ramp };
        let clients =
            |number| Stage { duration_s: 10.0, rate: None, clients: Some(number), ramp: false };
        assert_eq!(rate(false).to_string(), "2.5 s at 800/s");
        assert_eq!(rate(true).to_string(), "2.5 s to 800/s");
        assert_eq!(clients(20).to_string(), "10 s with 20 clients");
        assert_eq!(clients(1).to_string(), "10 s with 1 client");
    }
}
