//! The one spelling of a query: what cursors carry, links repeat and caches compare.
//!
//! Parameters stand in the order of [`PARAMETERS`](super::query::PARAMETERS), lists are sorted, and
//! what is left to its default is left out, so that queries are equal exactly when their spelling is.

use std::borrow::Cow;

use crate::group::Moment;
use percent_encoding::{AsciiSet, utf8_percent_encode};
use sha2::{Digest, Sha256};

use crate::percent::RESERVED;

use super::attributes::{ATTRIBUTE, AttributeFilter};
use super::filter::Deleted;
use super::order::{Direction, Sort};
use super::query::{Limit, Query};

/// Written as they are are also two characters that lists and ids are full of and that mean nothing
/// in a query string.
const ENCODED: &AsciiSet = &RESERVED.remove(b',').remove(b':');

/// How many bytes of a query's digest are kept.
pub(super) const DIGEST_BYTES: usize = 16;

impl Query {
    /// What the query selects, in which order and with which fields: all that the pages of one
    /// sequence share. A query string without `limit` and `cursor`; empty for the default query.
    pub fn canonical(&self) -> String {
        self.pairs()
            .iter()
            .map(|(name, value)| {
                let name = utf8_percent_encode(name, ENCODED);
                format!("{name}={}", utf8_percent_encode(value, ENCODED))
            })
            .collect::<Vec<_>>()
            .join("&")
    }

    /// The query string of the first page of this query's sequence.
    pub fn first_page(&self) -> String {
        let canonical = self.canonical();
        let limit = match self.limit {
            limit if limit == Limit::default() => return canonical,
            Limit::Page(limit) => Cow::Owned(limit.to_string()),
            Limit::All => Cow::Borrowed("all"),
        };
        let separator = if canonical.is_empty() { "" } else { "&" };
        format!("{canonical}{separator}limit={limit}")
    }

    /// What stands for the canonical query where it is too long.
    pub(super) fn digest(&self) -> [u8; DIGEST_BYTES] {
        let digest: [u8; 32] = Sha256::digest(self.canonical()).into();
        let mut kept = [0; DIGEST_BYTES];
        kept.copy_from_slice(&digest[..DIGEST_BYTES]);
        kept
    }

    /// The canonical values of one parameter: none where it is left to its default.
    pub(super) fn values(&self, name: &str) -> Vec<String> {
        self.pairs()
            .into_iter()
            .filter(|(other, _)| *other == name)
            .map(|(_, value)| value.into_owned())
            .collect()
    }

    fn pairs(&self) -> Vec<(Cow<'static, str>, Cow<'_, str>)> {
        let filter = &self.filter;
        let mut pairs = Pairs(Vec::new());
        pairs.text("search", filter.search.as_deref());
        if let Some(sources) = &filter.sources {
            let names: Vec<_> = sources.iter().map(String::as_str).collect();
            pairs.push("source", names.join(","));
        }
        for id in filter.ids.iter().flatten() {
            pairs.push("id", id);
        }
        pairs.text("status", filter.status.as_deref());
        pairs.text("organization_id", filter.organization_id.as_deref());
        pairs.text("external_id", filter.external_id.as_deref());
        pairs.text("member", filter.member.as_deref());
        for AttributeFilter { name, value, .. } in &filter.attributes {
            let name = format!("{ATTRIBUTE}{name}");
            pairs.0.push((name.into(), value.as_str().into()));
        }
        pairs.instant("created_after", filter.created_after);
        pairs.instant("created_before", filter.created_before);
        pairs.instant("updated_after", filter.updated_after);
        pairs.instant("updated_before", filter.updated_before);
        if filter.deleted != Deleted::default() {
            pairs.push("deleted", filter.deleted.as_str());
        }
        if self.sort != Sort::default() {
            pairs.push("sort", spell(&self.sort));
        }
        if let Some(fields) = &self.fields {
            pairs.push("fields", fields.join(","));
        }
        pairs.0
    }
}

/// A sort as a query spells it, without pluses, which few senders encode.
fn spell(sort: &Sort) -> String {
    sort.keys()
        .iter()
        .map(|key| match key.direction {
            Direction::Ascending => key.field.as_str().to_owned(),
            Direction::Descending => format!("-{}", key.field.as_str()),
        })
        .collect::<Vec<_>>()
        .join(",")
}

struct Pairs<'a>(Vec<(Cow<'static, str>, Cow<'a, str>)>);

impl<'a> Pairs<'a> {
    fn push(&mut self, name: &'static str, value: impl Into<Cow<'a, str>>) {
        self.0.push((name.into(), value.into()));
    }

    fn text(&mut self, name: &'static str, value: Option<&'a str>) {
        self.0
            .extend(value.map(|value| (name.into(), value.into())));
    }

    fn instant(&mut self, name: &'static str, value: Option<Moment>) {
        self.0
            .extend(value.map(|value| (name.into(), value.to_string().into())));
    }
}
