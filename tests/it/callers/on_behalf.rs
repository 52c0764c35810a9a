//! Callers with keys, and a source that is asked on behalf of each.

use groupgate::config::Loaded;
use http::header::AUTHORIZATION;

use super::*;

fn on_behalf(upstream: &Server, request: &str) -> Loaded {
    let base_url = upstream.base_url();
    let block = format!(
        "[upstreams.club]
        base_url = '{base_url}'
        {request}
        records = '/'
        fields = {{ id = 'id', name = 'name' }}
        "
    );
    let callers = keys(&[
        ("alice", "alices-key", &["all"]),
        ("bob", "bobs-key", &["all"]),
    ]);
    let settings = "cache.ttl = '1h'\ncallers.required = true\n[grants.all]\nsources = ['*']\n";
    load(
        &format!("{settings}{ANY_PORT}{callers}{block}"),
        NO_VARIABLES,
    )
}

/// The name of the one group that a caller is answered.
async fn seen(gateway: &Gateway, headers: &[(&str, &str)]) -> String {
    let reply = gateway.get_with("/groups", headers).await;
    reply.json()["groups"][0]["name"].to_string()
}

#[tokio::test]
async fn a_caller_is_asked_for_with_its_name_or_with_what_it_sent_and_nobody_with_what_another_sent()
 {
    let upstream = Server::start(|request| {
        let tenant = request.headers().get("x-tenant");
        let tenant = tenant.map_or("none", |tenant| tenant.to_str().unwrap());
        let own = request.headers().contains_key(AUTHORIZATION);
        let name = format!("{} {tenant} {own}", request.uri());
        answer(&json!([{ "id": "1", "name": name }]))
    })
    .await;
    let alice = ("x-api-key", "alices-key");
    let bob = ("x-api-key", "bobs-key");

    let by_name = "request = { path = '/of/{caller.id}' }";
    let gateway = Gateway::start(&on_behalf(&upstream, by_name)).await;
    for _ in 0..3 {
        let found = seen(&gateway, &[alice, ("x-tenant", "a")]).await;
        assert_eq!(found, "\"/of/alice none false\"");
        assert_eq!(seen(&gateway, &[bob]).await, "\"/of/bob none false\"");
    }
    assert_eq!(upstream.requests().len(), 2);
    gateway.stop().await;

    let forwards = "request = { path = '/' }\nauth = { type = 'forward', headers = ['x-tenant'] }";
    let gateway = Gateway::start(&on_behalf(&upstream, forwards)).await;
    for _ in 0..3 {
        for tenant in ["a", "b"] {
            let found = seen(&gateway, &[alice, ("x-tenant", tenant)]).await;
            assert_eq!(found, format!("\"/ {tenant} false\""));
        }
        let silent = gateway.get_with("/groups", &[bob]).await;
        assert_eq!(silent.status, StatusCode::BAD_GATEWAY);
        let varies: Vec<_> = silent.headers.get_all("vary").iter().collect();
        assert!(
            varies
                .iter()
                .any(|it| *it == "authorization, x-api-key, x-tenant"),
            "{varies:?}"
        );
        let source = &silent.json()["sources"][0];
        assert_eq!(source["error"]["type"], "unauthorized");
    }
    let unknown = gateway.get_with("/groups", &[("x-tenant", "a")]).await;
    assert_eq!(unknown.status, StatusCode::UNAUTHORIZED);
    assert_eq!(upstream.requests().len(), 4);
    gateway.stop().await;
}

#[tokio::test]
async fn a_key_goes_to_no_upstream() {
    let upstream = Server::start(|request| {
        let sent = request.headers().get(AUTHORIZATION);
        let sent = sent.map_or("none", |sent| sent.to_str().unwrap());
        answer(&json!([{ "id": "1", "name": sent }]))
    })
    .await;
    let forwards =
        "request = { path = '/' }\nauth = { type = 'forward', headers = ['authorization'] }";
    let gateway = Gateway::start(&on_behalf(&upstream, forwards)).await;
    let own = asked_with(&gateway, "alices-key", "/groups").await;
    assert_eq!(own.status, StatusCode::BAD_GATEWAY);
    assert_eq!(own.json()["sources"][0]["error"]["type"], "unauthorized");
    assert_eq!(upstream.requests().len(), 0);
    let both = [
        ("x-api-key", "alices-key"),
        ("authorization", "Bearer theirs"),
    ];
    assert_eq!(seen(&gateway, &both).await, "\"Bearer theirs\"");
    // Nor does another's.
    let others = [
        ("x-api-key", "alices-key"),
        ("authorization", "Bearer bobs-key"),
    ];
    let refused = gateway.get_with("/groups", &others).await;
    assert_eq!(refused.status, StatusCode::BAD_GATEWAY);
    assert_eq!(upstream.requests().len(), 1);
}
