//! Which trial something is said of.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Which trial of which cell.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrialName {
    /// The cell of the manifest.
    pub cell: String,
    /// Which repetition of the cell, from 1.
    pub trial: u32,
}

impl fmt::Display for TrialName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} trial {}", self.cell, self.trial)
    }
}
