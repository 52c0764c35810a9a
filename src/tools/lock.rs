//! Locks that do not fail.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Locks `mutex`. What the tools guard is valid between any two statements, so a panic elsewhere
/// leaves nothing to refuse.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
