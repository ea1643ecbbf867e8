//! What goes with the processes of a system, and must be there before each of their starts: relays, pages of memory.

use std::collections::BTreeMap;
use std::error::Error;
use std::fmt;
use std::pin::Pin;

use crate::tree::Tree;

/// What a companion is asked for, once it is there.
pub type Preparing<'a> =
    Pin<Box<dyn Future<Output = Result<Prepared, Box<dyn Error + Send + Sync>>> + Send + 'a>>;

/// Accompanies every process of a system, through all its incarnations.
pub trait Companion: fmt::Debug + Send + Sync {
    /// Prepares for the next incarnation of a process, which does not run.
    fn prepare<'a>(&'a self, name: &'a str) -> Preparing<'a>;
}

/// What was prepared for one incarnation.
pub struct Prepared {
    /// Added to its environment.
    pub environment: BTreeMap<String, String>,
    /// What is to be done as soon as it runs. It is not done if the process does not start.
    pub started: Box<dyn FnOnce(&Tree) + Send>,
}

impl Default for Prepared {
    /// Nothing.
    fn default() -> Self {
        Self { environment: BTreeMap::new(), started: Box::new(|_| {}) }
    }
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("environment", &self.environment).finish_non_exhaustive()
    }
}
