//! The words that stand for the value of a fault.

use strum::{EnumIter, EnumString, IntoStaticStr};

/// What a wrong total says. Where pages are numbered, their number says the same.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum MisreportedTotal {
    /// Nothing.
    #[default]
    Zero,
    /// How many groups this page has.
    Page,
    /// Seven groups fewer than there are.
    Less,
    /// An object that holds the right number.
    Object,
}

/// What stands where a cursor belongs.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
#[strum(serialize_all = "kebab-case")]
pub enum CursorType {
    /// An object that holds the cursor.
    #[default]
    Object,
    /// A list that holds the cursor.
    List,
    /// `true`.
    True,
}

/// How a gzip body is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
pub enum GzipForm {
    /// As `GZIP`.
    #[default]
    #[strum(serialize = "GZIP")]
    UpperCase,
    /// As `x-gzip` (RFC 9110, section 8.4.1.3).
    #[strum(serialize = "x-gzip")]
    XGzip,
    /// In two members (RFC 1952, section 2.2).
    #[strum(serialize = "members")]
    Members,
}

/// An encoding of XML that is not UTF-8.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
pub enum XmlEncoding {
    /// A byte a character.
    #[default]
    #[strum(serialize = "iso-8859-1")]
    Latin1,
    /// Little-endian, with a byte order mark.
    #[strum(serialize = "utf-16")]
    Utf16,
}
