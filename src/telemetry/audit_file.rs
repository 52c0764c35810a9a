//! The file of the audit log. A thread of its own writes it, so that no request waits for the disk.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::QUEUED_LINES;
use super::line_queue::{LineQueue, LogWriter, queue};

/// How many records were lost in this process.
static LOST: AtomicUsize = AtomicUsize::new(0);

/// How many records were lost, because their file was too slow or could not be written.
pub fn lost_audit_records() -> usize {
    LOST.load(Ordering::Relaxed)
}

/// Finds out whether records can be appended to this file, which is made if it is not there.
pub(crate) fn prepare_audit_file(path: &Path) -> io::Result<()> {
    appended(path).map(drop)
}

/// A file that records are appended to. Dropping it writes what waits.
#[derive(Debug)]
pub(crate) struct AuditFile {
    lines: LineQueue,
    writer: Mutex<Option<LogWriter>>,
}

impl AuditFile {
    /// Opens the file, or makes it: readable by its owner alone.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = RotatedFile::open(path)?;
        let (lines, writer) = queue(file, QUEUED_LINES)?;
        Ok(Self {
            lines,
            writer: Mutex::new(Some(writer)),
        })
    }

    /// Writes what waits, for at most about a second. What comes after that is lost.
    pub(crate) fn close(&self) {
        let writer = self
            .writer
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Its drop waits for the thread.
        drop(writer);
    }

    /// Appends a record, which ends its line. If too many wait, it is lost and counted.
    pub(crate) fn append(&self, record: &[u8]) {
        count(self.lines.push(record));
    }

    /// The same of a record that leaves half of the room to others.
    pub(crate) fn append_if_ample(&self, record: &[u8]) {
        count(self.lines.push_if_ample(record));
    }
}

fn count(is_taken: bool) {
    if !is_taken {
        LOST.fetch_add(1, Ordering::Relaxed);
    }
}

/// A file that may be moved away at any time: what comes after that goes to a new one.
#[derive(Debug)]
struct RotatedFile {
    path: PathBuf,
    file: File,
    /// Whether what was written last is not all there.
    is_torn: bool,
    /// Whether it stands elsewhere, and no other can be opened in its place.
    is_astray: bool,
}

impl RotatedFile {
    fn open(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: appended(path)?,
            path: path.to_owned(),
            is_torn: false,
            is_astray: false,
        })
    }

    /// Opens the file anew if another stands in its place, or none.
    fn follow(&mut self) -> io::Result<()> {
        let place = |metadata: &fs::Metadata| (metadata.dev(), metadata.ino());
        let open = self.file.metadata()?;
        let is_there = fs::metadata(&self.path).is_ok_and(|there| place(&there) == place(&open));
        if !is_there {
            self.file = appended(&self.path)?;
            self.is_torn = false;
        }
        Ok(())
    }

    fn append(&mut self, records: &[u8]) -> io::Result<()> {
        if let Err(error) = self.follow() {
            // Records go where the ones before went, so none is lost.
            if !self.is_astray {
                let file = self.path.display();
                tracing::error!(%file, %error, "the audit log cannot be opened anew, and goes on where it was moved to");
            }
            self.is_astray = true;
        } else {
            self.is_astray = false;
        }
        if self.is_torn {
            self.file.write_all(b"\n")?;
        }
        self.file.write_all(records)?;
        self.is_torn = false;
        Ok(())
    }
}

/// What is written at once is whole lines.
impl Write for RotatedFile {
    fn write(&mut self, records: &[u8]) -> io::Result<usize> {
        if let Err(error) = self.append(records) {
            if !self.is_torn {
                let file = self.path.display();
                tracing::error!(%file, %error, "the audit log cannot be written");
            }
            self.is_torn = true;
            let lost = records.split_inclusive(|byte| *byte == b'\n').count();
            LOST.fetch_add(lost, Ordering::Relaxed);
        }
        Ok(records.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn appended(path: &Path) -> io::Result<File> {
    // Opening one that nobody reads would take for ever.
    if fs::metadata(path).is_ok_and(|there| there.file_type().is_fifo()) {
        return Err(io::Error::other(
            "it is a pipe: without `file`, records go to the log",
        ));
    }
    let mut options = OpenOptions::new();
    options.append(true).create(true).mode(0o600);
    options.open(path)
}

#[cfg(test)]
mod tests {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    use tempfile::tempdir;

    use super::*;

    #[test]
    fn a_pipe_is_refused_and_not_waited_for() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("pipe");
        mknodat(CWD, &path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
        assert!(prepare_audit_file(&path).is_err());
    }

    #[test]
    fn a_file_that_was_moved_away_is_followed_by_a_new_one() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("audit.log");
        let moved = folder.path().join("audit.log.1");
        let mut file = RotatedFile::open(&path).unwrap();
        file.write_all(b"first\n").unwrap();
        fs::rename(&path, &moved).unwrap();
        file.write_all(b"second\n").unwrap();
        file.write_all(b"third\n").unwrap();
        assert_eq!(fs::read_to_string(&moved).unwrap(), "first\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "second\nthird\n");
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);
    }

    #[test]
    fn records_go_on_in_a_file_that_was_moved_away_where_no_other_can_be_opened() {
        let folder = tempdir().unwrap();
        let (place, moved) = (folder.path().join("logs"), folder.path().join("moved"));
        fs::create_dir(&place).unwrap();
        let path = place.join("audit.log");
        let mut file = RotatedFile::open(&path).unwrap();
        // A file in a folder that is none cannot be made, not even by root.
        fs::rename(&path, &moved).unwrap();
        fs::remove_dir(&place).unwrap();
        fs::write(&place, "").unwrap();
        for record in [b"first\n", b"again\n"] {
            assert!(file.append(record).is_ok(), "what is written is not lost");
        }
        assert_eq!(fs::read_to_string(&moved).unwrap(), "first\nagain\n");
        fs::remove_file(&place).unwrap();
        fs::create_dir(&place).unwrap();
        file.append(b"third\n").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "third\n");
    }

    #[test]
    fn a_file_is_appended_to_and_written_to_its_end_when_it_is_dropped() {
        let folder = tempdir().unwrap();
        let path = folder.path().join("audit.log");
        for record in ["first\n", "second\n"] {
            AuditFile::open(&path).unwrap().append(record.as_bytes());
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "first\nsecond\n");
    }

    #[test]
    fn what_cannot_be_written_is_counted() {
        let before = lost_audit_records();
        let mut full = RotatedFile::open(Path::new("/dev/full")).unwrap();
        full.write_all(b"first\nsecond\n").unwrap();
        full.write_all(b"third\n").unwrap();
        assert_eq!(lost_audit_records() - before, 3);
    }
}
