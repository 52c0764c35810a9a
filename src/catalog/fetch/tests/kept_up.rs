//! Lists that walks for changes keep up, over a restart.

use std::path::Path;

use tokio::time::{Instant, sleep};

use super::*;
use crate::catalog::{CacheMode, Catalog, Scope};
use crate::plan::Cache;

/// An upstream of two groups and of what changes of them, on one page for each of two organizations. It keeps what it
/// is asked for.
#[derive(Debug, Default)]
struct Directory {
    asked: Mutex<Vec<String>>,
    /// Whether the members of the second group are not found.
    is_missing: Mutex<bool>,
    orgs: Mutex<Vec<&'static str>>,
}

impl Directory {
    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut *lock(&self.asked))
    }
}

impl Replay for Directory {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let target = request.uri().path_and_query().unwrap().as_str();
        lock(&self.asked).push(target.to_owned());
        let path: Vec<_> = request.uri().path().split('/').skip(1).collect();
        let is_of_changes = request.uri().query().is_some();
        let body = match path.as_slice() {
            ["orgs"] => json!(*lock(&self.orgs)),
            ["groups", "2", "members"] if *lock(&self.is_missing) => {
                let mut response = Response::new(Bytes::new());
                *response.status_mut() = StatusCode::NOT_FOUND;
                return Ok(response);
            }
            ["groups", id, "members"] => json!([{"id": format!("member of {id}")}]),
            [.., "groups"] => {
                let groups = if is_of_changes { vec![] } else { vec![1, 2] };
                let groups = groups.iter().map(|id| json!({"id": id, "name": "a"}));
                json!({"value": groups.collect::<Vec<_>>(), "delta": "/groups?token=1"})
            }
            _ => panic!("{target}"),
        };
        Ok(Response::new(body.to_string().into()))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

const BY_LINK: &str = "
    request = { path = '/groups' }
    pagination = { style = 'next_url', next = '/next' }
    incremental = { since = { link = '/delta' }, full = '1h' }
";

const BY_TIME: &str = "
    request = { path = '/orgs/{partition.org}/groups', query = { since = '{since}' } }
    incremental = { since = '{updated_after}', full = '5h', overlap = '0s' }
    partitions = { request = { path = '/orgs' }, records = '/', values = { org = '.' } }
";

/// What a process asks for whose first walk begins at this minute.
async fn process(
    directory: &Arc<Directory>,
    block: &str,
    folder: &Path,
    minute: i64,
) -> Vec<String> {
    let block = format!(
        "
        base_url = 'http://club.example'
        records = '/value'
        fields = {{ id = 'id', name = 'name' }}
        limits = {{ concurrency = 1 }}
        min_refresh = '0s'
        members = {{ request = {{ path = '/groups/{{group.id}}/members' }}, records = '/', fields = {{ id = 'id' }} }}
        {block}
        "
    );
    let wall = WallClock::fixed(jiff::Timestamp::from_second(minute * 60).unwrap());
    let loaded = load_block("club", &block, &[]);
    let mut problems = Problems::default();
    let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
    assert_eq!(problems, Problems::default());
    let adapter = Arc::new(adapter.unwrap());
    adapter.set_replay(Arc::clone(directory) as _);
    let cache = Cache {
        capacity: 16 << 20,
        directory: Some(folder.to_owned()),
    };
    let catalog = Catalog::new(vec![adapter], &cache, &wall, Observers::default());
    catalog.load().await;
    let upstream = catalog.upstream("club").unwrap();
    let deadline = Instant::now() + std::time::Duration::from_mins(1);
    let lookup = (upstream.get(&Scope::Shared, CacheMode::Insist, deadline)).await;
    assert!(lookup.error.is_none(), "{:?}", lookup.error);
    sleep(std::time::Duration::from_millis(1)).await;
    catalog.close().await;
    directory.asked()
}

fn groups(asked: &[String]) -> Vec<&str> {
    let groups = asked.iter().map(String::as_str);
    groups.filter(|target| target.contains("/groups")).collect()
}

#[tokio::test]
async fn after_a_restart_walks_for_changes_go_on_from_the_link() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Arc::new(Directory::default());
    let mut asked = Vec::new();
    // `full` counts from the last walk for everything, over any number of restarts.
    for minute in [6000, 6024, 6048, 6072, 6096] {
        let of_one = process(&directory, BY_LINK, folder.path(), minute).await;
        asked.push(groups(&of_one)[0].to_owned());
    }
    let (all, changes) = ("/groups", "/groups?token=1");
    assert_eq!(asked, [all, changes, changes, all, changes]);
}

#[tokio::test]
async fn after_a_restart_walks_for_changes_go_on_from_the_time_if_the_partitions_are_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Arc::new(Directory::default());
    *lock(&directory.orgs) = vec!["a"];
    process(&directory, BY_TIME, folder.path(), 6000).await;
    let asked = process(&directory, BY_TIME, folder.path(), 6010).await;
    // A time of whole seconds, and none that is too late.
    let since = "/orgs/a/groups?since=1970-01-05T03%3A59%3A59Z";
    assert_eq!(groups(&asked), [since]);
    *lock(&directory.orgs) = vec!["a", "b"];
    let asked = process(&directory, BY_TIME, folder.path(), 6020).await;
    assert!(asked.contains(&"/orgs/b/groups".to_owned()), "{asked:?}");
    let asked = process(&directory, BY_TIME, folder.path(), 6030).await;
    assert_eq!(groups(&asked).len(), 2, "{asked:?}");
}

#[tokio::test]
async fn after_a_restart_everything_is_asked_for_if_a_group_was_gone() {
    let folder = tempfile::tempdir().unwrap();
    let directory = Arc::new(Directory::default());
    *lock(&directory.is_missing) = true;
    process(&directory, BY_LINK, folder.path(), 6000).await;
    *lock(&directory.is_missing) = false;
    let asked = process(&directory, BY_LINK, folder.path(), 6010).await;
    let all = ["/groups", "/groups/1/members", "/groups/2/members"];
    assert_eq!(groups(&asked), all);
    let asked = process(&directory, BY_LINK, folder.path(), 6020).await;
    assert_eq!(groups(&asked), ["/groups?token=1"]);
}
