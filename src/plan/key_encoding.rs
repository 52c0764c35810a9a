//! How keys are written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How a key is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum KeyEncoding {
    /// The key is the text itself.
    #[default]
    Text,
    /// Base64, with or without padding.
    Base64,
    /// Hexadecimal.
    Hex,
}
