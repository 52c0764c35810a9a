//! Samples: recorded responses, and what is given of lists that belong to that of groups.

use std::fs;
use std::path::PathBuf;

use http::HeaderMap;
use url::Url;

use crate::plan::RelatedList;
use crate::terminal::CommandError;

use super::recorded;
pub use super::sample::Sample;
pub(crate) use super::sample_request::SampleRequest;
use super::sample_request::url;

/// Lists of one kind that belong to that of groups: their URLs, each with the files of its pages unless it is to be
/// requested.
#[derive(Debug)]
pub(crate) struct RelatedSample {
    pub(crate) list: RelatedList,
    pub(crate) given: Vec<String>,
}

impl RelatedSample {
    /// Reads each list, or requests it with the headers of the first sample. The longest comes first: it shows most.
    pub(super) async fn samples(
        &self,
        first: Option<&SampleRequest>,
    ) -> Result<Vec<Vec<Sample>>, CommandError> {
        // Each begins with its URL.
        let lists: Vec<_> = self.given.chunk_by(|_, next| !is_url(next)).collect();
        if lists.len() > 1 && !self.list.is_of_people() {
            let list = self.list;
            return Err(CommandError::new(format!(
                "--{list} takes one URL: there is one such list, or they are all alike"
            )));
        }
        let mut all = Vec::new();
        for list in lists {
            all.push(self.list_of(list, first).await?);
        }
        let bytes = |samples: &Vec<Sample>| samples.iter().map(|one| one.body.len()).sum::<usize>();
        all.sort_by_key(|samples| std::cmp::Reverse(bytes(samples)));
        Ok(all)
    }

    async fn list_of(
        &self,
        given: &[String],
        first: Option<&SampleRequest>,
    ) -> Result<Vec<Sample>, CommandError> {
        let option = format!("--{}", self.list);
        let (text, files) = given.split_first().unzip();
        let text = text.map_or("", String::as_str);
        let own = url(&option, text)?;
        let files: Vec<_> = files.into_iter().flatten().map(PathBuf::from).collect();
        let Some(first) = first else {
            if files.is_empty() {
                return Err(CommandError::new(format!(
                    "nothing is requested beside --sample: write the file with the answer behind the URL, \
                     as in {option} URL FILE"
                )));
            }
            return Ok(at(own, HeaderMap::new(), read(&files)?));
        };
        if url("--url", &first.url)?.origin() != own.origin() {
            // Headers hold credentials.
            return Err(CommandError::new(format!(
                "{option} is at another origin than --url, and groupgate asks an upstream at one `base_url` only"
            )));
        }
        let request = SampleRequest {
            url: text.to_owned(),
            headers: first.headers.clone(),
            ..SampleRequest::default()
        };
        if files.is_empty() {
            return Ok(vec![request.send().await?]);
        }
        Ok(at(own, request.sent()?, read(&files)?))
    }
}

/// Whether an argument is a URL and no file, whatever the case of its scheme (RFC 3986, section 3.1). What is meant as
/// one, and is none, may hold a secret too.
fn is_url(argument: &str) -> bool {
    let scheme = argument.split_once(':').map(|(scheme, _)| scheme);
    let is_http = |scheme: &str| {
        ["http", "https"]
            .iter()
            .any(|one| scheme.eq_ignore_ascii_case(one))
    };
    scheme.is_some_and(is_http) || argument.contains("://")
}

/// Samples of which the first came from a URL.
fn at(url: Url, sent: HeaderMap, mut samples: Vec<Sample>) -> Vec<Sample> {
    if let Some(first) = samples.first_mut() {
        first.url = Some(url);
        first.sent = sent;
    }
    samples
}

/// What a body holds at its root, by name only.
pub(super) fn members(sample: &Sample) -> String {
    match serde_json::from_slice(&sample.body) {
        Ok(serde_json::Value::Object(members)) if !members.is_empty() => {
            let names: Vec<_> = members
                .keys()
                .take(12)
                .map(|name| format!("`{name}`"))
                .collect();
            format!("the page has {}", names.join(", "))
        }
        Ok(serde_json::Value::Object(_)) => "the page is an empty object".to_owned(),
        Ok(_) => "the page is one value".to_owned(),
        Err(_) => "its elements hold no records".to_owned(),
    }
}

/// Reads recorded responses, one file each.
pub(crate) fn read(files: &[PathBuf]) -> Result<Vec<Sample>, CommandError> {
    let read = |file: &PathBuf| match fs::read(file) {
        _ if file.to_str().is_some_and(is_url) => Err(CommandError::new(
            "a URL stands where a file with a recorded response belongs: request it with --url",
        )),
        Ok(text) => Ok(recorded::parse(text)),
        Err(error) => Err(CommandError::new(format!(
            "`{}` cannot be read: {error}",
            file.display()
        ))),
    };
    files.iter().map(read).collect()
}
