//! `Link` headers name the next page, or nothing does.

use std::sync::LazyLock;

use groupgate::page::format::Page;
use groupgate::plan::Format;
use groupgate::upstream::pager::{Next, PageContext, Paging, Position, WalkTotals};
use http::header::LINK;
use http::{HeaderMap, HeaderValue};
use url::Url;

use super::{compiled, loaded, says_little};

static PAGING: LazyLock<Paging> = LazyLock::new(|| {
    let toml = "[upstreams.u]\nbase_url = 'http://api.example.com'\nrequest.path = '/'\n\
                records = '/'\npagination.style = 'link'\nfields = { id = 'id', name = 'id' }\n";
    let adapter = compiled(&loaded(toml), "u").expect("the adapter compiles");
    adapter.paging().clone()
});

static ASKED: LazyLock<Url> = LazyLock::new(|| "http://api.example.com/a/b?c=d".parse().unwrap());

/// One header field a line.
pub(crate) fn link(data: &[u8]) {
    let mut headers = HeaderMap::new();
    for field in data.split(|&byte| byte == b'\n') {
        if let Ok(value) = HeaderValue::from_bytes(field) {
            headers.append(LINK, value);
        }
    }
    let page = Page::decode(Format::Json, b"[1]").expect("a list is a page");
    let context = PageContext {
        page: &page,
        headers: &headers,
        url: &ASKED.as_str().parse().unwrap(),
        records: 1,
        last_record_key: None,
        last_record_flag: None,
        parents: None,
        is_past_end: false,
    };
    match PAGING.next(&Position::Start, WalkTotals::first(1, None), context) {
        Ok(Next::End) => {}
        Ok(Next::One(Position::Url(next))) => {
            assert_eq!(next.origin(), ASKED.origin());
            assert!(next.username().is_empty() && next.password().is_none());
            assert!(
                stands_in(&headers, &next),
                "{next} is in none of {headers:?}"
            );
        }
        Ok(other) => panic!("a link led to {other:?}"),
        Err(error) => says_little(error),
    }
}

/// Whether a header has the URL between its angle brackets.
fn stands_in(headers: &HeaderMap, next: &Url) -> bool {
    headers.get_all(LINK).iter().any(|field| {
        let field = String::from_utf8_lossy(field.as_bytes());
        // One may stand in a target too.
        let starts = field.match_indices('<').map(|(at, _)| &field[at + 1..]);
        let mut targets = starts.filter_map(|rest| rest.split('>').next());
        let is_next = targets.any(|target| ASKED.join(target).is_ok_and(|url| url == *next));
        let words = field.replace('\\', "").to_ascii_lowercase();
        is_next && words.contains("next")
    })
}
