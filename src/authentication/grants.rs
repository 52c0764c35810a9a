//! What several grants come to.

use std::collections::BTreeMap;

use crate::caller::{HiddenFields, VisibleSources};
use crate::plan::{CallerGrant, EVERY_SOURCE, Rate};

/// What a caller with these grants may see: the sources of all of them. A field of a source is hidden only
/// if each grant that gives the source hides it.
pub fn visible_of(grants: &[&CallerGrant]) -> VisibleSources {
    let mut others = None;
    let mut named = BTreeMap::new();
    for grant in grants {
        let hidden: HiddenFields = grant.hide.iter().copied().collect();
        let join = |before: Option<HiddenFields>| {
            Some(before.map_or(hidden, |before| before.in_both(hidden)))
        };
        for source in &grant.sources {
            if source == EVERY_SOURCE {
                others = join(others);
            } else {
                let place = named.entry(Box::from(source.as_str())).or_insert(None);
                *place = join(*place);
            }
        }
    }
    let named = named.into_iter().filter_map(|(name, hidden)| {
        let hidden: HiddenFields = hidden?;
        Some((name, others.map_or(hidden, |others| hidden.in_both(others))))
    });
    // What is hidden as in all others need not be named.
    let named: BTreeMap<_, _> = named
        .filter(|(_, hidden)| Some(*hidden) != others)
        .collect();
    if named.is_empty() && others == Some(HiddenFields::NONE) {
        return VisibleSources::All;
    }
    VisibleSources::granted(named, others)
}

/// How many requests a caller with these grants may make: as many as the most generous allows. `None`
/// where one of them, or none at all, sets no limit.
pub fn rate_of(grants: &[&CallerGrant]) -> Option<Rate> {
    let rates: Option<Vec<Rate>> = grants.iter().map(|grant| grant.rate).collect();
    rates?.into_iter().min_by_key(|rate| rate.interval())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::caller::HideableField::{self, Admins, Guests, Members};

    fn grant(sources: &[&str], hide: &[HideableField]) -> CallerGrant {
        CallerGrant {
            sources: sources.iter().copied().map(str::to_owned).collect(),
            hide: hide.to_vec(),
            when: None,
            rate: None,
        }
    }

    fn visible(grants: &[CallerGrant]) -> VisibleSources {
        visible_of(&grants.iter().collect::<Vec<_>>())
    }

    fn hidden(fields: &[HideableField]) -> HiddenFields {
        fields.iter().copied().collect()
    }

    #[test]
    fn a_caller_sees_the_sources_of_all_its_grants() {
        let seen = visible(&[grant(&["a", "b"], &[]), grant(&["b", "c"], &[])]);
        assert_eq!(seen, VisibleSources::only(["a", "b", "c"]));
        assert_eq!(visible(&[]), VisibleSources::only::<&str>([]));
        assert_eq!(visible(&[grant(&["*"], &[])]), VisibleSources::All);
    }

    #[test]
    fn a_field_is_hidden_where_every_grant_of_the_source_hides_it() {
        let seen = visible(&[
            grant(&["a", "b"], &[Members, Guests]),
            grant(&["b", "c"], &[Guests, Admins]),
        ]);
        assert_eq!(seen.hidden_of("a"), Some(hidden(&[Members, Guests])));
        assert_eq!(seen.hidden_of("b"), Some(hidden(&[Guests])));
        assert_eq!(seen.hidden_of("c"), Some(hidden(&[Guests, Admins])));
        assert_eq!(seen.hidden_of("d"), None);
    }

    #[test]
    fn a_grant_of_every_source_is_one_of_each_that_is_named() {
        let all = grant(&["*"], &[Members, Guests]);
        let seen = visible(&[all.clone(), grant(&["a"], &[Members]), grant(&["b"], &[])]);
        assert_eq!(seen.hidden_of("a"), Some(hidden(&[Members])));
        assert_eq!(seen.hidden_of("b"), Some(hidden(&[])));
        assert_eq!(seen.hidden_of("z"), Some(hidden(&[Members, Guests])));
        // What is seen alike is equal, however it was granted.
        let more = grant(&["a"], &[Members, Guests, Admins]);
        assert_eq!(visible(&[all.clone(), more]), visible(&[all]));
        let named = grant(&["a"], &[Members]);
        assert_eq!(visible(&[grant(&["*"], &[]), named]), VisibleSources::All);
    }

    #[rstest]
    #[case(&[], None)]
    #[case(&[Some("5/s")], Some("5/s"))]
    #[case(&[Some("5/s"), Some("301/m"), Some("10000/h")], Some("301/m"))]
    #[case(&[Some("5/s"), None], None)]
    fn the_most_generous_rate_counts(
        #[case] rates: &[Option<&str>],
        #[case] expected: Option<&str>,
    ) {
        let rate = |text: &&str| text.parse().unwrap();
        let grants = rates.iter().map(|text| CallerGrant {
            rate: text.as_ref().map(rate),
            ..grant(&["a"], &[])
        });
        let grants: Vec<_> = grants.collect();
        let grants: Vec<_> = grants.iter().collect();
        assert_eq!(rate_of(&grants), expected.as_ref().map(rate));
    }
}
