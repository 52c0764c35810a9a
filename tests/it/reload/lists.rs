//! What becomes of lists when their upstreams change.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::folder::{ConfigFolder, block, groups_list, root};
use super::reload;
use crate::support::client::source;
use crate::support::server::{Server, status};

#[tokio::test]
async fn an_upstream_that_is_read_otherwise_serves_its_old_list_unless_the_account_is_another() {
    let is_down = Arc::new(AtomicBool::new(false));
    let server = {
        let is_down = Arc::clone(&is_down);
        Server::start(move |_| {
            if is_down.load(Ordering::Relaxed) {
                status(503)
            } else {
                groups_list(2)
            }
        })
    };
    let server = server.await;
    let folder = ConfigFolder::new();
    let at = |more: &str| {
        let directory = format!("[cache]\ndirectory = '{}'\n", folder.path("lists"));
        root("watch = false", &block("a", &server, more)).replace("[cache]\n", &directory)
    };
    folder.write("gateway.toml", &at(""));
    let gateway = folder.start().await;
    gateway.ready().await;
    is_down.store(true, Ordering::Relaxed);

    // Twice: the second time, what is taken over was taken over before.
    for description in ["id", "name"] {
        let described = format!("name = 'name', description = '{description}'");
        folder.write("gateway.toml", &at("").replace("name = 'name'", &described));
        assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
        gateway
            .until("/sources", |page| source(page, "a")["error"].is_object())
            .await;
        let page = gateway.page("/groups").await;
        assert_eq!(page["total"], 2);
        assert_eq!(source(&page, "a")["state"], "stale");
    }

    // On disk, each list is kept as what it was read as.
    gateway.stop().await;
    let gateway = folder.start().await;
    gateway.ready().await;
    assert_eq!(gateway.get("/groups").await.status, 502);
    folder.write("gateway.toml", &at(""));
    assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
    assert_eq!(gateway.page("/groups").await["total"], 2);

    folder.write("gateway.toml", &at("account = 'other'"));
    assert_eq!(reload(&gateway).await.json()["outcome"], "applied");
    assert_eq!(gateway.get("/groups").await.status, 502);
}
