//! The engine loop of the Rust client, against a real server.

use std::sync::Arc;
use std::time::Duration;

use enginehouse_api::enqueue::{BatchRequest, EnqueueRequest};
use enginehouse_api::events::{Event, EventsQuery};
use enginehouse_api::page::PageQuery;
use enginehouse_client::{
    ClaimedEvent, Client, EngineError, EngineLoop, EngineSummary, HandlerContext, HandlerOutcome,
};
use enginehouse_core::event::EventStatus;
use enginehouse_tests::test_store::TestStore;
use enginehouse_tests::{TestServer, until};
use futures_util::future::BoxFuture;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const DONE: HandlerOutcome = HandlerOutcome::Complete { result: None };

struct RunningServer {
    server: TestServer,
    client: Client,
    _store: TestStore,
}

impl RunningServer {
    fn new() -> Self {
        let store = TestStore::on(crate::STORE);
        let server = store.serve(&["--log", "error"]);
        Self { client: server.client(), server, _store: store }
    }

    async fn enqueue(&self, events: usize) {
        let event = EnqueueRequest { event_type: "work".into(), ..EnqueueRequest::default() };
        self.client.enqueue_batch(&BatchRequest { events: vec![event; events], atomic: None }).await.unwrap();
    }

    fn engine(&self) -> EngineLoop {
        EngineLoop::new(self.client.clone(), "e".parse().unwrap(), "test".parse().unwrap())
    }

    async fn until_completed(&self, count: usize) -> Vec<Event> {
        let query = EventsQuery { page: PageQuery { limit: Some(1_000), cursor: None }, ..EventsQuery::default() };
        until(&format!("{count} events are completed"), async || {
            let events = self.client.events(&query).await.unwrap().items;
            let completed = events.iter().filter(|event| event.status == EventStatus::Completed).count();
            (completed == count).then_some(events)
        })
        .await
    }
}

/// A handler that completes its event when `finish` is notified.
fn waits_for(
    finish: &Arc<Notify>,
) -> impl Fn(ClaimedEvent, HandlerContext) -> BoxFuture<'static, HandlerOutcome> + use<> {
    let finish = Arc::clone(finish);
    move |_, _| {
        let finish = Arc::clone(&finish);
        Box::pin(async move {
            finish.notified().await;
            DONE
        })
    }
}

async fn stop(shutdown: CancellationToken, engine: JoinHandle<Result<EngineSummary, EngineError>>) -> EngineSummary {
    shutdown.cancel();
    engine.await.unwrap().unwrap()
}

#[tokio::test]
async fn a_backlog_costs_an_engine_one_call_for_each_event() {
    const EVENTS: usize = 200;
    let on = RunningServer::new();
    on.enqueue(EVENTS).await;
    let shutdown = CancellationToken::new();
    let engine = tokio::spawn(on.engine().run(shutdown.clone(), |_, _| async { DONE }));
    on.until_completed(EVENTS).await;
    let summary = stop(shutdown, engine).await;
    assert_eq!(summary, EngineSummary { completed: EVENTS as u64, ..EngineSummary::default() });
    let calls = |metrics: &[(String, f64)], call: &str| -> f64 {
        metrics.iter().filter(|(line, _)| line.contains(call)).map(|(_, count)| count).sum()
    };
    let metrics = on.server.metrics("enginehouse_http_requests_total").await;
    // A claim that finds nothing waits before and after the backlog.
    assert_eq!(calls(&metrics, "exchange\""), EVENTS as f64, "{metrics:#?}");
    assert!(calls(&metrics, "claim\"") <= 3.0 && calls(&metrics, "settle\"") == 0.0, "{metrics:#?}");
}

#[tokio::test]
async fn a_handler_that_outlives_its_visibility_timeout_keeps_its_lock() {
    let on = RunningServer::new();
    on.enqueue(1).await;
    let (shutdown, finish) = (CancellationToken::new(), Arc::new(Notify::new()));
    let engine = on.engine().heartbeat_interval_seconds(1).visibility_timeout_seconds(2);
    let engine = tokio::spawn(engine.run(shutdown.clone(), waits_for(&finish)));
    let lock = async || on.client.events(&EventsQuery::default()).await.unwrap().items.remove(0).lock;
    let first = until("the event is claimed", async || lock().await).await;
    until("its lock would have expired twice", async || {
        (lock().await?.expires_at > first.expires_at + Duration::from_secs(2)).then_some(())
    })
    .await;
    finish.notify_one();
    let events = on.until_completed(1).await;
    assert_eq!((events[0].attempt, events[0].losses), (1, 0));
    assert_eq!(stop(shutdown, engine).await.completed, 1);
}

#[tokio::test]
async fn a_result_is_stored_while_a_claim_waits() {
    let on = RunningServer::new();
    on.enqueue(1).await;
    let (shutdown, finish) = (CancellationToken::new(), Arc::new(Notify::new()));
    let engine = on.engine().max_concurrent(2).claim_wait(Duration::from_secs(60));
    let engine = tokio::spawn(engine.run(shutdown.clone(), waits_for(&finish)));
    let waits =
        async || on.server.metrics("enginehouse_waiting_claims ").await.first().is_some_and(|(_, count)| *count == 1.0);
    until("the claim of the other slot waits", async || waits().await.then_some(())).await;
    finish.notify_one();
    on.until_completed(1).await;
    assert!(waits().await, "the claim goes on waiting");
    assert_eq!(stop(shutdown, engine).await.completed, 1);
}
