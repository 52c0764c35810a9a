//! The files of a configuration: the one that is named, and those that it includes.
//!
//! `include = ["teams/*.toml"]` is read relative to the file that says so, in the order of the patterns and,
//! within each, of the names. An included file describes upstreams and nothing else. Which files were
//! read and what they held is kept as a [`Fingerprint`], by which a later reading can tell that
//! nothing has changed.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use config::{Map, Value, ValueKind};
use glob::{GlobError, MatchOptions, Pattern, glob_with};

use super::document::{Document, INCLUDE, KeySpan, UPSTREAMS};
use super::report::{FilePlace, Finding, Report};
use super::secret::{ReadFiles, SecretError};
use super::{Environment, SecretReader};
use crate::did_you_mean::nearest;
use crate::problem::{KeyPath, Problem};

/// A `*` stops at a slash, and hidden files are none of ours: Kubernetes keeps the versions of a
/// mounted volume in hidden folders beside the files.
const MATCH: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// What a pattern has in it, other than a name.
const WILDCARDS: [char; 3] = ['*', '?', '['];

/// How many links a path may lead through; Linux follows no more.
const MOST_LINKS: usize = 40;

/// How an include is written.
const FORM: &str = "write the name of a file, or a pattern such as `teams/*.toml`";

/// What files a configuration was read from, and what they held: TOML, secrets and certificates.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// The hash of each file's content; `None` for one that could not be read.
    files: BTreeMap<PathBuf, Option<[u8; 32]>>,
    /// The folders that includes look into.
    folders: BTreeSet<PathBuf>,
}

impl Fingerprint {
    pub(super) fn new(files: &ReadFiles, folders: BTreeSet<PathBuf>) -> Self {
        let hashes = files.0.iter().map(|(path, content)| {
            let hash = content.as_ref().map(|content| blake3::hash(content).into());
            (path.clone(), hash)
        });
        Self {
            files: hashes.collect(),
            folders,
        }
    }

    /// Whether another reading would find the same. Nothing is resolved for it.
    pub fn is_current(&self, file: &Path, environment: &Environment) -> bool {
        let reader = SecretReader::new(environment);
        let mut folders = BTreeSet::new();
        // What is wrong with the files has been said.
        let _ = read(file, &reader, &mut folders);
        for path in self.files.keys() {
            let _ = reader.file(path);
        }
        Self::new(&reader.into_files(), folders) == *self
    }

    /// Where something changes when the configuration does.
    pub fn places(&self) -> WatchedPlaces {
        let mut places = WatchedPlaces::default();
        for path in &self.folders {
            places.follow(&path.join("x"));
        }
        // What includes look for has any name.
        places.names.clear();
        for path in self.files.keys() {
            places.follow(path);
        }
        places
    }
}

/// Where something changes when a configuration does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WatchedPlaces {
    /// The folders of its files as they are named, those of every link on the way, and those that the files
    /// really are in; and the same for the folders that includes look into.
    pub folders: BTreeSet<PathBuf>,
    /// What its files are called there.
    pub names: BTreeSet<OsString>,
}

impl WatchedPlaces {
    /// Adds a path, and where each link on the way leads.
    fn follow(&mut self, path: &Path) {
        let mut path = path.to_owned();
        for _ in 0..MOST_LINKS {
            let link = path.ancestors().filter(|part| part.is_symlink()).last();
            let link = link.map(Path::to_owned);
            let shown = link.as_deref().unwrap_or(&path);
            self.folders.extend(folder(shown));
            self.names.extend(shown.file_name().map(OsStr::to_owned));
            let Some(link) = link else { return };
            let (Some(beside), Ok(target)) = (link.parent(), link.read_link()) else {
                return;
            };
            let rest = path.strip_prefix(&link).unwrap_or(Path::new(""));
            // Joined with nothing, it would end in a slash.
            path = if rest.as_os_str().is_empty() {
                beside.join(target)
            } else {
                beside.join(target).join(rest)
            };
        }
    }
}

impl fmt::Debug for Fingerprint {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Names only: a short secret can be guessed from its hash.
        formatter.debug_set().entries(self.files.keys()).finish()
    }
}

/// The folder of a file; `.` where the path names none.
fn folder(path: &Path) -> Option<PathBuf> {
    let folder = path.parent()?;
    Some(if folder.as_os_str().is_empty() {
        PathBuf::from(".")
    } else {
        folder.to_owned()
    })
}

/// Reads a file and those that it includes. The folders that patterns look into are added to
/// `folders`.
pub(super) fn read(
    file: &Path,
    reader: &SecretReader<'_>,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<Document, Report> {
    let name = file.display().to_string();
    let text = text(file, reader).map_err(|reason| {
        let finding = Finding::outside(format!("`{name}` cannot be read: {reason}"));
        Report::unread(&name, finding)
    })?;
    let mut document = Document::read(&name, &text);
    // A pattern may match the file itself, and two patterns one file.
    let mut read = BTreeSet::from([identity(file)]);
    for (at, pattern) in document.includes() {
        match matches(file, &pattern, &at, folders) {
            Ok(parts) => {
                for part in parts {
                    if read.insert(identity(&part)) {
                        include(&mut document, &part, &at, reader);
                    }
                }
            }
            Err(problem) => document.problems.push(problem),
        }
    }
    Ok(document)
}

fn include(document: &mut Document, part: &Path, at: &KeyPath, reader: &SecretReader<'_>) {
    let name = part.display().to_string();
    match text(part, reader) {
        Ok(text) => document.include(Document::read(&name, &text), at),
        Err(reason) => {
            let message = format!("`{name}` cannot be read: {reason}");
            document.problems.push(Problem::new(at.clone(), message));
        }
    }
}

impl Document {
    /// Takes the upstreams of a file that this one includes by an item. It has nothing else to say, and describes
    /// none that was described before.
    fn include(&mut self, mut part: Self, by: &KeyPath) {
        let number = self.files.len();
        let is_toml = part.is_toml();
        self.files.append(&mut part.files);
        for place in part.places.values_mut() {
            place.file = number;
        }
        self.findings
            .extend(part.findings.into_iter().map(|finding| Finding {
                place: finding.place.map(|place| FilePlace {
                    file: number,
                    ..place
                }),
                ..finding
            }));
        if !is_toml {
            self.broken.push(by.clone());
        }
        if !is_toml || !self.is_toml() {
            return;
        }
        for (at, place) in &part.places {
            match at.keys() {
                [key] if key != UPSTREAMS => {
                    let finding = self.misplaced(key).at(self.shown(place));
                    self.findings.push(finding);
                }
                [_] if !place.is_table => {
                    let finding = Finding::outside("expected a table").at(self.shown(place));
                    self.findings.push(finding);
                }
                [key, name] if key == UPSTREAMS => {
                    if let Some(first) = self.places.get(at) {
                        let finding = self.defined_twice(name, first, place);
                        self.findings.push(finding);
                    }
                }
                _ => {}
            }
        }
        let upstreams = part.layer.remove(UPSTREAMS);
        let Some(ValueKind::Table(blocks)) = upstreams.map(|upstreams| upstreams.kind) else {
            return;
        };
        let upstreams = (self.layer.entry(UPSTREAMS.to_owned()))
            .or_insert_with(|| Value::from(ValueKind::Table(Map::new())));
        // Where the first file has something else there, that is reported when it is read.
        let ValueKind::Table(upstreams) = &mut upstreams.kind else {
            return;
        };
        let all = KeyPath::new([UPSTREAMS]);
        if let Some(place) = part.places.get(&all) {
            self.places
                .entry(all.clone())
                .or_insert_with(|| place.clone());
        }
        for (name, block) in blocks {
            let at = all.join(&name);
            if self.places.contains_key(&at) {
                continue;
            }
            let own = part.places.iter().filter(|(key, _)| key.is_within(&at));
            self.places
                .extend(own.map(|(key, place)| (key.clone(), place.clone())));
            let own = part
                .problems
                .iter()
                .filter(|problem| problem.at.is_within(&at));
            self.problems.extend(own.cloned());
            upstreams.insert(name, block);
        }
    }

    /// What to say of a key that belongs into another file.
    fn misplaced(&self, key: &str) -> Finding {
        let first = self.files.first().map_or("", |file| &file.name);
        let finding = Finding::outside(format!("`{key}` does not belong into an included file"));
        finding.with_help(match nearest(key, [UPSTREAMS]) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None if key == INCLUDE => format!("name every file in `{first}`"),
            None => format!("an included file has `[upstreams.NAME]` only; move this to `{first}`"),
        })
    }

    fn defined_twice(&self, name: &str, first: &KeySpan, second: &KeySpan) -> Finding {
        let place = self.shown(first);
        let mut files = self.shown_files();
        let first = files.swap_remove(place.file);
        let line = first.line_number(place.span.start);
        Finding {
            other: Some(("it is described here first", place)),
            ..Finding::outside(format!("the upstream `{name}` is described twice"))
                .with_help(format!(
                    "the other one is in `{}`, line {line}: rename or remove one of them",
                    first.name
                ))
                .at(self.shown(second))
        }
    }
}

/// What one file is, by whatever name.
fn identity(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.to_owned())
}

/// The files that a pattern matches, by name, or what is wrong with it. What cannot be looked into is wrong:
/// if it had no match, every upstream described there would be gone.
fn matches(
    file: &Path,
    pattern: &str,
    at: &KeyPath,
    folders: &mut BTreeSet<PathBuf>,
) -> Result<Vec<PathBuf>, Problem> {
    let malformed = |message: String| Problem::new(at.clone(), message).with_help(FORM);
    let unreadable = |path: &Path, error: &io::Error| {
        let path = path.display();
        Problem::new(
            at.clone(),
            format!("the folder `{path}` cannot be read: {error}"),
        )
    };
    if pattern.is_empty() {
        return Err(malformed("the name of the file is empty".to_owned()));
    }
    let beside = file.parent().unwrap_or(Path::new(""));
    if !pattern.contains(WILDCARDS) {
        return Ok(vec![beside.join(pattern)]);
    }
    let paths = |part: &str| {
        // What the folder is called is no pattern, and an absolute pattern says all of it.
        let absolute = if part.starts_with('/') || beside.as_os_str().is_empty() {
            part.to_owned()
        } else {
            format!("{}/{part}", Pattern::escape(&beside.to_string_lossy()))
        };
        let paths = glob_with(&absolute, MATCH)
            .map_err(|error| malformed(format!("`{pattern}` is not a pattern: {}", error.msg)))?;
        let paths: Result<Vec<_>, GlobError> = paths.collect();
        paths.map_err(|error| unreadable(error.path(), error.error()))
    };
    let mut found = paths(pattern)?;
    found.retain(|path| !path.is_dir());
    // `glob` passes over a folder that is not there.
    let literal = literal(pattern);
    let named = beside.join(literal).join("x");
    let named = folder(&named).unwrap_or_default();
    named
        .read_dir()
        .map_err(|error| unreadable(&named, &error))?;
    folders.insert(named);
    // What comes later comes into one of these, be it another folder on the way.
    let slashes = pattern.match_indices('/').map(|(slash, _)| slash);
    for slash in slashes.filter(|slash| *slash > literal.len()) {
        let on_the_way = paths(&pattern[..slash])?.into_iter();
        folders.extend(on_the_way.filter(|path| path.is_dir()));
    }
    Ok(found)
}

/// The folder that a pattern names before it has a wildcard.
fn literal(pattern: &str) -> &str {
    let end = pattern.find(WILDCARDS).unwrap_or(pattern.len());
    let slash = pattern[..end].rfind('/');
    slash.map_or("", |slash| &pattern[..=slash])
}

fn text(path: &Path, reader: &SecretReader<'_>) -> Result<String, String> {
    let bytes = reader.file(path).map_err(|error| match error {
        SecretError::Unreadable { source, .. } => source.to_string(),
        error @ (SecretError::Unset(_) | SecretError::Empty(_)) => error.to_string(),
    })?;
    // The words that the standard library has for it.
    String::from_utf8(bytes).map_err(|_| "stream did not contain valid UTF-8".to_owned())
}
