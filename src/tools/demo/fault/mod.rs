//! What an emulation can be told to do wrong.
//!
//! A fault is a switch on one emulation. It acts on every request alike, logins included, and stays
//! until it is taken away; only what is wrong with a list needs a list. What each one does is in
//! [`super::deed`], where it can happen in [`Fault::applies_to`].

use std::time::Duration;

mod text;
pub use text::FaultError;
pub(super) use text::check_upstream;

mod reason;
pub use reason::Reason;

/// One way in which an emulated upstream misbehaves. [`CATALOGUE`] says what each one does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    // Of the connection.
    /// `down`
    Refuse,
    /// `hang-connect`
    HangConnect,
    /// `hang`
    Hang,
    /// `truncate`
    Truncate,
    /// `reset`
    Reset,

    // Of the head.
    /// `slow:500ms`
    Slow(Duration),
    /// `status:503`
    Status(u16),
    /// `burst:503:3`
    Burst {
        /// The status of the failures.
        status: u16,
        /// How many requests fail before all is well.
        failures: u32,
    },
    /// `too-many:2s`
    TooMany(Duration),
    /// `too-many-until:2s`
    TooManyUntil(Duration),
    /// `unauthorized`
    Unauthorized,
    /// `unauthorized-after:3`
    UnauthorizedAfter(u32),
    /// `redirect`
    Redirect,
    /// `headers`
    Headers,

    // Of the body's bytes.
    /// `drip:10:100ms`
    Drip {
        /// How many bytes come at once.
        bytes: u32,
        /// How long it takes until the next ones come.
        every: Duration,
    },
    /// `cut`
    Cut,
    /// `media-type`
    MediaType,
    /// `garbage`
    Garbage,
    /// `invalid-utf8`
    InvalidUtf8,
    /// `huge`
    Huge,
    /// `gzip-bomb`
    GzipBomb,
    /// `entity-bomb`
    EntityBomb,
    /// `deep-json`
    DeepJson,
    /// `deep-xml`
    DeepXml,

    // Of the content.
    /// `error-in-body`
    ErrorInBody,
    /// `duplicate-ids`
    DuplicateIds,
    /// `missing-ids`
    MissingIds,
    /// `wrong-types`
    WrongTypes,
    /// `wrong-total`
    WrongTotal,
    /// `repeat-page`
    RepeatPage,
    /// `repeat-cursor`
    RepeatCursor,
    /// `endless`
    Endless,
    /// `next-elsewhere`
    NextElsewhere,
}

/// Every fault, with a value where it has one, and what it does.
pub const CATALOGUE: [(Fault, &str); 33] = [
    (
        Fault::Refuse,
        "nothing listens on the port, open connections are closed",
    ),
    (
        Fault::HangConnect,
        "the port is open, and no connection is ever accepted",
    ),
    (Fault::Hang, "the request is taken and never answered"),
    (
        Fault::Truncate,
        "the connection is closed in the middle of the body",
    ),
    (
        Fault::Reset,
        "the connection is reset in the middle of the body",
    ),
    (
        Fault::Slow(Duration::from_millis(500)),
        "every answer takes that much longer",
    ),
    (
        Fault::Status(503),
        "this status, with an error body in the vendor's shape; 429 and 503 say to wait a second",
    ),
    (
        Fault::Burst {
            status: 503,
            failures: 3,
        },
        "so many answers with this status, then all is well",
    ),
    (
        Fault::TooMany(Duration::from_secs(2)),
        "429, with the seconds to wait",
    ),
    (
        Fault::TooManyUntil(Duration::from_secs(2)),
        "429, with the date to wait for, so far from now",
    ),
    (Fault::Unauthorized, "every credential is refused"),
    (
        Fault::UnauthorizedAfter(3),
        "every credential is refused, after so many requests",
    ),
    (Fault::Redirect, "302 to the same path on another host"),
    (Fault::Headers, "10,000 header fields"),
    (
        Fault::Drip {
            bytes: 10,
            every: Duration::from_millis(100),
        },
        "so many bytes of the body, then a pause, and so on",
    ),
    (
        Fault::Cut,
        "the document ends in its middle, and the answer with it",
    ),
    (Fault::MediaType, "the right body, said to be an image"),
    (Fault::Garbage, "a web page under status 200"),
    (Fault::InvalidUtf8, "a byte in the body that no text has"),
    (Fault::Huge, "a body of 1 GB, streamed"),
    (Fault::GzipBomb, "a body of 1 MB that unpacks to 1 GB"),
    (
        Fault::EntityBomb,
        "a small XML document whose entities grow to 10 GB",
    ),
    (Fault::DeepJson, "10,000 JSON arrays in each other"),
    (Fault::DeepXml, "10,000 XML elements in each other"),
    (
        Fault::ErrorInBody,
        "the vendor's own error body under status 200",
    ),
    (
        Fault::DuplicateIds,
        "on every page, the second group has the id of the first",
    ),
    (Fault::MissingIds, "every third group has no id"),
    (
        Fault::WrongTypes,
        "lists where texts and numbers should be, and texts where lists should be",
    ),
    (
        Fault::WrongTotal,
        "every page announces seven groups more than there are",
    ),
    (Fault::RepeatPage, "every page is the first one again"),
    (Fault::RepeatCursor, "every page names the same next page"),
    (
        Fault::Endless,
        "there is always one more page of new groups",
    ),
    (
        Fault::NextElsewhere,
        "the link to the next page leads to another host",
    ),
];

/// The catalogue as text, a fault a line.
pub fn listing() -> String {
    CATALOGUE
        .iter()
        .map(|(fault, does)| format!("  {:<22} {does}\n", fault.to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listing_has_one_line_a_fault() {
        let listing = listing();
        assert_eq!(listing.lines().count(), CATALOGUE.len());
        assert!(
            listing.contains("  burst:503:3            so many answers"),
            "{listing}"
        );
    }
}
