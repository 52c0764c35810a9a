//! How records become groups.

use super::{fields, records};
use crate::config::Upstream;
use crate::plan::{Lookup, Mapping, OneOrMany, Paging, Part, RecordColumn, Records};
use crate::problem::{KeyPath, Problem, Problems};

/// Resolves how the records of an upstream become groups, `beside` which columns are read.
pub(crate) fn mapping(
    at: &KeyPath,
    name: &str,
    upstream: &Upstream,
    beside: Vec<RecordColumn>,
    problems: &mut Problems,
) -> Option<Mapping> {
    let records = records::records(
        &at.join("records"),
        &upstream.records,
        upstream.format,
        problems,
    );
    Some(Mapping {
        source: name.into(),
        records,
        fields: fields::fields(at, upstream, problems)?,
        extra: upstream.extra,
        beside,
        deleted: upstream
            .incremental
            .as_ref()
            .and_then(|incremental| incremental.deleted.clone()),
        has_details: upstream.details.is_some(),
    })
}

/// Resolves how the response to a request for one group becomes that group, if there is one.
pub(super) fn lookup(
    at: &KeyPath,
    upstream: &Upstream,
    (listing, paging): (&Mapping, &Paging),
    problems: &mut Problems,
) -> Option<Lookup> {
    let id = upstream.pushdown.id.as_ref()?;
    id.request.as_ref()?;
    let at = at.join("pushdown").join("id").join("records");
    let mut records = records::records(&at, &id.records(), upstream.format, problems);
    if records.only.is_none() {
        check_only(&at, &records, &listing.records, problems);
        records.only.clone_from(&listing.records.only);
    }
    Some(Lookup {
        paging: paging.of_one_group(),
        mapping: Mapping {
            records,
            ..listing.clone()
        },
    })
}

/// What the list leaves out is no group either where it is asked for by itself.
fn check_only(at: &KeyPath, records: &Records, listing: &Records, problems: &mut Problems) {
    let mut conditions = listing.only.iter().flat_map(OneOrMany::as_slice);
    if !records.keyed && conditions.any(|condition| condition.path == Part::Key) {
        problems.push(
            Problem::new(
                at.clone(),
                "`records.only` compares `$key`, which a group that is asked for by itself does not have",
            )
            .with_help("say by `only` here what such a response has if it is a group"),
        );
    }
}
