//! What a walk may use again of the lists of people that belong to the list which is served.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::AtomicUsize;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{ETAG, IF_NONE_MATCH};
use http::{Request, Response, StatusCode};
use serde_json::json;
use tokio::time::{Instant, advance};

use super::scripted::{NOW, SECOND, groups};
use crate::app;
use crate::catalog::key::Scope;
use crate::catalog::lookup::{CacheMode, SourceLookup};
use crate::catalog::resources::CatalogResources;
use crate::catalog::upstream::UpstreamRuntime;
use crate::clock::WallClock;
use crate::config::testing::load_block;
use crate::error::UpstreamError;
use crate::problem::Problems;
use crate::tls::Tls;
use crate::upstream::transport::Replay;

#[derive(Debug)]
struct Team {
    slug: String,
    version: u64,
    members: Vec<u64>,
}

/// Groups with their members: the entity tag of each list of members is its version.
#[derive(Debug, Default)]
struct Club {
    teams: Mutex<BTreeMap<u64, Team>>,
    /// How many lists of members were sent.
    sent: AtomicUsize,
}

impl Club {
    fn of(ids: std::ops::Range<u64>) -> Arc<Self> {
        let club = Self::default();
        ids.for_each(|id| club.put(id, &format!("t{id}"), 1, &[id, id + 1]));
        Arc::new(club)
    }

    fn put(&self, id: u64, slug: &str, version: u64, members: &[u64]) {
        let team = Team {
            slug: slug.to_owned(),
            version,
            members: members.to_vec(),
        };
        self.teams.lock().unwrap().insert(id, team);
    }
}

impl Replay for Club {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let teams = self.teams.lock().unwrap();
        let path: Vec<_> = request.uri().path().split('/').skip(1).collect();
        let (records, version): (Vec<_>, _) = if let ["teams", slug, "members"] = path.as_slice() {
            let team = teams.values().find(|team| team.slug == *slug).unwrap();
            let members = team.members.iter().map(|id| json!({"id": id}));
            (members.collect(), team.version)
        } else {
            let teams = teams.iter();
            let teams = teams.map(|(id, team)| json!({"id": id, "slug": team.slug}));
            (teams.collect(), 0)
        };
        let tag = format!("\"{version}\"");
        let is_known = (request.headers().get(IF_NONE_MATCH)).is_some_and(|own| *own == *tag);
        let mut response = Response::new(Bytes::new());
        if is_known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            self.sent.fetch_add(usize::from(path.len() > 1), Relaxed);
            *response.body_mut() = json!(records).to_string().into();
        }
        response.headers_mut().insert(ETAG, tag.parse().unwrap());
        Ok(response)
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

const BLOCK: &str = "
    base_url = 'http://club.example'
    request = { path = '/teams' }
    records = '/'
    fields = { id = 'id', name = 'id', external_id = 'slug' }
    min_refresh = '1s'
    [members]
    request = { path = '/teams/{group.external_id}/members' }
    records = '/'
    fields = { id = 'id' }
    reuse = 'etag'
";

fn runtime(club: &Arc<Club>) -> UpstreamRuntime {
    begun(club, None).0
}

/// A process that keeps lists in this folder.
fn begun(club: &Arc<Club>, directory: Option<&Path>) -> (UpstreamRuntime, Arc<CatalogResources>) {
    let loaded = load_block("club", BLOCK, &[]);
    let wall = WallClock::fixed(NOW.parse().unwrap());
    let mut problems = Problems::default();
    let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
    assert_eq!(problems, Problems::default());
    let adapter = adapter.unwrap();
    adapter.set_replay(Arc::clone(club) as _);
    let resources = Arc::new(CatalogResources::new(1 << 24, directory, &wall));
    let runtime = UpstreamRuntime::new(Arc::new(adapter), &resources, 0);
    (runtime, resources)
}

async fn walk(runtime: &UpstreamRuntime) -> SourceLookup {
    advance(2 * SECOND).await;
    let deadline = Instant::now() + 10 * SECOND;
    (runtime.get(&Scope::Shared, CacheMode::Revalidate, deadline)).await
}

fn members(held: &SourceLookup, id: u64) -> Vec<String> {
    let list = held.snapshot.as_ref().unwrap();
    let group = list.row(list.find(&format!("club:{id}")).unwrap()).group();
    let members = group.unwrap().members.into_iter();
    members.filter_map(|member| member.id).collect()
}

#[tokio::test(start_paused = true)]
async fn what_a_list_that_is_held_back_had_read_is_not_taken_for_unchanged() {
    let club = Club::of(0..20);
    let runtime = runtime(&club);
    assert_eq!(groups(&walk(&runtime).await), 20);
    club.teams.lock().unwrap().retain(|id, _| *id < 3);
    club.put(1, "t1", 2, &[99]);
    let held = walk(&runtime).await;
    assert!(held.pending_shrink.is_some());
    assert_eq!(members(&held, 1), ["1", "2"]);
    let confirmed = walk(&runtime).await;
    assert_eq!((groups(&confirmed), confirmed.pending_shrink), (3, None));
    assert_eq!(members(&confirmed, 1), ["99"]);
    assert_eq!(members(&confirmed, 2), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn an_entity_tag_is_sent_only_with_the_request_that_it_answered() {
    let club = Club::of(0..3);
    let runtime = runtime(&club);
    walk(&runtime).await;
    // What is there has a version of its own, and that is the same by chance.
    club.put(1, "renamed", 1, &[99]);
    let walked = walk(&runtime).await;
    assert_eq!(members(&walked, 1), ["99"]);
    assert_eq!(members(&walked, 2), ["2", "3"]);
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_only_what_has_changed_is_sent_again() {
    let directory = tempfile::tempdir().unwrap();
    let club = Club::of(0..20);
    let (before, resources) = begun(&club, Some(directory.path()));
    walk(&before).await;
    resources.tier().close().await;
    assert_eq!(club.sent.swap(0, Relaxed), 20);
    club.put(1, "t1", 2, &[99]);
    let (after, _resources) = begun(&club, Some(directory.path()));
    after.load().await;
    let walked = walk(&after).await;
    assert_eq!(members(&walked, 1), ["99"]);
    assert_eq!(members(&walked, 2), ["2", "3"]);
    assert_eq!(club.sent.load(Relaxed), 1);
}
