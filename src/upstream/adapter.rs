//! An adapter: one upstream's block, compiled.
//!
//! Compiling reads the secrets and checks what depends on several parts; after it nothing is
//! optional that the walk needs. How it fetches a page is in `pages`.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use crate::clock::WallClock;
use crate::config::resolve::{self, digest, pagination, request};
use crate::config::upstream::{Limits, Upstream};
use crate::config::{Cache, SecretReader};
use crate::plan::{Account, Paging, Refresh, Requests, Shape, Share};
use crate::problem::{KeyPath, Problem, Problems};

use super::client::Connections;
use super::exchange::Exchange;
use super::pushdown::{Pushed, Rules};
use super::tls::Tls;
use super::transport::{Circuit, Replay, Transport};
use crate::page::format::{Bounds, Page};
use crate::page::mapping::Mapping;

/// How one upstream is asked, and how its answers become groups. Its parts are shared, so that one
/// that asks with filters costs little.
#[derive(Debug, Clone)]
pub struct Adapter {
    name: Arc<str>,
    shape: Shape,
    account: Account,
    settings: [u8; 32],
    pub(super) exchange: Arc<Exchange>,
    pub(super) requests: Arc<Requests>,
    pub(super) paging: Paging,
    /// How the pages of an answer to a filter follow each other.
    filtered: Paging,
    rules: Option<Rules>,
    pub(super) pushed: Pushed,
    pub(super) mapping: Arc<Mapping>,
    limits: Limits,
    room: u64,
    freshness: Freshness,
    refresh: Refresh,
    shrink_guard: Share,
    required: bool,
}

/// How long a snapshot serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Freshness {
    /// How long it is fresh.
    pub ttl: Duration,
    /// How long after `ttl` it is served while a refresh runs.
    pub stale_while_revalidate: Duration,
    /// How long after `ttl` it is served because a refresh failed.
    pub stale_if_error: Duration,
    /// The shortest time between two walks that are asked for, or after a failed one.
    pub min_refresh: Duration,
}

impl Adapter {
    /// Compiles the block `[upstreams.NAME]`.
    pub fn compile(
        name: &str,
        upstream: &Upstream,
        cache: &Cache,
        secrets: &SecretReader<'_>,
        wall: &WallClock,
        tls: &Tls,
        problems: &mut Problems,
    ) -> Option<Self> {
        let at = KeyPath::new(["upstreams", name]);
        let requests = request::requests(upstream, &at, secrets, problems);
        let auth = resolve::auth(upstream, &at, secrets, problems);
        let auth = Arc::new(auth?);
        let connections = Connections::compile(upstream, tls, wall.now(), &at, secrets, problems)?;
        let name: Arc<str> = name.into();
        let transport = Transport::new(
            &name,
            upstream,
            Arc::clone(&auth),
            wall.clone(),
            &connections,
        );
        let classify_rules = resolve::classify_rules(upstream, &at, problems);
        let bounds = Bounds::of(&upstream.limits);
        let exchange = Exchange::new(&auth, classify_rules, bounds, transport, wall);
        let rules = Rules::compile(upstream, &at, problems);
        // Every secret was read before, so only a file can have gone meanwhile.
        let account = digest::account_of(upstream, secrets)
            .map_err(|error| Problem::new(at.clone(), error.to_string()));
        let paging = pagination::paging(&at, upstream, problems);
        Some(Self {
            shape: digest::shape_of(upstream),
            account: problems.keep(account)?,
            settings: [0; 32],
            exchange: Arc::new(exchange),
            requests: Arc::new(requests?),
            filtered: pagination::filtered(upstream, &paging),
            paging,
            rules,
            pushed: Pushed::NONE,
            mapping: Arc::new(Mapping::new(Arc::clone(&name), upstream)),
            limits: upstream.limits.clone(),
            room: cache.shares().snapshots,
            freshness: Freshness::of(upstream, cache),
            refresh: upstream.refresh,
            shrink_guard: upstream.shrink_guard,
            required: upstream.required,
            name,
        })
    }

    /// The upstream's name.
    pub const fn name(&self) -> &Arc<str> {
        &self.name
    }

    /// What its list looks like.
    pub const fn shape(&self) -> Shape {
        self.shape
    }

    /// Whose eyes its list is seen with.
    pub const fn account(&self) -> Account {
        self.account
    }

    /// The adapter as the one of settings that have this digest, secrets included.
    #[must_use]
    pub(crate) fn of_settings(self, settings: [u8; 32]) -> Self {
        Self { settings, ..self }
    }

    /// Whether it is asked, treated and read by the same settings as another one.
    pub(crate) fn is_same(&self, other: &Self) -> bool {
        self.name == other.name && self.settings == other.settings
    }

    /// What may be handed to the upstream, if it is asked by query.
    pub const fn rules(&self) -> Option<&Rules> {
        self.rules.as_ref()
    }

    /// The adapter that asks for what `pushed` leaves of the list, which may take so much memory.
    #[must_use]
    pub fn asking(&self, pushed: Pushed, room: u64) -> Self {
        Self {
            paging: self.filtered.clone(),
            pushed,
            room,
            ..self.clone()
        }
    }

    /// How its pages follow each other.
    pub const fn paging(&self) -> &Paging {
        &self.paging
    }

    /// How its records become groups.
    pub fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// What the upstream may be asked for.
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How much memory its snapshot may take, were it the only one.
    pub const fn room(&self) -> u64 {
        self.room
    }

    /// How long its snapshots serve.
    pub const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// When its list is read anew.
    pub const fn refresh(&self) -> Refresh {
        self.refresh
    }

    /// The share of what is served that a new list must have.
    pub const fn shrink_guard(&self) -> Share {
        self.shrink_guard
    }

    /// Whether no answer may be given without it.
    pub const fn required(&self) -> bool {
        self.required
    }

    /// How its breaker stands, if it has one.
    pub fn circuit(&self) -> Option<Circuit> {
        self.exchange.circuit()
    }

    /// Answers from a recording from now on: nothing is sent any more.
    pub fn set_replay(&self, replay: Arc<dyn Replay>) {
        self.exchange.set_replay(replay);
    }

    /// The records of a page, in the order of its outcomes. `None` for a record that is listed but
    /// absent.
    pub fn records<'a>(&self, page: &'a Page) -> Vec<Option<&'a Value>> {
        self.mapping.values(page)
    }
}

impl Freshness {
    fn of(upstream: &Upstream, cache: &Cache) -> Self {
        Self {
            ttl: upstream.ttl.unwrap_or(cache.ttl).get(),
            stale_while_revalidate: upstream
                .stale_while_revalidate
                .unwrap_or(cache.stale_while_revalidate)
                .get(),
            stale_if_error: upstream
                .stale_if_error
                .unwrap_or(cache.stale_if_error)
                .get(),
            min_refresh: upstream.min_refresh.unwrap_or(cache.min_refresh).get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::config::Environment;
    use crate::error::Fault;
    use crate::upstream::off_thread::{LARGE_BODY, off_thread_if_large};
    use crate::upstream::pager::Position;

    /// Compiles a block on a system without certificates.
    fn compile_without_certificates(toml: &str) -> (Option<Adapter>, Vec<String>) {
        let environment = Environment::from_iter([("SECRET", "s3cr3t")]);
        let mut problems = Problems::default();
        let adapter = Adapter::compile(
            "club",
            &toml::from_str(toml).unwrap(),
            &Cache::default(),
            &SecretReader::new(&environment),
            &WallClock::fixed(jiff::Timestamp::UNIX_EPOCH),
            &Tls::unavailable(),
            &mut problems,
        );
        let problems = problems.into_iter().map(|problem| {
            let help = problem.help.clone().unwrap_or_default();
            format!("{}: {problem} ({help})", problem.at)
        });
        (adapter, problems.collect())
    }

    const PLAIN: &str = "
        base_url = 'http://localhost'
        request = { path = '/teams' }
        records = '/'
        fields = { id = 'id', name = 'name' }
    ";

    const PLAIN_WITH_A_SECURE_LOGIN: &str = "
        base_url = 'http://localhost'
        request = { path = '/teams' }
        records = '/'
        fields = { id = 'id', name = 'name' }

        [auth]
        type = 'oauth2_client_credentials'
        token_url = 'https://localhost/token'
        client_id = 'club'
        client_secret = { env = 'SECRET' }
    ";

    #[tokio::test]
    async fn a_panic_over_a_page_is_told_as_our_own_fault_and_in_its_words() {
        let work = || -> Result<(), _> { panic!("a list of lists") };
        let error = off_thread_if_large(LARGE_BODY, work).await.unwrap_err();
        assert_eq!(error.fault(), Fault::Gateway);
        assert!(error.detail.contains("a list of lists"), "{error}");
    }

    #[rstest]
    #[case::of_settings("/a", "'.'", Position::Start, Fault::Gateway)]
    #[case::of_an_upstream("/{cursor}", "'a'", Position::Cursor("..".to_owned()), Fault::Upstream)]
    #[tokio::test]
    async fn a_segment_that_no_path_can_hold_is_the_fault_of_whoever_named_it(
        #[case] path: &str,
        #[case] var: &str,
        #[case] position: Position,
        #[case] fault: Fault,
    ) {
        let (adapter, _) = compile_without_certificates(&format!(
            "
            base_url = 'http://localhost'
            request = {{ path = '/{{var}}{path}', vars = {{ var = {var} }} }}
            records = '/'
            pagination = {{ style = 'cursor', next = '/next' }}
            fields = {{ id = 'id', name = 'name' }}
            "
        ));
        let error = adapter.unwrap().request(&position).unwrap_err();
        assert_eq!(error.fault(), fault, "{error}");
    }

    #[tokio::test]
    async fn plain_http_needs_no_certificates() {
        let (adapter, problems) = compile_without_certificates(PLAIN);
        assert!(adapter.is_some());
        assert_eq!(problems, Vec::<String>::new());
    }

    const PLAIN_WITH_SECURE_PAGES: &str = "
        base_url = 'http://localhost'
        request = { path = '/teams' }
        records = '/'
        pagination = { style = 'link', origins = ['https://localhost'] }
        fields = { id = 'id', name = 'name' }
    ";

    #[rstest]
    #[case::pages(PLAIN_WITH_SECURE_PAGES.to_owned())]
    #[case::list(PLAIN.replace("http:", "https:"))]
    #[case::login(PLAIN_WITH_A_SECURE_LOGIN.to_owned())]
    #[tokio::test]
    async fn https_without_certificates_is_refused_with_the_reason_and_a_way_out(
        #[case] toml: String,
    ) {
        let (adapter, problems) = compile_without_certificates(&toml);
        assert!(adapter.is_none());
        assert_eq!(
            problems,
            [
                "upstreams.club.base_url: the system's trusted certificates cannot be used: \
              unexpected error: no certificates were found (install the system's certificates \
              (package `ca-certificates`), or name a file that holds some in the variable \
              `SSL_CERT_FILE`)"
            ]
        );
    }
}
