//! Keeps what may be a secret out of everything that is shown.
//!
//! A literal where a secret belongs is refused, but the line that it stands in is shown, and so are
//! lines of a file that cannot be read at all, where nobody knows yet what is a secret. So this
//! errs on the safe side: it goes by the names of keys, also misspelt ones.

use std::ops::Range;

use super::credential_names::{may_name_secret, named_in_body, names_secret};
use crate::problem::KeyPath;

/// What is shown instead.
pub(super) const MASK: &str = "\"***\"";

/// The keys of an `auth` block whose values are no secrets under any scheme.
const OPEN_IN_AUTH: [&str; 35] = [
    "type",
    "answer",
    "answers",
    "sign_headers",
    "request",
    "expires",
    "success",
    "header",
    "header_name",
    "headers",
    "query",
    "scheme",
    "region",
    "service",
    "hash",
    "encoding",
    "date",
    "string_to_sign",
    "token_url",
    "scope",
    "audience",
    "resource",
    "username",
    "client_id",
    "base_url",
    "algorithm",
    "components",
    "label",
    "tag",
    "nonce",
    "key_prefix",
    "derived_key",
    "signed_headers",
    "canonical_request",
    "parameters",
];

/// Whether what stands at a key may be a secret. `scheme` is what the `auth` block around it names
/// as its type.
pub(super) fn may_be_secret(at: &KeyPath, scheme: Option<&str>) -> bool {
    let mut keys: Vec<&str> = at.keys().iter().map(String::as_str).collect();
    if let ["upstreams", _, "auth", "chain", _, _, ..] = keys.as_slice() {
        // A login before another one is written like any other.
        keys.drain(3..5);
    }
    match keys.as_slice() {
        // These say where a secret is, are names of grants, or are no secrets: tokens and certificates are shown by
        // callers, and the keys that verify them are public.
        [.., "env" | "file"]
        | ["upstreams", _, "records" | "fields", ..]
        | ["upstreams", _, _, "records" | "fields", ..]
        | ["callers", "anonymous" | "jwt" | "certificates", ..]
        | ["callers", _, _, "grants", ..] => false,
        // A placeholder may be used where a secret belongs, whatever it is called.
        ["upstreams", .., "vars", _] | ["upstreams", _, "auth"] => true,
        // Places in the answer, names of cookies, and words of ours.
        [
            "upstreams",
            _,
            "auth",
            "values" | "cookie" | "cookies" | "client_auth" | "key_encoding",
            ..,
        ] => false,
        // The one `token` that is a place in the answer.
        ["upstreams", _, "auth", "token", ..] if scheme == Some("token_exchange") => false,
        ["upstreams", _, "auth", key, ..] if !OPEN_IN_AUTH.contains(key) => true,
        // Elsewhere `auth` names a secret.
        ["upstreams", _, "auth", rest @ ..] => rest.iter().any(|key| may_name_secret(key)),
        // Nothing in these is sent anywhere, and `keyed` and `$key` only sound like keys.
        ["upstreams", _, rest @ ..] => rest.iter().any(|key| may_name_secret(key)),
        rest => rest.iter().any(|key| may_name_secret(key)),
    }
}

/// The `auth` tables that a key is or stands in, the inner one first: that of a login in a chain, and the
/// upstream's. Their schemes say what may be a secret.
pub(super) fn auths_around(at: &KeyPath) -> impl Iterator<Item = KeyPath> {
    let is = |index: usize, name: &str| at.keys().get(index).is_some_and(|key| key == name);
    let is_auth = is(2, "auth");
    let is_of_chain = is_auth && is(3, "chain") && at.keys().len() > 4;
    let depths = [(5, is_of_chain), (3, is_auth)].into_iter();
    let depths = depths.filter_map(|(depth, is_there)| is_there.then_some(depth));
    depths.map(|depth| KeyPath::new(at.keys().iter().take(depth).cloned()))
}

/// Whether a text is a URL with a password in it.
pub(super) fn has_password(text: &str) -> bool {
    text.split_once("://")
        .and_then(|(_, rest)| rest.split(['/', '?', '#']).next())
        .is_some_and(|authority| authority.contains('@'))
}

/// Whether a text is a URL or a path with a secret in it: a password, or a parameter of such a name.
pub(super) fn has_secret(text: &str) -> bool {
    let query = text.split_once('?').map_or("", |(_, query)| query);
    let mut names = (query.split(['&', ';', '#'])).filter_map(|one| Some(one.split_once('=')?.0));
    has_password(text) || names.any(names_secret)
}

/// Whether a text is a request's body with a secret written out in it.
pub(super) fn has_secret_in_body(body: &str) -> bool {
    let is_written_out = |value: &str| !value.is_empty() && !value.contains('{');
    named_in_body(body).any(|(name, value)| may_name_secret(name) && is_written_out(value))
}

/// What may be a secret in a text that is no TOML, found by looks alone: there is no tree to go by,
/// and quotes may be anywhere.
pub(super) fn secrets_by_looks(text: &str) -> Vec<Range<usize>> {
    assigned_secrets(text).chain(users(text)).collect()
}

/// What is assigned on a line that has named something sensitive.
fn assigned_secrets(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('=').filter_map(|(at, _)| {
        let before = text[..at].trim_end();
        let line = &before[before.rfind('\n').map_or(0, |end| end + 1)..];
        let value = text[at + 1..].trim_start_matches([' ', '\t']);
        // The key that says whether this is the secret or only where it is.
        let key = match value.strip_prefix('{') {
            Some(inner) => inner.split('=').next()?,
            None => line.rsplit(['{', ',', '.']).next()?,
        };
        let is_secret = may_name_secret(line) || (line == "auth" && !value.starts_with('{'));
        if !is_secret || matches!(key.trim(), "env" | "file") {
            return None;
        }
        let start = text.len() - value.len();
        Some(start..start + value_length(value))
    })
}

/// How far the value goes that a text starts with: to the end of its line and of the lines after it
/// that assign nothing, and where quotes or a bracket say that it goes on, to where they close.
fn value_length(text: &str) -> usize {
    let assigns_nothing = |line: &&str| !line.contains('=') && !line.starts_with('[');
    let mut lines = text.split_inclusive('\n');
    let first = lines.next().unwrap_or_default();
    let length = first.len()
        + lines
            .take_while(assigns_nothing)
            .map(str::len)
            .sum::<usize>();
    let closed = [("\"\"\"", "\"\"\""), ("\'\'\'", "\'\'\'"), ("[", "]")]
        .into_iter()
        .find_map(|(opener, closer)| {
            let inner = first.find(opener)? + opener.len();
            let close = text[inner..].find(closer);
            Some(close.map_or(text.len(), |close| inner + close + closer.len()))
        });
    let length = length.max(closed.unwrap_or_default());
    text[..length].trim_end().len()
}

/// What stands before each `@` and has a colon in it, as a user and a password in a URL do.
fn users(text: &str) -> impl Iterator<Item = Range<usize>> {
    text.match_indices('@').filter_map(|(at, _)| {
        let is_outside = |letter: char| letter.is_whitespace() || "/\"'".contains(letter);
        let user = text[..at].rsplit(is_outside).next()?;
        user.contains(':').then_some(at - user.len()..at)
    })
}

/// A text with some of it masked, and the way from places in the one to places in the other.
#[derive(Debug, Clone, Default)]
pub(super) struct Masked {
    /// The text as it may be shown.
    pub(super) text: String,
    /// What was masked, in the original's bytes and in the masked text's, in order.
    cuts: Vec<(Range<usize>, Range<usize>)>,
}

impl Masked {
    /// Masks the ranges. Lines keep their numbers.
    pub(super) fn new(text: &str, mut secrets: Vec<Range<usize>>) -> Self {
        secrets.sort_by_key(|secret| secret.start);
        let mut masked = Self::default();
        let mut shown_to = 0;
        for secret in union(secrets) {
            masked.text.push_str(&text[shown_to..secret.start]);
            let start = masked.text.len();
            masked.text.push_str(MASK);
            let line_feeds = text[secret.clone()].matches('\n').count();
            masked.text.extend(std::iter::repeat_n('\n', line_feeds));
            shown_to = secret.end;
            masked.cuts.push((secret, start..masked.text.len()));
        }
        masked.text.push_str(&text[shown_to..]);
        masked
    }

    /// Where a range of the original stands in the masked text.
    pub(super) fn range(&self, original: &Range<usize>) -> Range<usize> {
        self.place(original.start)..self.place(original.end)
    }

    fn place(&self, original: usize) -> usize {
        let before = self.cuts.iter().rev().find(|(cut, _)| cut.start < original);
        match before {
            None => original,
            Some((cut, mask)) if original < cut.end => mask.start,
            Some((cut, mask)) => original - cut.end + mask.end,
        }
    }
}

/// The ranges, those that overlap made one. They must be in the order of their starts.
fn union(ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut union: Vec<Range<usize>> = Vec::new();
    for range in ranges {
        match union.last_mut() {
            Some(last) if range.start < last.end => last.end = last.end.max(range.end),
            _ => union.push(range),
        }
    }
    union
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_be_secret(keys: &str, scheme: Option<&str>) -> bool {
        super::may_be_secret(&KeyPath::new(keys.split('.')), scheme)
    }

    #[test]
    fn what_an_auth_block_holds_is_secret_unless_known_to_be_open() {
        assert!(may_be_secret("upstreams.a.auth", None));
        assert!(may_be_secret("upstreams.a.auth.token", Some("bearer")));
        assert!(may_be_secret(
            "upstreams.a.auth.tokken",
            Some("token_exchange")
        ));
        assert!(may_be_secret(
            "upstreams.a.auth.request.json.client_secret",
            None
        ));
        assert!(!may_be_secret(
            "upstreams.a.auth.token",
            Some("token_exchange")
        ));
        assert!(!may_be_secret("upstreams.a.auth.token.env", Some("bearer")));
        assert!(may_be_secret(
            "upstreams.a.auth.chain.b.client_secret",
            None
        ));
        assert!(!may_be_secret("upstreams.a.auth.chain.b.client_id", None));
        assert!(!may_be_secret("upstreams.a.auth.values.csrf_token", None));
        assert!(!may_be_secret(
            "upstreams.a.auth.request.json.fingerprint",
            None
        ));
    }

    #[test]
    fn a_url_with_a_secret_in_its_query_is_one() {
        assert!(has_secret("https://a.example/x?page=1&api_key=hush"));
        assert!(has_secret("/groups?token=hush"));
        assert!(!has_secret("https://a.example/x?tenant=7"));
        assert!(!has_secret("token=7"));
    }

    #[test]
    fn elsewhere_the_name_of_the_key_decides_even_misspelt() {
        assert!(may_be_secret("server.admin_token", None));
        assert!(may_be_secret("server.admin_tokn", None));
        assert!(may_be_secret("cursor.keys.0", None));
        assert!(!may_be_secret("server.listen", None));
        assert!(!may_be_secret("upstreams.tokens.records", None));
        assert!(may_be_secret("upstreams.a.request.vars.org", None));
        assert!(may_be_secret("upstreams.a.auth.request.vars.org", None));
        assert!(!may_be_secret("upstreams.a.request.vars.org.env", None));
        assert!(!may_be_secret("upstreams.a.records.keyed", None));
    }

    #[test]
    fn a_user_in_a_url_begins_after_any_white_space() {
        let text = "see\u{2003}ann:pw@host";
        let found: Vec<_> = users(text).map(|user| &text[user]).collect();
        assert_eq!(found, ["ann:pw"]);
    }

    #[test]
    fn masking_keeps_lines_and_finds_places_again() {
        let text = "a = \"\"\"x\ny\"\"\"\nb = 1\n";
        let masked = Masked::new(text, std::iter::once(4..13).collect());
        assert_eq!(masked.text, "a = \"***\"\n\nb = 1\n");
        let b = text.find('b').unwrap();
        assert_eq!(&masked.text[masked.range(&(b..b + 1))], "b");
    }

    #[test]
    fn in_a_text_that_is_no_toml_secrets_are_found_by_looks() {
        for text in [
            "token = \"hunter2\" x",
            "token = \"hunter2",
            "x = { \"api-key\" = 'hunter2' y",
            "tokn=hunter2, x",
            "keys = [\n\"a\",\n\"hunter2\"",
            "secret_key = \"\"\"\na\nhunter2",
            "base_url = \"https://me:hunter2@example.com",
            "token[ = \"hunter2\"",
            "token\n= \"hunter2\"",
            "keys = \"[\"hunter2\", x]",
        ] {
            let masked = Masked::new(text, secrets_by_looks(text));
            assert!(!masked.text.contains("hunter2"), "{}", masked.text);
        }
        let named = "token = { env = \"TOKEN\" }";
        assert_eq!(
            secrets_by_looks(named),
            Vec::<std::ops::Range<usize>>::new()
        );
    }

    #[test]
    fn a_user_may_stand_behind_any_white_space() {
        let text = "\u{2028}me:hunter2@example.com";
        let masked = Masked::new(text, users(text).collect());
        assert_eq!(masked.text, "\u{2028}\"***\"@example.com");
    }

    #[test]
    fn a_password_in_a_url_is_seen() {
        assert!(has_password("https://me:hunter2@example.com/"));
        assert!(!has_password("https://example.com/@me"));
    }
}
