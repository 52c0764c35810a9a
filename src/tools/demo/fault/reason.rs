//! Which faults can happen where.

use thiserror::Error;

use super::super::envelope_of;
use super::Fault;

/// Why a fault cannot happen at an upstream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Reason {
    /// There is no next page that could be wrong.
    #[error("its list is one answer, without pages")]
    NoPages,
    /// Its pages are counted.
    #[error("its pages name no cursor of the next one")]
    NoCursor,
    /// Nobody says how many groups there are.
    #[error("its pages do not say how many groups there are")]
    NoTotal,
    /// Its pages hold no URL.
    #[error("its pages hold no link to the next one")]
    NoLink,
    /// It has one format.
    #[error("it speaks no XML")]
    NoXml,
    /// There is no emulation of this name.
    #[error("it is not emulated")]
    NoUpstream,
}

impl Fault {
    /// Whether it can happen at the emulation of this name.
    pub fn applies_to(self, upstream: &str) -> Result<(), Reason> {
        let envelope = envelope_of(upstream).ok_or(Reason::NoUpstream)?;
        let (there, reason) = match self {
            Self::RepeatPage | Self::Endless => (envelope.next.is_some(), Reason::NoPages),
            Self::RepeatCursor => (envelope.cursor().is_some(), Reason::NoCursor),
            Self::WrongTotal => (envelope.total.is_some(), Reason::NoTotal),
            Self::NextElsewhere => (envelope.link.is_some(), Reason::NoLink),
            Self::EntityBomb | Self::DeepXml => (envelope.speaks_xml, Reason::NoXml),
            Self::Refuse
            | Self::HangConnect
            | Self::Hang
            | Self::Truncate
            | Self::Reset
            | Self::Slow(_)
            | Self::Status(_)
            | Self::Burst { .. }
            | Self::TooMany(_)
            | Self::TooManyUntil(_)
            | Self::Unauthorized
            | Self::UnauthorizedAfter(_)
            | Self::Redirect
            | Self::Headers
            | Self::Drip { .. }
            | Self::Cut
            | Self::MediaType
            | Self::Garbage
            | Self::InvalidUtf8
            | Self::Huge
            | Self::GzipBomb
            | Self::DeepJson
            | Self::ErrorInBody
            | Self::DuplicateIds
            | Self::MissingIds
            | Self::WrongTypes => return Ok(()),
        };
        if there { Ok(()) } else { Err(reason) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_happens_where_the_vendor_has_what_it_needs() {
        assert_eq!(Fault::Hang.applies_to("collections"), Ok(()));
        assert_eq!(Fault::Endless.applies_to("vinyldns"), Ok(()));
        assert_eq!(
            Fault::Endless.applies_to("collections"),
            Err(Reason::NoPages)
        );
        assert_eq!(
            Fault::RepeatCursor.applies_to("publisher"),
            Err(Reason::NoCursor)
        );
        assert_eq!(
            Fault::WrongTotal.applies_to("vinyldns"),
            Err(Reason::NoTotal)
        );
        assert_eq!(Fault::NextElsewhere.applies_to("tallyfy"), Ok(()));
        assert_eq!(Fault::DeepXml.applies_to("onlivesite"), Err(Reason::NoXml));
        assert_eq!(Fault::Hang.applies_to("*"), Err(Reason::NoUpstream));
    }
}
