//! An engine's loop against a server that says what is hard to make a real one say.

#[path = "mock/mod.rs"]
mod mock;

use std::time::Duration;

use enginehouse_client::{Client, Config, Context, Engine, EngineError, Outcome, StopReason, Summary};
use mock::{Answer, Call, Mock, ok, problem};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const EVENT_ID: &str = "0193f2a0-0000-7000-8000-000000000000";
const TOKEN: &str = "1-00000000000000000000000000000001";
const AT: &str = "2026-11-23T10:00:00.000Z";

fn event() -> Value {
    json!({"event_id": EVENT_ID, "event_type": "a", "queue": "default", "status": "processing", "priority": 5,
        "payload": {"n": 1.50}, "attempt": 1, "retries": 0, "failures": 0, "losses": 0, "redrives": 0,
        "available_at": AT, "enqueued_at": AT, "finished_at": null, "completed_at": null, "result": null,
        "last_error": null, "dead_letter": null, "cancel_requested": false, "engine_id": "sim-1",
        "lock": {"holder": "processing_by_sim-1", "engine_id": "sim-1", "token": TOKEN, "claimed_at": AT, "expires_at": AT},
        "scenario_run_id": null, "required_capabilities": [], "required_memory_mb": null, "engine_version": null,
        "idempotency_key": null, "retry_policy": null, "visibility_timeout_seconds": null,
        "max_processing_seconds": null, "labels": {}})
}

/// What a server answers that has one event, and nothing to object.
struct Server {
    epoch: i64,
    events: u32,
}

impl Server {
    fn new() -> Self {
        Self { epoch: 0, events: 1 }
    }

    fn answer(&mut self, call: &Call) -> Answer {
        match call.line.rsplit('/').next().unwrap_or("") {
            "sim-1" if call.line.starts_with("PUT") => {
                self.epoch += 1;
                ok(json!({"engine_id": "sim-1", "engine_type": "sim", "epoch": self.epoch, "status": "active",
                    "draining": false, "heartbeat_interval_seconds": 1, "lost_after_seconds": 3, "registered_at": AT,
                    "last_heartbeat_at": AT, "metadata": {}, "locks_held": 0}))
            }
            "claim" if self.events > 0 => {
                self.events -= 1;
                ok(json!({"events": [event()]}))
            }
            "claim" => Answer::Nothing,
            "heartbeat" => self.heartbeat(json!({})),
            "settle" => {
                let results: Vec<_> = call.body["settlements"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .map(|settlement| json!({"event_id": settlement["event_id"], "status": "completed"}))
                    .collect();
                ok(json!({"results": results}))
            }
            _ => ok(json!({})),
        }
    }

    fn heartbeat(&self, more: Value) -> Answer {
        let mut body = json!({"status": "active", "renewed": [], "lost": [], "cancel": [], "drain": false});
        body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
        ok(body)
    }
}

fn is(name: &'static str) -> impl Fn(&Call) -> bool {
    move |call| call.line.ends_with(name)
}

struct Run {
    mock: Mock,
    shutdown: CancellationToken,
    engine: tokio::task::JoinHandle<Result<Summary, EngineError>>,
}

impl Run {
    /// Runs an engine whose handler is `handle`.
    async fn start<F>(
        script: impl FnMut(&Call) -> Answer + Send + 'static,
        handle: impl Fn(Context) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        Self::start_until(CancellationToken::new(), script, handle).await
    }

    async fn start_until<F>(
        shutdown: CancellationToken,
        script: impl FnMut(&Call) -> Answer + Send + 'static,
        handle: impl Fn(Context) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = Outcome> + Send + 'static,
    {
        let mock = Mock::start(script).await;
        let config = Config { first_wait: Duration::from_millis(1), max_repeats: 1, ..Config::default() };
        let client = Client::with_config(&mock.url, config).unwrap();
        let engine = Engine::builder(client, "sim-1".parse().unwrap(), "sim".parse().unwrap())
            .grace(Duration::from_millis(200))
            .stop_wait(Duration::from_millis(200))
            .run(shutdown.clone(), move |_event, context| handle(context));
        Self { mock, shutdown, engine: tokio::spawn(engine) }
    }

    async fn end(self) -> (Mock, Result<Summary, EngineError>) {
        let end = tokio::time::timeout(Duration::from_secs(20), self.engine).await.expect("it did not stop");
        (self.mock, end.unwrap())
    }

    async fn shut_down(self) -> (Mock, Summary) {
        self.shutdown.cancel();
        let (mock, end) = self.end().await;
        (mock, end.unwrap())
    }
}

async fn completes(_: Context) -> Outcome {
    Outcome::Complete { result: None }
}

async fn waits_until_stopped(context: Context) -> Outcome {
    Outcome::failed("stopped", format!("{:?}", context.stopped().await))
}

#[tokio::test]
async fn an_event_is_claimed_processed_and_settled() {
    let mut server = Server::new();
    let run = Run::start(move |call| server.answer(call), completes).await;
    let settle = run.mock.call(is("settle")).await;
    assert_eq!(settle.body["settlements"], json!([{"event_id": EVENT_ID, "lock_token": TOKEN, "outcome": "complete"}]));
    run.mock.call(|call| is("claim")(call) && call.body["limit"] == 1 && call.body["epoch"] == 1).await;
    let (mock, summary) = run.shut_down().await;
    assert_eq!(summary, Summary { completed: 1, ..Summary::default() });
    assert_eq!(mock.lines().last().unwrap(), "DELETE /v1/engines/sim-1");
}

#[tokio::test]
async fn a_lock_is_listed_from_claim_to_settle() {
    let mut server = Server::new();
    let run = Run::start(move |call| server.answer(call), waits_until_stopped).await;
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN])).await;
    run.shut_down().await;
}

#[tokio::test]
async fn a_handler_whose_lock_is_lost_is_stopped_and_its_result_dropped() {
    let mut server = Server::new();
    let script = move |call: &Call| match is("heartbeat")(call) {
        true => server.heartbeat(json!({"lost": call.body["lock_tokens"]})),
        false => server.answer(call),
    };
    let run = Run::start(script, waits_until_stopped).await;
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN])).await;
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([])).await;
    let (mock, summary) = run.shut_down().await;
    assert_eq!(summary, Summary { lost: 1, ..Summary::default() });
    assert!(!mock.lines().iter().any(|line| line.ends_with("settle")));
}

#[tokio::test]
async fn a_handler_whose_event_is_called_off_gives_it_back() {
    let mut server = Server::new();
    let script = move |call: &Call| match is("heartbeat")(call) {
        true => server.heartbeat(json!({"cancel": [EVENT_ID]})),
        false => server.answer(call),
    };
    let run = Run::start(script, waits_until_stopped).await;
    let settle = run.mock.call(is("settle")).await;
    assert_eq!(settle.body["settlements"][0]["outcome"], "release");
    assert_eq!(run.shut_down().await.1.released, 1);
}

#[tokio::test]
async fn a_completion_that_was_ready_counts_although_the_handler_was_stopped() {
    let mut server = Server::new();
    let run = Run::start(
        move |call| server.answer(call),
        |context| async move {
            assert_eq!(context.stopped().await, StopReason::ShuttingDown);
            Outcome::Complete { result: None }
        },
    )
    .await;
    // A handler has begun when a heartbeat lists its lock.
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN])).await;
    assert_eq!(run.shut_down().await.1.completed, 1);
}

#[tokio::test]
async fn a_handler_that_does_not_stop_is_dropped_and_its_event_given_back() {
    let mut server = Server::new();
    let run = Run::start(move |call| server.answer(call), |_| std::future::pending()).await;
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN])).await;
    let (mock, summary) = run.shut_down().await;
    assert_eq!(summary, Summary { released: 1, ..Summary::default() });
    assert!(mock.lines().last().unwrap().starts_with("DELETE"));
}

#[tokio::test]
async fn what_a_claim_brings_during_shutdown_is_given_back() {
    let mut server = Server { epoch: 0, events: 0 };
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    let script = move |call: &Call| {
        if is("claim")(call) {
            told.cancel();
            return Answer::Late(Duration::from_millis(50), json!({"events": [event()]}));
        }
        server.answer(call)
    };
    let run = Run::start_until(shutdown, script, completes).await;
    let (mock, _) = run.end().await;
    let settle = mock.call(is("settle")).await;
    assert_eq!(settle.body["settlements"], json!([{"event_id": EVENT_ID, "lock_token": TOKEN, "outcome": "release"}]));
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_event_only() {
    let mut server = Server::new();
    let run = Run::start(move |call| server.answer(call), |_| async { panic!("as told") }).await;
    let settle = run.mock.call(is("settle")).await;
    assert_eq!(settle.body["settlements"][0]["error"]["code"], "panic");
    assert_eq!(run.shut_down().await.1.failed, 1);
}

#[tokio::test]
async fn a_superseded_engine_stops_without_touching_anything() {
    let mut server = Server::new();
    let script = move |call: &Call| match is("heartbeat")(call) {
        true => problem(409, "engine_superseded", json!({})),
        false => server.answer(call),
    };
    let (mock, end) = Run::start(script, waits_until_stopped).await.end().await;
    assert!(matches!(end, Err(EngineError::Superseded(_))));
    assert!(!mock.lines().iter().any(|line| line.starts_with("DELETE") || line.ends_with("settle")));
}

#[tokio::test]
async fn an_engine_that_the_server_does_not_know_registers_again() {
    let mut server = Server { epoch: 0, events: 0 };
    let script = move |call: &Call| {
        if (is("claim")(call) || is("heartbeat")(call)) && call.body["epoch"] == 1 {
            return problem(404, "engine_not_registered", json!({}));
        }
        server.answer(call)
    };
    let run = Run::start(script, completes).await;
    run.mock.call(|call| is("claim")(call) && call.body["epoch"] == 2).await;
    run.shut_down().await;
}

#[tokio::test]
async fn an_engine_that_was_drained_and_stopped_ends_in_peace() {
    let mut server = Server { epoch: 0, events: 0 };
    let script = move |call: &Call| match is("heartbeat")(call) {
        true => server.heartbeat(json!({"status": "stopped", "drain": true})),
        false => server.answer(call),
    };
    let (mock, end) = Run::start(script, completes).await.end().await;
    assert_eq!(end.unwrap(), Summary::default());
    assert!(!mock.lines().iter().any(|line| line.starts_with("DELETE")));
}

#[tokio::test]
async fn a_settle_is_repeated_until_the_server_is_back() {
    let mut server = Server::new();
    let mut away = 4;
    let script = move |call: &Call| {
        if is("settle")(call) && away > 0 {
            away -= 1;
            return problem(503, "store_unavailable", json!({"applied": "unknown"}));
        }
        server.answer(call)
    };
    let run = Run::start(script, completes).await;
    // The slot is free for another claim once the settle was answered, and not before.
    run.mock.calls_of(is("claim"), 2).await;
    assert_eq!(run.mock.calls_of(is("settle"), 5).await, 5);
    assert_eq!(run.shut_down().await.1.completed, 1);
}

#[tokio::test]
async fn what_the_server_cannot_store_fails_the_event() {
    let mut server = Server::new();
    let script = move |call: &Call| {
        if is("settle")(call) && call.body["settlements"][0]["outcome"] == "complete" {
            return problem(422, "invalid_request", json!({}));
        }
        server.answer(call)
    };
    let run = Run::start(script, completes).await;
    let failed = run.mock.call(|call| is("settle")(call) && call.body["settlements"][0]["outcome"] == "fail").await;
    assert_eq!(failed.body["settlements"][0]["error"]["code"], "invalid_result");
    assert_eq!(failed.body["settlements"][0]["retryable"], false);
    run.shut_down().await;
}

#[tokio::test]
async fn an_engine_that_may_not_register_says_why() {
    let run = Run::start(|_| problem(422, "invalid_request", json!({})), completes).await;
    assert!(matches!(run.end().await.1, Err(EngineError::Call(_))));
}
