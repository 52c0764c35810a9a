//! Where the token of a login goes.

use http::header::AUTHORIZATION;

use crate::config::Upstream;
use crate::config::resolve::block::Block;
use crate::config::resolve::placeholders::names_in;
use crate::plan::TokenPlace;
use crate::plan::login::LOGIN_TOKEN;

/// The keys that say where a token goes.
pub(super) struct PlaceKeys<'a> {
    pub(super) header: Option<&'a str>,
    pub(super) scheme: Option<&'a str>,
    pub(super) query: Option<&'a str>,
    pub(super) cookie: Option<&'a str>,
    /// Whether the login returns one.
    pub(super) has_token: bool,
}

/// Where the token goes.
pub(super) fn place(
    keys: &PlaceKeys<'_>,
    upstream: &Upstream,
    block: &mut Block<'_>,
) -> Option<TokenPlace> {
    let named = [
        ("header", keys.header),
        ("query", keys.query),
        ("cookie", keys.cookie),
    ];
    let mut places = named
        .into_iter()
        .filter_map(|(key, place)| Some((key, place?)));
    let place = places.next();
    if let (Some((first, _)), Some((second, _))) = (place, places.next()) {
        let message =
            format!("a token goes to one place, but `{first}` and `{second}` are both set");
        let help = "name one of `header`, `query` and `cookie`; any request can hold `{login.token}` besides";
        block.wrong(second, message, help);
        return None;
    }
    let scheme = keys.scheme;
    let of_the_token = place.map(|(key, _)| key).or(scheme.map(|_| "scheme"));
    if let (Some(key), false) = (of_the_token, keys.has_token) {
        let help = "say with `token` where the response holds it";
        block.wrong(key, "the login returns no token that could go there", help);
        return None;
    }
    let header = |name, block: &mut Block<'_>| {
        let scheme = block.header_text("scheme", scheme.unwrap_or("Bearer"));
        Some(TokenPlace::Header {
            name: name?,
            scheme: scheme?.to_owned(),
        })
    };
    match place {
        Some(("header", name)) => header(block.header_name("header", name), block),
        Some((key, _)) if scheme.is_some() => {
            let message = format!("the token goes to `{key}`, where no word stands before it");
            block.wrong("scheme", message, "leave `scheme` out");
            None
        }
        Some(("query", name)) => Some(TokenPlace::Query(name.to_owned())),
        Some((_, name)) => {
            let is_name = |letter: char| letter.is_ascii_graphic() && !"=;,\"\\".contains(letter);
            if name.is_empty() || !name.chars().all(is_name) {
                let message = format!("`{}` is not a valid cookie name", name.escape_debug());
                block.wrong("cookie", message, "use letters, digits, `-` and `_`");
                return None;
            }
            Some(TokenPlace::Cookie(name.to_owned()))
        }
        None if !keys.has_token => Some(TokenPlace::Requests),
        None if scheme.is_none() && is_in_a_request(LOGIN_TOKEN, upstream) => {
            Some(TokenPlace::Requests)
        }
        None => header(Some(AUTHORIZATION), block),
    }
}

/// Whether a request for groups has a placeholder for what the login returned under this name.
fn is_in_a_request(name: &str, upstream: &Upstream) -> bool {
    let own = upstream.requests().into_iter().map(|(_, request)| request);
    let related = upstream.related_requests().into_iter();
    let common = upstream.common_request();
    let requests = own.chain(related.map(|(_, request)| request));
    let mut names = requests.chain([&common]).flat_map(names_in);
    names.any(|used| used == format!("login.{name}"))
}
