//! One snapshot as a file: a magic line with the version, a header as a line of JSON, the snapshot's
//! buffers, the marks of its groups if there are any, and the SHA-256 of all that.
//!
//! A file is read completely or not at all. A file of another version is left alone: the version
//! changes with the header and with the encoding of snapshots.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Read, Seek as _, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::Arc;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::catalog::cached::Upkeep;
use crate::snapshot::{Counts, ENCODING, EncodingError, Snapshot};

/// The start of every file, in every version.
pub(super) const MAGIC: &str = "groupgate snapshot ";

/// The longest magic line and header.
const HEAD_BYTES: u64 = 16 * 1024;

const CHECKSUM_BYTES: u64 = 32;

/// What a file holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::catalog) struct Header {
    /// The name of the key that it was written under.
    pub(in crate::catalog) key: String,
    /// The upstream's name.
    pub(in crate::catalog) source: String,
    /// When its walk began.
    pub(in crate::catalog) as_of: Timestamp,
    /// When its walk ended. Its age counts from here.
    pub(in crate::catalog) walked_at: Timestamp,
    /// Until when it may be served, by the settings that it was written under.
    pub(in crate::catalog) serves_until: Timestamp,
    /// The number of pages that its walk read.
    pub(in crate::catalog) pages: u64,
    /// What its walk counted besides groups.
    pub(in crate::catalog) counts: Counts,
    /// The number of groups.
    pub(in crate::catalog) groups: usize,
    /// What the next walk for changes goes by.
    #[serde(default, skip_serializing_if = "Upkeep::is_empty")]
    pub(in crate::catalog) upkeep: Upkeep,
    /// How many bytes the marks of its groups take, as [`write`] says.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(in crate::catalog) marks: u64,
}

const fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// Why a file cannot be used.
#[derive(Debug, Error)]
pub(super) enum FileError {
    /// The system reports an error.
    #[error(transparent)]
    Io(#[from] io::Error),
    /// It is not one of our files.
    #[error("it is not a snapshot")]
    Foreign,
    /// Another version wrote it.
    #[error("its format version is `{0}`; this release reads `{ENCODING}`")]
    Version(String),
    /// It is larger than all snapshots may be.
    #[error("it is {0} bytes long, more than all snapshots may take (`cache.capacity`)")]
    TooLarge(u64),
    /// It was truncated or changed.
    #[error("its checksum does not match: it was truncated or changed")]
    Corrupt,
    /// The checksum matches, but the header or the buffers are invalid.
    #[error("its content is invalid: {0}")]
    Invalid(String),
}

/// Writes a file that only its owner may read. It is complete and synced when this returns.
pub(super) fn write(
    path: &Path,
    header: &Header,
    snapshot: &Snapshot,
    marks: &[u8],
) -> io::Result<()> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)?;
    let mut writer = Summing {
        inner: BufWriter::new(file),
        digest: Sha256::new(),
    };
    writeln!(writer, "{MAGIC}{ENCODING}")?;
    let header = Header {
        marks: marks.len() as u64,
        ..header.clone()
    };
    serde_json::to_writer(&mut writer, &header)?;
    writer.write_all(b"\n")?;
    snapshot.write_to(&mut writer)?;
    writer.write_all(marks)?;
    let Summing { mut inner, digest } = writer;
    inner.write_all(&digest.finalize())?;
    inner.into_inner()?.sync_all()
}

/// Reads a file whose snapshot, and whose marks, are at most `most` bytes long. These come as they are.
pub(super) fn read(path: &Path, most: u64) -> Result<(Header, Snapshot, Vec<u8>), FileError> {
    let file = open(path)?;
    let length = file.metadata()?.len();
    let mut reader = BufReader::new(file);
    check_version(&mut reader)?;
    let content = length
        .checked_sub(CHECKSUM_BYTES)
        .ok_or(FileError::Corrupt)?;
    reader.rewind()?;
    verify(&mut reader, content)?;
    reader.rewind()?;
    check_version(&mut reader)?;
    let header = header(&mut reader)?;
    let source: Arc<str> = header.source.as_str().into();
    let rest = content.saturating_sub(reader.stream_position()?);
    let bytes = rest.saturating_sub(header.marks);
    if bytes.max(header.marks) > most {
        return Err(FileError::TooLarge(length));
    }
    let mut list = reader.by_ref().take(bytes);
    let snapshot = Snapshot::read_from(source, &mut list, bytes).map_err(|error| match error {
        EncodingError::Io(error) => FileError::Io(error),
        EncodingError::Invalid(why) => FileError::Invalid(why.to_owned()),
    })?;
    if snapshot.len() != header.groups {
        let why = "it does not have as many groups as its header says";
        return Err(FileError::Invalid(why.to_owned()));
    }
    let mut marks = Vec::new();
    reader.take(header.marks).read_to_end(&mut marks)?;
    Ok((header, snapshot, marks))
}

/// Checks the checksum that follows `content` bytes.
fn verify(reader: &mut impl BufRead, content: u64) -> Result<(), FileError> {
    let mut sum = Summing {
        inner: io::sink(),
        digest: Sha256::new(),
    };
    let hashed = io::copy(&mut reader.by_ref().take(content), &mut sum)?;
    let mut checksum = [0; CHECKSUM_BYTES as usize];
    reader.read_exact(&mut checksum)?;
    if hashed == content && sum.digest.finalize().as_slice() == checksum {
        Ok(())
    } else {
        Err(FileError::Corrupt)
    }
}

/// Reads the header of a file, without checking the rest.
pub(super) fn read_header(path: &Path) -> Result<Header, FileError> {
    let mut head = BufReader::new(open(path)?.take(HEAD_BYTES));
    check_version(&mut head)?;
    header(&mut head)
}

/// Opens a plain file. A link or a pipe is never one of ours.
fn open(path: &Path) -> Result<File, FileError> {
    if !path.symlink_metadata()?.is_file() {
        return Err(FileError::Foreign);
    }
    Ok(File::open(path)?)
}

fn check_version(head: &mut impl BufRead) -> Result<(), FileError> {
    let line = line(head)?;
    match line.strip_prefix(MAGIC) {
        None => Err(FileError::Foreign),
        Some(version) if version == ENCODING.to_string() => Ok(()),
        Some(other) => Err(FileError::Version(other.chars().take(20).collect())),
    }
}

fn header(head: &mut impl BufRead) -> Result<Header, FileError> {
    let line = line(head)?;
    serde_json::from_str(&line).map_err(|error| FileError::Invalid(error.to_string()))
}

fn line(head: &mut impl BufRead) -> Result<String, FileError> {
    let mut line = Vec::new();
    head.take(HEAD_BYTES).read_until(b'\n', &mut line)?;
    if line.pop() != Some(b'\n') {
        return Err(FileError::Foreign);
    }
    String::from_utf8(line).map_err(|_| FileError::Foreign)
}

/// Hashes what is written through it.
struct Summing<W> {
    inner: W,
    digest: Sha256,
}

impl<W: Write> Write for Summing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.inner.write(bytes)?;
        self.digest.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use proptest::prelude::*;

    use super::*;
    use crate::snapshot::tests::group;

    fn header_of(snapshot: &Snapshot) -> Header {
        Header {
            key: "k".to_owned(),
            source: "u".to_owned(),
            as_of: Timestamp::UNIX_EPOCH,
            walked_at: Timestamp::UNIX_EPOCH,
            serves_until: Timestamp::UNIX_EPOCH,
            pages: 3,
            counts: Counts {
                drifted: true,
                ..Counts::default()
            },
            groups: snapshot.len(),
            upkeep: Upkeep::default(),
            marks: 0,
        }
    }

    fn written(names: &[&str]) -> (tempfile::TempDir, std::path::PathBuf, Snapshot) {
        let groups = names.iter().map(|name| group("u", name, name)).collect();
        let snapshot = Snapshot::new("u".into(), groups);
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        write(&path, &header_of(&snapshot), &snapshot, b"").unwrap();
        (directory, path, snapshot)
    }

    #[test]
    fn a_file_reads_back_as_what_was_written_and_is_for_its_owner_only() {
        for names in [&[][..], &["a"], &["zoo", "Straße", "a\nb"]] {
            let (_directory, path, snapshot) = written(names);
            let (header, read, marks) = read(&path, 1 << 20).unwrap();
            assert_eq!(marks, b"");
            assert_eq!(header, header_of(&snapshot));
            assert_eq!(read.hash(), snapshot.hash());
            assert_eq!(read_header(&path).unwrap(), header);
            let mode = fs::metadata(&path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn what_the_next_walk_for_changes_goes_by_is_in_the_file() {
        let (_directory, path, snapshot) = written(&["a"]);
        let header = Header {
            upkeep: Upkeep {
                full_at: Some(Timestamp::UNIX_EPOCH),
                link: "https://club.example/delta?token=1".parse().ok(),
                partitions: serde_json::from_str(r#"{"count":2,"digest":"d1"}"#).ok(),
            },
            ..header_of(&snapshot)
        };
        let path = path.with_file_name("other");
        write(&path, &header, &snapshot, b"").unwrap();
        assert_eq!(read_header(&path).unwrap(), header);
    }

    #[test]
    fn the_marks_of_groups_are_read_back_unless_they_are_too_large() {
        let (_directory, path, snapshot) = written(&["a"]);
        let path = path.with_file_name("other");
        write(&path, &header_of(&snapshot), &snapshot, &[7; 4000]).unwrap();
        let (header, list, marks) = read(&path, 4000).unwrap();
        assert_eq!((header.marks, marks), (4000, vec![7; 4000]));
        assert_eq!(list.hash(), snapshot.hash());
        assert!(matches!(read(&path, 3999), Err(FileError::TooLarge(_))));
    }

    proptest! {
        #[test]
        fn a_file_that_was_truncated_or_changed_is_never_read(at in 0.0..1.0_f64, bit in 0..8_u8) {
            let (_directory, path, _) = written(&["a", "b"]);
            let whole = fs::read(&path).unwrap();
            let at = (whole.len() as f64 * at) as usize;
            fs::write(&path, &whole[..at]).unwrap();
            prop_assert!(read(&path, 1 << 20).is_err());
            let mut changed = whole;
            changed[at] ^= 1 << bit;
            fs::write(&path, &changed).unwrap();
            prop_assert!(read(&path, 1 << 20).is_err());
        }
    }

    #[test]
    fn every_reason_to_refuse_a_file_is_told() {
        let (directory, path, _) = written(&["a"]);
        let whole = fs::read(&path).unwrap();
        let (_directory, large, _) = written(&[&"x".repeat(9_000)]);
        let mut said = vec![read(&large, 1000).unwrap_err().to_string()];
        let mut with = |bytes: &[u8]| {
            fs::write(&path, bytes).unwrap();
            said.push(read(&path, 1 << 20).unwrap_err().to_string());
        };
        with(b"");
        with(b"#!/bin/sh\n");
        with(b"groupgate snapshot 99\n{}\n");
        with(&whole[..whole.len() - 1]);
        let mut signed = format!("{MAGIC}{ENCODING}\n{{}}\n").into_bytes();
        signed.extend(Sha256::digest(&signed));
        with(&signed);
        let link = directory.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        said.push(read(&link, 1 << 20).unwrap_err().to_string());
        insta::assert_snapshot!(said.join("\n"));
    }
}
