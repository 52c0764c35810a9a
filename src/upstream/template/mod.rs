//! Rendering: how a request is written for one page.
//!
//! `{cursor} {offset} {page} {limit}` and pushed-down filters may stand in path, query, headers and
//! body. Each value is escaped for its place. The pager decides how a position advances, and
//! pushdown which filters are passed on; this module only renders them. It never sends anything.

use bytes::Bytes;
use http::Uri;
use http::header::{HeaderName, HeaderValue};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use thiserror::Error;

use crate::percent::{RESERVED, encode};
use crate::plan::request::Text;
use crate::plan::{OuterValue, Request, TextPart};

use super::extensions::{Repeatable, ShownPath};
use super::links::LinkError;
use super::pager::Position;

mod text;
pub use text::Variables;
use text::render_parameters;

mod body;

mod link;

mod raw;

/// What a path may hold as it is written: a slash separates segments, the rest as in RFC 3986.
const OUTSIDE_PATH: &AsciiSet = &RESERVED
    .remove(b'/')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'%');

/// Why a request cannot be rendered.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// The value would change which resource is requested.
    #[error("a value of `{0}` cannot be a path segment")]
    DotSegment(String),
    /// The value cannot be sent in a header.
    #[error("the value of header `{0}` contains a character that is not allowed in a header")]
    Header(HeaderName),
    /// What an upstream returned for this placeholder cannot stand where it should.
    #[error("`{{{0}}}` {1}")]
    Returned(String, Unfit),
    /// The link of a record is not followed.
    #[error("the link `{{{0}}}` {1}")]
    Link(OuterValue, LinkError),
    /// The parts do not form a URI.
    #[error("the request's URI is not valid")]
    Uri(#[from] http::Error),
}

/// Where what an upstream returned cannot stand in a request, which is named after it.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Unfit {
    /// It would change which resource is requested.
    #[error("is `{0}`, which cannot be a segment of the path")]
    Segment(String),
    /// It cannot be sent in a header.
    #[error("has a character that is not allowed in the header `{0}`")]
    Header(HeaderName),
    /// The URL becomes longer than any may be.
    #[error("is too long for the URL")]
    Url,
}

impl Request {
    /// Renders the request for one page.
    pub fn render(&self, variables: &Variables<'_>) -> Result<http::Request<Bytes>, TemplateError> {
        let uri = match variables.position {
            // The upstream wrote this URL; the pager has checked its origin.
            Position::Url(url) => url.as_str().parse::<Uri>().map_err(http::Error::from)?,
            Position::Start
            | Position::Cursor(_)
            | Position::NumberCursor(_)
            | Position::JsonCursor(_)
            | Position::Cursors(_)
            | Position::Offset(_)
            | Position::Page(_) => self.uri(variables)?,
        };
        let mut request = http::Request::builder().method(&self.method).uri(uri);
        for (name, text) in &self.headers {
            let Some(rendered) = text.render(variables) else {
                continue;
            };
            let value = HeaderValue::try_from(rendered);
            let mut value = value.map_err(|_| {
                let is_unfit = |value: &str| HeaderValue::from_str(value).is_err();
                let returned = text.returned(variables).find(|(_, value)| is_unfit(value));
                returned.map_or_else(
                    || TemplateError::Header(name.clone()),
                    |(own, _)| TemplateError::Returned(own, Unfit::Header(name.clone())),
                )
            })?;
            value.set_sensitive(text.may_be_secret());
            request = request.header(name, value);
        }
        if self.idempotent {
            request = request.extension(Repeatable);
        }
        if let Some(shown) = self.shown_path(variables)? {
            request = request.extension(ShownPath(shown.into()));
        }
        let body = self.body.as_ref().and_then(|body| body.render(variables));
        Ok(request.body(body.unwrap_or_default())?)
    }

    /// The path without its values, if it has some: they are what people search for, or whose list it is.
    fn shown_path(&self, variables: &Variables<'_>) -> Result<Option<String>, TemplateError> {
        let is_literal = |part: &TextPart| matches!(part, TextPart::Literal(_));
        if self.link.is_some() {
            return Ok(Some("/REDACTED".to_owned()));
        }
        if self.path.iter().all(|text| text.0.iter().all(is_literal)) {
            return Ok(None);
        }
        let mut shown = self.base_url.path().trim_end_matches('/').to_owned();
        for text in &self.path {
            let Some(segment) = render_segment(text, variables)? else {
                continue;
            };
            let whole = text.0.iter().all(is_literal);
            shown.push('/');
            shown.push_str(if whole { &segment } else { "REDACTED" });
        }
        Ok(Some(shown))
    }

    fn uri(&self, variables: &Variables<'_>) -> Result<Uri, TemplateError> {
        if let Some(link) = &self.link {
            return link.uri(&self.base_url, &self.query, variables);
        }
        let mut target = self.base_url.path().trim_end_matches('/').to_owned();
        for segment in &self.path {
            if let Some(segment) = render_segment(segment, variables)? {
                target.push('/');
                target.push_str(&segment);
            }
        }
        if target.is_empty() {
            target.push('/');
        }
        let query = render_parameters(&self.query, variables);
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        let uri = Uri::builder()
            .scheme(self.base_url.scheme())
            .authority(self.base_url.authority())
            .path_and_query(target)
            .build();
        uri.map_err(|error| self.too_long(variables).unwrap_or(error.into()))
    }

    /// Which of the values that an upstream returned makes the URL too long, if there are some: all are escaped.
    fn too_long(&self, variables: &Variables<'_>) -> Option<TemplateError> {
        let texts = self.path.iter();
        let texts = texts.chain(self.query.iter().map(|(_, text)| text));
        let returned = texts.flat_map(|text| text.returned(variables));
        let (name, _) = returned.max_by_key(|(_, value)| value.len())?;
        Some(TemplateError::Returned(name, Unfit::Url))
    }
}

/// The text as one path segment; `None` if a placeholder has no value.
fn render_segment(text: &Text, variables: &Variables<'_>) -> Result<Option<String>, TemplateError> {
    let mut segment = String::new();
    for part in &text.0 {
        let mut returned = None;
        let value = match part {
            TextPart::Literal(text) => {
                segment.extend(utf8_percent_encode(text, OUTSIDE_PATH));
                continue;
            }
            TextPart::Value(value) => value.expose().to_owned(),
            TextPart::Placeholder(placeholder) => match placeholder.value(variables) {
                Some(value) => {
                    returned = placeholder.returned();
                    value.text().into_owned()
                }
                None => return Ok(None),
            },
        };
        if matches!(value.as_str(), "" | "." | "..") {
            // RFC 3986, section 5.2.4: encoding does not keep these from being resolved away.
            return Err(match returned {
                Some(name) => TemplateError::Returned(name, Unfit::Segment(value)),
                None => TemplateError::DotSegment(value),
            });
        }
        segment.extend(encode(&value));
    }
    Ok(Some(segment))
}

#[cfg(test)]
mod tests;
