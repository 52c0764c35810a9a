//! Who may ask, and what grants say.

use std::collections::{BTreeMap, BTreeSet};

use crate::caller::{ClientAuthorities, is_name};
use crate::config::{Callers, SecretReader, Settings};
use crate::did_you_mean::suggest;
use crate::plan::{self, CallerGrant, KeyHash};
use crate::problem::{KeyPath, Problem, Problems};

use super::tokens;

/// How long the name of a key or grant may be.
const NAME_LENGTH: usize = 64;

/// What a name of a certificate is like.
const NAMES: &str = "write it as it stands in the certificate: 1 to 1024 bytes, without line ends and other \
                     characters that do not show";

pub(super) fn callers(
    settings: &Settings,
    server: Option<&plan::Server>,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<plan::Callers> {
    let grants = &settings.grants;
    check_grants(grants, problems);
    let Some(callers) = &settings.callers else {
        if !grants.is_empty() {
            problems.push(
                Problem::new(
                    KeyPath::new(["grants"]),
                    "there are grants and no `[callers]`, so whoever can connect sees every group",
                )
                .with_help("say under `[callers]` who has them, or take them out"),
            );
        }
        return None;
    };
    let at = KeyPath::new(["callers"]);
    let jwt = callers.jwt.as_ref();
    if jwt.is_none() {
        check_conditions(grants, problems);
    }
    let jwt = jwt.map(|jwt| tokens::resolve(jwt, secrets, problems));
    let certificates = callers.certificates.as_ref();
    let authorities = certificates.and_then(|_| authorities(settings, server, problems));
    let granted = GrantNames { grants, problems };
    let resolved = resolve(&at, callers, granted);
    if callers.required && !callers.anonymous.is_empty() {
        problems.push(
            Problem::new(
                at.join("anonymous"),
                "no request without credentials is answered, so none has grants",
            )
            .with_help("set `required = false`, or leave `anonymous` out"),
        );
    }
    // What is wrong with tokens and certificates is said where it stands.
    let is_described = jwt.is_some() || certificates.is_some();
    let certificates = certificates.zip(authorities);
    let resolved = plan::Callers {
        jwt: jwt.flatten(),
        certificates: certificates.map(|(written, vouch)| tokens::certificates(written, vouch)),
        ..resolved
    };
    if callers.required && !resolved.has_credentials() && !is_described {
        problems.push(
            Problem::new(at, "nobody can say who it is, so every request is refused").with_help(
                "describe callers under `[callers.keys.NAME]`, or set `required = false`",
            ),
        );
    }
    Some(resolved)
}

/// What vouches for the certificates that tell who asks.
fn authorities(
    settings: &Settings,
    server: Option<&plan::Server>,
    problems: &mut Problems,
) -> Option<ClientAuthorities> {
    let tls = settings.server.tls.as_ref();
    if tls.is_none_or(|tls| tls.client_ca.is_none()) {
        problems.push(
            Problem::new(
                KeyPath::new(["callers", "certificates"]),
                "no caller is asked for a certificate, so none tells who asks",
            )
            .with_help("name the CAs that vouch for callers: `server.tls.client_ca`"),
        );
    }
    server?.tls.as_ref()?.client_authorities()
}

fn resolve(at: &KeyPath, callers: &Callers, mut granted: GrantNames<'_>) -> plan::Callers {
    granted.check(&at.join("anonymous"), &callers.anonymous);
    let mut owners = BTreeMap::new();
    let mut keys = BTreeMap::new();
    for (name, key) in &callers.keys {
        let at = at.join("keys").join(name);
        check_name(&at, "key", name, granted.problems);
        granted.check(&at.join("grants"), &key.grants);
        let mut hashes = Vec::new();
        for digits in key.sha256.as_slice() {
            let at = at.join("sha256");
            let Some(hash) = KeyHash::from_hex(digits) else {
                granted.problems.push(
                    Problem::new(at, "this is no SHA-256: it has 64 hexadecimal digits")
                        .with_help("`groupgate hash-key` makes a key and prints its hash"),
                );
                continue;
            };
            if let Some(owner) = owners.insert(hash, name).filter(|owner| *owner != name) {
                granted.problems.push(
                    Problem::new(at, format!("the keys `{owner}` and `{name}` are the same"))
                        .with_help("give each caller a key of its own: `groupgate hash-key`"),
                );
            }
            hashes.push(hash);
        }
        let grants = key.grants.clone();
        keys.insert(name.clone(), plan::CallerKey { hashes, grants });
    }
    if let Some(certificates) = &callers.certificates {
        let mut known = BTreeSet::new();
        for (name, named) in &certificates.names {
            let at = at.join("certificates").join("names").join(name);
            granted.check(&at.join("grants"), &named.grants);
            if !is_name(name) {
                granted.problems.push(
                    Problem::new(at.clone(), "no certificate can show this name").with_help(NAMES),
                );
            }
            if !known.insert(certificates.identity.canonical(name)) {
                granted.problems.push(
                    Problem::new(
                        at,
                        "the name is there twice: DNS names are the same in either case",
                    )
                    .with_help("take one of them out"),
                );
            }
        }
    }
    plan::Callers {
        required: callers.required,
        anonymous: callers.anonymous.clone(),
        keys,
        jwt: None,
        certificates: None,
        grants: granted.grants.clone(),
    }
}

/// Which grants there are, and what is wrong with the names of others.
struct GrantNames<'a> {
    grants: &'a BTreeMap<String, CallerGrant>,
    problems: &'a mut Problems,
}

impl GrantNames<'_> {
    /// Checks that there are grants of these names.
    fn check(&mut self, at: &KeyPath, names: &[String]) {
        for (index, name) in names.iter().enumerate() {
            if self.grants.contains_key(name) {
                continue;
            }
            let known = self.grants.keys().map(String::as_str);
            let help = if self.grants.is_empty() {
                format!("describe it under `[grants.{name}]`")
            } else {
                suggest(name, known)
            };
            self.problems.push(
                Problem::new(
                    at.join(index.to_string()),
                    format!("there is no grant `{name}`"),
                )
                .with_help(help),
            );
        }
    }
}

/// Refuses conditions on tokens where nobody has any.
fn check_conditions(grants: &BTreeMap<String, CallerGrant>, problems: &mut Problems) {
    for (name, _) in grants.iter().filter(|(_, grant)| grant.when.is_some()) {
        let at = KeyPath::new(["grants", name, "when"]);
        problems.push(
            Problem::new(
                at,
                "no caller has a token, so nobody has this grant by its claims",
            )
            .with_help("say under `[callers.jwt]` whose tokens are accepted, or take `when` out"),
        );
    }
}

fn check_grants(grants: &BTreeMap<String, CallerGrant>, problems: &mut Problems) {
    for (name, grant) in grants {
        let at = KeyPath::new(["grants", name]);
        check_name(&at, "grant", name, problems);
        if grant.sources.is_empty() {
            problems.push(
                Problem::new(at.join("sources"), "the grant gives no source")
                    .with_help("name upstreams, or write `[\"*\"]` for all of them"),
            );
        }
        let Some(when) = &grant.when else { continue };
        let at = at.join("when");
        if when.any.is_empty() {
            problems.push(
                Problem::new(at.join("any"), "the list is empty: no claim meets this")
                    .with_help("write the texts of which the claim must have one"),
            );
        }
    }
}

fn check_name(at: &KeyPath, noun: &str, name: &str, problems: &mut Problems) {
    let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-');
    if name.is_empty() || name.len() > NAME_LENGTH || !name.bytes().all(is_letter) {
        problems.push(
            Problem::new(at.clone(), format!("`{name}` is not a name for a {noun}"))
                .with_help("a name has 1 to 64 of `a` to `z`, `0` to `9`, `_` and `-`"),
        );
    }
}
