//! A block that works with a recording as with its upstream: without what says where and how fast to
//! send requests, and with secrets from variables that hold stand-ins.

use toml::{Table, Value};
use url::Url;

use crate::config::{Loaded, Secret};
use crate::redact::{identifier, stand_in};
use crate::tools::case::ORIGIN;

/// The tables of a block that describe a request.
const REQUESTS: [&[&str]; 3] = [
    &["request"],
    &["continuation"],
    &["pagination", "total", "request"],
];

/// The table that describes the request of a login.
const LOGIN: &[&str] = &["auth", "request"];

/// A secret of an upstream, and the variable that takes its place in a case.
#[derive(Debug)]
pub(super) struct Variable {
    secret: Secret,
    pub(super) name: String,
    pub(super) stand_in: String,
}

/// The block for an upstream at another origin. The path of `base` goes into its requests.
pub(super) fn block(mut block: Table, base: &Url, variables: &[Variable]) -> Table {
    block.remove("base_url");
    block.remove("preset");
    if let Some(limits) = table_at(&mut block, &["limits"]) {
        limits.remove("rate");
        if limits.is_empty() {
            block.remove("limits");
        }
    }
    let below = base.path().trim_end_matches('/');
    for keys in REQUESTS {
        let path = table_at(&mut block, keys).and_then(|request| request.get_mut("path"));
        if let Some(Value::String(path)) = path {
            path.insert_str(0, below);
        }
    }
    if let Some(auth) = table_at(&mut block, &["auth"]) {
        move_login(auth, below);
        let chain = auth.get_mut("chain").and_then(Value::as_table_mut);
        for (_, step) in chain.into_iter().flatten() {
            step.as_table_mut()
                .into_iter()
                .for_each(|step| move_login(step, below));
        }
    }
    for variable in variables {
        rename(&mut block, &variable.secret, &variable.name);
    }
    block
}

/// Moves a login to the one origin of a recording. `below` is the path of the upstream's `base_url`.
fn move_login(auth: &mut Table, below: &str) {
    let mut is_elsewhere = false;
    for key in ["token_url", "base_url"] {
        if let Some(Value::String(url)) = auth.get_mut(key)
            && let Ok(parsed) = Url::parse(url)
        {
            *url = format!("{ORIGIN}{}", &parsed[url::Position::BeforePath..]);
            is_elsewhere = true;
        }
    }
    let path = table_at(auth, &["request"]).and_then(|request| request.get_mut("path"));
    if let (Some(Value::String(path)), false) = (path, is_elsewhere) {
        path.insert_str(0, below);
    }
}

/// The names of the headers that a block's requests set.
pub(super) fn headers(block: &mut Table) -> Vec<String> {
    let common = block.get("headers").and_then(Value::as_table);
    let common = common.into_iter().flat_map(Table::keys);
    let mut names: Vec<_> = common.map(|name| name.to_ascii_lowercase()).collect();
    for keys in REQUESTS.into_iter().chain([LOGIN]) {
        let request = table_at(block, keys);
        let headers = request.and_then(|request| request.get("headers")?.as_table());
        names.extend(
            headers
                .into_iter()
                .flat_map(Table::keys)
                .map(|name| name.to_ascii_lowercase()),
        );
    }
    names
}

/// Every secret that the block of this name names.
pub(super) fn variables(loaded: &Loaded, name: &str) -> Vec<Variable> {
    use secrecy::ExposeSecret as _;
    let secrets = loaded.secrets();
    let mut variables: Vec<Variable> = Vec::new();
    for secret in loaded.secrets_of(name) {
        let Ok(value) = secrets.read(secret) else {
            continue;
        };
        if variables.iter().any(|known| known.secret == *secret) {
            continue;
        }
        let called = name_of(secret);
        variables.push(Variable {
            secret: secret.clone(),
            name: identifier(&called),
            stand_in: stand_in(value.expose_secret(), &called),
        });
    }
    variables
}

/// The name of a secret: its variable, or its file.
pub(super) fn name_of(secret: &Secret) -> String {
    match secret {
        Secret::Env(name) => name.clone(),
        Secret::File(path) => path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().to_uppercase()),
    }
}

/// Reads a secret from a variable of this name wherever a table names it.
fn rename(table: &mut Table, secret: &Secret, variable: &str) {
    let named = match secret {
        Secret::Env(name) => ("env", name.clone()),
        Secret::File(path) => ("file", path.display().to_string()),
    };
    for (_, value) in table.iter_mut() {
        in_value(value, &named, variable);
    }
}

fn in_value(value: &mut Value, named: &(&str, String), variable: &str) {
    match value {
        Value::Table(table) => {
            let is_it = table.len() == 1
                && table.get(named.0).and_then(Value::as_str) == Some(named.1.as_str());
            if is_it {
                *table = Table::from_iter([("env".to_owned(), variable.into())]);
                return;
            }
            for (_, value) in table.iter_mut() {
                in_value(value, named, variable);
            }
        }
        Value::Array(items) => {
            for item in items {
                in_value(item, named, variable);
            }
        }
        Value::String(_)
        | Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_) => {}
    }
}

fn table_at<'a>(block: &'a mut Table, keys: &[&str]) -> Option<&'a mut Table> {
    keys.iter()
        .try_fold(block, |table, key| table.get_mut(*key)?.as_table_mut())
}
