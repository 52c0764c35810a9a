//! How many records a page is asked for.

use url::Url;

use crate::tools::infer::guess::{Line, Sureness};
use crate::upstream::pager::link::next_link;

use super::{Parameter, Seen, Track};

/// What a parameter for the size of a page is called, or the place where a page repeats it.
const NAMES: [&str; 19] = [
    "limit",
    "perpage",
    "pagesize",
    "maxitems",
    "maxresults",
    "itemsperpage",
    "pagelimit",
    "count",
    "size",
    "top",
    "rows",
    "take",
    "max",
    "num",
    "results",
    "maxrecords",
    "length",
    "fetch",
    "resultsperpage",
];

/// How many records a page is asked for, and how.
#[derive(Debug, Clone)]
pub(super) struct Size {
    pub(super) number: u64,
    name: String,
    sureness: Sureness,
    why: String,
}

pub(super) fn of(seen: &[Seen<'_>], tracks: &[Track]) -> Option<Size> {
    asked(seen)
        .or_else(|| matched(seen))
        .or_else(|| linked(seen, tracks))
        .or_else(|| repeated(seen, tracks))
}

fn is_size(text: &str) -> bool {
    text.parse::<u32>().is_ok_and(|number| number > 0)
}

/// It stands in the URL of a sample.
fn asked(seen: &[Seen<'_>]) -> Option<Size> {
    let (name, value) = seen
        .iter()
        .find_map(|seen| seen.parameter(&NAMES, is_size))?;
    Some(Size {
        number: value.parse().ok()?,
        name,
        sureness: Sureness::Certain,
        why: "the sample was asked with it".to_owned(),
    })
}

/// A number in the URL of each sample is just as many as there are records on the first page.
fn matched(seen: &[Seen<'_>]) -> Option<Size> {
    let [first, _, ..] = seen else {
        return None;
    };
    let number = first.records.len() as u64;
    let (name, _) = first.query().into_iter().find(|(name, value)| {
        let is_everywhere = seen.iter().all(|seen| {
            let query = seen.query();
            query
                .iter()
                .any(|(other, same)| other == name && same == value)
        });
        number > 1 && is_everywhere && value.parse() == Ok(number)
    })?;
    Some(Size {
        number,
        name,
        sureness: Sureness::Likely,
        why: "each sample was asked with it, and the first holds just as many".to_owned(),
    })
}

/// It stands in the URL of the page after a sample.
fn linked(seen: &[Seen<'_>], tracks: &[Track]) -> Option<Size> {
    let headers = seen.iter().filter_map(|seen| next_link(seen.headers).ok()?);
    let body = tracks.iter().flat_map(Track::texts).map(str::to_owned);
    headers.chain(body).find_map(|text| {
        let url = Url::parse(&text).ok()?;
        let mut parameters = url.query_pairs();
        let is_named =
            |name: &str| NAMES.contains(&crate::tools::infer::names::plain(name).as_str());
        let (name, value) = parameters.find(|(name, value)| is_named(name) && is_size(value))?;
        Some(Size {
            number: value.parse().ok()?,
            name: name.into_owned(),
            sureness: Sureness::Likely,
            why: "the URL of the next page has it".to_owned(),
        })
    })
}

/// The page repeats it, so it can be asked for.
fn repeated(seen: &[Seen<'_>], tracks: &[Track]) -> Option<Size> {
    let most = seen.iter().map(|seen| seen.records.len() as u64).max()?;
    let size = |track: &Track| {
        let number = track.number().filter(|number| *number >= most.max(1))?;
        u32::try_from(number).ok()
    };
    let (track, number) = NAMES
        .iter()
        // These may as well say how many records the page holds, or how many there are.
        .filter(|name| !matches!(**name, "count" | "size" | "results" | "length"))
        .find_map(|name| {
            let mut named = tracks.iter().filter(|track| track.name == *name);
            named.find_map(|track| Some((track, size(track)?)))
        })?;
    let name = match (track.name.as_str(), track.written()) {
        // RFC 7644, section 3.4.2.4: `count` asks for `itemsPerPage`.
        ("itemsperpage", _) => "count",
        ("resultsperpage", _) => "limit",
        (_, Some(written)) => written,
        ("perpage", None) => "per_page",
        (name, None) => name,
    };
    Some(Size {
        number: number.into(),
        name: name.to_owned(),
        sureness: Sureness::Likely,
        why: format!("{} repeats it", track.place.shown()),
    })
}

impl Size {
    pub(super) fn line(&self) -> Line {
        let number = i64::try_from(self.number).unwrap_or(i64::MAX);
        let why = format!(
            "{}; more on a page is faster, where it is allowed",
            self.why
        );
        Line::guess("limit", number, self.sureness, &why)
    }

    pub(super) fn parameter(&self) -> Parameter {
        Parameter {
            name: self.name.clone(),
            placeholder: "{limit}",
            sureness: self.sureness,
            why: self.why.clone(),
        }
    }
}
