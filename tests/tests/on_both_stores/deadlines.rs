//! Deadlines are met although no client calls any server: a fleet that has died sends no requests.

use std::time::Duration;

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::RegisterRequest;
use enginehouse_api::events::Event;
use enginehouse_client::Client;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::event::AttemptOutcome;
use enginehouse_core::ids::EngineId;
use enginehouse_tests::test_store::{StoreKind, TestStore};
use enginehouse_tests::{TestServer, stops, until};

/// How late a deadline may be dealt with.
const MAX_DELAY: Duration = Duration::from_secs(1);

/// Servers on one store: three where they can share it.
fn serve(store: &TestStore) -> Vec<TestServer> {
    let count = if crate::STORE == StoreKind::Postgres { 3 } else { 1 };
    (0..count).map(|_| store.serve(&["--log", "error"])).collect()
}

/// Registers an engine and lets it claim one event.
async fn claim(client: &Client, engine_id: &EngineId, interval: u64, event: serde_json::Value) -> Event {
    let request = RegisterRequest {
        engine_type: "test".to_owned(),
        metadata: Default::default(),
        heartbeat_interval_seconds: Some(interval),
        takeover: false,
    };
    let epoch = client.register(engine_id, &request).await.unwrap().epoch;
    client.enqueue(&serde_json::from_value(event).unwrap()).await.unwrap();
    let request: ClaimRequest = serde_json::from_value(serde_json::json!({ "epoch": epoch })).unwrap();
    client.claim(engine_id, &request).await.unwrap().events.remove(0)
}

#[tokio::test]
async fn an_engine_that_falls_silent_is_lost_in_time_with_nobody_calling() {
    let store = TestStore::on(crate::STORE);
    let servers = serve(&store);
    let client = servers[0].client();
    let engine_id: EngineId = "silent".parse().unwrap();
    let claimed = claim(&client, &engine_id, 1, serde_json::json!({ "event_type": "work" })).await;
    // Only looks, which no server's dispatcher sees.
    let lost = until("the engine is lost", async || {
        let engine = client.engine(&engine_id).await.unwrap();
        (engine.status == EngineStatus::Lost).then_some(engine)
    })
    .await;
    let history = client.history(claimed.event_id).await.unwrap();
    let [attempt] = &history.attempts[..] else { panic!("{:?}", history.attempts) };
    assert_eq!(attempt.outcome, Some(AttemptOutcome::Lost));
    let lost_after = Duration::from_secs(lost.lost_after_seconds.expect("it has an interval"));
    let silence = attempt.ended_at.unwrap().since(lost.last_heartbeat_at);
    assert!(silence >= lost_after && silence <= lost_after + MAX_DELAY, "lost after {silence:?}");
}

#[tokio::test]
async fn an_attempt_that_takes_too_long_times_out_with_nobody_calling() {
    let store = TestStore::on(crate::STORE);
    let servers = serve(&store);
    let client = servers[0].client();
    let limit = Duration::from_secs(2);
    let event = serde_json::json!({ "event_type": "work", "max_processing_seconds": limit.as_secs() });
    let claimed = claim(&client, &"slow".parse().unwrap(), 30, event).await;
    let attempt = until("the attempt has timed out", async || {
        let last = client.history(claimed.event_id).await.unwrap().attempts.pop();
        last.filter(|attempt| attempt.ended_at.is_some())
    })
    .await;
    assert_eq!(attempt.error.unwrap().code.as_deref(), Some("timed_out"));
    let took = attempt.ended_at.unwrap().since(attempt.claimed_at);
    assert!(took >= limit && took <= limit + MAX_DELAY, "timed out after {took:?}");
}

#[tokio::test]
async fn an_engine_that_only_claims_and_waits_is_not_lost_however_long_it_idles() {
    let store = TestStore::on(crate::STORE);
    let servers = serve(&store);
    let client = servers[0].client();
    let engine_id: EngineId = "plain".parse().unwrap();
    claim(&client, &engine_id, 1, serde_json::json!({ "event_type": "work" })).await;
    // Twice as long as it may be silent, in one call, and no other server is told.
    let wait = serde_json::json!({ "epoch": 1, "wait_seconds": 6 });
    let idle: ClaimRequest = serde_json::from_value(wait).unwrap();
    let began = tokio::time::Instant::now();
    while began.elapsed() < idle_time() {
        assert!(client.claim(&engine_id, &idle).await.expect("it is not lost").events.is_empty());
        assert_eq!(client.engine(&engine_id).await.unwrap().status, EngineStatus::Active);
    }
}

/// How long an engine idles: for five minutes in a long campaign.
fn idle_time() -> Duration {
    Duration::from_secs(if stops().is_some() { 300 } else { 6 })
}
