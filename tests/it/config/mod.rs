//! What the loader makes of good files and of broken ones.

mod cases;
mod parts;

use std::collections::BTreeSet;
use std::path::Path;

use groupgate::config::upstream::{Auth, Pagination, Text};
use groupgate::config::{Environment, Loaded, Report, load, load_text, schema};
use groupgate::plan::Span;
use groupgate::problem::{KeyPath, Problem, Problems};
use proptest::prelude::*;
use serde_json::Value;

const SHIPPED: &str = include_str!("../../../gateway.toml");

/// The variables that the shipped file reads its secrets from.
const SECRETS: [&str; 9] = [
    "COLLECTIONS_ID",
    "COLLECTIONS_SECRET",
    "ONLIVE_KEY",
    "ONLIVE_SECRET",
    "PUBLISHER_TOKEN",
    "TALLYFY_ORG",
    "TALLYFY_TOKEN",
    "VINYL_KEY",
    "VINYL_SECRET",
];

/// What stands where a secret must not.
const LITERAL: &str = "hunter2";

/// Loads the shipped file with its secrets and these variables.
fn shipped(variables: &[(&str, &str)]) -> Result<Loaded, Report> {
    let secrets = SECRETS.into_iter().map(|name| (name, "a secret"));
    let environment = secrets.chain(variables.iter().copied()).collect();
    load_text("gateway.toml", SHIPPED, environment)
}

#[test]
fn the_shipped_file_is_whole() {
    let loaded = shipped(&[]).unwrap_or_else(|report| panic!("{report}"));
    let names: Vec<&str> = loaded
        .settings
        .upstreams
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        names,
        [
            "collections",
            "onlivesite",
            "publisher",
            "tallyfy",
            "vinyldns"
        ]
    );
}

#[test]
fn every_secret_that_is_not_set_is_named_at_the_key_that_needs_it() {
    let report = load_text("gateway.toml", SHIPPED, Environment::default()).unwrap_err();
    let rendered = report.render(false);
    for name in SECRETS {
        let message = format!("the environment variable `{name}` is not set");
        assert!(rendered.contains(&message), "{rendered}");
    }
    assert!(
        rendered.ends_with("9 problems in gateway.toml"),
        "{rendered}"
    );
}

#[test]
fn a_variable_moves_a_key_and_takes_its_type() {
    let loaded = shipped(&[
        ("GROUPGATE__SERVER__LISTEN", "127.0.0.1:0"),
        (
            "GROUPGATE__UPSTREAMS__VINYLDNS__BASE_URL",
            "http://127.0.0.1:1234",
        ),
        ("GROUPGATE__UPSTREAMS__VINYLDNS__LIMITS__CONCURRENCY", "7"),
        ("GROUPGATE__UPSTREAMS__VINYLDNS__PAGINATION__LIMIT", "50"),
        ("GROUPGATE__UPSTREAMS__VINYLDNS__REQUIRED", "true"),
        ("GROUPGATE__UPSTREAMS__VINYLDNS__TTL", "1m"),
    ])
    .unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(loaded.settings.server.listen.port(), 0);
    let upstream = &loaded.settings.upstreams["vinyldns"];
    assert_eq!(upstream.base_url.as_str(), "http://127.0.0.1:1234/");
    assert_eq!(upstream.limits.concurrency, 7);
    assert!(upstream.required);
    assert_eq!(upstream.ttl, Some(Span::seconds(60)));
    let Pagination::Cursor(pages) = &upstream.pagination else {
        panic!("{:?}", upstream.pagination);
    };
    assert_eq!(pages.limit, Some(50));
}

#[test]
fn a_key_that_takes_strings_takes_digits_from_a_variable_as_they_are() {
    let loaded = shipped(&[("GROUPGATE__UPSTREAMS__VINYLDNS__AUTH__REGION", "0012345")])
        .unwrap_or_else(|report| panic!("{report}"));
    let Auth::AwsSigv4(auth) = &loaded.settings.upstreams["vinyldns"].auth else {
        panic!("{:?}", loaded.settings.upstreams["vinyldns"].auth);
    };
    assert_eq!(auth.region, "0012345");
}

#[test]
fn names_that_are_the_upstreams_keep_their_case_also_under_variables() {
    let loaded = shipped(&[("GROUPGATE__UPSTREAMS__VINYLDNS__REQUEST__PATH", "/all")])
        .unwrap_or_else(|report| panic!("{report}"));
    let request = &loaded.settings.upstreams["vinyldns"].request;
    assert_eq!(request.path, "/all");
    assert_eq!(
        request.query["startFrom"].as_slice(),
        [Text::Literal("{cursor}".to_owned())]
    );
}

#[test]
fn a_quoted_key_with_a_dot_is_no_path() {
    let text = format!("\"server.listen\" = \"127.0.0.1:1\"\n{SHIPPED}");
    let environment = SECRETS.into_iter().map(|name| (name, "a secret")).collect();
    let rendered = load_text("gateway.toml", &text, environment)
        .unwrap_err()
        .to_string();
    assert!(
        rendered.contains("unknown key `server.listen`"),
        "{rendered}"
    );
}

#[test]
fn a_file_that_is_not_there_is_a_report_too() {
    let report = load(Path::new("no/such/gateway.toml"), Environment::default()).unwrap_err();
    assert_eq!(
        report.to_string().lines().collect::<Vec<_>>(),
        [
            "  x `no/such/gateway.toml` cannot be read: No such file or directory (os error 2)",
            "",
            "1 problem in no/such/gateway.toml",
        ]
    );
    let files: Vec<_> = report.problems().map(|problem| problem.file).collect();
    assert_eq!(files, [Some("no/such/gateway.toml")]);
}

#[test]
fn a_problem_found_later_is_shown_where_it_stands() {
    let loaded = shipped(&[]).unwrap_or_else(|report| panic!("{report}"));
    let mut problems = Problems::default();
    let at = KeyPath::new(["upstreams", "onlivesite", "auth", "encoding"]);
    problems.push(Problem::new(at, "not this one").with_help("another"));
    let rendered = loaded.report(problems).to_string();
    assert!(rendered.contains("x not this one"), "{rendered}");
    assert!(rendered.contains("| encoding = \"hex\""), "{rendered}");
    assert!(rendered.contains("help: another"), "{rendered}");
}

#[test]
fn a_report_for_a_terminal_has_colour_and_one_for_a_file_has_none() {
    let report = load_text("gateway.toml", "", Environment::default()).unwrap_err();
    assert!(report.render(true).contains('\u{1b}'));
    assert!(!report.render(false).contains('\u{1b}'));
}

/// The words that a tagged table of the schema may have for its tag.
fn tags(schema: &Value, definition: &str, tag: &str) -> Vec<String> {
    let variants = schema["$defs"][definition]["anyOf"].as_array();
    let word = |variant: &Value| {
        variant["properties"][tag]["const"]
            .as_str()
            .map(str::to_owned)
    };
    variants.into_iter().flatten().filter_map(word).collect()
}

#[test]
fn an_unknown_key_is_found_in_every_style_and_scheme() {
    let schema = schema();
    for (definition, table, tag) in [
        ("Pagination", "pagination", "style"),
        ("Auth", "auth", "type"),
    ] {
        let words = tags(&schema, definition, tag);
        assert!(words.len() > 5, "{words:?}");
        for word in words {
            let text = format!("[upstreams.a]\n{table} = {{ {tag} = \"{word}\", xyz = 1 }}\n");
            let column = text.lines().nth(1).unwrap().find("xyz").unwrap() + 1;
            let rendered = load_text("gateway.toml", &text, Environment::default())
                .unwrap_err()
                .to_string();
            assert!(rendered.contains("unknown key `xyz`"), "{rendered}");
            let place = format!("[gateway.toml:2:{column}]");
            assert!(rendered.contains(&place), "{rendered}");
        }
    }
}

#[test]
fn every_key_of_the_shipped_file_is_in_the_schema() {
    let mut known = BTreeSet::new();
    properties(&schema(), &mut known);
    let mut used = BTreeSet::new();
    let file: toml::Table = SHIPPED.parse().unwrap();
    keys(&file, &mut used);
    let names: BTreeSet<String> = file["upstreams"]
        .as_table()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert!(used.len() > 50, "{used:?}");
    let unknown: Vec<&String> = used
        .difference(&known)
        .filter(|key| !names.contains(*key))
        .collect();
    assert_eq!(unknown, Vec::<&String>::new());
}

/// The whole numbers that a table takes by the schema: each key, and values just out of bounds.
fn out_of_bounds(table: &Value) -> Vec<(String, i64)> {
    let keys = table["properties"].as_object().into_iter().flatten();
    keys.filter(|(_, property)| property["type"] == "integer")
        .flat_map(|(key, property)| {
            let least = property["minimum"].as_i64().map(|least| least - 1);
            let most = property["maximum"].as_i64().map(|most| most + 1);
            let values = least.into_iter().chain(most);
            values.map(|value| (key.clone(), value)).collect::<Vec<_>>()
        })
        .collect()
}

#[test]
fn numbers_out_of_the_bounds_of_the_schema_are_refused() {
    const BLOCK: &str = "[upstreams.a]\nbase_url = 'https://a.example'\nrecords = '/'\n\
                         request = { path = '/' }\nfields = { id = 'id', name = 'name' }\n";
    let schema = schema();
    let definitions = &schema["$defs"];
    let styles = definitions["Pagination"]["anyOf"].as_array().unwrap();
    let mut tables = vec![
        ("[rate_limit]".to_owned(), &definitions["RateLimit"]),
        (
            format!("{BLOCK}[upstreams.a.limits]"),
            &definitions["Limits"],
        ),
        (
            format!("{BLOCK}[upstreams.a.breaker]"),
            &definitions["Breaker"],
        ),
    ];
    for style in styles {
        let word = &style["properties"]["style"]["const"];
        let head = format!("{BLOCK}[upstreams.a.pagination]\nstyle = {word}\nnext = '/next'");
        tables.push((head, style));
    }
    let mut count = 0;
    for (head, table) in tables {
        for (key, value) in out_of_bounds(table) {
            count += 1;
            let text = format!("{head}\n{key} = {value}\n");
            let report = load_text("gateway.toml", &text, Environment::default()).unwrap_err();
            let line = text.lines().count();
            let is_refused = |problem: groupgate::config::ReportedProblem<'_>| {
                problem.line.is_some_and(|at| at.number == line)
            };
            assert!(report.problems().any(is_refused), "{text}\n{report}");
        }
    }
    assert!(count > 20, "{count}");
}

/// Every property that a schema names.
fn properties(node: &Value, found: &mut BTreeSet<String>) {
    match node {
        Value::Object(entries) => {
            if let Some(keys) = node.get("properties").and_then(Value::as_object) {
                found.extend(keys.keys().cloned());
            }
            entries.values().for_each(|inner| properties(inner, found));
        }
        Value::Array(items) => items.iter().for_each(|inner| properties(inner, found)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

/// Every key of a file that is groupgate's own.
fn keys(table: &toml::Table, found: &mut BTreeSet<String>) {
    for (key, value) in table {
        found.insert(key.clone());
        let is_theirs = matches!(key.as_str(), "query" | "headers" | "json" | "vars");
        if let Some(inner) = value.as_table().filter(|_| !is_theirs) {
            keys(inner, found);
        }
    }
}

/// A file with a literal secret in each kind of place.
const LEAKY: &str = r#"
[server]
listen = "127.0.0.1:8080"
admin_token = "hunter2"
[cursor]
keys = ["hunter2", { env = "KEY" }]
[upstreams.a]
base_url = "https://me:hunter2@example.com"
auth = { type = "bearer", token = "hunter2", scheme = "Token" }
[upstreams.b.auth]
type = "aws_sigv4"
secret_key = """
hunter2"""
"#;

/// The places between the words of a text. Where a key or a URL is cut in two, nobody could tell
/// what its value was.
fn seams(text: &str) -> Vec<usize> {
    let is_word = |byte: u8| byte.is_ascii_alphanumeric() || b"_:/@".contains(&byte);
    let is_inside = |pair: &[u8]| pair.iter().all(|byte| is_word(*byte));
    let pairs = text.as_bytes().windows(2).enumerate();
    pairs
        .filter(|(_, pair)| !is_inside(pair))
        .map(|(at, _)| at + 1)
        .collect()
}

proptest! {
    #[test]
    fn no_text_makes_the_loader_panic(text in any::<String>()) {
        let _ = load_text("gateway.toml", &text, Environment::default());
    }

    #[test]
    fn no_change_to_a_good_file_makes_the_loader_panic(
        at in 0..SHIPPED.len(),
        length in 0_usize..40,
        put in r#"[\[\]{}"'=.,\n#a-z0-9~-]{0,6}"#,
    ) {
        let start = SHIPPED.floor_char_boundary(at);
        let end = SHIPPED.floor_char_boundary(SHIPPED.len().min(at + length)).max(start);
        let text = format!("{}{put}{}", &SHIPPED[..start], &SHIPPED[end..]);
        if let Err(report) = load_text("gateway.toml", &text, Environment::default()) {
            let rendered = report.render(false);
            prop_assert!(!rendered.contains("Failed to read"), "{rendered}");
            prop_assert!(!rendered.contains("\n0 problems"), "{rendered}");
        }
    }

    #[test]
    fn no_report_shows_a_literal_secret(
        at in prop::sample::select(seams(LEAKY)),
        put in r#"[\[\]{}"'=., 0-9~]{1,3}"#,
    ) {
        let text = format!("{}{put}{}", &LEAKY[..at], &LEAKY[at..]);
        let report = load_text("gateway.toml", &text, Environment::default()).unwrap_err();
        prop_assert!(!report.render(true).contains(LITERAL), "{text}\n{report}");
        prop_assert!(!format!("{report:?}").contains(LITERAL), "{text}\n{report:?}");
    }
}
