//! Values that callers send, written so that they stay values.
//!
//! The template escapes for the place: percent-encoding, JSON. Here it is the language that a text is
//! written in, if it is one. What no escape makes safe is not written at all.

use crate::plan::pushdown::Quote;

/// The longest value that is handed on, in bytes: an upstream may not take a longer URL, and a search
/// for so much is rare enough to need no help.
const LONGEST: usize = 512;

/// The value as it stands in the request, before the escapes of its place; `None` where it could be
/// taken for something else.
pub(super) fn written(value: &str, quote: Option<Quote>) -> Option<String> {
    let is_value = !value.trim().is_empty()
        && value.len() <= LONGEST
        && !value.chars().any(char::is_control)
        // As a segment of a path these name another place (RFC 3986, section 5.2.4).
        && !matches!(value, "." | "..");
    if !is_value {
        return None;
    }
    match quote {
        None => Some(value.to_owned()),
        Some(Quote::Backslash) => Some(with_backslashes(value)),
        // Some dialects know the backslash as an escape too, and would not see the end.
        Some(Quote::Doubled) => (!value.contains('\\')).then(|| value.replace('\'', "''")),
        Some(Quote::Ldap) => Some(for_ldap(value)),
        Some(Quote::Word) => is_word(value).then(|| value.to_owned()),
    }
}

fn with_backslashes(value: &str) -> String {
    let mut written = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '"' | '\\') {
            written.push('\\');
        }
        written.push(character);
    }
    written
}

/// RFC 4515, section 3; NUL is a control character, which is no value.
fn for_ldap(value: &str) -> String {
    let mut written = String::with_capacity(value.len());
    for character in value.chars() {
        if matches!(character, '*' | '(' | ')' | '\\') {
            written.push_str(&format!("\\{:02x}", u32::from(character)));
        } else {
            written.push(character);
        }
    }
    written
}

/// Whether the value is one word that means itself.
fn is_word(value: &str) -> bool {
    let is_operator = ["and", "or", "not", "near", "to"]
        .iter()
        .any(|operator| value.eq_ignore_ascii_case(operator));
    value.chars().all(char::is_alphanumeric) && !is_operator
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::plain(None, "a \"b\" 'c' (d*)", Some("a \"b\" 'c' (d*)"))]
    #[case::backslash(Some(Quote::Backslash), r#"a" or "b\"#, Some(r#"a\" or \"b\\"#))]
    #[case::doubled(
        Some(Quote::Doubled),
        "o'neil') or (1 eq 1",
        Some("o''neil'') or (1 eq 1")
    )]
    #[case::doubled_with_backslash(Some(Quote::Doubled), r"a\' or 1", None)]
    #[case::ldap(Some(Quote::Ldap), r"a*)(cn=\", Some(r"a\2a\29\28cn=\5c"))]
    #[case::word(Some(Quote::Word), "sales2024é", Some("sales2024é"))]
    #[case::two_words(Some(Quote::Word), "sales team", None)]
    #[case::operator(Some(Quote::Word), "NOT", None)]
    #[case::syntax(Some(Quote::Word), "name:x", None)]
    #[case::line(None, "a\r\nX-Admin: 1", None)]
    #[case::nul(None, "a\0", None)]
    #[case::dots(None, "..", None)]
    #[case::blank(None, " ", None)]
    fn a_value_is_written_safely_or_not_at_all(
        #[case] quote: Option<Quote>,
        #[case] value: &str,
        #[case] expected: Option<&str>,
    ) {
        assert_eq!(written(value, quote).as_deref(), expected);
    }

    #[test]
    fn a_value_that_is_too_long_is_not_written() {
        assert!(written(&"a".repeat(LONGEST), None).is_some());
        assert_eq!(written(&"a".repeat(LONGEST + 1), None), None);
    }

    /// What a reader of the language takes for the value, and what it takes for what follows.
    fn read_back(quote: Quote, text: &str) -> Option<(String, String)> {
        let mut value = String::new();
        let mut characters = text.chars();
        loop {
            let character = characters.next()?;
            match (quote, character) {
                (Quote::Backslash, '\\') => value.push(characters.next()?),
                (Quote::Doubled, '\'') if characters.as_str().starts_with('\'') => {
                    characters.next();
                    value.push('\'');
                }
                (Quote::Ldap, '\\') => {
                    let digits: String = characters.by_ref().take(2).collect();
                    value.push(u8::from_str_radix(&digits, 16).ok()?.into());
                }
                (Quote::Backslash, '"') | (Quote::Doubled, '\'') | (Quote::Ldap, ')') => {
                    return Some((value, characters.collect()));
                }
                _ => value.push(character),
            }
        }
    }

    fn some_value() -> impl Strategy<Value = String> {
        prop_oneof!["[ab\"'\\\\()*&| ]{1,12}", "\\PC{1,12}", ".{1,12}"]
    }

    proptest! {
        #[test]
        fn no_value_ends_the_text_that_it_stands_in(value in some_value()) {
            for (quote, end) in [(Quote::Backslash, '"'), (Quote::Doubled, '\''), (Quote::Ldap, ')')] {
                let Some(inside) = written(&value, Some(quote)) else { continue };
                let read = read_back(quote, &format!("{inside}{end} and more"));
                prop_assert_eq!(read, Some((value.clone(), " and more".to_owned())));
            }
        }

        #[test]
        fn a_word_has_no_syntax(value in some_value()) {
            if let Some(word) = written(&value, Some(Quote::Word)) {
                prop_assert!(word.chars().all(char::is_alphanumeric));
            }
        }
    }
}
