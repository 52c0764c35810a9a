//! Through a proxy, and what happens when it will not.

use std::net::{Ipv4Addr, SocketAddr};

use groupgate::error::ErrorKind;
use http::StatusCode;
use rstest::rstest;
use tokio::net::{TcpListener, TcpSocket};
use tokio::process::Command;

use super::proxy::{self, Rules, asked, setting};
use super::upstream::{self, adapter, adapter_with, config, mutual, open};
use crate::support::adapters::{failed, ids, walked};
use crate::support::authority::Authority;
use crate::support::server::Server;

/// A name that nobody but the proxy finds.
const INTERNAL: &str = "groups.corp.example";

/// `us:open sesame`, as the header carries it.
const CREDENTIALS: &str = "Basic dXM6b3BlbiBzZXNhbWU=";

/// The settings that carry them.
const KNOWN: &str = "proxy_username = 'us'\nproxy_password = { env = 'PROXY_PASSWORD' }\n";

#[tokio::test]
async fn https_is_tunnelled_and_the_proxys_credentials_end_there() {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&[INTERNAL]), &[])).await;
    let proxy = proxy::start(Rules {
        credentials: Some(CREDENTIALS),
        ..Rules::to(site.address())
    })
    .await;
    let connection = authority.trusted() + &setting(&proxy) + KNOWN;
    let adapter = adapter(&format!("https://{INTERNAL}"), &connection);
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
    assert_eq!(asked(&proxy), ["CONNECT groups.corp.example:443"]);
    let requests = site.requests();
    assert_eq!(requests.len(), 1);
    assert_eq!(requests[0].headers()["host"], INTERNAL);
    assert!(!requests[0].headers().contains_key("proxy-authorization"));
    assert!(!format!("{adapter:?}").contains("dXM6b3BlbiBzZXNhbWU"));
}

#[tokio::test]
async fn plain_http_is_handed_to_the_proxy_with_its_whole_url() {
    let site = upstream::plain().await;
    let proxy = proxy::start(Rules {
        credentials: Some(CREDENTIALS),
        ..Rules::to(site.address())
    })
    .await;
    let connection = setting(&proxy) + KNOWN;
    let adapter = adapter(&format!("http://{INTERNAL}"), &connection);
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
    assert_eq!(asked(&proxy), ["GET http://groups.corp.example/list"]);
    assert_eq!(site.requests()[0].headers()["host"], INTERNAL);
}

#[tokio::test]
async fn a_proxy_that_speaks_tls_is_known_by_its_own_ca() {
    let [company, theirs] = [Authority::new(), Authority::new()];
    let site = upstream::secure(mutual(&theirs.server(&[INTERNAL]), &theirs)).await;
    let tls = open(&company.server(&["127.0.0.1"]), &["h2", "http/1.1"]);
    let proxy = proxy::start_on(Server::bind().await.tls(tls), Rules::to(site.address()));
    let client = theirs.trusted() + &theirs.shown(&theirs.client());
    let url = setting(&proxy);
    let base_url = format!("https://{INTERNAL}");

    let refused = failed(&adapter(&base_url, &(client.clone() + &url))).await;
    assert_eq!(refused.kind, ErrorKind::Tls, "{refused}");
    assert!(
        refused
            .detail
            .contains(&format!("the proxy `{}`", proxy.base_url()))
    );
    assert!(!refused.is_transient());

    let known = format!("{client}{url}proxy_ca = {:?}", company.file());
    assert_eq!(ids(&walked(&adapter(&base_url, &known)).await), ["a"]);
}

#[tokio::test]
async fn a_server_behind_a_proxy_is_verified_like_any_other() {
    let authority = Authority::new();
    let site = upstream::secure(open(&authority.server(&["elsewhere.example"]), &[])).await;
    let proxy = proxy::start(Rules::to(site.address())).await;
    let connection = authority.trusted() + &setting(&proxy);
    let error = failed(&adapter(&format!("https://{INTERNAL}"), &connection)).await;
    assert_eq!(error.kind, ErrorKind::Tls, "{error}");
    assert!(error.detail.contains("elsewhere.example"), "{error}");
}

#[tokio::test]
async fn http2_is_spoken_through_a_tunnel() {
    let authority = Authority::new();
    let tls = open(&authority.server(&[INTERNAL]), &["h2"]);
    let site = upstream::secure(tls).await;
    let proxy = proxy::start(Rules::to(site.address())).await;
    let connection = authority.trusted() + &setting(&proxy) + "http = '2'";
    let adapter = adapter(&format!("https://{INTERNAL}:8443"), &connection);
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
    assert_eq!(asked(&proxy), ["CONNECT groups.corp.example:8443"]);
    assert_eq!(site.requests()[0].version(), http::Version::HTTP_2);
}

#[rstest]
#[case::unknown("https", "", None, "does not accept our credentials (407)", false)]
#[case::unknown_for_plain("http", "", None, "does not accept our credentials (407)", false)]
#[case::forbidden(
    "https",
    KNOWN,
    Some(403),
    "does not connect to `groups.corp.example:443`: it answered 403 Forbidden",
    false
)]
#[case::no_way("https", KNOWN, Some(502), "it answered 502 Bad Gateway", true)]
#[tokio::test]
async fn a_proxy_that_refuses_is_named_with_what_it_said(
    #[case] scheme: &str,
    #[case] keys: &str,
    #[case] refusal: Option<u16>,
    #[case] said: &str,
    #[case] is_transient: bool,
) {
    let site = upstream::plain().await;
    let proxy = proxy::start(Rules {
        credentials: Some(CREDENTIALS),
        refusal: refusal.map(|status| StatusCode::from_u16(status).unwrap()),
        ..Rules::to(site.address())
    })
    .await;
    let connection = setting(&proxy) + keys;
    let error = failed(&adapter(&format!("{scheme}://{INTERNAL}"), &connection)).await;
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
    let name = format!("the proxy `{}`", proxy.base_url());
    assert!(error.detail.contains(&name), "{error}");
    assert!(error.detail.contains(said), "{error}");
    assert_eq!(error.is_transient(), is_transient, "{error}");
    assert!(!error.detail.contains("sesame"), "{error}");
    assert_eq!(site.connections(), 0);
}

/// An address that is taken for as long as the socket is held, and at which nobody listens.
fn nobody() -> (TcpSocket, SocketAddr) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
    let address = socket.local_addr().unwrap();
    (socket, address)
}

#[rstest]
#[case::https("https")]
#[case::http("http")]
#[tokio::test]
async fn a_proxy_that_is_not_there_is_named(#[case] scheme: &str) {
    let (_socket, address) = nobody();
    let proxy = format!("http://{address}");
    let base_url = format!("{scheme}://{INTERNAL}");
    let error = failed(&adapter(&base_url, &format!("proxy = '{proxy}'"))).await;
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
    let said = format!("the proxy `{proxy}` cannot be reached: ");
    assert!(error.detail.contains(&said), "{error}");
    assert!(error.is_transient());
}

#[tokio::test]
async fn a_proxy_whose_name_is_not_found_is_not_the_upstreams_name() {
    let proxy = "proxy = 'http://proxy.invalid:3128'";
    let error = failed(&adapter(&format!("https://{INTERNAL}"), proxy)).await;
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
    assert!(
        error.detail.contains("the host name was not found"),
        "{error}"
    );
}

#[tokio::test]
async fn without_a_proxy_a_name_that_is_not_found_is_a_matter_of_names() {
    let error = failed(&adapter("http://groups.invalid", "")).await;
    assert_eq!(error.kind, ErrorKind::Dns, "{error}");
}

#[tokio::test]
async fn a_proxy_that_breaks_off_is_named() {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = socket.accept().await {
            drop(stream);
        }
    });
    let connection = format!("proxy = 'http://{address}'");
    let error = failed(&adapter(&format!("https://{INTERNAL}"), &connection)).await;
    assert_eq!(error.kind, ErrorKind::Connect, "{error}");
    let said = format!("the proxy `http://{address}` gave no answer to CONNECT");
    assert!(error.detail.contains(&said), "{error}");
}

#[tokio::test]
async fn a_proxy_that_says_nothing_is_given_up_in_time() {
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = socket.local_addr().unwrap();
    // Connections are taken by the system, and nobody reads.
    let connection = format!("proxy = 'http://{address}'");
    let error = failed(&adapter(&format!("https://{INTERNAL}"), &connection)).await;
    assert_eq!(error.kind, ErrorKind::Timeout, "{error}");
    let said = format!(
        "no connection within 3s (`limits.connect_timeout`) through the proxy \
         `http://{address}`"
    );
    assert!(error.detail.contains(&said), "{error}");
}

#[tokio::test]
async fn a_login_elsewhere_goes_through_the_same_proxy() {
    let authority = Authority::new();
    let server = authority.server(&[INTERNAL, "login.corp.example"]);
    let site = upstream::secure(open(&server, &[])).await;
    let proxy = proxy::start(Rules::to(site.address())).await;
    let auth = "auth = { type = 'oauth2_client_credentials', token_url = \
                'https://login.corp.example/token', client_id = 'us', \
                client_secret = { env = 'CLIENT_SECRET' } }";
    let connection = authority.trusted() + &setting(&proxy);
    let adapter = adapter_with(&format!("https://{INTERNAL}"), auth, &connection);
    assert_eq!(ids(&walked(&adapter).await), ["a"]);
    assert_eq!(
        asked(&proxy),
        [
            "CONNECT login.corp.example:443",
            "CONNECT groups.corp.example:443"
        ]
    );
}

#[tokio::test]
async fn the_environments_proxy_has_no_say() {
    let site = upstream::plain().await;
    let proxy = proxy::start(Rules::to(site.address())).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("gateway.toml");
    let toml = config("", "").replace("\"\"", &format!("\"{}\"", site.base_url()));
    std::fs::write(&file, toml).unwrap();
    let mut probe = Command::new(env!("CARGO_BIN_EXE_groupgate"));
    probe.args(["probe", "staff", "--config"]).arg(&file);
    for name in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
        let address = proxy.base_url();
        probe.env(name, address).env(name.to_lowercase(), address);
    }
    let output = probe.output().await.unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(site.requests().len(), 1);
    assert_eq!(asked(&proxy), Vec::<String>::new());
}
