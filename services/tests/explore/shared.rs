//! Parts of a state that successors share until one of them changes it, and that are hashed once.

use std::hash::{Hash, Hasher};
use std::ops::Deref;
use std::sync::Arc;

use crate::search::fingerprint;

/// A part of a state.
#[derive(Debug)]
pub(crate) struct Shared<T> {
    value: Arc<T>,
    fingerprint: u64,
}

impl<T: Hash> Shared<T> {
    /// Shares `value`.
    pub(crate) fn new(value: T) -> Self {
        let fingerprint = fingerprint(&value);
        Self { value: Arc::new(value), fingerprint }
    }

    /// What equal parts, and only those, have in common.
    pub(crate) fn fingerprint(&self) -> u64 {
        self.fingerprint
    }
}

impl<T: Hash + Clone> Shared<T> {
    /// Changes this copy, and no other.
    pub(crate) fn change<R>(&mut self, change: impl FnOnce(&mut T) -> R) -> R {
        let result = change(Arc::make_mut(&mut self.value));
        self.fingerprint = fingerprint(&*self.value);
        result
    }
}

impl<T> Clone for Shared<T> {
    fn clone(&self) -> Self {
        Self { value: Arc::clone(&self.value), fingerprint: self.fingerprint }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T> Hash for Shared<T> {
    fn hash<H: Hasher>(&self, hasher: &mut H) {
        hasher.write_u64(self.fingerprint);
    }
}
