//! Pages for people, of a login or a proxy, where the list belongs.

use super::error::FormatError;
use super::html_start::{AN_HTML_PAGE, is_html_root};
use super::page::Page;

impl Page {
    /// What a document is that has the root of an HTML page in place of the expected one.
    pub(super) fn html(&self) -> Option<FormatError> {
        let root = *self.root().names().first()?;
        is_html_root(root).then(|| FormatError::Unreadable {
            expected: "XML",
            looks: AN_HTML_PAGE.to_owned(),
            problem: format!("its root is `{root}`"),
        })
    }
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::super::page::tests::{path, xml};
    use crate::plan::AbsentRecords;

    #[rstest]
    #[case::a_page("<html><head><title>Sign in</title></head><body/></html>")]
    #[case::xhtml(
        "<?xml version='1.0'?><!DOCTYPE html><html xmlns='http://www.w3.org/1999/xhtml'><body/></html>"
    )]
    #[case::a_piece_of_one("<h1>502 Bad Gateway</h1>")]
    fn a_well_formed_html_page_is_no_xml_without_the_list(#[case] body: &str) {
        for absent in [AbsentRecords::Error, AbsentRecords::Empty] {
            let page = xml(body);
            for records in ["/groups", "/groups/group", "/r/groups/group"] {
                let error = page.records(&path(records), absent).unwrap_err();
                let expected = "expected XML, but the body looks like an HTML page: its root is `";
                assert!(error.to_string().starts_with(expected), "{error}");
            }
        }
    }

    #[rstest]
    #[case::link("<link><id>1</id></link>")]
    #[case::form("<form><field><id>1</id></field></form>")]
    fn an_xml_root_with_the_name_of_an_html_element_is_no_html_page(#[case] body: &str) {
        let page = xml(body);
        let error = page.records(&path("/groups/group"), AbsentRecords::Error);
        let error = error.unwrap_err().to_string();
        assert!(!error.contains("HTML"), "{error}");
    }

    #[test]
    fn an_html_page_can_be_the_list() {
        let page = xml("<html><body><p><id>1</id></p><p><id>2</id></p></body></html>");
        let records = page.records(&path("/html/body/p"), AbsentRecords::Error);
        assert_eq!(records.unwrap().len(), 2);
    }
}
