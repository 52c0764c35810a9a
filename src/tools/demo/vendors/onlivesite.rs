//! `onlivesite`, the fourth upstream: numbered pages, newest first, and a signature of its own.
//!
//! The vendor's page names the parts of the signature and not how they are put together. What is
//! signed here is method, path, query and date, each on a line of its own.

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde_json::{Value, json};

use super::signature::hmac_sha256;
use crate::hex::hex;
use crate::tools::demo::cached_order::{self, CachedOrder, indices};
use crate::tools::demo::generated::{GeneratedGroup, find};
use crate::tools::demo::list_api::{ListApi, PageStyle};
use crate::tools::demo::message::{
    self, Answer, QueryParameters, Request, RequestKind, header, ok, reason,
};
use crate::tools::demo::options::Options;
use crate::tools::demo::vendor::Vendor;

pub(super) const NAME: &str = "onlivesite";

pub(super) static LIST: ListApi = ListApi {
    method: Method::GET,
    path: "/api/v1/user-groups",
    records: "/items",
    id: "id",
    paging: Some(PageStyle::Page {
        parameter: "page",
        pages: "/pages",
    }),
    total: Some("/total"),
    link: None,
    speaks_xml: false,
};

const KEY_ID: &str = "demo-onlive-key";
const SECRET: &str = "demo-onlive-secret";
const ORGANIZATION: &str = "123e4567-e89b-12d3-a456-426614174000";

const DATE_HEADER: &str = "x-onlive-site-date";
const DATE_FORMAT: &str = "%Y%m%dT%H%M%SZ";

/// How far the date of a request may be from the server's.
const CLOCK_WINDOW: SignedDuration = SignedDuration::from_mins(15);

const DEFAULT_LIMIT: usize = 20;

/// The vendor's API.
#[derive(Debug)]
struct OnliveSite {
    clock: fn() -> Timestamp,
    newest_first: CachedOrder<OnliveQuery>,
}

pub(super) fn open(_origin: &str, options: &Options) -> Box<dyn Vendor> {
    Box::new(OnliveSite {
        clock: options.clock,
        newest_first: CachedOrder::default(),
    })
}

/// Which groups a list request selects, of how many.
#[derive(Debug, PartialEq)]
struct OnliveQuery {
    groups: usize,
    search: String,
    organization: String,
}

impl Vendor for OnliveSite {
    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("ONLIVE_KEY", KEY_ID), ("ONLIVE_SECRET", SECRET)]
    }

    fn curl(&self, base_url: &str) -> String {
        let path = LIST.path;
        format!(
            "date=$(date -u +{DATE_FORMAT}); sign=$(printf 'GET\\n{path}\\nlimit=2\\n%s' \"$date\" \
             | openssl dgst -sha256 -hmac {SECRET} | sed 's/.* //'); \
             curl -s '{base_url}{path}?limit=2' -H \"{DATE_HEADER}: $date\" \
             -H \"Authorization: ONLIVESITE Credential:{KEY_ID}, Signature=$sign\""
        )
    }

    fn list_api(&self) -> &'static ListApi {
        &LIST
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        let id = group_id(request);
        if self.kind(request) == RequestKind::Other && id.is_none() {
            return self.failure(request, StatusCode::NOT_FOUND);
        }
        if !self.is_signed(request) {
            return self.refusal(request);
        }
        match id {
            None => self.list(&QueryParameters::of(request), groups),
            Some(id) => single(id, groups),
        }
    }

    fn refusal(&self, _request: &Request) -> Answer {
        error(
            StatusCode::UNAUTHORIZED,
            "Invalid or missing authorization credentials",
        )
    }

    fn failure(&self, _request: &Request, status: StatusCode) -> Answer {
        error(status, reason(status))
    }
}

impl OnliveSite {
    fn is_signed(&self, request: &Request) -> bool {
        let date = header(request, DATE_HEADER).filter(|date| self.is_recent(date));
        let authorization = header(request, "authorization");
        match (date, authorization) {
            (Some(date), Some(authorization)) => authorization == signature(request, date),
            _ => false,
        }
    }

    fn is_recent(&self, date: &str) -> bool {
        civil::DateTime::strptime(DATE_FORMAT, date)
            .and_then(|date| TimeZone::UTC.to_timestamp(date))
            .is_ok_and(|date| (self.clock)().duration_since(date).abs() <= CLOCK_WINDOW)
    }

    fn list(&self, parameters: &QueryParameters, groups: usize) -> Answer {
        let numbers = parameters
            .positive("page", 1)
            .and_then(|page| Ok((page, parameters.positive("limit", DEFAULT_LIMIT)?)));
        let (page, limit) = match numbers {
            Ok(numbers) => numbers,
            Err(name) => {
                let message = format!("{name} must be a positive number");
                return error(StatusCode::BAD_REQUEST, &message);
            }
        };
        let matching = self
            .newest_first
            .get(OnliveQuery::new(parameters, groups), OnliveQuery::order);
        let offset = (page - 1).saturating_mul(limit);
        let items: Vec<Value> = cached_order::page(&matching, offset, limit)
            .iter()
            .map(|&index| group(GeneratedGroup::new(NAME, index)))
            .collect();
        ok(&json!({
            "items": items,
            "total": matching.len(),
            "page": page,
            "limit": limit,
            "pages": matching.len().div_ceil(limit),
        }))
    }
}

impl OnliveQuery {
    fn new(parameters: &QueryParameters, groups: usize) -> Self {
        let organization = parameters.get("organizationId").unwrap_or(ORGANIZATION);
        Self {
            groups,
            search: parameters.search(),
            organization: organization.to_owned(),
        }
    }

    fn order(&self) -> Vec<u32> {
        if self.organization != ORGANIZATION {
            return Vec::new();
        }
        let newest_first = indices(self.groups).rev();
        let matches = |index: &u32| GeneratedGroup::new(NAME, *index).matches(&self.search);
        newest_first.filter(matches).collect()
    }
}

/// The `Authorization` header that a request of this date needs.
fn signature(request: &Request, date: &str) -> String {
    let method = request.method();
    let path = request.uri().path();
    let query = request.uri().query().unwrap_or_default();
    let string_to_sign = format!("{method}\n{path}\n{query}\n{date}");
    let signature = hex(&hmac_sha256(SECRET.as_bytes(), string_to_sign.as_bytes()));
    format!("ONLIVESITE Credential:{KEY_ID}, Signature={signature}")
}

/// The id of the one group that is asked for.
fn group_id(request: &Request) -> Option<&str> {
    let path = request.uri().path();
    let id = path.strip_prefix(LIST.path)?.strip_prefix('/')?;
    (request.method() == Method::GET).then_some(id)
}

fn single(id: &str, groups: usize) -> Answer {
    match find(NAME, id, groups) {
        Some(record) => ok(&group(record)),
        None => error(StatusCode::NOT_FOUND, "User group not found"),
    }
}

fn error(status: StatusCode, message: &str) -> Answer {
    let body = json!({ "statusCode": status.as_u16(), "message": message });
    message::json(status, &body)
}

fn group(group: GeneratedGroup) -> Value {
    let index = group.index();
    let created = group.created();
    let external_id = (!group.one_in(3, "external")).then(|| format!("TEAM_{index:02}"));
    let location = (!group.one_in(4, "location"))
        .then(|| group.pick(&["New York", "Zürich", "東京", "São Paulo"], "location"));
    let features: &[&str] = match index % 3 {
        0 => &["product_management", "sales_reports"],
        1 => &["sales_reports"],
        _ => &[],
    };
    json!({
        "id": group.uuid(),
        "name": group.name(),
        "description": group.description(),
        "externalId": external_id,
        "organizationId": ORGANIZATION,
        "extraFields": {
            "department": group.pick(&["Sales", "Engineering", "Support"], "department"),
            "location": location,
            "allowedFeatures": features,
        },
        "createdAt": created.to_string(),
        "updatedAt": group.updated().unwrap_or(created).to_string(),
    })
}
