//! Connections: what their keys cannot mean, alone and together.

use std::path::Path;

use url::Url;

use crate::config::mask::has_password;
use crate::config::upstream::Connection;
use crate::config::{SecretReader, Upstream};
use crate::plan::{self, ClientIdentity, HttpVersion, PemFile, ProxyServer};
use crate::problem::{KeyPath, Problem, Problems};
use crate::tls;

use super::auth::basic_credentials;
use super::block::Block;
use super::limits;
use super::request::before_query;

/// Reads the files and secrets of a connection, and decides what is left out.
pub(super) fn resolve(
    at: &KeyPath,
    upstream: &Upstream,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<plan::Connection> {
    let connection = &upstream.connection;
    let mut block = Block::new(at.join("connection"), secrets, problems);
    // Each says what is wrong with it before any of them ends the pass.
    let ca = authorities(&mut block, "ca", connection.ca.as_deref());
    let proxy_ca = authorities(&mut block, "proxy_ca", connection.proxy_ca.as_deref());
    let certificate = connection.client_certificate.as_deref();
    let certificate = file(&mut block, "client_certificate", certificate);
    let key = (connection.client_key.as_ref()).map(|key| block.secret("client_key", key));
    let authorization = match (&connection.proxy_username, &connection.proxy_password) {
        (Some(username), Some(password)) => {
            let username = ("proxy_username", username);
            basic_credentials(&mut block, username, ("proxy_password", password)).map(Some)
        }
        // One without the other is refused, and yet its secret has to be there.
        (Some(username), None) => block.text("proxy_username", username).map(|_| None),
        (None, Some(password)) => block.secret("proxy_password", password).map(|_| None),
        (None, None) => Some(None),
    };
    let identity = match certificate?.zip(key) {
        Some((certificate, key)) => {
            let identity = ClientIdentity {
                certificate,
                key: key?,
            };
            if let Err(error) = tls::identity(&identity) {
                let table = block.own_path();
                block.push(error.in_identity(&table, &identity));
            }
            Some(identity)
        }
        None => None,
    };
    Some(plan::Connection {
        needs_tls: upstream.urls().any(|url| url.scheme() == "https"),
        ca: ca?,
        identity,
        proxy: match &connection.proxy {
            Some(url) => Some(ProxyServer {
                url: url.clone(),
                authorization: authorization?,
                ca: proxy_ca?,
            }),
            None => None,
        },
        http: connection.http,
        max_age: connection.max_age.get(),
        idle: connection.idle.get(),
        connect_timeout: limits::resolve(&upstream.limits).connect_timeout.get(),
    })
}

/// The file of CAs at a key, as [`file`].
#[expect(
    clippy::option_option,
    reason = "no file and one that cannot be read differ"
)]
pub(super) fn authorities(
    block: &mut Block<'_>,
    key: &str,
    path: Option<&Path>,
) -> Option<Option<PemFile>> {
    let file = file(block, key, path)?;
    if let Some(file) = &file
        && let Err(error) = tls::check_trust(file)
    {
        block.push(error.in_file(block.path(key), file));
    }
    Some(file)
}

/// The file of certificates at a key, if the key is set. The outer `None` means that it cannot be
/// read.
#[expect(
    clippy::option_option,
    reason = "no file and one that cannot be read differ"
)]
fn file(block: &mut Block<'_>, key: &str, path: Option<&Path>) -> Option<Option<PemFile>> {
    let Some(path) = path else {
        return Some(None);
    };
    let pem = block.file(key, path)?;
    Some(Some(PemFile {
        path: path.to_owned(),
        pem,
    }))
}

/// Checks what the keys say by themselves.
pub(super) fn check(at: &KeyPath, connection: &Connection, problems: &mut Problems) {
    if let Some(proxy) = &connection.proxy {
        check_proxy(&at.join("proxy"), proxy, problems);
    }
    if connection.max_age.get().is_zero() {
        problems.push(
            Problem::new(at.join("max_age"), "`max_age` must be longer than zero")
                .with_help("write a time such as `5m`; `idle = \"0s\"` keeps no connection open"),
        );
    }
}

fn check_proxy(at: &KeyPath, proxy: &Url, problems: &mut Problems) {
    if has_password(proxy.as_str()) {
        problems.push(
            Problem::new(at.clone(), "a URL cannot contain a user name or password").with_help(
                "set `proxy_username = \"...\"` and `proxy_password = { env = \"NAME\" }` beside it",
            ),
        );
        return;
    }
    if !matches!(proxy.scheme(), "http" | "https") {
        problems.push(
            Problem::new(
                at.clone(),
                format!("unsupported proxy URL scheme `{}`", proxy.scheme()),
            )
            .with_help("write `http://`, or `https://` for a proxy that speaks TLS itself"),
        );
        return;
    }
    if proxy.path() != "/" || proxy.query().is_some() || proxy.fragment().is_some() {
        problems.push(
            Problem::new(
                at.clone(),
                format!(
                    "`{}` has more than scheme, host and port",
                    before_query(proxy.as_str())
                ),
            )
            .with_help("write a proxy as `http://proxy.example.com:3128`"),
        );
    }
}

/// Checks what depends on several keys, and on which URLs are asked.
pub(super) fn check_together(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    let connection = &upstream.connection;
    check_client(at, connection, problems);
    check_proxy_keys(at, connection, problems);
    let urls: Vec<&Url> = upstream.urls().collect();
    if !urls.iter().any(|url| url.scheme() == "https") {
        for (key, is_set) in [
            ("ca", connection.ca.is_some()),
            (
                "client_certificate",
                connection.client_certificate.is_some(),
            ),
        ] {
            if is_set {
                problems.push(
                    Problem::new(
                        at.join(key),
                        format!("`{key}` is for TLS, and this upstream is asked over plain HTTP"),
                    )
                    .with_help("write `https://` in `base_url`, or leave the key out"),
                );
            }
        }
    }
    let plain = urls.iter().find(|url| url.scheme() == "http");
    if let (HttpVersion::Two, Some(_), Some(plain)) = (connection.http, &connection.proxy, plain) {
        problems.push(
            Problem::new(
                at.join("http"),
                format!(
                    "a proxy hands plain HTTP on as HTTP/1.1, so `{plain}` is never asked by HTTP/2"
                ),
            )
            .with_help("leave `http` out, or ask over `https://`"),
        );
    }
}

/// A certificate is shown with its key.
fn check_client(at: &KeyPath, connection: &Connection, problems: &mut Problems) {
    let (has, lacks, help) = match (&connection.client_certificate, &connection.client_key) {
        (Some(_), None) => (
            "client_certificate",
            "client_key",
            "`client_key = { file = \"client.key\" }`",
        ),
        (None, Some(_)) => (
            "client_key",
            "client_certificate",
            "`client_certificate = \"client.pem\"`",
        ),
        (None, None) | (Some(_), Some(_)) => return,
    };
    problems.push(
        Problem::new(
            at.join(has),
            format!("`{has}` is of no use without `{lacks}`"),
        )
        .with_help(format!("set {help} beside it")),
    );
}

/// What is said of a proxy needs a proxy, and a name needs its password.
fn check_proxy_keys(at: &KeyPath, connection: &Connection, problems: &mut Problems) {
    let keys = [
        ("proxy_username", connection.proxy_username.is_some()),
        ("proxy_password", connection.proxy_password.is_some()),
        ("proxy_ca", connection.proxy_ca.is_some()),
    ];
    let Some(proxy) = &connection.proxy else {
        for (key, _) in keys.into_iter().filter(|(_, is_set)| *is_set) {
            problems.push(
                Problem::new(at.join(key), format!("`{key}` is set, but no `proxy`"))
                    .with_help("set `proxy = \"http://proxy.example.com:3128\"`"),
            );
        }
        return;
    };
    let [
        (username, has_username),
        (password, has_password),
        (ca, has_ca),
    ] = keys;
    if has_username != has_password {
        let (has, lacks) = if has_username {
            (username, password)
        } else {
            (password, username)
        };
        problems.push(
            Problem::new(
                at.join(has),
                format!("`{has}` is of no use without `{lacks}`"),
            )
            .with_help("name both, or none"),
        );
    }
    if has_ca && proxy.scheme() == "http" {
        problems.push(
            Problem::new(
                at.join(ca),
                format!("`{ca}` is for a proxy that speaks TLS, and `{proxy}` does not"),
            )
            .with_help("write `https://` in `proxy`; the upstream's own CA belongs under `ca`"),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_of_a_proxy_is_never_shown() {
        let mut problems = Problems::default();
        let proxy = "http://a.example/?key=hush".parse().unwrap();
        check_proxy(&KeyPath::default(), &proxy, &mut problems);
        let problems = format!("{problems:?}");
        assert!(problems.contains("`http://a.example/?...`"), "{problems}");
        assert!(!problems.contains("hush"), "{problems}");
    }
}
