//! Asks for the lists of a group that one request brings.

use http::{HeaderValue, StatusCode};
use serde_json::{Map, Value};

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{Group, ReadText, merge_same, row_bytes};
use crate::observe::WalkPart;
use crate::page::format::names;
use crate::page::page_outcome::PageKey;
use crate::plan::{ListReading, OuterValue, Path, RelatedList};
use crate::upstream::outer_values::OuterValues;
use crate::upstream::walk::brought::{BroughtList, ReadPeople};
use crate::upstream::walk::context::WalkContext;
use crate::upstream::walk::list::read_list;
use crate::upstream::walk::listed_group::ListedGroup;
use crate::upstream::walk::marks::ListTag;
use crate::upstream::walk::related_observer::of_list;

use super::answers::{AskedLists, BroughtAnswers, ListAnswer};
use super::group::GroupCompletion;

impl GroupCompletion<'_> {
    /// What lists of the group with this id bring, unless all of them still have the entity tag that they had by the
    /// same request.
    pub(super) async fn ask(
        &self,
        asked: AskedLists<'_>,
        id: &str,
        outer: OuterValues,
    ) -> BroughtAnswers {
        let first = asked.lists.first().map(|(list, _)| *list);
        match Box::pin(self.ask_for_all(asked, id, outer)).await {
            Ok(answers) => answers,
            Err(error) => first.map(|list| (list, Err(error))).into_iter().collect(),
        }
    }

    async fn ask_for_all(
        &self,
        AskedLists { lists, observers }: AskedLists<'_>,
        id: &str,
        outer: OuterValues,
    ) -> Result<BroughtAnswers, UpstreamError> {
        let WalkContext {
            adapter,
            deadline,
            budget,
            ..
        } = self.context;
        let names: Vec<_> = lists.iter().map(|(list, _)| *list).collect();
        let [which, brings @ ..] = names.as_slice() else {
            return Ok(Vec::new());
        };
        let which = *which;
        let part = WalkPart::Group {
            id,
            list: which,
            brings,
        };
        let own = of_list(self.context.observers, which, part);
        let observers = own.as_ref().unwrap_or(observers);
        self.counts.note_asked(names.len() as u64);
        let list = adapter.reading(&names, outer.clone(), None);
        let first = list.first_page();
        let request = list.request(&first);
        let request = request.map_err(|error| adapter.masks.error(error))?;
        let request = PageKey::of(&request, &first);
        let known = known_of_all(&lists, request);
        let list = match &known {
            Some((tag, _)) => adapter.reading(&names, outer, Some(tag)),
            None => list,
        };
        let read = read_list(&list, observers, deadline, budget).await;
        let mut walked = match (read, known) {
            (Ok(walked), _) => walked,
            (Err(error), Some((_, known))) if error.status == Some(StatusCode::NOT_MODIFIED) => {
                self.counts.note_pages(1);
                let unchanged = known.into_iter().map(|known| {
                    self.counts.note_reused();
                    (known.list, Ok(ListAnswer::Unchanged(known.clone())))
                });
                return Ok(unchanged.collect());
            }
            (Err(error), _) => return Err(error),
        };
        self.counts.note_pages(walked.pages);
        let is_told = list.paging().ends_by_body();
        let tag = walked.etag.take().filter(|_| walked.pages == 1);
        let mut bytes = 0;
        let answers = walked.into_lists(which).map(|brought| {
            let BroughtList { list, read } = brought;
            let read = read.map_err(|error| adapter.masks.error(error));
            let answer = read.map(|people| {
                let ReadPeople {
                    mut rows,
                    mut counts,
                    first_page,
                } = people;
                bytes += rows.iter().map(row_bytes).sum::<u64>();
                self.counts.note_length(list, first_page);
                if list != RelatedList::Details {
                    counts.repeated += merge_same(&mut rows, 0);
                    self.counts.note_people(counts);
                }
                let tag = tag.clone().map(|tag| ListTag {
                    list,
                    tag,
                    request,
                    records: (!is_told).then_some(first_page),
                });
                ListAnswer::Rows(rows, tag, counts.left_out)
            });
            (list, answer)
        });
        let answers = answers.collect();
        if let Some(hold) = budget.hold() {
            // What it comes to is counted with its group.
            hold.shrink(bytes);
        }
        Ok(answers)
    }

    /// The values that the requests of a list take of a group and of its partition.
    pub(super) fn outer_values(
        &self,
        (which, list): (RelatedList, &ListReading),
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
                UpstreamError::of_no_answer(ErrorKind::Mapping, lacks(which, name, listed))
            })?;
            values.push((name.clone(), value));
        }
        Ok(listed.around.and(values))
    }
}

/// The entity tag that a request asks with, and those of all lists that it brings: none, unless all of them had the
/// same by this request.
fn known_of_all<'a>(
    lists: &[(RelatedList, Option<&'a ListTag>)],
    request: PageKey,
) -> Option<(HeaderValue, Vec<&'a ListTag>)> {
    let known = lists.iter().map(|(_, known)| *known);
    let known: Vec<_> = known.collect::<Option<_>>()?;
    let tag = known.first()?.tag.clone();
    let is_same = |known: &&ListTag| known.request == request && known.tag == tag;
    known.iter().all(is_same).then_some((tag, known))
}

/// What is said of a group one of whose lists cannot be asked for without this value.
fn lacks(which: RelatedList, name: &OuterValue, listed: ListedGroup<'_>) -> String {
    let beside = match name {
        OuterValue::Record(path) => listed.row.group().ok().map_or_else(String::new, |group| {
            beside(path, group.attributes.members())
        }),
        OuterValue::Group(field) => format!(": see `fields.{field}`"),
        OuterValue::Partition(_) | OuterValue::Since => String::new(),
    };
    format!("it has no value for `{{{name}}}`, which `{which}.request` needs{beside}")
}

/// What a record has where a path goes on in vain: names, never values. What fields take is not among the members of
/// the record itself, and stands in the configuration.
fn beside(path: &Path, mut members: Map<String, Value>) -> String {
    let mut around = None;
    for segment in path.segments() {
        match members.remove(segment) {
            Some(Value::Object(below)) => {
                members = below;
                around = Some(segment);
            }
            Some(_) | None => break,
        }
    }
    let valued = members.iter().filter(|(_, value)| !value.is_null());
    let valued: Vec<_> = valued.map(|(name, _)| name.as_str()).collect();
    match around {
        _ if valued.is_empty() => String::new(),
        Some(around) => format!("; its `{around}` {}", names(&valued)),
        None => format!("; beside what `fields` takes, it {}", names(&valued)),
    }
}
