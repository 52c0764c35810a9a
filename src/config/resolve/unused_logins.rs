//! Logins that nothing uses.

use std::collections::BTreeSet;

use crate::config::upstream::{Auth, Upstream};
use crate::plan::request::LOGIN;

use super::placeholders::names_in;

impl Upstream {
    /// The logins before another one of which no request has what they return.
    pub fn unused_logins(&self) -> Vec<&str> {
        let Auth::TokenExchange(last) = &self.auth else {
            return Vec::new();
        };
        let steps = last.chain.values().filter_map(|step| {
            let Auth::TokenExchange(step) = step else {
                return None;
            };
            Some(&step.request)
        });
        let related = self.related_requests().into_iter();
        let requests = self.requests().into_iter().map(|(_, request)| request);
        let requests = requests.chain(related.map(|(_, request)| request));
        let common = self.common_request();
        let requests = requests.chain(steps).chain([&last.request, &common]);
        let used: BTreeSet<_> = requests.flat_map(names_in).collect();
        let is_used = |step: &str| {
            let its = format!("{LOGIN}{step}.");
            used.iter().any(|name| name.starts_with(&its))
        };
        let steps = last.chain.keys().map(String::as_str);
        steps.filter(|step| !is_used(step)).collect()
    }
}
