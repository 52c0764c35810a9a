//! The memory that lists of groups take, in every form: whole, and while walks collect them.
//!
//! A whole list is counted as long as anybody holds it, so a version that a slow stream still reads
//! counts although another has taken its place. Where memory is wanted, the streams that hold such
//! versions are broken off, the oldest first. Walks share half of what whole lists leave; one walk at a
//! time may go beyond, so that walks never wait for each other for ever.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use bytesize::ByteSize;
use serde::Serialize;
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep_until};

use crate::error::{ErrorKind, UpstreamError};

/// The memory of lists. Clones share it; the default one is unbounded and counts nothing.
#[derive(Debug, Clone, Default)]
pub struct ListMemory(Option<Arc<SharedLists>>);

#[derive(Debug)]
struct SharedLists {
    state: Mutex<ListState>,
    /// Held by the walk that may go beyond what there is.
    turn: Arc<Semaphore>,
    /// Rung when something was given back.
    freed: Notify,
    /// What streams hold, the oldest first.
    loans: Mutex<Vec<Weak<dyn Loan>>>,
}

#[derive(Debug)]
struct ListState {
    room: u64,
    counts: ListMemoryCounts,
}

/// How the memory of lists stands, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ListMemoryCounts {
    /// What whole lists take, with the versions that only streams still hold.
    pub lists: u64,
    /// What running walks have collected.
    pub collected: u64,
}

/// Memory of one whole list. Dropping it gives it back.
#[derive(Debug)]
pub(crate) struct ListHold {
    shared: Option<Arc<SharedLists>>,
    bytes: u64,
    is_kept: AtomicBool,
}

/// Memory of the groups that one walk has collected. Clones share it. Dropping the last gives it back.
#[derive(Debug, Clone)]
pub(crate) struct WalkHold(Option<Arc<CollectedGroups>>);

#[derive(Debug)]
struct CollectedGroups {
    shared: Arc<SharedLists>,
    /// What is counted of them. It is locked for moments, so whoever gives memory back never waits.
    bytes: Mutex<u64>,
    /// The turn, once the walk has it. Locked while one page of the walk waits: its others wait behind it, and do not
    /// need a turn of their own.
    turn: tokio::sync::Mutex<Option<OwnedSemaphorePermit>>,
}

/// What a stream reads, until the memory of its lists is wanted.
#[derive(Debug)]
pub(crate) struct Lent<T>(Arc<LoanState<T>>);

#[derive(Debug)]
struct LoanState<T> {
    value: Mutex<Option<Arc<T>>>,
    is_old: fn(&T) -> bool,
}

/// What can be taken back.
trait Loan: std::fmt::Debug + Send + Sync {
    /// Takes it back if it holds a list that is no longer kept.
    fn end_if_old(&self);
}

impl ListMemory {
    /// So much room for lists in every form.
    pub(crate) fn new(room: u64) -> Self {
        Self(Some(Arc::new(SharedLists {
            state: Mutex::new(ListState {
                room,
                counts: ListMemoryCounts::default(),
            }),
            turn: Arc::new(Semaphore::new(1)),
            freed: Notify::new(),
            loans: Mutex::default(),
        })))
    }

    /// Gives so much room from now on.
    pub(crate) fn resize(&self, room: u64) {
        if let Some(shared) = &self.0 {
            shared.lock().room = room;
            shared.freed.notify_waiters();
        }
    }

    /// How it stands.
    pub fn counts(&self) -> ListMemoryCounts {
        let shared = self.0.as_ref();
        shared
            .map(|shared| shared.lock().counts)
            .unwrap_or_default()
    }

    /// Counts a whole list.
    pub(crate) fn hold(&self, bytes: u64) -> ListHold {
        if let Some(shared) = &self.0 {
            shared.lock().counts.lists += bytes;
        }
        ListHold {
            shared: self.0.clone(),
            bytes,
            is_kept: AtomicBool::new(true),
        }
    }

    /// The memory of a walk that begins.
    pub(crate) fn walk(&self) -> WalkHold {
        let shared = self.0.clone();
        WalkHold(shared.map(|shared| {
            Arc::new(CollectedGroups {
                shared,
                bytes: Mutex::default(),
                turn: tokio::sync::Mutex::default(),
            })
        }))
    }

    /// Lends a value to a stream. It is taken back when memory is wanted and it `is_old`.
    pub(crate) fn lend<T>(&self, value: T, is_old: fn(&T) -> bool) -> Lent<T>
    where
        T: std::fmt::Debug + Send + Sync + 'static,
    {
        let state = Arc::new(LoanState {
            value: Mutex::new(Some(Arc::new(value))),
            is_old,
        });
        if let Some(shared) = &self.0 {
            let mut loans = lock(&shared.loans);
            loans.retain(|loan| loan.strong_count() > 0);
            let loan: Weak<dyn Loan> = Arc::downgrade(&(Arc::clone(&state) as Arc<dyn Loan>));
            loans.push(loan);
        }
        Lent(state)
    }

    /// Takes old lists back from streams, the oldest first, until it `is_enough`.
    pub(crate) fn reclaim(&self, is_enough: impl FnMut() -> bool) {
        if let Some(shared) = &self.0 {
            shared.reclaim(is_enough);
        }
    }
}

impl SharedLists {
    /// Takes memory for groups that a walk has collected, if there is any.
    fn collect(&self, bytes: u64) -> bool {
        let mut state = self.lock();
        let left = state.room.saturating_sub(state.counts.lists);
        let has_room = state.counts.collected + bytes <= left / 2;
        if has_room {
            state.counts.collected += bytes;
        }
        has_room
    }

    fn reclaim(&self, mut is_enough: impl FnMut() -> bool) -> bool {
        let loans = lock(&self.loans).clone();
        for loan in loans.iter().filter_map(Weak::upgrade) {
            if is_enough() {
                return true;
            }
            loan.end_if_old();
        }
        is_enough()
    }

    fn lock(&self) -> MutexGuard<'_, ListState> {
        lock(&self.state)
    }
}

impl WalkHold {
    /// Takes memory for more groups. It waits while others have it, until `deadline`, and walks get the
    /// turn in the order in which they came. While it waits it must be polled: the rest of the walk waits behind it,
    /// and so do others once the turn is its own.
    pub(crate) async fn grow(&self, bytes: u64, deadline: Instant) -> Result<(), UpstreamError> {
        let Some(groups) = self.0.as_deref() else {
            return Ok(());
        };
        let shared = &groups.shared;
        let mut own_turn = groups.turn.lock().await;
        let mut turn = pin!(Arc::clone(&shared.turn).acquire_owned());
        loop {
            let mut freed = pin!(shared.freed.notified());
            freed.as_mut().enable();
            if own_turn.is_some() {
                groups.count(bytes);
                return Ok(());
            }
            if groups.collect(bytes) || shared.reclaim(|| groups.collect(bytes)) {
                return Ok(());
            }
            tokio::select! {
                () = freed => {}
                turn = &mut turn => *own_turn = turn.ok(),
                () = sleep_until(deadline) => return Err(UpstreamError::of_no_answer(
                    ErrorKind::Overloaded,
                    format!(
                        "{} of memory did not become free in time for the groups of a walk, besides \
                         the lists that are kept and other walks (`cache.capacity`)",
                        ByteSize(bytes)
                    ),
                )),
            }
        }
    }

    /// Counts what is in memory already, whatever there is.
    pub(crate) fn count(&self, bytes: u64) {
        if let Some(groups) = self.0.as_deref() {
            groups.count(bytes);
        }
    }

    /// Gives back what the walk does not need any more.
    pub(crate) fn shrink(&self, bytes: u64) {
        if let Some(groups) = self.0.as_deref() {
            groups.give_back(bytes);
        }
    }

    /// The groups have become a list of so many bytes.
    pub(crate) fn into_list(self, bytes: u64) -> ListHold {
        let shared = self.0.as_ref().map(|groups| Arc::clone(&groups.shared));
        ListMemory(shared).hold(bytes)
    }
}

impl CollectedGroups {
    /// Takes memory for more groups, if there is any.
    fn collect(&self, bytes: u64) -> bool {
        let has_room = self.shared.collect(bytes);
        if has_room {
            *lock(&self.bytes) += bytes;
        }
        has_room
    }

    fn count(&self, bytes: u64) {
        self.shared.lock().counts.collected += bytes;
        *lock(&self.bytes) += bytes;
    }

    /// Gives back so much of what is counted.
    fn give_back(&self, bytes: u64) {
        let bytes = {
            let mut counted = lock(&self.bytes);
            let bytes = bytes.min(*counted);
            *counted -= bytes;
            bytes
        };
        self.shared.lock().counts.collected -= bytes;
        self.shared.freed.notify_waiters();
    }
}

impl Drop for CollectedGroups {
    fn drop(&mut self) {
        self.give_back(u64::MAX);
    }
}

impl Default for ListHold {
    fn default() -> Self {
        ListMemory::default().hold(0)
    }
}

impl ListHold {
    /// Whether the list is what is served to whoever asks now.
    pub(crate) fn is_kept(&self) -> bool {
        self.is_kept.load(Ordering::Relaxed)
    }

    /// Says whether it is.
    pub(crate) fn keep(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
    }
}

impl Drop for ListHold {
    fn drop(&mut self) {
        if let Some(shared) = &self.shared {
            shared.lock().counts.lists -= self.bytes;
            shared.freed.notify_waiters();
        }
    }
}

impl<T> Lent<T> {
    /// What was lent. `None`: it was taken back.
    pub(crate) fn get(&self) -> Option<Arc<T>> {
        lock(&self.0.value).clone()
    }
}

impl<T: std::fmt::Debug + Send + Sync> Loan for LoanState<T> {
    fn end_if_old(&self) {
        let mut value = lock(&self.value);
        if value.as_ref().is_some_and(|value| (self.is_old)(value)) {
            let taken = value.take();
            drop((value, taken));
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures_util::FutureExt as _;
    use tokio::time::{sleep, timeout};

    use super::*;

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test(start_paused = true)]
    async fn walks_that_do_not_fit_together_are_read_one_after_the_other() {
        let memory = ListMemory::new(1000);
        let kept = memory.hold(600);
        let most = Mutex::new(0);
        let walks = (0..10).map(|_| {
            let (memory, most) = (&memory, &most);
            async move {
                let walk = memory.walk();
                for _ in 0..5 {
                    walk.grow(90, in_a_minute()).await?;
                    sleep(Duration::from_secs(1)).await;
                    let collected = memory.counts().collected;
                    let mut most = lock(most);
                    *most = collected.max(*most);
                }
                drop(walk.into_list(450));
                Ok::<_, UpstreamError>(())
            }
        });
        let ends = futures_util::future::join_all(walks).await;
        assert!(ends.iter().all(Result::is_ok), "{ends:?}");
        // A half of the 400 that are left, and the one walk that may go beyond.
        let most = most.into_inner().unwrap();
        assert!((450..=200 + 450).contains(&most), "{most}");
        drop(kept);
        assert_eq!(memory.counts(), ListMemoryCounts::default());
    }

    #[tokio::test(start_paused = true)]
    async fn walks_get_the_turn_in_the_order_in_which_they_came_whatever_becomes_free_meanwhile() {
        let memory = ListMemory::new(100);
        let large = memory.walk();
        large.grow(200, in_a_minute()).await.unwrap();
        let order = Mutex::new(Vec::new());
        let walks = (0..10).map(|number| {
            let (memory, order) = (&memory, &order);
            async move {
                // The last one comes first.
                sleep(Duration::from_millis(10 - number)).await;
                let walk = memory.walk();
                walk.grow(90, in_a_minute()).await.unwrap();
                lock(order).push(number);
            }
        });
        let frees = async {
            for _ in 0..20 {
                sleep(Duration::from_millis(1)).await;
                drop(memory.hold(1));
            }
            drop(large);
        };
        tokio::join!(futures_util::future::join_all(walks), frees);
        assert_eq!(order.into_inner().unwrap(), [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]);
    }

    #[tokio::test(start_paused = true)]
    async fn groups_for_which_no_room_comes_in_time_are_our_own_overload() {
        let memory = ListMemory::new(100);
        let large = memory.walk();
        large.grow(200, in_a_minute()).await.unwrap();
        let other = memory.walk();
        let error = other.grow(1, in_a_minute()).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Overloaded);
        assert!(error.detail.contains("cache.capacity"), "{error}");
        drop(large);
        other.grow(1, in_a_minute()).await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn old_lists_are_taken_back_from_streams_where_a_walk_wants_room_and_others_stay() {
        let memory = ListMemory::new(1000);
        let is_old = |hold: &ListHold| !hold.is_kept();
        let streams: Vec<_> = (0..4)
            .map(|_| memory.lend(memory.hold(200), is_old))
            .collect();
        for stream in &streams[1..] {
            stream.get().unwrap().keep(false);
        }
        let walk = memory.walk();
        walk.grow(100, in_a_minute()).await.unwrap();
        assert!(streams.iter().all(|stream| stream.get().is_some()));
        // The oldest of those that hold an old list, and no more than are needed.
        timeout(Duration::from_secs(1), walk.grow(50, in_a_minute()))
            .await
            .unwrap()
            .unwrap();
        let held: Vec<_> = streams
            .iter()
            .map(|stream| stream.get().is_some())
            .collect();
        assert_eq!(held, [true, false, true, true]);
        assert_eq!(memory.counts().lists, 600);
    }

    #[tokio::test(start_paused = true)]
    async fn what_a_walk_gives_back_is_there_for_others() {
        let memory = ListMemory::new(1000);
        let (walk, other) = (memory.walk(), memory.walk());
        walk.grow(500, in_a_minute()).await.unwrap();
        let waits = other.grow(300, in_a_minute());
        let gives_back = async { walk.shrink(400) };
        let (grown, ()) = tokio::join!(waits, gives_back);
        grown.unwrap();
        assert_eq!(memory.counts().collected, 400);
        walk.shrink(9999);
        assert_eq!(memory.counts().collected, 300);
        drop((walk, other));
        assert_eq!(memory.counts().collected, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn a_walk_gives_back_and_counts_while_one_of_its_pages_waits() {
        let memory = ListMemory::new(1000);
        let (walk, turn) = (memory.walk(), memory.walk());
        turn.grow(501, in_a_minute()).await.unwrap();
        turn.shrink(201);
        walk.grow(200, in_a_minute()).await.unwrap();
        let mut waits = Box::pin(walk.grow(150, in_a_minute()));
        assert!(waits.as_mut().now_or_never().is_none());
        walk.count(50);
        walk.shrink(100);
        assert!(waits.as_mut().now_or_never().is_none());
        walk.shrink(100);
        waits.now_or_never().unwrap().unwrap();
        assert_eq!(memory.counts().collected, 300 + 200);
        drop(walk);
        assert_eq!(memory.counts().collected, 300);
    }
}
