//! JSON within strings of JSON, read as if it stood there.

use std::collections::BTreeSet;

use super::error::FormatError;
use super::json;
use super::limits::Bounds;
use super::node::Node;
use super::page::Page;
use crate::json::flaw;
use crate::plan::Path;

impl Page {
    /// The page in which each text at one of `paths` that holds a list or an object of JSON is that.
    pub fn with_embedded(mut self, paths: &[Path], bounds: Bounds) -> Result<Self, FormatError> {
        for path in paths {
            let texts = self.root().find_all(path);
            let places = texts
                .filter(|node| node.holds_json(bounds))
                .map(Node::place);
            let places: BTreeSet<_> = places.collect();
            if places.is_empty() {
                continue;
            }
            let mut unquoted = String::new();
            self.0.write_unquoted(0, &places, &mut unquoted);
            self = Self::nothing();
            self = json::decode(unquoted.as_bytes(), None, bounds).map(Self)?;
        }
        Ok(self)
    }
}

impl Node<'_> {
    /// Whether it is a text that is a list or an object of JSON, within `bounds`.
    fn holds_json(self, bounds: Bounds) -> bool {
        let text = self.text().filter(|_| self.is_string());
        text.is_some_and(|text| {
            text.trim_start().starts_with(['{', '[']) && flaw(&text, bounds.depth).is_none()
        })
    }
}
