//! The dimensions along which real group APIs differ, and the values met in the wild: a closed
//! list, every value of which has a case.

/// One dimension.
pub(crate) struct Dimension {
    /// As in `D9`.
    pub(crate) number: u8,
    pub(crate) title: &'static str,
    values: &'static [&'static str],
}

impl Dimension {
    /// Its values as cases name them: `D9 in a response header`.
    pub(crate) fn values(&self) -> impl Iterator<Item = String> {
        let value = |value| format!("D{} {value}", self.number);
        self.values.iter().map(value)
    }
}

const fn dimension(number: u8, title: &'static str, values: &'static [&'static str]) -> Dimension {
    Dimension {
        number,
        title,
        values,
    }
}

/// All of them.
pub(crate) const DIMENSIONS: [Dimension; 32] = [
    dimension(
        1,
        "method, where parameters go",
        &[
            "GET query",
            "POST JSON",
            "POST form",
            "POST with an empty body",
            "POST with {}",
            "POST with null",
            "GET with a body",
        ],
    ),
    dimension(
        2,
        "static headers",
        &["tenant", "client name", "X-Amz-Target", "vendor Accept"],
    ),
    dimension(
        3,
        "static auth",
        &[
            "Bearer",
            "scheme SSWS",
            "scheme token",
            "Basic",
            "key header",
            "key parameter",
            "token inside the JSON body",
        ],
    ),
    dimension(
        4,
        "login call",
        &[
            "JSON",
            "form",
            "token at a body path",
            "token as the whole value",
            "token in a response header",
            "200",
            "201",
            "expiry as seconds",
            "expiry as RFC 3339",
            "expiry in a JWT",
            "expiry unknown",
            "renewed on 401",
            "renewed on 403",
            "renewed on an in-body code",
            "refresh token",
            "password grant",
            "signed token",
            "token goes to a parameter",
            "token goes to a cookie",
            "token goes to a JSON body",
            "several values",
            "several cookies",
            "on another host",
            "one after another",
            "expiry as milliseconds",
            "expiry of a cookie",
            "expiry that cannot be read",
        ],
    ),
    dimension(
        5,
        "signed",
        &[
            "SigV4",
            "SigV4 with extra signed headers",
            "SigV4 body hash",
            "HMAC with its own date header",
            "HMAC header format",
            "HMAC string-to-sign template",
            "hex",
            "base64",
            "clock window",
            "HMAC derived keys",
            "HMAC canonical request",
            "HMAC in the query",
            "HTTP Message Signatures",
            "Digest",
        ],
    ),
    dimension(
        6,
        "format",
        &[
            "JSON",
            "XML",
            "JSON after a prefix to strip",
            "chosen by Accept",
            "chosen by extension",
            "chosen by parameter",
            "Content-Type not to be believed",
            "errors in another format than successes",
        ],
    ),
    dimension(
        7,
        "records",
        &[
            "root array",
            "path",
            "repeated XML child with a wrapper",
            "repeated XML child beside metadata",
            "object keyed by id",
            "object keyed by name",
            "scalars instead of objects",
            "member absent when empty",
        ],
    ),
    dimension(
        8,
        "XML",
        &[
            "default namespace",
            "attributes as data",
            "attributes as totals",
            "single element is a list of one",
            "empty element",
            "absent element",
            "metadata before the list",
            "metadata after the list",
        ],
    ),
    dimension(
        9,
        "cursor",
        &[
            "in the body",
            "in a response header",
            "id of the last record",
            "opaque, needs percent-encoding",
            "goes to the query",
            "goes to a form",
            "goes to a JSON body",
            "the first request needs an empty one",
            "other parameters repeat unchanged",
            "with an end flag",
        ],
    ),
    dimension(
        10,
        "next URL",
        &[
            "in the body, absolute",
            "in the body, relative",
            "Link with several relations in one field",
            "Link in several fields",
            "Link empty",
            "keeps the origin",
            "sends auth again",
            "never followed elsewhere",
        ],
    ),
    dimension(
        11,
        "numbers",
        &[
            "page from 0",
            "page from 1",
            "offset",
            "startIndex from 1",
            "stepped by records received",
            "stepped by limit asked",
            "stepped by limit granted",
        ],
    ),
    dimension(
        12,
        "end",
        &[
            "token absent",
            "token null",
            "token empty",
            "flag",
            "total reached",
            "pages reached",
            "empty page",
            "absent Link",
            "has_more false although a next URL is there",
            "a short page is not the end",
            "an empty page is not the end",
        ],
    ),
    dimension(
        13,
        "continuation",
        &["another endpoint for further pages", "body only the cursor"],
    ),
    dimension(14, "no paging", &["whole list", "list cut at a cap"]),
    dimension(
        15,
        "totals",
        &[
            "number",
            "number as text",
            "header",
            "XML attribute",
            "separate call",
            "absent",
        ],
    ),
    dimension(
        16,
        "page size",
        &["name", "default", "maximum", "clamped silently", "refused"],
    ),
    dimension(
        17,
        "errors",
        &[
            "status",
            "200 with an in-body code",
            "200 with a flag",
            "200 with an error object",
            "400 for throttling with a code in the body",
            "empty body",
            "text",
            "HTML",
            "status as text",
        ],
    ),
    dimension(
        18,
        "error message",
        &[
            "one of several paths",
            "error as boolean",
            "error as string",
            "first of a list",
        ],
    ),
    dimension(
        19,
        "auth failure",
        &["401", "403", "200 with a code", "500"],
    ),
    dimension(
        20,
        "rate limit",
        &[
            "429",
            "503",
            "403",
            "400",
            "Retry-After as seconds",
            "Retry-After as date",
            "reset as epoch",
            "reset as delta",
            "in the body",
        ],
    ),
    dimension(
        21,
        "ids",
        &[
            "integer",
            "text",
            "UUID",
            "e-mail",
            "ARN",
            "DN",
            "URL-escaped",
            "name only",
        ],
    ),
    dimension(
        22,
        "times",
        &[
            "RFC 3339 with 0 digits",
            "RFC 3339 with 3 digits",
            "RFC 3339 with 7 digits",
            "RFC 3339 with 9 digits",
            "epoch seconds, integer",
            "epoch seconds, float",
            "epoch milliseconds",
            "YYYY-MM-DD hh:mm:ss",
            "YYYY-MM-DD hh:mm:ss.n",
            "LDAP generalized",
            "RFC 1123",
            "0 is never",
            "none",
        ],
    ),
    dimension(
        23,
        "nulls and types",
        &[
            "null",
            "empty text",
            "absent",
            "0",
            "{} for nothing",
            "[] for nothing",
            "one value or a list of values",
            "booleans as text",
        ],
    ),
    dimension(
        24,
        "nesting",
        &[
            "parent id",
            "parent object",
            "tree of subgroups",
            "path in the name",
        ],
    ),
    dimension(
        25,
        "computed",
        &[
            "template of several fields",
            "first non-empty of several paths",
            "last segment of a path",
            "last segment of an ARN",
        ],
    ),
    dimension(
        26,
        "pushdown",
        &[
            "contains",
            "prefix",
            "SCIM filter",
            "OData",
            "exclusive with paging",
            "filtered again",
        ],
    ),
    dimension(
        27,
        "parameters",
        &["repeated names", "brackets", "literal $top"],
    ),
    dimension(
        28,
        "order",
        &[
            "unspecified",
            "by id",
            "by name",
            "newest first",
            "changing between pages",
        ],
    ),
    dimension(
        29,
        "protocol",
        &[
            "HTTP/1.0",
            "Connection: close",
            "gzip",
            "304",
            "redirects",
            "duplicate headers",
            "HTTP/2",
        ],
    ),
    dimension(
        30,
        "duplicates",
        &[
            "same id twice in a page",
            "same id across pages",
            "ids unique only per upstream",
        ],
    ),
    dimension(
        31,
        "on whose behalf",
        &[
            "headers of the caller",
            "id of the caller",
            "claim of the caller",
            "token of the caller, exchanged",
        ],
    ),
    dimension(
        32,
        "lists of lists",
        &[
            "members per group",
            "members with pages",
            "admins and guests per group",
            "a path in the outer record",
            "a group that is gone",
            "more groups gone than may be",
            "a failure in the middle",
            "partitions that are listed",
            "partitions with a cursor",
            "partitions that are constants",
            "ids unique within a partition",
            "one id in two partitions",
            "no partitions",
            "a placeholder without a value",
            "details per group",
            "details that lack what a group needs",
            "refused",
        ],
    ),
];

/// Values that `gateway.toml` cannot say yet: their cases must not pass. Whoever makes one sayable
/// strikes it off here.
pub(crate) const UNSAID: &[&str] = &[];

/// Values that interact: some one case shows them together.
pub(crate) const PAIRS: &[(&str, &str)] = &[
    (
        "D32 partitions that are listed",
        "D32 partitions with a cursor",
    ),
    ("D32 members per group", "D32 members with pages"),
    ("D9 in a response header", "D1 POST form"),
    ("D9 in a response header", "D1 POST JSON"),
    ("D10 in the body, absolute", "D3 token inside the JSON body"),
    (
        "D10 in the body, absolute",
        "D12 an empty page is not the end",
    ),
    ("D8 attributes as totals", "D11 offset"),
    ("D3 Bearer", "D15 separate call"),
    ("D3 key parameter", "D10 in the body, absolute"),
    ("D3 key parameter", "D10 in the body, relative"),
    ("D4 expiry in a JWT", "D1 POST JSON"),
    ("D4 token goes to a JSON body", "D9 goes to a JSON body"),
    ("D4 token goes to a parameter", "D10 in the body, absolute"),
    ("D4 one after another", "D4 renewed on 401"),
    ("D5 SigV4", "D1 POST form"),
    ("D5 SigV4", "D10 in the body, relative"),
    (
        "D5 HMAC string-to-sign template",
        "D9 opaque, needs percent-encoding",
    ),
    ("D6 XML", "D9 goes to a form"),
    ("D6 XML", "D15 header"),
    ("D6 XML", "D24 tree of subgroups"),
    ("D6 XML", "D29 gzip"),
    ("D7 object keyed by id", "D9 id of the last record"),
    ("D7 scalars instead of objects", "D9 id of the last record"),
    ("D8 empty element", "D12 an empty page is not the end"),
    (
        "D10 Link with several relations in one field",
        "D1 POST JSON",
    ),
    ("D12 absent Link", "D12 an empty page is not the end"),
    ("D16 clamped silently", "D11 stepped by limit granted"),
    ("D24 tree of subgroups", "D9 id of the last record"),
    ("D24 tree of subgroups", "D11 stepped by limit asked"),
    ("D24 tree of subgroups", "D15 number"),
];

/// Every value of every dimension.
pub(crate) fn values() -> impl Iterator<Item = String> {
    DIMENSIONS.iter().flat_map(Dimension::values)
}
