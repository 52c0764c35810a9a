//! TLS: what is spoken, who is let in, and certificates that change while it serves.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use http_body_util::Empty;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rstest::rstest;
use rustls::SupportedProtocolVersion;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::secured::{Caller, Secured, address};
use super::{answers, list, rest};
use crate::reload::folder::{block, root};
use crate::support::authority::{Authority, Time};
use crate::support::gateway::Gateway;
use crate::support::wait::eventually;

async fn connections(gateway: &Gateway) -> serde_json::Value {
    let status = gateway.admin(Method::GET, "/status", &[]).await.json();
    status["connections"].clone()
}

#[rstest]
#[case::tls_1_2(&TLS12)]
#[case::tls_1_3(&TLS13)]
#[tokio::test]
async fn both_versions_of_tls_carry_both_versions_of_http(
    #[case] version: &'static SupportedProtocolVersion,
) {
    let (secured, upstream) = (Secured::new(), list().await);
    let text = root(&secured.tls(""), &block("a", &upstream, ""));
    secured.folder.write("gateway.toml", &text);
    let gateway = secured.folder.start().await;
    gateway.ready().await;
    let caller = |speaks: &[&'static str]| Caller {
        version: Some(version),
        speaks: speaks.to_vec(),
        shows: None,
    };
    // One that names no protocol speaks HTTP/1.1.
    for speaks in [&["http/1.1"][..], &[]] {
        let answer = secured.ask(&gateway, &caller(speaks)).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }
    let stream = secured
        .connect(&gateway, &caller(&["http/1.1", "h2"]))
        .await
        .unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let io = TokioIo::new(stream);
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), io).await.unwrap();
    tokio::spawn(connection);
    let uri = format!("https://{}/groups", address(&gateway));
    let request = Request::get(uri).body(Empty::<Bytes>::new()).unwrap();
    assert_eq!(
        sender.send_request(request).await.unwrap().status(),
        StatusCode::OK
    );
    assert!(
        secured
            .connect(&gateway, &caller(&["gopher"]))
            .await
            .is_err()
    );
}

#[tokio::test]
async fn who_speaks_plain_http_to_a_port_of_tls_is_turned_away_and_counted() {
    let (secured, upstream) = (Secured::new(), list().await);
    let text = root(&secured.tls(""), &block("a", &upstream, ""));
    secured.folder.write("gateway.toml", &text);
    let gateway = secured.folder.start().await;
    let mut stream = TcpStream::connect(address(&gateway)).await.unwrap();
    stream
        .write_all(b"GET /groups HTTP/1.1\r\nhost: here\r\n\r\n")
        .await
        .unwrap();
    let answer = rest(&mut stream).await;
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    let counts = eventually("it is counted", async || {
        Some(connections(&gateway).await).filter(|counts| counts["open"] == 0)
    })
    .await;
    assert_eq!(counts["handshakes_failed"], 1);
}

#[rstest]
#[case::without_one(None, true)]
#[case::with_a_good_one(Some((Time::Now, true)), true)]
#[case::with_an_expired_one(Some((Time::Past, true)), false)]
#[case::of_another_authority(Some((Time::Now, false)), false)]
#[tokio::test]
async fn a_caller_with_a_certificate_must_have_a_good_one(
    #[case] shows: Option<(Time, bool)>,
    #[case] is_let_in: bool,
    #[values(&TLS12, &TLS13)] version: &'static SupportedProtocolVersion,
) {
    let (secured, upstream) = (Secured::new(), list().await);
    let [callers, others] = [Authority::new(), Authority::new()];
    let text = root(&secured.mutual(&callers), &block("a", &upstream, ""));
    secured.folder.write("gateway.toml", &text);
    let gateway = secured.folder.start().await;
    gateway.ready().await;
    let shown = shows.map(|(time, is_ours)| {
        let authority = if is_ours { &callers } else { &others };
        authority.client_of(&["billing.example.com"], time)
    });
    let caller = Caller {
        version: Some(version),
        shows: shown.as_ref(),
        ..Caller::default()
    };
    match secured.ask(&gateway, &caller).await {
        Ok(answer) => assert_eq!(answer.starts_with("HTTP/1.1 200"), is_let_in, "{answer}"),
        Err(error) => assert!(!is_let_in, "{error}"),
    }
    let failed = connections(&gateway).await["handshakes_failed"].clone();
    assert_eq!(failed, i32::from(!is_let_in));
    // Neither keeps the next one out.
    let nobody = secured.ask(&gateway, &Caller::default()).await.unwrap();
    assert!(nobody.starts_with("HTTP/1.1 200"), "{nobody}");
}

/// The certificate that a new connection is shown.
async fn shown(secured: &Secured, gateway: &Gateway) -> CertificateDer<'static> {
    let stream = secured.connect(gateway, &Caller::default()).await.unwrap();
    let shown = stream.get_ref().1.peer_certificates().unwrap();
    shown[0].clone().into_owned()
}

#[tokio::test]
async fn the_certificate_is_replaced_under_load_and_no_request_fails() {
    let (secured, upstream) = (Arc::new(Secured::new()), list().await);
    let text = root(&secured.tls(""), &block("a", &upstream, ""));
    secured.folder.write("gateway.toml", &text);
    let gateway = Arc::new(secured.folder.start().await);
    gateway.ready().await;
    let first = shown(&secured, &gateway).await;

    let (is_over, served) = (
        Arc::new(AtomicBool::new(false)),
        Arc::new(AtomicUsize::new(0)),
    );
    let load: Vec<_> = (0..4)
        .map(|_| {
            let (secured, gateway) = (Arc::clone(&secured), Arc::clone(&gateway));
            let (is_over, served) = (Arc::clone(&is_over), Arc::clone(&served));
            tokio::spawn(async move {
                while !is_over.load(Ordering::Relaxed) {
                    let answer = secured.ask(&gateway, &Caller::default()).await;
                    let answer = answer.expect("no request fails");
                    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
                    served.fetch_add(1, Ordering::Relaxed);
                }
            })
        })
        .collect();
    // One that is open meanwhile goes on.
    let mut open = secured.connect(&gateway, &Caller::default()).await.unwrap();
    let renewed = secured.authority.server(&["127.0.0.1"]);
    secured.write(&renewed);
    eventually("the new certificate is shown", async || {
        (shown(&secured, &gateway).await == *renewed.certificate.der()).then_some(())
    })
    .await;
    let so_far = served.load(Ordering::Relaxed);
    eventually("it is served on", async || {
        (served.load(Ordering::Relaxed) > so_far + 8).then_some(())
    })
    .await;
    assert_ne!(first, *renewed.certificate.der());

    // A key of another certificate changes nothing, and it is said where it stands.
    let other = secured.authority.server(&["127.0.0.1"]);
    secured.folder.write("tls.key", &other.key.serialize_pem());
    let failed = secured
        .folder
        .until_reloaded(&gateway, |last| last["outcome"] == "failed")
        .await;
    let message = failed["errors"][0]["message"].as_str().unwrap();
    assert!(
        message.contains("does not belong to the certificate"),
        "{message}"
    );
    assert!(failed["errors"][0]["line"].is_u64());
    assert_eq!(shown(&secured, &gateway).await, *renewed.certificate.der());

    is_over.store(true, Ordering::Relaxed);
    for worker in load {
        worker.await.unwrap();
    }
    let request = b"GET /groups HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
    open.write_all(request).await.unwrap();
    let answer = answers(&mut open).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}
