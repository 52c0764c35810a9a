//! Callers with client certificates: whom a certificate names, and whose it is behind a proxy.

use bytes::Bytes;
use http::Request;
use http_body_util::Empty;
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::*;
use crate::edge::secured::{Caller, Secured};
use crate::reload::folder::{block, groups_list, root};
use crate::support::authority::{Authority, Signed, Time};

const BILLING: &str = "billing.example.com";

/// A gateway whose callers show certificates of an authority, with these keys of `[server]`.
async fn secured(callers: &Authority, server: &str) -> (Secured, Gateway, Server) {
    let (secured, upstream) = (Secured::new(), Server::start(|_| groups_list(2)).await);
    let tls = secured.mutual(callers);
    let granted = format!(
        "[callers.certificates]
        identity = 'san_dns'
        names = {{ '{BILLING}' = {{ grants = ['all'] }} }}
        [grants.all]
        sources = ['*']
        {}",
        keys(&[("nothing", "key-nothing", &[])])
    );
    let blocks = block("a", &upstream, "") + &granted;
    let text = root(&format!("{tls}\n{server}"), &blocks);
    secured.folder.write("gateway.toml", &text);
    let gateway = secured.folder.start().await;
    gateway.ready().await;
    (secured, gateway, upstream)
}

/// The status of an answer, and whether it shows a group.
async fn asked(
    secured: &Secured,
    gateway: &Gateway,
    shows: Option<&Signed>,
    lines: &str,
) -> (String, bool) {
    let caller = Caller {
        shows,
        ..Caller::default()
    };
    let answer = secured.ask_with(gateway, &caller, lines).await.unwrap();
    let status = answer["HTTP/1.1 ".len()..][..3].to_owned();
    (status, answer.contains("group 0"))
}

fn answered(status: &str, shows: bool) -> (String, bool) {
    (status.to_owned(), shows)
}

#[tokio::test]
async fn a_caller_is_whom_the_one_name_of_its_certificate_names() {
    let callers = Authority::new();
    let (secured, gateway, _upstream) = secured(&callers, "").await;
    for (names, expected) in [
        (&[BILLING][..], answered("200", true)),
        (&["Billing.Example.COM"], answered("200", true)),
        (&["other.example.com"], answered("200", false)),
        (&[BILLING, "other.example.com"], answered("401", false)),
        (&["192.0.2.1"], answered("401", false)),
    ] {
        let shown = callers.client_of(names, Time::Now);
        // The second time it is remembered.
        for _ in 0..2 {
            let found = asked(&secured, &gateway, Some(&shown), "").await;
            assert_eq!(found, expected, "{names:?}");
        }
    }
    assert_eq!(
        asked(&secured, &gateway, None, "").await,
        answered("401", false)
    );
    // Who says who it is as well is who it says.
    let billing = callers.client_of(&[BILLING], Time::Now);
    for (line, expected) in [
        ("x-api-key: key-nothing\r\n", answered("200", false)),
        ("authorization: Bearer unknown\r\n", answered("401", false)),
    ] {
        let found = asked(&secured, &gateway, Some(&billing), line).await;
        assert_eq!(found, expected, "{line}");
    }
}

#[tokio::test]
async fn nobody_behind_a_proxy_is_taken_for_the_proxy() {
    let callers = Authority::new();
    let trusted = "trusted_proxies = ['127.0.0.0/8']";
    let (secured, gateway, _upstream) = secured(&callers, trusted).await;
    let proxy = callers.client_of(&[BILLING], Time::Now);
    let itself = asked(&secured, &gateway, Some(&proxy), "").await;
    assert_eq!(itself, answered("200", true));
    for lines in [
        "x-forwarded-for: 192.0.2.1\r\n",
        "x-forwarded-for: 127.0.0.1\r\n",
        "x-forwarded-for:\r\n",
        "x-forwarded-for: 192.0.2.1\r\nforwarded: for=198.51.100.9\r\n",
        "forwarded: for=unknown\r\n",
        "forwarded: for=_x\r\n",
        "forwarded: for=\"\r\n",
    ] {
        let found = asked(&secured, &gateway, Some(&proxy), lines).await;
        assert_eq!(found, answered("401", false), "{lines}");
    }
}

/// A connection that stays open, of one who shows this certificate.
async fn kept_open(secured: &Secured, gateway: &Gateway, shows: &Signed) -> KeptOpen {
    let caller = Caller {
        shows: Some(shows),
        ..Caller::default()
    };
    let stream = secured.connect(gateway, &caller).await.unwrap();
    let (sender, connection) = http1::handshake(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    KeptOpen(sender)
}

struct KeptOpen(http1::SendRequest<Empty<Bytes>>);

impl KeptOpen {
    async fn status(&mut self) -> StatusCode {
        let request = Request::get("/sources").header("host", "here");
        let request = request.body(Empty::new()).unwrap();
        self.0.ready().await.unwrap();
        self.0.send_request(request).await.unwrap().status()
    }

    /// Whether the gateway closes it.
    async fn is_closed(&mut self) -> bool {
        self.0.ready().await.is_err()
    }
}

#[tokio::test]
async fn a_certificate_whose_authority_is_trusted_no_more_is_good_for_nothing_in_a_connection_that_is_open()
 {
    let callers = Authority::new();
    let (secured, gateway, _upstream) = secured(&callers, "").await;
    let billing = callers.client_of(&[BILLING], Time::Now);
    let mut open = kept_open(&secured, &gateway, &billing).await;
    assert_eq!(open.status().await, StatusCode::OK);
    secured.mutual(&Authority::new());
    secured.folder.reloaded(&gateway, 1).await;
    assert_eq!(open.status().await, StatusCode::UNAUTHORIZED);
    // It may show another one in a connection of its own.
    assert!(open.is_closed().await);
}

#[tokio::test]
async fn certificates_whose_authority_stays_are_good_in_connections_that_are_open_while_others_come_and_go()
 {
    let (callers, next) = (Authority::new(), Authority::new());
    let (secured, gateway, _upstream) = secured(&callers, "").await;
    let trust = |pem: String| secured.folder.write("callers.pem", &pem);
    let billing = callers.client_of(&[BILLING], Time::Now);
    let mut open = kept_open(&secured, &gateway, &billing).await;
    trust(format!("{}{}", next.pem(), callers.pem()));
    secured.folder.reloaded(&gateway, 1).await;
    // It is asked to come anew, and answered meanwhile.
    assert_eq!(open.status().await, StatusCode::OK);
    assert!(open.is_closed().await);
    let renewed = next.client_of(&[BILLING], Time::Now);
    let mut of_each = Vec::new();
    for shown in [&billing, &renewed] {
        of_each.push(kept_open(&secured, &gateway, shown).await);
    }
    trust(next.pem());
    secured.folder.reloaded(&gateway, 2).await;
    assert_eq!(of_each[0].status().await, StatusCode::UNAUTHORIZED);
    assert_eq!(of_each[1].status().await, StatusCode::OK);
}
