//! One lock, one holder, with the real binary: an engine that is late, settles twice or has an old epoch settles nothing.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::{HeartbeatRequest, RegisterRequest};
use enginehouse_api::events::Event;
use enginehouse_api::problem::Code;
use enginehouse_api::settle::CompleteRequest;
use enginehouse_client::{Client, Error};
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_core::lock::LockToken;
use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{TestServer, command, serve_with_clock, until};

struct LockFixture {
    server: TestServer,
    client: Client,
    _store: TestStore,
}

impl LockFixture {
    fn new() -> Self {
        Self::with(command(["serve"]))
    }

    /// One whose server is started by a command that is prepared.
    fn with(serve: std::process::Command) -> Self {
        let store = TestStore::on(crate::STORE);
        let server = store.serve_with(serve, &[]);
        Self { client: server.client(), server, _store: store }
    }

    /// Registers an engine that is to send heartbeats so often, and answers its epoch.
    async fn register(&self, engine_id: &EngineId, heartbeat_interval_seconds: u64) -> i64 {
        let request = RegisterRequest {
            engine_type: "test".to_owned(),
            metadata: Default::default(),
            heartbeat_interval_seconds: Some(heartbeat_interval_seconds),
            takeover: false,
        };
        self.client.register(engine_id, &request).await.unwrap().epoch
    }

    async fn enqueue(&self) {
        self.client.enqueue(&serde_json::from_str(r#"{"event_type":"work"}"#).unwrap()).await.unwrap();
    }

    async fn claim(&self, engine_id: &EngineId, epoch: i64) -> Result<Vec<Event>, Error> {
        let request: ClaimRequest = serde_json::from_value(serde_json::json!({ "epoch": epoch })).unwrap();
        Ok(self.client.claim(engine_id, &request).await?.events)
    }

    async fn complete(&self, event: &Event, lock_token: LockToken) -> Result<Event, Error> {
        self.client
            .complete(event.event_id, &CompleteRequest { lock_token, result: None, report: Default::default() })
            .await
    }

    async fn heartbeat(&self, engine_id: &EngineId, lock_tokens: Vec<LockToken>) {
        let request =
            HeartbeatRequest { epoch: 1, dynamic_state: None, lock_tokens: Some(lock_tokens), reports: Vec::new() };
        self.client.heartbeat(engine_id, &request, Duration::from_secs(10)).await.unwrap();
    }
}

fn id(name: &str) -> EngineId {
    name.parse().unwrap()
}

fn token(event: &Event) -> LockToken {
    event.lock.as_ref().and_then(|lock| lock.token).expect("a claimed event has a token")
}

fn code(refused: Result<impl Sized, Error>) -> Option<Code> {
    refused.err().and_then(|error| error.code())
}

#[tokio::test]
async fn a_lost_engines_event_goes_to_another_and_the_late_one_settles_nothing() {
    let fixture = LockFixture::new();
    fixture.register(&id("late"), 1).await;
    fixture.register(&id("other"), 0).await;
    fixture.enqueue().await;
    let late = fixture.claim(&id("late"), 1).await.unwrap().remove(0);
    let other =
        until("the event is given to another engine", async || fixture.claim(&id("other"), 1).await.unwrap().pop())
            .await;
    assert_eq!((other.event_id, other.losses, other.attempt), (late.event_id, 1, 2));
    assert_eq!(code(fixture.complete(&late, token(&late)).await), Some(Code::LockLost));
    assert_eq!(code(fixture.claim(&id("late"), 1).await), Some(Code::EngineLost));
    assert_eq!(fixture.complete(&other, token(&other)).await.unwrap().status, EventStatus::Completed);
}

#[tokio::test]
async fn an_engine_that_was_superseded_is_fenced_off() {
    let fixture = LockFixture::new();
    fixture.register(&id("e"), 0).await;
    fixture.enqueue().await;
    let old = fixture.claim(&id("e"), 1).await.unwrap().remove(0);
    assert_eq!(fixture.register(&id("e"), 0).await, 2);
    assert_eq!(code(fixture.claim(&id("e"), 1).await), Some(Code::EngineSuperseded));
    assert_eq!(code(fixture.complete(&old, token(&old)).await), Some(Code::LockLost));
    let new = fixture.claim(&id("e"), 2).await.unwrap().remove(0);
    assert_eq!(new.event_id, old.event_id);
}

#[tokio::test]
async fn only_one_completion_counts_and_its_repeat_is_answered_the_same() {
    let fixture = LockFixture::new();
    fixture.register(&id("e"), 0).await;
    fixture.enqueue().await;
    let event = fixture.claim(&id("e"), 1).await.unwrap().remove(0);
    let stale = LockToken { serial: token(&event).serial, secret: 7 };
    assert_eq!(code(fixture.complete(&event, stale).await), Some(Code::LockLost));
    let first = fixture.complete(&event, token(&event)).await.unwrap();
    let again = fixture.complete(&event, token(&event)).await.unwrap();
    assert_eq!((again.status, again.finished_at), (EventStatus::Completed, first.finished_at));
    assert_eq!(code(fixture.complete(&event, stale).await), Some(Code::LockLost));
}

#[tokio::test]
async fn a_claim_whose_answer_never_arrived_is_taken_back() {
    let fixture = LockFixture::new();
    fixture.register(&id("e"), 0).await;
    fixture.enqueue().await;
    let address = fixture.server.url.trim_start_matches("http://");
    let mut cut = TcpStream::connect(address).unwrap();
    let body = r#"{"epoch":1}"#;
    let request = format!(
        "POST /v1/engines/e/claim HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    cut.write_all(request.as_bytes()).unwrap();
    until("the event is locked, and nobody knows", async || {
        let stats = fixture.client.stats().await.unwrap();
        (stats.events.processing == 1).then_some(())
    })
    .await;
    drop(cut);
    for _ in 0..2 {
        fixture.heartbeat(&id("e"), Vec::new()).await;
    }
    let event = fixture.claim(&id("e"), 1).await.unwrap().remove(0);
    assert_eq!((event.attempt, event.losses), (1, 0), "nothing was attempted");
}

#[tokio::test]
async fn a_clock_that_goes_back_by_a_day_neither_keeps_a_lost_engine_nor_turns_time_back() {
    let folder = tempfile::tempdir().unwrap();
    let clock_file = folder.path().join("faketime");
    std::fs::write(&clock_file, "+0").unwrap();
    let fixture = LockFixture::with(serve_with_clock(&clock_file));
    fixture.register(&id("silent"), 1).await;
    fixture.register(&id("other"), 0).await;
    fixture.enqueue().await;
    let before = fixture.claim(&id("silent"), 1).await.unwrap().remove(0);
    std::fs::write(&clock_file, "-1d").unwrap();
    let taken = until("the silent engine is lost although the clock went back", async || {
        fixture.claim(&id("other"), 1).await.unwrap().pop()
    })
    .await;
    let claimed_at = |event: &Event| event.lock.as_ref().expect("it is locked").claimed_at;
    assert!(claimed_at(&taken) > claimed_at(&before), "time went on");
    assert!(claimed_at(&taken).since(claimed_at(&before)) < Duration::from_secs(60));
}
