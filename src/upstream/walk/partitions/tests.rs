//! Lists of groups that are read once for each partition.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::error::{ErrorKind, UpstreamError};
use crate::group::Group;
use crate::observe::Observers;
use crate::upstream::transport::Replay;
use crate::upstream::walk::tests::adapter;
use crate::upstream::walk::walk;

/// An upstream that answers each path and query as a function says.
struct Answers {
    answer: Box<dyn Fn(&str) -> Value + Send + Sync>,
    /// What was asked for.
    asked: Mutex<Vec<String>>,
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

impl Replay for Answers {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let target = request.uri().path_and_query().unwrap().as_str();
        self.asked.lock().unwrap().push(target.to_owned());
        Ok(Response::new((self.answer)(target).to_string().into()))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

/// What a walk of an upstream with these `keys` brings, and what it asked for.
async fn walked(
    keys: &str,
    answer: impl Fn(&str) -> Value + Send + Sync + 'static,
) -> (Result<Vec<Group>, UpstreamError>, Vec<String>) {
    let adapter = Arc::new(adapter(keys).with_room(1 << 30));
    let answers = Arc::new(Answers {
        answer: Box::new(answer),
        asked: Mutex::default(),
    });
    adapter.set_replay(Arc::clone(&answers) as _);
    let walked = walk(&adapter, &Observers::default()).await;
    let asked = std::mem::take(&mut *answers.asked.lock().unwrap());
    (walked.map(|walked| walked.groups.to_groups()), asked)
}

/// Page after page of ten groups for each partition.
fn without_end(target: &str) -> Value {
    let (path, cursor) = target.split_once("?after=").unwrap_or((target, "0"));
    let from: u64 = cursor.parse().unwrap();
    let groups: Vec<_> = (from..from + 10)
        .map(|id| json!({"id": format!("{path}-{id}"), "name": "n"}))
        .collect();
    json!({"groups": groups, "next": (from + 10).to_string()})
}

#[tokio::test(start_paused = true)]
async fn partitions_that_are_read_at_once_share_the_bound_of_groups() {
    let keys = "
        base_url = 'http://club.example'
        request = { path = '/{partition.region}', query = { after = '{cursor}' } }
        records = '/groups'
        pagination = { style = 'cursor', next = '/next' }
        fields = { id = 'id', name = 'name' }
        limits = { groups = 100, concurrency = 8, rate = '10/s' }
        [partitions]
        values = { region = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'] }
    ";
    let (walked, asked) = walked(keys, without_end).await;
    let error = walked.unwrap_err();
    assert_eq!(error.kind, ErrorKind::LimitExceeded, "{error}");
    assert!(error.detail.contains("(`limits.groups`)"), "{error}");
    // Ten pages are within it, and those count that others have not come to the end of.
    assert_eq!(asked.len(), 11, "{asked:?}");
}

const WITH_DETAILS: &str = "
    base_url = 'http://club.example'
    request = { path = '/{partition.region}' }
    records = '/groups'
    fields = { id = 'id', name = 'name', parent_id = 'parent' }
    partitions = { values = { region = ['eu'] }, ids = 'partition' }
    [details]
    request = { path = '/{partition.region}/{group.id}' }
    record = '/group'
";

#[tokio::test(start_paused = true)]
async fn details_name_the_parent_within_the_partition_as_the_list_does() {
    let (walked, _) = walked(WITH_DETAILS, |target| match target {
        "/eu" => json!({"groups": [{"id": 1, "name": "a"}, {"id": 2, "name": "b", "parent": 1}]}),
        "/eu/1" => json!({"group": {"name": "a"}}),
        _ => json!({"group": {"name": "b", "parent": 1}}),
    })
    .await;
    let groups = walked.unwrap();
    let ids = groups.iter().map(|group| group.source_id.as_str());
    assert_eq!(ids.collect::<Vec<_>>(), ["eu/1", "eu/2"]);
    let parents = groups.iter().map(|group| group.parent_id.as_deref());
    assert_eq!(parents.collect::<Vec<_>>(), [None, Some("eu/1")]);
}

const SHARED: &str = "
    base_url = 'http://club.example'
    request = { path = '/{partition.region}' }
    records = '/groups'
    fields = { id = 'id', name = 'name' }
    limits = { groups = 2, concurrency = 1 }
    partitions = { values = { region = ['eu', 'us'] } }
";

/// Both partitions list one group, which has another name from the request with this number on.
fn renamed_before(number: usize) -> impl Fn(&str) -> Value + Send + Sync {
    let requests = AtomicUsize::new(0);
    move |_| {
        let is_renamed = requests.fetch_add(1, Ordering::Relaxed) >= number;
        json!({"groups": [{"id": 1, "name": if is_renamed { "b" } else { "a" }}]})
    }
}

#[tokio::test(start_paused = true)]
async fn a_group_that_changes_between_two_partitions_is_read_again_and_is_one() {
    let (groups, asked) = walked(SHARED, renamed_before(1)).await;
    let names = groups.unwrap().into_iter().map(|group| group.name);
    assert_eq!(names.collect::<Vec<_>>(), ["b"]);
    assert_eq!(asked, ["/eu", "/us", "/eu", "/us"]);
    let (groups, asked) = walked(SHARED, renamed_before(2)).await;
    assert_eq!((groups.unwrap().len(), asked.len()), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn two_groups_with_one_id_are_an_error_that_names_what_differs_and_both_causes() {
    let (groups, asked) = walked(
        SHARED,
        |target| json!({"groups": [{"id": 1, "name": target}]}),
    )
    .await;
    let error = groups.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Mapping);
    for part in [
        "`1`",
        "differ in `name`",
        "partitions.ids",
        "it changed between",
    ] {
        assert!(error.detail.contains(part), "{error}");
    }
    assert_eq!(asked.len(), 4);
}
