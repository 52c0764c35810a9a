//! What the settings come to: decided, with no default left to look up.
//!
//! The words of `gateway.toml` that mean the same here as there are read into these types as they
//! stand, so their doc comments are the manual of those keys. What has to be decided first is written
//! in [`crate::config`], and resolved from there.

pub mod access_log;
pub use access_log::{AccessField, AccessFields, AccessLogRules};

pub mod answers;
pub use answers::{DelayUnit, HeaderCondition, Meaning, RetryAfter, Rule, StatusPattern};

pub mod audit;
pub use audit::AuditRules;

pub mod auth;
pub use auth::{
    Auth, DatePlace, DigestAccess, Encoding, Fixed, Hash, Hmac, SigV4, SignaturePlace, SigningDate,
    SigningPiece, SigningPlaceholder, SigningText,
};

pub mod callers;
pub use callers::{CallerGrant, CallerKey, Callers, ClaimCondition, EVERY_SOURCE, KeyHash};

pub mod certificates;
pub use certificates::{CertificateName, Certificates};

pub mod connection;
pub use connection::{ClientIdentity, Connection, HttpVersion, PemFile, ProxyServer};

pub mod cursor_source;
pub use cursor_source::CursorSource;

pub mod edge;
pub use edge::{AddressBlock, ScriptOrigin, ServerTls};

pub mod field;
pub use field::{
    Conversions, Decode, Field, FieldTemplate, FieldTemplatePiece, Part, Source, Start, Take,
};

pub mod fields;
pub use fields::{Extra, Fields, Mapping, People, PeopleKind};

pub mod filterable;
pub use filterable::FilterableAttribute;

pub mod freshness;
pub use freshness::{Freshness, ListTerms, Refresh};

pub mod incremental;
pub use incremental::{Incremental, SinceRule};

pub mod jwt;
pub use jwt::{ClaimPointer, Jwt, KeySource};

pub mod key_encoding;
pub use key_encoding::KeyEncoding;

pub mod key_set;
pub use key_set::{KeySet, KeySetError, VerificationKey};

pub mod keys;
pub use keys::{Account, Shape};

pub mod limits;
pub use limits::Limits;

pub mod link_rules;
pub use link_rules::{LinkRules, LinkTarget};

pub mod location;
pub use location::{ChosenPlace, Location};

pub mod login;
pub use login::{EarlierLogin, Grant, Login, LoginExchange, LoginFormat, TokenAuth, TokenPlace};

pub mod login_answer;
pub use login_answer::{Expiry, ExpiryUnit, LoginLocation};

pub mod message_signature;
pub use message_signature::{MessageAlgorithm, MessageSignature, SignedComponent};

pub mod next_cursor;
pub use next_cursor::NextCursor;

pub mod oauth2;
pub use oauth2::{Assertion, ClientProof, Oauth2Client, PrivateKey, TokenRequest};

pub mod on_behalf;
pub use on_behalf::{CallerValue, ForwardedNames, OnBehalf};

pub mod origin;
pub use origin::Origin;
pub(crate) use origin::{holds_userinfo, is_loopback};

pub mod outer_value;
pub use outer_value::{GroupField, OuterValue};

pub mod paging;
pub use paging::{
    Absent, EmptyPage, EndFlag, LinkBase, NumberedPages, OffsetPages, Paging, PagingStyle, Repeat,
    ShortPage, Step, Stride, Total, Trust,
};

pub mod path;
pub use path::Path;

pub mod placeholder;

pub mod pushdown;
pub use pushdown::{List, Lookup, Pushable, PushdownRule, PushdownRules};

pub mod record_column;
pub use record_column::RecordColumn;

pub mod record_filter;
pub use record_filter::RecordFilter;

pub mod records;
pub use records::{AbsentRecords, Records};

pub mod related;
pub use related::{
    Details, ListReading, MemberList, Memberships, PartitionSource, Partitions, RelatedList,
    RelatedLists, UniqueIds, Users,
};

pub mod request;
pub use request::{Placeholder, Request, RequestBody, Requests, TextPart};

pub mod resilience;
pub use resilience::{BreakerThresholds, Hedging};

pub mod response;
pub use response::{Absence, BodyFormat, ClassifyRules, Format, Success};

pub mod reuse;
pub use reuse::{ReuseMarker, ReuseRule};

pub mod secret;
pub use secret::SecretValue;

pub mod server;
pub use server::{Cache, ClientRateLimit, ConnectionLimits, Server};

pub(crate) mod text;

pub mod time;
pub use time::TimeFormat;

pub mod token_algorithm;
pub use token_algorithm::TokenAlgorithm;

pub mod units;
pub use units::{Rate, Share, Span};

pub mod value;
pub use value::{OneOrMany, PathOr, Scalar};

pub mod upstream;
pub use upstream::Upstream;

use std::sync::Arc;

use http::HeaderName;

/// Everything that the process does, decided.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The listeners, and how long a request or a shutdown may take.
    pub server: Server,
    /// How many of the requested sources must contribute to an answer.
    pub min_sources: usize,
    /// How much memory lists and answers may take, and where else they are kept.
    pub cache: Cache,
    /// How many requests each client may make.
    pub rate_limit: ClientRateLimit,
    /// What the log says of each request.
    pub access_log: AccessLogRules,
    /// Who may ask, and what each caller may see. `None`: whoever can connect sees everything.
    pub callers: Option<Callers>,
    /// What is recorded of who asked for what.
    pub audit: AuditRules,
    /// The keys that sign cursors; the first one signs, all of them verify. Without any, the process
    /// makes one of its own.
    pub cursor_keys: Vec<SecretValue>,
    /// The upstreams, in order of name.
    pub upstreams: Vec<Arc<Upstream>>,
}

impl Plan {
    /// What is open to anyone beyond this machine, in words.
    pub fn exposures(&self) -> impl Iterator<Item = &'static str> {
        let server = &self.server;
        let is_open = !server.listen.ip().is_loopback();
        let is_plain = server.tls.is_none() && server.trusted_proxies.is_empty();
        let has_secrets = |callers: &Callers| !callers.keys.is_empty() || callers.jwt.is_some();
        let shows = |callers: &Callers| {
            !callers.required && callers.granted(&callers.anonymous).next().is_some()
        };
        let callers = self.callers.as_ref();
        [
            (callers.is_none(), server::OPEN_TO_ALL),
            (callers.is_some_and(shows), server::OPEN_TO_ANONYMOUS),
            (
                is_plain && callers.is_some_and(has_secrets),
                server::READABLE_SECRETS,
            ),
        ]
        .into_iter()
        .filter_map(move |(is_so, exposure)| (is_open && is_so).then_some(exposure))
    }

    /// The upstream of this name.
    pub fn upstream(&self, name: &str) -> Option<&Arc<Upstream>> {
        let found = (self.upstreams).binary_search_by(|upstream| (*upstream.name).cmp(name));
        self.upstreams.get(found.ok()?)
    }

    /// The upstreams that can never be asked, because no caller brings what they are asked with, and what is
    /// missing.
    pub fn never_asked(&self) -> impl Iterator<Item = (&str, &'static str)> {
        let callers = self.callers.as_ref();
        let is_known = callers.is_some_and(Callers::has_credentials);
        let has_tokens = callers.is_some_and(|callers| callers.jwt.is_some());
        self.upstreams.iter().filter_map(move |upstream| {
            let on_behalf = upstream.on_behalf.as_ref()?;
            let missing = if on_behalf.needs_token() && !has_tokens {
                "no `[callers.jwt]`"
            } else if !is_known && !has_tokens {
                "no `[callers]` who could say who they are"
            } else {
                return None;
            };
            Some((&*upstream.name, missing))
        })
    }

    /// The upstreams that are sent headers of a caller's request, and which.
    pub fn forwarding(&self) -> impl Iterator<Item = (&str, &ForwardedNames)> {
        self.upstreams.iter().filter_map(|upstream| {
            let headers = &upstream.on_behalf.as_ref()?.headers;
            (!headers.is_empty()).then_some((&*upstream.name, headers))
        })
    }

    /// The headers of a caller's request that some upstream forwards. No others need be kept.
    pub fn forwarded_headers(&self) -> Vec<HeaderName> {
        let names = self.forwarding().flat_map(|(_, names)| names.iter());
        let mut names: Vec<HeaderName> = names.cloned().collect();
        names.sort_unstable_by(|one, other| one.as_str().cmp(other.as_str()));
        names.dedup();
        names
    }
}
