//! Attempts in memory: what a handler answers is tested without a server, and what it reports is looked at.

use enginehouse_api::events::Event;
use enginehouse_core::event::AttemptError;
use enginehouse_core::report::AttemptReport;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::engine::Engine;
use crate::engine_loop::{ClaimedEvent, HandlerContext, HandlerOutcome, StopReason};

/// One attempt at an event that no server has given: [`Engine::attempt`] makes it.
#[derive(Debug)]
pub struct TestAttempt<'a, S> {
    engine: &'a Engine<S>,
    event: Value,
    context: HandlerContext,
}

impl<S: Send + Sync + 'static> Engine<S> {
    /// An attempt at an event that no server has given, to test its handler with.
    ///
    /// ```
    /// # use enginehouse_client::{Context, Engine, HandlerError, StopReason};
    /// # use serde_json::{Value, json};
    /// # async fn price(order: Value, _: Context) -> Result<Value, HandlerError> { Ok(json!({ "total": 12 * 3 })) }
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let engine = Engine::new("pricing").on("order.created", price);
    /// let tried = engine.attempt("order.created", &json!({ "sku": "tea", "qty": 3 })).run().await;
    /// assert_eq!(tried.result(), Some(json!({ "total": 36 })));
    /// # }
    /// ```
    pub fn attempt(&self, event_type: &str, payload: &impl Serialize) -> TestAttempt<'_, S> {
        TestAttempt::new(self, event_type, payload)
    }
}

/// What came of an attempt.
#[derive(Clone, Debug)]
pub struct TriedAttempt {
    /// What is answered to the server.
    pub outcome: HandlerOutcome,
    /// What was reported: usage, progress, checkpoint and log.
    pub report: AttemptReport,
}

impl<'a, S: Send + Sync + 'static> TestAttempt<'a, S> {
    fn new(engine: &'a Engine<S>, event_type: &str, payload: &impl Serialize) -> Self {
        let at = "2026-01-01T00:00:00.000Z";
        let event = json!({
            "event_id": "01941f29-7c00-7000-8000-000000000001", "event_type": event_type, "queue": "default",
            "status": "processing", "priority": 5, "payload": payload, "attempt": 1, "retries": 0, "failures": 0,
            "losses": 0, "redrives": 0, "available_at": at, "expires_at": null, "enqueued_at": at, "finished_at": null,
            "completed_at": null, "result": null, "last_error": null, "dead_letter": null,
            "lock": {
                "holder": "processing_by_test", "engine_id": "test", "token": format!("1-{}", "0".repeat(32)),
                "claimed_at": at, "expires_at": "2026-01-01T00:05:00.000Z",
            },
            "cancel_requested": false, "engine_id": "test", "scenario_run_id": null, "required_capabilities": [],
            "required_memory_mb": null, "engine_version": null, "idempotency_key": null,
            "idempotency_key_expires_at": null, "traceparent": null, "retry_policy": null, "visibility_timeout_seconds": null,
            "max_processing_seconds": null, "progress_timeout_seconds": null, "labels": {},
        });
        Self { engine, event, context: HandlerContext::default() }
    }

    /// The number of the attempt; 1 unless set.
    #[must_use]
    pub fn number(mut self, attempt: u32) -> Self {
        self.event["attempt"] = attempt.into();
        self
    }

    /// The checkpoint that an attempt before has left.
    #[must_use]
    pub fn checkpoint(mut self, checkpoint: &impl Serialize) -> Self {
        self.event["previous"] = json!({ "checkpoint": checkpoint, "error": null, "engine_id": null });
        self
    }

    /// A field of the event, by its name in JSON: `labels`, `scenario_run_id` or another one.
    #[must_use]
    pub fn field(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.event[name] = value.into();
        self
    }

    /// The handler is to stop from the beginning, for this reason.
    #[must_use]
    pub fn stopped(self, reason: StopReason) -> Self {
        self.context.stop(reason);
        self
    }

    /// Runs the handler of the event's type to its end. It keeps its timeout, if the engine has set one.
    ///
    /// # Panics
    /// A field was set to what no event has, or the payload is no JSON.
    pub async fn run(self) -> TriedAttempt {
        let event: Event = serde_json::from_value(self.event).expect("the fields are those of an event");
        let event = ClaimedEvent::new(event).expect("it has a token");
        let outcome = self.engine.handle(event, self.context.clone()).await;
        TriedAttempt { outcome, report: self.context.pending_report() }
    }
}

impl TriedAttempt {
    /// The result of an attempt that has completed its event; none if it has not.
    ///
    /// # Panics
    /// The result is no `T`.
    pub fn result<T: DeserializeOwned>(&self) -> Option<T> {
        let HandlerOutcome::Complete { result } = &self.outcome else { return None };
        let text = result.as_ref().map_or("null", |result| result.as_str());
        Some(serde_json::from_str(text).expect("the result is of this type"))
    }

    /// The error of an attempt that has failed; none if it has not.
    pub const fn error(&self) -> Option<&AttemptError> {
        match &self.outcome {
            HandlerOutcome::Fail { error, .. } => Some(error),
            HandlerOutcome::Complete { .. } | HandlerOutcome::Release { .. } => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::sdk::{Context, HandlerError, Retry};

    #[derive(serde::Deserialize)]
    struct Frames {
        count: u32,
    }

    async fn render(frames: Frames, context: Context) -> Result<u32, HandlerError> {
        let first = context.checkpoint_of_before::<u32>()?.unwrap_or(0);
        for frame in first..frames.count {
            context.check()?;
            context.checkpoint(&(frame + 1))?;
            if context.attempt() == 1 && frame == 2 {
                return Err(Retry::after(Duration::from_secs(5)).code("no_memory").into());
            }
        }
        Ok(frames.count - first)
    }

    fn engine() -> Engine {
        Engine::new("renderer").on("frames", render)
    }

    #[tokio::test]
    async fn a_handler_goes_on_where_the_attempt_before_has_ended() {
        let first = engine().attempt("frames", &json!({ "count": 9 })).run().await;
        assert_eq!(first.error().unwrap().code.as_deref(), Some("no_memory"));
        let HandlerOutcome::Fail { retry_after_seconds, retryable, .. } = first.outcome else {
            panic!("it has failed")
        };
        assert_eq!((retry_after_seconds, retryable), (Some(5.0), true));
        let checkpoint: u32 = serde_json::from_str(first.report.checkpoint.unwrap().as_str()).unwrap();
        assert_eq!(checkpoint, 3);
        let engine = engine();
        let second = engine.attempt("frames", &json!({ "count": 9 })).number(2).checkpoint(&checkpoint).run().await;
        assert_eq!(second.result(), Some(6));
    }

    #[tokio::test]
    async fn what_no_handler_can_read_and_who_is_stopped_has_failed() {
        let wrong = engine().attempt("frames", &json!({ "count": "many" })).run().await;
        assert_eq!(wrong.error().unwrap().code.as_deref(), Some("invalid_payload"));
        assert!(wrong.error().unwrap().message.contains("the payload is no Frames"), "{wrong:?}");
        let stopped = engine().attempt("frames", &json!({ "count": 1 })).stopped(StopReason::ShuttingDown).run().await;
        assert_eq!(stopped.error().unwrap().code.as_deref(), Some("stopped"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_handler_that_takes_too_long_has_failed() {
        let slow = |_: Value, context: Context| async move { context.sleep(Duration::from_secs(60)).await };
        let engine = Engine::new("slow").on("work", slow).timeout("work", Duration::from_secs(30));
        let late = engine.attempt("work", &json!({})).run().await;
        assert_eq!(late.error().unwrap().code.as_deref(), Some("timed_out"));
    }
}
