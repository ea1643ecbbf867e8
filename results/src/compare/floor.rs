//! How small an effect may be and still be called one.

use std::fmt;

/// The smallest effect worth calling, unless an A/A run says otherwise: 3 %. Two builds of the same
/// source differ by a per cent or two in code layout alone (Mytkowicz et al., *Producing Wrong Data
/// Without Doing Anything Obviously Wrong!*, ASPLOS 2009).
pub const DEFAULT_FLOOR: f64 = 0.03;

/// However quiet an A/A run was, effects below 1 % are not called: the next one may not be.
pub const LEAST_FLOOR: f64 = 0.01;

/// The smallest effect that is worth calling, and where that comes from.
#[derive(Clone, Debug, PartialEq)]
pub struct Floor {
    /// As a share: 0.03.
    pub share: f64,
    /// In a few words.
    pub from: String,
}

impl Default for Floor {
    fn default() -> Self {
        Self { share: DEFAULT_FLOOR, from: "the default".to_owned() }
    }
}

impl fmt::Display for Floor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.1}%, {}", self.share * 100.0, self.from)
    }
}
