//! The parts of a token as it is sent (JWS compact serialization, RFC 7515), before anything of it is
//! believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Map, Value};

use crate::json;
use crate::plan::TokenAlgorithm;

use super::refusal::TokenFault;

/// How deep what a token says may be nested.
const DEEPEST: u32 = 32;

/// A token, cut into its parts.
#[derive(Debug)]
pub(super) struct TokenParts<'a> {
    /// How it says that it was signed.
    pub(super) algorithm: TokenAlgorithm,
    /// Which key it says that signed it. It is compared with the ids of keys, and used for nothing else.
    pub(super) key_id: Option<String>,
    /// What was signed.
    pub(super) signed: &'a str,
    /// The signature, as it is written.
    pub(super) signature: &'a str,
    /// The claims, as they are written.
    pub(super) claims: &'a str,
}

/// Cuts a token into its parts. It is as long as credentials may be.
pub(super) fn parts(token: &str) -> Result<TokenParts<'_>, TokenFault> {
    let (signed, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
    let (head, claims) = signed.split_once('.').ok_or(TokenFault::Malformed)?;
    if claims.contains('.') {
        return Err(TokenFault::Malformed);
    }
    // What else may stand there, such as keys or addresses of keys, is not looked at.
    let head = object(head)?;
    let text = |name| {
        head.get(name)
            .map(|value| value.as_str().ok_or(TokenFault::Malformed))
    };
    if head.contains_key("crit") {
        return Err(TokenFault::Critical);
    }
    let algorithm = text("alg").ok_or(TokenFault::Malformed)??;
    let typ = text("typ").transpose()?;
    if !typ.is_none_or(is_for_access) {
        return Err(TokenFault::Type);
    }
    Ok(TokenParts {
        algorithm: TokenAlgorithm::named(algorithm).ok_or(TokenFault::Algorithm)?,
        key_id: text("kid").transpose()?.map(str::to_owned),
        signed,
        signature,
        claims,
    })
}

/// Reads a part of a token that is an object, in which no name may stand twice: of two, readers could take
/// different ones.
pub(super) fn object(part: &str) -> Result<Map<String, Value>, TokenFault> {
    let bytes = URL_SAFE_NO_PAD.decode(part);
    let text = bytes.ok().and_then(|bytes| String::from_utf8(bytes).ok());
    let text = text.ok_or(TokenFault::Malformed)?;
    match json::read_unambiguous(&text, DEEPEST) {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) | Err(_) => Err(TokenFault::Malformed),
    }
}

/// Whether a token of this type may be one for access (RFC 9068): one that ends a session or reports an
/// event may be signed by the same key and have the same claims (RFC 8725, section 3.11).
fn is_for_access(typ: &str) -> bool {
    let prefix = "application/";
    let short = match typ.get(..prefix.len()) {
        Some(start) if start.eq_ignore_ascii_case(prefix) => &typ[prefix.len()..],
        _ => typ,
    };
    ["jwt", "at+jwt"]
        .iter()
        .any(|known| short.eq_ignore_ascii_case(known))
}
