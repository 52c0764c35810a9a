//! `onlivesite`, the fourth upstream: numbered pages, newest first, and a signature of its own.
//!
//! The vendor's page names the parts of the signature and not how they are put together. What is
//! signed here is method, path, query and date, each on a line of its own.

use http::{Method, StatusCode};
use jiff::{SignedDuration, Timestamp, civil, tz::TimeZone};
use serde_json::{Value, json};

use super::Options;
use super::envelope::{Continuation, Envelope};
use super::exchange::{self, Answer, Kind, Parameters, Request, Vendor, header, reason};
use super::order::{self, Order, indices};
use super::records::{Record, find};
use super::signature::hmac_sha256;
use crate::hex::hex;

pub(super) const NAME: &str = "onlivesite";

/// Where a list holds what faults change.
pub(super) const ENVELOPE: Envelope = Envelope {
    records: "/items",
    id: "id",
    next: Some(Continuation::Page {
        parameter: "page",
        pages: "/pages",
    }),
    total: Some("/total"),
    link: None,
    speaks_xml: false,
};

const LIST_PATH: &str = "/api/v1/user-groups";

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
    newest_first: Order<Ask>,
}

pub(super) fn open(_origin: &str, options: &Options) -> Box<dyn Vendor> {
    Box::new(OnliveSite {
        clock: options.clock,
        newest_first: Order::default(),
    })
}

/// Which groups a list request asks for, of how many.
#[derive(Debug, PartialEq)]
struct Ask {
    groups: usize,
    search: String,
    organization: String,
}

impl Vendor for OnliveSite {
    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("ONLIVE_KEY", KEY_ID), ("ONLIVE_SECRET", SECRET)]
    }

    fn kind(&self, request: &Request) -> Kind {
        if request.method() != Method::GET || request.uri().path() != LIST_PATH {
            return Kind::Other;
        }
        match Parameters::of(request).get("page") {
            None | Some("1") => Kind::FirstPage,
            Some(_) => Kind::LaterPage,
        }
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        let id = group_id(request);
        if self.kind(request) == Kind::Other && id.is_none() {
            return self.failure(request, StatusCode::NOT_FOUND);
        }
        if !self.is_signed(request) {
            return self.refusal(request);
        }
        match id {
            None => self.list(&Parameters::of(request), groups),
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

    fn list(&self, parameters: &Parameters, groups: usize) -> Answer {
        let numbers = positive(parameters, "page", 1)
            .and_then(|page| Ok((page, positive(parameters, "limit", DEFAULT_LIMIT)?)));
        let (page, limit) = match numbers {
            Ok(numbers) => numbers,
            Err(message) => return error(StatusCode::BAD_REQUEST, &message),
        };
        let matching = self
            .newest_first
            .get(Ask::new(parameters, groups), Ask::order);
        let offset = (page - 1).saturating_mul(limit);
        let items: Vec<Value> = order::page(&matching, offset, limit)
            .iter()
            .map(|&index| group(Record::new(NAME, index)))
            .collect();
        exchange::json(
            StatusCode::OK,
            &json!({
                "items": items,
                "total": matching.len(),
                "page": page,
                "limit": limit,
                "pages": matching.len().div_ceil(limit),
            }),
        )
    }
}

impl Ask {
    fn new(parameters: &Parameters, groups: usize) -> Self {
        let organization = parameters.get("organizationId").unwrap_or(ORGANIZATION);
        Self {
            groups,
            search: parameters.get("search").unwrap_or_default().to_lowercase(),
            organization: organization.to_owned(),
        }
    }

    fn order(&self) -> Vec<u32> {
        if self.organization != ORGANIZATION {
            return Vec::new();
        }
        let newest_first = indices(self.groups).rev();
        newest_first.filter(|&index| self.finds(index)).collect()
    }

    fn finds(&self, index: u32) -> bool {
        if self.search.is_empty() {
            return true;
        }
        let record = Record::new(NAME, index);
        let description = record.description().unwrap_or_default();
        [record.name(), description]
            .iter()
            .any(|text| text.to_lowercase().contains(&self.search))
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

fn positive(parameters: &Parameters, name: &str, default: usize) -> Result<usize, String> {
    parameters
        .number(name, default)
        .ok()
        .filter(|number| *number > 0)
        .ok_or_else(|| format!("{name} must be a positive number"))
}

/// The id of the one group that is asked for.
fn group_id(request: &Request) -> Option<&str> {
    let path = request.uri().path();
    let id = path.strip_prefix(LIST_PATH)?.strip_prefix('/')?;
    (request.method() == Method::GET).then_some(id)
}

fn single(id: &str, groups: usize) -> Answer {
    match find(NAME, id, groups) {
        Some(record) => exchange::json(StatusCode::OK, &group(record)),
        None => error(StatusCode::NOT_FOUND, "User group not found"),
    }
}

fn error(status: StatusCode, message: &str) -> Answer {
    let body = json!({ "statusCode": status.as_u16(), "message": message });
    exchange::json(status, &body)
}

fn group(record: Record) -> Value {
    let index = record.index();
    let created = record.created();
    let external_id = (!record.one_in(3, "external")).then(|| format!("TEAM_{index:02}"));
    let location = (!record.one_in(4, "location"))
        .then(|| record.pick(&["New York", "Zürich", "東京", "São Paulo"], "location"));
    let features: &[&str] = match index % 3 {
        0 => &["product_management", "sales_reports"],
        1 => &["sales_reports"],
        _ => &[],
    };
    json!({
        "id": record.uuid(),
        "name": record.name(),
        "description": record.description(),
        "externalId": external_id,
        "organizationId": ORGANIZATION,
        "extraFields": {
            "department": record.pick(&["Sales", "Engineering", "Support"], "department"),
            "location": location,
            "allowedFeatures": features,
        },
        "createdAt": created.to_string(),
        "updatedAt": record.updated().unwrap_or(created).to_string(),
    })
}
