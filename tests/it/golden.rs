//! A snapshot that an earlier release left on disk is found and served: neither the name of its file
//! nor the file itself changes from release to release.

use std::fs;
use std::path::Path;

use groupgate::app::App;
use groupgate::clock::WallClock;

use crate::support::adapters::load;
use crate::support::client::{each, groups_of, source};
use crate::support::gateway::{ANY_PORT, Gateway};

const FOLDER: &str = "tests/fixtures/snapshots";

#[tokio::test]
async fn a_list_that_an_earlier_release_kept_is_served_before_anything_is_walked() {
    let directory = tempfile::tempdir().unwrap();
    for file in fs::read_dir(FOLDER).unwrap() {
        let file = file.unwrap().path();
        if file
            .extension()
            .is_some_and(|extension| extension == "snapshot")
        {
            fs::copy(&file, directory.path().join(file.file_name().unwrap())).unwrap();
        }
    }
    let block = fs::read_to_string(Path::new(FOLDER).join("club.toml")).unwrap();
    let toml = format!(
        "{ANY_PORT}\n[cache]\ndirectory = {:?}\n\n[upstreams.club]\n{block}",
        directory.path()
    );
    let loaded = load(&toml, [("CLUB_TOKEN", "t0ken")]);
    let wall = WallClock::fixed("2026-11-28T12:00:10Z".parse().unwrap());
    let compiled = App::compile(&loaded, &wall).unwrap();
    let gateway = Gateway::launch(&loaded, compiled, &wall).await;
    let page = gateway.page("/groups").await;
    assert_eq!(source(&page, "club")["state"], "fresh");
    assert_eq!(source(&page, "club")["as_of"], "2026-11-28T11:59:58Z");
    assert_eq!(each(groups_of(&page), "name"), ["Ops", "Straße", "zoo"]);
}
