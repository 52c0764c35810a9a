//! Schemes that use what the caller itself sent.

use http::header::{self, HeaderName};

use crate::config::resolve::block::Block;
use crate::config::upstream::ForwardAuth;
use crate::plan::ForwardedNames;
use crate::problem::Problem;

/// What belongs to one connection, to a body or to how an answer is wanted: the gateway's own matter.
const NEVER_FORWARDED: [HeaderName; 18] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::CONNECTION,
    header::CONTENT_ENCODING,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::EXPECT,
    header::HOST,
    header::IF_MATCH,
    header::IF_MODIFIED_SINCE,
    header::IF_NONE_MATCH,
    header::IF_RANGE,
    header::IF_UNMODIFIED_SINCE,
    header::RANGE,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// The headers that are forwarded.
pub(super) fn forwarded(written: &ForwardAuth, block: &mut Block<'_>) -> Option<ForwardedNames> {
    if written.headers.is_empty() {
        let help = "name at least one, as in `headers = [\"authorization\"]`";
        let message = if written.optional_headers.is_empty() {
            "no header is forwarded"
        } else {
            "a caller that sends no header at all would be asked for"
        };
        block.wrong("headers", message, help);
    }
    let required = names(&written.headers, &mut block.table("headers"));
    let optional = names(
        &written.optional_headers,
        &mut block.table("optional_headers"),
    );
    let (required, mut optional) = (required.filter(|names| !names.is_empty())?, optional?);
    optional.retain(|name| !required.contains(name));
    Some(ForwardedNames { required, optional })
}

fn names(written: &[String], list: &mut Block<'_>) -> Option<Vec<HeaderName>> {
    let mut names = Vec::new();
    for (index, name) in written.iter().enumerate() {
        let index = index.to_string();
        let name = list.header_name(&index, name).filter(|name| {
            let is_refused = is_never_forwarded(name);
            if is_refused {
                let message = format!("`{name}` cannot be forwarded");
                let help = "name headers that say who the caller is, such as `authorization`";
                list.push(Problem::new(list.path(&index), message).with_help(help));
            }
            !is_refused
        });
        names.push(name);
    }
    let mut names: Vec<_> = names.into_iter().collect::<Option<_>>()?;
    names.sort_unstable_by(|one: &HeaderName, other| one.as_str().cmp(other.as_str()));
    names.dedup();
    Some(names)
}

/// Of where a request comes from, a caller could say anything: an upstream would believe it of the gateway.
fn is_never_forwarded(name: &HeaderName) -> bool {
    let text = name.as_str();
    NEVER_FORWARDED.contains(name)
        || matches!(
            text,
            "keep-alive" | "traceparent" | "tracestate" | "forwarded" | "x-real-ip" | "x-api-key"
        )
        || text.starts_with("proxy-")
        || text.starts_with("x-forwarded-")
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    fn what_is_a_matter_of_the_gateway_is_never_forwarded(
        #[values(
            "accept",
            "accept-encoding",
            "connection",
            "content-encoding",
            "content-length",
            "content-type",
            "expect",
            "host",
            "if-match",
            "if-modified-since",
            "if-none-match",
            "if-range",
            "if-unmodified-since",
            "range",
            "te",
            "trailer",
            "transfer-encoding",
            "upgrade",
            "keep-alive",
            "traceparent",
            "tracestate",
            "forwarded",
            "x-real-ip",
            "x-api-key",
            "proxy-authorization",
            "proxy-connection",
            "x-forwarded-for",
            "x-forwarded-host"
        )]
        name: &'static str,
    ) {
        assert!(is_never_forwarded(&HeaderName::from_static(name)));
    }

    #[rstest]
    fn what_says_who_asks_may_be_forwarded(
        #[values("authorization", "cookie", "x-tenant", "x-forward-me", "x-real-name")]
        name: &'static str,
    ) {
        assert!(!is_never_forwarded(&HeaderName::from_static(name)));
    }
}
