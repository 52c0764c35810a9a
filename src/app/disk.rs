//! What is written on disk beside answers: the lists that are kept, and records of audits.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::catalog;
use crate::plan::Plan;
use crate::problem::{KeyPath, Problem, Problems};
use crate::telemetry;

/// Makes the folder of lists and the file of audits if need be, and says which of them cannot be written to.
pub(super) fn prepared(plan: &Plan) -> Problems {
    each(plan, catalog::prepare, telemetry::prepare_audit_file)
}

/// The same without a trace: what had to be made is removed again.
pub(crate) fn tried_out(plan: &Plan) -> Problems {
    each(
        plan,
        |directory| without_a_trace(directory, catalog::prepare),
        |file| without_a_trace(file, telemetry::prepare_audit_file),
    )
}

/// What is said of a folder for lists that cannot be written to.
pub(super) fn unwritable_directory(directory: &Path, reason: &str) -> Problem {
    let directory = directory.display();
    Problem::new(
        KeyPath::new(["cache", "directory"]),
        format!("`{directory}` cannot be written to: {reason}"),
    )
    .with_help(
        "name a folder that the gateway's user may write to, or leave `directory` out to keep nothing on disk",
    )
}

fn each(
    plan: &Plan,
    directory: impl Fn(&Path) -> io::Result<()>,
    file: impl Fn(&Path) -> io::Result<()>,
) -> Problems {
    let mut problems = Problems::default();
    if let Some(path) = &plan.cache.directory
        && let Err(error) = directory(path)
    {
        problems.push(unwritable_directory(path, &error.to_string()));
    }
    if let Some(path) = plan.audit.file.as_deref().filter(|_| plan.audit.enabled)
        && let Err(error) = file(path)
    {
        let message = format!("`{}` cannot be written to: {error}", path.display());
        problems.push(
            Problem::new(KeyPath::new(["audit", "file"]), message)
                .with_help("name a file that the gateway's user may write to"),
        );
    }
    problems
}

/// Does what makes a folder or a file, and removes what was not there before and is empty.
fn without_a_trace(path: &Path, make: impl FnOnce(&Path) -> io::Result<()>) -> io::Result<()> {
    let is_named = |part: &&Path| !part.as_os_str().is_empty();
    let missing = path.ancestors().take_while(is_named);
    let missing = missing.take_while(|part| !part.exists());
    let missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
    let outcome = make(path);
    // One that ends in `..` is another one.
    for part in missing.iter().filter(|part| part.file_name().is_some()) {
        // A link may have led to nothing.
        let Ok(part) = part.canonicalize() else {
            continue;
        };
        // Somebody else may have put something there meanwhile.
        let _ = match fs::metadata(&part) {
            Ok(there) if there.is_dir() => fs::remove_dir(&part),
            Ok(there) if there.len() == 0 => fs::remove_file(&part),
            Ok(_) | Err(_) => Ok(()),
        };
    }
    outcome
}

#[cfg(test)]
mod tests {
    use tempfile::tempdir;

    use super::*;
    use crate::config::{Environment, load_text};

    fn problems(directory: &Path, file: &Path) -> Vec<String> {
        let text = format!(
            "cache.directory = '{}'\naudit = {{ enabled = true, file = '{}' }}\n[upstreams.a]\n\
             base_url = 'https://a.example'\nrequest = {{ path = '/' }}\nrecords = '/'\n\
             fields = {{ id = 'id', name = 'name' }}\n",
            directory.display(),
            file.display()
        );
        let loaded = load_text("gateway.toml", &text, Environment::default());
        let loaded = loaded.unwrap_or_else(|report| panic!("{report}"));
        let problems = tried_out(&loaded.plan).into_iter();
        problems
            .map(|problem| format!("{}: {}", problem.at, problem.message))
            .collect()
    }

    #[test]
    fn what_can_be_written_is_as_it_was() {
        let folder = tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        assert!(problems(&at("a/b/c"), &at("audit.log")).is_empty());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
        fs::create_dir(at("a")).unwrap();
        fs::write(at("audit.log"), "a record\n").unwrap();
        assert!(problems(&at("a"), &at("audit.log")).is_empty());
        assert!(at("a").is_dir());
        assert_eq!(fs::read_to_string(at("audit.log")).unwrap(), "a record\n");
    }

    #[test]
    fn what_cannot_be_written_is_told_and_nothing_is_left_of_it() {
        let folder = tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        fs::write(at("file"), "").unwrap();
        let told = problems(&at("file/lists"), &at("missing/audit.log"));
        assert_eq!(told.len(), 2, "{told:?}");
        assert!(told[0].starts_with("cache.directory: `"), "{told:?}");
        assert!(told[1].starts_with("audit.file: `"), "{told:?}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        assert_eq!(problems(&at("file"), folder.path()).len(), 2);
    }
}
