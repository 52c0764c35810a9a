//! A secret that was read.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// The value of a secret, and where it was read. The value is never shown, and it can be compared, so
/// that a plan with a rotated secret is another plan. `Display` tells where it was read, as in "the
/// environment variable `TOKEN`".
#[derive(Clone)]
pub struct SecretValue {
    value: SecretString,
    source: Box<str>,
}

impl SecretValue {
    /// A value that was read from `source`.
    pub fn new(value: SecretString, source: impl fmt::Display) -> Self {
        Self {
            value,
            source: source.to_string().into(),
        }
    }

    /// The value, for the place that has to send it.
    pub fn expose(&self) -> &str {
        self.value.expose_secret()
    }
}

impl From<&str> for SecretValue {
    /// A text of the file that stands where a secret may, such as a user name.
    fn from(text: &str) -> Self {
        Self::new(SecretString::from(text), "the configuration")
    }
}

impl fmt::Display for SecretValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.source)
    }
}

impl PartialEq for SecretValue {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose() && self.source == other.source
    }
}

impl Eq for SecretValue {}

impl fmt::Debug for SecretValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("SecretValue([REDACTED])")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_compared_and_never_shown() {
        let secret = SecretValue::from("hunter2");
        assert_eq!(secret, SecretValue::from("hunter2"));
        assert_ne!(secret, SecretValue::from("hunter3"));
        assert!(!format!("{secret:?}").contains("hunter2"));
    }
}
