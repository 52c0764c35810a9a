//! An upstream with one group, over plain TCP or over TLS.

use std::sync::Arc;

use bytes::Bytes;
use groupgate::upstream::Adapter;
use http::{Request, Response};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use serde_json::json;

use crate::staff::{self, VARIABLES};
use crate::support::adapters::adapter_of;
use crate::support::authority::{Authority, Signed};
use crate::support::server::{self, Server};

/// An adapter of the upstream at `base_url`, with these keys in its table `connection`.
pub(crate) fn adapter(base_url: &str, connection: &str) -> Arc<Adapter> {
    adapter_with(base_url, "", connection)
}

/// The same, with more of its block.
pub(crate) fn adapter_with(base_url: &str, block: &str, connection: &str) -> Arc<Adapter> {
    adapter_of(&config(block, connection), base_url, &VARIABLES)
}

/// A configuration whose `base_url` is still to be set.
pub(crate) fn config(block: &str, connection: &str) -> String {
    staff::config(&format!(
        "limits = {{ retries = 0 }}\n\
         {block}\n\
         [upstreams.staff.connection]\n\
         {connection}\n"
    ))
}

/// One that speaks plain HTTP/1.1 and HTTP/2.
pub(crate) async fn plain() -> Server {
    Server::start(answer).await
}

/// One that speaks TLS.
pub(crate) async fn secure(tls: ServerConfig) -> Server {
    Server::bind().await.tls(tls).serve(answer)
}

fn answer(request: &Request<Bytes>) -> Response<String> {
    server::json(&match request.uri().path() {
        "/token" => json!({ "access_token": "t", "token_type": "bearer", "expires_in": 600 }),
        _ => json!({ "items": [{ "id": "a" }] }),
    })
}

/// TLS with this certificate, for whoever comes.
pub(crate) fn open(server: &Signed, protocols: &[&str]) -> ServerConfig {
    let builder = ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth();
    let chain = server.chain();
    let mut tls = builder
        .with_single_cert(chain, server.private_key())
        .unwrap();
    tls.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    tls
}

/// TLS with this certificate, for those who show one that `clients` signed.
pub(crate) fn mutual(server: &Signed, clients: &Authority) -> ServerConfig {
    let mut roots = RootCertStore::empty();
    roots.add(clients.der()).unwrap();
    let provider = Arc::new(default_provider());
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(server.chain(), server.private_key())
        .unwrap()
}
