//! One `[upstreams.NAME]` block: how a backend is asked, and how its answer becomes groups.

use std::collections::BTreeMap;

use bytesize::ByteSize;
use schemars::JsonSchema;
use serde::Deserialize;
use serde::de::{Deserializer, Error as _};

use super::{Path, Rate, Secret, Span};

/// How one backend is asked, and how its answer becomes groups.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Upstream {
    /// Scheme, host and, where there is one, the path that every request starts with.
    #[schemars(with = "String", extend("format" = "uri"))]
    pub base_url: url::Url,
    /// The request that lists groups.
    pub request: Request,
    /// What the answers are written in.
    #[serde(default)]
    pub format: Format,
    /// Where the list of groups stands in a page. `/` is the page itself.
    pub records: Path,
    /// How to tell from the body whether an answer under a 2xx status is a success.
    pub success: Option<Success>,
    /// How the position advances from page to page.
    #[serde(default)]
    pub pagination: Pagination,
    /// Who we are to this upstream.
    #[serde(default)]
    pub auth: Auth,
    /// Which part of a record becomes which field of a group.
    pub fields: Fields,
    /// What becomes of what a record holds and no field takes.
    #[serde(default)]
    pub extra: Extra,
    /// What this upstream may be asked for, and how much it may answer.
    #[serde(default)]
    pub limits: Limits,
    /// Without this upstream there is no answer at all.
    #[serde(default)]
    pub required: bool,
    /// Overrides `cache.ttl`.
    pub ttl: Option<Span>,
    /// Overrides `cache.stale_while_revalidate`.
    pub stale_while_revalidate: Option<Span>,
    /// Overrides `cache.stale_if_error`.
    pub stale_if_error: Option<Span>,
    /// Overrides `cache.min_refresh`.
    pub min_refresh: Option<Span>,
}

/// The shape of one request. `{cursor} {offset} {page} {limit}` and the names under `vars` may
/// stand in the path, in query and header values and in JSON strings; `{{` is a brace. What has
/// no value on a page (the cursor of the first) is left out with its parameter.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// The HTTP method.
    #[serde(default)]
    pub method: Method,
    /// The path below `base_url`. The value of a placeholder is one segment of it.
    pub path: String,
    /// Query parameters, percent-encoded for you.
    #[serde(default)]
    pub query: BTreeMap<String, Text>,
    /// Headers beside those of auth. `Accept` follows from `format` unless it is set here.
    #[serde(default)]
    pub headers: BTreeMap<String, Text>,
    /// A JSON body. A string that is exactly one placeholder takes the placeholder's type.
    pub json: Option<Json>,
    /// Values of your own for placeholders, such as an organization id.
    #[serde(default)]
    pub vars: BTreeMap<String, Text>,
    /// Says that a POST only reads, so that it may be tried again.
    #[serde(default)]
    pub idempotent: bool,
}

/// The HTTP method of a request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum Method {
    /// A request without a body.
    #[default]
    #[serde(rename = "GET")]
    Get,
    /// A request that may have a body; tried again only if it is `idempotent`.
    #[serde(rename = "POST")]
    Post,
}

/// A text with placeholders, or a secret.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Text {
    /// The text itself; numbers and booleans are taken as they are written.
    Literal(String),
    /// Where the text is.
    Secret(Secret),
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Json::deserialize(deserializer)? {
            Json::Text(text) => Ok(Self::Literal(text)),
            Json::Integer(number) => Ok(Self::Literal(number.to_string())),
            Json::Float(number) => Ok(Self::Literal(number.to_string())),
            Json::Bool(bool) => Ok(Self::Literal(bool.to_string())),
            Json::Secret(secret) => Ok(Self::Secret(secret)),
            Json::List(_) | Json::Object(_) => Err(D::Error::custom(
                "expected a string, or a secret as `{ env = \"NAME\" }` or `{ file = \"path\" }`",
            )),
        }
    }
}

/// A JSON value with placeholders in its strings. A table whose one key is `env` or `file` is a
/// secret.
#[derive(Debug, Clone, PartialEq)]
pub enum Json {
    /// A string; exactly one placeholder takes the placeholder's type.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A number with a fraction.
    Float(f64),
    /// A truth value.
    Bool(bool),
    /// Where a string is.
    Secret(Secret),
    /// An array.
    List(Vec<Json>),
    /// An object.
    Object(BTreeMap<String, Json>),
}

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::from_toml(toml::Value::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl Json {
    fn from_toml(value: toml::Value) -> Result<Self, String> {
        Ok(match value {
            toml::Value::String(text) => Self::Text(text),
            toml::Value::Integer(number) => Self::Integer(number),
            toml::Value::Float(number) => Self::Float(number),
            toml::Value::Boolean(bool) => Self::Bool(bool),
            toml::Value::Datetime(time) => Self::Text(time.to_string()),
            toml::Value::Array(items) => Self::List(
                items
                    .into_iter()
                    .map(Self::from_toml)
                    .collect::<Result<_, _>>()?,
            ),
            toml::Value::Table(table) => match Self::secret(&table) {
                Some(secret) => Self::Secret(secret),
                None => Self::Object(
                    table
                        .into_iter()
                        .map(|(name, value)| Ok((name, Self::from_toml(value)?)))
                        .collect::<Result<_, String>>()?,
                ),
            },
        })
    }

    fn secret(table: &toml::Table) -> Option<Secret> {
        let mut entries = table.iter();
        match (entries.next()?, entries.next()) {
            ((key, toml::Value::String(place)), None) if key == "env" => {
                Some(Secret::Env(place.clone()))
            }
            ((key, toml::Value::String(place)), None) if key == "file" => {
                Some(Secret::File(place.into()))
            }
            _ => None,
        }
    }
}

impl JsonSchema for Json {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Json".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A JSON value with placeholders in its strings. A table whose one key is \
                            `env` or `file` is a secret.",
        })
    }
}

/// What the answers are written in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Format {
    /// JSON (RFC 8259).
    #[default]
    Json,
    /// XML 1.0: an element path takes the place of a pointer, `@name` is an attribute.
    Xml,
}

/// How to tell from the body whether an answer under a 2xx status is a success.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Success {
    /// Where the body says so: the first path that is there and not null.
    pub path: OneOrMany<Path>,
    /// What it says on success. Compared as text, so that `200` also fits `"200"`.
    pub equals: OneOrMany<Scalar>,
    /// What it means when none of the paths is there.
    #[serde(default)]
    pub absent: Absence,
    /// Where a failed answer says why. Shown by `probe` and in logs, never to clients.
    pub message: Option<OneOrMany<Path>>,
}

/// What a missing in-body status means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absence {
    /// The answer is a failure.
    #[default]
    Error,
    /// The answer is a success.
    Ok,
}

/// One value, or a list of them.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum OneOrMany<T> {
    /// Just this one.
    One(T),
    /// These, in order.
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    /// The values in order.
    pub fn as_slice(&self) -> &[T] {
        match self {
            Self::One(value) => std::slice::from_ref(value),
            Self::Many(values) => values,
        }
    }
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for OneOrMany<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let part = |value: toml::Value| T::deserialize(value).map_err(D::Error::custom);
        match toml::Value::deserialize(deserializer)? {
            toml::Value::Array(items) if items.is_empty() => {
                Err(D::Error::custom("the list is empty: it needs at least one"))
            }
            toml::Value::Array(items) => items
                .into_iter()
                .map(part)
                .collect::<Result<_, _>>()
                .map(Self::Many),
            value => part(value).map(Self::One),
        }
    }
}

/// A string, a whole number or a truth value, held as text.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "serde_json::Value")]
pub struct Scalar(pub String);

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => Ok(Self(text)),
            toml::Value::Integer(number) => Ok(Self(number.to_string())),
            toml::Value::Boolean(bool) => Ok(Self(bool.to_string())),
            _ => Err(D::Error::custom(
                "expected a string, a whole number or a truth value",
            )),
        }
    }
}

/// Where a value that steers the walk stands: in the body or in a header of the answer.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(untagged)]
pub enum Location {
    /// A path from the page's root.
    Body(Path),
    /// A response header.
    Header {
        /// The header's name.
        header: String,
    },
}

impl<'de> Deserialize<'de> for Location {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        const EXPECTED: &str = "expected a path such as `/meta/next`, or `{ header = \"X-Next\" }`";
        match toml::Value::deserialize(deserializer)? {
            toml::Value::String(text) => text.parse().map(Self::Body).map_err(D::Error::custom),
            toml::Value::Table(table) if table.len() == 1 => match table.get("header") {
                Some(toml::Value::String(header)) => Ok(Self::Header {
                    header: header.clone(),
                }),
                _ => Err(D::Error::custom(EXPECTED)),
            },
            _ => Err(D::Error::custom(EXPECTED)),
        }
    }
}

/// How the position advances from page to page. Where it is written is the request's matter: put
/// the style's placeholder into query, headers, path or body.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(tag = "style", rename_all = "snake_case")]
pub enum Pagination {
    /// The first answer is the whole list.
    #[default]
    None,
    /// Each page names the next with a token, which goes where `{cursor}` stands.
    Cursor(CursorPages),
    /// Pages are counted in records; `{offset}` is how many come before the page.
    Offset(OffsetPages),
    /// Pages are numbered; `{page}` is the number.
    Page(NumberedPages),
    /// The `Link` header names the next page (RFC 8288, `rel="next"`).
    Link(LinkPages),
    /// The body holds the URL of the next page.
    NextUrl(NextUrlPages),
}

/// Each page names the next with a token.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct CursorPages {
    /// Where a page names the next one. Absent, null or empty there: it was the last.
    pub next: Location,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// What a cursor or a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// Pages are counted in records.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OffsetPages {
    /// The offset of the first record: 0, or 1 where the upstream counts from there.
    #[serde(default)]
    pub first: u64,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// Where a page says how many records there are in all. The pages after the first are then
    /// fetched concurrently.
    pub total: Option<Location>,
    /// What it means when `total` is named but not there.
    #[serde(default)]
    pub absent: Absent,
    /// What a page with fewer records than asked for means.
    #[serde(default)]
    pub short_page: ShortPage,
    /// What a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// Pages are numbered.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NumberedPages {
    /// The number of the first page.
    #[serde(default = "one")]
    pub first: u64,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// Where a page says how many pages there are. The pages after the first are then fetched
    /// concurrently.
    pub pages: Option<Location>,
    /// Where a page says how many records there are in all.
    pub total: Option<Location>,
    /// What it means when `pages` or `total` is named but not there.
    #[serde(default)]
    pub absent: Absent,
    /// What a page with fewer records than asked for means.
    #[serde(default)]
    pub short_page: ShortPage,
    /// What a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

const fn one() -> u64 {
    1
}

/// The `Link` header names the next page.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkPages {
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// What a link or a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// The body holds the URL of the next page, absolute or relative, always of the same origin.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NextUrlPages {
    /// Where a page holds the URL of the next one. Absent, null or empty there: it was the last.
    pub next: Location,
    /// How many records to ask for, where `{limit}` stands.
    pub limit: Option<u32>,
    /// What a URL or a page that was seen before means.
    #[serde(default)]
    pub on_repeat: Repeat,
}

/// What a missing total means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Absent {
    /// The walk fails: the upstream always says it.
    #[default]
    Error,
    /// The page was the only one.
    End,
    /// The walk goes on until a page is empty.
    Continue,
}

/// What a page with fewer records than asked for means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ShortPage {
    /// Nothing: many upstreams fill their pages before they filter them.
    #[default]
    Continue,
    /// It was the last one.
    End,
}

/// What a position or a page that was seen before means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Repeat {
    /// The walk fails: it would never end, or the list would be wrong.
    #[default]
    Error,
    /// The walk ends: this upstream is known to repeat its last page.
    End,
}

/// Who we are to this upstream.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Auth {
    /// Nobody: the upstream does not ask.
    #[default]
    None,
    /// A token in the `Authorization` header (RFC 6750).
    Bearer(BearerAuth),
    /// User and password (RFC 7617).
    Basic(BasicAuth),
    /// A key in a header or a query parameter.
    ApiKey(ApiKeyAuth),
    /// A login call that answers with a token.
    TokenExchange(TokenExchangeAuth),
    /// OAuth 2.0 client credentials (RFC 6749, section 4.4).
    Oauth2ClientCredentials(Oauth2Auth),
    /// AWS Signature Version 4.
    AwsSigv4(AwsSigv4Auth),
    /// A signature over a string of your own making, in a header of your own shape.
    Hmac(HmacAuth),
}

/// A token in the `Authorization` header.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BearerAuth {
    /// The token.
    pub token: Secret,
    /// The word before it.
    #[serde(default = "bearer")]
    pub scheme: String,
}

fn bearer() -> String {
    "Bearer".to_owned()
}

/// User and password.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BasicAuth {
    /// The user's name, which must not contain a colon.
    pub username: Text,
    /// The password.
    pub password: Secret,
}

/// A key in a header or a query parameter: name exactly one of the two.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyAuth {
    /// The key.
    pub key: Secret,
    /// The header that carries it.
    pub header: Option<String>,
    /// The query parameter that carries it.
    pub query: Option<String>,
}

/// A login call that answers with a token. The token is kept, renewed before it ends, and renewed
/// once when the upstream refuses it.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenExchangeAuth {
    /// The login request, below the same `base_url`.
    pub request: Request,
    /// Where the answer holds the token.
    pub token: Location,
    /// When the token ends. Without it, when it is refused.
    pub expires: Option<Expiry>,
    /// How to tell from the body whether the login was a success. Without it, the upstream's own
    /// `success` counts, except that an absent status is a success.
    pub success: Option<Success>,
    /// The header that carries the token.
    #[serde(default = "authorization")]
    pub header: String,
    /// The word before it; empty for none.
    #[serde(default = "bearer")]
    pub scheme: String,
}

fn authorization() -> String {
    "authorization".to_owned()
}

/// When a token ends.
#[derive(Debug, Clone, PartialEq, Eq, JsonSchema)]
#[schemars(with = "String")]
pub enum Expiry {
    /// `"jwt"`: the token is a JWT, and its `exp` says so. One that cannot be read lives until it
    /// is refused.
    Jwt,
    /// A duration such as `"50m"`: so long after the login.
    After(Span),
    /// A path such as `"/expires_in"`: where the answer holds seconds from now, or an instant.
    At(Path),
}

impl<'de> Deserialize<'de> for Expiry {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        if text == "jwt" {
            return Ok(Self::Jwt);
        }
        if text.starts_with('/') {
            return text.parse().map(Self::At).map_err(D::Error::custom);
        }
        text.parse().map(Self::After).map_err(|_| {
            D::Error::custom(format!(
                "`{text}` is no expiry: write `jwt`, a duration such as `50m`, or a path such as `/expires_in`"
            ))
        })
    }
}

/// OAuth 2.0 client credentials.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Oauth2Auth {
    /// The token endpoint.
    #[schemars(with = "String", extend("format" = "uri"))]
    pub token_url: url::Url,
    /// The client's id.
    pub client_id: Text,
    /// The client's secret.
    pub client_secret: Secret,
    /// The scope to ask for.
    pub scope: Option<String>,
}

/// AWS Signature Version 4.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsSigv4Auth {
    /// The region in the credential scope.
    pub region: String,
    /// The service in the credential scope.
    pub service: String,
    /// The access key id.
    pub access_key: Secret,
    /// The secret access key.
    pub secret_key: Secret,
    /// The session token of temporary credentials.
    pub session_token: Option<Secret>,
}

/// A signature over a string of your own making, in a header of your own shape.
///
/// Placeholders: `{method} {path} {query} {date} {body_hash} {host} {key_id}`, and in `header`
/// also `{signature}`. `\n` is a line feed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacAuth {
    /// The key's id.
    pub key_id: Secret,
    /// The key.
    pub secret: Secret,
    /// The hash function.
    #[serde(default)]
    pub hash: Hash,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: Encoding,
    /// The header that says when the request was signed.
    pub date: Option<DateHeader>,
    /// What is signed.
    pub string_to_sign: String,
    /// The value of the header that carries the signature.
    pub header: String,
    /// The header that carries the signature.
    #[serde(default = "authorization")]
    pub header_name: String,
}

/// The header that says when a request was signed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DateHeader {
    /// The header's name.
    pub header: String,
    /// How the moment is written, always UTC, in `strftime` words such as `%Y%m%dT%H%M%SZ`.
    pub format: String,
}

/// A hash function.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Hash {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-1, for upstreams that know no better.
    Sha1,
}

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Encoding {
    /// Lower-case hexadecimal.
    #[default]
    Hex,
    /// Base64 with padding (RFC 4648, section 4).
    Base64,
}

/// Which part of a record becomes which field of a group. A list of paths takes the first that is
/// there and not null.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Fields {
    /// The group's id in its source. A record without one is skipped and counted.
    pub id: OneOrMany<Path>,
    /// The display name. A record without one is skipped and counted.
    pub name: OneOrMany<Path>,
    /// What the group is for.
    pub description: Option<OneOrMany<Path>>,
    /// The group's own address.
    pub email: Option<OneOrMany<Path>>,
    /// Life-cycle status; lower-cased.
    pub status: Option<OneOrMany<Path>>,
    /// The organization or tenant that the group belongs to.
    pub organization_id: Option<OneOrMany<Path>>,
    /// The group's id in a third system.
    pub external_id: Option<OneOrMany<Path>>,
    /// The source's id of the group above this one.
    pub parent_id: Option<OneOrMany<Path>>,
    /// Where a person may see the group.
    pub url: Option<OneOrMany<Path>>,
    /// Where the group's picture is.
    pub logo_url: Option<OneOrMany<Path>>,
    /// Who is in the group.
    pub members: Option<Each>,
    /// Who runs the group.
    pub admins: Option<Each>,
    /// Who is in the group from outside.
    pub guests: Option<Each>,
    /// How many members there are. Without it, as many as `members` lists.
    pub member_count: Option<OneOrMany<Path>>,
    /// When the group was made.
    pub created_at: Option<OneOrMany<Path>>,
    /// When the group last changed.
    pub updated_at: Option<OneOrMany<Path>>,
    /// When the group was marked deleted.
    pub deleted_at: Option<OneOrMany<Path>>,
}

/// A list of people in a record. At least one of `id` and `email` is needed.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Each {
    /// Where the list stands. One item without a list around it is a list of one.
    pub each: Path,
    /// The account's id, from the item; `.` is the item itself.
    pub id: Option<OneOrMany<Path>>,
    /// The account's e-mail address, from the item; `.` is the item itself.
    pub email: Option<OneOrMany<Path>>,
}

/// What becomes of what a record holds and no field takes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Extra {
    /// It is kept verbatim under `attributes`.
    #[default]
    Keep,
    /// It is dropped.
    Drop,
}

/// What an upstream may be asked for, and how much it may answer. Reaching a bound is an error,
/// never a shorter list.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// How often it may be asked, as `"5/s"`: pages, logins and retries together. Without it, as
    /// fast as it answers.
    pub rate: Option<Rate>,
    /// How many requests may be under way at once.
    pub concurrency: u32,
    /// How long one try of one request may take, from connecting to the end of the body.
    pub timeout: Span,
    /// How often a request that may be repeated is tried again.
    pub retries: u32,
    /// How long a whole walk may take.
    pub walk: Span,
    /// How many pages a walk may have.
    pub pages: u32,
    /// How many records a walk may bring.
    pub groups: u32,
    /// How large one page may be, before and after decompression.
    #[schemars(with = "String")]
    pub page_bytes: ByteSize,
    /// How large all pages of a walk may be together.
    #[schemars(with = "String")]
    pub walk_bytes: ByteSize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            rate: None,
            concurrency: 4,
            timeout: Span::seconds(5),
            retries: 2,
            walk: Span::seconds(5 * 60),
            pages: 20_000,
            groups: 2_000_000,
            page_bytes: ByteSize::mib(64),
            walk_bytes: ByteSize::gib(1),
        }
    }
}
