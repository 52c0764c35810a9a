//! Names that carry credentials: which keys, headers, parameters and members hold a secret by their name.
//!
//! Two questions are asked of a name, and answered here alone. [`names_secret`]: a literal under such a
//! name is refused, so it is narrow, because a false alarm would refuse a good file. `sort_key` and
//! `cookie_policy` hold no secret, `X-Auth-Key` and `Cookie` do. [`may_name_secret`]: what stands under
//! such a name is not shown, so it is wide, and takes misspelt names too.

/// Wherever they stand in a name.
const ANYWHERE: [&str; 7] = [
    "secret",
    "password",
    "passwd",
    "token",
    "apikey",
    "authorization",
    "credential",
];

/// As the last word of a name.
const LAST: [&str; 21] = [
    "pwd",
    "pw",
    "pin",
    "auth",
    "authentication",
    "pass",
    "passkey",
    "passphrase",
    "passcode",
    "cookie",
    "cookies",
    "cookie2",
    "sig",
    "signature",
    "hmac",
    "jwt",
    "bearer",
    "assertion",
    "otp",
    "sessionid",
    "sessid",
];

/// Before `key`, in a word of their own or in one word with it.
const KEYS: [&str; 33] = [
    "access",
    "account",
    "admin",
    "api",
    "apim",
    "app",
    "application",
    "auth",
    "authentication",
    "client",
    "consumer",
    "dev",
    "developer",
    "encryption",
    "function",
    "functions",
    "hmac",
    "integration",
    "licence",
    "license",
    "master",
    "partner",
    "private",
    "sas",
    "security",
    "server",
    "service",
    "session",
    "shared",
    "signing",
    "subscription",
    "user",
    "x",
];

/// Words that may stand for a secret, besides those of [`ANYWHERE`].
const MAYBE: [&str; 3] = ["key", "keys", "cookie"];

/// Whether what stands under a name may be a credential: also where the name only sounds like it, and
/// where it is misspelt.
pub(crate) fn may_name_secret(name: &str) -> bool {
    if names_secret(name) {
        return true;
    }
    let name = name.to_ascii_lowercase();
    let words = ANYWHERE.iter().chain(&MAYBE);
    let parts = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.clone().any(|word| name.contains(word))
        || parts.filter(|part| part.len() > 3).any(|part| {
            let mut words = words.clone();
            words.any(|word| strsim::damerau_levenshtein(part, word) <= 1)
        })
}

/// Whether what stands under a name is a credential.
pub(crate) fn names_secret(name: &str) -> bool {
    let words = words(name);
    let joined = words.concat();
    if ANYWHERE.iter().any(|word| joined.contains(word)) {
        return true;
    }
    // `X-Hub-Signature-256`, `api_key_2`.
    let is_number = |word: &String| word.chars().all(char::is_numeric);
    let named = words.iter().rposition(|word| !is_number(word));
    let words = &words[..named.map_or(0, |last| last + 1)];
    let Some((last, before)) = words.split_last() else {
        return false;
    };
    let names_key = |word: &str| KEYS.contains(&word);
    match (last.as_str(), before.last().map(String::as_str)) {
        ("key", Some(before)) => names_key(before),
        ("id", Some("session")) | ("sid", None) => true,
        (last, _) => {
            LAST.contains(&last)
                || last.ends_with("sessid")
                || last.ends_with("sessionid")
                || last.strip_suffix("key").is_some_and(names_key)
        }
    }
}

/// The named texts in a body that is written out, as JSON, a form or XML: each name with its value.
pub(super) fn named_in_body(body: &str) -> impl Iterator<Item = (&str, &str)> {
    let quoted: Vec<&str> = body.split('"').collect();
    let members = quoted.windows(3).filter_map(|window| match window {
        [name, between, value] if between.trim() == ":" => Some((*name, *value)),
        _ => None,
    });
    let members: Vec<_> = members.collect();
    let pairs = body.split('&').filter_map(|pair| pair.split_once('='));
    let is_word = |name: &str| !name.contains([' ', '"', '\'', '<', '>', '{', '}', ':', '\n']);
    let pairs = pairs.filter(move |(name, _)| is_word(name.trim()));
    let elements = body.split('<').filter_map(|tag| tag.split_once('>'));
    let elements = elements.flat_map(|(tag, text)| {
        let name = tag.split_whitespace().next().unwrap_or_default();
        let parts: Vec<&str> = tag.split(['"', '\'']).collect();
        let attributes = parts.windows(2).filter_map(|window| {
            let name = window[0].trim_end().strip_suffix('=')?;
            Some((name.split_whitespace().last()?, window[1]))
        });
        let attributes: Vec<_> = attributes.collect();
        attributes.into_iter().chain([(name, text)])
    });
    let named = members.into_iter().chain(pairs).chain(elements);
    named.map(|(name, value)| (name.trim(), value.trim()))
}

/// The words of a name, in lower case: `X-Auth-Key`, `x_auth_key` and `xAuthKey` have the same.
fn words(name: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut was_lower = false;
    for letter in name.chars() {
        if !letter.is_alphanumeric() || (was_lower && letter.is_uppercase()) {
            words.push(String::new());
        }
        was_lower = letter.is_lowercase() || letter.is_numeric();
        if let Some(word) = words.last_mut().filter(|_| letter.is_alphanumeric()) {
            word.extend(letter.to_lowercase());
        }
    }
    words.retain(|word| !word.is_empty());
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_credentials_are_known_however_they_are_written() {
        for name in [
            "Authorization",
            "Proxy-Authorization",
            "Cookie",
            "X-Auth-Key",
            "X-Auth-Token",
            "X-Api-Key",
            "apikey",
            "APIKey",
            "api_key",
            "Ocp-Apim-Subscription-Key",
            "x-functions-key",
            "X-Master-Key",
            "X-Key",
            "pwd",
            "userPwd",
            "password",
            "Passphrase",
            "pass",
            "sig",
            "signature",
            "X-Amz-Signature",
            "X-Amz-Credential",
            "client_secret",
            "clientSecret",
            "accessKey",
            "access_key",
            "privateKey",
            "user_key",
            "sessionId",
            "session_id",
            "JSESSIONID",
            "PHPSESSID",
            "_sid",
            "client_assertion",
            "jwt",
            "X-Hmac",
            "pw",
            "user_pw",
            "pin",
            "auth",
            "X-Auth",
            "Authentication",
            "passkey",
            "authentication_key",
            "X-Hub-Signature-256",
            "api_key_2",
        ] {
            assert!(names_secret(name), "{name}");
        }
    }

    #[test]
    fn the_secrets_in_a_body_are_known_by_their_names_in_json_forms_and_xml() {
        for body in [
            r#"{"user": "a", "auth": {"password" : "hush"}}"#,
            r#"{{"password":"hush"}}"#,
            "client_id=a&client_secret=hush&x=1",
            "client_secret=hush",
            "<login><user>a</user><Password>hush</Password></login>",
            "<login user='a' password='hush'/>",
            "<s:Token type=\"a\"> hush </s:Token>",
        ] {
            let named = named_in_body(body);
            let secrets = named.filter(|(name, value)| names_secret(name) && !value.is_empty());
            let values: Vec<_> = secrets.map(|(_, value)| value).collect();
            assert_eq!(values, ["hush"], "{body}");
        }
        for body in [
            "",
            "{}",
            "null",
            "a=b&sort_key=c",
            r#"{"query": "token=1 password: 2"}"#,
            "<a/>",
        ] {
            let mut named = named_in_body(body);
            assert!(named.all(|(name, _)| !names_secret(name)), "{body}");
        }
    }

    #[test]
    fn names_that_only_sound_like_it_are_none() {
        for name in [
            "sort_key",
            "partitionKey",
            "key",
            "keys",
            "projectKey",
            "cookie_policy",
            "sigma",
            "design",
            "compass",
            "passenger",
            "bypass",
            "signature_method",
            "client_assertion_type",
            "accountSid",
            "monkey",
            "domain",
            "Idempotency-Key",
            "keyword",
            "client_id",
            "design_id",
            "author",
            "pinned",
            "spin",
            "oauth_version",
            "auth_type",
            "authority",
            "page_2",
            "2",
            "sort_key_2",
        ] {
            assert!(!names_secret(name), "{name}");
        }
    }

    #[test]
    fn what_only_sounds_like_a_secret_or_is_misspelt_may_be_one() {
        for name in [
            "X-Auth-Key",
            "Idempotency-Key",
            "sort_key",
            "cookie_policy",
            "tokn",
            "passwort",
            "secrt",
            "x-kyes",
        ] {
            assert!(may_name_secret(name), "{name}");
        }
        for name in ["Accept", "X-Tenant", "domain", "author", "limit", "kes"] {
            assert!(!may_name_secret(name), "{name}");
        }
    }
}
