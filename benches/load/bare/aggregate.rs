//! What a Rust program does that makes five calls, decodes every field into structs, sorts, and writes.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tokio::task::JoinSet;

use super::{HttpClient, client, get, serve_each};
use crate::free_port;

/// Asks all upstreams for each request, and serves one sorted page of what they say.
pub(crate) async fn aggregate(urls: Vec<String>, limit: usize) {
    let client = client();
    let address = free_port();
    println!("{address}");
    serve_each(address, move |_| {
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
    let lists = calls.join_all().await;
    let mut groups: Vec<_> = lists.into_iter().flatten().collect();
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
        let list: XmlList = quick_xml::de::from_str(str::from_utf8(&body).unwrap()).unwrap();
        return normalized(number, list.group, |people| people.person);
    }
    normalized(number, serde_json::from_slice(&body).unwrap(), |people| {
        people
    })
}

/// Decodes every record of a page in JSON, and counts them.
pub(crate) fn decode(body: &[u8]) -> usize {
    let records = match body.first() {
        Some(b'[') => serde_json::from_slice(body),
        _ => serde_json::from_slice(body).map(|page: JsonPage| page.items),
    };
    let records: Vec<Record<Vec<Person>>> = records.unwrap();
    records.len()
}

/// One of several pages.
#[derive(Deserialize)]
struct JsonPage {
    items: Vec<Record<Vec<Person>>>,
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

#[derive(Deserialize, Serialize)]
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

#[derive(Serialize)]
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
