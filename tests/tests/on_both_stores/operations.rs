//! Servers are killed in the middle of an operation: it goes on by itself, and each of its members has its turn once.

use enginehouse_api::enqueue::{BatchRequest, EnqueueRequest};
use enginehouse_api::operations::{BulkOperation, OperationRequest};
use enginehouse_client::Client;
use enginehouse_core::event::EventStatus;
use enginehouse_core::ids::EventId;
use enginehouse_core::operation::{OperationAction, OperationStatus};
use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{TestServer, kills, until};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

/// As many as have their turns within a few seconds at this rate.
const EVENTS: usize = 1_800;
const RATE: f64 = 400.0;

#[tokio::test]
async fn an_operation_goes_on_after_kills_and_each_member_has_its_turn_once() {
    let store = TestStore::on(crate::STORE);
    let mut server = serve(&store);
    let events = enqueue(&server.client()).await;
    let operation = cancel_all(&server.client()).await;
    let mut chance = StdRng::seed_from_u64(14);
    let mut changed = 0;
    for _ in 0..kills(4) {
        let further = changed + chance.random_range(0..300);
        let now = until("it goes on", async || {
            let now = shown(&server.client(), &operation).await;
            (now.status.is_final() || now.changed >= further).then_some(now)
        })
        .await;
        assert!(now.changed >= changed, "what is done stays done");
        changed = now.changed;
        server.kill();
        server = serve(&store);
    }
    each_was_cancelled_once(&server.client(), &operation, &events).await;
    drop(server);
    store.examine();
}

pub(crate) fn serve(store: &TestStore) -> TestServer {
    store.serve(&["--log", "error"])
}

pub(crate) async fn enqueue(client: &Client) -> Vec<EventId> {
    let event = EnqueueRequest { event_type: "film.frame".to_owned(), ..EnqueueRequest::default() };
    let mut ids = Vec::new();
    while ids.len() < EVENTS {
        let request = BatchRequest { events: vec![event.clone(); 900], atomic: None };
        let answer = client.enqueue_batch(&request).await.unwrap();
        ids.extend(answer.events.into_iter().map(|event| event.event_id.unwrap()));
    }
    ids
}

pub(crate) async fn cancel_all(client: &Client) -> BulkOperation {
    let request = OperationRequest::new(OperationAction::CancelEvents, "type:film.frame");
    client.create_operation(&OperationRequest { rate_per_second: Some(RATE), ..request }).await.unwrap()
}

pub(crate) async fn shown(client: &Client, operation: &BulkOperation) -> BulkOperation {
    client.operation(operation.operation_id).await.unwrap()
}

pub(crate) async fn each_was_cancelled_once(client: &Client, operation: &BulkOperation, events: &[EventId]) {
    let ended = until("it has ended", async || {
        let now = shown(client, operation).await;
        now.status.is_final().then_some(now)
    })
    .await;
    let BulkOperation { status, total, changed, conflicts, failed, .. } = ended;
    let all = events.len() as u64;
    assert_eq!((status, total, changed, conflicts, failed), (OperationStatus::Completed, all, all, 0, 0));
    assert_eq!(client.stats().await.unwrap().events.cancelled, all);
    let by = format!("operation {}", operation.operation_id);
    for event_id in events {
        assert_eq!(client.event(*event_id).await.unwrap().status, EventStatus::Cancelled);
        let actions = client.history(*event_id).await.unwrap().actions;
        assert_eq!((actions.len(), actions[0].by.as_str()), (1, by.as_str()), "{event_id}: {actions:?}");
    }
}
