//! The folder that snapshots are kept in: what their files are called, and how one replaces
//! another.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::snapshot::Snapshot;

use super::file::{self, Header};

/// What the file of a snapshot ends with, and what one ends with that is being written.
const ENDING: &str = ".snapshot";
const UNFINISHED: &str = ".unfinished";

/// How long a digest is, in hexadecimal digits.
const NAME: usize = 64;

/// A folder with snapshots in it, and maybe other things.
#[derive(Debug, Clone)]
pub(super) struct Folder(Arc<Path>);

/// What a file's name makes of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Role {
    /// The snapshot of the key with this digest.
    Snapshot(String),
    /// One that is being written, or was when a process died.
    Unfinished,
}

impl Role {
    /// The role of a file of ours, by its name.
    pub(super) fn of(name: &str) -> Option<Self> {
        let (digest, ending) = name.split_at_checked(NAME)?;
        let is_digest = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if !digest.bytes().all(is_digest) {
            return None;
        }
        let ending = ending.strip_prefix(ENDING)?;
        match ending.strip_suffix(UNFINISHED) {
            None if ending.is_empty() => Some(Self::Snapshot(digest.to_owned())),
            Some(tag) if tag.starts_with('.') => Some(Self::Unfinished),
            None | Some(_) => None,
        }
    }
}

impl Folder {
    pub(super) fn new(path: &Path) -> Self {
        Self(path.into())
    }

    /// The file of the key with this digest.
    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.0.join(format!("{name}{ENDING}"))
    }

    pub(super) fn display(&self) -> std::path::Display<'_> {
        self.0.display()
    }

    /// Makes the folder, for the gateway's user alone, unless it is there; and sees whether files
    /// can be written in it.
    pub(super) fn prepare(&self) -> io::Result<()> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.0)?;
        let probe = self.unfinished(&"0".repeat(NAME));
        OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&probe)?;
        fs::remove_file(probe)
    }

    /// Puts a snapshot in the place of the one before it. Whatever happens meanwhile, there is a
    /// whole one: the new file is on the disk before it takes the old one's name.
    pub(super) fn write(
        &self,
        header: &Header,
        snapshot: &Snapshot,
        marks: &[u8],
    ) -> io::Result<()> {
        let unfinished = self.unfinished(&header.key);
        let written = file::write(&unfinished, header, snapshot, marks)
            .and_then(|()| fs::rename(&unfinished, self.path(&header.key)));
        if let Err(error) = written {
            // It may not be there, and what went wrong first is what matters.
            let _ = fs::remove_file(&unfinished);
            return Err(error);
        }
        self.sync()
    }

    /// Removes the file of a key, if it is there.
    pub(super) fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            Err(error) => Err(error),
            Ok(()) => self.sync(),
        }
    }

    /// The files of ours that are in the folder.
    pub(super) fn files(&self) -> io::Result<Vec<(Role, PathBuf)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.0)? {
            let entry = entry?;
            let role = entry.file_name().to_str().and_then(Role::of);
            if let Some(role) = role.filter(|_| entry.file_type().is_ok_and(|kind| kind.is_file()))
            {
                files.push((role, entry.path()));
            }
        }
        Ok(files)
    }

    /// A name that no other writer uses, in this process or another.
    fn unfinished(&self, name: &str) -> PathBuf {
        let tag = rand::random::<u64>();
        self.0
            .join(format!("{name}{ENDING}.{tag:016x}{UNFINISHED}"))
    }

    /// Has the folder itself remember what its files are called.
    fn sync(&self) -> io::Result<()> {
        File::open(&self.0)?.sync_all()
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn only_names_that_we_give_are_ours() {
        let digest = "0af".repeat(21) + "0";
        let ours = format!("{digest}.snapshot");
        assert_eq!(Role::of(&ours), Some(Role::Snapshot(digest.clone())));
        let folder = Folder::new(Path::new("x"));
        let unfinished = folder.unfinished(&digest);
        let name = unfinished.file_name().unwrap().to_str().unwrap();
        assert_eq!(Role::of(name), Some(Role::Unfinished));
        for other in [
            "notes.snapshot",
            &digest,
            &ours.to_uppercase(),
            &format!("{ours}.bak"),
            &format!("{digest}0.snapshot"),
            &"é".repeat(40),
        ] {
            assert_eq!(Role::of(other), None, "{other}");
        }
    }

    #[test]
    fn a_folder_that_is_made_is_for_its_owner_only_and_nothing_is_left_in_it() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("a/b");
        Folder::new(&path).prepare().unwrap();
        let mode = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o700);
        assert_eq!(fs::read_dir(&path).unwrap().count(), 0);
    }
}
