//! Lists of words.

/// Plain names (see [`super::names`]), the best first, with blanks between them.
#[derive(Debug, Clone, Copy)]
pub(super) struct WordList(pub(super) &'static str);

impl WordList {
    pub(super) fn iter(self) -> impl Iterator<Item = &'static str> {
        self.0.split_ascii_whitespace()
    }

    /// How far down the list a word is.
    pub(super) fn position(self, word: &str) -> Option<usize> {
        self.iter().position(|known| known == word)
    }

    pub(super) fn contains(self, word: &str) -> bool {
        self.position(word).is_some()
    }
}
