//! Records of requests: who asked for what, and nothing of what came.

use std::fs;
use std::sync::Arc;

use futures_util::FutureExt as _;
use http::request::Builder;
use http::{Request, StatusCode};
use serde_json::{Value, json};
use tower::Service as _;

use super::visibility::{answer_to, gateway_with, limited, upstream};
use crate::caller::{Caller, Credentials, Identity, Verified};
use crate::downstream::testing::{exchange, get};
use crate::downstream::{layers, route};
use crate::telemetry::testing::logged;

/// A caller who authenticated.
fn billing() -> Caller {
    Caller {
        identity: Identity::Authenticated([7; 32]),
        credentials: Credentials::of(Verified {
            id: "billing".to_owned(),
            claims: Value::Null,
            token: Some("the-token".into()),
            forwarded: http::HeaderMap::new(),
        }),
        ..limited()
    }
}

#[tokio::test]
async fn each_request_has_one_record_that_says_nothing_of_the_groups() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let settings = format!("audit = {{ enabled = true, file = '{}' }}", file.display());
    let up = upstream().await;
    let seen = [
        ("alpha", &*up, false),
        ("beta", &*up, true),
        ("gamma", &*up, false),
    ];
    let gateway = gateway_with(&settings, &seen);
    let ask = async |caller: Caller, address: &str| {
        let request = Request::get(address)
            .header("host", "here")
            .header("authorization", "Bearer the-token");
        let (_, _, body) = answer_to(&gateway, caller, request).await;
        serde_json::from_str::<Value>(&body).unwrap_or_default()
    };
    // The second is a ready answer.
    let page = ask(billing(), "/groups?search=alpha&limit=1").await;
    ask(billing(), "/groups?search=alpha&limit=1").await;
    let next = page["next_cursor"].as_str().unwrap();
    ask(billing(), &format!("/groups?cursor={next}")).await;
    ask(Caller::default(), "/groups/gamma:1").await;
    ask(billing(), "/groups/gamma:1").await;
    ask(Caller::default(), "/sources").await;
    // What waits is written before it is let go of.
    drop(Arc::into_inner(gateway).unwrap());
    let written = fs::read_to_string(&file).unwrap();
    let mut records: Vec<Value> = written
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    for secret in ["the-token", "alpha 1", "search", "gamma:1", next] {
        assert!(!written.contains(secret), "{written}");
    }
    let sequence = records[0]["sequence"].clone();
    assert_eq!(sequence.as_str().unwrap().len(), 16);
    for record in &mut records {
        let record = record.as_object_mut().unwrap();
        let timestamp = record.remove("timestamp").unwrap();
        assert!(timestamp.as_str().unwrap().ends_with('Z'), "{timestamp}");
        assert_eq!(record.remove("request_id").unwrap(), "the-id");
        assert_eq!(record.remove("address").unwrap(), "192.0.2.1");
        assert_eq!(record.remove("method").unwrap(), "GET");
    }
    let both = json!(["alpha", "beta"]);
    let page = |which: &str| {
        json!({
            "caller": "billing", "authentication": null, "grants": [], "route": "/groups", "status": 200, "problem": null,
            "format": "json", "sources": both, "groups": 1, "sequence": sequence, "page": which,
        })
    };
    let one = |caller: Value, status: u16| {
        json!({
            "caller": caller, "authentication": null, "grants": [], "route": "/groups/{id}", "status": status, "problem": null,
            "format": null, "sources": null, "groups": null, "sequence": null, "page": null,
        })
    };
    let mut found = one(Value::Null, 200);
    found["format"] = "json".into();
    found["sources"] = json!(["gamma"]);
    found["groups"] = 1.into();
    let mut absent = one("billing".into(), 404);
    absent["problem"] = "not-found".into();
    let mut sources = one(Value::Null, 200);
    sources["route"] = "/sources".into();
    sources["sources"] = json!(["alpha", "beta", "gamma"]);
    sources["groups"] = 0.into();
    assert_eq!(
        records,
        [
            page("first"),
            page("first"),
            page("next"),
            found,
            absent,
            sources
        ]
    );
}

#[tokio::test]
async fn a_record_counts_what_was_sent_and_names_whom_a_failure_is_to_blame_on() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("audit.log");
    let settings = format!(
        "server.deadline = '500ms'\naudit = {{ enabled = true, file = '{}' }}",
        file.display()
    );
    let up = upstream().await;
    let seen = [
        ("alpha", &*up, false),
        ("busy", &*up, false),
        ("mute", &*up, false),
    ];
    let gateway = gateway_with(&settings, &seen);
    let ask = async |request: Builder| {
        let request = request.header("host", "here");
        answer_to(&gateway, Caller::default(), request).await.0
    };
    ask(Request::get("/groups?source=alpha")).await;
    ask(Request::head("/groups?source=alpha")).await;
    for path in ["/groups?source=alpha", "/groups/alpha:1"] {
        let known = Request::get(path).header("if-none-match", "*");
        assert_eq!(ask(known).await, StatusCode::NOT_MODIFIED);
    }
    for path in ["/groups?source=busy,mute", "/groups/busy:1"] {
        assert!(ask(Request::get(path)).await.is_server_error());
    }
    // Its caller hangs up.
    let waits = exchange(Arc::clone(&gateway), get("/groups/mute:1"));
    let waiting = layers::data(route::route).call(&waits);
    assert!(waiting.now_or_never().is_none());
    drop(waits);
    drop(Arc::into_inner(gateway).unwrap());
    let written = fs::read_to_string(&file).unwrap();
    let records = written.lines().map(|line| {
        let record: Value = serde_json::from_str(line).unwrap();
        (
            record["status"].clone(),
            record["sources"].clone(),
            record["groups"].clone(),
        )
    });
    let expected = [
        (200, json!(["alpha"]), json!(2)),
        (200, json!(["alpha"]), json!(0)),
        (304, json!(["alpha"]), json!(0)),
        (304, json!(["alpha"]), json!(0)),
        (503, json!(["busy", "mute"]), json!(0)),
        (503, json!(["busy"]), json!(0)),
        (499, Value::Null, Value::Null),
    ];
    let expected = expected.map(|(status, sources, groups)| (json!(status), sources, groups));
    assert_eq!(records.collect::<Vec<_>>(), expected);
}

#[tokio::test]
async fn nothing_is_recorded_unless_it_is_asked_for() {
    let up = upstream().await;
    let gateway = gateway_with("", &[("alpha", &*up, false)]);
    assert!(gateway.audit.is_none());
}

#[test]
fn no_filter_keeps_records_out_of_the_log_and_no_caller_writes_text_into_them() {
    let written = logged("off", || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let ask = async {
            let up = upstream().await;
            let gateway = gateway_with("audit.enabled = true", &[("alpha", &*up, false)]);
            let request = Request::get("/sources").header("host", "here");
            let request = request.method(&*"X".repeat(10_000));
            answer_to(&gateway, limited(), request).await.0
        };
        assert_eq!(runtime.enable_all().build().unwrap().block_on(ask), 405);
    });
    let record: Value = serde_json::from_str(&written).unwrap();
    assert_eq!(record["target"], "groupgate::audit");
    assert_eq!(record["method"], "_OTHER");
    assert!(written.len() < 1000, "{written}");
}
