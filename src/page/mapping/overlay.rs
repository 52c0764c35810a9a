//! A record of which one part was listed, and another came in a response of its own.

use crate::page::format::{FormatError, Page};
use crate::plan::{Format, Mapping};

use super::item::Item;
use super::mapper::Mapper;
use super::outcome::MappedPage;

impl Mapping {
    /// What becomes of a record when the members of `over` take the place of those of `under` that have the same
    /// name, both as JSON. What is no object says nothing beside one. The group keeps the `id` that it was listed
    /// with; the `qualifier` comes before the id of its parent.
    pub fn map_overlaid(
        &self,
        under: &str,
        over: &str,
        id: &str,
        qualifier: Option<&str>,
    ) -> Result<MappedPage, FormatError> {
        let page = Page::decode(Format::Json, overlaid(under, over)?.as_bytes())?;
        let mut mapper = Mapper::new(self, qualifier, Some(id));
        mapper.map_only(Item::Plain(page.root()));
        Ok(mapper.finish())
    }
}

fn overlaid(under: &str, over: &str) -> Result<String, FormatError> {
    let under = Page::decode(Format::Json, under.as_bytes())?;
    let over = Page::decode(Format::Json, over.as_bytes())?;
    let (under, over) = (under.root(), over.root());
    let mut json = String::new();
    if !over.is_object() {
        under.write(&mut json);
        return Ok(json);
    }
    let added: Vec<_> = over.written_members().collect();
    let is_replaced = |name: &str| added.iter().any(|(added, _)| added.text == name);
    let kept = under.is_object().then(|| under.written_members());
    let kept = kept.into_iter().flatten();
    let kept = kept.filter(|(name, _)| !is_replaced(name.text));
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
    #[case::nothing_in_the_response(r#"{"id":1}"#, "null", r#"{"id":1}"#)]
    #[case::no_deeper_than_members(r#"{"a":{"x":1}}"#, r#"{"a":{"y":2}}"#, r#"{"a":{"y":2}}"#)]
    fn members_of_the_response_take_the_place_of_listed_ones(
        #[case] under: &str,
        #[case] over: &str,
        #[case] expected: &str,
    ) {
        assert_eq!(overlaid(under, over).unwrap(), expected);
    }
}
