//! The request template: where a position is written.
//!
//! `{cursor} {offset} {page} {limit}` may stand in path, query, headers and JSON body, and each
//! value is escaped for where it stands. How a position advances is the pager's matter; this
//! module only writes it down. It never sends anything.

use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, HeaderValue, USER_AGENT};
use http::{Request, Uri};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret, SecretString};
use serde_json::Value;
use thiserror::Error;
use url::Url;

use crate::config::placeholder::{self, Piece};
use crate::config::upstream::{self as written, Format, Json, Method};
use crate::config::{KeyPath, Problem, Problems, Secret, SecretReader};

use super::pager::Position;
use super::transport::Repeatable;

/// All but the unreserved characters of RFC 3986. Signature schemes agree on this form, so what is
/// signed is what is sent, and no `+` ever has two meanings.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

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

const AGENT: &str = concat!("groupgate/", env!("CARGO_PKG_VERSION"));

/// One request with gaps where the position goes.
#[derive(Debug)]
pub struct Template {
    method: http::Method,
    base_url: Url,
    path: Vec<Text>,
    query: Vec<(String, Text)>,
    headers: Vec<(HeaderName, Text)>,
    body: Option<Body>,
    repeatable: bool,
}

/// What fills the gaps on one page.
#[derive(Debug, Clone, Copy)]
pub struct Gaps<'a> {
    /// Where the page is.
    pub position: &'a Position,
    /// How many records to ask for.
    pub limit: Option<u32>,
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

#[derive(Debug)]
struct Text(Vec<Part>);

#[derive(Debug)]
enum Part {
    /// Stands as it was written.
    Literal(String),
    /// A variable's value, escaped where it stands.
    Value(SecretString),
    Gap(Gap),
}

#[derive(Debug, Clone, Copy)]
enum Gap {
    Cursor,
    Offset,
    Page,
    Limit,
}

#[derive(Debug)]
enum Body {
    Text(Text),
    Plain(Value),
    List(Vec<Body>),
    Object(Vec<(String, Body)>),
}

/// The value of a gap on one page.
enum Filling<'a> {
    Text(&'a str),
    Number(u64),
}

impl Gap {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cursor" => Self::Cursor,
            "offset" => Self::Offset,
            "page" => Self::Page,
            "limit" => Self::Limit,
            _ => return None,
        })
    }

    fn filling<'a>(self, gaps: &Gaps<'a>) -> Option<Filling<'a>> {
        match (self, gaps.position) {
            (Self::Cursor, Position::Cursor(cursor)) => Some(Filling::Text(cursor)),
            (Self::Offset, Position::Offset(number)) | (Self::Page, Position::Page(number)) => {
                Some(Filling::Number(*number))
            }
            (Self::Limit, _) => gaps.limit.map(|limit| Filling::Number(limit.into())),
            (Self::Cursor | Self::Offset | Self::Page, _) => None,
        }
    }
}

impl Text {
    /// The text with its gaps filled; `None` when one has no value.
    fn fill(&self, gaps: &Gaps<'_>) -> Option<String> {
        let mut filled = String::new();
        for part in &self.0 {
            match part {
                Part::Literal(text) => filled.push_str(text),
                Part::Value(value) => filled.push_str(value.expose_secret()),
                Part::Gap(gap) => match gap.filling(gaps)? {
                    Filling::Text(text) => filled.push_str(text),
                    Filling::Number(number) => filled.push_str(&number.to_string()),
                },
            }
        }
        Some(filled)
    }

    /// The text as one segment of a path; `None` when a gap has no value.
    fn fill_segment(&self, gaps: &Gaps<'_>) -> Result<Option<String>, TemplateError> {
        let mut segment = String::new();
        for part in &self.0 {
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

    fn may_be_secret(&self) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Value(_)))
    }
}

impl Body {
    /// The value with its gaps filled; `None` when it is a text with a gap that has no value.
    fn fill(&self, gaps: &Gaps<'_>) -> Option<Value> {
        Some(match self {
            Self::Plain(value) => value.clone(),
            Self::Text(text) => match text.0.as_slice() {
                [Part::Gap(gap)] => match gap.filling(gaps)? {
                    Filling::Text(text) => text.into(),
                    Filling::Number(number) => number.into(),
                },
                _ => text.fill(gaps)?.into(),
            },
            Self::List(items) => items.iter().filter_map(|item| item.fill(gaps)).collect(),
            Self::Object(members) => members
                .iter()
                .filter_map(|(name, member)| Some((name.clone(), member.fill(gaps)?)))
                .collect(),
        })
    }
}

impl Template {
    /// Compiles the request written at `at`, reading the secrets that it names.
    pub fn compile(
        base_url: &Url,
        request: &written::Request,
        format: Format,
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
        let path = request
            .path
            .split('/')
            // The path starts with a slash: nothing stands before it.
            .skip(1)
            .map(|segment| compiler.text(segment, &at.join("path")))
            .collect::<Option<Vec<_>>>();
        let query = request
            .query
            .iter()
            .map(|(name, text)| {
                let text = compiler.value(text, &at.join("query").join(name))?;
                Some((encode(name), text))
            })
            .collect::<Option<Vec<_>>>();
        let headers = compiler.headers(format);
        let body = match &request.json {
            Some(json) => compiler.body(json, &at.join("json")).map(Some),
            None => Some(None),
        };
        Some(Self {
            method: match request.method {
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
        let body = match &self.body {
            Some(body) => body.fill(gaps).unwrap_or_default().to_string().into(),
            None => Bytes::new(),
        };
        Ok(request.body(body)?)
    }

    fn uri(&self, gaps: &Gaps<'_>) -> Result<Uri, TemplateError> {
        let mut target = self.base_url.path().trim_end_matches('/').to_owned();
        for segment in &self.path {
            if let Some(segment) = segment.fill_segment(gaps)? {
                target.push('/');
                target.push_str(&segment);
            }
        }
        if target.is_empty() {
            target.push('/');
        }
        let mut separator = '?';
        for (name, text) in &self.query {
            let Some(filled) = text.fill(gaps) else {
                continue;
            };
            target.push(separator);
            target.push_str(name);
            target.push('=');
            target.push_str(&encode(&filled));
            separator = '&';
        }
        Ok(Uri::builder()
            .scheme(self.base_url.scheme())
            .authority(self.base_url.authority())
            .path_and_query(target)
            .build()?)
    }
}

fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// Compiles the parts of one request, noting every problem on the way.
struct Compiler<'a> {
    request: &'a written::Request,
    at: &'a KeyPath,
    secrets: &'a SecretReader<'a>,
    problems: &'a mut Problems,
}

impl Compiler<'_> {
    fn headers(&mut self, format: Format) -> Option<Vec<(HeaderName, Text)>> {
        let mut headers = Vec::new();
        for (name, text) in &self.request.headers {
            let at = self.at.join("headers").join(name);
            let header = HeaderName::try_from(name.as_str())
                .map_err(|_| Problem::new(at.clone(), format!("`{name}` is no header name")));
            let header = self.problems.keep(header);
            headers.push((header?, self.value(text, &at)?));
        }
        let mut default = |name: HeaderName, value: &str| {
            if headers.iter().all(|(present, _)| *present != name) {
                headers.push((name, Text(vec![Part::Literal(value.to_owned())])));
            }
        };
        default(USER_AGENT, AGENT);
        default(
            ACCEPT,
            match format {
                Format::Json => "application/json",
                Format::Xml => "application/xml",
            },
        );
        if self.request.json.is_some() {
            default(CONTENT_TYPE, "application/json");
        }
        Some(headers)
    }

    fn body(&mut self, json: &Json, at: &KeyPath) -> Option<Body> {
        Some(match json {
            Json::Text(text) => Body::Text(self.text(text, at)?),
            Json::Secret(secret) => Body::Text(Text(vec![self.secret(secret, at)?])),
            Json::Integer(number) => Body::Plain((*number).into()),
            Json::Float(number) => Body::Plain((*number).into()),
            Json::Bool(bool) => Body::Plain((*bool).into()),
            Json::List(items) => Body::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.body(item, &at.join(index.to_string())))
                    .collect::<Option<_>>()?,
            ),
            Json::Object(members) => Body::Object(
                members
                    .iter()
                    .map(|(name, member)| Some((name.clone(), self.body(member, &at.join(name))?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }

    fn value(&mut self, text: &written::Text, at: &KeyPath) -> Option<Text> {
        match text {
            written::Text::Literal(text) => self.text(text, at),
            written::Text::Secret(secret) => Some(Text(vec![self.secret(secret, at)?])),
        }
    }

    fn secret(&mut self, secret: &Secret, at: &KeyPath) -> Option<Part> {
        let read = self
            .secrets
            .read(secret)
            .map_err(|error| Problem::new(at.clone(), error.to_string()));
        self.problems.keep(read).map(Part::Value)
    }

    fn text(&mut self, text: &str, at: &KeyPath) -> Option<Text> {
        let pieces =
            placeholder::scan(text).map_err(|error| Problem::new(at.clone(), error.to_string()));
        let pieces = self.problems.keep(pieces)?;
        let mut parts = Vec::new();
        for piece in pieces {
            match piece {
                Piece::Literal(text) => parts.push(Part::Literal(text)),
                Piece::Placeholder(name) => match self.request.vars.get(&name) {
                    Some(written::Text::Literal(text)) => {
                        parts.push(Part::Value(text.clone().into()));
                    }
                    Some(written::Text::Secret(secret)) => {
                        parts.push(self.secret(secret, &self.at.join("vars").join(&name))?);
                    }
                    None => {
                        let gap = Gap::named(&name).ok_or_else(|| {
                            Problem::new(at.clone(), format!("unknown placeholder `{{{name}}}`"))
                        });
                        parts.push(Part::Gap(self.problems.keep(gap)?));
                    }
                },
            }
        }
        Some(Text(parts))
    }
}

#[cfg(test)]
mod tests {
    use crate::config::Environment;

    use super::*;

    fn template(request: &str) -> Template {
        let request: written::Request = toml::from_str(request).unwrap();
        let environment = Environment::from_iter([("ORG", "a/b c"), ("KEY", "k\u{e9}y")]);
        let mut problems = Problems::default();
        let template = Template::compile(
            &"https://u.example/base/".parse().unwrap(),
            &request,
            Format::Json,
            &KeyPath::new(["request"]),
            &SecretReader::new(&environment),
            &mut problems,
        );
        assert_eq!(problems, Problems::default());
        template.unwrap()
    }

    fn fill(template: &Template, position: &Position) -> Request<Bytes> {
        let gaps = Gaps {
            position,
            limit: Some(100),
        };
        template.fill(&gaps).unwrap()
    }

    #[test]
    fn a_parameter_without_a_value_is_left_out() {
        let template = template("path = '/g'\nquery = { from = '{cursor}', max = '{limit}' }");
        let first = fill(&template, &Position::Start);
        assert_eq!(first.uri(), "https://u.example/base/g?max=100");
        let second = fill(&template, &Position::Cursor("a+b/=&é".to_owned()));
        assert_eq!(
            second.uri(),
            "https://u.example/base/g?from=a%2Bb%2F%3D%26%C3%A9&max=100"
        );
    }

    #[test]
    fn a_path_value_is_one_segment() {
        let org = template("path = '/o/{org}/g'\nvars = { org = { env = 'ORG' } }");
        assert_eq!(
            fill(&org, &Position::Start).uri().path(),
            "/base/o/a%2Fb%20c/g"
        );
        let cursor = template("path = '/g/{cursor}'");
        let climbing = Position::Cursor("..".to_owned());
        let gaps = Gaps {
            position: &climbing,
            limit: None,
        };
        assert!(matches!(
            cursor.fill(&gaps),
            Err(TemplateError::DotSegment(_))
        ));
    }

    #[test]
    fn a_segment_whose_placeholder_has_no_value_is_left_out() {
        let path = |path: &str, position: &Position| {
            let template = template(&format!("path = '{path}'"));
            fill(&template, position).uri().path().to_owned()
        };
        let cursor = Position::Cursor("a/b".to_owned());
        assert_eq!(path("/g/{cursor}", &Position::Start), "/base/g");
        assert_eq!(path("/g/{cursor}", &cursor), "/base/g/a%2Fb");
        assert_eq!(path("/g/to-{cursor}/x/", &Position::Start), "/base/g/x/");
        assert_eq!(path("/g/to-{cursor}/x/", &cursor), "/base/g/to-a%2Fb/x/");
        assert_eq!(path("/", &Position::Start), "/base/");
    }

    #[test]
    fn a_json_string_that_is_one_placeholder_takes_its_type() {
        let template = template(
            "path = '/g'\nmethod = 'POST'\njson = { page = '{page}', size = '{limit}', text = 'page {page}', cursor = '{cursor}', deep = { list = ['{{x}}', 1, true] } }",
        );
        let request = fill(&template, &Position::Page(3));
        let body: Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(
            body,
            serde_json::json!({
                "page": 3, "size": 100, "text": "page 3", "deep": {"list": ["{x}", 1, true]},
            })
        );
        assert_eq!(request.headers()[CONTENT_TYPE], "application/json");
    }

    #[test]
    fn an_empty_body_is_sent_as_it_is_written() {
        let template = template("path = '/g'\nmethod = 'POST'\njson = {}");
        assert_eq!(fill(&template, &Position::Start).body(), "{}");
    }

    #[test]
    fn a_line_break_never_reaches_a_header() {
        let template = template("path = '/g'\nheaders = { x-cursor = '{cursor}' }");
        let forged = Position::Cursor("a\r\nx-admin: 1".to_owned());
        let gaps = Gaps {
            position: &forged,
            limit: None,
        };
        assert!(matches!(
            template.fill(&gaps),
            Err(TemplateError::Header(_))
        ));
        assert!(
            !fill(&template, &Position::Start)
                .headers()
                .contains_key("x-cursor")
        );
    }

    #[test]
    fn headers_that_hold_secrets_are_marked() {
        let template =
            template("path = '/g'\nheaders = { x-key = { env = 'KEY' }, x-plain = 'p' }");
        let request = fill(&template, &Position::Start);
        assert!(request.headers()["x-key"].is_sensitive());
        assert!(!request.headers()["x-plain"].is_sensitive());
        assert_eq!(request.headers()[ACCEPT], "application/json");
    }

    #[test]
    fn a_url_of_the_upstream_is_asked_as_it_is() {
        let template = template("path = '/g'\nquery = { max = '{limit}' }");
        let url = "https://u.example/next?token=a%2Bb".parse().unwrap();
        assert_eq!(
            fill(&template, &Position::Url(url)).uri(),
            "https://u.example/next?token=a%2Bb"
        );
    }
}
