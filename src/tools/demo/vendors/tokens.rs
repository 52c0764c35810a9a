//! The tokens that the login of `collections` issues.

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde_json::json;

use super::signature::hmac_sha256;
use crate::hex::hex;
use crate::tools::demo::options::TokenKind;
use crate::tools::lock::lock;

/// Signs tokens. Nobody but this process reads them, so there is nothing to keep secret.
const KEY: &[u8] = b"signs the tokens of the emulated login";

/// Every valid token, and its expiry.
#[derive(Debug)]
pub(super) struct Tokens {
    kind: TokenKind,
    life: Duration,
    clock: fn() -> Timestamp,
    issued: AtomicU64,
    valid: Mutex<HashMap<String, Timestamp>>,
}

impl Tokens {
    /// No tokens yet.
    pub(super) fn new(kind: TokenKind, life: Duration, clock: fn() -> Timestamp) -> Self {
        Self {
            kind,
            life,
            clock,
            issued: AtomicU64::new(0),
            valid: Mutex::default(),
        }
    }

    /// A new, unique token.
    pub(super) fn issue(&self, subject: &str) -> String {
        let now = (self.clock)();
        let until = now.checked_add(self.life).unwrap_or(Timestamp::MAX);
        let id = self.issued.fetch_add(1, Ordering::Relaxed);
        let token = match self.kind {
            TokenKind::Jwt => jwt(&json!({
                "sub": subject,
                "iat": now.as_second(),
                "exp": until.as_second(),
                "jti": id.to_string(),
            })),
            TokenKind::Opaque => hex(&hmac_sha256(KEY, &id.to_be_bytes())),
        };
        let mut valid = lock(&self.valid);
        valid.retain(|_, until| now < *until);
        valid.insert(token.clone(), until);
        token
    }

    /// Whether a token was issued, and has neither expired nor been revoked.
    pub(super) fn accepts(&self, token: &str) -> bool {
        let now = (self.clock)();
        lock(&self.valid)
            .get(token)
            .is_some_and(|until| now < *until)
    }

    /// Revokes every token.
    pub(super) fn revoke(&self) {
        lock(&self.valid).clear();
    }
}

fn jwt(claims: &serde_json::Value) -> String {
    let head = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let claims = URL_SAFE_NO_PAD.encode(claims.to_string());
    let signed = format!("{head}.{claims}");
    let signature = URL_SAFE_NO_PAD.encode(hmac_sha256(KEY, signed.as_bytes()));
    format!("{signed}.{signature}")
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    fn at_noon() -> Timestamp {
        "2026-11-21T12:00:00Z".parse().unwrap()
    }

    fn tokens(kind: TokenKind) -> Tokens {
        Tokens::new(kind, Duration::from_mins(1), at_noon)
    }

    #[test]
    fn only_tokens_that_were_issued_and_not_revoked_are_good() {
        for kind in [TokenKind::Jwt, TokenKind::Opaque] {
            let tokens = tokens(kind);
            let (first, second) = (tokens.issue("me"), tokens.issue("me"));
            assert_ne!(first, second);
            assert!(tokens.accepts(&first) && tokens.accepts(&second));
            assert!(!tokens.accepts("forged"));
            tokens.revoke();
            assert!(!tokens.accepts(&first));
            assert!(tokens.accepts(&tokens.issue("me")));
        }
    }

    #[test]
    fn a_jwt_says_when_it_expires() {
        let token = tokens(TokenKind::Jwt).issue("me");
        let mut parts = token.split('.');
        assert_eq!(parts.next(), Some("eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9"));
        let claims = URL_SAFE_NO_PAD.decode(parts.next().unwrap()).unwrap();
        let claims: serde_json::Value = serde_json::from_slice(&claims).unwrap();
        assert_eq!(claims["exp"], at_noon().as_second() + 60);
    }

    #[test]
    fn a_token_expires_after_its_life() {
        static NOW: AtomicI64 = AtomicI64::new(0);
        fn clock() -> Timestamp {
            Timestamp::from_second(NOW.load(Ordering::Relaxed)).unwrap()
        }
        let tokens = Tokens::new(TokenKind::Opaque, Duration::from_mins(1), clock);
        let token = tokens.issue("me");
        NOW.store(59, Ordering::Relaxed);
        assert!(tokens.accepts(&token));
        NOW.store(60, Ordering::Relaxed);
        assert!(!tokens.accepts(&token));
    }
}
