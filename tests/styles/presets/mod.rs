//! The presets, against pages written from the vendors' public documentation.

mod recorded;
mod related;
mod server;

use std::sync::{Arc, LazyLock};

use groupgate::clock::WallClock;
use groupgate::config::Loaded;
use groupgate::config::upstream::Upstream;
use groupgate::group::Group;
use groupgate::observe::Observers;
use groupgate::presets;
use groupgate::upstream::Adapter;
use groupgate::upstream::FetchedPage;
use groupgate::upstream::walk::walk;
use rcgen::{KeyPair, PKCS_RSA_SHA256, RsaKeySize};
use rstest::rstest;
use serde_json::{Value, json};

use crate::support::adapters::{self, GATEWAY, compile};
use server::Recorded;

/// Every variable that a preset names, but for [`SERVICE_ACCOUNT`].
const VARIABLES: [(&str, &str); 40] = [
    ("AUTH0_CLIENT_ID", "4VAJGWgLkTDf7GKUUMEUaGWEUkCgmzS4"),
    ("AUTH0_CLIENT_SECRET", "s3cret&more"),
    ("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE"),
    (
        "AWS_SECRET_ACCESS_KEY",
        "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
    ),
    ("AZURE_CLIENT_ID", "535fb089-9ff3-47b6-9bfb-4f1264799865"),
    ("AZURE_CLIENT_SECRET", "sampleCredentia1s"),
    ("COLLECTIONS_DOMAIN", "my-domain"),
    ("COLLECTIONS_EMAIL", "svc@example.com"),
    ("COLLECTIONS_ID", "a-client"),
    ("COLLECTIONS_SECRET", "a-secret"),
    ("DISCOURSE_KEY", "714552c6148e1617aeab526d0606184b"),
    ("DISCOURSE_USER", "system"),
    ("FREEIPA_PASSWORD", "s3cret&more"),
    ("FREEIPA_USER", "groupgate"),
    ("GITHUB_TOKEN", "ghp_EXAMPLE"),
    ("GITLAB_TOKEN", "glpat-EXAMPLE"),
    ("GOOGLE_ADMIN", "admin@example.com"),
    ("GRAFANA_TOKEN", "glsa_kcVxDhZtu5ISOZIEt"),
    ("IDENTITY_STORE_ID", "d-1234567890"),
    ("KEYCLOAK_CLIENT_ID", "groupgate"),
    ("KEYCLOAK_CLIENT_SECRET", "s3cret&more"),
    ("KEYCLOAK_REALM", "acme corp"),
    ("MATTERMOST_TOKEN", "hyr5dmb1mbb49c44qmx4whniso"),
    ("NEXTCLOUD_PASSWORD", "s3cret&more"),
    ("NEXTCLOUD_USER", "admin"),
    ("OKTA_TOKEN", "00QCjAl4MlV-WPXM...0HmjFx-vbGua"),
    ("ONLIVE_KEY", "a-key"),
    ("ONLIVE_SECRET", "a-secret"),
    ("PAGERDUTY_TOKEN", "token=y_NbAkKc66ryYTWUXYEu"),
    ("PUBLISHER_TOKEN", "a-token"),
    ("SCIM_TOKEN", "h480djs93hd8"),
    ("SERVICENOW_PASSWORD", "s3cret&more"),
    ("SERVICENOW_USER", "groupgate"),
    ("SLACK_TOKEN", "xoxb-EXAMPLE"),
    ("TALLYFY_ORG", "acme"),
    ("TALLYFY_TOKEN", "a-token"),
    ("VINYL_KEY", "a-key"),
    ("VINYL_SECRET", "a-secret"),
    ("ZENDESK_TOKEN", "6wiIBWbGkBMo1mRDMuVwkw1EPsNkeUj95PIz2akv"),
    ("ZENDESK_USER", "jdoe@example.com/token"),
];

/// The key of a service account, as JSON.
static SERVICE_ACCOUNT: LazyLock<String> = LazyLock::new(|| {
    let key = KeyPair::generate_rsa_for(&PKCS_RSA_SHA256, RsaKeySize::_2048).unwrap();
    let key = json!({
        "type": "service_account",
        "private_key_id": "8e2c1f",
        "private_key": key.serialize_pem(),
        "client_email": "groupgate@acme.iam.gserviceaccount.com",
    });
    key.to_string()
});

fn load(text: &str) -> Loaded {
    let service_account = ("GOOGLE_SERVICE_ACCOUNT", SERVICE_ACCOUNT.as_str());
    adapters::load(text, VARIABLES.into_iter().chain([service_account]))
}

/// The adapter of a block over a preset, on 2026-11-21 at noon.
fn adapter(block: &str) -> Arc<Adapter> {
    let loaded = load(&format!("[upstreams.x]\n{block}"));
    let noon = "2026-11-21T12:00:00Z".parse().unwrap();
    compile(&loaded, "x", &WallClock::fixed(noon))
}

/// A block over a preset, for an upstream at `origin`.
fn block(preset: &str, origin: &str) -> String {
    let own = match preset {
        "auth0_organizations" | "auth0_roles" => format!(
            "auth.token_url = '{origin}/oauth/token'\n\
             auth.audience = 'https://example.eu.auth0.com/api/v2/'\n"
        ),
        "aws_identity_center" => "auth.region = 'eu-central-1'\n".to_owned(),
        "freeipa" => "request.headers.Referer = 'https://ipa.example.com/ipa'\n\
                      auth.request.headers.Referer = 'https://ipa.example.com/ipa'\n"
            .to_owned(),
        "google_directory" => format!("auth.token_url = '{origin}/token'\n"),
        "microsoft_graph" | "microsoft_graph_delta" => {
            format!("auth.token_url = '{origin}/acme/oauth2/v2.0/token'\n")
        }
        _ => String::new(),
    };
    format!("preset = '{preset}'\nbase_url = '{origin}'\n{own}")
}

/// A group without what it does not have.
fn brief(group: &Group) -> Value {
    let Value::Object(mut members) = serde_json::to_value(group).unwrap() else {
        unreachable!("a group is an object");
    };
    members.retain(|_, value| match value {
        Value::Null => false,
        Value::Array(items) => !items.is_empty(),
        Value::Object(members) => !members.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => true,
    });
    Value::Object(members)
}

fn show(turn: &FetchedPage) -> String {
    if turn.records() == 0 {
        return "no groups".to_owned();
    }
    let shown = turn.outcomes().into_iter().map(|outcome| match outcome {
        Ok(group) => serde_json::to_string_pretty(&brief(&group)).unwrap(),
        Err(skip) => format!("skipped: {skip}"),
    });
    shown.collect::<Vec<_>>().join("\n")
}

macro_rules! snapshot {
    ($name:expr, $shown:expr) => {
        insta::with_settings!({
            prepend_module_to_snapshot => false,
            omit_expression => true,
        }, {
            insta::assert_snapshot!($name, $shown);
        });
    };
}

#[rstest]
fn each_recorded_page_becomes_groups_or_says_why_not(
    #[values(
        "auth0_organizations",
        "auth0_roles",
        "aws_iam",
        "aws_identity_center",
        "discourse",
        "freeipa",
        "github",
        "gitlab",
        "google_directory",
        "grafana",
        "keycloak",
        "mattermost",
        "microsoft_graph",
        "microsoft_graph_delta",
        "nextcloud",
        "okta",
        "pagerduty",
        "scim",
        "scim_cursor",
        "servicenow",
        "slack",
        "zendesk"
    )]
    preset: &str,
) {
    let origin = "https://vendor.example.com";
    let adapter = adapter(&block(preset, origin));
    let mut shown = String::new();
    for name in recorded::names(preset) {
        if !recorded::is_of_groups(&name) {
            continue;
        }
        let (head, body) = recorded::read(preset, &name, origin).into_parts();
        let outcome = match adapter.replay(head.status, head.headers, body.as_bytes()) {
            Ok(turn) => show(&turn),
            Err(error) => {
                let wait = error
                    .retry_after
                    .map(|wait| format!("\nretry after {wait:?}"));
                format!("{error}{}", wait.unwrap_or_default())
            }
        };
        shown.push_str(&format!("── {name} ──\n{outcome}\n"));
    }
    snapshot!(format!("{preset}_pages"), shown);
}

/// Walks a block and says what was asked; the walk must bring just these groups.
async fn walked(
    preset: &'static str,
    more: &str,
    answers: &[&'static str],
    expected: &[&str],
) -> String {
    let server = Recorded::start(preset, answers).await;
    // One after the other, so that the script is in order.
    let block = format!(
        "{}limits.concurrency = 1\n{more}",
        block(preset, server.origin())
    );
    let walked = walk(&adapter(&block), &Observers::default()).await.unwrap();
    let names = walked.groups.to_groups().into_iter();
    let names: Vec<_> = names.map(|group| group.name).collect();
    assert_eq!(names, expected);
    assert_eq!(server.left(), Vec::<&str>::new());
    server.asked()
}

const THREE: [&str; 3] = ["first", "middle", "last"];

#[rstest]
#[case::aws_iam("aws_iam", &THREE, &["Admins", "Test", "Managers"])]
#[case::gitlab("gitlab", &THREE, &["Foobar Group", "Twitter", "H5bp", "Flightjs"])]
#[case::keycloak(
    "keycloak",
    &["count", "first", "middle", "last", "empty"],
    &["engineering", "platform", "on-call", "web", "sales"]
)]
#[case::microsoft_graph("microsoft_graph", &THREE, &["Golf Assist", "Golf Discussion", "Library Assist"])]
#[case::okta("okta", &THREE, &["West Coast Users", "Everyone", "Domain Users", "Zürich"])]
#[case::scim("scim", &THREE, &["Tour Guides", "Employees", "US Employees", "Group B", "Group C"])]
#[case::scim_cursor(
    "scim_cursor",
    &THREE,
    &["Tour Guides", "Employees", "US Employees", "Group B", "Group C"]
)]
#[case::slack("slack", &["first"], &["Team Admins", "Team Owners", "Marketing Team"])]
#[tokio::test]
async fn each_preset_asks_its_way_through_the_whole_list(
    #[case] preset: &'static str,
    #[case] answers: &[&'static str],
    #[case] expected: &[&str],
) {
    let asked = walked(preset, "", answers, expected).await;
    snapshot!(format!("{preset}_requests"), asked);
}

#[tokio::test]
async fn gitlab_without_a_token_is_walked_by_keyset_links() {
    let more = "auth = { type = 'none' }\nrequest.query.pagination = 'keyset'";
    let answers = ["keyset_first", "keyset_last"];
    let asked = walked("gitlab", more, &answers, &["Foobar Group", "Flightjs"]).await;
    snapshot!("gitlab_keyset_requests", asked);
}

#[tokio::test]
async fn gitlab_may_be_walked_by_page_numbers_instead() {
    let more = "pagination = { style = 'page', limit = 100, pages = { header = 'x-total-pages' }, absent = 'continue' }\n\
                request.query.page = '{page}'";
    let names = ["Foobar Group", "Twitter", "H5bp", "Flightjs"];
    let asked = walked("gitlab", more, &THREE, &names).await;
    snapshot!("gitlab_page_requests", asked);
}

#[tokio::test]
async fn a_failure_that_passes_is_tried_again() {
    for (preset, failure) in [
        ("slack", "unavailable"),
        ("aws_iam", "unavailable"),
        ("aws_identity_center", "unavailable"),
    ] {
        let server = Recorded::start(preset, &[failure, "empty"]).await;
        let adapter = adapter(&block(preset, server.origin()));
        let walked = walk(&adapter, &Observers::default()).await.unwrap();
        assert!(walked.groups.is_empty(), "{preset}");
        assert_eq!(server.left(), Vec::<&str>::new(), "{preset}");
    }
}

/// What the shipped gateway.toml has beside a preset: what is a deployment's own.
const SHIPPED: [(&str, &str, &str); 5] = [
    (
        "collections",
        "collections",
        "base_url = 'https://api.example.com'
         request.headers.domain = 'my-domain'
         auth.request.json.user.email = 'svc@example.com'
         auth.request.json.user.group_name = 'my-domain'",
    ),
    (
        "vinyldns",
        "vinyldns",
        "base_url = 'https://dns.example.com'",
    ),
    (
        "publisher",
        "publisher",
        "base_url = 'https://pub.example.com/context'",
    ),
    ("onlivesite", "onlivesite", ""),
    ("tallyfy", "tallyfy", ""),
];

#[test]
fn the_shipped_blocks_say_what_their_presets_say() {
    let shipped = load(GATEWAY);
    for (upstream, preset, own) in SHIPPED {
        let over_preset = load(&format!("[upstreams.x]\npreset = '{preset}'\n{own}"));
        let over_preset = Upstream {
            preset: None,
            ..over_preset.settings.upstreams["x"].clone()
        };
        let written_out = &shipped.settings.upstreams[upstream];
        assert_eq!(format!("{over_preset:#?}"), format!("{written_out:#?}"));
    }
}

#[test]
fn publisher_as_json_is_publisher_but_for_what_gateway_toml_names() {
    let settings = |preset: &str, own: &str| {
        let text =
            format!("[upstreams.x]\npreset = '{preset}'\nbase_url = 'https://a.example'\n{own}");
        let upstream = load(&text).settings.upstreams.remove("x").unwrap();
        format!(
            "{:#?}",
            Upstream {
                preset: None,
                ..upstream
            }
        )
    };
    let overridden = "format = 'json'
                      records = '/groups'
                      pagination = { style = 'offset', limit = 200, total = '/total' }
                      fields.members = { each = 'users', id = '.' }";
    assert_eq!(
        settings("publisher_json", ""),
        settings("publisher", overridden)
    );
}

#[test]
fn every_preset_loads_with_what_it_asks_for() {
    for preset in presets::names().filter_map(presets::get) {
        let needs: Vec<&str> = preset.needs().map(|(_, assignment)| assignment).collect();
        load(&format!(
            "[upstreams.x]\npreset = '{}'\n{}",
            preset.name,
            needs.join("\n")
        ));
    }
}

#[test]
fn a_preset_that_is_printed_and_written_out_says_the_same() {
    for preset in presets::names().filter_map(presets::get) {
        let needs: Vec<&str> = preset.needs().map(|(_, assignment)| assignment).collect();
        let named = load(&format!(
            "[upstreams.x]\npreset = '{}'\n{}",
            preset.name,
            needs.join("\n")
        ));
        let printed = preset.block("x").replace("# yours: ", "");
        let named = Upstream {
            preset: None,
            ..named.settings.upstreams["x"].clone()
        };
        let written_out = &load(&printed).settings.upstreams["x"];
        assert_eq!(format!("{named:#?}"), format!("{written_out:#?}"));
    }
}
