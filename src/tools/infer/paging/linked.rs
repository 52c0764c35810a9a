//! Pages that name the next one by its URL, in the `Link` header or in the body.

use http::header::LINK;
use url::Url;

use crate::tools::infer::guess::{Confidence, ProposedLine};
use crate::tools::infer::leaves::LeafPlace;
use crate::tools::infer::shape::is_reference;
use crate::tools::infer::words::WordList;
use crate::upstream::pager::link::next_link;

use super::evidence::{Evidence, movement};
use super::guess::PagingGuess;
use super::series::{LeafSeries, PageSample};

pub(super) fn by_header(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    let links: Vec<_> = evidence
        .seen
        .iter()
        .map(|seen| next_link(seen.headers, seen.url).ok().flatten())
        .collect();
    let style = if links.iter().any(Option::is_some) {
        let ends = links.last().is_some_and(Option::is_none);
        let why = if ends {
            "the `Link` header names the next page (RFC 8288), and the last sample has none"
        } else {
            "the `Link` header names the next page (RFC 8288)"
        };
        ProposedLine::clear("style", "link", why)
    } else {
        evidence.seen.iter().find(|seen| has_other_links(seen))?;
        let why = "there is a `Link` header for other pages, so this is the last one";
        ProposedLine::likely("style", "link", why)
    };
    let goes_on = links.last().is_some_and(Option::is_some);
    let empty_page = goes_on.then(|| empty_end(evidence)).flatten();
    let keys = [style].into_iter().chain(empty_page).collect();
    let targets = links.iter().flatten().map(String::as_str);
    Some(linked(evidence, keys, targets))
}

/// Whether the `Link` header names the first, the previous or the last page.
fn has_other_links(seen: &PageSample<'_>) -> bool {
    let fields = seen.headers.get_all(LINK);
    let texts = fields.iter().filter_map(|field| field.to_str().ok());
    let relations = ["first", "prev", "previous", "last"];
    texts.flat_map(|text| text.split(';')).any(|parameter| {
        let value = parameter.trim().strip_prefix("rel=");
        let value = value.map(|value| value.split(',').next().unwrap_or(value));
        value.is_some_and(|value| relations.contains(&value.trim().trim_matches('"')))
    })
}

pub(super) fn by_body(evidence: &Evidence<'_, '_>) -> Option<PagingGuess> {
    const ALWAYS_URLS: WordList =
        WordList("odatanextlink nextlink nexturl nexturi nexthref nextpageurl nextpagelink");
    const MAY_BE_URLS: WordList = WordList("next nextpage href");
    let is_url = |series: &LeafSeries| {
        let is_next = series.name != "href" || is_below_next(series);
        let mut texts = series.texts().peekable();
        is_next && texts.peek().is_some() && texts.all(is_reference)
    };
    let is_empty = |series: &LeafSeries| series.texts().next().is_none();
    let found =
        (evidence.named(ALWAYS_URLS, is_url)).or_else(|| evidence.named(MAY_BE_URLS, is_url));
    let (series, confidence, why) = if let Some(series) = found {
        let why = format!("it is the URL of another page{}", movement(series));
        (series, Confidence::Clear, why)
    } else {
        let series = evidence.named(ALWAYS_URLS, is_empty)?;
        let why = "by its name; it is empty here, so this was the last page".to_owned();
        (series, Confidence::Likely, why)
    };
    let place = series.place.shown();
    let mut lines = vec![
        ProposedLine::guess(
            "style",
            "next_url",
            confidence,
            &format!("{place} names the next page"),
        ),
        ProposedLine::guess("next", &series.place, confidence, &why),
    ];
    // Some name a next page on the last one too, so where no sample shows the URL run out, a flag
    // beside it counts.
    if !series.ends() {
        lines.extend(evidence.flag().or_else(|| empty_end(evidence)));
    }
    Some(linked(evidence, lines, series.texts()))
}

/// That the list ends at a page without records, if the last of several samples is one. It names a next page.
fn empty_end(evidence: &Evidence<'_, '_>) -> Option<ProposedLine> {
    let [_, .., last] = evidence.seen else {
        return None;
    };
    let why = "the last sample has no records, and names a next page all the same";
    (last.records.is_empty()).then(|| ProposedLine::clear("empty_page", "end", why))
}

/// Whether an `href` is a member of `next`.
fn is_below_next(series: &LeafSeries) -> bool {
    match &series.place {
        LeafPlace::Body(path) => matches!(path.segments(), [.., around, _] if around == "next"),
        LeafPlace::Header(_) => false,
    }
}

fn linked<'t>(
    evidence: &Evidence<'_, '_>,
    mut lines: Vec<ProposedLine>,
    targets: impl Iterator<Item = &'t str>,
) -> PagingGuess {
    let origin = evidence
        .seen
        .iter()
        .find_map(|seen| seen.url)
        .map(Url::origin);
    let leads_elsewhere = targets
        .filter_map(|target| Url::parse(target).ok())
        .any(|target| {
            origin
                .as_ref()
                .is_some_and(|origin| *origin != target.origin())
        });
    if leads_elsewhere {
        lines.push(ProposedLine::remark(
            "The next page is on another origin than the sample, and groupgate does not follow it: \
             use that origin in `base_url` if it belongs to the API.",
        ));
    }
    PagingGuess {
        is_linked: true,
        ..evidence.paged(lines, None)
    }
}
