//! The places of requests that take memory or wait: so many in all, and so many of them for one client.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The places that there are, and what each client has of them.
#[derive(Debug)]
pub(crate) struct RequestPlaces {
    free: Arc<Semaphore>,
    per_client: usize,
    /// How many each client has that has any.
    taken: Mutex<HashMap<IpAddr, usize>>,
}

/// The place of one request, which is free again when this is dropped.
#[derive(Debug)]
pub(crate) struct RequestPlace {
    places: Arc<RequestPlaces>,
    network: IpAddr,
    _permit: OwnedSemaphorePermit,
}

/// Why there is no place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NoPlace {
    /// All are taken.
    Full,
    /// The client has all that one client may have.
    ClientFull,
}

impl RequestPlaces {
    /// So many places, of which one client has at most `per_client`.
    pub(crate) fn new(total: usize, per_client: usize) -> Arc<Self> {
        Arc::new(Self {
            free: Arc::new(Semaphore::new(total)),
            per_client,
            taken: Mutex::default(),
        })
    }

    /// A place for a request from `network`.
    pub(crate) fn take(self: &Arc<Self>, network: IpAddr) -> Result<RequestPlace, NoPlace> {
        let mut taken = self.taken();
        let of_client = taken.get(&network).copied().unwrap_or(0);
        if of_client >= self.per_client {
            return Err(NoPlace::ClientFull);
        }
        let permit = Arc::clone(&self.free).try_acquire_owned();
        let permit = permit.map_err(|_| NoPlace::Full)?;
        taken.insert(network, of_client + 1);
        Ok(RequestPlace {
            places: Arc::clone(self),
            network,
            _permit: permit,
        })
    }

    fn taken(&self) -> MutexGuard<'_, HashMap<IpAddr, usize>> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for RequestPlace {
    fn drop(&mut self) {
        let mut taken = self.places.taken();
        let Some(of_client) = taken.get_mut(&self.network) else {
            return;
        };
        *of_client -= 1;
        if *of_client == 0 {
            taken.remove(&self.network);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_client_takes_no_more_than_its_own_and_leaves_nothing_behind() {
        let [one, other] = [1, 2].map(|last| IpAddr::from([192, 0, 2, last]));
        let places = RequestPlaces::new(3, 2);
        let first = places.take(one).unwrap();
        let second = places.take(one).unwrap();
        assert_eq!(places.take(one).unwrap_err(), NoPlace::ClientFull);
        let third = places.take(other).unwrap();
        assert_eq!(places.take(other).unwrap_err(), NoPlace::Full);
        drop(first);
        let fourth = places.take(other).unwrap();
        assert_eq!(places.take(other).unwrap_err(), NoPlace::ClientFull);
        drop((second, third, fourth));
        assert!(places.taken().is_empty());
        assert_eq!(places.free.available_permits(), 3);
    }
}
