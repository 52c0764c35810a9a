//! The memory of bodies while they arrive.
//!
//! They take it in small units as they grow, so that many moderate ones arrive at once, and a slow one
//! holds no more than it has brought. Where no unit is left, one body at a time has a part of its own, which
//! holds the largest that may be. It waits for nobody, so all others get their turn.

use std::pin::pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytesize::ByteSize;
use futures_util::future::{OptionFuture, pending};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::error::{ErrorKind, UpstreamError};

use super::UNCOUNTED;

/// How many units bodies share.
const UNITS: u32 = 56;

/// How many units there would be, were there no part for one body alone.
const ALL_UNITS: u64 = 192;

/// The memory of all bodies. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct ReceivedMemory {
    bytes: Arc<AtomicU64>,
    units: Arc<Semaphore>,
    alone: Arc<Semaphore>,
}

/// Memory that is taken for one body, more and more while it arrives.
#[derive(Debug)]
pub(crate) struct BodyHold {
    memory: Option<ReceivedMemory>,
    deadline: Option<Instant>,
    waits: OwnWaits,
    units: Option<OwnedSemaphorePermit>,
    alone: Option<OwnedSemaphorePermit>,
}

/// How long one attempt has waited for our own memory: for that, nobody blames the upstream. Clones
/// share it.
#[derive(Debug, Clone, Default)]
pub(crate) struct OwnWaits(Arc<Mutex<OwnWaitState>>);

#[derive(Debug, Default)]
struct OwnWaitState {
    ended: Duration,
    since: Option<Instant>,
}

impl ReceivedMemory {
    /// So many bytes.
    pub(super) fn new(bytes: u64) -> Self {
        Self {
            bytes: Arc::new(AtomicU64::new(bytes)),
            units: Arc::new(Semaphore::new(UNITS as usize)),
            alone: Arc::new(Semaphore::new(1)),
        }
    }

    /// So many from now on.
    pub(super) fn resize(&self, bytes: u64) {
        self.bytes.store(bytes, Ordering::Relaxed);
    }

    fn unit(&self) -> u64 {
        (self.bytes.load(Ordering::Relaxed) / ALL_UNITS).max(1)
    }

    /// How many bytes bodies take, and may take.
    pub(super) fn counts(&self) -> (u64, u64) {
        let shared = u64::from(UNITS).saturating_sub(self.units.available_permits() as u64);
        let is_one_alone = self.alone.available_permits() == 0;
        let alone = if is_one_alone {
            ALL_UNITS - u64::from(UNITS)
        } else {
            0
        };
        let bytes = self.bytes.load(Ordering::Relaxed);
        ((shared + alone) * self.unit(), bytes)
    }

    /// The size that no body may exceed.
    fn largest(&self) -> u64 {
        UNCOUNTED + self.unit() * (ALL_UNITS - u64::from(UNITS))
    }
}

impl BodyHold {
    pub(super) const fn new(
        memory: Option<ReceivedMemory>,
        deadline: Option<Instant>,
        waits: OwnWaits,
    ) -> Self {
        Self {
            memory,
            deadline,
            waits,
            units: None,
            alone: None,
        }
    }

    /// Takes room for a body of so many bytes so far. It waits while others have it.
    pub(crate) async fn grow(&mut self, bytes: u64) -> Result<(), UpstreamError> {
        let Some(memory) = &self.memory else {
            return Ok(());
        };
        if bytes <= UNCOUNTED {
            return Ok(());
        }
        let largest = memory.largest();
        if bytes > largest {
            let largest = ByteSize(largest);
            return Err(UpstreamError::new(
                ErrorKind::LimitExceeded,
                format!("a page is larger than {largest}, all that one may be (`cache.capacity`)"),
            ));
        }
        let held = self
            .units
            .as_ref()
            .map_or(0, OwnedSemaphorePermit::num_permits) as u64;
        let more = (bytes - UNCOUNTED)
            .div_ceil(memory.unit())
            .saturating_sub(held);
        if more == 0 || self.alone.is_some() {
            return Ok(());
        }
        // More than all of them is only for who is alone.
        let more = u32::try_from(more).ok().filter(|more| *more <= UNITS);
        let units = more.map(|more| Arc::clone(&memory.units).try_acquire_many_owned(more));
        if let Some(Ok(units)) = units {
            self.add(units);
            return Ok(());
        }
        let _waiting = self.waits.begin();
        let units = more.map(|more| Arc::clone(&memory.units).acquire_many_owned(more));
        let mut units = pin!(OptionFuture::from(units));
        let deadline = async {
            match self.deadline {
                Some(deadline) => sleep_until(deadline).await,
                None => pending().await,
            }
        };
        tokio::select! {
            biased;
            Some(Ok(units)) = &mut units => self.add(units),
            alone = Arc::clone(&memory.alone).acquire_owned() => self.alone = alone.ok(),
            () = deadline => return Err(UpstreamError::new(
                ErrorKind::Overloaded,
                "other large pages arrive, and there is no memory for one more (`cache.capacity`)",
            )),
        }
        Ok(())
    }

    fn add(&mut self, more: OwnedSemaphorePermit) {
        match &mut self.units {
            Some(units) => units.merge(more),
            None => self.units = Some(more),
        }
    }
}

impl OwnWaits {
    /// A wait begins, and ends when the guard is dropped.
    pub(crate) fn begin(&self) -> OwnWait {
        self.lock().since = Some(Instant::now());
        OwnWait(self.clone())
    }

    /// How long it has waited. `None`: it waits now.
    pub(crate) fn ended(&self) -> Option<Duration> {
        let state = self.lock();
        state.since.is_none().then_some(state.ended)
    }

    /// Whether it has waited, or waits.
    pub(crate) fn has_begun(&self) -> bool {
        self.ended() != Some(Duration::ZERO)
    }

    fn lock(&self) -> MutexGuard<'_, OwnWaitState> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A wait for our own memory, as long as this is not dropped.
#[derive(Debug)]
pub(crate) struct OwnWait(OwnWaits);

impl Drop for OwnWait {
    fn drop(&mut self) {
        let mut state = self.0.lock();
        if let Some(since) = state.since.take() {
            state.ended += since.elapsed();
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::sleep;

    use super::*;

    const KIB: u64 = 1024;

    fn body(memory: &ReceivedMemory) -> BodyHold {
        let in_a_minute = Instant::now() + Duration::from_mins(1);
        BodyHold::new(Some(memory.clone()), Some(in_a_minute), OwnWaits::default())
    }

    #[tokio::test(start_paused = true)]
    async fn bodies_that_arrive_share_one_budget_and_wait_for_each_other_in_turn() {
        let memory = ReceivedMemory::new(48 * KIB);
        let largest = UNCOUNTED + 34 * KIB;
        let arrivals = (0..30).map(|_| {
            let mut hold = body(&memory);
            async move {
                for bytes in [UNCOUNTED, UNCOUNTED + 2 * KIB, largest] {
                    hold.grow(bytes).await?;
                    sleep(Duration::from_millis(10)).await;
                }
                Ok::<_, UpstreamError>(())
            }
        });
        let ends = futures_util::future::join_all(arrivals).await;
        assert!(ends.iter().all(Result::is_ok), "{ends:?}");
        let error = body(&memory).grow(largest + KIB).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded);
    }

    #[tokio::test(start_paused = true)]
    async fn what_bodies_take_is_told_until_they_are_gone() {
        let memory = ReceivedMemory::new(48 * KIB);
        let (mut first, mut second) = (body(&memory), body(&memory));
        first.grow(UNCOUNTED).await.unwrap();
        assert_eq!(memory.counts(), (0, 48 * KIB));
        first.grow(UNCOUNTED + 13 * KIB).await.unwrap();
        assert_eq!(memory.counts(), (13 * KIB, 48 * KIB));
        // More than the others leave: it has the other part for itself.
        second.grow(UNCOUNTED + 2 * KIB).await.unwrap();
        assert_eq!(memory.counts(), (47 * KIB, 48 * KIB));
        drop((first, second));
        assert_eq!(memory.counts(), (0, 48 * KIB));
    }

    #[tokio::test(start_paused = true)]
    async fn a_large_body_that_trickles_holds_up_no_other() {
        let memory = ReceivedMemory::new(48 * KIB);
        let mut slow = body(&memory);
        slow.grow(UNCOUNTED + 3 * KIB).await.unwrap();
        for _ in 0..5 {
            let begun = Instant::now();
            let mut quick = body(&memory);
            for kib in 1..34 {
                quick.grow(UNCOUNTED + kib * KIB).await.unwrap();
            }
            assert_eq!(begun.elapsed(), Duration::ZERO);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn room_that_does_not_come_in_time_is_our_own_overload_and_the_wait_is_told() {
        let memory = ReceivedMemory::new(48 * KIB);
        let (mut first, mut second) = (body(&memory), body(&memory));
        first.grow(UNCOUNTED + 34 * KIB).await.unwrap();
        second.grow(UNCOUNTED + 14 * KIB).await.unwrap();
        let mut third = body(&memory);
        let error = third.grow(UNCOUNTED + KIB).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Overloaded);
        assert_eq!(third.waits.ended(), Some(Duration::from_mins(1)));
    }
}
