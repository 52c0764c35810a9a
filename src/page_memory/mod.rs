//! The memory that upstreams' pages take while they are received and read, for all walks together.
//!
//! Two budgets, so that nobody waits for what they hold themselves. A body takes room while it
//! arrives (`received`), and a decoded page before it is decoded, for all that it will become. Who waits for room to
//! decode holds its body and nothing else of this; who has it waits for nothing. So no two walks wait
//! for each other, and all are served in the order in which they came.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytesize::ByteSize;
use serde::Serialize;
use tokio::sync::oneshot;
use tokio::time::{Instant, timeout_at};

use crate::error::{ErrorKind, UpstreamError};
use crate::list_memory::{ListMemory, ListMemoryCounts};

mod received;
mod turns;
use received::ReceivedMemory;
pub(crate) use received::{BodyHold, OwnWaits};
use turns::ReadingTurns;

/// Bodies up to this size are not counted. There are no more of them at once than all
/// `limits.concurrency` together. One that came at once may keep what it was read into, which is hyper's largest
/// buffer at most, 408 KiB.
pub(crate) const UNCOUNTED: u64 = 256 * 1024;

/// How much memory pages may take, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageRoom {
    /// What decoded pages and whole lists may take together.
    pub decoded_and_lists: u64,
    /// What decoded pages may take at least, however much lists take.
    pub decoded: u64,
    /// What bodies may take.
    pub received: u64,
}

/// The memory that pages take. Clones share it; the default one is unbounded.
#[derive(Debug, Clone, Default)]
pub struct PageMemory(Option<Arc<SharedMemory>>);

#[derive(Debug)]
struct SharedMemory {
    room: Mutex<PageRoom>,
    /// What lists take.
    lists: ListMemory,
    decoded: Mutex<DecodedMemory>,
    received: ReceivedMemory,
    turns: ReadingTurns,
}

#[derive(Debug, Default)]
struct DecodedMemory {
    taken: u64,
    line: VecDeque<MemoryRequest>,
}

#[derive(Debug)]
struct MemoryRequest {
    bytes: u64,
    granted: oneshot::Sender<()>,
}

/// How the memory of pages stands, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct PageMemoryCounts {
    /// What lists take.
    #[serde(flatten)]
    pub lists: ListMemoryCounts,
    /// What bodies take that arrive, beyond a part of each that is not counted.
    pub arriving: u64,
    /// What such bodies may take.
    pub arriving_limit: u64,
    /// What pages take that are being decoded.
    pub decoding: u64,
    /// What such pages may take right now.
    pub decoding_limit: u64,
    /// How many pages wait for room.
    pub waiting: usize,
}

/// Memory that was taken for one page. Dropping it gives it back.
#[derive(Debug, Default)]
pub(crate) struct PageHold(Option<HeldMemory>);

#[derive(Debug)]
struct HeldMemory {
    shared: Arc<SharedMemory>,
    bytes: u64,
}

/// Who waits for memory to decode a page.
struct MemoryWaiter {
    shared: Arc<SharedMemory>,
    bytes: u64,
    granted: oneshot::Receiver<()>,
}

impl PageMemory {
    /// So much room.
    pub(crate) fn new(room: PageRoom) -> Self {
        Self(Some(Arc::new(SharedMemory {
            room: Mutex::new(room),
            lists: ListMemory::new(room.lists()),
            decoded: Mutex::default(),
            received: ReceivedMemory::new(room.received),
            turns: ReadingTurns::default(),
        })))
    }

    /// Gives so much room from now on.
    pub(crate) fn resize(&self, room: PageRoom) {
        if let Some(shared) = &self.0 {
            *shared.room.lock().unwrap_or_else(PoisonError::into_inner) = room;
            shared.lists.resize(room.lists());
            shared.received.resize(room.received);
            shared.serve(&mut shared.lock());
        }
    }

    /// How it stands.
    pub fn counts(&self) -> PageMemoryCounts {
        let Some(shared) = &self.0 else {
            return PageMemoryCounts::default();
        };
        let decoded = shared.lock();
        let (arriving, arriving_limit) = shared.received.counts();
        PageMemoryCounts {
            lists: shared.lists.counts(),
            arriving,
            arriving_limit,
            decoding: decoded.taken,
            decoding_limit: shared.limit(),
            waiting: decoded.line.len(),
        }
    }

    /// The memory of lists.
    pub(crate) fn lists(&self) -> ListMemory {
        let shared = self.0.as_ref();
        shared
            .map(|shared| shared.lists.clone())
            .unwrap_or_default()
    }

    /// Whether there is any bound.
    pub(crate) const fn is_bounded(&self) -> bool {
        self.0.is_some()
    }

    /// Takes what a page will be once decoded, as soon as it is there.
    pub(crate) async fn decode(
        &self,
        bytes: u64,
        deadline: Option<Instant>,
    ) -> Result<PageHold, UpstreamError> {
        let Some(shared) = &self.0 else {
            return Ok(PageHold::default());
        };
        // Streams that are read slowly must not be why a page is too large.
        shared.lists.reclaim(|| bytes <= shared.largest());
        let mut waiter = {
            let mut decoded = shared.lock();
            let largest = shared.largest();
            if bytes > largest {
                return Err(too_large(bytes, largest));
            }
            if decoded.line.is_empty() && shared.has_room(&decoded, bytes) {
                decoded.taken += bytes;
                return Ok(shared.held(bytes));
            }
            let (granted, is_granted) = oneshot::channel();
            decoded.line.push_back(MemoryRequest { bytes, granted });
            MemoryWaiter {
                shared: Arc::clone(shared),
                bytes,
                granted: is_granted,
            }
        };
        let granted = match deadline {
            Some(deadline) => timeout_at(deadline, &mut waiter.granted).await,
            None => Ok((&mut waiter.granted).await),
        };
        match granted {
            Ok(Ok(())) => Ok(shared.held(bytes)),
            Ok(Err(_)) => Err(too_large(bytes, shared.largest())),
            Err(_) => Err(UpstreamError::new(
                ErrorKind::Overloaded,
                format!(
                    "{} of memory did not become free in time to decode a page (`cache.capacity`)",
                    ByteSize(bytes)
                ),
            )),
        }
    }

    /// Room for a body that is about to arrive, which may wait for more until `deadline`. How long it
    /// does is told to `waits`.
    pub(crate) fn body(&self, deadline: Option<Instant>, waits: OwnWaits) -> BodyHold {
        let received = self.0.as_ref().map(|shared| shared.received.clone());
        BodyHold::new(received, deadline, waits)
    }
}

impl PageRoom {
    /// What lists may take: what is always there for decoded pages is not theirs.
    const fn lists(&self) -> u64 {
        self.decoded_and_lists.saturating_sub(self.decoded)
    }
}

impl SharedMemory {
    /// What decoded pages may take, besides the groups that walks have collected.
    fn limit(&self) -> u64 {
        let (room, lists) = (self.room(), self.lists.counts());
        let left = room.decoded_and_lists.saturating_sub(lists.lists);
        (left - lists.collected.min(left / 2)).max(room.decoded)
    }

    /// What one decoded page may take.
    fn largest(&self) -> u64 {
        let (room, lists) = (self.room(), self.lists.counts());
        let left = room.decoded_and_lists.saturating_sub(lists.lists);
        left.max(room.decoded)
    }

    /// Whether a page of so many bytes may be decoded now. There is always room for one, so that no walk
    /// waits for what others have collected.
    fn has_room(&self, decoded: &DecodedMemory, bytes: u64) -> bool {
        let room = match decoded.taken {
            0 => self.largest(),
            taken => self.limit().saturating_sub(taken),
        };
        bytes <= room
    }

    fn room(&self) -> PageRoom {
        *self.room.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn held(self: &Arc<Self>, bytes: u64) -> PageHold {
        PageHold(Some(HeldMemory {
            shared: Arc::clone(self),
            bytes,
        }))
    }

    fn give_back(&self, bytes: u64) {
        let mut decoded = self.lock();
        decoded.taken -= bytes;
        self.serve(&mut decoded);
    }

    /// Grants what is asked for, in order, as far as there is room.
    fn serve(&self, decoded: &mut DecodedMemory) {
        while let Some(first) = decoded.line.front() {
            let is_idle = first.granted.is_closed();
            // Lists have grown meanwhile: it will never fit.
            let is_too_large = first.bytes > self.largest() && decoded.taken == 0;
            if !is_idle && !is_too_large && !self.has_room(decoded, first.bytes) {
                return;
            }
            let Some(first) = decoded.line.pop_front() else {
                return;
            };
            if !is_idle && !is_too_large && first.granted.send(()).is_ok() {
                decoded.taken += first.bytes;
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, DecodedMemory> {
        self.decoded.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl PageHold {
    /// How much was taken, where anything is counted.
    pub(crate) fn bytes(&self) -> Option<u64> {
        self.0.as_ref().map(|held| held.bytes)
    }
}

fn too_large(bytes: u64, limit: u64) -> UpstreamError {
    UpstreamError::new(
        ErrorKind::LimitExceeded,
        format!(
            "a page takes about {} of memory once it is decoded, and all pages together may take \
             {} besides the lists: ask for smaller pages, or raise `cache.capacity`",
            ByteSize(bytes),
            ByteSize(limit),
        ),
    )
}

impl Drop for HeldMemory {
    fn drop(&mut self) {
        self.shared.give_back(self.bytes);
    }
}

impl Drop for MemoryWaiter {
    fn drop(&mut self) {
        self.granted.close();
        let mut decoded = self.shared.lock();
        // It was granted, and nobody has taken it.
        if self.granted.try_recv().is_ok() {
            decoded.taken -= self.bytes;
        }
        self.shared.serve(&mut decoded);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    use tokio::time::{sleep, timeout};

    use super::*;

    fn memory(decoded: u64, lists: u64) -> PageMemory {
        let room = PageRoom {
            decoded_and_lists: decoded,
            decoded: decoded / 16,
            received: 0,
        };
        let memory = PageMemory::new(room);
        // For as long as the test runs.
        std::mem::forget(memory.lists().hold(lists));
        memory
    }

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test(start_paused = true)]
    async fn pages_of_all_walks_are_decoded_within_one_budget_in_the_order_they_came() {
        let memory = memory(1000, 200);
        let order = Mutex::new(Vec::new());
        let most = AtomicU64::new(0);
        let walks = (0..20).map(|number| {
            let (memory, order, most) = (&memory, &order, &most);
            async move {
                let hold = memory
                    .decode(300 + number, Some(in_a_minute()))
                    .await
                    .unwrap();
                order.lock().unwrap().push(number);
                most.fetch_max(memory.counts().decoding, Ordering::Relaxed);
                sleep(Duration::from_secs(1)).await;
                drop(hold);
            }
        });
        futures_util::future::join_all(walks).await;
        assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
        assert!((600..=800).contains(&most.into_inner()));
        assert_eq!((memory.counts().decoding, memory.counts().waiting), (0, 0));
    }

    #[tokio::test(start_paused = true)]
    async fn a_page_larger_than_the_whole_budget_is_refused_at_once() {
        let error = memory(1000, 0).decode(1001, None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded);
        assert!(error.detail.contains("cache.capacity"), "{error}");
        // Also one that would have fit without the lists.
        let error = memory(1000, 500).decode(501, None).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::LimitExceeded);
    }

    #[tokio::test(start_paused = true)]
    async fn room_that_does_not_come_in_time_is_our_own_overload() {
        let memory = memory(1000, 0);
        let held = memory.decode(900, None).await.unwrap();
        let error = memory.decode(200, Some(in_a_minute())).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Overloaded);
        assert_eq!(memory.counts().waiting, 0);
        drop(held);
        assert!(memory.decode(1000, None).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn who_leaves_the_line_holds_up_nobody_behind() {
        let memory = memory(1000, 0);
        let held = memory.decode(500, None).await.unwrap();
        let large = timeout(Duration::from_secs(1), memory.decode(900, None));
        let small = async {
            sleep(Duration::from_millis(10)).await;
            memory.decode(100, Some(in_a_minute())).await
        };
        let (large, small) = tokio::join!(large, small);
        assert!(large.is_err() && small.is_ok());
        drop((held, small));
        assert_eq!(memory.counts().decoding, 0);
    }
}
