//! No queue: a server that answers every request with what our server answers an enqueue. What it costs is what the network and
//! HTTP cost.

use std::convert::Infallible;
use std::net::Ipv4Addr;

use anyhow::{Result, bail};
use async_trait::async_trait;
use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

use super::http::HttpConnection;
use crate::measurement::payload;
use crate::queue::{Purpose, QueueConnection, QueueSystem};
use crate::throwaway::ThrowawayServer;

/// As long as the answer to an enqueue, whose parts are always of one length.
const ANSWER: &str = r#"{"event_id":"019ac3f0-5a1c-7d21-9f3e-0a1b2c3d4e5f","event_type":"load","queue":"default","status":"queued","available_at":"2026-11-27T08:00:00.123456Z","duplicate":false,"warnings":[]}"#;

/// Serves until the process ends.
pub(crate) async fn serve(port: u16) -> Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await?;
    loop {
        let (stream, _) = listener.accept().await?;
        stream.set_nodelay(true)?;
        // A client that goes away is no failure.
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service_fn(answer)));
    }
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // Read whole, as a server does that has to know what it says.
    let _ = request.into_body().collect().await;
    let mut response = Response::new(Full::new(Bytes::from_static(ANSWER.as_bytes())));
    response.headers_mut().insert("content-type", hyper::header::HeaderValue::from_static("application/json"));
    Ok(response)
}

pub(super) struct Constant {
    server: ThrowawayServer,
}

impl Constant {
    pub(super) async fn start() -> Result<Self> {
        let line = |_: &std::path::Path, port: u16| vec!["constant".to_owned(), port.to_string()];
        Ok(Self { server: ThrowawayServer::start(std::env::current_exe()?, line).await? })
    }
}

#[async_trait]
impl QueueSystem for Constant {
    async fn connect(&self, _: Purpose) -> Result<Box<dyn QueueConnection>> {
        let event = format!(r#"{{"event_type":"load","payload":{}}}"#, payload());
        Ok(Box::new(ConstantConnection { http: HttpConnection::open(self.server.port()).await?, event }))
    }

    fn processes(&self) -> Vec<u32> {
        vec![self.server.pid()]
    }
}

struct ConstantConnection {
    http: HttpConnection,
    event: String,
}

#[async_trait]
impl QueueConnection for ConstantConnection {
    async fn enqueue(&mut self, _: usize) -> Result<()> {
        self.http.call("POST", "/v1/events", &self.event).await?;
        Ok(())
    }

    async fn claim(&mut self, _: usize) -> Result<usize> {
        bail!("a constant holds no events")
    }

    async fn complete(&mut self) -> Result<()> {
        bail!("a constant holds no events")
    }
}
