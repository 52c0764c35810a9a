//! The filters that an upstream is asked with, as they are written.

use crate::plan::Pushable;

/// The filters that an upstream is asked with, as they are written. None at all is the whole list.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Pushed(pub(super) Vec<(Pushable, PushedValue)>);

/// A value as the upstream reads it, but for the escapes of the place where it stands.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum PushedValue {
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
}

impl Pushed {
    /// No filter: the whole list.
    pub const NONE: Self = Self(Vec::new());

    /// Whether the whole list is asked for.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// What stands for the placeholder of `filter`.
    pub fn get(&self, filter: Pushable) -> Option<&PushedValue> {
        let mut values = self.0.iter();
        values.find_map(|(pushed, value)| (*pushed == filter).then_some(value))
    }

    /// How much memory it takes besides its own value.
    pub fn bytes(&self) -> usize {
        let texts = self.0.iter().map(|(_, value)| match value {
            PushedValue::Text(text) => text.len(),
            PushedValue::Number(_) => 0,
        });
        texts.sum::<usize>() + self.0.len() * size_of::<(Pushable, PushedValue)>()
    }
}
