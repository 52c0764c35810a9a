//! Whom a connection trusts.

use groupgate::error::ErrorKind;
use rcgen::{BasicConstraints, IsCa};
use rstest::rstest;

use super::upstream::{self, adapter, adapter_with, open};
use crate::support::adapters::{failed, ids, walked};
use crate::support::authority::{Authority, Time, self_signed};

#[rstest]
#[case::an_address("127.0.0.1")]
#[case::a_name("localhost")]
#[tokio::test]
async fn a_server_that_the_ca_vouches_for_is_asked(#[case] name: &str) {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&[name]), &[])).await;
    let base_url = site.base_url().replace("127.0.0.1", name);
    let adapter = adapter(&base_url, &authority.trusted());
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
}

#[tokio::test]
async fn without_the_ca_the_same_server_is_refused() {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&["127.0.0.1"]), &[])).await;
    let error = failed(&adapter(site.base_url(), "")).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.detail.contains("UnknownIssuer"), "{error}");
    assert_eq!(site.requests().len(), 0);
}

#[tokio::test]
async fn a_ca_takes_the_place_of_all_others() {
    let [authority, other] = [Authority::new(), Authority::new()];
    let site = upstream::secure(open(&authority.server(&["127.0.0.1"]), &[])).await;
    let error = failed(&adapter(site.base_url(), &other.trusted())).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    let both = other.write("both.pem", &(other.pem() + &authority.pem()));
    let adapter = adapter(site.base_url(), &format!("ca = {both:?}"));
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused_and_both_names_are_told() {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&["elsewhere.example"]), &[])).await;
    let error = failed(&adapter(site.base_url(), &authority.trusted())).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.detail.contains("elsewhere.example"), "{error}");
    assert!(error.detail.contains("127.0.0.1"), "{error}");
    assert_eq!(site.requests().len(), 0);
}

#[tokio::test]
async fn a_certificate_whose_time_is_over_is_refused() {
    let authority = Authority::new();
    let expired = authority.server_of(&["127.0.0.1"], Time::Past);
    let site = upstream::secure(open(&expired, &[])).await;
    let error = failed(&adapter(site.base_url(), &authority.trusted())).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.detail.contains("expired"), "{error}");
}

#[rstest]
#[case::a_servers_own(IsCa::NoCa, true)]
#[case::marked_as_a_cas(IsCa::Ca(BasicConstraints::Unconstrained), false)]
#[tokio::test]
async fn a_server_that_signed_its_own_certificate_is_trusted_by_it(
    #[case] is_ca: IsCa,
    #[case] is_trusted: bool,
) {
    let folder = Authority::new();
    let server = self_signed(&["127.0.0.1"], is_ca);
    let file = folder.write("server.pem", &server.certificate.pem());
    let site = upstream::secure(open(&server, &[])).await;
    let adapter = adapter(site.base_url(), &format!("ca = {file:?}"));
    if is_trusted {
        assert_eq!(ids(&walked(&adapter).await), ["a"]);
        return;
    }
    let error = failed(&adapter).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.detail.contains("CaUsedAsEndEntity"), "{error}");
}

#[tokio::test]
async fn a_server_that_speaks_no_tls_is_refused() {
    let authority = Authority::new();
    let site = upstream::plain().await;
    let base_url = site.base_url().replace("http://", "https://");
    let error = failed(&adapter(&base_url, &authority.trusted())).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert_eq!(site.requests().len(), 0);
}

#[tokio::test]
async fn a_refused_server_is_not_asked_again() {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&["127.0.0.1"]), &[])).await;
    let error = failed(&adapter(site.base_url(), "")).await;
    assert!(!error.is_transient(), "{error}");
}

#[tokio::test]
async fn a_login_elsewhere_goes_by_the_same_settings() {
    let authority = Authority::new();
    let server = authority.server(&["127.0.0.1"]);
    let [site, login] = [
        upstream::secure(open(&server, &[])).await,
        upstream::secure(open(&server, &[])).await,
    ];
    let auth = format!(
        "auth = {{ type = 'oauth2_client_credentials', token_url = '{}/token', client_id = 'us', \
         client_secret = {{ env = 'CLIENT_SECRET' }} }}",
        login.base_url()
    );
    let adapter = adapter_with(site.base_url(), &auth, &authority.trusted());
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
    assert_eq!(login.requests().len(), 1);
    assert_eq!(site.requests()[0].headers()["authorization"], "Bearer t");
}
