//! How many records a page is asked for.

use url::Url;

use crate::tools::infer::guess::{Confidence, ProposedLine};
use crate::tools::infer::names::plain;
use crate::tools::infer::words::WordList;
use crate::upstream::pager::link::next_link;

use super::guess::QueryParameter;
use super::series::{LeafSeries, PageSample};

/// Names of the page size, in the URL or in the page.
const NAMES: WordList = WordList(
    "limit perpage pagesize maxitems maxresults itemsperpage pagelimit count size top rows take \
     max num results maxrecords length fetch resultsperpage",
);

/// How many records a page has, and which parameter says so.
#[derive(Debug, Clone)]
pub(super) struct PageSize {
    pub(super) number: u64,
    name: String,
    confidence: Confidence,
    why: String,
}

pub(super) fn of(seen: &[PageSample<'_>], series: &[LeafSeries]) -> Option<PageSize> {
    requested(seen)
        .or_else(|| matched(seen))
        .or_else(|| linked(seen, series))
        .or_else(|| repeated(seen, series))
}

fn is_size(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|number| number > 0)
}

/// It is in the URL of a sample.
fn requested(seen: &[PageSample<'_>]) -> Option<PageSize> {
    let (name, value) = seen
        .iter()
        .find_map(|seen| seen.parameter(NAMES, is_size))?;
    Some(PageSize {
        number: value.parse().ok()?,
        name,
        confidence: Confidence::Clear,
        why: "it is in the sample's request".to_owned(),
    })
}

/// A number in the URL of each sample is just as many as there are records on the first page.
fn matched(seen: &[PageSample<'_>]) -> Option<PageSize> {
    let [first, _, ..] = seen else {
        return None;
    };
    let number = first.records.len() as u64;
    let (name, _) = first.parameters().into_iter().find(|(name, value)| {
        let is_everywhere = seen.iter().all(|seen| {
            let query = seen.parameters();
            query
                .iter()
                .any(|(other, same)| other == name && same == value)
        });
        number > 1 && is_everywhere && value.parse() == Ok(number)
    })?;
    Some(PageSize {
        number,
        name,
        confidence: Confidence::Likely,
        why: "it is in each sample's request, and the first page has as many records".to_owned(),
    })
}

/// It is in the URL of the page after a sample.
fn linked(seen: &[PageSample<'_>], series: &[LeafSeries]) -> Option<PageSize> {
    let headers = seen
        .iter()
        .filter_map(|seen| next_link(seen.headers, seen.url).ok()?);
    let body = series.iter().flat_map(LeafSeries::texts).map(str::to_owned);
    headers.chain(body).find_map(|text| {
        let url = Url::parse(&text).ok()?;
        let mut parameters = url.query_pairs();
        let is_named = |name: &str| NAMES.contains(&plain(name));
        let (name, value) = parameters.find(|(name, value)| is_named(name) && is_size(value))?;
        Some(PageSize {
            number: value.parse().ok()?,
            name: name.into_owned(),
            confidence: Confidence::Likely,
            why: "the URL of the next page has it".to_owned(),
        })
    })
}

/// The page repeats it, so a parameter sets it.
fn repeated(seen: &[PageSample<'_>], series: &[LeafSeries]) -> Option<PageSize> {
    let most = seen.iter().map(|seen| seen.records.len() as u64).max()?;
    let size = |one: &LeafSeries| {
        let number = one.number().filter(|number| *number >= most.max(1))?;
        u32::try_from(number).ok()
    };
    let (one, number) = NAMES
        .iter()
        // These may as well say how many records the page holds, or how many there are.
        .filter(|name| !matches!(*name, "count" | "size" | "results" | "length"))
        .find_map(|name| {
            let mut named = series.iter().filter(|one| one.name == *name);
            named.find_map(|one| Some((one, size(one)?)))
        })?;
    let name = match (one.name.as_str(), one.written()) {
        // RFC 7644, section 3.4.2.4: `count` asks for `itemsPerPage`.
        ("itemsperpage", _) => "count",
        ("resultsperpage", _) => "limit",
        (_, Some(written)) => written,
        ("perpage", None) => "per_page",
        (name, None) => name,
    };
    Some(PageSize {
        number: number.into(),
        name: name.to_owned(),
        confidence: Confidence::Likely,
        why: format!("{} repeats it", one.place.shown()),
    })
}

impl PageSize {
    pub(super) fn line(&self) -> ProposedLine {
        let number = i64::try_from(self.number).unwrap_or(i64::MAX);
        let why = format!("{}; larger pages are faster, where allowed", self.why);
        ProposedLine::guess("limit", number, self.confidence, &why)
    }

    pub(super) fn parameter(&self) -> QueryParameter {
        QueryParameter::new(&self.name, "{limit}", self.confidence, &self.why)
    }
}
