//! What the settings come to: decided, with no default left to look up.
//!
//! The words of `gateway.toml` that mean the same here as there are read into these types as they
//! stand, so their doc comments are the manual of those keys. What has to be decided first is written
//! in [`crate::config`], and resolved from there.

pub mod answers;
pub use answers::{DelayUnit, HeaderCondition, Meaning, RetryAfter, Rule, StatusPattern};

pub mod auth;
pub use auth::{
    Auth, ClientCredentials, DateHeader, Encoding, Expiry, Fixed, Grant, Hash, Hmac, Login,
    LoginFormat, SigV4, SigningPiece, SigningPlaceholder, SigningText, TokenAuth,
};

pub mod connection;
pub use connection::HttpVersion;

pub mod cursor_source;
pub use cursor_source::CursorSource;

pub mod field;
pub use field::{Conversion, Decode, Field, Part, Source, Take, Template, TemplatePiece};

pub mod fields;
pub use fields::{Each, Extra, Fields};

pub mod freshness;
pub use freshness::Refresh;

pub mod keys;
pub use keys::{Account, Shape};

pub mod origin;
pub use origin::Origin;

pub mod paging;
pub use paging::{
    Absent, EmptyPage, EndFlag, NumberedPages, OffsetPages, Paging, PagingStyle, Repeat, ShortPage,
    Step, Stride, Total,
};

pub mod path;
pub use path::Path;

pub mod placeholder;

pub mod pushdown;
pub use pushdown::{List, Pushable, Pushdown};

pub mod records;
pub use records::{AbsentRecords, RecordList, Records};

pub mod request;
pub use request::{Placeholder, Request, RequestBody, Requests, TextPart};

pub mod resilience;
pub use resilience::{Breaker, Hedge};

pub mod response;
pub use response::{Absence, BodyFormat, ClassifyRules, Format, Success};

pub mod secret;
pub use secret::SecretValue;

pub(crate) mod text;

pub mod time;
pub use time::TimeFormat;

pub mod units;
pub use units::{Rate, Share, Span};

pub mod value;
pub use value::{Location, OneOrMany, PathOr, Scalar};
