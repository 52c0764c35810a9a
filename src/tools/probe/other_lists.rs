//! Lists in a page outside of where records are looked for: one of them may be meant.

use crate::page::format::Node;
use crate::upstream::pager::likely::below;

/// How deep they are looked for.
const DEPTH: usize = 3;

/// How many are named.
const SHOWN: usize = 3;

/// The lists that are not empty and not at one of these paths, each with its length.
pub(super) fn other_lists(root: Node<'_>, read: &[String]) -> Vec<String> {
    let mut lists = Vec::new();
    look(root, "/", read, DEPTH, &mut lists);
    lists.truncate(SHOWN);
    lists
}

fn look(node: Node<'_>, path: &str, read: &[String], depth: usize, lists: &mut Vec<String>) {
    // Every element of XML is a list.
    let least = if node.is_xml() { 2 } else { 1 };
    if read.iter().any(|read| read == path) {
        return;
    }
    if node.is_list() && node.len() >= least {
        let length = node.len();
        let items = if length == 1 { "item" } else { "items" };
        lists.push(format!("`{path}` is a list of {length} {items}"));
        return;
    }
    if depth == 0 {
        return;
    }
    for name in node.names() {
        if let Some(member) = node.first().member(name) {
            let path = below(path, &[name.to_owned()]);
            look(member, &path, read, depth - 1, lists);
        }
    }
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
    fn lists_elsewhere_are_named_with_their_lengths(#[case] body: &str, #[case] expected: &[&str]) {
        let page = Page::decode(Format::Json, body.as_bytes()).unwrap();
        assert_eq!(other_lists(page.root(), &["/people".to_owned()]), expected);
    }

    #[test]
    fn of_xml_only_repeated_elements_are_lists() {
        let body = "<r><page><no>1</no></page><people><p/><p/></people><g><m/><m/></g></r>";
        let page = Page::decode(Format::Xml, body.as_bytes()).unwrap();
        assert_eq!(
            other_lists(page.root(), &["/r/people".to_owned()]),
            ["`/r/g/m` is a list of 2 items"]
        );
    }
}
