//! What placeholders call what logins return.

use std::collections::BTreeMap;

use crate::config::upstream::Auth;
use crate::plan::login::{LOGIN_COOKIES, LOGIN_TOKEN};
use crate::plan::request::LOGIN;

/// The names that requests for groups may have under this scheme.
pub(super) fn of(auth: &Auth) -> Vec<String> {
    let own = own(auth).into_iter().map(|name| format!("{LOGIN}{name}"));
    let earlier = match auth {
        Auth::TokenExchange(exchange) => of_chain(&exchange.chain),
        Auth::None
        | Auth::Bearer(_)
        | Auth::Basic(_)
        | Auth::ApiKey(_)
        | Auth::Oauth2ClientCredentials(_)
        | Auth::Oauth2Password(_)
        | Auth::Oauth2RefreshToken(_)
        | Auth::Oauth2JwtBearer(_)
        | Auth::Forward(_)
        | Auth::TokenExchangeCaller(_)
        | Auth::AwsSigv4(_)
        | Auth::Hmac(_)
        | Auth::HttpMessageSignatures(_)
        | Auth::Digest(_) => Vec::new(),
    };
    own.chain(earlier).collect()
}

/// The names that logins may have of each other.
pub(super) fn of_chain(chain: &BTreeMap<String, Auth>) -> Vec<String> {
    let names = chain.iter().flat_map(|(step, auth)| {
        let own = own(auth).into_iter();
        own.map(move |name| format!("{LOGIN}{step}.{name}"))
    });
    names.collect()
}

/// What one login returns.
fn own(auth: &Auth) -> Vec<&str> {
    match auth {
        Auth::TokenExchange(exchange) => {
            let token = exchange.token.as_ref().map(|_| LOGIN_TOKEN);
            let values = exchange.values.keys().map(String::as_str);
            token
                .into_iter()
                .chain([LOGIN_COOKIES])
                .chain(values)
                .collect()
        }
        Auth::Oauth2ClientCredentials(_)
        | Auth::Oauth2Password(_)
        | Auth::Oauth2RefreshToken(_)
        | Auth::Oauth2JwtBearer(_)
        | Auth::TokenExchangeCaller(_) => vec![LOGIN_TOKEN],
        Auth::None
        | Auth::Bearer(_)
        | Auth::Basic(_)
        | Auth::ApiKey(_)
        | Auth::Forward(_)
        | Auth::AwsSigv4(_)
        | Auth::Hmac(_)
        | Auth::HttpMessageSignatures(_)
        | Auth::Digest(_) => Vec::new(),
    }
}
