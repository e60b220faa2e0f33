//! An engine's loop against a server that says what is hard to make a real one say.

#[path = "mock/mod.rs"]
mod mock;

use std::time::Duration;

use enginehouse_client::{
    Client, ClientConfig, EngineError, EngineLoop, EngineSummary, HandlerContext, HandlerOutcome, StopReason,
};
use enginehouse_core::access::session::SessionToken;
use mock::{Answer, Call, Mock, ok, problem};
use serde_json::{Value, json};
use tokio_util::sync::CancellationToken;

const EVENT_ID: &str = "0193f2a0-0000-7000-8000-000000000001";
const TOKEN: &str = "1-00000000000000000000000000000001";
const AT: &str = "2026-11-23T10:00:00.000Z";

fn event() -> Value {
    event_number(1)
}

/// Event 1 has `EVENT_ID`, and its lock `TOKEN`.
fn event_number(number: u32) -> Value {
    let (event_id, token) = (format!("0193f2a0-0000-7000-8000-{number:012}"), format!("1-{number:032}"));
    json!({"event_id": event_id, "event_type": "a", "queue": "default", "status": "processing", "priority": 5,
        "payload": {"n": 1.50}, "attempt": 1, "retries": 0, "failures": 0, "losses": 0, "redrives": 0,
        "available_at": AT, "enqueued_at": AT, "finished_at": null, "completed_at": null, "result": null,
        "last_error": null, "dead_letter": null, "cancel_requested": false, "engine_id": "sim-1",
        "lock": {"holder": "processing_by_sim-1", "engine_id": "sim-1", "token": token, "claimed_at": AT, "expires_at": AT},
        "scenario_run_id": null, "required_capabilities": [], "required_memory_mb": null, "engine_version": null,
        "idempotency_key": null, "retry_policy": null, "visibility_timeout_seconds": null,
        "max_processing_seconds": null, "labels": {}})
}

/// A server that objects to nothing, and has so many events to be claimed.
struct MockServer {
    epoch: i64,
    heartbeat_interval_seconds: u64,
    events: u32,
    claimed: u32,
}

impl MockServer {
    fn new() -> Self {
        Self::with_events(1)
    }

    fn with_events(events: u32) -> Self {
        Self { epoch: 0, heartbeat_interval_seconds: 1, events, claimed: 0 }
    }

    /// Its engines heartbeat only when they have a reason to.
    fn without_heartbeats(self) -> Self {
        Self { heartbeat_interval_seconds: 0, ..self }
    }

    fn answer(&mut self, call: &Call) -> Answer {
        match call.line.rsplit('/').next().unwrap_or("") {
            "sim-1" if call.line.starts_with("PUT") => {
                self.epoch += 1;
                ok(json!({"engine_id": "sim-1", "engine_type": "sim", "epoch": self.epoch, "status": "active",
                    "draining": false, "heartbeat_interval_seconds": self.heartbeat_interval_seconds, "lost_after_seconds": 3, "registered_at": AT,
                    "last_heartbeat_at": AT, "metadata": {}, "locks_held": 0}))
            }
            "claim" => match self.claim(&call.body) {
                events if events.is_empty() => Answer::Nothing,
                events => ok(json!({"events": events})),
            },
            "exchange" => ok(self.exchange(call)),
            "heartbeat" => self.heartbeat(json!({})),
            "settle" => ok(json!({"results": settled(call)})),
            _ => ok(json!({})),
        }
    }

    fn claim(&mut self, claim: &Value) -> Vec<Value> {
        let limit = u32::try_from(claim["limit"].as_u64().unwrap()).unwrap();
        let first = self.claimed + 1;
        self.claimed = self.events.min(self.claimed + limit);
        (first..=self.claimed).map(event_number).collect()
    }

    fn exchange(&mut self, call: &Call) -> Value {
        let mut answer = json!({"settlements": settled(call)});
        if !call.body["heartbeat"].is_null() {
            answer["heartbeat"] = alive(json!({}));
        }
        if !call.body["claim"].is_null() {
            answer["claim"] = json!({"events": self.claim(&call.body["claim"])});
        }
        answer
    }

    fn heartbeat(&self, more: Value) -> Answer {
        ok(alive(more))
    }
}

/// The answer to a heartbeat, with other fields than those of an engine that just works on.
fn alive(more: Value) -> Value {
    let mut body = json!({"status": "active", "renewed": [], "lost": [], "cancel": [], "drain": false});
    body.as_object_mut().unwrap().extend(more.as_object().cloned().unwrap());
    body
}

/// Accepts every settlement of a call.
fn settled(call: &Call) -> Vec<Value> {
    let settlements = call.body["settlements"].as_array().cloned().unwrap_or_default();
    settlements.iter().map(|settlement| json!({"event_id": settlement["event_id"], "status": "completed"})).collect()
}

/// An exchange that settles, or a settle.
fn settles(call: &Call) -> bool {
    call.body["settlements"].as_array().is_some_and(|settlements| !settlements.is_empty())
}

fn is(name: &'static str) -> impl Fn(&Call) -> bool {
    move |call| call.line.ends_with(name)
}

struct RunningLoop {
    mock: Mock,
    shutdown: CancellationToken,
    engine: tokio::task::JoinHandle<Result<EngineSummary, EngineError>>,
}

impl RunningLoop {
    /// Runs an engine whose handler is `handle`.
    async fn start<F>(
        script: impl FnMut(&Call) -> Answer + Send + 'static,
        handle: impl Fn(HandlerContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = HandlerOutcome> + Send + 'static,
    {
        Self::start_until(CancellationToken::new(), script, handle).await
    }

    async fn start_until<F>(
        shutdown: CancellationToken,
        script: impl FnMut(&Call) -> Answer + Send + 'static,
        handle: impl Fn(HandlerContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = HandlerOutcome> + Send + 'static,
    {
        Self::start_with(1, shutdown, script, handle).await
    }

    async fn start_with<F>(
        max_concurrent: u32,
        shutdown: CancellationToken,
        script: impl FnMut(&Call) -> Answer + Send + 'static,
        handle: impl Fn(HandlerContext) -> F + Send + Sync + 'static,
    ) -> Self
    where
        F: Future<Output = HandlerOutcome> + Send + 'static,
    {
        let mock = Mock::start(script).await;
        let config = ClientConfig { first_wait: Duration::from_millis(1), max_repeats: 1, ..ClientConfig::default() };
        let client = Client::with_config(&mock.url, config).unwrap();
        let engine = EngineLoop::new(client, "sim-1".parse().unwrap(), "sim".parse().unwrap())
            .max_concurrent(max_concurrent)
            .grace(Duration::from_millis(200))
            .stop_wait(Duration::from_millis(200))
            .run(shutdown.clone(), move |_event, context| handle(context));
        Self { mock, shutdown, engine: tokio::spawn(engine) }
    }

    async fn end(self) -> (Mock, Result<EngineSummary, EngineError>) {
        let end = tokio::time::timeout(Duration::from_secs(20), self.engine).await.expect("it did not stop");
        (self.mock, end.unwrap())
    }

    async fn shut_down(self) -> (Mock, EngineSummary) {
        self.shutdown.cancel();
        let (mock, end) = self.end().await;
        (mock, end.unwrap())
    }
}

async fn completes(_: HandlerContext) -> HandlerOutcome {
    HandlerOutcome::Complete { result: None }
}

async fn waits_until_stopped(context: HandlerContext) -> HandlerOutcome {
    HandlerOutcome::failed("stopped", format!("{:?}", context.stopped().await))
}

#[tokio::test]
async fn an_event_is_claimed_processed_and_settled() {
    let mut server = MockServer::new();
    let run = RunningLoop::start(move |call| server.answer(call), completes).await;
    let settle = run.mock.call(settles).await;
    assert_eq!(settle.body["settlements"], json!([{"event_id": EVENT_ID, "lock_token": TOKEN, "outcome": "complete"}]));
    run.mock.call(|call| is("claim")(call) && call.body["limit"] == 1 && call.body["epoch"] == 1).await;
    let (mock, summary) = run.shut_down().await;
    assert_eq!(summary, EngineSummary { completed: 1, ..EngineSummary::default() });
    assert_eq!(mock.lines().last().unwrap(), "DELETE /v1/engines/sim-1?epoch=1");
}

#[tokio::test]
async fn a_lock_is_listed_from_claim_to_settle() {
    let mut server = MockServer::new();
    let run = RunningLoop::start(move |call| server.answer(call), waits_until_stopped).await;
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN])).await;
    run.shut_down().await;
}

#[tokio::test]
async fn a_handler_whose_lock_is_lost_is_stopped_and_its_result_dropped() {
    let mut server = MockServer::new();
    let script = move |call: &Call| match is("heartbeat")(call) {
        true => server.heartbeat(json!({"lost": call.body["lock_tokens"]})),
        false => server.answer(call),
    };
    let run = RunningLoop::start(script, waits_until_stopped).await;
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN])).await;
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([])).await;
    let (mock, summary) = run.shut_down().await;
    assert_eq!(summary, EngineSummary { lost: 1, ..EngineSummary::default() });
    assert!(!mock.calls().iter().any(settles));
}

#[tokio::test]
async fn a_handler_whose_event_is_cancelled_releases_it() {
    let mut server = MockServer::new();
    let script = move |call: &Call| match is("heartbeat")(call) {
        true => server.heartbeat(json!({"cancel": [EVENT_ID]})),
        false => server.answer(call),
    };
    let run = RunningLoop::start(script, waits_until_stopped).await;
    let settle = run.mock.call(settles).await;
    assert_eq!(settle.body["settlements"][0]["outcome"], "release");
    assert_eq!(run.shut_down().await.1.released, 1);
}

#[tokio::test]
async fn a_completion_that_was_ready_counts_although_the_handler_was_stopped() {
    let mut server = MockServer::new();
    let run = RunningLoop::start(
        move |call| server.answer(call),
        |context| async move {
            assert_eq!(context.stopped().await, StopReason::ShuttingDown);
            HandlerOutcome::Complete { result: None }
        },
    )
    .await;
    // A handler has begun when a heartbeat lists its lock.
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN])).await;
    assert_eq!(run.shut_down().await.1.completed, 1);
}

#[tokio::test]
async fn a_handler_that_does_not_stop_is_dropped_and_its_event_released() {
    let mut server = MockServer::new();
    let run = RunningLoop::start(move |call| server.answer(call), |_| std::future::pending()).await;
    run.mock.call(|call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN])).await;
    let (mock, summary) = run.shut_down().await;
    assert_eq!(summary, EngineSummary { released: 1, ..EngineSummary::default() });
    assert!(mock.lines().last().unwrap().starts_with("DELETE"));
}

#[tokio::test]
async fn what_a_claim_brings_during_shutdown_is_released() {
    let mut server = MockServer::with_events(0);
    let shutdown = CancellationToken::new();
    let told = shutdown.clone();
    let script = move |call: &Call| {
        if is("claim")(call) {
            told.cancel();
            return Answer::Late(Duration::from_millis(50), json!({"events": [event()]}));
        }
        server.answer(call)
    };
    let run = RunningLoop::start_until(shutdown, script, completes).await;
    let (mock, _) = run.end().await;
    let settle = mock.call(settles).await;
    assert_eq!(settle.body["settlements"], json!([{"event_id": EVENT_ID, "lock_token": TOKEN, "outcome": "release"}]));
}

#[tokio::test]
async fn a_handler_that_panics_fails_its_event_only() {
    let mut server = MockServer::new();
    let run = RunningLoop::start(move |call| server.answer(call), |_| async { panic!("as told") }).await;
    let settle = run.mock.call(settles).await;
    assert_eq!(settle.body["settlements"][0]["error"]["code"], "panic");
    assert_eq!(run.shut_down().await.1.failed, 1);
}

#[tokio::test]
async fn a_superseded_engine_stops_without_touching_anything() {
    let mut server = MockServer::new();
    let script = move |call: &Call| match is("heartbeat")(call) {
        true => problem(409, "engine_superseded", json!({})),
        false => server.answer(call),
    };
    let (mock, end) = RunningLoop::start(script, waits_until_stopped).await.end().await;
    assert!(matches!(end, Err(EngineError::Superseded(_))));
    assert!(!mock.lines().iter().any(|line| line.starts_with("DELETE")));
    assert!(!mock.calls().iter().any(settles));
}

#[tokio::test]
async fn an_engine_that_the_server_does_not_know_registers_again() {
    let mut server = MockServer::with_events(0);
    let script = move |call: &Call| {
        if (is("claim")(call) || is("heartbeat")(call)) && call.body["epoch"] == 1 {
            return problem(404, "engine_not_registered", json!({}));
        }
        server.answer(call)
    };
    let run = RunningLoop::start(script, completes).await;
    run.mock.call(|call| is("claim")(call) && call.body["epoch"] == 2).await;
    run.shut_down().await;
}

#[tokio::test]
async fn an_engine_waits_for_its_id_and_shows_its_session_from_then_on() {
    let session = SessionToken::made([1; 32]).to_string();
    let (mut server, mut asked, token) = (MockServer::new(), 0, session.clone());
    let script = move |call: &Call| match call.line.starts_with("PUT") {
        true if asked < 2 => {
            asked += 1;
            problem(409, "engine_alive", json!({}))
        }
        true => {
            let Answer::Json(status, mut engine) = server.answer(call) else { unreachable!("it registers") };
            engine["session_token"] = json!(token);
            Answer::Json(status, engine)
        }
        false => server.answer(call),
    };
    let run = RunningLoop::start(script, completes).await;
    run.mock.call(settles).await;
    run.mock.call(is("heartbeat")).await;
    let (mock, summary) = run.shut_down().await;
    assert_eq!(summary.completed, 1);
    assert_eq!(mock.lines().iter().filter(|line| line.starts_with("PUT")).count(), 3);
    for call in mock.calls() {
        let want = (!call.line.starts_with("PUT")).then_some(&session);
        assert_eq!((call.session.as_ref(), call.body["takeover"] == true), (want, false), "{}", call.line);
    }
}

#[tokio::test]
async fn an_engine_that_waits_for_its_id_stops_when_it_is_asked_to() {
    let run = RunningLoop::start(|_: &Call| problem(409, "engine_alive", json!({})), completes).await;
    run.mock.call(is("sim-1")).await;
    let (mock, summary) = run.shut_down().await;
    assert_eq!(summary, EngineSummary::default());
    assert!(mock.lines().iter().all(|line| line.starts_with("PUT")));
}

#[tokio::test]
async fn an_engine_that_was_drained_and_stopped_ends_in_peace() {
    let mut server = MockServer::with_events(0);
    let script = move |call: &Call| match is("heartbeat")(call) {
        true => server.heartbeat(json!({"status": "stopped", "drain": true})),
        false => server.answer(call),
    };
    let (mock, end) = RunningLoop::start(script, completes).await.end().await;
    assert_eq!(end.unwrap(), EngineSummary::default());
    assert!(!mock.lines().iter().any(|line| line.starts_with("DELETE")));
}

#[tokio::test]
async fn a_settle_is_repeated_until_the_server_is_back() {
    let mut server = MockServer::new();
    let mut away = 4;
    let script = move |call: &Call| {
        if settles(call) && away > 0 {
            away -= 1;
            return problem(503, "store_unavailable", json!({"applied": "unknown"}));
        }
        server.answer(call)
    };
    let run = RunningLoop::start(script, completes).await;
    // The slot is free for another claim once the settle was answered, and not before.
    run.mock.calls_of(is("claim"), 2).await;
    assert_eq!(run.mock.calls_of(settles, 5).await, 5);
    assert_eq!(run.shut_down().await.1.completed, 1);
}

#[tokio::test]
async fn what_the_server_cannot_store_fails_the_event() {
    let mut server = MockServer::new();
    let script = move |call: &Call| {
        if settles(call) && call.body["settlements"][0]["outcome"] == "complete" {
            let error = json!({"type": "/problems/too_large", "title": "Too large", "status": 413, "detail": "too large",
                "code": "too_large"});
            return ok(json!({"settlements": [{"event_id": EVENT_ID, "status": null, "error": error}]}));
        }
        server.answer(call)
    };
    let run = RunningLoop::start(script, completes).await;
    let failed = run.mock.call(|call| settles(call) && call.body["settlements"][0]["outcome"] == "fail").await;
    assert_eq!(failed.body["settlements"][0]["error"]["code"], "invalid_result");
    assert_eq!(failed.body["settlements"][0]["retryable"], false);
    run.shut_down().await;
}

#[tokio::test]
async fn an_engine_that_may_not_register_says_why() {
    let run = RunningLoop::start(|_| problem(422, "invalid_request", json!({})), completes).await;
    assert!(matches!(run.end().await.1, Err(EngineError::Call(_))));
}

/// The exchanges and claims that have arrived: the limit and the wait of each claim, and how many events it settles.
fn talk(calls: &[Call]) -> Vec<String> {
    let of = |call: &Call| {
        let settled = call.body["settlements"].as_array().map_or(0, Vec::len);
        match call.line.rsplit('/').next() {
            Some("claim") => Some(format!("claim {} within {} s", call.body["limit"], call.body["wait_seconds"])),
            Some("exchange") if call.body["claim"].is_null() => Some(format!("settle {settled}")),
            Some("exchange") => {
                let claim = &call.body["claim"];
                Some(format!("settle {settled}, claim {} within {} s", claim["limit"], claim["wait_seconds"]))
            }
            Some("settle") => Some(format!("settle {settled} by itself")),
            _ => None,
        }
    };
    calls.iter().filter_map(of).collect()
}

#[tokio::test]
async fn a_backlog_costs_one_call_for_each_event() {
    let mut server = MockServer::with_events(3);
    let run = RunningLoop::start(move |call| server.answer(call), completes).await;
    run.mock.calls_of(is("claim"), 2).await;
    let both = "settle 1, claim 1 within 0.0 s";
    assert_eq!(talk(&run.mock.calls()), ["claim 1 within 20.0 s", both, both, both, "claim 1 within 20.0 s"]);
    assert_eq!(run.shut_down().await.1.completed, 3);
}

#[tokio::test]
async fn a_busy_engine_heartbeats_in_its_exchanges() {
    let mut server = MockServer::with_events(u32::MAX);
    let run = RunningLoop::start(move |call| server.answer(call), completes).await;
    let exchange = run.mock.call(|call| is("exchange")(call) && !call.body["heartbeat"].is_null()).await;
    // Its lock stays listed until the settle is answered.
    assert_eq!(exchange.body["heartbeat"]["lock_tokens"], json!([exchange.body["settlements"][0]["lock_token"]]));
    // Only one that is due goes along.
    assert_eq!(run.mock.call(is("exchange")).await.body["heartbeat"], Value::Null);
    run.shut_down().await;
}

#[tokio::test]
async fn a_heartbeat_in_an_exchange_is_obeyed() {
    let mut server = MockServer::with_events(u32::MAX);
    let script = move |call: &Call| {
        if call.body["heartbeat"].is_null() {
            return server.answer(call);
        }
        let mut answer = server.exchange(call);
        answer["heartbeat"] = alive(json!({"drain": true, "status": "stopped"}));
        ok(answer)
    };
    let (mock, end) = RunningLoop::start(script, completes).await.end().await;
    assert!(end.unwrap().completed > 0 && !mock.lines().iter().any(|line| line.starts_with("DELETE")));
}

#[tokio::test]
async fn the_lock_of_a_handler_that_never_ends_is_listed_again_and_again() {
    let mut server = MockServer::new();
    let run = RunningLoop::start(move |call| server.answer(call), waits_until_stopped).await;
    let lists = |call: &Call| is("heartbeat")(call) && call.body["lock_tokens"] == json!([TOKEN]);
    run.mock.calls_of(lists, 3).await;
    assert_eq!(talk(&run.mock.calls()), ["claim 1 within 20.0 s"]);
    run.shut_down().await;
}

#[tokio::test]
async fn a_result_goes_out_while_a_claim_waits() {
    let (finish, finished) = tokio::sync::watch::channel(false);
    let mut server = MockServer::new().without_heartbeats();
    let run = RunningLoop::start_with(
        2,
        CancellationToken::new(),
        move |call| server.answer(call),
        move |_| {
            let mut finished = finished.clone();
            async move {
                finished.wait_for(|finished| *finished).await.unwrap();
                HandlerOutcome::Complete { result: None }
            }
        },
    )
    .await;
    run.mock.calls_of(is("claim"), 2).await;
    finish.send_replace(true);
    run.mock.call(settles).await;
    // The one that waits is left alone, and nothing else is claimed meanwhile.
    assert_eq!(talk(&run.mock.calls()), ["claim 2 within 20.0 s", "claim 1 within 20.0 s", "settle 1"]);
    assert_eq!(run.shut_down().await.1.completed, 1);
}

#[tokio::test]
async fn what_an_exchange_brings_during_shutdown_is_released() {
    let mut server = MockServer::with_events(2).without_heartbeats();
    let shutdown = CancellationToken::new();
    let token = shutdown.clone();
    let script = move |call: &Call| {
        if is("exchange")(call) && !call.body["claim"].is_null() {
            token.cancel();
            return Answer::Late(Duration::from_millis(50), server.exchange(call));
        }
        server.answer(call)
    };
    let (mock, end) = RunningLoop::start_until(shutdown, script, completes).await.end().await;
    assert_eq!(end.unwrap(), EngineSummary { completed: 1, released: 1, ..EngineSummary::default() });
    let released = mock.call(|call| settles(call) && call.body["settlements"][0]["outcome"] == "release").await;
    assert_eq!(released.body["settlements"][0]["lock_token"], "1-00000000000000000000000000000002");
    assert!(mock.lines().last().unwrap().starts_with("DELETE"));
}

#[tokio::test]
async fn an_exchange_that_failed_for_a_while_is_repeated_and_nothing_is_run_twice() {
    for failure in [
        problem(429, "overloaded", json!({"applied": false})),
        problem(503, "store_unavailable", json!({"applied": false})),
        problem(503, "store_unavailable", json!({"applied": "unknown"})),
        Answer::Text(502, "bad gateway"),
    ] {
        let mut server = MockServer::with_events(2).without_heartbeats();
        let mut failure = Some(failure);
        let script = move |call: &Call| match is("exchange")(call) {
            true => failure.take().unwrap_or_else(|| server.answer(call)),
            false => server.answer(call),
        };
        let run = RunningLoop::start(script, completes).await;
        run.mock.calls_of(is("claim"), 2).await;
        let (mock, summary) = run.shut_down().await;
        assert_eq!(summary, EngineSummary { completed: 2, ..EngineSummary::default() });
        let both = "settle 1, claim 1 within 0.0 s";
        assert_eq!(talk(&mock.calls())[1..4], [both, both, both]);
    }
}

#[tokio::test]
async fn an_engine_whose_exchange_is_refused_settles_by_itself_and_heartbeats_at_once() {
    for (status, code) in [(409, "engine_lost"), (404, "engine_not_registered"), (409, "engine_superseded")] {
        let mut server = MockServer::new().without_heartbeats();
        let mut refused = false;
        let script = move |call: &Call| {
            if is("exchange")(call) && !refused {
                refused = true;
                return problem(status, code, json!({}));
            }
            server.answer(call)
        };
        let run = RunningLoop::start(script, completes).await;
        run.mock.call(is("heartbeat")).await;
        // The token of the lock decides whether the result still counts, and here it does.
        let settle = run.mock.call(is("settle")).await;
        assert_eq!(settle.body["settlements"][0]["lock_token"], TOKEN);
        assert_eq!(run.shut_down().await.1.completed, 1, "{code}");
    }
}

#[tokio::test]
async fn an_exchange_whose_answer_makes_no_sense_is_settled_by_itself() {
    let mut server = MockServer::new().without_heartbeats();
    let script = move |call: &Call| match is("exchange")(call) {
        true => ok(json!({"settlements": []})),
        false => server.answer(call),
    };
    let run = RunningLoop::start(script, completes).await;
    run.mock.call(is("settle")).await;
    assert_eq!(run.shut_down().await.1.completed, 1);
}
