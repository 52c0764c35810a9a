//! One upstream and credential scope in the catalog: what to serve, when to walk, who waits.
//!
//! Freshness is decided by plain functions of the snapshot's age; a lock is held only to decide,
//! never while anything waits. moka has no refresh-ahead and runs its loaders in the caller's
//! future, so coalescing and stale-while-revalidate are kept here.

mod results;
mod serve;
mod state;
mod walks;

#[cfg(test)]
mod tests;

pub(super) use state::Entry;
