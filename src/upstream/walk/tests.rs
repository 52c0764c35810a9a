//! What the observers of a walk are told, over recorded responses.

use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use rstest::rstest;

use super::*;
use crate::app;
use crate::clock::WallClock;
use crate::config::testing::load_block;
use crate::observe::{Observer, Timeline};
use crate::problem::Problems;
use crate::telemetry::testing::capturing;
use crate::tls::Tls;
use crate::upstream::extensions::{Purpose, carried};
use crate::upstream::pager::Position;
use crate::upstream::transport::Replay;

const BLOCK: &str = "
    base_url = 'http://club.example'
    request = { path = '/teams', query = { from = '{cursor}' } }
    records = '/teams'
    pagination = { style = 'cursor', next = '/next' }
    fields = { id = 'id', name = 'id' }
    auth = { type = 'token_exchange', request = { method = 'POST', path = '/login' }, token = '/token' }
";

pub(super) fn adapter(block: &str) -> Adapter {
    let loaded = load_block("club", block, &[]);
    let wall = WallClock::fixed(jiff::Timestamp::UNIX_EPOCH);
    let mut problems = Problems::default();
    let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
    assert_eq!(problems, Problems::default());
    adapter.unwrap()
}

/// A login and two pages, of which the first fails once.
#[derive(Debug, Default)]
struct TwoPages {
    has_failed: Mutex<bool>,
}

impl Replay for TwoPages {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let body = match carried(request) {
            Some(Purpose::Login) => r#"{"token": "t"}"#,
            Some(Purpose::Page(Position::Start)) => {
                r#"{"teams": [{"id": "a"}, {"id": "b"}], "next": "b"}"#
            }
            Some(Purpose::Page(_) | Purpose::Count) | None => r#"{"teams": [{"id": "c"}]}"#,
        };
        let mut response = Response::new(Bytes::from(body));
        let is_page = matches!(carried(request), Some(Purpose::Page(_)));
        let mut has_failed = self.has_failed.lock().unwrap();
        if is_page && !*has_failed {
            *has_failed = true;
            *response.status_mut() = http::StatusCode::SERVICE_UNAVAILABLE;
        }
        Ok(response)
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

/// A page, and a refusal of every further one.
#[derive(Debug)]
struct OnePage;

impl Replay for OnePage {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let mut response = Response::new(Bytes::from(r#"{"teams": [{"id": "a"}], "next": "b"}"#));
        if request.uri().query().is_some() {
            *response.status_mut() = http::StatusCode::INTERNAL_SERVER_ERROR;
        }
        Ok(response)
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

#[tokio::test(start_paused = true)]
async fn a_walk_that_begins_again_because_a_page_was_refused_is_not_said_to_have_changed() {
    let (block, _) = BLOCK.split_once("auth").unwrap();
    let adapter = Arc::new(adapter(block));
    adapter.set_replay(Arc::new(OnePage));
    let capturing = capturing("info");
    let guard = tracing::dispatcher::set_default(&capturing.dispatch);
    walk(&adapter, &Observers::default()).await.unwrap_err();
    drop(guard);
    capturing.end();
    let log = capturing.log.text();
    let expected = "a page was refused during a walk, walking again";
    assert!(log.contains(expected), "{log}");
    assert!(!log.contains("list changed"), "{log}");
}

/// Pages of two by number, the last of which is empty, each of which announces as many records.
#[derive(Debug)]
struct Numbered {
    total: &'static str,
}

impl Replay for Numbered {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let teams = match request.uri().query() {
            Some("page=1") => r#"{"id": "a"}, {"id": "b"}"#,
            Some("page=2") => r#"{"id": "c"}, {"id": "c"}"#,
            _ => "",
        };
        let body = format!(r#"{{"teams": [{teams}], {}}}"#, self.total);
        Ok(Response::new(Bytes::from(body)))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

#[rstest]
#[case::none(
    r#""total": 0"#,
    Some(r#""list":"groups","total":"/total","announced":0,"received":3"#)
)]
#[case::fewer(
    r#""total": 2"#,
    Some(r#""list":"groups","total":"/total","announced":2,"received":3"#)
)]
#[case::as_many(r#""total": 3"#, None)]
#[case::fewer_pages(
    r#""total": 3, "pages": 1"#,
    Some(r#""total":"pagination.pages","announced":1,"received":2"#)
)]
#[tokio::test(start_paused = true)]
async fn a_list_that_is_longer_than_was_announced_is_whole_and_said_to_be(
    #[case] total: &'static str,
    #[case] expected: Option<&str>,
) {
    let pages = if total.contains("pages") {
        "pages = '/pages'"
    } else {
        "total = '/total'"
    };
    let block = format!(
        "base_url = 'http://club.example'
        request = {{ path = '/teams', query = {{ page = '{{page}}' }} }}
        records = '/teams'
        pagination = {{ style = 'page', {pages} }}
        fields = {{ id = 'id', name = 'id' }}"
    );
    let adapter = Arc::new(adapter(&block));
    adapter.set_replay(Arc::new(Numbered { total }));
    let capturing = capturing("warn");
    let guard = tracing::dispatcher::set_default(&capturing.dispatch);
    let walked = walk(&adapter, &Observers::default()).await.unwrap();
    drop(guard);
    capturing.end();
    assert_eq!(walked.groups.len(), 3);
    let log = capturing.log.text();
    let is_said = log.contains("more came than was announced");
    assert_eq!(is_said, expected.is_some(), "{log}");
    assert!(log.contains(expected.unwrap_or_default()), "{log}");
}

/// Writes events down, each as a line.
#[derive(Debug, Default)]
struct Log(Mutex<Vec<String>>);

impl Observer for Log {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "it is told of all that happens, and writes most of it down as it is"
    )]
    fn observe(&self, event: &Event<'_>) {
        let line = match event {
            Event::RequestSent { exchange, request } => {
                let is_signed = request.headers().contains_key("authorization");
                format!("{exchange} sent {}, signed: {is_signed}", request.uri())
            }
            Event::ResponseReceived {
                exchange, response, ..
            } => format!("{exchange} received {}", response.status().as_u16()),
            Event::PageRead(page) => format!("read {} records", page.records()),
            Event::NextDecided { next, reason } => format!("{next:?}: {reason}"),
            Event::WalkEnded {
                ended_by, listed, ..
            } => format!("{listed} records, ended by {ended_by}"),
            Event::AttemptEnded { outcome, .. } => format!("ended: {outcome:?}"),
            Event::Retried { error, .. } => format!("again, because {error}"),
            other => format!("{other:?}"),
        };
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        lines.push(line);
    }
}

#[tokio::test(start_paused = true)]
async fn all_observers_see_a_walk_and_its_exchanges_in_one_order() {
    let adapter = Arc::new(adapter(BLOCK));
    adapter.set_replay(Arc::new(TwoPages::default()));
    let (one, other, timeline) = (
        Arc::<Log>::default(),
        Arc::<Log>::default(),
        Arc::<Timeline>::default(),
    );
    let observers: [Arc<dyn Observer>; 3] = [
        Arc::clone(&one) as _,
        Arc::clone(&other) as _,
        Arc::clone(&timeline) as _,
    ];
    let walked = walk(&adapter, &observers.into_iter().collect()).await;
    assert_eq!(walked.unwrap().groups.len(), 3);
    let expected = [
        "0 sent http://club.example/login, signed: false",
        "0 received 200",
        "ended: Ok(200)",
        "LoginEnded(Ok(()))",
        "1 sent http://club.example/teams, signed: true",
        "1 received 503",
        "ended: Ok(503)",
        "again, because http_status: status 503",
        "2 sent http://club.example/teams, signed: true",
        "2 received 200",
        "ended: Ok(200)",
        "read 2 records",
        "One(Cursor(\"b\")): `/next` names it",
        "3 sent http://club.example/teams?from=b, signed: true",
        "3 received 200",
        "ended: Ok(200)",
        "read 1 records",
        "End: `/next` is absent, null or empty",
        "3 records, ended by no_next",
    ];
    assert_eq!(*one.0.lock().unwrap(), expected);
    assert_eq!(*other.0.lock().unwrap(), expected);
    assert_eq!((timeline.pages(), timeline.records()), (2, 3));
}

#[tokio::test(start_paused = true)]
async fn a_walk_without_observers_sends_requests_without_any() {
    let adapter = Arc::new(adapter(BLOCK));
    adapter.set_replay(Arc::new(TwoPages::default()));
    assert!(Observers::default().is_empty());
    assert!(Observers::from_iter([]).is_empty());
    let walked = walk(&adapter, &Observers::default()).await.unwrap();
    assert_eq!(walked.groups.len(), 3);
}
