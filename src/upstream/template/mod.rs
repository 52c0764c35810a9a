//! The request template: where a position is written.
//!
//! `{cursor} {offset} {page} {limit}` and the filters that are handed on may stand in path, query,
//! headers and body, and each value is escaped for where it stands. How a position advances is the
//! pager's matter, which filters are handed on that of pushdown; this module only writes them down.
//! It never sends anything.
//!
//! ```text
//! request as written ▸ compile ▸ Template { path, parameters, headers, body } ▸ fill ▸ request
//! ```

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Uri};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use secrecy::ExposeSecret;
use thiserror::Error;
use url::Url;

use crate::config::upstream::{self as written, Format, Method, Pushable};
use crate::config::{KeyPath, Problems, SecretReader};

use super::extensions::Repeatable;
use super::pager::Position;

mod compile;
use compile::Compiler;

mod text;
pub use text::Gaps;
use text::{Filling, Part, Text};

mod parameters;
use parameters::{Parameters, RESERVED, encode};

mod body;
use body::Body;

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

/// One request with gaps where the position goes.
#[derive(Debug)]
pub struct Template {
    method: http::Method,
    base_url: Url,
    path: Vec<Text>,
    query: Parameters,
    headers: Vec<(HeaderName, Text)>,
    body: Option<Body>,
    repeatable: bool,
}

/// Why a request cannot be written.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// The value would change which resource is asked for.
    #[error("a value of `{0}` cannot be a path segment")]
    DotSegment(String),
    /// The value cannot stand in a header.
    #[error("the value of the header `{0}` holds a character that no header may hold")]
    Header(HeaderName),
    /// The parts do not make a URI.
    #[error("the request's URI is not valid")]
    Uri(#[from] http::Error),
}

/// What a request asks to be answered in, unless it says so itself.
pub(super) const fn accept(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Xml => "application/xml",
    }
}

impl Template {
    /// Compiles the request written at `at`, reading the secrets that it names. `accept` is what it
    /// asks to be answered in, unless it says so itself.
    pub fn compile(
        base_url: &Url,
        request: &written::Request,
        accept: &str,
        at: &KeyPath,
        secrets: &SecretReader<'_>,
        problems: &mut Problems,
    ) -> Option<Self> {
        let mut compiler = Compiler {
            request,
            at,
            secrets,
            problems,
        };
        let path = compiler.path();
        let query = compiler.query();
        let body = compiler.body();
        let headers = compiler.headers(accept, body.as_ref().and_then(Option::as_ref));
        Some(Self {
            method: match request.method.unwrap_or_default() {
                Method::Get => http::Method::GET,
                Method::Post => http::Method::POST,
            },
            base_url: base_url.clone(),
            path: path?,
            query: query?,
            headers: headers?,
            body: body?,
            repeatable: request.idempotent,
        })
    }

    /// The filters that it can be asked with.
    pub fn pushes(&self) -> BTreeSet<Pushable> {
        let headers = self.headers.iter().map(|(_, text)| text);
        let texts = self.path.iter().chain(self.query.texts()).chain(headers);
        let body = self.body.iter().flat_map(Body::texts);
        texts.chain(body).flat_map(Text::pushes).collect()
    }

    /// Writes the request for one page.
    pub fn fill(&self, gaps: &Gaps<'_>) -> Result<Request<Bytes>, TemplateError> {
        let uri = match gaps.position {
            // The upstream wrote this URL; the pager has checked its origin.
            Position::Url(url) => url.as_str().parse::<Uri>().map_err(http::Error::from)?,
            Position::Start | Position::Cursor(_) | Position::Offset(_) | Position::Page(_) => {
                self.uri(gaps)?
            }
        };
        let mut request = Request::builder().method(&self.method).uri(uri);
        for (name, text) in &self.headers {
            let Some(filled) = text.fill(gaps) else {
                continue;
            };
            let mut value =
                HeaderValue::try_from(filled).map_err(|_| TemplateError::Header(name.clone()))?;
            value.set_sensitive(text.may_be_secret());
            request = request.header(name, value);
        }
        if self.repeatable {
            request = request.extension(Repeatable);
        }
        let body = self.body.as_ref().and_then(|body| body.fill(gaps));
        Ok(request.body(body.unwrap_or_default())?)
    }

    fn uri(&self, gaps: &Gaps<'_>) -> Result<Uri, TemplateError> {
        let mut target = self.base_url.path().trim_end_matches('/').to_owned();
        for segment in &self.path {
            if let Some(segment) = fill_segment(segment, gaps)? {
                target.push('/');
                target.push_str(&segment);
            }
        }
        if target.is_empty() {
            target.push('/');
        }
        let query = self.query.fill(gaps);
        if !query.is_empty() {
            target.push('?');
            target.push_str(&query);
        }
        Ok(Uri::builder()
            .scheme(self.base_url.scheme())
            .authority(self.base_url.authority())
            .path_and_query(target)
            .build()?)
    }
}

/// The text as one segment of a path; `None` when a gap has no value.
fn fill_segment(text: &Text, gaps: &Gaps<'_>) -> Result<Option<String>, TemplateError> {
    let mut segment = String::new();
    for part in &text.0 {
        let value = match part {
            Part::Literal(text) => {
                segment.extend(utf8_percent_encode(text, OUTSIDE_PATH));
                continue;
            }
            Part::Value(value) => value.expose_secret().to_owned(),
            Part::Gap(gap) => match gap.filling(gaps) {
                Some(Filling::Text(text)) => text.to_owned(),
                Some(Filling::Number(number)) => number.to_string(),
                None => return Ok(None),
            },
        };
        if matches!(value.as_str(), "" | "." | "..") {
            // RFC 3986, section 5.2.4: no encoding keeps these from being resolved away.
            return Err(TemplateError::DotSegment(value));
        }
        segment.push_str(&encode(&value));
    }
    Ok(Some(segment))
}

#[cfg(test)]
mod tests;
