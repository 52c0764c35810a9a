//! The lists of the upstreams, and the plans that ask for them.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use http::Request;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use jiff::Timestamp;
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::{BY_CALLER, GROUPS, SOURCES};
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
    let person = |field: &str| json!([{ "id": of(field), "email": format!("{}@x", of(field)) }]);
    json!({
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
    })
}

/// Where every path is the list of the source that it names.
pub(super) async fn upstream() -> String {
    let socket = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    let version = Arc::new(AtomicU64::new(0));
    tokio::spawn(async move {
        loop {
            let (stream, _) = socket.accept().await.unwrap();
            let version = Arc::clone(&version);
            let list = service_fn(move |request: Request<Incoming>| {
                let version = version.fetch_add(1, Ordering::Relaxed);
                let source = &request.uri().path()[1..];
                let owner = request.headers().get("x-owner");
                let owner = owner.map_or("", |owner| owner.to_str().unwrap());
                let list = (1..=GROUPS).map(|id| record(source, id, version, owner));
                let list: Vec<_> = list.collect();
                let body = Full::new(Bytes::from(Value::from(list).to_string()));
                async move { Ok::<_, Infallible>(http::Response::new(body)) }
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), list));
        }
    });
    format!("http://{address}")
}

/// One of two plans that follow each other. Each has upstreams that the other asks in another way.
/// `callers` says who may ask.
pub(super) fn plan(base_url: &str, number: usize, callers: &str) -> Compiled {
    let block = |(place, name): (usize, &&str)| {
        let retries = if place % 2 == 0 { number } else { 0 };
        let by_caller = if *name == BY_CALLER {
            "scopes = 4\nauth = { type = 'forward', headers = ['x-owner'] }"
        } else {
            ""
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
        let people: String = people
            .map(|field| format!("{field} = {{ each = '{field}', id = 'id', email = 'email' }}, "))
            .concat();
        format!(
            "[upstreams.{name}]
            base_url = '{base_url}'
            request = {{ path = '/{name}' }}
            records = '/'
            min_refresh = '1ms'
            limits = {{ retries = {retries} }}
            fields = {{ id = 'id', name = 'name', {texts} {people} }}
            {by_caller}
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
