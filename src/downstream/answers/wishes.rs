//! The format and the coding that a connection's last request wished for.

use std::sync::{Mutex, PoisonError};

use http::{HeaderMap, HeaderValue};

use crate::downstream::caching::KnownTags;
use crate::downstream::coding::{self, Accepted};
use crate::downstream::negotiate::{self, AnswerFormat};
use crate::downstream::problem::ProblemDetails;

/// Longer headers are read each time, in bytes: of each connection one of both is held.
const LONGEST: usize = 256;

/// What `Accept` and `Accept-Encoding` of a connection's last request came to. Most clients send the same with every
/// request, and to weigh what they send takes as long as a fifth of all else.
#[derive(Debug, Default)]
pub(crate) struct HeldWishes(Mutex<Option<Wishes>>);

#[derive(Debug)]
struct Wishes {
    /// As they were sent.
    sent: [Option<Box<[u8]>>; 2],
    format: AnswerFormat,
    coding: Accepted,
}

/// The value of a field, as far as it was sent once.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct OnlyValue<'a> {
    value: Option<&'a HeaderValue>,
    is_repeated: bool,
}

impl<'a> OnlyValue<'a> {
    pub(super) fn add(&mut self, value: &'a HeaderValue) {
        self.is_repeated = self.value.is_some();
        self.value = Some(value);
    }

    /// What it says as `If-None-Match` among these headers, through which several are looked for.
    pub(super) const fn tags(self, headers: &'a HeaderMap) -> KnownTags<'a> {
        if self.is_repeated {
            KnownTags::Among(headers)
        } else {
            KnownTags::Only(self.value)
        }
    }
}

impl HeldWishes {
    /// What a request wishes for that sent these two fields among its headers.
    pub(super) fn read(
        &self,
        headers: &HeaderMap,
        fields: [OnlyValue<'_>; 2],
    ) -> Result<(AnswerFormat, Accepted), ProblemDetails> {
        let sent = fields.map(|field| field.value.map(HeaderValue::as_bytes));
        let mut held = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_repeated = fields.iter().any(|field| field.is_repeated);
        let same = held.as_ref().filter(|held| {
            !is_repeated
                && sent
                    .iter()
                    .eq(held.sent.each_ref().map(Option::as_deref).iter())
        });
        if let Some(wishes) = same {
            return Ok((wishes.format, wishes.coding));
        }
        let format = negotiate::negotiate(headers, AnswerFormat::ALL)?;
        let coding = coding::negotiate(headers)?;
        if !is_repeated && sent.iter().flatten().all(|sent| sent.len() <= LONGEST) {
            *held = Some(Wishes {
                sent: sent.map(|sent| sent.map(Box::from)),
                format,
                coding,
            });
        }
        Ok((format, coding))
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderName;
    use http::header::{ACCEPT, ACCEPT_ENCODING};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn requests_of_one_connection_get_what_each_wishes_for(
            requests in prop::collection::vec(prop::collection::vec(
                prop_oneof![
                    (Just(ACCEPT), "(application/(json|xml)|text/csv|\\*/\\*|no|)(;q=0(\\.5)?)?"),
                    (Just(ACCEPT_ENCODING), "(gzip|br|zstd|identity|\\*|)(;q=0(\\.5)?)?| {300}gzip"),
                ],
                0..4,
            ), 1..8),
        ) {
            let held = HeldWishes::default();
            for request in requests {
                let mut headers = HeaderMap::new();
                let mut fields = <[OnlyValue<'_>; 2]>::default();
                let request: Vec<(HeaderName, HeaderValue)> = (request.into_iter())
                    .map(|(name, value)| (name, value.parse().unwrap()))
                    .collect();
                for (name, value) in &request {
                    fields[usize::from(*name == ACCEPT_ENCODING)].add(value);
                    headers.append(name, value.clone());
                }
                let wished = held.read(&headers, fields);
                let format = negotiate::negotiate(&headers, AnswerFormat::ALL);
                let expected = format.and_then(|format| Ok((format, coding::negotiate(&headers)?)));
                prop_assert_eq!(format!("{wished:?}"), format!("{expected:?}"));
            }
        }
    }
}
