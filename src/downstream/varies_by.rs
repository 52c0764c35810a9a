//! The request headers on which the answers of a caller depend: those by which it is known, and those that the
//! sources which it may see are sent. Of the others it is told nothing.

use std::iter;

use http::{HeaderName, HeaderValue};

use crate::caller::VisibleSources;
use crate::plan::Plan;

/// The request headers by which a caller is known.
const CREDENTIALS: &str = "authorization, x-api-key";

/// What `Vary` names, by what a caller may see.
#[derive(Debug)]
pub(super) struct VariesBy {
    /// The sources that are sent more of a request than its credentials.
    sources: Vec<(Box<str>, Vec<HeaderName>)>,
    /// For who sees all of them.
    all: HeaderValue,
}

impl VariesBy {
    /// What `Vary` names under this plan.
    pub(super) fn new(plan: &Plan) -> Self {
        let is_more = |name: &&HeaderName| !CREDENTIALS.split(", ").any(|known| known == *name);
        let sources = plan.forwarding().filter_map(|(source, names)| {
            let names: Vec<_> = names.iter().filter(is_more).cloned().collect();
            (!names.is_empty()).then(|| (source.into(), names))
        });
        let sources: Vec<(Box<str>, Vec<HeaderName>)> = sources.collect();
        Self {
            all: joined(sources.iter().flat_map(|(_, names)| names)),
            sources,
        }
    }

    /// What it names for who sees this. Nothing is put together where all callers are told the same.
    pub(super) fn of(&self, visible: &VisibleSources) -> HeaderValue {
        let is_seen = |(source, _): &&(Box<str>, Vec<HeaderName>)| visible.allows(source);
        let seen = || self.sources.iter().filter(is_seen);
        match seen().count() {
            0 => HeaderValue::from_static(CREDENTIALS),
            all if all == self.sources.len() => self.all.clone(),
            _ => joined(seen().flat_map(|(_, names)| names)),
        }
    }
}

fn joined<'a>(names: impl Iterator<Item = &'a HeaderName>) -> HeaderValue {
    let mut names: Vec<_> = names.map(HeaderName::as_str).collect();
    names.sort_unstable();
    names.dedup();
    let names: Vec<_> = iter::once(CREDENTIALS).chain(names).collect();
    // Names of headers can stand in one.
    HeaderValue::try_from(names.join(", ")).unwrap_or(HeaderValue::from_static("*"))
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::load;

    #[rstest]
    #[case::all(None, "authorization, x-api-key, x-tenant, x-token")]
    #[case::one(Some(&["wiki"][..]), "authorization, x-api-key, x-tenant")]
    #[case::both(Some(&["club", "wiki"][..]), "authorization, x-api-key, x-tenant, x-token")]
    #[case::one_that_is_sent_credentials(Some(&["plain"][..]), "authorization, x-api-key")]
    #[case::nothing(Some(&[][..]), "authorization, x-api-key")]
    fn a_caller_is_told_of_the_headers_that_its_sources_are_sent(
        #[case] seen: Option<&[&str]>,
        #[case] expected: &str,
    ) {
        let block = |(name, headers)| {
            format!(
                "[upstreams.{name}]\nbase_url = 'http://club.example'\nrequest = {{ path = '/' }}\n\
                 records = '/'\nfields = {{ id = 'id', name = 'name' }}\n\
                 auth = {{ type = 'forward', headers = {headers} }}\n"
            )
        };
        let blocks = [
            ("club", "['x-token', 'authorization']"),
            ("plain", "['authorization']"),
            ("wiki", "['x-tenant']"),
        ];
        let varies_by = VariesBy::new(&load(&blocks.map(block).concat(), &[]).plan);
        let visible = seen.map_or(VisibleSources::All, |names| {
            VisibleSources::only(names.iter().copied())
        });
        assert_eq!(varies_by.of(&visible), expected);
    }
}
