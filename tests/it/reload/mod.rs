//! The configuration is loaded again while the gateway runs.

mod churn;
pub(crate) mod folder;
mod lists;
mod pace;
mod process;

use folder::{ConfigFolder, block, groups_list, root, text};
use groupgate::reload::ReloadTrigger;
use http::{Method, StatusCode};
use rustls::ServerConfig;
use rustls::pki_types::PrivatePkcs8KeyDer;
use serde_json::{Value, json};

use crate::support::client::{Reply, each, source};
use crate::support::gateway::Gateway;
use crate::support::server::{Server, header, status};

/// Has the configuration loaded again.
async fn reload(gateway: &Gateway) -> Reply {
    gateway.admin(Method::POST, "/reload", &[]).await
}

/// How the configuration stands.
async fn configuration(gateway: &Gateway) -> Value {
    let status = gateway.admin(Method::GET, "/status", &[]).await;
    status.json()["configuration"].clone()
}

/// The answer that the book shows.
fn documented_report() -> Value {
    let page = include_str!("../../../docs/operating.md");
    let (_, rest) = page.split_once("```json\n").unwrap();
    let (block, _) = rest.split_once("```").unwrap();
    serde_json::from_str(block).unwrap()
}

async fn list() -> Server {
    Server::start(|_| groups_list(2)).await
}

#[tokio::test]
async fn a_reload_answers_what_has_changed() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let all = ["a", "b", "c", "e"].map(|name| block(name, &server, ""));
    folder.write("gateway.toml", &root("watch = false", &all.concat()));
    let gateway = folder.start().await;
    gateway.ready().await;
    assert_eq!(configuration(&gateway).await["last_reload"], Value::Null);

    let changed = [
        block("a", &server, "ttl = '7s'"),
        block("c", &server, "ttl = '7s'\nlimits.rate = '5/s'"),
        block("d", &server, ""),
        block("e", &server, ""),
    ];
    folder.write(
        "gateway.toml",
        &root("watch = false\ndeadline = '9s'", &changed.concat()),
    );
    let reply = reload(&gateway).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let report = reply.json();
    let mut documented = documented_report();
    documented["at"] = report["at"].clone();
    assert_eq!(report, documented);
    let standing = configuration(&gateway).await;
    assert_eq!(standing["generation"], 2);
    assert_eq!(standing["last_reload"], report);
    let sources = gateway.get("/sources").await.json();
    assert_eq!(
        each(sources["sources"].as_array().unwrap(), "name"),
        ["a", "c", "d", "e"]
    );

    let again = reload(&gateway).await.json();
    assert_eq!(again["outcome"], "unchanged");
    assert_eq!(again["generation"], 2);
    assert_eq!(configuration(&gateway).await["digest"], standing["digest"]);
}

#[tokio::test]
async fn a_configuration_with_errors_changes_nothing_and_says_where_they_are() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let good = block("a", &server, "");
    folder.write("gateway.toml", &root("watch = false", &good));
    folder.write("teams/b.toml", &block("b", &server, ""));
    let gateway = folder.start().await;
    gateway.ready().await;
    let before = configuration(&gateway).await;

    folder.write(
        "teams/b.toml",
        &block("b", &server, "ttl = 'soon'\nlimts = 1"),
    );
    let problem = reload(&gateway).await.problem(422, "invalid-configuration");
    let errors = problem["errors"].as_array().unwrap();
    let file = folder.path("teams/b.toml");
    let places: Vec<_> = errors
        .iter()
        .map(|error| {
            (
                error["file"].as_str().unwrap(),
                error["line"].as_u64().unwrap(),
            )
        })
        .collect();
    assert_eq!(places, [(&*file, 7), (&*file, 8)]);
    assert_eq!(errors[1]["message"], "unknown key `limts`");
    assert_eq!(errors[1]["column"], 1);
    assert_eq!(errors[1]["help"], "did you mean `limits`?");
    let standing = configuration(&gateway).await;
    assert_eq!(standing["last_reload"]["outcome"], "failed");
    assert_eq!(standing["last_reload"]["errors"], problem["errors"]);
    for key in ["generation", "digest", "loaded_at"] {
        assert_eq!(standing[key], before[key]);
    }
    assert_eq!(gateway.page("/groups").await["total"], 4);

    folder.write("teams/b.toml", &block("b", &server, ""));
    assert_eq!(reload(&gateway).await.json()["outcome"], "unchanged");
}

#[tokio::test]
async fn a_reload_takes_no_token_from_an_admin_listener_that_others_reach() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let loopback = root("watch = false", &block("a", &server, ""));
    let open = loopback.replace(
        "admin = \"127.0.0.1:0\"",
        "admin = \"0.0.0.0:0\"\nadmin_token = { env = 'TOKEN' }",
    );
    folder.write("gateway.toml", &open);
    let gateway = folder
        .start_with(&[("TOKEN", "the-token-of-operators")])
        .await;
    gateway.ready().await;
    folder.write("gateway.toml", &loopback);
    let token = [("authorization", "Bearer the-token-of-operators")];
    let reply = gateway.admin(Method::POST, "/reload", &token).await;
    let problem = reply.problem(422, "invalid-configuration");
    let message = problem["errors"][0]["message"].as_str().unwrap();
    assert!(message.ends_with("needs `server.admin_token`"), "{message}");
    let status = gateway.admin(Method::GET, "/status", &[]).await;
    assert_eq!(status.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn what_only_a_restart_changes_is_said_until_it_comes() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let block = block("a", &server, "");
    folder.write("gateway.toml", &root("watch = false", &block));
    let gateway = folder.start().await;
    let other = root("watch = false\nconnections = { total = 9 }", &block);
    folder.write("gateway.toml", &other);
    for outcome in ["applied", "unchanged"] {
        let report = reload(&gateway).await.json();
        assert_eq!(report["outcome"], outcome);
        assert_eq!(
            report["changes"]["needs_restart"],
            json!(["server.connections"])
        );
        let standing = configuration(&gateway).await;
        assert_eq!(standing["needs_restart"], json!(["server.connections"]));
    }
    folder.write("gateway.toml", &root("watch = false", &block));
    reload(&gateway).await;
    assert_eq!(configuration(&gateway).await["needs_restart"], json!([]));
}

#[tokio::test]
async fn server_timing_is_told_from_the_next_request_on_and_no_longer_than_it_is_asked_for() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let with = |settings: &str| {
        root(
            &format!("watch = false\n{settings}"),
            &block("a", &server, ""),
        )
    };
    folder.write("gateway.toml", &with(""));
    let gateway = folder.start().await;
    gateway.ready().await;
    let told = async || {
        let reply = gateway.get("/groups").await;
        let told = reply.headers.get("server-timing")?;
        Some(told.to_str().unwrap().to_owned())
    };
    for _ in 0..2 {
        assert_eq!(told().await, None);
    }
    folder.write("gateway.toml", &with("server_timing = true"));
    assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
    let made = told().await.unwrap();
    assert!(made.contains("render;dur="), "{made}");
    assert_eq!(told().await.as_deref(), Some("cache;desc=hit"));
    folder.write("gateway.toml", &with(""));
    assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
    for _ in 0..2 {
        assert_eq!(told().await, None);
    }
}

#[tokio::test]
async fn a_rotated_secret_reaches_its_upstream_which_keeps_its_list() {
    let server = Server::start(|request| match header(request, "authorization") {
        Some("Bearer first" | "Bearer second") => groups_list(2),
        _ => status(401),
    })
    .await;
    let folder = ConfigFolder::new();
    let auth = format!(
        "auth = {{ type = 'bearer', token = {{ file = '{}' }} }}\naccount = 'svc'",
        folder.path("token")
    );
    folder.write("token", "first\n");
    folder.write("gateway.toml", &root("", &block("a", &server, &auth)));
    let gateway = folder.start().await;
    gateway.ready().await;
    folder.write("token", "second\n");
    let report = folder.reloaded(&gateway, 1).await;
    assert_eq!(report["trigger"], "files");
    assert_eq!(
        report["changes"]["upstreams"]["changed"],
        json!({ "a": [] })
    );
    let page = gateway.page("/groups").await;
    assert_eq!(page["total"], 2);
    gateway
        .until("/groups", |page| source(page, "a")["state"] == "fresh")
        .await;
    let last = server.requests().pop().unwrap();
    assert_eq!(header(&last, "authorization"), Some("Bearer second"));
}

#[tokio::test]
async fn a_renewed_authority_is_trusted_without_a_restart() {
    let signed = || rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    let (old, new) = (signed(), signed());
    let key = PrivatePkcs8KeyDer::from(new.signing_key.serialize_der());
    let tls = ServerConfig::builder()
        .with_no_client_auth()
        .with_single_cert(vec![new.cert.der().clone()], key.into())
        .unwrap();
    let server = Server::bind().await.tls(tls).serve(|_| groups_list(2));
    let folder = ConfigFolder::new();
    folder.write("ca.pem", &old.cert.pem());
    let ca = format!("connection = {{ ca = '{}' }}", folder.path("ca.pem"));
    folder.write("gateway.toml", &root("", &block("a", &server, &ca)));
    let gateway = folder.start().await;
    gateway.ready().await;
    let sources = gateway.get("/sources").await.json();
    assert_eq!(source(&sources, "a")["error"]["type"], "tls");
    folder.write("ca.pem", &new.cert.pem());
    let report = folder.reloaded(&gateway, 1).await;
    assert_eq!(
        report["changes"]["upstreams"]["changed"],
        json!({ "a": [] })
    );
    gateway
        .until("/sources", |sources| source(sources, "a")["groups"] == 2)
        .await;
    folder.write("ca.pem", "no certificate");
    let failed = folder
        .until_reloaded(&gateway, |last| last["outcome"] == "failed")
        .await;
    assert!(failed["errors"][0]["line"].is_u64(), "{failed}");
    assert_eq!(gateway.page("/groups").await["total"], 2);
}

#[tokio::test]
async fn files_are_followed_however_they_are_written() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let with = |ttl: &str| root("", &block("a", &server, &format!("ttl = '{ttl}'")));
    // As Kubernetes mounts a volume: the file is a link into a folder that a link names.
    folder.write("..1/gateway.toml", &with("1s"));
    folder.link("..1", "..data");
    folder.link("..data/gateway.toml", "gateway.toml");
    let gateway = folder.start().await;
    gateway.ready().await;

    folder.write("..2/gateway.toml", &with("2s"));
    folder.link("..2", "..data");
    let report = folder.reloaded(&gateway, 1).await;
    assert_eq!(
        report["changes"]["upstreams"]["adjusted"],
        json!({ "a": ["ttl"] })
    );

    // As an editor saves: a file beside it takes its place.
    folder.write("gateway.toml~", &with("3s"));
    std::fs::rename(folder.path("gateway.toml~"), folder.path("gateway.toml")).unwrap();
    let report = folder.reloaded(&gateway, 2).await;
    assert_eq!(report["outcome"], "applied");

    // A part that comes later.
    folder.write("teams/b.toml", &block("b", &server, ""));
    let report = folder.reloaded(&gateway, 3).await;
    assert_eq!(report["changes"]["upstreams"]["added"], json!(["b"]));

    // With errors, and mended.
    folder.write("teams/b.toml", "[upstreams.b]\n");
    folder
        .until_reloaded(&gateway, |last| last["outcome"] == "failed")
        .await;
    folder.write("teams/b.toml", &block("b", &server, ""));
    folder
        .until_reloaded(&gateway, |last| last["outcome"] == "unchanged")
        .await;

    // Until nobody wants it any more.
    let quiet = root("watch = false", &block("a", &server, ""));
    folder.write("gateway.toml", &quiet);
    folder
        .until_reloaded(&gateway, |last| last["generation"] == 5)
        .await;
    folder.write("teams/b.toml", "[upstreams.b]\n");
    let report = reload(&gateway).await;
    report.problem(422, "invalid-configuration");
}

#[tokio::test]
async fn those_who_ask_at_once_get_one_answer() {
    let server = list().await;
    let folder = ConfigFolder::new();
    folder.write(
        "gateway.toml",
        &root("watch = false", &block("a", &server, "")),
    );
    let gateway = folder.start().await;
    let reloads = gateway.app().reloads().clone();
    // The first begins before the others ask.
    let asked = (0..40).map(|_| reloads.reload(ReloadTrigger::Request));
    let reports = futures_util::future::join_all(asked).await;
    let mut ends: Vec<_> = reports
        .into_iter()
        .map(|report| report.unwrap().at)
        .collect();
    ends.dedup();
    assert!((1..=2).contains(&ends.len()), "{ends:?}");
    gateway.stop().await;
    assert_eq!(reloads.reload(ReloadTrigger::Request).await, None);
}

#[tokio::test]
async fn a_configuration_that_came_from_no_file_is_not_loaded_again() {
    let server = list().await;
    let text = text("", &block("a", &server, ""));
    let loaded = crate::support::adapters::load(&text, crate::support::adapters::NO_VARIABLES);
    let gateway = Gateway::start(&loaded).await;
    reload(&gateway).await.problem(503, "not-ready");
    let keys = gateway
        .admin(Method::GET, "/configuration", &[])
        .await
        .json();
    assert!(keys["upstreams"]["a"]["base_url"].is_string(), "{keys}");
    let wrong = gateway.admin(Method::GET, "/reload", &[]).await;
    wrong.problem(405, "method-not-allowed");
}
