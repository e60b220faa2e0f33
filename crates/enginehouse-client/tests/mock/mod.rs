//! A server that says what a test wants it to say.
#![allow(dead_code, unreachable_pub, reason = "each test file uses a part of it")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};
use tokio::sync::watch;

/// One call that arrived.
#[derive(Clone, Debug)]
pub struct Call {
    /// Such as `POST /v1/events`.
    pub line: String,
    /// What it shows of a session.
    pub session: Option<String>,
    pub body: Value,
}

/// What the mock answers.
pub enum Answer {
    Json(u16, Value),
    RetryAfter(u16, &'static str, Value),
    Text(u16, &'static str),
    /// After a while.
    Late(Duration, Value),
    /// Nothing, until the caller hangs up.
    Nothing,
}

pub fn ok(body: Value) -> Answer {
    Answer::Json(200, body)
}

pub fn problem(status: u16, code: &str, more: Value) -> Answer {
    let mut body = json!({"type": "/problems/x", "title": "x", "status": status, "detail": "as told", "code": code});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap_or_default());
    Answer::Json(status, body)
}

pub struct Mock {
    pub url: String,
    calls: watch::Receiver<Vec<Call>>,
}

impl Mock {
    /// Answers each call with what `script` says.
    pub async fn start(script: impl FnMut(&Call) -> Answer + Send + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (sender, calls) = watch::channel(Vec::new());
        let shared = Arc::new((Mutex::new(script), sender));
        let router = Router::new().fallback(move |request: Request| {
            let shared = Arc::clone(&shared);
            async move {
                let line = format!("{} {}", request.method(), request.uri());
                let session = request.headers().get("enginehouse-session");
                let session = session.map(|value| value.to_str().unwrap().to_owned());
                let body = axum::body::to_bytes(request.into_body(), usize::MAX).await.unwrap();
                let call = Call { line, session, body: serde_json::from_slice(&body).unwrap_or(Value::Null) };
                shared.1.send_modify(|calls| calls.push(call.clone()));
                let answer = (shared.0.lock().unwrap())(&call);
                respond(answer).await
            }
        });
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, calls }
    }

    /// The calls that have arrived.
    pub fn calls(&self) -> Vec<Call> {
        self.calls.borrow().clone()
    }

    pub fn lines(&self) -> Vec<String> {
        self.calls().into_iter().map(|call| call.line).collect()
    }

    /// Waits until a call arrives that `wanted` recognizes.
    pub async fn call(&self, wanted: impl Fn(&Call) -> bool) -> Call {
        let mut calls = self.calls.clone();
        let found = tokio::time::timeout(Duration::from_secs(20), calls.wait_for(|calls| calls.iter().any(&wanted)));
        let calls = found.await.expect("the call never arrived").unwrap();
        calls.iter().find(|call| wanted(call)).unwrap().clone()
    }

    /// Waits until so many such calls have arrived, and answers how many have.
    pub async fn calls_of(&self, wanted: impl Fn(&Call) -> bool, count: usize) -> usize {
        let mut calls = self.calls.clone();
        let arrived = |calls: &[Call]| calls.iter().filter(|call| wanted(call)).count();
        let found = tokio::time::timeout(Duration::from_secs(20), calls.wait_for(|calls| arrived(calls) >= count));
        arrived(&found.await.expect("the calls never arrived").unwrap())
    }
}

async fn respond(answer: Answer) -> Response {
    let build = Response::builder();
    let (build, body) = match answer {
        Answer::Json(status, body) => (build.status(StatusCode::from_u16(status).unwrap()), body.to_string()),
        Answer::RetryAfter(status, wait, body) => {
            (build.status(StatusCode::from_u16(status).unwrap()).header("retry-after", wait), body.to_string())
        }
        Answer::Text(status, text) => (build.status(StatusCode::from_u16(status).unwrap()), text.to_owned()),
        Answer::Late(wait, body) => {
            #[expect(clippy::disallowed_methods, reason = "a slow server is what is tested")]
            tokio::time::sleep(wait).await;
            (build, body.to_string())
        }
        Answer::Nothing => std::future::pending().await,
    };
    build.body(Body::from(Bytes::from(body))).unwrap()
}
