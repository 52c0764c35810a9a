//! How the pages follow each other.
//!
//! The surest sign is tried first: a link to the next page, its URL in the body, a token for it;
//! then numbers, of which two pages tell more than one. Where nothing speaks, that is said.

mod cursor;
mod linked;
mod numbered;
mod size;
mod track;

pub(super) use numbered::is_position;
pub(super) use track::Seen;
use track::{Track, tracks};

use super::guess::{Line, Sureness};
use super::leaves::Place;
use size::Size;

/// How the pages follow each other, and where that is written into the request.
#[derive(Debug)]
pub(super) struct Paging {
    /// The keys of `pagination`.
    pub(super) lines: Vec<Line>,
    pub(super) position: Option<Parameter>,
    pub(super) limit: Option<Parameter>,
    /// Whether each page says all about the next: the request's own position is of no use then.
    pub(super) is_linked: bool,
}

/// A query parameter that says where a page is or how long it is.
#[derive(Debug, Clone)]
pub(super) struct Parameter {
    pub(super) name: String,
    pub(super) placeholder: &'static str,
    pub(super) sureness: Sureness,
    pub(super) why: String,
}

/// What is known of the samples, for every style to look at.
struct Evidence<'s, 'a> {
    seen: &'s [Seen<'a>],
    tracks: &'s [Track],
    size: Option<Size>,
}

/// Guesses the style.
pub(super) fn guess(seen: &[Seen<'_>]) -> Paging {
    let tracks = tracks(seen);
    let evidence = Evidence {
        seen,
        tracks: &tracks,
        size: size::of(seen, &tracks),
    };
    linked::by_header(&evidence)
        .or_else(|| cursor::surely(&evidence))
        // Pages that are counted up to a known end can be fetched concurrently, so that comes
        // before the URL of the next one where an answer has both.
        .or_else(|| numbered::up_to_an_end(&evidence))
        .or_else(|| linked::by_body(&evidence))
        .or_else(|| cursor::likely(&evidence))
        .or_else(|| numbered::guess(&evidence))
        .or_else(|| cursor::after_last_record(&evidence))
        .unwrap_or_else(|| none(&evidence))
}

fn style_line(style: &str, sureness: Sureness, why: &str) -> Line {
    Line::guess("style", style, sureness, why)
}

fn none(evidence: &Evidence<'_, '_>) -> Paging {
    let (sureness, why) = evidence.why_no_pages();
    let mut lines = vec![style_line("none", sureness, &why)];
    if let Some((_, records)) = evidence.full_page() {
        let why = "a list that reaches it is refused, not served short; drop this with the style";
        lines.push(Line::guess(
            "cap",
            records.cast_signed(),
            Sureness::NotSure,
            why,
        ));
    }
    Paging {
        lines,
        position: None,
        limit: None,
        is_linked: false,
    }
}

impl Evidence<'_, '_> {
    /// The first of these names that a track has, in this order.
    fn track(&self, names: &[&str], fits: impl Fn(&Track) -> bool) -> Option<&Track> {
        names.iter().find_map(|name| {
            self.tracks
                .iter()
                .filter(|track| track.name == *name && fits(track))
                .min_by_key(|track| track.depth)
        })
    }

    /// How many records the first page holds.
    fn records(&self) -> u64 {
        self.seen
            .first()
            .map_or(0, |seen| seen.records.len() as u64)
    }

    /// Where a page says how many records there are in all. A number below what is on the pages is
    /// something else, and so is one that is another on each page.
    fn total(&self) -> Option<&Track> {
        const TOTALS: [&str; 17] = [
            "total",
            "totalcount",
            "totalresults",
            "totalitems",
            "totalrecords",
            "totalelements",
            "totalsize",
            "totalhits",
            "totalrows",
            "totalnumber",
            "numfound",
            "odatacount",
            "recordstotal",
            "resultcount",
            "totalentries",
            "totalobjects",
            "hits",
        ];
        let most = self.seen.iter().map(|seen| seen.records.len() as u64).max();
        let fits = |track: &Track| {
            !track.differs()
                && track
                    .numbers()
                    .is_some_and(|numbers| numbers.iter().all(|number| Some(*number) >= most))
        };
        let is_count = |track: &Track| {
            fits(track)
                && track
                    .numbers()
                    .is_some_and(|numbers| Some(numbers[0]) > most)
        };
        self.track(&TOTALS, fits)
            .or_else(|| self.track(&["count", "size"], is_count))
    }

    /// Whether the page says that there is more, or that it is the last; as keys of `pagination`.
    fn flag(&self) -> Option<Line> {
        const MORE: [&str; 11] = [
            "hasmore",
            "hasnext",
            "hasnextpage",
            "istruncated",
            "truncated",
            "more",
            "moreitems",
            "hasmoreitems",
            "moreresults",
            "hasmoreresults",
            "moreavailable",
        ];
        const LAST: [&str; 6] = [
            "islast",
            "islastpage",
            "last",
            "lastpage",
            "done",
            "isfinal",
        ];
        let is_truth = |track: &Track| track.is_truth;
        let (key, track, what) = match self.track(&MORE, is_truth) {
            Some(track) => ("more", track, "whether there are more pages"),
            None => (
                "last",
                self.track(&LAST, is_truth)?,
                "whether it was the last page",
            ),
        };
        let why = format!("by its name, this says {what}");
        Some(Line::guess(
            key,
            track.place.value(),
            Sureness::Likely,
            &why,
        ))
    }

    /// The lines that say how many records to ask for.
    fn limit_lines(&self) -> Vec<Line> {
        self.size.iter().map(Size::line).collect()
    }

    fn limit(&self) -> Option<Parameter> {
        self.size.as_ref().map(Size::parameter)
    }

    /// The parameter of the first sample's URL that says just as many as there are records on the
    /// page, and that number.
    fn full_page(&self) -> Option<(String, u64)> {
        let records = self.records();
        let asked = self.seen.first()?.query();
        let same = |value: &str| value.parse() == Ok(records);
        let (name, _) = asked.into_iter().find(|(_, value)| same(value))?;
        (records > 1).then_some((name, records))
    }

    fn why_no_pages(&self) -> (Sureness, String) {
        let records = self.records();
        if self.seen.is_empty() {
            return (Sureness::NotSure, "no sample could be read".to_owned());
        }
        if let Some(total) = self.total().filter(|total| total.number() == Some(records)) {
            let why = format!(
                "{} says {records}, and so many are on the page, so nothing shows how a longer \
                 list goes on: give a page of one",
                total.place.shown()
            );
            return (Sureness::NotSure, why);
        }
        let silence = "nothing on the page says that there are more, or where";
        if let Some((name, _)) = self.full_page() {
            let why = format!(
                "{silence}; but `{name}` asked for {records} and just as many came, so there may \
                 well be: look up which parameter leads to the next page (an offset, a page \
                 number), or give that page and its URL"
            );
            return (Sureness::NotSure, why);
        }
        let why = match self.size.as_ref().filter(|size| size.number > records) {
            Some(size) => format!(
                "{silence}; it holds {records} of the {} that fit, so it is the last or the only \
                 one: give a full page and its URL to be sure",
                size.number
            ),
            None if records > 0 && records.is_multiple_of(10) => format!(
                "{silence}; but {records} is a round number, so the list may be cut there: ask \
                 the documentation for a limit"
            ),
            None => format!("{silence}: give a page of a longer list and its URL to be sure"),
        };
        (Sureness::NotSure, why)
    }
}

/// What several samples say of one place, for a comment.
fn movement(track: &Track) -> &'static str {
    if track.ends() {
        "; the last sample has none"
    } else if track.differs() {
        "; it is another in each sample"
    } else {
        ""
    }
}

fn place_line(key: &str, place: &Place, sureness: Sureness, why: &str) -> Line {
    Line::guess(key, place.value(), sureness, why)
}
