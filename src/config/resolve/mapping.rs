//! How records become groups.

use super::{fields, records};
use crate::config::Upstream;
use crate::plan::{Column, Mapping};
use crate::problem::{KeyPath, Problems};

/// Resolves how the records of an upstream become groups, `beside` which columns are read.
pub(crate) fn mapping(
    at: &KeyPath,
    name: &str,
    upstream: &Upstream,
    beside: Vec<Column>,
    problems: &mut Problems,
) -> Option<Mapping> {
    let records = records::records(at, upstream, problems);
    Some(Mapping {
        source: name.into(),
        records,
        fields: fields::fields(at, upstream, problems)?,
        extra: upstream.extra,
        beside,
        has_details: upstream.details.is_some(),
    })
}
