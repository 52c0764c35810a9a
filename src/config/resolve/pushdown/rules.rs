//! What is decided of the filters that an upstream is asked with.

use crate::config::Upstream;
use crate::config::upstream::{Fields, OneOrMany};
use crate::plan::pushdown::{Comparison, PushedTime};
use crate::plan::{List, Pushable, PushdownRule, PushdownRules};

/// How `upstream` applies the filters in its request; `None` if the whole list is requested.
///
/// A filter of which too little is said has no rule: [`super::check`] refuses it.
pub(crate) fn rules(upstream: &Upstream) -> Option<PushdownRules> {
    if upstream.list == List::Whole {
        return None;
    }
    let used = upstream.request.filters();
    let rules = used.into_iter().filter_map(|filter| rule(filter, upstream));
    let lookup = upstream.pushdown.lookup();
    let lookup = lookup.map(|_| PushdownRule::Lookup(upstream.pushdown.quote(Pushable::Id)));
    Some(PushdownRules(lookup.into_iter().chain(rules).collect()))
}

fn rule(filter: Pushable, upstream: &Upstream) -> Option<PushdownRule> {
    let pushdown = &upstream.pushdown;
    let quote = pushdown.quote(filter);
    let time = || -> PushedTime { pushdown.time(filter).cloned().unwrap_or_default() };
    Some(match filter {
        Pushable::Search => {
            let search = pushdown.search.as_ref()?;
            PushdownRule::Search {
                comparison: Comparison {
                    case: search.case,
                    texts: search.texts,
                },
                min_chars: search.min_chars,
                quote,
            }
        }
        Pushable::Id => PushdownRule::Id(quote),
        Pushable::Status => PushdownRule::Status(pushdown.status.as_ref()?.values.clone()),
        Pushable::OrganizationId => PushdownRule::OrganizationId(quote),
        Pushable::ExternalId => PushdownRule::ExternalId(quote),
        Pushable::Member => {
            let member = pushdown.member.as_ref()?;
            PushdownRule::Member {
                emails: has_emails(&upstream.fields).then_some(Comparison {
                    case: member.case,
                    texts: member.texts,
                }),
                quote,
            }
        }
        Pushable::CreatedAfter => PushdownRule::CreatedAfter(time()),
        Pushable::CreatedBefore => PushdownRule::CreatedBefore(time()),
        Pushable::UpdatedAfter => PushdownRule::UpdatedAfter(time()),
        Pushable::UpdatedBefore => PushdownRule::UpdatedBefore(time()),
    })
}

/// Whether groups contain the email addresses of accounts.
fn has_emails(fields: &Fields) -> bool {
    [&fields.members, &fields.admins, &fields.guests]
        .into_iter()
        .flatten()
        .flat_map(OneOrMany::as_slice)
        .any(|each| each.email.is_some())
}
