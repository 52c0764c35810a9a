//! Walks that ask again only for what has changed, over an upstream that answers from memory.

mod kept_up;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{ETAG, IF_NONE_MATCH, LINK};
use http::{Request, Response, StatusCode};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::app;
use crate::clock::WallClock;
use crate::config::testing::load_block;
use crate::observe::{Observers, Timeline};
use crate::problem::Problems;
use crate::tls::Tls;
use crate::upstream::transport::Replay;

/// What headers say of a list, instead of bodies.
#[derive(Debug, Default, Clone, Copy, PartialEq)]
enum Headers {
    #[default]
    Nothing,
    /// Where the first page is and the next one, and how many groups there are.
    All,
    /// The same, but not with a 304.
    NotOf304,
    /// Where the next page is.
    OnlyNext,
}

/// An upstream of groups on pages, each with an entity tag.
#[derive(Debug, Default)]
struct Shelf {
    pages: Mutex<Vec<Vec<(u64, String)>>>,
    /// How many pages were sent, and how many were said not to have changed.
    sent: Mutex<(u64, u64)>,
    /// The page that cannot be read.
    broken: Mutex<Option<usize>>,
    /// What headers say of the list.
    headers: Mutex<Headers>,
    /// Whether every request is answered with 304.
    is_stuck: Mutex<bool>,
}

impl Shelf {
    fn of(pages: &[&[(u64, &str)]]) -> Arc<Self> {
        let shelf = Arc::new(Self::default());
        *lock(&shelf.pages) = pages.iter().map(|page| named(page)).collect();
        shelf
    }

    fn put(&self, page: usize, groups: &[(u64, &str)]) {
        lock(&self.pages)[page] = named(groups);
    }

    /// How many pages were sent since this was asked last, and how many were not.
    fn sent(&self) -> (u64, u64) {
        std::mem::take(&mut *lock(&self.sent))
    }
}

impl Replay for Shelf {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let query = request.uri().query().unwrap_or_default();
        let at = query.rsplit('=').next().unwrap_or_default();
        let pages = lock(&self.pages);
        // A page by its number, from 1, or the first record of it by its offset, or the first of all.
        let number = match at.parse::<usize>() {
            Ok(offset) if query.contains("offset=") => {
                let before = pages.iter().scan(0, |sum, page| {
                    let start = *sum;
                    *sum += page.len();
                    Some(start)
                });
                before.take_while(|start| *start < offset).count()
            }
            Ok(number) => number - 1,
            Err(_) => 0,
        };
        let mut response = Response::new(Bytes::new());
        if *lock(&self.broken) == Some(number) {
            *response.status_mut() = StatusCode::NOT_IMPLEMENTED;
            return Ok(response);
        }
        let page = pages.get(number).cloned().unwrap_or_default();
        let records = page
            .iter()
            .map(|(id, name)| json!({"id": id, "name": name, "kind": "team"}));
        let next = (number + 1 < pages.len()).then(|| (number + 2).to_string());
        let total: usize = pages.iter().map(Vec::len).sum();
        let told = *lock(&self.headers);
        let meta = match told {
            Headers::Nothing => json!({"next": next, "total": total, "pages": pages.len()}),
            Headers::All | Headers::NotOf304 | Headers::OnlyNext => json!({}),
        };
        let body = json!({"teams": records.collect::<Vec<_>>(), "meta": meta}).to_string();
        let mut hasher = DefaultHasher::new();
        body.hash(&mut hasher);
        let tag = format!("W/\"{}\"", hasher.finish());
        let is_known = (request.headers().get(IF_NONE_MATCH)).is_some_and(|own| *own == *tag);
        let mut sent = lock(&self.sent);
        if is_known || *lock(&self.is_stuck) {
            sent.1 += 1;
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            sent.0 += 1;
            *response.body_mut() = body.into();
        }
        let is_changed = response.status() != StatusCode::NOT_MODIFIED;
        let headers = response.headers_mut();
        headers.insert(ETAG, tag.parse().unwrap());
        if told == Headers::All || told == Headers::NotOf304 && is_changed {
            headers.append(LINK, "</teams?page=1>; rel=\"first\"".parse().unwrap());
            headers.insert("x-total", total.into());
        }
        if let Some(next) = next.filter(|_| told == Headers::OnlyNext || headers.contains_key(LINK))
        {
            let next = format!("</teams?page={next}>; rel=\"next\"");
            headers.append(LINK, next.parse().unwrap());
        }
        Ok(response)
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn named(groups: &[(u64, &str)]) -> Vec<(u64, String)> {
    let groups = groups.iter();
    groups.map(|(id, name)| (*id, (*name).to_owned())).collect()
}

const CURSORS: &str = "
    request = { path = '/teams', query = { from = '{cursor}' } }
    pagination = { style = 'cursor', next = '/meta/next' }
";

const NUMBERS: &str = "
    request = { path = '/teams', query = { page = '{page}' } }
    pagination = { style = 'page', first = 1, pages = '/meta/pages' }
";

const OFFSETS: &str = "
    request = { path = '/teams', query = { offset = '{offset}' } }
    pagination = { style = 'offset', total = '/meta/total', step = 'received' }
";

const LINKS: &str = "
    request = { path = '/teams' }
    pagination = { style = 'link' }
";

const TOTALS: &str = "
    request = { path = '/teams', query = { offset = '{offset}' } }
    pagination = { style = 'offset', total = { header = 'X-Total' }, step = 'received' }
";

fn asking(shelf: &Arc<Shelf>, block: &str) -> Arc<Adapter> {
    let block = format!(
        "
        base_url = 'http://club.example'
        records = '/teams'
        conditional = true
        limits = {{ retries = 0 }}
        fields = {{ id = 'id', name = 'name' }}
        {block}
        "
    );
    let loaded = load_block("club", &block, &[]);
    let wall = WallClock::fixed(jiff::Timestamp::UNIX_EPOCH);
    let mut problems = Problems::default();
    let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
    assert_eq!(problems, Problems::default());
    let adapter = adapter.unwrap().with_room(1 << 24);
    adapter.set_replay(Arc::clone(shelf) as _);
    Arc::new(adapter)
}

/// Walks a shelf, knowing of the walk before what the catalog keeps of it.
async fn again(
    adapter: &Arc<Adapter>,
    before: Option<&WalkResult>,
) -> Result<WalkResult, UpstreamError> {
    let past = PastWalks {
        snapshot: before.map(|before| Arc::clone(&before.snapshot)),
        pages: before.and_then(|before| before.known_pages.clone()),
        ..PastWalks::default()
    };
    walk_to_snapshot(Arc::clone(adapter), &Observers::default(), &past).await
}

#[tokio::test(start_paused = true)]
async fn a_list_of_which_no_page_has_changed_is_the_same_list_and_nothing_is_sent() {
    let shelf = Shelf::of(&[&[(1, "a"), (2, "b")], &[(3, "c")], &[(4, "d")]]);
    for block in [CURSORS, NUMBERS, OFFSETS] {
        let adapter = asking(&shelf, block);
        let first = again(&adapter, None).await.unwrap();
        let (sent, unchanged) = shelf.sent();
        assert_eq!(unchanged, 0);
        let timeline = Arc::new(Timeline::default());
        let past = PastWalks {
            snapshot: Some(Arc::clone(&first.snapshot)),
            pages: first.known_pages.clone(),
            ..PastWalks::default()
        };
        let observers = Observers::default().and(Arc::<Timeline>::clone(&timeline));
        let second = walk_to_snapshot(adapter, &observers, &past).await.unwrap();
        assert_eq!(shelf.sent(), (0, sent), "{block}");
        assert!(Arc::ptr_eq(&first.snapshot, &second.snapshot));
        assert_eq!(second.ended_by, first.ended_by);
        let notes = timeline.notes();
        assert_eq!((notes.not_modified, notes.bytes), (sent, 0));
        assert!(second.known_pages.is_some());
    }
}

#[tokio::test(start_paused = true)]
async fn only_a_page_that_has_changed_is_sent_and_a_failed_walk_forgets_nothing() {
    let shelf = Shelf::of(&[&[(1, "a"), (2, "b")], &[(3, "c")], &[(4, "d")]]);
    let adapter = asking(&shelf, CURSORS);
    let first = again(&adapter, None).await.unwrap();
    shelf.sent();
    // As many groups as before, or the total on every page would be another.
    shelf.put(1, &[(3, "renamed")]);
    *lock(&shelf.broken) = Some(2);
    let error = again(&adapter, Some(&first)).await.unwrap_err();
    assert_eq!(error.status, Some(StatusCode::NOT_IMPLEMENTED));
    *lock(&shelf.broken) = None;
    shelf.sent();
    let second = again(&adapter, Some(&first)).await.unwrap();
    assert_eq!(shelf.sent(), (1, 2));
    let whole = again(&adapter, None).await.unwrap();
    assert_eq!(second.snapshot.hash(), whole.snapshot.hash());
    assert_eq!(second.snapshot.len(), 4);
    shelf.sent();
    // What was remembered of the pages that had not changed is remembered on.
    again(&adapter, Some(&second)).await.unwrap();
    assert_eq!(shelf.sent(), (0, 3));
}

#[tokio::test(start_paused = true)]
async fn a_page_with_a_record_that_came_before_is_always_sent() {
    let shelf = Shelf::of(&[&[(1, "a"), (2, "b")], &[(2, "b"), (3, "c")]]);
    let adapter = asking(&shelf, CURSORS);
    let first = again(&adapter, None).await.unwrap();
    assert_eq!(first.counts.repeated, 1);
    shelf.sent();
    let second = again(&adapter, Some(&first)).await.unwrap();
    assert_eq!((shelf.sent(), second.counts.repeated), ((1, 1), 1));
    // The first page has it no more, and the second one says now what it is.
    shelf.put(0, &[(1, "a")]);
    let third = again(&adapter, Some(&second)).await.unwrap();
    assert_eq!((third.snapshot.len(), third.counts.repeated), (3, 0));
}

#[tokio::test(start_paused = true)]
async fn not_modified_is_an_error_where_nothing_is_known() {
    let shelf = Shelf::of(&[&[(1, "a")], &[(2, "b")]]);
    let adapter = asking(&shelf, CURSORS);
    *lock(&shelf.is_stuck) = true;
    let error = again(&adapter, None).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::HttpStatus);
    assert_eq!(error.status, Some(StatusCode::NOT_MODIFIED));
}

#[tokio::test(start_paused = true)]
async fn pages_without_room_to_remember_them_are_sent_again() {
    let shelf = Shelf::of(&[&[(1, "a")], &[(2, "b")], &[(3, "c")]]);
    let small = asking(&shelf, CURSORS).with_room(16 * 1024);
    let first = again(&Arc::new(small), None).await.unwrap();
    shelf.sent();
    again(&asking(&shelf, CURSORS), Some(&first)).await.unwrap();
    let (sent, unchanged) = shelf.sent();
    assert!(sent > 0 && unchanged > 0, "{sent} sent, {unchanged} not");
}

#[tokio::test(start_paused = true)]
async fn what_headers_say_of_a_list_is_not_what_it_was_because_its_pages_are() {
    for (block, headers, sent) in [
        (LINKS, Headers::All, (1, 2)),
        (LINKS, Headers::NotOf304, (2, 2)),
        (LINKS, Headers::OnlyNext, (2, 1)),
        (TOTALS, Headers::All, (1, 2)),
        (TOTALS, Headers::NotOf304, (3, 2)),
    ] {
        let shelf = Shelf::of(&[&[(1, "a"), (2, "b")], &[(3, "c"), (4, "d")]]);
        *lock(&shelf.headers) = headers;
        let adapter = asking(&shelf, block);
        let first = again(&adapter, None).await.unwrap();
        shelf.sent();
        lock(&shelf.pages).push(named(&[(5, "e")]));
        let second = again(&adapter, Some(&first)).await.unwrap();
        assert_eq!(second.snapshot.len(), 5, "{block} {headers:?}");
        assert!(!second.counts.drifted, "{block} {headers:?}");
        assert_eq!(shelf.sent(), sent, "{block} {headers:?}");
        // What they say by now is remembered.
        let third = again(&adapter, Some(&second)).await.unwrap();
        assert_eq!(third.snapshot.hash(), second.snapshot.hash());
        let (sent, unchanged) = shelf.sent();
        assert!(sent + unchanged >= 3 && (headers != Headers::All || sent == 0));
    }
}

type ManyPages = Vec<Vec<(u64, String)>>;

fn pages() -> impl Strategy<Value = ManyPages> {
    let names = prop::collection::vec("[ab]{1,2}", 12);
    (names, prop::collection::vec(0..12_usize, 1..4)).prop_map(|(names, cuts)| {
        let mut cuts = cuts;
        cuts.sort_unstable();
        let mut pages = vec![Vec::new(); cuts.len() + 1];
        for (id, name) in names.into_iter().enumerate() {
            let page = cuts.iter().filter(|cut| **cut <= id).count();
            pages[page].push((id as u64, name));
        }
        pages.retain(|page: &Vec<_>| !page.is_empty());
        pages
    })
}

proptest! {
    /// However pages change between two walks, the list is that of a walk which asks for everything.
    #[test]
    fn a_walk_for_changed_pages_brings_what_a_whole_one_does(
        before in pages(),
        after in pages(),
        kept in 0..6_usize,
        style in 0..3_usize,
    ) {
        let block = [CURSORS, NUMBERS, OFFSETS][style];
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let shelf = Shelf::of(&[]);
            *lock(&shelf.pages) = before.clone();
            let adapter = asking(&shelf, block);
            let first = again(&adapter, None).await.unwrap();
            let mut mixed = before.clone();
            for (page, own) in mixed.iter_mut().zip(&after).skip(kept) {
                let ids: Vec<_> = page.iter().map(|(id, _)| *id).collect();
                *page = ids.into_iter().zip(own.iter().map(|(_, name)| name.clone())).collect();
            }
            mixed.retain(|page| !page.is_empty());
            *lock(&shelf.pages) = mixed;
            let whole = again(&adapter, None).await.unwrap();
            let second = again(&adapter, Some(&first)).await.unwrap();
            prop_assert_eq!(second.snapshot.hash(), whole.snapshot.hash());
            prop_assert_eq!(second.ended_by, whole.ended_by);
            prop_assert_eq!(second.counts, whole.counts);
            Ok(())
        })?;
    }
}
