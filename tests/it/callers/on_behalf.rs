//! Callers with keys, and a source that is asked on behalf of each.

use groupgate::config::Loaded;
use http::header::AUTHORIZATION;

use super::*;
use crate::support::wait::eventually;

fn on_behalf(upstream: &Server, request: &str) -> Loaded {
    on_behalf_with("", upstream, request)
}

/// The same with more settings.
fn on_behalf_with(more: &str, upstream: &Server, request: &str) -> Loaded {
    let base_url = upstream.base_url();
    let block = format!(
        "[upstreams.club]
        base_url = '{base_url}'
        {request}
        records = '/'
        fields.id = 'id'
        fields.name = 'name'
        "
    );
    let callers = keys(&[
        ("alice", "alices-key", &["all"]),
        ("bob", "bobs-key", &["all"]),
    ]);
    let settings = "cache.ttl = '1h'\ncallers.required = true\n[grants.all]\nsources = ['*']\n";
    load(
        &format!("{more}{settings}{ANY_PORT}{callers}{block}"),
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

#[tokio::test]
async fn members_of_a_callers_own_list_stay_in_a_reload_and_are_read_for_it_alone_when_asked_for_otherwise()
 {
    let upstream = Server::start(|request| {
        let tenant = request.headers()["x-tenant"].to_str().unwrap();
        match request.uri().path() {
            "/" => {
                answer(&json!([{ "id": "1", "name": "group", "changed": "2024-01-01T00:00:00Z" }]))
            }
            path => answer(&json!([{ "id": format!("{path} of {tenant}") }])),
        }
    })
    .await;
    let loaded = |more: &str, path: &str| {
        let request = format!(
            "request = {{ path = '/' }}
            auth = {{ type = 'forward', headers = ['x-tenant'] }}
            fields.updated_at = 'changed'
            members = {{ request = {{ path = '{path}' }}, records = '/', reuse = 'updated_at', fields = {{ id = 'id' }} }}"
        );
        on_behalf_with(more, &upstream, &request)
    };
    let gateway = Gateway::start(&loaded("", "/members/{group.id}")).await;
    let callers = [("alices-key", "a"), ("bobs-key", "b")];
    let member = async |(key, tenant): (&str, &str)| {
        let headers = [("x-api-key", key), ("x-tenant", tenant)];
        let page = gateway.get_with("/groups", &headers).await.json();
        page["groups"][0]["members"][0]["id"].clone()
    };
    for caller in callers {
        assert_eq!(member(caller).await, format!("/members/1 of {}", caller.1));
    }
    let more = "rate_limit = { per_client = '99/s', burst = 99 }\n";
    gateway.swap(&loaded(more, "/members/{group.id}")).await;
    for caller in callers {
        assert_eq!(member(caller).await, format!("/members/1 of {}", caller.1));
    }
    assert_eq!(upstream.requests().len(), 4);
    gateway.swap(&loaded(more, "/people/{group.id}")).await;
    for caller in callers {
        let expected = format!("/people/1 of {}", caller.1);
        eventually("its members are read otherwise", async || {
            let found = member(caller).await;
            let is_its_own = found.as_str().is_some_and(|id| id.ends_with(caller.1));
            assert!(is_its_own, "{found}");
            (found == expected).then_some(())
        })
        .await;
    }
}
