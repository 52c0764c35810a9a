//! What an emulated vendor is to its surroundings: it turns a request into an answer, and knows nothing
//! of sockets, latency or faults.

use std::fmt;

use http::StatusCode;
use serde_json::Value;

use super::list_api::ListApi;
use super::message::{Answer, Request, RequestKind, ok};

/// One vendor's API.
pub(super) trait Vendor: fmt::Debug + Send + Sync {
    /// The path that the vendor's base URL ends in.
    fn context(&self) -> &'static str {
        ""
    }

    /// The variables in which gateway.toml expects this vendor's credentials, and values that the
    /// emulation accepts.
    fn credentials(&self) -> &'static [(&'static str, &'static str)];

    /// A command line that asks for its list, given the base URL.
    fn curl(&self, base_url: &str) -> String;

    /// What its list looks like.
    fn list_api(&self) -> &'static ListApi;

    /// What a request counts as.
    fn kind(&self, request: &Request) -> RequestKind {
        self.list_api().kind(request)
    }

    /// Answers as the vendor would if it had so many groups.
    fn answer(&self, request: &Request, groups: usize) -> Answer;

    /// The JSON of a list answer, whatever format was asked for; `Err` is an answer that is not a
    /// list.
    fn document(&self, request: &Request, groups: usize) -> Result<Value, Box<Answer>> {
        let answer = self.answer(request, groups);
        if !answer.status().is_success() {
            return Err(answer.into());
        }
        serde_json::from_slice(answer.body()).map_err(|_| answer.into())
    }

    /// Writes a list answer in the format that `request` asks for.
    fn write(&self, _request: &Request, document: &Value) -> Answer {
        ok(document)
    }

    /// The vendor's answer to a wrong credential.
    fn refusal(&self, request: &Request) -> Answer;

    /// An error of this status, in the vendor's shape.
    fn failure(&self, request: &Request, status: StatusCode) -> Answer;

    /// Invalidates every token that was issued. Most vendors issue none.
    fn revoke_tokens(&self) {}
}
