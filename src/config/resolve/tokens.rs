//! Tokens and certificates that tell who asks: what their keys come to.

use std::time::Duration;

use crate::caller::ClientAuthorities;
use crate::config::SecretReader;
use crate::config::callers::{Certificates, Jwks, Jwt};
use crate::config::mask::has_password;
use crate::plan::{self, KeySet, KeySource, TokenAlgorithm, is_loopback};
use crate::problem::{KeyPath, Problem, Problems};

use super::block::Block;
use super::connection::authorities;

/// The most that clocks may be off. Beyond it, tokens would not end.
const MOST_LEEWAY: Duration = Duration::from_mins(5);

/// Decides `[callers.jwt]`.
pub(super) fn resolve(
    jwt: &Jwt,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<plan::Jwt> {
    let mut block = Block::new(KeyPath::new(["callers", "jwt"]), secrets, problems);
    let audiences = jwt.audience.as_slice();
    if jwt.issuer.is_empty() {
        block.wrong(
            "issuer",
            "`issuer` is empty, so no token would be accepted",
            "write the `issuer` of the provider's `/.well-known/openid-configuration`",
        );
    }
    if audiences.iter().any(String::is_empty) {
        block.wrong(
            "audience",
            "an audience is empty",
            "write what the provider puts into `aud` of tokens that are meant for groupgate",
        );
    }
    if jwt.algorithms.is_empty() {
        block.wrong(
            "algorithms",
            "no algorithm is accepted, so no token would be",
            "leave `algorithms` out for RS256, ES256 and EdDSA",
        );
    }
    if jwt.leeway.get() > MOST_LEEWAY {
        block.wrong(
            "leeway",
            format!("a `leeway` of {} keeps tokens from ending", jwt.leeway),
            "it makes up for clocks that differ, and may be at most `5m`",
        );
    }
    let symmetric = jwt.algorithms.iter().find(|one| one.is_symmetric());
    if let (Some(symmetric), Some(_)) = (symmetric, &jwt.jwks.url) {
        block.wrong(
            "algorithms",
            format!("`{symmetric}` needs a shared secret, which no URL can publish"),
            "use an algorithm with public keys, such as RS256, or `jwks = { file = ... }`",
        );
    }
    let keys = key_source(&mut block.table("jwks"), &jwt.jwks, &jwt.algorithms)?;
    Some(plan::Jwt {
        issuer: jwt.issuer.clone(),
        audiences: audiences.to_vec(),
        keys,
        algorithms: jwt.algorithms.clone(),
        identity: jwt.identity.clone(),
        leeway: jwt.leeway.get(),
    })
}

fn key_source(
    block: &mut Block<'_>,
    jwks: &Jwks,
    algorithms: &[TokenAlgorithm],
) -> Option<KeySource> {
    let ca = authorities(block, "ca", jwks.ca.as_deref());
    match (&jwks.url, &jwks.file) {
        (Some(url), None) => {
            if has_password(url.as_str()) {
                block.wrong(
                    "url",
                    "a URL cannot contain a user name or password",
                    "keys of issuers are public; write the URL without them",
                );
            }
            if !is_safe(url) {
                block.wrong(
                    "url",
                    format!("keys from `{url}` could be anybody's: nothing proves who sends them"),
                    "write an `https` URL; `http` is accepted on this machine only",
                );
            }
            Some(KeySource::Url {
                url: url.clone(),
                ca: ca?,
            })
        }
        (None, Some(file)) => {
            if jwks.ca.is_some() {
                block.wrong("ca", "a file needs no CA", "leave `ca` out");
            }
            let text = block.file("file", file)?;
            let keys = KeySet::read(&text, algorithms);
            keys.map_err(|error| {
                block.wrong(
                    "file",
                    format!("the file `{}` {error}", file.display()),
                    "write a JSON Web Key Set: `{ \"keys\": [ ... ] }`",
                );
            })
            .map(KeySource::File)
            .ok()
        }
        (Some(_), Some(_)) | (None, None) => {
            let message = if jwks.url.is_some() {
                "`url` and `file` are both given"
            } else {
                "neither `url` nor `file` is given"
            };
            let at = block.own_path();
            block.push(Problem::new(at, message).with_help(
                "write `jwks = { url = \"https://...\" }` or `jwks = { file = \"path\" }`",
            ));
            None
        }
    }
}

/// Whether what comes from a URL is its owner's.
fn is_safe(url: &url::Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback(url))
}

/// Decides `[callers.certificates]`.
pub(super) fn certificates(
    certificates: &Certificates,
    authorities: ClientAuthorities,
) -> plan::Certificates {
    let identity = certificates.identity;
    let names = certificates.names.iter();
    plan::Certificates {
        identity,
        authorities,
        names: names
            .map(|(name, named)| (identity.canonical(name), named.grants.clone()))
            .collect(),
    }
}
