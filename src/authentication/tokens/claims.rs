//! What a token claims, once its signature was verified.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;

use crate::caller::is_name;
use crate::plan::Jwt;

use super::parts::object;
use super::refusal::TokenFault;

/// The claims of a token that was verified.
#[derive(Debug)]
pub(super) struct Claims {
    /// Who asks.
    pub(super) identity: String,
    /// How much longer the token holds.
    pub(super) holds_for: Duration,
    /// All of them.
    pub(super) all: Value,
}

/// Reads and checks claims that were signed.
pub(super) fn claims(written: &str, rules: &Jwt, now: Timestamp) -> Result<Claims, TokenFault> {
    let all = Value::Object(object(written)?);
    if all.get("iss").and_then(Value::as_str) != Some(&*rules.issuer) {
        return Err(TokenFault::Issuer);
    }
    if !is_for_us(all.get("aud"), &rules.audiences) {
        return Err(TokenFault::Audience);
    }
    let holds_for = holds_for(&all, rules.leeway, now)?;
    let identity = rules.identity.find(&all).and_then(Value::as_str);
    let identity = identity.filter(|identity| is_name(identity));
    Ok(Claims {
        identity: identity.ok_or(TokenFault::Identity)?.to_owned(),
        holds_for,
        all,
    })
}

fn is_for_us(audience: Option<&Value>, ours: &[String]) -> bool {
    let is_ours = |one: &Value| {
        one.as_str()
            .is_some_and(|one| ours.iter().any(|our| our == one))
    };
    match audience {
        Some(Value::Array(all)) => all.iter().any(is_ours),
        Some(one) => is_ours(one),
        None => false,
    }
}

/// How much longer a token holds, if it does.
fn holds_for(claims: &Value, leeway: Duration, now: Timestamp) -> Result<Duration, TokenFault> {
    let (now, leeway) = (now.as_duration().as_secs_f64(), leeway.as_secs_f64());
    for begin in ["nbf", "iat"] {
        if moment(claims, begin)?.is_some_and(|begin| begin > now + leeway) {
            return Err(TokenFault::NotYetValid);
        }
    }
    let end = moment(claims, "exp")?.ok_or(TokenFault::Expired)?;
    let left = end + leeway - now;
    if left <= 0.0 {
        return Err(TokenFault::Expired);
    }
    Ok(Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX))
}

/// A moment in seconds since 1970 (RFC 7519, section 2), which may have a fraction.
fn moment(claims: &Value, name: &str) -> Result<Option<f64>, TokenFault> {
    let Some(value) = claims.get(name) else {
        return Ok(None);
    };
    let seconds = value.as_f64().filter(|seconds| seconds.is_finite());
    seconds.map(Some).ok_or(TokenFault::Malformed)
}
