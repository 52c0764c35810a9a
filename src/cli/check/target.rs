//! Where a request goes.

use crate::config::upstream::Request as WrittenRequest;
use crate::plan::Request;

/// Where a request goes: to a path, or where a record says.
pub(super) fn explain_target(request: &Request, written: &WrittenRequest) -> String {
    let (method, path) = (&request.method, &written.path);
    if request.link.is_some() {
        return format!("{method} {path}");
    }
    let base = request.base_url.as_str().trim_end_matches('/');
    format!("{method} {base}{path}")
}
