//! What a reload would change in a process that runs: its keys are compared with those of the file, as
//! digests.

use std::time::Duration;

use bytes::Bytes;
use clap::Args;
use http::header::AUTHORIZATION;
use http::{HeaderValue, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper_rustls::HttpsConnectorBuilder;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time::timeout;

use crate::app::written;
use crate::config::{Environment, Loaded};
use crate::error::chain;
use crate::reload::{PlanChanges, RunningConfiguration};
use crate::terminal::CommandError;
use crate::tls::Tls;

/// How long the process may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest answer that is read.
const LONGEST: usize = 16 << 20;

/// The process to compare with.
#[derive(Debug, Args)]
pub(super) struct Against {
    /// Also say what a reload would change in the process whose admin listener is at this URL, such as
    /// `http://127.0.0.1:9090`. Secrets are not compared.
    #[arg(long = "against", value_name = "URL")]
    url: Option<Uri>,
    /// The environment variable with the token of that admin listener (`server.admin_token`).
    #[arg(long, value_name = "NAME", requires = "url")]
    token_env: Option<String>,
}

impl Against {
    /// What would change, in words; nothing where there is nothing to compare with.
    pub(super) async fn compare(
        &self,
        loaded: &Loaded,
        environment: &Environment,
    ) -> Result<String, CommandError> {
        let Some(url) = &self.url else {
            return Ok(String::new());
        };
        let url = url.to_string();
        let url = url.trim_end_matches('/');
        let running = self.ask(url, environment).await?;
        let file = (running.keys).beside(&written(loaded));
        let mut changes = PlanChanges::between(&running.keys, &file);
        changes.settle(|name| running.keys.fate(name, &file));
        let pending = running.needs_restart.join(", ");
        let pending = if pending.is_empty() {
            String::new()
        } else {
            format!("it has yet to be restarted for {pending}\n")
        };
        if changes.is_empty() {
            return Ok(format!(
                "\nunchanged: {url} runs with this configuration\n{pending}"
            ));
        }
        Ok(format!(
            "\na reload of {url} would change:\n{changes}{pending}"
        ))
    }

    async fn ask(
        &self,
        url: &str,
        environment: &Environment,
    ) -> Result<RunningConfiguration, CommandError> {
        let failed =
            |reason: String| CommandError::new(format!("`{url}` cannot be asked: {reason}"));
        let address = format!("{url}/configuration");
        let mut request = Request::get(address);
        if let Some(name) = &self.token_env {
            let token = environment.get(name).ok_or_else(|| {
                CommandError::new(format!("the environment variable `{name}` is not set"))
            })?;
            let bearer = HeaderValue::from_str(&format!("Bearer {}", token.trim()))
                .map_err(|_| CommandError::new(format!("what `{name}` holds is no token")))?;
            request = request.header(AUTHORIZATION, bearer);
        }
        let request = request
            .body(Empty::<Bytes>::new())
            .map_err(|error| failed(chain(&error)))?;
        let connector = HttpsConnectorBuilder::new()
            .with_tls_config(Tls::default().config()?)
            .https_or_http()
            .enable_http1()
            .build();
        let client = Client::builder(TokioExecutor::new()).build(connector);
        let answer = async {
            let response = client
                .request(request)
                .await
                .map_err(|error| failed(chain(&error)))?;
            let status = response.status();
            let body = Limited::new(response.into_body(), LONGEST).collect().await;
            let body = body.map_err(|error| failed(error.to_string()))?;
            Ok::<_, CommandError>((status, body.to_bytes()))
        };
        let (status, body) = timeout(PATIENCE, answer)
            .await
            .map_err(|_| failed(format!("no answer within {} s", PATIENCE.as_secs())))??;
        match status {
            StatusCode::OK => serde_json::from_slice(&body)
                .map_err(|error| failed(format!("its answer is not a configuration: {error}"))),
            StatusCode::UNAUTHORIZED => Err(failed(
                "it wants a token; name the variable that holds it with `--token-env`".to_owned(),
            )),
            StatusCode::NOT_FOUND => Err(failed(
                "it is no admin listener of groupgate, or of an older version".to_owned(),
            )),
            status => Err(failed(format!("it answers {status}"))),
        }
    }
}
