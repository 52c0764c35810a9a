//! A query within what its caller may see: what looks at a hidden field is refused.

use std::sync::Arc;

use crate::caller::{HiddenFields, HideableField};
use crate::gateway::attributes::ATTRIBUTE;
use crate::gateway::query::{PARAMETERS, Query, QueryError};

use super::ParseContext;

/// The query, with what is hidden from the caller kept out of its search. A parameter that looks at a field which is
/// hidden in any of the sources that are asked is refused: what it finds would tell what the field holds.
pub(super) fn within_grants(
    mut query: Query,
    context: ParseContext<'_>,
) -> Result<Query, QueryError> {
    let visible = &context.caller.visible;
    let sources = context.sources.iter();
    let asked = sources.filter(|source| query.filter.admits_source(source));
    let hidden = asked.filter_map(|source| Some((source, visible.hidden_of(source)?)));
    let hidden: Vec<_> = hidden.filter(|(_, fields)| !fields.is_none()).collect();
    if hidden.is_empty() {
        return Ok(query);
    }
    let check = |parameter: &str, looks_at: HiddenFields| {
        let mut hidden = hidden.iter();
        let refused = hidden.find_map(|(source, fields)| {
            let field = fields.in_both(looks_at).fields().next()?;
            Some(not_granted(parameter, field.as_str(), source))
        });
        refused.map_or(Ok(()), Err)
    };
    for parameter in PARAMETERS {
        if !parameter.looks_at.is_none() && !query.values(parameter.name).is_empty() {
            check(parameter.name, parameter.looks_at)?;
        }
    }
    for attribute in &query.filter.attributes {
        let parameter = format!("{ATTRIBUTE}{}", attribute.name);
        check(&parameter, HiddenFields::of(&[HideableField::Attributes]))?;
    }
    for key in query.sort.keys() {
        check("sort", key.field.looks_at())?;
    }
    if query.filter.search.is_some() {
        let names_only = hidden
            .iter()
            .filter(|(_, fields)| fields.contains(HideableField::Description));
        query.filter.names_only = names_only.map(|(source, _)| Arc::clone(source)).collect();
    }
    Ok(query)
}

fn not_granted(parameter: &str, field: &str, source: &str) -> QueryError {
    let message = format!(
        "`{parameter}`: it looks at `{field}`, which is not granted to this caller in the source `{source}`"
    );
    QueryError::parameter(parameter, message)
}
