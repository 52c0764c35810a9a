//! Which faults apply to which upstream, and the `--fault UPSTREAM=FAULT` switch.

use super::fault::{InjectedFault, NotApplicable};
use super::options::Options;
use super::vendors::{VendorEntry, names};

impl InjectedFault {
    /// Reads one `--fault` switch: an upstream's name or `*`, `=`, and a fault. With `*` it happens
    /// wherever it applies.
    pub fn switch(text: &str) -> Result<(String, Self), String> {
        let (upstream, fault) = text
            .split_once('=')
            .ok_or_else(|| format!("`{text}` is not `UPSTREAM=FAULT`, as in `tallyfy=down`"))?;
        let fault: Self = fault.parse()?;
        fault.check_upstream(upstream)?;
        Ok((upstream.to_owned(), fault))
    }

    /// Checks that `name` is an emulation that the fault applies to, or `*` for all of them.
    pub(super) fn check_upstream(self, name: &str) -> Result<(), String> {
        match self.applies_to(name) {
            _ if name == "*" => Ok(()),
            Ok(()) => Ok(()),
            Err(NotApplicable::NoUpstream) => {
                let known: Vec<_> = names().map(|name| format!("`{name}`")).collect();
                Err(format!(
                    "`{name}` is not an emulated upstream; use `*` for all, or one of {}",
                    known.join(", ")
                ))
            }
            Err(reason) => Err(format!("`{self}` does not apply to `{name}`: {reason}")),
        }
    }

    /// Whether it is possible at the emulation of this name.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "a fault that needs nothing of a list applies everywhere"
    )]
    pub fn applies_to(self, upstream: &str) -> Result<(), NotApplicable> {
        let list = VendorEntry::find(upstream)
            .ok_or(NotApplicable::NoUpstream)?
            .list;
        let (is_there, reason) = match self {
            Self::RepeatPage | Self::Endless => (list.paging.is_some(), NotApplicable::NoPages),
            Self::RepeatCursor | Self::CursorType(_) => {
                (list.cursor().is_some(), NotApplicable::NoCursor)
            }
            Self::WrongTotal | Self::Total(_) => (list.total.is_some(), NotApplicable::NoTotal),
            Self::NextElsewhere => (list.link.is_some(), NotApplicable::NoLink),
            Self::EntityBomb | Self::DeepXml | Self::XmlEncoding(_) => {
                (list.speaks_xml, NotApplicable::NoXml)
            }
            _ => return Ok(()),
        };
        if is_there { Ok(()) } else { Err(reason) }
    }
}

impl Options {
    /// The fault that the emulation of this name starts with.
    pub(super) fn fault_of(&self, upstream: &str) -> Option<InjectedFault> {
        let mut faults = self.faults.iter().rev();
        let found = faults.find(|(name, fault)| {
            name == upstream || (name == "*" && fault.applies_to(upstream).is_ok())
        });
        found.map(|(_, fault)| *fault)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use rstest::rstest;

    use super::*;

    #[rstest]
    #[case(InjectedFault::Hang, "collections", Ok(()))]
    #[case(InjectedFault::Endless, "vinyldns", Ok(()))]
    #[case(InjectedFault::Endless, "collections", Err(NotApplicable::NoPages))]
    #[case(InjectedFault::RepeatCursor, "publisher", Err(NotApplicable::NoCursor))]
    #[case(InjectedFault::WrongTotal, "vinyldns", Err(NotApplicable::NoTotal))]
    #[case(InjectedFault::NextElsewhere, "tallyfy", Ok(()))]
    #[case(InjectedFault::DeepXml, "onlivesite", Err(NotApplicable::NoXml))]
    #[case(InjectedFault::Hang, "*", Err(NotApplicable::NoUpstream))]
    fn a_fault_applies_where_the_vendor_has_what_it_needs(
        #[case] fault: InjectedFault,
        #[case] upstream: &str,
        #[case] expected: Result<(), NotApplicable>,
    ) {
        assert_eq!(fault.applies_to(upstream), expected);
    }

    #[rstest]
    #[case("collections=down", "collections", InjectedFault::Refuse)]
    #[case("*=slow:2s", "*", InjectedFault::Slow(Duration::from_secs(2)))]
    #[case("*=repeat-cursor", "*", InjectedFault::RepeatCursor)]
    fn a_switch_names_an_upstream_and_a_fault(
        #[case] text: &str,
        #[case] upstream: &str,
        #[case] fault: InjectedFault,
    ) {
        assert_eq!(
            InjectedFault::switch(text),
            Ok((upstream.to_owned(), fault))
        );
    }

    #[test]
    fn a_wrong_switch_says_what_would_be_right() {
        let said: Vec<String> = [
            "collections",
            "colections=down",
            "tallyfy=broken",
            "tallyfy=hangs",
            "tallyfy=down:now",
            "tallyfy=slow",
            "tallyfy=status:200",
            "tallyfy=burst:503",
            "tallyfy=drip:0:1s",
            "tallyfy=unauthorized-after:soon",
            "publisher=repeat-cursor",
            "collections=endless",
            "vinyldns=deep-xml",
        ]
        .iter()
        .map(|text| InjectedFault::switch(text).unwrap_err())
        .collect();
        insta::assert_snapshot!(said.join("\n"));
    }
}
