//! What an answer may be: its statuses, and the headers of each.

use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::downstream::problem::{self, Kind};

/// A response header.
#[derive(Debug, Clone, Copy)]
pub(super) struct DescribedHeader {
    name: &'static str,
    /// Whether every such answer has it.
    always: bool,
    kind: &'static str,
    meaning: &'static str,
}

const fn always(name: &'static str, meaning: &'static str) -> DescribedHeader {
    DescribedHeader {
        name,
        always: true,
        kind: "string",
        meaning,
    }
}

const fn sometimes(name: &'static str, meaning: &'static str) -> DescribedHeader {
    DescribedHeader {
        name,
        always: false,
        kind: "string",
        meaning,
    }
}

impl DescribedHeader {
    const fn number(self) -> Self {
        Self {
            kind: "integer",
            ..self
        }
    }
}

/// How an answer may be kept.
pub(super) const KEPT: &[DescribedHeader] = &[
    always("ETag", "What the answer says, for `If-None-Match`."),
    always("Cache-Control", "How long the answer stays what it is."),
    always("Vary", "The request headers that the answer depends on."),
];

/// Where an answer about groups comes from.
pub(super) const MADE: &[DescribedHeader] = &[
    sometimes(
        "Cache-Status",
        "What the cache of each asked source did (RFC 9211).",
    ),
    sometimes(
        "Server-Timing",
        "Where the time went, in milliseconds, if the gateway is set up to tell it.",
    ),
];

/// That an answer shows the present, and is nobody's to keep.
pub(super) const PRESENT: &[DescribedHeader] = &[
    always("Cache-Control", "`no-store`."),
    always("Vary", "The request headers that the answer depends on."),
];

/// What the page of the description may do.
pub(super) const CONFINED: &[DescribedHeader] = &[always(
    "Content-Security-Policy",
    "That it loads nothing from elsewhere.",
)];

/// The neighbours of a page.
pub(super) const PAGED: &[DescribedHeader] = &[
    sometimes(
        "Link",
        "The `next` page, where there is one, and the `first` (RFC 8288).",
    ),
    sometimes(
        "Preference-Applied",
        "`handling=strict`, where `Prefer` asked for it (RFC 7240).",
    ),
];

/// The rest of a CSV answer.
pub(super) const TABULAR: &[DescribedHeader] = &[
    sometimes("X-Total-Count", "CSV only: how many groups match in all.").number(),
    sometimes(
        "X-Complete",
        "CSV only: whether every asked source contributed.",
    ),
    sometimes(
        "X-Sources",
        "CSV only: how each asked source stands, as JSON. Of many sources it holds name, state \
         and type of error alone, and where that is too long for a header it is left out.",
    ),
];

/// What a body is in, where it is compressed.
pub(super) const CODED: &[DescribedHeader] = &[sometimes(
    "Content-Encoding",
    "`zstd`, `br` or `gzip`, as `Accept-Encoding` asked for it.",
)];

/// What every answer to a request says.
const ADMITTED: &[DescribedHeader] = &[
    always(
        "X-Content-Type-Options",
        "`nosniff`: a body is what its media type says.",
    ),
    always(
        "X-Request-Id",
        "The id of the request, made here or taken from it.",
    ),
    // Not of an answer that a defect cut short.
    sometimes(
        "RateLimit",
        "How many requests are left, and when all are again.",
    ),
    sometimes(
        "RateLimit-Policy",
        "How many requests there are, in how many seconds.",
    ),
];

const NOT_KEPT: DescribedHeader = always("Cache-Control", "`no-store`.");

const WAIT: &str = "After how many seconds to ask again.";

fn described<'a>(headers: impl IntoIterator<Item = &'a DescribedHeader>) -> Value {
    let described = headers.into_iter().map(|header| {
        let mut described = json!({
            "description": header.meaning,
            "schema": { "type": header.kind },
        });
        if header.always {
            described["required"] = true.into();
        }
        (header.name.to_owned(), described)
    });
    Value::Object(described.collect())
}

/// A good answer.
pub(super) fn good(
    meaning: &str,
    content: Map<String, Value>,
    headers: &[&[DescribedHeader]],
) -> Value {
    let headers = headers.iter().copied().chain([CODED, ADMITTED]).flatten();
    json!({ "description": meaning, "headers": described(headers), "content": content })
}

/// That the caller has the answer already.
pub(super) fn not_modified(headers: &[&[DescribedHeader]]) -> Value {
    let headers = headers.iter().copied().chain([ADMITTED]).flatten();
    json!({
        "description": "The caller has this answer already.",
        "headers": described(headers),
    })
}

/// Where the problems of a status are described.
pub(super) fn of_status(status: StatusCode) -> Value {
    json!({ "$ref": format!("#/components/responses/{}", name(status)) })
}

fn name(status: StatusCode) -> String {
    let reason = status.canonical_reason().unwrap_or_default();
    reason.split(' ').collect()
}

/// The problems of every status that callers meet, by name.
pub(super) fn problems(schema: &Value) -> Map<String, Value> {
    let mut problems = Map::new();
    for kind in Kind::ALL {
        // That is an answer of the admin listener.
        if kind == Kind::NotReady {
            continue;
        }
        let status = kind.status();
        let meaning = format!("`{}`: {}.", kind.uri(), kind.title());
        match problems.get_mut(&name(status)) {
            None => {
                let problem = problem_of(status, &meaning, schema);
                problems.insert(name(status), problem);
            }
            Some(problem) => {
                let before = problem["description"].as_str().unwrap_or_default();
                problem["description"] = format!("{before} {meaning}").into();
            }
        }
    }
    problems
}

fn problem_of(status: StatusCode, meaning: &str, schema: &Value) -> Value {
    let own = match status {
        StatusCode::UNAUTHORIZED => Some(always(
            "WWW-Authenticate",
            "How to authenticate, where callers are told apart.",
        )),
        StatusCode::METHOD_NOT_ALLOWED => Some(always("Allow", "The methods that are.")),
        StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
            Some(always("Retry-After", WAIT).number())
        }
        StatusCode::BAD_GATEWAY | StatusCode::GATEWAY_TIMEOUT => {
            Some(sometimes("Retry-After", WAIT).number())
        }
        _ => None,
    };
    let headers = ADMITTED.iter().chain([&NOT_KEPT]).chain(&own);
    json!({
        "description": meaning,
        "headers": described(headers),
        "content": { problem::MEDIA_TYPE: { "schema": schema } },
    })
}
