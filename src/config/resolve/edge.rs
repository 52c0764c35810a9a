//! What the data listener speaks TLS with.

use crate::config::{SecretReader, ServerTls};
use crate::plan;
use crate::problem::{KeyPath, Problems};
use crate::tls;

use super::block::Block;

/// Reads the certificate and the key, and what vouches for callers. Together they must make a TLS that can be
/// served.
pub(super) fn tls(
    tls: &ServerTls,
    secrets: &SecretReader<'_>,
    problems: &mut Problems,
) -> Option<plan::ServerTls> {
    let at = KeyPath::new(["server", "tls"]);
    let mut block = Block::new(at.clone(), secrets, problems);
    // Each says what is wrong with it before any of them ends the pass.
    let certificate = block.secret("certificate", &tls.certificate);
    let key = block.secret("key", &tls.key);
    let client_ca = tls.client_ca.as_ref();
    let client_ca = client_ca.map(|client_ca| block.secret("client_ca", client_ca));
    if let Some(Some(client_ca)) = &client_ca
        && let Err(error) = tls::server::client_verifier(client_ca)
    {
        block.push(error.in_file(at.join("client_ca"), client_ca));
    }
    let (certificate, key) = certificate.zip(key)?;
    if let Err(error) = tls::server::certified(&certificate, &key) {
        let certificate = (
            at.join("certificate"),
            &certificate as &dyn std::fmt::Display,
        );
        block.push(error.in_pair(certificate, (at.join("key"), &key)));
    }
    Some(plan::ServerTls {
        certificate,
        key,
        client_ca: match client_ca {
            Some(client_ca) => Some(client_ca?),
            None => None,
        },
    })
}
