//! Paging: how pages follow each other, end conditions that contradict each other, or no end at all.

use super::locations::{check_location, location_from_root};
use super::outer_names::OuterNames;
use super::placeholders::check_count;
use super::{at_least_one, cursors};
use crate::config::Upstream;
use crate::config::upstream::{self as written, Pagination, Terms, TotalCall};
use crate::plan::{
    Absent, CursorSource, EmptyPage, EndFlag, LinkBase, LinkRules, LinkTarget, Location, Meaning,
    NumberedPages, OffsetPages, Origin, Paging, PagingStyle, ShortPage, Step, Stride, Total, Trust,
};
use crate::problem::{KeyPath, Problem, Problems};

/// Resolves how the pages of a list follow each other, and checks what single keys say.
pub(crate) fn paging(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) -> Paging {
    let at = at.join("pagination");
    let pagination = &upstream.pagination;
    let terms = pagination.terms();
    for (key, value) in [("limit", terms.limit), ("cap", terms.cap)] {
        if value == Some(0) {
            at_least_one(&at, key, 0, problems);
        }
    }
    for (key, location) in locations(pagination) {
        check_location(&at.join(key), location, upstream.format, problems);
    }
    if let Pagination::Cursor(pages) = pagination {
        cursors::check(&at, pages, upstream.format, problems);
    }
    Paging {
        style: style(pagination),
        limit: terms.limit,
        flag: flag(terms),
        total: terms.total.map(|total| resolved_total(total, terms.trust)),
        cap: terms.cap,
        empty_page: terms.empty_page,
        on_repeat: terms.on_repeat,
        links: link_rules(upstream),
        max_pages: upstream.limits.pages,
    }
}

/// Resolves where the URLs that pages of a list name may lead.
pub(crate) fn link_rules(upstream: &Upstream) -> LinkRules {
    let pagination = &upstream.pagination;
    let base = || upstream.base_url.clone();
    let home = Origin::of(&upstream.base_url);
    let others = pagination.origins().iter().cloned();
    LinkRules {
        origins: std::iter::once(home).chain(others).collect(),
        target: match pagination.relative_to() {
            LinkBase::Page => LinkTarget::Page,
            LinkBase::Origin => LinkTarget::Origin(base()),
            LinkBase::BaseUrl => LinkTarget::Base(base()),
        },
    }
}

/// Resolves how the pages of an answer to a filter follow each other.
pub(crate) fn filtered(upstream: &Upstream, paging: &Paging) -> Paging {
    if upstream.pushdown.paged {
        return paging.clone();
    }
    // A count that takes no filter is one of the whole list.
    let is_of_the_answer = (upstream.pagination.total_call())
        .is_none_or(|call| call.request.filters() == upstream.request.filters());
    paging.single_page(paging.total.clone().filter(|_| is_of_the_answer))
}

fn style(pagination: &Pagination) -> PagingStyle {
    match pagination {
        Pagination::None(_) => PagingStyle::Whole,
        Pagination::Cursor(pages) => PagingStyle::Cursor {
            next: pages.next.clone(),
            first: pages.first.clone(),
        },
        Pagination::Offset(pages) => PagingStyle::Offset(OffsetPages {
            first: pages.first,
            stride: stride(pages.step, pages.limit),
            absent: pages.absent,
            full_page: full_page(pages.short_page, pages.limit),
        }),
        Pagination::Page(pages) => PagingStyle::Page(NumberedPages {
            first: pages.first,
            pages: pages.pages.clone(),
            stride: stride(pages.step.unwrap_or_default(), pages.limit),
            absent: pages.absent,
            full_page: full_page(pages.short_page, pages.limit),
        }),
        Pagination::Link(_) => PagingStyle::Link,
        Pagination::NextUrl(pages) => PagingStyle::NextUrl {
            next: pages.next.clone(),
        },
    }
}

/// [`check`] refuses `asked` without `limit`.
fn stride(step: Step, limit: Option<u32>) -> Stride {
    match (step, limit) {
        (Step::Asked, Some(limit)) => Stride::Fixed(limit),
        (Step::Received, _) => Stride::EachPage,
        (Step::Granted, _) | (Step::Asked, None) => Stride::FirstPage,
    }
}

/// The number of records below which a page is the last. [`check`] refuses `end` without `limit`.
fn full_page(short_page: ShortPage, limit: Option<u32>) -> Option<u32> {
    match short_page {
        ShortPage::End => limit,
        ShortPage::Continue => None,
    }
}

fn resolved_total(total: &written::Total, trust: Trust) -> Total {
    Total {
        at: total.at().clone(),
        is_counted: total.call().is_some(),
        trust,
    }
}

/// [`check`] refuses `more` and `last` together.
fn flag(terms: Terms<'_>) -> Option<EndFlag> {
    match (terms.more, terms.last) {
        (Some(more), _) => Some(EndFlag::More(more.clone())),
        (None, Some(last)) => Some(EndFlag::Last(last.clone())),
        (None, None) => None,
    }
}

/// The locations in a page that a style looks at, with their keys.
fn locations(pagination: &Pagination) -> Vec<(&'static str, &Location)> {
    let (next, pages) = match pagination {
        Pagination::None(_)
        | Pagination::Link(_)
        | Pagination::Offset(_)
        | Pagination::Cursor(_) => (None, None),
        Pagination::Page(pages) => (None, pages.pages.as_ref()),
        Pagination::NextUrl(pages) => (Some(&pages.next), None),
    };
    let terms = pagination.terms();
    let total = terms.total.filter(|total| total.call().is_none());
    let named = [
        ("next", next),
        ("pages", pages),
        ("total", total.map(written::Total::at)),
        ("more", terms.more.and_then(CursorSource::in_page)),
        ("last", terms.last.and_then(CursorSource::in_page)),
    ];
    let named = named.into_iter();
    named.filter_map(|(key, at)| Some((key, at?))).collect()
}

/// Checks what the keys say together.
pub(super) fn check(
    upstream_at: &KeyPath,
    upstream: &Upstream,
    outer: OuterNames<'_>,
    problems: &mut Problems,
) {
    let at = upstream_at.join("pagination");
    check_flags(&at, upstream, problems);
    check_trust(&at, upstream, problems);
    if let Some(call) = upstream.pagination.total_call() {
        check_total_call(&at.join("total"), call, upstream, outer, problems);
    }
    match &upstream.pagination {
        Pagination::None(_) => check_continuation(upstream_at, upstream, problems),
        Pagination::Cursor(pages) => {
            cursors::check_last_records(&at, pages, upstream, problems);
        }
        Pagination::Offset(pages) => check_offset(&at, pages, upstream, problems),
        Pagination::Page(pages) => check_page(&at, pages, upstream, problems),
        Pagination::Link(_) | Pagination::NextUrl(_) => {}
    }
}

fn check_continuation(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    if upstream.continuation.is_some() {
        problems.push(
            Problem::new(
                at.join("continuation"),
                "the pagination style `none` has one page, so nothing is continued",
            )
            .with_help("say how pages follow each other, as in `pagination = { style = \"cursor\", next = \"/next\" }`"),
        );
    }
}

fn check_trust(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let terms = upstream.pagination.terms();
    if terms.trust == Trust::Hint && terms.total.is_none() {
        problems.push(
            Problem::new(
                at.join("trust"),
                "`trust` says how far a total is trusted, but `total` is not set",
            )
            .with_help("set it, as in `total = \"/total\"`, or leave `trust` out"),
        );
    }
}

fn check_flags(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let terms = upstream.pagination.terms();
    for (key, flag) in [("more", terms.more), ("last", terms.last)] {
        if let Some(flag) = flag {
            cursors::check_last_record(&at.join(key), flag, upstream, problems);
        }
    }
    if terms.more.is_some() && terms.last.is_some() {
        problems.push(
            Problem::new(
                at.join("last"),
                "`more` and `last` say the same thing, and could contradict each other",
            )
            .with_help("name the one that the upstream sends"),
        );
    }
}

fn check_offset(
    at: &KeyPath,
    pages: &written::OffsetPages,
    upstream: &Upstream,
    problems: &mut Problems,
) {
    let numbered = Numbered {
        limit: pages.limit,
        step: Some(pages.step),
        is_announced: has_exact_total(upstream) && pages.absent != Absent::Continue,
        is_told: is_told(upstream),
        has_hint: has_hint(upstream),
        short_page: pages.short_page,
        empty_page: pages.empty_page,
    };
    numbered.check(at, problems);
}

fn check_page(
    at: &KeyPath,
    pages: &written::NumberedPages,
    upstream: &Upstream,
    problems: &mut Problems,
) {
    let numbered = Numbered {
        limit: pages.limit,
        step: pages.step,
        is_announced: (has_exact_total(upstream) || pages.pages.is_some())
            && pages.absent != Absent::Continue,
        is_told: is_told(upstream),
        has_hint: has_hint(upstream),
        short_page: pages.short_page,
        empty_page: pages.empty_page,
    };
    numbered.check(at, problems);
    if pages.step.is_some() && (pages.total.is_none() || pages.pages.is_some()) {
        problems.push(
            Problem::new(
                at.join("step"),
                "page numbers advance by one: `step` only helps `total` to tell how many pages there are",
            )
            .with_help("leave `step` out, or name `total` and not `pages`"),
        );
    }
}

/// Whether a total says how much there is.
fn has_exact_total(upstream: &Upstream) -> bool {
    let terms = upstream.pagination.terms();
    terms.total.is_some() && terms.trust == Trust::Exact
}

/// Whether a total says how far to read at least.
fn has_hint(upstream: &Upstream) -> bool {
    let terms = upstream.pagination.terms();
    terms.total.is_some() && terms.trust == Trust::Hint
}

/// Whether a flag or a rule says where the list ends.
fn is_told(upstream: &Upstream) -> bool {
    let terms = upstream.pagination.terms();
    let has_rule = (upstream.answers.iter()).any(|rule| rule.means == Meaning::End);
    terms.more.is_some() || terms.last.is_some() || has_rule
}

/// What the two numbered styles have in common.
struct Numbered {
    limit: Option<u32>,
    step: Option<Step>,
    /// Whether it is known how much there is.
    is_announced: bool,
    /// Whether an answer tells that there is no more.
    is_told: bool,
    /// Whether it is known how far to read at least.
    has_hint: bool,
    short_page: ShortPage,
    empty_page: EmptyPage,
}

impl Numbered {
    fn check(&self, at: &KeyPath, problems: &mut Problems) {
        if self.limit.is_none() {
            self.check_without_limit(at, problems);
        }
        if self.empty_page != EmptyPage::End && !self.is_announced && !self.is_told {
            let message = "nothing would end the walk if an empty page does not";
            let problem = Problem::new(at.join("empty_page"), message);
            problems.push(if self.has_hint {
                problem.with_help(
                    "leave it out: a total that is a hint leads over empty pages, and the first one after \
                     it is the end; or set `trust = \"exact\"`, `pages`, `more`, `last`, or a rule that \
                     means `end`",
                )
            } else {
                problem.with_help(
                    "name what does: `total`, `pages`, `more`, `last`, or a rule that means `end`",
                )
            });
        }
    }

    fn check_without_limit(&self, at: &KeyPath, problems: &mut Problems) {
        for (key, is_measured) in [
            ("step", self.step == Some(Step::Asked)),
            ("short_page", self.short_page == ShortPage::End),
        ] {
            if is_measured {
                problems.push(
                    Problem::new(
                        at.join(key),
                        format!("`{key}` goes by what is asked for, but `limit` is not set"),
                    )
                    .with_help("set it, as in `limit = 100`"),
                );
            }
        }
    }
}

fn check_total_call(
    at: &KeyPath,
    call: &TotalCall,
    upstream: &Upstream,
    outer: OuterNames<'_>,
    problems: &mut Problems,
) {
    let request = at.join("request");
    check_count(&request, &call.request, upstream, outer, problems);
    location_from_root(&at.join("at"), &call.at, "a count has no records", problems);
}
