//! One request and its answer: where it goes, how long it may take, when it is repeated.

use std::path::{Path, PathBuf};
use std::time::Duration;

use enginehouse_api::problem::Problem;
use enginehouse_core::access::session::SessionToken;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use reqwest::{Method, StatusCode};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::backoff::{Backoff, pause};
use crate::bearer_token::BearerToken;
use crate::error::Error;
use crate::server_url::{BadUrl, is_overheard, server_place};
use crate::tls::{self, ClientTls};

/// By which the process of an engine proves that it is the one that has registered.
const SESSION_HEADER: &str = "Enginehouse-Session";

/// The timeouts, repeats and limits of a client, and what it proves itself with.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// How long a call may take, a claim's wait aside.
    pub timeout: Duration,
    /// How long a connection may take to be made.
    pub connect_timeout: Duration,
    /// How often a call is repeated at most, where a repeat is safe and may help.
    pub max_repeats: u32,
    /// The wait before the first repeat; each one after it waits twice as long.
    pub first_wait: Duration,
    /// The longest wait before a repeat. If the server asks for a longer one, the caller gets its problem instead.
    pub max_wait: Duration,
    /// The largest answer that is read. No answer of a server is as large as the default, 128 MiB.
    pub max_answer_bytes: usize,
    /// Sent with every call, if there is one.
    pub token: Option<BearerToken>,
    /// What `https://` is spoken with.
    pub tls: ClientTls,
}

impl Default for ClientConfig {
    fn default() -> Self {
        Self {
            timeout: Duration::from_secs(30),
            connect_timeout: Duration::from_secs(5),
            max_repeats: 4,
            first_wait: Duration::from_millis(100),
            max_wait: Duration::from_secs(5),
            max_answer_bytes: 128 * 1024 * 1024,
            token: None,
            tls: ClientTls::default(),
        }
    }
}

/// When a call may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repeat {
    /// After any passing failure: doing it twice is the same as doing it once.
    Always,
    /// Only if the failed one certainly changed nothing.
    IfNotApplied,
}

pub(crate) enum RequestBody {
    Nothing,
    Json(Vec<u8>),
    Ndjson(Vec<u8>),
}

impl RequestBody {
    /// A request of the wire format.
    pub(crate) fn json(request: &impl Serialize) -> Self {
        // These types hold nothing that JSON cannot say, except a RawJson that was made from what is not JSON:
        // the server refuses the empty body that comes of it.
        Self::Json(serde_json::to_vec(request).unwrap_or_default())
    }
}

pub(crate) struct HttpCall {
    pub(crate) method: Method,
    /// Path and query, from `/v1` on.
    pub(crate) path: String,
    pub(crate) body: RequestBody,
    pub(crate) repeat: Repeat,
    pub(crate) timeout: Option<Duration>,
}

/// Speaks HTTP to one server.
#[derive(Clone, Debug)]
pub(crate) struct Transport {
    http: reqwest::Client,
    /// Where the server is, as people write it; without a slash at its end.
    url: String,
    /// What paths are added to, and the socket to go through.
    base: String,
    socket: Option<PathBuf>,
    tls: rustls::ClientConfig,
    shows_token: bool,
    /// The session of an engine, which every call shows.
    session: Option<HeaderValue>,
    config: ClientConfig,
}

/// An answer that comes in parts.
#[derive(Debug)]
pub(crate) struct AnswerStream {
    transport: Transport,
    response: reqwest::Response,
}

impl AnswerStream {
    /// What comes next; none at the end.
    pub(crate) async fn next(&mut self) -> Result<Option<Vec<u8>>, Error> {
        let chunk = self.response.chunk().await.map_err(|error| self.transport.unreachable(&error))?;
        Ok(chunk.map(|chunk| chunk.to_vec()))
    }
}

/// Connections to one server. They are made with the first calls.
fn connected(
    url: &str,
    socket: Option<&Path>,
    tls: &rustls::ClientConfig,
    config: &ClientConfig,
) -> Result<reqwest::Client, BadUrl> {
    let headers = config.token.iter().map(|token| (AUTHORIZATION, token.header())).collect();
    let mut builder = reqwest::Client::builder()
        .connect_timeout(config.connect_timeout)
        .tcp_nodelay(true)
        .user_agent(concat!("enginehouse/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .redirect(reqwest::redirect::Policy::none())
        // An engine that polls keeps its connections; a server that restarts has none of them.
        .pool_idle_timeout(Duration::from_secs(30))
        .tls_backend_preconfigured(tls.clone());
    if let Some(socket) = socket {
        builder = builder.unix_socket(socket);
    }
    builder.build().map_err(|error| BadUrl::new(url, error.to_string()))
}

impl Transport {
    pub(crate) fn new(text: &str, config: ClientConfig) -> Result<Self, BadUrl> {
        let place = server_place(text)?;
        let base = place.url.as_str().trim_end_matches('/').to_owned();
        let url = place.socket.as_ref().map_or_else(|| base.clone(), |socket| format!("unix:{}", socket.display()));
        let tls = tls::config(&config.tls, place.url.scheme() == "https").map_err(|why| BadUrl::new(&url, why))?;
        let shows_token = config.token.is_some() && is_overheard(&place.url);
        if shows_token {
            tracing::warn!(url, "the token is sent unencrypted to another machine: whoever is in between can use it");
        }
        let http = connected(&url, place.socket.as_deref(), &tls, &config)?;
        Ok(Self { http, url, base, socket: place.socket, tls, shows_token, session: None, config })
    }

    /// The same with connections of its own.
    pub(crate) fn reconnected(&self) -> Result<Self, BadUrl> {
        let http = connected(&self.url, self.socket.as_deref(), &self.tls, &self.config)?;
        Ok(Self { http, ..self.clone() })
    }

    pub(crate) fn with_max_repeats(self, max_repeats: u32) -> Self {
        Self { config: ClientConfig { max_repeats, ..self.config }, ..self }
    }

    pub(crate) fn with_session(self, session: Option<&SessionToken>) -> Self {
        let header = |session: &SessionToken| {
            let mut value = HeaderValue::from_str(&session.to_string()).ok()?;
            value.set_sensitive(true);
            Some(value)
        };
        Self { session: session.and_then(header), ..self }
    }

    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) const fn shows_token(&self) -> bool {
        self.shows_token
    }

    pub(crate) const fn tls(&self) -> &ClientTls {
        &self.config.tls
    }

    /// Makes a call that has an answer.
    pub(crate) async fn json<T: DeserializeOwned>(&self, call: HttpCall) -> Result<T, Error> {
        let (status, body) = self.repeated(&call).await?;
        serde_json::from_slice(&body)
            .map_err(|error| Error::Unexpected { status: status.as_u16(), reason: error.to_string() })
    }

    /// Makes a call whose answer has no body of interest.
    pub(crate) async fn done(&self, call: HttpCall) -> Result<(), Error> {
        self.repeated(&call).await.map(drop)
    }

    async fn repeated(&self, call: &HttpCall) -> Result<(StatusCode, Vec<u8>), Error> {
        let mut backoff = Backoff::new(self.config.first_wait, self.config.max_wait);
        let mut repeats = 0;
        loop {
            let error = match self.once(call).await {
                Ok(answer) => return Ok(answer),
                Err(error) => error,
            };
            let safe = call.repeat == Repeat::Always || !error.maybe_applied();
            let too_long = error.retry_after().is_some_and(|asked| asked > self.config.max_wait);
            if repeats >= self.config.max_repeats || !error.is_passing() || !safe || too_long {
                return Err(error);
            }
            repeats += 1;
            tracing::debug!(method = %call.method, path = %call.path, %error, "repeating a call");
            pause(backoff.next(error.retry_after())).await;
        }
    }

    /// Makes a call whose answer comes in parts, for as long as there are some. It is not repeated.
    pub(crate) async fn stream(&self, path: &str) -> Result<AnswerStream, Error> {
        let request = self.http.get(format!("{}{path}", self.base));
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        if response.status().is_success() {
            return Ok(AnswerStream { transport: self.clone(), response });
        }
        self.answer(response)
            .await
            .and_then(|(status, _)| Err(Error::Unexpected { status: status.as_u16(), reason: "no stream".to_owned() }))
    }

    async fn once(&self, call: &HttpCall) -> Result<(StatusCode, Vec<u8>), Error> {
        let mut request = self
            .http
            .request(call.method.clone(), format!("{}{}", self.base, call.path))
            .timeout(call.timeout.unwrap_or(self.config.timeout));
        if let Some(session) = &self.session {
            request = request.header(SESSION_HEADER, session.clone());
        }
        request = match &call.body {
            RequestBody::Nothing => request,
            RequestBody::Json(body) => request.header("content-type", "application/json").body(body.clone()),
            RequestBody::Ndjson(body) => request.header("content-type", "application/x-ndjson").body(body.clone()),
        };
        let response = request.send().await.map_err(|error| self.unreachable(&error))?;
        self.answer(response).await
    }

    async fn answer(&self, response: reqwest::Response) -> Result<(StatusCode, Vec<u8>), Error> {
        let status = response.status();
        let retry_after = response.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
        let body = self.read(response).await?;
        if status.is_success() {
            return Ok((status, body));
        }
        match serde_json::from_slice::<Problem>(&body) {
            Ok(problem) => {
                let retry_after_seconds = problem.retry_after_seconds.or(retry_after);
                Err(Problem { retry_after_seconds, ..problem }.into())
            }
            Err(_) => {
                let text = String::from_utf8_lossy(&body);
                let reason = text.trim().chars().take(200).collect();
                Err(Error::Unexpected { status: status.as_u16(), reason })
            }
        }
    }

    /// Reads an answer as far as it may go: who answers may be anybody.
    async fn read(&self, mut response: reqwest::Response) -> Result<Vec<u8>, Error> {
        let max = self.config.max_answer_bytes;
        let status = response.status().as_u16();
        let too_large = || Error::Unexpected { status, reason: format!("the answer has more than {max} bytes") };
        if response.content_length().is_some_and(|length| length > max as u64) {
            return Err(too_large());
        }
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| self.unreachable(&error))? {
            if chunk.len() > max - body.len() {
                return Err(too_large());
            }
            body.extend_from_slice(&chunk);
        }
        Ok(body)
    }

    fn unreachable(&self, error: &reqwest::Error) -> Error {
        // reqwest's own message says where, and its sources say why.
        let mut reason = if error.is_timeout() { "it took too long".to_owned() } else { String::new() };
        let mut source = std::error::Error::source(error);
        while let (Some(cause), true) = (source, reason.is_empty() || !error.is_timeout()) {
            reason = cause.to_string();
            source = cause.source();
        }
        if reason.is_empty() {
            reason = error.to_string();
        }
        if let Some(advice) = tls::advice(&reason) {
            reason = format!("{reason}; {advice}");
        }
        Error::Unreachable {
            url: self.url.clone(),
            reason,
            maybe_applied: !error.is_connect(),
            timed_out: error.is_timeout(),
        }
    }
}
