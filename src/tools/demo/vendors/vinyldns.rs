//! `vinyldns`, the second upstream: a cursor that is the last group's id, and AWS signatures.

use http::{Method, StatusCode};
use serde_json::{Value, json};

use super::signature::Authorization;
use crate::tools::demo::cached_order::{CachedOrder, indices};
use crate::tools::demo::generated::{GeneratedGroup, account_uuid, find};
use crate::tools::demo::list_api::{ListApi, PageStyle};
use crate::tools::demo::message::{
    Answer, QueryParameters, Request, RequestKind, header, ok, reason, text, without_null,
};
use crate::tools::demo::options::Options;
use crate::tools::demo::vendor::Vendor;

pub(super) const NAME: &str = "vinyldns";

pub(super) static LIST: ListApi = ListApi {
    method: Method::GET,
    path: "/groups",
    records: "/groups",
    id: "id",
    paging: Some(PageStyle::Cursor {
        parameter: "startFrom",
        next: "/nextId",
    }),
    total: None,
    link: None,
    speaks_xml: false,
};

const ACCESS_KEY: &str = "DEMOVINYLACCESSKEY";
const SECRET_KEY: &str = "demo-vinyl-secret-key";

/// The most items of a page, and how many it has when nobody says.
const MAX_ITEMS: usize = 100;

/// The vendor's API. It sorts by lower-cased name, and equal names by creation.
#[derive(Debug, Default)]
struct VinylDns {
    by_name: CachedOrder<usize>,
}

pub(super) fn open(_origin: &str, _options: &Options) -> Box<dyn Vendor> {
    Box::new(VinylDns::default())
}

/// The parameters of a list request.
struct VinylQuery {
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

    fn curl(&self, base_url: &str) -> String {
        format!(
            "curl -s --aws-sigv4 aws:amz:us-east-1:VinylDNS --user {ACCESS_KEY}:{SECRET_KEY} \
             '{base_url}/groups?maxItems=2'"
        )
    }

    fn list_api(&self) -> &'static ListApi {
        &LIST
    }

    fn answer(&self, request: &Request, groups: usize) -> Answer {
        if self.kind(request) == RequestKind::Other {
            return self.failure(request, StatusCode::NOT_FOUND);
        }
        // The vendor's server looks at the parameters before the signature.
        let query = match VinylQuery::parse(&QueryParameters::of(request)) {
            Ok(query) => query,
            Err(message) => return text(StatusCode::BAD_REQUEST, message),
        };
        match authenticate(request) {
            Ok(()) => self.list(&query, groups),
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
    fn list(&self, query: &VinylQuery, groups: usize) -> Answer {
        let order = self.by_name.get(groups, |&groups| by_name(groups));
        let Some(start) = query.start(&order, groups) else {
            return server_error();
        };
        let mut rest = order[start..]
            .iter()
            .map(|&index| GeneratedGroup::new(NAME, index))
            .filter(|record| query.wants(*record));
        let page: Vec<GeneratedGroup> = rest.by_ref().take(query.max_items).collect();
        let next = page.last().filter(|_| rest.next().is_some());
        ok(&query.envelope(&page, next.copied()))
    }
}

impl VinylQuery {
    fn parse(parameters: &QueryParameters) -> Result<Self, String> {
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
            ignore_access: flag(parameters, "ignoreAccess")?,
            abridged: flag(parameters, "abridged")?,
        })
    }

    /// Where the page begins; `None` if that is after an unknown group.
    fn start(&self, order: &[u32], groups: usize) -> Option<usize> {
        let Some(id) = &self.start_from else {
            return Some(0);
        };
        find(NAME, id, groups).map(|last| place_after(order, last))
    }

    fn wants(&self, record: GeneratedGroup) -> bool {
        self.filter
            .as_ref()
            .is_none_or(|filter| sort_name(record).contains(&filter.to_lowercase()))
    }

    /// The demo's account is a support administrator: it sees every group, whatever
    /// `ignoreAccess` says.
    fn envelope(&self, page: &[GeneratedGroup], next: Option<GeneratedGroup>) -> Value {
        let groups = page.iter().map(|record| group(*record, self.abridged));
        let envelope = json!({
            "groups": groups.collect::<Value>(),
            "groupNameFilter": self.filter,
            "startFrom": self.start_from,
            "nextId": next.map(GeneratedGroup::uuid),
            "maxItems": self.max_items,
            "ignoreAccess": self.ignore_access,
        });
        without_null(envelope, ["groupNameFilter", "startFrom", "nextId"])
    }
}

fn flag(parameters: &QueryParameters, name: &str) -> Result<bool, String> {
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

fn sort_name(record: GeneratedGroup) -> String {
    record.name().to_lowercase()
}

fn by_name(groups: usize) -> Vec<u32> {
    let mut order: Vec<u32> = indices(groups).collect();
    order.sort_by_cached_key(|&index| sort_name(GeneratedGroup::new(NAME, index)));
    order
}

/// The position of the group after `last`.
fn place_after(order: &[u32], last: GeneratedGroup) -> usize {
    let last = (sort_name(last), last.index());
    order.partition_point(|&index| (sort_name(GeneratedGroup::new(NAME, index)), index) <= last)
}

fn group(group: GeneratedGroup, abridged: bool) -> Value {
    let object = json!({
        "id": group.uuid(),
        "name": group.name(),
        "email": group.email(),
        "description": group.description(),
        "created": (!abridged).then(|| group.created().to_string()),
        "status": (!abridged).then_some("Active"),
        "members": accounts(&group.people("members", 6)),
        "admins": accounts(&group.people("admins", 2)),
    });
    without_null(object, ["description"])
}

fn accounts(people: &[u64]) -> Value {
    people
        .iter()
        .map(|&account| json!({ "id": account_uuid(account) }))
        .collect()
}
