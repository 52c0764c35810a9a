//! Texts with placeholders for what is signed: an HMAC scheme's string to sign and its header.
//!
//! Braces are read as everywhere ([`placeholder`]). Unlike in a request's template, the names are
//! ours and all of them always have a value.

use crate::plan::placeholder::{self, PlaceholderError, scan};

/// What a placeholder stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Placeholder {
    Method,
    Path,
    Query,
    Date,
    BodyHash,
    Host,
    KeyId,
    Signature,
}

impl Placeholder {
    /// What may be signed: all but the signature.
    pub(super) const SIGNED: &[Self] = &[
        Self::Method,
        Self::Path,
        Self::Query,
        Self::Date,
        Self::BodyHash,
        Self::Host,
        Self::KeyId,
    ];

    /// What may stand in the header.
    pub(super) const SHOWN: &[Self] = &[
        Self::Signature,
        Self::KeyId,
        Self::Date,
        Self::Method,
        Self::Path,
        Self::Query,
        Self::BodyHash,
        Self::Host,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::Method => "method",
            Self::Path => "path",
            Self::Query => "query",
            Self::Date => "date",
            Self::BodyHash => "body_hash",
            Self::Host => "host",
            Self::KeyId => "key_id",
            Self::Signature => "signature",
        }
    }
}

/// What the placeholders stand for in one request.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    pub(super) date: &'a str,
    pub(super) body_hash: &'a str,
    pub(super) host: &'a str,
    pub(super) key_id: &'a str,
    pub(super) signature: &'a str,
}

impl<'a> Values<'a> {
    const fn get(&self, placeholder: Placeholder) -> &'a str {
        match placeholder {
            Placeholder::Method => self.method,
            Placeholder::Path => self.path,
            Placeholder::Query => self.query,
            Placeholder::Date => self.date,
            Placeholder::BodyHash => self.body_hash,
            Placeholder::Host => self.host,
            Placeholder::KeyId => self.key_id,
            Placeholder::Signature => self.signature,
        }
    }
}

/// A text with placeholders.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct SigningText(Vec<Piece>);

#[derive(Debug, PartialEq, Eq)]
enum Piece {
    Text(String),
    Placeholder(Placeholder),
}

/// What is wrong with a text, and what would be right.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TextError {
    pub(super) message: String,
    pub(super) help: String,
}

impl SigningText {
    /// Reads a text in which these placeholders may stand.
    pub(super) fn parse(text: &str, allowed: &[Placeholder]) -> Result<Self, TextError> {
        let pieces = scan(text).map_err(|error| unreadable(error, allowed))?;
        let piece = |piece| match piece {
            placeholder::Piece::Literal(text) => Ok(Piece::Text(text)),
            placeholder::Piece::Placeholder(name) => allowed
                .iter()
                .find(|placeholder| placeholder.name() == name)
                .map(|placeholder| Piece::Placeholder(*placeholder))
                .ok_or_else(|| unknown(&name, allowed)),
        };
        pieces
            .into_iter()
            .map(piece)
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Whether a placeholder stands in it.
    pub(super) fn holds(&self, placeholder: Placeholder) -> bool {
        self.0.contains(&Piece::Placeholder(placeholder))
    }

    /// The text with values in place of placeholders.
    pub(super) fn render(&self, values: &Values<'_>) -> String {
        self.0
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.as_str(),
                Piece::Placeholder(placeholder) => values.get(*placeholder),
            })
            .collect()
    }
}

fn unreadable(error: PlaceholderError, allowed: &[Placeholder]) -> TextError {
    match error {
        PlaceholderError::Name(name) => unknown(&name, allowed),
        PlaceholderError::Unclosed | PlaceholderError::Unopened => TextError {
            message: error.to_string(),
            help: "`{name}` for a placeholder, `{{` and `}}` for braces".to_owned(),
        },
    }
}

fn unknown(name: &str, allowed: &[Placeholder]) -> TextError {
    let allowed: Vec<_> = allowed
        .iter()
        .map(|placeholder| format!("`{{{}}}`", placeholder.name()))
        .collect();
    TextError {
        message: format!("`{{{}}}` is no placeholder here", name.escape_debug()),
        help: format!("allowed are {}", allowed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const VALUES: Values<'_> = Values {
        method: "GET",
        path: "/a",
        query: "b=c",
        date: "today",
        body_hash: "00",
        host: "example.com",
        key_id: "id",
        signature: "ff",
    };

    #[test]
    fn placeholders_take_their_values() {
        for (text, expected) in [
            ("", ""),
            ("{method}\n{path}?{query}", "GET\n/a?b=c"),
            ("{{{date}}}", "{today}"),
            (
                "a {host} {key_id} {body_hash} {signature} }}",
                "a example.com id 00 ff }",
            ),
        ] {
            let text = SigningText::parse(text, Placeholder::SHOWN).unwrap();
            assert_eq!(text.render(&VALUES), expected);
        }
    }

    #[test]
    fn the_signature_cannot_be_signed() {
        let error = SigningText::parse("{signature}", Placeholder::SIGNED).unwrap_err();
        assert_eq!(error.message, "`{signature}` is no placeholder here");
        assert!(!error.help.contains("signature"), "{}", error.help);
    }

    #[test]
    fn a_brace_needs_its_other_half() {
        for (text, message) in [
            ("a {date", "a brace is opened and never closed"),
            ("a date}", "a brace is closed and was never opened"),
        ] {
            let error = SigningText::parse(text, Placeholder::SIGNED).unwrap_err();
            assert_eq!(error.message, message);
        }
    }
}
