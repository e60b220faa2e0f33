//! The server is stopped as a whole and goes on (a debugger, a suspended machine, a host without processors to spare): what engines
//! have sent in time lies in its sockets, and counts.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::{HeartbeatRequest, RegisterRequest};
use enginehouse_client::Client;
use enginehouse_core::engine::EngineStatus;
use enginehouse_core::ids::EngineId;
use enginehouse_core::lock::LockToken;
use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{TestServer, stops};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use tokio::time::{Instant, sleep_until};

/// How often the engine sends a heartbeat.
const INTERVAL: Duration = Duration::from_secs(1);
/// How long its lock lasts unless renewed.
const LOCK_SECONDS: u64 = 2;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_stopped_loses_no_engine_that_heartbeats_in_time_and_no_lock() {
    // A campaign has stops of up to a minute, and as many servers side by side as a minute is long.
    let (count, rounds, longest) = match stops() {
        None => (10, 2, 5.0),
        Some(many) => (many.div_ceil(4), 4, 60.0),
    };
    // To start one blocks its thread, which has connections to serve later.
    let servers: Vec<_> = (0..count).map(|_| serve()).collect();
    let stopping = |(seed, server)| tokio::spawn(stop_often(seed as u64, server, rounds, longest));
    let mut found = Vec::new();
    for server in servers.into_iter().enumerate().map(stopping).collect::<Vec<_>>() {
        found.extend(server.await.unwrap());
    }
    assert!(found.is_empty(), "{} of {} stops: {found:#?}", found.len(), count * rounds);
}

fn serve() -> (TestStore, TestServer) {
    let store = TestStore::on(crate::STORE);
    let server = store.serve(&["--log", "error"]);
    (store, server)
}

/// Stops one server so often, each time at a random instant and for a random time. Answers what was lost.
async fn stop_often(seed: u64, (_store, server): (TestStore, TestServer), rounds: usize, longest: f64) -> Vec<String> {
    let mut chance = StdRng::seed_from_u64(seed);
    let client = server.client();
    let engine_id: EngineId = "e".parse().unwrap();
    let token = claim_for_short(&client, &engine_id).await;
    let ends = Arc::new(AtomicBool::new(false));
    let beating = tokio::spawn(keep_beating(client.clone(), engine_id.clone(), token, Arc::clone(&ends)));
    let mut found = Vec::new();
    for _ in 0..rounds {
        let (instant, length) = (chance.random_range(0.5..1.5), chance.random_range(0.5..longest));
        pass(instant).await;
        stop_for(&server, length).await;
        // Whatever was due is dealt with by then, and what waited in sockets was heard.
        pass(1.0).await;
        let engine = client.engine(&engine_id).await.unwrap();
        let locks = engine.locks.map_or(0, |locks| locks.len());
        if engine.status != EngineStatus::Active || locks != 1 {
            found.push(format!("server {seed}, stopped for {length:.2} s: {}, {locks} locks", engine.status));
            break;
        }
    }
    ends.store(true, Ordering::SeqCst);
    let lost = beating.await.unwrap();
    found.extend(lost.map(|what| format!("server {seed}: {what}")));
    found
}

/// Registers an engine and lets it claim an event with a short lock.
async fn claim_for_short(client: &Client, engine_id: &EngineId) -> LockToken {
    let request = RegisterRequest {
        engine_type: "test".to_owned(),
        metadata: Default::default(),
        heartbeat_interval_seconds: Some(INTERVAL.as_secs()),
        takeover: false,
    };
    let epoch = client.register(engine_id, &request).await.unwrap().epoch;
    client.enqueue(&serde_json::from_str(r#"{"event_type":"work"}"#).unwrap()).await.unwrap();
    let claim = serde_json::json!({ "epoch": epoch, "visibility_timeout_seconds": LOCK_SECONDS });
    let request: ClaimRequest = serde_json::from_value(claim).unwrap();
    let event = client.claim(engine_id, &request).await.unwrap().events.remove(0);
    event.lock.and_then(|lock| lock.token).unwrap()
}

/// Sends a heartbeat each interval, and the next at once where one has failed. Answers what an answer said was lost.
async fn keep_beating(client: Client, engine_id: EngineId, token: LockToken, ends: Arc<AtomicBool>) -> Option<String> {
    let mut beats = tokio::time::interval(INTERVAL);
    while !ends.load(Ordering::SeqCst) {
        beats.tick().await;
        let request =
            HeartbeatRequest { epoch: 1, dynamic_state: None, lock_tokens: Some(vec![token]), reports: Vec::new() };
        match client.heartbeat(&engine_id, &request, Duration::from_secs(10)).await {
            // A lock whose event a sweep works on at this very moment is in neither list.
            Ok(answer) if answer.lost.is_empty() => {}
            Ok(answer) => return Some(format!("a heartbeat renewed {:?}, lost {:?}", answer.renewed, answer.lost)),
            Err(error) if error.code().is_some() => return Some(format!("a heartbeat was refused: {error}")),
            // Its connection ended, or nobody answered in time.
            Err(_) => beats.reset_immediately(),
        }
    }
    None
}

async fn pass(seconds: f64) {
    sleep_until(Instant::now() + Duration::from_secs_f64(seconds)).await;
}

async fn stop_for(server: &TestServer, seconds: f64) {
    server.signal(rustix::process::Signal::STOP);
    pass(seconds).await;
    server.signal(rustix::process::Signal::CONT);
}
