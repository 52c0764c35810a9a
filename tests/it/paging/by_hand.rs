//! What a straightforward script gets: every upstream walked as its vendor's page says, with none
//! of the gateway's code, and the groups sorted here.

use std::cmp::Ordering;
use std::time::SystemTime;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4::SigningParams;
use bytes::Bytes;
use groupgate::clock::WallClock;
use groupgate::tools::demo::Emulations;
use hmac::{Hmac, KeyInit, Mac};
use http::Request;
use http_body_util::{BodyExt, Full};
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::Sha256;

/// What must be the same, however a group was got.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Group {
    pub(crate) id: String,
    pub(crate) source: String,
    pub(crate) name: String,
    description: Option<String>,
    pub(crate) created_at: Option<Timestamp>,
    pub(crate) updated_at: Option<Timestamp>,
    pub(crate) deleted_at: Option<Timestamp>,
    members: Vec<String>,
    guests: Vec<String>,
}

impl Group {
    /// A group as the gateway shows it.
    pub(crate) fn shown(group: &Value) -> Self {
        Self {
            id: text(&group["id"]).unwrap(),
            source: text(&group["source"]).unwrap(),
            name: text(&group["name"]).unwrap(),
            description: text(&group["description"]),
            created_at: time(&group["created_at"]),
            updated_at: time(&group["updated_at"]),
            deleted_at: time(&group["deleted_at"]),
            members: texts(&group["members"], "/id"),
            guests: texts(&group["guests"], "/email"),
        }
    }
}

/// Every group of all five upstreams, in no order.
pub(crate) async fn all(emulations: &Emulations) -> Vec<Group> {
    let upstreams = Upstreams(emulations);
    [
        upstreams.collections().await,
        upstreams.vinyldns().await,
        upstreams.publisher().await,
        upstreams.onlivesite().await,
        upstreams.tallyfy().await,
    ]
    .concat()
}

/// Folded name, name, source, id.
pub(crate) fn by_name(left: &Group, right: &Group) -> Ordering {
    plain(left)
        .cmp(&plain(right))
        .then_with(|| left.name.cmp(&right.name))
        .then_with(|| left.source.cmp(&right.source))
        .then_with(|| left.id.cmp(&right.id))
}

/// One time before another, and none last.
pub(crate) fn none_last(
    left: Option<Timestamp>,
    right: Option<Timestamp>,
    compare: fn(&Timestamp, &Timestamp) -> Ordering,
) -> Ordering {
    match (left, right) {
        (Some(left), Some(right)) => compare(&left, &right),
        (left, right) => left.is_none().cmp(&right.is_none()),
    }
}

/// What folding makes of the names that there are: lower case, and the few letters for which that is
/// not all.
pub(crate) fn plain(group: &Group) -> String {
    [("ß", "ss"), ("ﬁ", "fi"), ("e\u{301}", "é"), ("ς", "σ")]
        .iter()
        .fold(group.name.to_lowercase(), |name, (from, to)| {
            name.replace(from, to)
        })
}

struct Upstreams<'a>(&'a Emulations);

impl Upstreams<'_> {
    async fn collections(&self) -> Vec<Group> {
        let login = json!({
            "client_id": self.variable("COLLECTIONS_ID"),
            "client_secret": self.variable("COLLECTIONS_SECRET"),
            "fingerprint": "by hand",
            "user": {
                "first_name": "By", "last_name": "Hand", "email": "by@hand.example",
                "group_name": "my-domain",
            },
        });
        let url = self.url("collections", "/generate-client-auth-token");
        let request = Request::post(url).header("content-type", "application/json");
        let login = fetch(request.body(login.to_string().into()).unwrap()).await;
        let token = login["data"]["auth_token"].as_str().unwrap();
        let request = Request::post(self.url("collections", "/fetch-groups"))
            .header("content-type", "application/json")
            .header("authorization", format!("Bearer {token}"))
            .header("domain", "my-domain");
        let list = fetch(request.body("{}".into()).unwrap()).await;
        records(&list["data"], |record| Group {
            id: prefixed("collections", &record["group_id"]),
            source: "collections".to_owned(),
            name: text(&record["group_name"]).unwrap(),
            description: text(&record["group_description"]),
            created_at: time(&record["created_at"]),
            updated_at: time(&record["updated_at"]),
            deleted_at: None,
            members: Vec::new(),
            guests: Vec::new(),
        })
    }

    async fn vinyldns(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        let mut query = "?maxItems=30".to_owned();
        loop {
            let page = fetch(self.aws_signed(&format!("/groups{query}"))).await;
            groups.extend(records(&page["groups"], |record| Group {
                id: prefixed("vinyldns", &record["id"]),
                source: "vinyldns".to_owned(),
                name: text(&record["name"]).unwrap(),
                description: text(&record["description"]),
                created_at: time(&record["created"]),
                updated_at: None,
                deleted_at: None,
                members: texts(&record["members"], "/id"),
                guests: Vec::new(),
            }));
            let Some(next) = page["nextId"].as_str() else {
                return groups;
            };
            query = format!("?maxItems=30&startFrom={next}");
        }
    }

    /// In JSON, while the gateway reads XML.
    async fn publisher(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        loop {
            let offset = groups.len();
            let path = format!("/api/2/groups?fields=all&sort=-name&limit=40&offset={offset}");
            let token = self.variable("PUBLISHER_TOKEN");
            let request = Request::get(self.url("publisher", &path))
                .header("accept", "application/json")
                .header("authorization", format!("Bearer {token}"));
            let page = fetch(request.body(Full::default()).unwrap()).await;
            groups.extend(records(&page["groups"], |record| Group {
                id: prefixed("publisher", &record["id"]),
                source: "publisher".to_owned(),
                name: text(&record["name"]).unwrap(),
                description: text(&record["description"]),
                created_at: time(&record["created"]),
                updated_at: time(&record["updated"]),
                deleted_at: None,
                members: texts(&record["users"], ""),
                guests: Vec::new(),
            }));
            if page["total"] == groups.len() {
                return groups;
            }
        }
    }

    async fn onlivesite(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        for number in 1.. {
            let query = format!("page={number}&limit=30");
            let page = fetch(self.onlive_signed("/api/v1/user-groups", &query)).await;
            groups.extend(records(&page["items"], |record| Group {
                id: prefixed("onlivesite", &record["id"]),
                source: "onlivesite".to_owned(),
                name: text(&record["name"]).unwrap(),
                description: text(&record["description"]),
                created_at: time(&record["createdAt"]),
                updated_at: time(&record["updatedAt"]),
                deleted_at: None,
                members: Vec::new(),
                guests: Vec::new(),
            }));
            if page["pages"] == number {
                break;
            }
        }
        groups
    }

    async fn tallyfy(&self) -> Vec<Group> {
        let mut groups = Vec::new();
        let organization = self.variable("TALLYFY_ORG");
        for number in 1.. {
            let path = format!("/organizations/{organization}/groups?per_page=30&page={number}");
            let token = self.variable("TALLYFY_TOKEN");
            let request = Request::get(self.url("tallyfy", &path))
                .header("x-tallyfy-client", "APIClient")
                .header("authorization", format!("Bearer {token}"));
            let page = fetch(request.body(Full::default()).unwrap()).await;
            groups.extend(records(&page["data"], |record| Group {
                id: prefixed("tallyfy", &record["id"]),
                source: "tallyfy".to_owned(),
                name: text(&record["name"]).unwrap(),
                description: text(&record["description"]),
                created_at: time(&record["created_at"]),
                updated_at: time(&record["updated_at"]).or_else(|| time(&record["last_updated"])),
                deleted_at: time(&record["deleted_at"]),
                members: texts(&record["members"], ""),
                guests: texts(&record["guests"], ""),
            }));
            if page["meta"]["pagination"]["total_pages"] == number {
                break;
            }
        }
        groups
    }

    fn aws_signed(&self, path: &str) -> Request<Full<Bytes>> {
        let (key, secret) = (self.variable("VINYL_KEY"), self.variable("VINYL_SECRET"));
        let identity = Credentials::new(key, secret, None, None, "by hand").into();
        let parameters = SigningParams::builder()
            .identity(&identity)
            .region("us-east-1")
            .name("VinylDNS")
            .time(SystemTime::now())
            .settings(SigningSettings::default())
            .build()
            .unwrap()
            .into();
        let url = self.url("vinyldns", path);
        let body = SignableBody::Bytes(b"");
        let signable = SignableRequest::new("GET", &url, std::iter::empty(), body).unwrap();
        let (instructions, _) = sign(signable, &parameters).unwrap().into_parts();
        let mut request = Request::get(&url).body(Full::default()).unwrap();
        instructions.apply_to_request_http1x(&mut request);
        request
    }

    fn onlive_signed(&self, path: &str, query: &str) -> Request<Full<Bytes>> {
        let (key, secret) = (self.variable("ONLIVE_KEY"), self.variable("ONLIVE_SECRET"));
        let date = WallClock::system()
            .now()
            .strftime("%Y%m%dT%H%M%SZ")
            .to_string();
        let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes())
            .unwrap()
            .chain_update(format!("GET\n{path}\n{query}\n{date}"));
        let signature: String = mac
            .finalize()
            .into_bytes()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        let authorization = format!("ONLIVESITE Credential:{key}, Signature={signature}");
        Request::get(self.url("onlivesite", &format!("{path}?{query}")))
            .header("x-onlive-site-date", date)
            .header("authorization", authorization)
            .body(Full::default())
            .unwrap()
    }

    fn url(&self, upstream: &str, path: &str) -> String {
        let upstream = self.0.get(upstream).unwrap();
        format!("{}{path}", upstream.base_url())
    }

    fn variable(&self, name: &str) -> String {
        let variables = self.0.variables();
        let found = variables.into_iter().find(|(key, _)| key == name);
        found.unwrap().1
    }
}

async fn fetch(request: Request<Full<Bytes>>) -> Value {
    let client = Client::builder(TokioExecutor::new()).build_http();
    let response = client.request(request).await.unwrap();
    assert!(response.status().is_success(), "{}", response.status());
    let body = response.into_body().collect().await.unwrap();
    serde_json::from_slice(&body.to_bytes()).unwrap()
}

fn records(list: &Value, group: impl Fn(&Value) -> Group) -> Vec<Group> {
    list.as_array().unwrap().iter().map(group).collect()
}

fn prefixed(source: &str, id: &Value) -> String {
    format!("{source}:{}", text(id).unwrap())
}

/// Text, or a number as text.
fn text(value: &Value) -> Option<String> {
    let number = || value.as_number().map(ToString::to_string);
    value.as_str().map(str::to_owned).or_else(number)
}

fn texts(list: &Value, pointer: &str) -> Vec<String> {
    let items = list.as_array().unwrap();
    let texts = items.iter().map(|item| text(item.pointer(pointer)?));
    texts.collect::<Option<_>>().unwrap()
}

fn time(value: &Value) -> Option<Timestamp> {
    value.as_str().map(|text| text.parse().unwrap())
}
