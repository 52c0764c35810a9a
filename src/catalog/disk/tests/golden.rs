//! The file of a snapshot as every release writes it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::app;
use crate::catalog::cached::{CachedSnapshot, Upkeep};
use crate::catalog::disk::Disk;
use crate::catalog::key::CatalogKey;
use crate::clock::WallClock;
use crate::config::testing::load_block;
use crate::group::{Group, Member};
use crate::problem::Problems;
use crate::snapshot::tests::group;
use crate::snapshot::{Counts, Snapshot};
use crate::tls::Tls;

const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/snapshots");

fn groups() -> Vec<Group> {
    let mut straße = group("club", "1", "Straße");
    straße.description = Some("Où l'on marche".to_owned());
    straße.status = Some("active".to_owned());
    straße.members = vec![Member {
        id: Some("7".to_owned()),
        email: Some("Ann@Example.com".to_owned()),
    }];
    straße.created_at = Some("2023-03-10T09:00:00.5Z".parse().unwrap());
    vec![group("club", "2", "zoo"), straße, group("club", "3", "Ops")]
}

#[tokio::test]
async fn a_release_that_changes_nothing_about_lists_writes_the_same_file() {
    let block = std::fs::read_to_string(format!("{FOLDER}/club.toml")).unwrap();
    let loaded = load_block("club", &block, &[("CLUB_TOKEN", "t0ken")]);
    let wall = WallClock::fixed("2026-11-28T12:00:00Z".parse().unwrap());
    let mut problems = Problems::default();
    let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
    let adapter = adapter.unwrap();
    let cached = CachedSnapshot {
        snapshot: Arc::new(Snapshot::new("club".into(), groups())),
        counts: Counts::default(),
        as_of: "2026-11-28T11:59:58Z".parse().unwrap(),
        walked_at: wall.now(),
        pages: 1,
        upkeep: Upkeep::default(),
        known_pages: None,
        marks: None,
        is_of_another_shape: false,
        ended_by: None,
        got_at: Instant::now(),
        age_then: Duration::ZERO,
    };
    let key = CatalogKey::shared(&adapter);
    let name = format!("{}.snapshot", key.name().unwrap());
    let golden = Path::new(FOLDER).join(&name);
    if option_env!("UPDATE_GOLDEN").is_some() {
        let disk = Disk::open(Path::new(FOLDER), &wall);
        disk.save(&key, &Arc::new(cached), adapter.terms().freshness);
        return disk.close().await;
    }
    let directory = tempfile::tempdir().unwrap();
    let disk = Disk::open(directory.path(), &wall);
    disk.save(&key, &Arc::new(cached), adapter.terms().freshness);
    disk.close().await;
    let written = std::fs::read(directory.path().join(&name)).unwrap();
    let golden = std::fs::read(golden).expect("every list on disk would be read anew");
    assert!(
        written == golden,
        "every list on disk would be read anew: raise `ENCODING`, and say so in the changelog"
    );
}
