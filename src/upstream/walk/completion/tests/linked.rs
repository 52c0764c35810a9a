//! Records that say at which URL their people are.

use bytes::Bytes;
use http::{Request, Response};

use super::*;
use crate::upstream::transport::Replay;
use crate::upstream::walk::walk;

/// One group on one page without a `Link` header, whose members are on another host.
#[derive(Debug)]
struct Elsewhere;

impl Replay for Elsewhere {
    fn respond(&self, request: &Request<Bytes>) -> Result<Response<Bytes>, UpstreamError> {
        let body = match request.uri().host() {
            Some("forge.example") => r#"[{"id": 1, "people": "http://people.example/1"}]"#,
            Some("people.example") => r#"[{"id": 7}]"#,
            Some(_) | None => "[]",
        };
        Ok(Response::new(Bytes::from(body)))
    }

    fn has_only_pages(&self) -> bool {
        false
    }
}

#[rstest]
#[case::that_the_list_of_groups_names(", origins = ['http://people.example']", "", Ok(()))]
#[case::that_only_the_list_of_people_names(
    "",
    "pagination = { style = 'link', origins = ['http://people.example'] }",
    Err("which `pagination.origins` does not list")
)]
#[tokio::test(start_paused = true)]
async fn a_record_of_a_single_page_links_to_an_origin(
    #[case] of_groups: &str,
    #[case] of_members: &str,
    #[case] expected: Result<(), &str>,
) {
    let block = format!(
        "
        base_url = 'http://forge.example'
        request = {{ path = '/groups' }}
        records = '/'
        pagination = {{ style = 'link'{of_groups} }}
        fields = {{ id = 'id', name = 'id' }}
        [members]
        request = {{ path = '{{record/people}}' }}
        records = '/'
        {of_members}
        fields = {{ id = 'id' }}
        "
    );
    let adapter = Arc::new(adapter(&block));
    adapter.set_replay(Arc::new(Elsewhere));
    let walked = walk(&adapter, &Observers::default()).await;
    match (walked, expected) {
        (Ok(walked), Ok(())) => {
            let members = members_of(&walked.groups.to_groups());
            assert_eq!(members["1"], ["7"]);
        }
        (Err(error), Err(expected)) => assert!(error.detail.contains(expected), "{error}"),
        (walked, _) => panic!("{walked:?}"),
    }
}
