//! HMAC signatures: the text to sign, what it is made of, and where the signature goes.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use strum::VariantArray as _;

use crate::config::resolve::block::Block;
use crate::config::resolve::placeholders::{brace, unknown_placeholder};
use crate::config::upstream::{HmacAuth, SigningDate as WrittenDate};
use crate::plan::placeholder::{Piece, scan};
use crate::plan::{
    DatePlace, Hmac, KeyEncoding, SecretValue, SignaturePlace, SigningDate, SigningPiece,
    SigningPlaceholder, SigningText,
};
use crate::problem::Problem;

use SigningPlaceholder::{
    BodyHash, CanonicalHash, CanonicalHeaders, CanonicalPath, CanonicalQuery, Date, Host, KeyId,
    Method, Nonce, Path, Query, ShortDate, Signature, SignedHeaders,
};

pub(super) fn hmac(written: &HmacAuth, block: &mut Block<'_>) -> Option<Hmac> {
    let key_id = block.header_secret("key_id", &written.key_id);
    let key = block.secret("secret", &written.secret);
    let key = key.filter(|key| is_key(key, written.key_encoding, block));
    let date = match &written.date {
        Some(date) => date_of(date, &mut block.table("date")).map(Some),
        None => Some(None),
    };
    let texts = HmacTexts(written);
    let derived_key = {
        let table = &mut block.table("derived_key");
        let texts = written.derived_key.iter().enumerate();
        all(texts
            .map(|(index, text)| HmacTexts(written).of_request(&index.to_string(), text, table)))
    };
    let signed_headers = {
        let table = &mut block.table("signed_headers");
        let names = written.signed_headers.iter().enumerate();
        all(names.map(|(index, name)| table.header_name(&index.to_string(), name)))
    };
    let headers = {
        let table = &mut block.table("headers");
        let headers = written.headers.iter();
        all(headers.map(|(name, text)| {
            let header = table.header_name(name, name);
            let fits = table.header_text(name, text);
            let text = texts.of_request(name, text, table);
            Some((header?, fits.and(text)?))
        }))
    };
    let canonical_request = match &written.canonical_request {
        Some(text) => texts
            .of_canonical("canonical_request", text, block)
            .map(Some),
        None => Some(None),
    };
    let string_to_sign = texts.to_sign("string_to_sign", &written.string_to_sign, block);
    let place = place(written, &texts, block);
    if let (Some(SignaturePlace::Header { name, .. }), Some(names)) = (&place, &signed_headers)
        && let Some(index) = names.iter().position(|signed| signed == name)
    {
        let table = &mut block.table("signed_headers");
        let message = format!("`{name}` carries the signature, so it cannot be signed");
        table.wrong(&index.to_string(), message, "leave it out");
    }
    let mut signed_headers = signed_headers?;
    signed_headers.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
    signed_headers.dedup();
    let (canonical_request, string_to_sign) = (canonical_request?, string_to_sign?);
    let uses_query = |text: &SigningText| text.uses(CanonicalQuery);
    let has_strict_query =
        uses_query(&string_to_sign) || canonical_request.as_ref().is_some_and(uses_query);
    Some(Hmac {
        key_id: key_id?,
        key: key?,
        key_encoding: written.key_encoding,
        key_prefix: written.key_prefix.clone(),
        derived_key: derived_key?,
        hash: written.hash,
        encoding: written.encoding,
        date: date?,
        signed_headers,
        headers: headers?,
        canonical_request,
        has_strict_query,
        string_to_sign,
        place: place?,
    })
}

/// Whether a key is written as its encoding says.
pub(super) fn is_key(key: &SecretValue, encoding: KeyEncoding, block: &mut Block<'_>) -> bool {
    let is_key = encoding.bytes_of(key.expose()).is_some();
    if !is_key {
        let message = "the key is not written as `key_encoding` says";
        block.wrong("key_encoding", message, "one of: `text`, `base64`, `hex`");
    }
    is_key
}

/// Where the signature goes: into a header, or into the query.
fn place(
    written: &HmacAuth,
    texts: &HmacTexts<'_>,
    block: &mut Block<'_>,
) -> Option<SignaturePlace> {
    if let (Some(_), false) = (&written.header, written.query.is_empty()) {
        let help = "name `header` or `query`; headers without `{signature}` belong under `headers`";
        block.wrong(
            "query",
            "a signature goes to a header or to the query, not to both",
            help,
        );
        return None;
    }
    let Some(header) = &written.header else {
        return query(written, texts, block);
    };
    let fits = block.header_text("header", header);
    let value = texts.shown("header", header, block);
    if value.as_ref().is_some_and(|value| !value.has_signature()) {
        block.wrong(
            "header",
            "`{signature}` is not used in the header",
            "write it where the signature belongs",
        );
    }
    let name = block.header_name("header_name", &written.header_name);
    Some(SignaturePlace::Header {
        name: name?,
        value: fits.and(value)?,
    })
}

fn query(
    written: &HmacAuth,
    texts: &HmacTexts<'_>,
    block: &mut Block<'_>,
) -> Option<SignaturePlace> {
    if written.query.is_empty() {
        let problem = Problem::new(block.own_path(), "the signature has no place to go to");
        block.push(problem.with_help(
            "write it into `header`, as in `header = \"Sig {key_id}:{signature}\"`, or into a parameter under `query`",
        ));
        return None;
    }
    let has_signature = |text: &String| text.contains("{signature}");
    if !written.query.values().any(has_signature) {
        let help = "write it where the signature belongs";
        block.wrong("query", "`{signature}` is not used in the query", help);
    }
    let table = &mut block.table("query");
    let parameters = written.query.iter().map(|(name, text)| {
        let text = if has_signature(text) {
            texts.shown(name, text, table)
        } else {
            texts.of_request(name, text, table)
        };
        Some((name.clone(), text?))
    });
    all(parameters).map(SignaturePlace::Query)
}

/// Reads texts with placeholders, of which each place has its own.
struct HmacTexts<'a>(&'a HmacAuth);

impl HmacTexts<'_> {
    /// What is sent with the request and signed with it.
    fn of_request(&self, key: &str, text: &str, block: &mut Block<'_>) -> Option<SigningText> {
        const LATER: [SigningPlaceholder; 5] = [
            CanonicalHash,
            CanonicalHeaders,
            CanonicalPath,
            CanonicalQuery,
            Signature,
        ];
        self.read(key, text, &LATER, block)
    }

    fn of_canonical(&self, key: &str, text: &str, block: &mut Block<'_>) -> Option<SigningText> {
        self.read(key, text, &[CanonicalHash, Signature], block)
    }

    fn to_sign(&self, key: &str, text: &str, block: &mut Block<'_>) -> Option<SigningText> {
        self.read(key, text, &[Signature], block)
    }

    fn shown(&self, key: &str, text: &str, block: &mut Block<'_>) -> Option<SigningText> {
        self.read(key, text, &[], block)
    }

    /// A text with any placeholder that has a value, but for those that come `later`.
    fn read(
        &self,
        key: &str,
        text: &str,
        later: &[SigningPlaceholder],
        block: &mut Block<'_>,
    ) -> Option<SigningText> {
        let at = block.path(key);
        let scanned = scan(text).map_err(|error| brace(&at, &error));
        let pieces = block.problems().keep(scanned)?;
        let allowed = SigningPlaceholder::VARIANTS.iter().copied();
        let allowed = allowed.filter(|one| !later.contains(one) && self.lacks(*one).is_none());
        let allowed: Vec<_> = allowed.collect();
        let known: Vec<&str> = allowed.iter().map(Into::into).collect();
        // Every placeholder is looked at, so that every wrong one is told.
        let pieces: Vec<_> = pieces
            .into_iter()
            .map(|piece| {
                let name = match piece {
                    Piece::Literal(text) => return Some(SigningPiece::Literal(text)),
                    Piece::Placeholder(name) => name,
                };
                let placeholder: Option<SigningPlaceholder> = name.parse().ok();
                if let Some(placeholder) = placeholder.filter(|one| allowed.contains(one)) {
                    return Some(SigningPiece::Placeholder(placeholder));
                }
                let lacking = placeholder.and_then(|one| self.lacks(one));
                block.push(match lacking {
                    Some((key, help)) => {
                        let message = format!("`{{{name}}}` is used, but `{key}` is not set");
                        Problem::new(at.clone(), message).with_help(help)
                    }
                    None => unknown_placeholder(&at, &name, &known),
                });
                None
            })
            .collect();
        pieces.into_iter().collect::<Option<_>>().map(SigningText)
    }

    /// The key without which a placeholder has no value, if it is not set, and how to set it.
    fn lacks(&self, placeholder: SigningPlaceholder) -> Option<(&'static str, &'static str)> {
        let HmacAuth {
            date,
            signed_headers,
            canonical_request,
            ..
        } = self.0;
        let short = date.as_ref().and_then(|date| date.short_format.as_ref());
        let is_missing = match placeholder {
            Date => date.is_none(),
            ShortDate => short.is_none(),
            CanonicalHeaders | SignedHeaders => signed_headers.is_empty(),
            CanonicalHash => canonical_request.is_none(),
            Method | Path | Query | BodyHash | Host | KeyId | Nonce | CanonicalPath
            | CanonicalQuery | Signature => false,
        };
        is_missing.then_some(match placeholder {
            ShortDate => (
                "date.short_format",
                "set it, as in `short_format = \"%Y%m%d\"`",
            ),
            CanonicalHeaders | SignedHeaders => (
                "signed_headers",
                "set it, as in `signed_headers = [\"host\", \"x-date\"]`",
            ),
            CanonicalHash => (
                "canonical_request",
                "set it, as in `canonical_request = \"{method}\\n{path}\\n{query}\\n{body_hash}\"`",
            ),
            Date | Method | Path | Query | BodyHash | Host | KeyId | Nonce | CanonicalPath
            | CanonicalQuery | Signature => (
                "date",
                "set `date = { header = \"x-date\", format = \"%Y%m%dT%H%M%SZ\" }`",
            ),
        })
    }
}

fn date_of(written: &WrittenDate, block: &mut Block<'_>) -> Option<SigningDate> {
    let place = match (&written.header, &written.query) {
        (Some(header), None) => block.header_name("header", header).map(DatePlace::Header),
        (None, Some(query)) => Some(DatePlace::Query(query.clone())),
        (None, None) | (Some(_), Some(_)) => {
            let problem = Problem::new(block.own_path(), "the date needs one place to go to");
            block.push(problem.with_help("name exactly one of `header` and `query`"));
            None
        }
    };
    let formats = [
        ("format", Some(&written.format)),
        ("short_format", written.short_format.as_ref()),
    ];
    let epoch = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let mut is_right = true;
    for (key, format) in formats {
        let Some(format) = format else { continue };
        if let Err(error) = strtime::format(format, &epoch) {
            block.wrong(
                key,
                format!("the format cannot be used: {error}"),
                "write a `strftime` pattern, such as `%Y%m%dT%H%M%SZ`",
            );
            is_right = false;
        }
    }
    let place = place.filter(|_| is_right)?;
    Some(SigningDate {
        place,
        format: written.format.clone(),
        short_format: written.short_format.clone(),
    })
}

fn all<T>(values: impl Iterator<Item = Option<T>>) -> Option<Vec<T>> {
    let values: Vec<_> = values.collect();
    values.into_iter().collect()
}
