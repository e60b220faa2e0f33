//! The router over a store of its own, and transcripts of what is said to it.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use enginehouse_server::dispatcher::config::DispatchConfig;
use enginehouse_server::http::{App, Limits, ListenerRole, router};
use enginehouse_server::rng::SeededRng;
use enginehouse_server::trusted_proxies::TrustedProxies;
use enginehouse_store::Store;
use enginehouse_store::clock::ManualClock;
use http::{Request, header};
use http_body_util::BodyExt;
use tower::ServiceExt;

use crate::described;
use crate::under_test::TestStore;

/// 2026-01-01T00:00:00Z.
pub(crate) const START: i64 = 1_767_225_600_000;

/// The service, and what was said so far.
pub(crate) struct TestApp {
    pub(crate) app: App,
    pub(crate) clock: Arc<ManualClock>,
    router: Router,
    store: Arc<dyn Store>,
    transcript: String,
    place: TestStore,
}

/// One answer.
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.body).expect("an answer in JSON")
    }
}

impl TestApp {
    pub(crate) fn new() -> Self {
        Self::with(Limits::default())
    }

    pub(crate) fn with(limits: Limits) -> Self {
        let place = TestStore::on(crate::ON);
        let clock = Arc::new(ManualClock::at(enginehouse_core::time::Timestamp::from_millis(START)));
        let store = place.open(&clock);
        let chance = Box::new(SeededRng::from_seed(7));
        let app = App::start(
            Arc::clone(&store),
            DispatchConfig::default(),
            limits,
            TrustedProxies::default(),
            Arc::default(),
            chance,
        )
        .unwrap();
        Self {
            router: router(app.clone(), ListenerRole::Everything),
            app,
            clock,
            store,
            transcript: String::new(),
            place,
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: Request<Body>) -> Answer {
        answer_of(&self.router, request).await
    }

    /// Sends a request whose answer is no text.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) async fn send_for_bytes(&self, request: Request<Body>) -> (http::HeaderMap, Vec<u8>) {
        let (parts, body) = self.router.clone().oneshot(request).await.unwrap().into_parts();
        (parts.headers, body.collect().await.unwrap().to_bytes().into())
    }

    /// What does by itself what a server does now and then.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) fn service(&self) -> &App {
        &self.app
    }

    /// The store, behind the service's back.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The store, opened by another server.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) fn open_again(&self) -> Arc<dyn Store> {
        self.place.open(&self.clock)
    }

    /// The service itself.
    #[allow(dead_code, reason = "not every suite needs it")]
    pub(crate) fn router(&self) -> Router {
        self.router.clone()
    }

    /// Makes a call: `GET /v1/stats`, with a JSON body unless it is empty. Notes it in the transcript.
    pub(crate) async fn call(&mut self, line: &str, body: &str) -> Answer {
        let answer = self.send(request(line, "application/json", body)).await;
        let sent = if body.is_empty() { String::new() } else { format!(" {body}") };
        // Statistics say the present moment, which goes on by itself.
        let shown = match answer.body.strip_prefix("{\"now\":\"").and_then(|rest| rest.split_once('"')) {
            Some((_, rest)) => format!("{{\"now\":\"...\"{rest}"),
            None => answer.body.trim_end().to_owned(),
        };
        // A session is another one with each registration.
        let shown = match shown.split_once("\"session_token\":\"ehs1_") {
            Some((before, rest)) => format!("{before}\"session_token\":\"...{}", &rest[50..]),
            None => shown,
        };
        self.transcript.push_str(&format!("> {line}{sent}\n{} {shown}\n", answer.status));
        answer
    }

    /// Makes a call whose answer is of no interest here.
    pub(crate) async fn prepare(&mut self, line: &str, body: &str) -> Answer {
        let before = self.transcript.len();
        let answer = self.call(line, body).await;
        assert!(answer.status < 300, "{}", &self.transcript[before..]);
        self.transcript.truncate(before);
        answer
    }

    /// Lets time pass, and what falls due happen.
    pub(crate) async fn pass(&mut self, seconds: u64) {
        self.clock.advance(std::time::Duration::from_secs(seconds));
        self.app.dispatcher().sweep().await.unwrap();
        self.transcript.push_str(&format!("({seconds} s later)\n"));
    }

    /// Ends it: what must always hold is checked, and what was said is answered.
    pub(crate) async fn close(self) -> String {
        let findings = self.store.check_integrity().await.unwrap();
        assert!(findings.is_empty(), "{findings:#?}");
        self.app.shut_down();
        self.app.join().await;
        self.transcript
    }
}

/// Sends a request. Its answer is as the description of the API says.
pub(crate) async fn answer_of(router: &Router, request: Request<Body>) -> Answer {
    let (method, path) = (request.method().clone(), request.uri().to_string());
    let answer = router.clone().oneshot(request).await.unwrap();
    let (parts, body) = answer.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let body = String::from_utf8_lossy(&body).into_owned();
    let status = parts.status.as_u16();
    described::check(&method, &path, status, &parts.headers, &body);
    Answer { status, headers: parts.headers, body }
}

/// A request with an id of its own, so that answers that name it are the same every time.
pub(crate) fn request(line: &str, content_type: &str, body: &str) -> Request<Body> {
    let (method, path) = line.split_once(' ').unwrap();
    let mut request = Request::builder().method(method).uri(path).header("x-request-id", "test");
    if !body.is_empty() {
        request = request.header(header::CONTENT_TYPE, content_type).header(header::CONTENT_LENGTH, body.len());
    }
    request.body(Body::from(body.to_owned())).unwrap()
}

/// A text field of a JSON answer.
pub(crate) fn field(answer: &Answer, pointer: &str) -> String {
    let json: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
    json.pointer(pointer)
        .and_then(serde_json::Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} in {json}"))
        .to_owned()
}
