//! OAuth 2.0: what the client of a token endpoint sends.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::HeaderValue;
use url::form_urlencoded;

use super::assertion::{Signer, assertion};
use super::check_base_url;
use super::token_place::{PlaceKeys, place};
use crate::config::credential_names::names_secret;
use crate::config::resolve::answers;
use crate::config::resolve::block::Block;
use crate::config::secret::{SECRET_HELP, SECRET_LITERAL};
use crate::config::upstream::{
    Auth as WrittenAuth, CallerExchangeAuth, ClientAuth, ClientCredentialsAuth, ClientKeys,
    JwtBearerAuth, PasswordAuth, RefreshTokenAuth, SignedAssertion, Text,
};
use crate::config::{Secret, Upstream};
use crate::plan::auth::credentials;
use crate::plan::{
    ClassifyRules, ClientProof, Grant, Login, Oauth2Client, SecretValue, TokenAuth, TokenRequest,
};

/// What a token request has besides what its client and its grant have for it.
type Parameters = Vec<(String, SecretValue)>;

/// Client credentials (RFC 6749, section 4.4).
fn client_credentials(written: &ClientCredentialsAuth, block: &mut Block<'_>) -> Option<Grant> {
    let own = Vec::from([parameter("grant_type", "client_credentials")]);
    client(&written.client(), Some(own), GrantRequest::Complete, block).map(Grant::Oauth2)
}

/// The password of a user (RFC 6749, section 4.3).
fn password(written: &PasswordAuth, block: &mut Block<'_>) -> Option<Grant> {
    let username = block.text("username", &written.username);
    let password = block.secret("password", &written.password);
    let own = username.zip(password).map(|(username, password)| {
        Vec::from([
            parameter("grant_type", "password"),
            ("username".to_owned(), username),
            ("password".to_owned(), password),
        ])
    });
    client(&written.client(), own, GrantRequest::Complete, block).map(Grant::Oauth2)
}

/// A refresh token (RFC 6749, section 6).
fn refresh_token(written: &RefreshTokenAuth, block: &mut Block<'_>) -> Option<Grant> {
    let own = Vec::from([parameter("grant_type", "refresh_token")]);
    let requested = GrantRequest::Refresh(&written.refresh_token);
    client(&written.client(), Some(own), requested, block).map(Grant::Oauth2)
}

/// A token that is signed here (RFC 7523, section 2.1).
fn jwt_bearer(written: &JwtBearerAuth, block: &mut Block<'_>) -> Option<Grant> {
    let own = Vec::from([parameter(
        "grant_type",
        "urn:ietf:params:oauth:grant-type:jwt-bearer",
    )]);
    let requested = GrantRequest::Signed(&written.assertion);
    client(&written.client(), Some(own), requested, block).map(Grant::Oauth2)
}

/// The exchange of the caller's token (RFC 8693, section 2.1). The token itself comes with each caller.
fn caller_token(written: &CallerExchangeAuth, block: &mut Block<'_>) -> Option<Grant> {
    let own = Vec::from([
        parameter(
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        parameter("subject_token_type", &written.subject_token_type),
    ]);
    client(&written.client(), Some(own), GrantRequest::Complete, block).map(Grant::CallerToken)
}

/// A login that sends nothing but a token request, and where its token goes.
pub(super) fn token_auth(upstream: &Upstream, block: &mut Block<'_>) -> Option<TokenAuth> {
    let keys = upstream.auth.oauth2_client()?;
    let places = PlaceKeys {
        header: keys.header,
        scheme: keys.scheme,
        query: keys.query,
        cookie: keys.cookie,
        has_token: true,
    };
    let place = place(&places, upstream, block);
    let grant = grant(&upstream.auth, block)?;
    Some(TokenAuth {
        place: place?,
        sends_cookies: false,
        login: Login {
            chain: Vec::new(),
            rules: rules(&grant),
            grant,
        },
    })
}

/// What a login at a token endpoint sends; `None` for other logins, too.
pub(super) fn grant(auth: &WrittenAuth, block: &mut Block<'_>) -> Option<Grant> {
    match auth {
        WrittenAuth::Oauth2ClientCredentials(written) => client_credentials(written, block),
        WrittenAuth::Oauth2Password(written) => password(written, block),
        WrittenAuth::Oauth2RefreshToken(written) => refresh_token(written, block),
        WrittenAuth::Oauth2JwtBearer(written) => jwt_bearer(written, block),
        WrittenAuth::TokenExchangeCaller(written) => caller_token(written, block),
        WrittenAuth::None
        | WrittenAuth::Bearer(_)
        | WrittenAuth::Basic(_)
        | WrittenAuth::ApiKey(_)
        | WrittenAuth::TokenExchange(_)
        | WrittenAuth::Forward(_)
        | WrittenAuth::AwsSigv4(_)
        | WrittenAuth::Hmac(_)
        | WrittenAuth::HttpMessageSignatures(_)
        | WrittenAuth::Digest(_) => None,
    }
}

/// What the responses of a token endpoint mean.
pub(super) fn rules(grant: &Grant) -> ClassifyRules {
    match grant {
        Grant::CallerToken(_) => answers::caller_exchange_rules(),
        Grant::Oauth2(_) | Grant::Exchange(_) => answers::token_endpoint_rules(),
    }
}

/// What a token request has that differs from one to the next.
#[derive(Clone, Copy)]
enum GrantRequest<'a> {
    Complete,
    Refresh(&'a Secret),
    Signed(&'a SignedAssertion),
}

fn client(
    keys: &ClientKeys<'_>,
    own: Option<Parameters>,
    requested: GrantRequest<'_>,
    block: &mut Block<'_>,
) -> Option<Oauth2Client> {
    check_base_url(&block.path("token_url"), keys.token_url, block.problems());
    let optional = [
        ("audience", keys.audience),
        ("resource", keys.resource),
        ("scope", keys.scope),
    ];
    let optional = optional.into_iter();
    let optional = optional.filter_map(|(name, value)| Some(parameter(name, value?)));
    let others = parameters(keys, own.as_deref(), block);
    let id = match keys.client_id {
        Some(id) => block.text("client_id", id).map(Some),
        None => Some(None),
    };
    let proof = id.as_ref().and_then(|id| proof(keys, id.as_ref(), block));
    let signer = Signer {
        token_url: keys.token_url.as_str(),
        client_id: id.as_ref().and_then(Option::as_ref),
        is_client: false,
    };
    let request = match requested {
        GrantRequest::Complete => Some(TokenRequest::Complete),
        GrantRequest::Refresh(token) => block
            .secret("refresh_token", token)
            .map(TokenRequest::RefreshToken),
        GrantRequest::Signed(written) => assertion(written, signer, &mut block.table("assertion"))
            .map(|assertion| TokenRequest::Assertion(Box::new(assertion))),
    };
    let Ok(token_url) = keys.token_url.as_str().parse() else {
        block.wrong(
            "token_url",
            "the URL is invalid",
            "write an absolute URL, such as `https://example.com/token`",
        );
        return None;
    };
    let (own, (proof, of_the_client)) = (own?, proof?);
    let all = own
        .into_iter()
        .chain(optional)
        .chain(of_the_client)
        .chain(others?);
    Some(Oauth2Client {
        token_url,
        proof,
        form: form(all),
        request: request?,
    })
}

fn parameter(name: &str, value: &str) -> (String, SecretValue) {
    (name.to_owned(), SecretValue::from(value))
}

fn form(parameters: impl Iterator<Item = (String, SecretValue)>) -> SecretValue {
    let mut form = form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters {
        form.append_pair(&name, value.expose());
    }
    SecretValue::from(form.finish().as_str())
}

/// The parameters of the file's own, beside those that the grant has.
fn parameters(
    keys: &ClientKeys<'_>,
    grant: Option<&[(String, SecretValue)]>,
    block: &mut Block<'_>,
) -> Option<Parameters> {
    const OURS: [&str; 10] = [
        "grant_type",
        "client_id",
        "client_secret",
        "client_assertion",
        "client_assertion_type",
        "assertion",
        "scope",
        "audience",
        "resource",
        "refresh_token",
    ];
    let table = &mut block.table("parameters");
    let is_of_grant = |name: &str| grant.is_some_and(|all| all.iter().any(|(own, _)| own == name));
    let parameters = keys.parameters.iter().map(|(name, text)| {
        // A server may take either of two, and a token of another one would be everybody's.
        if name == "subject_token" && is_of_grant("subject_token_type") {
            table.wrong(
                name,
                "the `subject_token` is each caller's own",
                "leave it out",
            );
            return None;
        }
        if OURS.contains(&name.as_str()) || is_of_grant(name) {
            let message = format!("`{name}` has a key of its own");
            table.wrong(name, message, "write it beside `parameters`");
            return None;
        }
        if matches!(text, Text::Literal(_)) && names_secret(name) {
            table.wrong(name, SECRET_LITERAL, SECRET_HELP);
            return None;
        }
        table.text(name, text).map(|value| (name.clone(), value))
    });
    let parameters: Vec<_> = parameters.collect();
    parameters.into_iter().collect()
}

/// How the client shows who it is, and what of it goes into the form.
fn proof(
    keys: &ClientKeys<'_>,
    id: Option<&SecretValue>,
    block: &mut Block<'_>,
) -> Option<(ClientProof, Parameters)> {
    let secret = match keys.client_secret {
        Some(secret) => Some(block.secret("client_secret", secret)?),
        None => None,
    };
    let of_form = |name: &str, value: &SecretValue| (name.to_owned(), value.clone());
    let in_form = id.iter().map(|id| of_form("client_id", id));
    let way = keys
        .client_auth
        .unwrap_or(match (keys.client_assertion, &secret) {
            (Some(_), _) => ClientAuth::PrivateKeyJwt,
            (None, Some(_)) => ClientAuth::ClientSecretBasic,
            (None, None) => ClientAuth::None,
        });
    if let (ClientAuth::PrivateKeyJwt, None) = (way, keys.client_assertion) {
        let help = "set it, as in `client_assertion = { private_key = { file = \"client.key\" } }`";
        block.wrong(
            "client_assertion",
            "nothing says what the client signs",
            help,
        );
        return None;
    }
    let needs_secret = !matches!(way, ClientAuth::PrivateKeyJwt | ClientAuth::None);
    let needs_assertion = way == ClientAuth::PrivateKeyJwt;
    let unused = [
        ("client_secret", secret.is_some() && !needs_secret),
        (
            "client_assertion",
            keys.client_assertion.is_some() && !needs_assertion,
        ),
    ];
    let unused = unused
        .into_iter()
        .find_map(|(key, is_unused)| is_unused.then_some(key));
    if let Some(key) = unused {
        let message = format!("`{key}` is not used under this `client_auth`");
        block.wrong(key, message, "leave it out, or name another `client_auth`");
        return None;
    }
    if needs_secret && secret.is_none() {
        let help = "set it; or for a public client, `client_auth = \"none\"`";
        block.wrong(
            "client_secret",
            "the client has no secret to authenticate with",
            help,
        );
        return None;
    }
    if way != ClientAuth::None && id.is_none() {
        block.wrong(
            "client_id",
            "the client has no id to authenticate with",
            "set it",
        );
        return None;
    }
    let pair = id.zip(secret.as_ref());
    Some(match way {
        ClientAuth::ClientSecretBasic => {
            let (id, secret) = pair?;
            (
                ClientProof::Header(basic(&encoded(id), &encoded(secret))?),
                Vec::new(),
            )
        }
        ClientAuth::ClientSecretBasicUnencoded => {
            let (id, secret) = pair?;
            (
                ClientProof::Header(basic(id.expose(), secret.expose())?),
                Vec::new(),
            )
        }
        ClientAuth::ClientSecretPost => {
            let secret = secret.iter().map(|secret| of_form("client_secret", secret));
            (ClientProof::Form, in_form.chain(secret).collect())
        }
        ClientAuth::PrivateKeyJwt => {
            let signer = Signer {
                token_url: keys.token_url.as_str(),
                client_id: id,
                is_client: true,
            };
            let table = &mut block.table("client_assertion");
            let assertion = assertion(keys.client_assertion?, signer, table)?;
            (
                ClientProof::Assertion(Box::new(assertion)),
                in_form.collect(),
            )
        }
        ClientAuth::None => (ClientProof::Form, in_form.collect()),
    })
}

/// As a form would write it (RFC 6749, section 2.3.1).
fn encoded(value: &SecretValue) -> String {
    form_urlencoded::byte_serialize(value.expose().as_bytes()).collect()
}

fn basic(id: &str, secret: &str) -> Option<HeaderValue> {
    // Base64 always fits into a header.
    credentials("Basic", &STANDARD.encode(format!("{id}:{secret}"))).ok()
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::tests::auth_in;

    #[test]
    fn each_problem_of_a_client_is_told_at_its_key() {
        let key = "private_key = { env = 'KEY' }";
        let blocks = [
            "type = 'oauth2_client_credentials'\nclient_id = 'a'\nclient_auth = 'client_secret_post'".to_owned(),
            "type = 'oauth2_client_credentials'\nclient_id = 'a'\nclient_secret = { env = 'KEY' }\nclient_auth = 'none'".to_owned(),
            "type = 'oauth2_client_credentials'\nclient_id = 'a'\nclient_auth = 'private_key_jwt'".to_owned(),
            format!("type = 'oauth2_client_credentials'\nclient_id = 'a'\nclient_secret = {{ env = 'KEY' }}\nclient_assertion = {{ {key}, algorithm = 'HS256' }}"),
            format!("type = 'oauth2_client_credentials'\nclient_id = 'a'\nclient_assertion = {{ {key} }}"),
            "type = 'oauth2_client_credentials'\nclient_id = 'a'\nparameters = { scope = 'a', api_token = 'hunter2' }".to_owned(),
            "type = 'oauth2_password'\nusername = 'a'\npassword = { env = 'ABSENT' }\nclient_secret = { env = 'KEY' }".to_owned(),
            "type = 'oauth2_refresh_token'\nrefresh_token = { env = 'ABSENT' }\nheader = 'x'\nquery = 'y'".to_owned(),
            format!("type = 'oauth2_jwt_bearer'\nassertion = {{ {key}, algorithm = 'HS256', claims = {{ exp = 7 }} }}"),
            format!("type = 'oauth2_jwt_bearer'\nassertion = {{ {key}, algorithm = 'HS256', issuer = 'a', certificate = '/nowhere/c.pem' }}"),
            format!("type = 'oauth2_jwt_bearer'\nassertion = {{ {key}, algorithm = 'HS256', issuer = 'a', claims = {{ exp = 7 }} }}"),
        ];
        let told: Vec<_> = (blocks.iter())
            .map(
                |block| match auth_in(&format!("{block}\ntoken_url = 'https://a.example/t'")) {
                    Ok(_) => "nothing".to_owned(),
                    Err(problems) => problems.join("\n"),
                },
            )
            .collect();
        let told = told.join("\n--\n");
        assert!(!told.contains("hunter2"), "{told}");
        insta::assert_snapshot!(told);
    }

    #[rstest]
    #[case::password(
        "type = 'oauth2_password'\nusername = 'a'\npassword = { env = 'KEY' }",
        "password = { env = 'KEY' }",
        "`password` has a key of its own"
    )]
    #[case::username(
        "type = 'oauth2_password'\nusername = 'a'\npassword = { env = 'KEY' }",
        "username = 'b'",
        "`username` has a key of its own"
    )]
    #[case::type_of_a_token(
        "type = 'token_exchange_caller'",
        "subject_token_type = 'a:b'",
        "`subject_token_type` has a key of its own"
    )]
    #[case::token_of_a_caller(
        "type = 'token_exchange_caller'",
        "subject_token = { env = 'KEY' }",
        "the `subject_token` is each caller's own"
    )]
    fn no_parameter_stands_beside_what_the_grant_sends(
        #[case] auth: &str,
        #[case] parameter: &str,
        #[case] expected: &str,
    ) {
        let rest =
            "token_url = 'https://a.example/t'\nclient_id = 'c'\nclient_secret = { env = 'KEY' }";
        assert!(auth_in(&format!("{auth}\n{rest}")).is_ok());
        let problems = auth_in(&format!("{auth}\n{rest}\nparameters = {{ {parameter} }}"));
        let problems = problems.unwrap_err().join("\n");
        assert!(problems.contains(expected), "{problems}");
    }

    /// Not every server knows it by our name: what this type does not send is the file's own.
    #[test]
    fn a_parameter_that_another_grant_has_may_be_sent() {
        let auth = "type = 'oauth2_client_credentials'\ntoken_url = 'https://a.example/t'\nclient_id = 'c'\n\
                    client_secret = { env = 'KEY' }\nparameters = { username = 'svc' }";
        assert!(auth_in(auth).is_ok());
    }
}
