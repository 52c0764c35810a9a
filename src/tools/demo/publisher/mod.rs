//! `publisher`, the third upstream: offset and limit, JSON or XML as `Accept` asks.
//!
//! The vendor does not publish its error format; the one here is a `message` in either format.

use http::header::ACCEPT;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::Options;
use super::envelope::{Continuation, Envelope};
use super::exchange::{self, Answer, Kind, Parameters, Request, Vendor, bearer, header, reason};
use super::order::{self, Order};
use super::records::Record;

mod ask;
use ask::Ask;

mod xml;

pub(super) const NAME: &str = "publisher";

/// Where a list holds what faults change.
pub(super) const ENVELOPE: Envelope = Envelope {
    records: "/groups",
    id: "id",
    next: Some(Continuation::Offset("offset")),
    total: Some("/total"),
    link: None,
    speaks_xml: true,
};

/// What the base URL ends in.
const CONTEXT: &str = "/context";
const LIST_PATH: &str = "/context/api/2/groups";

const TOKEN: &str = "demo-publisher-token";

const DEFAULT_LIMIT: usize = 200;

/// The vendor's API.
#[derive(Debug)]
struct Publisher {
    list_url: String,
    largest_page: usize,
    clock: fn() -> Timestamp,
    sorted: Order<Ask>,
}

pub(super) fn open(origin: &str, options: &Options) -> Box<dyn Vendor> {
    Box::new(Publisher {
        list_url: format!("{origin}{LIST_PATH}"),
        largest_page: options.publisher_page.unwrap_or(usize::MAX).max(1),
        clock: options.clock,
        sorted: Order::default(),
    })
}

impl Vendor for Publisher {
    fn context(&self) -> &'static str {
        CONTEXT
    }

    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("PUBLISHER_TOKEN", TOKEN)]
    }

    fn kind(&self, request: &Request) -> Kind {
        if request.method() != Method::GET || request.uri().path() != LIST_PATH {
            return Kind::Other;
        }
        match Parameters::of(request).get("offset") {
            None | Some("0") => Kind::FirstPage,
            Some(_) => Kind::LaterPage,
        }
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        if self.kind(request) == Kind::Other {
            return self.failure(request, StatusCode::NOT_FOUND);
        }
        if bearer(request) != Some(TOKEN) {
            return self.refusal(request);
        }
        match self.list(&Parameters::of(request), groups) {
            Ok(page) => self.write(request, &page.document()),
            Err(message) => error(request, StatusCode::BAD_REQUEST, &message),
        }
    }

    fn document(&self, request: &Request, groups: usize) -> Result<Value, Box<Answer>> {
        let mut in_json = request.clone();
        in_json.headers_mut().remove(ACCEPT);
        let answer = self.answer(&in_json, groups);
        if !answer.status().is_success() {
            return Err(self.answer(request, groups).into());
        }
        serde_json::from_slice(answer.body()).map_err(|_| answer.into())
    }

    fn write(&self, request: &Request, document: &Value) -> Answer {
        match Format::of(request) {
            Format::Json => exchange::json(StatusCode::OK, document),
            Format::Xml => {
                let body = xml::document(document);
                exchange::answer(StatusCode::OK, xml::MEDIA_TYPE, body)
            }
        }
    }

    fn refusal(&self, request: &Request) -> Answer {
        self.failure(request, StatusCode::UNAUTHORIZED)
    }

    fn failure(&self, request: &Request, status: StatusCode) -> Answer {
        error(request, status, reason(status))
    }
}

impl Publisher {
    fn list(&self, parameters: &Parameters, groups: usize) -> Result<Page, String> {
        let number = |name, default| {
            parameters
                .number(name, default)
                .map_err(|text| format!("`{text}` is no {name}"))
        };
        let offset = number("offset", 0)?;
        let limit = number("limit", DEFAULT_LIMIT)?;
        if limit == 0 {
            return Err("`0` is no limit".to_owned());
        }
        let limit = limit.min(self.largest_page);
        let ask = Ask::parse(parameters, groups, (self.clock)())?;
        let matching = self.sorted.get(ask, Ask::order);
        let fields = Fields::parse(parameters.get("fields"));
        Ok(Page {
            total: matching.len(),
            current: offset / limit,
            groups: order::page(&matching, offset, limit)
                .iter()
                .map(|&index| fields.of(self.group(Record::new(NAME, index))))
                .collect(),
        })
    }

    /// The full object. A key without a value is left out.
    fn group(&self, record: Record) -> Map<String, Value> {
        let id = id(record);
        let mut group = Map::new();
        group.insert("id".into(), id.into());
        group.insert("name".into(), record.name().into());
        group.insert("link".into(), format!("{}/{id}", self.list_url).into());
        if let Some(description) = record.description() {
            group.insert("description".into(), description.into());
        }
        group.insert("users".into(), record.people("users", 6).into());
        group.insert("created".into(), record.created().to_string().into());
        if let Some(updated) = record.updated() {
            group.insert("updated".into(), updated.to_string().into());
        }
        let kind = record.pick(&["internal", "external"], "kind");
        group.insert("type".into(), kind.into());
        if record.one_in(3, "creator") {
            let creator = json!({ "id": record.number("creator") % 1000, "name": "Ada & Co" });
            group.insert("createdby".into(), creator);
        }
        group
    }
}

/// The vendor's ids are integers. Some are more than a double can tell apart.
fn id(record: Record) -> u64 {
    let index = u64::from(record.index());
    match index % 64 {
        5 => (1 << 53) + 1 + index,
        _ => index + 1,
    }
}

/// Which keys of a group are shown.
enum Fields {
    Summary,
    All,
    These(Vec<String>),
}

impl Fields {
    fn parse(text: Option<&str>) -> Self {
        match text {
            None | Some("") => Self::Summary,
            Some("all") => Self::All,
            Some(names) => Self::These(names.split(',').map(str::to_owned).collect()),
        }
    }

    fn of(&self, mut group: Map<String, Value>) -> Value {
        group.retain(|key, _| match self {
            Self::Summary => ["id", "name", "link"].contains(&key.as_str()),
            Self::All => true,
            Self::These(names) => names.contains(key),
        });
        Value::Object(group)
    }
}

#[derive(Clone, Copy)]
enum Format {
    Json,
    Xml,
}

impl Format {
    fn of(request: &Request) -> Self {
        match header(request, "accept") {
            Some(accept) if accept.contains("application/xml") => Self::Xml,
            _ => Self::Json,
        }
    }
}

/// One page before it is written in a format.
struct Page {
    total: usize,
    /// Counts from 0, while the paging is by offset.
    current: usize,
    groups: Vec<Value>,
}

impl Page {
    fn document(self) -> Value {
        json!({ "total": self.total, "currentpage": self.current, "groups": self.groups })
    }
}

fn error(request: &Request, status: StatusCode, message: &str) -> Answer {
    let body = json!({ "message": message });
    match Format::of(request) {
        Format::Json => exchange::json(status, &body),
        Format::Xml => {
            let mut text = String::new();
            xml::element(&mut text, "error", &body);
            exchange::answer(status, xml::MEDIA_TYPE, text)
        }
    }
}
