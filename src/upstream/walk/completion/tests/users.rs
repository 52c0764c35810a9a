//! Walks of groups that name people by their ids, beside a list of users.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures_util::FutureExt as _;
use http::{Request, Response, StatusCode};
use serde_json::json;
use tokio::time::{Instant, sleep};

use crate::error::UpstreamError;
use crate::group::Group;
use crate::observe::{Observers, Timeline};
use crate::page_memory::{PageMemory, PageRoom};
use crate::upstream::transport::Replay;
use crate::upstream::walk::tests::adapter;
use crate::upstream::walk::walk;

use super::forge::{Forge, lock};
use super::{Walker, some_groups, with_members};

const USERS: &str = "
    [users]
    request = { path = '/users' }
    records = '/'
    pagination = { style = 'link' }
    fields = { id = 'id', email = 'email' }
";

fn with_users(keys: &str) -> String {
    format!("{}{USERS}", with_members(keys))
}

/// Groups of which each names some people, and users of this domain whose ids are the first so many numbers.
fn forge(groups: u64, users: u64, domain: &str) -> Arc<Forge> {
    let forge = Forge::of(some_groups(groups), 100);
    set_users(&forge, users, domain);
    forge
}

fn set_users(forge: &Forge, users: u64, domain: &str) {
    let address = |id| (id, Some(format!("{id}@{domain}")));
    *lock(&forge.users) = (0..users).map(address).collect();
}

/// Who has which address, over all groups.
fn addresses(groups: &[Group]) -> BTreeMap<String, Option<String>> {
    let members = groups.iter().flat_map(|group| &group.members);
    let members = members.map(|member| (member.id.clone().unwrap(), member.email.clone()));
    members.collect()
}

/// The addresses that the users of a forge have of those who are named.
fn expected(forge: &Forge) -> BTreeMap<String, Option<String>> {
    let users = lock(&forge.users);
    let named = forge.members().into_values().flatten();
    let address = |id: &String| users.get(&id.parse().unwrap()).cloned().flatten();
    named.map(|id| (id.clone(), address(&id))).collect()
}

#[tokio::test(start_paused = true)]
async fn people_that_are_used_again_have_the_addresses_of_today() {
    for reuse in ["updated_at", "etag"] {
        let forge = forge(20, 200, "one.example");
        let mut walker = Walker::of(&forge, &with_users(&format!("reuse = '{reuse}'")));
        let (groups, _) = walker.walk().await.unwrap();
        assert_eq!(addresses(&groups), expected(&forge));
        set_users(&forge, 200, "two.example");
        lock(&forge.users).insert(100, None);
        lock(&forge.users).remove(&101);
        let (groups, progress) = walker.walk().await.unwrap();
        // All but those on pages that may have been full, where it goes by their tags.
        assert_eq!(progress.reused, if reuse == "etag" { 15 } else { 20 });
        let found = addresses(&groups);
        assert_eq!(found, expected(&forge));
        assert_eq!((&found["100"], &found["101"]), (&None, &None));
        assert_eq!(found["90"].as_deref(), Some("90@two.example"));
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_address_is_no_change_that_a_mark_should_have_told() {
    for reuse in ["updated_at", "etag"] {
        let forge = forge(20, 200, "one.example");
        let keys = format!("reuse = '{reuse}'\nfull = '2h'");
        let mut walker = Walker::of(&forge, &with_users(&keys));
        walker.walk().await.unwrap();
        set_users(&forge, 200, "two.example");
        tokio::time::advance(Duration::from_hours(2)).await;
        let (groups, progress) = walker.walk().await.unwrap();
        assert_eq!((progress.asked, progress.differing), (20, 0));
        assert_eq!(addresses(&groups), expected(&forge));
    }
}

#[tokio::test(start_paused = true)]
async fn groups_that_a_failed_walk_had_completed_have_the_addresses_of_today() {
    let forge = forge(20, 200, "one.example");
    let mut walker = Walker::of(&forge, &with_users(""));
    forge.break_at(Some(19), StatusCode::INTERNAL_SERVER_ERROR);
    walker.walk().await.unwrap_err();
    forge.break_at(None, StatusCode::OK);
    set_users(&forge, 200, "two.example");
    lock(&forge.users).remove(&10);
    let (groups, progress) = walker.walk().await.unwrap();
    assert!(progress.kept > 10, "{progress:?}");
    assert_eq!(addresses(&groups), expected(&forge));
}

#[tokio::test(start_paused = true)]
async fn a_walk_whose_people_are_most_likely_no_users_ends_before_it_has_asked_for_all() {
    let forge = forge(1000, 3, "one.example");
    let mut walker = Walker::of(&forge, &with_users(""));
    let error = walker.walk().await.unwrap_err();
    let expected = "are not among the 3 users, more than 0.1 of all (`users.unknown`)";
    assert!(error.detail.contains(expected), "{error}");
    assert!(forge.asked() < 20);
}

#[tokio::test(start_paused = true)]
async fn users_are_counted_while_they_are_read() {
    let forge = forge(4, 250, "one.example");
    let walker = Walker::of(&forge, &with_users(""));
    let timeline = Arc::new(Timeline::default());
    let observers = Observers::from(Arc::clone(&timeline));
    walk(&walker.adapter, &observers).await.unwrap();
    let notes = timeline.notes();
    assert_eq!((notes.users, notes.records), (250, 4));
}

const MIB: u64 = 1024 * 1024;

fn memory() -> PageMemory {
    PageMemory::new(PageRoom {
        decoded_and_lists: 64 * MIB,
        decoded: 16 * MIB,
        received: 16 * MIB,
    })
}

#[tokio::test(start_paused = true)]
async fn what_users_take_is_counted_while_the_walk_runs_and_given_back_with_its_list() {
    let memory = memory();
    let forge = forge(4, 20_000, "one.example");
    *lock(&forge.page) = 5000;
    let mut walker = Walker::of(&forge, &with_users(""));
    walker.adapter = Arc::new(walker.adapter.within(memory.clone()));
    let list = walk(&walker.adapter, &Observers::default()).await.unwrap();
    let collected = memory.counts().lists.collected;
    // What was read of a user takes more than a hundred bytes, and its address less than half of it.
    assert!((800_000..1_600_000).contains(&collected), "{collected}");
    drop(list);
    assert_eq!(memory.counts().lists.collected, 0);
}

/// Refuses a further page of the users as often as this says, and is a forge otherwise.
#[derive(Debug)]
struct Refusing(Arc<Forge>, Mutex<usize>);

impl Replay for Refusing {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let mut times = lock(&self.1);
        if request.uri() == "http://forge.example/users?page=2" && *times > 0 {
            *times -= 1;
            let mut refusal = Response::new(Bytes::new());
            *refusal.status_mut() = StatusCode::NOT_FOUND;
            return Ok(refusal);
        }
        self.0.respond(request)
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_of_users_that_is_read_once_more_takes_no_more_than_one_that_is_read_once() {
    let forge = forge(4, 250, "one.example");
    let mut collected = Vec::new();
    for refused in [0, 1] {
        let memory = memory();
        let adapter = adapter(&with_users("")).with_room(1 << 30);
        let adapter = Arc::new(adapter.within(memory.clone()));
        adapter.set_replay(Arc::new(Refusing(Arc::clone(&forge), Mutex::new(refused))));
        let timeline = Arc::new(Timeline::default());
        let list = walk(&adapter, &Observers::from(Arc::clone(&timeline)))
            .await
            .unwrap();
        assert_eq!(timeline.notes().pages, 1 + 3 + 4 + 2 * refused as u64);
        collected.push(memory.counts().lists.collected);
        drop(list);
    }
    assert_eq!(collected[0], collected[1]);
}

/// One group of each of two partitions, and its users on one page: few of the first partition, and many of the second.
/// That there are no more of the few is said only when it is asked once more.
#[derive(Debug, Default)]
struct FewAndMany {
    was_asked: AtomicBool,
}

impl Replay for FewAndMany {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let user = |id: u64| json!({"id": id, "email": format!("{id:01000}")});
        let uri = request.uri();
        let body = match (uri.path(), uri.query()) {
            ("/few/users", Some("page=0")) => {
                json!({"users": (0..60).map(user).collect::<Vec<_>>(), "total": 60})
            }
            ("/many/users", Some("page=0")) => {
                json!({"users": (0..300).map(user).collect::<Vec<_>>(), "total": 300})
            }
            ("/few/users", _) if !self.was_asked.swap(true, Ordering::Relaxed) => {
                let fault = Response::builder().status(StatusCode::INTERNAL_SERVER_ERROR);
                return Ok(fault.body(Bytes::new()).unwrap());
            }
            (_, Some(_)) => json!({"users": []}),
            (_, None) => json!([{"id": 1}]),
        };
        Ok(Response::new(body.to_string().into()))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn users_that_are_there_do_not_hold_up_those_of_another_partition_that_wait_for_memory() {
    let block = "
        base_url = 'http://forge.example'
        request = { path = '/{partition.org}/groups' }
        records = '/'
        fields = { id = 'id', name = 'id' }
        [partitions]
        values = { org = ['few', 'many'] }
        ids = 'partition'
        [members]
        request = { path = '/{partition.org}/groups/{group.id}/members' }
        records = '/'
        fields = { id = 'id' }
        [users]
        request = { path = '/{partition.org}/users', query = { page = '{page}' } }
        records = '/users'
        pagination = { style = 'page', first = 0, total = '/total' }
        fields = { id = 'id', email = 'email' }
    ";
    let memory = PageMemory::new(PageRoom {
        decoded_and_lists: 4 * MIB,
        decoded: 2 * MIB,
        received: 16 * MIB,
    });
    // Another walk has the turn, and leaves what the few take of all that walks may.
    let turn = memory.lists().walk();
    let in_a_minute = Instant::now() + Duration::from_mins(1);
    let grown = turn.grow(MIB + 1, in_a_minute).now_or_never();
    grown.unwrap().unwrap();
    turn.shrink(MIB / 10);
    let adapter = adapter(block).with_room(1 << 30).within(memory.clone());
    adapter.set_replay(Arc::new(FewAndMany::default()));
    let adapter = Arc::new(adapter);
    let others = async {
        sleep(Duration::from_secs(5)).await;
        drop(turn);
    };
    let observers = Observers::default();
    let (walked, ()) = tokio::join!(walk(&adapter, &observers), others);
    assert_eq!(addresses(&walked.unwrap().groups.to_groups()).len(), 1);
    assert_eq!(memory.counts().lists.collected, 0);
}
