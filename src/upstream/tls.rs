//! TLS, as all upstreams of a configuration share it.
//!
//! The system's certificates are read once, and only when an upstream is asked over HTTPS: where
//! all are asked over plain HTTP, a system without certificates will do.

use std::sync::{Arc, OnceLock};

use hyper_rustls::ConfigBuilderExt;
use rustls::ClientConfig;
use rustls::crypto::aws_lc_rs;
use thiserror::Error;

/// What the connections to all upstreams trust: the system's certificates, once they are needed.
#[derive(Debug, Default)]
pub struct Tls(OnceLock<Result<ClientConfig, TlsSetupError>>);

/// Why nothing can be trusted.
#[derive(Debug, Clone, Error)]
#[error("the system's trusted certificates cannot be used")]
pub struct TlsSetupError(#[from] rustls::Error);

impl Tls {
    /// How a connection is made and whom it trusts. Copies share their sessions.
    pub fn config(&self) -> Result<ClientConfig, TlsSetupError> {
        self.0.get_or_init(trust_the_system).clone()
    }

    /// A system without certificates.
    #[cfg(test)]
    pub(super) fn unavailable() -> Self {
        let reason = rustls::Error::General("no certificates were found".to_owned());
        Self(OnceLock::from(Err(TlsSetupError(reason))))
    }
}

fn trust_the_system() -> Result<ClientConfig, TlsSetupError> {
    let config = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()?
        .try_with_platform_verifier()?
        .with_no_client_auth();
    Ok(config)
}
