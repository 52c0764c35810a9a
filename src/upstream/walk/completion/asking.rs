//! Asks for one list of a group.

use http::StatusCode;

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{Group, ReadText, row_bytes};
use crate::observe::{ID_CHARS, Observers, WalkPart};
use crate::page::format::excerpt;
use crate::page::page_outcome::PageKey;
use crate::plan::{ListReading, OuterValue, RelatedList};
use crate::upstream::outer_values::OuterValues;
use crate::upstream::walk::context::WalkContext;
use crate::upstream::walk::list::read_list;
use crate::upstream::walk::marks::ListTag;
use crate::upstream::walk::related_observer::of_list;

use super::group::{GroupCompletion, ListAnswer, ListedGroup};

impl GroupCompletion<'_> {
    /// What one of the lists of the group with this id brings, unless it still has the entity tag that it had by the
    /// same request.
    pub(super) async fn ask(
        &self,
        (which, observers): (RelatedList, &Observers),
        id: &str,
        outer: OuterValues,
        known: Option<&ListTag>,
    ) -> Result<ListAnswer, UpstreamError> {
        let WalkContext {
            adapter,
            deadline,
            budget,
            ..
        } = self.context;
        let part = WalkPart::Group { id, list: which };
        let own = of_list(self.context.observers, which, part);
        let observers = own.as_ref().unwrap_or(observers);
        self.counts.note_asked();
        let list = adapter.reading(Some(which), outer.clone(), None);
        let first = list.first_page();
        let request = PageKey::of(&list.request(&first)?, &first);
        let known = known.filter(|known| known.request == request);
        let list = match known {
            Some(known) => adapter.reading(Some(which), outer, Some(&known.tag)),
            None => list,
        };
        let read = read_list(&list, observers, deadline, budget).await;
        let walked = match (read, known) {
            (Ok(walked), _) => walked,
            (Err(error), Some(known)) if error.status == Some(StatusCode::NOT_MODIFIED) => {
                self.counts.note_pages(1);
                self.counts.note_reused();
                return Ok(ListAnswer::Unchanged(known.clone()));
            }
            (Err(error), _) => return Err(error),
        };
        self.counts.note_pages(walked.pages);
        self.counts.note_length(which, walked.first_page);
        let is_told = list.paging().ends_by_body();
        let tag = walked.etag.filter(|_| walked.pages == 1);
        let tag = tag.map(|tag| ListTag {
            list: which,
            tag,
            request,
            records: (!is_told).then_some(walked.first_page),
        });
        if which != RelatedList::Details {
            self.counts.note_people(walked.counts);
        }
        let left_out = walked.counts.left_out;
        if let Some(hold) = budget.hold() {
            // What it comes to is counted with its group.
            hold.shrink(walked.rows.iter().map(row_bytes).sum()).await;
        }
        Ok(ListAnswer::Rows(walked.rows, tag, left_out))
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
