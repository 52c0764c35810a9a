//! Turns what a walk observed into its report: redacted, and no longer than one can read.

use std::collections::{BTreeMap, HashSet};
use std::fmt;

use serde_json::{Map, Value};

use crate::group::Group;
use crate::page::mapping::Skip;
use crate::redact::Redactor;
use crate::tools::case::without_empty;
use crate::upstream::extensions::Purpose;
use crate::upstream::pager::{Next, Position};
use crate::upstream::walk::Walked;
use crate::upstream::{Adapter, FetchedPage};

use super::capture::{CapturedAttempt, CapturedResponse};
use super::columns::cut;
use super::headers::headers;
use super::report::{
    NextReport, PageDetail, PageReport, RecordAndGroup, RequestReport, ResponseReport,
    SkippedRecord, UnmappedAttribute,
};

/// How many groups are shown beside their records.
const SHOWN_GROUPS: usize = 2;

/// How many characters of the body of a failed response are shown.
const SHOWN_BODY: usize = 800;

/// The report of a page, which is numbered when it is its turn.
pub(super) fn page(
    fetched: &FetchedPage,
    attempts: &[CapturedAttempt],
    adapter: &Adapter,
    redactor: &Redactor,
) -> PageReport {
    let mapped = fetched.mapped();
    let records = if mapped.skipped.is_empty() {
        Vec::new()
    } else {
        adapter.records(&fetched.page)
    };
    let skipped = mapped.skipped.iter().map(|(index, skip)| {
        let record = records.get(*index).copied().flatten();
        let reason = record.map_or_else(|| skip.to_string(), |record| skip.of(record));
        SkippedRecord {
            record: index + 1,
            reason: redactor.redact(&reason).into_owned(),
        }
    });
    let announcement = fetched.announcement();
    PageReport {
        page: 0,
        partition: None,
        position: position(&fetched.position, redactor),
        requests: attempts.iter().map(|one| request(one, redactor)).collect(),
        bytes: fetched.bytes(),
        records: fetched.records(),
        groups: mapped.groups.len() as u64,
        skipped: skipped.collect(),
        unparsed_timestamps: mapped.unparsed_timestamps,
        unread_people: mapped.unread_people,
        unmarked_people: mapped.unmarked_people,
        announced_records: announcement.records,
        announced_pages: announcement.pages,
        unknown_expiry: None,
        unused: Vec::new(),
        next: None,
    }
}

/// A page in full, which is numbered when it is its turn.
pub(super) fn detail(fetched: &FetchedPage, adapter: &Adapter, redactor: &Redactor) -> PageDetail {
    let records = adapter.records(&fetched.page);
    let outcomes = fetched.outcomes();
    let pairs = outcomes.iter().zip(records);
    let pairs = pairs.filter_map(|(outcome, record)| {
        let group = without_empty(outcome.as_ref().ok()?);
        Some(RecordAndGroup {
            record: redactor.redact_json(&record?.to_value()),
            group: redactor.redact_json(&Value::Object(group)),
        })
    });
    PageDetail {
        page: 0,
        groups: pairs.take(SHOWN_GROUPS).collect(),
        unmapped: unmapped(fetched, &outcomes, adapter, redactor),
    }
}

/// The attributes that no field takes. Where no record is a group, all that the records have: one of
/// them is what a field should name.
fn unmapped(
    fetched: &FetchedPage,
    outcomes: &[Result<Group, Skip>],
    adapter: &Adapter,
    redactor: &Redactor,
) -> Vec<UnmappedAttribute> {
    let groups: Vec<_> = outcomes.iter().flatten().collect();
    if !groups.is_empty() {
        let attributes = groups.iter().map(|group| group.attributes.members());
        return counted(attributes, redactor);
    }
    let records = adapter.records(&fetched.page).into_iter().flatten();
    counted(
        records.filter_map(|record| match record.to_value() {
            Value::Object(members) => Some(members),
            Value::Null
            | Value::Bool(_)
            | Value::Number(_)
            | Value::String(_)
            | Value::Array(_) => None,
        }),
        redactor,
    )
}

/// The members of several objects, each with how many have it.
fn counted(
    objects: impl Iterator<Item = Map<String, Value>>,
    redactor: &Redactor,
) -> Vec<UnmappedAttribute> {
    let mut found: Vec<UnmappedAttribute> = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for members in objects {
        for (key, value) in members {
            let place = *places.entry(key).or_insert_with_key(|key| {
                found.push(UnmappedAttribute {
                    key: key.to_owned(),
                    records: 0,
                    example: redactor.redact_json(&value),
                });
                found.len() - 1
            });
            found[place].records += 1;
        }
    }
    found
}

/// Where the walk reads on, and why.
pub(super) fn next(next: &Next, reason: fmt::Arguments<'_>, redactor: &Redactor) -> NextReport {
    let (pages, at) = match next {
        Next::End => (0, None),
        Next::One(position) => (1, Some(position)),
        Next::Rest(positions) => (positions.len(), positions.first()),
    };
    NextReport {
        pages,
        at: at.map(|at| position(at, redactor)),
        why: redactor.redact(&reason.to_string()).into_owned(),
    }
}

/// A position in words.
fn position(position: &Position, redactor: &Redactor) -> String {
    let text = match position {
        Position::Start => "the start".to_owned(),
        Position::Cursor(cursor)
        | Position::NumberCursor(cursor)
        | Position::JsonCursor(cursor) => {
            format!("the cursor {cursor}")
        }
        Position::Cursors(values) => {
            let values = values.iter();
            let values =
                values.map(|(name, value)| format!("{name} {}", self::position(value, redactor)));
            values.collect::<Vec<_>>().join(", ")
        }
        Position::Offset(offset) => format!("offset {offset}"),
        Position::Page(number) => format!("page {number}"),
        Position::Url(url) => url.to_string(),
    };
    redactor.redact(&text).into_owned()
}

/// The report of one attempt.
pub(super) fn request(one: &CapturedAttempt, redactor: &Redactor) -> RequestReport {
    let text = |text: &str| redactor.redact(text).into_owned();
    let body = String::from_utf8_lossy(&one.body);
    RequestReport {
        purpose: match one.purpose {
            Some(Purpose::Login) => "login",
            Some(Purpose::Count) => "count",
            Some(Purpose::Page(_)) | None => "page",
        },
        method: one.method.to_string(),
        url: text(&one.uri.to_string()),
        headers: headers(&one.headers, redactor),
        body: (!body.is_empty()).then(|| text(&body)),
        signed: one.signed.as_deref().map(text),
        answer: one.response.as_ref().map(|response| ResponseReport {
            status: response.status.as_u16(),
            milliseconds: (response.elapsed.as_secs_f64() * 1_000_000.0).round() / 1000.0,
            bytes: response.body.len(),
            headers: headers(&response.headers, redactor),
        }),
    }
}

/// The beginning of a response's body. Of a login's only the shape is shown: any value may be a
/// token.
pub(super) fn body_excerpt(
    response: &CapturedResponse,
    purpose: Option<&Purpose>,
    redactor: &Redactor,
) -> Option<String> {
    if response.body.is_empty() {
        return None;
    }
    if purpose == Some(&Purpose::Login) {
        let shape = serde_json::from_slice(&response.body).map(|body| shape(&body).to_string());
        let length = response.body.len();
        return Some(shape.unwrap_or_else(|_| format!("({length} bytes that may be a token)")));
    }
    let text = String::from_utf8_lossy(&response.body);
    Some(cut(&redactor.redact(&text), SHOWN_BODY))
}

/// The shape of a value, without its contents.
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

/// How many people groups name by ids, where some are not in the list of users. Not where each partition has a list
/// of its own, which tells equal ids apart.
pub(super) fn named_people(adapter: &Adapter, walked: &Walked) -> Option<u64> {
    let users = adapter.related().users.as_ref()?;
    if walked.counts.unknown_people == 0 || !users.list.outer.is_empty() {
        return None;
    }
    let mut ids = HashSet::new();
    for group in walked.groups.to_groups() {
        let people = [group.members, group.admins, group.guests];
        ids.extend(people.into_iter().flatten().filter_map(|person| person.id));
    }
    Some(ids.len() as u64)
}
