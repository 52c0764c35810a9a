//! The sample of a list of users: which of its values is the id that groups name, and which the address.

use std::collections::BTreeSet;

use crate::plan::RelatedList;
use crate::terminal::CommandError;

use super::choose::{choose, paths_value};
use super::columns::Columns;
use super::draft::Draft;
use super::guess::ProposedLine;
use super::listed_kind::ListedKind;
use super::placed::PlacedUrl;
use super::read_samples::ReadSamples;
use super::related_draft::{RelatedDraft, RelatedShape, read};
use super::vocabulary::{PERSON_EMAIL, PERSON_ID};
use super::{fields, people};

/// The ids by which the samples of groups name people.
pub(super) struct PeopleIds(BTreeSet<String>);

impl PeopleIds {
    /// Those in lists of people, and in the records of groups, with the details of one.
    pub(super) fn of(
        groups: &Draft<'_, '_>,
        detailed: Option<&Columns<'_>>,
        lists: &[RelatedDraft<'_, '_>],
    ) -> Self {
        let columns = detailed.unwrap_or(&groups.columns);
        let mut people = fields::people_within(columns, &groups.records);
        for one in lists.iter().filter(|one| one.list.is_of_people()) {
            let drafts = [&one.draft].into_iter().chain(&one.others);
            people.extend(drafts.map(|draft| draft.records.all()));
        }
        let ids = people.iter().flat_map(|items| people::ids(items));
        Self(ids.collect())
    }
}

/// The list of users.
pub(super) fn users<'r, 'a>(
    reading: &'r ReadSamples<'a>,
    placed: PlacedUrl,
    named: &PeopleIds,
) -> Result<RelatedDraft<'r, 'a>, CommandError> {
    if named.0.is_empty() {
        return Err(CommandError::new(
            "--users says the addresses of people whom groups name by ids, and no sample names any\n  give \
             --members as well, or a page of groups that lists their people",
        ));
    }
    let draft = read(RelatedList::Users, reading)?;
    let columns = Columns::of(&draft.records.all());
    let subjects = ListedKind::People.subjects();
    let email = choose(&PERSON_EMAIL, &columns, &subjects, &[]);
    let Some(email) = email.filter(|email| !email.is_empty()) else {
        return Err(CommandError::new(
            "the sample of --users has no e-mail address, which is all that a list of users is read for",
        ));
    };
    let known = |text: &str| named.0.contains(text);
    let scalars = columns.all.iter().filter(|column| column.is_scalar());
    let matching = scalars.map(|column| {
        let texts = column.texts().map(|(_, text)| text);
        let found: BTreeSet<_> = texts.filter(|text| known(text)).collect();
        let found = found.len();
        (found, column)
    });
    // Of equals, the first: a record says its own id before those of others.
    let best = matching.rev().max_by_key(|(found, _)| *found);
    let id = if let Some((found @ 1.., column)) = best {
        let of = named.0.len();
        let why =
            format!("{found} of {of} people whom the samples of groups name by an id have it here");
        ProposedLine::clear("id", column.path.to_string(), &why)
    } else {
        let why = "no user of the sample is among the people whom the samples of groups name, so this may not be the \
                   id that groups name: give a page of users with some of them";
        let id = choose(&PERSON_ID, &columns, &subjects, &[]);
        let id = id.filter(|id| !id.is_empty());
        let id = id.map_or_else(|| "id".into(), |id| paths_value(&id.paths()));
        ProposedLine::not_sure("id", id, why)
    };
    let why = "its values are e-mail addresses";
    let email = ProposedLine::clear("email", paths_value(&email.paths()), why);
    Ok(RelatedDraft {
        list: RelatedList::Users,
        draft,
        placed,
        shape: RelatedShape::Users(vec![id, email]),
        others: Vec::new(),
    })
}
