//! Faults of what a list says of itself: how much there is, and where it goes on.

use http::header::CONTENT_RANGE;
use http::{HeaderValue, StatusCode};
use serde_json::{Value, json};

use super::content::{ListResponse, Mutation};
use crate::tools::demo::fault_values::{CursorType, MisreportedTotal};
use crate::tools::demo::list_api::PageStyle;

/// How many groups are left out of a total that is too small.
const TOO_FEW: u64 = 7;
/// How many groups a list without pages has that ends too early.
const PART: usize = 10;

/// A total that is wrong in this way.
pub(super) fn total(total: MisreportedTotal) -> Mutation {
    match total {
        MisreportedTotal::Zero => |list| say(list, |_, _| json!(0)),
        MisreportedTotal::Page => |list| say(list, |_, page| json!(page)),
        MisreportedTotal::Less => |list| say(list, |all, _| json!(all.saturating_sub(TOO_FEW))),
        MisreportedTotal::Object => |list| say(list, |all, _| json!({ "value": all })),
    }
}

/// Has the list say what is made of the right total and the length of the page.
fn say(list: &mut ListResponse<'_>, said: fn(u64, u64) -> Value) {
    let page = list.records().count() as u64;
    let Some(pointer) = list.api.total else {
        return;
    };
    let Some(all) = list.document.pointer(pointer).and_then(Value::as_u64) else {
        return;
    };
    let said = said(all, page);
    if let Some(PageStyle::Page { pages, .. }) = list.api.paging
        && let Some(said) = said.as_u64()
    {
        let size = list.first.pointer(list.api.records);
        let size = size.and_then(Value::as_array).map_or(1, Vec::len).max(1);
        list.set(pages, json!(said.div_ceil(size as u64)));
    }
    list.set(pointer, said);
}

/// A cursor of this type.
pub(super) fn cursor(cursor: CursorType) -> Mutation {
    match cursor {
        CursorType::Object => |list| name(list, |cursor| json!({ "value": cursor })),
        CursorType::List => |list| name(list, |cursor| json!([cursor])),
        CursorType::True => |list| name(list, |_| json!(true)),
    }
}

/// Has the list name what is made of the right cursor. The last page names none.
fn name(list: &mut ListResponse<'_>, named: fn(Value) -> Value) {
    let Some(pointer) = list.api.cursor() else {
        return;
    };
    let cursor = list
        .document
        .pointer(pointer)
        .filter(|cursor| !cursor.is_null());
    if let Some(cursor) = cursor.cloned() {
        list.set(pointer, named(cursor));
    }
}

/// The page with the status and the header of a part of a list (RFC 9110, section 15.3.7).
pub(super) fn partial_content(list: &mut ListResponse<'_>) {
    let page = list.records().count();
    let (begin, all) = match list.api.paging {
        None => {
            let records = list.document.pointer_mut(list.api.records);
            if let Some(records) = records.and_then(Value::as_array_mut) {
                records.truncate(PART);
            }
            (0, page as u64)
        }
        Some(PageStyle::Offset(parameter)) => (list.parameter(parameter, 0), list.announced()),
        // Where pages do not count groups, nor does the header.
        Some(PageStyle::Page { .. } | PageStyle::Cursor { .. }) => return list.finish_with(None),
    };
    let count = list.records().count() as u64;
    let end = (begin + count).saturating_sub(1);
    list.finish_with(Some(format!("items {begin}-{end}/{all}")));
}

impl ListResponse<'_> {
    /// How many groups the page says there are.
    fn announced(&self) -> u64 {
        let total = self
            .api
            .total
            .and_then(|total| self.document.pointer(total));
        total.and_then(Value::as_u64).unwrap_or_default()
    }

    /// Gives the answer the status 206 and this range.
    fn finish_with(&mut self, range: Option<String>) {
        self.finish = Box::new(move |mut answer| {
            *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
            if let Some(Ok(range)) = range.as_deref().map(HeaderValue::from_str) {
                answer.headers_mut().insert(CONTENT_RANGE, range);
            }
            answer
        });
    }
}
