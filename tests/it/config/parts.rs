//! A configuration in parts: one file that includes others.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use groupgate::config::{Environment, Loaded, Report, load, load_text};
use tempfile::TempDir;

/// A block that is right.
fn block(name: &str, more: &str) -> String {
    format!(
        "[upstreams.{name}]\nbase_url = 'https://{name}.example'\nrequest = {{ path = '/' }}\n\
         records = '/'\nfields = {{ id = 'id', name = 'name' }}\n{more}\n"
    )
}

/// A folder with these files.
fn folder(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn load_from(folder: &Path, variables: &[(&str, &str)]) -> Result<Loaded, Report> {
    let variables: Environment = variables.iter().copied().collect();
    load(&folder.join("gateway.toml"), variables)
}

/// What is reported of these files, with the folder's name left out.
fn report(files: &[(&str, &str)]) -> String {
    let folder = folder(files);
    let report = load_from(folder.path(), &[]).unwrap_err();
    let name = format!("{}/", folder.path().display());
    report.to_string().replace(&name, "")
}

#[test]
fn every_team_has_its_own_file_and_variables_reach_into_it() {
    let folder = folder(&[
        (
            "gateway.toml",
            &format!(
                "include = ['*.toml', 'teams/*.toml', 'teams/b.toml']\n{}",
                block("a", "")
            ),
        ),
        ("teams/b.toml", &block("b", "")),
        ("teams/c.toml", &block("c", "ttl = '1s'")),
        ("teams/.hidden.toml", "not = [toml"),
        ("teams/notes.txt", "not TOML"),
    ]);
    let variables = [("GROUPGATE__UPSTREAMS__C__TTL", "9s")];
    let loaded = load_from(folder.path(), &variables).unwrap_or_else(|report| panic!("{report}"));
    let names: Vec<&str> = loaded
        .settings
        .upstreams
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(names, ["a", "b", "c"]);
    assert_eq!(
        loaded.settings.upstreams["c"].ttl.unwrap().to_string(),
        "9s"
    );
    let folders = loaded.fingerprint.places().folders;
    assert!(
        folders.contains(&folder.path().join("teams")),
        "{folders:?}"
    );
}

#[test]
fn an_upstream_that_is_described_twice_is_shown_in_both_places() {
    let (first, second) = (block("a", ""), format!("# ours\n{}", block("a", "")));
    let files = [
        ("gateway.toml", "include = ['teams/*.toml']\n"),
        ("teams/one.toml", &*first),
        ("teams/two.toml", &*second),
    ];
    insta::assert_snapshot!(report(&files));
}

#[test]
fn every_error_names_the_file_that_it_is_in() {
    let wrong = block("b", "ttl = 'soon'\nlimts = { rate = '1/s' }");
    let files = [
        (
            "gateway.toml",
            "include = ['teams/*.toml', 'not-there.toml', 'a[.toml', 'te[ams/*.toml', '']\n[servr]\n",
        ),
        (
            "teams/a.toml",
            "[server]\nadmin_token = 'hunter2'\n[upsteams.x]\n",
        ),
        ("teams/b.toml", &*wrong),
        (
            "teams/c.toml",
            "include = ['d.toml']\nupstreams = 3\nserver = { admin_token = 'hunter2' }\n",
        ),
    ];
    let report = report(&files);
    assert!(!report.contains("hunter2"), "{report}");
    insta::assert_snapshot!(report);
}

#[test]
fn what_is_no_toml_hides_nothing_of_the_other_files() {
    let files = [
        ("gateway.toml", "include = ['teams/*.toml']\n[servr]\n"),
        ("teams/a.toml", "[upstreams.a\n"),
        ("teams/b.toml", "[upstreams.b]\ntoken = 'hunter2\n"),
        ("teams/c.toml", &*block("c", "nam = 1")),
    ];
    let report = report(&files);
    assert!(!report.contains("hunter2"), "{report}");
    insta::assert_snapshot!(report);
}

/// The messages of all problems, each behind its file.
fn told(files: &[(&str, &str)], variables: &[(&str, &str)]) -> Vec<String> {
    let folder = folder(files);
    let report = load_from(folder.path(), variables).unwrap_err();
    let name = format!("{}/", folder.path().display());
    let problems = report.problems();
    let told = problems.map(|problem| format!("{}: {}", problem.file.unwrap(), problem.message));
    told.map(|told| told.replace(&name, "")).collect()
}

#[test]
fn what_may_be_described_in_a_file_that_cannot_be_read_is_not_missed() {
    let main = "include = ['nosuch.toml', 'b.toml']\nserver = { listn = '127.0.0.1:0' }\n\
                callers.required = true\ncallers.keys.x = { sha256 = 'SHA', grants = ['g'] }\n\
                grants.g = { sources = ['b'] }\n";
    let main = main.replace("SHA", &"0".repeat(64));
    let variables = [("GROUPGATE__UPSTREAMS__B__TTL", "9s")];
    for (files, expected) in [
        (
            &[("gateway.toml", &*main), ("b.toml", "[upstreams.b")][..],
            &[
                "gateway.toml: `nosuch.toml` cannot be read: No such file or directory (os error 2)",
                "gateway.toml: unknown key `listn`",
                "b.toml: unclosed table, expected `]`",
            ][..],
        ),
        // Nor is anything said of the rest of the first file itself.
        (
            &[
                ("gateway.toml", &format!("{main}[upstreams.a\n")),
                ("b.toml", "[upstreams.b"),
            ],
            &[
                "gateway.toml: `nosuch.toml` cannot be read: No such file or directory (os error 2)",
                "gateway.toml: unclosed table, expected `]`",
                "b.toml: unclosed table, expected `]`",
            ],
        ),
        // What comes after an error may not be meant.
        (
            &[("gateway.toml", "x = \ninclude = ['nosuch.toml']\n")],
            &["gateway.toml: string values must be quoted, expected literal string"],
        ),
    ] {
        assert_eq!(told(files, &variables), expected);
    }
}

#[test]
fn a_pattern_may_match_nothing_and_a_text_includes_nothing() {
    let folder = folder(&[(
        "gateway.toml",
        &format!("include = ['teams/*.toml']\n{}", block("a", "")),
    )]);
    fs::create_dir(folder.path().join("teams")).unwrap();
    let loaded = load_from(folder.path(), &[]).unwrap_or_else(|report| panic!("{report}"));
    assert_eq!(loaded.settings.upstreams.len(), 1);
    let text = format!("include = ['*.toml']\n{}", block("a", ""));
    let report = load_text("gateway.toml", &text, Environment::default()).unwrap_err();
    let problems: Vec<_> = report.problems().collect();
    assert_eq!(problems.len(), 1);
    assert_eq!(problems[0].line.as_ref().unwrap().number, 1);
}

#[test]
fn a_folder_that_cannot_be_looked_into_is_an_error_and_not_one_without_files() {
    let missing = "the folder `teams` cannot be read: No such file or directory (os error 2)";
    let another = "the folder `teams` cannot be read: Not a directory (os error 20)";
    for (file, pattern, said) in [
        ("other/a.toml", "teams/*.toml", missing),
        ("other/a.toml", "teams/**/*.toml", missing),
        ("teams", "teams/*.toml", another),
    ] {
        let text = format!("\ninclude = ['{pattern}']\n{}", block("a", ""));
        let folder = folder(&[("gateway.toml", &text), (file, "")]);
        let report = load_from(folder.path(), &[]).unwrap_err();
        let problems: Vec<_> = report.problems().collect();
        assert_eq!(problems.len(), 1, "{report}");
        let name = format!("{}/", folder.path().display());
        assert_eq!(problems[0].message.replace(&name, ""), said);
        assert_eq!(problems[0].line.as_ref().unwrap().number, 2);
    }
}

#[test]
fn every_folder_on_the_way_of_a_pattern_is_watched_and_nothing_beside_it() {
    let folder = folder(&[
        ("gateway.toml", ""),
        ("readme", "not a folder"),
        ("teams/a/conf/a.toml", &block("a", "")),
        ("teams/notes", ""),
    ]);
    for (pattern, expected) in [
        ("teams/**/*.toml", &["teams", "teams/a", "teams/a/conf"][..]),
        ("teams/*/conf/*.toml", &["teams", "teams/a", "teams/a/conf"]),
        ("*/a/conf/a.*", &["", "teams", "teams/a", "teams/a/conf"]),
        ("teams/a/*", &["teams/a"]),
    ] {
        let file = folder.path().join("gateway.toml");
        fs::write(
            &file,
            format!("include = ['{pattern}']\n{}", block("b", "")),
        )
        .unwrap();
        let loaded = load_from(folder.path(), &[]).unwrap_or_else(|report| panic!("{report}"));
        let real = |folders: BTreeSet<PathBuf>| -> BTreeSet<_> {
            (folders.iter())
                .map(|folder| folder.canonicalize().unwrap())
                .collect()
        };
        let watched = real(loaded.fingerprint.places().folders);
        // The file itself is in the first.
        let expected = ["", "teams/a/conf"].iter().chain(expected);
        let expected = expected.map(|name| folder.path().join(name));
        let mut expected = real(expected.collect());
        if pattern == "teams/a/*" {
            expected.remove(&folder.path().canonicalize().unwrap().join("teams/a/conf"));
        }
        assert_eq!(watched, expected, "{pattern}");
    }
}

#[test]
fn the_folder_of_every_link_on_the_way_to_a_file_is_watched() {
    let folder = folder(&[("releases/7/gateway.toml", &block("a", ""))]);
    let at = |name: &str| folder.path().join(name);
    fs::create_dir(at("links")).unwrap();
    symlink("../releases/7", at("links/newest")).unwrap();
    symlink(at("links/newest"), at("current")).unwrap();
    let fingerprint = load_from(&at("current"), &[]).unwrap().fingerprint;
    let places = fingerprint.places();
    for link in ["gateway.toml", "current", "newest"] {
        assert!(places.names.contains(OsStr::new(link)), "{places:?}");
    }
    let real: BTreeSet<_> = (places.folders.iter())
        .map(|folder| folder.canonicalize().unwrap())
        .collect();
    let expected = ["", "links", "releases/7"].map(|name| at(name).canonicalize().unwrap());
    assert_eq!(real, BTreeSet::from(expected));
}

#[test]
fn a_fingerprint_tells_whether_any_file_has_changed() {
    let secret = "auth = { type = 'bearer', token = { file = 'TOKEN' } }";
    let folder = folder(&[
        ("gateway.toml", "include = ['*/*.toml']\n"),
        ("token", "s3cr3t"),
    ]);
    let token = folder.path().join("token");
    let text = block("a", &secret.replace("TOKEN", token.to_str().unwrap()));
    let part = folder.path().join("team/a.toml");
    fs::create_dir(part.parent().unwrap()).unwrap();
    fs::write(&part, &text).unwrap();
    let read = || load_from(folder.path(), &[]).unwrap().fingerprint;
    let first = read();
    let is_current =
        || first.is_current(&folder.path().join("gateway.toml"), &Environment::default());
    assert_eq!(read(), first);
    assert!(is_current());
    fs::write(&token, "another").unwrap();
    assert_ne!(read(), first);
    assert!(!is_current());
    fs::write(&token, "s3cr3t").unwrap();
    assert_eq!(read(), first);
    fs::write(&part, format!("# note\n{text}")).unwrap();
    assert_ne!(read(), first);
    assert!(!is_current());
    let folders = first.places().folders;
    assert!(folders.contains(&folder.path().join("team")), "{folders:?}");
    // A team that comes later has a folder of its own.
    assert!(folders.contains(folder.path()), "{folders:?}");
    assert!(!format!("{first:?}").contains("s3cr3t"));
}
