//! Every secret that the settings name must be there before anything starts.

use super::texts::values;
use crate::config::secret::SecretError;
use crate::config::upstream::{Auth, Connection, Json, Request, SignedAssertion, Text, Upstream};
use crate::config::{Secret, ServerTls, Settings};
use crate::problem::{KeyPath, Problem};

/// That the secret which a key names cannot be read, and how to provide it.
pub(super) fn missing(at: KeyPath, secret: &Secret, error: &SecretError) -> Problem {
    let reason = match error {
        SecretError::Unreadable { source, .. } => format!("{error}: {source}"),
        SecretError::Unset(_) | SecretError::Empty(_) => error.to_string(),
    };
    let message = format!("{reason}, and `{at}` needs it");
    let help = match secret {
        Secret::Env(name) => format!("export {name}=\"...\""),
        Secret::File(path) => format!("put the secret into `{}`", path.display()),
    };
    Problem::new(at, message).with_help(help)
}

/// The secrets that the settings name, and the keys that need them.
pub(in crate::config) fn named(settings: &Settings) -> Vec<(KeyPath, &Secret)> {
    let mut found = Vec::new();
    if let Some(token) = &settings.server.admin_token {
        found.push((KeyPath::new(["server", "admin_token"]), token));
    }
    let keys = KeyPath::new(["cursor", "keys"]);
    found.extend(settings.server.tls.iter().flat_map(in_tls));
    for (index, key) in settings.cursor.keys.iter().enumerate() {
        found.push((keys.join(index.to_string()), key));
    }
    for (name, upstream) in &settings.upstreams {
        let at = KeyPath::new(["upstreams", name]);
        found.extend(in_requests(&at, upstream));
        in_auth(&at.join("auth"), &upstream.auth, &mut found);
        in_connection(&at.join("connection"), &upstream.connection, &mut found);
    }
    found
}

fn in_tls(tls: &ServerTls) -> impl Iterator<Item = (KeyPath, &Secret)> {
    let at = KeyPath::new(["server", "tls"]);
    let named = [
        ("certificate", Some(&tls.certificate)),
        ("key", Some(&tls.key)),
        ("client_ca", tls.client_ca.as_ref()),
    ];
    let named = named.into_iter();
    named.filter_map(move |(key, secret)| Some((at.join(key), secret?)))
}

/// The secrets in the requests of an upstream, logins aside.
pub(crate) fn in_requests<'a>(at: &KeyPath, upstream: &'a Upstream) -> Vec<(KeyPath, &'a Secret)> {
    let mut found = Vec::new();
    let headers = at.join("headers");
    for (name, text) in &upstream.headers {
        in_text(headers.join(name), text, &mut found);
    }
    for (keys, request) in upstream.requests() {
        in_request(&at.append(&keys), request, &mut found);
    }
    for (keys, request) in upstream.related_requests() {
        let at = keys.into_iter().fold(at.clone(), |at, key| at.join(key));
        in_request(&at, request, &mut found);
    }
    found
}

fn in_auth<'a>(at: &KeyPath, auth: &'a Auth, found: &mut Vec<(KeyPath, &'a Secret)>) {
    match auth {
        Auth::None | Auth::Forward(_) => {}
        Auth::Bearer(bearer) => found.push((at.join("token"), &bearer.token)),
        Auth::Basic(basic) => {
            in_text(at.join("username"), &basic.username, found);
            found.push((at.join("password"), &basic.password));
        }
        Auth::ApiKey(api_key) => found.push((at.join("key"), &api_key.key)),
        Auth::TokenExchange(exchange) => {
            in_request(&at.join("request"), &exchange.request, found);
            for (name, step) in &exchange.chain {
                in_auth(&at.join("chain").join(name), step, found);
            }
        }
        Auth::Oauth2ClientCredentials(_) | Auth::TokenExchangeCaller(_) => {
            in_client(at, auth, found);
        }
        Auth::Oauth2Password(oauth2) => {
            in_client(at, auth, found);
            in_text(at.join("username"), &oauth2.username, found);
            found.push((at.join("password"), &oauth2.password));
        }
        Auth::Oauth2RefreshToken(oauth2) => {
            in_client(at, auth, found);
            found.push((at.join("refresh_token"), &oauth2.refresh_token));
        }
        Auth::Oauth2JwtBearer(oauth2) => {
            in_client(at, auth, found);
            in_assertion(&at.join("assertion"), &oauth2.assertion, found);
        }
        Auth::AwsSigv4(aws) => {
            found.push((at.join("access_key"), &aws.access_key));
            found.push((at.join("secret_key"), &aws.secret_key));
            found.extend(
                aws.session_token
                    .iter()
                    .map(|token| (at.join("session_token"), token)),
            );
        }
        Auth::HttpMessageSignatures(signature) => {
            in_text(at.join("key_id"), &signature.key_id, found);
            found.push((at.join("key"), &signature.key));
        }
        Auth::Digest(digest) => {
            in_text(at.join("username"), &digest.username, found);
            found.push((at.join("password"), &digest.password));
        }
        Auth::Hmac(hmac) => {
            found.push((at.join("key_id"), &hmac.key_id));
            found.push((at.join("secret"), &hmac.secret));
        }
    }
}

/// The secrets of the client of a token endpoint.
fn in_client<'a>(at: &KeyPath, auth: &'a Auth, found: &mut Vec<(KeyPath, &'a Secret)>) {
    let Some(keys) = auth.oauth2_client() else {
        return;
    };
    if let Some(id) = keys.client_id {
        in_text(at.join("client_id"), id, found);
    }
    let secret = keys.client_secret.into_iter();
    found.extend(secret.map(|secret| (at.join("client_secret"), secret)));
    for (name, text) in keys.parameters {
        in_text(at.join("parameters").join(name), text, found);
    }
    if let Some(assertion) = keys.client_assertion {
        in_assertion(&at.join("client_assertion"), assertion, found);
    }
}

fn in_assertion<'a>(
    at: &KeyPath,
    assertion: &'a SignedAssertion,
    found: &mut Vec<(KeyPath, &'a Secret)>,
) {
    found.push((at.join("private_key"), &assertion.private_key));
    for (key, text) in [
        ("issuer", &assertion.issuer),
        ("subject", &assertion.subject),
    ] {
        if let Some(text) = text {
            in_text(at.join(key), text, found);
        }
    }
    for (name, claim) in &assertion.claims {
        in_json(at.join("claims").join(name), claim, found);
    }
}

fn in_connection<'a>(
    at: &KeyPath,
    connection: &'a Connection,
    found: &mut Vec<(KeyPath, &'a Secret)>,
) {
    if let Some(username) = &connection.proxy_username {
        in_text(at.join("proxy_username"), username, found);
    }
    for (key, secret) in [
        ("client_key", &connection.client_key),
        ("proxy_password", &connection.proxy_password),
    ] {
        found.extend(secret.iter().map(|secret| (at.join(key), secret)));
    }
}

fn in_request<'a>(at: &KeyPath, request: &'a Request, found: &mut Vec<(KeyPath, &'a Secret)>) {
    for (at, text) in values(at, request) {
        in_text(at, text, found);
    }
    for (name, text) in &request.vars {
        in_text(at.join("vars").join(name), text, found);
    }
    if let Some(json) = &request.json {
        in_json(at.join("json"), json, found);
    }
}

fn in_text<'a>(at: KeyPath, text: &'a Text, found: &mut Vec<(KeyPath, &'a Secret)>) {
    match text {
        Text::Secret(secret) => found.push((at, secret)),
        Text::Literal(_) => {}
    }
}

fn in_json<'a>(at: KeyPath, json: &'a Json, found: &mut Vec<(KeyPath, &'a Secret)>) {
    match json {
        Json::Secret(secret) => found.push((at, secret)),
        Json::List(items) => {
            for (index, item) in items.iter().enumerate() {
                in_json(at.join(index.to_string()), item, found);
            }
        }
        Json::Object(members) => {
            for (name, member) in members {
                in_json(at.join(name), member, found);
            }
        }
        Json::Text(_) | Json::Integer(_) | Json::Float(_) | Json::Number(_) | Json::Bool(_) => {}
    }
}
