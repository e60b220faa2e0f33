//! One connection to a server: an engine, or a producer.

use anyhow::{Context, Result, bail};
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::Request;
use hyper::client::conn::http1::{SendRequest, handshake};
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use tokio::net::TcpStream;

pub(crate) struct ServerConnection {
    sender: SendRequest<Full<Bytes>>,
    host: String,
    /// What was claimed and is completed with the next call.
    held: Vec<(String, String)>,
    engine: String,
    epoch: i64,
}

#[derive(Deserialize)]
struct RegisterReply {
    epoch: i64,
}

#[derive(Deserialize)]
struct ExchangeReply {
    settlements: Vec<SettleReply>,
    claim: ClaimReply,
}

#[derive(Deserialize)]
struct SettleReply {
    error: Option<serde_json::Value>,
}

#[derive(Deserialize)]
struct ClaimReply {
    events: Vec<ClaimedReply>,
}

#[derive(Deserialize)]
struct ClaimedReply {
    event_id: String,
    lock: LockReply,
}

#[derive(Deserialize)]
struct LockReply {
    token: String,
}

impl ServerConnection {
    pub(crate) async fn open(server: &str) -> Result<Self> {
        let host = server.trim_start_matches("http://").trim_end_matches('/').to_owned();
        let stream = TcpStream::connect(&host).await.with_context(|| format!("cannot connect to {host}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = handshake(TokioIo::new(stream)).await?;
        tokio::spawn(connection);
        Ok(Self { sender, host, held: Vec::new(), engine: String::new(), epoch: 0 })
    }

    /// Becomes an engine that holds so many events at once, and is never lost.
    pub(crate) async fn register(&mut self, engine: &str, batch: usize) -> Result<()> {
        let body = format!(
            r#"{{"engine_type":"load","heartbeat_interval_seconds":0,"metadata":{{"static_config":{{"resource_limits":{{"max_concurrent_events":{batch}}}}}}}}}"#
        );
        let answer = self.call("PUT", &format!("/v1/engines/{engine}"), body).await?;
        self.epoch = serde_json::from_slice::<RegisterReply>(&answer)?.epoch;
        engine.clone_into(&mut self.engine);
        Ok(())
    }

    pub(crate) async fn enqueue(&mut self, payload: &str, events: usize) -> Result<usize> {
        let event = format!(r#"{{"event_type":"load","payload":{payload}}}"#);
        if events == 1 {
            self.call("POST", "/v1/events", event).await?;
        } else {
            let body = format!(r#"{{"events":[{}]}}"#, vec![event; events].join(","));
            self.call("POST", "/v1/events/batch", body).await?;
        }
        Ok(events)
    }

    /// Completes what it holds and claims more, in one call. Answers how many were completed.
    pub(crate) async fn exchange(&mut self, limit: usize) -> Result<usize> {
        let settled: Vec<_> = self
            .held
            .iter()
            .map(|(id, token)| format!(r#"{{"event_id":"{id}","lock_token":"{token}","outcome":"complete"}}"#))
            .collect();
        let body =
            format!(r#"{{"epoch":{},"settlements":[{}],"claim":{{"limit":{limit}}}}}"#, self.epoch, settled.join(","));
        let path = format!("/v1/engines/{}/exchange", self.engine);
        let answer = self.call("POST", &path, body).await?;
        let exchanged: ExchangeReply = serde_json::from_slice(&answer)?;
        if let Some(error) = exchanged.settlements.iter().find_map(|settled| settled.error.as_ref()) {
            bail!("a lock does not settle its event: {error}");
        }
        let done = self.held.len();
        let claimed = exchanged.claim.events.into_iter();
        self.held = claimed.map(|claimed| (claimed.event_id, claimed.lock.token)).collect();
        Ok(done)
    }

    /// Whether it holds nothing.
    pub(crate) fn is_idle(&self) -> bool {
        self.held.is_empty()
    }

    async fn call(&mut self, method: &str, path: &str, body: String) -> Result<Bytes> {
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .header("content-type", "application/json")
            .body(Full::new(Bytes::from(body)))?;
        self.sender.ready().await?;
        let response = self.sender.send_request(request).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        if !status.is_success() {
            bail!("{method} {path}: {status}: {}", String::from_utf8_lossy(&body));
        }
        Ok(body)
    }
}
