//! Removes files that nobody will read again: those of keys that are no longer in use.
//!
//! Another process may share the folder, such as the previous version in a rolling update. So a file
//! is removed only when the settings that it was written under would not serve it any more. Other
//! people's files stay.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::Path;

use jiff::{SignedDuration, Timestamp};

use super::file::{FileError, MAGIC, read_header};
use super::folder::{Folder, Role};

/// How long a file stays whose header cannot be read, so that its end is unknown. Nobody takes longer
/// to write one.
const UNREADABLE_FOR: SignedDuration = SignedDuration::from_hours(24);

/// Removes what nobody will read again. Files of the names `in_use` stay.
pub(super) fn collect(folder: &Folder, in_use: &[String], now: Timestamp) -> io::Result<()> {
    let mut unreadable = 0;
    for (role, path) in folder.files()? {
        let is_over = match &role {
            Role::Snapshot(name) if in_use.contains(name) => false,
            Role::Snapshot(_) => is_over(&path, now),
            Role::Unfinished => is_old(&path, now),
        };
        if is_over {
            tracing::info!(file = %path.display(), "expired snapshot removed from disk");
            fs::remove_file(&path)?;
        } else if matches!(read_header(&path), Err(FileError::Version(_))) {
            unreadable += 1;
        }
    }
    if unreadable > 0 {
        tracing::info!(
            files = unreadable,
            "snapshots on disk have the format of another version and are ignored"
        );
    }
    Ok(())
}

fn is_over(path: &Path, now: Timestamp) -> bool {
    match read_header(path) {
        Ok(header) => header.serves_until < now,
        Err(_) => is_ours(path) && is_old(path, now),
    }
}

/// Whether a file starts with our magic line, of any version.
fn is_ours(path: &Path) -> bool {
    let mut begin = [0; MAGIC.len()];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut begin))
        .is_ok_and(|()| begin == MAGIC.as_bytes())
}

fn is_old(path: &Path, now: Timestamp) -> bool {
    let changed = fs::metadata(path).and_then(|metadata| metadata.modified());
    changed.is_ok_and(|changed| {
        let age = Timestamp::try_from(changed).map(|changed| now.duration_since(changed));
        age.is_ok_and(|age| age > UNREADABLE_FOR)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::cached::Upkeep;
    use crate::catalog::disk::file::Header;
    use crate::snapshot::Counts;
    use crate::snapshot::Snapshot;

    const KNOWN: char = '1';

    fn name(letter: char) -> String {
        letter.to_string().repeat(64)
    }

    /// What is left of a folder after garbage was collected so many days from now.
    fn left_after(days: i64) -> Vec<String> {
        let directory = tempfile::tempdir().unwrap();
        let folder = Folder::new(directory.path());
        let now = Timestamp::try_from(std::time::SystemTime::now()).unwrap();
        let snapshot = Snapshot::new("u".into(), Vec::new());
        for (letter, serves) in [(KNOWN, 0), ('a', 10), ('b', 0)] {
            let header = Header {
                key: name(letter),
                source: "u".to_owned(),
                as_of: now,
                walked_at: now,
                serves_until: now + SignedDuration::from_hours(24 * serves),
                pages: 1,
                counts: Counts::default(),
                groups: 0,
                upkeep: Upkeep::default(),
                marks: 0,
            };
            folder.write(&header, &snapshot, b"").unwrap();
        }
        let unfinished = format!("{}.snapshot.0.unfinished", name('c'));
        for (name, text) in [
            (unfinished.as_str(), "half"),
            (
                &format!("{}.snapshot", name('d')),
                "groupgate snapshot 99\n",
            ),
            (&format!("{}.snapshot", name('e')), "somebody else's"),
            ("notes.txt", "somebody else's"),
        ] {
            fs::write(directory.path().join(name), text).unwrap();
        }
        let later = now + SignedDuration::from_hours(24 * days) + SignedDuration::from_mins(1);
        collect(&folder, &[name(KNOWN)], later).unwrap();
        let mut left: Vec<_> = fs::read_dir(directory.path())
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .map(|name| name.chars().take(1).collect())
            .collect();
        left.sort();
        left
    }

    #[test]
    fn a_file_is_removed_once_it_has_expired_and_the_files_of_others_stay() {
        assert_eq!(left_after(0), ["1", "a", "c", "d", "e", "n"]);
        assert_eq!(left_after(2), ["1", "a", "e", "n"]);
        assert_eq!(left_after(11), ["1", "e", "n"]);
    }
}
