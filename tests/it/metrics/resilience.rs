//! What is done about an upstream that is late, or whose list changes while it is read.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::{Told, block, settings};
use crate::support::client::source;
use crate::support::gateway::Gateway;
use crate::support::server::{Server, Step, json as answer, parameter};
use http::Method;

#[tokio::test]
async fn a_late_request_is_sent_twice_and_counted() {
    let body = r#"{"teams":[{"id":1,"name":"one"}]}"#;
    let whole = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    let server = Server::play(move |number| match number {
        0 => vec![Step::Hang],
        _ => vec![Step::Send(whole.clone().into_bytes())],
    })
    .await;
    let more = "request = { path = '/teams' }\nhedge = { after = '50ms' }";
    let gateway = Gateway::start(&settings(&[block("late", &server, more)])).await;
    gateway.ready().await;
    let told = Told::by(&gateway).await;
    let late = [("source", "late")];
    assert_eq!(told.value("groupgate_upstream_hedges_total", &late), 1);
    assert_eq!(told.value("groupgate_snapshot_groups", &late), 1);
}

#[tokio::test]
async fn a_walk_that_starts_over_is_counted_and_shown() {
    let asked = AtomicUsize::new(0);
    let server = Server::start(move |request| {
        let offset: u64 = parameter(request, "offset").map_or(0, |offset| offset.parse().unwrap());
        // It grows after the first page was read.
        let total = if asked.fetch_add(1, Ordering::SeqCst) == 0 {
            2
        } else {
            3
        };
        let ids =
            (offset..(offset + 1).min(total)).map(|id| json!({ "id": id, "name": id.to_string() }));
        answer(&json!({ "teams": ids.collect::<Vec<_>>(), "total": total }))
    })
    .await;
    let more = "request = { path = '/teams', query = { offset = '{offset}', limit = '{limit}' } }\n\
                pagination = { style = 'offset', limit = 1, total = '/total' }";
    let gateway = Gateway::start(&settings(&[block("growing", &server, more)])).await;
    gateway.ready().await;
    let told = Told::by(&gateway).await;
    let growing = [("source", "growing")];
    assert_eq!(told.value("groupgate_walk_restarts_total", &growing), 1);
    assert_eq!(told.value("groupgate_snapshot_groups", &growing), 3);
    let status = gateway.admin(Method::GET, "/status", &[]).await.json();
    let walk = &source(&status, "growing")["walks"][0];
    assert_eq!((&walk["restarts"], &walk["groups"]), (&json!(1), &json!(3)));
}
