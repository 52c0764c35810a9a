//! The way to an upstream. The plan holds what was read from files and secrets, and not all of where.

use crate::config::upstream::Connection;
use crate::plan::HttpVersion;

/// What of the way to an upstream is not as usual.
pub(super) fn explain_connection(connection: &Connection) -> Option<String> {
    let proxy = connection.proxy.as_ref().map(|proxy| {
        let credentials = connection.proxy_password.as_ref();
        let credentials = credentials.map(|password| format!(", password from {password}"));
        let credentials = credentials.unwrap_or_default();
        let proxy = proxy.as_str().trim_end_matches('/');
        format!("the proxy {proxy}{credentials}")
    });
    let mut told: Vec<String> = proxy.into_iter().collect();
    if let Some(ca) = &connection.ca {
        told.push(format!("TLS that only {} vouches for", ca.display()));
    }
    if let (Some(certificate), Some(key)) = (&connection.client_certificate, &connection.client_key)
    {
        let certificate = certificate.display();
        told.push(format!(
            "with the certificate {certificate}, key from {key}"
        ));
    }
    match connection.http {
        HttpVersion::Auto => {}
        HttpVersion::One => told.push("HTTP/1.1 only".to_owned()),
        HttpVersion::Two => told.push("HTTP/2 only".to_owned()),
    }
    (!told.is_empty()).then(|| told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_usual_connection_is_not_spoken_of_and_any_other_is() {
        assert_eq!(explain_connection(&Connection::default()), None);
        let connection = "
            ca = 'ca.pem'
            client_certificate = 'client.pem'
            client_key = { file = 'client.key' }
            proxy = 'http://proxy:3128'
            proxy_username = 'us'
            proxy_password = { env = 'PROXY_PASSWORD' }
            http = '1'
        ";
        assert_eq!(
            explain_connection(&toml::from_str(connection).unwrap()).as_deref(),
            Some(
                "the proxy http://proxy:3128, password from the environment variable \
                 `PROXY_PASSWORD`; TLS that only ca.pem vouches for; with the certificate \
                 client.pem, key from the file `client.key`; HTTP/1.1 only"
            )
        );
    }
}
