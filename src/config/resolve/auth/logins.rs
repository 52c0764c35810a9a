//! Logins of the upstream's own: what is kept of their answers, where it goes, and which come first.

use std::collections::{BTreeMap, BTreeSet};

use http::header::HeaderValue;

use crate::config::Upstream;
use crate::config::resolve::answers;
use crate::config::resolve::block::Block;
use crate::config::resolve::login_names;
use crate::config::resolve::paths::from_root;
use crate::config::resolve::placeholders::names_in;
use crate::config::resolve::request::resolve_unpaged;
use crate::config::upstream::{Auth as WrittenAuth, TokenExchangeAuth};
use crate::plan::login::{LOGIN_COOKIES, LOGIN_TOKEN};
use crate::plan::{
    ClassifyRules, EarlierLogin, Expiry, Grant, Login, LoginExchange, LoginLocation, TokenAuth,
};
use crate::problem::Problem;

use super::oauth2;
use super::token_place::{PlaceKeys, place};

/// How many logins may run one after another.
const MOST_IN_A_ROW: usize = 4;

/// Decides a login of the upstream's own, and those before it.
pub(super) fn token_exchange(
    written: &TokenExchangeAuth,
    upstream: &Upstream,
    block: &mut Block<'_>,
) -> Option<TokenAuth> {
    let keys = PlaceKeys {
        header: written.header.as_deref(),
        scheme: written.scheme.as_deref(),
        query: written.query.as_deref(),
        cookie: written.cookie.as_deref(),
        has_token: written.token.is_some(),
    };
    let place = place(&keys, upstream, block);
    let returns_nothing = written.token.is_none() && written.values.is_empty() && !written.cookies;
    if returns_nothing {
        let problem = Problem::new(block.own_path(), "a login has to return something");
        block.push(problem.with_help("say with `token`, `values` or `cookies` what is kept of it"));
    }
    let chain = chain(written, upstream, block);
    let known = login_names::of_chain(&written.chain);
    let exchange = exchange(written, upstream, &known, block);
    let rules = answers::login_rules(written, upstream, &block.own_path(), block.problems());
    Some(TokenAuth {
        place: place?,
        sends_cookies: written.cookies,
        login: Login {
            chain: chain?,
            grant: Grant::Exchange(Box::new(exchange?)),
            rules,
        },
    })
}

/// The request of a login, which may have placeholders of these names, and what is kept of its answer.
fn exchange(
    written: &TokenExchangeAuth,
    upstream: &Upstream,
    known: &[String],
    block: &mut Block<'_>,
) -> Option<LoginExchange> {
    if let Some(url) = &written.base_url {
        let at = block.path("base_url");
        super::check_base_url(&at, url, block.problems());
    }
    if let Some(token) = &written.token {
        check_location("token", token, block);
    }
    match &written.expires {
        Some(Expiry::At(location, _)) => check_location("expires", location, block),
        Some(Expiry::Jwt) if written.token.is_none() => block.wrong(
            "expires",
            "there is no `token` whose `exp` could be read",
            "set `token`, or say where else the login says when it ends, as in `\"/expires_in\"`",
        ),
        Some(Expiry::Jwt | Expiry::After(_)) | None => {}
    }
    let values = &mut block.table("values");
    for (name, location) in &written.values {
        check_value_name(name, values);
        check_location(name, location, values);
    }
    let accept = answers::login_format(written).accept();
    let base_url = written.base_url.as_ref().unwrap_or(&upstream.base_url);
    let request = &mut block.table("request");
    let request = resolve_unpaged(base_url, &written.request, accept, known, request)?;
    let values = written.values.iter();
    Some(LoginExchange {
        request,
        token: written.token.clone(),
        values: (values.map(|(name, location)| (name.clone(), location.clone()))).collect(),
        needs_cookies: written.cookies || (written.token.is_none() && written.values.is_empty()),
        expires: written.expires.clone(),
    })
}

/// The logins before another one, each after those that it uses.
fn chain(
    written: &TokenExchangeAuth,
    upstream: &Upstream,
    block: &mut Block<'_>,
) -> Option<Vec<EarlierLogin>> {
    let uses: BTreeMap<&str, BTreeSet<&str>> = (written.chain.iter())
        .map(|(name, step)| (name.as_str(), steps_used(step, &written.chain)))
        .collect();
    let known = login_names::of_chain(&written.chain);
    let chain = &mut block.table("chain");
    let mut order = Vec::new();
    // All of them are looked at, so that all problems are told.
    let mut is_ordered = true;
    for name in written.chain.keys() {
        let row = place_after_used(name, &uses, &mut Vec::new(), &mut order, chain);
        is_ordered &= row.is_some();
    }
    let steps: Vec<Option<EarlierLogin>> = (order.into_iter())
        .filter_map(|(name, _)| Some((name, written.chain.get(name)?)))
        .map(|(name, step)| {
            check_value_name(name, chain);
            let (grant, rules) = earlier(step, upstream, &known, &mut chain.table(name))?;
            let uses = uses.get(name).into_iter().flatten();
            Some(EarlierLogin {
                name: name.to_owned(),
                uses: uses.map(|used| (*used).to_owned()).collect(),
                grant,
                rules,
            })
        })
        .collect();
    let steps: Option<Vec<_>> = steps.into_iter().collect();
    steps.filter(|_| is_ordered)
}

/// The names of the other steps whose values a step has in its request.
fn steps_used<'a>(
    step: &WrittenAuth,
    chain: &'a BTreeMap<String, WrittenAuth>,
) -> BTreeSet<&'a str> {
    let WrittenAuth::TokenExchange(exchange) = step else {
        return BTreeSet::new();
    };
    let names = names_in(&exchange.request);
    let used = names.iter().filter_map(|name| {
        let (step, _) = name.strip_prefix("login.")?.split_once('.')?;
        Some(chain.get_key_value(step)?.0.as_str())
    });
    used.collect()
}

/// Puts a login behind those that it uses, and says which it then is in the longest row of logins up to it. `path` are
/// those that use it, in a row. `None` if they cannot be put into an order, which has then become a problem.
fn place_after_used<'a>(
    name: &'a str,
    uses: &BTreeMap<&'a str, BTreeSet<&'a str>>,
    path: &mut Vec<&'a str>,
    order: &mut Vec<(&'a str, usize)>,
    chain: &mut Block<'_>,
) -> Option<usize> {
    if let Some(start) = path.iter().position(|earlier| *earlier == name) {
        let circle: Vec<_> = path[start..]
            .iter()
            .map(|name| format!("`{name}`"))
            .collect();
        let message = match circle.as_slice() {
            [own] => format!("the login {own} uses what it returns itself"),
            several => format!("the logins {} wait for each other", several.join(", ")),
        };
        let at = path[start..].iter().min().copied().unwrap_or(name);
        let help = "let each use only what others return that come before it";
        wrong_once(at, message, help, chain);
        return None;
    }
    let mut placed = order.iter();
    if let Some((_, row)) = placed.find(|(placed, _)| *placed == name) {
        return Some(*row);
    }
    path.push(name);
    let mut before = Some(0);
    for earlier in uses.get(name).into_iter().flatten() {
        let row = place_after_used(earlier, uses, path, order, chain);
        before = before.zip(row).map(|(most, row)| most.max(row));
    }
    path.pop();
    let row = before? + 1;
    // The login that they are all for is one more.
    if row + 1 > MOST_IN_A_ROW {
        let message = format!("more than {MOST_IN_A_ROW} logins would run one after another");
        wrong_once(name, message, "let fewer of them use each other", chain);
        return None;
    }
    order.push((name, row));
    Some(row)
}

/// Tells what is wrong with a login that may be met once for each that uses it.
fn wrong_once(name: &str, message: String, help: &'static str, chain: &mut Block<'_>) {
    let place = chain.path(name);
    if !chain.problems().has_at(&place) {
        chain.wrong(name, message, help);
    }
}

/// A login that comes before another one.
fn earlier(
    step: &WrittenAuth,
    upstream: &Upstream,
    known: &[String],
    block: &mut Block<'_>,
) -> Option<(Grant, ClassifyRules)> {
    match step {
        WrittenAuth::TokenExchange(exchange) => {
            let of_the_last = [
                ("header", exchange.header.is_some()),
                ("scheme", exchange.scheme.is_some()),
                ("query", exchange.query.is_some()),
                ("cookie", exchange.cookie.is_some()),
                ("cookies", exchange.cookies),
                ("chain", !exchange.chain.is_empty()),
            ];
            refuse_of_the_last(of_the_last, block);
            let rules =
                answers::login_rules(exchange, upstream, &block.own_path(), block.problems());
            let exchange = self::exchange(exchange, upstream, known, block)?;
            Some((Grant::Exchange(Box::new(exchange)), rules))
        }
        WrittenAuth::Oauth2ClientCredentials(_)
        | WrittenAuth::Oauth2Password(_)
        | WrittenAuth::Oauth2RefreshToken(_)
        | WrittenAuth::Oauth2JwtBearer(_) => {
            let keys = step.oauth2_client()?;
            let of_the_last = [
                ("header", keys.header.is_some()),
                ("scheme", keys.scheme.is_some()),
                ("query", keys.query.is_some()),
                ("cookie", keys.cookie.is_some()),
            ];
            refuse_of_the_last(of_the_last, block);
            let grant = oauth2::grant(step, block)?;
            let rules = oauth2::rules(&grant);
            Some((grant, rules))
        }
        WrittenAuth::None
        | WrittenAuth::Bearer(_)
        | WrittenAuth::Basic(_)
        | WrittenAuth::ApiKey(_)
        | WrittenAuth::Forward(_)
        | WrittenAuth::TokenExchangeCaller(_)
        | WrittenAuth::AwsSigv4(_)
        | WrittenAuth::Hmac(_)
        | WrittenAuth::HttpMessageSignatures(_)
        | WrittenAuth::Digest(_) => {
            let help = "use `token_exchange` or a grant of OAuth 2.0; credentials that no login returns go straight \
                        into a request";
            block.wrong(WrittenAuth::TAG, "this is no login of its own", help);
            None
        }
    }
}

/// Refuses keys that say where the last login's token goes.
fn refuse_of_the_last<const N: usize>(keys: [(&str, bool); N], block: &mut Block<'_>) {
    for (key, _) in keys.into_iter().filter(|(_, is_set)| *is_set) {
        let message =
            "what an earlier login returns goes only where a request has a placeholder for it";
        let help = "leave it out, and write `{login.NAME.token}` or `{login.NAME.cookies}` into the request of a \
                    later login";
        block.wrong(key, message, help);
    }
}

fn check_location(key: &str, location: &LoginLocation, block: &mut Block<'_>) {
    match location {
        LoginLocation::Body(path) => {
            let at = block.path(key);
            from_root(
                &at,
                path,
                "a login's answer has no records",
                block.problems(),
            );
        }
        LoginLocation::Header { header } => {
            block.table(key).header_name("header", header);
        }
        LoginLocation::Cookie { cookie } => {
            if HeaderValue::from_str(cookie).is_err() || cookie.is_empty() {
                let message = format!("`{}` is not a valid cookie name", cookie.escape_debug());
                let help = "write the name that the response's `Set-Cookie` has";
                block.table(key).wrong("cookie", message, help);
            }
        }
    }
}

/// A name that placeholders have.
fn check_value_name(name: &str, block: &mut Block<'_>) {
    let is_letter = |byte: u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_');
    if name.is_empty() || !name.bytes().all(is_letter) {
        let message = format!("`{name}` is not a valid placeholder name");
        block.wrong(name, message, "use `a` to `z`, `0` to `9` and `_`");
    } else if [LOGIN_TOKEN, LOGIN_COOKIES].contains(&name) {
        let message = format!("`{name}` is what every login may return, so it cannot be a name");
        block.wrong(name, message, "give it another name");
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::auth_in;

    #[test]
    fn each_problem_of_a_login_is_told_at_its_key() {
        let login = "type = 'token_exchange'\nrequest = { path = '/login' }\n";
        let step = |name: &str, used: &str| {
            format!(
                "[auth.chain.{name}]\ntype = 'token_exchange'\ntoken = '/t'\nrequest = {{ path = '/{{login.{used}}}' }}\n"
            )
        };
        let blocks = [
            String::new(),
            "token = '/t'\nheader = 'x'\ncookie = 'y'".to_owned(),
            "token = '/t'\nquery = 'x'\nscheme = 'Bearer'".to_owned(),
            "token = '/t'\ncookie = 'a b'".to_owned(),
            "cookies = true\nquery = 'x'".to_owned(),
            "token = 't'\nexpires = { header = 'no header' }\nvalues = { Token = '/a', token = '/b', c = { cookie = '' } }".to_owned(),
            "token = '/t'\nbase_url = 'https://a:b@example.com'".to_owned(),
            format!("token = '/t'\n{}{}", step("a", "b.token"), step("b", "a.token")),
            format!("token = '/t'\n{}", step("a", "a.token")),
            format!("token = '/t'\n{}", step("a", "b.token")),
            format!("token = '/t'\n{}{}{}{}", step("a", "b.token"), step("b", "c.token"), step("c", "d.token"), step("d", "x").replace("{login.x}", "d")),
            format!("token = '/t'\n{}{}{}{}", step("a", "x").replace("{login.x}", "a"), step("b", "a.token"), step("c", "b.token"), step("d", "c.token")),
            "cookies = true\nexpires = 'jwt'".to_owned(),
            "token = '/t'\n[auth.chain.a]\ntype = 'bearer'\ntoken = { env = 'KEY' }".to_owned(),
            format!("token = '/t'\n{}header = 'x'\ncookies = true\n", step("a", "x").replace("{login.x}", "a")),
        ];
        let told: Vec<_> = (blocks.iter())
            .map(|block| match auth_in(&format!("{login}{block}")) {
                Ok(_) => "nothing".to_owned(),
                Err(problems) => problems.join("\n"),
            })
            .collect();
        insta::assert_snapshot!(told.join("\n--\n"));
    }
}
