//! `publisher`, the third upstream: offset and limit, JSON or XML as `Accept` asks.
//!
//! The vendor does not publish its error format; the one here is a `message` in either format.

use http::header::ACCEPT;
use http::{Method, StatusCode};
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::tools::demo::cached_order::{self, CachedOrder};
use crate::tools::demo::generated::GeneratedGroup;
use crate::tools::demo::list_api::{ListApi, PageStyle};
use crate::tools::demo::message::{
    Answer, QueryParameters, Request, RequestKind, answer, bearer, header, json, ok, reason,
    without_null,
};
use crate::tools::demo::options::Options;
use crate::tools::demo::vendor::Vendor;

mod query;
use query::PublisherQuery;

mod xml;

pub(super) const NAME: &str = "publisher";

pub(super) static LIST: ListApi = ListApi {
    method: Method::GET,
    path: "/context/api/2/groups",
    records: "/groups",
    id: "id",
    paging: Some(PageStyle::Offset("offset")),
    total: Some("/total"),
    link: None,
    speaks_xml: true,
};

/// What the base URL ends in.
const CONTEXT: &str = "/context";

const TOKEN: &str = "demo-publisher-token";

const DEFAULT_LIMIT: usize = 200;

/// The vendor's API.
#[derive(Debug)]
struct Publisher {
    list_url: String,
    largest_page: usize,
    clock: fn() -> Timestamp,
    sorted: CachedOrder<PublisherQuery>,
}

pub(super) fn open(origin: &str, options: &Options) -> Box<dyn Vendor> {
    Box::new(Publisher {
        list_url: format!("{origin}{}", LIST.path),
        largest_page: options.publisher_page.unwrap_or(usize::MAX).max(1),
        clock: options.clock,
        sorted: CachedOrder::default(),
    })
}

impl Vendor for Publisher {
    fn context(&self) -> &'static str {
        CONTEXT
    }

    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("PUBLISHER_TOKEN", TOKEN)]
    }

    fn curl(&self, base_url: &str) -> String {
        format!(
            "curl -s '{base_url}/api/2/groups?search=sales&sort=+created' -H 'Authorization: Bearer {TOKEN}'"
        )
    }

    fn list_api(&self) -> &'static ListApi {
        &LIST
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        if self.kind(request) == RequestKind::Other {
            return self.failure(request, StatusCode::NOT_FOUND);
        }
        if bearer(request) != Some(TOKEN) {
            return self.refusal(request);
        }
        match self.list(&QueryParameters::of(request), groups) {
            Ok(page) => self.write(request, &page),
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
        match ResponseFormat::of(request) {
            ResponseFormat::Json => ok(document),
            ResponseFormat::Xml => {
                let body = xml::document(document);
                answer(StatusCode::OK, xml::MEDIA_TYPE, body)
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
    fn list(&self, parameters: &QueryParameters, groups: usize) -> Result<Value, String> {
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
        let query = PublisherQuery::parse(parameters, groups, (self.clock)())?;
        let matching = self.sorted.get(query, PublisherQuery::order);
        let fields = FieldSelection::parse(parameters.get("fields"));
        let groups: Vec<_> = cached_order::page(&matching, offset, limit)
            .iter()
            .map(|&index| fields.of(self.group(GeneratedGroup::new(NAME, index))))
            .collect();
        Ok(json!({
            "total": matching.len(),
            // Counts from 0, although the paging is by offset.
            "currentpage": offset / limit,
            "groups": groups,
        }))
    }

    /// The full object. A key without a value is left out.
    fn group(&self, group: GeneratedGroup) -> Value {
        let id = id(group);
        let creator = group
            .one_in(3, "creator")
            .then(|| json!({ "id": group.number("creator") % 1000, "name": "Ada & Co" }));
        let object = json!({
            "id": id,
            "name": group.name(),
            "link": format!("{}/{id}", self.list_url),
            "description": group.description(),
            "users": group.people("users", 6),
            "created": group.created().to_string(),
            "updated": group.updated().map(|time| time.to_string()),
            "type": group.pick(&["internal", "external"], "kind"),
            "createdby": creator,
        });
        without_null(object, ["description", "updated", "createdby"])
    }
}

/// The vendor's ids are integers. Some are more than a double can tell apart.
fn id(group: GeneratedGroup) -> u64 {
    let index = u64::from(group.index());
    match index % 64 {
        5 => (1 << 53) + 1 + index,
        _ => index + 1,
    }
}

/// Which keys of a group are shown.
enum FieldSelection {
    Summary,
    All,
    These(Vec<String>),
}

impl FieldSelection {
    fn parse(text: Option<&str>) -> Self {
        match text {
            None | Some("") => Self::Summary,
            Some("all") => Self::All,
            Some(names) => Self::These(names.split(',').map(str::to_owned).collect()),
        }
    }

    fn of(&self, mut group: Value) -> Value {
        if let Some(members) = group.as_object_mut() {
            members.retain(|key, _| match self {
                Self::Summary => ["id", "name", "link"].contains(&key.as_str()),
                Self::All => true,
                Self::These(names) => names.contains(key),
            });
        }
        group
    }
}

#[derive(Clone, Copy)]
enum ResponseFormat {
    Json,
    Xml,
}

impl ResponseFormat {
    /// The one that `Accept` prefers; JSON where it names neither.
    fn of(request: &Request) -> Self {
        let accept = header(request, "accept").unwrap_or_default();
        let weight = |media_type: &str| {
            let mut ranges = accept.split(',');
            let range = ranges.find(|range| range.contains(media_type))?;
            let weight = range.split_once("q=").map_or("1", |(_, weight)| weight);
            weight.trim().parse::<f32>().ok()
        };
        if weight("application/xml") > weight("application/json") {
            Self::Xml
        } else {
            Self::Json
        }
    }
}

fn error(request: &Request, status: StatusCode, message: &str) -> Answer {
    let body = json!({ "message": message });
    match ResponseFormat::of(request) {
        ResponseFormat::Json => json(status, &body),
        ResponseFormat::Xml => {
            let mut text = String::new();
            xml::element(&mut text, "error", &body);
            answer(status, xml::MEDIA_TYPE, text)
        }
    }
}
