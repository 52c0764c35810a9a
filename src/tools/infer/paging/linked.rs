//! Pages that name the next one by its URL, in the `Link` header or in the body.

use http::header::LINK;
use url::Url;

use crate::tools::infer::guess::{Line, Sureness};
use crate::tools::infer::shape::is_reference;
use crate::upstream::pager::link::next_link;

use super::{Evidence, Paging, Seen, Track, movement, place_line, style_line};

pub(super) fn by_header(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    let links: Vec<_> = evidence
        .seen
        .iter()
        .map(|seen| next_link(seen.headers).ok().flatten())
        .collect();
    let style = if links.iter().any(Option::is_some) {
        let ends = links.last().is_some_and(Option::is_none);
        let why = if ends {
            "the `Link` header names the next page (RFC 8288), and the last sample has none"
        } else {
            "the `Link` header names the next page (RFC 8288)"
        };
        style_line("link", Sureness::Certain, why)
    } else {
        evidence.seen.iter().find(|seen| has_other_links(seen))?;
        let why = "there is a `Link` header for other pages, so this was the last one";
        style_line("link", Sureness::Likely, why)
    };
    let targets = links.iter().flatten().map(String::as_str);
    Some(linked(evidence, vec![style], targets))
}

/// Whether the `Link` header names the first, the previous or the last page.
fn has_other_links(seen: &Seen<'_>) -> bool {
    let fields = seen.headers.get_all(LINK);
    let texts = fields.iter().filter_map(|field| field.to_str().ok());
    let relations = ["first", "prev", "previous", "last"];
    texts.flat_map(|text| text.split(';')).any(|parameter| {
        let value = parameter.trim().strip_prefix("rel=");
        let value = value.map(|value| value.split(',').next().unwrap_or(value));
        value.is_some_and(|value| relations.contains(&value.trim().trim_matches('"')))
    })
}

pub(super) fn by_body(evidence: &Evidence<'_, '_>) -> Option<Paging> {
    const ALWAYS_URLS: [&str; 7] = [
        "odatanextlink",
        "nextlink",
        "nexturl",
        "nexturi",
        "nexthref",
        "nextpageurl",
        "nextpagelink",
    ];
    const MAY_BE_URLS: [&str; 3] = ["next", "nextpage", "href"];
    let is_url = |track: &Track| {
        let is_next = track.name != "href" || is_below_next(track);
        let mut texts = track.texts().peekable();
        is_next && texts.peek().is_some() && texts.all(is_reference)
    };
    let is_silent = |track: &Track| track.texts().next().is_none();
    let found =
        (evidence.track(&ALWAYS_URLS, is_url)).or_else(|| evidence.track(&MAY_BE_URLS, is_url));
    let (track, sureness, why) = if let Some(track) = found {
        let why = format!("it is the URL of another page{}", movement(track));
        (track, Sureness::Certain, why)
    } else {
        let track = evidence.track(&ALWAYS_URLS, is_silent)?;
        let why = "by its name; it is empty here, so this was the last page".to_owned();
        (track, Sureness::Likely, why)
    };
    let place = track.place.shown();
    let mut lines = vec![
        style_line(
            "next_url",
            sureness,
            &format!("{place} names the next page"),
        ),
        place_line("next", &track.place, sureness, &why),
    ];
    // Some name a next page on the last one too, so where no sample shows the URL run out, a flag
    // beside it counts.
    if !track.ends() {
        lines.extend(evidence.flag());
    }
    Some(linked(evidence, lines, track.texts()))
}

/// Whether an `href` stands in a member called `next`.
fn is_below_next(track: &Track) -> bool {
    match &track.place {
        super::Place::Body(path) => matches!(path.segments(), [.., around, _] if around == "next"),
        super::Place::Header(_) => false,
    }
}

fn linked<'t>(
    evidence: &Evidence<'_, '_>,
    mut lines: Vec<Line>,
    targets: impl Iterator<Item = &'t str>,
) -> Paging {
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
        lines.push(Line::remark(
            "The next page is on another origin than the sample, where groupgate does not follow: \
             write that origin into `base_url`, if it is the API's own.",
        ));
    }
    lines.extend(evidence.limit_lines());
    Paging {
        lines,
        position: None,
        limit: evidence.limit(),
        is_linked: true,
    }
}
