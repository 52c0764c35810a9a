//! A query string becomes a query, and a query its one spelling.

use std::sync::LazyLock;

use groupgate::caller::Caller;
use groupgate::gateway::cursor::Keys;
use groupgate::gateway::query::{Limit, QueryError};
use groupgate::gateway::{FilterableAttributes, ParseContext, Query};

static KEYS: LazyLock<Keys> = LazyLock::new(|| Keys::new(vec![vec![7; 32].into()]));

fn parse(raw: &str) -> Result<Query, QueryError> {
    let context = ParseContext {
        attributes: &FilterableAttributes::default(),
        sources: &["a".into(), "b_2".into()],
        streamed: true,
        caller: &Caller::default(),
        keys: &KEYS,
    };
    Query::parse(raw, context)
}

/// What a query spells reads back as itself.
pub(crate) fn query(data: &[u8]) {
    let raw = String::from_utf8_lossy(data);
    let query = match parse(&raw) {
        Ok(query) => query,
        Err(error) => {
            let said = error.to_string();
            assert!(
                !said.is_empty() && said.len() < 2048 + 4 * raw.len(),
                "{said}"
            );
            return;
        }
    };
    assert!(query.resume.is_none(), "no input can know the keys");
    if let Limit::Page(limit) = query.limit {
        assert!((1..=1000).contains(&limit));
    }
    let canonical = query.canonical();
    assert!(canonical.is_ascii() && !canonical.contains([' ', '\r', '\n', '#']));
    let again = parse(&canonical).unwrap_or_else(|error| panic!("{canonical}: {error}"));
    assert_eq!(
        again.canonical(),
        canonical,
        "the spelling is no fixed point"
    );
    let first = query.first_page();
    let first = parse(&first).unwrap_or_else(|error| panic!("{first}: {error}"));
    assert_eq!(first, query, "{canonical}");
}
