//! Bare servers, each in a process of its own: what hyper does by itself, and what a Rust program does that
//! knows its five upstreams by heart.

use std::convert::Infallible;
use std::net::SocketAddr;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::net::TcpListener;
use tokio::task::JoinSet;

use crate::free_port;

pub(crate) type Answer = (StatusCode, HeaderMap, Bytes);
type HttpClient = Client<HttpConnector, Full<Bytes>>;

/// Serves the same to everybody, as hyper does by itself.
pub(crate) async fn serve(
    address: SocketAddr,
    answer: impl Fn() -> Answer + Clone + Send + 'static,
) {
    serve_each(address, move || {
        let answer = answer();
        async move { answer }
    })
    .await;
}

async fn serve_each<F: Future<Output = Answer> + Send + 'static>(
    address: SocketAddr,
    answer: impl Fn() -> F + Clone + Send + 'static,
) {
    let socket = TcpListener::bind(address).await.unwrap();
    while let Ok((stream, _)) = socket.accept().await {
        stream.set_nodelay(true).unwrap();
        let answer = answer.clone();
        let service = service_fn(move |_: Request<Incoming>| {
            let answer = answer();
            async move {
                let (status, headers, body) = answer.await;
                let mut response = Response::new(Full::new(body));
                *response.status_mut() = status;
                *response.headers_mut() = headers;
                Ok::<_, Infallible>(response)
            }
        });
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

/// Asks for `page` once, and serves what comes for ever.
pub(crate) async fn replay(page: &str, coding: &str, tag: &str) {
    let (status, mut headers, body) = get(&client(), page, coding, tag).await.unwrap();
    // hyper writes both itself.
    headers.remove("date");
    headers.remove("content-length");
    headers.remove("transfer-encoding");
    let address = free_port();
    println!("{address}");
    serve(address, move || (status, headers.clone(), body.clone())).await;
}

/// Asks all upstreams for each request, and serves one sorted page of what they say.
pub(crate) async fn aggregate(urls: &[&str], limit: usize) {
    let urls: Vec<_> = urls.iter().map(|url| (*url).to_owned()).collect();
    let client = client();
    let address = free_port();
    println!("{address}");
    serve_each(address, move || {
        let (client, urls) = (client.clone(), urls.clone());
        async move { (StatusCode::OK, json(), page(&client, urls, limit).await) }
    })
    .await;
}

fn json() -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", "application/json".parse().unwrap());
    headers
}

async fn page(client: &HttpClient, urls: Vec<String>, limit: usize) -> Bytes {
    let mut calls = JoinSet::new();
    for (number, url) in urls.into_iter().enumerate() {
        let client = client.clone();
        calls.spawn(async move { list(&client, number, &url).await });
    }
    let mut groups = calls.join_all().await.concat();
    groups.sort_unstable_by(|left, right| {
        let [left_key, right_key] = [left, right].map(|group| (&group.folded, &group.id));
        left_key.cmp(&right_key)
    });
    let total = groups.len();
    groups.truncate(limit);
    let page = Page {
        groups,
        total,
        complete: true,
    };
    serde_json::to_vec(&page).unwrap().into()
}

async fn list(client: &HttpClient, number: usize, url: &str) -> Vec<Group> {
    let (_, headers, body) = get(client, url, "", "").await.unwrap();
    if headers["content-type"] == "application/xml" {
        let list: XmlList = quick_xml::de::from_reader(&*body).unwrap();
        return normalized(number, list.group, |people| people.person);
    }
    normalized(number, serde_json::from_slice(&body).unwrap(), |people| {
        people
    })
}

/// A record, with its people as a format has them.
#[derive(Deserialize)]
struct Record<P> {
    id: String,
    name: String,
    about: String,
    mail: String,
    state: String,
    made: Timestamp,
    changed: Timestamp,
    people: P,
}

#[derive(Deserialize)]
struct XmlList {
    group: Vec<Record<People>>,
}

#[derive(Deserialize)]
struct People {
    person: Vec<Person>,
}

#[derive(Clone, Deserialize, Serialize)]
struct Person {
    id: String,
    #[serde(rename(serialize = "email"))]
    mail: String,
}

#[derive(Serialize)]
struct Page {
    groups: Vec<Group>,
    total: usize,
    complete: bool,
}

#[derive(Clone, Serialize)]
struct Group {
    id: String,
    source: String,
    source_id: String,
    name: String,
    #[serde(skip)]
    folded: String,
    description: String,
    email: String,
    status: String,
    members: Vec<Person>,
    member_count: usize,
    created_at: Timestamp,
    updated_at: Timestamp,
}

fn normalized<P>(
    number: usize,
    records: Vec<Record<P>>,
    people: fn(P) -> Vec<Person>,
) -> Vec<Group> {
    let source = format!("u{number}");
    let group = |record: Record<P>| {
        let members = people(record.people);
        Group {
            id: format!("{source}:{}", record.id),
            source: source.clone(),
            source_id: record.id,
            folded: record.name.to_lowercase(),
            name: record.name,
            description: record.about,
            email: record.mail,
            status: record.state.to_lowercase(),
            member_count: members.len(),
            members,
            created_at: record.made,
            updated_at: record.changed,
        }
    };
    records.into_iter().map(group).collect()
}

pub(crate) fn client() -> HttpClient {
    let mut connector = HttpConnector::new();
    connector.set_nodelay(true);
    Client::builder(TokioExecutor::new()).build(connector)
}

pub(crate) async fn get(client: &HttpClient, uri: &str, coding: &str, tag: &str) -> Option<Answer> {
    let request = Request::get(uri)
        .header("accept-encoding", coding)
        .header("if-none-match", tag);
    let response = client.request(request.body(Full::default()).unwrap());
    let (head, body) = response.await.ok()?.into_parts();
    let body = body.collect().await.ok()?.to_bytes();
    Some((head.status, head.headers, body))
}
