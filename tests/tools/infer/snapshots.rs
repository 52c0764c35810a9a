//! The whole proposals, to be read as a platform engineer would.

use groupgate::tools::infer::propose;
use rstest::rstest;

use super::samples::read;

#[rstest]
#[case::okta("okta")]
#[case::graph("graph")]
#[case::iam("iam")]
#[case::slack("slack")]
#[case::keycloak("keycloak")]
#[case::gitlab("gitlab")]
#[case::scim("scim")]
#[case::scim_cursor("scim_cursor")]
#[case::directory("directory")]
#[case::spring("spring")]
#[case::keyed("keyed")]
#[case::ldap("ldap")]
#[case::offset("offset")]
#[case::last_record("last_record")]
#[case::xml_attributes("xml_attributes")]
#[case::jsonapi("jsonapi")]
fn a_sample_becomes_a_block(#[case] case: &str) {
    insta::assert_snapshot!(case, propose(&read(case)));
}
