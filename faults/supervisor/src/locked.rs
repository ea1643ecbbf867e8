//! Locks over data that a panic leaves whole.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks. What a panic elsewhere left behind is still whole: every change is one step.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
