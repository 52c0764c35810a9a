//! What is read of a record that becomes no group, or besides its group.

/// What is read of one record: a value for each column.
pub type ReadRow = Box<[Option<ReadText>]>;

/// A value of a record.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ReadText {
    /// Its text.
    pub text: Box<str>,
    /// Whether it is a number.
    pub is_number: bool,
}

impl ReadText {
    /// A text that is no number.
    pub fn text(text: impl Into<Box<str>>) -> Self {
        Self {
            text: text.into(),
            is_number: false,
        }
    }
}

/// How much memory a row takes.
pub(crate) fn row_bytes(row: &ReadRow) -> u64 {
    let texts = row.iter().flatten().map(|value| value.text.len());
    (size_of::<ReadRow>() + size_of_val::<[Option<ReadText>]>(row) + texts.sum::<usize>()) as u64
}
