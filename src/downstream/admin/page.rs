//! A page that shows all of `/status`, again and again.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::header::CONTENT_SECURITY_POLICY;
use sha2::{Digest as _, Sha256};

use crate::downstream::response::{Response, full};

const PAGE: &str = include_str!("page.html");

/// Only the page's own script runs, and it asks nobody but this listener.
static POLICY: LazyLock<HeaderValue> = LazyLock::new(|| {
    let script = (PAGE.split_once("<script>")).and_then(|(_, rest)| rest.split_once("</script>"));
    let hash = Sha256::digest(script.map_or("", |(script, _)| script));
    let policy = format!(
        "default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{}'; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        STANDARD.encode(hash)
    );
    // Base64 stands in any header.
    HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'"))
});

/// The page.
pub(super) fn page() -> Response {
    let mut response = full("text/html; charset=utf-8", PAGE);
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, POLICY.clone());
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_pages_own_script_may_run() {
        let page = page();
        let policy = page.headers()[CONTENT_SECURITY_POLICY].to_str().unwrap();
        assert!(policy.contains("script-src 'sha256-"), "{policy}");
        assert_eq!(PAGE.matches("<script").count(), 1);
        // Nothing in the markup would need more.
        assert!(!PAGE.contains(" onclick=") && !PAGE.contains("javascript:"));
    }
}
