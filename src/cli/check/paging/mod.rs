//! How pages follow each other and what says that the list is whole, in words: what the plan says, for
//! every style.

use toml::Table;

use crate::plan::{
    Absent, CursorSource, EmptyPage, EndFlag, LinkTarget, Location, Meaning, NextCursor, Paging,
    PagingStyle, Pushable, Repeat, Requests, Stride, TextPart, Trust, Upstream,
};
use crate::presets;

/// How pages follow each other, and when they end.
pub(super) fn explain_paging(upstream: &Upstream) -> String {
    in_words(&upstream.paging, rule(upstream))
}

/// The same of a list beside that of groups.
pub(super) fn explain_pages(paging: &Paging) -> String {
    in_words(paging, None)
}

fn in_words(paging: &Paging, rule: Option<String>) -> String {
    let mut text = format!("{}{}", position(paging), limit(paging));
    for part in [
        Some(end(paging)),
        rule,
        cap(paging),
        repeat(paging),
        links(paging),
        origins(paging),
    ] {
        if let Some(part) = part.filter(|part| !part.is_empty()) {
            text.push_str("; ");
            text.push_str(&part);
        }
    }
    text
}

/// What states how long the list is, how far that is trusted, and what states it and is not read.
pub(super) fn explain_total(upstream: &Upstream, preset: Option<&str>) -> Vec<String> {
    let paging = &upstream.paging;
    let Some(total) = &paging.total else {
        let told = match pages(paging) {
            Some(pages) => format!("none; {} says how many pages there are", location(pages)),
            None => "none: only the pages say whether the list is whole".to_owned(),
        };
        let unused = [total_of_preset(preset), requested_total(&upstream.requests)];
        let unused = unused.into_iter().flatten();
        return std::iter::once(told).chain(unused).collect();
    };
    let at = if total.is_counted {
        format!(
            "{} in the response to a request of its own",
            location(&total.at)
        )
    } else {
        location(&total.at)
    };
    let trust = match total.trust {
        Trust::Exact if paging.is_numbered() => {
            "exact: a walk that receives fewer records fails, and of more the log says so"
        }
        Trust::Exact => "exact: a walk that receives another number of records fails",
        Trust::Hint => "hint: it only says how far to read at least",
    };
    let mut lines = vec![format!("{at}; trust {trust}")];
    if let Some(pages) = pages(paging) {
        let pages = location(pages);
        lines.push(format!(
            "{pages} says how many pages there are; the total is only compared"
        ));
    }
    if upstream.pushdown.is_some() && upstream.filtered_paging.total.is_none() {
        lines.push("not read of an answer to a filter, which is one page".to_owned());
    }
    lines
}

/// What the upstream is asked by.
pub(super) fn explain_filters(upstream: &Upstream) -> String {
    let rules = upstream.pushdown.iter().flat_map(|rules| &rules.0);
    let asked: Vec<_> = rules.map(|rule| Pushable::as_str(rule.filter())).collect();
    let is_one_page = upstream.filtered_paging != upstream.paging;
    let pages = if is_one_page {
        ", then without pages"
    } else {
        ""
    };
    format!(
        "asked by query: {}{pages}; its whole list only where a query has none of these",
        asked.join(", ")
    )
}

fn position(paging: &Paging) -> String {
    match &paging.style {
        PagingStyle::Whole | PagingStyle::Only(_) => {
            "none: the first response is the whole list".to_owned()
        }
        PagingStyle::Cursor { next, first } => {
            let first = first.as_ref().map(|first| format!(", first `{first}`"));
            format!(
                "by the cursor at {}{}",
                next_cursor(next),
                first.unwrap_or_default()
            )
        }
        PagingStyle::Offset(pages) => {
            let stride = match pages.stride {
                Stride::FirstPage => "as many as the first page contains".to_owned(),
                Stride::EachPage => "as many as each page contains".to_owned(),
                Stride::Fixed(records) => records.to_string(),
            };
            format!("by offset from {}, advancing by {stride}", pages.first)
        }
        PagingStyle::Page(pages) => format!("by number from {}", pages.first),
        PagingStyle::Link => "by the Link header's rel=\"next\"".to_owned(),
        PagingStyle::NextUrl { next } => format!("by the URL at {}", location(next)),
    }
}

fn limit(paging: &Paging) -> String {
    let limit = paging
        .limit
        .map(|limit| format!(", {limit} records requested per page"));
    limit.unwrap_or_default()
}

/// When the pages end.
fn end(paging: &Paging) -> String {
    let flag = flag(paging);
    let is_flagged = flag.is_some();
    let own = match &paging.style {
        PagingStyle::Whole | PagingStyle::Only(_) => return more_is_an_error(paging),
        PagingStyle::Cursor { .. } | PagingStyle::Link | PagingStyle::NextUrl { .. } => {
            let empty = match paging.empty_page {
                EmptyPage::End => " or a page is empty",
                EmptyPage::Few | EmptyPage::Continue => "",
            };
            format!("until there is none{empty}")
        }
        PagingStyle::Offset(pages) => NumberedEnd {
            paging,
            pages: None,
            stride: Some(pages.stride),
            absent: pages.absent,
            full_page: pages.full_page,
        }
        .end(is_flagged),
        PagingStyle::Page(pages) => NumberedEnd {
            paging,
            pages: pages.pages.as_ref(),
            stride: pages.pages.is_none().then_some(pages.stride),
            absent: pages.absent,
            full_page: pages.full_page,
        }
        .end(is_flagged),
    };
    match flag {
        Some(flag) => format!("{flag}; on a page that does not say so, {own}"),
        None => own,
    }
}

/// What the two numbered styles have in common.
struct NumberedEnd<'a> {
    paging: &'a Paging,
    pages: Option<&'a Location>,
    /// How far a page advances, where the total says how many pages there are.
    stride: Option<Stride>,
    absent: Absent,
    full_page: Option<u32>,
}

impl NumberedEnd<'_> {
    fn end(&self, is_flagged: bool) -> String {
        let looks_last = self.looks_last();
        let total = self.paging.total.as_ref();
        let at_once = match self.stride {
            _ if is_flagged => "",
            Some(Stride::EachPage) => "",
            Some(Stride::FirstPage | Stride::Fixed(_)) | None => ", several at once",
        };
        let (announced, is_in_page) = match (self.pages, total) {
            (Some(pages), _) => (format!("the number of pages at {}", location(pages)), true),
            (None, Some(total)) if total.trust == Trust::Hint => {
                let unless = match self.stride {
                    Some(Stride::Fixed(_)) => "",
                    Some(Stride::FirstPage | Stride::EachPage) | None => " unless as many came",
                };
                return format!(
                    "at least up to the total at {}{at_once}, and then {looks_last}{unless}",
                    location(&total.at)
                );
            }
            (None, Some(total)) => (
                format!("the total at {}", location(&total.at)),
                !total.is_counted,
            ),
            (None, None) => return looks_last,
        };
        let absent = match self.absent {
            _ if !is_in_page => String::new(),
            Absent::Error => ", which every page must have".to_owned(),
            Absent::End => ", and only one page where it is missing".to_owned(),
            Absent::Continue => format!(", and where it is missing {looks_last}"),
        };
        format!("up to {announced}{at_once}{absent}")
    }

    /// How a page shows that it is the last, where nothing states how many there are.
    fn looks_last(&self) -> String {
        let short = self
            .full_page
            .map(|full| format!("has fewer than {full} records"));
        let empty = (self.paging.empty_page == EmptyPage::End).then(|| "is empty".to_owned());
        let signs: Vec<_> = short.into_iter().chain(empty).collect();
        if signs.is_empty() {
            return "until something else ends it".to_owned();
        }
        format!("until a page {}", signs.join(" or "))
    }
}

fn more_is_an_error(paging: &Paging) -> String {
    match &paging.flag {
        Some(EndFlag::More(more)) => format!("an error where {} is true", source(more)),
        Some(EndFlag::Last(last)) => format!("an error where {} is false", source(last)),
        None => String::new(),
    }
}

/// What a page says of whether another follows.
fn flag(paging: &Paging) -> Option<String> {
    Some(match paging.flag.as_ref()? {
        EndFlag::More(more) => format!("while {} is true", source(more)),
        EndFlag::Last(last) => format!("until {} is true", source(last)),
    })
}

fn rule(upstream: &Upstream) -> Option<String> {
    let mut rules = upstream.classify.rules.iter();
    let has_end = rules.any(|rule| rule.means == Meaning::End);
    has_end.then(|| "or until a response that means `end` (`answers`)".to_owned())
}

fn cap(paging: &Paging) -> Option<String> {
    let cap = paging.cap?;
    Some(format!(
        "{cap} records mean that the list was cut off, which is an error"
    ))
}

fn repeat(paging: &Paging) -> Option<String> {
    let is_end = paging.on_repeat == Repeat::End;
    is_end.then(|| "a page that is repeated is the end".to_owned())
}

/// What the URLs of next pages are relative to.
fn links(paging: &Paging) -> Option<String> {
    match &paging.links.target {
        LinkTarget::Page => None,
        LinkTarget::Origin(_) => {
            Some("from the origin of base_url, whatever host it names".to_owned())
        }
        LinkTarget::Base(_) => Some("below base_url, whatever host it names".to_owned()),
    }
}

/// Our credentials go wherever pages are read from, which is worth a word.
fn origins(paging: &Paging) -> Option<String> {
    let others: Vec<_> = paging
        .links
        .origins
        .iter()
        .skip(1)
        .map(ToString::to_string)
        .collect();
    (!others.is_empty()).then(|| format!("credentials go to {} too", others.join(" and ")))
}

fn pages(paging: &Paging) -> Option<&Location> {
    match &paging.style {
        PagingStyle::Page(pages) => pages.pages.as_ref(),
        PagingStyle::Whole
        | PagingStyle::Only(_)
        | PagingStyle::Cursor { .. }
        | PagingStyle::Offset(_)
        | PagingStyle::Link
        | PagingStyle::NextUrl { .. } => None,
    }
}

/// The total that a preset reads, if another `pagination` has replaced the preset's.
fn total_of_preset(preset: Option<&str>) -> Option<String> {
    let name = preset?;
    let adapter: Table = presets::get(name)?.text.parse().ok()?;
    let total = adapter.get("pagination")?.get("total")?;
    let at = total.as_str().map(|path| format!(" at {path}"));
    Some(format!(
        "the preset {name} reads one{}, and the block's `pagination` does not",
        at.unwrap_or_default()
    ))
}

/// The parameter that asks for a total, if no total is read.
fn requested_total(requests: &Requests) -> Option<String> {
    let asks = |(name, value): &&(String, crate::plan::request::Text)| {
        let plain: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
        let plain = plain.to_ascii_lowercase();
        let is_set = matches!(
            value.0.as_slice(),
            [TextPart::Literal(text)] if matches!(text.as_str(), "true" | "1" | "yes" | "exact")
        );
        is_set && (plain.contains("total") || plain.ends_with("count"))
    };
    let (name, _) = requests.listing.query.iter().find(asks)?;
    Some(format!(
        "the request asks for one (`{name}`), and `pagination.total` does not say where it is"
    ))
}

fn next_cursor(next: &NextCursor) -> String {
    match next {
        NextCursor::One(one) => source(one),
        NextCursor::Structure { structure } => format!("{structure}, which is a structure"),
        NextCursor::Several { values } => {
            let values = values
                .iter()
                .map(|(name, at)| format!("{name} at {}", source(at)));
            values.collect::<Vec<_>>().join(" and ")
        }
    }
}

fn source(source: &CursorSource) -> String {
    match source {
        CursorSource::Page(place) => location(place),
        CursorSource::Record { last_record } => format!("{last_record} of the last record"),
    }
}

pub(super) fn location(location: &Location) -> String {
    match location {
        Location::Body(path) => path.to_string(),
        Location::Header { header } => format!("the header {header}"),
        Location::Chosen(place) => format!("{} of one item of {}", place.value, place.each),
    }
}

#[cfg(test)]
mod tests;
