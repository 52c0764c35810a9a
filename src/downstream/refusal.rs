//! What an address does not take: parameters, or being asked at all.

use axum::Router;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use http::Uri;
use percent_encoding::percent_decode_str;

use super::problem::{Kind, Problem};

/// Refuses a request that has parameters, for an address that takes none: a typo in the path of
/// `/groups?…` must not silently answer something else.
pub(crate) async fn parameters(request: Request, next: Next) -> Response {
    match first_parameter(request.uri()) {
        None => next.run(request).await,
        Some(name) => {
            let detail = format!("there is no parameter `{name}`: this address takes none");
            Problem::new(Kind::InvalidParameter, detail)
                .with_parameter(name)
                .into_response()
        }
    }
}

fn first_parameter(uri: &Uri) -> Option<String> {
    let pair = uri.query()?.split('&').find(|pair| !pair.is_empty())?;
    let (name, _) = pair.split_once('=').unwrap_or((pair, ""));
    Some(percent_decode_str(name).decode_utf8_lossy().into_owned())
}

/// Answers every other address with the ones that there are.
pub(crate) fn elsewhere(routes: Router, there: &'static str) -> Router {
    routes.fallback(async move |uri: Uri| {
        let detail = format!("there is nothing at `{}`: there are {there}", uri.path());
        Problem::new(Kind::NotFound, detail)
    })
}

#[cfg(test)]
mod tests {
    use axum::middleware::from_fn;
    use axum::routing::get;
    use http::StatusCode;
    use rstest::rstest;

    use super::super::testing::ask;
    use super::*;

    #[rstest]
    #[case("/", StatusCode::OK)]
    #[case("/?", StatusCode::OK)]
    #[case("/?&", StatusCode::OK)]
    #[case("/?x", StatusCode::BAD_REQUEST)]
    #[case("/?&x=1", StatusCode::BAD_REQUEST)]
    #[case("/?%ff=1", StatusCode::BAD_REQUEST)]
    #[tokio::test]
    async fn an_address_without_parameters_takes_none(
        #[case] uri: &str,
        #[case] expected: StatusCode,
    ) {
        let route = get(async || "here").layer(from_fn(parameters));
        let response = ask(Router::new().route("/", route), uri).await;
        assert_eq!(response.status(), expected);
    }
}
