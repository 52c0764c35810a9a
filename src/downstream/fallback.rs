//! What an address does not take: parameters, a method, or being asked at all.

use http::header::ALLOW;
use http::{HeaderValue, Method, Uri};
use percent_encoding::percent_decode_str;

use super::problem::{Kind, ProblemDetails};
use super::response::Response;

/// The methods of what can only be read.
pub(crate) const READ: &[Method] = &[Method::GET, Method::HEAD];

/// Refuses a request that has parameters, for an address that takes none: a typo in the path of
/// `/groups?…` must not silently answer something else.
pub(crate) fn no_parameters(uri: &Uri) -> Result<(), ProblemDetails> {
    let Some(name) = first_parameter(uri) else {
        return Ok(());
    };
    let detail = format!("unknown parameter `{name}`; this path takes no parameters");
    Err(ProblemDetails::new(Kind::InvalidParameter, detail).with_parameter(name))
}

fn first_parameter(uri: &Uri) -> Option<String> {
    let pair = uri.query()?.split('&').find(|pair| !pair.is_empty())?;
    let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
    Some(percent_decode_str(name).decode_utf8_lossy().into_owned())
}

/// Refuses a method that an address does not take.
pub(crate) fn method_not_allowed(method: &Method, allowed: &[Method]) -> Response {
    let names: Vec<_> = allowed.iter().map(Method::as_str).collect();
    let detail = format!(
        "method `{method}` is not allowed; use {}",
        names.join(" or ")
    );
    let mut response = Response::from(ProblemDetails::new(Kind::MethodNotAllowed, detail));
    // Names of methods always make a header value.
    if let Ok(value) = HeaderValue::try_from(names.join(",")) {
        response.headers_mut().insert(ALLOW, value);
    }
    response
}

/// Answers every other address with the `paths` that there are.
pub(crate) fn not_found(path: &str, paths: &str) -> ProblemDetails {
    let detail = format!("no such path: `{path}`; available are {paths}");
    ProblemDetails::new(Kind::NotFound, detail)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case("/", None)]
    #[case("/?", None)]
    #[case("/?&", None)]
    #[case("/?x", Some("x"))]
    #[case("/?&x=1", Some("x"))]
    #[case("/?%ff=1", Some("\u{fffd}"))]
    fn an_address_without_parameters_takes_none(#[case] uri: &str, #[case] named: Option<&str>) {
        let uri = uri.parse().unwrap();
        assert_eq!(first_parameter(&uri).as_deref(), named);
        assert_eq!(no_parameters(&uri).is_err(), named.is_some());
    }
}
