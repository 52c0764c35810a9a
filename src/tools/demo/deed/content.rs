//! Faults of the content: lists that are well written and wrong.
//!
//! They change a list's JSON at the places that the vendor's [`Envelope`] names, before the vendor
//! writes it in whatever format was asked for.

use std::sync::Mutex;

use http::StatusCode;
use serde_json::{Value, json};

use super::super::elsewhere::at_another_host;
use super::super::envelope::{Continuation, Envelope};
use super::super::exchange::{Answer, Kind, Parameters, Request, Vendor};
use super::super::lock;

/// How many groups more than there are a wrong total announces.
const TOO_MANY: u64 = 7;

/// Changes a list.
pub(in crate::tools::demo) type Twist = fn(&mut List<'_>);

/// The first page that held groups since a fault began: what is shown again, or for ever.
#[derive(Debug, Default)]
pub(in crate::tools::demo) struct First(Mutex<Option<Value>>);

/// A list answer on its way out.
#[derive(Debug)]
pub(in crate::tools::demo) struct List<'a> {
    document: Value,
    first: Value,
    envelope: &'static Envelope,
    request: &'a Request,
    met: u64,
}

/// Answers a list request with a list that `twist` has changed, and any other as it is. `met` is
/// how many requests met the fault before.
pub(in crate::tools::demo) fn twisted(
    twist: Twist,
    vendor: &dyn Vendor,
    envelope: &'static Envelope,
    (request, groups): (&Request, usize),
    (first, met): (&First, u64),
) -> Answer {
    if !matches!(vendor.kind(request), Kind::FirstPage | Kind::LaterPage) {
        return vendor.answer(request, groups);
    }
    let document = match vendor.document(request, groups) {
        Ok(document) => document,
        // A position that only a wrong list has named.
        Err(answer) if answer.status() == StatusCode::INTERNAL_SERVER_ERROR => Value::Null,
        Err(answer) => return *answer,
    };
    let mut list = List {
        first: first.of(&document, envelope),
        document,
        envelope,
        request,
        met,
    };
    if list.document.is_null() {
        list.document = list.first.clone();
    }
    twist(&mut list);
    vendor.write(request, &list.document)
}

impl First {
    /// The first page, which `document` is if there was none before.
    fn of(&self, document: &Value, envelope: &Envelope) -> Value {
        let mut first = lock(&self.0);
        if let Some(first) = first.as_ref() {
            return first.clone();
        }
        let records = document.pointer(envelope.records).and_then(Value::as_array);
        if records.is_some_and(|records| !records.is_empty()) {
            *first = Some(document.clone());
        }
        document.clone()
    }
}

impl List<'_> {
    fn records(&mut self) -> impl Iterator<Item = &mut Value> {
        let records = self.document.pointer_mut(self.envelope.records);
        records.and_then(Value::as_array_mut).into_iter().flatten()
    }

    /// Sets what stands at a pointer, if its parent is there.
    fn set(&mut self, pointer: &str, value: Value) {
        if let Some((parent, key)) = pointer.rsplit_once('/')
            && let Some(parent) = self.document.pointer_mut(parent)
            && let Some(parent) = parent.as_object_mut()
        {
            parent.insert(key.to_owned(), value);
        }
    }

    fn parameter(&self, name: &str, default: usize) -> u64 {
        Parameters::of(self.request)
            .number(name, default)
            .unwrap_or(default) as u64
    }
}

pub(super) fn duplicate_ids(list: &mut List<'_>) {
    let key = list.envelope.id;
    let mut records = list.records();
    if let (Some(first), Some(second)) = (records.next(), records.next()) {
        second[key] = first[key].clone();
    }
}

pub(super) fn missing_ids(list: &mut List<'_>) {
    let key = list.envelope.id;
    for record in list.records().step_by(3) {
        if let Some(record) = record.as_object_mut() {
            record.shift_remove(key);
        }
    }
}

pub(super) fn wrong_types(list: &mut List<'_>) {
    for record in list.records() {
        for (_, value) in record.as_object_mut().into_iter().flatten() {
            let is_list = value.is_array() || value.is_object();
            *value = if is_list {
                json!("none")
            } else {
                json!([[value.take()]])
            };
        }
    }
}

pub(super) fn wrong_total(list: &mut List<'_>) {
    let Some(pointer) = list.envelope.total else {
        return;
    };
    if let Some(total) = list.document.pointer(pointer).and_then(Value::as_u64) {
        list.set(pointer, json!(total + TOO_MANY));
    }
}

pub(super) fn repeat_page(list: &mut List<'_>) {
    list.document = list.first.clone();
}

pub(super) fn repeat_cursor(list: &mut List<'_>) {
    let Some(pointer) = list.envelope.cursor() else {
        return;
    };
    let key = list.envelope.id;
    let named = list.first.pointer(pointer).cloned();
    let last_id = || {
        let records = list.first.pointer(list.envelope.records)?.as_array()?;
        Some(records.last()?[key].clone())
    };
    // A list of one page names none, so the last group's id is one.
    if let Some(cursor) = named.or_else(last_id) {
        list.set(pointer, cursor);
    }
}

/// The first page again, with other ids, and one more page behind it.
pub(super) fn endless(list: &mut List<'_>) {
    list.document = list.first.clone();
    let nth = list.met;
    let key = list.envelope.id;
    for record in list.records() {
        let id = &mut record[key];
        *id = match id.as_u64() {
            // The vendor's own are far below.
            Some(number) => json!(number + (nth + 1) * 1_000_000_000),
            None => json!(format!("{}-{nth}", id.as_str().unwrap_or_default())),
        };
    }
    let count = list.records().count() as u64;
    let read = match list.envelope.next {
        None => return,
        Some(Continuation::Cursor(pointer)) => {
            return list.set(pointer, json!(format!("endless-{nth}")));
        }
        Some(Continuation::Offset(parameter)) => list.parameter(parameter, 0) + count,
        Some(Continuation::Page { parameter, pages }) => {
            let page = list.parameter(parameter, 1);
            list.set(pages, json!(page + 1));
            page * count
        }
    };
    if let Some(pointer) = list.envelope.total {
        list.set(pointer, json!(read + count));
    }
}

pub(super) fn next_elsewhere(list: &mut List<'_>) {
    let Some(pointer) = list.envelope.link else {
        return;
    };
    let next = list.document.pointer(pointer).and_then(Value::as_str);
    if let Some(next) = next.and_then(at_another_host) {
        list.set(pointer, json!(next));
    }
}
