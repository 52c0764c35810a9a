//! `tallyfy`, the fifth upstream: an organization in the path, and pages only where the answer
//! says so.

use std::sync::Mutex;
use std::time::Duration;

use http::header::RETRY_AFTER;
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::tools::demo::cached_order::indices;
use crate::tools::demo::generated::GeneratedGroup;
use crate::tools::demo::list_api::{ListApi, PageStyle};
use crate::tools::demo::message::{
    self, Answer, QueryParameters, Request, RequestKind, bearer, header, ok, reason, without_null,
};
use crate::tools::demo::options::{Options, TallyfyPaging};
use crate::tools::demo::vendor::Vendor;
use crate::tools::lock::lock;

pub(super) const NAME: &str = "tallyfy";

pub(super) static LIST: ListApi = ListApi {
    method: Method::GET,
    path: "/organizations/demo-organization/groups",
    records: "/data",
    id: "id",
    paging: Some(PageStyle::Page {
        parameter: "page",
        pages: "/meta/pagination/total_pages",
    }),
    total: Some("/meta/pagination/total"),
    link: Some("/meta/pagination/links/next"),
    speaks_xml: false,
};

/// As in the path of [`LIST`].
const ORGANIZATION: &str = "demo-organization";
const TOKEN: &str = "demo-tallyfy-token";

const DEFAULT_PER_PAGE: usize = 10;
const MAX_PER_PAGE: usize = 100;

/// The window of the quota.
const QUOTA_WINDOW: Duration = Duration::from_mins(1);

/// The vendor's API.
#[derive(Debug)]
struct Tallyfy {
    list_url: String,
    paging: TallyfyPaging,
    quota: Option<Quota>,
}

pub(super) fn open(origin: &str, options: &Options) -> Box<dyn Vendor> {
    Box::new(Tallyfy {
        list_url: format!("{origin}{}", LIST.path),
        paging: options.tallyfy_paging,
        quota: options.tallyfy_quota.map(Quota::new),
    })
}

impl Vendor for Tallyfy {
    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("TALLYFY_TOKEN", TOKEN), ("TALLYFY_ORG", ORGANIZATION)]
    }

    fn curl(&self, base_url: &str) -> String {
        format!(
            "curl -s '{base_url}{}?per_page=2' -H 'Authorization: Bearer {TOKEN}' \
             -H 'X-Tallyfy-Client: APIClient'",
            LIST.path
        )
    }

    fn list_api(&self) -> &'static ListApi {
        &LIST
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        if self.kind(request) == RequestKind::Other {
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
        self.list(&QueryParameters::of(request), groups)
    }

    fn refusal(&self, _request: &Request) -> Answer {
        let body = json!({ "error": "invalid_client" });
        message::json(StatusCode::UNAUTHORIZED, &body)
    }

    fn failure(&self, _request: &Request, status: StatusCode) -> Answer {
        error(status, reason(status))
    }
}

impl Tallyfy {
    fn list(&self, parameters: &QueryParameters, groups: usize) -> Answer {
        let assets = parameters
            .get("with")
            .is_some_and(|with| with.split(',').any(|part| part == "assets"));
        if self.paging == TallyfyPaging::Absent {
            let body = json!({ "data": data(0, groups, groups, assets) });
            return ok(&body);
        }
        let numbers = parameters
            .positive("page", 1)
            .and_then(|page| Ok((page, parameters.positive("per_page", DEFAULT_PER_PAGE)?)));
        let (page, per_page) = match numbers {
            Ok((page, per_page)) => (page, per_page.min(MAX_PER_PAGE)),
            Err(name) => return invalid(name),
        };
        let offset = (page - 1).saturating_mul(per_page);
        let data = data(offset, per_page, groups, assets);
        let total_pages = groups.div_ceil(per_page).max(1);
        let mut pagination = json!({
            "total": groups,
            "count": data.len(),
            "per_page": per_page,
            "current_page": page,
            "total_pages": total_pages,
        });
        if let Some(links) = self.links(page, total_pages) {
            pagination["links"] = links;
        }
        let body = json!({ "data": data, "meta": { "pagination": pagination } });
        ok(&body)
    }

    /// The type changes: an object while there is a next page, an empty array on the last, null
    /// where there is only one, and nothing past the end.
    fn links(&self, page: usize, total_pages: usize) -> Option<Value> {
        if page < total_pages {
            let previous = (page > 1).then(|| self.page_url(page - 1));
            let links = json!({ "previous": previous, "next": self.page_url(page + 1) });
            return Some(without_null(links, ["previous"]));
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

    /// Counts one request; `Some` is how long to wait if the quota is used up.
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

fn invalid(name: &str) -> Answer {
    let field = name.replace('_', " ");
    let errors = json!({ name: [format!("The {field} must be an integer of at least 1.")] });
    let body = json!({ "error": true, "errors": errors });
    message::json(StatusCode::UNPROCESSABLE_ENTITY, &body)
}

fn error(status: StatusCode, message: &str) -> Answer {
    let body = json!({ "error": true, "message": message, "code": status.as_u16() });
    message::json(status, &body)
}

fn data(offset: usize, limit: usize, groups: usize, assets: bool) -> Vec<Value> {
    indices(groups)
        .skip(offset)
        .take(limit)
        .map(|index| group(GeneratedGroup::new(NAME, index), assets))
        .collect()
}

fn group(group: GeneratedGroup, assets: bool) -> Value {
    let created = group.created();
    let updated = group.updated().unwrap_or(created);
    // The vendor's newer pages call it something else.
    let updated_key = if group.one_in(4, "newer") {
        "last_updated"
    } else {
        "updated_at"
    };
    let is_deleted = group.one_in(16, "deleted");
    let deleted = is_deleted.then(|| updated.checked_add(Duration::from_hours(24)).ok());
    let has_logo = assets && group.one_in(3, "logo");
    let guests = group.people("guests", 2);
    let guest = |guest: &u64| format!("Client.{guest}@example.com");
    let has_title = group.one_in(6, "job title");
    let object = json!({
        "id": id(group),
        "name": group.name(),
        "description": group.description(),
        "logo": has_logo.then(|| format!("https://logos.example.com/{}.png", id(group))),
        "members": group.people("members", 6),
        "guests": guests.iter().map(guest).collect::<Vec<_>>(),
        "created_at": created.to_string(),
        updated_key: updated.to_string(),
        "deleted_at": deleted.flatten().map(|time| time.to_string()),
        "job_title": has_title.then_some("Account manager"),
    });
    without_null(object, ["job_title"])
}

/// The vendor's ids are 32 hexadecimal digits.
fn id(group: GeneratedGroup) -> String {
    group.uuid().replace('-', "")
}
