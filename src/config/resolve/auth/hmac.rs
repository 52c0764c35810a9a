//! HMAC signatures: the text to sign, and the header that carries the signature.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use strum::VariantArray as _;

use crate::config::resolve::block::Block;
use crate::config::resolve::placeholders::{brace, unknown_placeholder};
use crate::config::upstream::{DateHeader as WrittenDate, HmacAuth};
use crate::plan::placeholder::{Piece, scan};
use crate::plan::{DateHeader, Hmac, SigningPiece, SigningPlaceholder, SigningText};
use crate::problem::Problem;

pub(super) fn hmac(written: &HmacAuth, block: &mut Block<'_>) -> Option<Hmac> {
    let key_id = block.header_secret("key_id", &written.key_id);
    let key = block.secret("secret", &written.secret);
    let date = match &written.date {
        Some(date) => date_header(date, &mut block.table("date")).map(Some),
        None => Some(None),
    };
    let signed = |placeholder: &SigningPlaceholder| {
        *placeholder != SigningPlaceholder::Signature
            && (*placeholder != SigningPlaceholder::Date || written.date.is_some())
    };
    let signed: Vec<_> = SigningPlaceholder::VARIANTS
        .iter()
        .copied()
        .filter(signed)
        .collect();
    let shown = [&signed[..], &[SigningPlaceholder::Signature]].concat();
    let string_to_sign = signing_text("string_to_sign", &written.string_to_sign, &signed, block);
    let fits = block.header_text("header", &written.header);
    let header = signing_text("header", &written.header, &shown, block);
    if let Some(SigningText(pieces)) = &header
        && !pieces.contains(&SigningPiece::Placeholder(SigningPlaceholder::Signature))
    {
        block.wrong(
            "header",
            "`{signature}` is not used in the header",
            "write it where the signature belongs",
        );
    }
    let header_name = block.header_name("header_name", &written.header_name);
    Some(Hmac {
        key_id: key_id?,
        key: key?,
        hash: written.hash,
        encoding: written.encoding,
        date: date?,
        string_to_sign: string_to_sign?,
        header: fits.and(header)?,
        header_name: header_name?,
    })
}

fn signing_text(
    key: &str,
    text: &str,
    allowed: &[SigningPlaceholder],
    block: &mut Block<'_>,
) -> Option<SigningText> {
    let at = block.path(key);
    let scanned = scan(text).map_err(|error| brace(&at, &error));
    let pieces = block.problems().keep(scanned)?;
    let known: Vec<&str> = allowed.iter().map(Into::into).collect();
    // Every placeholder is looked at, so that every wrong one is told.
    let pieces: Vec<_> = pieces
        .into_iter()
        .map(|piece| {
            let name = match piece {
                Piece::Literal(text) => return Some(SigningPiece::Literal(text)),
                Piece::Placeholder(name) => name,
            };
            let placeholder = name.parse().ok();
            let problem = match placeholder {
                Some(placeholder) if allowed.contains(&placeholder) => {
                    return Some(SigningPiece::Placeholder(placeholder));
                }
                Some(SigningPlaceholder::Date) => {
                    Problem::new(at.clone(), "`{date}` is used, but `date` is not set").with_help(
                        "set `date = { header = \"x-date\", format = \"%Y%m%dT%H%M%SZ\" }`",
                    )
                }
                Some(_) | None => unknown_placeholder(&at, &name, &known),
            };
            block.push(problem);
            None
        })
        .collect();
    pieces.into_iter().collect::<Option<_>>().map(SigningText)
}

fn date_header(written: &WrittenDate, block: &mut Block<'_>) -> Option<DateHeader> {
    let header = block.header_name("header", &written.header);
    let epoch = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    if let Err(error) = strtime::format(&written.format, &epoch) {
        block.wrong(
            "format",
            format!("the format cannot be used: {error}"),
            "write a `strftime` pattern, such as `%Y%m%dT%H%M%SZ`",
        );
        return None;
    }
    Some(DateHeader {
        header: header?,
        format: written.format.clone(),
    })
}
