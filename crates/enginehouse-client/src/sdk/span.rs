//! The span of an attempt, in the words of OpenTelemetry's conventions for messaging.

use tracing::Span;
use tracing::field::Empty;

use crate::engine_loop::{ClaimedEvent, HandlerOutcome};

/// A span around one attempt. `traceparent` is the span that enqueued the event, for whoever links to it: an application with
/// `tracing-opentelemetry` does so in its layer, or in the handler by `Span::current()`.
pub(super) fn span_of(event: &ClaimedEvent) -> Span {
    tracing::info_span!(
        "process",
        otel.name = format!("process {}", event.event_type),
        otel.kind = "consumer",
        otel.status_code = Empty,
        otel.status_description = Empty,
        error.type = Empty,
        messaging.system = "enginehouse",
        messaging.operation.name = "process",
        messaging.operation.type = "process",
        messaging.destination.name = %event.queue,
        messaging.message.id = %event.event_id,
        messaging.client.id = event.engine_id.as_ref().map(tracing::field::display),
        enginehouse.event_type = %event.event_type,
        enginehouse.attempt = event.attempt,
        traceparent = event.traceparent.as_ref().map(tracing::field::display),
    )
}

/// Notes a failure.
pub(super) fn note(span: &Span, outcome: &HandlerOutcome) {
    if let HandlerOutcome::Fail { error, .. } = outcome {
        span.record("otel.status_code", "ERROR");
        span.record("otel.status_description", error.message.as_str());
        span.record("error.type", error.code.as_deref().unwrap_or("_OTHER"));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing_subscriber::fmt::format::FmtSpan;

    use crate::{Engine, HandlerError};

    #[tokio::test]
    async fn an_attempt_runs_in_a_span_and_a_failure_is_its_status() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let kept = Arc::clone(&lines);
        let subscriber = tracing_subscriber::fmt()
            .json()
            .with_span_events(FmtSpan::CLOSE)
            .with_writer(move || Kept(Arc::clone(&kept)))
            .finish();
        let _guard = tracing::subscriber::set_default(subscriber);
        let engine = Engine::new("test").on("work", |_: Value| async {
            tracing::info!("at work");
            Err::<(), _>(HandlerError::rejected("too_late", "it is over"))
        });
        engine.attempt("work", &json!({})).number(2).run().await;
        let written = String::from_utf8(lines.lock().unwrap().clone()).unwrap();
        let lines: Vec<Value> = written.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let [inside, end] = &lines[..] else { panic!("{written}") };
        assert_eq!(inside["fields"]["message"], "at work");
        assert_eq!(inside["span"]["otel.name"], "process work");
        let span = &end["span"];
        for (field, expected) in [
            ("otel.kind", json!("consumer")),
            ("otel.status_code", json!("ERROR")),
            ("otel.status_description", json!("it is over")),
            ("error.type", json!("too_late")),
            ("messaging.destination.name", json!("default")),
            ("messaging.client.id", json!("test")),
            ("enginehouse.attempt", json!(2)),
        ] {
            assert_eq!(span[field], expected, "{field} in {written}");
        }
        assert_eq!(span["traceparent"], Value::Null, "{written}");
    }

    /// What is written, for a test to read.
    struct Kept(Arc<Mutex<Vec<u8>>>);

    impl std::io::Write for Kept {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
}
