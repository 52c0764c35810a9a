//! Pages that are counted, in records or by their own number.

use url::Url;

use crate::tools::infer::guess::{Confidence, ProposedLine};
use crate::tools::infer::names::plain_parameter;
use crate::tools::infer::words::WordList;

use super::evidence::Evidence;
use super::guess::{PagingGuess, QueryParameter};
use super::parameters::{CountedBy, NUMBERS, OFFSETS};
use super::series::LeafSeries;

/// Names of the number of pages.
const PAGES: WordList = WordList(
    "pages totalpages pagecount totalpage pagetotal numpages lastpage pagestotal maxpage \
     noofpages",
);

/// Where a page says that it is, as far as the samples show.
struct PositionGuess {
    count: CountedBy,
    /// The parameter, and the number that the first sample has there or in its body.
    parameter: QueryParameter,
    first: Option<u64>,
    confidence: Confidence,
    why: String,
}

/// Pages whose position is known, and how many there are.
pub(super) fn up_to_an_end(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    evidence.pages().or(evidence.total())?;
    let position = stepping(evidence)
        .or_else(|| requested(evidence))
        .or_else(|| linked(evidence))?;
    Some(paging(evidence, position))
}

pub(super) fn guess(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    let position = stepping(evidence)
        .or_else(|| requested(evidence))
        .or_else(|| repeated(evidence))
        .or_else(|| announced(evidence))?;
    Some(paging(evidence, position))
}

fn paging(evidence: &Evidence<'_, '_>, position: PositionGuess) -> PagingGuess {
    let (style, first, pages) = match position.count {
        CountedBy::Records => ("offset", first_record(&position), None),
        CountedBy::Pages => {
            let first = first_page(evidence, &position);
            ("page", Some(first), evidence.pages())
        }
    };
    let style = ProposedLine::guess("style", style, position.confidence, &position.why);
    let mut lines = vec![style];
    lines.extend(first);
    lines.extend(pages.map(|pages| {
        let why = "by its name; the pages after the first are then fetched concurrently";
        ProposedLine::clear("pages", &pages.place, why)
    }));
    lines.extend(evidence.total().map(total_line));
    lines.extend(absent(pages.or(evidence.total())));
    if evidence.total().is_none() && evidence.pages().is_none() {
        let flag = evidence.flag();
        if flag.is_none() {
            lines.push(ProposedLine::remark(
                "There is no total, so the walk goes on until a page is empty.",
            ));
        }
        lines.extend(flag);
    }
    evidence.paged(lines, Some(position.parameter))
}

fn is_number(text: &str) -> bool {
    text.parse::<u64>().is_ok()
}

/// The URL of a sample has a parameter that is called as numbers are.
fn requested(evidence: &Evidence<'_, '_>) -> Option<PositionGuess> {
    let find = |names: WordList, count| {
        evidence.seen.iter().find_map(|seen| {
            // Some take `first` for how many there shall be.
            let records = seen.records.len().to_string();
            let (name, value) = seen
                .parameter(names, is_number)
                .filter(|(name, value)| !(plain_parameter(name) == "first" && *value == records))?;
            Some((name, value, count))
        })
    };
    let (name, value, count) =
        find(NUMBERS, CountedBy::Pages).or_else(|| find(OFFSETS, CountedBy::Records))?;
    let why = format!("a sample's request has `{name}`");
    Some(PositionGuess {
        count,
        first: value.parse().ok(),
        parameter: count.parameter(name, Confidence::Clear, "it is in a sample's request"),
        confidence: Confidence::Clear,
        why,
    })
}

/// The URL of the next page has such a parameter.
fn linked(evidence: &Evidence<'_, '_>) -> Option<PositionGuess> {
    let next = evidence
        .series
        .iter()
        .filter(|series| series.name.contains("next"));
    let urls = next
        .flat_map(LeafSeries::texts)
        .filter_map(|text| Url::parse(text).ok());
    let (name, number, count) = urls.into_iter().find_map(|url| {
        let mut numbers = url.query_pairs().filter_map(|(name, value)| {
            let count = CountedBy::of(&name)?;
            Some((name.into_owned(), value.parse::<u64>().ok()?, count))
        });
        numbers.next()
    })?;
    let why = format!("the URL of the next page has `{name}`");
    Some(PositionGuess {
        count,
        first: match count {
            CountedBy::Pages => number.checked_sub(1),
            CountedBy::Records => None,
        },
        parameter: count.parameter(name, Confidence::Clear, "the URL of the next page has it"),
        confidence: Confidence::Clear,
        why,
    })
}

/// The URLs of two samples have a number that grows: by one it is a page, by more an offset.
fn stepping(evidence: &Evidence<'_, '_>) -> Option<PositionGuess> {
    let [one, two, ..] = evidence.seen else {
        return None;
    };
    let after = two.parameters();
    one.parameters().into_iter().find_map(|(name, before)| {
        let first: u64 = before.parse().ok()?;
        let (_, next) = after.iter().find(|(other, _)| *other == name)?;
        let step = next.parse::<u64>().ok()?.checked_sub(first)?;
        let (by_step, how) = match step {
            0 => return None,
            1 => (CountedBy::Pages, "by one"),
            _ => (CountedBy::Records, "by more than one"),
        };
        let named = CountedBy::of(&name);
        let confidence = if named.is_some() {
            Confidence::Clear
        } else {
            Confidence::Likely
        };
        let count = named.unwrap_or(by_step);
        Some(PositionGuess {
            count,
            first: Some(first),
            parameter: count.parameter(name.clone(), Confidence::Clear, "it grows with the page"),
            confidence,
            why: format!("`{name}` grows {how} from one sample to the next"),
        })
    })
}

/// The page repeats its position.
fn repeated(evidence: &Evidence<'_, '_>) -> Option<PositionGuess> {
    let is_number = |series: &LeafSeries| series.numbers().is_some();
    let is_paged = evidence.pages().is_some() || evidence.size.is_some();
    let number = evidence.named(NUMBERS, is_number).filter(|_| is_paged);
    let offset = evidence.named(OFFSETS, is_number);
    let (count, series) = match (number, offset) {
        (Some(number), _) => (CountedBy::Pages, number),
        (None, Some(offset)) => (CountedBy::Records, offset),
        (None, None) => return None,
    };
    let (name, confidence, why) = count.usual(series);
    Some(PositionGuess {
        count,
        first: series.number(),
        parameter: count.parameter(name, confidence, why),
        confidence: Confidence::Likely,
        why: format!("{} is the position of the page", series.place.shown()),
    })
}

/// The page says how much there is, and that it is more than is here.
fn announced(evidence: &Evidence<'_, '_>) -> Option<PositionGuess> {
    let records = evidence.records();
    if let Some(pages) = evidence.pages() {
        let why = format!("{} is the number of pages", pages.place.shown());
        let name = "page".to_owned();
        return Some(PositionGuess::usual(
            CountedBy::Pages,
            name,
            Confidence::Likely,
            why,
        ));
    }
    let total = evidence
        .total()
        .filter(|total| total.number() > Some(records))?;
    let number = evidence.named(NUMBERS, |series| series.numbers().is_some());
    let or_page = number.map_or_else(String::new, |number| {
        let place = number.place.shown();
        format!(". It may also be `style = \"page\"`, because of {place}")
    });
    let why = format!(
        "{} exceeds the {records} records here, but nothing shows how to request the rest; \
         counting records works with any page size{or_page}",
        total.place.shown()
    );
    let name = "offset".to_owned();
    Some(PositionGuess::usual(
        CountedBy::Records,
        name,
        Confidence::NotSure,
        why,
    ))
}

impl PositionGuess {
    /// A position that no sample shows.
    fn usual(count: CountedBy, name: String, confidence: Confidence, why: String) -> Self {
        let unseen = "no sample shows which parameter takes the number; this is the usual name";
        Self {
            count,
            first: None,
            parameter: count.parameter(name, Confidence::NotSure, unseen),
            confidence,
            why,
        }
    }
}

/// `first` of an offset that does not count from 0.
fn first_record(position: &PositionGuess) -> Option<ProposedLine> {
    let name = &position.parameter.name;
    let counts_from_one =
        position.first == Some(1) || matches!(&*plain_parameter(name), "startindex" | "startrow");
    let why = format!("`{name}` counts from 1");
    counts_from_one.then(|| ProposedLine::likely("first", 1, &why))
}

fn first_page(evidence: &Evidence<'_, '_>, position: &PositionGuess) -> ProposedLine {
    let shown = evidence
        .named(NUMBERS, |series| series.numbers().is_some())
        .and_then(LeafSeries::number);
    let mut numbers = [position.first, shown].into_iter().flatten();
    match numbers.find(|number| *number < 2) {
        Some(0) => ProposedLine::likely("first", 0, "a sample is page 0"),
        Some(_) => ProposedLine::likely("first", 1, "a sample is page 1"),
        None => ProposedLine::not_sure("first", 1, "no sample is the first page"),
    }
}

fn total_line(total: &LeafSeries) -> ProposedLine {
    let why = if total.texts().count() > 1 {
        "by its name; the same in each sample"
    } else {
        "by its name; no less than there are records on the page"
    };
    ProposedLine::clear("total", &total.place, why)
}

impl Evidence<'_, '_> {
    fn pages(&self) -> Option<&LeafSeries> {
        self.named(PAGES, |series| {
            series.numbers().is_some() && !series.differs()
        })
    }
}

/// What it means that a sample does not say how much there is.
fn absent(series: Option<&LeafSeries>) -> Option<ProposedLine> {
    let why = "a sample lacks it, so it was the only page";
    series
        .filter(|series| series.is_missing_somewhere())
        .map(|_| ProposedLine::likely("absent", "end", why))
}
