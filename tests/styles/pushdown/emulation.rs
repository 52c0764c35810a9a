//! An upstream that filters, in ways of its own; and one gateway that asks it by query beside one
//! that asks for the whole list.

use bytes::Bytes;
use http::{Request, Response};
use serde_json::{Value, json};

use crate::support::adapters::{NO_VARIABLES, load};
use crate::support::client::groups_of;
use crate::support::gateway::{ANY_PORT, Gateway};
use crate::support::server::{self, Server, parameter};

/// How many groups a page holds.
const PAGE: usize = 7;

/// One group as the upstream keeps it.
#[derive(Debug, Clone)]
pub(crate) struct Record {
    pub(crate) id: usize,
    pub(crate) name: String,
    pub(crate) about: Option<String>,
    pub(crate) state: &'static str,
    /// Seconds since 1970.
    pub(crate) made: i64,
    pub(crate) member: usize,
}

impl Record {
    /// The `id`th group of a list that has something of everything.
    pub(crate) fn new(id: usize) -> Self {
        const NAMES: [&str; 6] = [
            "Sales Team",
            "sales \"EMEA\"",
            "O'Neil",
            "Back\\slash",
            "Ops (night)",
            "R&D / 100%",
        ];
        Self {
            id,
            name: format!("{} {id}", NAMES[id % NAMES.len()]),
            about: id
                .is_multiple_of(3)
                .then(|| format!("Handles SALES inquiry {}", id % 5)),
            state: ["OPEN", "CLOSED", "Open"][id % 3],
            made: 1_700_000_000 + i64::try_from(id).unwrap() * 50_000,
            member: id % 4,
        }
    }

    fn json(&self) -> Value {
        let made = jiff::Timestamp::from_second(self.made).unwrap().to_string();
        json!({
            "id": self.id, "name": self.name, "about": self.about, "state": self.state, "made": made,
            "members": [self.member],
        })
    }

    fn day(&self) -> String {
        let made = jiff::Timestamp::from_second(self.made).unwrap();
        made.strftime("%Y-%m-%d").to_string()
    }
}

/// Serves `records` in pages, filtered by whatever stands in the request.
pub(crate) async fn serve(records: Vec<Record>) -> Server {
    Server::start(move |request| answer(&records, request)).await
}

fn answer(records: &[Record], request: &Request<Bytes>) -> Response<String> {
    let has = |record: &&Record| passes(record, request);
    let found: Vec<_> = records.iter().filter(has).collect();
    let page = parameter(request, "page").map_or(1, |page| page.parse().unwrap());
    let shown = match parameter(request, "page") {
        Some(_) => found.iter().skip((page - 1) * PAGE).take(PAGE).collect(),
        None => found.iter().collect::<Vec<_>>(),
    };
    let groups: Vec<_> = shown.into_iter().map(|record| record.json()).collect();
    server::json(&json!({ "groups": groups, "total": found.len() }))
}

fn passes(record: &Record, request: &Request<Bytes>) -> bool {
    let is = |name: &str, test: &dyn Fn(&str) -> bool| {
        parameter(request, name).is_none_or(|value| test(&value))
    };
    is("q", &|sought| record.has(sought))
        && is("filter", &|filter| record.has(&scim_value(filter)))
        && is("odata", &|filter| record.has(&odata_value(filter)))
        && is("state", &|state| record.state.eq_ignore_ascii_case(state))
        && is("member", &|member| record.member.to_string() == member)
        && is("id", &|id| record.id.to_string() == id)
        // Exclusive, and by whole days.
        && is("since", &|day| *record.day() > *day)
        && is("until", &|day| *record.day() < *day)
}

impl Record {
    /// A search that knows ASCII letters only.
    fn has(&self, sought: &str) -> bool {
        let sought = sought.to_ascii_lowercase();
        let texts = [Some(&self.name), self.about.as_ref()];
        let mut texts = texts.into_iter().flatten();
        texts.any(|text| text.to_ascii_lowercase().contains(&sought))
    }
}

/// What `name co "…"` looks for. Anything else is a syntax error, as it is for a SCIM server.
fn scim_value(filter: &str) -> String {
    let quoted = filter.strip_prefix("name co ").expect("one comparison");
    serde_json::from_str(quoted).expect("one text of JSON's kind and nothing after it")
}

/// What `contains(name,'…')` looks for.
fn odata_value(filter: &str) -> String {
    let quoted = filter
        .strip_prefix("contains(name,'")
        .and_then(|rest| rest.strip_suffix("')"));
    let quoted = quoted.expect("one call");
    let single = quoted.replace("''", "");
    assert!(!single.contains('\''), "the text ends too early: {quoted}");
    quoted.replace("''", "'")
}

/// A gateway in front of one upstream. `block` is what its block says besides what all have.
pub(crate) async fn gateway(server: &Server, block: &str) -> Gateway {
    gateway_with(server, block, "").await
}

/// The same, with more settings of the gateway.
pub(crate) async fn gateway_with(server: &Server, block: &str, settings: &str) -> Gateway {
    let base_url = server.base_url();
    let toml = format!(
        "
        {ANY_PORT}
        [rate_limit]
        per_client = '100000/s'
        burst = 100000
        {settings}
        [upstreams.club]
        base_url = '{base_url}'
        records = '/groups'
        {block}
        [upstreams.club.fields]
        id = 'id'
        name = 'name'
        description = 'about'
        status = 'state'
        created_at = 'made'
        members = {{ each = 'members', id = '.' }}
        "
    );
    Gateway::start(&load(&toml, NO_VARIABLES)).await
}

/// The groups that a query gives, all pages of them.
pub(crate) async fn groups(gateway: &Gateway, query: &str) -> Vec<Value> {
    let pages = gateway.pages(query).await;
    let is_whole = |page: &Value| page["complete"] == true;
    assert!(pages.iter().all(is_whole), "{pages:?}");
    let groups: Vec<_> = pages.iter().flat_map(groups_of).cloned().collect();
    assert_eq!(pages[pages.len() - 1]["total"], groups.len());
    groups
}

pub(crate) fn many(groups: usize) -> Vec<Record> {
    (0..groups).map(Record::new).collect()
}
