//! A secret that was read.

use std::fmt;

use secrecy::{ExposeSecret as _, SecretString};

/// The value of a secret. It is never shown, and it can be compared, so that a plan with a rotated
/// secret is another plan.
#[derive(Clone)]
pub struct SecretValue(SecretString);

impl SecretValue {
    /// The value, for the place that has to send it.
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl From<SecretString> for SecretValue {
    fn from(secret: SecretString) -> Self {
        Self(secret)
    }
}

impl From<&str> for SecretValue {
    fn from(text: &str) -> Self {
        Self(SecretString::from(text))
    }
}

impl PartialEq for SecretValue {
    fn eq(&self, other: &Self) -> bool {
        self.expose() == other.expose()
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
