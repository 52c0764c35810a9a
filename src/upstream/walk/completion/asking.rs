//! Asks for one list of a group.

use std::sync::atomic::Ordering;

use http::{HeaderValue, StatusCode};

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{Group, ReadText};
use crate::observe::Observers;
use crate::page::format::excerpt;
use crate::plan::{ListReading, OuterValue, RelatedList};
use crate::upstream::outer_values::OuterValues;
use crate::upstream::walk::context::WalkContext;
use crate::upstream::walk::list::read_list;

use super::group::{GroupCompletion, ID_CHARS, ListAnswer, ListedGroup};

impl GroupCompletion<'_> {
    /// What one of the lists of a group brings, unless it still has this entity tag.
    pub(super) async fn ask(
        &self,
        which: RelatedList,
        outer: OuterValues,
        etag: Option<&HeaderValue>,
        observers: &Observers,
    ) -> Result<ListAnswer, UpstreamError> {
        let WalkContext {
            adapter,
            deadline,
            budget,
            ..
        } = self.context;
        self.asked.fetch_add(1, Ordering::Relaxed);
        let list = adapter.reading(Some(which), outer, etag);
        let walked = match (read_list(&list, observers, deadline, budget).await, etag) {
            (Ok(walked), _) => walked,
            (Err(error), Some(etag)) if error.status == Some(StatusCode::NOT_MODIFIED) => {
                self.pages.fetch_add(1, Ordering::Relaxed);
                self.reused.fetch_add(1, Ordering::Relaxed);
                return Ok(ListAnswer::Unchanged(etag.clone()));
            }
            (Err(error), _) => return Err(error),
        };
        self.pages.fetch_add(walked.pages, Ordering::Relaxed);
        // A page that is full may be followed by another one without being changed itself.
        let limit = list.paging().limit.map(u64::from);
        let is_all = walked.pages == 1 && limit.is_none_or(|limit| walked.records < limit);
        Ok(ListAnswer::Rows(
            walked.rows,
            walked.etag.filter(|_| is_all),
        ))
    }

    /// The values that the requests of a list take of a group and of its partition.
    pub(super) fn outer_values(
        &self,
        list: &ListReading,
        group: &Group,
        listed: ListedGroup<'_>,
    ) -> Result<OuterValues, UpstreamError> {
        let paths = &self.context.adapter.related().record_paths;
        let mut values = Vec::new();
        for name in &list.outer {
            let value = match name {
                OuterValue::Partition(_) | OuterValue::Since => continue,
                OuterValue::Group(field) => {
                    let text = field.of(group);
                    let text = text.map(|text| listed.around.unqualified(*field, text));
                    text.map(ReadText::text)
                }
                OuterValue::Record(path) => {
                    let column = paths.iter().position(|own| own == path);
                    let value = column.zip(listed.beside);
                    value.and_then(|(column, row)| row.get(column).cloned().flatten())
                }
            };
            let value = value.ok_or_else(|| {
                let id = excerpt(&group.source_id, ID_CHARS);
                let lacks = format!("the group `{id}` has no value for `{{{name}}}`");
                let detail = format!("{lacks}, which a request for it needs");
                UpstreamError::new(ErrorKind::Mapping, detail)
            })?;
            values.push((name.clone(), value));
        }
        Ok(listed.around.and(values))
    }
}
