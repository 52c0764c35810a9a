//! By what pages, and records that are no groups, are recognized when they come again.

use std::hash::{BuildHasher as _, Hash as _, Hasher as _};
use std::sync::LazyLock;

use foldhash::quality::RandomState;

use crate::page::format::{FormatError, Node};
use crate::page::mapping::{MappedPage, PageRecords, Skip};

/// What makes two pages the same: their groups' ids, in order. A page with records that are no
/// groups is identified by its whole content, or any two pages of such records would be the same.
pub(super) fn fingerprint<'a>(
    mapped: &MappedPage,
    records: impl FnOnce() -> Result<PageRecords<'a>, FormatError>,
) -> u64 {
    let mut hasher = fingerprints().build_hasher();
    for row in mapped.groups.rows() {
        row.id_hash().hash(&mut hasher);
    }
    mapped.rows.hash(&mut hasher);
    for page in &mapped.brought {
        let mapped = page.mapped.as_ref();
        mapped
            .map_or(&[][..], |mapped| &mapped.rows)
            .hash(&mut hasher);
    }
    if !mapped.skipped.is_empty() {
        let mut content = String::new();
        // They were listed when the page was mapped, so they can be.
        for record in records().unwrap_or_default().nodes() {
            record.write(&mut content);
        }
        content.hash(&mut hasher);
    }
    hasher.finish()
}

/// How fingerprints are made: the same as long as the process runs, and nothing that an upstream could foresee.
fn fingerprints() -> &'static RandomState {
    static STATE: LazyLock<RandomState> = LazyLock::new(RandomState::default);
    &STATE
}

/// By which the records that are no groups are recognized.
pub(super) fn skipped(records: &[Option<Node<'_>>], skipped: &[(usize, Skip)]) -> Vec<u64> {
    let hash = |(index, _): &(usize, Skip)| {
        let mut content = String::new();
        if let Some(record) = records.get(*index)? {
            record.write(&mut content);
        }
        Some(fingerprints().hash_one(content))
    };
    skipped.iter().filter_map(hash).collect()
}
