//! The lists of the upstreams, and the plans that ask for them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{BY_CALLER, CONDITIONAL, GROUPS, SOURCES};
use crate::app::{App, Compiled};
use crate::clock::WallClock;
use crate::config::testing::load;

/// What says that a text is of this source and field.
pub(super) fn mark(source: &str, field: &str) -> String {
    let number = SOURCES.iter().position(|name| *name == source).unwrap();
    match field {
        "created_at" => format!("191{number}-02-03T04:05:"),
        "updated_at" => format!("181{number}-02-03T04:05:"),
        "member_count" => format!("7713{number}9246"),
        _ => format!("own-{source}-{field}-"),
    }
}

/// A group as its source has it. Each walk finds another version.
fn record(source: &str, id: usize, version: u64, owner: &str) -> Value {
    let of = |field: &str| format!("{}{id}", mark(source, field));
    let person = |field: &str| json!([person(source, field, id, "")]);
    let mut record = json!({
        "id": id,
        "name": format!("{}v{version}{owner}", of("name")),
        "description": of("description"),
        "email": of("email"),
        "status": of("status"),
        "organization_id": of("organization_id"),
        "external_id": of("external_id"),
        "parent_id": of("parent_id"),
        "path": of("path"),
        "url": of("url"),
        "logo_url": of("logo_url"),
        "members": person("members"),
        "admins": person("admins"),
        "guests": person("guests"),
        "member_count": format!("{}{id}", mark(source, "member_count")).parse::<u64>().unwrap(),
        "created_at": format!("{}0{id}Z", mark(source, "created_at")),
        "updated_at": format!("{}0{id}Z", mark(source, "updated_at")),
        "unmapped": of("attributes"),
    });
    if source == BY_CALLER {
        // They are a list of their own.
        record.as_object_mut().unwrap().remove("members");
    }
    record
}

fn person(source: &str, field: &str, group: usize, owner: &str) -> Value {
    let id = format!("{}{group}", mark(source, field));
    json!({ "id": id, "email": format!("{id}@x{owner}") })
}

/// How many walks find the same list of the source that tells whether it has changed.
const UNCHANGED: u64 = 3;

/// Where every path is the list of the source that it names, or of the members of one of its groups.
pub(super) async fn upstream() -> String {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let walks = Arc::<[AtomicU64; 2]>::default();
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let walks = Arc::clone(&walks);
            let list = service_fn(move |request: Request<Incoming>| {
                let is_conditional = request.uri().path()[1..] == *CONDITIONAL;
                let walk = walks[usize::from(is_conditional)].fetch_add(1, Ordering::Relaxed);
                let version = if is_conditional {
                    walk / UNCHANGED
                } else {
                    walk
                };
                std::future::ready(Ok::<_, Infallible>(answer(&request, version)))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), list));
        }
    });
    format!("http://{address}")
}

fn answer(request: &Request<Incoming>, version: u64) -> Response<Full<Bytes>> {
    let header = |name: &str| {
        let value = request.headers().get(name);
        value.map_or("", |value| value.to_str().unwrap())
    };
    let owner = header("x-owner");
    let (source, group) = match request.uri().path()[1..].split_once('/') {
        Some((source, group)) => (source, group.parse().ok()),
        None => (&request.uri().path()[1..], None),
    };
    let tag = format!("\"{version}\"");
    let response = Response::builder().header("etag", &tag);
    if source == CONDITIONAL && header("if-none-match") == tag {
        let unchanged = response.status(StatusCode::NOT_MODIFIED);
        return unchanged.body(Full::default()).unwrap();
    }
    let list: Vec<_> = match group {
        Some(group) => vec![person(source, "members", group, owner)],
        None => (1..=GROUPS)
            .map(|id| record(source, id, version, owner))
            .collect(),
    };
    let body = Bytes::from(Value::from(list).to_string());
    response.body(Full::new(body)).unwrap()
}

/// One of two plans that follow each other. Each has upstreams that the other asks in another way.
/// `callers` says who may ask.
pub(super) fn plan(base_url: &str, number: usize, callers: &str) -> Compiled {
    let block = |(place, name): (usize, &&str)| {
        let retries = if place % 2 == 0 { number } else { 0 };
        let own = match *name {
            BY_CALLER => {
                "scopes = 5
                auth = { type = 'forward', headers = ['x-owner'] }
                [upstreams.srcsigma.members]
                request = { path = '/srcsigma/{group.id}' }
                records = '/'
                reuse = 'updated_at'
                fields = { id = 'id', email = 'email' }"
            }
            CONDITIONAL => "conditional = true",
            _ => "",
        };
        let texts = [
            "description",
            "email",
            "status",
            "organization_id",
            "external_id",
        ];
        let texts = texts
            .iter()
            .chain(&["parent_id", "path", "url", "logo_url"]);
        let texts = texts.chain(&["member_count", "created_at", "updated_at"]);
        let texts: String = texts
            .map(|field| format!("{field} = '{field}', "))
            .collect();
        let people = ["members", "admins", "guests"];
        let is_listed = |field: &&&str| *name != BY_CALLER || **field != "members";
        let people: String = (people.iter().filter(is_listed))
            .map(|field| format!("{field} = {{ each = '{field}', id = 'id', email = 'email' }}, "))
            .collect();
        format!(
            "[upstreams.{name}]
            base_url = '{base_url}'
            request = {{ path = '/{name}' }}
            records = '/'
            min_refresh = '1ms'
            limits = {{ retries = {retries} }}
            fields = {{ id = 'id', name = 'name', {texts} {people} }}
            filterable = ['unmapped']
            {own}
            "
        )
    };
    let blocks: String = SOURCES.iter().enumerate().map(block).collect();
    let settings = "rate_limit = { per_client = '100000/s', burst = 100000 }
        cache = { ttl = '1h', capacity = '32MiB' }
        cursor.keys = [{ env = 'KEY' }]";
    let loaded = load(
        &format!("{settings}\n{callers}\n{blocks}"),
        &[("KEY", &"7".repeat(32))],
    );
    App::compile(&loaded, &WallClock::fixed(Timestamp::UNIX_EPOCH)).unwrap()
}
