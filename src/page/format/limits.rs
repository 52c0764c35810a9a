//! How much a body may hold.

use bytesize::ByteSize;

/// How many times as large as `limits.page_bytes` a page may be in memory. Groups take eight to
/// twenty times as much as their text, lists of almost nothing sixty times.
pub(super) const GROWTH: u64 = 16;

/// How much a body may hold.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// How deep lists and objects, or elements, may be nested.
    pub(super) depth: u32,
    /// How much memory all of them may take.
    pub(super) room: ByteSize,
}

impl Bounds {
    /// So deep, and so much memory as a page of `page_bytes` may take.
    pub const fn new(depth: u32, page_bytes: ByteSize) -> Self {
        Self {
            depth,
            room: ByteSize(page_bytes.as_u64().saturating_mul(GROWTH)),
        }
    }

    /// The same with no more memory than this.
    #[must_use]
    pub(crate) fn within(self, bytes: u64) -> Self {
        Self {
            room: self.room.min(ByteSize(bytes)),
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
    use crate::json;
    use crate::page::format::Page;
    use crate::plan::Format;

    #[rstest]
    #[case::nested_lists(&format!("[{}[]]", "[],".repeat(5_000)), Format::Json)]
    #[case::numbers(&format!("[{}0]", "0,".repeat(5_000)), Format::Json)]
    #[case::objects(&format!("[{}{{}}]", r#"{"a": {"b": [1.5, "c\"]"]}}, "#.repeat(500)), Format::Json)]
    #[case::groups(&format!("[{}0]", r#"{"id": "a1", "name": "Sales", "members": [{"id": 7}]},"#.repeat(500)), Format::Json)]
    #[case::elements(&format!("<r>{}</r>", "<a/>".repeat(5_000)), Format::Xml)]
    #[case::attributes(&format!("<r>{}</r>", "<a b='1' c=\"2\">x</a>".repeat(500)), Format::Xml)]
    fn what_a_text_will_take_is_weighed_before_it_is_read(
        #[case] text: &str,
        #[case] format: Format,
    ) {
        let fits = |room: u64| {
            let bounds = Bounds::new(128, ByteSize(u64::MAX)).within(room);
            Page::decode_within(format, text.as_bytes(), None, bounds).is_ok()
        };
        let weight = json::weight(text.as_bytes());
        assert!(fits(weight), "{weight} are too few");
        assert!(!fits(weight / 6), "{weight} are too many");
    }
}
