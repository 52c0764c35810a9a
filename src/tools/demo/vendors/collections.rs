//! `collections`, the first upstream: one POST for the whole list, in an envelope that repeats the
//! status, with a token from a login call.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::tokens::Tokens;
use crate::tools::demo::cached_order::indices;
use crate::tools::demo::generated::GeneratedGroup;
use crate::tools::demo::list_api::ListApi;
use crate::tools::demo::message::{
    Answer, Request, RequestKind, bearer, header, json, ok, reason, without_null,
};
use crate::tools::demo::options::{LoginStatus, Options};
use crate::tools::demo::vendor::Vendor;

pub(super) const NAME: &str = "collections";

pub(super) static LIST: ListApi = ListApi {
    method: Method::POST,
    path: "/fetch-groups",
    records: "/data",
    id: "group_id",
    paging: None,
    total: None,
    link: None,
    speaks_xml: false,
};

const LOGIN_PATH: &str = "/generate-client-auth-token";

const DOMAIN: &str = "my-domain";
const CLIENT_ID: &str = "demo-collections-id";
const CLIENT_SECRET: &str = "demo-collections-secret";

/// A prime above the number of groups: steps of it visit every index once before they repeat.
const STRIDE: u64 = 1_000_003;

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

    fn curl(&self, base_url: &str) -> String {
        let login = json!({
            "client_id": CLIENT_ID,
            "client_secret": CLIENT_SECRET,
            "fingerprint": "curl",
            "user": { "first_name": "A", "last_name": "B", "email": "a@example.com", "group_name": DOMAIN },
        });
        let json = "-H 'Content-Type: application/json'";
        let find = r#"sed 's/.*"auth_token":"\([^"]*\)".*/\1/'"#;
        format!(
            "token=$(curl -s '{base_url}{LOGIN_PATH}' {json} -d '{login}' | {find}); \
             curl -s '{base_url}{}' {json} -d '{{}}' -H 'domain: {DOMAIN}' \
             -H \"Authorization: Bearer $token\"",
            LIST.path
        )
    }

    fn list_api(&self) -> &'static ListApi {
        &LIST
    }

    fn kind(&self, request: &Request) -> RequestKind {
        if request.method() == Method::POST && request.uri().path() == LOGIN_PATH {
            return RequestKind::Login;
        }
        LIST.kind(request)
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        match self.kind(request) {
            RequestKind::Login => self.login(request),
            RequestKind::FirstPage | RequestKind::LaterPage => self.list(request, groups),
            RequestKind::Other => self.failure(request, StatusCode::NOT_FOUND),
        }
    }

    fn refusal(&self, request: &Request) -> Answer {
        if self.kind(request) == RequestKind::Login {
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
            .map(|position| group(shuffled(position, groups)))
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
            LoginStatus::Absent => ok(&json!({ "data": data })),
        }
    }
}

/// The request's JSON object, if it is one and is declared as one.
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
    ok(&envelope)
}

fn error(status: StatusCode, message: &str) -> Answer {
    let envelope = json!({ "statusCode": status.as_u16(), "data": {}, "message": message });
    json(status, &envelope)
}

/// The group at `position`: the vendor documents no order, so this one looks random.
fn shuffled(position: u32, groups: usize) -> GeneratedGroup {
    let index = (u64::from(position) * STRIDE + 7) % groups as u64;
    GeneratedGroup::new(NAME, index as u32)
}

fn group(group: GeneratedGroup) -> Value {
    let created = group.created();
    let settings = group.one_in(3, "settings").then(|| {
        let language = group.pick(&["en", "de", "ja"], "language");
        json!({ "language": language, "tags": ["index", null] })
    });
    let object = json!({
        "group_id": id(group),
        "group_name": group.name(),
        "group_description": group.description(),
        "created_at": created.to_string(),
        "updated_at": group.updated().unwrap_or(created).to_string(),
        "document_count": group.number("documents") % 500,
        "settings": settings,
    });
    without_null(object, ["group_description", "settings"])
}

/// The vendor's ids are any text.
fn id(group: GeneratedGroup) -> String {
    let index = group.index();
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
