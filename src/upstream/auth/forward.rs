//! Headers of the caller's own request.

use bytes::Bytes;
use http::Request;

use super::AuthError;
use crate::plan::ForwardedNames;
use crate::upstream::extensions::{ForwardedHeaders, carried};

/// Puts what the caller sent in the place of what is there under these names.
pub(super) fn sign(names: &ForwardedNames, request: &mut Request<Bytes>) -> Result<(), AuthError> {
    let forwarded = carried::<ForwardedHeaders, _>(request).cloned();
    let ForwardedHeaders(forwarded) = forwarded.ok_or(AuthError::NoCaller)?;
    let headers = request.headers_mut();
    for name in names.iter() {
        headers.remove(name);
        for value in forwarded.get_all(name) {
            headers.append(name, value.clone());
        }
    }
    Ok(())
}
