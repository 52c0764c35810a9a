//! The book in `docs`: its blocks of configuration load and compile as they stand, its links lead somewhere, and no
//! page is missing from its contents, nor a warning from what it says of the log. `tests/real/book.py` runs its commands.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use groupgate::app::App;
use groupgate::clock::WallClock;
use groupgate::config::{Environment, load};
use rcgen::{CertificateParams, KeyPair};
use tempfile::TempDir;

/// What a block about something else lacks.
const ANY_UPSTREAM: &str = "
[upstreams.any]
base_url = 'http://localhost'
request = { path = '/' }
records = '/'
fields = { id = 'id', name = 'name' }
";

/// The pages of a folder of the repository, by name.
fn pages(folder: &str) -> BTreeMap<PathBuf, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    let entries = std::fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .map(|path| {
            let text = std::fs::read_to_string(&path).unwrap();
            (path, text)
        })
        .collect()
}

/// The TOML blocks of a page, in order.
fn blocks(text: &str) -> Vec<&str> {
    text.split("```toml\n")
        .skip(1)
        .filter_map(|rest| rest.split_once("```"))
        .map(|(block, _)| block)
        .collect()
}

/// A page without what stands in blocks and between backticks, where nothing is a link.
fn prose(text: &str) -> String {
    let outside = text.split("```").step_by(2).collect::<String>();
    outside.split('`').step_by(2).collect()
}

/// Where the links of a page lead, but for those to other sites.
fn links(text: &str) -> Vec<String> {
    let text = prose(text);
    let targets = text.split("](").skip(1);
    targets
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target.to_owned())
        .filter(|target| !target.contains("://"))
        .collect()
}

/// The anchors of a page's headings, as GitHub and mdbook make them.
fn anchors(text: &str) -> Vec<String> {
    let headings = text
        .split("```")
        .step_by(2)
        .flat_map(str::lines)
        .filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words
                .chars()
                .filter(|each| each.is_alphanumeric() || " -_".contains(*each));
            kept.collect::<String>().replace(' ', "-")
        })
        .collect()
}

/// An environment that holds every variable which a block names.
fn environment(block: &str) -> Environment {
    block
        .split("env = \"")
        .skip(1)
        .filter_map(|rest| rest.split_once('"'))
        .map(|(name, _)| (name, "a-value-that-is-long-enough-for-every-secret"))
        .collect()
}

/// A folder with the certificates and keys that blocks name, in place of `/etc/groupgate`, and for
/// what they keep.
fn certificates() -> TempDir {
    let folder = TempDir::new().unwrap();
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default().self_signed(&key).unwrap();
    for (name, text) in [
        ("company-ca.pem", certificate.pem()),
        ("client.pem", certificate.pem()),
        ("tls.crt", certificate.pem()),
        ("tls.key", key.serialize_pem()),
        ("client.key", key.serialize_pem()),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    // Blocks include what teams have there.
    std::fs::create_dir(folder.path().join("teams")).unwrap();
    folder
}

#[test]
fn every_block_of_configuration_loads_and_compiles() {
    let pages = pages("docs");
    let blocks: Vec<_> = pages.values().flat_map(|text| blocks(text)).collect();
    assert!(blocks.len() >= 30, "{} blocks", blocks.len());
    let certificates = certificates();
    let folder = certificates.path().display().to_string();
    for block in blocks {
        let complete = if block.contains("[upstreams.") {
            ""
        } else {
            ANY_UPSTREAM
        };
        let block = &format!("{block}{complete}")
            .replace("/etc/groupgate", &folder)
            .replace("/var/cache/groupgate", &folder);
        let file = certificates.path().join("block.toml");
        std::fs::write(&file, block).unwrap();
        let compiled = load(&file, environment(block))
            .and_then(|loaded| App::compile(&loaded, &WallClock::system()));
        if let Err(report) = compiled {
            panic!("{block}\n{report}");
        }
    }
}

#[test]
fn every_link_leads_to_a_page_and_a_heading_of_it() {
    let book = pages("docs");
    for (page, text) in pages(".").iter().chain(&book).chain(&pages("tests/real")) {
        for link in links(text) {
            let (path, anchor) = link.split_once('#').unwrap_or((&link, ""));
            let target = match path {
                "" => page.clone(),
                path => page.parent().unwrap().join(path),
            };
            assert!(target.exists(), "{}: {link}", page.display());
            assert!(
                !book.contains_key(page) || book.contains_key(&target),
                "{}: {link} leads out of the book",
                page.display()
            );
            if !anchor.is_empty() {
                let text = std::fs::read_to_string(&target).unwrap();
                let found = anchors(&text).iter().any(|each| each == anchor);
                assert!(found, "{}: {link}", page.display());
            }
        }
    }
}

#[test]
fn the_contents_list_every_page_once() {
    let mut book = pages("docs");
    let (contents, text) = book.pop_first().unwrap();
    assert!(contents.ends_with("SUMMARY.md"));
    let mut listed = links(&text);
    listed.sort();
    let names: Vec<_> = (book.keys())
        .filter_map(|path| path.file_name()?.to_str())
        .collect();
    assert_eq!(listed, names);
}

/// A warning or an error that the process logs.
#[derive(Debug)]
struct Logged {
    level: &'static str,
    /// What stands before the message: the fields, each with a comma behind it.
    fields: String,
    message: String,
}

/// What the files of a folder log. The tools, whose users read along, say what they say.
fn logged(folder: &Path) -> Vec<Logged> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if !path.ends_with("tools") {
                found.extend(logged(&path));
            }
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (text, _) = text.split_once("mod tests {").unwrap_or((&text, ""));
        for (start, level) in [("tracing::warn!(", "WARN"), ("tracing::error!(", "ERROR")] {
            found.extend(text.split(start).skip(1).map(|call| {
                let mut parts = call.split('"').map(str::to_owned);
                let (fields, message) = (parts.next().unwrap(), parts.next().unwrap());
                let message = message.replace("{}", "…");
                Logged {
                    level,
                    fields,
                    message,
                }
            }));
        }
    }
    // What a constant says stands below the table.
    found.retain(|logged| !logged.message.starts_with('{'));
    found
}

#[test]
fn every_warning_and_error_of_the_log_is_in_the_book_with_its_level_and_fields() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(root.join("docs/operating.md")).unwrap();
    let (_, section) = page.split_once("### What the log says").unwrap();
    let (section, _) = section.split_once("\n#").unwrap();
    let rows = section.lines().filter_map(|line| {
        let mut cells = line.strip_prefix("| `")?.split('|').map(str::trim);
        let message = cells.next()?.trim_matches('`');
        let level = cells.next()?;
        let fields: Vec<_> = cells.next()?.split('`').skip(1).step_by(2).collect();
        Some((message, (level, fields)))
    });
    let mut documented = BTreeMap::new();
    for (message, row) in rows.skip(1) {
        let double = documented.insert(message, row);
        assert_eq!(double, None, "`{message}` is in the book twice");
    }
    let found = logged(&root.join("src"));
    for logged in &found {
        let row = documented.get(logged.message.as_str());
        let (level, fields) = row.unwrap_or_else(|| panic!("{logged:?} is not in the book"));
        assert_eq!(*level, logged.level, "{logged:?}");
        assert_eq!(
            fields.len(),
            logged.fields.matches(',').count(),
            "{logged:?}"
        );
        for field in fields {
            assert!(logged.fields.contains(field), "{logged:?}: {field}");
        }
    }
    let messages: BTreeSet<_> = found.iter().map(|logged| logged.message.as_str()).collect();
    let gone: Vec<_> = (documented.keys())
        .filter(|message| !messages.contains(*message))
        .collect();
    assert!(gone.is_empty(), "nobody logs {gone:?}");
}
