//! A position that an upstream named becomes a request.

use std::sync::LazyLock;

use groupgate::config::{Environment, load_text};
use groupgate::upstream::Adapter;
use groupgate::upstream::pager::Position;
use serde_json::Value;
use url::Url;

use super::{compiled, loaded, says_little};

const ORIGIN: &str = "http://api.example.com:8080";

static ADAPTER: LazyLock<Adapter> = LazyLock::new(|| {
    let loaded = loaded(include_str!("template.toml"));
    compiled(&loaded, "everywhere").expect("the adapter compiles")
});

/// A cursor in each place where one can stand; then the same text as the path of a template.
pub(crate) fn template(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    fill(&text);
    write(&text);
}

fn fill(cursor: &str) {
    let request = match ADAPTER.request(&Position::Cursor(cursor.to_owned())) {
        Ok(request) => request,
        Err(error) => {
            let no_segment = matches!(cursor, "" | "." | "..");
            let no_header = cursor
                .chars()
                .any(|letter| letter.is_control() && letter != '\t');
            // A URI has a length of 64 KiB at most (http::uri::MAX_LEN).
            assert!(no_segment || no_header || cursor.len() > 5000, "{error}");
            return says_little(error);
        }
    };
    let written = request.uri().to_string();
    let url: Url = written.parse().expect("a request's URI is a URL");
    assert_eq!(
        url.as_str(),
        written,
        "the URL is not read as it is written"
    );
    assert_eq!(url.origin().ascii_serialization(), ORIGIN);
    assert!(url.fragment().is_none());

    let segments: Vec<_> = url.path().split('/').collect();
    let ["", "base", "groups", segment, "tail"] = segments[..] else {
        panic!("{written}: the value has changed the path");
    };
    assert_eq!(
        percent_encoding::percent_decode_str(segment)
            .decode_utf8()
            .unwrap(),
        cursor
    );
    let pairs: Vec<_> = url.query_pairs().collect();
    assert_eq!(
        pairs,
        [("from".into(), cursor.into()), ("n".into(), "50".into())]
    );

    let header = request.headers()["x-from"].as_bytes();
    assert_eq!(header, format!("at {cursor}").as_bytes());
    assert!(!header.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)));
    let body: Value = serde_json::from_slice(request.body()).expect("the body is JSON");
    assert_eq!(body["from"], cursor);
    assert_eq!(body["n"], 50);
    assert_eq!(body["list"][0], format!("<{cursor}>"));
}

/// Whoever writes a template may write what they like, and still asks nobody but `base_url`.
fn write(path: &str) {
    // TOML reads what JSON writes, but for a delete.
    let value = Value::from(path).to_string().replace('\u{7f}', "\\u007f");
    let text = format!(
        "[upstreams.u]\nbase_url = '{ORIGIN}/base'\nrecords = '/'\n\
         fields = {{ id = 'id', name = 'id' }}\n\
         [upstreams.u.request]\npath = {value}\nquery = {{ q = {value} }}\nheaders = {{ x-q = {value} }}\n"
    );
    let Ok(loaded) = load_text("fuzz.toml", &text, Environment::default()) else {
        return;
    };
    let Some(adapter) = compiled(&loaded, "u") else {
        return;
    };
    match adapter.request(&adapter.paging().first()) {
        Ok(request) => {
            let url: Url = request.uri().to_string().parse().expect("a URI is a URL");
            assert_eq!(url.origin().ascii_serialization(), ORIGIN);
            assert!(url.path().starts_with("/base/"), "{url}");
            assert!(url.fragment().is_none(), "{url}");
        }
        Err(error) => says_little(error),
    }
}
