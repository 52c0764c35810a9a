//! The presets that ask for more than one list: for partitions, and for who is in each group.

use groupgate::group::{Group, Member};
use groupgate::observe::Observers;
use groupgate::upstream::walk::walk;
use rstest::rstest;

use super::server::Recorded;
use super::{adapter, block, load};
use crate::support::gateway::{ANY_PORT, Gateway};

/// A group and who is in it.
fn show(group: &Group) -> String {
    let person = |person: &Member| match (&person.id, &person.email) {
        (Some(id), Some(email)) => format!("{id} <{email}>"),
        (Some(id), None) => id.clone(),
        (None, Some(email)) => format!("<{email}>"),
        (None, None) => "nobody".to_owned(),
    };
    let members: Vec<_> = group.members.iter().map(person).collect();
    let count = group
        .member_count
        .map_or_else(|| "?".to_owned(), |count| count.to_string());
    format!("{} ({count}): {}\n", group.name, members.join(", "))
}

/// A block over a preset, without its rate, which is for vendors.
fn unhurried(preset: &str, origin: &str) -> String {
    format!("{}limits.rate = '10000/s'\n", block(preset, origin))
}

const FIRST: &str = "members_first";
const LAST: &str = "members_last";
const NONE: &str = "members_none";
const ONE: &str = "members_one";

#[rstest]
#[case::auth0_organizations(
    "auth0_organizations",
    &["first", "middle", "last", FIRST, LAST, NONE, LAST]
)]
#[case::auth0_roles("auth0_roles", &["first", "middle", "last", FIRST, LAST, NONE, LAST])]
#[case::aws_identity_center(
    "aws_identity_center",
    &["first", "middle", "last", FIRST, LAST, NONE, LAST]
)]
#[case::discourse("discourse", &["first", "middle", "last", ONE, FIRST, NONE])]
#[case::freeipa("freeipa", &["first"])]
#[case::github(
    "github",
    &["partitions", "first", "middle", "last", "empty", FIRST, LAST, NONE, LAST]
)]
#[case::gitlab("gitlab", &["first", "middle", "last", FIRST, LAST, NONE, NONE, LAST])]
#[case::google_directory(
    "google_directory",
    &["first", "middle", "last", FIRST, LAST, NONE, "members_customer", NONE]
)]
#[case::grafana("grafana", &["first", "middle", "last", FIRST, ONE, NONE])]
#[case::keycloak(
    "keycloak",
    &["count", "first", "middle", "last", "empty", FIRST, NONE, NONE, NONE, NONE, NONE]
)]
#[case::mattermost("mattermost", &["first", "middle", "last", "empty", FIRST, ONE, NONE])]
#[case::microsoft_graph("microsoft_graph", &["first", "middle", "last", FIRST, LAST, NONE, NONE])]
#[case::microsoft_graph_delta(
    "microsoft_graph_delta",
    &["first", "middle", "last", FIRST, LAST, NONE, NONE]
)]
#[case::nextcloud("nextcloud", &["first", "middle", "empty", FIRST, "members_two", NONE])]
#[case::okta("okta", &["first", "middle", "last", FIRST, LAST, NONE, NONE, LAST])]
#[case::pagerduty("pagerduty", &["first", "middle", "last", FIRST, LAST, NONE, LAST])]
#[case::servicenow("servicenow", &["first", "middle", "last", FIRST, LAST])]
#[case::zendesk("zendesk", &["first", "middle", "last", FIRST, LAST, NONE, LAST])]
#[tokio::test]
async fn each_preset_brings_who_is_in_each_group(
    #[case] preset: &'static str,
    #[case] answers: &[&'static str],
) {
    let server = Recorded::start(preset, answers).await;
    let shipped_without = ["gitlab", "keycloak", "microsoft_graph", "okta"];
    let switch = if shipped_without.contains(&preset) {
        "members.enabled = true\n"
    } else {
        ""
    };
    // One after the other, so that the script is in order.
    let block = format!(
        "{}limits.concurrency = 1\n{switch}",
        unhurried(preset, server.origin())
    );
    let walked = walk(&adapter(&block), &Observers::default()).await;
    let walked = walked.unwrap_or_else(|error| panic!("{error}\n{}", server.asked()));
    assert_eq!(server.left(), Vec::<&str>::new());
    let groups: String = walked.groups.to_groups().iter().map(show).collect();
    let shown = format!("{groups}\n{}", server.asked());
    insta::with_settings!({
        prepend_module_to_snapshot => false,
        omit_expression => true,
    }, {
        insta::assert_snapshot!(format!("{preset}_members"), shown);
    });
}

#[tokio::test]
async fn delta_queries_ask_for_the_members_of_groups_that_came() {
    let answers = [
        "first", "middle", "last", FIRST, LAST, NONE, NONE, "changes", LAST, "empty", "expired",
        "empty",
    ];
    let server = Recorded::start("microsoft_graph_delta", &answers).await;
    let block = unhurried("microsoft_graph_delta", server.origin());
    let text = format!(
        "{ANY_PORT}[upstreams.x]\n{block}limits.concurrency = 1\nmin_refresh = '0s'\nshrink_guard = 0\n"
    );
    let gateway = Gateway::start(&load(&text)).await;
    gateway.ready().await;
    let members = async || {
        let (groups, _) = gateway.follow("sort=name").await;
        let groups = groups.iter().map(|group| {
            let group: Group = serde_json::from_value(group.clone()).unwrap();
            show(&group)
        });
        groups.collect::<String>()
    };
    let golf = "Golf Assist (2): 87d349ed-44d7-43e1-9a83-5f2406dee5bd <AdeleV@contoso.com>, \
                5bde3e51-d13b-4db1-9948-fe4b109d11a7\n";
    let before = format!("{golf}Golf Discussion (0): \nLibrary Assist (0): \n");
    assert_eq!(members().await, before);
    let after = format!("{golf}Golf Discussion (1): 5bde3e51-d13b-4db1-9948-fe4b109d11a7\n");
    for what in ["changes", "nothing"] {
        gateway.refresh("x").await;
        assert_eq!(members().await, after, "{what}");
    }
    // Everything is asked for again where the link has ended.
    gateway.refresh("x").await;
    assert_eq!(members().await, "");
    assert_eq!(server.left(), Vec::<&str>::new());
    let asked = server.asked();
    let by = ["%24select=", "$skiptoken=", "$deltatoken="];
    let deltas = asked.lines().filter_map(|line| line.split_once("/delta?"));
    let deltas: Vec<_> = deltas
        .map(|(_, query)| by.into_iter().find(|by| query.starts_with(by)).unwrap())
        .collect();
    let [all, next, since] = by;
    assert_eq!(deltas, [all, next, next, since, since, since, all]);
}

#[tokio::test]
async fn without_members_a_preset_asks_for_groups_alone() {
    for (preset, answers) in [
        (
            "github",
            &["partitions", "first", "middle", "last", "empty"][..],
        ),
        ("zendesk", &["first", "middle", "last"]),
        ("nextcloud", &["first", "middle", "empty"]),
    ] {
        let server = Recorded::start(preset, answers).await;
        let block = format!(
            "{}limits.concurrency = 1\nmembers.enabled = false\n",
            unhurried(preset, server.origin())
        );
        let walked = walk(&adapter(&block), &Observers::default()).await.unwrap();
        assert_eq!(server.left(), Vec::<&str>::new(), "{preset}");
        let groups = walked.groups.to_groups();
        assert!(
            groups.iter().all(|group| group.members.is_empty()),
            "{preset}"
        );
    }
}

#[tokio::test]
async fn organizations_that_are_named_are_not_listed() {
    let answers = ["first", "middle", "last", "empty"];
    let server = Recorded::start("github", &answers).await;
    let block = format!(
        "{}limits.concurrency = 1\nmembers.enabled = false\n\
         partitions.values = {{ org = ['acme', 'octo-org'] }}\n",
        unhurried("github", server.origin())
    );
    let walked = walk(&adapter(&block), &Observers::default()).await.unwrap();
    assert_eq!(walked.groups.to_groups().len(), 3);
    assert_eq!(server.left(), Vec::<&str>::new());
    assert!(!server.asked().contains("/user/orgs"), "{}", server.asked());
}

#[tokio::test]
async fn a_list_that_the_server_cut_is_an_error() {
    let server = Recorded::start("freeipa", &["cut"]).await;
    let block = unhurried("freeipa", server.origin());
    let error = walk(&adapter(&block), &Observers::default())
        .await
        .unwrap_err();
    let expected = "`/result/truncated` says that there is more";
    assert!(error.detail.starts_with(expected), "{error}");
}
