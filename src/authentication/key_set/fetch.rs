//! One fetch of a set of keys: in time, of bounded size, from the address that is configured and from no
//! other.

use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, USER_AGENT};
use http::{Request, StatusCode};
use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use thiserror::Error;
use tokio::time::timeout;
use tower::{BoxError, ServiceExt as _};
use url::Url;

use crate::clock::WallClock;
use crate::plan::key_set::LARGEST_KEY_SET;
use crate::plan::{KeySet, KeySetError, PemFile, TokenAlgorithm};
use crate::tls::{Tls, trust_only};
use crate::upstream::client::{Connections, HttpClient, http_client};

/// How long a fetch may take.
const PATIENCE: Duration = Duration::from_secs(10);

/// Fetches one set of keys.
#[derive(Debug)]
pub(super) struct KeySetClient {
    url: Url,
    ca: Option<PemFile>,
    system: Tls,
    /// What its keys are wanted for.
    algorithms: Vec<TokenAlgorithm>,
}

/// Why a set of keys could not be fetched.
#[derive(Debug, Error)]
pub(crate) enum KeySetFault {
    /// No answer came, or not all of it.
    #[error("there was no answer")]
    Unreachable(#[source] BoxError),
    /// It took too long.
    #[error("there was no answer within {} s", PATIENCE.as_secs())]
    Slow,
    /// Another answer came than one with keys.
    #[error("the answer was status {}, and no other than 200 counts", .0.as_u16())]
    Status(StatusCode),
    /// The answer is no set of keys.
    #[error("the answer {0}")]
    Unusable(#[from] KeySetError),
}

impl KeySetFault {
    /// The word for it.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Unreachable(_) => "unreachable",
            Self::Slow => "slow",
            Self::Status(_) => "status",
            Self::Unusable(KeySetError::TooLarge) => "too-large",
            Self::Unusable(_) => "unusable",
        }
    }
}

impl KeySetClient {
    /// Fetches from this address, trusting these CAs.
    pub(super) fn new(url: Url, ca: Option<PemFile>, algorithms: &[TokenAlgorithm]) -> Self {
        Self {
            url,
            ca,
            system: Tls::default(),
            algorithms: algorithms.to_vec(),
        }
    }

    /// Fetches the set once. Redirects are not followed: what is configured decides whom to believe.
    pub(super) async fn fetch(&self) -> Result<KeySet, KeySetFault> {
        let fetched = timeout(PATIENCE, self.ask()).await;
        let text = fetched.map_err(|_| KeySetFault::Slow)??;
        Ok(KeySet::read(&text, &self.algorithms)?)
    }

    async fn ask(&self) -> Result<Bytes, KeySetFault> {
        let request = Request::get(self.url.as_str())
            .header(ACCEPT, "application/jwk-set+json, application/json")
            .header(USER_AGENT, concat!("groupgate/", env!("CARGO_PKG_VERSION")))
            .body(Full::default());
        let request = request.map_err(unreachable)?;
        let client = self.client().map_err(KeySetFault::Unreachable)?;
        let response = client
            .oneshot(request)
            .await
            .map_err(KeySetFault::Unreachable)?;
        if response.status() != StatusCode::OK {
            return Err(KeySetFault::Status(response.status()));
        }
        let body = Limited::new(response.into_body(), LARGEST_KEY_SET);
        let body = body.collect().await.map_err(|error| {
            if error.is::<LengthLimitError>() {
                KeySetFault::Unusable(KeySetError::TooLarge)
            } else {
                KeySetFault::Unreachable(error)
            }
        })?;
        Ok(body.to_bytes())
    }

    /// A client for one fetch: the next is minutes away, and CAs may have expired by then.
    fn client(&self) -> Result<HttpClient, BoxError> {
        let tls = match &self.ca {
            _ if self.url.scheme() != "https" => None,
            Some(ca) => Some(trust_only(&ca.pem, WallClock::system().now())?),
            None => Some(self.system.config()?),
        };
        Ok(http_client(&Connections::usual(tls)))
    }
}

fn unreachable(error: impl Into<BoxError>) -> KeySetFault {
    KeySetFault::Unreachable(error.into())
}
