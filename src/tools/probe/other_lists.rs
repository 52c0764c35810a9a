//! Lists in a page outside of where records are looked for: one of them may be meant.

use crate::page::format::Node;
use crate::upstream::pager::likely::below;

/// How deep they are looked for.
const DEPTH: usize = 3;

/// How many are named.
const SHOWN: usize = 3;

/// The lists that are not empty, not at one of these paths and not on the way to one, each with its length.
pub(super) fn other_lists(root: Node<'_>, read: &[String]) -> Vec<String> {
    let mut lists = Vec::new();
    look(root, "/", read, DEPTH, &mut lists);
    lists.truncate(SHOWN);
    lists
}

fn look(node: Node<'_>, path: &str, read: &[String], depth: usize, lists: &mut Vec<String>) {
    // Every element of XML is a list.
    let least = if node.is_xml() { 2 } else { 1 };
    let rests = || read.iter().filter_map(|read| rest(read, path));
    if rests().any(|rest| rest.is_empty()) {
        return;
    }
    let is_on_the_way = rests().any(|rest| leads_on(node, rest));
    if node.is_list() && node.len() >= least && !is_on_the_way {
        let length = node.len();
        let items = if length == 1 { "item" } else { "items" };
        lists.push(format!("`{path}` is a list of {length} {items}"));
        return;
    }
    if depth == 0 {
        return;
    }
    // Of the lists on the way, one item stands for all.
    let node = node.items().find(|item| item.is_object()).unwrap_or(node);
    for name in node.names() {
        if let Some(member) = node.first().member(name) {
            let path = below(path, &[name.to_owned()]);
            look(member, &path, read, depth - 1, lists);
        }
    }
}

/// What a path has below another one: nothing if it leads there.
fn rest<'a>(read: &'a str, path: &str) -> Option<Vec<&'a str>> {
    let mut read = segments(read);
    let is_below =
        segments(path).all(|own| read.next().is_some_and(|one| [own, "*"].contains(&one)));
    is_below.then(|| read.collect())
}

fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|segment| !segment.is_empty())
}

/// Whether what is left of a path goes on below the items of a list.
fn leads_on(list: Node<'_>, rest: Vec<&str>) -> bool {
    let Some(next) = rest
        .first()
        .map(|next| next.replace("~1", "/").replace("~0", "~"))
    else {
        return false;
    };
    next == "*"
        || list
            .items()
            .chain([list])
            .any(|item| item.member(&next).is_some())
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;
    use crate::page::format::Page;
    use crate::plan::Format;

    #[rstest]
    #[case::beside_the_path(r#"{"people": [], "members": [{"id": 1}]}"#, &["`/members` is a list of 1 item"])]
    #[case::below(r#"{"result": {"a/b": [1, 2]}, "n": []}"#, &["`/result/a~1b` is a list of 2 items"])]
    #[case::the_whole_body("[1, 2]", &["`/` is a list of 2 items"])]
    #[case::of_the_path_itself(r#"{"people": [{"tags": [1]}]}"#, &[])]
    #[case::none(r#"{"total": 2, "people": null}"#, &[])]
    #[case::beside_what_is_below_the_whole_body(r#"[{"people": [], "tags": [1]}]"#, &["`/tags` is a list of 1 item"])]
    fn lists_elsewhere_are_named_with_their_lengths(#[case] body: &str, #[case] expected: &[&str]) {
        let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
        assert_eq!(other_lists(page.root(), &["/people".to_owned()]), expected);
    }

    #[rstest]
    #[case::through_its_items("/orgs/groups", r#"{"orgs": [{"n": 1}, {"groups": []}]}"#, &[])]
    #[case::through_one_item("/orgs/0/groups", r#"{"orgs": [{"groups": []}, 7]}"#, &[])]
    #[case::through_all_members("/orgs/*/groups", r#"{"orgs": {"a": {"groups": [{"id": 1}]}}}"#, &[])]
    #[case::beside_it("/orgs/groups", r#"{"orgs": [{"groups": [], "teams": [1, 2]}]}"#, &["`/orgs/teams` is a list of 2 items"])]
    #[case::whose_items_have_no_such_member("/orgs/groups", r#"{"orgs": [{"teams": 1}]}"#, &["`/orgs` is a list of 1 item"])]
    #[case::of_texts("/orgs/groups", r#"{"orgs": ["a"]}"#, &["`/orgs` is a list of 1 item"])]
    fn a_list_on_the_way_to_the_records_is_none_of_the_others(
        #[case] read: &str,
        #[case] body: &str,
        #[case] expected: &[&str],
    ) {
        let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
        assert_eq!(other_lists(page.root(), &[read.to_owned()]), expected);
    }

    #[test]
    fn of_xml_only_repeated_elements_are_lists() {
        let body = "<r><page><no>1</no></page><people><p/><p/></people><g><m/><m/></g></r>";
        let page = Page::decode(Format::Xml, body.as_bytes()).unwrap();
        assert_eq!(
            other_lists(page.root(), &["/r/people".to_owned()]),
            ["`/r/g/m` is a list of 2 items"]
        );
        let body = "<r><org><groups/><no>1</no></org><org><groups/></org></r>";
        let page = Page::decode(Format::Xml, body.as_bytes()).unwrap();
        let below = |read: &str| other_lists(page.root(), &[read.to_owned()]);
        assert!(below("/r/org/groups/g").is_empty());
        assert_eq!(below("/r/org/teams"), ["`/r/org` is a list of 2 items"]);
    }
}
