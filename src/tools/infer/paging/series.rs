//! One place beside the records, over all samples.

use http::HeaderMap;
use url::Url;

use crate::tools::infer::leaves::{Leaf, LeafPlace};
use crate::tools::infer::names::plain_parameter;
use crate::tools::infer::part::SampleValue;
use crate::tools::infer::sent::SentBody;
use crate::tools::infer::words::WordList;

/// The parts of a sample that paging looks at.
#[derive(Debug)]
pub(in crate::tools::infer) struct PageSample<'a> {
    pub(in crate::tools::infer) url: Option<&'a Url>,
    pub(in crate::tools::infer) sent_body: &'a SentBody,
    pub(in crate::tools::infer) headers: &'a HeaderMap,
    pub(in crate::tools::infer) leaves: Vec<Leaf>,
    pub(in crate::tools::infer) records: Vec<SampleValue<'a>>,
}

impl PageSample<'_> {
    /// The query of its URL, decoded, and what its body says. A member of a JSON body is named by
    /// its path.
    pub(in crate::tools::infer) fn parameters(&self) -> Vec<(String, String)> {
        let mut parameters = self.query();
        parameters.extend(self.sent_body.parameters());
        parameters
    }

    /// The query of its URL, decoded.
    pub(in crate::tools::infer) fn query(&self) -> Vec<(String, String)> {
        self.url.map_or_else(Vec::new, |url| {
            let pairs = url.query_pairs();
            pairs
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect()
        })
    }

    /// The parameter whose plain name comes first in `names`, and whose value passes a test.
    pub(super) fn parameter(
        &self,
        names: WordList,
        fits: impl Fn(&str) -> bool,
    ) -> Option<(String, String)> {
        let query = self.parameters();
        names.iter().find_map(|wanted| {
            let found = query
                .iter()
                .find(|(name, value)| plain_parameter(name) == wanted && fits(value));
            found.cloned()
        })
    }
}

/// One place beside the records, over all samples.
#[derive(Debug)]
pub(in crate::tools::infer) struct LeafSeries {
    pub(super) place: LeafPlace,
    pub(super) name: String,
    pub(super) depth: usize,
    pub(super) is_boolean: bool,
    /// The leaf of each sample.
    pub(super) leaves: Vec<Option<Leaf>>,
}

/// Every place that a sample has, with its leaf in each.
pub(in crate::tools::infer) fn leaf_series(seen: &[PageSample<'_>]) -> Vec<LeafSeries> {
    let mut series: Vec<LeafSeries> = Vec::new();
    for (sample, seen_here) in seen.iter().enumerate() {
        for leaf in &seen_here.leaves {
            let known = series.iter().position(|one| one.place == leaf.place);
            let index = known.unwrap_or_else(|| {
                series.push(LeafSeries {
                    place: leaf.place.clone(),
                    name: leaf.name.clone(),
                    depth: leaf.depth,
                    is_boolean: true,
                    leaves: vec![None; seen.len()],
                });
                series.len() - 1
            });
            series[index].is_boolean &= leaf.is_boolean;
            series[index].leaves[sample] = Some(leaf.clone());
        }
    }
    series
}

impl LeafSeries {
    /// Its texts, in the samples that have one.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.leaves
            .iter()
            .flatten()
            .filter_map(|leaf| leaf.text.as_deref())
    }

    /// Its texts as numbers; `None` if one is not a number, or there is none.
    pub(super) fn numbers(&self) -> Option<Vec<u64>> {
        let numbers: Option<Vec<_>> = self.leaves.iter().flatten().map(Leaf::number).collect();
        numbers.filter(|numbers| !numbers.is_empty())
    }

    /// Its first number.
    pub(super) fn number(&self) -> Option<u64> {
        self.numbers()?.first().copied()
    }

    /// The name that it has in the page.
    pub(super) fn written(&self) -> Option<&str> {
        self.leaves.iter().flatten().find_map(Leaf::written)
    }

    /// Whether its text differs between samples.
    pub(super) fn differs(&self) -> bool {
        let mut texts = self.texts();
        let first = texts.next();
        texts.any(|text| Some(text) != first)
    }

    /// Whether it is empty in the last sample and not in one before.
    pub(super) fn ends(&self) -> bool {
        let has_text = |leaf: &Option<Leaf>| leaf.as_ref().is_some_and(|leaf| leaf.text.is_some());
        match self.leaves.split_last() {
            Some((last, before)) => !has_text(last) && before.iter().any(has_text),
            None => false,
        }
    }

    /// Whether a sample lacks it.
    pub(super) fn is_missing_somewhere(&self) -> bool {
        self.leaves.iter().any(Option::is_none)
    }
}
