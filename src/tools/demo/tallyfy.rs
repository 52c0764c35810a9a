//! `tallyfy`, the fifth upstream: an organization in the path, and pages only where the answer
//! says so.

use std::sync::Mutex;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Map, Value, json};
use tokio::time::Instant;

use super::envelope::{Continuation, Envelope};
use super::exchange::{self, Answer, Kind, Parameters, Request, Vendor, bearer, header, reason};
use super::order::indices;
use super::records::Record;
use super::{Options, lock};

pub(super) const NAME: &str = "tallyfy";

/// Where a list holds what faults change.
pub(super) const ENVELOPE: Envelope = Envelope {
    records: "/data",
    id: "id",
    next: Some(Continuation::Page {
        parameter: "page",
        pages: "/meta/pagination/total_pages",
    }),
    total: Some("/meta/pagination/total"),
    link: Some("/meta/pagination/links/next"),
    speaks_xml: false,
};

const ORGANIZATION: &str = "demo-organization";
const TOKEN: &str = "demo-tallyfy-token";

const DEFAULT_PER_PAGE: usize = 10;
const MAX_PER_PAGE: usize = 100;

/// The time that the quota counts requests in.
const QUOTA_WINDOW: Duration = Duration::from_mins(1);

/// Whether the list is cut into pages. The vendor's page leaves it open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Paging {
    /// It is, and `meta.pagination` says how.
    #[default]
    Meta,
    /// The whole list is one page, without `meta`.
    Absent,
}

/// The vendor's API.
#[derive(Debug)]
struct Tallyfy {
    list_url: String,
    paging: Paging,
    quota: Option<Quota>,
}

pub(super) fn open(origin: &str, options: &Options) -> Box<dyn Vendor> {
    Box::new(Tallyfy {
        list_url: format!("{origin}{}", list_path()),
        paging: options.tallyfy_paging,
        quota: options.tallyfy_quota.map(Quota::new),
    })
}

fn list_path() -> String {
    format!("/organizations/{ORGANIZATION}/groups")
}

impl Vendor for Tallyfy {
    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("TALLYFY_TOKEN", TOKEN), ("TALLYFY_ORG", ORGANIZATION)]
    }

    fn kind(&self, request: &Request) -> Kind {
        if request.method() != Method::GET || request.uri().path() != list_path() {
            return Kind::Other;
        }
        match Parameters::of(request).get("page") {
            None | Some("1") => Kind::FirstPage,
            Some(_) => Kind::LaterPage,
        }
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        if self.kind(request) == Kind::Other {
            return self.failure(request, StatusCode::NOT_FOUND);
        }
        if let Some(wait) = self.quota.as_ref().and_then(Quota::take) {
            return too_many(wait);
        }
        if bearer(request) != Some(TOKEN) {
            return self.refusal(request);
        }
        if header(request, "x-tallyfy-client") != Some("APIClient") {
            let message = "The X-Tallyfy-Client header is missing.";
            return error(StatusCode::BAD_REQUEST, message);
        }
        self.list(&Parameters::of(request), groups)
    }

    fn refusal(&self, _request: &Request) -> Answer {
        let body = json!({ "error": "invalid_client" });
        exchange::json(StatusCode::UNAUTHORIZED, &body)
    }

    fn failure(&self, _request: &Request, status: StatusCode) -> Answer {
        error(status, reason(status))
    }
}

impl Tallyfy {
    fn list(&self, parameters: &Parameters, groups: usize) -> Answer {
        let assets = parameters
            .get("with")
            .is_some_and(|with| with.split(',').any(|part| part == "assets"));
        if self.paging == Paging::Absent {
            let body = json!({ "data": data(0, groups, groups, assets) });
            return exchange::json(StatusCode::OK, &body);
        }
        let numbers = positive(parameters, "page", 1)
            .and_then(|page| Ok((page, positive(parameters, "per_page", DEFAULT_PER_PAGE)?)));
        let (page, per_page) = match numbers {
            Ok((page, per_page)) => (page, per_page.min(MAX_PER_PAGE)),
            Err(name) => return invalid(name),
        };
        let offset = (page - 1).saturating_mul(per_page);
        let data = data(offset, per_page, groups, assets);
        let total_pages = groups.div_ceil(per_page).max(1);
        let mut pagination = Map::new();
        pagination.insert("total".into(), groups.into());
        pagination.insert("count".into(), data.len().into());
        pagination.insert("per_page".into(), per_page.into());
        pagination.insert("current_page".into(), page.into());
        pagination.insert("total_pages".into(), total_pages.into());
        if let Some(links) = self.links(page, total_pages) {
            pagination.insert("links".into(), links);
        }
        let body = json!({ "data": data, "meta": { "pagination": pagination } });
        exchange::json(StatusCode::OK, &body)
    }

    /// The type changes: an object while there is a next page, an empty array on the last, null
    /// where there is only one, and nothing past the end.
    fn links(&self, page: usize, total_pages: usize) -> Option<Value> {
        if page < total_pages {
            let mut links = Map::new();
            if page > 1 {
                links.insert("previous".into(), self.page_url(page - 1).into());
            }
            links.insert("next".into(), self.page_url(page + 1).into());
            return Some(Value::Object(links));
        }
        (page == total_pages).then(|| match total_pages {
            1 => Value::Null,
            _ => json!([]),
        })
    }

    fn page_url(&self, page: usize) -> String {
        format!("{}?page={page}", self.list_url)
    }
}

/// Counts requests in windows of a minute.
#[derive(Debug)]
struct Quota {
    most: u32,
    window: Mutex<Option<(Instant, u32)>>,
}

impl Quota {
    fn new(most: u32) -> Self {
        Self {
            most,
            window: Mutex::default(),
        }
    }

    /// Takes one request. A quota that is used up says how long to wait.
    fn take(&self) -> Option<Duration> {
        let now = Instant::now();
        let mut window = lock(&self.window);
        let (start, taken) = window
            .filter(|(start, _)| now.duration_since(*start) < QUOTA_WINDOW)
            .unwrap_or((now, 0));
        if taken >= self.most {
            return Some(QUOTA_WINDOW.saturating_sub(now.duration_since(start)));
        }
        *window = Some((start, taken + 1));
        None
    }
}

fn too_many(wait: Duration) -> Answer {
    let mut answer = error(StatusCode::TOO_MANY_REQUESTS, "Too Many Attempts.");
    let seconds = wait.as_secs() + 1;
    answer
        .headers_mut()
        .insert(RETRY_AFTER, HeaderValue::from(seconds));
    answer
}

/// A parameter that counts from one; `Err` is the name of one that does not.
fn positive(
    parameters: &Parameters,
    name: &'static str,
    default: usize,
) -> Result<usize, &'static str> {
    parameters
        .number(name, default)
        .ok()
        .filter(|number| *number > 0)
        .ok_or(name)
}

fn invalid(name: &str) -> Answer {
    let field = name.replace('_', " ");
    let errors = json!({ name: [format!("The {field} must be an integer of at least 1.")] });
    let body = json!({ "error": true, "errors": errors });
    exchange::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

fn error(status: StatusCode, message: &str) -> Answer {
    let body = json!({ "error": true, "message": message, "code": status.as_u16() });
    exchange::json(status, &body)
}

fn data(offset: usize, limit: usize, groups: usize, assets: bool) -> Vec<Value> {
    indices(groups)
        .skip(offset)
        .take(limit)
        .map(|index| group(Record::new(NAME, index), assets))
        .collect()
}

fn group(record: Record, assets: bool) -> Value {
    let created = record.created();
    let updated = record.updated().unwrap_or(created);
    // The vendor's newer pages have another word for it.
    let updated_key = if record.one_in(4, "newer") {
        "last_updated"
    } else {
        "updated_at"
    };
    let deleted = record
        .one_in(16, "deleted")
        .then(|| updated.checked_add(Duration::from_hours(24)).ok())
        .flatten();
    let logo = (assets && record.one_in(3, "logo"))
        .then(|| format!("https://logos.example.com/{}.png", id(record)));
    let guests: Vec<String> = record
        .people("guests", 2)
        .iter()
        .map(|guest| format!("Client.{guest}@example.com"))
        .collect();
    let mut group = Map::new();
    group.insert("id".into(), id(record).into());
    group.insert("name".into(), record.name().into());
    group.insert("description".into(), record.description().into());
    group.insert("logo".into(), logo.into());
    group.insert("members".into(), record.people("members", 6).into());
    group.insert("guests".into(), guests.into());
    group.insert("created_at".into(), created.to_string().into());
    group.insert(updated_key.into(), updated.to_string().into());
    let deleted = deleted.map(|time| time.to_string());
    group.insert("deleted_at".into(), deleted.into());
    if record.one_in(6, "job title") {
        group.insert("job_title".into(), "Account manager".into());
    }
    Value::Object(group)
}

/// The vendor's ids are 32 hexadecimal digits.
fn id(record: Record) -> String {
    record.uuid().replace('-', "")
}
