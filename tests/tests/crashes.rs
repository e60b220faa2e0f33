//! The server is killed again and again under load: nothing that was acknowledged is lost, and nothing is settled twice.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use enginehouse_api::claims::ClaimRequest;
use enginehouse_api::engines::RegisterRequest;
use enginehouse_api::enqueue::EnqueueRequest;
use enginehouse_api::events::EventsQuery;
use enginehouse_api::settle::{CompleteRequest, FailRequest};
use enginehouse_client::Client;
use enginehouse_core::event::{AttemptError, EventStatus};
use enginehouse_core::ids::{EngineId, EventId};
use enginehouse_core::json::RawJson;
use enginehouse_core::lock::LockToken;
use enginehouse_tests::{Serving, run, text};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

const ROUNDS: usize = 30;
const PRODUCERS: usize = 4;
const ENGINES: usize = 3;

/// What clients were told.
#[derive(Default)]
struct Told {
    /// Keys and ids of events whose enqueue was answered.
    enqueued: Mutex<HashMap<String, EventId>>,
    /// Tokens whose completion was answered, by event.
    completed: Mutex<HashMap<EventId, HashSet<LockToken>>>,
    /// Tokens that were given out, by event.
    claimed: Mutex<HashMap<EventId, HashSet<LockToken>>>,
    /// How many calls were answered.
    answers: AtomicUsize,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_and_nothing_is_settled_twice_however_often_the_server_is_killed() {
    let folder = tempfile::tempdir().unwrap();
    let data_file = folder.path().join("house.db");
    let told = Arc::new(Told::default());
    let mut chance = StdRng::seed_from_u64(30);
    for round in 0..ROUNDS {
        let server = Serving::on(&data_file, &["--log", "error"]);
        let before = told.answers.load(Ordering::SeqCst);
        let enough = before + chance.random_range(20..600);
        let clients: Vec<_> = (0..PRODUCERS)
            .map(|producer| tokio::spawn(produce(server.client(), Arc::clone(&told), format!("{round}-{producer}"))))
            .chain((0..ENGINES).map(|engine| tokio::spawn(work(server.client(), Arc::clone(&told), engine))))
            .collect();
        enginehouse_tests::until("some answers", async || {
            (told.answers.load(Ordering::SeqCst) >= enough).then_some(())
        })
        .await;
        server.kill();
        for client in clients {
            client.await.unwrap();
        }
    }
    check(&data_file, &told).await;
}

/// Enqueues until the server is gone.
async fn produce(client: Client, told: Arc<Told>, name: String) {
    for number in 0.. {
        let key = format!("{name}-{number}");
        let request = EnqueueRequest {
            event_type: "work".to_owned(),
            payload: Some(RawJson::trusted(format!("{{\"key\": \"{key}\"}}"))),
            idempotency_key: Some(key.clone()),
            ..EnqueueRequest::default()
        };
        let Ok(enqueued) = client.enqueue(&request).await else { return };
        told.enqueued.lock().unwrap().insert(key, enqueued.event_id);
        told.answers.fetch_add(1, Ordering::SeqCst);
    }
}

/// Claims and settles until the server is gone: most events complete, some fail.
async fn work(client: Client, told: Arc<Told>, number: usize) {
    let engine_id: EngineId = format!("engine-{number}").parse().unwrap();
    let request = RegisterRequest {
        engine_type: "test".to_owned(),
        metadata: Default::default(),
        heartbeat_interval_seconds: Some(1),
    };
    let Ok(engine) = client.register(&engine_id, &request).await else { return };
    let claim: ClaimRequest =
        serde_json::from_value(serde_json::json!({ "epoch": engine.epoch, "limit": 7, "wait_seconds": 1 })).unwrap();
    while let Ok(claimed) = client.claim(&engine_id, &claim).await {
        told.answers.fetch_add(1, Ordering::SeqCst);
        for event in claimed.events {
            let token = event.lock.and_then(|lock| lock.token).expect("a claimed event has a token");
            told.claimed.lock().unwrap().entry(event.event_id).or_default().insert(token);
            let settled = if event.event_id.0.as_u128().is_multiple_of(5) {
                let error = AttemptError { code: None, message: "a test fails".to_owned(), details: None };
                let request = FailRequest {
                    lock_token: token,
                    error,
                    retryable: None,
                    retry_after_seconds: Some(0.0),
                    dead_letter: None,
                };
                client.fail(event.event_id, &request).await
            } else {
                let request = CompleteRequest { lock_token: token, result: None };
                client.complete(event.event_id, &request).await
            };
            match settled {
                Ok(event) if event.status == EventStatus::Completed => {
                    told.completed.lock().unwrap().entry(event.event_id).or_default().insert(token);
                }
                Ok(_) => {}
                Err(error) if error.code().is_some() => {}
                Err(_) => return,
            }
            told.answers.fetch_add(1, Ordering::SeqCst);
        }
    }
}

async fn check(data_file: &Path, told: &Told) {
    let server = Serving::on(data_file, &["--log", "error"]);
    let client = server.client();
    let mut there = HashMap::new();
    let mut query = EventsQuery { limit: Some(1_000), ..EventsQuery::default() };
    loop {
        let page = client.events(&query).await.unwrap();
        for event in page.items {
            assert!(there.insert(event.event_id, event).is_none(), "an event is listed twice");
        }
        let Some(cursor) = page.next_cursor else { break };
        query.cursor = Some(cursor);
    }
    let enqueued = told.enqueued.lock().unwrap().clone();
    for (key, event_id) in &enqueued {
        let event = there.get(event_id).unwrap_or_else(|| panic!("event {event_id} was acknowledged and is lost"));
        assert_eq!(event.payload.as_str(), format!("{{\"key\": \"{key}\"}}"), "byte for byte");
    }
    let completed = told.completed.lock().unwrap().clone();
    for (event_id, tokens) in &completed {
        assert_eq!(tokens.len(), 1, "event {event_id} was settled twice");
        assert_eq!(there[event_id].status, EventStatus::Completed, "event {event_id} was completed, and is not");
    }
    for (event_id, tokens) in &told.claimed.lock().unwrap().clone() {
        let serials: HashSet<_> = tokens.iter().map(|token| token.serial).collect();
        assert_eq!(serials.len(), tokens.len(), "event {event_id}: a serial was given twice");
    }
    let stats = client.stats().await.unwrap();
    let by_status = |status: EventStatus| there.values().filter(|event| event.status == status).count() as u64;
    let counts = stats.events;
    assert_eq!(counts.queued, by_status(EventStatus::Queued));
    assert_eq!(counts.processing, by_status(EventStatus::Processing));
    assert_eq!(counts.completed, by_status(EventStatus::Completed));
    assert_eq!(counts.failed, by_status(EventStatus::Failed));
    assert!(
        completed.len() > 100 && enqueued.len() > 1_000,
        "there was load: {} and {}",
        completed.len(),
        enqueued.len()
    );
    let store = format!("sqlite://{}", data_file.display());
    let doctor = run(&server.url, ["doctor", "--store", &store], "");
    assert!(doctor.status.success(), "{}{}", text(&doctor.stdout), text(&doctor.stderr));
    println!("{} enqueued, {} completed, over {ROUNDS} kills", enqueued.len(), completed.len());
}
