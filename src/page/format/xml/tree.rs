//! Builds the value of a document from elements, attributes and text, event by event.
//!
//! Open elements are kept on a stack of bounded depth and their memory is counted, so a small
//! document cannot become a large one.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Error, XmlVersion};
use serde_json::{Map, Value};

use crate::json::{BudgetExceeded, MemoryBudget};
use crate::page::format::excerpt::{GLIMPSE_CHARS, excerpt};
use crate::page::format::limits::Bounds;

use super::doctype::declares_entities;
use super::flaw::Flaw;

/// The key of text beside attributes or children. No element can have this name.
pub(crate) const TEXT: &str = "#text";

/// The document so far: the elements that are open, outermost first, and the root once it closed.
pub(super) struct Tree {
    open: Vec<Element>,
    root: Option<(String, Value)>,
    has_doctype: bool,
    depth: usize,
    room: MemoryBudget,
}

impl Tree {
    pub(super) const fn new(bounds: Bounds) -> Self {
        Self {
            open: Vec::new(),
            root: None,
            has_doctype: false,
            depth: bounds.depth as usize,
            room: MemoryBudget::of(bounds.room.as_u64()),
        }
    }

    pub(super) fn take(&mut self, event: Event<'_>) -> Result<(), Flaw> {
        match event {
            // The reader is told to expand empty elements into a start and an end.
            Event::Start(tag) | Event::Empty(tag) => self.start(&tag),
            Event::End(_) => self.end(),
            Event::Text(text) => self.text(&text.xml10_content()),
            Event::CData(text) => self.text(&text.xml10_content()),
            Event::GeneralRef(reference) => self.reference(&reference),
            Event::DocType(doctype) => self.doctype(&doctype),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::Eof => Ok(()),
        }
    }

    fn doctype(&mut self, doctype: &str) -> Result<(), Flaw> {
        if self.has_doctype || self.root.is_some() || !self.open.is_empty() {
            return Err(Flaw::new(
                "a document type that is not before the root element",
            ));
        }
        if declares_entities(doctype) {
            return Err(Flaw::new(
                "a document type that declares entities, which is refused,",
            ));
        }
        self.has_doctype = true;
        Ok(())
    }

    fn start(&mut self, tag: &BytesStart<'_>) -> Result<(), Flaw> {
        if self.root.is_some() {
            return Err(Flaw::new("a second root element"));
        }
        if self.open.len() >= self.depth {
            return Err(Flaw::TooDeep);
        }
        self.open.push(Element::new(tag, &self.room)?);
        Ok(())
    }

    fn end(&mut self) -> Result<(), Flaw> {
        let Some(closed) = self.open.pop() else {
            return Err(Flaw::new("an end without a start"));
        };
        let (name, value) = closed.finish();
        match self.open.last_mut() {
            Some(parent) => parent.push(name, value, &self.room)?,
            None => self.root = Some((name, value)),
        }
        Ok(())
    }

    fn text(&mut self, text: &str) -> Result<(), Flaw> {
        match self.open.last_mut() {
            Some(element) => {
                self.room.text(text.len())?;
                element.text.push_str(text);
            }
            None if is_blank(text) => {}
            None => return Err(Flaw::new("text outside the root element")),
        }
        Ok(())
    }

    /// Character references and the five predefined entities (XML 1.0, section 4.6).
    fn reference(&mut self, reference: &BytesRef<'_>) -> Result<(), Flaw> {
        if let Some(character) = reference.resolve_char_ref()? {
            return self.text(character.encode_utf8(&mut [0; 4]));
        }
        match resolve_predefined_entity(reference) {
            Some(text) => self.text(text),
            None => Err(Flaw::new(format!(
                "the unknown entity `&{};`",
                excerpt(reference, GLIMPSE_CHARS)
            ))),
        }
    }

    pub(super) fn finish(self) -> Result<Value, Flaw> {
        if let Some(element) = self.open.last() {
            let name = excerpt(&element.name, GLIMPSE_CHARS);
            return Err(Flaw::new(format!("the end of the body inside `<{name}>`")));
        }
        let (name, value) = self
            .root
            .ok_or_else(|| Flaw::new("the end of the body before any element"))?;
        let mut document = Element::default();
        document.push(name, value, &self.room)?;
        Ok(Value::Object(document.members))
    }
}

/// One element, while it is open.
#[derive(Default)]
struct Element {
    name: String,
    /// Attributes and lists of children.
    members: Map<String, Value>,
    text: String,
    has_children: bool,
    is_nil: bool,
}

impl Element {
    fn new(tag: &BytesStart<'_>, room: &MemoryBudget) -> Result<Self, Flaw> {
        let mut element = Self {
            name: tag.local_name().as_ref().to_owned(),
            ..Self::default()
        };
        check_name(&element.name)?;
        // The reader's own check for repeated names is quadratic, and a body of nothing but
        // attributes would take hours.
        for attribute in tag.attributes().with_checks(false) {
            let attribute = attribute.map_err(Error::from)?;
            if attribute.key.as_namespace_binding().is_some() {
                continue;
            }
            let value = attribute.normalized_value(XmlVersion::Implicit1_0)?;
            let name = attribute.key.local_name();
            if name.as_ref() == "nil" {
                element.is_nil = matches!(value.as_ref(), "true" | "1");
                continue;
            }
            check_name(name.as_ref())?;
            let name = format!("@{}", name.as_ref());
            if element.members.contains_key(&name) {
                continue;
            }
            room.member(&name, element.members.is_empty())?;
            room.value(value.len())?;
            let value = Value::String(value.into_owned());
            element.members.insert(name, value);
        }
        Ok(element)
    }

    fn push(
        &mut self,
        name: String,
        child: Value,
        room: &MemoryBudget,
    ) -> Result<(), BudgetExceeded> {
        self.has_children = true;
        // Its content was counted when it was read.
        room.value(0)?;
        // Attributes begin with `@`, so a child only ever meets its siblings.
        if let Some(Value::Array(siblings)) = self.members.get_mut(&name) {
            siblings.push(child);
            return Ok(());
        }
        room.member(&name, self.members.is_empty())?;
        room.value(0)?;
        // With room for one: most children are the only ones of their name.
        self.members.insert(name, Value::Array(vec![child]));
        Ok(())
    }

    fn finish(mut self) -> (String, Value) {
        if self.is_nil {
            return (self.name, Value::Null);
        }
        if self.members.is_empty() {
            return (self.name, Value::String(self.text));
        }
        let is_indentation = self.has_children && is_blank(&self.text);
        if !self.text.is_empty() && !is_indentation {
            self.members
                .insert(TEXT.to_owned(), Value::String(self.text));
        }
        (self.name, Value::Object(self.members))
    }
}

/// Rejects invalid names (XML 1.0, section 2.3), by their ASCII characters: they could pass for an
/// attribute or text.
fn check_name(name: &str) -> Result<(), Flaw> {
    let is_start = |letter: char| letter == '_' || letter.is_ascii_alphabetic();
    let is_inner = |letter: char| matches!(letter, '-' | '.' | '0'..='9');
    let mut letters = name.chars();
    let Some(first) = letters.next() else {
        return Err(Flaw::new("a tag or an attribute without a name"));
    };
    let is_name = (is_start(first) || !first.is_ascii())
        && letters.all(|letter| is_start(letter) || is_inner(letter) || !letter.is_ascii());
    if is_name {
        return Ok(());
    }
    Err(Flaw::new(format!(
        "`{}`, which is not a name,",
        excerpt(name, GLIMPSE_CHARS)
    )))
}

/// Whether a text is only white space, like indentation. XML defines four such characters; vendors
/// also indent with no-break spaces.
pub(crate) fn is_blank(text: &str) -> bool {
    text.chars().all(char::is_whitespace)
}
