//! Whatever the style of paging, the way its list ends and the habit of its upstream: a walk brings
//! the whole list, each group once, or an error. Never a short list that looks whole.

mod emulation;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use crate::support::adapters::adapter_of;
use crate::support::server::Server;
use bytes::Bytes;
use emulation::{Counts, Emulation, LastNext, Next};
use groupgate::error::{ErrorKind, UpstreamError};
use groupgate::observe::Observers;
use groupgate::upstream::Adapter;
use groupgate::upstream::walk::{Walked, walk};
use http::Request;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use tokio::runtime::Runtime;

/// What an adapter says of how positions advance, and the upstream that it fits.
#[derive(Debug, Clone, Copy)]
struct Style {
    keys: &'static str,
    counts: Counts,
    next: Next,
}

const TOKENS: [Style; 6] = [
    Style {
        keys: "style = 'cursor', next = '/next'",
        counts: Counts::Slots(0),
        next: Next::Body,
    },
    Style {
        keys: "style = 'cursor', next = { header = 'x-next' }, first = ''",
        counts: Counts::Slots(0),
        next: Next::Header,
    },
    Style {
        keys: "style = 'cursor', next = { last_record = 'id' }",
        counts: Counts::LastRecord,
        next: Next::Nowhere,
    },
    Style {
        keys: "style = 'link'",
        counts: Counts::Slots(0),
        next: Next::Link,
    },
    Style {
        keys: "style = 'next_url', next = '/next'",
        counts: Counts::Slots(0),
        next: Next::Url,
    },
    Style {
        keys: "style = 'next_url', next = '/next'",
        counts: Counts::Slots(0),
        next: Next::AbsoluteUrl,
    },
];

const fn offset(keys: &'static str, first: u64) -> Style {
    Style {
        keys,
        counts: Counts::Slots(first),
        next: Next::Nowhere,
    }
}

const fn page(keys: &'static str, first: u64) -> Style {
    Style {
        keys,
        counts: Counts::Pages(first),
        next: Next::Nowhere,
    }
}

const OFFSETS: [Style; 4] = [
    offset("style = 'offset'", 0),
    offset("style = 'offset', first = 1", 1),
    offset("style = 'offset', step = 'received'", 0),
    offset("style = 'offset', first = 1, step = 'asked'", 1),
];

const PAGES: [Style; 2] = [
    page("style = 'page'", 1),
    page("style = 'page', first = 0", 0),
];

/// How a list ends: what the adapter says of it, and what the upstream does.
#[derive(Debug, Clone, Copy)]
struct End {
    keys: &'static str,
    last_next: LastNext,
    is_404: bool,
}

const fn end(keys: &'static str) -> End {
    End {
        keys,
        last_next: LastNext::Absent,
        is_404: false,
    }
}

const MORE: End = end(", more = '/more'");
const LAST: End = end(", last = '/last'");
/// The empty page after the last; nothing has to be said of it.
const EMPTY: End = end("");
const SHORT: End = end(", short_page = 'end'");
const NOT_FOUND: End = End {
    keys: ", empty_page = 'continue'",
    is_404: true,
    ..EMPTY
};

const TOKEN_ENDS: [End; 6] = [
    end(""),
    End {
        last_next: LastNext::Null,
        ..EMPTY
    },
    End {
        last_next: LastNext::Empty,
        ..EMPTY
    },
    End {
        keys: ", empty_page = 'end'",
        last_next: LastNext::Another,
        is_404: false,
    },
    MORE,
    LAST,
];

const TOTALS: [End; 3] = [
    end(", total = '/total'"),
    end(", total = { header = 'x-total' }"),
    end(", total = { request = { path = '/count' }, at = '/count' }"),
];

const PAGE_TOTALS: [End; 5] = [
    end(", pages = '/pages'"),
    end(", pages = '/pages', total = '/total'"),
    end(", total = '/total', step = 'granted'"),
    end(", total = '/total', step = 'asked'"),
    end(", total = '/total', step = 'received'"),
];

/// How an upstream fills its pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Habit {
    /// With as many records as were asked for.
    AsAsked,
    /// With fewer than were asked for.
    Clamped,
    /// With fewer from the second page on.
    ClampedLater,
    /// With fewer on a page in the middle, some of whose slots may not be seen.
    ShortInTheMiddle,
    /// With none on a page in the middle.
    EmptyInTheMiddle,
}

const HABITS: [Habit; 5] = [
    Habit::AsAsked,
    Habit::Clamped,
    Habit::ClampedLater,
    Habit::ShortInTheMiddle,
    Habit::EmptyInTheMiddle,
];

/// What must come of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    /// The adapter says what is true of the upstream: the whole list.
    Whole,
    /// It does not, and something contradicts it: the whole list by luck, or an error.
    NeverShort,
}

/// One adapter and one upstream.
#[derive(Debug, Clone, Copy)]
struct Pair {
    style: Style,
    end: End,
    habit: Habit,
    expected: Expected,
}

/// Every pair of which an adapter can be held to something. Left out are those whose adapter says
/// what is not true where nothing the upstream sends contradicts it: an empty page is the end, and
/// one in the middle is empty; pages reach as far as the first, and later ones do not.
fn pairs() -> Vec<Pair> {
    let mut pairs = Vec::new();
    for style in TOKENS {
        for end in TOKEN_ENDS {
            pairs.extend(HABITS.map(|habit| (style, end, habit, token(style, end, habit))));
        }
    }
    for style in OFFSETS {
        for end in TOTALS {
            pairs.extend(
                HABITS.map(|habit| (style, end, habit, Some(offset_with_total(style, habit)))),
            );
        }
        for end in [MORE, LAST, EMPTY, SHORT, NOT_FOUND] {
            pairs.extend(
                HABITS.map(|habit| (style, end, habit, offset_by_itself(style, end, habit))),
            );
        }
    }
    for style in PAGES {
        for end in PAGE_TOTALS {
            pairs
                .extend(HABITS.map(|habit| (style, end, habit, Some(page_with_total(end, habit)))));
        }
        for end in [MORE, LAST, EMPTY, SHORT, NOT_FOUND] {
            pairs.extend(HABITS.map(|habit| (style, end, habit, page_by_itself(end, habit))));
        }
    }
    pairs
        .into_iter()
        .filter_map(|(style, end, habit, expected)| {
            Some(Pair {
                style,
                end,
                habit,
                expected: expected?,
            })
        })
        .collect()
}

/// A page that names the next one may hold what it likes.
fn token(style: Style, end: End, habit: Habit) -> Option<Expected> {
    let is_empty_the_end = end.last_next == LastNext::Another || style.counts == Counts::LastRecord;
    let has_flag = end.keys == MORE.keys || end.keys == LAST.keys;
    match habit {
        Habit::EmptyInTheMiddle if is_empty_the_end && has_flag => Some(Expected::NeverShort),
        Habit::EmptyInTheMiddle if is_empty_the_end => None,
        Habit::AsAsked
        | Habit::Clamped
        | Habit::ClampedLater
        | Habit::ShortInTheMiddle
        | Habit::EmptyInTheMiddle => Some(Expected::Whole),
    }
}

/// With a total, whatever is missing is missed.
fn offset_with_total(style: Style, habit: Habit) -> Expected {
    let is_asked = style.keys.contains("asked");
    let is_received = style.keys.contains("received");
    match habit {
        Habit::AsAsked => Expected::Whole,
        Habit::Clamped if !is_asked => Expected::Whole,
        Habit::ClampedLater if is_received => Expected::Whole,
        Habit::Clamped
        | Habit::ClampedLater
        | Habit::ShortInTheMiddle
        | Habit::EmptyInTheMiddle => Expected::NeverShort,
    }
}

fn offset_by_itself(style: Style, end: End, habit: Habit) -> Option<Expected> {
    let is_asked = style.keys.contains("asked");
    let is_received = style.keys.contains("received");
    let is_empty_the_end = end.keys == EMPTY.keys;
    match habit {
        Habit::AsAsked => Some(Expected::Whole),
        // A page that is short because it was clamped or filtered is no last page.
        _ if end.keys == SHORT.keys => None,
        Habit::Clamped => (!is_asked).then_some(Expected::Whole),
        Habit::ClampedLater => is_received.then_some(Expected::Whole),
        Habit::EmptyInTheMiddle if is_empty_the_end => None,
        // What was left out of a page is not counted by who counts what came.
        _ if is_received => Some(Expected::NeverShort),
        Habit::ShortInTheMiddle | Habit::EmptyInTheMiddle => Some(Expected::Whole),
    }
}

fn page_with_total(end: End, habit: Habit) -> Expected {
    let is_asked = end.keys.contains("asked");
    let is_counted_in_pages = end.keys == PAGE_TOTALS[0].keys;
    match habit {
        Habit::AsAsked => Expected::Whole,
        Habit::Clamped if !is_asked => Expected::Whole,
        Habit::ShortInTheMiddle | Habit::EmptyInTheMiddle if is_counted_in_pages => Expected::Whole,
        Habit::Clamped
        | Habit::ClampedLater
        | Habit::ShortInTheMiddle
        | Habit::EmptyInTheMiddle => Expected::NeverShort,
    }
}

fn page_by_itself(end: End, habit: Habit) -> Option<Expected> {
    match habit {
        Habit::AsAsked => Some(Expected::Whole),
        _ if end.keys == SHORT.keys => None,
        Habit::EmptyInTheMiddle if end.keys == EMPTY.keys => None,
        Habit::Clamped
        | Habit::ClampedLater
        | Habit::ShortInTheMiddle
        | Habit::EmptyInTheMiddle => Some(Expected::Whole),
    }
}

/// How large everything is.
#[derive(Debug, Clone)]
struct Sizes {
    records: usize,
    limit: u64,
    granted: u64,
    /// Which page in the middle is not full.
    page: u64,
    /// How many of its records may be seen.
    left: u64,
}

fn sizes() -> impl Strategy<Value = Sizes> {
    // Exact multiples of the page size are drawn as often as not.
    let records = prop_oneof![0_usize..40, (0_usize..8).prop_map(|pages| pages * 4)];
    (records, 2_u64..5, 1_u64..5, 1_u64..4, 1_u64..4).prop_map(
        |(records, limit, granted, page, left)| Sizes {
            records,
            limit,
            granted,
            page,
            left,
        },
    )
}

fn emulation(pair: &Pair, sizes: &Sizes) -> Emulation {
    let clamped = sizes.granted.min(sizes.limit - 1);
    let (granted, granted_later) = match pair.habit {
        Habit::Clamped => (clamped, clamped),
        Habit::ClampedLater => (sizes.limit, clamped),
        Habit::AsAsked | Habit::ShortInTheMiddle | Habit::EmptyInTheMiddle => {
            (sizes.limit, sizes.limit)
        }
    };
    let left = match pair.habit {
        Habit::ShortInTheMiddle => sizes.left.min(sizes.limit - 1),
        Habit::EmptyInTheMiddle => 0,
        Habit::AsAsked | Habit::Clamped | Habit::ClampedLater => sizes.limit,
    };
    let hole = sizes.page * sizes.limit + left..(sizes.page + 1) * sizes.limit;
    // In the middle means that something comes after it.
    let is_in_the_middle = hole.end < sizes.records as u64;
    let slots = (0..sizes.records as u64).map(|id| {
        let is_hidden = is_in_the_middle && hole.contains(&id);
        (!is_hidden).then_some(id + 100)
    });
    Emulation {
        slots: slots.collect(),
        counts: pair.style.counts,
        next: pair.style.next,
        last_next: pair.end.last_next,
        granted,
        granted_later,
        cap: usize::MAX,
        is_404_past_end: pair.end.is_404,
    }
}

fn config(style: &str, end: &End, limit: u64) -> String {
    let keys = end.keys;
    let rules = if end.is_404 {
        "{ status = 404, means = 'end' }"
    } else {
        ""
    };
    let (limit, limited) = match style {
        _ if style.contains("'none'") => (String::new(), ""),
        _ => (format!(", limit = {limit}"), "limit = '{limit}'"),
    };
    let position = match style {
        _ if style.contains("'cursor'") => ", at = '{cursor}'",
        _ if style.contains("'offset'") => ", at = '{offset}'",
        _ if style.contains("'page'") => ", at = '{page}'",
        _ => "",
    };
    format!(
        "[upstreams.staff]\n\
         base_url = \"\"\n\
         request = {{ path = '/list', query = {{ {limited}{position} }} }}\n\
         records = '/items'\n\
         pagination = {{ {style}{keys}{limit} }}\n\
         answers = [{rules}]\n\
         fields = {{ id = 'id', name = 'name' }}\n\
         limits = {{ pages = 200, retries = 0 }}\n"
    )
}

fn ids(walked: &Walked) -> Vec<String> {
    let groups = walked.groups.to_groups().into_iter();
    groups.map(|group| group.source_id).collect()
}

/// The emulation that is asked at the moment, and the adapters that were made for it: making one
/// costs more than a walk.
struct Bench {
    runtime: Runtime,
    server: Server,
    emulation: Arc<Mutex<Emulation>>,
    adapters: RefCell<HashMap<String, Arc<Adapter>>>,
}

impl Bench {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let emulation = Arc::<Mutex<Emulation>>::default();
        let current = Arc::clone(&emulation);
        let answer = move |request: &Request<Bytes>| current.lock().unwrap().answer(request);
        let server = runtime.block_on(Server::start(answer));
        Self {
            runtime,
            server,
            emulation,
            adapters: RefCell::default(),
        }
    }

    fn walk(
        &self,
        style: &str,
        end: &End,
        limit: u64,
        emulation: Emulation,
    ) -> Result<Walked, UpstreamError> {
        *self.emulation.lock().unwrap() = emulation;
        let config = config(style, end, limit);
        let mut adapters = self.adapters.borrow_mut();
        let adapter = adapters
            .entry(config)
            .or_insert_with_key(|config| adapter_of(config, self.server.base_url(), &[]));
        let observers = Observers::default();
        self.runtime.block_on(walk(adapter, &observers))
    }
}

#[test]
fn a_walk_is_whole_or_an_error_whatever_the_style_its_end_and_its_upstream() {
    let bench = Bench::new();
    let pairs = pairs();
    assert_eq!(pairs.len(), 385, "every pair is thought of");
    let mut failed = Vec::new();
    for pair in &pairs {
        let mut runner = TestRunner::new(ProptestConfig::with_cases(4));
        let outcome = runner.run(&sizes(), |sizes| {
            let emulation = emulation(pair, &sizes);
            let ids_expected = emulation.ids();
            let walked = bench.walk(pair.style.keys, &pair.end, sizes.limit, emulation);
            match (walked, pair.expected) {
                // It says of itself that the list moved.
                (Ok(walked), Expected::NeverShort) if walked.counts.drifted => {}
                (Ok(walked), _) => prop_assert_eq!(ids(&walked), ids_expected),
                (Err(error), Expected::Whole) => prop_assert!(false, "{error}"),
                (Err(error), Expected::NeverShort) => prop_assert!(
                    matches!(error.kind, ErrorKind::Pagination | ErrorKind::LimitExceeded),
                    "{error}"
                ),
            }
            Ok(())
        });
        if let Err(error) = outcome {
            failed.push(format!("{pair:?}\n{error}"));
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn a_list_that_is_cut_at_its_cap_is_an_error_and_a_shorter_one_is_whole() {
    let bench = Bench::new();
    for style in [
        Style {
            keys: "style = 'none', cap = 7",
            counts: Counts::Slots(0),
            next: Next::Nowhere,
        },
        Style {
            keys: "style = 'cursor', next = '/next', cap = 7",
            ..TOKENS[0]
        },
        Style {
            keys: "style = 'page', cap = 7",
            ..PAGES[0]
        },
    ] {
        for records in [0_u64, 1, 6, 7, 8, 20] {
            let emulation = Emulation {
                slots: (0..records).map(Some).collect(),
                counts: style.counts,
                next: style.next,
                last_next: LastNext::Absent,
                granted: 100,
                granted_later: 100,
                cap: 7,
                is_404_past_end: false,
            };
            let expected = emulation.ids();
            let walked = bench.walk(style.keys, &EMPTY, 3, emulation);
            let walked = walked
                .map(|walked| ids(&walked))
                .map_err(|error| error.kind);
            if records < 7 {
                assert_eq!(walked, Ok(expected), "{style:?}");
            } else {
                assert_eq!(walked, Err(ErrorKind::LimitExceeded), "{style:?}");
            }
        }
    }
}
