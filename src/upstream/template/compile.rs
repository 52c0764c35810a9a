//! Compiles a request from the settings into a template: reads secrets, finds placeholders.

use http::header::{ACCEPT, CONTENT_TYPE, HeaderName, USER_AGENT};

use crate::config::upstream::{self as written, Json, Values};
use crate::config::{Secret, SecretReader};
use crate::plan::placeholder::{self, Piece};
use crate::problem::{KeyPath, Problem, Problems};

use super::body::{Body, Shape};
use super::parameters::Parameters;
use super::text::{Part, Placeholder, Text};

const AGENT: &str = concat!("groupgate/", env!("CARGO_PKG_VERSION"));

/// Compiles the parts of one request, and collects all problems.
pub(super) struct Compiler<'a> {
    pub(super) request: &'a written::Request,
    pub(super) at: &'a KeyPath,
    pub(super) secrets: &'a SecretReader<'a>,
    pub(super) problems: &'a mut Problems,
}

impl Compiler<'_> {
    /// The segments of the path.
    pub(super) fn path(&mut self) -> Option<Vec<Text>> {
        let at = self.at.join("path");
        let segments = self.request.path.split('/');
        segments
            // The path starts with a slash: nothing stands before it.
            .skip(1)
            .map(|segment| self.text(segment, &at))
            .collect()
    }

    pub(super) fn query(&mut self) -> Option<Parameters> {
        self.parameters(&self.request.query, &self.at.join("query"))
    }

    /// The headers from the settings, and the defaults.
    pub(super) fn headers(
        &mut self,
        accept: &str,
        body: Option<&Body>,
    ) -> Option<Vec<(HeaderName, Text)>> {
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
                headers.push((name, Text::literal(value)));
            }
        };
        default(USER_AGENT, AGENT);
        default(ACCEPT, accept);
        if let Some(body) = body {
            default(CONTENT_TYPE, body.media_type());
        }
        Some(headers)
    }

    /// The body, if there is one; the outer `None` means that it is invalid.
    #[expect(clippy::option_option, reason = "no body and an invalid one differ")]
    pub(super) fn body(&mut self) -> Option<Option<Body>> {
        let request = self.request;
        if let Some(json) = &request.json {
            return Some(Some(Body::Json(self.shape(json, &self.at.join("json"))?)));
        }
        if let Some(form) = &request.form {
            let form = self.parameters(form, &self.at.join("form"))?;
            return Some(Some(Body::Form(form)));
        }
        if let Some(body) = &request.body {
            let body = self.value(body, &self.at.join("body"))?;
            return Some(Some(Body::Raw(body)));
        }
        Some(None)
    }

    fn parameters<'v>(
        &mut self,
        parameters: impl IntoIterator<Item = (&'v String, &'v Values)>,
        at: &KeyPath,
    ) -> Option<Parameters> {
        let mut compiled = Vec::new();
        for (name, values) in parameters {
            for text in values.as_slice() {
                compiled.push((name.clone(), self.value(text, &at.join(name))?));
            }
        }
        Some(compiled.into_iter().collect())
    }

    fn shape(&mut self, json: &Json, at: &KeyPath) -> Option<Shape> {
        Some(match json {
            Json::Text(text) => Shape::Text(self.text(text, at)?),
            Json::Secret(secret) => Shape::Text(Text(vec![self.secret(secret, at)?])),
            Json::Integer(number) => Shape::Constant((*number).into()),
            Json::Float(number) => Shape::Constant((*number).into()),
            Json::Bool(bool) => Shape::Constant((*bool).into()),
            Json::List(items) => Shape::List(
                items
                    .iter()
                    .enumerate()
                    .map(|(index, item)| self.shape(item, &at.join(index.to_string())))
                    .collect::<Option<_>>()?,
            ),
            Json::Object(members) => Shape::Object(
                members
                    .iter()
                    .map(|(name, member)| Some((name.clone(), self.shape(member, &at.join(name))?)))
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
        self.problems.keep(read).map(Part::Secret)
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
                        parts.push(Part::Secret(text.clone().into()));
                    }
                    Some(written::Text::Secret(secret)) => {
                        parts.push(self.secret(secret, &self.at.join("vars").join(&name))?);
                    }
                    None => {
                        let placeholder = Placeholder::named(&name).ok_or_else(|| {
                            Problem::new(at.clone(), format!("unknown placeholder `{{{name}}}`"))
                        });
                        parts.push(Part::Placeholder(self.problems.keep(placeholder)?));
                    }
                },
            }
        }
        Some(Text(parts))
    }
}
