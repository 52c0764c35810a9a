//! A gateway that is started again during an outage serves what it kept on disk.

use std::path::{Path, PathBuf};
use std::process::Command;

use groupgate::app::{App, StartError};
use groupgate::clock::WallClock;
use groupgate::config::{Environment, load_text};
use groupgate::tools::demo::Fault;
use http::{Method, StatusCode};
use serde_json::Value;

use crate::support::gate::{SOURCES, Setup, eventually, source};

fn kept_in(directory: &Path) -> Setup {
    Setup::new(30)
        .set("CACHE__DIRECTORY", directory.to_str().unwrap())
        .set("CACHE__MIN_REFRESH", "100ms")
        .set("SERVER__SHUTDOWN_DELAY", "0s")
}

fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(directory).unwrap();
    entries.map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn a_restart_while_every_upstream_is_down_serves_the_lists_from_before() {
    let directory = tempfile::tempdir().unwrap();
    let gate = kept_in(directory.path()).ready().await;
    let before = gate.page("/groups?limit=1000").await;
    let stopped = gate.stop().await;
    assert_eq!(files(directory.path()).len(), SOURCES.len());

    for emulation in stopped.emulations.iter() {
        emulation.set_fault(Some(Fault::Hang));
    }
    let gate = stopped.start().await;
    let page = gate.page("/groups?limit=1000").await;
    assert_eq!(page["groups"], before["groups"]);
    assert_eq!(page["complete"], true);
    let as_of = |page: &Value, name| source(page, name)["as_of"].clone();
    for name in SOURCES {
        // As fresh as the walk of the process before says.
        assert_eq!(source(&page, name)["state"], "fresh");
        assert_eq!(as_of(&page, name), as_of(&before, name));
    }
    // No walk of this process has ended yet.
    let ready = gate.admin(Method::GET, "/readyz", &[]).await;
    assert_eq!(ready.status, StatusCode::SERVICE_UNAVAILABLE);

    for emulation in gate.emulations() {
        emulation.set_fault(Some(Fault::Refuse));
    }
    gate.ready().await;
    for emulation in gate.emulations() {
        emulation.set_fault(None);
    }
    for name in SOURCES {
        eventually("it is walked again", async || {
            let reply = gate.refresh(name).await;
            (reply.status == StatusCode::OK).then_some(())
        })
        .await;
    }
    let page = gate.page("/groups").await;
    for name in SOURCES {
        assert_eq!(source(&page, name)["state"], "fresh");
        assert_ne!(as_of(&page, name), as_of(&before, name));
    }
}

#[tokio::test]
async fn another_block_never_serves_an_old_list() {
    let directory = tempfile::tempdir().unwrap();
    let gate = kept_in(directory.path()).ready().await;
    gate.emulation("tallyfy").set_fault(Some(Fault::Hang));
    let emulations = gate.stop().await.emulations;
    // How long a list serves shapes none; what is kept of it does.
    let same = kept_in(directory.path()).set("UPSTREAMS__TALLYFY__TTL", "20s");
    let other = same.clone().set("UPSTREAMS__TALLYFY__EXTRA", "drop");
    let same = same.over(&emulations).await;
    let page = same.page("/groups").await;
    assert_eq!(source(&page, "tallyfy")["state"], "fresh");
    let other = other.set("SERVER__DEADLINE", "1s").over(&emulations).await;
    let page = other.page("/groups").await;
    assert_eq!(source(&page, "tallyfy")["state"], "pending");
}

#[tokio::test]
async fn another_account_never_gets_the_list_of_the_one_before() {
    let directory = tempfile::tempdir().unwrap();
    let gate = kept_in(directory.path()).ready().await;
    for name in ["tallyfy", "publisher", "onlivesite"] {
        gate.emulation(name).set_fault(Some(Fault::Hang));
    }
    let emulations = gate.stop().await.emulations;
    let other = kept_in(directory.path())
        .set("SERVER__DEADLINE", "1s")
        .variable("TALLYFY_ORG", "beta")
        .variable("PUBLISHER_TOKEN", "another")
        .variable("ONLIVE_SECRET", "rotated");
    let other = other.over(&emulations).await;
    let page = other.page("/groups").await;
    for (name, state) in [
        ("tallyfy", "pending"),
        ("publisher", "pending"),
        ("onlivesite", "fresh"),
    ] {
        assert_eq!(source(&page, name)["state"], state, "{name}");
    }
}

#[tokio::test]
async fn files_that_make_no_sense_never_stop_the_start() {
    let directory = tempfile::tempdir().unwrap();
    let stopped = kept_in(directory.path()).ready().await.stop().await;
    let texts: [&[u8]; 4] = [
        b"",
        b"groupgate snapshot 1",
        b"groupgate snapshot 2\n",
        b"\xff",
    ];
    for (file, text) in files(directory.path()).iter().zip(texts) {
        std::fs::write(file, text).unwrap();
    }
    let gate = stopped.start().await;
    gate.ready().await;
    let page = gate.page("/groups").await;
    assert_eq!(page["complete"], true);
}

#[tokio::test]
async fn a_list_that_has_shrunk_is_held_back_and_shown_until_a_second_walk_confirms_it() {
    let gate = Setup::new(30).set("CACHE__MIN_REFRESH", "2s").ready().await;
    gate.emulation("vinyldns").set_groups(5);
    let held = eventually("a walk is allowed", async || {
        let reply = gate.refresh("vinyldns").await;
        (reply.status == StatusCode::ACCEPTED).then(|| reply.json())
    })
    .await;
    assert_eq!(held["groups"], 30);
    assert_eq!(held["pending_shrink"]["groups"], 5);
    let sources = gate.page("/sources").await;
    let status = gate.admin(Method::GET, "/status", &[]).await.json();
    for answer in [sources, status] {
        let held = &source(&answer, "vinyldns")["pending_shrink"];
        assert_eq!((&held["groups"], &held["served"]), (&5.into(), &30.into()));
        assert!(held["since"].is_string());
    }
    let page = gate.page("/groups?source=vinyldns").await;
    assert_eq!(page["total"], 30);
    // Nobody asks for the walk that confirms it.
    let page = gate
        .until("/sources", |page| source(page, "vinyldns")["groups"] == 5)
        .await;
    assert!(source(&page, "vinyldns")["pending_shrink"].is_null());
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_to_is_refused_where_it_is_named() {
    // A file is no folder, whoever runs the test.
    let toml = "
[server]
listen = '127.0.0.1:0'
admin = '127.0.0.1:0'

[cache]
directory = 'Cargo.toml/snapshots'

[upstreams.club]
base_url = 'http://localhost'
request = { path = '/' }
records = '/'
fields = { id = 'id', name = 'name' }
";
    let loaded = load_text("gateway.toml", toml, Environment::default()).unwrap();
    let wall = WallClock::system();
    let compiled = App::compile(&loaded, &wall).unwrap();
    let Err(StartError::Settings(report)) = App::start(&loaded, compiled, &wall).await else {
        panic!("it started");
    };
    insta::assert_snapshot!(report);
}

#[tokio::test]
async fn check_warns_when_the_rate_cannot_cover_the_pages_of_the_last_walk() {
    let directory = tempfile::tempdir().unwrap();
    let setup = kept_in(directory.path())
        .set("UPSTREAMS__TALLYFY__PAGINATION__LIMIT", "10")
        .set("UPSTREAMS__TALLYFY__LIMITS__WALK", "6s");
    let stopped = setup.ready().await.stop().await;
    let check = |rate| {
        let output = Command::new(env!("CARGO_BIN_EXE_groupgate"))
            .args([
                "check",
                concat!(env!("CARGO_MANIFEST_DIR"), "/gateway.toml"),
            ])
            .env_clear()
            .envs(stopped.environment())
            .env("GROUPGATE__UPSTREAMS__TALLYFY__LIMITS__RATE", rate)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let warning = "warning: the last walk read 3 pages, which take 9 s at 20/m: longer than 6s \
                   (`limits.walk`)";
    assert!(check("20/m").contains(warning), "{}", check("20/m"));
    assert!(!check("60/m").contains("warning: the last walk"));
}
