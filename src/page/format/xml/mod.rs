//! Decodes XML 1.0 into the same values as JSON.
//!
//! An element with only text is a string. One with attributes or children is an object: `@name` for
//! an attribute, the child's name for children (always a list, so that one child looks like two),
//! `#text` for text beside them. `nil="true"` is null. Prefixes are dropped: a document chooses its
//! prefixes, and a path in `gateway.toml` names the local name.
//!
//! A document type that declares entities is refused; anything else in one is passed over, and what
//! it names elsewhere is never fetched. [`tree`] builds the values.

use super::error::FormatError;
use super::limits::Bounds;
use super::tape::Tape;
use super::text::position;

mod doctype;
mod encoding;

mod flaw;
use flaw::Flaw;

mod name;
pub(super) use name::is_blank;

mod element;

mod tree;
pub(crate) use tree::TEXT;

/// Decodes one document within `bounds`: an object with the root element as its only member.
pub(super) fn decode(
    body: &[u8],
    charset: Option<&str>,
    bounds: Bounds,
) -> Result<Tape, FormatError> {
    let source = encoding::read(body, charset)
        .map_err(|problem| FormatError::unreadable("XML", body, problem))?;
    match tree::read(&source, bounds) {
        Ok(tape) => Ok(tape.finish(source, true)),
        Err((at, flaw)) => {
            let Bounds { depth, room, .. } = bounds;
            let (line, column) = position(source.as_bytes(), at);
            Err(match flaw {
                Flaw::NotWellFormed(problem) => {
                    let problem = format!("{problem} at line {line} column {column}");
                    FormatError::unreadable("XML", source.as_bytes(), problem)
                }
                Flaw::TooDeep => FormatError::Nested {
                    what: "elements",
                    depth,
                    line,
                    column,
                },
                Flaw::TooLarge => FormatError::Swollen { room, line, column },
            })
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use quick_xml::escape::{escape, resolve_predefined_entity};
    use quick_xml::events::Event;
    use quick_xml::{Reader, XmlVersion};
    use rstest::rstest;
    use serde_json::{Map, Value, json};

    use super::name::check_name;
    use super::*;

    fn decoded(text: &str) -> Value {
        let tape = decode(text.as_bytes(), None, Bounds::default());
        tape.unwrap().value(0)
    }

    #[rstest]
    #[case::text("<a>x</a>", json!({"a": ["x"]}))]
    #[case::text_is_verbatim("<a> x\n </a>", json!({"a": [" x\n "]}))]
    #[case::line_ends("<a>x\r\ny</a>", json!({"a": ["x\ny"]}))]
    #[case::empty("<a/>", json!({"a": [""]}))]
    #[case::empty_with_end("<a></a>", json!({"a": [""]}))]
    #[case::one_child("<a> <b>1</b> </a>", json!({"a": [{"b": ["1"]}]}))]
    #[case::no_break_spaces("<a>\u{a0}\n<b>\u{a0}</b>\u{a0}</a>", json!({"a": [{"b": ["\u{a0}"]}]}))]
    #[case::two_children("<a>\n<b>1</b>\n<b>2</b>\n</a>", json!({"a": [{"b": ["1", "2"]}]}))]
    #[case::apart("<a><b>1</b><c/><b>2</b></a>", json!({"a": [{"b": ["1", "2"], "c": [""]}]}))]
    #[case::attributes("<a n='4' m=\"x &amp; y\"/>", json!({"a": [{"@n": "4", "@m": "x & y"}]}))]
    #[case::attribute_and_text("<a n='4'>x</a>", json!({"a": [{"@n": "4", "#text": "x"}]}))]
    #[case::mixed("<a>x<b/>y</a>", json!({"a": [{"b": [""], "#text": "xy"}]}))]
    #[case::nil("<a><b nil=\"true\"/><b nil='1'/></a>", json!({"a": [{"b": [null, null]}]}))]
    #[case::xsi_nil("<a xmlns:i='http://www.w3.org/2001/XMLSchema-instance' i:nil='true'/>", json!({"a": [null]}))]
    #[case::not_nil("<a nil='false'>x</a>", json!({"a": ["x"]}))]
    #[case::cdata("<a>1 <![CDATA[< 2 &amp;]]> 3</a>", json!({"a": ["1 < 2 &amp; 3"]}))]
    #[case::entities("<a>&lt;&gt;&amp;&quot;&apos;</a>", json!({"a": ["<>&\"'"]}))]
    #[case::characters("<a>&#233;&#x20AC;</a>", json!({"a": ["é€"]}))]
    #[case::comments("<!--x--><a>1<!--y-->2<?z z?></a><!--x-->", json!({"a": ["12"]}))]
    #[case::namespaces("<n:a xmlns='u' xmlns:n='v'><b/><n:b n:c='1'/></n:a>", json!({"a": [{"b": ["", {"@c": "1"}]}]}))]
    #[case::repeated_attribute("<a b='1' b='2'/>", json!({"a": [{"@b": "1"}]}))]
    #[case::mark("\u{feff}<a/>", json!({"a": [""]}))]
    #[case::declaration("<?xml version=\"1.0\" encoding=\"utf-8\" standalone='yes'?>\n<a/>\n", json!({"a": [""]}))]
    #[case::encoding_that_cannot_be("<?xml version=\"1.0\" encoding='UTF-16'?><a/>", json!({"a": [""]}))]
    #[case::document_type("<!DOCTYPE a><a/>", json!({"a": [""]}))]
    #[case::document_type_elsewhere("<?xml version='1.0'?>\n<!DOCTYPE a SYSTEM \"a.dtd\">\n<a/>", json!({"a": [""]}))]
    #[case::public_document_type("<!doctype html PUBLIC '-//W3C//DTD XHTML 1.0 Strict//EN' 'http://www.w3.org/TR/xhtml1/DTD/xhtml1-strict.dtd'><a/>", json!({"a": [""]}))]
    #[case::document_type_with_elements("<!DOCTYPE a [\n<!ELEMENT a (b*)>\n<!ATTLIST a c CDATA '>'>\n<!NOTATION n SYSTEM 'n'>\n]>\n<a><b>1</b></a>", json!({"a": [{"b": ["1"]}]}))]
    #[case::an_entity_in_a_comment("<!DOCTYPE a [<!-- <!ENTITY b 'c'> -->]><a/>", json!({"a": [""]}))]
    #[case::an_entity_in_an_instruction("<!DOCTYPE a [<?x <!ENTITY?>]><a/>", json!({"a": [""]}))]
    #[case::an_entity_in_a_text("<!DOCTYPE a [<!ATTLIST a c CDATA '<!ENTITY'>]><a/>", json!({"a": [""]}))]
    fn elements_become_values(#[case] text: &str, #[case] expected: Value) {
        assert_eq!(decoded(text), expected);
    }

    #[rstest]
    #[case::names_that_differ("<a></b>")]
    #[case::an_end_too_many("<a/></a>")]
    #[case::no_name("<></>")]
    #[case::a_prefix_without_a_name("<a:/>")]
    #[case::the_name_of_an_attribute("<r a='1'><@a>x</@a></r>")]
    #[case::the_name_of_text("<r><#text>x</#text>y</r>")]
    #[case::a_slash_too_many("<a><b//></a>")]
    #[case::a_prefix_of_a_prefix("<a:b:c/>")]
    #[case::an_attribute_without_a_name("<a b:='1'/>")]
    #[case::nul("<a>&#0;</a>")]
    #[case::a_bare_ampersand("<a>x & y</a>")]
    #[case::an_unknown_encoding("<?xml version='1.0' encoding='UTF-7'?><a/>")]
    #[case::a_document_type_at_the_end("<a/><!DOCTYPE a>")]
    #[case::a_document_type_inside("<a><!DOCTYPE a></a>")]
    #[case::two_document_types("<!DOCTYPE a><!DOCTYPE a><a/>")]
    #[case::an_entity("<!DOCTYPE a [<!ENTITY b 'c'>]><a/>")]
    #[case::an_entity_behind_a_comment("<!DOCTYPE a [<!-- ' --><!ENTITY b 'c'>]><a/>")]
    #[case::an_external_entity(
        "<!DOCTYPE a [<!ELEMENT a ANY><!ENTITY b SYSTEM 'file:///etc/passwd'>]><a>&b;</a>"
    )]
    #[case::a_parameter_entity("<!DOCTYPE a [<!ENTITY % b SYSTEM 'http://x/'>%b;]><a/>")]
    #[case::an_entity_of_a_document_type_elsewhere("<!DOCTYPE a SYSTEM 'a.dtd'><a>&b;</a>")]
    fn what_is_not_well_formed_is_refused(#[case] text: &str) {
        assert!(decode(text.as_bytes(), None, Bounds::default()).is_err());
    }

    #[rstest]
    #[case::iso_8859_1(
        b"<?xml version='1.0' encoding='ISO-8859-1'?><a>\xe9</a>",
        None,
        "\u{e9}"
    )]
    #[case::windows_1252(
        b"<?xml version='1.0' encoding=\"windows-1252\"?><a>\x80</a>",
        None,
        "\u{20ac}"
    )]
    #[case::said_by_the_head(b"<a>\xe9</a>", Some("iso-8859-1"), "\u{e9}")]
    #[case::utf_16(b"\xff\xfe<\0a\0>\0\xe9\0<\0/\0a\0>\0", None, "\u{e9}")]
    #[case::utf_16_without_a_mark(b"\0<\0a\0>\0\xe9\0<\0/\0a\0>", None, "\u{e9}")]
    #[case::utf_16_by_the_head(b"<\0a\0>\0\xe9\0<\0/\0a\0>\0", Some("utf-16le"), "\u{e9}")]
    #[case::utf_8_behind_a_mark(
        b"\xef\xbb\xbf<?xml version='1.0' encoding='ISO-8859-1'?><a>\xc3\xa9</a>",
        None,
        "\u{e9}"
    )]
    fn a_document_is_read_in_its_encoding(
        #[case] body: &[u8],
        #[case] charset: Option<&str>,
        #[case] expected: &str,
    ) {
        let tape = decode(body, charset, Bounds::default()).unwrap();
        assert_eq!(tape.value(0), json!({"a": [expected]}));
    }

    #[test]
    fn elements_stand_in_each_other_up_to_the_depth() {
        let nested = |depth: usize| "<a>".repeat(depth) + &"</a>".repeat(depth);
        assert!(decode(nested(5).as_bytes(), None, Bounds::deep(5)).is_ok());
        let error = decode(nested(6).as_bytes(), None, Bounds::deep(5)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "elements more than 5 deep (`limits.depth`) at line 1 column 16"
        );
    }

    #[test]
    fn a_message_keeps_the_place_whatever_it_quotes() {
        let body = format!("<a>\n</{}>", "b".repeat(10_000));
        let message = decode(body.as_bytes(), None, Bounds::default())
            .unwrap_err()
            .to_string();
        assert!(
            message.len() < 256 && message.ends_with("at line 2 column 1"),
            "{message}"
        );
    }

    /// An element and what it is expected to become.
    #[derive(Debug, Clone)]
    enum Fragment {
        Text(String),
        Children(Vec<(String, Fragment)>),
    }

    impl Fragment {
        fn strategy() -> impl Strategy<Value = Self> {
            // A carriage return would be normalized away, other controls are no XML.
            let text = "[^\\p{Cc}\u{fffe}\u{ffff}]*".prop_map(Self::Text);
            text.prop_recursive(4, 32, 4, |sample| {
                prop::collection::vec(("[a-zé][a-z0-9._-]{0,3}", sample), 1..4)
                    .prop_map(Self::Children)
            })
        }

        fn render(&self, name: &str) -> String {
            match self {
                Self::Text(text) => format!("<{name}>{}</{name}>", escape(text)),
                Self::Children(children) => {
                    let children: Vec<_> = children
                        .iter()
                        .map(|(name, child)| child.render(name))
                        .collect();
                    format!("<{name}>\n{}\n</{name}>", children.join("\n"))
                }
            }
        }

        fn value(&self) -> Value {
            match self {
                Self::Text(text) => text.as_str().into(),
                Self::Children(children) => {
                    let mut members = Map::new();
                    for (name, child) in children {
                        let siblings = members.entry(name).or_insert_with(|| json!([]));
                        siblings.as_array_mut().unwrap().push(child.value());
                    }
                    members.into()
                }
            }
        }
    }

    /// A document by quick-xml's events alone, or `None` where it is refused.
    fn plain(text: &str) -> Option<Value> {
        let mut reader = Reader::from_str(text);
        reader.config_mut().expand_empty_elements = true;
        let (mut open, mut names) = (vec![(Map::new(), String::new(), false)], Vec::new());
        loop {
            let (members, text, _) = open.last_mut()?;
            match reader.read_event().ok()? {
                Event::Start(tag) => {
                    if names.is_empty() && !members.is_empty() {
                        return None;
                    }
                    names.push(tag.local_name().into_inner().to_owned());
                    check_name(names.last()?).ok()?;
                    let (mut members, mut is_nil) = (Map::new(), false);
                    for attribute in tag.attributes().with_checks(false) {
                        let attribute = attribute.ok()?;
                        let name = attribute.key.local_name();
                        let value = attribute.normalized_value(XmlVersion::Implicit1_0).ok()?;
                        if attribute.key.as_namespace_binding().is_some() {
                        } else if name.as_ref() == "nil" {
                            is_nil = matches!(&*value, "true" | "1");
                        } else {
                            check_name(name.as_ref()).ok()?;
                            let name = format!("@{}", name.as_ref());
                            members.entry(name).or_insert_with(|| (&*value).into());
                        }
                    }
                    open.push((members, String::new(), is_nil));
                }
                Event::End(_) => {
                    let (mut members, text, is_nil) = open.pop()?;
                    let has_children = members.values().any(Value::is_array);
                    let value = if is_nil {
                        Value::Null
                    } else if members.is_empty() {
                        text.into()
                    } else {
                        let is_left_out = text.is_empty() || has_children && is_blank(&text);
                        if !is_left_out {
                            members.insert(TEXT.to_owned(), text.into());
                        }
                        members.into()
                    };
                    let (parent, _, _) = open.last_mut()?;
                    let siblings = parent.entry(names.pop()?).or_insert_with(|| json!([]));
                    siblings.as_array_mut()?.push(value);
                }
                Event::Text(part) => text.push_str(&part.xml10_content()),
                Event::CData(part) => text.push_str(&part.xml10_content()),
                Event::GeneralRef(name) => match name.resolve_char_ref().ok()? {
                    Some(letter) => text.push(letter),
                    None => text.push_str(resolve_predefined_entity(&name)?),
                },
                Event::Eof => break,
                Event::Empty(_)
                | Event::Comment(_)
                | Event::Decl(_)
                | Event::PI(_)
                | Event::DocType(_) => {}
            }
        }
        let (document, text, _) = open.pop().filter(|_| open.is_empty())?;
        (is_blank(&text) && !document.is_empty()).then(|| document.into())
    }

    proptest! {
        #[test]
        fn it_reads_what_a_plain_reader_of_events_reads_and_refuses_what_it_refuses(
            parts in prop::collection::vec(
                prop_oneof![
                    "(<(n:)?[ab]( (n:)?[cd]=('x[&;\n]?'|\"&lt;é\")| nil='1'| xmlns='u')?/?>){0,3}",
                    "(</(n:)?[ab] ?>){0,3}",
                    "(<[ab]>[ xé\r\n]{0,3}</[ab]>){0,3}",
                    r"&(lt|amp|#233|#x20|#0|x);?|<!-- -->|<!\[CDATA\[[ x\r<]?\]\]>|<\?x \?>",
                    "[ \r\nxé\u{a0}<>&/]{0,2}",
                ],
                0..12,
            ),
            is_closed: bool,
        ) {
            let mut text = parts.concat();
            if is_closed {
                text = format!("<n:r>{text}</n:r>");
            }
            let tape = decode(text.as_bytes(), None, Bounds::default());
            prop_assert_eq!(tape.ok().map(|tape| tape.value(0)), plain(&text));
        }

        #[test]
        fn what_is_written_as_xml_reads_back(sample in Fragment::strategy()) {
            prop_assert_eq!(decoded(&sample.render("root")), json!({"root": [sample.value()]}));
        }
    }
}
