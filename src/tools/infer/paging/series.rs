//! One place beside the records, over all samples.

use http::HeaderMap;
use url::Url;

use crate::tools::infer::leaves::{Leaf, LeafPlace};
use crate::tools::infer::names::plain;
use crate::tools::infer::part::SampleValue;
use crate::tools::infer::words::WordList;

/// What paging sees of one sample.
#[derive(Debug)]
pub(in crate::tools::infer) struct PageSample<'a> {
    pub(in crate::tools::infer) url: Option<&'a Url>,
    pub(in crate::tools::infer) headers: &'a HeaderMap,
    pub(in crate::tools::infer) leaves: Vec<Leaf>,
    pub(in crate::tools::infer) records: Vec<SampleValue<'a>>,
}

impl PageSample<'_> {
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
        let query = self.query();
        names.iter().find_map(|wanted| {
            let found = query
                .iter()
                .find(|(name, value)| plain(name) == wanted && fits(value));
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
    pub(super) is_truth: bool,
    /// What each sample has there.
    pub(super) leaves: Vec<Option<Leaf>>,
}

/// The places that any sample has, with what each of them says.
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
                    is_truth: true,
                    leaves: vec![None; seen.len()],
                });
                series.len() - 1
            });
            series[index].is_truth &= leaf.is_truth;
            series[index].leaves[sample] = Some(leaf.clone());
        }
    }
    series
}

impl LeafSeries {
    /// What it says, in the samples where it says something.
    pub(super) fn texts(&self) -> impl Iterator<Item = &str> {
        self.leaves
            .iter()
            .flatten()
            .filter_map(|leaf| leaf.text.as_deref())
    }

    /// The numbers that it says; `None` if it says anything else, or nothing.
    pub(super) fn numbers(&self) -> Option<Vec<u64>> {
        let numbers: Option<Vec<_>> = self.leaves.iter().flatten().map(Leaf::number).collect();
        numbers.filter(|numbers| !numbers.is_empty())
    }

    /// The first number that it says.
    pub(super) fn number(&self) -> Option<u64> {
        self.numbers()?.first().copied()
    }

    /// The name that it has in the page.
    pub(super) fn written(&self) -> Option<&str> {
        self.leaves.iter().flatten().find_map(Leaf::written)
    }

    /// Whether two samples say different things.
    pub(super) fn differs(&self) -> bool {
        let mut texts = self.texts();
        let first = texts.next();
        texts.any(|text| Some(text) != first)
    }

    /// Whether the last sample says nothing where one before it did.
    pub(super) fn ends(&self) -> bool {
        let says = |leaf: &Option<Leaf>| leaf.as_ref().is_some_and(|leaf| leaf.text.is_some());
        match self.leaves.split_last() {
            Some((last, before)) => !says(last) && before.iter().any(says),
            None => false,
        }
    }

    /// Whether a sample lacks it.
    pub(super) fn is_missing_somewhere(&self) -> bool {
        self.leaves.iter().any(Option::is_none)
    }
}
