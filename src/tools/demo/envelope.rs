//! Where a vendor's list answer holds what a fault of the content changes.

/// What surrounds a vendor's groups, as pointers (RFC 6901) into the JSON of a list answer.
#[derive(Debug)]
pub(super) struct Envelope {
    /// The groups.
    pub(super) records: &'static str,
    /// A group's id, by its key.
    pub(super) id: &'static str,
    /// How the next page is known, where there are pages.
    pub(super) next: Option<Continuation>,
    /// How many groups there are.
    pub(super) total: Option<&'static str>,
    /// The URL of the next page.
    pub(super) link: Option<&'static str>,
    /// Whether callers may ask for XML.
    pub(super) speaks_xml: bool,
}

/// How a vendor's pages follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) enum Continuation {
    /// Each names the next one here.
    Cursor(&'static str),
    /// Requests count groups in this parameter.
    Offset(&'static str),
    /// Requests count pages in this parameter.
    Page {
        parameter: &'static str,
        /// How many pages there are.
        pages: &'static str,
    },
}

impl Envelope {
    /// Where a page names the cursor of the next one.
    pub(super) const fn cursor(&self) -> Option<&'static str> {
        match self.next {
            Some(Continuation::Cursor(pointer)) => Some(pointer),
            Some(Continuation::Offset(_) | Continuation::Page { .. }) | None => None,
        }
    }
}
