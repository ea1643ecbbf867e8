//! One thing for each client: its connection, as each user of an engine has one.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// What each client has of its own. There are as many as the harness names, which are a plan's clients.
#[derive(Debug)]
pub(crate) struct PerClient<T> {
    all: Mutex<BTreeMap<u32, Arc<T>>>,
}

impl<T> Default for PerClient<T> {
    fn default() -> Self {
        Self { all: Mutex::new(BTreeMap::new()) }
    }
}

impl<T> PerClient<T> {
    /// What `client` has, made if it is new.
    pub(crate) fn get(&self, client: u32, make: impl FnOnce() -> T) -> Arc<T> {
        let mut all = self.all.lock().unwrap_or_else(PoisonError::into_inner);
        all.entry(client).or_insert_with(|| Arc::new(make())).clone()
    }
}
