//! What stands between tags: texts, references, comments and the like.

use memchr::{memchr, memchr2, memchr3};
use quick_xml::errors::IllFormedError;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesText, Event};
use quick_xml::{Error, Reader};

use super::super::doctype::declares_entities;
use super::super::element::{ContentPart, SourceRange};
use super::super::flaw::Flaw;
use super::super::name::is_blank;
use super::{TEXT, Tree};
use crate::page::format::excerpt::{GLIMPSE_CHARS, excerpt};
use crate::page::format::tape::TapeEntry;

impl Tree<'_> {
    pub(super) fn text_name(&mut self) -> Result<TapeEntry, Flaw> {
        if let Some(name) = self.text_name {
            return Ok(name);
        }
        let start = self.tape.beside_start();
        self.tape.write_beside(TEXT)?;
        let name = self.tape.beside_since(start);
        self.text_name = Some(name);
        Ok(name)
    }

    /// The texts from one on, joined.
    pub(super) fn joined(&mut self, from: usize) -> Result<TapeEntry, Flaw> {
        let pieces = self.pieces.get(from..).unwrap_or_default();
        if let [ContentPart::Verbatim(part)] = pieces
            && memchr(b'\r', part.of(self.source).as_bytes()).is_none()
        {
            return Ok(part.entry());
        }
        let start = self.tape.beside_start();
        for piece in pieces {
            match piece {
                ContentPart::Verbatim(part) => {
                    let part = BytesText::from_escaped(part.of(self.source));
                    self.tape.write_beside(&part.xml10_content())?;
                }
                ContentPart::Letter(letter) => {
                    self.tape.write_beside(letter.encode_utf8(&mut [0; 4]))?;
                }
            }
        }
        Ok(self.tape.beside_since(start))
    }

    pub(super) fn text(&mut self) -> Result<(), Flaw> {
        let rest = &self.source.as_bytes()[self.at..];
        let is_space = |byte: &u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        let space = rest.iter().position(|byte| !is_space(byte));
        let space = space.unwrap_or(rest.len());
        let length = memchr2(b'<', b'&', &rest[space..]);
        let length = length.map_or(rest.len(), |length| space + length);
        let part = SourceRange::new(self.at, self.at + length);
        let is_blank = space == length || is_blank(part.of(self.source));
        self.piece(ContentPart::Verbatim(part), is_blank)?;
        self.at += length;
        Ok(())
    }

    fn piece(&mut self, piece: ContentPart, is_blank: bool) -> Result<(), Flaw> {
        if self.is_outside() {
            if is_blank {
                return Ok(());
            }
            return Err(Flaw::new("text outside the root element"));
        }
        self.current.is_blank &= is_blank;
        self.tape.push_to(&mut self.pieces, piece)?;
        Ok(())
    }

    /// Character references and the five predefined entities (XML 1.0, section 4.6).
    pub(super) fn reference(&mut self) -> Result<(), Flaw> {
        let rest = &self.source[self.at + 1..];
        let length = memchr3(b';', b'&', b'<', rest.as_bytes());
        let Some((name, _)) = length
            .and_then(|length| rest.split_at_checked(length))
            .filter(|(_, end)| end.starts_with(';'))
        else {
            return Err(Error::IllFormed(IllFormedError::UnclosedReference).into());
        };
        let letter = match BytesRef::new(name).resolve_char_ref()? {
            Some(letter) => Some(letter),
            None => resolve_predefined_entity(name).and_then(|text| text.chars().next()),
        };
        let Some(letter) = letter else {
            let name = excerpt(name, GLIMPSE_CHARS);
            return Err(Flaw::new(format!("the unknown entity `&{name};`")));
        };
        self.piece(ContentPart::Letter(letter), letter.is_whitespace())?;
        self.at += "&;".len() + name.len();
        Ok(())
    }

    /// A comment, an instruction or the like.
    pub(super) fn other(&mut self) -> Result<(), Flaw> {
        let start = self.at;
        let mut reader = Reader::from_str(&self.source[start..]);
        let event = reader.read_event();
        if event.is_err() {
            self.at += reader.error_position() as usize;
        }
        let event = event?;
        let end = start + reader.buffer_position() as usize;
        match event {
            Event::CData(text) if !text.is_empty() => {
                let text = SourceRange::new(start + "<![CDATA[".len(), end - "]]>".len());
                self.piece(ContentPart::Verbatim(text), is_blank(text.of(self.source)))?;
            }
            Event::DocType(doctype) => self.doctype(&doctype)?,
            Event::CData(_)
            | Event::Decl(_)
            | Event::Comment(_)
            | Event::PI(_)
            | Event::Start(_)
            | Event::Empty(_)
            | Event::End(_)
            | Event::Text(_)
            | Event::GeneralRef(_)
            | Event::Eof => {}
        }
        self.at = end;
        Ok(())
    }

    fn doctype(&mut self, doctype: &str) -> Result<(), Flaw> {
        if self.has_doctype || self.has_root {
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
}
