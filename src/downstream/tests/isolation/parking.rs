//! What one caller got, for others to try.

use std::sync::Mutex;

/// The last of what each caller got.
pub(super) struct Parked<T>(Box<[Mutex<Option<T>>]>);

impl<T: Clone> Parked<T> {
    pub(super) fn new(callers: usize) -> Self {
        Self((0..callers).map(|_| Mutex::new(None)).collect())
    }

    pub(super) fn put(&self, caller: usize, what: T) {
        *self.0[caller].lock().unwrap() = Some(what);
    }

    /// What a caller got, or else another.
    pub(super) fn take(&self, caller: usize) -> Option<(usize, T)> {
        let number = self.0.len();
        let others = (0..number).map(|step| (caller + step) % number);
        let mut found =
            others.filter_map(|owner| Some((owner, self.0[owner].lock().unwrap().clone()?)));
        found.next()
    }
}
