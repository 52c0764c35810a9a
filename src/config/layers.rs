//! Lays the environment over the file.
//!
//! `GROUPGATE__SERVER__LISTEN` is `server.listen`. Variables reach the keys that groupgate itself
//! names, and upstreams that the file has; never the names inside `query`, `headers`, `json`, `form`
//! and `vars`, which are the upstream's and whose case a variable cannot keep. In the name of an
//! upstream, `_` stands for `-` too.

use std::collections::BTreeMap;

use config::{Config, ConfigError, Map, Source, Value};

use super::Environment;
use super::document::{Document, UPSTREAMS};
use crate::did_you_mean::nearest;
use crate::problem::{KeyPath, Problem};

/// The variable that sets each key that is set by one.
pub(super) type Variables = BTreeMap<KeyPath, String>;

const PREFIX: &str = "GROUPGATE";
const SEPARATOR: &str = "__";

/// The file with the environment over it.
pub(super) struct Layers {
    /// What they say together.
    pub(super) tree: toml::Value,
    /// The keys that variables set.
    pub(super) variables: Variables,
    /// Variables that set nothing, and keys that no layer has.
    pub(super) problems: Vec<Problem>,
}

/// The name of the variable that sets a key.
pub(super) fn variable(at: &KeyPath) -> String {
    [PREFIX.to_owned()]
        .into_iter()
        .chain(
            at.keys()
                .iter()
                .map(|key| variable_name(key).to_uppercase()),
        )
        .collect::<Vec<_>>()
        .join(SEPARATOR)
}

/// A key as a variable writes it: shells allow no `-` there.
pub(super) fn variable_name(key: &str) -> String {
    key.replace('-', "_")
}

/// Lays the variables that start with `GROUPGATE__` over the file.
pub(super) fn lay(document: &Document, environment: &Environment) -> Result<Layers, ConfigError> {
    let mut variables = Variables::new();
    let mut accepted = Map::new();
    let mut problems = Vec::new();
    let named = environment
        .iter()
        .filter_map(|(name, value)| Some((key_path(name, document)?, (name, value))));
    // An upstream that is not known may be described where nothing could be read.
    let named: BTreeMap<KeyPath, (&str, &str)> = named
        .filter(|(at, _)| !document.lacks_upstreams() || !is_of_unknown(at, document))
        .collect();
    for (at, (name, value)) in &named {
        let is_table = named.keys().any(|other| other != at && other.is_within(at));
        if let Some(problem) = refusal(at, is_table, document) {
            problems.push(problem.from_variable(*name));
            continue;
        }
        // `config` takes the keys from the name.
        let keys = [PREFIX]
            .into_iter()
            .chain(at.keys().iter().map(String::as_str));
        let keys: Vec<_> = keys.collect();
        accepted.insert(keys.join(SEPARATOR), (*value).to_owned());
        variables.insert(at.clone(), (*name).to_owned());
    }
    let mut file = document.layer.clone();
    // `config` would take a quoted key such as "server.listen" for a path.
    for (key, _) in file.extract_if(|key, _| key.contains(['.', '['])) {
        let message = format!("unknown key `{key}`");
        problems.push(Problem::new(KeyPath::new([key]), message));
    }
    let merged = Config::builder()
        .add_source(FileLayer(file))
        .add_source(
            config::Environment::with_prefix(PREFIX)
                .separator(SEPARATOR)
                .source(Some(accepted)),
        )
        .build()?;
    Ok(Layers {
        tree: merged.try_deserialize()?,
        variables,
        problems,
    })
}

/// The key that a variable of ours names.
fn key_path(variable: &str, document: &Document) -> Option<KeyPath> {
    let name = variable.to_ascii_lowercase();
    let mut keys: Vec<&str> = name.strip_prefix("groupgate__")?.split(SEPARATOR).collect();
    if let ["upstreams", upstream, ..] = keys.as_mut_slice()
        && let Some(known) = document
            .upstreams()
            .find(|known| variable_name(known) == *upstream)
    {
        *upstream = known;
    }
    Some(KeyPath::new(keys))
}

/// Why a variable may not set a key. `is_table` says that another variable sets a key in it.
fn refusal(at: &KeyPath, is_table: bool, document: &Document) -> Option<Problem> {
    let keys: Vec<&str> = at.keys().iter().map(String::as_str).collect();
    let refuse = |message: &str| Some(Problem::new(at.clone(), message));
    let names_key = match keys.as_slice() {
        ["upstreams", name, rest @ ..] => {
            !name.is_empty() && rest.iter().all(|key| is_our_name(key))
        }
        keys => keys.iter().all(|key| is_our_name(key)),
    };
    if !names_key {
        return Some(
            Problem::new(at.clone(), "the variable names no key")
                .with_help("a key's variable is `GROUPGATE__SERVER__LISTEN` for `server.listen`"),
        );
    }
    if let ["upstreams", upstream, ..] = keys.as_slice()
        && is_of_unknown(at, document)
    {
        return Some(unknown_upstream(at, upstream, document));
    }
    if let Some(table) = theirs(&keys) {
        return Some(
            Problem::new(
                at.clone(),
                format!("variables do not reach into `{table}`, whose names are the upstream's"),
            )
            .with_help("set it in the file; a secret there is written `{ env = \"NAME\" }`"),
        );
    }
    if std::iter::successors(at.parent(), KeyPath::parent).any(|around| document.is_list(&around)) {
        return refuse("variables do not reach into lists");
    }
    if is_table || document.is_table(at) {
        return refuse("this is a table: a variable sets one key in it");
    }
    None
}

/// Whether a key is one of an upstream that the files do not have.
fn is_of_unknown(at: &KeyPath, document: &Document) -> bool {
    let [upstreams, name, ..] = at.keys() else {
        return false;
    };
    upstreams == UPSTREAMS && !document.upstreams().any(|known| known == name)
}

fn unknown_upstream(at: &KeyPath, name: &str, document: &Document) -> Problem {
    let problem = Problem::new(at.clone(), format!("the file has no upstream `{name}`"));
    match nearest(name, document.upstreams()) {
        Some(nearest) => problem.with_help(format!("did you mean `{nearest}`?")),
        None => problem.with_help("describe it in the file: a variable can only change it"),
    }
}

fn is_our_name(key: &str) -> bool {
    !key.is_empty()
        && key
            .bytes()
            .all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'))
}

/// The table around or at a key whose names are the upstream's own.
fn theirs<'a>(keys: &[&'a str]) -> Option<&'a str> {
    if let ["upstreams", _, "fields", .., table @ "values", _]
    | ["upstreams", _, table @ "headers", _] = keys
    {
        return Some(table);
    }
    if let [
        "upstreams",
        _,
        "auth",
        ..,
        table @ ("parameters" | "claims"),
        _,
    ] = keys
    {
        return Some(table);
    }
    keys.windows(2).find_map(|pair| match pair {
        [
            "request" | "continuation",
            table @ ("query" | "headers" | "json" | "form" | "vars"),
        ] => Some(*table),
        _ => None,
    })
}

/// The file as a layer.
#[derive(Debug, Clone)]
struct FileLayer(Map<String, Value>);

impl Source for FileLayer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        Ok(self.0.clone())
    }
}
