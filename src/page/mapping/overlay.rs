//! A record of which one part was listed, and another came in a response of its own.

use crate::page::format::{FormatError, Page};
use crate::plan::{Format, Mapping, Path};

use super::item::Item;
use super::mapper::Mapper;
use super::outcome::MappedPage;

impl Mapping {
    /// What becomes of a record when the members of `over` take the place of those of `under` that have the same
    /// name, both as JSON. What was listed may be an id alone; `over`, which was found `at` a path, must be an object.
    /// The group keeps the `id` that it was listed with; the `qualifier` comes before the id of its parent.
    pub fn map_overlaid(
        &self,
        under: &str,
        (at, over): (&Path, &str),
        id: &str,
        qualifier: Option<&str>,
    ) -> Result<MappedPage, FormatError> {
        let page = Page::decode(Format::Json, overlaid(under, at, over)?.as_bytes())?;
        let mut mapper = Mapper::new(self, qualifier, Some(id));
        mapper.map_only(Item::Plain(page.root()));
        Ok(mapper.finish())
    }
}

fn overlaid(under: &str, at: &Path, over: &str) -> Result<String, FormatError> {
    let under = Page::decode(Format::Json, under.as_bytes())?;
    let over = Page::decode(Format::Json, over.as_bytes())?;
    let (under, over) = (under.root(), over.root());
    let mut json = String::new();
    if !over.is_object() {
        return Err(FormatError::NoDetails {
            path: at.to_string(),
            holds: over.holds(),
        });
    }
    let added: Vec<_> = over.written_members().collect();
    let is_replaced = |name: &str| added.iter().any(|(added, _)| added.text() == name);
    let kept = under.is_object().then(|| under.written_members());
    let kept = kept.into_iter().flatten();
    let kept = kept.filter(|(name, _)| !is_replaced(name.text()));
    json.push('{');
    for (index, (name, value)) in kept.chain(added.iter().copied()).enumerate() {
        if index > 0 {
            json.push(',');
        }
        name.write(&mut json);
        json.push(':');
        value.write(&mut json);
    }
    json.push('}');
    Ok(json)
}

#[cfg(test)]
mod tests {
    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case::both(
        r#"{"id":1,"name":"a"}"#,
        r#"{"name":"b","about":null}"#,
        r#"{"id":1,"name":"b","about":null}"#
    )]
    #[case::nothing_listed_but_the_id("7", r#"{"name":"b"}"#, r#"{"name":"b"}"#)]
    #[case::no_deeper_than_members(r#"{"a":{"x":1}}"#, r#"{"a":{"y":2}}"#, r#"{"a":{"y":2}}"#)]
    fn members_of_the_response_take_the_place_of_listed_ones(
        #[case] under: &str,
        #[case] over: &str,
        #[case] expected: &str,
    ) {
        let at = "/".parse().unwrap();
        assert_eq!(overlaid(under, &at, over).unwrap(), expected);
    }

    #[rstest]
    #[case::a_list("[1]", "is a list of 1")]
    #[case::a_text("\"b\"", "is a string")]
    #[case::nothing("null", "is null")]
    fn what_is_no_object_is_no_details(#[case] over: &str, #[case] holds: &str) {
        let at = "/group".parse().unwrap();
        let error = overlaid(r#"{"id":1}"#, &at, over).unwrap_err();
        let expected = format!("expected an object at `/group`, which {holds}");
        assert_eq!(error.to_string(), expected);
    }
}
