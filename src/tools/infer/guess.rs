//! A guess: one line of the proposed block, how sure it is, and why.

use std::fmt;

use toml_edit::Value;

/// How sure a guess is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Confidence {
    /// Nothing speaks against it, and little for it: look at it before it is used.
    NotSure,
    /// Names or values speak for it.
    Likely,
    /// Names and values speak for it, and the samples show nothing else that it could be. Only a
    /// block that was walked to its end calls it certain.
    Clear,
}

impl fmt::Display for Confidence {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::NotSure => "not sure",
            Self::Likely => "likely",
            Self::Clear => "clear",
        })
    }
}

/// One line of a proposal, under the comments that stand above it.
#[derive(Debug, Clone)]
pub(super) struct ProposedLine {
    /// How sure it is, and why.
    pub(super) reason: Option<(Confidence, String)>,
    /// What is to be said besides. Each is a paragraph of its own.
    pub(super) comments: Vec<String>,
    pub(super) entry: LineEntry,
}

/// The entry below the comments.
#[derive(Debug, Clone)]
pub(super) enum LineEntry {
    /// A key and its value.
    Set(String, Value),
    /// A key and its value as a comment, for the reader to bring to life.
    Suggested(String, Value),
    /// Nothing.
    Nothing,
}

impl ProposedLine {
    /// A guess.
    pub(super) fn guess(
        key: &str,
        value: impl Into<Value>,
        confidence: Confidence,
        why: &str,
    ) -> Self {
        Self {
            reason: Some((confidence, why.to_owned())),
            comments: Vec::new(),
            entry: LineEntry::Set(key.to_owned(), value.into()),
        }
    }

    /// A guess that names and values speak for.
    pub(super) fn clear(key: &str, value: impl Into<Value>, why: &str) -> Self {
        Self::guess(key, value, Confidence::Clear, why)
    }

    /// A guess that names or values speak for.
    pub(super) fn likely(key: &str, value: impl Into<Value>, why: &str) -> Self {
        Self::guess(key, value, Confidence::Likely, why)
    }

    /// A guess to look at before it is used.
    pub(super) fn not_sure(key: &str, value: impl Into<Value>, why: &str) -> Self {
        Self::guess(key, value, Confidence::NotSure, why)
    }

    /// What no sample shows, with a stand-in that loads.
    pub(super) fn fill_in(key: &str, value: impl Into<Value>, what: &str) -> Self {
        Self {
            reason: None,
            comments: vec![format!("FILL IN: {what}")],
            entry: LineEntry::Set(key.to_owned(), value.into()),
        }
    }

    /// What no sample shows, and may not be needed.
    pub(super) fn suggestion(key: &str, value: impl Into<Value>, what: &str) -> Self {
        Self {
            reason: None,
            comments: vec![what.to_owned()],
            entry: LineEntry::Suggested(key.to_owned(), value.into()),
        }
    }

    /// Something to know, without a key.
    pub(super) fn remark(text: impl Into<String>) -> Self {
        Self {
            reason: None,
            comments: vec![text.into()],
            entry: LineEntry::Nothing,
        }
    }

    /// Whether it sets this key.
    pub(super) fn is_of(&self, key: &str) -> bool {
        matches!(&self.entry, LineEntry::Set(own, _) if own == key)
    }

    /// One more thing to know about the same key.
    pub(super) fn and(mut self, comment: impl Into<String>) -> Self {
        self.comments.push(comment.into());
        self
    }
}

/// An inline table of these keys, in this order.
pub(super) fn table<const N: usize>(entries: [(&str, Value); N]) -> Value {
    Value::InlineTable(entries.into_iter().collect())
}
