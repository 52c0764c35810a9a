//! Which records are groups, what is read of them besides, and what callers can filter by, in words.

use crate::plan::{OneOrMany, RecordFilter, Records, Scalar, Upstream};

/// Which of the records of a list count.
pub(super) fn explain_only(records: &Records) -> String {
    let only = records.only.as_ref();
    only.map_or_else(String::new, |only| {
        format!(", only where {}", conditions(only))
    })
}

/// Conditions that all hold.
pub(super) fn conditions(filters: &OneOrMany<RecordFilter>) -> String {
    let conditions = filters.as_slice().iter().map(condition);
    conditions.collect::<Vec<_>>().join(" and ")
}

fn condition(filter: &RecordFilter) -> String {
    let path = &filter.path;
    match (&filter.equals, &filter.not, filter.present) {
        (Some(values), _, _) => format!("{path} is {}", words(values)),
        (None, Some(values), _) => format!("{path} is not {}", words(values)),
        (None, None, Some(false)) => format!("there is no {path}"),
        (None, None, Some(true) | None) => format!("there is a {path}"),
    }
}

fn words(values: &OneOrMany<Scalar>) -> String {
    let values = values
        .as_slice()
        .iter()
        .map(|Scalar(value)| format!("`{value}`"));
    values.collect::<Vec<_>>().join(" or ")
}

/// What is read within texts, how one group is asked for, and what callers can filter by.
pub(super) fn explain_values(upstream: &Upstream) -> Vec<String> {
    let embedded: Vec<_> = upstream
        .classify
        .embedded
        .iter()
        .map(ToString::to_string)
        .collect();
    let lookup = upstream.lookup.as_ref();
    let names: Vec<_> = upstream
        .filterable
        .iter()
        .map(|one| format!("attribute.{}", one.name))
        .collect();
    let lines = [
        (!embedded.is_empty()).then(|| {
            format!(
                "unquotes JSON within the strings at {}",
                embedded.join(" and ")
            )
        }),
        lookup.map(|lookup| {
            format!(
                "finds    one group by a request of its own, at {}",
                lookup.mapping.records.at
            )
        }),
        (!names.is_empty()).then(|| format!("filters  callers can filter by {}", names.join(", "))),
    ];
    lines.into_iter().flatten().collect()
}
