//! Turns what a walk saw into what may be told of it: masked, and no longer than one can read.

use std::collections::BTreeMap;
use std::fmt;

use http::{HeaderMap, StatusCode};
use serde_json::{Map, Value};

use crate::config::upstream::{Format, Success, Upstream};
use crate::error::ErrorKind;
use crate::tools::case::without_empty;
use crate::upstream::extensions::Purpose;
use crate::upstream::pager::{Next, Position};
use crate::upstream::{Adapter, FetchedPage};

use super::story::{Answered, Asked, Detail, Onward, Pair, Skipped, Step, Unmapped};
use super::tape::{Heard, Try};
use super::veil::{MASK, Veil};

/// How many groups are shown beside their records.
const SHOWN_GROUPS: usize = 2;

/// How much of an answer is shown where it is in the way.
const SHOWN_BODY: usize = 800;

/// A page as it is told.
pub(super) fn step(page: u64, turn: &FetchedPage, tries: &[Try], veil: &Veil) -> Step {
    let skipped = turn.outcomes().iter().enumerate();
    let skipped = skipped.filter_map(|(index, outcome)| {
        let reason = outcome.as_ref().err()?.to_string();
        Some(Skipped {
            record: index + 1,
            reason,
        })
    });
    let mapped = turn.outcomes().iter().flatten();
    let announcement = turn.announcement();
    Step {
        page,
        position: place(&turn.position, veil),
        requests: tries.iter().map(|one| asked(one, veil)).collect(),
        bytes: turn.bytes(),
        records: turn.records(),
        groups: mapped.clone().count() as u64,
        skipped: skipped.collect(),
        unparsed_timestamps: mapped.map(|mapped| mapped.unparsed_timestamps).sum(),
        announced_records: announcement.records,
        announced_pages: announcement.pages,
        next: None,
    }
}

/// A page as it is told of more closely.
pub(super) fn detail(page: u64, turn: &FetchedPage, adapter: &Adapter, veil: &Veil) -> Detail {
    let records = adapter.records(&turn.page);
    let pairs = turn.outcomes().iter().zip(records);
    let pairs = pairs.filter_map(|(outcome, record)| {
        let group = without_empty(&outcome.as_ref().ok()?.group);
        Some(Pair {
            record: masked(record?, veil),
            group: masked(&Value::Object(group), veil),
        })
    });
    Detail {
        page,
        groups: pairs.take(SHOWN_GROUPS).collect(),
        unmapped: unmapped(turn, veil),
    }
}

/// Which attributes the records carry that no field takes.
fn unmapped(turn: &FetchedPage, veil: &Veil) -> Vec<Unmapped> {
    let mut found: Vec<Unmapped> = Vec::new();
    let mut places: BTreeMap<&str, usize> = BTreeMap::new();
    for mapped in turn.outcomes().iter().flatten() {
        for (key, value) in &mapped.group.attributes {
            let place = *places.entry(key).or_insert_with(|| {
                found.push(Unmapped {
                    key: key.clone(),
                    records: 0,
                    example: masked(value, veil),
                });
                found.len() - 1
            });
            found[place].records += 1;
        }
    }
    found
}

fn masked(value: &Value, veil: &Veil) -> Value {
    match value {
        Value::String(text) => Value::String(veil.mask(text).into_owned()),
        Value::Array(items) => items.iter().map(|item| masked(item, veil)).collect(),
        Value::Object(members) => {
            let members = members.iter();
            let members = members
                .map(|(key, value)| (veil.mask(key).into_owned(), masked(value, veil)))
                .collect::<Map<_, _>>();
            Value::Object(members)
        }
        Value::Number(number) => {
            let text = number.to_string();
            match veil.mask(&text) {
                shown if shown == text => value.clone(),
                shown => Value::String(shown.into_owned()),
            }
        }
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// What the pager decided, as it is told.
pub(super) fn onward(next: &Next, reason: fmt::Arguments<'_>, veil: &Veil) -> Onward {
    let (pages, at) = match next {
        Next::End => (0, None),
        Next::One(position) => (1, Some(position)),
        Next::Rest(positions) => (positions.len(), positions.first()),
    };
    Onward {
        pages,
        at: at.map(|at| place(at, veil)),
        why: veil.mask(&reason.to_string()).into_owned(),
    }
}

/// A position as people call it.
pub(super) fn place(position: &Position, veil: &Veil) -> String {
    let place = match position {
        Position::Start => "the start".to_owned(),
        Position::Cursor(cursor) => format!("the cursor {cursor}"),
        Position::Offset(offset) => format!("offset {offset}"),
        Position::Page(number) => format!("page {number}"),
        Position::Url(url) => url.to_string(),
    };
    veil.mask(&place).into_owned()
}

/// One try, as it is told.
pub(super) fn asked(one: &Try, veil: &Veil) -> Asked {
    let text = |text: &str| veil.mask(text).into_owned();
    let body = String::from_utf8_lossy(&one.body);
    Asked {
        purpose: match one.purpose {
            Some(Purpose::Login) => "login",
            Some(Purpose::Count) => "count",
            Some(Purpose::Page(_)) | None => "page",
        },
        method: one.method.to_string(),
        url: text(&one.uri.to_string()),
        headers: headers(&one.headers, veil),
        body: (!body.is_empty()).then(|| text(&body)),
        signed: one.signed.as_deref().map(text),
        answer: one.answer.as_ref().map(|heard| Answered {
            status: heard.status.as_u16(),
            milliseconds: (heard.taken.as_secs_f64() * 1_000_000.0).round() / 1000.0,
            bytes: heard.body.len(),
            headers: headers(&heard.headers, veil),
        }),
    }
}

/// Each header with its values. What carries credentials is not shown.
fn headers(headers: &HeaderMap, veil: &Veil) -> BTreeMap<String, String> {
    let mut shown: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let is_secret = value.is_sensitive() || matches!(name.as_str(), "set-cookie" | "cookie");
        let value = match value.to_str() {
            _ if is_secret => MASK.into(),
            Ok(text) => veil.mask(text),
            Err(_) => "(not text)".into(),
        };
        let values = shown.entry(name.to_string()).or_default();
        if !values.is_empty() {
            values.push_str(", ");
        }
        values.push_str(&value);
    }
    shown
}

/// The beginning of an answer's body. Of a login's nothing is shown but its shape: whatever it
/// holds may be a token.
pub(super) fn beginning(heard: &Heard, purpose: Option<&Purpose>, veil: &Veil) -> Option<String> {
    if heard.body.is_empty() {
        return None;
    }
    if purpose == Some(&Purpose::Login) {
        let shape = serde_json::from_slice(&heard.body).map(|body| shape(&body).to_string());
        let length = heard.body.len();
        return Some(shape.unwrap_or_else(|_| format!("({length} bytes that may be a token)")));
    }
    let text = String::from_utf8_lossy(&heard.body);
    let text = veil.mask(&text);
    let mut shown: String = text.chars().take(SHOWN_BODY).collect();
    if shown.len() < text.len() {
        shown.push('…');
    }
    Some(shown)
}

/// A value without what it holds.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members.iter();
            Value::Object(
                members
                    .map(|(key, value)| (key.clone(), shape(value)))
                    .collect(),
            )
        }
        Value::Array(items) => items.iter().map(shape).collect(),
        Value::String(text) => format!("(a text of {} bytes)", text.len()).into(),
        Value::Number(_) => "(a number)".into(),
        Value::Null | Value::Bool(_) => value.clone(),
    }
}

/// What should have come, where something else did.
pub(super) fn expected(
    kind: ErrorKind,
    purpose: Option<&Purpose>,
    status: Option<StatusCode>,
    block: &Upstream,
) -> Option<String> {
    let format = match block.format {
        Format::Json => "JSON",
        Format::Xml => "XML",
    };
    let records = block.records.at();
    let is_success = status.is_some_and(|status| status.is_success());
    match (kind, purpose) {
        (ErrorKind::Timeout, _) => Some(format!(
            "the whole answer within {} (`limits.timeout`)",
            block.limits.timeout
        )),
        (ErrorKind::HttpStatus | ErrorKind::Unauthorized | ErrorKind::RateLimited, _)
            if !is_success =>
        {
            Some("a status of 2xx".to_owned())
        }
        (ErrorKind::Rejected | ErrorKind::Unauthorized | ErrorKind::HttpStatus, _) => {
            block.success.as_ref().map(success)
        }
        (ErrorKind::Decode | ErrorKind::Mapping, Some(Purpose::Login)) => {
            Some("a token where `auth` says".to_owned())
        }
        (ErrorKind::Decode, _) => {
            Some(format!("{format} (`format`), with the list at `{records}`"))
        }
        (ErrorKind::Mapping, _) => Some(format!("a list of groups at `{records}` (`records`)")),
        (
            ErrorKind::RateLimited
            | ErrorKind::Connect
            | ErrorKind::Tls
            | ErrorKind::Dns
            | ErrorKind::Pagination
            | ErrorKind::LimitExceeded
            | ErrorKind::CircuitOpen,
            _,
        ) => None,
    }
}

/// How the body of a success says that it is one.
fn success(success: &Success) -> String {
    let paths = success.path.as_slice().iter();
    let paths = paths.map(|path| format!("`{path}`")).collect::<Vec<_>>();
    let values = success.equals.as_slice().iter();
    let values = values.map(|value| value.0.as_str()).collect::<Vec<_>>();
    format!(
        "{} to be {} (`success`)",
        paths.join(" or "),
        values.join(" or ")
    )
}
