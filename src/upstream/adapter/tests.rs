//! What an adapter needs of the machine, and what it cannot ask for.

use rstest::rstest;

use super::*;
use crate::app;
use crate::config::testing::load_block;
use crate::error::Fault;
use crate::upstream::off_thread::{LARGE_BODY, Urgency, run};
use crate::upstream::pager::Position;

/// Compiles a block on a system without certificates.
fn compile_without_certificates(toml: &str) -> (Option<Adapter>, Vec<String>) {
    let loaded = load_block("club", toml, &[("SECRET", "s3cr3t")]);
    let wall = WallClock::fixed(jiff::Timestamp::UNIX_EPOCH);
    let mut problems = Problems::default();
    let adapter = app::adapter(&loaded, "club", &wall, &Tls::unavailable(), &mut problems);
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
    let error = run(LARGE_BODY, Urgency::Now, &PageMemory::default(), work)
        .await
        .unwrap_err();
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
        request = {{ path = '/{{var}}{path}', vars = {{ var = {var} }}, query = {{ from = '{{cursor}}' }} }}
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
async fn https_without_certificates_is_refused_with_the_reason_and_a_way_out(#[case] toml: String) {
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

#[test]
fn what_is_asked_on_behalf_of_callers_is_never_asked_without_one() {
    let forwards = format!("{PLAIN}\nauth = {{ type = 'forward', headers = ['authorization'] }}");
    let (adapter, problems) = compile_without_certificates(&forwards);
    let adapter = adapter.unwrap_or_else(|| panic!("{problems:?}"));
    assert!(adapter.caller().is_err());
    let (adapter, _) = compile_without_certificates(PLAIN);
    assert!(
        adapter
            .unwrap()
            .caller()
            .is_ok_and(|caller| caller.is_none())
    );
}
