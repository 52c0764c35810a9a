//! What is said of a filter: whether an upstream that takes it so could lose a group.

use std::collections::BTreeSet;

use crate::config::Upstream;
use crate::config::upstream::pushdown::{
    Matches, PeopleList, PushedMember, PushedSearch, PushedStatus, SearchedField,
};
use crate::config::upstream::{Each, Field, Fields, PathOr};
use crate::did_you_mean::list;
use crate::plan::Pushable;
use crate::plan::pushdown::{Case, Texts};
use crate::problem::{KeyPath, Problem, Problems};

use super::times;

/// Checks what is said of each filter in the request.
pub(super) fn check(
    at: &KeyPath,
    upstream: &Upstream,
    used: &BTreeSet<Pushable>,
    problems: &mut Problems,
) {
    let fields = &upstream.fields;
    let pushdown = &upstream.pushdown;
    for &filter in used {
        // Where nothing is said, the nearest key above is pointed at.
        let at = at.join("pushdown").join(filter.as_str());
        match filter {
            Pushable::Search => match &pushdown.search {
                Some(search) => check_search(&at, search, fields, problems),
                None => problems.push(unsaid(&at, "{ matches = \"contains\", in = [\"name\", \"description\"], case = \"folded\" }")),
            },
            Pushable::Status => match &pushdown.status {
                Some(status) => check_status(&at, status, fields, problems),
                None => problems.push(unsaid(&at, "{ values = { active = \"ACTIVE\" } }")),
            },
            Pushable::Member => match &pushdown.member {
                Some(member) => check_member(&at, member, fields, problems),
                None => problems.push(unsaid(&at, "{ in = [\"members\"], by = \"id\" }")),
            },
            Pushable::Id => {
                check_field(&at, filter, "id", Some(&fields.id), problems);
            }
            Pushable::OrganizationId => {
                let field = fields.organization_id.as_ref();
                check_field(&at, filter, "organization_id", field, problems);
            }
            Pushable::ExternalId => {
                let field = fields.external_id.as_ref();
                check_field(&at, filter, "external_id", field, problems);
            }
            Pushable::CreatedAfter | Pushable::CreatedBefore => {
                times::check(&at, pushdown.time(filter), problems);
                let field = fields.created_at.as_ref();
                check_field(&at, filter, "created_at", field, problems);
            }
            Pushable::UpdatedAfter | Pushable::UpdatedBefore => {
                times::check(&at, pushdown.time(filter), problems);
                let field = fields.updated_at.as_ref();
                check_field(&at, filter, "updated_at", field, problems);
            }
        }
    }
}

fn unsaid(at: &KeyPath, example: &str) -> Problem {
    let filter = at.keys().last().map_or("", String::as_str);
    Problem::new(
        at.clone(),
        format!(
            "`{{{filter}}}` is used in the request, but nothing says how the upstream applies it"
        ),
    )
    .with_help(format!(
        "write `{filter} = {example}` under `pushdown`, adapted to the upstream"
    ))
}

fn check_search(at: &KeyPath, search: &PushedSearch, fields: &Fields, problems: &mut Problems) {
    let misses = match search.matches {
        Matches::Contains => None,
        Matches::Prefix => Some("matches in the middle of a text"),
        Matches::Words => Some("parts of words"),
    };
    if let Some(misses) = misses {
        problems.push(
            Problem::new(
                at.join("matches"),
                format!("`search` finds any part of a text, so this one would miss {misses}"),
            )
            .with_help("remove `{search}` from the request: groupgate then searches by itself"),
        );
    }
    let searched = [
        (SearchedField::Name, "name", Some(&fields.name)),
        (
            SearchedField::Description,
            "description",
            fields.description.as_ref(),
        ),
    ];
    for (word, key, field) in searched {
        let Some(field) = field else { continue };
        if !search.fields.contains(&word) {
            problems.push(
                Problem::new(
                    at.join("in"),
                    format!("`search` covers `{key}` too, so this one would miss groups"),
                )
                .with_help(format!(
                    "add `{key}` if the upstream searches it, or else remove `{{search}}` from the \
                     request"
                )),
            );
        }
        if !is_verbatim(field, StatementPart::May) {
            problems.push(changed(at, key));
        }
    }
    check_comparison(at, search.case, search.texts, problems);
}

/// What is compared so that nothing could ever be handed on.
fn check_comparison(at: &KeyPath, case: Case, texts: Texts, problems: &mut Problems) {
    if case != Case::Folded && texts == Texts::Any {
        problems.push(
            Problem::new(
                at.clone(),
                "texts that groupgate treats as equal may differ for the upstream, such as a wide and a \
                 narrow `w`, so nothing could be passed on",
            )
            .with_help(
                "set `texts = \"ascii\"` if that is all they hold (with `case = \"ascii\"` if \
                 letters match in either case), or `case = \"folded\"` if the upstream folds texts \
                 as groupgate does",
            ),
        );
    }
}

fn check_status(at: &KeyPath, status: &PushedStatus, fields: &Fields, problems: &mut Problems) {
    if fields.status.is_none() {
        problems.push(unmapped(at, Pushable::Status, "status"));
    }
    if status.values.is_empty() {
        problems.push(
            Problem::new(
                at.join("values"),
                "no status is listed, so none is passed on",
            )
            .with_help("list them, as in `{ active = \"ACTIVE\" }`"),
        );
    }
    let mixed = status.values.keys();
    for word in mixed.filter(|word| word.to_lowercase() != **word) {
        problems.push(
            Problem::new(
                at.join("values").join(word),
                format!("statuses are in lower case, so `{word}` never matches"),
            )
            .with_help(format!("write `{}`", word.to_lowercase())),
        );
    }
}

fn check_member(at: &KeyPath, member: &PushedMember, fields: &Fields, problems: &mut Problems) {
    let people = [
        (PeopleList::Members, "members", &fields.members),
        (PeopleList::Admins, "admins", &fields.admins),
        (PeopleList::Guests, "guests", &fields.guests),
    ];
    let lists = people.into_iter();
    let lists = lists.filter_map(|(word, key, lists)| Some((word, key, lists.as_ref()?)));
    let mapped: Vec<(PeopleList, &str, &Each)> = lists
        .flat_map(|(word, key, lists)| lists.as_slice().iter().map(move |each| (word, key, each)))
        .collect();
    if mapped.is_empty() {
        problems.push(unmapped(at, Pushable::Member, "members"));
        return;
    }
    let missing = mapped
        .iter()
        .filter(|(word, ..)| !member.lists.contains(word));
    let missing: BTreeSet<_> = missing.map(|(_, key, _)| *key).collect();
    if let Some(missing) = list(missing) {
        problems.push(
            Problem::new(
                at.join("in"),
                format!("`member` covers {missing} too, so this one would miss groups"),
            )
            .with_help("remove `{member}` from the request: groupgate then filters by itself"),
        );
    }
    let mut tells = |key: &str, is_known: bool, part: fn(&Each) -> Option<&Field>| {
        let told: Vec<_> = mapped.iter().filter_map(|(.., each)| part(each)).collect();
        if !told.is_empty() && !is_known {
            problems.push(
                Problem::new(
                    at.join("by"),
                    format!(
                        "`fields` maps `{key}` of accounts, which the upstream does not compare"
                    ),
                )
                .with_help("remove `{member}` from the request: groupgate then filters by itself"),
            );
        }
        if told
            .iter()
            .any(|field| !is_verbatim(field, StatementPart::MayNot))
        {
            problems.push(changed(at, key));
        }
        !told.is_empty()
    };
    tells("id", member.by.takes_id(), |each| each.id.as_ref());
    if tells("email", member.by.takes_email(), |each| each.email.as_ref()) {
        check_comparison(at, member.case, member.texts, problems);
    }
}

fn check_field(
    at: &KeyPath,
    filter: Pushable,
    key: &str,
    field: Option<&Field>,
    problems: &mut Problems,
) {
    match field {
        None => problems.push(unmapped(at, filter, key)),
        Some(field) if !is_verbatim(field, StatementPart::MayNot) => {
            problems.push(changed(at, key));
        }
        Some(_) => {}
    }
}

fn unmapped(at: &KeyPath, filter: Pushable, key: &str) -> Problem {
    Problem::new(
        at.clone(),
        format!("`fields` does not map `{key}`, so no group would pass the filter `{filter}`"),
    )
    .with_help(format!(
        "map `{key}`, or remove `{{{filter}}}` from the request"
    ))
}

fn changed(at: &KeyPath, key: &str) -> Problem {
    Problem::new(
        at.clone(),
        format!("`fields` converts `{key}`, so the upstream would compare another text"),
    )
    .with_help("read a field that the upstream filters by from a path, without conversions")
}

/// Whether a field may be a part of what the upstream holds.
#[derive(Clone, Copy, PartialEq)]
enum StatementPart {
    May,
    MayNot,
}

/// Whether a field is what the upstream holds.
fn is_verbatim(field: &Field, part: StatementPart) -> bool {
    field.as_slice().iter().all(|source| match source {
        PathOr::Path(_) => true,
        PathOr::Table(table) => {
            table.path.is_some()
                && table.decode.is_none()
                && table.values.is_none()
                && table.otherwise.is_none()
                && (table.split.is_none() || part == StatementPart::May)
        }
    })
}
