//! Placeholders in texts: `{name}` stands for a value, `{{` and `}}` for a brace.

use thiserror::Error;

use super::on_behalf::CallerValue;
use super::outer_value::OuterValue;

/// A part of a text with placeholders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Text that stands for itself, its doubled braces made single.
    Literal(String),
    /// The name between two braces.
    Placeholder(String),
}

/// Why a text with braces could not be read.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum PlaceholderError {
    /// `{` without its `}`.
    #[error("`{{` without `}}`")]
    Unclosed,
    /// `}` without its `{`.
    #[error("`}}` without `{{`")]
    Unopened,
    /// What stands between the braces cannot be a name.
    #[error("`{{{0}}}` is not a placeholder: names consist of `a` to `z`, `0` to `9`, `_` and `.`")]
    Name(String),
}

/// Cuts a text into its pieces, in order. Literals are never empty and never adjacent.
///
/// ```
/// use groupgate::plan::placeholder::{Piece, scan};
///
/// assert_eq!(
///     scan("/groups/{id}"),
///     Ok(vec![Piece::Literal("/groups/".to_owned()), Piece::Placeholder("id".to_owned())])
/// );
/// ```
pub fn scan(text: &str) -> Result<Vec<Piece>, PlaceholderError> {
    scan_for(text, |name| {
        is_name(name) || CallerValue::is_claim(name) || OuterValue::is_record(name)
    })
}

/// Like [`scan`], where other texts than names may stand between the braces.
pub(super) fn scan_for(
    text: &str,
    may_stand: impl Fn(&str) -> bool,
) -> Result<Vec<Piece>, PlaceholderError> {
    let mut pieces = Vec::new();
    let mut literal = String::new();
    let mut rest = text;
    while let Some(at) = rest.find(['{', '}']) {
        literal.push_str(&rest[..at]);
        let braces = &rest[at..];
        if let Some(after) = braces.strip_prefix("{{") {
            literal.push('{');
            rest = after;
        } else if let Some(after) = braces.strip_prefix("}}") {
            literal.push('}');
            rest = after;
        } else if let Some(after) = braces.strip_prefix('{') {
            let (name, after) = after.split_once('}').ok_or(PlaceholderError::Unclosed)?;
            if !may_stand(name) {
                return Err(PlaceholderError::Name(name.to_owned()));
            }
            if !literal.is_empty() {
                pieces.push(Piece::Literal(std::mem::take(&mut literal)));
            }
            pieces.push(Piece::Placeholder(name.to_owned()));
            rest = after;
        } else {
            return Err(PlaceholderError::Unopened);
        }
    }
    literal.push_str(rest);
    if !literal.is_empty() {
        pieces.push(Piece::Literal(literal));
    }
    Ok(pieces)
}

fn is_name(text: &str) -> bool {
    !text.is_empty()
        && text
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'.'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn literal(text: &str) -> Piece {
        Piece::Literal(text.to_owned())
    }

    fn placeholder(name: &str) -> Piece {
        Piece::Placeholder(name.to_owned())
    }

    #[test]
    fn names_between_braces_are_placeholders() {
        assert_eq!(
            scan("a{x}{y_1}b"),
            Ok(vec![
                literal("a"),
                placeholder("x"),
                placeholder("y_1"),
                literal("b")
            ])
        );
        assert_eq!(scan(""), Ok(vec![]));
    }

    #[test]
    fn doubled_braces_are_braces() {
        assert_eq!(scan("{{x}}"), Ok(vec![literal("{x}")]));
        assert_eq!(
            scan("{{{x}}}"),
            Ok(vec![literal("{"), placeholder("x"), literal("}")])
        );
    }

    #[test]
    fn a_lone_brace_is_an_error() {
        assert_eq!(scan("{x"), Err(PlaceholderError::Unclosed));
        assert_eq!(scan("x}"), Err(PlaceholderError::Unopened));
        assert_eq!(scan("{}"), Err(PlaceholderError::Name(String::new())));
        assert_eq!(
            scan("{ \"a\": 1 }"),
            Err(PlaceholderError::Name(" \"a\": 1 ".to_owned()))
        );
    }

    proptest! {
        #[test]
        fn a_text_with_its_braces_doubled_is_itself(text in "[a-z{} ]*") {
            let doubled = text.replace('{', "{{").replace('}', "}}");
            let expected: Vec<Piece> = (!text.is_empty()).then(|| literal(&text)).into_iter().collect();
            prop_assert_eq!(scan(&doubled), Ok(expected));
        }
    }
}
