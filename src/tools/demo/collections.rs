//! `collections`, the first upstream: one POST for the whole list, in an envelope that repeats the
//! status, with a token from a login call.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Options;
use super::envelope::Envelope;
use super::exchange::{self, Answer, Kind, Request, Vendor, bearer, header, reason};
use super::order::indices;
use super::records::Record;
use super::tokens::Tokens;

pub(super) const NAME: &str = "collections";

/// Where a list holds what faults change.
pub(super) const ENVELOPE: Envelope = Envelope {
    records: "/data",
    id: "group_id",
    next: None,
    total: None,
    link: None,
    speaks_xml: false,
};

const LIST_PATH: &str = "/fetch-groups";
const LOGIN_PATH: &str = "/generate-client-auth-token";

const DOMAIN: &str = "my-domain";
const CLIENT_ID: &str = "demo-collections-id";
const CLIENT_SECRET: &str = "demo-collections-secret";

/// A prime above the number of groups: steps of it visit every index once before they repeat.
const STRIDE: u64 = 1_000_003;

/// Where the login answer says that it is a success. The vendor's pages disagree.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LoginStatus {
    /// In `statusCode`, as the groups page shows it.
    #[default]
    StatusCode,
    /// In `status`, as the login page shows it.
    Status,
    /// Nowhere in the body.
    Absent,
}

/// The vendor's API.
#[derive(Debug)]
struct Collections {
    tokens: Tokens,
    login_status: LoginStatus,
}

pub(super) fn open(_origin: &str, options: &Options) -> Box<dyn Vendor> {
    Box::new(Collections {
        tokens: Tokens::new(options.tokens, options.token_life, options.clock),
        login_status: options.login_status,
    })
}

impl Vendor for Collections {
    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("COLLECTIONS_ID", CLIENT_ID),
            ("COLLECTIONS_SECRET", CLIENT_SECRET),
        ]
    }

    fn kind(&self, request: &Request) -> Kind {
        match (request.method(), request.uri().path()) {
            (&Method::POST, LIST_PATH) => Kind::FirstPage,
            (&Method::POST, LOGIN_PATH) => Kind::Login,
            _ => Kind::Other,
        }
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        match self.kind(request) {
            Kind::Login => self.login(request),
            Kind::FirstPage | Kind::LaterPage => self.list(request, groups),
            Kind::Other => self.failure(request, StatusCode::NOT_FOUND),
        }
    }

    fn refusal(&self, request: &Request) -> Answer {
        if self.kind(request) == Kind::Login {
            return error(StatusCode::UNAUTHORIZED, "Invalid client credentials");
        }
        error(StatusCode::FORBIDDEN, "UNAUTHORIZED")
    }

    fn failure(&self, _request: &Request, status: StatusCode) -> Answer {
        if status == StatusCode::INTERNAL_SERVER_ERROR {
            return error(status, "SERVER_FAULT");
        }
        let message = reason(status).to_ascii_uppercase().replace(' ', "_");
        error(status, &message)
    }

    fn revoke_tokens(&self) {
        self.tokens.revoke();
    }
}

impl Collections {
    fn list(&self, request: &Request, groups: usize) -> Answer {
        let good = bearer(request).is_some_and(|token| self.tokens.accepts(token));
        if !good || header(request, "domain") != Some(DOMAIN) {
            return self.refusal(request);
        }
        if body(request).is_none() {
            return self.failure(request, StatusCode::INTERNAL_SERVER_ERROR);
        }
        let data: Vec<Value> = indices(groups)
            .map(|place| group(shuffled(place, groups)))
            .collect();
        success("statusCode", &json!(data))
    }

    fn login(&self, request: &Request) -> Answer {
        let Some(body) = body(request) else {
            return self.failure(request, StatusCode::INTERNAL_SERVER_ERROR);
        };
        let missing = missing_fields(&body);
        if !missing.is_empty() {
            let message = format!("Missing required fields: {}", missing.join(", "));
            return error(StatusCode::BAD_REQUEST, &message);
        }
        if body["client_id"] != CLIENT_ID
            || body["client_secret"] != CLIENT_SECRET
            || body["user"]["group_name"] != DOMAIN
        {
            return self.refusal(request);
        }
        let subject = body["user"]["email"].as_str().unwrap_or_default();
        let data = json!({ "auth_token": self.tokens.issue(subject) });
        match self.login_status {
            LoginStatus::StatusCode => success("statusCode", &data),
            LoginStatus::Status => success("status", &data),
            LoginStatus::Absent => exchange::json(StatusCode::OK, &json!({ "data": data })),
        }
    }
}

/// The request's JSON object; `None` where it is none, or not said to be one.
fn body(request: &Request) -> Option<Value> {
    let media_type = header(request, "content-type")?.split(';').next()?;
    if !media_type.trim().eq_ignore_ascii_case("application/json") {
        return None;
    }
    let body: Value = serde_json::from_slice(request.body()).ok()?;
    body.is_object().then_some(body)
}

fn missing_fields(body: &Value) -> Vec<&'static str> {
    const FIELDS: [&str; 7] = [
        "/client_id",
        "/client_secret",
        "/fingerprint",
        "/user/first_name",
        "/user/last_name",
        "/user/email",
        "/user/group_name",
    ];
    let is_missing = |path: &&str| !body.pointer(path).is_some_and(Value::is_string);
    FIELDS
        .into_iter()
        .filter(is_missing)
        .map(|path| path.rsplit('/').next().unwrap_or(path))
        .collect()
}

fn success(status_key: &str, data: &Value) -> Answer {
    let envelope = json!({ status_key: 200, "data": data, "message": "OKAY" });
    exchange::json(StatusCode::OK, &envelope)
}

fn error(status: StatusCode, message: &str) -> Answer {
    let envelope = json!({ "statusCode": status.as_u16(), "data": {}, "message": message });
    exchange::json(status, &envelope)
}

/// Which record stands at `place`: the vendor gives no order, so this one looks like none.
fn shuffled(place: u32, groups: usize) -> Record {
    let index = (u64::from(place) * STRIDE + 7) % groups as u64;
    Record::new(NAME, index as u32)
}

fn group(record: Record) -> Value {
    let mut group = Map::new();
    group.insert("group_id".into(), id(record).into());
    group.insert("group_name".into(), record.name().into());
    if let Some(description) = record.description() {
        group.insert("group_description".into(), description.into());
    }
    let created = record.created();
    let updated = record.updated().unwrap_or(created);
    group.insert("created_at".into(), created.to_string().into());
    group.insert("updated_at".into(), updated.to_string().into());
    let documents = record.number("documents") % 500;
    group.insert("document_count".into(), documents.into());
    if record.one_in(3, "settings") {
        let language = record.pick(&["en", "de", "ja"], "language");
        let settings = json!({ "language": language, "tags": ["index", null] });
        group.insert("settings".into(), settings);
    }
    Value::Object(group)
}

/// The vendor's ids are any text.
fn id(record: Record) -> String {
    let index = record.index();
    match index % 16 {
        3 => format!("team/{index}"),
        5 => format!("urn:group:{index}"),
        7 => format!("group {index}"),
        9 => format!("100%-{index}"),
        10 => format!("%2F{index}"),
        11 => format!("gruppe-ß-組-{index}"),
        13 => format!("{}-{index}", "long".repeat(100)),
        14 => format!("a?b=c&d#{index}"),
        _ => format!("group-{index}"),
    }
}
