//! How many requests a list costs, by how its pages follow each other.

use crate::plan::{CursorSource, Paging, PagingStyle, Stride, Trust};

/// The requests for a list of so many records: for its pages, for its total where that is a request of its own, and
/// one more where only that shows that the list has ended. Without `limit`, all are taken to be on one page.
pub(super) fn list_requests(paging: &Paging, records: u64) -> u64 {
    let limit = paging.limit.map(u64::from).filter(|limit| *limit > 0);
    let pages = limit.map_or(1, |limit| records.div_ceil(limit).max(1));
    let is_asked_further = match &paging.style {
        _ if records == 0 || paging.flag.is_some() => false,
        PagingStyle::Whole
        | PagingStyle::Only(_)
        | PagingStyle::Link
        | PagingStyle::NextUrl { .. } => false,
        // There is always a last record, but on an empty page.
        PagingStyle::Cursor { next, .. } => next
            .sources()
            .any(|(_, source)| matches!(source, CursorSource::Record { .. })),
        PagingStyle::Offset(style) => {
            is_numbered_further(paging, style.stride, style.full_page, records)
        }
        PagingStyle::Page(style) if style.pages.is_some() => {
            pages == 1 && limit.is_none_or(|limit| records >= limit)
        }
        PagingStyle::Page(style) => {
            is_numbered_further(paging, style.stride, style.full_page, records)
        }
    };
    pages + u64::from(is_asked_further) + u64::from(paging.has_count())
}

/// Whether a page after the last one is asked for, where pages are counted and do not say how many there are.
fn is_numbered_further(
    paging: &Paging,
    stride: Stride,
    full_page: Option<u32>,
    records: u64,
) -> bool {
    let full = full_page.map(u64::from).filter(|full| *full > 0);
    let is_last_short = full.is_some_and(|full| !records.is_multiple_of(full));
    match paging.total.as_ref().map(|total| total.trust) {
        // That of a single page may be no more than its length.
        Some(Trust::Exact) => {
            let is_single = (paging.limit).is_none_or(|limit| records <= limit.into());
            is_single && !is_last_short
        }
        Some(Trust::Hint) if !matches!(stride, Stride::Fixed(_)) => true,
        Some(Trust::Hint) | None => !is_last_short,
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::testing::load_block;

    #[rstest]
    #[case::whole("style = 'none'", &[(0, 1), (1, 1), (250, 1)])]
    #[case::links("style = 'link', limit = 100", &[(0, 1), (1, 1), (100, 1), (250, 3)])]
    #[case::urls("style = 'next_url', next = '/next', limit = 100", &[(1, 1), (250, 3)])]
    #[case::cursors("style = 'cursor', next = '/next', limit = 100", &[(1, 1), (250, 3)])]
    #[case::last_records("style = 'cursor', next = { last_record = 'id' }, limit = 100", &[(0, 1), (1, 2), (250, 4)])]
    #[case::a_flag("style = 'cursor', next = { last_record = 'id' }, more = '/more', limit = 100", &[(1, 1), (250, 3)])]
    #[case::until_empty("style = 'offset', limit = 100", &[(0, 1), (1, 2), (100, 2), (250, 4)])]
    #[case::until_short("style = 'offset', limit = 100, short_page = 'end'", &[(0, 1), (1, 1), (100, 2), (250, 3)])]
    #[case::pages_until_empty("style = 'page', limit = 100", &[(1, 2), (250, 4)])]
    #[case::of_so_many_pages("style = 'page', limit = 100, pages = '/pages'", &[(1, 1), (100, 2), (250, 3)])]
    #[case::of_so_many_records("style = 'page', limit = 100, total = '/total'", &[(0, 1), (1, 2), (250, 3)])]
    #[case::and_short("style = 'offset', limit = 100, total = '/total', short_page = 'end'", &[(1, 1), (100, 2), (250, 3)])]
    #[case::a_hint("style = 'page', limit = 100, total = '/total', trust = 'hint'", &[(1, 2), (250, 4)])]
    fn a_list_costs_its_pages_and_what_shows_its_end(
        #[case] pagination: &str,
        #[case] costs: &[(u64, u64)],
    ) {
        let query = if pagination.contains("cursor'") {
            "at = '{cursor}', n = '{limit}'"
        } else if pagination.contains("offset") {
            "at = '{offset}', n = '{limit}'"
        } else if pagination.contains("'page'") {
            "at = '{page}', n = '{limit}'"
        } else if pagination.contains("limit") {
            "n = '{limit}'"
        } else {
            ""
        };
        let block = format!(
            "base_url = 'https://a.example'\nrequest = {{ path = '/groups', query = {{ {query} }} }}\n\
             records = '/items'\npagination = {{ {pagination} }}\nfields = {{ id = 'id', name = 'id' }}\n"
        );
        let loaded = load_block("a", &block, &[]);
        let paging = &loaded.plan.upstreams[0].paging;
        let counted = costs
            .iter()
            .map(|(records, _)| list_requests(paging, *records));
        let expected: Vec<_> = costs.iter().map(|(_, requests)| *requests).collect();
        assert_eq!(counted.collect::<Vec<_>>(), expected);
    }
}
