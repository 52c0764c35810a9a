//! The parts of a request: texts with placeholders, and what is made of them.

use std::collections::{BTreeMap, BTreeSet};

use http::header::{HeaderName, HeaderValue};

use crate::config::Secret;
use crate::config::credential_names::{named_in_body, names_secret};
use crate::config::secret::{SECRET_HELP, SECRET_LITERAL};
use crate::config::upstream::{self as written, Values};
use crate::json::number;
use crate::plan::placeholder::{Piece, scan};
use crate::plan::request::{BodySyntax, Json, Text};
use crate::plan::{Placeholder, RequestBody, SecretValue, TextPart};
use crate::problem::{KeyPath, Problem};

use super::checks::{check_path, check_var_name};
use super::optional;
use super::syntax::syntax;
use crate::config::resolve::block::Block;
use crate::config::resolve::placeholders::brace;

/// What would be right. The value itself is never shown.
const ONE_LINE: &str =
    "use one line without control characters, and check for line breaks in the variable or file";

/// Resolves the parts of one request. Each method looks at all that it is given before it gives up,
/// so that every problem is found.
pub(super) struct PartsResolver<'r> {
    /// How many keys lead to the request.
    depth: usize,
    /// The values of `vars`; `None` for one that could not be read.
    vars: BTreeMap<&'r str, Option<SecretValue>>,
    /// Those of them that the file writes out.
    written_out: BTreeSet<&'r str>,
}

impl<'r> PartsResolver<'r> {
    /// For the request in `block`.
    pub(super) fn new(request: &'r written::Request, block: &mut Block<'_>) -> Self {
        Self {
            depth: block.own_path().keys().len(),
            vars: vars(request, &mut block.table("vars")),
            written_out: written_out(request),
        }
    }

    /// The segments of the path. The value of a placeholder stays within one.
    pub(super) fn path(&self, path: &str, block: &mut Block<'_>) -> Option<Vec<Text>> {
        check_path(&block.path("path"), path, block.problems());
        if !path.starts_with('/') {
            return None;
        }
        let mut segments = vec![Text::default()];
        for piece in self.pieces(path, "path", block)? {
            let text = match piece {
                Piece::Placeholder(name) => {
                    let part = self.placeholder(&name)?;
                    if let TextPart::Value(value) = &part
                        && value.expose().chars().any(char::is_control)
                    {
                        let message = format!("the value of `{{{name}}}` cannot be sent in a path");
                        block.wrong("path", message, ONE_LINE);
                        return None;
                    }
                    segments.last_mut()?.0.push(part);
                    continue;
                }
                Piece::Literal(text) => text,
            };
            for (index, text) in text.split('/').enumerate() {
                if index > 0 {
                    segments.push(Text::default());
                }
                if !text.is_empty() {
                    segments
                        .last_mut()?
                        .0
                        .push(TextPart::Literal(text.to_owned()));
                }
            }
        }
        // The path starts with a slash: nothing stands before it.
        segments.remove(0);
        Some(segments)
    }

    pub(super) fn headers(
        &self,
        headers: &BTreeMap<String, written::Text>,
        block: &mut Block<'_>,
    ) -> Option<Vec<(HeaderName, Text)>> {
        let headers = headers.iter().map(|(name, text)| {
            let header = block.header_name(name, name);
            if let written::Text::Literal(text) = text {
                block.header_text(name, text);
            }
            let text = self.value(text, name, block)?;
            let can_carry = |value: &SecretValue| HeaderValue::try_from(value.expose()).is_ok();
            if !values_of(&text).all(can_carry) {
                block.wrong(name, "this value cannot be sent in a header", ONE_LINE);
                return None;
            }
            Some((header?, text))
        });
        all(headers)
    }

    /// The body, if there is one; the outer `None` means that it is invalid.
    #[expect(clippy::option_option, reason = "no body and an invalid one differ")]
    pub(super) fn body(
        &self,
        request: &written::Request,
        block: &mut Block<'_>,
    ) -> Option<Option<RequestBody>> {
        let json = (request.json.as_ref())
            .map(|json| self.json(json, "json", block).map(RequestBody::Json));
        let form = (request.form.as_ref()).map(|form| {
            self.parameters(form, &mut block.table("form"))
                .map(RequestBody::Form)
        });
        let raw = (request.body.as_ref()).map(|body| {
            if let written::Text::Literal(body) = body {
                self.refuse_secrets_in(body, block)?;
            }
            let text = self.value(body, "body", block)?;
            let syntax = syntax(request, &text);
            if syntax == BodySyntax::Text
                && text.0.len() > 1
                && let Some(value) = text.caller_values().next()
            {
                let message =
                    format!("`{{{value}}}` cannot be escaped in a body of this kind");
                let help = "say what the body is with a `content-type` of JSON, XML or a form, or use `json` or `form`";
                block.wrong("body", message, help);
                return None;
            }
            Some(RequestBody::Raw(text, syntax))
        });
        optional(json.or(form).or(raw))
    }

    pub(super) fn parameters(
        &self,
        parameters: &BTreeMap<String, Values>,
        block: &mut Block<'_>,
    ) -> Option<Vec<(String, Text)>> {
        let mut resolved = Vec::new();
        for (name, values) in parameters {
            let mut keep = |text: Option<Text>| {
                resolved.push(text.map(|text| (name.clone(), text)));
            };
            match values.as_slice() {
                [text] => keep(self.value(text, name, block)),
                several => {
                    let list = &mut block.table(name);
                    for (index, text) in several.iter().enumerate() {
                        keep(self.value(text, &index.to_string(), list));
                    }
                }
            }
        }
        all(resolved)
    }

    /// The JSON value at a key of `block`.
    fn json(&self, json: &written::Json, key: &str, block: &mut Block<'_>) -> Option<Json> {
        Some(match json {
            written::Json::Text(text) => Json::Text(self.text(text, key, block)?),
            written::Json::Secret(secret) => Json::Text(self::secret(secret, key, block)?),
            written::Json::Integer(number) => Json::Constant((*number).into()),
            written::Json::Float(number) => Json::Constant((*number).into()),
            written::Json::Number(digits) => Json::Constant(number(digits)?.into()),
            written::Json::Bool(bool) => Json::Constant((*bool).into()),
            written::Json::List(items) => {
                let list = &mut block.table(key);
                let items = items.iter().enumerate();
                let items = items.map(|(index, item)| self.json(item, &index.to_string(), list));
                Json::List(all(items)?)
            }
            written::Json::Object(members) => {
                let object = &mut block.table(key);
                let members = members
                    .iter()
                    .map(|(name, member)| Some((name.clone(), self.json(member, name, object)?)));
                Json::Object(all(members)?)
            }
        })
    }

    /// The text or secret at a key of `block`.
    fn value(&self, text: &written::Text, key: &str, block: &mut Block<'_>) -> Option<Text> {
        match text {
            written::Text::Literal(text) => self.text(text, key, block),
            written::Text::Secret(secret) => self::secret(secret, key, block),
        }
    }

    fn text(&self, text: &str, key: &str, block: &mut Block<'_>) -> Option<Text> {
        let parts = self.pieces(text, key, block)?.into_iter();
        let parts = parts.map(|piece| match piece {
            Piece::Literal(text) => Some(TextPart::Literal(text)),
            Piece::Placeholder(name) => self.placeholder(&name),
        });
        parts.collect::<Option<_>>().map(Text)
    }

    fn placeholder(&self, name: &str) -> Option<TextPart> {
        match self.vars.get(name) {
            Some(value) => value.clone().map(TextPart::Value),
            None => Placeholder::named(name).map(TextPart::Placeholder),
        }
    }

    /// The pieces of the text at a key of `block`. Refuses a literal where a secret belongs, also one
    /// that `vars` writes out, and braces that do not match.
    fn pieces(&self, text: &str, key: &str, block: &mut Block<'_>) -> Option<Vec<Piece>> {
        let at = block.path(key);
        let scanned = scan(text);
        let pieces = scanned.as_deref().unwrap_or_default();
        if self.is_written_out(pieces) && !text.is_empty() && holds_secret(&at.keys()[self.depth..])
        {
            self.refuse_literal(at, pieces, block);
            return None;
        }
        block
            .problems()
            .keep(scanned.map_err(|error| brace(&at, &error)))
    }

    /// Refuses the raw `body` in which a secret is written out: `None` if it is.
    fn refuse_secrets_in(&self, body: &str, block: &mut Block<'_>) -> Option<()> {
        let refused = named_in_body(body).find_map(|(name, value)| {
            // Braces that do not match are told of elsewhere.
            let pieces = scan(value).ok().filter(|pieces| !pieces.is_empty())?;
            let is_refused = names_secret(name) && self.is_written_out(&pieces);
            is_refused.then_some((name, pieces))
        });
        let Some((name, pieces)) = refused else {
            return Some(());
        };
        let at = block.path("body");
        if pieces
            .iter()
            .any(|piece| matches!(piece, Piece::Placeholder(_)))
        {
            self.refuse_literal(at, &pieces, block);
        } else {
            let message = format!("{SECRET_LITERAL}: `{name}` in the body");
            let help = "name it in `vars`, as `{ env = \"NAME\" }` or `{ file = \"PATH\" }`, and write its \
                        name in braces here";
            block.push(Problem::new(at, message).with_help(help));
        }
        None
    }

    /// Whether the file writes out all of a text.
    fn is_written_out(&self, pieces: &[Piece]) -> bool {
        pieces.iter().all(|piece| match piece {
            Piece::Literal(_) => true,
            Piece::Placeholder(name) => self.written_out.contains(name.as_str()),
        })
    }

    /// Says that a secret is written out: where it is used, or in `vars`.
    fn refuse_literal(&self, used_at: KeyPath, pieces: &[Piece], block: &mut Block<'_>) {
        let (request, used) = used_at.keys().split_at(self.depth);
        let used = KeyPath::new(used.iter().cloned());
        let vars = KeyPath::new(request.iter().cloned()).join("vars");
        let mut is_in_vars = false;
        for piece in pieces {
            if let Piece::Placeholder(name) = piece {
                is_in_vars = true;
                let at = vars.join(name.clone());
                if !block.problems().has_at(&at) {
                    let message = format!("{SECRET_LITERAL}: `{{{name}}}` is used in `{used}`");
                    block.push(Problem::new(at, message).with_help(SECRET_HELP));
                }
            }
        }
        if !is_in_vars {
            block.push(literal_secret(used_at));
        }
    }
}

/// The names of the values in `vars` that the file writes out.
fn written_out(request: &written::Request) -> BTreeSet<&str> {
    let literal =
        |text: &written::Text| matches!(text, written::Text::Literal(text) if !text.is_empty());
    let vars = request.vars.iter().filter(|(_, text)| literal(text));
    vars.map(|(name, _)| name.as_str()).collect()
}

/// The values in a text that were read at load.
fn values_of(text: &Text) -> impl Iterator<Item = &SecretValue> {
    text.0.iter().filter_map(|part| match part {
        TextPart::Value(value) => Some(value),
        TextPart::Literal(_) | TextPart::Placeholder(_) => None,
    })
}

fn secret(secret: &Secret, key: &str, block: &mut Block<'_>) -> Option<Text> {
    let secret = block.secret(key, secret)?;
    Some(Text(vec![TextPart::Value(secret)]))
}

/// What stands in for each value, if there is something for all of them.
fn all<T>(values: impl IntoIterator<Item = Option<T>>) -> Option<Vec<T>> {
    let values: Vec<_> = values.into_iter().collect();
    values.into_iter().collect()
}

/// Whether what stands at these keys of a request is a secret by its name. In a list its name is
/// the list's. What stands around it does not count: a login may have an object called `password`
/// that says whose it is.
fn holds_secret(names: &[String]) -> bool {
    let mut own = names
        .iter()
        .rev()
        .skip_while(|name| name.parse::<usize>().is_ok());
    own.next().is_some_and(|name| names_secret(name))
}

/// The values of `vars`.
fn vars<'r>(
    request: &'r written::Request,
    block: &mut Block<'_>,
) -> BTreeMap<&'r str, Option<SecretValue>> {
    let vars = request.vars.iter().map(|(name, text)| {
        let at = block.path(name);
        check_var_name(&at, name, block.problems());
        if matches!(text, written::Text::Literal(_)) && names_secret(name) {
            block.push(literal_secret(at));
            return (name.as_str(), None);
        }
        (name.as_str(), block.text(name, text))
    });
    vars.collect()
}

fn literal_secret(at: KeyPath) -> Problem {
    Problem::new(at, SECRET_LITERAL).with_help(SECRET_HELP)
}
