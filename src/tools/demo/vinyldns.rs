//! `vinyldns`, the second upstream: a cursor that is the last group's id, and AWS signatures.

use http::{Method, StatusCode};
use serde_json::{Map, Value, json};

use super::Options;
use super::envelope::{Continuation, Envelope};
use super::exchange::{self, Answer, Kind, Parameters, Request, Vendor, header, reason, text};
use super::order::{Order, indices};
use super::records::{Record, account_uuid, find};
use super::signature::Authorization;

pub(super) const NAME: &str = "vinyldns";

/// Where a list holds what faults change.
pub(super) const ENVELOPE: Envelope = Envelope {
    records: "/groups",
    id: "id",
    next: Some(Continuation::Cursor("/nextId")),
    total: None,
    link: None,
    speaks_xml: false,
};

const LIST_PATH: &str = "/groups";

const ACCESS_KEY: &str = "DEMOVINYLACCESSKEY";
const SECRET_KEY: &str = "demo-vinyl-secret-key";

/// The most items of a page, and how many it has when nobody says.
const MAX_ITEMS: usize = 100;

/// The vendor's API. Its order is by lower-cased name; equal names are in the order of their making.
#[derive(Debug, Default)]
struct VinylDns {
    by_name: Order<usize>,
}

pub(super) fn open(_origin: &str, _options: &Options) -> Box<dyn Vendor> {
    Box::new(VinylDns::default())
}

/// What a list request asks for.
struct Ask {
    filter: Option<String>,
    start_from: Option<String>,
    max_items: usize,
    ignore_access: bool,
    abridged: bool,
}

impl Vendor for VinylDns {
    fn credentials(&self) -> &'static [(&'static str, &'static str)] {
        &[("VINYL_KEY", ACCESS_KEY), ("VINYL_SECRET", SECRET_KEY)]
    }

    fn kind(&self, request: &Request) -> Kind {
        if request.method() != Method::GET || request.uri().path() != LIST_PATH {
            return Kind::Other;
        }
        match Parameters::of(request).get("startFrom") {
            None => Kind::FirstPage,
            Some(_) => Kind::LaterPage,
        }
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        if self.kind(request) == Kind::Other {
            return self.failure(request, StatusCode::NOT_FOUND);
        }
        // The vendor's server looks at the parameters before the signature.
        let ask = match Ask::parse(&Parameters::of(request)) {
            Ok(ask) => ask,
            Err(message) => return text(StatusCode::BAD_REQUEST, message),
        };
        match authenticate(request) {
            Ok(()) => self.list(&ask, groups),
            Err(reason) => refused(&reason),
        }
    }

    fn refusal(&self, _request: &Request) -> Answer {
        refused("Request signature could not be validated")
    }

    fn failure(&self, _request: &Request, status: StatusCode) -> Answer {
        match status {
            StatusCode::NOT_FOUND => text(status, "The requested resource could not be found."),
            StatusCode::INTERNAL_SERVER_ERROR => server_error(),
            _ => text(status, reason(status)),
        }
    }
}

impl VinylDns {
    fn list(&self, ask: &Ask, groups: usize) -> Answer {
        let order = self.by_name.get(groups, |&groups| by_name(groups));
        let Some(start) = ask.start(&order, groups) else {
            return server_error();
        };
        let mut rest = order[start..]
            .iter()
            .map(|&index| Record::new(NAME, index))
            .filter(|record| ask.wants(*record));
        let page: Vec<Record> = rest.by_ref().take(ask.max_items).collect();
        let next = page.last().filter(|_| rest.next().is_some());
        exchange::json(StatusCode::OK, &ask.envelope(&page, next.copied()))
    }
}

impl Ask {
    fn parse(parameters: &Parameters) -> Result<Self, String> {
        let max_items = parameters.number("maxItems", MAX_ITEMS).map_err(|text| {
            format!(
                "The query parameter 'maxItems' was malformed:\n\
                 '{text}' is not a valid 32-bit signed integer value"
            )
        })?;
        if !(1..=MAX_ITEMS).contains(&max_items) {
            return Err(format!(
                "maxItems was {max_items}, maxItems must be between 0 exclusive and {MAX_ITEMS} inclusive"
            ));
        }
        Ok(Self {
            filter: parameters.get("groupNameFilter").map(str::to_owned),
            start_from: parameters.get("startFrom").map(str::to_owned),
            max_items,
            ignore_access: truth(parameters, "ignoreAccess")?,
            abridged: truth(parameters, "abridged")?,
        })
    }

    /// Where the page begins; `None` is after a group that is not there.
    fn start(&self, order: &[u32], groups: usize) -> Option<usize> {
        let Some(id) = &self.start_from else {
            return Some(0);
        };
        find(NAME, id, groups).map(|last| place_after(order, last))
    }

    fn wants(&self, record: Record) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| sort_name(record).contains(&filter.to_lowercase()))
    }

    /// The demo's account is a support administrator: it sees every group, whatever
    /// `ignoreAccess` says.
    fn envelope(&self, page: &[Record], next: Option<Record>) -> Value {
        let mut envelope = Map::new();
        let groups = page.iter().map(|record| group(*record, self.abridged));
        envelope.insert("groups".into(), groups.collect());
        if let Some(filter) = &self.filter {
            envelope.insert("groupNameFilter".into(), filter.as_str().into());
        }
        if let Some(start_from) = &self.start_from {
            envelope.insert("startFrom".into(), start_from.as_str().into());
        }
        if let Some(next) = next {
            envelope.insert("nextId".into(), next.uuid().into());
        }
        envelope.insert("maxItems".into(), self.max_items.into());
        envelope.insert("ignoreAccess".into(), self.ignore_access.into());
        Value::Object(envelope)
    }
}

fn truth(parameters: &Parameters, name: &str) -> Result<bool, String> {
    match parameters.get(name) {
        None | Some("false") => Ok(false),
        Some("true") => Ok(true),
        Some(text) => Err(format!(
            "The query parameter '{name}' was malformed:\n\
             '{text}' is not a valid Boolean value"
        )),
    }
}

fn authenticate(request: &Request) -> Result<(), String> {
    let text = header(request, "authorization").ok_or("Authorization header not found")?;
    let authorization =
        Authorization::parse(text).ok_or("Authorization header could not be parsed")?;
    if authorization.key_id != ACCESS_KEY {
        let key = authorization.key_id;
        return Err(format!(
            "Account with accessKey {key} specified was not found"
        ));
    }
    if !authorization.verifies(request, SECRET_KEY) {
        return Err("Request signature could not be validated".to_owned());
    }
    Ok(())
}

fn refused(reason: &str) -> Answer {
    let message = format!("Authentication Failed: {reason}");
    text(StatusCode::UNAUTHORIZED, message)
}

fn server_error() -> Answer {
    text(
        StatusCode::INTERNAL_SERVER_ERROR,
        "There was an internal server error.",
    )
}

fn sort_name(record: Record) -> String {
    record.name().to_lowercase()
}

fn by_name(groups: usize) -> Vec<u32> {
    let mut order: Vec<u32> = indices(groups).collect();
    order.sort_by_cached_key(|&index| sort_name(Record::new(NAME, index)));
    order
}

/// Where in the order the group after `last` stands.
fn place_after(order: &[u32], last: Record) -> usize {
    let last = (sort_name(last), last.index());
    order.partition_point(|&index| (sort_name(Record::new(NAME, index)), index) <= last)
}

fn group(record: Record, abridged: bool) -> Value {
    let mut group = Map::new();
    group.insert("id".into(), record.uuid().into());
    group.insert("name".into(), record.name().into());
    group.insert("email".into(), record.email().into());
    if let Some(description) = record.description() {
        group.insert("description".into(), description.into());
    }
    let created = (!abridged).then(|| record.created().to_string());
    group.insert("created".into(), created.into());
    group.insert("status".into(), (!abridged).then_some("Active").into());
    group.insert("members".into(), accounts(&record.people("members", 6)));
    group.insert("admins".into(), accounts(&record.people("admins", 2)));
    Value::Object(group)
}

fn accounts(people: &[u64]) -> Value {
    people
        .iter()
        .map(|&account| json!({ "id": account_uuid(account) }))
        .collect()
}
