//! The request template: where a position is written.
//!
//! `{cursor} {offset} {page} {limit}` and pushed-down filters may stand in path, query, headers and
//! body. Each value is escaped for its place. The pager decides how a position advances, and
//! pushdown which filters are passed on; this module only renders them. It never sends anything.
//!
//! ```text
//! request as written ▸ compile ▸ Template { path, parameters, headers, body } ▸ render ▸ request
//! ```

use std::collections::BTreeSet;

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Request, Uri};
use percent_encoding::{AsciiSet, utf8_percent_encode};
use secrecy::ExposeSecret;
use thiserror::Error;
use url::Url;

use crate::config::SecretReader;
use crate::config::upstream::{self as written, Method};
use crate::percent::{RESERVED, encode};
use crate::plan::{Format, Pushable};
use crate::problem::{KeyPath, Problems};

use super::extensions::Repeatable;
use super::pager::Position;

mod compile;
use compile::Compiler;

mod text;
pub use text::Variables;
use text::{Part, Text, Value};

mod parameters;
use parameters::Parameters;

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

/// One request, with placeholders for the position and the filters.
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

/// Why a request cannot be rendered.
#[derive(Debug, Error)]
pub enum TemplateError {
    /// The value would change which resource is requested.
    #[error("a value of `{0}` cannot be a path segment")]
    DotSegment(String),
    /// The value cannot be sent in a header.
    #[error("the value of header `{0}` contains a character that is not allowed in a header")]
    Header(HeaderName),
    /// The parts do not form a URI.
    #[error("the request's URI is not valid")]
    Uri(#[from] http::Error),
}

/// The default `Accept` of a request.
pub(super) const fn accept(format: Format) -> &'static str {
    match format {
        Format::Json => "application/json",
        Format::Xml => "application/xml",
    }
}

impl Template {
    /// Compiles the request at `at`, and reads the secrets that it names. `accept` is the default
    /// `Accept`.
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

    /// The filters that it has placeholders for.
    pub fn pushes(&self) -> BTreeSet<Pushable> {
        let headers = self.headers.iter().map(|(_, text)| text);
        let texts = self.path.iter().chain(self.query.texts()).chain(headers);
        let body = self.body.iter().flat_map(Body::texts);
        texts.chain(body).flat_map(Text::pushes).collect()
    }

    /// Renders the request for one page.
    pub fn render(&self, variables: &Variables<'_>) -> Result<Request<Bytes>, TemplateError> {
        let uri = match variables.position {
            // The upstream wrote this URL; the pager has checked its origin.
            Position::Url(url) => url.as_str().parse::<Uri>().map_err(http::Error::from)?,
            Position::Start | Position::Cursor(_) | Position::Offset(_) | Position::Page(_) => {
                self.uri(variables)?
            }
        };
        let mut request = Request::builder().method(&self.method).uri(uri);
        for (name, text) in &self.headers {
            let Some(rendered) = text.render(variables) else {
                continue;
            };
            let mut value =
                HeaderValue::try_from(rendered).map_err(|_| TemplateError::Header(name.clone()))?;
            value.set_sensitive(text.may_be_secret());
            request = request.header(name, value);
        }
        if self.repeatable {
            request = request.extension(Repeatable);
        }
        let body = self.body.as_ref().and_then(|body| body.render(variables));
        Ok(request.body(body.unwrap_or_default())?)
    }

    fn uri(&self, variables: &Variables<'_>) -> Result<Uri, TemplateError> {
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
        let query = self.query.render(variables);
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

/// The text as one path segment; `None` if a placeholder has no value.
fn render_segment(text: &Text, variables: &Variables<'_>) -> Result<Option<String>, TemplateError> {
    let mut segment = String::new();
    for part in &text.0 {
        let value = match part {
            Part::Literal(text) => {
                segment.extend(utf8_percent_encode(text, OUTSIDE_PATH));
                continue;
            }
            Part::Secret(value) => value.expose_secret().to_owned(),
            Part::Placeholder(placeholder) => match placeholder.value(variables) {
                Some(Value::Text(text)) => text.to_owned(),
                Some(Value::Number(number)) => number.to_string(),
                None => return Ok(None),
            },
        };
        if matches!(value.as_str(), "" | "." | "..") {
            // RFC 3986, section 5.2.4: encoding does not keep these from being resolved away.
            return Err(TemplateError::DotSegment(value));
        }
        segment.extend(encode(&value));
    }
    Ok(Some(segment))
}

#[cfg(test)]
mod tests;
