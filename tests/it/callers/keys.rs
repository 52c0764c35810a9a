//! Callers with API keys: who is let in, what each sees, and what becomes of it when the file changes.

use serde_json::Value;

use super::*;

/// Two grants, and a caller with each.
fn two_callers() -> String {
    let grants =
        "[grants.first]\nsources = ['alpha', 'beta']\n[grants.last]\nsources = ['gamma']\n";
    let callers = keys(&[
        ("one", "key-one", &["first"]),
        ("two", "key-two", &["last"]),
    ]);
    format!("{grants}{callers}")
}

#[tokio::test]
async fn each_caller_sees_what_it_is_granted_however_it_sends_its_key() {
    let upstream = upstream().await;
    let timed = configuration_with("server_timing = true\n", &upstream, &two_callers());
    let gateway = started(&timed).await;
    // The second time from the answer cache.
    for is_ready in [false, true] {
        let reply = asked_with(&gateway, "key-one", "/groups?search=2").await;
        assert_eq!(names(&reply), ["alpha 2", "beta 2"]);
        assert!(reply.header("cache-control").starts_with("private"));
        let varies: Vec<_> = reply.headers.get_all("vary").iter().collect();
        assert_eq!(
            varies,
            [
                "accept, accept-encoding, prefer",
                "authorization, x-api-key"
            ]
        );
        let other = gateway
            .get_with("/groups?search=2", &[("x-api-key", "key-two")])
            .await;
        assert_eq!(names(&other), ["gamma 2"]);
        for reply in [&reply, &other] {
            let timing = reply.header("server-timing");
            assert_eq!(timing == "cache;desc=hit", is_ready, "{timing}");
        }
    }
    let sources = asked_with(&gateway, "key-two", "/sources").await.json();
    assert_eq!(
        each(sources["sources"].as_array().unwrap(), "name"),
        ["gamma"]
    );
    asked_with(&gateway, "key-two", "/groups/alpha:1")
        .await
        .problem(404, "not-found");
}

#[tokio::test]
async fn whoever_is_not_known_is_told_how_to_authenticate_and_nothing_else() {
    let upstream = upstream().await;
    let gateway = started(&configuration(&upstream, &two_callers())).await;
    for path in [
        "/groups",
        "/groups/alpha:1",
        "/sources",
        "/openapi.json",
        "/docs",
        "/nowhere",
    ] {
        let missing = gateway.get(path).await;
        let problem = missing.problem(401, "unauthorized");
        assert_eq!(
            missing.header("www-authenticate"),
            r#"Bearer realm="groupgate""#
        );
        assert!(
            problem["detail"].as_str().unwrap().contains("Bearer"),
            "{problem}"
        );
        let wrong: Vec<_> = [
            ("authorization", "Bearer key-three"),
            ("authorization", "Basic a2V5LW9uZQ=="),
            ("x-api-key", "key-three"),
        ]
        .to_vec();
        for header in wrong {
            let refused = gateway.get_with(path, &[header]).await;
            let problem = refused.problem(401, "unauthorized");
            assert_eq!(problem["detail"], "the credentials are not accepted");
            assert_eq!(
                refused.header("www-authenticate"),
                r#"Bearer realm="groupgate", error="invalid_token""#
            );
        }
    }
    for path in ["/livez", "/readyz"] {
        let reply = gateway.admin(Method::GET, path, &[]).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}");
    }
}

#[tokio::test]
async fn without_credentials_a_caller_has_the_grants_of_nobody() {
    let upstream = upstream().await;
    let open = format!(
        "[callers]\nrequired = false\nanonymous = ['last']\n{}",
        two_callers()
    );
    let gateway = started(&configuration(&upstream, &open)).await;
    assert_eq!(names(&gateway.get("/groups?search=2").await), ["gamma 2"]);
    let known = asked_with(&gateway, "key-one", "/groups?search=2").await;
    assert_eq!(names(&known), ["alpha 2", "beta 2"]);
    asked_with(&gateway, "key-three", "/groups")
        .await
        .problem(401, "unauthorized");
}

#[tokio::test]
async fn a_changed_key_or_grant_counts_at_once_and_cursors_outlive_a_rotation() {
    let upstream = upstream().await;
    let before = configuration(&upstream, &two_callers());
    let gateway = started(&before).await;
    let page = asked_with(&gateway, "key-one", "/groups?limit=1&search=2")
        .await
        .json();
    let cursor = page["next_cursor"].as_str().unwrap().to_owned();
    let next = format!("/groups?cursor={cursor}");
    asked_with(&gateway, "key-two", &next)
        .await
        .problem(400, "start-over");

    let rotated = two_callers().replace(&sha256("key-one"), &sha256("key-new"));
    gateway.swap(&configuration(&upstream, &rotated)).await;
    asked_with(&gateway, "key-one", &next)
        .await
        .problem(401, "unauthorized");
    let reply = asked_with(&gateway, "key-new", "/groups?search=2").await;
    assert_eq!(names(&reply), ["alpha 2", "beta 2"]);

    let less = rotated.replace("['alpha', 'beta']", "['beta']");
    gateway.swap(&configuration(&upstream, &less)).await;
    let reply = asked_with(&gateway, "key-new", "/groups?search=2").await;
    assert_eq!(names(&reply), ["beta 2"]);
    let problem: Value = asked_with(&gateway, "key-new", &next).await.json();
    assert_eq!(problem["type"], "urn:groupgate:problem:start-over");
}
