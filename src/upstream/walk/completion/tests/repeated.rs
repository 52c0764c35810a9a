//! The memory of people who come again and again.

use std::sync::Mutex;

use bytes::Bytes;
use http::{Request, Response};

use super::*;
use crate::page_memory::{PageMemory, PageRoom};
use crate::upstream::transport::Replay;
use crate::upstream::walk::walk;

const MIB: u64 = 1024 * 1024;

/// How many pages the list of members of the only group has.
const PAGES: usize = 40;

/// How much memory those take whom every page lists.
const PEOPLE: u64 = 100 * 1024;

/// A group whose members are the same people on every page, and one of its own.
#[derive(Debug)]
struct SamePeople {
    memory: PageMemory,
    /// The most memory that the walk had collected when something was asked for.
    most: Mutex<u64>,
}

impl Replay for SamePeople {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let mut most = lock(&self.most);
        *most = self.memory.counts().lists.collected.max(*most);
        if request.uri().path() == "/groups" {
            return Ok(Response::new(Bytes::from_static(b"[{\"id\": 1}]")));
        }
        let query = request.uri().query().unwrap();
        let page: usize = query.strip_prefix("page=").unwrap().parse().unwrap();
        let same = (0..100).map(|id| format!("{id:01000}"));
        let people = same.chain([page.to_string()]);
        let people: Vec<_> = people.map(|id| json!({ "id": id })).collect();
        let next = (page + 1 < PAGES).then_some(page + 1);
        let body = json!({"people": people, "pages": PAGES, "next": next});
        Ok(Response::new(body.to_string().into()))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

#[rstest]
#[case::one_after_the_other("style = 'cursor', first = '0', next = '/next'", "{cursor}")]
#[case::several_at_a_time("style = 'page', first = 0, pages = '/pages'", "{page}")]
#[tokio::test(start_paused = true)]
async fn rows_that_came_before_take_no_memory_and_no_room(
    #[case] pagination: &str,
    #[case] position: &str,
) {
    let block = format!(
        "
        base_url = 'http://forge.example'
        request = {{ path = '/groups' }}
        records = '/'
        fields = {{ id = 'id', name = 'id' }}
        limits = {{ concurrency = 2 }}
        [members]
        request = {{ path = '/members/{{group.id}}', query = {{ page = '{position}' }} }}
        records = '/people'
        pagination = {{ {pagination} }}
        fields = {{ id = 'id' }}
        "
    );
    let memory = PageMemory::new(PageRoom {
        decoded_and_lists: 256 * MIB,
        decoded: 64 * MIB,
        received: 64 * MIB,
    });
    let room = 10 * PEOPLE;
    let adapter = adapter(&block).within(memory.clone()).with_room(room);
    let people = Arc::new(SamePeople {
        memory: memory.clone(),
        most: Mutex::default(),
    });
    adapter.set_replay(Arc::clone(&people) as _);
    let walked = walk(&Arc::new(adapter), &Observers::default()).await;
    let walked = walked.unwrap();
    assert_eq!(walked.counts.repeated_people, 100 * (PAGES as u64 - 1));
    let most = *lock(&people.most);
    assert!((PEOPLE..4 * PEOPLE).contains(&most), "{most}");
    drop(walked);
    assert_eq!(memory.counts().lists.collected, 0);
}
