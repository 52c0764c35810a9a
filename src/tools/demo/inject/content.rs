//! Faults of the content: lists that are well-formed and wrong.
//!
//! They change a list's JSON at the places that the vendor's [`ListApi`] names, before the vendor
//! writes it in whatever format was asked for.

use std::sync::Mutex;

use http::StatusCode;
use serde_json::{Value, json};

use super::foreign_host::at_foreign_host;
use crate::tools::demo::list_api::{ListApi, PageStyle};
use crate::tools::demo::message::{Answer, QueryParameters, Request};
use crate::tools::demo::vendor::Vendor;
use crate::tools::lock::lock;

/// How many groups more than there are a wrong total announces.
const TOO_MANY: u64 = 7;

/// Changes a list.
pub(in crate::tools::demo) type Mutation = fn(&mut ListResponse<'_>);

/// The first page with groups since a fault began: the one that faults repeat.
#[derive(Debug, Default)]
pub(in crate::tools::demo) struct FirstPage(Mutex<Option<Value>>);

/// A list answer before it is written.
pub(in crate::tools::demo) struct ListResponse<'a> {
    pub(super) document: Value,
    pub(super) first: Value,
    pub(super) api: &'static ListApi,
    request: &'a Request,
    hits: u64,
    /// What becomes of the answer once the list is written.
    pub(super) finish: Finish,
}

/// Changes a list answer that is written.
pub(super) type Finish = Box<dyn FnOnce(Answer) -> Answer + Send>;

/// Answers a list request with a list that `mutation` has changed, and any other as it is. `hits` is
/// how many requests met the fault before.
pub(in crate::tools::demo) fn mutate(
    mutation: Mutation,
    vendor: &dyn Vendor,
    (request, groups): (&Request, usize),
    (first, hits): (&FirstPage, u64),
) -> Answer {
    if !vendor.kind(request).is_list() {
        return vendor.answer(request, groups);
    }
    let document = match vendor.document(request, groups) {
        Ok(document) => document,
        // A position that only a wrong list has named.
        Err(answer) if answer.status() == StatusCode::INTERNAL_SERVER_ERROR => Value::Null,
        Err(answer) => return *answer,
    };
    let api = vendor.list_api();
    let mut list = ListResponse {
        first: first.or(&document, api),
        document,
        api,
        request,
        hits,
        finish: Box::new(|answer| answer),
    };
    if list.document.is_null() {
        list.document = list.first.clone();
    }
    mutation(&mut list);
    let ListResponse {
        document, finish, ..
    } = list;
    finish(vendor.write(request, &document))
}

impl FirstPage {
    /// The first page; `document` becomes it if there was none before.
    fn or(&self, document: &Value, api: &ListApi) -> Value {
        let mut first = lock(&self.0);
        if let Some(first) = first.as_ref() {
            return first.clone();
        }
        let records = document.pointer(api.records).and_then(Value::as_array);
        if records.is_some_and(|records| !records.is_empty()) {
            *first = Some(document.clone());
        }
        document.clone()
    }
}

impl ListResponse<'_> {
    pub(super) fn records(&mut self) -> impl Iterator<Item = &mut Value> {
        let records = self.document.pointer_mut(self.api.records);
        records.and_then(Value::as_array_mut).into_iter().flatten()
    }

    /// Sets what stands at a pointer, if its parent is there.
    pub(super) fn set(&mut self, pointer: &str, value: Value) {
        if let Some((parent, key)) = pointer.rsplit_once('/')
            && let Some(parent) = self.document.pointer_mut(parent)
            && let Some(parent) = parent.as_object_mut()
        {
            parent.insert(key.to_owned(), value);
        }
    }

    pub(super) fn parameter(&self, name: &str, default: usize) -> u64 {
        QueryParameters::of(self.request)
            .number(name, default)
            .unwrap_or(default) as u64
    }
}

pub(super) fn duplicate_ids(list: &mut ListResponse<'_>) {
    let key = list.api.id;
    let mut records = list.records();
    if let (Some(first), Some(second)) = (records.next(), records.next()) {
        second[key] = first[key].clone();
    }
}

pub(super) fn missing_ids(list: &mut ListResponse<'_>) {
    let key = list.api.id;
    for record in list.records().step_by(3) {
        if let Some(record) = record.as_object_mut() {
            record.shift_remove(key);
        }
    }
}

/// The list in two halves, each below a parent of its own.
pub(super) fn repeated_parents(list: &mut ListResponse<'_>) {
    let mut first: Vec<_> = list.records().map(Value::take).collect();
    let second = first.split_off(first.len() / 2);
    let parents = [first, second].map(|half| json!({ "parts": half }));
    list.set(list.api.records, json!(parents));
}

pub(super) fn wrong_types(list: &mut ListResponse<'_>) {
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

pub(super) fn wrong_total(list: &mut ListResponse<'_>) {
    let Some(pointer) = list.api.total else {
        return;
    };
    if let Some(total) = list.document.pointer(pointer).and_then(Value::as_u64) {
        list.set(pointer, json!(total + TOO_MANY));
    }
}

pub(super) fn repeat_page(list: &mut ListResponse<'_>) {
    list.document = list.first.clone();
}

pub(super) fn repeat_cursor(list: &mut ListResponse<'_>) {
    let Some(pointer) = list.api.cursor() else {
        return;
    };
    let key = list.api.id;
    let named = list.first.pointer(pointer).cloned();
    let last_id = || {
        let records = list.first.pointer(list.api.records)?.as_array()?;
        Some(records.last()?[key].clone())
    };
    // A list of one page names none, so the last group's id is one.
    if let Some(cursor) = named.or_else(last_id) {
        list.set(pointer, cursor);
    }
}

/// The first page again, with other ids, and one more page behind it.
pub(super) fn endless(list: &mut ListResponse<'_>) {
    list.document = list.first.clone();
    let nth = list.hits;
    let key = list.api.id;
    for record in list.records() {
        let id = &mut record[key];
        *id = match id.as_u64() {
            // The vendor's own are far below.
            Some(number) => json!(number + (nth + 1) * 1_000_000_000),
            None => json!(format!("{}-{nth}", id.as_str().unwrap_or_default())),
        };
    }
    let count = list.records().count() as u64;
    let read = match list.api.paging {
        None => return,
        Some(PageStyle::Cursor { next, .. }) => {
            return list.set(next, json!(format!("endless-{nth}")));
        }
        Some(PageStyle::Offset(parameter)) => list.parameter(parameter, 0) + count,
        Some(PageStyle::Page { parameter, pages }) => {
            let page = list.parameter(parameter, 1);
            list.set(pages, json!(page + 1));
            page * count
        }
    };
    if let Some(pointer) = list.api.total {
        list.set(pointer, json!(read + count));
    }
}

pub(super) fn next_elsewhere(list: &mut ListResponse<'_>) {
    let Some(pointer) = list.api.link else {
        return;
    };
    let next = list.document.pointer(pointer).and_then(Value::as_str);
    if let Some(next) = next.and_then(at_foreign_host) {
        list.set(pointer, json!(next));
    }
}
