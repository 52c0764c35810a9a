//! The requests of an upstream, with placeholders for what differs from page to page.

use http::{HeaderName, Method};
use serde_json::Value;
use url::Url;

use super::{CallerValue, LinkRules, OuterValue, Pushable, SecretValue};

/// What the names of placeholders begin with that stand for what a login returned.
pub(crate) const LOGIN: &str = "login.";

/// The requests that list the groups of an upstream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Requests {
    /// The request for the first page.
    pub listing: Request,
    /// The request for every page after it, if it differs.
    pub continuation: Option<Request>,
    /// The request for the total number of records, if it is one of its own.
    pub count: Option<Request>,
    /// The request for one group by its id, if it is one of its own.
    pub lookup: Option<Request>,
}

/// One request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The HTTP method.
    pub method: Method,
    /// Scheme, host, and the path that comes before `path`.
    pub base_url: Url,
    /// What the whole URL is, in place of `base_url` and `path`, if a record says it.
    pub link: Option<RequestLink>,
    /// The segments of the path. One whose placeholder has no value is left out.
    pub path: Vec<Text>,
    /// The parameters of the query. One whose placeholder has no value is left out.
    pub query: Vec<(String, Text)>,
    /// The headers, defaults included. One whose placeholder has no value is left out.
    pub headers: Vec<(HeaderName, Text)>,
    /// The body, if there is one.
    pub body: Option<RequestBody>,
    /// Whether it is safe to retry although its method does not say so.
    pub idempotent: bool,
}

/// The URL of a request that a record around the list says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLink {
    /// The value that it is.
    pub value: OuterValue,
    /// Where it may lead.
    pub rules: LinkRules,
}

/// The body of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestBody {
    /// A JSON value.
    Json(Json),
    /// A form (`application/x-www-form-urlencoded`).
    Form(Vec<(String, Text)>),
    /// Text that is sent as it is, but for the values in it.
    Raw(Text, BodySyntax),
}

/// How values in a body that is written out are escaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodySyntax {
    /// As JSON: within a string its letters, else a value.
    Json,
    /// As XML: text, or an attribute's value.
    Xml,
    /// As in a form: percent-encoded.
    Form,
    /// Not at all.
    Text,
}

impl RequestBody {
    /// The default `Content-Type`.
    pub const fn media_type(&self) -> &'static str {
        match self {
            Self::Json(_) | Self::Raw(..) => "application/json",
            Self::Form(_) => "application/x-www-form-urlencoded",
        }
    }
}

/// A JSON value with placeholders in its strings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Json {
    /// A string. One that consists of one placeholder takes the type of its value.
    Text(Text),
    /// A number or a boolean.
    Constant(Value),
    /// An array. Items whose placeholder has no value are left out.
    List(Vec<Json>),
    /// An object. Members whose placeholder has no value are left out.
    Object(Vec<(String, Json)>),
}

/// A text with placeholders.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Text(pub Vec<TextPart>);

/// A part of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TextPart {
    /// Sent as it is written.
    Literal(String),
    /// A secret, or a value of `vars`. Escaped for its place.
    Value(SecretValue),
    /// Replaced by a value that differs from page to page, or from caller to caller, escaped for its place.
    Placeholder(Placeholder),
}

/// What stands for a value that differs from page to page, or from caller to caller.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Placeholder {
    /// The cursor of the page.
    Cursor,
    /// One of several values of the cursor of the page.
    CursorValue(String),
    /// The offset of the page, which is the position of its first record.
    Offset,
    /// The position of its last record.
    Last,
    /// The position after that.
    End,
    /// The number of the page.
    Page,
    /// The number of records to request.
    Limit,
    /// The value of a filter.
    Filter(Pushable),
    /// A value of the caller.
    Caller(CallerValue),
    /// What a login returned under this name.
    Login(Box<str>),
    /// A value of a record around the list.
    Outer(OuterValue),
}

impl Placeholder {
    /// The placeholder of this name.
    pub fn named(name: &str) -> Option<Self> {
        Some(match name {
            "cursor" => Self::Cursor,
            "offset" | "first" => Self::Offset,
            "last" => Self::Last,
            "end" => Self::End,
            "page" => Self::Page,
            "limit" => Self::Limit,
            _ => match (Pushable::named(name), name.split_once('.')) {
                (Some(filter), _) => Self::Filter(filter),
                (None, Some(("cursor", value))) => Self::CursorValue(value.to_owned()),
                (None, _) => match name.strip_prefix(LOGIN) {
                    Some(value) => Self::Login(value.into()),
                    None => match CallerValue::named(name) {
                        Some(value) => Self::Caller(value),
                        None => Self::Outer(OuterValue::named(name)?),
                    },
                },
            },
        })
    }
}

impl Placeholder {
    /// Its name, if what stands for it is what an upstream returned for other requests: what is wrong with that, no
    /// caller has said, and no position.
    pub fn returned(&self) -> Option<String> {
        match self {
            Self::Login(name) => Some(format!("{LOGIN}{name}")),
            Self::Outer(name) => Some(name.to_string()),
            Self::Cursor
            | Self::CursorValue(_)
            | Self::Offset
            | Self::Last
            | Self::End
            | Self::Page
            | Self::Limit
            | Self::Filter(_)
            | Self::Caller(_) => None,
        }
    }
}

impl Requests {
    /// The values of the caller in them.
    pub fn caller_values(&self) -> Vec<&CallerValue> {
        self.all().flat_map(Request::caller_values).collect()
    }

    /// The values of records around the list in them, each once.
    pub fn outer_values(&self) -> Vec<OuterValue> {
        let mut values: Vec<OuterValue> = Vec::new();
        for value in self.all().flat_map(Request::outer_values) {
            if !values.contains(value) {
                values.push(value.clone());
            }
        }
        values
    }

    fn all(&self) -> impl Iterator<Item = &Request> {
        let others = self
            .continuation
            .iter()
            .chain(&self.count)
            .chain(&self.lookup);
        [&self.listing].into_iter().chain(others)
    }

    /// Those of them that stand within a longer text.
    pub fn caller_values_in_texts(&self) -> Vec<&CallerValue> {
        let requests = self.all();
        requests.flat_map(Request::caller_values_in_texts).collect()
    }

    /// Those of them that stand in a header.
    pub fn caller_values_in_headers(&self) -> Vec<&CallerValue> {
        let values = self.all().flat_map(Request::caller_values_in_headers);
        values.collect()
    }
}

impl Request {
    /// The values of the caller that stand within a longer text of it, such as a filter. The text may be of any
    /// language, and nothing says how they would be escaped for it: what is done for a URL or for JSON is undone
    /// before that text is read.
    pub fn caller_values_in_texts(&self) -> Vec<&CallerValue> {
        let mut texts: Vec<&Text> = self.path.iter().collect();
        texts.extend(self.query.iter().map(|(_, text)| text));
        texts.extend(self.headers.iter().map(|(_, text)| text));
        let mut values = Vec::new();
        match &self.body {
            None => {}
            Some(RequestBody::Json(json)) => json.texts(&mut texts),
            Some(RequestBody::Form(form)) => texts.extend(form.iter().map(|(_, text)| text)),
            Some(RequestBody::Raw(text, syntax)) => values = text.caller_values_in_texts(*syntax),
        }
        let longer = texts.into_iter().filter(|text| text.0.len() > 1);
        values.extend(longer.flat_map(Text::caller_values));
        values
    }

    /// The values of the caller in its headers, any of which may be read as a list (RFC 9110, section 5.3).
    pub fn caller_values_in_headers(&self) -> impl Iterator<Item = &CallerValue> {
        let headers = self.headers.iter().map(|(_, text)| text);
        headers.flat_map(Text::caller_values)
    }

    /// The values of the caller in it.
    pub fn caller_values(&self) -> Vec<&CallerValue> {
        let texts = self.texts().into_iter();
        texts.flat_map(Text::caller_values).collect()
    }

    /// The values of records around the list in it.
    fn outer_values(&self) -> impl Iterator<Item = &OuterValue> {
        let link = self.link.iter().map(|link| &link.value);
        link.chain(self.texts().into_iter().flat_map(Text::outer_values))
    }

    /// All texts in it.
    fn texts(&self) -> Vec<&Text> {
        let mut texts: Vec<&Text> = self.path.iter().collect();
        texts.extend(self.query.iter().map(|(_, text)| text));
        texts.extend(self.headers.iter().map(|(_, text)| text));
        match &self.body {
            None => {}
            Some(RequestBody::Json(json)) => json.texts(&mut texts),
            Some(RequestBody::Form(form)) => texts.extend(form.iter().map(|(_, text)| text)),
            Some(RequestBody::Raw(text, _)) => texts.push(text),
        }
        texts
    }
}

impl Text {
    /// The values of records around the list in it.
    fn outer_values(&self) -> impl Iterator<Item = &OuterValue> {
        self.0.iter().filter_map(|part| match part {
            TextPart::Placeholder(Placeholder::Outer(value)) => Some(value),
            TextPart::Literal(_) | TextPart::Value(_) | TextPart::Placeholder(_) => None,
        })
    }

    /// The values of the caller in it.
    pub(crate) fn caller_values(&self) -> impl Iterator<Item = &CallerValue> {
        self.0.iter().filter_map(|part| match part {
            TextPart::Placeholder(Placeholder::Caller(value)) => Some(value),
            TextPart::Literal(_) | TextPart::Value(_) | TextPart::Placeholder(_) => None,
        })
    }

    /// The values of the caller in a body that is written out, but for those that are a whole text of it.
    fn caller_values_in_texts(&self, syntax: BodySyntax) -> Vec<&CallerValue> {
        let is_whole = |at: usize| {
            let literal = |part: Option<&TextPart>| match part {
                Some(TextPart::Literal(text)) => text.clone(),
                Some(TextPart::Value(_) | TextPart::Placeholder(_)) | None => String::new(),
            };
            let before = literal(at.checked_sub(1).and_then(|at| self.0.get(at)));
            let after = literal(self.0.get(at + 1));
            match syntax {
                BodySyntax::Json => {
                    before.ends_with('"') && !before.ends_with("\\\"") && after.starts_with('"')
                }
                BodySyntax::Xml => before.ends_with('>') && after.starts_with('<'),
                BodySyntax::Form | BodySyntax::Text => self.0.len() == 1,
            }
        };
        let parts = self.0.iter().enumerate();
        let values = parts.filter_map(|(at, part)| match part {
            TextPart::Placeholder(Placeholder::Caller(value)) => (!is_whole(at)).then_some(value),
            TextPart::Literal(_) | TextPart::Value(_) | TextPart::Placeholder(_) => None,
        });
        values.collect()
    }
}

impl Json {
    fn texts<'a>(&'a self, texts: &mut Vec<&'a Text>) {
        match self {
            Self::Text(text) => texts.push(text),
            Self::Constant(_) => {}
            Self::List(items) => items.iter().for_each(|item| item.texts(texts)),
            Self::Object(members) => members.iter().for_each(|(_, member)| member.texts(texts)),
        }
    }
}

impl From<&str> for Text {
    fn from(text: &str) -> Self {
        Self(vec![TextPart::Literal(text.to_owned())])
    }
}
