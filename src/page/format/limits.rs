//! How much a body may hold, and what it will take.

use bytesize::ByteSize;
use memchr::{memchr_iter, memmem};

use super::tape::ENTRY;
use crate::plan::BodyFormat;

/// How many times as large as `limits.page_bytes` a page may be in memory. Groups take two to three
/// times as much as their text, lists of almost nothing nine to thirteen times.
pub(super) const GROWTH: u64 = 16;

/// How much a body may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How deep lists and objects, or elements, may be nested.
    pub(super) depth: u32,
    /// How much memory all of them may take.
    pub(super) room: ByteSize,
    /// How many entries there will be on the tape, if that is known.
    pub(super) entries: usize,
}

/// What a body will take in memory once it is decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct PageWeight {
    entries: u64,
    texts: u64,
}

impl PageWeight {
    /// About what a body will take, JSON or XML, without reading it: seldom less than it does.
    fn of(body: &[u8]) -> Self {
        let first = body
            .iter()
            .find(|byte| !b" \t\r\n\xef\xbb\xbf\xff\xfe\0".contains(byte));
        let count = |byte| memchr_iter(byte, body).count() as u64;
        let (entries, escapes, names) = if first == Some(&b'<') {
            let attributes = count(b'=');
            let empty = memmem::find_iter(body, b"/>").count() as u64;
            // A name and a list around each element, in case no other one of that name is beside it.
            let elements = u64::midpoint(count(b'<'), empty);
            (3 * elements + 2 * attributes, count(b'&'), attributes)
        } else {
            // Each value but the first one stands behind one of these, and each name behind one more.
            let entries = b",:[{".map(count).iter().sum();
            (entries, count(b'\\'), 0)
        };
        let bytes = body.len() as u64;
        // Texts with escapes are copied, and so are names of attributes. They grow in steps.
        let beside = bytes.min(escapes * ESCAPED + names * NAME) * 3;
        let is_recoded = simdutf8::basic::from_utf8(body).is_err();
        Self {
            entries: entries + ROOT,
            texts: beside + if is_recoded { 4 * bytes } else { bytes } + OPEN,
        }
    }

    /// The same of a body in this format: a table is all that is not told by its first character.
    pub(crate) fn in_format(body: &[u8], format: BodyFormat) -> Self {
        let separator = match format {
            BodyFormat::Decoded(format) => format.separator(),
            BodyFormat::Text => None,
        };
        let Some(separator) = separator else {
            return Self::of(body);
        };
        let count = |byte| memchr_iter(byte, body).count() as u64;
        let rows = count(b'\n') + 1;
        // Each cell stands behind a name, and its text beside that of the page, which grows in steps.
        Self {
            entries: 2 * (count(separator) + rows) + rows + ROOT,
            texts: 4 * body.len() as u64 + OPEN,
        }
    }

    /// In bytes.
    pub(crate) const fn bytes(self) -> u64 {
        self.entries * ENTRY as u64 + self.texts
    }
}

/// How many entries a document has without any value in its root.
const ROOT: u64 = 8;

/// What the texts of elements take that are open at once.
const OPEN: u64 = 4 * 1024;

/// How long a text with an escape in it is, and a name of an attribute.
const ESCAPED: u64 = 64;
const NAME: u64 = 16;

impl Bounds {
    /// So deep, and so much memory as a page of `page_bytes` may take.
    pub const fn new(depth: u32, page_bytes: ByteSize) -> Self {
        Self {
            depth,
            room: ByteSize(page_bytes.as_u64().saturating_mul(GROWTH)),
            entries: 0,
        }
    }

    /// The same for a body of this weight. One that is less than a half of what the body takes fails the
    /// page, and nothing else.
    #[must_use]
    pub(crate) fn within(self, weight: PageWeight) -> Self {
        Self {
            room: self.room.min(ByteSize(weight.bytes().saturating_mul(2))),
            entries: weight.entries as usize,
            ..self
        }
    }

    #[cfg(test)]
    pub(super) fn deep(depth: u32) -> Self {
        Self {
            depth,
            ..Self::default()
        }
    }
}

impl Default for Bounds {
    /// For what comes from no upstream with limits of its own.
    fn default() -> Self {
        Self::new(128, ByteSize::mib(64))
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::page::format::Page;
    use crate::plan::Format;

    #[rstest]
    #[case::nested_lists(&format!("[{}[]]", "[],".repeat(5_000)), Format::Json)]
    #[case::numbers(&format!("[{}0]", "0,".repeat(5_000)), Format::Json)]
    #[case::objects(&format!("[{}{{}}]", r#"{"a": {"b": [1.5, "c\"]"]}}, "#.repeat(500)), Format::Json)]
    #[case::groups(&format!("[{}0]", r#"{"id": "a1", "name": "Sales", "members": [{"id": 7}]},"#.repeat(500)), Format::Json)]
    #[case::elements(&format!("<r>{}</r>", "<a/>".repeat(5_000)), Format::Xml)]
    #[case::rows(&format!("id,name\n{}", "a1,Sales\n".repeat(2_000)), Format::Csv)]
    #[case::attributes(&format!("<r>{}</r>", "<a b='1' c=\"2\">x</a>".repeat(500)), Format::Xml)]
    fn what_a_text_will_take_is_weighed_before_it_is_read(
        #[case] text: &str,
        #[case] format: Format,
    ) {
        let weight = PageWeight::in_format(text.as_bytes(), BodyFormat::Decoded(format));
        let fits = |room: u64| {
            let bounds = Bounds {
                room: ByteSize(room),
                ..Bounds::default().within(weight)
            };
            Page::decode_within(format, text.as_bytes(), None, bounds).is_ok()
        };
        let weight = weight.bytes();
        assert!(fits(weight), "{weight} are too few");
        assert!(!fits(weight / 3), "{weight} are too many");
    }

    #[test]
    fn an_object_that_is_keyed_by_data_fits_what_its_text_weighs() {
        let members: String = (0..5_000)
            .map(|id| format!(r#""{id}":{{"name":"Sales"}},"#))
            .collect();
        for last in ["z", "7"] {
            let text = format!(r#"{{{members}"{last}":0}}"#);
            let bounds = Bounds::default().within(PageWeight::of(text.as_bytes()));
            let page = Page::decode_within(Format::Json, text.as_bytes(), None, bounds);
            let expected = if last == "z" { 5_001 } else { 5_000 };
            assert_eq!(page.unwrap().root().len(), expected);
        }
    }
}
