//! Attributes that callers can filter by: whether they can be there, and whether their names differ.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::Upstream;
use crate::config::upstream::{Field, Fields, PathOr};
use crate::plan::path::Anchor;
use crate::plan::{Extra, FilterableAttribute, Part, Path};
use crate::problem::{KeyPath, Problem, Problems};

/// Resolves which attributes callers can filter by.
pub(super) fn filterable(
    at: &KeyPath,
    upstream: &Upstream,
    problems: &mut Problems,
) -> Arc<[FilterableAttribute]> {
    let at = at.join("filterable");
    if upstream.extra == Extra::Drop && !upstream.filterable.is_empty() {
        problems.push(
            Problem::new(
                at.clone(),
                "there are no attributes to filter by: `extra` is `drop`",
            )
            .with_help("leave out one of them"),
        );
    }
    let mut known = BTreeMap::new();
    let mut filterable = Vec::new();
    for (index, path) in upstream.filterable.iter().enumerate() {
        let at = at.join(index.to_string());
        let Some(name) = path
            .segments()
            .last()
            .filter(|_| path.anchor() == Anchor::Record)
        else {
            problems.push(
                Problem::new(at, format!("`{path}` is no part of a record"))
                    .with_help("write the path from the record, such as `extra/department`"),
            );
            continue;
        };
        if let Some(other) = known.insert(name, path) {
            problems.push(
                Problem::new(
                    at.clone(),
                    format!(
                        "`{path}` and `{other}` would both be filtered by as `attribute.{name}`"
                    ),
                )
                .with_help("keep one of them"),
            );
        }
        if is_taken(&upstream.fields, path) {
            problems.push(
                Problem::new(
                    at,
                    format!("`fields` takes `{path}`, so it is not in the attributes"),
                )
                .with_help("filter by that field, or leave this out"),
            );
        }
        filterable.push(FilterableAttribute {
            name: name.as_str().into(),
            path: path.segments().into(),
        });
    }
    filterable.into()
}

/// Whether a field takes all that is at a path.
fn is_taken(fields: &Fields, path: &Path) -> bool {
    let optional = [
        &fields.description,
        &fields.email,
        &fields.status,
        &fields.organization_id,
        &fields.external_id,
        &fields.parent_id,
        &fields.path,
        &fields.url,
        &fields.logo_url,
        &fields.member_count,
        &fields.created_at,
        &fields.updated_at,
        &fields.deleted_at,
    ];
    let is_path = |part: &Part| matches!(part, Part::At(one) if one == path);
    let takes = |field: &Field| {
        field.as_slice().iter().any(|source| match source {
            PathOr::Path(part) => is_path(part),
            PathOr::Table(table) => table.path.as_ref().is_some_and(is_path),
        })
    };
    let required = [&fields.id, &fields.name].into_iter();
    required.chain(optional.into_iter().flatten()).any(takes)
}
