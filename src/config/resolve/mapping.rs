//! How records become groups.

use super::{fields, records};
use crate::config::Upstream;
use crate::plan::{Lookup, Mapping, Paging, RecordColumn};
use crate::problem::{KeyPath, Problems};

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
    let records = records::records(&at, &id.records(), upstream.format, problems);
    Some(Lookup {
        paging: paging.of_one_group(),
        mapping: Mapping {
            records,
            ..listing.clone()
        },
    })
}
