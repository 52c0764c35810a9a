//! The rows of the table: each fault, the settings under which it is met, and what must come of it.

use std::mem::discriminant;
use std::time::Duration;

use groupgate::error::ErrorKind;
use groupgate::tools::demo::{CursorType, GzipForm, InjectedFault, MisreportedTotal, XmlEncoding};

use crate::support::deployment::Setup;

/// How many groups each upstream has.
pub(crate) const GROUPS: usize = 25;
/// How many come on a page, where there are pages.
const PAGE: usize = 10;

/// Slower than callers wait, and soon enough for the walk.
const LATE: InjectedFault = InjectedFault::Slow(Duration::from_mins(1));
/// How long callers wait for an upstream that is [`LATE`].
const IMPATIENT: &str = "2s";
/// Longer than anything takes, on a machine that does much else.
pub(crate) const PATIENT: &str = "2m";
/// Slower than anybody waits.
const TOO_SLOW: InjectedFault = InjectedFault::Slow(Duration::from_mins(10));

/// What must come of a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expected {
    /// The source fails for this reason.
    Fails(ErrorKind),
    /// The caller goes before the answer comes.
    Late,
    /// The list comes whole: the fault is borne.
    Whole,
    /// The list comes whole, or the source fails because its pages contradict each other.
    NotShort,
    /// The list comes with so many groups, and what is odd about it is counted.
    Odd {
        groups: usize,
        /// Under which name `/sources` counts it.
        counted: &'static str,
    },
}

/// Faults that have a value, with values that fit what callers wait for and that come to different
/// ends.
const WITH_VALUES: [InjectedFault; 30] = [
    LATE,
    TOO_SLOW,
    InjectedFault::Status(403),
    InjectedFault::Status(404),
    InjectedFault::Status(429),
    InjectedFault::Status(500),
    InjectedFault::Status(502),
    InjectedFault::Status(503),
    burst(401, 1),
    burst(403, 1),
    burst(500, 2),
    burst(502, 2),
    burst(503, 1),
    burst(500, 9),
    InjectedFault::TooMany(Duration::from_secs(1)),
    InjectedFault::TooManyUntil(Duration::from_secs(1)),
    InjectedFault::UnauthorizedAfter(1),
    InjectedFault::Drip {
        bytes: 1,
        every: Duration::from_millis(50),
    },
    InjectedFault::Gzip(GzipForm::UpperCase),
    InjectedFault::Gzip(GzipForm::XGzip),
    InjectedFault::Gzip(GzipForm::Members),
    InjectedFault::XmlEncoding(XmlEncoding::Latin1),
    InjectedFault::XmlEncoding(XmlEncoding::Utf16),
    InjectedFault::Total(MisreportedTotal::Zero),
    InjectedFault::Total(MisreportedTotal::Page),
    InjectedFault::Total(MisreportedTotal::Less),
    InjectedFault::Total(MisreportedTotal::Object),
    InjectedFault::CursorType(CursorType::Object),
    InjectedFault::CursorType(CursorType::List),
    InjectedFault::CursorType(CursorType::True),
];

const fn burst(status: u16, failures: u32) -> InjectedFault {
    InjectedFault::Burst { status, failures }
}

/// The faults that are tried: the whole catalogue.
pub(crate) fn faults() -> Vec<InjectedFault> {
    let has_value = |fault: &InjectedFault| {
        let mut tried = WITH_VALUES.iter();
        tried.any(|tried| discriminant(tried) == discriminant(fault))
    };
    let catalogue = InjectedFault::all();
    WITH_VALUES
        .into_iter()
        .chain(catalogue.filter(|fault| !has_value(fault)))
        .collect()
}

/// Whether the fault is about memory.
pub(crate) const fn is_heavy(fault: InjectedFault) -> bool {
    matches!(
        fault,
        InjectedFault::Huge
            | InjectedFault::GzipBomb
            | InjectedFault::EntityBomb
            | InjectedFault::DeepJson
            | InjectedFault::DeepXml
            | InjectedFault::Headers
    )
}

/// Whether the fault is how the upstream writes every list, so that its adapter can read no other.
pub(crate) const fn is_from_the_start(fault: InjectedFault) -> bool {
    matches!(fault, InjectedFault::RepeatedParents)
}

/// What the fault needs: little patience where patience must run out, no second try where the upstream
/// asks for a second of rest. Elsewhere patience never runs out, however busy the machine is.
pub(crate) fn settings(fault: InjectedFault, upstream: &str, setup: Setup) -> Setup {
    let block = format!("UPSTREAMS__{}", upstream.to_uppercase());
    let limit =
        |setup: Setup, key: &str, value: &str| setup.set(&format!("{block}__LIMITS__{key}"), value);
    match expected(fault, upstream) {
        Expected::Fails(ErrorKind::Timeout) => limit(limit(setup, "TIMEOUT", "1s"), "RETRIES", "1"),
        Expected::Fails(ErrorKind::RateLimited) => limit(setup, "RETRIES", "0"),
        Expected::Fails(_) if fault == InjectedFault::Status(503) => limit(setup, "RETRIES", "0"),
        Expected::Late => setup.set("SERVER__DEADLINE", IMPATIENT),
        // Repeated free of charge, or not at all.
        Expected::Whole if fault == InjectedFault::CloseOnReuse => limit(setup, "RETRIES", "0"),
        Expected::Whole if fault == InjectedFault::RepeatedParents => {
            let records = match upstream {
                "publisher" => "/groups/group/parts/part",
                "onlivesite" => "/items/parts",
                "vinyldns" => "/groups/parts",
                _ => "/data/parts",
            };
            let setup = setup.set(&format!("{block}__RECORDS"), records);
            if upstream == "publisher" {
                // Its total is a hint, which does not show what an offset counts.
                return setup.set(&format!("{block}__PAGINATION__STEP"), "received");
            }
            setup
        }
        Expected::Fails(_) | Expected::NotShort if upstream == "tallyfy" => reading(fault, setup),
        Expected::Fails(_) | Expected::Whole | Expected::NotShort | Expected::Odd { .. } => setup,
    }
}

/// The shipped adapter of `tallyfy` reads neither totals nor links.
fn reading(fault: InjectedFault, setup: Setup) -> Setup {
    if matches!(fault, InjectedFault::WrongTotal | InjectedFault::Total(_)) {
        let total = "/meta/pagination/total";
        return setup.set("UPSTREAMS__TALLYFY__PAGINATION__TOTAL", total);
    }
    if fault != InjectedFault::NextElsewhere {
        return setup;
    }
    setup
        .rewrite(
            "pagination = { style = \"page\", first = 1, limit = 100, \
             pages = \"/meta/pagination/total_pages\", absent = \"end\" }",
            "pagination = { style = \"next_url\", next = \"/meta/pagination/links/next\" }",
        )
        .rewrite(
            "query = { with = \"assets\", page = \"{page}\", per_page = \"{limit}\" }",
            "query = { with = \"assets\", per_page = \"10\" }",
        )
}

/// What must come of `fault` at `upstream`.
pub(crate) fn expected(fault: InjectedFault, upstream: &str) -> Expected {
    let pages = match upstream {
        "collections" => 1,
        _ => GROUPS.div_ceil(PAGE),
    };
    Expected::Fails(match fault {
        LATE => return Expected::Late,
        InjectedFault::Burst {
            failures: 1..=2, ..
        }
        | InjectedFault::CloseOnReuse
        | InjectedFault::Gzip(_)
        | InjectedFault::XmlEncoding(_)
        | InjectedFault::LoneSurrogate
        | InjectedFault::RepeatedParents
        | InjectedFault::MediaType => return Expected::Whole,
        // A list without pages has no other one to be read.
        InjectedFault::PartialContent if upstream == "collections" => ErrorKind::Pagination,
        InjectedFault::PartialContent | InjectedFault::Total(_) => return Expected::NotShort,
        InjectedFault::DuplicateIds => {
            return Expected::Odd {
                groups: GROUPS - pages,
                counted: "repeated",
            };
        }
        InjectedFault::MissingIds => {
            let page = if pages == 1 { GROUPS } else { PAGE };
            let missing = |records: usize| records.div_ceil(3);
            let missing = (pages - 1) * missing(page) + missing(GROUPS - (pages - 1) * page);
            return Expected::Odd {
                groups: GROUPS - missing,
                counted: "skipped",
            };
        }
        InjectedFault::Refuse | InjectedFault::Truncate | InjectedFault::Reset => {
            ErrorKind::Connect
        }
        InjectedFault::HangConnect
        | InjectedFault::Hang
        | InjectedFault::Slow(_)
        | InjectedFault::Drip { .. } => ErrorKind::Timeout,
        InjectedFault::Status(429) | InjectedFault::TooMany(_) | InjectedFault::TooManyUntil(_) => {
            ErrorKind::RateLimited
        }
        InjectedFault::Status(403)
        | InjectedFault::Unauthorized
        | InjectedFault::UnauthorizedAfter(_) => ErrorKind::Unauthorized,
        InjectedFault::Status(_) | InjectedFault::Burst { .. } | InjectedFault::Redirect => {
            ErrorKind::HttpStatus
        }
        InjectedFault::Cut
        | InjectedFault::Garbage
        | InjectedFault::InvalidUtf8
        | InjectedFault::EntityBomb => ErrorKind::Decode,
        // There it is asked for XML.
        InjectedFault::DeepJson if upstream == "publisher" => ErrorKind::Decode,
        InjectedFault::Headers
        | InjectedFault::DeepJson
        | InjectedFault::DeepXml
        | InjectedFault::Huge
        | InjectedFault::GzipBomb
        | InjectedFault::Endless => ErrorKind::LimitExceeded,
        // Told by what they are: a status in the body, a text that is no JSON, or a document
        // without the list.
        InjectedFault::ErrorInBody => match upstream {
            "collections" | "onlivesite" => ErrorKind::Rejected,
            "vinyldns" => ErrorKind::Decode,
            _ => ErrorKind::Mapping,
        },
        InjectedFault::WrongTypes => ErrorKind::Mapping,
        // There the total only says how far to read at least, and the walk reads on to an empty page.
        InjectedFault::WrongTotal if upstream == "publisher" => return Expected::Whole,
        InjectedFault::WrongTotal
        | InjectedFault::RepeatPage
        | InjectedFault::RepeatCursor
        | InjectedFault::CursorType(_)
        | InjectedFault::NextElsewhere => ErrorKind::Pagination,
    })
}

/// The configuration that all cells share.
pub(crate) fn setup() -> Setup {
    let setup = Setup::new(GROUPS)
        .set("SERVER__DEADLINE", PATIENT)
        .set("CACHE__TTL", "1h")
        .set("CACHE__STALE_WHILE_REVALIDATE", "0s")
        .set("CACHE__MIN_REFRESH", "50ms")
        .set_each("LIMITS__TIMEOUT", PATIENT)
        .set_each("LIMITS__PAGE_BYTES", "4MiB")
        .set_each("LIMITS__PAGES", "20")
        // A breaker that opened must not make the end of a fault a long wait.
        .set_each("BREAKER__OPEN_FOR", "200ms");
    ["vinyldns", "publisher", "onlivesite", "tallyfy"]
        .iter()
        .fold(setup, |setup, upstream| {
            let key = format!("UPSTREAMS__{}__PAGINATION__LIMIT", upstream.to_uppercase());
            setup.set(&key, &PAGE.to_string())
        })
}
