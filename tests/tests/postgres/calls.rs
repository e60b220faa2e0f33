//! Calls of engines and producers, without what the tests here leave out.

use std::time::Duration;

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::{HeartbeatRequest, HeartbeatResponse, RegisterRequest};
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::events::Event;
use enginehouse_api::problem::Code;
use enginehouse_api::settle::CompleteRequest;
use enginehouse_client::{Client, Error};
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::lock::LockToken;
use enginehouse_tests::until;

pub(crate) fn id(name: &str) -> EngineId {
    name.parse().unwrap()
}

/// Registers an engine that is to send heartbeats so often, in its first epoch.
pub(crate) async fn register(client: &Client, engine: &str, heartbeat_interval_seconds: u64) {
    let request = RegisterRequest {
        engine_type: "test".to_owned(),
        metadata: Default::default(),
        heartbeat_interval_seconds: Some(heartbeat_interval_seconds),
        takeover: false,
    };
    assert_eq!(client.register(&id(engine), &request).await.unwrap().epoch, 1);
}

/// Registers an engine in a later epoch, and answers that.
pub(crate) async fn register_again(client: &Client, engine: &str) -> Result<i64, Error> {
    let request = serde_json::from_str(r#"{"engine_type":"test","heartbeat_interval_seconds":0}"#).unwrap();
    Ok(client.register(&id(engine), &request).await?.epoch)
}

pub(crate) async fn enqueue(client: &Client) -> Result<EventId, Error> {
    enqueue_as(client, r#"{"event_type":"work"}"#).await
}

pub(crate) async fn enqueue_as(client: &Client, request: &str) -> Result<EventId, Error> {
    let request: EnqueueRequest = serde_json::from_str(request).unwrap();
    Ok(client.enqueue(&request).await?.event_id)
}

/// Claims without waiting, in the engine's first epoch.
pub(crate) async fn claim(client: &Client, engine: &str) -> Result<Vec<Event>, Error> {
    claim_and_wait(client, engine, 0).await
}

pub(crate) async fn claim_and_wait(client: &Client, engine: &str, wait_seconds: u64) -> Result<Vec<Event>, Error> {
    let request = serde_json::json!({ "epoch": 1, "wait_seconds": wait_seconds });
    let request: ClaimRequest = serde_json::from_value(request).unwrap();
    Ok(client.claim(&id(engine), &request).await?.events)
}

pub(crate) async fn heartbeat(client: &Client, engine: &str, held: &[&Event]) -> Result<HeartbeatResponse, Error> {
    let lock_tokens = Some(held.iter().map(|event| token(event)).collect());
    let request = HeartbeatRequest { epoch: 1, dynamic_state: None, lock_tokens, reports: Vec::new() };
    client.heartbeat(&id(engine), &request, Duration::from_secs(10)).await
}

pub(crate) async fn complete(client: &Client, event: &Event) -> Result<Event, Error> {
    client
        .complete(
            event.event_id,
            &CompleteRequest { lock_token: token(event), result: None, report: Default::default() },
        )
        .await
}

pub(crate) fn token(event: &Event) -> LockToken {
    event.lock.as_ref().and_then(|lock| lock.token).expect("a claimed event has a token")
}

pub(crate) fn code(refused: Result<impl Sized, Error>) -> Option<Code> {
    refused.err().and_then(|error| error.code())
}

/// Waits until a call succeeds that fails only while the store is away.
pub(crate) async fn once_back<T>(what: &str, mut ask: impl AsyncFnMut() -> Result<T, Error>) -> T {
    until(what, async || match ask().await {
        Ok(answer) => Some(answer),
        Err(error) => {
            assert_eq!(error.code(), Some(Code::StoreUnavailable), "{error}");
            None
        }
    })
    .await
}
