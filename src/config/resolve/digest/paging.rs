//! How a list is paged, encoded.

use super::encoding::{CanonicalTable, CanonicalValue, Encode};
use crate::config::upstream::{
    CursorPages, LinkPages, NextUrlPages, NumberedPages, OffsetPages, Pagination, Total, WholeList,
};
use crate::plan::{Absent, CursorSource, EmptyPage, NextCursor, Repeat, ShortPage};

impl Encode for Pagination {
    fn encode(&self) -> Option<CanonicalValue> {
        let table = match self {
            Self::None(list) => whole(list),
            Self::Cursor(pages) => cursor(pages),
            Self::Offset(pages) => offset(pages),
            Self::Page(pages) => numbered(pages),
            Self::Link(pages) => link(pages),
            Self::NextUrl(pages) => next_url(pages),
        };
        table.encode()
    }
}

fn whole(list: &WholeList) -> CanonicalTable {
    let WholeList {
        total,
        trust,
        more,
        last,
        cap,
    } = list;
    CanonicalTable::default()
        .put("total", total)
        .put_changed("trust", trust)
        .put("more", more)
        .put("last", last)
        .put("cap", cap)
}

fn cursor(pages: &CursorPages) -> CanonicalTable {
    let CursorPages {
        next,
        first,
        limit,
        more,
        last,
        total,
        trust,
        empty_page,
        cap,
        on_repeat,
    } = pages;
    CanonicalTable::default()
        .put("style", "cursor")
        .put("next", next)
        .put("first", first)
        .put("limit", limit)
        .put("more", more)
        .put("last", last)
        .put("total", total)
        .put_changed("trust", trust)
        .put_unless(&EmptyPage::Few, "empty_page", empty_page)
        .put("cap", cap)
        .put_changed("on_repeat", on_repeat)
}

fn offset(pages: &OffsetPages) -> CanonicalTable {
    let OffsetPages {
        first,
        limit,
        step,
        total,
        trust,
        absent,
        more,
        last,
        short_page,
        empty_page,
        cap,
        on_repeat,
    } = pages;
    CanonicalTable::default()
        .put("style", "offset")
        .put_changed("first", first)
        .put("limit", limit)
        .put_changed("step", step)
        .put("total", total)
        .put_changed("trust", trust)
        .put_unless(&Absent::Error, "absent", absent)
        .put("more", more)
        .put("last", last)
        .put_unless(&ShortPage::Continue, "short_page", short_page)
        .put_unless(&EmptyPage::End, "empty_page", empty_page)
        .put("cap", cap)
        .put_changed("on_repeat", on_repeat)
}

fn numbered(pages: &NumberedPages) -> CanonicalTable {
    let NumberedPages {
        first,
        limit,
        pages,
        total,
        trust,
        step,
        absent,
        more,
        last,
        short_page,
        empty_page,
        cap,
        on_repeat,
    } = pages;
    CanonicalTable::default()
        .put("style", "page")
        .put_unless(&1, "first", first)
        .put("limit", limit)
        .put("pages", pages)
        .put("total", total)
        .put_changed("trust", trust)
        .put("step", step)
        .put_unless(&Absent::Error, "absent", absent)
        .put("more", more)
        .put("last", last)
        .put_unless(&ShortPage::Continue, "short_page", short_page)
        .put_unless(&EmptyPage::End, "empty_page", empty_page)
        .put("cap", cap)
        .put_unless(&Repeat::Error, "on_repeat", on_repeat)
}

fn link(pages: &LinkPages) -> CanonicalTable {
    let LinkPages {
        limit,
        more,
        last,
        total,
        trust,
        empty_page,
        cap,
        origins,
        relative_to,
        on_repeat,
    } = pages;
    CanonicalTable::default()
        .put("style", "link")
        .put("limit", limit)
        .put("more", more)
        .put("last", last)
        .put("total", total)
        .put_changed("trust", trust)
        .put_unless(&EmptyPage::Few, "empty_page", empty_page)
        .put("cap", cap)
        .put("origins", origins)
        .put_changed("relative_to", relative_to)
        .put_changed("on_repeat", on_repeat)
}

fn next_url(pages: &NextUrlPages) -> CanonicalTable {
    let NextUrlPages {
        next,
        limit,
        more,
        last,
        total,
        trust,
        empty_page,
        cap,
        origins,
        relative_to,
        on_repeat,
    } = pages;
    CanonicalTable::default()
        .put("style", "next_url")
        .put("next", next)
        .put("limit", limit)
        .put("more", more)
        .put("last", last)
        .put("total", total)
        .put_changed("trust", trust)
        .put_unless(&EmptyPage::Few, "empty_page", empty_page)
        .put("cap", cap)
        .put("origins", origins)
        .put_changed("relative_to", relative_to)
        .put_changed("on_repeat", on_repeat)
}

impl Encode for CursorSource {
    fn encode(&self) -> Option<CanonicalValue> {
        match self {
            Self::Page(location) => location.encode(),
            Self::Record { last_record } => CanonicalTable::default()
                .put("last_record", last_record)
                .encode(),
        }
    }
}

impl Encode for NextCursor {
    fn encode(&self) -> Option<CanonicalValue> {
        match self {
            Self::One(source) => source.encode(),
            Self::Structure { structure } => CanonicalTable::default()
                .put("structure", structure)
                .encode(),
            Self::Several { values } => CanonicalTable::default().put("values", values).encode(),
        }
    }
}

impl Encode for Total {
    fn encode(&self) -> Option<CanonicalValue> {
        match self {
            Self::Page(location) => location.encode(),
            Self::Call(call) => {
                let table = CanonicalTable::default().put("request", &call.request);
                table.put("at", &call.at).encode()
            }
        }
    }
}
