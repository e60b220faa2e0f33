//! What stands between agents and their server: it passes everything on, but for what it was asked to do wrong.

use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::json;
use tokio::net::TcpListener;

use crate::scenario::Fault;

#[derive(Clone)]
pub(crate) struct FaultProxy {
    pub(crate) url: String,
    state: Arc<Mutex<ProxyState>>,
    http: reqwest::Client,
}

#[derive(Default)]
struct ProxyState {
    /// Where the server is; none while there is none.
    server: Option<String>,
    faults: Vec<Fault>,
}

impl FaultProxy {
    pub(crate) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
        let url = format!("http://{}", listener.local_addr().expect("it is bound"));
        let http = reqwest::Client::builder().no_proxy().build().expect("a client without TLS");
        let proxy = Self { url, state: Arc::default(), http };
        let answering = proxy.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let proxy = answering.clone();
                let service = service_fn(move |request| {
                    let proxy = proxy.clone();
                    async move { proxy.answer(request).await }
                });
                // A connection that ends in the middle is what was asked for, or the client's own doing.
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                );
            }
        });
        proxy
    }

    pub(crate) fn pass_on_to(&self, server: Option<String>) {
        self.state().server = server;
    }

    pub(crate) fn add(&self, fault: Fault) {
        self.state().faults.push(fault);
    }

    pub(crate) fn has_faults(&self) -> bool {
        !self.state().faults.is_empty()
    }

    fn state(&self) -> MutexGuard<'_, ProxyState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The first fault that is meant for a call; it counts as having happened.
    fn take_fault(&self, path: &str) -> Option<Fault> {
        let faults = &mut self.state().faults;
        let index = faults.iter().position(|fault| path.ends_with(&fault.path))?;
        let fault = &mut faults[index];
        fault.times -= 1;
        Some(if fault.times == 0 { faults.remove(index) } else { fault.clone() })
    }

    async fn answer(&self, request: Request<Incoming>) -> io::Result<Response<Full<Bytes>>> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(io::Error::other)?.to_bytes();
        let fault = self.take_fault(head.uri.path());
        let arrives = fault.as_ref().is_none_or(|fault| fault.arrives);
        let answer = if arrives { Some(self.pass_on(&head, body).await?) } else { None };
        match (fault, answer) {
            (None, Some(answer)) => Ok(answer),
            (Some(fault), _) => wrong_answer(&fault),
            (None, None) => unreachable!("what has no fault arrives"),
        }
    }

    async fn pass_on(&self, head: &hyper::http::request::Parts, body: Bytes) -> io::Result<Response<Full<Bytes>>> {
        let server = self.state().server.clone().ok_or_else(|| io::Error::other("there is no server"))?;
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let mut headers = head.headers.clone();
        headers.remove("host");
        let request = self.http.request(head.method.clone(), format!("{server}{path}")).headers(headers).body(body);
        let answer = request.send().await.map_err(io::Error::other)?;
        let mut response = Response::builder().status(answer.status());
        for (name, value) in answer.headers().iter().filter(|(name, _)| *name != "transfer-encoding") {
            response = response.header(name, value);
        }
        let body = answer.bytes().await.map_err(io::Error::other)?;
        response.body(Full::new(body)).map_err(io::Error::other)
    }
}

fn wrong_answer(fault: &Fault) -> io::Result<Response<Full<Bytes>>> {
    let status = fault.status.ok_or_else(|| io::Error::other("no answer is to come"))?;
    let code = fault.code.as_deref().unwrap_or("store_unavailable");
    let mut problem = json!({
        "type": format!("/problems/{code}"), "title": code, "status": status, "code": code, "detail": "as the scenario says",
    });
    if let Some(applied) = &fault.applied {
        problem["applied"] = applied.clone();
    }
    let mut response = Response::builder().status(status).header("content-type", "application/problem+json");
    if let Some(seconds) = fault.retry_after_seconds {
        problem["retry_after_seconds"] = seconds.into();
        response = response.header("retry-after", seconds);
    }
    response.body(Full::new(problem.to_string().into())).map_err(io::Error::other)
}
