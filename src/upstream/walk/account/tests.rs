//! What single pieces of evidence come to. Their combinations are in `tests/styles/accounted`.

use std::ops::RangeInclusive;

use http::header::CONTENT_RANGE;
use http::{HeaderMap, HeaderValue, StatusCode};
use rstest::rstest;

use super::*;

/// Three records on one page of an offset style, asked for by threes, with this end.
fn evidence(ended_by: EndedBy) -> WalkEvidence {
    WalkEvidence {
        ended_by,
        is_numbered: true,
        total: None,
        announced_pages: None,
        has_changed: false,
        has_spared: false,
        has_parents: false,
        parents: None,
        part: PartOfList::default(),
        pages_read: 1,
        pages: 1,
        listed: 3,
        distinct: 3,
        first_page: 3,
        last_page: 3,
        is_short: false,
        asked: Some(3),
    }
}

fn total(records: u64, trust: Trust) -> StatedTotal {
    StatedTotal {
        name: "/total".to_owned(),
        records: Some(records),
        seen: Some(records..=records),
        trust,
        is_range: false,
    }
}

#[rstest]
#[case::its_own_length(3, 3, Doubt::OwnLength)]
#[case::less_than_came(0, 3, Doubt::Disproved)]
#[case::a_record_twice(3, 2, Doubt::Repeated)]
fn an_announced_end_that_may_be_wrong_is_asked_beyond(
    #[case] announced: u64,
    #[case] distinct: u64,
    #[case] expected: Doubt,
) {
    let evidence = WalkEvidence {
        total: Some(total(announced, Trust::Exact)),
        distinct,
        ..evidence(EndedBy::Total)
    };
    assert_eq!(weigh(&evidence), Ok(Verdict::AskOnceMore(expected)));
}

#[test]
fn a_hint_that_came_is_asked_beyond_however_long_the_last_page_is() {
    let evidence = WalkEvidence {
        total: Some(total(3, Trust::Hint)),
        asked: Some(4),
        ..evidence(EndedBy::Total)
    };
    let verdict = weigh(&evidence);
    assert_eq!(verdict, Ok(Verdict::AskOnceMore(Doubt::Hinted)));
    assert!(Doubt::Hinted.is_only_to_be_sure());
}

#[rstest]
#[case::as_long_as_asked(Some(3))]
#[case::shorter_than_asked(Some(4))]
#[case::of_unknown_length(None)]
fn a_total_that_is_the_length_of_the_only_page_is_asked_beyond_unless_a_short_page_is_the_end(
    #[case] asked: Option<u64>,
) {
    let evidence = WalkEvidence {
        total: Some(total(3, Trust::Exact)),
        asked,
        ..evidence(EndedBy::Total)
    };
    let verdict = weigh(&evidence);
    assert_eq!(verdict, Ok(Verdict::AskOnceMore(Doubt::OwnLength)));
    let short = WalkEvidence {
        is_short: true,
        ..evidence.clone()
    };
    assert_eq!(weigh(&short), Ok(Verdict::Ended(EndedBy::Total)));
    let two = WalkEvidence {
        pages: 2,
        pages_read: 2,
        ..evidence
    };
    assert_eq!(weigh(&two), Ok(Verdict::Ended(EndedBy::Total)));
}

#[rstest]
#[case::as_long_as_asked(Some(3), true)]
#[case::shorter_than_asked(Some(4), false)]
#[case::of_unknown_length(None, true)]
fn an_only_page_that_says_it_is_the_one_is_asked_beyond_if_it_may_be_full(
    #[case] asked: Option<u64>,
    #[case] is_asked: bool,
) {
    let evidence = WalkEvidence {
        announced_pages: Some(1),
        asked,
        ..evidence(EndedBy::LastPage)
    };
    let expected = if is_asked {
        Verdict::AskOnceMore(Doubt::OwnLength)
    } else {
        Verdict::Ended(EndedBy::LastPage)
    };
    assert_eq!(weigh(&evidence), Ok(expected));
}

#[rstest]
#[case::as_long_as_asked(Some(3), 3, 3, true)]
#[case::shorter(Some(3), 3, 2, false)]
#[case::as_long_as_granted(Some(9), 3, 3, true)]
#[case::shorter_than_granted(Some(9), 3, 2, false)]
#[case::as_long_as_the_first(None, 3, 3, true)]
#[case::shorter_than_the_first(None, 3, 2, false)]
fn a_number_that_changed_is_asked_beyond_after_a_full_page(
    #[case] asked: Option<u64>,
    #[case] first_page: u64,
    #[case] last_page: u64,
    #[case] is_asked: bool,
) {
    let listed = first_page + last_page;
    let evidence = WalkEvidence {
        total: Some(total(listed, Trust::Exact)),
        has_changed: true,
        pages: 2,
        pages_read: 2,
        listed,
        distinct: listed,
        first_page,
        last_page,
        asked,
        ..evidence(EndedBy::Total)
    };
    let expected = if is_asked {
        Verdict::AskOnceMore(Doubt::Changed)
    } else {
        Verdict::Ended(EndedBy::Total)
    };
    assert_eq!(weigh(&evidence), Ok(expected));
}

#[rstest]
#[case::exact(Trust::Exact, true)]
#[case::hint(Trust::Hint, false)]
fn a_total_above_what_came_is_an_error_unless_it_is_a_hint(
    #[case] trust: Trust,
    #[case] is_error: bool,
) {
    let evidence = WalkEvidence {
        total: Some(total(7, trust)),
        ..evidence(EndedBy::EmptyPage)
    };
    assert_eq!(weigh(&evidence).is_err(), is_error);
}

#[rstest]
#[case::repeat(EndedBy::Repeat)]
#[case::past_the_end(EndedBy::PastEnd)]
fn a_hint_above_what_came_is_an_error_where_the_pages_before_it_were_full(
    #[case] ended_by: EndedBy,
) {
    let evidence = WalkEvidence {
        total: Some(total(7, Trust::Hint)),
        ..evidence(ended_by)
    };
    assert!(matches!(weigh(&evidence), Err(Contradiction::Fewer { .. })));
}

#[rstest]
#[case::flag(EndedBy::Flag)]
#[case::past_the_end(EndedBy::PastEnd)]
#[case::repeat(EndedBy::Repeat)]
fn an_end_before_the_announced_last_page_is_an_error(#[case] ended_by: EndedBy) {
    let evidence = WalkEvidence {
        announced_pages: Some(5),
        ..evidence(ended_by)
    };
    let error = weigh(&evidence).unwrap_err().to_string();
    let expected = format!(
        "5 pages were announced (`pagination.pages`), but 1 read, and the walk ended by `{ended_by}`"
    );
    assert!(error.starts_with(&expected), "{error}");
    let whole = WalkEvidence {
        pages_read: 5,
        ..evidence
    };
    assert_eq!(weigh(&whole), Ok(Verdict::Ended(ended_by)));
}

#[rstest]
#[case::flag(EndedBy::Flag)]
#[case::short_page(EndedBy::ShortPage)]
#[case::no_total(EndedBy::NoTotal)]
fn a_total_below_what_came_is_an_error_where_nothing_is_asked_beyond(#[case] ended_by: EndedBy) {
    let evidence = WalkEvidence {
        total: Some(total(1, Trust::Exact)),
        ..evidence(ended_by)
    };
    assert!(matches!(weigh(&evidence), Err(Contradiction::More { .. })));
}

#[rstest]
#[case::numbered(true, Trust::Exact, "set `pagination.trust = \"hint\"`")]
#[case::numbered_hint(true, Trust::Hint, "leave `pagination.total` out")]
#[case::not_numbered(false, Trust::Exact, "leave `pagination.total` out")]
fn a_hint_is_advised_only_where_it_changes_something(
    #[case] is_numbered: bool,
    #[case] trust: Trust,
    #[case] expected: &str,
) {
    let evidence = WalkEvidence {
        total: Some(total(7, trust)),
        is_numbered,
        ..evidence(EndedBy::Repeat)
    };
    let error = weigh(&evidence).unwrap_err().to_string();
    assert!(error.contains(expected), "{error}");
}

#[rstest]
#[case::an_empty_page(EndedBy::EmptyPage, 7, 4, 5..=5, true)]
#[case::past_the_end(EndedBy::PastEnd, 7, 4, 5..=5, true)]
#[case::a_repeat(EndedBy::Repeat, 7, 4, 5..=5, true)]
#[case::all_that_was_announced(EndedBy::EmptyPage, 7, 5, 5..=5, false)]
#[case::no_more_than_was_announced(EndedBy::Confirmed, 5, 4, 5..=5, false)]
#[case::fewer_than_a_changing_total_ever_said(EndedBy::EmptyPage, 7, 3, 4..=6, true)]
#[case::as_many_as_a_changing_total_once_said(EndedBy::EmptyPage, 7, 4, 4..=6, false)]
fn more_records_than_announced_of_which_fewer_are_different_are_an_error(
    #[case] ended_by: EndedBy,
    #[case] listed: u64,
    #[case] distinct: u64,
    #[case] seen: RangeInclusive<u64>,
    #[case] is_error: bool,
) {
    let of = |trust| WalkEvidence {
        total: Some(StatedTotal {
            seen: Some(seen.clone()),
            ..total(*seen.end().min(&5), trust)
        }),
        pages: 4,
        pages_read: 4,
        listed,
        distinct,
        ..evidence(ended_by)
    };
    let weighed = weigh(&of(Trust::Exact)).map_err(|error| error.to_string());
    assert_eq!(weighed.is_err(), is_error, "{weighed:?}");
    if let Err(error) = weighed {
        let expected =
            format!("but only {distinct} of the {listed} received are different: `/total`");
        assert!(error.contains(&expected), "{error}");
    }
    assert!(weigh(&of(Trust::Hint)).is_ok());
}

#[test]
fn pages_that_overlap_are_asked_beyond_before_they_are_an_error() {
    let evidence = WalkEvidence {
        total: Some(total(5, Trust::Exact)),
        listed: 6,
        distinct: 4,
        ..evidence(EndedBy::Total)
    };
    let verdict = weigh(&evidence);
    assert_eq!(verdict, Ok(Verdict::AskOnceMore(Doubt::Disproved)));
}

#[test]
fn one_record_is_told_in_the_singular() {
    let evidence = WalkEvidence {
        total: Some(total(1, Trust::Exact)),
        ..evidence(EndedBy::Flag)
    };
    let error = weigh(&evidence).unwrap_err().to_string();
    assert!(
        error.starts_with("1 record was announced, but 3 "),
        "{error}"
    );
}

#[test]
fn a_list_without_numbered_pages_is_held_against_a_hint_too() {
    let evidence = WalkEvidence {
        total: Some(total(7, Trust::Hint)),
        is_numbered: false,
        ..evidence(EndedBy::NoNext)
    };
    let error = weigh(&evidence).unwrap_err().to_string();
    let expected = "7 records were announced, but 3 received: `/total` says so, and the walk ended \
                    by `no_next`";
    assert!(error.starts_with(expected), "{error}");
}

#[rstest]
#[case::partial(206, None, EndedBy::WholeList, Some("status 206 says"))]
#[case::partial_and_asked_further(206, None, EndedBy::EmptyPage, None)]
#[case::unknown_length(206, Some("items 0-2/*"), EndedBy::NoNext, Some("status 206 says"))]
#[case::all_of_it(206, Some("items 0-2/3"), EndedBy::WholeList, None)]
#[case::of_more(
    200,
    Some("items 0-2/7"),
    EndedBy::NoNext,
    Some("`content-range: items 0-2/7`")
)]
#[case::of_more_without_a_unit(206, Some("0-2/7"), EndedBy::WholeList, Some("status 206 with"))]
#[case::all_bytes(206, Some("bytes 0-99/100"), EndedBy::WholeList, None)]
#[case::some_bytes(
    200,
    Some("bytes 0-49/100"),
    EndedBy::WholeList,
    Some("bytes 0-49/100")
)]
#[case::fewer(200, Some("items 0-1/2"), EndedBy::WholeList, Some("fewer than the 3"))]
fn a_response_that_says_that_it_is_a_part_is_no_whole_list(
    #[case] status: u16,
    #[case] range: Option<&'static str>,
    #[case] ended_by: EndedBy,
    #[case] expected: Option<&str>,
) {
    let mut headers = HeaderMap::new();
    if let Some(range) = range {
        headers.insert(CONTENT_RANGE, HeaderValue::from_static(range));
    }
    let mut part = PartOfList::default();
    part.note_parts(StatusCode::from_u16(status).unwrap(), &headers, 3);
    let evidence = WalkEvidence {
        part,
        is_numbered: false,
        ..evidence(ended_by)
    };
    let weighed = weigh(&evidence).map_err(|error| error.to_string());
    match expected {
        None => assert_eq!(weighed, Ok(Verdict::Ended(ended_by))),
        Some(expected) => {
            let error = weighed.unwrap_err();
            assert!(error.contains(expected), "{error}");
        }
    }
}

#[test]
fn a_range_of_fewer_records_than_came_is_not_covered_by_the_same_ones_again() {
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_RANGE, HeaderValue::from_static("items 4-5/5"));
    let mut part = PartOfList::default();
    part.note_parts(StatusCode::OK, &headers, 2);
    let overlapping = |distinct| WalkEvidence {
        part: part.clone(),
        listed: 6,
        distinct,
        ..evidence(EndedBy::EmptyPage)
    };
    let error = weigh(&overlapping(4)).unwrap_err().to_string();
    let expected = "5 records were announced, but only 4 of the 6 received are different: \
                    `content-range: items 4-5/5` says so";
    assert!(error.starts_with(expected), "{error}");
    assert_eq!(
        weigh(&overlapping(5)),
        Ok(Verdict::Ended(EndedBy::EmptyPage))
    );
}

#[rstest]
#[case::all_announced_pages(Some(1), EndedBy::LastPage, true)]
#[case::all_announced_pages_and_a_flag(Some(1), EndedBy::Flag, true)]
#[case::nothing_announced(None, EndedBy::Flag, false)]
#[case::a_short_page(None, EndedBy::ShortPage, false)]
fn a_206_is_no_contradiction_where_all_announced_pages_were_read(
    #[case] announced_pages: Option<u64>,
    #[case] ended_by: EndedBy,
    #[case] is_whole: bool,
) {
    let mut part = PartOfList::default();
    part.note_parts(StatusCode::PARTIAL_CONTENT, &HeaderMap::new(), 3);
    let evidence = WalkEvidence {
        part,
        announced_pages,
        asked: Some(4),
        ..evidence(ended_by)
    };
    assert_eq!(weigh(&evidence).is_ok(), is_whole);
}

#[rstest]
#[case::exact(Trust::Exact)]
#[case::hint(Trust::Hint)]
fn a_206_is_no_contradiction_where_the_announced_total_came(#[case] trust: Trust) {
    let mut part = PartOfList::default();
    part.note_parts(StatusCode::PARTIAL_CONTENT, &HeaderMap::new(), 3);
    let evidence = WalkEvidence {
        part,
        is_numbered: false,
        total: Some(total(3, trust)),
        ..evidence(EndedBy::NoNext)
    };
    assert_eq!(weigh(&evidence), Ok(Verdict::Ended(EndedBy::NoNext)));
}

/// A list that ended so, after a total that changed between these two.
fn drifted(ended_by: EndedBy, least: u64, most: u64) -> WalkEvidence {
    WalkEvidence {
        is_numbered: false,
        has_changed: true,
        total: Some(StatedTotal {
            seen: Some(least..=most),
            ..total(most, Trust::Exact)
        }),
        ..evidence(ended_by)
    }
}

#[rstest]
#[case::cursor(EndedBy::NoNext)]
#[case::flag(EndedBy::Flag)]
#[case::last_key(EndedBy::EmptyPage)]
#[case::rule(EndedBy::PastEnd)]
fn a_list_within_what_a_changing_total_said_is_whole_where_its_end_is_its_own(
    #[case] ended_by: EndedBy,
) {
    for (least, most) in [(3, 4), (2, 4)] {
        let evidence = drifted(ended_by, least, most);
        assert_eq!(weigh(&evidence), Ok(Verdict::Ended(EndedBy::Drifted)));
    }
    let repeats = WalkEvidence {
        distinct: 2,
        ..drifted(ended_by, 3, 4)
    };
    assert!(
        weigh(&repeats).is_err(),
        "two are fewer than were ever announced"
    );
    assert!(weigh(&drifted(ended_by, 4, 5)).is_err());
    let numbered = WalkEvidence {
        is_numbered: true,
        ..drifted(ended_by, 3, 4)
    };
    assert!(weigh(&numbered).is_err(), "an offset passes over records");
}

#[test]
fn a_changing_total_is_no_excuse_for_a_repeat_or_a_range_that_says_more() {
    assert!(weigh(&drifted(EndedBy::Repeat, 3, 4)).is_err());
    let mut headers = HeaderMap::new();
    headers.insert(CONTENT_RANGE, HeaderValue::from_static("items 0-2/9"));
    let mut evidence = drifted(EndedBy::NoNext, 3, 4);
    evidence.part.note_parts(StatusCode::OK, &headers, 3);
    assert!(weigh(&evidence).is_err());
}

#[test]
fn a_last_page_that_repeats_the_only_record_is_asked_beyond() {
    let evidence = WalkEvidence {
        announced_pages: Some(2),
        pages: 2,
        pages_read: 2,
        listed: 2,
        distinct: 1,
        has_spared: true,
        ..evidence(EndedBy::LastPage)
    };
    assert_eq!(weigh(&evidence), Ok(Verdict::AskOnceMore(Doubt::Repeated)));
}
