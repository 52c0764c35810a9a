//! What a vendor's list looks like: how it is asked for, and where its answers hold what.
//!
//! Routing counts list requests by it, and faults change lists at the places it names.

use http::Method;

use super::message::{QueryParameters, Request, RequestKind};

/// A vendor's list. Places are pointers (RFC 6901) into the JSON of an answer.
#[derive(Debug)]
pub(super) struct ListApi {
    pub(super) method: Method,
    pub(super) path: &'static str,
    /// The groups.
    pub(super) records: &'static str,
    /// The key of a group's id.
    pub(super) id: &'static str,
    /// How the next page is asked for, where there are pages.
    pub(super) paging: Option<PageStyle>,
    /// How many groups there are.
    pub(super) total: Option<&'static str>,
    /// The URL of the next page.
    pub(super) link: Option<&'static str>,
    /// Whether callers may ask for XML.
    pub(super) speaks_xml: bool,
}

/// How a vendor's pages follow each other.
#[derive(Debug, Clone, Copy)]
pub(super) enum PageStyle {
    /// `parameter` takes the cursor that the page before holds at `next`.
    Cursor {
        parameter: &'static str,
        next: &'static str,
    },
    /// This parameter counts groups.
    Offset(&'static str),
    /// `parameter` counts pages, and answers hold their number at `pages`.
    Page {
        parameter: &'static str,
        pages: &'static str,
    },
}

impl ListApi {
    /// Where a page names the cursor of the next one.
    pub(super) const fn cursor(&self) -> Option<&'static str> {
        match self.paging {
            Some(PageStyle::Cursor { next, .. }) => Some(next),
            Some(PageStyle::Offset(_) | PageStyle::Page { .. }) | None => None,
        }
    }

    /// What a request is to this list.
    pub(super) fn kind(&self, request: &Request) -> RequestKind {
        if *request.method() != self.method || request.uri().path() != self.path {
            return RequestKind::Other;
        }
        let (parameter, first) = match self.paging {
            None => return RequestKind::FirstPage,
            Some(PageStyle::Cursor { parameter, .. }) => (parameter, None),
            Some(PageStyle::Offset(parameter)) => (parameter, Some("0")),
            Some(PageStyle::Page { parameter, .. }) => (parameter, Some("1")),
        };
        match QueryParameters::of(request).get(parameter) {
            None => RequestKind::FirstPage,
            position if position == first => RequestKind::FirstPage,
            Some(_) => RequestKind::LaterPage,
        }
    }
}
