//! The fields of a response that are about its own request. A ready answer has a place for each, before all others:
//! to set one there takes a quarter of looking it up.

use http::{HeaderMap, HeaderName, HeaderValue};

use super::request_id::X_REQUEST_ID;

/// A field that is about its own request, by its place.
#[derive(Debug, Clone, Copy)]
pub(crate) enum OwnField {
    /// What the caller may ask, as in draft-ietf-httpapi-ratelimit-headers-10, section 3.
    Policy,
    /// What is left of it, as in section 4 of the same draft.
    Left,
    /// The id.
    Id,
}

static NAMES: [HeaderName; 3] = [
    HeaderName::from_static("ratelimit-policy"),
    HeaderName::from_static("ratelimit"),
    X_REQUEST_ID,
];

impl OwnField {
    /// Says it in a response.
    pub(crate) fn set(self, headers: &mut HeaderMap, value: HeaderValue) {
        let name = &NAMES[self as usize];
        match headers.iter_mut().nth(self as usize) {
            Some((own, place)) if own == name => *place = value,
            _ => {
                headers.insert(name, value);
            }
        }
    }
}

/// These headers, behind places for what each response says itself. A map that has them never grows.
pub(crate) fn with_places(headers: HeaderMap) -> HeaderMap {
    let places = NAMES.iter().cloned();
    let mut all: HeaderMap = places
        .map(|name| (name, HeaderValue::from_static("")))
        .collect();
    all.extend(headers);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_said_once_whether_there_is_a_place_for_it_or_not() {
        let other =
            || HeaderMap::from_iter([(http::header::VARY, HeaderValue::from_static("accept"))]);
        for mut headers in [with_places(other()), other()] {
            for (field, value) in [
                (OwnField::Id, "1"),
                (OwnField::Left, "2"),
                (OwnField::Policy, "3"),
                (OwnField::Id, "4"),
            ] {
                field.set(&mut headers, HeaderValue::from_static(value));
            }
            assert_eq!(headers.len(), 4);
            assert_eq!(headers["x-request-id"], "4");
            assert_eq!(headers["ratelimit"], "2");
            assert_eq!(headers["ratelimit-policy"], "3");
        }
    }
}
