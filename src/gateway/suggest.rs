//! What is said of a word that is none of the words there are.

use std::fmt::Write as _;

use crate::config::nearest::nearest;

/// The words that may be chosen from, and what they name.
#[derive(Debug, Clone, Copy)]
pub(super) struct Choice<'a> {
    noun: &'a str,
    words: &'a [&'a str],
}

impl<'a> Choice<'a> {
    /// A choice among `words`, each the name of a `noun`.
    pub(super) const fn new(noun: &'a str, words: &'a [&'a str]) -> Self {
        Self { noun, words }
    }

    /// The word as it is listed, or why there is none.
    pub(super) fn pick(self, word: &str) -> Result<&'a str, String> {
        self.words
            .iter()
            .copied()
            .find(|listed| *listed == word)
            .ok_or_else(|| self.refusal(word))
    }

    /// That there is no such word, which one was probably meant, and which there are.
    pub(super) fn refusal(self, word: &str) -> String {
        let mut message = if word.is_empty() {
            format!("a {} has no name", self.noun)
        } else {
            format!("there is no {} `{word}`", self.noun)
        };
        if let Some(nearest) = nearest(word, self.words.iter().copied()) {
            let _ = write!(message, " (did you mean `{nearest}`?)");
        }
        if !self.words.is_empty() {
            let _ = write!(message, "; allowed are `{}`", self.words.join("`, `"));
        }
        message
    }
}

#[cfg(test)]
mod tests {
    use super::Choice;

    #[test]
    fn a_slip_is_met_with_the_nearest_word() {
        let choice = Choice::new("colour", &["red", "green"]);
        assert_eq!(choice.pick("red"), Ok("red"));
        assert_eq!(
            choice.refusal("gren"),
            "there is no colour `gren` (did you mean `green`?); allowed are `red`, `green`"
        );
        assert_eq!(
            choice.refusal("ultramarine"),
            "there is no colour `ultramarine`; allowed are `red`, `green`"
        );
    }

    #[test]
    fn a_word_that_was_left_out_is_not_quoted() {
        assert_eq!(
            Choice::new("colour", &["red"]).refusal(""),
            "a colour has no name; allowed are `red`"
        );
    }

    #[test]
    fn an_empty_choice_lists_nothing() {
        assert_eq!(
            Choice::new("source", &[]).refusal("x"),
            "there is no source `x`"
        );
    }
}
