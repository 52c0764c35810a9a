//! Paging: end conditions that contradict each other, or leave no end at all.

use super::at_least_one;
use super::paths::location_from_root;
use crate::config::Upstream;
use crate::config::upstream::{CursorPages, NumberedPages, OffsetPages, Pagination, TotalCall};
use crate::plan::Path;
use crate::plan::path::Anchor;
use crate::plan::{Absent, CursorSource, EmptyPage, List, Meaning, Part, ShortPage, Step};
use crate::problem::{KeyPath, Problem, Problems};

/// Checks what single keys say.
pub(super) fn check_numbers(at: &KeyPath, pagination: &Pagination, problems: &mut Problems) {
    let terms = pagination.terms();
    for (key, value) in [("limit", terms.limit), ("cap", terms.cap)] {
        if value == Some(0) {
            at_least_one(at, key, 0, problems);
        }
    }
}

/// Checks what the keys say together.
pub(super) fn check(upstream_at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let at = upstream_at.join("pagination");
    check_flags(&at, &upstream.pagination, problems);
    if let Some(call) = upstream.pagination.total_call() {
        check_total_call(&at.join("total"), call, upstream.list, problems);
    }
    match &upstream.pagination {
        Pagination::None(_) => check_continuation(upstream_at, upstream, problems),
        Pagination::Cursor(pages) => check_cursor(&at, pages, upstream, problems),
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

fn check_flags(at: &KeyPath, pagination: &Pagination, problems: &mut Problems) {
    let terms = pagination.terms();
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

fn check_cursor(at: &KeyPath, pages: &CursorPages, upstream: &Upstream, problems: &mut Problems) {
    let CursorSource::Record { last_record } = &pages.next else {
        return;
    };
    let at = at.join("next").join("last_record");
    match last_record {
        Part::Key if !upstream.records.keyed() => problems.push(
            Problem::new(
                at,
                "`$key` stands for nothing here: `records` has no `keyed = true`",
            )
            .with_help("set it where the list is an object whose names are part of the data"),
        ),
        Part::At(path) if path.anchor() == Anchor::Page => problems.push(
            Problem::new(
                at,
                format!("`{path}` starts at the page, but a part of the last record is meant"),
            )
            .with_help(from_record(path)),
        ),
        Part::Key | Part::At(_) => {}
    }
}

fn from_record(path: &Path) -> String {
    match path.to_string().trim_start_matches('/') {
        "" => "`.` is a scalar record itself".to_owned(),
        name => format!("write `{name}`, without the leading slash"),
    }
}

fn check_offset(at: &KeyPath, pages: &OffsetPages, upstream: &Upstream, problems: &mut Problems) {
    let numbered = Numbered {
        limit: pages.limit,
        step: Some(pages.step),
        is_announced: pages.total.is_some() && pages.absent != Absent::Continue,
        is_told: is_told(upstream),
        short_page: pages.short_page,
        empty_page: pages.empty_page,
    };
    numbered.check(at, problems);
}

fn check_page(at: &KeyPath, pages: &NumberedPages, upstream: &Upstream, problems: &mut Problems) {
    let numbered = Numbered {
        limit: pages.limit,
        step: pages.step,
        is_announced: (pages.total.is_some() || pages.pages.is_some())
            && pages.absent != Absent::Continue,
        is_told: is_told(upstream),
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
    short_page: ShortPage,
    empty_page: EmptyPage,
}

impl Numbered {
    fn check(&self, at: &KeyPath, problems: &mut Problems) {
        if self.limit.is_none() {
            self.check_without_limit(at, problems);
        }
        if self.empty_page == EmptyPage::Continue && !self.is_announced && !self.is_told {
            problems.push(
                Problem::new(
                    at.join("empty_page"),
                    "nothing would end the walk if an empty page does not",
                )
                .with_help(
                    "name what does: `total`, `pages`, `more`, `last`, or a rule that means `end`",
                ),
            );
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

fn check_total_call(at: &KeyPath, call: &TotalCall, list: List, problems: &mut Problems) {
    let request = at.join("request");
    super::placeholders::check_count(&request, &call.request, list, problems);
    location_from_root(&at.join("at"), &call.at, "a count has no records", problems);
}
