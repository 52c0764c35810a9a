//! A request that goes where a record says: its URL is a value of the group, or of the partition.

use http::Uri;
use url::{Url, form_urlencoded};

use super::{TemplateError, Variables, render_parameters};
use crate::plan::request::{RequestLink, Text};
use crate::upstream::links::{LinkError, is_relative_to_page};

impl RequestLink {
    /// The URL that the record says, below which `query` stands beside what it says itself.
    pub(super) fn uri(
        &self,
        base_url: &Url,
        query: &[(String, Text)],
        variables: &Variables<'_>,
    ) -> Result<Uri, TemplateError> {
        let wrong = |why| TemplateError::Link(self.value.clone(), why);
        let value = variables.outer.and_then(|outer| outer.get(&self.value));
        let target = without_expressions(value.map_or("", |value| &value.text).trim());
        if is_relative_to_page(&target) {
            return Err(wrong(LinkError::Relative));
        }
        let mut url = self.rules.follow(&target, base_url).map_err(wrong)?;
        url.set_fragment(None);
        let own = render_parameters(query, variables);
        if !own.is_empty() {
            let name = |pair: &str| {
                let decoded = form_urlencoded::parse(pair.as_bytes()).next();
                decoded.map(|(name, _)| name.into_owned())
            };
            let names: Vec<_> = own.split('&').map(name).collect();
            let said = url.query().unwrap_or_default().split('&');
            let said = said.filter(|pair| !pair.is_empty() && !names.contains(&name(pair)));
            let query = said.chain([own.as_str()]).collect::<Vec<_>>().join("&");
            url.set_query(Some(&query));
        }
        let uri = url.as_str().parse::<Uri>();
        uri.map_err(|_| wrong(LinkError::Invalid))
    }
}

/// A link without the expressions of a URI template, none of whose variables has a value (RFC 6570, section 3.2.1), as in
/// `https://api.example.com/teams/1/members{/member}`.
fn without_expressions(link: &str) -> String {
    let mut plain = String::with_capacity(link.len());
    let mut rest = link;
    while let Some((before, (_, after))) = rest
        .split_once('{')
        .and_then(|(before, expression)| Some((before, expression.split_once('}')?)))
    {
        plain.push_str(before);
        rest = after;
    }
    plain.push_str(rest);
    plain
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::group::ReadText;
    use crate::plan::{LinkRules, LinkTarget, Origin, OuterValue, TextPart};
    use crate::upstream::auth::LoginValues;
    use crate::upstream::outer_values::OuterValues;
    use crate::upstream::pushdown::Pushed;

    fn uri(link: &str, query: &[(&str, &str)], target: LinkTarget) -> Result<String, String> {
        let base_url: Url = "https://u.example/base".parse().unwrap();
        let value = OuterValue::named("record/members").unwrap();
        let outer = OuterValues::of_partition([(value.clone(), ReadText::text(link))], None);
        let rules = LinkRules {
            origins: vec![
                Origin::of(&base_url),
                "https://pages.example".parse().unwrap(),
            ],
            target,
        };
        let literal = |text: &str| Text(vec![TextPart::Literal(text.to_owned())]);
        let query: Vec<_> = query
            .iter()
            .map(|(name, text)| ((*name).to_owned(), literal(text)))
            .collect();
        let (pushed, login) = (Pushed::NONE, LoginValues::NONE);
        let variables = Variables {
            outer: Some(&outer),
            ..Variables::unpaged(&pushed, None, &login)
        };
        let uri = RequestLink { value, rules }.uri(&base_url, &query, &variables);
        uri.map(|uri| uri.to_string())
            .map_err(|error| error.to_string())
    }

    #[rstest]
    #[case::whole("https://u.example/x/1?all=1", &[], "https://u.example/x/1?all=1")]
    #[case::a_path_of_the_host("/x/1", &[], "https://u.example/x/1")]
    #[case::of_a_listed_origin("https://pages.example/1", &[], "https://pages.example/1")]
    #[case::with_white_space(" /x/1\n", &[], "https://u.example/x/1")]
    #[case::with_a_fragment("/x/1#members", &[], "https://u.example/x/1")]
    #[case::a_template("/x/1{/member}{?page,size}", &[], "https://u.example/x/1")]
    #[case::beside_parameters("/x?all=1", &[("size", "5")], "https://u.example/x?all=1&size=5")]
    #[case::whose_parameter_is_replaced(
        "/x?page%5Bsize%5D=2&all=1&&size=9",
        &[("page[size]", "5")],
        "https://u.example/x?all=1&size=9&page%5Bsize%5D=5"
    )]
    #[case::escaped("/x/a b?q=\u{e9}", &[], "https://u.example/x/a%20b?q=%C3%A9")]
    fn a_link_is_the_url_and_parameters_stand_beside_its_own(
        #[case] link: &str,
        #[case] query: &[(&str, &str)],
        #[case] expected: &str,
    ) {
        assert_eq!(uri(link, query, LinkTarget::Page).as_deref(), Ok(expected));
    }

    #[rstest]
    #[case::another_origin(
        "https://evil.example/x",
        "has another origin, `https://evil.example`, which `pagination.origins` does not list"
    )]
    #[case::another_scheme("http://u.example/x", "has another origin, `http://u.example`")]
    #[case::of_a_host_alone("//evil.example/x", "has another origin, `https://evil.example`")]
    #[case::a_user("https://me:pass@u.example/x", "holds a user name or password")]
    #[case::no_url("https://[", "is invalid")]
    #[case::no_path("members", "is neither a URL nor a path that begins with a slash")]
    #[case::nothing("", "is neither a URL nor a path that begins with a slash")]
    fn a_link_elsewhere_is_not_followed(#[case] link: &str, #[case] why: &str) {
        let error = uri(link, &[], LinkTarget::Page).unwrap_err();
        let expected = format!("the link `{{record/members}}` {why}");
        assert!(error.starts_with(&expected), "{error}");
    }

    #[test]
    fn what_links_are_relative_to_is_as_for_pages() {
        let base = || "https://u.example/base".parse().unwrap();
        let inside = "https://inside.example/x/1?a=b";
        assert_eq!(
            uri(inside, &[], LinkTarget::Origin(base())).as_deref(),
            Ok("https://u.example/x/1?a=b")
        );
        assert_eq!(
            uri(inside, &[], LinkTarget::Base(base())).as_deref(),
            Ok("https://u.example/base/x/1?a=b")
        );
    }
}
