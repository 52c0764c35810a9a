//! Whether an upstream is asked on behalf of each caller, and what that rules out.

use crate::config::Upstream;
use crate::config::upstream::default_scopes;
use crate::plan::{Auth, ForwardedNames, Grant, List, OnBehalf, Refresh, Requests};
use crate::problem::{KeyPath, Problem, Problems};

/// What the upstream in the block at `at` is asked with on behalf of each caller, if it is.
pub(super) fn on_behalf(
    at: &KeyPath,
    upstream: &Upstream,
    (requests, auth): (&[&Requests], &Auth),
    problems: &mut Problems,
) -> Option<OnBehalf> {
    let login = auth.login();
    let logins: Vec<_> = login.iter().flat_map(|login| login.requests()).collect();
    let of_login = logins.iter().flat_map(|request| request.caller_values());
    let of_login: Vec<_> = of_login.collect();
    let exchanges_token = login.is_some_and(|login| matches!(login.grant, Grant::CallerToken(_)));
    let has_own_login = exchanges_token || !of_login.is_empty();
    let in_requests = requests
        .iter()
        .flat_map(|requests| requests.caller_values());
    let values = in_requests.chain(of_login);
    let mut values: Vec<_> = values.cloned().collect();
    values.sort_unstable();
    values.dedup();
    let in_texts = requests.iter();
    let in_texts = in_texts.flat_map(|requests| requests.caller_values_in_texts());
    let in_texts = in_texts.chain(logins.iter().flat_map(|it| it.caller_values_in_texts()));
    let in_headers = requests.iter();
    let in_headers = in_headers.flat_map(|requests| requests.caller_values_in_headers());
    let in_headers = in_headers.chain(logins.iter().flat_map(|it| it.caller_values_in_headers()));
    let headers = match auth {
        Auth::Forward(headers) => headers.clone(),
        Auth::None
        | Auth::Fixed(_)
        | Auth::Token(_)
        | Auth::SigV4(_)
        | Auth::Hmac(_)
        | Auth::MessageSignature(_)
        | Auth::Digest(_) => ForwardedNames::default(),
    };
    if values.is_empty() && headers.is_empty() && !exchanges_token {
        if upstream.scopes.is_some() {
            let message = "all callers share one list: none of them is asked for by itself";
            let help =
                "leave it out, or ask on behalf of each caller, as with `auth.type = \"forward\"`";
            problems.push(Problem::new(at.join("scopes"), message).with_help(help));
        }
        return None;
    }
    check(at, upstream, problems);
    Some(OnBehalf {
        in_texts: in_texts.cloned().collect(),
        in_headers: in_headers.cloned().collect(),
        values,
        headers,
        exchanges_token,
        has_own_login,
        scopes: upstream.scopes.unwrap_or_else(default_scopes),
    })
}

fn check(at: &KeyPath, upstream: &Upstream, problems: &mut Problems) {
    if upstream.scopes == Some(0) {
        problems.push(Problem::new(
            at.join("scopes"),
            "`scopes` must be at least 1",
        ));
    }
    if upstream.list == List::ByQuery {
        let message = "an upstream that is asked on behalf of each caller cannot be asked by query";
        let help = "leave `list` out: the list of each caller is read as a whole";
        problems.push(Problem::new(at.join("list"), message).with_help(help));
    }
    if upstream.refresh == Refresh::Background {
        let message = "the lists of callers are read only when they ask";
        let help = "leave `refresh` at `\"on_demand\"`";
        problems.push(Problem::new(at.join("refresh"), message).with_help(help));
    }
}
