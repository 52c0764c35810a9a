//! Writes a walk down as a case, with secrets replaced.
//!
//! What is written must bring the same groups when it is walked: the block as it was meant, with
//! its preset and the environment in it; every exchange that was answered; and what came of it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use http::HeaderMap;
use jiff::Timestamp;

use crate::config::Loaded;
use crate::terminal::Failure;
use crate::tools::case::{
    CaseFile, Expectation, ExpectedError, ExpectedRequest, HeaderValues, ORIGIN, RecordedExchange,
    RecordedResponse, essence,
};
use crate::upstream::extensions::Purpose;
use crate::upstream::pager::Position;

use super::sanitize::Sanitizer;
use super::tape::{Heard, Tape, Try};
use super::veil::Veil;
use super::{Outcome, portable};

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

/// Where a case is written to, and when it was recorded.
#[derive(Debug)]
pub(super) struct Recording {
    file: PathBuf,
    name: String,
    now: Timestamp,
}

impl Recording {
    /// The case of an upstream of this name, in a folder that may yet have to be made.
    pub(super) fn new(folder: &Path, name: &str, now: Timestamp) -> Result<Self, Failure> {
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
            // Cases hold whole seconds.
            now: Timestamp::from_second(now.as_second()).unwrap_or(now),
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
        let answered = tries
            .iter()
            .filter_map(|one| Some((one, one.answer.as_ref()?)));
        let count = answered.clone().count();
        if count == 0 {
            return Err(Failure::new(
                "nothing was answered, so there is nothing to record",
            ));
        }
        let upstream = loaded.settings.upstreams.get(&self.name);
        let base = upstream.map(|upstream| upstream.base_url.clone());
        let base = base.ok_or_else(|| Failure::new("there is no such upstream"))?;
        let mut block = loaded.block(&self.name).cloned().unwrap_or_default();
        let mut writer = Writer {
            sanitizer: Sanitizer::new(veil),
            headers: portable::headers(&mut block),
            paths: url_paths(&tries),
            origin: base.origin().ascii_serialization(),
        };
        let variables = portable::variables(loaded, &self.name);
        let case = CaseFile {
            title: format!("a walk of {}, as it was recorded", self.name),
            now: self.now,
            upstream: portable::block(block, &base, &variables),
            environment: variables
                .into_iter()
                .map(|variable| (variable.name, variable.stand_in))
                .collect(),
            exchanges: answered
                .map(|(one, heard)| writer.exchange(one, heard))
                .collect::<Result<_, _>>()?,
            expect: writer.expectation(outcome)?,
            ..CaseFile::default()
        };
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        std::fs::write(&self.file, case.to_string()).map_err(|error| {
            Failure::new(format!(
                "`{}` cannot be written: {error}",
                self.file.display()
            ))
        })?;
        Ok(self.told(&writer.sanitizer.replaced, count, tries.len() - count))
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

/// Turns what went over the wire into what a case says.
struct Writer<'a> {
    sanitizer: Sanitizer<'a>,
    /// The headers of requests that the block itself sets.
    headers: Vec<String>,
    paths: Vec<String>,
    /// The upstream's own.
    origin: String,
}

impl Writer<'_> {
    fn exchange(&mut self, one: &Try, heard: &Heard) -> Result<RecordedExchange, Failure> {
        let is_login = one.purpose == Some(Purpose::Login);
        let target = one.uri.path_and_query();
        let target = target.map_or("/", |target| target.as_str());
        let mut request = ExpectedRequest {
            method: one.method.to_string(),
            target: Some(self.sanitizer.text(target)),
            ..ExpectedRequest::default()
        };
        // What a login carries are secrets.
        if !is_login {
            let sent = one.headers.iter().filter(|(name, value)| {
                !value.is_sensitive() && self.headers.iter().any(|own| own == name.as_str())
            });
            let sent = sent
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect();
            request.headers = self
                .texts(&sent)
                .into_iter()
                .map(|(name, values)| (name, values.join(", ")))
                .collect();
            if !one.body.is_empty() {
                request.body = Some(self.sanitizer.text(utf8(&one.body)?));
            }
        }
        let body = self.own_urls(utf8(&heard.body)?);
        let body = if is_login {
            self.sanitizer.login_answer(&body)
        } else {
            self.sanitizer.text(&body)
        };
        let mut answered = heard.headers.clone();
        for name in FLEETING {
            answered.remove(name);
        }
        let headers = self.texts(&answered);
        let response = RecordedResponse {
            status: heard.status.as_u16(),
            headers: headers
                .into_iter()
                .map(|(name, values)| (name, HeaderValues::from(values)))
                .collect(),
            body,
            ..RecordedResponse::default()
        };
        Ok(RecordedExchange { request, response })
    }

    /// The values of each header, without secrets, and of whichever origin they are served from.
    fn texts(&mut self, headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
        let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for (name, value) in headers {
            if let Ok(value) = value.to_str() {
                let value = value.replace(&self.origin, ORIGIN);
                let values = texts.entry(name.to_string()).or_default();
                values.push(self.sanitizer.text(&value));
            }
        }
        texts
    }

    fn expectation(&mut self, outcome: &Outcome) -> Result<Expectation, Failure> {
        let mut expect = Expectation::default();
        match &outcome.walked {
            Some(Ok(walked)) => {
                let groups: Vec<_> = walked.groups.iter().map(essence).collect();
                let groups = self.sanitizer.text(&serde_json::to_string(&groups)?);
                expect.groups = Some(serde_json::from_str(&groups)?);
                expect.counts = walked.counts.into();
            }
            Some(Err(error)) => {
                expect.error = Some(ExpectedError {
                    kind: error.kind.as_str().to_owned(),
                    detail: self.sanitizer.text(&error.detail),
                    retry_after: None,
                });
            }
            None => expect.groups = Some(Vec::new()),
        }
        Ok(expect)
    }

    /// A body in which the URLs that were followed are of whichever origin it is served from. Those
    /// of single groups stay as they are: they are part of the list.
    fn own_urls(&self, body: &str) -> String {
        let mut body = body.to_owned();
        for path in &self.paths {
            for (origin, path) in [
                (self.origin.clone(), path.clone()),
                (self.origin.replace('/', "\\/"), path.replace('/', "\\/")),
            ] {
                body = with_mark(&body, &origin, &path);
            }
        }
        body
    }
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
        out.push_str(ORIGIN);
        from = at + origin.len();
    }
    out.push_str(&text[from..]);
    out
}

fn utf8(body: &[u8]) -> Result<&str, Failure> {
    str::from_utf8(body)
        .map_err(|_| Failure::new("a body is no UTF-8 text, and cannot be recorded"))
}
