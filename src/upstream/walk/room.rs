//! The room for the groups of a walk: counted from when a page is read, whatever it waits for then.
//!
//! Pages that were announced are read at once, and each takes the room for its own groups. The stream
//! of them is polled all the while, for whoever adds a page waits for nothing: so whatever the others
//! hold on their way is given back in time.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

use crate::error::UpstreamError;
use crate::list_memory::WalkHold;
use crate::page::fetched_page::FetchedPage;
use crate::page::mapping::MappedPage;

/// About what the place of a group takes, by its id.
const INDEXED: u64 = 16;

/// What an attempt at a list takes of the memory of its walk. Clones share it.
#[derive(Debug, Clone)]
pub(super) struct AttemptMemory {
    hold: WalkHold,
    bytes: Arc<AtomicU64>,
}

impl AttemptMemory {
    pub(super) fn new(hold: WalkHold) -> Self {
        let bytes = Arc::default();
        Self { hold, bytes }
    }

    async fn grow(&self, bytes: u64, deadline: Instant) -> Result<(), UpstreamError> {
        self.hold.grow(bytes, deadline).await?;
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
        Ok(())
    }

    /// Counts what is in memory already.
    fn count(&self, bytes: u64) {
        self.hold.count(bytes);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Gives back what the attempt does not need any more.
    fn shrink(&self, bytes: u64) {
        self.bytes.fetch_sub(bytes, Ordering::Relaxed);
        self.hold.shrink(bytes);
    }

    /// Gives all of it back: the attempt has failed, and the walk goes on.
    pub(super) fn give_back(&self) {
        self.hold.shrink(self.bytes.load(Ordering::Relaxed));
    }

    /// The memory of the walk.
    pub(super) fn into_hold(self) -> WalkHold {
        self.hold
    }
}

/// The memory for what was read of a page.
#[derive(Debug, Clone, Copy)]
pub(super) struct TakenRoom {
    bytes: u64,
    /// The least that the snapshot needs of it.
    mapped: u64,
    is_taken: bool,
}

/// The room for the groups of a walk.
#[derive(Debug)]
pub(super) struct GroupRoom {
    memory: AttemptMemory,
    /// What the snapshot may still take.
    left: AtomicU64,
    deadline: Instant,
}

impl GroupRoom {
    /// The room of a walk with this `memory`, whose snapshot may take so much more.
    pub(super) const fn new(memory: AttemptMemory, left: u64, deadline: Instant) -> Self {
        Self {
            memory,
            left: AtomicU64::new(left),
            deadline,
        }
    }

    /// Waits until there is memory for the groups of a page, and says whether it is taken. The page gives back first
    /// what it was decoded in, and its body if it is not `needed`.
    pub(super) async fn take(
        &self,
        page: &mut FetchedPage,
        needed: bool,
    ) -> Result<TakenRoom, UpstreamError> {
        page.settle(needed);
        let mapped = page.mapped_bytes();
        let take = |left: u64| left.checked_sub(mapped);
        let left = (self.left).fetch_update(Ordering::Relaxed, Ordering::Relaxed, take);
        let bytes = collected_bytes(page.mapped());
        let is_taken = left.is_ok();
        if is_taken {
            self.memory.grow(bytes, self.deadline).await?;
        }
        // Otherwise it is refused when it is added, unless rows of pages before it are dropped.
        Ok(TakenRoom {
            bytes,
            mapped,
            is_taken,
        })
    }

    /// What is counted for a page that was added is what is held of it: this much was `dropped`. It waits
    /// for nothing, not even if it counts more than was taken, since other pages wait until the next one is wanted.
    pub(super) fn settle(&self, taken: TakenRoom, dropped: u64) {
        let held = taken.bytes.saturating_sub(dropped);
        if taken.is_taken && dropped > 0 {
            let free = dropped.min(taken.mapped);
            self.left.fetch_add(free, Ordering::Relaxed);
            self.memory.shrink(dropped);
        } else if !taken.is_taken && held > 0 {
            self.memory.count(held);
        }
    }
}

/// How much memory what was read of a page takes while a walk collects it.
pub(super) fn collected_bytes(mapped: &MappedPage) -> u64 {
    let groups = mapped.groups.rows().len() as u64;
    mapped.groups.bytes() + groups * INDEXED + mapped.row_bytes()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};
    use std::time::Duration;

    use bytes::Bytes;
    use futures_util::FutureExt as _;
    use http::{Request, Response};
    use rstest::rstest;
    use tokio::time::{Instant, sleep, timeout};

    use crate::error::UpstreamError;
    use crate::list_memory::WalkHold;
    use crate::observe::Observers;
    use crate::page_memory::{PageMemory, PageRoom};
    use crate::upstream::transport::Replay;
    use crate::upstream::walk::tests::adapter;
    use crate::upstream::walk::walk;

    const MIB: u64 = 1024 * 1024;

    const PAGES: usize = 8;

    const GROUPS: usize = 300;

    /// Of 4 MiB, one page takes more than a quarter while it is decoded.
    const BLOCK: &str = "
        base_url = 'http://club.example'
        request = { path = '/teams', query = { page = '{page}' } }
        records = '/teams'
        pagination = { style = 'page', first = 0, pages = '/pages' }
        fields = { id = 'id', name = 'name' }
    ";

    /// The same pages as the members of one group.
    const BLOCK_OF_MEMBERS: &str = "
        base_url = 'http://club.example'
        request = { path = '/clubs' }
        records = '/'
        fields = { id = 'id', name = 'id' }
        [members]
        request = { path = '/clubs/{group.id}', query = { page = '{page}' } }
        records = '/teams'
        pagination = { style = 'page', first = 0, pages = '/pages' }
        fields = { id = 'id', email = 'name' }
    ";

    /// Pages of large records, the first of them the same on all that are members. After the first page the turn is
    /// taken, if there is something to take it.
    #[derive(Debug, Default)]
    struct LargePages(Mutex<Option<WalkHold>>);

    impl Replay for LargePages {
        fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
            let Some(query) = request.uri().query() else {
                return Ok(Response::new(Bytes::from_static(b"[{\"id\": 1}]")));
            };
            let page: usize = query.strip_prefix("page=").unwrap().parse().unwrap();
            if let (1, Some(turn)) = (page, &mut *self.0.lock().unwrap()) {
                let taken = turn.grow(3 * MIB, in_a_minute()).now_or_never();
                assert!(taken.unwrap().is_ok());
            }
            let name = "x".repeat(1000);
            let same = (request.uri().path() == "/clubs/1").then_some(PAGES * GROUPS);
            let groups = same.into_iter().chain((page * GROUPS..).take(GROUPS));
            let groups = groups.map(|id| format!(r#"{{"id": {id}, "name": "{name}"}}"#));
            let groups = groups.collect::<Vec<_>>().join(",");
            let body = format!(r#"{{"pages": {PAGES}, "teams": [{groups}]}}"#);
            Ok(Response::new(body.into()))
        }

        fn has_only_pages(&self) -> bool {
            false
        }
    }

    fn memory() -> PageMemory {
        PageMemory::new(PageRoom {
            decoded_and_lists: 4 * MIB,
            decoded: 2 * MIB,
            received: 64 * MIB,
        })
    }

    fn in_a_minute() -> Instant {
        Instant::now() + Duration::from_mins(1)
    }

    #[tokio::test(start_paused = true)]
    async fn a_walk_that_waits_for_room_for_its_groups_holds_no_memory_of_pages() {
        let memory = memory();
        let adapter = Arc::new(adapter(BLOCK).within(memory.clone()));
        let replay = Arc::new(LargePages(Mutex::new(Some(memory.lists().walk()))));
        adapter.set_replay(Arc::clone(&replay) as _);
        let others = async {
            sleep(Duration::from_secs(2)).await;
            let counts = memory.counts();
            assert_eq!((counts.decoding, counts.waiting), (0, 0), "{counts:?}");
            let page = memory.decode(2 * MIB, Some(in_a_minute()));
            let page = timeout(Duration::from_secs(1), page).await;
            assert!(page.is_ok_and(|page| page.is_ok()));
            drop(replay.0.lock().unwrap().take());
        };
        let observers = Observers::default();
        let (walked, ()) = tokio::join!(walk(&adapter, &observers), others);
        assert_eq!(walked.unwrap().groups.len(), PAGES * GROUPS);
        assert_eq!(memory.counts().lists.collected, 0);
    }

    #[rstest]
    #[case::of_groups(BLOCK, PAGES * GROUPS)]
    #[case::of_people_who_come_again(BLOCK_OF_MEMBERS, PAGES * GROUPS + 1)]
    #[tokio::test(start_paused = true)]
    async fn two_walks_with_announced_pages_and_memory_for_one_both_end_well(
        #[case] block: &str,
        #[case] records: usize,
    ) {
        let memory = memory();
        let begun = Instant::now();
        let walks = (0..2).map(|_| {
            let adapter = Arc::new(adapter(block).within(memory.clone()).with_room(1 << 30));
            adapter.set_replay(Arc::new(LargePages::default()));
            async move {
                let walked = walk(&adapter, &Observers::default()).await?;
                let members = walked.groups.to_groups();
                let members: usize = members.iter().map(|group| group.members.len()).sum();
                Ok::<_, UpstreamError>(members.max(walked.groups.len()))
            }
        });
        let ends = futures_util::future::join_all(walks).await;
        for end in ends {
            assert_eq!(end.unwrap(), records);
        }
        assert!(
            begun.elapsed() < Duration::from_secs(1),
            "{:?}",
            begun.elapsed()
        );
        let counts = memory.counts();
        assert_eq!(
            (counts.decoding, counts.waiting, counts.lists.collected),
            (0, 0, 0)
        );
    }
}
