//! Which credentials an upstream is asked with, and who could read them on the way. The plan holds the
//! credentials themselves, and not what they are called.

use url::Url;

use crate::config::resolve::in_requests;
use crate::config::upstream::{Auth, Pagination, Text, TokenExchangeAuth, Upstream};
use crate::plan::{LoginLocation, is_loopback};
use crate::problem::KeyPath;

/// Where credentials are read.
pub(super) fn explain_auth(upstream: &Upstream) -> String {
    match &upstream.auth {
        Auth::None => explain_none(upstream),
        Auth::Bearer(auth) => format!("a token from {}", auth.token),
        Auth::Basic(auth) => format!("a user with the password from {}", auth.password),
        Auth::ApiKey(auth) => format!("a key from {}", auth.key),
        Auth::TokenExchange(auth) => explain_login(auth),
        Auth::Oauth2ClientCredentials(auth) => {
            format!("an OAuth 2.0 client at {}", auth.token_url)
        }
        Auth::Oauth2Password(auth) => format!(
            "the password from {}, for a token at {}",
            auth.password, auth.token_url
        ),
        Auth::Oauth2RefreshToken(auth) => format!(
            "the refresh token from {}, at {}",
            auth.refresh_token, auth.token_url
        ),
        Auth::Oauth2JwtBearer(auth) => format!(
            "a token signed with the key from {}, at {}",
            auth.assertion.private_key, auth.token_url
        ),
        Auth::Forward(auth) => {
            let names = auth.headers.iter().chain(&auth.optional_headers);
            let names: Vec<_> = names.map(String::as_str).collect();
            format!("what each caller sends in {}", names.join(", "))
        }
        Auth::TokenExchangeCaller(auth) => {
            format!("the token of each caller, exchanged at {}", auth.token_url)
        }
        Auth::AwsSigv4(auth) => format!(
            "an AWS signature for {} in {}, key from {}",
            auth.service, auth.region, auth.access_key
        ),
        Auth::HttpMessageSignatures(auth) => {
            format!("an HTTP Message Signature, key from {}", auth.key)
        }
        Auth::Digest(auth) => {
            format!(
                "Digest authentication with the password from {}",
                auth.password
            )
        }
        Auth::Hmac(auth) if auth.header.is_none() => {
            format!("a signature in the query, key from {}", auth.key_id)
        }
        Auth::Hmac(auth) => format!(
            "a signature in `{}`, key from {}",
            auth.header_name, auth.key_id
        ),
    }
}

/// Where a login goes, and what is kept of it.
fn explain_login(auth: &TokenExchangeAuth) -> String {
    let place = match &auth.base_url {
        Some(url) => format!(
            "{}{}",
            url.as_str().trim_end_matches('/'),
            auth.request.path
        ),
        None => auth.request.path.clone(),
    };
    let location = |location: &LoginLocation| match location {
        LoginLocation::Body(path) => path.to_string(),
        LoginLocation::Header { header } => format!("the header {header}"),
        LoginLocation::Cookie { cookie } => format!("the cookie {cookie}"),
    };
    let token = auth
        .token
        .iter()
        .map(|token| format!("token at {}", location(token)));
    let values = auth.values.keys().map(|name| format!("{{login.{name}}}"));
    let cookies = auth.cookies.then(|| "its cookies".to_owned());
    let kept: Vec<_> = token.chain(values).chain(cookies).collect();
    let text = format!("a login at {place}, {}", kept.join(", "));
    if auth.chain.is_empty() {
        return text;
    }
    let names: Vec<_> = auth.chain.keys().map(String::as_str).collect();
    format!("{text}, after {}", names.join(" and "))
}

/// Without `auth`, the requests themselves may carry secrets.
fn explain_none(upstream: &Upstream) -> String {
    let secrets: Vec<_> = in_requests(&KeyPath::default(), upstream)
        .iter()
        .map(|(at, secret)| format!("{secret} in `{at}`"))
        .collect();
    if secrets.is_empty() {
        return "none: it sends no credentials".to_owned();
    }
    format!("none, but requests carry {}", secrets.join(", "))
}

/// What is to be said of what a login returned, where next pages may be asked for without it.
pub(super) fn warn_of_login_in_query(upstream: &Upstream) -> Option<String> {
    if !matches!(
        upstream.pagination,
        Pagination::Link(_) | Pagination::NextUrl(_)
    ) {
        return None;
    }
    let is_login = |text: &Text| matches!(text, Text::Literal(text) if text.contains("{login."));
    let mut query = upstream.request.query.iter();
    let (name, _) = query.find(|(_, values)| values.as_slice().iter().any(is_login))?;
    Some(format!(
        "warning  `request.query.{name}` holds what a login returned, and next pages are asked for by the URL that the \
         upstream writes, which may lack it: send it in a header, if the upstream takes it there"
    ))
}

/// What is to be said of credentials that go out unencrypted.
pub(super) fn warn_of_plain_http(upstream: &Upstream) -> Option<String> {
    let has_credentials = !matches!(upstream.auth, Auth::None)
        || !in_requests(&KeyPath::default(), upstream).is_empty();
    let mut urls = Vec::new();
    if has_credentials {
        urls.push(upstream.base_url.clone());
        let origins = upstream.pagination.origins().iter();
        urls.extend(origins.filter_map(|origin| origin.to_string().parse().ok()));
    }
    urls.extend(upstream.auth.login_urls().into_iter().cloned());
    if upstream.connection.proxy_password.is_some() {
        urls.extend(upstream.connection.proxy.clone());
    }
    let mut hosts: Vec<_> = urls
        .iter()
        .filter(|url| is_readable_on_the_way(url))
        .filter_map(Url::host_str)
        .collect();
    hosts.dedup();
    (!hosts.is_empty()).then(|| {
        format!(
            "warning  credentials go to {} over plain http, where anyone on the way can read them: \
             use https",
            hosts.join(" and ")
        )
    })
}

fn is_readable_on_the_way(url: &Url) -> bool {
    url.scheme() == "http" && !is_loopback(url)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    fn upstream(keys: &str) -> Upstream {
        let toml = format!("records = '/r'\nfields = {{ id = 'id', name = 'n' }}\n{keys}");
        toml::from_str(&toml).unwrap()
    }

    #[rstest]
    #[case::json(
        "request = { path = '/g', method = 'POST', json = { a = { b = { env = 'X' } } } }",
        "request.json.a.b"
    )]
    #[case::header(
        "request = { path = '/g', headers = { x-key = { env = 'X' } } }",
        "request.headers.x-key"
    )]
    #[case::query(
        "request = { path = '/g', query = { sig = { env = 'X' } } }",
        "request.query.sig"
    )]
    #[case::form(
        "request = { path = '/g', method = 'POST', form = { pwd = { env = 'X' } } }",
        "request.form.pwd"
    )]
    #[case::vars(
        "request = { path = '/{org}', vars = { org = { env = 'X' } } }",
        "request.vars.org"
    )]
    fn a_secret_in_a_request_without_auth_is_spoken_of(#[case] keys: &str, #[case] at: &str) {
        let upstream = upstream(&format!("base_url = 'https://a.example'\n{keys}"));
        assert_eq!(
            explain_auth(&upstream),
            format!("none, but requests carry the environment variable `X` in `{at}`")
        );
    }

    #[test]
    fn an_upstream_without_any_secret_sends_no_credentials() {
        let upstream = upstream("base_url = 'http://a.example'\nrequest = { path = '/g' }");
        assert_eq!(explain_auth(&upstream), "none: it sends no credentials");
        assert_eq!(warn_of_plain_http(&upstream), None);
    }

    const BEARER: &str = "auth = { type = 'bearer', token = { env = 'X' } }";
    const HEADER: &str = "request = { path = '/g', headers = { x-key = { env = 'X' } } }";

    #[rstest]
    #[case::bearer("http://a.example", BEARER, Some("a.example"))]
    #[case::an_address("http://10.0.0.7:8080", BEARER, Some("10.0.0.7"))]
    #[case::a_header("http://a.example", HEADER, Some("a.example"))]
    #[case::a_token_url(
        "https://a.example",
        "auth = { type = 'oauth2_client_credentials', token_url = 'http://id.example/t', client_id = 'c', client_secret = { env = 'X' } }",
        Some("id.example")
    )]
    #[case::a_proxy(
        "https://a.example",
        "connection = { proxy = 'http://proxy.example:3128', proxy_username = 'u', proxy_password = { env = 'X' } }",
        Some("proxy.example")
    )]
    #[case::another_origin(
        "https://a.example",
        "pagination = { style = 'link', origins = ['http://b.example'] }\nauth = { type = 'bearer', token = { env = 'X' } }",
        Some("b.example")
    )]
    #[case::tls("https://a.example", BEARER, None)]
    #[case::localhost("http://localhost:8080", BEARER, None)]
    #[case::loopback("http://127.0.0.2", BEARER, None)]
    #[case::loopback_of_ipv6("http://[::1]:80", BEARER, None)]
    fn credentials_over_plain_http_to_another_host_are_warned_of(
        #[case] base_url: &str,
        #[case] keys: &str,
        #[case] host: Option<&str>,
    ) {
        let request = if keys.contains("request") {
            ""
        } else {
            "request = { path = '/g' }\n"
        };
        let upstream = upstream(&format!("base_url = '{base_url}'\n{request}{keys}"));
        let expected = host.map(|host| {
            format!(
                "warning  credentials go to {host} over plain http, where anyone on the way can read \
                 them: use https"
            )
        });
        assert_eq!(warn_of_plain_http(&upstream), expected);
    }

    #[rstest]
    #[case::next_url("next_url', next = '/next", "query = { s = '{login.token}' }", true)]
    #[case::link("link", "query = { s = ['a', '{login.sid}'] }", true)]
    #[case::header("link", "headers = { s = '{login.token}' }", false)]
    #[case::rendered_anew("page", "query = { s = '{login.token}' }", false)]
    fn what_next_pages_may_lack_is_warned_of(
        #[case] style: &str,
        #[case] keys: &str,
        #[case] is_warned: bool,
    ) {
        let upstream = upstream(&format!(
            "base_url = 'https://a.example'\nrequest = {{ path = '/g', {keys} }}\n\
             pagination = {{ style = '{style}' }}\n\
             auth = {{ type = 'token_exchange', token = '/t', request = {{ path = '/l' }} }}"
        ));
        let warning = warn_of_login_in_query(&upstream);
        assert_eq!(warning.is_some(), is_warned, "{warning:?}");
    }
}
