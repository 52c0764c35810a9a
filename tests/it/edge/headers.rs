//! What every answer says to browsers, and to scripts of other origins.

use http::{Method, StatusCode};

use super::gateway;

#[tokio::test]
async fn every_answer_says_that_it_is_what_it_says_and_none_tells_the_version() {
    let (gateway, _upstream) = gateway("").await;
    let data = [
        "/groups",
        "/groups",
        "/groups?serach=x",
        "/sources",
        "/docs",
        "/nowhere",
    ];
    for path in data {
        let reply = gateway.get(path).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!reply.headers.contains_key("server"), "{path}");
        assert!(
            !reply.headers.contains_key("access-control-allow-origin"),
            "{path}"
        );
    }
    let tag = gateway.get("/groups").await;
    let known = [("if-none-match", tag.header("etag"))];
    let unchanged = gateway.get_with("/groups", &known).await;
    assert_eq!(unchanged.status, StatusCode::NOT_MODIFIED);
    assert_eq!(unchanged.header("x-content-type-options"), "nosniff");
    for path in ["/", "/livez", "/metrics", "/status", "/nowhere"] {
        let reply = gateway.admin(Method::GET, path, &[]).await;
        assert_eq!(reply.header("x-content-type-options"), "nosniff", "{path}");
        assert!(!reply.headers.contains_key("server"), "{path}");
    }
}

#[tokio::test]
async fn both_pages_may_load_nothing_from_elsewhere_and_stand_in_no_frame() {
    let (gateway, _upstream) = gateway("").await;
    let docs = gateway.get("/docs").await;
    let admin = gateway.admin(Method::GET, "/", &[]).await;
    for page in [docs, admin] {
        let policy = page.header("content-security-policy");
        for part in [
            "default-src 'none'",
            "frame-ancestors 'none'",
            "base-uri 'none'",
        ] {
            assert!(policy.contains(part), "{policy}");
        }
        assert!(!policy.contains("script-src 'unsafe-inline'"), "{policy}");
    }
}

#[tokio::test]
async fn scripts_of_listed_origins_read_every_answer_and_others_none() {
    let (gateway, _upstream) = gateway("cors = { origins = ['https://a.example'] }").await;
    let asked = |origin| [("origin", origin), ("access-control-request-method", "GET")];
    let preflight = gateway
        .ask(Method::OPTIONS, "/groups", &asked("https://a.example"))
        .await;
    assert_eq!(preflight.status, StatusCode::NO_CONTENT);
    assert_eq!(
        preflight.header("access-control-allow-origin"),
        "https://a.example"
    );
    assert!(preflight.body.is_empty());
    let other = gateway
        .ask(Method::OPTIONS, "/groups", &asked("https://b.example"))
        .await;
    assert_eq!(other.status, StatusCode::METHOD_NOT_ALLOWED);
    // The second answer was kept from the first, which another origin asked for.
    for (origin, expected) in [
        ("https://b.example", ""),
        ("https://a.example", "https://a.example"),
        ("https://b.example", ""),
    ] {
        for path in ["/groups", "/groups?serach=x", "/nowhere"] {
            let reply = gateway.get_with(path, &[("origin", origin)]).await;
            assert_eq!(
                reply.header("access-control-allow-origin"),
                expected,
                "{path}"
            );
            let mut vary = reply.headers.get_all("vary").iter();
            assert!(vary.any(|vary| vary == "origin"), "{path}");
        }
    }
}
