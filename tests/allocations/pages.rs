//! What decoding a page allocates at most, beside the memory that it may take.

use allocation_counter::measure;
use bytesize::ByteSize;
use groupgate::page::format::{Bounds, Page};
use groupgate::plan::Format;

/// So many times as large as `limits.page_bytes` a page may be.
const GROWTH: u64 = 16;

/// What is open besides, up to the depth that is allowed.
const OPEN: u64 = 128 * 128;

/// Bodies that become large, each in its own way.
fn bodies() -> Vec<(&'static str, Format, Vec<u8>)> {
    let list = |item: &str| format!("[{}0]", item.repeat(3_000)).into_bytes();
    let keyed = |names: usize| {
        let members = (0..3_000).map(|number| format!(r#""{}":{number},"#, number % names));
        format!(r#"{{{}"":0}}"#, members.collect::<String>()).into_bytes()
    };
    let document = |item: &str| format!("<r>{}</r>", item.repeat(1_000)).into_bytes();
    let wide = |item: &str| {
        let text = String::from_utf8(document(item)).unwrap();
        let units = text.encode_utf16().flat_map(u16::to_le_bytes);
        [0xff, 0xfe].into_iter().chain(units).collect()
    };
    vec![
        ("numbers", Format::Json, list("0,")),
        ("lists", Format::Json, list("[[],[[]]],")),
        ("objects", Format::Json, list(r#"{"a":{}},"#)),
        ("nested", Format::Json, list("[[[[[[[[]]]]]]]],")),
        ("escapes", Format::Json, list(r#""\n\n\n\n","#)),
        ("names", Format::Json, keyed(3_000)),
        ("repeated names", Format::Json, keyed(1_000)),
        ("elements", Format::Xml, document("<a/>")),
        ("elements apart", Format::Xml, document("<a/><b/>")),
        ("attributes", Format::Xml, document("<a b='' c=''/>")),
        ("mixed", Format::Xml, document("<a b=''>x<c/>&amp;y</a> ")),
        ("pieces", Format::Xml, document("&lt;")),
        ("UTF-16", Format::Xml, wide("<a>&lt;\u{20ac}</a>")),
    ]
}

#[test]
fn a_page_takes_no_more_memory_than_is_counted() {
    for (name, format, body) in bodies() {
        let decode = |page_bytes: u64| {
            let bounds = Bounds::new(128, ByteSize(page_bytes));
            Page::decode_within(format, &body, None, bounds).is_ok()
        };
        let most = 4 * body.len() as u64;
        assert!(decode(most), "{name} does not fit");
        // The least that it is decoded with.
        let (mut refused, mut least) = (0, most);
        while refused + 1 < least {
            let middle = u64::midpoint(refused, least);
            if decode(middle) {
                least = middle;
            } else {
                refused = middle;
            }
        }
        let taken = measure(|| assert!(decode(least))).bytes_max;
        let counted = least * GROWTH;
        let told = format!("{name} takes {taken} bytes, and {counted} are counted");
        assert!(taken <= counted + OPEN, "{told}");
        assert!(counted < 3 * taken + OPEN, "{told}");
    }
}
