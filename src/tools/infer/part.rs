//! One value in a sample, the same for JSON and XML.
//!
//! [`Node`] follows a known path. Guessing needs the reverse, what there is, and this adds it: members
//! by name, and the items of a list.

use std::borrow::Cow;

use crate::page::format::{Node, Page};
use crate::plan::Format;
use crate::plan::Path;

/// One place in a sample.
#[derive(Debug, Clone, Copy)]
pub(super) struct SampleValue<'a> {
    node: Node<'a>,
    format: Format,
}

impl<'a> SampleValue<'a> {
    pub(super) const fn root(page: &'a Page, format: Format) -> Self {
        Self {
            node: page.root(),
            format,
        }
    }

    pub(super) const fn of(node: Node<'a>, format: Format) -> Self {
        Self { node, format }
    }

    /// What an object holds, by name. Nothing for anything else.
    pub(super) fn members(self) -> Vec<(&'a str, Self)> {
        let names = self.node.names().into_iter();
        names
            // In XML, text beside attributes is the element's own.
            .filter(|name| !(self.is_xml() && name.starts_with('#')))
            .filter_map(|name| Some((name, self.at(self.node.member(name)?))))
            .collect()
    }

    /// The items, where there is a list: a JSON array, or XML elements of one name.
    pub(super) fn items(self) -> Option<Vec<Self>> {
        self.node.is_list().then(|| {
            let nodes = self.node.list();
            nodes.into_iter().map(|node| self.at(node)).collect()
        })
    }

    /// Whether members stand here.
    pub(super) fn is_object(self) -> bool {
        self.node.first().is_object()
    }

    /// The text of a scalar.
    pub(super) fn text(self) -> Option<Cow<'a, str>> {
        self.node.text()
    }

    pub(super) fn is_null(self) -> bool {
        self.node.is_null()
    }

    /// Whether it is `true` or `false`, also as text.
    pub(super) fn boolean(self) -> Option<bool> {
        self.text()?.trim().to_ascii_lowercase().parse().ok()
    }

    pub(super) fn is_xml(self) -> bool {
        self.format == Format::Xml
    }

    const fn at(self, node: Node<'a>) -> Self {
        Self { node, ..self }
    }
}

/// The path from the page's root over these names; `None` where `gateway.toml` cannot write it.
pub(super) fn page_path<S: AsRef<str>>(names: &[S]) -> Option<Path> {
    written(&format!("/{}", joined(names)), names)
}

/// The path from a record over these names; `None` where `gateway.toml` cannot write it.
pub(super) fn record_path<S: AsRef<str>>(names: &[S]) -> Option<Path> {
    if names.is_empty() {
        return ".".parse().ok();
    }
    written(&joined(names), names)
}

/// RFC 6901, section 3.
fn joined<S: AsRef<str>>(names: &[S]) -> String {
    let escaped: Vec<_> = names
        .iter()
        .map(|name| name.as_ref().replace('~', "~0").replace('/', "~1"))
        .collect();
    escaped.join("/")
}

fn written<S: AsRef<str>>(text: &str, names: &[S]) -> Option<Path> {
    let path: Path = text.parse().ok()?;
    let segments = path.segments().iter().map(String::as_str);
    let is_same = segments.eq(names.iter().map(AsRef::as_ref));
    // A member whose name is nothing, a dot, or an XML attribute's child would read as another path.
    (is_same && path.to_string() == text).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_would_read_as_another_is_not_written() {
        assert_eq!(record_path(&["a/b", "c"]).unwrap().to_string(), "a~1b/c");
        assert_eq!(record_path::<&str>(&[]).unwrap().to_string(), ".");
        assert_eq!(page_path::<&str>(&[]).unwrap().to_string(), "/");
        for names in [&[""][..], &["."], &["", "a"]] {
            assert_eq!(record_path(names), None, "{names:?}");
        }
    }
}
