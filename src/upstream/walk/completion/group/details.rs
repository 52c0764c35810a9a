//! The details of a group, laid over its listed record.

use crate::error::{ErrorKind, UpstreamError};
use crate::group::{Group, ReadRow, ReadText};
use crate::observe::Observers;
use crate::plan::{Details, RelatedList, ReuseRule};
use crate::upstream::walk::marks::GroupMark;

use super::super::answers::{AskedLists, ListAnswer};
use super::super::people::{people_of, put_people};
use super::super::users::forget_addresses;
use super::marker::Marker;
use super::{GroupCompletion, ListRead, ListedGroup, PastGroup, is_etag, is_told_same, read};

impl GroupCompletion<'_> {
    /// The group with its details.
    pub(super) async fn details(
        &self,
        details: &Details,
        observers: &Observers,
        group: &Group,
        listed: ListedGroup<'_>,
        past: &PastGroup<'_>,
        mark: &mut GroupMark,
    ) -> Result<ListRead<Group>, UpstreamError> {
        // What was listed is a part of it, so that must be what it was.
        let is_listed_alike = past.mark.is_some_and(|past| past.listed == mark.listed);
        let before = past.group.as_ref().filter(|_| is_listed_alike);
        let marker = self.marker(details.reuse.as_ref(), group, listed);
        if details.reuse.as_ref().is_some_and(ReuseRule::is_by_record) {
            let markers = &self.counts.markers;
            markers.note(RelatedList::Details, marker.is_some());
        }
        let value = marker.and_then(Marker::settled);
        (mark.values).extend(value.map(|value| (RelatedList::Details, value)));
        let seems_same = before.is_some() && past.is_known_by(RelatedList::Details, value);
        if let Some(before) = before.filter(|_| seems_same && !self.recollection.is_full) {
            self.counts.note_reused();
            mark.is_reused = true;
            return Ok(ListRead::reused(before.clone()));
        }
        let known = past.mark.filter(|_| before.is_some());
        let known = known.and_then(|past| past.tag(RelatedList::Details));
        let known = known.filter(|_| is_etag(details.reuse.as_ref()));
        let asked = known.filter(|_| !self.recollection.is_full);
        let outer = self.outer_values((RelatedList::Details, &details.list), group, listed)?;
        let lists = vec![(RelatedList::Details, asked)];
        let asked = AskedLists { lists, observers };
        let mut answers = self.ask(asked, &group.source_id, outer).await;
        let answer = answers.pop().map(|(_, answer)| answer);
        let answer = answer.unwrap_or_else(|| Err(UpstreamError::ours("no details were read")))?;
        match answer {
            ListAnswer::Unchanged(tag) => ListRead::unchanged(before, tag, mark),
            ListAnswer::Rows(rows, tag, _) => {
                let seems_same = seems_same || is_told_same(known, tag.as_ref());
                mark.tags
                    .extend(tag.filter(|_| is_etag(details.reuse.as_ref())));
                let laid = self.overlaid(group, listed, details, &rows)?;
                let differs =
                    seems_same && before.is_some_and(|before| !self.is_alike(before, &laid));
                Ok(ListRead::asked(laid, differs))
            }
        }
    }

    /// Whether two are the same but for the people that come in lists of their own.
    fn is_alike(&self, before: &Group, laid: &Group) -> bool {
        let (mut before, mut laid) = (before.clone(), laid.clone());
        if self.common.users.is_some() {
            [&mut before, &mut laid]
                .into_iter()
                .for_each(forget_addresses);
        }
        for role in self.roles() {
            let people = people_of(&before, role).clone();
            for group in [&mut before, &mut laid] {
                put_people(group, role, people.clone());
            }
        }
        laid == before
    }

    /// The group of a listed record and of the one in its details.
    fn overlaid(
        &self,
        group: &Group,
        listed: ListedGroup<'_>,
        details: &Details,
        rows: &[ReadRow],
    ) -> Result<Group, UpstreamError> {
        let wrong = |what: String| UpstreamError::new(ErrorKind::Mapping, what);
        let at = &details.list.records.at;
        let [row] = rows else {
            let found = rows.len();
            return Err(wrong(format!(
                "expected one record at `{at}`, found {found}"
            )));
        };
        let text = |row: &ReadRow| row.last().cloned().flatten();
        let json = |text: Option<ReadText>| text.map_or_else(|| "null".into(), |text| text.text);
        let (under, over) = (json(listed.beside.and_then(text)), json(text(row)));
        let mapping = self.context.adapter.mapping_of(listed.around);
        let qualifier = listed.around.qualifier();
        let mapped = mapping.map_overlaid(&under, (at, &over), &group.source_id, qualifier);
        let mapped = mapped.map_err(|error| wrong(error.to_string()))?;
        match (mapped.groups.row(0), mapped.skipped.first()) {
            (Some(row), _) => read(row),
            (None, Some((_, skip))) => Err(wrong(skip.to_string())),
            (None, None) => Err(wrong("there is no record".to_owned())),
        }
    }
}
