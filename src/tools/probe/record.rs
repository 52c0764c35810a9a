//! Writes a walk down as a case, with secrets replaced.
//!
//! What is written must bring the same groups when it is walked: the block as it was meant, with
//! its preset and the environment in it; every exchange that was answered; and what came of it.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use serde_json::Value as Json;
use toml::{Table, Value};
use toml_edit::Key;
use url::Url;

use crate::config::mask::names_secret;
use crate::config::{Loaded, Secret};
use crate::terminal::Failure;
use crate::upstream::extensions::Purpose;
use crate::upstream::pager::Position;

use super::case::{ORIGIN_MARK, brief};
use super::tape::{Heard, Tape, Try};
use super::toml_text::{long, quoted, toml_of};
use super::veil::{Veil, stand_in};
use super::{Outcome, called};

/// Headers of an answer that are about the connection, the moment or a session, and not about the
/// list.
const FLEETING: [&str; 8] = [
    "connection",
    "content-encoding",
    "content-length",
    "date",
    "keep-alive",
    "server",
    "set-cookie",
    "transfer-encoding",
];

/// Where a case is written to.
#[derive(Debug)]
pub(super) struct Recording {
    file: PathBuf,
    name: String,
}

impl Recording {
    /// The case of an upstream of this name, in a folder that may yet have to be made.
    pub(super) fn new(folder: &Path, name: &str) -> Result<Self, Failure> {
        let file = folder.join(format!("{name}.toml"));
        if file.exists() {
            return Err(Failure::new(format!(
                "`{}` is there already: name another folder, or move it away",
                file.display()
            )));
        }
        Ok(Self {
            file,
            name: name.to_owned(),
        })
    }

    /// Writes the case, and says what was replaced in it.
    pub(super) fn write(
        &self,
        loaded: &Loaded,
        veil: &Veil,
        tape: &Tape,
        outcome: &Outcome,
    ) -> Result<String, Failure> {
        let tries = tape.all();
        let (answered, unanswered): (Vec<_>, Vec<_>) =
            tries.iter().partition(|one| one.answer.is_some());
        if answered.is_empty() {
            return Err(Failure::new(
                "nothing was answered, so there is nothing to record",
            ));
        }
        let upstream = loaded.settings.upstreams.get(&self.name);
        let base = upstream.map(|upstream| upstream.base_url.clone());
        let mut writer = Writer {
            veil,
            base: base.ok_or_else(|| Failure::new("there is no such upstream"))?,
            headers: Vec::new(),
            paths: url_paths(&tries),
            found: BTreeMap::new(),
        };
        let block = loaded.block(&self.name).cloned().unwrap_or_default();
        let text = writer.case(&self.name, loaded, block, &answered, outcome)?;
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.file, text).map_err(|error| {
            Failure::new(format!(
                "`{}` cannot be written: {error}",
                self.file.display()
            ))
        })?;
        Ok(self.told(&writer.found, answered.len(), unanswered.len()))
    }

    fn told(&self, found: &BTreeMap<String, usize>, answered: usize, unanswered: usize) -> String {
        let file = self.file.display();
        let mut text = format!("\nrecorded {answered} exchanges in {file}\n");
        if unanswered > 0 {
            text.push_str(&format!(
                "  {unanswered} tries that got no answer are left out\n"
            ));
        }
        if found.is_empty() {
            text.push_str("  no secret stood in them\n");
        }
        for (stand_in, count) in found {
            let plural = if *count == 1 { "" } else { "s" };
            text.push_str(&format!(
                "  {stand_in} stands for a secret in {count} place{plural}\n"
            ));
        }
        text.push_str(
            "  headers with credentials or signatures are left out; everything else, personal \
             data too,\n  is written as it came: look through it before you pass it on\n",
        );
        text
    }
}

/// The paths of the URLs that the upstream named, of which the origin has to be its own again.
fn url_paths(tries: &[Try]) -> Vec<String> {
    let mut paths: Vec<_> = tries
        .iter()
        .filter_map(|one| match &one.purpose {
            Some(Purpose::Page(Position::Url(url))) => Some(url.path().to_owned()),
            Some(Purpose::Login | Purpose::Count | Purpose::Page(_)) | None => None,
        })
        .collect();
    paths.sort();
    paths.dedup();
    paths
}

struct Writer<'a> {
    veil: &'a Veil,
    base: Url,
    /// The headers of requests that the block itself sets.
    headers: Vec<String>,
    paths: Vec<String>,
    /// What was replaced, and how often.
    found: BTreeMap<String, usize>,
}

impl Writer<'_> {
    fn case(
        &mut self,
        name: &str,
        loaded: &Loaded,
        mut block: Table,
        tries: &[&Try],
        outcome: &Outcome,
    ) -> Result<String, Failure> {
        let environment = environment(loaded, name);
        self.portable(&mut block, &environment);
        let mut text = format!("title = \"a walk of {name}, as it was recorded\"\ncovers = []\n");
        if !environment.is_empty() {
            text.push_str("\n[environment]\n");
            for (_, variable, value) in &environment {
                // Writing into a string does not fail.
                let _ = writeln!(text, "{} = {}", Key::new(variable), quoted(value));
            }
        }
        text.push('\n');
        text.push_str(&toml_of(&["upstream"], &block));
        for one in tries {
            if let Some(heard) = &one.answer {
                text.push_str(&self.exchange(one, heard)?);
            }
        }
        text.push_str("\n[expect]\n");
        text.push_str(&self.expectation(outcome));
        Ok(text)
    }

    /// Takes out of a block what is about where and how fast it is asked, and writes into it what
    /// its base URL says.
    fn portable(&mut self, block: &mut Table, environment: &[(Secret, String, String)]) {
        block.remove("base_url");
        block.remove("preset");
        if let Some(limits) = block.get_mut("limits").and_then(Value::as_table_mut) {
            limits.remove("rate");
            if limits.is_empty() {
                block.remove("limits");
            }
        }
        let below = self.base.path().trim_end_matches('/').to_owned();
        for keys in [
            &["request"][..],
            &["continuation"],
            &["auth", "request"],
            &["pagination", "total", "request"],
        ] {
            let Some(request) = table_at(block, keys) else {
                continue;
            };
            if let Some(Value::String(path)) = request.get_mut("path") {
                path.insert_str(0, &below);
            }
            if let Some(headers) = request.get("headers").and_then(Value::as_table) {
                self.headers
                    .extend(headers.keys().map(|name| name.to_ascii_lowercase()));
            }
        }
        if let Some(auth) = table_at(block, &["auth"])
            && let Some(Value::String(url)) = auth.get_mut("token_url")
            && let Ok(token_url) = Url::parse(url)
        {
            *url = format!("{ORIGIN_MARK}{}", &token_url[url::Position::BeforePath..]);
        }
        for (secret, variable, _) in environment {
            rename(block, secret, variable);
        }
    }

    fn exchange(&mut self, one: &Try, heard: &Heard) -> Result<String, Failure> {
        let is_login = one.purpose == Some(Purpose::Login);
        let mut text = String::from("\n[[exchange]]\n[exchange.request]\n");
        let target = one
            .uri
            .path_and_query()
            .map_or("/", |target| target.as_str());
        let target = self.clean(target);
        if one.method != http::Method::GET {
            let _ = writeln!(text, "method = {}", quoted(one.method.as_str()));
        }
        let _ = writeln!(text, "target = {}", quoted(&target));
        let headers: Vec<_> = one
            .headers
            .iter()
            .filter(|(name, value)| {
                !is_login
                    && !value.is_sensitive()
                    && self.headers.iter().any(|own| own == name.as_str())
            })
            .filter_map(|(name, value)| Some((name.to_string(), value.to_str().ok()?.to_owned())))
            .collect();
        text.push_str(&self.header_line(headers));
        if !is_login && !one.body.is_empty() {
            let body = utf8(&one.body)?;
            let _ = writeln!(text, "body = {}", long(&self.clean(body)));
        }
        text.push_str("[exchange.response]\n");
        let _ = writeln!(text, "status = {}", heard.status.as_u16());
        let headers = heard
            .headers
            .iter()
            .filter(|(name, _)| !FLEETING.contains(&name.as_str()))
            .filter_map(|(name, value)| {
                let value = value.to_str().ok()?;
                let origin = self.base.origin().ascii_serialization();
                Some((name.to_string(), value.replace(&origin, ORIGIN_MARK)))
            })
            .collect();
        text.push_str(&self.header_line(headers));
        let body = self.own_urls(utf8(&heard.body)?);
        let mut body = self.clean(&body);
        if is_login {
            body = self.without_tokens(body);
        }
        let _ = writeln!(text, "body = {}", long(&body));
        Ok(text)
    }

    fn header_line(&mut self, headers: Vec<(String, String)>) -> String {
        let mut lists: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            lists.entry(name).or_default().push(self.clean(&value));
        }
        if lists.is_empty() {
            return String::new();
        }
        let lists = lists.into_iter().map(|(name, values)| {
            let values: Vec<_> = values.iter().map(|value| quoted(value)).collect();
            let values = match values.as_slice() {
                [value] => value.clone(),
                _ => format!("[{}]", values.join(", ")),
            };
            format!("{} = {values}", Key::new(name))
        });
        format!("headers = {{ {} }}\n", lists.collect::<Vec<_>>().join(", "))
    }

    fn expectation(&mut self, outcome: &Outcome) -> String {
        let walked = match &outcome.walked {
            Some(Ok(walked)) => walked,
            Some(Err(error)) => {
                let (kind, detail) = (
                    quoted(error.kind.as_str()),
                    quoted(&self.clean(&error.detail)),
                );
                return format!("error = {{ type = {kind}, detail = {detail} }}\n");
            }
            None => return "groups = []\n".to_owned(),
        };
        let groups = walked
            .groups
            .iter()
            .map(|group| format!("  {}", brief(group)));
        let groups = groups.collect::<Vec<_>>().join(",\n");
        let mut text = format!(
            "groups = {}\n",
            long(&self.clean(&format!("[\n{groups}\n]")))
        );
        let counts = &walked.counts;
        let numbers = [
            ("skipped", counts.skipped),
            ("repeated", counts.repeated),
            ("unparsed_timestamps", counts.unparsed_timestamps),
        ];
        let mut said: Vec<_> = numbers
            .into_iter()
            .filter(|(_, count)| *count > 0)
            .map(|(name, count)| format!("{name} = {count}"))
            .collect();
        said.extend(counts.drifted.then(|| "drifted = true".to_owned()));
        if !said.is_empty() {
            let _ = writeln!(text, "counts = {{ {} }}", said.join(", "));
        }
        text
    }

    fn clean(&mut self, text: &str) -> String {
        self.veil.replace(text, &mut self.found).into_owned()
    }

    /// A body in which the URLs that were followed are of whichever origin it is served from. Those
    /// of single groups stay as they are: they are part of the list.
    fn own_urls(&self, body: &str) -> String {
        let origin = self.base.origin().ascii_serialization();
        let mut body = body.to_owned();
        for path in &self.paths {
            for (origin, path) in [
                (origin.clone(), path.clone()),
                (origin.replace('/', "\\/"), path.replace('/', "\\/")),
            ] {
                body = with_mark(&body, &origin, &path);
            }
        }
        body
    }

    /// A login's answer without what else in it may be a secret, by its name or by its looks: the
    /// token too is unknown if the login did not find it.
    fn without_tokens(&mut self, body: String) -> String {
        if looks_like_token(body.trim()) {
            return self.in_place_of(&body, "LOGIN_ANSWER");
        }
        let Ok(mut json) = serde_json::from_str(&body) else {
            return body;
        };
        if self.take_tokens(&mut json) {
            return json.to_string();
        }
        body
    }

    /// What stands in for a secret that nobody knew before it came.
    fn in_place_of(&mut self, secret: &str, name: &str) -> String {
        let stand_in = stand_in(secret, name);
        *self.found.entry(stand_in.clone()).or_default() += 1;
        stand_in
    }

    fn take_tokens(&mut self, json: &mut Json) -> bool {
        let mut has_changed = false;
        match json {
            Json::Object(members) => {
                for (key, value) in members {
                    if let Json::String(text) = value
                        && (names_secret(key) || looks_like_token(text))
                        && !text.starts_with("REMOVED_")
                    {
                        *text = self.in_place_of(text, &key.to_uppercase());
                        has_changed = true;
                    } else {
                        has_changed |= self.take_tokens(value);
                    }
                }
            }
            Json::Array(items) => {
                for item in items {
                    has_changed |= self.take_tokens(item);
                }
            }
            Json::Null | Json::Bool(_) | Json::Number(_) | Json::String(_) => {}
        }
        has_changed
    }
}

/// Whether a text of a login's answer may be a token: long, and of the letters that tokens are made
/// of. Moments and URLs have a colon.
fn looks_like_token(text: &str) -> bool {
    text.len() >= 20
        && !text.starts_with("REMOVED_")
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-_.~+/=".contains(&byte))
}

/// Each secret of an upstream, the variable that it is read from in a case, and what stands in.
fn environment(loaded: &Loaded, name: &str) -> Vec<(Secret, String, String)> {
    use secrecy::ExposeSecret as _;
    let secrets = loaded.secrets();
    let mut environment: Vec<(Secret, String, String)> = Vec::new();
    for secret in loaded.secrets_of(name) {
        let Ok(value) = secrets.read(secret) else {
            continue;
        };
        if environment.iter().any(|(known, ..)| known == secret) {
            continue;
        }
        let called = called(secret);
        let plain = |letter: char| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '_'
            }
        };
        let variable: String = called.chars().map(plain).collect();
        environment.push((
            secret.clone(),
            variable,
            stand_in(value.expose_secret(), &called),
        ));
    }
    environment
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

/// The text with the origin's mark before each `path` that stands behind `origin` and ends there.
fn with_mark(text: &str, origin: &str, path: &str) -> String {
    let url = format!("{origin}{path}");
    let mut out = String::new();
    let mut from = 0;
    for (at, _) in text.match_indices(&url) {
        let goes_on = |next: char| next.is_alphanumeric() || "/-_.~%".contains(next);
        if text[at + url.len()..].starts_with(goes_on) {
            continue;
        }
        out.push_str(&text[from..at]);
        out.push_str(ORIGIN_MARK);
        from = at + origin.len();
    }
    out.push_str(&text[from..]);
    out
}

fn utf8(body: &[u8]) -> Result<&str, Failure> {
    str::from_utf8(body)
        .map_err(|_| Failure::new("a body is no UTF-8 text, and cannot be recorded"))
}
