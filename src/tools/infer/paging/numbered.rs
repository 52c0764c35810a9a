//! Pages that are counted, in records or by their own number.

use url::Url;

use crate::tools::infer::guess::{Line, Sureness};
use crate::tools::infer::names::plain;

use super::cursor;
use super::{Evidence, Paging, Parameter, Track, place_line, style_line};

/// What a parameter is called that says how many records come before a page, or where a page
/// repeats it.
const OFFSETS: [&str; 10] = [
    "offset",
    "skip",
    "startindex",
    "startat",
    "pageoffset",
    "start",
    "first",
    "firstresult",
    "begin",
    "from",
];

/// What a page's number is called, in the URL or in the page.
const NUMBERS: [&str; 9] = [
    "page",
    "pagenumber",
    "currentpage",
    "pageno",
    "pagenum",
    "pageindex",
    "p",
    "pagepage",
    "number",
];

/// What the number of pages is called.
const PAGES: [&str; 10] = [
    "pages",
    "totalpages",
    "pagecount",
    "totalpage",
    "pagetotal",
    "numpages",
    "lastpage",
    "pagestotal",
    "maxpage",
    "noofpages",
];

/// How pages are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Count {
    Records,
    Pages,
}

/// Where a page says that it is, as far as the samples show.
struct Position {
    count: Count,
    /// The parameter, and the number that the first sample has there or in its body.
    parameter: Parameter,
    first: Option<u64>,
    sureness: Sureness,
    why: String,
}

/// Pages whose position is known, and how many there are.
pub(super) fn up_to_an_end(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    evidence.pages().or(evidence.total())?;
    let position = stepping(evidence)
        .or_else(|| asked(evidence))
        .or_else(|| linked(evidence))?;
    Some(paging(evidence, position))
}

pub(super) fn guess(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    let position = stepping(evidence)
        .or_else(|| asked(evidence))
        .or_else(|| repeated(evidence))
        .or_else(|| announced(evidence))?;
    Some(paging(evidence, position))
}

fn paging(evidence: &Evidence<'_, '_>, position: Position) -> Paging {
    match position.count {
        Count::Records => offset(evidence, position),
        Count::Pages => page(evidence, position),
    }
}

fn is_number(text: &str) -> bool {
    text.parse::<u64>().is_ok()
}

/// The URL of a sample has a parameter that is called as numbers are.
fn asked(evidence: &Evidence<'_, '_>) -> Option<Position> {
    let find = |names: &[&str], count| {
        evidence.seen.iter().find_map(|seen| {
            // Some take `first` for how many there shall be.
            let records = seen.records.len().to_string();
            let (name, value) = seen
                .parameter(names, is_number)
                .filter(|(name, value)| !(plain(name) == "first" && *value == records))?;
            Some((name, value, count))
        })
    };
    let (name, value, count) =
        find(&NUMBERS, Count::Pages).or_else(|| find(&OFFSETS, Count::Records))?;
    let why = format!("a sample was asked with `{name}`");
    Some(Position {
        count,
        first: value.parse().ok(),
        parameter: count.parameter(name, Sureness::Certain, "a sample was asked with it"),
        sureness: Sureness::Certain,
        why,
    })
}

/// The URL of the next page has such a parameter.
fn linked(evidence: &Evidence<'_, '_>) -> Option<Position> {
    let next = evidence
        .tracks
        .iter()
        .filter(|track| track.name.contains("next"));
    let urls = next
        .flat_map(Track::texts)
        .filter_map(|text| Url::parse(text).ok());
    let (name, number, count) = urls.into_iter().find_map(|url| {
        let mut numbers = url.query_pairs().filter_map(|(name, value)| {
            let count = Count::of(&name)?;
            Some((name.into_owned(), value.parse::<u64>().ok()?, count))
        });
        numbers.next()
    })?;
    let why = format!("the URL of the next page has `{name}`");
    Some(Position {
        count,
        first: match count {
            Count::Pages => number.checked_sub(1),
            Count::Records => None,
        },
        parameter: count.parameter(name, Sureness::Certain, "the URL of the next page has it"),
        sureness: Sureness::Certain,
        why,
    })
}

/// The URLs of two samples have a number that grows: by one it is a page, by more an offset.
fn stepping(evidence: &Evidence<'_, '_>) -> Option<Position> {
    let [one, two, ..] = evidence.seen else {
        return None;
    };
    let after = two.query();
    one.query().into_iter().find_map(|(name, before)| {
        let first: u64 = before.parse().ok()?;
        let (_, next) = after.iter().find(|(other, _)| *other == name)?;
        let step = next.parse::<u64>().ok()?.checked_sub(first)?;
        let (by_step, how) = match step {
            0 => return None,
            1 => (Count::Pages, "by one"),
            _ => (Count::Records, "by more than one"),
        };
        let named = Count::of(&name);
        let sureness = if named.is_some() {
            Sureness::Certain
        } else {
            Sureness::Likely
        };
        let count = named.unwrap_or(by_step);
        Some(Position {
            count,
            first: Some(first),
            parameter: count.parameter(name.clone(), Sureness::Certain, "it grows with the page"),
            sureness,
            why: format!("`{name}` grows {how} from one sample to the next"),
        })
    })
}

/// The page repeats what it was asked for.
fn repeated(evidence: &Evidence<'_, '_>) -> Option<Position> {
    let is_number = |track: &Track| track.numbers().is_some();
    let is_paged = evidence.pages().is_some() || evidence.size.is_some();
    let number = evidence.track(&NUMBERS, is_number).filter(|_| is_paged);
    let offset = evidence.track(&OFFSETS, is_number);
    let (count, track) = match (number, offset) {
        (Some(number), _) => (Count::Pages, number),
        (None, Some(offset)) => (Count::Records, offset),
        (None, None) => return None,
    };
    let (name, sureness, why) = count.usual(track);
    Some(Position {
        count,
        first: track.number(),
        parameter: count.parameter(name, sureness, why),
        sureness: Sureness::Likely,
        why: format!("{} says where the page is", track.place.shown()),
    })
}

/// The page says how much there is, and that it is more than is here.
fn announced(evidence: &Evidence<'_, '_>) -> Option<Position> {
    let records = evidence.records();
    if let Some(pages) = evidence.pages() {
        let why = format!("{} says how many pages there are", pages.place.shown());
        let name = "page".to_owned();
        return Some(Position::usual(Count::Pages, name, Sureness::Likely, why));
    }
    let total = evidence
        .total()
        .filter(|total| total.number() > Some(records))?;
    let number = evidence.track(&NUMBERS, |track| track.numbers().is_some());
    let or_page = number.map_or_else(String::new, |number| {
        let place = number.place.shown();
        format!(". It may also be `style = \"page\"`, because of {place}")
    });
    let why = format!(
        "{} says that there are more than the {records} here, but nothing shows how to ask for \
         them; counting records works with any size of page{or_page}",
        total.place.shown()
    );
    let name = "offset".to_owned();
    Some(Position::usual(
        Count::Records,
        name,
        Sureness::NotSure,
        why,
    ))
}

impl Position {
    /// A position that no sample shows.
    fn usual(count: Count, name: String, sureness: Sureness, why: String) -> Self {
        let unseen = "no sample shows which parameter takes the number; this is the usual name";
        Self {
            count,
            first: None,
            parameter: count.parameter(name, Sureness::NotSure, unseen),
            sureness,
            why,
        }
    }
}

impl Count {
    /// What a parameter of this name counts, if its name says so.
    fn of(name: &str) -> Option<Self> {
        let name = plain(name);
        if NUMBERS.contains(&name.as_str()) {
            return Some(Self::Pages);
        }
        OFFSETS.contains(&name.as_str()).then_some(Self::Records)
    }

    fn parameter(self, name: String, sureness: Sureness, why: &str) -> Parameter {
        Parameter {
            name,
            placeholder: match self {
                Self::Records => "{offset}",
                Self::Pages => "{page}",
            },
            sureness,
            why: why.to_owned(),
        }
    }

    /// The parameter for what a page repeats.
    fn usual(self, track: &Track) -> (String, Sureness, &'static str) {
        let same = "the page repeats its value under this name";
        match (self, track.written()) {
            (Self::Pages, Some(written)) if matches!(&*plain(written), "page" | "pagenumber") => {
                (written.to_owned(), Sureness::Likely, same)
            }
            (Self::Records, Some(written)) => (written.to_owned(), Sureness::Likely, same),
            (Self::Pages, _) => (
                "page".to_owned(),
                Sureness::NotSure,
                "this is the usual name",
            ),
            (Self::Records, None) => (
                "offset".to_owned(),
                Sureness::NotSure,
                "this is the usual name",
            ),
        }
    }
}

fn offset(evidence: &Evidence<'_, '_>, position: Position) -> Paging {
    let mut lines = vec![style_line("offset", position.sureness, &position.why)];
    let counts_from_one = position.first == Some(1)
        || matches!(&*plain(&position.parameter.name), "startindex" | "startrow");
    if counts_from_one {
        let why = format!("`{}` counts from 1", position.parameter.name);
        lines.push(Line::guess("first", 1, Sureness::Likely, &why));
    }
    lines.extend(evidence.total().map(total_line));
    lines.extend(absent(evidence.total()));
    finished(evidence, lines, position)
}

fn page(evidence: &Evidence<'_, '_>, position: Position) -> Paging {
    let mut lines = vec![style_line("page", position.sureness, &position.why)];
    let shown = evidence
        .track(&NUMBERS, |track| track.numbers().is_some())
        .and_then(Track::number);
    let first = [position.first, shown]
        .into_iter()
        .flatten()
        .find(|number| *number < 2);
    lines.push(match first {
        Some(0) => Line::guess("first", 0, Sureness::Likely, "a sample is page 0"),
        Some(_) => Line::guess("first", 1, Sureness::Likely, "a sample is page 1"),
        None => Line::guess("first", 1, Sureness::NotSure, "no sample is the first page"),
    });
    let pages = evidence.pages();
    lines.extend(pages.map(|pages| {
        let why = "by its name; the pages after the first are then fetched concurrently";
        place_line("pages", &pages.place, Sureness::Certain, why)
    }));
    lines.extend(evidence.total().map(total_line));
    lines.extend(absent(pages.or(evidence.total())));
    finished(evidence, lines, position)
}

fn total_line(total: &Track) -> Line {
    let why = if total.texts().count() > 1 {
        "by its name; the same in each sample"
    } else {
        "by its name; no less than there are records on the page"
    };
    place_line("total", &total.place, Sureness::Certain, why)
}

fn finished(evidence: &Evidence<'_, '_>, mut lines: Vec<Line>, position: Position) -> Paging {
    if evidence.total().is_none() && evidence.pages().is_none() {
        let flag = evidence.flag();
        if flag.is_none() {
            lines.push(Line::remark(
                "Nothing says how much there is, so the walk goes on until a page is empty.",
            ));
        }
        lines.extend(flag);
    }
    lines.extend(evidence.limit_lines());
    Paging {
        lines,
        position: Some(position.parameter),
        limit: evidence.limit(),
        is_linked: false,
    }
}

impl Evidence<'_, '_> {
    fn pages(&self) -> Option<&Track> {
        self.track(&PAGES, |track| {
            track.numbers().is_some() && !track.differs()
        })
    }
}

/// What it means that a sample does not say how much there is.
fn absent(track: Option<&Track>) -> Option<Line> {
    let why = "a sample does not say it, so it was the only page";
    track
        .filter(|track| track.is_missing_somewhere())
        .map(|_| Line::guess("absent", "end", Sureness::Likely, why))
}

/// Whether a parameter of a URL is called as numbers of pages and records are.
pub(super) fn is_number_of(name: &str) -> bool {
    Count::of(name).is_some()
}

/// Whether a parameter of a URL says where a page is.
pub(in crate::tools::infer) fn is_position(name: &str) -> bool {
    is_number_of(name) || cursor::PARAMETERS.contains(&plain(name).as_str())
}
