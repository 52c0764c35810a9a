//! Digest access authentication (RFC 7616): the challenge of a server, and the answer to it.

use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, WWW_AUTHENTICATE};
use http::{HeaderMap, Request};
use md5::Md5;
use sha2::{Digest as _, Sha256, Sha512_256};

use super::AuthError;
use crate::hex::hex;
use crate::percent::encode;
use crate::plan::DigestAccess;
use crate::plan::auth::sensitive;

/// What a server has asked for, and how often it was answered.
#[derive(Debug, Default)]
pub(in crate::upstream) struct DigestState(Mutex<Option<(Challenge, u32)>>);

/// A challenge (section 3.3).
#[derive(Debug, Clone, PartialEq, Eq)]
struct Challenge {
    realm: String,
    nonce: String,
    opaque: Option<String>,
    algorithm: Algorithm,
    /// The algorithm as the server wrote it, if it did.
    written: Option<String>,
    /// Whether the server knows the quality of protection; one that does not is older than RFC 2617.
    has_quality: bool,
    hashes_user: bool,
}

/// A hash function, and whether the nonces are part of what stands for the password.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Algorithm {
    hash: DigestHash,
    is_session: bool,
}

/// The hash functions, the better ones last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum DigestHash {
    Md5,
    Sha256,
    Sha512_256,
}

impl DigestState {
    /// Answers the last challenge, if there was one.
    pub(in crate::upstream) fn sign(
        &self,
        account: &DigestAccess,
        request: &mut Request<Bytes>,
    ) -> Result<(), AuthError> {
        let answered = {
            let mut state = self.lock();
            let Some((challenge, count)) = state.as_mut() else {
                return Ok(());
            };
            *count = count.saturating_add(1);
            (challenge.clone(), *count)
        };
        let client_nonce = hex(&rand::random::<[u8; 16]>());
        let (challenge, count) = answered;
        let value = challenge.answer(account, request, (count, &client_nonce));
        let value = sensitive(value).map_err(|_| AuthError::Header(AUTHORIZATION))?;
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    /// Takes the challenge of a refusal. `false` if there is none that could be answered, or if what was sent
    /// had answered it already.
    pub(in crate::upstream) fn take(&self, refusal: &HeaderMap, sent: &HeaderMap) -> bool {
        let values = refusal.get_all(WWW_AUTHENTICATE).iter();
        let values = values.filter_map(|value| value.to_str().ok());
        let challenges = values.flat_map(challenges);
        let read = challenges.filter_map(|challenge| Challenge::read(&challenge));
        let Some((challenge, is_stale)) = read.max_by_key(|(one, _)| one.algorithm.hash) else {
            return false;
        };
        // With another nonce it may be accepted; with the same one it was refused for good.
        let has_answered = sent.get(AUTHORIZATION).is_some_and(|answer| {
            let nonce = format!("nonce=\"{}\"", challenge.nonce);
            !is_stale && answer.to_str().is_ok_and(|answer| answer.contains(&nonce))
        });
        if has_answered {
            return false;
        }
        let mut state = self.lock();
        // A count that comes again with its nonce may be taken for a replay (section 3.4).
        let count = (state.as_ref()).filter(|(held, _)| held.nonce == challenge.nonce);
        let count = count.map_or(0, |(_, count)| *count);
        *state = Some((challenge, count));
        true
    }

    fn lock(&self) -> MutexGuard<'_, Option<(Challenge, u32)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Challenge {
    /// Reads the parameters of a challenge, and whether the server says that only the nonce was too old.
    fn read(parameters: &[(String, String)]) -> Option<(Self, bool)> {
        let get = |name: &str| {
            let mut parameters = parameters.iter();
            let found = parameters.find(|(present, _)| present.eq_ignore_ascii_case(name));
            found.map(|(_, value)| value.as_str())
        };
        let is_true =
            |name: &str| get(name).is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let algorithm = match get("algorithm") {
            Some(name) => Algorithm::named(name)?,
            None => Algorithm::named("MD5")?,
        };
        let qualities = get("qop");
        let has_auth = |qualities: &str| {
            let mut qualities = qualities.split(',');
            qualities.any(|quality| quality.trim().eq_ignore_ascii_case("auth"))
        };
        if qualities.is_some_and(|qualities| !has_auth(qualities)) {
            return None;
        }
        let challenge = Self {
            realm: get("realm")?.to_owned(),
            nonce: get("nonce")?.to_owned(),
            opaque: get("opaque").map(str::to_owned),
            algorithm,
            written: get("algorithm").map(str::to_owned),
            has_quality: qualities.is_some(),
            hashes_user: is_true("userhash"),
        };
        Some((challenge, is_true("stale")))
    }

    /// The value of the `Authorization` header (section 3.4).
    fn answer(
        &self,
        account: &DigestAccess,
        request: &Request<Bytes>,
        (count, client_nonce): (u32, &str),
    ) -> String {
        let hash = |text: String| self.algorithm.hash.of(&text);
        let (user, realm) = (account.username.expose(), &self.realm);
        let uri = request.uri().path_and_query();
        let uri = uri.map_or("/", |uri| uri.as_str());
        let nonce = &self.nonce;
        let mut secret = hash(format!("{user}:{realm}:{}", account.password.expose()));
        if self.algorithm.is_session {
            secret = hash(format!("{secret}:{nonce}:{client_nonce}"));
        }
        let target = hash(format!("{}:{uri}", request.method()));
        let response = if self.has_quality {
            hash(format!(
                "{secret}:{nonce}:{count:08x}:{client_nonce}:auth:{target}"
            ))
        } else {
            hash(format!("{secret}:{nonce}:{target}"))
        };
        let name = if self.hashes_user {
            format!("username=\"{}\"", hash(format!("{user}:{realm}")))
        } else if user.is_ascii() {
            format!("username=\"{}\"", escaped(user))
        } else {
            // RFC 8187, section 3.2.
            format!("username*=UTF-8''{}", encode(user))
        };
        let realm = escaped(realm);
        let algorithm = self.written.iter().map(|name| format!("algorithm={name}"));
        let quality = self
            .has_quality
            .then(|| format!("nc={count:08x}, cnonce=\"{client_nonce}\", qop=auth"));
        let opaque = self
            .opaque
            .iter()
            .map(|opaque| format!("opaque=\"{opaque}\""));
        let is_hashed = self.hashes_user.then(|| "userhash=true".to_owned());
        let answer = [
            name,
            format!("realm=\"{realm}\""),
            format!("uri=\"{uri}\""),
            format!("nonce=\"{nonce}\""),
            format!("response=\"{response}\""),
        ];
        let parts: Vec<_> = (answer.into_iter().chain(algorithm))
            .chain(quality)
            .chain(opaque)
            .chain(is_hashed)
            .collect();
        format!("Digest {}", parts.join(", "))
    }
}

impl Algorithm {
    fn named(name: &str) -> Option<Self> {
        let name = name.to_ascii_uppercase();
        let (name, is_session) = match name.strip_suffix("-SESS") {
            Some(name) => (name, true),
            None => (name.as_str(), false),
        };
        let hash = match name {
            "MD5" => DigestHash::Md5,
            "SHA-256" => DigestHash::Sha256,
            "SHA-512-256" => DigestHash::Sha512_256,
            _ => return None,
        };
        Some(Self { hash, is_session })
    }
}

impl DigestHash {
    fn of(self, text: &str) -> String {
        match self {
            Self::Md5 => hex(&Md5::digest(text)),
            Self::Sha256 => hex(&Sha256::digest(text)),
            Self::Sha512_256 => hex(&Sha512_256::digest(text)),
        }
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

/// The parameters of each `Digest` challenge in a field, which may have challenges of other schemes (RFC 9110,
/// section 11.6.1).
fn challenges(field: &str) -> Vec<Vec<(String, String)>> {
    let mut challenges: Vec<(bool, Vec<(String, String)>)> = Vec::new();
    for item in items(field) {
        let (before, value) = item.split_once('=').unwrap_or((item, ""));
        let before = before.trim();
        // A scheme stands before the first parameter of its challenge, or alone.
        let name = match before.split_once(char::is_whitespace) {
            Some((scheme, name)) => {
                challenges.push((scheme.eq_ignore_ascii_case("Digest"), Vec::new()));
                name.trim()
            }
            None if !item.contains('=') => {
                challenges.push((before.eq_ignore_ascii_case("Digest"), Vec::new()));
                continue;
            }
            None => before,
        };
        if let Some((_, parameters)) = challenges.last_mut() {
            parameters.push((name.to_owned(), unquoted(value.trim())));
        }
    }
    let challenges = challenges.into_iter().filter(|(is_digest, _)| *is_digest);
    challenges.map(|(_, parameters)| parameters).collect()
}

/// The items of a list, at commas outside of quotes.
fn items(field: &str) -> impl Iterator<Item = &str> {
    let (mut is_quoted, mut is_escaped) = (false, false);
    let items = field.split(move |letter: char| {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            _ => {}
        }
        letter == ',' && !is_quoted
    });
    items.map(str::trim).filter(|item| !item.is_empty())
}

fn unquoted(value: &str) -> String {
    let inner = value
        .strip_prefix('"')
        .and_then(|value| value.strip_suffix('"'));
    let Some(inner) = inner else {
        return value.to_owned();
    };
    let mut text = String::new();
    let mut letters = inner.chars();
    while let Some(letter) = letters.next() {
        match letter {
            '\\' => text.extend(letters.next()),
            letter => text.push(letter),
        }
    }
    text
}

#[cfg(test)]
mod tests;
