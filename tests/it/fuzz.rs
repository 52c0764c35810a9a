//! The fuzz targets as property tests: some seconds each, on any toolchain.
//!
//! What must hold is in `tests/fuzz/targets`, which libFuzzer runs for hours. Here the input comes from
//! valid documents that are changed a little, and from generators that reach deep: random bytes
//! alone never get past a parser's first branch. `PROPTEST_CASES=100000` looks longer.

#[path = "../fuzz/targets/mod.rs"]
mod targets;

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

/// So many cases, unless `PROPTEST_CASES` says how many.
fn cases(count: u32) -> ProptestConfig {
    let given = ProptestConfig::default();
    let is_given = given.cases != 256;
    ProptestConfig {
        cases: if is_given { given.cases } else { count },
        failure_persistence: None,
        ..given
    }
}

/// The seeds of a target, which libFuzzer starts from too.
fn seeds(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/corpus");
    let mut files: Vec<_> = fs::read_dir(folder.join(target))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        // libFuzzer puts what it finds beside them.
        .filter(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with("seed"))
        })
        .collect();
    files.sort();
    assert!(!files.is_empty(), "no seeds for {target}");
    files.iter().map(|file| fs::read(file).unwrap()).collect()
}

/// One change of a document.
#[derive(Debug, Clone)]
enum Change {
    Put(Index, Vec<u8>),
    Over(Index, Vec<u8>),
    Cut(Index, usize),
    Repeat(Index, usize, usize),
    End(Index),
}

impl Change {
    fn strategy(words: &'static [&'static str]) -> impl Strategy<Value = Self> {
        let piece = prop_oneof![
            4 => select(words).prop_map(|word| word.as_bytes().to_vec()),
            1 => vec(any::<u8>(), 1..4),
        ];
        let at = any::<Index>();
        prop_oneof![
            4 => (at.clone(), piece.clone()).prop_map(|(at, piece)| Self::Put(at, piece)),
            4 => (at.clone(), piece).prop_map(|(at, piece)| Self::Over(at, piece)),
            3 => (at.clone(), 1..24_usize).prop_map(|(at, length)| Self::Cut(at, length)),
            2 => (at.clone(), 1..24_usize, 1..40_usize)
                .prop_map(|(at, length, times)| Self::Repeat(at, length, times)),
            1 => at.prop_map(Self::End),
        ]
    }

    fn apply(self, text: &mut Vec<u8>) {
        let place = |at: Index| at.index(text.len() + 1);
        match self {
            Self::Put(at, piece) => {
                let at = place(at);
                text.splice(at..at, piece);
            }
            Self::Over(at, piece) => {
                let at = place(at);
                let end = (at + piece.len()).min(text.len());
                text.splice(at..end, piece);
            }
            Self::Cut(at, length) => {
                let at = place(at);
                let end = (at + length).min(text.len());
                text.drain(at..end);
            }
            Self::Repeat(at, length, times) => {
                let at = place(at);
                let end = (at + length).min(text.len());
                let piece = text[at..end].repeat(times);
                text.splice(at..at, piece);
            }
            Self::End(at) => text.truncate(place(at)),
        }
    }
}

/// Seeds with a few changes, words of the language among them.
fn changed(target: &str, words: &'static [&'static str]) -> impl Strategy<Value = Vec<u8>> + use<> {
    let changes = vec(Change::strategy(words), 0..6);
    (select(seeds(target)), changes).prop_map(|(mut text, changes)| {
        for change in changes {
            change.apply(&mut text);
        }
        text
    })
}

fn names() -> impl Strategy<Value = &'static str> {
    select(
        &[
            "id",
            "name",
            "groups",
            "group",
            "total",
            "next",
            "members",
            "about",
            "text",
            "status",
            "created",
            "count",
            "email",
            "users",
            "user",
            "pages",
            "admins",
            "@id",
            "#text",
            "nil",
            "",
            "$key",
            "a/b",
            "~1",
            "$serde_json::private::Number",
            "$serde_json::private::RawValue",
        ][..],
    )
}

fn scalars() -> impl Strategy<Value = String> {
    prop_oneof![
        select(
            &[
                "1",
                "true",
                "null",
                "-0",
                "1e999999",
                "1.50",
                "18446744073709551616",
                "",
                "2024-02-30T25:00:00Z",
                "2024-01-01T00:00:00+24:00",
                "1700000000",
                "ACTIVE",
                "İ",
                "\u{feff}",
                "a\u{0}b",
                "\u{fffe}",
                "a@example.com",
                "http://localhost/x",
                "//evil",
            ][..]
        )
        .prop_map(str::to_owned),
        any::<String>(),
        "[0-9]{1,40}",
    ]
}

/// A JSON document of names and values that the adapters look at.
fn json_document() -> impl Strategy<Value = Vec<u8>> {
    let leaf = scalars().prop_map(|text| {
        serde_json::from_str(&text).map_or_else(
            |_| serde_json::Value::from(text.as_str()).to_string(),
            |value: serde_json::Value| value.to_string(),
        )
    });
    let value = leaf.prop_recursive(6, 64, 6, |inner| {
        let name = names().prop_map(|name| serde_json::Value::from(name).to_string());
        let member = (name, inner.clone()).prop_map(|(name, value)| format!("{name}:{value}"));
        prop_oneof![
            vec(inner, 0..5).prop_map(|items| format!("[{}]", items.join(","))),
            vec(member, 0..6).prop_map(|members| format!("{{{}}}", members.join(","))),
        ]
    });
    let record = (scalars(), scalars(), value.clone()).prop_map(|(id, name, more)| {
        let text = |text: String| serde_json::Value::from(text).to_string();
        format!(
            r#"{{"id":{},"name":{},"groups":{more}}}"#,
            text(id),
            text(name)
        )
    });
    let records = prop_oneof![
        1 => value.clone(),
        3 => vec(record, 0..4).prop_map(|records| format!("[{}]", records.join(","))),
    ];
    (records, value).prop_map(|(records, more)| {
        format!(r#"{{"groups":{records},"total":{more},"next":{more}}}"#).into_bytes()
    })
}

/// An XML document of names and values that the adapters look at.
fn xml_document() -> impl Strategy<Value = Vec<u8>> {
    let name = || {
        select(
            &[
                "groups", "group", "id", "name", "total", "users", "user", "n:id", "é",
            ][..],
        )
    };
    let attribute = (
        select(&["id", "nil", "x:nil", "xmlns", "xmlns:x", "é"][..]),
        scalars(),
    )
        .prop_map(|(name, value)| format!(" {name}='{}'", quick_xml::escape::escape(&value)))
        .boxed();
    let leaf = prop_oneof![
        4 => scalars().prop_map(|text| quick_xml::escape::escape(&text).into_owned()),
        1 => scalars().prop_map(|text| format!("<![CDATA[{text}]]>")),
        1 => select(&["<!--x-->", "<?x y?>", "&#10;", "&#xD;", "&lt;", " ", "\r\n"][..])
            .prop_map(str::to_owned),
    ];
    let content = leaf.prop_recursive(6, 64, 6, move |inner| {
        let element =
            (name(), vec(attribute.clone(), 0..3), inner).prop_map(|(name, attributes, inner)| {
                format!("<{name}{}>{inner}</{name}>", attributes.concat())
            });
        vec(element, 0..6).prop_map(|elements| elements.concat())
    });
    let record = (scalars(), content.clone()).prop_map(|(id, more)| {
        format!(
            "<group><id>{}</id>{more}</group>",
            quick_xml::escape::escape(&id)
        )
    });
    (vec(record, 0..4), content).prop_map(|(records, more)| {
        format!("<groups>{}{more}</groups>", records.concat()).into_bytes()
    })
}

const JSON_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "\"",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "null",
    "true",
    "1e999999",
    "-0",
    "0.",
    "\u{feff}",
    "\"groups\":",
    "\"id\":",
    "\"total\":",
    "\"next\":",
    "[[[[",
    "{\"a\":",
    "\"$serde_json::private::Number\":",
    "\"$serde_json::private::RawValue\":",
    "\0",
];

const XML_WORDS: &[&str] = &[
    "<",
    ">",
    "</",
    "/>",
    "<group>",
    "</group>",
    "<id/>",
    "<!DOCTYPE a [",
    "<!ENTITY e 'x'>",
    "&e;",
    "&#0;",
    "&#xd800;",
    "&#10;",
    "&amp;",
    "<![CDATA[",
    "]]>",
    "<!--",
    "-->",
    "<?xml version='1.0'",
    " encoding='UTF-16'",
    "?>",
    " nil='true'",
    " xmlns:a='b'",
    "<a:b>",
    "<@id>",
    "<#text>",
    "\0",
    "\r",
];

const TOML_WORDS: &[&str] = &[
    "[",
    "]",
    "[[",
    "{",
    "}",
    "=",
    ".",
    ",",
    "\"",
    "'",
    "\"\"\"",
    "'''",
    "\n",
    "\r",
    "#",
    "\\",
    "\\u",
    "{{",
    "{cursor}",
    "{env = \"A\"}",
    "token = ",
    "password = ",
    "[upstreams.head",
    "auth",
    "é",
    "\0",
    "\u{feff}",
    "request",
    "pagination.style = \"page\"",
    "-1",
    "1e9",
    "2024-01-01",
    "inf",
    "http://u:p@h/",
];

const QUERY_WORDS: &[&str] = &[
    "&",
    "=",
    "%",
    "%2",
    "%zz",
    "%ff",
    "%00",
    "+",
    ",",
    "-",
    "search=",
    "source=",
    "id=",
    "sort=",
    "fields=",
    "limit=",
    "limit=all",
    "cursor=",
    "deleted=only",
    "created_after=",
    "2024-01-01",
    "T00:00:00+02:00",
    "a",
    "b_2",
    "name",
    "-created_at",
    "ﬁ",
    "İ",
    "\0",
];

const LINK_WORDS: &[&str] = &[
    "<",
    ">",
    ";",
    ",",
    "\"",
    "\\",
    "=",
    "rel",
    "rel=next",
    "rel=\"next\"",
    "rel=\"prev next\"",
    "\n",
    "<//evil.example>",
    "<http://api.example.com:80/>",
    "<http://u@api.example.com/>",
    "<?page=2>",
    "<>",
    "anchor=\"x\"",
    "rel*=UTF-8''next",
    "\t",
    " ",
    "é",
];

const CURSOR_WORDS: &[&str] = &[
    ".", "..", "/", "\\", "%2f", "%2e", "?", "#", "&", "=", "+", " ", "\r\n", "\0", "\t",
    "{cursor}", "{{", "\"", "é", "\u{202e}", "@", ":", "//", ";", "\u{7f}",
];

proptest! {
    #![proptest_config(cases(1200))]

    #[test]
    fn what_is_decoded_from_json_reads_back_and_maps_to_whole_groups(
        body in prop_oneof![changed("json", JSON_WORDS), json_document()],
    ) {
        targets::json(&body);
    }

    #[test]
    fn what_is_decoded_from_xml_reads_back_and_maps_to_whole_groups(
        body in prop_oneof![changed("xml", XML_WORDS), xml_document()],
    ) {
        targets::xml(&body);
    }

    #[test]
    fn no_position_leads_a_request_elsewhere(
        position in prop_oneof![
            changed("template", CURSOR_WORDS),
            any::<String>().prop_map(String::into_bytes),
        ],
    ) {
        targets::template(&position);
    }
}

proptest! {
    #![proptest_config(cases(4000))]

    #[test]
    fn a_query_has_one_spelling(query in changed("query", QUERY_WORDS)) {
        targets::query(&query);
    }

    #[test]
    fn a_link_header_leads_to_one_of_its_own_urls(headers in changed("link", LINK_WORDS)) {
        targets::link(&headers);
    }
}

proptest! {
    #![proptest_config(cases(80))]

    #[test]
    fn a_file_is_a_configuration_or_has_problems_that_can_be_found(
        text in changed("config", TOML_WORDS),
    ) {
        targets::config(&text);
    }
}

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn only_the_keys_make_cursors(
        data in prop_oneof![changed("cursor", CURSOR_WORDS), vec(any::<u8>(), 0..600)],
    ) {
        targets::cursor(&data);
    }
}

const TOKEN_WORDS: &[&str] = &[
    "\n",
    "{",
    "}",
    "\"",
    ",",
    ":",
    ".",
    "null",
    "[]",
    "\"alg\":",
    "\"none\"",
    "\"HS256\"",
    "\"RS256\"",
    "\"kid\":",
    "\"k\"",
    "\"crit\":",
    "\"typ\":",
    "\"iss\":",
    "\"aud\":",
    "\"sub\":",
    "\"exp\":",
    "\"nbf\":",
    "\"iat\":",
    "1e400",
    "\\u0000",
    "\u{202e}",
];

const KEY_SET_WORDS: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    ",",
    "\"keys\":",
    "\"kty\":",
    "\"oct\"",
    "\"RSA\"",
    "\"EC\"",
    "\"OKP\"",
    "\"crv\":",
    "\"P-256\"",
    "\"alg\":",
    "\"HS256\"",
    "\"ES256\"",
    "\"Ed25519\"",
    "\"use\":",
    "\"enc\"",
    "\"key_ops\":",
    "\"k\":",
    "\"n\":",
    "\"e\":\"AQAB\"",
    "\"x\":",
    "\"x5c\":",
    "AAAA",
];

const FORWARDED_WORDS: &[&str] = &[
    "\n",
    ",",
    ";",
    "=",
    "\"",
    "\\",
    "for=",
    "For=",
    "proto=https",
    "[::1]",
    "10.0.0.2",
    "203.0.113.9",
    ":80",
    "unknown",
    "_hidden",
    "\u{e9}",
    "::ffff:10.0.0.2",
];

const PROXY_WORDS: &[&str] = &[
    "PROXY ",
    "TCP4 ",
    "TCP6 ",
    "UNKNOWN",
    "\r\n",
    "192.0.2.7 ",
    "::1 ",
    "65535",
    " ",
    "\r\n\r\n\0\r\nQUIT\n",
    "\x21",
    "\x20",
    "\x11",
    "\0",
];

proptest! {
    #![proptest_config(cases(800))]

    #[test]
    fn only_the_issuer_makes_tokens(
        data in prop_oneof![changed("token", TOKEN_WORDS), vec(any::<u8>(), 0..600)],
    ) {
        targets::token(&data);
    }

    #[test]
    fn a_certificate_names_whom_it_shows_or_nobody(
        data in changed("certificate", &["\0", "\x02", "\x0c", "\x30", "\x03", "CN", "\n", "\u{e9}"]),
    ) {
        targets::certificate(&data);
    }
}

proptest! {
    #![proptest_config(cases(2000))]

    #[test]
    fn a_key_is_of_one_kind(data in changed("key_set", KEY_SET_WORDS)) {
        targets::key_set(&data);
    }

    #[test]
    fn what_a_client_writes_before_a_proxy_changes_nothing(
        data in changed("forwarded", FORWARDED_WORDS),
    ) {
        targets::forwarded(&data);
    }

    #[test]
    fn the_header_of_a_connection_says_one_address_or_none(
        data in changed("proxy_header", PROXY_WORDS),
    ) {
        targets::proxy_header(&data);
    }
}
