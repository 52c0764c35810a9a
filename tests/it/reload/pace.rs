//! When files are read: never while somebody waits for something else.

use std::fs;
use std::process::Command;
use std::time::Duration;

use groupgate::app::Pace;
use groupgate::reload::ReloadOutcome;
use serde_json::json;
use tokio::time::sleep;

use super::folder::{ConfigFolder, block, root};
use super::{list, reload};

/// A folder whose `gateway.toml` has another name elsewhere: no watch hears of what is written there.
fn unheard(text: &str) -> ConfigFolder {
    let folder = ConfigFolder::new();
    folder.write("elsewhere/gateway.toml", text);
    let names = ["elsewhere/gateway.toml", "gateway.toml"].map(|name| folder.path(name));
    fs::hard_link(&names[0], &names[1]).unwrap();
    folder
}

#[tokio::test]
async fn what_no_watch_hears_of_is_found_now_and_then() {
    let server = list().await;
    let with = |ttl: &str| root("", &block("a", &server, &format!("ttl = '{ttl}'")));
    let folder = unheard(&with("1s"));
    let pace = Pace {
        settle: Duration::from_millis(20),
        recheck: Duration::from_millis(20),
        ..Pace::default()
    };
    let gateway = folder.start_at(pace, &[]).await;
    gateway.ready().await;
    folder.write("elsewhere/gateway.toml", &with("2s"));
    let report = folder.reloaded(&gateway, 1).await;
    assert_eq!(report["trigger"], "files");
}

#[tokio::test(start_paused = true)]
async fn a_file_that_is_written_in_two_steps_counts_once_it_is_whole() {
    let folder = ConfigFolder::new();
    let nobody = "[upstreams.a]\nbase_url = 'http://127.0.0.1:1'\nrequest = { path = '/' }\n\
                  records = '/'\nfields = { id = 'id', name = 'name' }\n";
    let with = |ttl: &str| root("", &format!("{nobody}ttl = '{ttl}'\n"));
    folder.write("gateway.toml", &with("1s"));
    let gateway = folder.start_at(Pace::default(), &[]).await;
    let last = || gateway.app().reloads().standing().last_reload.clone();
    // It looks once a minute, and sooner where the system tells of a change: never twice within 250 ms.
    let whole = with("2s");
    sleep(Duration::from_millis(59_900)).await;
    folder.write("gateway.toml", &whole[..whole.len() - 5]);
    sleep(Duration::from_millis(200)).await;
    assert_eq!(last(), None);
    folder.write("gateway.toml", &whole);
    sleep(Duration::from_mins(3)).await;
    let last = last().expect("the change was found");
    assert_eq!(last.outcome, ReloadOutcome::Applied, "{last:?}");
    assert_eq!(last.generation, 2);
    gateway.stop().await;
}

#[tokio::test]
async fn who_asks_for_a_reload_does_not_wait_for_files_to_come_to_rest() {
    let server = list().await;
    let with = |ttl: &str| {
        let block = block("a", &server, &format!("ttl = '{ttl}'"));
        root("deadline = '2s'", &block)
    };
    let folder = unheard(&with("1s"));
    let pace = Pace {
        settle: Duration::from_hours(1),
        recheck: Duration::from_millis(1),
        ..Pace::default()
    };
    let gateway = folder.start_at(pace, &[]).await;
    gateway.ready().await;
    folder.write("elsewhere/gateway.toml", &with("2s"));
    // By the end of these, the change has been found.
    for _ in 0..50 {
        gateway.page("/groups").await;
    }
    let report = reload(&gateway).await;
    assert_eq!(report.status, 200, "{}", report.text());
    assert_eq!(report.json()["outcome"], "applied");
}

#[tokio::test]
async fn a_file_that_cannot_be_read_to_its_end_holds_no_later_reload_up() {
    let server = list().await;
    let folder = ConfigFolder::new();
    let token = format!(
        "auth = {{ type = 'bearer', token = {{ file = '{}' }} }}",
        folder.path("token")
    );
    let before = root(
        "watch = false\ndeadline = '100ms'",
        &block("a", &server, ""),
    );
    folder.write("gateway.toml", &before);
    let pace = Pace {
        patience: Duration::from_secs(1),
        ..Pace::default()
    };
    let gateway = folder.start_at(pace, &[]).await;
    gateway.ready().await;

    let made = Command::new("mkfifo").arg(folder.path("token")).status();
    assert!(made.unwrap().success());
    let with_token = before.replace("watch = false", "watch = false ") + &token;
    folder.write("gateway.toml", &with_token);
    for _ in 0..2 {
        // Longer than `server.deadline`, and with what is wrong.
        let problem = reload(&gateway).await.problem(422, "invalid-configuration");
        let said = problem["errors"][0]["message"].as_str().unwrap();
        assert_eq!(said, "the files could not be read within 1s");
    }

    // The disk answers.
    let fifo = folder.path("token");
    let written = tokio::task::spawn_blocking(move || fs::write(fifo, "s3cr3t"));
    written.await.unwrap().unwrap();
    fs::remove_file(folder.path("token")).unwrap();
    folder.write("token", "s3cr3t");
    let report = reload(&gateway).await.json();
    assert_eq!(report["outcome"], "applied", "{report}");
    let changed = &report["changes"]["upstreams"]["changed"];
    assert_eq!(changed["a"], json!(["auth.token.file", "auth.type"]));
}
